//! HTTP for whom the daemon has pages or addresses: browsers and providers.
//!
//! It is accepted as the protocol is, in a task for each connection, so that a caller who takes its time over the TLS
//! handshake holds nobody else up.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::handshake::handshake;
use super::pace::Pace;
use super::{Listener, Server};
use crate::limits::{HTTP_CONNECTIONS_MAX, WRITE_STALL_MS_MAX};

/// What is served, and to whom.
#[derive(Clone)]
pub(super) struct Site {
    /// Whom the log names.
    pub caller: &'static str,
    /// How long the head of a request may take.
    pub head_ms_max: u64,
    /// What answers.
    pub router: Router,
    /// When it ends.
    pub end: CancellationToken,
    /// Whom the server waits for.
    pub tasks: TaskTracker,
}

/// What a caller reads who speaks HTTP to an address that speaks HTTPS.
const SPEAKS_TLS: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n\r\n\
    this address speaks TLS: call it with https://\n";

/// Serves a site until its end.
pub(super) fn serve(server: &Arc<Server>, listener: Listener, site: Site) {
    let server = Arc::clone(server);
    site.tasks.clone().spawn(async move {
        let (places, mut newcomers) = (Arc::new(Semaphore::new(HTTP_CONNECTIONS_MAX)), Pace::new());
        loop {
            // More wait where the system keeps them.
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let next = async {
                newcomers.next().await;
                accept(&listener, &server, &site, place).await
            };
            let accepted = tokio::select! {
                () = site.end.cancelled() => return,
                accepted = next => accepted,
            };
            if let Err(why) = accepted {
                tracing::warn!("cannot accept {}: {why}", site.caller);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    });
}

async fn accept(
    listener: &Listener,
    server: &Arc<Server>,
    site: &Site,
    place: OwnedSemaphorePermit,
) -> std::io::Result<()> {
    let site = site.clone();
    let tasks = site.tasks.clone();
    match listener {
        Listener::Tcp(listener) => {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tasks.spawn(async move { talk(stream, site, place).await });
        }
        Listener::Tls(listener) => {
            let (stream, peer) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let server = Arc::clone(server);
            tasks.spawn(async move {
                if let Some(stream) = handshake(stream, peer, &server, SPEAKS_TLS).await {
                    talk(stream, site, place).await;
                }
            });
        }
        Listener::Unix(listener, _) => {
            let (stream, _) = listener.accept().await?;
            tasks.spawn(async move { talk(stream, site, place).await });
        }
    }
    Ok(())
}

/// Serves one caller until it leaves or the site ends.
async fn talk<S>(stream: S, site: Site, _place: OwnedSemaphorePermit)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(site.head_ms_max))
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(site.router));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = site.end.cancelled() => {
            connection.as_mut().graceful_shutdown();
            // A caller that has stalled, in an upload or a download, holds nobody up.
            match timeout(Duration::from_millis(WRITE_STALL_MS_MAX), connection).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
    };
    if let Err(why) = ended {
        tracing::debug!("{} was let go: {why}", site.caller);
    }
}
