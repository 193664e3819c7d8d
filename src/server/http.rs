//! Metrics and health over HTTP, on a socket of their own: `/metrics`, `/healthz`, `/readyz`.
//!
//! Health tells no data and needs no token. Metrics need one if there are tokens. A scraper costs the requests of others
//! nothing: there are few at a time, and each has to be done soon.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{ACCEPT, ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HOST, WWW_AUTHENTICATE};
use hyper::http::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::timeout;

use super::Server;
use super::pace::Pace;
use crate::command::{Access, Grant, TokenId, Tokens};
use crate::error::{Error, Result};
use crate::limits::{
    SCRAPE_FIELDS_MAX, SCRAPE_HEAD_BYTES_MAX, SCRAPE_HEAD_MS_MAX, SCRAPE_MS_MAX, SCRAPERS_MAX, WRONG_TOKEN_MS,
};
use crate::metrics::{self, Format, Open, ServerState};
use crate::reloadable::Reloadable;

type Reply = Response<String>;

/// The socket of metrics and health.
pub struct Scraped(TcpListener);

/// What all its connections share.
struct Scraper {
    server: Arc<Server>,
    tokens: Arc<Reloadable<Tokens>>,
    lists_max: usize,
    /// Held during a scrape: there is one at a time.
    scraping: Mutex<()>,
}

impl Scraped {
    /// Binds `host:port`.
    pub async fn bind(address: &str) -> Result<Scraped> {
        let bound = TcpListener::bind(address).await;
        bound.map(Scraped).map_err(|why| Error::internal(format!("cannot listen on {address} for --metrics: {why}")))
    }

    /// The same socket once more, for a daemon that is started again in this process.
    pub fn again(&self) -> Result<Scraped> {
        let socket = self.0.as_fd().try_clone_to_owned().map_err(Error::internal)?;
        TcpListener::from_std(socket.into()).map(Scraped).map_err(Error::internal)
    }

    /// Where it listens: with port 0, the port that the system chose.
    pub fn address(&self) -> Result<SocketAddr> {
        self.0.local_addr().map_err(Error::internal)
    }

    /// Serves until the server has ended.
    pub(super) fn serve(self, server: &Arc<Server>, tokens: Arc<Reloadable<Tokens>>, lists_max: usize) {
        let ended = server.ended.clone();
        let scraper =
            Arc::new(Scraper { server: Arc::clone(server), tokens, lists_max, scraping: Mutex::const_new(()) });
        server.last.spawn(async move {
            tokio::select! {
                () = ended.cancelled() => {}
                () = self.accept(&scraper) => {}
            }
        });
    }

    async fn accept(self, scraper: &Arc<Scraper>) {
        let (places, mut newcomers) = (Arc::new(Semaphore::new(SCRAPERS_MAX)), Pace::new());
        loop {
            // More wait where the system keeps them.
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            newcomers.next().await;
            let stream = match self.0.accept().await {
                Ok((stream, _)) => stream,
                Err(why) => {
                    tracing::warn!("cannot accept a connection for metrics: {why}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let scraper = Arc::clone(scraper);
            scraper.server.last.clone().spawn(async move {
                let ended = scraper.server.ended.clone();
                tokio::select! {
                    () = ended.cancelled() => {}
                    _ = timeout(Duration::from_millis(SCRAPE_MS_MAX), scraper.talk(stream)) => {}
                }
                drop(place);
            });
        }
    }
}

impl Scraper {
    /// Answers one request of a connection.
    async fn talk(self: Arc<Scraper>, stream: TcpStream) {
        let answer = service_fn(|request: Request<Incoming>| {
            let scraper = Arc::clone(&self);
            async move { Ok::<Reply, Infallible>(scraper.answer(&request).await) }
        });
        let talked = http1::Builder::new()
            .timer(TokioTimer::new())
            .keep_alive(false)
            .header_read_timeout(Duration::from_millis(SCRAPE_HEAD_MS_MAX))
            .max_buf_size(SCRAPE_HEAD_BYTES_MAX)
            .max_headers(SCRAPE_FIELDS_MAX)
            .serve_connection(TokioIo::new(stream), answer)
            .await;
        if let Err(why) = talked {
            tracing::debug!("a scraper was let go: {why}");
        }
    }

    async fn answer<B>(self: &Arc<Scraper>, request: &Request<B>) -> Reply {
        if request.method() != Method::GET && request.method() != Method::HEAD {
            let mut reply = text(StatusCode::METHOD_NOT_ALLOWED, "only GET is served here");
            reply.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return reply;
        }
        match request.uri().path() {
            "/metrics" => self.metrics(request.headers()).await,
            "/healthz" => text(StatusCode::OK, if self.server.health().is_ready() { "ok" } else { "ok, not ready" }),
            "/readyz" => {
                let health = self.server.health();
                let status = if health.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
                text(status, &health.to_string())
            }
            _ => text(StatusCode::NOT_FOUND, "there are /metrics, /healthz and /readyz"),
        }
    }

    async fn metrics(self: &Arc<Scraper>, headers: &HeaderMap) -> Reply {
        if let Err(refused) = self.admit(headers) {
            // Slows one down that guesses tokens.
            if refused.status() == StatusCode::UNAUTHORIZED && headers.contains_key(AUTHORIZATION) {
                tokio::time::sleep(Duration::from_millis(WRONG_TOKEN_MS)).await;
            }
            return *refused;
        }
        let accept: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
        let format = Format::accepted(&accept.join(","));
        let scraping = self.scraping.lock().await;
        let this = Arc::clone(self);
        let page = tokio::task::spawn_blocking(move || this.scrape(format)).await;
        drop(scraping);
        match page.map_err(Error::internal).flatten() {
            Ok(page) => {
                let mut reply = Response::new(page);
                reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
                reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
                reply
            }
            Err(why) => text(StatusCode::INTERNAL_SERVER_ERROR, &why.message),
        }
    }

    fn scrape(&self, format: Format) -> Result<String> {
        let state = ServerState {
            ready: self.server.health().is_ready(),
            feed_followers: self.server.feed_followers(),
            webhooks: self.server.webhooks.get().map(|webhooks| webhooks.counts()),
        };
        let open = match (self.server.context(), self.server.front.get()) {
            (Some(context), _) => Open::Store(Arc::clone(context)),
            (None, Some(front)) => Open::Partitions(front.open(), Arc::clone(&self.server.shared.counters)),
            (None, None) => Open::Nothing,
        };
        metrics::scrape(&open, state, self.lists_max, format)
    }

    /// Refuses who may not see metrics.
    fn admit(&self, headers: &HeaderMap) -> std::result::Result<(), Box<Reply>> {
        if self.tokens.get().is_empty() {
            // A browser on this machine could be led here by a page of somebody else, whose name it sends along.
            return if is_direct(headers) {
                Ok(())
            } else {
                let why = "without tokens, metrics are served to http://localhost or a numeric address only";
                Err(Box::new(text(StatusCode::MISDIRECTED_REQUEST, why)))
            };
        }
        let token = headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().split_at_checked(BEARER.len()));
        let token = token
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(BEARER.as_bytes()))
            .map(|(_, token)| TokenId::of(token));
        let known = token.is_some_and(|token| {
            let grant = self.tokens.get().grant(token).cloned();
            if grant.is_none() {
                self.server.shared.counters.count_wrong_token();
            }
            grant.as_ref().is_some_and(may_scrape)
        });
        if known {
            return Ok(());
        }
        let mut reply = text(StatusCode::UNAUTHORIZED, "send a token: Authorization: Bearer TOKEN");
        reply.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        Err(Box::new(reply))
    }
}

const BEARER: &str = "Bearer ";

fn may_scrape(grant: &Grant) -> bool {
    grant.access >= Access::Metrics
}

/// Whether a request names this machine by an address, or as `localhost`: names of others can be made to lead here.
fn is_direct(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST) else { return true };
    let Ok(host) = host.to_str() else { return false };
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|digit| digit.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name).trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

fn text(status: StatusCode, line: &str) -> Reply {
    let mut reply = Response::new(format!("{line}\n"));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_somebody_else_is_not_this_machine() {
        let direct = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_str(host).expect("a value"));
            is_direct(&headers)
        };
        for host in ["127.0.0.1:7166", "localhost:7166", "LOCALHOST", "[::1]:7166", "[::1]", "10.0.0.5"] {
            assert!(direct(host), "{host}");
        }
        for host in ["evil.example:7166", "localhost.evil.example", "127.0.0.1.evil.example:80", ""] {
            assert!(!direct(host), "{host}");
        }
    }
}
