//! Accepting connections.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener};

use super::handshake::handshake;
use super::pace::Pace;
use super::splice::hand_on;
use super::{Address, Server};
use crate::command::{Peer, Transport};
use crate::error::{Code, Error};
use crate::limits::CLIENTS_MAX;
use crate::wire::Replies;

/// How long a last word may take.
pub(super) const GOODBYE: Duration = Duration::from_secs(1);

/// A bound socket.
pub enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// TCP, encrypted.
    Tls(TcpListener),
    /// A Unix socket, and its file if it is removed at the end.
    Unix(UnixListener, Option<PathBuf>),
}

impl Listener {
    /// Binds an address. The file of a Unix socket that nobody listens on any more is replaced, and no other.
    pub async fn bind(address: &Address) -> io::Result<Listener> {
        match address {
            Address::Tcp(address) => Ok(Listener::Tcp(TcpListener::bind(address).await?)),
            Address::Tls(address) => Ok(Listener::Tls(TcpListener::bind(address).await?)),
            Address::Unix(path) => {
                remove_stale(path)?;
                Ok(Listener::Unix(UnixListener::bind(path)?, Some(path.clone())))
            }
        }
    }

    /// Where it listens: with port 0, the port that the system chose.
    pub fn address(&self) -> io::Result<Address> {
        match self {
            Listener::Tcp(listener) => Ok(Address::Tcp(listener.local_addr()?.to_string())),
            Listener::Tls(listener) => Ok(Address::Tls(listener.local_addr()?.to_string())),
            Listener::Unix(_, Some(path)) => Ok(Address::Unix(path.clone())),
            Listener::Unix(listener, None) => {
                let address = listener.local_addr()?;
                Ok(Address::Unix(address.as_pathname().unwrap_or(Path::new("(no name)")).to_owned()))
            }
        }
    }

    /// The same socket once more, for a daemon that is started again in this process. The one that was opened first
    /// has the file of a Unix socket, and removes it.
    pub fn again(&self) -> io::Result<Listener> {
        let tcp = |listener: &TcpListener| {
            let socket = std::net::TcpListener::from(listener.as_fd().try_clone_to_owned()?);
            TcpListener::from_std(socket)
        };
        Ok(match self {
            Listener::Tcp(listener) => Listener::Tcp(tcp(listener)?),
            Listener::Tls(listener) => Listener::Tls(tcp(listener)?),
            Listener::Unix(listener, _) => {
                let socket = std::os::unix::net::UnixListener::from(listener.as_fd().try_clone_to_owned()?);
                Listener::Unix(UnixListener::from_std(socket)?, None)
            }
        })
    }

    /// Accepts until the server drains.
    pub(super) async fn accept(self, server: Arc<Server>) {
        let mut pace = Pace::new();
        loop {
            let next = async {
                pace.next().await;
                self.accept_one(&server).await
            };
            let accepted = tokio::select! {
                () = server.stop.cancelled() => break,
                accepted = next => accepted,
            };
            if let Err(why) = accepted {
                // Mostly no more file descriptors: those that are open will be closed.
                tracing::warn!("cannot accept a connection: {why}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        self.remove_file();
    }

    /// Removes the file of a Unix socket that is ours to remove: nobody listens on it any more.
    pub fn remove_file(&self) {
        if let Listener::Unix(_, Some(path)) = self {
            let _ = std::fs::remove_file(path);
        }
    }

    async fn accept_one(&self, server: &Arc<Server>) -> io::Result<()> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                stream.set_nodelay(true)?;
                let peer = Peer { transport: Transport::Tcp, address: peer.to_string() };
                admit(server, |server, is_full| talk(stream, server, is_full, peer));
            }
            Listener::Tls(listener) => {
                let (stream, peer) = listener.accept().await?;
                stream.set_nodelay(true)?;
                admit(server, |server, is_full| talk_encrypted(stream, peer, server, is_full));
            }
            Listener::Unix(listener, _) => {
                let (stream, _) = listener.accept().await?;
                let path = listener.local_addr()?.as_pathname().map(|path| path.display().to_string());
                let peer = Peer { transport: Transport::Unix, address: path.unwrap_or_default() };
                admit(server, |server, is_full| talk(stream, server, is_full, peer));
            }
        }
        Ok(())
    }
}

/// Removes the file of a Unix socket that nobody listens on.
fn remove_stale(path: &Path) -> io::Result<()> {
    let Ok(found) = std::fs::symlink_metadata(path) else { return Ok(()) };
    if !found.file_type().is_socket() {
        return Err(io::Error::other(format!("{} is not a socket: remove it, or give another path", path.display())));
    }
    // A socket of another kind, or one that we may not connect to, may well be alive: binding then says that it is in use.
    match std::os::unix::net::UnixStream::connect(path) {
        Err(why) if why.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        _ => Ok(()),
    }
}

/// Counts a client from now on until `talk` has ended, which runs in a task of its own. `talk` is told whether there are too
/// many.
fn admit<T: Future<Output = ()> + Send + 'static>(server: &Arc<Server>, talk: impl FnOnce(Arc<Server>, bool) -> T) {
    let clients = server.count_clients(|clients| clients + 1);
    let counters = &server.shared.counters;
    counters.clients_total.fetch_add(1, Ordering::Relaxed);
    counters.clients_refused.fetch_add(u64::from(clients > CLIENTS_MAX), Ordering::Relaxed);
    let talk = talk(Arc::clone(server), clients > CLIENTS_MAX);
    let server = Arc::clone(server);
    server.connections.clone().spawn(async move {
        talk.await;
        server.count_clients(|clients| clients - 1);
    });
}

/// Serves a client, or tells it that there are too many.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, server: Arc<Server>, is_full: bool, peer: Peer) {
    if !is_full {
        if server.context().is_none() && server.stands_by().is_some() {
            return hand_on(stream, &server).await;
        }
        return server.serve(stream, None, peer).await;
    }
    let mut replies = Replies::default();
    replies.error(&Error::new(Code::Busy, "too many clients"));
    let told = async {
        stream.write_all(replies.as_bytes()).await?;
        stream.flush().await
    };
    let _ = tokio::time::timeout(GOODBYE, told).await;
}

async fn talk_encrypted(stream: TcpStream, peer: SocketAddr, server: Arc<Server>, is_full: bool) {
    let mut plain = Replies::default();
    plain.error(&Error::new(
        Code::Err,
        "this address speaks TLS: call it with TLS, as with tls:HOST:PORT or redis-cli --tls",
    ));
    let Some(mut stream) = handshake(stream, peer, &server, plain.as_bytes()).await else { return };
    let peer = Peer { transport: Transport::Tls, address: peer.to_string() };
    talk(&mut stream, server, is_full, peer).await;
    // So that the client knows that nothing was cut off.
    let _ = tokio::time::timeout(GOODBYE, stream.shutdown()).await;
}
