//! The partitions of a store in one daemon. Each stands by, serves, and stands by again for itself, as a store of its own would.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::front::Front;
use super::holding::{Holding, server};
use super::places;
use super::{Server, Setup, Shared};
use crate::command::Context;
use crate::error::{Code, Error, Result};
use crate::model::slot::{PARTITIONS_MAX, Partition, partition_name};
use crate::store::{SECRET_FILE, Secret};

/// The partitions of a store.
pub(super) struct Partitions {
    doors: Vec<Arc<Door>>,
    holders: Vec<JoinHandle<usize>>,
    stop: CancellationToken,
    /// Why one of them cannot be held any more.
    failed: watch::Sender<Option<String>>,
}

/// How often who starts looks whether the partitions are open.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The server of a partition: another one each time that this daemon begins to stand by.
pub(super) struct Door(RwLock<Arc<Server>>);

impl Door {
    /// The server of now.
    pub fn server(&self) -> Arc<Server> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Where the owner is reached, if that is another daemon.
    pub fn elsewhere(&self) -> Option<String> {
        self.server().ledger.as_ref()?.elsewhere()
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
        // One secret for all: it is made once, and kept beside them.
        let key = setup.tombstone_key.clone().unwrap_or_else(|| setup.data_dir.join(SECRET_FILE));
        if setup.ledger.is_none() {
            places::refuse_new_secret(&setup, &key)?;
        } else if !key.exists() {
            return Err(Error::bad_arg(format!(
                "{} is not there: all daemons of a ledger in partitions need the same --tombstone-key, which `contactd ledger \
                 init --tombstone-key FILE` makes once",
                key.display()
            )));
        }
        let secret = Secret::open(&setup.data_dir, Some(&key), None)?;
        let setup = Setup { tombstone_key: Some(key), ..setup };
        if setup.ledger.is_none() {
            places::prepare(&setup.data_dir, setup.partitions)?;
        }
        let stop = CancellationToken::new();
        let mut partitions =
            Partitions { doors: Vec::new(), holders: Vec::new(), stop, failed: watch::Sender::new(None) };
        for place in 0..setup.partitions {
            let here = Partition { place, of: setup.partitions };
            let own = of_partition(&setup, here, partitions.stop.child_token());
            // What clients ask is counted once, by the front. Who has asked a partition is told by that one, wherever it is open.
            let (counters, clients) = (Arc::default(), Arc::default());
            let shared = Arc::new(Shared { counters, clients, ..front.shared.as_ref().clone() });
            let door = Arc::new(Door(RwLock::new(server(&own, &shared, own.stop.child_token())?)));
            let holder =
                Holder { here, door: Arc::clone(&door), shared, setup: own, failed: partitions.failed.clone() };
            partitions.doors.push(door);
            partitions.holders.push(tokio::spawn(holder.hold()));
        }
        let reached = tokio::select! {
            () = partitions.reached() => match &setup.ledger {
                None => places::settle(&setup.data_dir, setup.partitions),
                Some(_) => Ok(()),
            },
            why = partitions.failed() => Err(Error::internal(why)),
            () = front.stop.cancelled() => {
                Err(Error::new(Code::Draining, "contactd was told to stop while it was loading"))
            }
        };
        if let Err(why) = reached {
            partitions.close().await;
            return Err(why);
        }
        let _ = front.front.set(Front::new(partitions.doors.clone(), setup.opt_out_warning, secret));
        Ok(partitions)
    }

    /// Waits until somebody has each partition.
    async fn reached(&self) {
        while !self.doors.iter().all(|door| door.server().is_open() || door.elsewhere().is_some()) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
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
fn of_partition(setup: &Setup, here: Partition, stop: CancellationToken) -> Setup {
    let name = partition_name(here.place);
    let beside = |path: &PathBuf| {
        let mut path = path.clone().into_os_string();
        path.push(format!(".{name}"));
        PathBuf::from(path)
    };
    let mut own = Setup { partitions: 1, partition: Some(here), stop, ..setup.clone() };
    own.data_dir = setup.data_dir.join(&name);
    own.backup_dir = setup.backup_dir.as_ref().map(|dir| dir.join(&name));
    own.trail = setup.trail.as_ref().map(beside);
    own.purge.archive = setup.purge.archive.as_ref().map(|dir| dir.join(&name));
    if let Some(ledger) = &mut own.ledger {
        ledger.url = ledger.url.part(here.place.cast_signed());
        ledger.partitions = here.of;
    }
    own
}

/// Who holds one partition for as long as the daemon lives.
struct Holder {
    here: Partition,
    door: Arc<Door>,
    shared: Arc<Shared>,
    setup: Setup,
    failed: watch::Sender<Option<String>>,
}

impl Holder {
    /// Holds it until the daemon stops. Gives how many forbidding facts are lost.
    async fn hold(self) -> usize {
        loop {
            let holding = match Holding::open(self.door.server(), self.setup.clone()).await {
                Ok(holding) => holding,
                Err(why) => {
                    let server = self.door.server();
                    server.drain().await;
                    server.end().await;
                    if !self.setup.stop.is_cancelled() {
                        let message = format!("partition {} cannot be held: {}", self.here, why.message);
                        self.failed.send_replace(Some(message));
                    }
                    return 0;
                }
            };
            tokio::select! {
                () = self.setup.stop.cancelled() => return holding.close().await,
                why = holding.lost() => {
                    tracing::error!("partition {} is not answered for here any more: {why}", self.here);
                }
                other = holding.wanted() => {
                    tracing::info!("partition {} goes to the daemon at {other}, which has fewer", self.here);
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
