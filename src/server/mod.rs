//! The server: it waits for the network, accepts, hands requests to the commands and their writes to the store, and
//! drains. It decides nothing about contacts.

mod browsers;
mod burst;
mod compactor;
mod connection;
mod courtesy;
mod daemon;
mod feed_wait;
mod front;
mod handshake;
mod holding;
mod http;
mod inherited;
mod listener;
mod pipeline;
mod owner;
mod partitions;
mod pace;
mod places;
mod reload;
mod splice;
mod web;
mod withdrawal;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use daemon::{Browsers, Daemon, Setup, Sockets};
pub use http::Scraped;
pub use inherited::Inherited;
pub use listener::Listener;
pub use places::partitions_in;

pub use crate::address::Address;

use front::{Caller, Front};
use splice::Sharing;
use withdrawal::Withdrawals;

use crate::command::{Clients, Context, Counters, Grant, Health, Peer, Reloads, Tokens, Transport};
use crate::ledger::Seen;
use crate::limits::{QUEUED_WRITES_MAX, REQUEST_BYTES_MAX};
use crate::model::change::Urgency;
use crate::rarely::Rarely;
use crate::reloadable::Reloadable;
use crate::store::{Clock, Loading};
use crate::tls::ServerTls;
use crate::webhooks::Webhooks;

/// What all connections share.
pub struct Server {
    /// Set once the store is loaded; until then everything answers `-LOADING`.
    context: OnceLock<Arc<Context>>,
    /// How far it is loaded.
    loading: Arc<Loading>,
    /// Held while it is copied to the counters, so that STATS has the newest number however many come and go at once.
    clients: Mutex<usize>,
    /// To queue writes for the writer, by urgency.
    permits: [Arc<Semaphore>; Urgency::ALL.len()],
    /// The position after the newest entry of the feed, for those who wait for it.
    feed: watch::Sender<u64>,
    /// Told to stop reading and finish.
    stop: CancellationToken,
    connections: TaskTracker,
    /// What it shares with the other servers of this daemon.
    shared: Arc<Shared>,
    /// The partitions of the store, if this is the front of one.
    front: OnceLock<Front>,
    withdrawals: Withdrawals,
    /// Held while files are read again.
    reloading: Mutex<()>,
    handshake_log: Rarely,
    /// What providers report, once they are served.
    webhooks: OnceLock<Arc<Webhooks>>,
    /// What is seen of the ledger, where there is one.
    ledger: Option<Sharing>,
    /// Told when everything else has ended: health, metrics and browsers are served until then.
    ended: CancellationToken,
    /// Who serves health, metrics and browsers.
    last: TaskTracker,
}

/// What the servers of one daemon share: there is one server, or one for each partition of the store and one before them.
#[derive(Clone)]
struct Shared {
    /// Who may do what.
    tokens: Arc<Reloadable<Tokens>>,
    /// How TLS is spoken, if it is.
    tls: Option<Arc<Reloadable<ServerTls>>>,
    /// The TOML file, which is looked through.
    settings: Arc<Reloadable<()>>,
    /// What became of the files that are read again.
    reloads: Arc<Reloads>,
    /// What is counted.
    counters: Arc<Counters>,
    /// Who is connected.
    clients: Arc<Clients>,
    clock: Clock,
}

impl Default for Server {
    fn default() -> Server {
        let shared = Shared {
            tokens: Arc::default(),
            tls: None,
            settings: Arc::default(),
            reloads: Arc::default(),
            counters: Arc::default(),
            clients: Arc::default(),
            clock: Arc::new(|| 0),
        };
        Server::new(Arc::new(shared), None, CancellationToken::new())
    }
}

impl Server {
    fn new(shared: Arc<Shared>, ledger: Option<Sharing>, stop: CancellationToken) -> Server {
        Server {
            context: OnceLock::new(),
            loading: Arc::default(),
            clients: Mutex::new(0),
            permits: Urgency::ALL.map(|_| Arc::new(Semaphore::new(QUEUED_WRITES_MAX))),
            feed: watch::Sender::new(0),
            stop,
            connections: TaskTracker::new(),
            shared,
            front: OnceLock::new(),
            withdrawals: Withdrawals::default(),
            reloading: Mutex::new(()),
            handshake_log: Rarely::default(),
            webhooks: OnceLock::new(),
            ledger,
            ended: CancellationToken::new(),
            last: TaskTracker::new(),
        }
    }

    /// The store is loaded: requests are answered from now on.
    fn open(&self, context: Arc<Context>) {
        let feed = self.feed.clone();
        context.store.on_feed(Box::new(move |position| {
            feed.send_replace(position);
        }));
        let _ = self.context.set(context);
        if let Some(ledger) = &self.ledger {
            ledger.taken.cancel();
        }
    }

    /// Whether the store is open here, and will be.
    fn is_open(&self) -> bool {
        self.context().is_some() && !self.stop.is_cancelled()
    }

    /// What commands work with, once the store is loaded.
    pub fn context(&self) -> Option<&Arc<Context>> {
        self.context.get()
    }

    /// Accepts connections until the server drains.
    pub fn listen(self: &Arc<Server>, listener: Listener) {
        let server = Arc::clone(self);
        self.connections.spawn(async move { listener.accept(server).await });
    }

    /// A connection from inside the daemon, which may do what `grant` says. Its other end is a pipe in memory.
    pub fn connect_inside(self: &Arc<Server>, grant: Grant) -> tokio::io::DuplexStream {
        let (inside, outside) = tokio::io::duplex(REQUEST_BYTES_MAX);
        let server = Arc::clone(self);
        self.connections.spawn(async move { server.serve_inside(inside, grant).await });
        outside
    }

    /// Serves a client until it leaves, misbehaves, or the server drains. `grant` is what it may do, if that does not depend on
    /// a token.
    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S, grant: Option<Grant>, peer: Peer) {
        match self.front.get() {
            Some(front) => front.serve(stream, self, Caller { grant, peer }).await,
            None => connection::serve(stream, self, grant, peer).await,
        }
    }

    /// The same for a client inside the daemon.
    async fn serve_inside<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S, grant: Grant) {
        self.serve(stream, Some(grant), Peer { transport: Transport::Inside, address: String::new() }).await;
    }

    /// A connection of a client that talks to the front of a store in partitions.
    fn connect_for(self: &Arc<Server>, grant: Option<Grant>, peer: Peer) -> tokio::io::DuplexStream {
        let (inside, outside) = tokio::io::duplex(REQUEST_BYTES_MAX);
        let server = Arc::clone(self);
        self.connections.spawn(async move { server.serve(inside, grant, peer).await });
        outside
    }

    /// The same for a client that blocks its thread: its other end is a socket.
    pub fn socket_inside(self: &Arc<Server>, grant: Grant) -> std::io::Result<std::os::unix::net::UnixStream> {
        let (inside, outside) = tokio::net::UnixStream::pair()?;
        let outside = outside.into_std()?;
        outside.set_nonblocking(false)?;
        let server = Arc::clone(self);
        self.connections.spawn(async move { server.serve_inside(inside, grant).await });
        Ok(outside)
    }

    /// Stops accepting and reading, and answers what was received.
    async fn drain(&self) {
        self.stop.cancel();
        self.connections.close();
        self.connections.wait().await;
    }

    /// Ends what goes on during a drain.
    async fn end(&self) {
        self.ended.cancel();
        self.last.close();
        self.last.wait().await;
    }

    /// Whether requests are answered: the store is loaded, and the daemon does not drain.
    fn health(&self) -> Health {
        match self.context() {
            _ if self.stop.is_cancelled() => Health::Draining,
            Some(context) => {
                Health::Ready { read_only: context.store.read_only(), refused: context.reloads.all_refused() }
            }
            None if let Some(front) = self.front.get() => front.health(),
            None if let Some(seen) = self.stands_by() => {
                let owner = self.ledger.as_ref().and_then(Sharing::elsewhere).unwrap_or_default();
                Health::Standby { behind: seen.newest.saturating_sub(seen.applied), owner }
            }
            None => {
                let (contacts, of) = self.loading.reached();
                Health::Loading { contacts, of }
            }
        }
    }

    /// What is seen of the ledger, while another daemon is the owner of the store, or nobody. None: this daemon is it.
    fn stands_by(&self) -> Option<Seen> {
        let seen = self.ledger.as_ref()?.view.seen();
        (!seen.is_owner).then_some(seen)
    }

    /// Connections that wait for news of the feed.
    fn feed_followers(&self) -> usize {
        self.feed.receiver_count()
    }

    /// Waits for permits to queue writes. This is what stops reading when the writer is behind.
    async fn permits(&self, urgency: Urgency, writes: usize) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.permits[urgency as usize]).acquire_many_owned(writes as u32).await.ok()
    }

    /// Changes the number of clients, and tells STATS. Gives how many there are now.
    fn count_clients(&self, change: impl FnOnce(usize) -> usize) -> usize {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        *clients = change(*clients);
        self.shared.counters.clients.store(*clients as u64, Ordering::Relaxed);
        *clients
    }
}
