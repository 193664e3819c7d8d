//! Sockets that whoever started contactd has opened already: systemd's socket activation. They outlive a restart, so that
//! nobody is refused meanwhile.

use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;

use listenfd::ListenFd;

use super::Listener;

/// What a socket that speaks contactd's protocol is called: as the unit that opened it, or `resp`; or [`TLS`].
const NAMES: &[&str] = &["contactd.socket", "resp", TLS];
/// What one is called that speaks it encrypted.
const TLS: &str = "tls";

/// The sockets, not yet in use.
#[derive(Default)]
pub struct Inherited {
    tcp: Vec<TcpListener>,
    tls: Vec<TcpListener>,
    unix: Vec<UnixListener>,
}

impl Inherited {
    /// Takes those that the environment tells of (`LISTEN_FDS`, `LISTEN_PID`, `LISTEN_FDNAMES`). It changes the environment,
    /// so call it before there are threads.
    pub fn from_env() -> io::Result<Inherited> {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut found = ListenFd::from_env();
        let mut names = names.split(':').filter(|name| !name.is_empty());
        let mut inherited = Inherited::default();
        for place in 0..found.len() {
            // A socket that is meant for something else must not be answered with this protocol.
            let name = names.next();
            if let Some(name) = name.filter(|name| !NAMES.contains(name)) {
                return Err(io::Error::other(format!(
                    "'{name}' is not a socket of contactd: its FileDescriptorName= may be {}",
                    NAMES.join(" or ")
                )));
            }
            match found.take_tcp_listener(place) {
                Ok(listener) if name == Some(TLS) => inherited.tls.extend(listener),
                Ok(listener) => inherited.tcp.extend(listener),
                Err(_) if name == Some(TLS) => {
                    return Err(io::Error::other("'tls' is a Unix socket, and those speak no TLS"));
                }
                Err(_) => inherited.unix.extend(found.take_unix_listener(place)?),
            }
        }
        Ok(inherited)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tcp.is_empty() && self.tls.is_empty() && self.unix.is_empty()
    }

    /// Makes them ready to accept. Must be called within the runtime.
    pub fn into_listeners(self) -> io::Result<Vec<Listener>> {
        let ready = |listener: TcpListener| {
            listener.set_nonblocking(true)?;
            tokio::net::TcpListener::from_std(listener)
        };
        let tcp = self.tcp.into_iter().map(|listener| ready(listener).map(Listener::Tcp));
        let tls = self.tls.into_iter().map(|listener| ready(listener).map(Listener::Tls));
        let unix = self.unix.into_iter().map(|listener| {
            listener.set_nonblocking(true)?;
            // The file is not ours to remove.
            Ok(Listener::Unix(tokio::net::UnixListener::from_std(listener)?, None))
        });
        tcp.chain(tls).chain(unix).collect()
    }
}
