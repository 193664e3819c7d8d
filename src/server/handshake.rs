//! The TLS handshake of a connection, in its own task: a client that takes its time holds nobody else up.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Server;
use super::listener::GOODBYE;
use crate::limits::HANDSHAKE_MS_MAX;

/// How much is read of a client that is no longer listened to.
const UNREAD_BYTES_MAX: usize = 4096;

/// The first byte of whoever speaks TLS: a record of the type "handshake" (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 0x16;

/// Shakes hands. None: the client is not one, took too long, or the server drains. One that speaks plain text is told so by
/// `plain`, as it can read it.
pub(super) async fn handshake(
    stream: TcpStream,
    peer: SocketAddr,
    server: &Server,
    plain: &[u8],
) -> Option<TlsStream<TcpStream>> {
    let acceptor = TlsAcceptor::from(Arc::clone(&server.shared.tls.as_ref()?.get().config));
    let limit = Duration::from_millis(HANDSHAKE_MS_MAX);
    let shake = tokio::time::timeout(limit, shake(stream, acceptor, plain));
    let done = tokio::select! {
        done = shake => done,
        () = server.stop.cancelled() => return None,
    };
    let (why, stream) = match done {
        Ok(Ok(stream)) => return Some(stream),
        Ok(Err((why, stream))) => (why, Some(stream)),
        Err(_) => (Failure::TooSlow, None),
    };
    server.shared.counters.handshakes_failed.fetch_add(1, Ordering::Relaxed);
    // Whoever reaches the port can make these: at most one a second is told.
    if server.handshake_log.is_due() {
        tracing::info!("no TLS with {peer}: {why}");
    }
    if let Some(stream) = stream {
        linger(stream, server).await;
    }
    None
}

async fn shake(
    mut stream: TcpStream,
    acceptor: TlsAcceptor,
    plain: &[u8],
) -> Result<TlsStream<TcpStream>, (Failure, TcpStream)> {
    let mut first = [HANDSHAKE];
    match stream.peek(&mut first).await {
        Ok(1..) if first != [HANDSHAKE] => {
            let _ = stream.write_all(plain).await;
            Err((Failure::Plain, stream))
        }
        _ => acceptor.accept(stream).into_fallible().await.map_err(|(why, stream)| (Failure::Broken(why), stream)),
    }
}

/// Lets the client read why: a connection that is closed while something of it is unread takes back what it was sent.
async fn linger(mut stream: TcpStream, server: &Server) {
    let mut unread = BytesMut::with_capacity(UNREAD_BYTES_MAX);
    let until_it_leaves = async {
        stream.shutdown().await?;
        while unread.len() < UNREAD_BYTES_MAX && stream.read_buf(&mut unread).await? > 0 {}
        io::Result::Ok(())
    };
    tokio::select! {
        _ = tokio::time::timeout(GOODBYE, until_it_leaves) => {}
        () = server.stop.cancelled() => {}
    }
}

enum Failure {
    Broken(io::Error),
    Plain,
    TooSlow,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Broken(why) if why.kind() == io::ErrorKind::UnexpectedEof => f.write_str("the client left"),
            Failure::Broken(why) => why.fmt(f),
            Failure::Plain => f.write_str("the client speaks plain text"),
            Failure::TooSlow => write!(f, "the client took longer than {HANDSHAKE_MS_MAX} ms"),
        }
    }
}
