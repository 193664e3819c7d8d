//! One store that is open, and the server that its requests come to.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::owner::Owner;
use super::places;
use super::splice::Sharing;
use super::{Server, Setup, Shared, compactor};
use crate::command::Context;
use crate::error::{Error, Result};
use crate::jobs::{Jobs, bring_back};
use crate::ledger::View;
use crate::model::strictness::Strictness;
use crate::store::{Options, Store};

/// One store that is open.
pub(super) struct Holding {
    pub server: Arc<Server>,
    pub context: Arc<Context>,
    /// The hold on the ledger, if the store is shared.
    owner: Option<Owner>,
}

/// A server for one store. Until that is open it answers `-LOADING`, or hands clients on.
pub(super) fn server(setup: &Setup, shared: &Arc<Shared>, stop: CancellationToken) -> Result<Arc<Server>> {
    let ledger = setup.ledger.as_ref().map(Sharing::new).transpose()?;
    Ok(Arc::new(Server::new(Arc::clone(shared), ledger, stop)))
}

impl Holding {
    /// Opens the store of a server, once this daemon is its owner, and goes on with the jobs that were interrupted.
    pub async fn open(server: Arc<Server>, setup: Setup) -> Result<Holding> {
        let every = Duration::from_millis(setup.purge.every_ms.unsigned_abs());
        let own = Arc::clone(&server);
        let view = own.ledger.as_ref().map(|ledger| Arc::clone(&ledger.view)).unwrap_or_default();
        let loaded = tokio::task::spawn_blocking(move || load(setup, &own, &view)).await;
        let (context, owner) = loaded.map_err(Error::internal).flatten()?;
        let context = Arc::new(context);
        server.open(Arc::clone(&context));
        compactor::start(&server, every);
        Ok(Holding { server, context, owner })
    }

    /// Waits until this daemon is not the owner of the store any more, and gives the reason. One that shares its store with
    /// nobody is that for ever.
    pub async fn lost(&self) -> String {
        match &self.owner {
            Some(owner) => owner.reign.ended().await,
            None => std::future::pending().await,
        }
    }

    /// Waits until another daemon asks for the store, and gives its address.
    pub async fn wanted(&self) -> String {
        match &self.owner {
            Some(owner) => owner.reign.wanted().await,
            None => std::future::pending().await,
        }
    }

    /// Stops reading, answers what was received, ends the jobs after the steps they are at, and closes the store. Gives how many
    /// forbidding facts are in memory alone, since the disk did not take them: they are lost.
    pub async fn close(self) -> usize {
        let Holding { server, context, owner } = self;
        server.drain().await;
        let close = move || {
            context.jobs.close();
            context.store.close();
            if let Some(owner) = owner {
                owner.give_up();
            }
            context.store.gate().unwritten()
        };
        let closed = tokio::task::spawn_blocking(close).await;
        server.end().await;
        match closed {
            Ok(unwritten) => unwritten,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }
}

/// Opens the store, once this daemon is its owner.
fn load(setup: Setup, server: &Server, view: &View) -> Result<(Context, Option<Owner>)> {
    let (backups, are_expected) = (setup.backups(), setup.backup_dir.is_some());
    if are_expected && is_one_disk(&backups, &setup.data_dir) {
        tracing::warn!(
            "--backup-dir is on the disk of the data: whatever takes one takes both. Copy backups elsewhere"
        );
    }
    if setup.trail.as_ref().is_some_and(|trail| is_one_disk(trail, &setup.data_dir)) {
        tracing::warn!(
            "--trail is on the disk of the data: whatever takes one takes both. Put it on another one, or copy it elsewhere"
        );
    }
    let trail = setup.trail.clone();
    let options = Options {
        dir: setup.data_dir,
        fsync: setup.fsync,
        scope: setup.stop_scope,
        maybe_optout: setup.maybe_optout,
        clock: Arc::clone(&server.shared.clock),
        keep: setup.keep,
        opt_out_warning: setup.opt_out_warning,
        trail: setup.trail,
        tombstone_key: setup.tombstone_key,
        backups: (!setup.no_backup).then(|| backups.clone()),
        strictness: Some(Strictness {
            scope: setup.stop_scope,
            maybe_optout: setup.maybe_optout,
            words: setup.keywords.added().clone(),
        }),
        loading: Arc::clone(&server.loading),
    };
    let (store, reigning) = match (setup.ledger, setup.engine) {
        (Some(ledger), _) => {
            let (store, reigning) = Owner::become_one(&ledger, view, options, &setup.stop)?;
            (store, Some(reigning))
        }
        (None, Some(engine)) => (Store::open_on(engine, options)?, None),
        (None, None) => (Store::open(options)?, None),
    };
    if let Some(here) = setup.partition {
        places::check(here, &store)?;
    }
    let store = Arc::new(store);
    if let Some(trail) = trail {
        bring_back(&store, &trail)?;
        store.complete_trail()?;
    }
    if store.gate().lists().fence.is_some() {
        tracing::warn!(
            "nobody gets messages: the store may not know who opted out last. `contactd health` says why; UNFENCE ends it"
        );
    }
    let owner = reigning.map(|reigning| reigning.serve(&store)).transpose()?;
    let context = Context {
        jobs: Jobs::start(&store, setup.purge, (backups, are_expected))?,
        store,
        keywords: setup.keywords,
        default_region: setup.default_region,
        tokens: setup.tokens,
        settings: setup.settings,
        reloads: Arc::clone(&server.shared.reloads),
        clients: Arc::clone(&server.shared.clients),
        counters: Arc::clone(&server.shared.counters),
        reign: owner.as_ref().map(|owner| Arc::clone(&owner.reign)),
        partition: setup.partition,
    };
    Ok((context, owner))
}

/// Whether two directories are on one file system. One that is not there yet is where the next one above it is.
fn is_one_disk(one: &Path, other: &Path) -> bool {
    let device = |path: &Path| path.ancestors().find_map(|path| path.metadata().ok()).map(|found| found.dev());
    device(one).is_some_and(|found| device(other) == Some(found))
}
