//! What each request of a browser has to pass: its host, its origin, its session. And the headers of each answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, HOST, ORIGIN, REFERRER_POLICY, RETRY_AFTER, SET_COOKIE,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::Console;
use super::pages::{error_page, waiting};
use super::session::Session;
use crate::command::{Access, Grant, Health};

/// Nothing but our own files, and nothing inside the page itself: a text of somebody else cannot become a program.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'",
);

/// Lets a request through to its page, or answers it.
pub async fn guard(State(console): State<Arc<Console>>, mut request: Request, next: Next) -> Response {
    let Ok(_place) = console.places.try_acquire() else {
        let mut busy = error_page(StatusCode::SERVICE_UNAVAILABLE, "Too many pages at once", "Try again in a moment.");
        busy.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        return protect(busy, true);
    };
    let is_asset = request.uri().path().starts_with("/assets/");
    let response = match admit(&console, &mut request) {
        Ok(cookie) => {
            let is_reading = is_reading(&request);
            let mut response = next.run(request).await;
            // A page whose daemon began to shut down meanwhile could not ask all that it wanted to.
            if response.status().is_server_error() && console.inside.health() == Health::Draining {
                response = waiting::page(Health::Draining, is_reading);
            }
            if let Some(cookie) = cookie.and_then(|cookie| HeaderValue::from_str(&cookie).ok()) {
                response.headers_mut().append(SET_COOKIE, cookie);
            }
            response
        }
        Err(refused) => *refused,
    };
    protect(response, !is_asset)
}

/// Looks at host, origin and session. Gives the cookie of a session that has just begun.
fn admit(console: &Console, request: &mut Request) -> std::result::Result<Option<String>, Box<Response>> {
    let headers = request.headers();
    let Some(host) = host(headers, request.uri().authority().map(Authority::as_str)) else {
        return Err(Box::new(foreign_host("")));
    };
    if !is_known(&host, &console.hosts) {
        return Err(Box::new(foreign_host(&host)));
    }
    let is_reading = is_reading(request);
    if !is_reading && !is_same_origin(headers, &host, console.is_encrypted) {
        return Err(Box::new(error_page(
            StatusCode::FORBIDDEN,
            "This form came from another page",
            "contactd takes forms from its own pages only. Open the page here and try again.",
        )));
    }
    let path = request.uri().path();
    if path.starts_with("/assets/") {
        return Ok(None);
    }
    let health = console.inside.health();
    if !health.is_ready() {
        return Err(Box::new(waiting::page(health, is_reading)));
    }
    let session = session(console, headers);
    if let Some(Ok(session)) = session {
        request.extensions_mut().insert(session);
        return Ok(None);
    }
    if console.tokens.get().is_empty() {
        let (secret, session) =
            console.sessions.begin(None, Instant::now()).map_err(|why| Box::new(why.into_response()))?;
        request.extensions_mut().insert(session);
        return Ok(Some(console.cookie(&secret)));
    }
    if path == "/login" {
        return Ok(None);
    }
    let why = session.and_then(Result::err);
    if !is_reading {
        let text = format!("{}Nothing was done. Log in and try again.", why.map_or("", Ended::text));
        return Err(Box::new(error_page(StatusCode::FORBIDDEN, "You are logged out", &text)));
    }
    let back = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let ended = why.map_or(String::new(), |why| format!("&ended={}", why.word()));
    let login = format!("/login?to={}{ended}", super::words::url_encode(back));
    Err(Box::new(Redirect::to(&login).into_response()))
}

/// Why a session is over that a browser still has the cookie of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was idle, it was old, or contactd was started again.
    Session,
    /// Its token left the file.
    Token,
}

impl Ended {
    /// The word in the address of the login.
    fn word(self) -> &'static str {
        match self {
            Ended::Session => "session",
            Ended::Token => "token",
        }
    }

    /// The reason of a word.
    pub fn named(word: &str) -> Option<Ended> {
        [Ended::Session, Ended::Token].into_iter().find(|ended| ended.word() == word)
    }

    /// What somebody reads.
    pub fn text(self) -> &'static str {
        match self {
            Ended::Session => "Your session has ended: nobody used it for a while, or contactd was started again. ",
            Ended::Token => "Your token is not valid any more, so your session has ended. ",
        }
    }
}

/// Whether a request changes nothing.
fn is_reading(request: &Request) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
}

/// The session that a cookie names, or why it is over; None where there is no cookie.
fn session(console: &Console, headers: &HeaderMap) -> Option<std::result::Result<Arc<Session>, Ended>> {
    let secret = console.secret(headers).filter(|secret| !secret.is_empty())?;
    let Some(session) = console.sessions.get(&secret, !is_live(headers), Instant::now()) else {
        return Some(Err(Ended::Session));
    };
    Some(if console.grant(&session).is_some() { Ok(session) } else { Err(Ended::Token) })
}

/// Whether a page asks on its own, to keep itself up to date.
pub fn is_live(headers: &HeaderMap) -> bool {
    headers.contains_key("x-live")
}

impl Console {
    /// What a session may do; None: its token is not one any more.
    pub fn grant(&self, session: &Session) -> Option<Grant> {
        let tokens = self.tokens.get();
        match session.token {
            Some(token) => tokens.grant(token).filter(|grant| grant.access >= Access::Read).cloned(),
            None => tokens.is_empty().then(|| Grant::unnamed(Access::Admin)),
        }
    }

    /// The secret in a session's cookie.
    pub fn secret(&self, headers: &HeaderMap) -> Option<String> {
        let name = self.cookie_name();
        headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|all| all.split(';')).find_map(
            |cookie| {
                let (found, value) = cookie.trim().split_once('=')?;
                (found == name).then(|| value.to_owned())
            },
        )
    }

    /// The cookie of a session. Lax, not Strict: a link in a chat should lead to its page, not to the login.
    pub fn cookie(&self, secret: &str) -> String {
        let secure = if self.is_encrypted { "; Secure" } else { "" };
        format!("{}={secret}; Path=/; HttpOnly; SameSite=Lax{secure}", self.cookie_name())
    }

    /// What makes a browser forget the cookie.
    pub fn no_cookie(&self) -> String {
        format!("{}; Max-Age=0", self.cookie(""))
    }

    fn cookie_name(&self) -> &'static str {
        if self.is_encrypted { "__Host-contactd" } else { "contactd" }
    }
}

/// Whom the browser calls, as host and port.
fn host(headers: &HeaderMap, authority: Option<&str>) -> Option<String> {
    match headers.get(HOST) {
        Some(host) => host.to_str().ok().map(str::to_owned),
        None => authority.map(str::to_owned),
    }
}

/// Whether a host is one of ours: a name of somebody else can be made to lead here (DNS rebinding).
fn is_known(host: &str, names: &[String]) -> bool {
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|digit| digit.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name).trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok()
        || names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether a form is one of our own pages. Browsers say so in `Sec-Fetch-Site`; where they do not, `Origin` must be ours.
fn is_same_origin(headers: &HeaderMap, host: &str, is_encrypted: bool) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    let scheme = if is_encrypted { "https" } else { "http" };
    headers.get(ORIGIN).is_some_and(|origin| origin == format!("{scheme}://{host}").as_str())
}

fn foreign_host(host: &str) -> Response {
    error_page(
        StatusCode::MISDIRECTED_REQUEST,
        "This is not the name of this console",
        &format!("contactd does not answer to '{host}'. Call it by its address, or start it with --http-host NAME."),
    )
}

/// Adds what every answer says.
fn protect(mut response: Response, may_change: bool) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    if may_change {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_somebody_else_is_not_ours() {
        let names = ["sms.example.com".to_owned()];
        for host in ["127.0.0.1:7165", "localhost:7165", "LOCALHOST", "[::1]:7165", "10.0.0.5", "SMS.example.com"] {
            assert!(is_known(host, &names), "{host}");
        }
        for host in ["evil.example:7165", "localhost.evil.example", "127.0.0.1.evil.example:80", "", "example.com"] {
            assert!(!is_known(host, &names), "{host}");
        }
    }

    #[test]
    fn a_form_of_another_page_is_not_ours() {
        let told = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            is_same_origin(&headers, "127.0.0.1:7165", false)
        };
        assert!(told(&[("sec-fetch-site", "same-origin")]));
        assert!(told(&[("origin", "http://127.0.0.1:7165")]));
        for foreign in ["cross-site", "same-site", "none"] {
            assert!(!told(&[("sec-fetch-site", foreign), ("origin", "http://127.0.0.1:7165")]), "{foreign}");
        }
        for origin in ["http://localhost:7165", "https://127.0.0.1:7165", "http://127.0.0.1:7166", "null"] {
            assert!(!told(&[("origin", origin)]), "{origin}");
        }
        assert!(!told(&[]), "neither: a browser sends one of them");
    }
}
