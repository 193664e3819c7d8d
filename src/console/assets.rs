//! The files that pages use: a stylesheet and a script, under names that change with what they hold.

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("assets/console.css");
const SCRIPT: &str = include_str!("assets/console.js");

/// Where the stylesheet is.
pub fn style() -> String {
    format!("/assets/{}", named(STYLE, "css"))
}

/// Where the script is.
pub fn script() -> String {
    format!("/assets/{}", named(SCRIPT, "js"))
}

/// Serves one of them. A browser keeps it for ever: what changes gets another name.
pub async fn asset(Path(file): Path<String>) -> Response {
    let (text, kind) = if file == named(STYLE, "css") {
        (STYLE, "text/css; charset=utf-8")
    } else if file == named(SCRIPT, "js") {
        (SCRIPT, "text/javascript; charset=utf-8")
    } else if file == "icon.svg" {
        (include_str!("assets/icon.svg"), "image/svg+xml")
    } else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut response = text.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    response
}

fn named(text: &str, extension: &str) -> String {
    format!("console-{}.{extension}", &HEXLOWER.encode(&Sha256::digest(text))[..12])
}
