//! Accepting connections.

use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};

use super::{Address, Server, serve};
use crate::limits::CLIENTS_MAX;

/// A bound socket.
pub enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// A Unix socket, and its file, which is removed at the end.
    Unix(UnixListener, PathBuf),
}

impl Listener {
    /// Binds an address. The file of a Unix socket that nobody listens on any more is replaced, and no other.
    pub async fn bind(address: &Address) -> io::Result<Listener> {
        match address {
            Address::Tcp(address) => Ok(Listener::Tcp(TcpListener::bind(address).await?)),
            Address::Unix(path) => {
                remove_stale(path)?;
                Ok(Listener::Unix(UnixListener::bind(path)?, path.clone()))
            }
        }
    }

    /// Where it listens: with port 0, the port that the system chose.
    pub fn address(&self) -> io::Result<Address> {
        match self {
            Listener::Tcp(listener) => Ok(Address::Tcp(listener.local_addr()?.to_string())),
            Listener::Unix(_, path) => Ok(Address::Unix(path.clone())),
        }
    }

    /// Accepts until the server drains.
    pub(super) async fn accept(self, server: Arc<Server>) {
        loop {
            let accepted = tokio::select! {
                () = server.stop.cancelled() => break,
                accepted = self.accept_one(&server) => accepted,
            };
            if let Err(why) = accepted {
                // Mostly no more file descriptors: those that are open will be closed.
                tracing::warn!("cannot accept a connection: {why}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        if let Listener::Unix(_, path) = &self {
            let _ = std::fs::remove_file(path);
        }
    }

    async fn accept_one(&self, server: &Arc<Server>) -> io::Result<()> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                admit(stream, server);
            }
            Listener::Unix(listener, _) => admit(listener.accept().await?.0, server),
        }
        Ok(())
    }
}

/// Removes the file of a Unix socket that nobody listens on.
fn remove_stale(path: &Path) -> io::Result<()> {
    let Ok(found) = std::fs::symlink_metadata(path) else { return Ok(()) };
    if !found.file_type().is_socket() {
        return Err(io::Error::other(format!("{} is no socket: remove it, or give another path", path.display())));
    }
    // A socket of another kind, or one that we may not connect to, may well be alive: binding then says that it is in use.
    match std::os::unix::net::UnixStream::connect(path) {
        Err(why) if why.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        _ => Ok(()),
    }
}

fn admit<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(mut stream: S, server: &Arc<Server>) {
    let clients = server.enter();
    if let Some(context) = server.context() {
        let counters = &context.counters;
        counters.clients.store(clients as u64, Ordering::Relaxed);
        counters.clients_total.fetch_add(1, Ordering::Relaxed);
        counters.clients_refused.fetch_add(u64::from(clients > CLIENTS_MAX), Ordering::Relaxed);
    }
    let server = Arc::clone(server);
    server.connections.clone().spawn(async move {
        if clients > CLIENTS_MAX {
            let refusal = stream.write_all(b"-BUSY too many clients\r\n");
            let _ = tokio::time::timeout(Duration::from_secs(1), refusal).await;
        } else {
            serve(stream, &server).await;
        }
        let clients = server.leave();
        if let Some(context) = server.context() {
            context.counters.clients.store(clients as u64, Ordering::Relaxed);
        }
    });
}
