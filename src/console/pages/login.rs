//! The login: a token for a session.

use std::sync::Arc;
use std::time::{Duration, Instant};

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::Page;
use crate::command::{Access, TokenId};
use crate::console::guard::Ended;
use crate::console::{Console, assets};
use crate::error::Error;
use crate::limits::WRONG_TOKEN_MS;

#[derive(Template)]
#[template(path = "login.html", config = "src/console/askama.toml")]
struct Login<'a> {
    to: &'a str,
    is_wrong: bool,
    /// Why the last session is over, if it is.
    ended: Option<Ended>,
    style: String,
}

#[derive(Deserialize)]
pub struct Options {
    #[serde(default)]
    to: String,
    /// Why the last session is over.
    #[serde(default)]
    ended: String,
}

#[derive(Deserialize)]
pub struct Given {
    token: String,
    #[serde(default)]
    to: String,
}

/// Asks for a token.
pub async fn show(Query(options): Query<Options>) -> Page {
    page(&options.to, false, Ended::named(&options.ended))
}

/// Begins a session. A wrong token takes a while, so that nobody tries many.
pub async fn log_in(State(console): State<Arc<Console>>, Form(given): Form<Given>) -> Page {
    let token = TokenId::of(given.token.trim().as_bytes());
    if console.tokens.get().grant(token).is_none_or(|grant| grant.access < Access::Read) {
        tokio::time::sleep(Duration::from_millis(WRONG_TOKEN_MS)).await;
        return page(&given.to, true, None);
    }
    let (secret, _) = console.sessions.begin(Some(token), Instant::now())?;
    let to = if is_ours(&given.to) { &given.to } else { "/" };
    with_cookie(Redirect::to(to).into_response(), &console.cookie(&secret))
}

/// Ends a session.
pub async fn log_out(State(console): State<Arc<Console>>, headers: HeaderMap) -> Page {
    if let Some(secret) = console.secret(&headers) {
        console.sessions.end(&secret);
    }
    with_cookie(Redirect::to("/login").into_response(), &console.no_cookie())
}

/// Whether an address leads to a page of ours, and not to somebody else's.
pub fn is_ours(path: &str) -> bool {
    path.starts_with('/') && !path.starts_with("//") && !path.contains('\\') && !path.contains(char::is_control)
}

fn page(to: &str, is_wrong: bool, ended: Option<Ended>) -> Page {
    let login = Login { to, is_wrong, ended, style: assets::style() };
    let page = Html(login.render().map_err(Error::internal)?);
    let status = if is_wrong { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    Ok((status, page).into_response())
}

fn with_cookie(mut response: Response, cookie: &str) -> Page {
    let cookie = HeaderValue::from_str(cookie).map_err(Error::internal)?;
    response.headers_mut().insert(SET_COOKIE, cookie);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_to_no_other_site() {
        for ours in ["/", "/lists/24365?who=active", "/contacts/+14155550100"] {
            assert!(is_ours(ours), "{ours}");
        }
        for other in ["", "//evil.example/", "https://evil.example/", "/\\evil.example", "\\\\evil", "/a\r\nb: c"] {
            assert!(!is_ours(other), "{other:?}");
        }
    }
}
