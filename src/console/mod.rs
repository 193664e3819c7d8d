//! The console: pages for people with a browser.
//!
//! It is a client of the protocol. Each page opens a connection inside the daemon with the rights of the token that its
//! visitor has logged in with, so a page cannot do what that token cannot. A page shows at its foot what it asked.
//!
//! [`guard`] looks at each request before a page does. [`pages`] has a file for each page, which asks and fills a template.
//! [`act`] has what forms do. Pages need no JavaScript; `assets/console.js` only makes them live.

mod act;
mod ask;
mod assets;
mod chart;
mod frame;
mod guard;
mod pages;
mod session;
mod visit;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use tokio::io::DuplexStream;
use tokio::sync::Semaphore;

use crate::command::{Grant, Tokens};
use crate::limits::CONSOLE_REQUESTS_MAX;
use crate::reloadable::Reloadable;
use crate::webhooks::Webhooks;
use session::Sessions;

/// Opens a connection inside the daemon that may do what the grant says.
pub type Connect = Box<dyn Fn(Grant) -> DuplexStream + Send + Sync>;

/// What all pages share.
pub struct Console {
    connect: Connect,
    tokens: Arc<Reloadable<Tokens>>,
    sessions: Sessions,
    /// The names, besides this machine's own, under which browsers may call.
    hosts: Vec<String>,
    /// Whether browsers call over TLS: cookies are then for TLS alone.
    is_encrypted: bool,
    places: Semaphore,
    /// What providers report, where it is taken.
    webhooks: Option<Arc<Webhooks>>,
}

impl Console {
    /// A console whose pages ask over `connect`.
    pub fn new(
        connect: Connect,
        tokens: Arc<Reloadable<Tokens>>,
        hosts: Vec<String>,
        is_encrypted: bool,
        webhooks: Option<Arc<Webhooks>>,
    ) -> Console {
        let places = Semaphore::new(CONSOLE_REQUESTS_MAX);
        Console { connect, tokens, sessions: Sessions::default(), hosts, is_encrypted, places, webhooks }
    }

    /// All its pages.
    pub fn router(self) -> Router {
        let console = Arc::new(self);
        Router::new()
            .route("/", get(pages::overview::show))
            .route("/lists", get(pages::lists::show))
            .route("/lists/{list}", get(pages::list::contacts))
            .route("/lists/{list}/trends", get(pages::list::trends))
            .route("/lists/{list}/settings", get(pages::list::settings))
            .route("/contacts", get(pages::contacts::show))
            .route("/contacts/{phone}", get(pages::contact::show))
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
            .with_state(console)
    }
}
