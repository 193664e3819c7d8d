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
use crate::error::{Code, Error, Result};
use crate::ledger::{LedgerSettings, View};
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
    /// Where this daemon is reached.
    own: String,
}

impl Sharing {
    /// Nothing is seen of them yet.
    pub fn new(ledger: &LedgerSettings) -> Result<Sharing> {
        let is_encrypted = matches!(ledger.advertise, Address::Tls(_));
        let trust = is_encrypted.then(|| ledger.trust.load()).transpose()?;
        let own = ledger.advertise.to_string();
        Ok(Sharing { view: Arc::default(), trust, taken: CancellationToken::new(), own })
    }

    /// Where the owner is reached, if that is another daemon.
    ///
    /// Whoever follows this from daemon to daemon never comes back to one: what a daemon sees is never of an earlier reign than
    /// what it saw before, and it sees itself as the owner before any other daemon can. So each step leads to one that sees the
    /// same reign or a later one, and the daemon that has the latest of these reigns, or had it, leads nowhere.
    pub fn elsewhere(&self) -> Option<String> {
        let seen = self.view.seen();
        Some(seen.owner).filter(|owner| !seen.is_owner && !owner.is_empty() && *owner != self.own)
    }
}

/// Hands a connection on, until it ends, or this daemon becomes the owner.
pub(super) async fn hand_on<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, server: &Server) {
    let Some(sharing) = &server.ledger else { return };
    let spliced = async {
        let Some(owner) = sharing.elsewhere() else { return tell(&mut stream, "nobody is the owner yet").await };
        match call(&owner, sharing).await {
            Ok(mut other) => copy_bidirectional(&mut stream, &mut other).await.map(drop),
            Err(why) => tell(&mut stream, &format!("the owner at {owner} is not reached: {why}")).await,
        }
    };
    tokio::select! {
        // Whichever end has gone, the other one sees it.
        _ = spliced => {}
        () = server.stop.cancelled() => {}
        () = sharing.taken.cancelled() => {}
    }
}

/// A connection to another daemon, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for S {}

/// Connects to the owner.
pub(super) async fn call(owner: &str, sharing: &Sharing) -> io::Result<Box<dyn Stream>> {
    let called = async {
        let connect = async |at: &str| {
            let stream = TcpStream::connect(at).await?;
            stream.set_nodelay(true)?;
            io::Result::Ok(stream)
        };
        match owner.parse() {
            Ok(Address::Tcp(at)) => Ok(Box::new(connect(&at).await?) as Box<dyn Stream>),
            Ok(Address::Tls(at)) => {
                let trust = sharing.trust.clone().ok_or_else(|| io::Error::other("no authorities are known here"))?;
                let name = server_name(&at).map_err(io::Error::other)?;
                let stream = connect(&at).await?;
                Ok(Box::new(TlsConnector::from(trust).connect(name, stream).await?) as Box<dyn Stream>)
            }
            _ => Err(io::Error::other("this is no address of TCP or TLS")),
        }
    };
    tokio::time::timeout(CONNECT_PATIENCE, called).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

async fn tell<S: AsyncWrite + Unpin>(stream: &mut S, why: &str) -> io::Result<()> {
    let mut replies = Replies::default();
    let message = format!("this daemon stands by, and {why}; try again in a moment");
    replies.error(&Error::new(Code::Standby, message));
    let told = async {
        stream.write_all(replies.as_bytes()).await?;
        stream.shutdown().await
    };
    tokio::time::timeout(GOODBYE, told).await.unwrap_or(Ok(()))
}
