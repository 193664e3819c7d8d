//! The socket of the console: HTTP for browsers.
//!
//! It is accepted as the protocol is, in a task for each connection, so that a browser that takes its time over the TLS
//! handshake holds nobody else up.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::time::timeout;

use super::handshake::handshake;
use super::{Listener, Server};
use crate::command::{Grant, Tokens};
use crate::console::{Console, Inside};
use crate::limits::{CONSOLE_HEAD_MS_MAX, CONSOLE_TIDY_MS, WRITE_STALL_MS_MAX};
use crate::reloadable::Reloadable;

impl Inside for Arc<Server> {
    fn pipe(&self, grant: Grant) -> DuplexStream {
        self.connect_inside(grant)
    }

    fn socket(&self, grant: Grant) -> io::Result<UnixStream> {
        self.socket_inside(grant)
    }
}

/// Serves browsers until the server drains. What they upload is kept in a directory.
pub(super) fn serve(
    server: &Arc<Server>,
    listener: Listener,
    tokens: Arc<Reloadable<Tokens>>,
    hosts: Vec<String>,
    dir: PathBuf,
) {
    let is_encrypted = matches!(listener, Listener::Tls(_));
    let console = Console::new(Box::new(Arc::clone(server)), tokens, hosts, is_encrypted, dir);
    let router = console.router();
    let stop = server.stop.clone();
    server.connections.spawn(async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(Duration::from_millis(CONSOLE_TIDY_MS)) => console.tidy(),
            }
        }
    });
    let server = Arc::clone(server);
    server.connections.clone().spawn(async move {
        loop {
            let accepted = tokio::select! {
                () = server.stop.cancelled() => return,
                accepted = accept(&listener, &server, &router) => accepted,
            };
            if let Err(why) = accepted {
                tracing::warn!("cannot accept a browser: {why}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    });
}

async fn accept(listener: &Listener, server: &Arc<Server>, router: &Router) -> io::Result<()> {
    let (server, router) = (Arc::clone(server), router.clone());
    let tasks = server.connections.clone();
    match listener {
        Listener::Tcp(listener) => {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tasks.spawn(async move { talk(stream, &server, router).await });
        }
        Listener::Tls(listener) => {
            let (stream, peer) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tasks.spawn(async move {
                if let Some(stream) = handshake(stream, peer, &server).await {
                    talk(stream, &server, router).await;
                }
            });
        }
        Listener::Unix(listener, _) => {
            let (stream, _) = listener.accept().await?;
            tasks.spawn(async move { talk(stream, &server, router).await });
        }
    }
    Ok(())
}

/// Serves one browser until it leaves or the server drains.
async fn talk<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(stream: S, server: &Server, router: Router) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(CONSOLE_HEAD_MS_MAX))
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = server.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            // A browser that has stalled, in an upload or a download, holds nobody up.
            match timeout(Duration::from_millis(WRITE_STALL_MS_MAX), connection).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
    };
    if let Err(why) = ended {
        tracing::debug!("a browser was let go: {why}");
    }
}
