//! The pages, a file for each.

pub mod activity;
pub mod clean;
pub mod contact;
pub mod contacts;
pub mod export;
pub mod find;
pub mod import;
pub mod imports;
pub mod inbox;
pub mod list;
pub mod lists;
pub mod login;
pub mod overview;
pub mod system;
pub mod waiting;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use super::assets;
use crate::error::{Code, Error};

/// How many rows a table has.
pub const ROWS: &str = "50";

/// What a page comes to.
pub type Page = Result<Response, Error>;

#[derive(Template)]
#[template(path = "error.html", config = "src/console/askama.toml")]
struct ErrorPage<'a> {
    title: &'a str,
    text: &'a str,
    style: String,
}

/// A page that says what is wrong and what to do.
pub fn error_page(status: StatusCode, title: &str, text: &str) -> Response {
    let page = ErrorPage { title, text, style: assets::style() };
    (status, Html(page.render().unwrap_or_else(|_| title.to_owned()))).into_response()
}

/// Nothing is there.
pub async fn missing() -> Response {
    error_page(StatusCode::NOT_FOUND, "There is no such page", "The address is misspelt, or the page has moved.")
}

/// A filled template.
pub fn render(page: &impl Template) -> Page {
    page.render().map(|page| Html(page).into_response()).map_err(Error::internal)
}

/// The page of an error of the daemon.
pub fn failed(why: Error) -> Response {
    let (status, title) = match why.code {
        Code::NoPerm => (StatusCode::FORBIDDEN, "Your token does not allow this"),
        Code::NoAuth => (StatusCode::UNAUTHORIZED, "You are logged out"),
        Code::NoList => (StatusCode::NOT_FOUND, "This is not a sending list"),
        Code::BadArg | Code::Err | Code::Limit | Code::NoProto => (StatusCode::BAD_REQUEST, "contactd cannot do that"),
        Code::Loading => (StatusCode::SERVICE_UNAVAILABLE, "contactd has just started: try again in a moment"),
        Code::Draining => (StatusCode::SERVICE_UNAVAILABLE, "contactd is shutting down"),
        Code::Standby | Code::Moved => (StatusCode::SERVICE_UNAVAILABLE, "Another daemon serves this store now"),
        Code::Busy => (StatusCode::SERVICE_UNAVAILABLE, "Too many clients: try again in a moment"),
        Code::ReadOnly => (StatusCode::SERVICE_UNAVAILABLE, "Nothing can be written"),
        Code::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "Something is wrong with contactd"),
    };
    error_page(status, title, &why.message)
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        failed(self)
    }
}
