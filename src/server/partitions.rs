//! The partitions of a store in one daemon. Each stands by, serves, and stands by again for itself, as a store of its own would.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::front::Front;
use super::holding::{Holding, server};
use super::places::{self, Place};
use super::{Server, Setup, Shared};
use crate::command::Context;
use crate::error::{Code, Error, Result};
use crate::model::slot::PARTITIONS_MAX;
use crate::store::{SECRET_FILE, Secret};

/// The partitions of a store.
pub(super) struct Partitions {
    doors: Vec<Arc<Door>>,
    holders: Vec<JoinHandle<usize>>,
    stop: CancellationToken,
    /// Why one of them cannot be held any more.
    failed: watch::Sender<Option<String>>,
}

/// The server of a partition: another one each time that this daemon begins to stand by.
pub(super) struct Door(RwLock<Arc<Server>>);

impl Door {
    /// The server of now.
    pub fn server(&self) -> Arc<Server> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn set(&self, server: Arc<Server>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = server;
    }
}

impl Partitions {
    /// Begins to hold all partitions, and lets the clients of `front` in. Where nobody else could have them it waits until they
    /// are open.
    pub async fn open(front: &Server, setup: Setup) -> Result<Partitions> {
        if !(2..=PARTITIONS_MAX).contains(&setup.partitions) {
            return Err(Error::bad_arg(format!("a store has 1 to {PARTITIONS_MAX} partitions")));
        }
        if setup.ledger.is_some() {
            return Err(Error::bad_arg("a store of a ledger is not split into partitions yet: leave out --partitions"));
        }
        // One secret for all: it is made once, and kept beside them.
        let key = setup.tombstone_key.clone().unwrap_or_else(|| setup.data_dir.join(SECRET_FILE));
        places::refuse_new_secret(&setup, &key)?;
        Secret::open(&setup.data_dir, Some(&key), None)?;
        let setup = Setup { tombstone_key: Some(key), ..setup };
        places::prepare(&setup.data_dir, setup.partitions)?;
        let stop = CancellationToken::new();
        let (opened, mut openings) = mpsc::unbounded_channel();
        let mut partitions =
            Partitions { doors: Vec::new(), holders: Vec::new(), stop, failed: watch::Sender::new(None) };
        for place in 0..setup.partitions {
            let own = of_partition(&setup, place, partitions.stop.child_token());
            // What clients ask is counted once, by the front.
            let shared = Arc::new(Shared { counters: Arc::default(), ..front.shared.as_ref().clone() });
            let door = Arc::new(Door(RwLock::new(server(&own, &shared, own.stop.clone())?)));
            let holder = Holder {
                place: Place::new(place, setup.partitions),
                door: Arc::clone(&door),
                shared,
                setup: own,
                told: partitions.stop.clone(),
                opened: opened.clone(),
                failed: partitions.failed.clone(),
            };
            partitions.doors.push(door);
            partitions.holders.push(tokio::spawn(holder.hold()));
        }
        let open = Front::new(partitions.doors.clone(), setup.opt_out_warning);
        drop(opened);
        for _ in 0..setup.partitions {
            tokio::select! {
                opening = openings.recv() => {
                    if let Some(Err(why)) = opening {
                        partitions.close().await;
                        return Err(why);
                    }
                }
                () = front.stop.cancelled() => {
                    partitions.close().await;
                    return Err(Error::new(Code::Draining, "contactd was told to stop while it was loading"));
                }
            }
        }
        places::settle(&setup.data_dir, setup.partitions)?;
        let _ = front.front.set(open);
        Ok(partitions)
    }

    /// What the commands of those partitions work with that are open here.
    pub fn contexts(&self) -> impl Iterator<Item = Arc<Context>> {
        self.doors.iter().filter_map(|door| door.server().context().cloned())
    }

    /// Waits until a partition can be held no more, and gives the reason.
    pub async fn failed(&self) -> String {
        let mut failed = self.failed.subscribe();
        // It has the sender: it cannot be gone.
        match failed.wait_for(Option::is_some).await {
            Ok(why) => why.clone().unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// Closes all of them. Gives how many forbidding facts are lost.
    pub async fn close(self) -> usize {
        self.stop.cancel();
        let mut unwritten = 0;
        for holder in self.holders {
            match holder.await {
                Ok(more) => unwritten += more,
                Err(panic) => std::panic::resume_unwind(panic.into_panic()),
            }
        }
        unwritten
    }
}

/// What a partition is set up with: files of its own.
fn of_partition(setup: &Setup, place: u16, stop: CancellationToken) -> Setup {
    let name = format!("p{place}");
    let beside = |path: &PathBuf| {
        let mut path = path.clone().into_os_string();
        path.push(format!(".{name}"));
        PathBuf::from(path)
    };
    let mut own = Setup { partitions: 1, stop, ..setup.clone() };
    own.data_dir = setup.data_dir.join(&name);
    own.backup_dir = setup.backup_dir.as_ref().map(|dir| dir.join(&name));
    own.trail = setup.trail.as_ref().map(beside);
    own.purge.archive = setup.purge.archive.as_ref().map(|dir| dir.join(&name));
    if let Some(ledger) = &mut own.ledger {
        ledger.url = ledger.url.part(place.cast_signed());
    }
    own
}

/// Who holds one partition for as long as the daemon lives.
struct Holder {
    place: Place,
    door: Arc<Door>,
    shared: Arc<Shared>,
    setup: Setup,
    /// That all are told to stop: a server that is drained ends what it was set up with itself.
    told: CancellationToken,
    opened: mpsc::UnboundedSender<Result<()>>,
    failed: watch::Sender<Option<String>>,
}

impl Holder {
    /// Opens it. It must be the partition that it is taken for.
    async fn open(&self) -> Result<Holding> {
        let holding = Holding::open(self.door.server(), self.setup.clone()).await?;
        if let Err(why) = self.place.check(&holding.context.store) {
            holding.close().await;
            return Err(why);
        }
        Ok(holding)
    }

    /// Holds it until the daemon stops. Gives how many forbidding facts are lost.
    async fn hold(self) -> usize {
        loop {
            let holding = match self.open().await {
                Ok(holding) => holding,
                Err(why) => {
                    let server = self.door.server();
                    server.drain().await;
                    server.end().await;
                    if !self.told.is_cancelled() {
                        let message = format!("partition {} cannot be held: {}", self.place, why.message);
                        self.failed.send_replace(Some(message.clone()));
                        // Nobody waits where others may have it.
                        let _ = self.opened.send(Err(Error::internal(message)));
                    }
                    return 0;
                }
            };
            let _ = self.opened.send(Ok(()));
            tokio::select! {
                () = self.setup.stop.cancelled() => return holding.close().await,
                why = holding.lost() => {
                    tracing::error!("partition {} is answered for by another daemon: {why}", self.place);
                }
            }
            holding.close().await;
            let next = server(&self.setup, &self.shared, self.setup.stop.child_token());
            match next {
                Ok(next) => self.door.set(next),
                Err(why) => {
                    self.failed.send_replace(Some(why.message));
                    return 0;
                }
            }
        }
    }
}
