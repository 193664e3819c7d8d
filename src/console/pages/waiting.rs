//! What there is while the daemon answers no requests: the store is being loaded, or the daemon shuts down. And the lines of
//! health checks.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, REFRESH, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};

use crate::command::Health;
use crate::console::words::grouped;
use crate::console::{Console, assets};
use crate::error::Error;

#[derive(Template)]
#[template(path = "waiting.html", config = "src/console/askama.toml")]
struct Waiting {
    title: String,
    text: &'static str,
    /// How many contacts of how many are loaded.
    progress: Option<(u32, u32)>,
    style: String,
}

/// Tells a browser to wait. It asks again by itself for what it wanted to see; a form would be sent twice.
pub fn page(health: Health, is_reading: bool) -> Response {
    let (title, progress) = match health {
        Health::Loading { of: 0, .. } | Health::Ready { .. } => ("contactd is loading".to_owned(), None),
        Health::Loading { contacts, of } => {
            let (loaded, all) = (grouped(contacts.into()), grouped(of.into()));
            (format!("contactd is loading, {loaded} of {all} contacts"), Some((contacts, of)))
        }
        Health::Standby { .. } => ("This contactd stands by, and another one serves".to_owned(), None),
        Health::Draining => ("contactd is shutting down".to_owned(), None),
    };
    let is_draining = health == Health::Draining;
    let text = match (is_draining, is_reading) {
        (_, false) => "Nothing was done. Go back, and send the form again in a moment.",
        (true, true) => "This page comes back when contactd is started again.",
        (false, true) => "The page that you asked for follows by itself.",
    };
    let page = Waiting { title, text, progress, style: assets::style() };
    let page = page.render().map_err(Error::internal).map(Html);
    let mut response = (StatusCode::SERVICE_UNAVAILABLE, page).into_response();
    let headers = response.headers_mut();
    headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    if is_reading {
        headers.insert(REFRESH, HeaderValue::from_static(if is_draining { "5" } else { "1" }));
    }
    response
}

/// Whether the process serves.
pub async fn healthz(State(console): State<Arc<Console>>) -> Response {
    line(StatusCode::OK, if console.inside.health().is_ready() { "ok" } else { "ok, not ready" })
}

/// Whether requests are answered.
pub async fn readyz(State(console): State<Arc<Console>>) -> Response {
    let health = console.inside.health();
    let status = if health.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    line(status, &health.to_string())
}

fn line(status: StatusCode, line: &str) -> Response {
    let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-store")];
    (status, headers, format!("{line}\n")).into_response()
}
