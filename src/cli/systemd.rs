//! What systemd is told (`sd_notify`): that contactd loads, serves, lives and stops. Without systemd nobody is told.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::command::Context;
use crate::counted::counted;
use crate::server::Daemon;

/// How long systemd may wait for the next word while the store is loaded.
const LOADING_EXTENDS: Duration = Duration::from_secs(30);
/// How often the status is told where there is no watchdog.
const STATUS_EVERY: Duration = Duration::from_secs(10);

/// The way to systemd, or to nobody.
pub struct Systemd(Option<Notifier>);

/// A socket to which states are sent.
struct Notifier {
    address: SocketAddr,
    socket: UnixDatagram,
}

impl Systemd {
    /// Finds the socket that the environment names (`NOTIFY_SOCKET`).
    pub fn from_env() -> Systemd {
        let Some(name) = std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else {
            return Systemd(None);
        };
        match Notifier::new(&name) {
            Ok(notifier) => Systemd(Some(notifier)),
            Err(why) => {
                tracing::warn!("cannot tell systemd of contactd: {}: {why}", name.display());
                Systemd(None)
            }
        }
    }

    /// Waits for the store to be loaded, however long that takes: systemd's patience is extended meanwhile.
    pub async fn while_loading<T>(&self, load: impl Future<Output = T>) -> T {
        let extend = format!("EXTEND_TIMEOUT_USEC={}\nSTATUS=loading the store", LOADING_EXTENDS.as_micros());
        tokio::pin!(load);
        loop {
            self.tell(&extend);
            tokio::select! {
                loaded = &mut load => return loaded,
                () = tokio::time::sleep(LOADING_EXTENDS / 3) => {}
            }
        }
    }

    /// Tells that contactd serves. From now on the writer's own thread feeds the watchdog, and tells how contactd is.
    pub fn ready(&self, daemon: &Daemon) {
        let Some(notifier) = &self.0 else { return };
        let status_now = daemon.context().map_or_else(|| "standing by".to_owned(), |context| status(&context));
        self.tell(&format!("READY=1\nSTATUS={status_now}"));
        let watchdog = watchdog();
        // A word in time, even if one of them comes late.
        let every = watchdog.map_or(STATUS_EVERY, |patience| patience / 3);
        // The writer never waits for systemd.
        match Notifier::to(notifier.address.clone()).and_then(|own| own.socket.set_nonblocking(true).map(|()| own)) {
            Ok(own) => daemon.on_heartbeat(every, move |context| {
                let alive = if watchdog.is_some() { "WATCHDOG=1\n" } else { "" };
                // The next one may get through.
                let _ = own.send(&format!("{alive}STATUS={}", status(context)));
            }),
            Err(why) => tracing::warn!("cannot feed systemd's watchdog: {why}"),
        }
    }

    /// Tells that contactd stands by: it hands clients on to another daemon, for as long as that is the owner of the store.
    pub fn stands_by(&self) {
        self.tell("READY=1\nSTATUS=standing by: another daemon serves");
    }

    /// Tells that contactd drains.
    pub fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=draining: finishing what was received");
    }

    fn tell(&self, state: &str) {
        if let Some(Err(why)) = self.0.as_ref().map(|notifier| notifier.send(state)) {
            tracing::warn!("cannot tell systemd of contactd: {why}");
        }
    }
}

impl Notifier {
    /// By a path, or by a name that begins with `@` and has no file.
    fn new(name: &OsStr) -> io::Result<Notifier> {
        Notifier::to(match name.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            [b'/', ..] => SocketAddr::from_pathname(name)?,
            _ => return Err(io::Error::other("neither a path nor an abstract name")),
        })
    }

    fn to(address: SocketAddr) -> io::Result<Notifier> {
        Ok(Notifier { address, socket: UnixDatagram::unbound()? })
    }

    fn send(&self, state: &str) -> io::Result<()> {
        self.socket.send_to_addr(state.as_bytes(), &self.address).map(drop)
    }
}

/// How long systemd waits for a sign of life, if it does (`WATCHDOG_USEC`, `WATCHDOG_PID`).
fn watchdog() -> Option<Duration> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let is_ours =
        std::env::var_os("WATCHDOG_PID").is_none() || number("WATCHDOG_PID") == Some(u64::from(std::process::id()));
    number("WATCHDOG_USEC").filter(|&micros| is_ours && micros > 0).map(Duration::from_micros)
}

/// How contactd is, for `systemctl status`.
fn status(context: &Context) -> String {
    let contacts = context.store.gate().directory.len();
    let clients = context.counters.clients.load(Ordering::Relaxed);
    let (contacts, clients) = (counted(contacts, "contact"), counted(clients, "client"));
    let trouble = if context.store.is_read_only() { "; nothing can be written: see the log" } else { "" };
    let refused =
        if context.reloads.all_refused().is_empty() { "" } else { "; a changed file cannot be used: see the log" };
    format!("serving {contacts} to {clients}{trouble}{refused}")
}
