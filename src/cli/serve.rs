//! `contactd serve`: configuration → log → listeners → daemon → exit code.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::systemd::Systemd;
use crate::address::Address;
use crate::config::{Access, Config, ConsoleAddress, LogFormat, WebhookListener, needs_tokens, speaks_no_tls};
use crate::counted::counted;
use crate::error::{Error, Result};
use crate::limits::FSYNC_INTERVAL_MS;
use crate::model::time::Millis;
use crate::server::{Browsers, Daemon, Inherited, Listener, Scraped, Sockets};
use crate::store::Fsync;

/// Runs the daemon until SIGTERM or SIGINT.
pub fn serve(config: Config) -> Result<ExitCode> {
    start_log(config.log_format);
    raise_open_files();
    let inherited = Inherited::from_env().map_err(|why| Error::internal(format!("systemd's sockets: {why}")))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Error::internal)?;
    runtime.block_on(run(config, inherited))
}

async fn run(config: Config, inherited: Inherited) -> Result<ExitCode> {
    let mut term = signal(SignalKind::terminate()).map_err(Error::internal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::internal)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(Error::internal)?;
    let systemd = Systemd::from_env();
    let listeners = listeners(&config, inherited).await?;
    let scraped = match &config.metrics {
        Some(address) => Some(Scraped::bind(address).await?),
        None => None,
    };
    let scraped_at = scraped.as_ref().map(Scraped::address).transpose()?;
    let browsers = match config.console {
        Some(console) => browsers(console).await?,
        None => None,
    };
    let listens = addresses(&listeners)?;
    let addresses = listens.iter().map(ToString::to_string).collect::<Vec<_>>();
    let setup = config.setup;
    let (dir, fsync) = (setup.data_dir.display().to_string(), setup.fsync);
    let readable = Access::readable_by_others(&listens, &setup.tokens.get());
    let sockets = Sockets { clients: listeners, scraped, browsers };
    let daemon = systemd.while_loading(Daemon::start_on(setup, Arc::new(now), sockets)).await?;
    tracing::info!(
        "contactd {} serves {} of {dir} on {}",
        env!("CARGO_PKG_VERSION"),
        counted(daemon.contacts(), "contact"),
        addresses.join(", ")
    );
    if !readable.is_empty() {
        tracing::warn!(
            "tokens travel in clear text to {}: whoever is between can read them; --listen tls:HOST:PORT encrypts",
            readable.join(", ")
        );
    }
    if let Some(address) = scraped_at {
        tracing::info!("metrics and health on http://{address}/metrics, /healthz and /readyz");
    }
    if fsync == Fsync::Interval {
        tracing::warn!(
            "--fsync interval: a crash may lose up to {FSYNC_INTERVAL_MS} ms of acknowledged opt-ins, imports and labels; opt-outs are always synced"
        );
    }
    if let Some(webhooks) = config.webhooks {
        serve_webhooks(&daemon, webhooks).await?;
    }
    systemd.ready(&daemon);

    loop {
        tokio::select! {
            _ = term.recv() => break,
            _ = interrupt.recv() => break,
            // The terminal that started the daemon may close, and log rotation may send it: neither ends the daemon.
            _ = hangup.recv() => daemon.reload().await,
        }
    }
    systemd.stopping();
    tracing::info!("draining: finishing what was received; a second signal aborts");
    let unwritten = tokio::select! {
        unwritten = daemon.stop() => unwritten,
        _ = term.recv() => std::process::abort(),
        _ = interrupt.recv() => std::process::abort(),
    };
    if unwritten > 0 {
        tracing::error!(
            "stopped; {} or the like that got READONLY not on disk: send them again",
            counted(unwritten as u64, "opt-out")
        );
        return Ok(ExitCode::FAILURE);
    }
    tracing::info!("stopped; everything is on disk");
    Ok(ExitCode::SUCCESS)
}

/// Takes the webhooks of providers.
async fn serve_webhooks(daemon: &Daemon, webhooks: WebhookListener) -> Result<()> {
    let listener = Listener::bind(&webhooks.address)
        .await
        .map_err(|why| Error::internal(format!("cannot listen on {} for --webhooks: {why}", webhooks.address)))?;
    let address = listener.address().map_err(Error::internal)?;
    tracing::info!("providers post to {}/webhooks/PROVIDER, which is {address} here", webhooks.setup.public_url);
    daemon.serve_webhooks(listener, webhooks.setup);
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
