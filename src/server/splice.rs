//! Handing connections on to the owner, where daemons share a store: a client may call any of them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use super::listener::GOODBYE;
use super::{Address, Server};
use crate::error::{Code, Error};
use crate::ledger::View;
use crate::tls::{ClientConfig, server_name};
use crate::wire::Replies;

/// How long the owner may take to accept a connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(2);

/// What a server that shares its store knows of the others.
pub(super) struct Sharing {
    pub view: Arc<View>,
    /// Whom it trusts when it calls the owner by TLS.
    pub trust: Option<Arc<ClientConfig>>,
    /// Told when this daemon has become the owner: whoever was handed on calls again.
    pub taken: CancellationToken,
}

/// Hands a connection on, until it ends, or this daemon becomes the owner.
pub(super) async fn hand_on<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, server: &Server, owner: &str) {
    let Some(sharing) = &server.ledger else { return };
    let spliced = async {
        match call(owner, sharing).await {
            Ok(Called::Plain(mut other)) => copy_bidirectional(&mut stream, &mut other).await.map(drop),
            Ok(Called::Encrypted(mut other)) => copy_bidirectional(&mut stream, &mut *other).await.map(drop),
            Err(why) => tell(&mut stream, owner, &why).await,
        }
    };
    tokio::select! {
        // Whichever end has gone, the other one sees it.
        _ = spliced => {}
        () = server.stop.cancelled() => {}
        () = sharing.taken.cancelled() => {}
    }
}

enum Called {
    Plain(TcpStream),
    Encrypted(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

async fn call(owner: &str, sharing: &Sharing) -> io::Result<Called> {
    let called = async {
        let connect = async |at: &str| {
            let stream = TcpStream::connect(at).await?;
            stream.set_nodelay(true)?;
            io::Result::Ok(stream)
        };
        match owner.parse() {
            Ok(Address::Tcp(at)) => Ok(Called::Plain(connect(&at).await?)),
            Ok(Address::Tls(at)) => {
                let trust = sharing.trust.clone().ok_or_else(|| io::Error::other("no authorities are known here"))?;
                let name = server_name(&at).map_err(io::Error::other)?;
                let stream = connect(&at).await?;
                Ok(Called::Encrypted(Box::new(TlsConnector::from(trust).connect(name, stream).await?)))
            }
            _ => Err(io::Error::other("nobody is the owner yet")),
        }
    };
    tokio::time::timeout(CONNECT_PATIENCE, called).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

async fn tell<S: AsyncWrite + Unpin>(stream: &mut S, owner: &str, why: &io::Error) -> io::Result<()> {
    let mut replies = Replies::default();
    let place = if owner.is_empty() { String::new() } else { format!(", and the owner at {owner} is not reached") };
    let message = format!("this daemon stands by{place}: {why}; try again in a moment");
    replies.error(&Error::new(Code::Standby, message));
    let told = async {
        stream.write_all(replies.as_bytes()).await?;
        stream.shutdown().await
    };
    tokio::time::timeout(GOODBYE, told).await.unwrap_or(Ok(()))
}
