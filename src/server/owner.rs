//! A daemon that shares its store through a ledger: from standing by to being the owner, and back.

use std::sync::Arc;
use std::thread::JoinHandle;

use tokio_util::sync::CancellationToken;

use crate::error::{Code, Error, Result};
use crate::ledger::{self, Appender, Copier, Home, Keeper, LedgerSettings, Reign, View};
use crate::store::ledger::Ledger;
use crate::store::{Options, Replica, Store};

/// The owner's hold on the ledger.
pub(super) struct Owner {
    pub reign: Arc<Reign>,
    keeper: Keeper,
    copier: JoinHandle<()>,
}

impl Owner {
    /// Stands by until this daemon is the owner, and opens the store. An error with `-DRAINING`: it was told to stop before.
    pub fn become_one(
        settings: &LedgerSettings,
        view: &View,
        options: Options,
        stop: &CancellationToken,
    ) -> Result<(Store, Reigning)> {
        let home = Home { dir: &options.dir, tombstone_key: options.tombstone_key.as_deref() };
        let mut replica = Replica::open(home.dir)?;
        let taken = ledger::stand_by(settings, view, home, &mut replica, &|| stop.is_cancelled())?;
        let (reign, keeper) =
            taken.ok_or_else(|| Error::new(Code::Draining, "contactd was told to stop while it stood by"))?;
        let log = Ledger::Remote(Box::new(Appender::new(Arc::clone(&reign))?));
        let store = Store::open_with(replica.into_engine(), log, options)?;
        Ok((store, Reigning { reign, keeper }))
    }

    /// Gives the lease up, once the store is closed: another daemon may take over at once.
    pub fn give_up(self) {
        drop(self.keeper);
        // A panic there was told.
        let _ = self.copier.join();
    }
}

/// An owner whose store is open and not served yet.
pub(super) struct Reigning {
    pub reign: Arc<Reign>,
    keeper: Keeper,
}

impl Reigning {
    /// From now on copies of the store are made for new daemons.
    pub fn serve(self, store: &Arc<Store>) -> Result<Owner> {
        let copier = Copier::start(store, &self.reign)?;
        Ok(Owner { reign: self.reign, keeper: self.keeper, copier })
    }
}
