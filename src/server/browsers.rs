//! The socket of the console: HTTP for browsers.
//!
//! It is accepted as the protocol is, in a task for each connection, so that a browser that takes its time over the TLS
//! handshake holds nobody else up.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};

use super::handshake::handshake;
use super::{Listener, Server};
use crate::command::Tokens;
use crate::console::Console;
use crate::limits::CONSOLE_HEAD_MS_MAX;
use crate::reloadable::Reloadable;

/// Serves browsers until the server drains.
pub(super) fn serve(server: &Arc<Server>, listener: Listener, tokens: Arc<Reloadable<Tokens>>, hosts: Vec<String>) {
    let is_encrypted = matches!(listener, Listener::Tls(_));
    let inside = Arc::clone(server);
    let connect = Box::new(move |grant| inside.connect_inside(grant));
    let router = Console::new(connect, tokens, hosts, is_encrypted).router();
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

async fn accept(listener: &Listener, server: &Arc<Server>, router: &Router) -> std::io::Result<()> {
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
            connection.await
        }
    };
    if let Err(why) = ended {
        tracing::debug!("a browser was let go: {why}");
    }
}
