//! Configuration: flags, environment and a TOML file, in this order of precedence, into one plain struct.

mod access;
mod choice;
mod effective;
mod ledger;
mod span;
mod webhooks;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Arg, Args};
use serde::Deserialize;

use crate::address::Address;
use crate::error::{Error, Result};
use crate::jobs::PurgeSettings;
use crate::model::inbox::MaybeOptOut;
use crate::model::keyword::Keywords;
use crate::model::phone::Region;
use crate::model::purge::Policy;
use crate::model::slot::PARTITIONS_MAX;
use crate::model::time::{DAY_MS, Millis};
use crate::model::verdict::StopScope;
use crate::reloadable::Reloadable;
use crate::server::{Setup, partitions_in};
use crate::store::{Fsync, OptOutWarning, Retention};
use choice::{CheckSetting, FsyncSetting, MaybeSetting, ScopeSetting};
use ledger::LedgerFlags;

pub use access::{Access, AuthClients, CONSOLE_ADDRESS, ConsoleAddress, metrics_address, needs_tokens, speaks_no_tls};
pub use choice::LogFormat;
pub use span::{Span, SpanOrNever};
pub use webhooks::WebhookListener;

/// Where the daemon listens and clients call when nothing is said.
pub const ADDRESS: &str = "127.0.0.1:7164";
/// How often the daemon purges when nothing is said.
const PURGE_EVERY_MS: Millis = DAY_MS;

/// What can be said on the command line, in the environment, and in the file under the same names.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    /// Where contacts are kept [default: ./contactd-data]
    #[arg(long, env = "CONTACTD_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Write each fact that forbids into this file, too, before it is answered: what a backup does not know. Best on another disk
    #[arg(long, env = "CONTACTD_TRAIL", value_name = "FILE")]
    trail: Option<PathBuf>,

    /// Where backups are written, better on another disk; `backups` in the data directory if nothing is said [default: ./contactd-data/backups]
    #[arg(long, env = "CONTACTD_BACKUP_DIR", value_name = "DIR")]
    backup_dir: Option<PathBuf>,

    /// Change the store of an older contactd without a backup before
    #[arg(long, env = "CONTACTD_NO_BACKUP")]
    #[serde(skip)]
    no_backup: bool,

    /// Into how many partitions a new store is split, each with a writer of its own; a store keeps its number [default: 1]
    #[arg(long, env = "CONTACTD_PARTITIONS", value_name = "N")]
    partitions: Option<u16>,

    /// A database that other daemons share this store through, like `postgres://contactd@db1,db2/contactd`; docs/scale.md tells how
    #[arg(long, env = "CONTACTD_LEDGER", value_name = "URL")]
    ledger: Option<String>,

    /// Where the other daemons of the ledger, and their clients, reach this one: `host:port` or `tls:host:port`
    #[arg(long, env = "CONTACTD_ADVERTISE", value_name = "ADDRESS")]
    advertise: Option<String>,

    /// How long this daemon may answer without word from the ledger, and others wait before they take over [default: 15s]
    #[arg(long, env = "CONTACTD_LEASE", value_name = "TIME")]
    lease: Option<Span>,

    /// On how many machines the ledger must have a write before it counts [default: 2]
    #[arg(long, env = "CONTACTD_LEDGER_COPIES", value_name = "COPIES")]
    ledger_copies: Option<usize>,

    /// What a CHECK of a daemon with a ledger rests on: "leased": the lease, and so clocks that run alike; "confirmed": word from the
    /// ledger that was asked for after the CHECK came [default: leased]
    #[arg(long, env = "CONTACTD_CHECK", value_name = "HOW")]
    check: Option<CheckSetting>,

    /// The authorities of the certificates that the ledger's database and the other daemons show, as PEM
    #[arg(long, env = "CONTACTD_LEDGER_CA_CERT_FILE", value_name = "FILE")]
    ledger_ca_cert_file: Option<PathBuf>,

    /// The secret of the tombstones, the same for all daemons of a ledger; `tombstone.key` in the data directory if nothing is said
    #[arg(long, env = "CONTACTD_TOMBSTONE_KEY", value_name = "FILE")]
    tombstone_key: Option<PathBuf>,

    /// Where to listen: `host:port`, `tls:host:port` or `unix:/path`; may be repeated [default: `127.0.0.1:7164`]
    #[arg(long, env = "CONTACTD_LISTEN", value_name = "ADDRESS", value_delimiter = ',')]
    #[serde(default)]
    listen: Vec<String>,

    /// Where to serve /metrics, /healthz and /readyz over HTTP, like `127.0.0.1:7166` [default: nowhere]
    #[arg(long, env = "CONTACTD_METRICS", value_name = "ADDRESS")]
    metrics: Option<String>,

    /// How many lists have metrics of their own; the others are summed [default: 200]
    #[arg(long, env = "CONTACTD_METRICS_LISTS", value_name = "LISTS")]
    metrics_lists: Option<usize>,

    /// When contactd answers a write: "always" after it is on disk; "interval" at once for writes that do not forbid, and
    /// on disk within a second [default: always]
    #[arg(long, env = "CONTACTD_FSYNC", value_name = "WHEN")]
    fsync: Option<FsyncSetting>,

    /// How far an opt-out of one list reaches: that list, or all lists whose opt-in is not newer [default: list]
    #[arg(long, env = "CONTACTD_STOP_SCOPE", value_name = "SCOPE")]
    stop_scope: Option<ScopeSetting>,

    /// What to do with a contact whose message may want out: "show" it in the INBOX, or "hold" the contact back from that
    /// list as well until somebody has looked [default: show]
    #[arg(long, env = "CONTACTD_MAYBE_OPTOUT", value_name = "WHAT")]
    maybe_optout: Option<MaybeSetting>,

    /// The country of numbers that are written without a country code, like US or DE
    #[arg(long, env = "CONTACTD_DEFAULT_REGION", value_name = "REGION")]
    default_region: Option<String>,

    /// More words that opt out, opt in or ask for help: lines like "out CANCELAR", "in SI", "help AYUDA"
    #[arg(long, env = "CONTACTD_KEYWORDS", value_name = "FILE")]
    keywords: Option<PathBuf>,

    /// Who may do what: lines like "read TOKEN NAME"; the levels are "metrics", "read", "write" and "admin"
    #[arg(long, env = "CONTACTD_TOKENS", value_name = "FILE")]
    tokens: Option<PathBuf>,

    /// Where browsers find the console: `host:port`, `tls:host:port` or "off" [default: 127.0.0.1:7165]
    #[arg(long, env = "CONTACTD_HTTP", value_name = "ADDRESS")]
    http: Option<String>,

    /// A name, besides localhost and addresses, under which browsers may call the console; may be repeated
    #[arg(long, env = "CONTACTD_HTTP_HOST", value_name = "NAME", value_delimiter = ',')]
    #[serde(default)]
    http_host: Vec<String>,

    /// Where providers post what they report of messages: `host:port` or `tls:host:port` [default: nowhere]
    #[arg(long, env = "CONTACTD_WEBHOOKS", value_name = "ADDRESS")]
    webhooks: Option<String>,

    /// The address by which providers call that one, like `https://sms.example.com`: they sign it
    #[arg(long, env = "CONTACTD_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,

    /// The keys of providers, which sign what they post: lines like "twilio KEY"
    #[arg(long, env = "CONTACTD_WEBHOOK_SECRETS", value_name = "FILE")]
    webhook_secrets: Option<PathBuf>,

    /// For addresses with tls: the certificate, as PEM, with those between it and an authority that clients know
    #[arg(long, env = "CONTACTD_TLS_CERT_FILE", value_name = "FILE")]
    tls_cert_file: Option<PathBuf>,

    /// The private key of the certificate, as PEM without a password
    #[arg(long, env = "CONTACTD_TLS_KEY_FILE", value_name = "FILE")]
    tls_key_file: Option<PathBuf>,

    /// The authorities of the certificates that clients show, as PEM
    #[arg(long, env = "CONTACTD_TLS_CA_CERT_FILE", value_name = "FILE")]
    tls_ca_cert_file: Option<PathBuf>,

    /// Whether clients show a certificate before they may send a request [default: off]
    #[arg(long, env = "CONTACTD_TLS_AUTH_CLIENTS", value_name = "WHETHER")]
    tls_auth_clients: Option<AuthClients>,

    /// How long messages, clicks and conversions stay in the history, like 400d [default: 400d]
    #[arg(long, env = "CONTACTD_KEEP_EVENTS", value_name = "TIME")]
    keep_events: Option<Span>,

    /// How long the ids of messages and events are remembered, so that a repeated one changes nothing [default: 30d]
    #[arg(long, env = "CONTACTD_KEEP_MESSAGES", value_name = "TIME")]
    keep_messages: Option<Span>,

    /// How long changes can be read from the feed [default: 30d]
    #[arg(long, env = "CONTACTD_KEEP_FEED", value_name = "TIME")]
    keep_feed: Option<Span>,

    /// How long a tombstone keeps the proof of consent; what forbids is kept for ever [default: 1826d]
    #[arg(long, env = "CONTACTD_KEEP_CONSENT", value_name = "TIME")]
    keep_consent: Option<Span>,

    /// Purge contacts that have been invalid for this long, or "never" [default: 30d]
    #[arg(long, env = "CONTACTD_PURGE_INVALID_AFTER", value_name = "TIME")]
    purge_invalid_after: Option<SpanOrNever>,

    /// Purge contacts that have been idle for this long and got at least --purge-sends messages since, or "never"
    /// [default: 180d]
    #[arg(long, env = "CONTACTD_PURGE_IDLE_AFTER", value_name = "TIME")]
    purge_idle_after: Option<SpanOrNever>,

    /// How many unanswered messages that takes [default: 10]
    #[arg(long, env = "CONTACTD_PURGE_SENDS", value_name = "SENDS")]
    purge_sends: Option<u64>,

    /// Purge contacts that have been idle for this long, whatever was sent, or "never" [default: 1095d]
    #[arg(long, env = "CONTACTD_PURGE_IDLE_MAX", value_name = "TIME")]
    purge_idle_max: Option<SpanOrNever>,

    /// Write purged contacts here first, as NDJSON that "contactd import" takes back
    #[arg(long, env = "CONTACTD_PURGE_ARCHIVE", value_name = "DIR")]
    purge_archive: Option<PathBuf>,

    /// How often the daemon purges on its own, or "never"; the first time an hour after the start [default: 24h]
    #[arg(long, alias = "compact-every", env = "CONTACTD_PURGE_EVERY", value_name = "TIME")]
    #[serde(alias = "compact-every")]
    purge_every: Option<SpanOrNever>,

    // The former name of CONTACTD_PURGE_EVERY.
    #[arg(skip = std::env::var("CONTACTD_COMPACT_EVERY").ok())]
    #[serde(skip)]
    compact_every: Option<String>,

    /// Opt-outs per message in 30 days above which a list's rate counts as high [default: 0.02]
    #[arg(long, env = "CONTACTD_OPT_OUT_RATE_WARN", value_name = "RATE")]
    opt_out_rate_warn: Option<f64>,

    /// How many messages in 30 days a list must have sent for its rate to count as high [default: 100]
    #[arg(long, env = "CONTACTD_OPT_OUT_RATE_MIN_SENDS", value_name = "SENDS")]
    opt_out_rate_min_sends: Option<u64>,

    /// How to log [default: human]
    #[arg(long, env = "CONTACTD_LOG_FORMAT", value_name = "FORMAT")]
    log_format: Option<LogFormat>,

    /// A TOML file with any of these settings, like: data-dir = "/var/lib/contactd"
    #[arg(long, env = "CONTACTD_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    config: Option<PathBuf>,
}

/// What `contactd serve` runs with.
pub struct Config {
    /// Where to listen.
    pub listen: Vec<Address>,
    /// Whether somebody said so, and it is not the default.
    pub listen_is_said: bool,
    /// Where browsers find the console, if there is one.
    pub console: Option<ConsoleAddress>,
    /// Where providers post, if anywhere.
    pub webhooks: Option<WebhookListener>,
    /// Where to serve metrics, if anywhere: `host:port`.
    pub metrics: Option<String>,
    /// How to log.
    pub log_format: LogFormat,
    /// The daemon.
    pub setup: Setup,
}

impl Settings {
    /// The flags that are keys of the file under the same names.
    pub fn in_file() -> Vec<Arg> {
        let flags = Settings::augment_args(clap::Command::new("settings"));
        flags
            .get_arguments()
            .filter(|flag| !["config", "no_backup"].contains(&flag.get_id().as_str()))
            .cloned()
            .collect()
    }

    /// Reads the TOML file.
    fn in_toml(path: &Path) -> Result<Settings> {
        let text = read(path)?;
        toml::from_str(&text).map_err(|why| {
            let line = why.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            // It would name every key that there is.
            let what = why.message().split_once("`, expected one of `data-dir`").map_or_else(
                || why.message().to_owned(),
                |(unknown, _)| format!("{unknown}`; `man contactd.toml` has every key"),
            );
            in_file(path, &format!("line {line}: {what}"))
        })
    }

    /// What the TOML file says, if there is one, and what looks it through when it has changed.
    fn of_file(path: Option<&Path>) -> Result<(Settings, Reloadable<()>)> {
        let Some(path) = path.map(Path::to_owned) else { return Ok((Settings::default(), Reloadable::default())) };
        let settings = Settings::in_toml(&path)?;
        let look_through = Reloadable::load(vec![path.clone()], move |_| Settings::in_toml(&path).map(drop))?;
        Ok((settings, look_through))
    }

    /// Reads the files, checks everything, and fills in the defaults.
    pub fn resolve(self) -> Result<Config> {
        let (file, settings_file) = Settings::of_file(self.config.as_deref())?;
        let policy = policy(&self, &file, Policy::default());
        let listen = if self.listen.is_empty() { file.listen } else { self.listen };
        let listen_is_said = !listen.is_empty();
        let listen = if listen.is_empty() { vec![ADDRESS.to_owned()] } else { listen };
        let listen =
            listen.iter().map(|text| text.parse::<Address>().map_err(Error::bad_arg)).collect::<Result<Vec<_>>>()?;
        let console = ConsoleAddress::parse(
            self.http.or(file.http),
            if self.http_host.is_empty() { file.http_host } else { self.http_host },
        )?;
        let webhooks = WebhookListener::parse(
            self.webhooks.or(file.webhooks),
            self.public_url.or(file.public_url),
            self.webhook_secrets.or(file.webhook_secrets),
        )?;
        let access = Access {
            listen,
            webhooks: webhooks.as_ref().map(|webhooks| webhooks.address.clone()),
            console: console.as_ref().map(|console| console.address.clone()),
            tokens: self.tokens.or(file.tokens),
            tls_cert_file: self.tls_cert_file.or(file.tls_cert_file),
            tls_key_file: self.tls_key_file.or(file.tls_key_file),
            tls_ca_cert_file: self.tls_ca_cert_file.or(file.tls_ca_cert_file),
            tls_auth_clients: self.tls_auth_clients.or(file.tls_auth_clients).unwrap_or_default(),
        };
        let keywords_file = self.keywords.or(file.keywords);
        let keywords = keywords_file.as_deref().map(keywords_in).transpose()?.unwrap_or_default();
        let default_region = self.default_region.or(file.default_region).map(region).transpose()?;
        let data_dir = self.data_dir.or(file.data_dir).unwrap_or_else(|| "./contactd-data".into());
        let usual = Setup::new(data_dir);
        let keep = usual.keep;
        let every = match (self.purge_every, &self.compact_every) {
            (None, Some(text)) => {
                Some(text.parse().map_err(|why| Error::bad_arg(format!("CONTACTD_COMPACT_EVERY: {why}")))?)
            }
            (every, _) => every.or(file.purge_every),
        };
        let ledger = LedgerFlags {
            url: self.ledger.or(file.ledger),
            advertise: self.advertise.or(file.advertise),
            lease: self.lease.or(file.lease),
            copies: self.ledger_copies.or(file.ledger_copies),
            check: self.check.or(file.check),
            ca_cert_file: self.ledger_ca_cert_file.or(file.ledger_ca_cert_file),
        }
        .resolve(&access.listen)?;
        let setup = Setup {
            fsync: match self.fsync.or(file.fsync) {
                Some(FsyncSetting::Interval) => Fsync::Interval,
                _ => Fsync::Always,
            },
            stop_scope: match self.stop_scope.or(file.stop_scope) {
                Some(ScopeSetting::All) => StopScope::All,
                _ => StopScope::List,
            },
            maybe_optout: match self.maybe_optout.or(file.maybe_optout) {
                Some(MaybeSetting::Hold) => MaybeOptOut::Hold,
                _ => MaybeOptOut::Show,
            },
            default_region,
            keywords: Arc::new(keywords),
            tokens: Arc::new(access.tokens()?),
            tls: access.tls()?.map(Arc::new),
            settings_file: Arc::new(settings_file),
            keep: Retention {
                events: self.keep_events.or(file.keep_events).map_or(keep.events, |span| span.0),
                messages: self.keep_messages.or(file.keep_messages).map_or(keep.messages, |span| span.0),
                feed: self.keep_feed.or(file.keep_feed).map_or(keep.feed, |span| span.0),
                consent: self.keep_consent.or(file.keep_consent).map_or(keep.consent, |span| span.0),
            },
            purge: PurgeSettings {
                policy,
                archive: self.purge_archive.or(file.purge_archive),
                every_ms: every.map_or(Some(PURGE_EVERY_MS), |every| every.0).unwrap_or(0),
            },
            trail: self.trail.or(file.trail),
            partitions: partitions(self.partitions.or(file.partitions), &usual.data_dir, ledger.is_some())?,
            ledger,
            tombstone_key: self.tombstone_key.or(file.tombstone_key),
            no_backup: self.no_backup,
            backup_dir: self.backup_dir.or(file.backup_dir),
            metrics_lists: self.metrics_lists.or(file.metrics_lists).unwrap_or(usual.metrics_lists),
            opt_out_warning: OptOutWarning {
                rate: rate(self.opt_out_rate_warn.or(file.opt_out_rate_warn).unwrap_or(usual.opt_out_warning.rate))?,
                sends_min: self
                    .opt_out_rate_min_sends
                    .or(file.opt_out_rate_min_sends)
                    .unwrap_or(usual.opt_out_warning.sends_min),
            },
            ..usual
        };
        let metrics =
            self.metrics.or(file.metrics).map(|text| metrics_address(text, &setup.tokens.get())).transpose()?;
        let log_format = self.log_format.or(file.log_format).unwrap_or_default();
        let mut config =
            Config { listen: access.listen.clone(), listen_is_said, console, webhooks, metrics, log_format, setup };
        config.setup.settings = effective::settings(&config, &access, keywords_file.as_deref());
        Ok(config)
    }
}

/// Whom a purge removes.
fn policy(said: &Settings, file: &Settings, usual: Policy) -> Policy {
    let or_never = |said: Option<SpanOrNever>, usual: Option<Millis>| said.map_or(usual, |span| span.0);
    Policy {
        invalid_after: or_never(said.purge_invalid_after.or(file.purge_invalid_after), usual.invalid_after),
        idle_after: or_never(said.purge_idle_after.or(file.purge_idle_after), usual.idle_after),
        sends: said.purge_sends.or(file.purge_sends).unwrap_or(usual.sends),
        idle_max: or_never(said.purge_idle_max.or(file.purge_idle_max), usual.idle_max),
    }
}

fn region(text: String) -> Result<Region> {
    Region::parse(&text.to_ascii_uppercase())
        .ok_or_else(|| Error::bad_arg(format!("'{text}' is not a region: two letters, like US or DE")))
}

fn rate(rate: f64) -> Result<f64> {
    if (0.0..=1.0).contains(&rate) {
        return Ok(rate);
    }
    Err(Error::bad_arg(format!("--opt-out-rate-warn {rate}: give a rate from 0 to 1, like 0.02")))
}

fn read(path: &Path) -> Result<String> {
    let text = fs::read_to_string(path);
    let text = text.map_err(|why| Error::bad_arg(format!("cannot read {}: {why}", path.display())))?;
    // Some editors begin a file with a byte order mark.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// The words of a file, and those that are known without it.
fn keywords_in(path: &Path) -> Result<Keywords> {
    Keywords::with_file(&read(path)?).map_err(|why| in_file(path, &why.message))
}

fn in_file(path: &Path, why: &str) -> Error {
    Error::bad_arg(format!("in {}: {why}", path.display()))
}

/// Into how many partitions a store is split: what was said of a new one, and what its directory has of one that is there. Of a
/// ledger, which has all of them, a directory need not have any.
fn partitions(said: Option<u16>, dir: &Path, has_ledger: bool) -> Result<u16> {
    if let Some(said) = said.filter(|said| !(1..=PARTITIONS_MAX).contains(said)) {
        return Err(Error::bad_arg(format!("--partitions {said}: a store has 1 to {PARTITIONS_MAX}")));
    }
    if has_ledger {
        return Ok(said.unwrap_or(1));
    }
    match (said, partitions_in(dir)?) {
        (Some(said), Some(here)) if said != here => Err(Error::bad_arg(format!(
            "--partitions {said}: the store in {} has {here}, and keeps them: to change that, export its contacts into a new one. If it \
             had {said}, some are lost: restore their backups",
            dir.display()
        ))),
        (said, here) => Ok(said.or(here).unwrap_or(1)),
    }
}

#[cfg(test)]
mod tests;
