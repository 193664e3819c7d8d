//! `contactd serve`: configuration → log → listeners → daemon → exit code.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use super::systemd::Systemd;
use crate::address::Address;
use crate::config::{Access, Config, ConsoleAddress, LogFormat, needs_tokens, speaks_no_tls};
use crate::counted::counted;
use crate::error::{Error, Result};
use crate::limits::FSYNC_INTERVAL_MS;
use crate::model::time::Millis;
use crate::server::{Browsers, Daemon, Inherited, Listener, Scraped, Setup, Sockets};
use crate::store::Fsync;
use crate::webhooks::WebhookSetup;

/// Runs the daemon until SIGTERM or SIGINT.
pub fn serve(config: Config) -> Result<ExitCode> {
    start_log(config.log_format);
    raise_open_files();
    let inherited = Inherited::from_env().map_err(|why| Error::internal(format!("systemd's sockets: {why}")))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Error::internal)?;
    runtime.block_on(run(config, inherited))
}

/// The signals that a daemon obeys.
struct Signals {
    end: EndSignals,
    hangup: Signal,
}

/// Those that end it.
struct EndSignals {
    terminate: Signal,
    interrupt: Signal,
}

/// How serving ended.
enum End {
    /// It was told to.
    Stopped(ExitCode),
    /// Another daemon is the owner of the store: this one stands by from now on.
    Lost,
}

impl Signals {
    fn new() -> Result<Signals> {
        let of = |kind| signal(kind).map_err(Error::internal);
        let end = EndSignals { terminate: of(SignalKind::terminate())?, interrupt: of(SignalKind::interrupt())? };
        Ok(Signals { end, hangup: of(SignalKind::hangup())? })
    }
}

impl EndSignals {
    /// Waits for one.
    async fn recv(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// The sockets of this process, which outlive a daemon that has lost its store.
struct Open {
    clients: Vec<Listener>,
    scraped: Option<Scraped>,
    console: Option<Browsers>,
    webhooks: Option<Listener>,
}

/// Nobody finds a daemon that has ended behind the file of a socket.
impl Drop for Open {
    fn drop(&mut self) {
        self.clients.iter().for_each(Listener::remove_file);
    }
}

impl Open {
    /// Opens everything that the configuration names.
    async fn new(config: &Config, inherited: Inherited) -> Result<Open> {
        let clients = listeners(config, inherited).await?;
        let scraped = match &config.metrics {
            Some(address) => Some(Scraped::bind(address).await?),
            None => None,
        };
        let console = match config.console.clone() {
            Some(console) => browsers(console).await?,
            None => None,
        };
        let webhooks = match &config.webhooks {
            Some(webhooks) => Some(Listener::bind(&webhooks.address).await.map_err(|why| {
                Error::internal(format!("cannot listen on {} for --webhooks: {why}", webhooks.address))
            })?),
            None => None,
        };
        Ok(Open { clients, scraped, console, webhooks })
    }

    /// All of them, for one daemon.
    fn sockets(&self) -> Result<(Sockets, Option<Listener>)> {
        let again = |listener: &Listener| listener.again().map_err(Error::internal);
        let browsers = |open: &Browsers| Ok(Browsers { listener: again(&open.listener)?, hosts: open.hosts.clone() });
        let sockets = Sockets {
            clients: self.clients.iter().map(again).collect::<Result<_>>()?,
            scraped: self.scraped.as_ref().map(Scraped::again).transpose()?,
            browsers: self.console.as_ref().map(browsers).transpose()?,
        };
        Ok((sockets, self.webhooks.as_ref().map(again).transpose()?))
    }
}

async fn run(config: Config, inherited: Inherited) -> Result<ExitCode> {
    let mut signals = Signals::new()?;
    let systemd = Systemd::from_env();
    let open = Open::new(&config, inherited).await?;
    loop {
        match serve_once(&config, &open, &systemd, &mut signals).await? {
            End::Stopped(code) => return Ok(code),
            End::Lost => tracing::info!("this daemon stands by from now on"),
        }
    }
}

/// Serves until it is told to end, or has lost its store to another daemon.
async fn serve_once(config: &Config, open: &Open, systemd: &Systemd, signals: &mut Signals) -> Result<End> {
    let (sockets, webhooks) = open.sockets()?;
    let listens = addresses(&open.clients)?;
    let stop = CancellationToken::new();
    let setup = Setup { stop: stop.clone(), ..config.setup.clone() };
    let start = Daemon::start_on(setup, Arc::new(now), sockets);
    if config.setup.ledger.is_some() {
        systemd.stands_by();
    }
    let mut is_told = false;
    let started = {
        let start = systemd.while_loading(start);
        tokio::pin!(start);
        tokio::select! {
            started = &mut start => started,
            () = signals.end.recv() => {
                is_told = true;
                stop.cancel();
                start.await
            }
        }
    };
    let daemon = match started {
        Err(_) if is_told => {
            systemd.stopping();
            tracing::info!("stopped; everything is on disk");
            return Ok(End::Stopped(ExitCode::SUCCESS));
        }
        started => started?,
    };
    announce(&daemon, config, open, &listens)?;
    if let (Some(listener), Some(webhooks)) = (webhooks, &config.webhooks) {
        serve_webhooks(&daemon, config, listener, webhooks.setup.clone())?;
    }
    systemd.ready(&daemon);

    loop {
        tokio::select! {
            () = signals.end.recv() => break,
            // The terminal that started the daemon may close, and log rotation may send it: neither ends the daemon.
            _ = signals.hangup.recv() => daemon.reload().await,
            why = daemon.lost() => {
                tracing::error!("this daemon answers nothing any more: {why}");
                daemon.stop().await;
                return Ok(End::Lost);
            }
        }
    }
    systemd.stopping();
    tracing::info!("draining: finishing what was received; a second signal aborts");
    let unwritten = tokio::select! {
        unwritten = daemon.stop() => unwritten,
        () = signals.end.recv() => std::process::abort(),
    };
    if unwritten > 0 {
        tracing::error!(
            "stopped; {} or the like that got READONLY not on disk: send them again",
            counted(unwritten as u64, "opt-out")
        );
        return Ok(End::Stopped(ExitCode::FAILURE));
    }
    tracing::info!("stopped; everything is on disk");
    Ok(End::Stopped(ExitCode::SUCCESS))
}

/// Tells the log what is served, and where, and of what somebody should know.
fn announce(daemon: &Daemon, config: &Config, open: &Open, listens: &[Address]) -> Result<()> {
    tracing::info!(
        "contactd {} serves {} of {} on {}",
        env!("CARGO_PKG_VERSION"),
        counted(daemon.contacts(), "contact"),
        config.setup.data_dir.display(),
        listens.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    );
    let readable = Access::readable_by_others(listens, &config.setup.tokens.get());
    if !readable.is_empty() {
        tracing::warn!(
            "tokens travel in clear text to {}: whoever is between can read them; --listen tls:HOST:PORT encrypts",
            readable.join(", ")
        );
    }
    if let Some(scraped) = &open.scraped {
        tracing::info!("metrics and health on http://{}/metrics, /healthz and /readyz", scraped.address()?);
    }
    if config.setup.fsync == Fsync::Interval {
        tracing::warn!(
            "--fsync interval: a crash may lose up to {FSYNC_INTERVAL_MS} ms of acknowledged opt-ins, imports and labels; opt-outs are always synced"
        );
    }
    Ok(())
}

/// Takes the webhooks of providers.
fn serve_webhooks(daemon: &Daemon, config: &Config, listener: Listener, setup: WebhookSetup) -> Result<()> {
    let address = listener.address().map_err(Error::internal)?;
    tracing::info!("providers post to {}/webhooks/PROVIDER, which is {address} here", setup.public_url);
    daemon.serve_webhooks(listener, setup, Arc::clone(&config.setup.keywords));
    Ok(())
}

/// Opens the console's socket. Its default port may be taken by another daemon on this machine; one that somebody has said may
/// not.
async fn browsers(console: ConsoleAddress) -> Result<Option<Browsers>> {
    let scheme = if matches!(console.address, Address::Tls(_)) { "https" } else { "http" };
    match Listener::bind(&console.address).await {
        Ok(listener) => {
            let address = listener.address().map_err(Error::internal)?.to_string();
            tracing::info!("the console is at {scheme}://{}/", address.trim_start_matches("tls:"));
            Ok(Some(Browsers { listener, hosts: console.hosts }))
        }
        Err(why) if console.is_said => {
            Err(Error::internal(format!("cannot listen on {} for --http: {why}", console.address)))
        }
        Err(why) => {
            tracing::warn!("there is no console: cannot listen on {}: {why}; --http says where else", console.address);
            Ok(None)
        }
    }
}

/// What is listened on: the sockets that were opened already, then each address that was said and is not among them. The
/// default address is for when nothing was said and nothing opened.
async fn listeners(config: &Config, inherited: Inherited) -> Result<Vec<Listener>> {
    let is_default = !config.listen_is_said && inherited.is_empty();
    let mut listeners = inherited.into_listeners().map_err(Error::internal)?;
    let inherited = addresses(&listeners)?;
    if config.setup.tokens.get().is_empty()
        && let Some(public) = inherited.iter().find(|address| !address.is_local())
    {
        return Err(needs_tokens(public));
    }
    let said = config.listen.iter().filter(|_| config.listen_is_said || is_default);
    for address in said.filter(|said| !inherited.contains(said)) {
        let listener = Listener::bind(address)
            .await
            .map_err(|why| Error::internal(format!("cannot listen on {address}: {why}")))?;
        listeners.push(listener);
    }
    let http =
        config.console.iter().map(|console| &console.address).chain(config.webhooks.iter().map(|to| &to.address));
    let speaks_tls = listeners.iter().any(|listener| matches!(listener, Listener::Tls(_)))
        || http.into_iter().any(|address| matches!(address, Address::Tls(_)));
    if config.setup.tls.is_some() && !speaks_tls {
        return Err(speaks_no_tls());
    }
    Ok(listeners)
}

fn addresses(listeners: &[Listener]) -> Result<Vec<Address>> {
    listeners.iter().map(|listener| listener.address().map_err(Error::internal)).collect()
}

/// The system's clock.
pub fn now() -> Millis {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as Millis)
}

fn start_log(format: LogFormat) {
    let filter = EnvFilter::try_from_env("CONTACTD_LOG").unwrap_or_else(|_| EnvFilter::new("info,sled=warn"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // Tests start several daemons in one process: the first one's log stands.
    let _ = match format {
        LogFormat::Human => log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
}

/// Every client is an open file: takes all that the system allows.
fn raise_open_files() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum
        && let Err(why) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
    {
        tracing::warn!("cannot raise the limit of open files from {current:?}: {why}");
    }
}
