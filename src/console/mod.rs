//! The console: pages for people with a browser.
//!
//! It is a client of the protocol. Each page opens a connection inside the daemon with the rights of the token that its
//! visitor has logged in with, so a page cannot do what that token cannot. A page shows at its foot what it asked.
//!
//! Imports and exports block threads of their own, over sockets with the same rights: [`imports`].
//!
//! [`guard`] looks at each request before a page does. [`pages`] has a file for each page, which asks and fills a template.
//! [`act`] has what forms do. Pages need no JavaScript; `assets/console.js` only makes them live.

mod act;
mod answer;
mod ask;
mod assets;
mod chart;
mod frame;
mod guard;
mod imports;
mod pages;
mod plan;
mod scratch;
mod session;
mod streamed;
mod visit;
mod why;
mod words;

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use tokio::io::DuplexStream;
use tokio::sync::Semaphore;

use crate::command::{Access, Grant, Health, TokenId, Tokens};
use crate::limits::{CONSOLE_EXPORTS_MAX, CONSOLE_REQUESTS_MAX, UPLOAD_BYTES_MAX};
use crate::reloadable::Reloadable;
use crate::webhooks::Webhooks;
use imports::Imports;
use session::Sessions;

/// What a form with a file has besides the file.
const UPLOAD_BYTES_BESIDES: usize = 16 * 1024;

/// Opens connections inside the daemon that may do what a grant says.
pub trait Inside: Send + Sync {
    /// For a page, which waits as a task.
    fn pipe(&self, grant: Grant) -> DuplexStream;

    /// For an import or an export, which blocks a thread.
    fn socket(&self, grant: Grant) -> std::io::Result<UnixStream>;

    /// Whether requests are answered.
    fn health(&self) -> Health;

    /// What providers report, where it is taken.
    fn webhooks(&self) -> Option<Arc<Webhooks>>;
}

/// What all pages share.
pub struct Console {
    inside: Box<dyn Inside>,
    tokens: Arc<Reloadable<Tokens>>,
    sessions: Sessions,
    imports: Imports,
    /// The names, besides this machine's own, under which browsers may call.
    hosts: Vec<String>,
    /// Whether browsers call over TLS: cookies are then for TLS alone.
    is_encrypted: bool,
    places: Semaphore,
    exports: Arc<Semaphore>,
}

impl Console {
    /// A console whose pages ask `inside`, and which keeps uploads in a directory.
    pub fn new(
        inside: Box<dyn Inside>,
        tokens: Arc<Reloadable<Tokens>>,
        hosts: Vec<String>,
        is_encrypted: bool,
        dir: PathBuf,
    ) -> Arc<Console> {
        Arc::new(Console {
            inside,
            tokens,
            sessions: Sessions::default(),
            imports: Imports::new(dir),
            hosts,
            is_encrypted,
            places: Semaphore::new(CONSOLE_REQUESTS_MAX),
            exports: Arc::new(Semaphore::new(CONSOLE_EXPORTS_MAX)),
        })
    }

    /// Drops what nobody is there for any more: sessions that are over, their uploads, imports whose token left.
    pub fn tidy(&self) {
        self.sessions.tidy(Instant::now());
        self.imports.tidy(|import| self.may_write(import.token()));
    }

    /// Whether a token may write; None where nobody needs one.
    fn may_write(&self, token: Option<TokenId>) -> bool {
        let tokens = self.tokens.get();
        match token {
            Some(token) => tokens.grant(token).is_some_and(|grant| grant.access >= Access::Write),
            None => tokens.is_empty(),
        }
    }

    /// All its pages.
    pub fn router(self: &Arc<Console>) -> Router {
        let console = Arc::clone(self);
        let upload_limit = DefaultBodyLimit::max(UPLOAD_BYTES_MAX as usize + UPLOAD_BYTES_BESIDES);
        Router::new()
            .route("/", get(pages::overview::show))
            .route("/lists", get(pages::lists::show))
            .route("/lists/{list}", get(pages::list::contacts))
            .route("/lists/{list}/trends", get(pages::list::trends))
            .route("/lists/{list}/settings", get(pages::list::settings))
            .route("/contacts", get(pages::contacts::show))
            .route("/contacts/count", get(pages::contacts::count))
            .route("/contacts/export", get(pages::export::show))
            .route("/contacts/{phone}", get(pages::contact::show))
            .route("/imports", get(pages::imports::show).post(pages::imports::upload).layer(upload_limit))
            .route("/imports/{id}", get(pages::import::show).post(pages::import::act))
            .route("/imports/{id}/rejects", get(pages::import::rejects))
            .route("/inbox", get(pages::inbox::show))
            .route("/activity", get(pages::activity::show))
            .route("/clean", get(pages::clean::show))
            .route("/system", get(pages::system::show))
            .route("/login", get(pages::login::show).post(pages::login::log_in))
            .route("/logout", post(pages::login::log_out))
            .route("/act/{what}", post(act::act))
            .route("/assets/{file}", get(assets::asset))
            .fallback(pages::missing)
            .layer(from_fn_with_state(Arc::clone(&console), guard::guard))
            // Behind no guard: they tell nothing, and somebody asks them while all places are taken.
            .route("/healthz", get(pages::waiting::healthz))
            .route("/readyz", get(pages::waiting::readyz))
            .with_state(console)
    }
}
