//! The console of a server: how its pages reach the daemon, and what is done behind them.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::DuplexStream;

use super::web::{self, Site};
use super::{Listener, Server};
use crate::command::{Grant, Health, Tokens};
use crate::console::{Console, Inside};
use crate::limits::{CONSOLE_HEAD_MS_MAX, CONSOLE_TIDY_MS};
use crate::reloadable::Reloadable;
use crate::webhooks::Webhooks;

impl Inside for Arc<Server> {
    fn pipe(&self, grant: Grant) -> DuplexStream {
        self.connect_inside(grant)
    }

    fn socket(&self, grant: Grant) -> io::Result<UnixStream> {
        self.socket_inside(grant)
    }

    fn health(&self) -> Health {
        Server::health(self)
    }

    fn webhooks(&self) -> Option<Arc<Webhooks>> {
        self.webhooks.get().cloned()
    }
}

/// Serves browsers from before the store is loaded until it is closed. What they upload is kept in a directory.
pub(super) fn serve(
    server: &Arc<Server>,
    listener: Listener,
    tokens: Arc<Reloadable<Tokens>>,
    hosts: Vec<String>,
    dir: PathBuf,
) {
    let is_encrypted = matches!(listener, Listener::Tls(_));
    let console = Console::new(Box::new(Arc::clone(server)), tokens, hosts, is_encrypted, dir);
    let site = Site {
        caller: "a browser",
        head_ms_max: CONSOLE_HEAD_MS_MAX,
        router: console.router(),
        end: server.ended.clone(),
        tasks: server.last.clone(),
    };
    let stop = server.stop.clone();
    server.connections.spawn(async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(Duration::from_millis(CONSOLE_TIDY_MS)) => console.tidy(),
            }
        }
    });
    web::serve(server, listener, site);
}
