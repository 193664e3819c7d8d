//! A whole daemon: store, jobs, commands, connections and compactor. `contactd serve` and the tests start it alike.
//!
//! The caller owns the clock, the sockets and the moment of the end.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::holding::{self, Holding};
use super::partitions::Partitions;
use super::web::{self, Site};
use super::{Listener, Scraped, Server, Shared, browsers, reload};
use crate::command::{Access, Context, Grant, Setting, Tokens};
use crate::error::{Error, Result};
use crate::jobs::PurgeSettings;
use crate::ledger::LedgerSettings;
use crate::limits::WEBHOOK_READ_MS_MAX;
use crate::model::inbox::MaybeOptOut;
use crate::model::keyword::Keywords;
use crate::model::phone::Region;
use crate::model::slot::Partition;
use crate::model::verdict::StopScope;
use crate::reloadable::Reloadable;
use crate::store::engine::Engine;
use crate::store::{BACKUPS, Clock, Fsync, OptOutWarning, Retention};
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
    /// Into how many partitions the store is split, each with files, a writer and a ledger of its own. 1: it is not.
    pub partitions: u16,
    /// Which of them this is the set-up of; none: it is that of the whole store.
    pub partition: Option<Partition>,
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
    held: Held,
}

/// What a daemon holds.
enum Held {
    /// A store.
    Store(Box<Holding>),
    /// A store in partitions.
    Partitions(Partitions),
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
            partitions: 1,
            partition: None,
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
        let shared = Arc::new(Shared {
            tokens: Arc::clone(&setup.tokens),
            tls: setup.tls.clone(),
            settings: Arc::clone(&setup.settings_file),
            reloads: Arc::default(),
            counters: Arc::default(),
            clients: Arc::default(),
            clock,
        });
        let is_whole = setup.partitions == 1;
        let server = if is_whole {
            holding::server(&setup, &shared, setup.stop.clone())?
        } else {
            Arc::new(Server::new(Arc::clone(&shared), None, setup.stop.clone()))
        };
        if let Some(scraped) = scraped {
            scraped.serve(&server, Arc::clone(&setup.tokens), setup.metrics_lists);
        }
        if let Some(Browsers { listener, hosts }) = browsers {
            browsers::serve(&server, listener, Arc::clone(&setup.tokens), hosts, setup.data_dir.clone());
        }
        for listener in clients {
            server.listen(listener);
        }
        if let Some(tls) = &setup.tls {
            reload::tell_of(&tls.get(), &shared.reloads);
        }
        let held = if is_whole {
            Holding::open(Arc::clone(&server), setup).await.map(|holding| Held::Store(Box::new(holding)))
        } else {
            Partitions::open(&server, setup).await.map(Held::Partitions)
        };
        let held = match held {
            Ok(held) => held,
            Err(why) => {
                server.drain().await;
                server.end().await;
                return Err(why);
            }
        };
        reload::start(&server);
        Ok(Daemon { server, held })
    }

    /// What the commands work with; in a store in partitions, those of the first one that is open here, if there is one.
    pub fn context(&self) -> Option<Arc<Context>> {
        match &self.held {
            Held::Store(holding) => Some(Arc::clone(&holding.context)),
            Held::Partitions(partitions) => partitions.contexts().next(),
        }
    }

    /// A connection from inside the daemon, which may do everything. Its other end is a pipe in memory.
    pub fn connect_inside(&self) -> tokio::io::DuplexStream {
        self.server.connect_inside(Grant::unnamed(Access::Admin))
    }

    /// Takes the webhooks of providers.
    pub fn serve_webhooks(&self, listener: Listener, setup: WebhookSetup, keywords: Arc<Keywords>) {
        let inside = Arc::clone(&self.server);
        let connect = Box::new(move |grant| inside.connect_inside(grant));
        let clock = Arc::clone(&self.server.shared.clock);
        let webhooks = Arc::new(Webhooks::new(setup, connect, keywords, Box::new(move || clock())));
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
        let count = |context: Arc<Context>| context.store.gate().directory.len();
        match &self.held {
            Held::Store(holding) => count(Arc::clone(&holding.context)),
            Held::Partitions(partitions) => partitions.contexts().map(count).sum(),
        }
    }

    /// Sets who is told by a writer's own thread, about so often, that the writer lives.
    pub fn on_heartbeat(&self, every: Duration, tell: impl Fn(&Context) + Send + 'static) {
        let Some(context) = self.context() else { return };
        let told = Arc::downgrade(&context);
        let tell = move || {
            if let Some(context) = told.upgrade() {
                tell(&context);
            }
        };
        context.store.on_heartbeat(every, Box::new(tell));
    }

    /// Waits until this daemon is not the owner of its store any more, and gives the reason. One that shares its store with
    /// nobody is that for ever. Partitions come and go without this one.
    pub async fn lost(&self) -> String {
        match &self.held {
            Held::Store(holding) => holding.lost().await,
            Held::Partitions(partitions) => partitions.failed().await,
        }
    }

    /// Stops accepting and reading, answers what was received, ends the jobs after the steps they are at, and closes the
    /// store. Gives how many forbidding facts are in memory alone, since the disk did not take them: they are lost.
    pub async fn stop(self) -> usize {
        match self.held {
            Held::Store(holding) => holding.close().await,
            Held::Partitions(partitions) => {
                self.server.drain().await;
                let unwritten = partitions.close().await;
                self.server.end().await;
                unwritten
            }
        }
    }
}
