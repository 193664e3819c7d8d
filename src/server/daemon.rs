//! A whole daemon: store, jobs, commands, connections and compactor. `contactd serve` and the tests start it alike.
//!
//! The caller owns the clock, the sockets and the moment of the end.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::owner::Owner;
use super::splice::Sharing;
use super::web::{self, Site};
use super::{Address, Listener, Scraped, Server, browsers, compactor, reload};
use crate::command::{Access, Context, Counters, Grant, Reloads, Setting, Tokens};
use crate::error::{Error, Result};
use crate::jobs::{Jobs, PurgeSettings, bring_back};
use crate::ledger::{LedgerSettings, View};
use crate::limits::WEBHOOK_READ_MS_MAX;
use crate::model::inbox::MaybeOptOut;
use crate::model::keyword::Keywords;
use crate::model::phone::Region;
use crate::model::verdict::StopScope;
use crate::reloadable::Reloadable;
use crate::store::engine::Engine;
use crate::store::{BACKUPS, Clock, Fsync, Loading, OptOutWarning, Options, Retention, Store};
use crate::tls::ServerTls;
use crate::webhooks::{WebhookSetup, Webhooks};

/// How many lists have metrics of their own when nothing is said.
const METRICS_LISTS: usize = 200;

/// What a daemon is set up with, besides its clock and its sockets.
#[derive(Clone)]
pub struct Setup {
    /// Where contacts are kept.
    pub data_dir: PathBuf,
    /// Where bytes are kept instead: for tests.
    pub engine: Option<Arc<dyn Engine>>,
    /// When a write is answered.
    pub fsync: Fsync,
    /// How far a STOP reaches.
    pub stop_scope: StopScope,
    /// What is done with a contact that may want out.
    pub maybe_optout: MaybeOptOut,
    /// Retention periods.
    pub keep: Retention,
    /// When a list's opt-out rate is high.
    pub opt_out_warning: OptOutWarning,
    /// What words from a phone mean.
    pub keywords: Arc<Keywords>,
    /// Where numbers without a country code are from.
    pub default_region: Option<Region>,
    /// Who may do what.
    pub tokens: Arc<Reloadable<Tokens>>,
    /// How TLS is spoken, for listeners that do.
    pub tls: Option<Arc<Reloadable<ServerTls>>>,
    /// The TOML file, which is looked through when it changes: the next start reads it.
    pub settings_file: Arc<Reloadable<()>>,
    /// Which contacts a purge removes, when and where to.
    pub purge: PurgeSettings,
    /// Where each fact that forbids is written as well.
    pub trail: Option<PathBuf>,
    /// How the store is shared with other daemons, if it is.
    pub ledger: Option<LedgerSettings>,
    /// The secret of the tombstones, if it is not in the data directory.
    pub tombstone_key: Option<PathBuf>,
    /// Tells a daemon to stop, one that stands by included.
    pub stop: CancellationToken,
    /// Where backups go; none for `backups` in the data directory.
    pub backup_dir: Option<PathBuf>,
    /// Whether a store of an older contactd is changed without a backup before.
    pub no_backup: bool,
    /// How many lists have metrics of their own.
    pub metrics_lists: usize,
    /// What it runs with, for those who ask.
    pub settings: Vec<Setting>,
}

/// A daemon that serves. End it with [`Daemon::stop`]: one that is dropped goes on for as long as its runtime.
pub struct Daemon {
    server: Arc<Server>,
    context: Arc<Context>,
    /// Its hold on the ledger, if it shares its store.
    owner: Option<Owner>,
}

/// The sockets of a daemon that are open before its store is loaded.
#[derive(Default)]
pub struct Sockets {
    /// For the protocol. Clients are answered `-LOADING` meanwhile.
    pub clients: Vec<Listener>,
    /// For metrics and health.
    pub scraped: Option<Scraped>,
    /// For the console, whose pages say meanwhile how far it is.
    pub browsers: Option<Browsers>,
}

/// Where browsers are served.
pub struct Browsers {
    /// Their socket.
    pub listener: Listener,
    /// The names under which they may call, besides this machine's own.
    pub hosts: Vec<String>,
}

impl Setup {
    /// The defaults, except that the daemon does not purge on its own.
    pub fn new(data_dir: PathBuf) -> Setup {
        Setup {
            data_dir,
            engine: None,
            fsync: Fsync::default(),
            stop_scope: StopScope::default(),
            maybe_optout: MaybeOptOut::default(),
            keep: Retention::default(),
            opt_out_warning: OptOutWarning::default(),
            keywords: Arc::default(),
            default_region: None,
            tokens: Arc::default(),
            tls: None,
            settings_file: Arc::default(),
            purge: PurgeSettings::default(),
            trail: None,
            ledger: None,
            tombstone_key: None,
            stop: CancellationToken::new(),
            backup_dir: None,
            no_backup: false,
            metrics_lists: METRICS_LISTS,
            settings: Vec::new(),
        }
    }

    /// Where backups go.
    pub fn backups(&self) -> PathBuf {
        self.backup_dir.clone().unwrap_or_else(|| self.data_dir.join(BACKUPS))
    }
}

impl Daemon {
    /// Listens, loads the store, goes on with the jobs that were interrupted, and serves.
    pub async fn start(setup: Setup, clock: Clock, clients: Vec<Listener>) -> Result<Daemon> {
        Daemon::start_on(setup, clock, Sockets { clients, ..Sockets::default() }).await
    }

    /// The same on more sockets than those of the protocol. What browsers upload is for a while in the data directory, in files
    /// without a name.
    pub async fn start_on(setup: Setup, clock: Clock, sockets: Sockets) -> Result<Daemon> {
        let Sockets { clients, scraped, browsers } = sockets;
        let listeners = clients.iter().chain(browsers.iter().map(|browsers| &browsers.listener));
        if setup.tls.is_none() && listeners.into_iter().any(|listener| matches!(listener, Listener::Tls(_))) {
            return Err(Error::bad_arg("an address with tls: needs a certificate"));
        }
        let ledger = setup.ledger.as_ref().map(sharing).transpose()?;
        let view = ledger.as_ref().map(|ledger| Arc::clone(&ledger.view)).unwrap_or_default();
        let settings_file = Arc::clone(&setup.settings_file);
        let server = Arc::new(Server::new(setup.tls.clone(), settings_file, ledger, setup.stop.clone()));
        if let Some(scraped) = scraped {
            scraped.serve(&server, Arc::clone(&setup.tokens), setup.metrics_lists);
        }
        if let Some(Browsers { listener, hosts }) = browsers {
            browsers::serve(&server, listener, Arc::clone(&setup.tokens), hosts, setup.data_dir.clone());
        }
        for listener in clients {
            server.listen(listener);
        }
        let every = Duration::from_millis(setup.purge.every_ms.unsigned_abs());
        let loading = Arc::clone(&server.loading);
        let loaded = tokio::task::spawn_blocking(move || load(setup, clock, loading, &view)).await;
        let (context, owner) = match loaded.map_err(Error::internal).flatten() {
            Ok((context, owner)) => (Arc::new(context), owner),
            Err(why) => {
                server.drain().await;
                server.end().await;
                return Err(why);
            }
        };
        server.open(Arc::clone(&context));
        compactor::start(&server, every);
        reload::start(&server);
        Ok(Daemon { server, context, owner })
    }

    /// What the commands work with.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// A connection from inside the daemon, which may do everything. Its other end is a pipe in memory.
    pub fn connect_inside(&self) -> tokio::io::DuplexStream {
        self.server.connect_inside(Grant::unnamed(Access::Admin))
    }

    /// Takes the webhooks of providers.
    pub fn serve_webhooks(&self, listener: Listener, setup: WebhookSetup) {
        let inside = Arc::clone(&self.server);
        let connect = Box::new(move |grant| inside.connect_inside(grant));
        let store = Arc::clone(&self.context.store);
        let keywords = Arc::clone(&self.context.keywords);
        let webhooks = Arc::new(Webhooks::new(setup, connect, keywords, Box::new(move || store.now())));
        let webhooks = Arc::clone(self.server.webhooks.get_or_init(|| webhooks));
        let site = Site {
            caller: "a provider",
            head_ms_max: WEBHOOK_READ_MS_MAX,
            router: webhooks.router(),
            end: self.server.stop.clone(),
            tasks: self.server.connections.clone(),
        };
        web::serve(&self.server, listener, site);
    }

    /// Reads the tokens, the certificates and the secrets of webhooks again, and looks the settings through. What cannot be
    /// read, or has an error in it, stays as it was, and log and STATS tell why. Connections whose token is one no more are closed.
    pub async fn reload(&self) {
        reload::now(&self.server).await;
    }

    /// How many contacts it has.
    pub fn contacts(&self) -> u64 {
        self.context.store.gate().directory.len()
    }

    /// Sets who is told by the writer's own thread, about so often, that the writer lives.
    pub fn on_heartbeat(&self, every: Duration, tell: impl Fn(&Context) + Send + 'static) {
        let context = Arc::downgrade(&self.context);
        let tell = move || {
            if let Some(context) = context.upgrade() {
                tell(&context);
            }
        };
        self.context.store.on_heartbeat(every, Box::new(tell));
    }

    /// Waits until this daemon is not the owner of its store any more, and gives the reason. One that shares its store with
    /// nobody is that for ever.
    pub async fn lost(&self) -> String {
        match &self.owner {
            Some(owner) => owner.reign.ended().await,
            None => std::future::pending().await,
        }
    }

    /// Stops accepting and reading, answers what was received, ends the jobs after the steps they are at, and closes the
    /// store. Gives how many forbidding facts are in memory alone, since the disk did not take them: they are lost.
    pub async fn stop(self) -> usize {
        self.server.drain().await;
        let (context, owner) = (Arc::clone(&self.context), self.owner);
        let close = move || {
            context.jobs.close();
            context.store.close();
            if let Some(owner) = owner {
                owner.give_up();
            }
            context.store.gate().unwritten()
        };
        let closed = tokio::task::spawn_blocking(close).await;
        self.server.end().await;
        match closed {
            Ok(unwritten) => unwritten,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }
}

/// What a server that shares its store knows of the others.
fn sharing(ledger: &LedgerSettings) -> Result<Sharing> {
    let is_encrypted = matches!(ledger.advertise, Address::Tls(_));
    let trust = is_encrypted.then(|| ledger.trust.load()).transpose()?;
    Ok(Sharing { view: Arc::default(), trust, taken: CancellationToken::new() })
}

/// Opens the store, once this daemon is its owner.
fn load(setup: Setup, clock: Clock, loading: Arc<Loading>, view: &View) -> Result<(Context, Option<Owner>)> {
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
        clock,
        keep: setup.keep,
        opt_out_warning: setup.opt_out_warning,
        trail: setup.trail,
        tombstone_key: setup.tombstone_key,
        backups: (!setup.no_backup).then(|| backups.clone()),
        loading,
    };
    let (store, reigning) = match (setup.ledger, setup.engine) {
        (Some(ledger), _) => {
            let (store, reigning) = Owner::become_one(&ledger, view, options, &setup.stop)?;
            (store, Some(reigning))
        }
        (None, Some(engine)) => (Store::open_on(engine, options)?, None),
        (None, None) => (Store::open(options)?, None),
    };
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
        reloads: Reloads::default(),
        clients: Arc::default(),
        counters: Counters::default(),
        reign: owner.as_ref().map(|owner| Arc::clone(&owner.reign)),
    };
    Ok((context, owner))
}

/// Whether two directories are on one file system. One that is not there yet is where the next one above it is.
fn is_one_disk(one: &Path, other: &Path) -> bool {
    let device = |path: &Path| path.ancestors().find_map(|path| path.metadata().ok()).map(|found| found.dev());
    device(one).is_some_and(|found| device(other) == Some(found))
}
