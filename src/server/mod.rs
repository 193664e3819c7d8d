//! The server: the only async floor. It accepts, hands requests to the commands and their writes to the store, and
//! drains. It decides nothing about contacts.

mod address;
mod connection;
mod listener;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use address::Address;
pub use connection::serve;
pub use listener::Listener;

use crate::command::Context;
use crate::limits::QUEUED_WRITES_MAX;

/// What all connections share.
pub struct Server {
    /// Set once the store is loaded; until then everything answers `-LOADING`.
    context: OnceLock<Arc<Context>>,
    clients: AtomicUsize,
    forbidding: Arc<Semaphore>,
    others: Arc<Semaphore>,
    /// Told to stop reading and finish.
    stop: CancellationToken,
    connections: TaskTracker,
}

impl Default for Server {
    fn default() -> Server {
        Server {
            context: OnceLock::new(),
            clients: AtomicUsize::new(0),
            forbidding: Arc::new(Semaphore::new(QUEUED_WRITES_MAX)),
            others: Arc::new(Semaphore::new(QUEUED_WRITES_MAX)),
            stop: CancellationToken::new(),
            connections: TaskTracker::new(),
        }
    }
}

impl Server {
    /// Opens the gate: requests are answered from now on.
    pub fn open(&self, context: Arc<Context>) {
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

    /// Stops accepting and reading, finishes what was received, and syncs.
    pub async fn drain(&self) {
        self.stop.cancel();
        self.connections.close();
        self.connections.wait().await;
        if let Some(context) = self.context.get().cloned() {
            let _ = tokio::task::spawn_blocking(move || context.store.close()).await;
        }
    }

    /// Waits for room in one of the writer's queues. This is what stops reading when the writer is behind.
    async fn room(&self, forbids: bool, writes: usize) -> Option<OwnedSemaphorePermit> {
        let queue = if forbids { &self.forbidding } else { &self.others };
        Arc::clone(queue).acquire_many_owned(writes as u32).await.ok()
    }

    fn enter(&self) -> usize {
        self.clients.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn leave(&self) -> usize {
        self.clients.fetch_sub(1, Ordering::Relaxed) - 1
    }
}
