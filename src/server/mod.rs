//! The server: the only async floor. It accepts, hands requests to the commands and their writes to the store, and
//! drains. It decides nothing about contacts.

mod address;
mod connection;
mod listener;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use address::Address;
pub use connection::{serve, serve_inside};
pub use listener::Listener;

use crate::command::Context;
use crate::limits::{QUEUED_WRITES_MAX, REQUEST_BYTES_MAX};
use crate::model::change::Urgency;

/// What all connections share.
pub struct Server {
    /// Set once the store is loaded; until then everything answers `-LOADING`.
    context: OnceLock<Arc<Context>>,
    clients: AtomicUsize,
    /// Of the writer's queues, by urgency.
    room: [Arc<Semaphore>; Urgency::ALL.len()],
    /// The position after the newest entry of the feed, for those who wait for it.
    feed: watch::Sender<u64>,
    /// Told to stop reading and finish.
    stop: CancellationToken,
    connections: TaskTracker,
}

impl Default for Server {
    fn default() -> Server {
        Server {
            context: OnceLock::new(),
            clients: AtomicUsize::new(0),
            room: Urgency::ALL.map(|_| Arc::new(Semaphore::new(QUEUED_WRITES_MAX))),
            feed: watch::Sender::new(0),
            stop: CancellationToken::new(),
            connections: TaskTracker::new(),
        }
    }
}

impl Server {
    /// Opens the gate: requests are answered from now on.
    pub fn open(&self, context: Arc<Context>) {
        let feed = self.feed.clone();
        context.store.on_feed(Box::new(move |position| {
            feed.send_replace(position);
        }));
        let _ = self.context.set(context);
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

    /// A connection from inside the daemon, which may do everything. Its other end is a pipe in memory.
    pub fn connect_inside(self: &Arc<Server>) -> tokio::io::DuplexStream {
        let (inside, outside) = tokio::io::duplex(REQUEST_BYTES_MAX);
        let server = Arc::clone(self);
        self.connections.spawn(async move { serve_inside(inside, &server).await });
        outside
    }

    /// Is told when the server is to stop.
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Stops accepting and reading, finishes what was received, and syncs.
    pub async fn drain(&self) {
        self.stop.cancel();
        self.connections.close();
        self.connections.wait().await;
        if let Some(context) = self.context.get().cloned() {
            let close = move || {
                context.purger.close();
                context.store.close();
            };
            let _ = tokio::task::spawn_blocking(close).await;
        }
    }

    /// Waits for room in one of the writer's queues. This is what stops reading when the writer is behind.
    async fn room(&self, urgency: Urgency, writes: usize) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.room[urgency as usize]).acquire_many_owned(writes as u32).await.ok()
    }

    fn enter(&self) -> usize {
        self.clients.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn leave(&self) -> usize {
        self.clients.fetch_sub(1, Ordering::Relaxed) - 1
    }
}
