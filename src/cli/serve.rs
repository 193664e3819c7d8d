//! `contactd serve`: configuration → log → listeners → store → server → exit code.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::command::{Context, Counters, Purger};
use crate::config::{Config, LogFormat};
use crate::error::{Error, Result};
use crate::limits::FSYNC_INTERVAL_MS;
use crate::model::phone;
use crate::model::time::Millis;
use crate::server::{Listener, Server};
use crate::store::{Fsync, Options, Store};

/// Runs the daemon until SIGTERM or SIGINT.
pub fn serve(config: Config) -> Result<ExitCode> {
    start_log(config.log_format);
    raise_open_files();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Error::internal)?;
    runtime.block_on(run(config))
}

async fn run(config: Config) -> Result<ExitCode> {
    let server = Arc::new(Server::default());
    let mut term = signal(SignalKind::terminate()).map_err(Error::internal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::internal)?;
    let mut addresses = Vec::new();
    for address in &config.listen {
        let listener = Listener::bind(address)
            .await
            .map_err(|why| Error::internal(format!("cannot listen on {address}: {why}")))?;
        addresses.push(listener.address().map_err(Error::internal)?.to_string());
        server.listen(listener);
    }
    // The metadata of all countries takes a moment, and the first import should not wait for it.
    std::thread::spawn(phone::warm_up);
    // Clients are told -LOADING meanwhile.
    let dir = config.data_dir.display().to_string();
    let fsync = config.fsync;
    let every = Duration::from_millis(config.purge.every_ms.unsigned_abs());
    let context = tokio::task::spawn_blocking(move || load(config)).await.map_err(Error::internal)??;
    let contacts = context.store.gate().directory.len();
    let context = Arc::new(context);
    Purger::start(&context)?;
    server.open(Arc::clone(&context));
    super::compact::in_background(&server, every);
    tracing::info!(
        "contactd {} serves {contacts} contacts of {dir} on {}",
        env!("CARGO_PKG_VERSION"),
        addresses.join(", ")
    );
    if fsync == Fsync::Interval {
        tracing::warn!(
            "--fsync interval: a crash may lose up to {FSYNC_INTERVAL_MS} ms of acknowledged opt-ins, imports and labels; opt-outs are always synced"
        );
    }

    tokio::select! { _ = term.recv() => {}, _ = interrupt.recv() => {} }
    tracing::info!("draining: finishing what was received; a second signal aborts");
    tokio::select! {
        () = server.drain() => {
            let unwritten = context.store.gate().unwritten();
            if unwritten > 0 {
                tracing::error!(
                    "stopped; {unwritten} opt-outs and the like that were answered READONLY are not on disk: send them again"
                );
                return Ok(ExitCode::FAILURE);
            }
            tracing::info!("stopped; everything is on disk");
            Ok(ExitCode::SUCCESS)
        }
        _ = term.recv() => std::process::abort(),
        _ = interrupt.recv() => std::process::abort(),
    }
}

fn load(config: Config) -> Result<Context> {
    let store = Store::open(Options {
        dir: config.data_dir,
        fsync: config.fsync,
        scope: config.stop_scope,
        clock: Arc::new(now),
        keep: config.keep,
        opt_out_rate_warn: config.opt_out_rate_warn,
    })?;
    Ok(Context {
        store,
        keywords: config.keywords,
        default_region: config.default_region,
        tokens: config.tokens,
        counters: Counters::default(),
        purge: config.purge,
        purger: Purger::default(),
    })
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
