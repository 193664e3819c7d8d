//! Configuration: flags, environment and a TOML file, in this order of precedence, into one plain struct.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Deserializer};

use crate::command::{PurgeSettings, Tokens};
use crate::error::{Error, Result};
use crate::model::keyword::Keywords;
use crate::model::phone::Region;
use crate::model::purge::Policy;
use crate::model::time::{DAY_MS, Millis};
use crate::model::verdict::StopScope;
use crate::server::Address;
use crate::store::{Fsync, Keep};

/// Where the daemon listens and clients call when nothing is said.
pub const ADDRESS: &str = "127.0.0.1:7164";
/// How often the compactor purges when nothing is said.
const COMPACT_EVERY_MS: Millis = DAY_MS;

/// What can be said on the command line, in the environment, and in the file under the same names.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    /// Where contacts are kept [default: ./contactd-data]
    #[arg(long, env = "CONTACTD_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Where to listen: `host:port` or `unix:/path`; may be repeated [default: `127.0.0.1:7164`]
    #[arg(long, env = "CONTACTD_LISTEN", value_name = "ADDRESS", value_delimiter = ',')]
    #[serde(default)]
    listen: Vec<String>,

    /// When a write is answered: "always" once it is on disk; "interval" for writes that forbid nothing at once, on disk
    /// within a second [default: always]
    #[arg(long, env = "CONTACTD_FSYNC", value_name = "WHEN")]
    fsync: Option<FsyncSetting>,

    /// How far a STOP reaches: to that list, or to all lists whose opt-in is not newer [default: list]
    #[arg(long, env = "CONTACTD_STOP_SCOPE", value_name = "SCOPE")]
    stop_scope: Option<ScopeSetting>,

    /// Where numbers without a country code are from, like US or DE
    #[arg(long, env = "CONTACTD_DEFAULT_REGION", value_name = "REGION")]
    default_region: Option<String>,

    /// More words that opt out, opt in or ask for help: lines like "out ALTO", "in SI", "help AYUDA"
    #[arg(long, env = "CONTACTD_KEYWORDS", value_name = "FILE")]
    keywords: Option<PathBuf>,

    /// Who may do what: lines like "read TOKEN", "write TOKEN", "admin TOKEN"
    #[arg(long, env = "CONTACTD_TOKENS", value_name = "FILE")]
    tokens: Option<PathBuf>,

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

    /// How long after it was found invalid a contact is purged, or "never" [default: 30d]
    #[arg(long, env = "CONTACTD_PURGE_INVALID_AFTER", value_name = "TIME")]
    purge_invalid_after: Option<Limit>,

    /// How long nothing has come from a contact that is purged after so many sends in vain, or "never" [default: 180d]
    #[arg(long, env = "CONTACTD_PURGE_IDLE_AFTER", value_name = "TIME")]
    purge_idle_after: Option<Limit>,

    /// The sends in vain after which it is [default: 10]
    #[arg(long, env = "CONTACTD_PURGE_SENDS", value_name = "SENDS")]
    purge_sends: Option<u64>,

    /// How long nothing has come from a contact that is purged whatever the sends, or "never" [default: 1095d]
    #[arg(long, env = "CONTACTD_PURGE_IDLE_MAX", value_name = "TIME")]
    purge_idle_max: Option<Limit>,

    /// Where purged contacts go first, as NDJSON that "contactd import" takes back
    #[arg(long, env = "CONTACTD_PURGE_ARCHIVE", value_name = "DIR")]
    purge_archive: Option<PathBuf>,

    /// How often the compactor purges, or "never"; the first time an hour after the start [default: 24h]
    #[arg(long, env = "CONTACTD_COMPACT_EVERY", value_name = "TIME")]
    compact_every: Option<Limit>,

    /// Opt-outs per message of 30 days from which on a list's rate is called high [default: 0.02]
    #[arg(long, env = "CONTACTD_OPT_OUT_RATE_WARN", value_name = "RATE")]
    opt_out_rate_warn: Option<f64>,

    /// How to log [default: human]
    #[arg(long, env = "CONTACTD_LOG_FORMAT", value_name = "FORMAT")]
    log_format: Option<LogFormat>,

    /// A TOML file with any of these settings, like: data-dir = "/var/lib/contactd"
    #[arg(long, env = "CONTACTD_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    config: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
enum FsyncSetting {
    Always,
    Interval,
}

#[derive(Clone, Copy, Debug, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
enum ScopeSetting {
    List,
    All,
}

/// A length of time: a number and `d` for days, `h` for hours, `m` for minutes or `s` for seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Millis);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Span, String> {
        let unit = match text.chars().last() {
            Some('d') => DAY_MS,
            Some('h') => 3_600_000,
            Some('m') => 60_000,
            Some('s') => 1_000,
            _ => 0,
        };
        let number = text.get(..text.len().saturating_sub(1)).and_then(|number| number.parse::<u32>().ok());
        match number.and_then(|number| Millis::from(number).checked_mul(unit)) {
            Some(millis) if unit > 0 => Ok(Span(millis)),
            _ => Err(format!("'{text}' is no length of time: a number and d, h, m or s, like 30d or 12h")),
        }
    }
}

/// A length of time, or none: "never".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(pub Option<Millis>);

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Limit, String> {
        match text {
            "never" | "0" => Ok(Limit(None)),
            text => text.parse().map(|span: Span| Limit(Some(span.0).filter(|&millis| millis > 0))),
        }
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Limit, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Span, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// How to log.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Human,
    /// A JSON object a line.
    Json,
}

/// What the daemon runs with.
pub struct Config {
    /// Where contacts are kept.
    pub data_dir: PathBuf,
    /// Where to listen.
    pub listen: Vec<Address>,
    /// When a write is answered.
    pub fsync: Fsync,
    /// How far a STOP reaches.
    pub stop_scope: StopScope,
    /// Where numbers without a country code are from.
    pub default_region: Option<Region>,
    /// What words from a phone mean.
    pub keywords: Arc<Keywords>,
    /// Who may do what.
    pub tokens: Arc<Tokens>,
    /// How long what passes is kept.
    pub keep: Keep,
    /// Opt-outs per message from which on a list's rate is high.
    pub opt_out_rate_warn: f64,
    /// Whom a purge removes, when and where to.
    pub purge: PurgeSettings,
    /// How to log.
    pub log_format: LogFormat,
}

impl Settings {
    /// Reads the files, checks everything, and fills in the defaults.
    pub fn resolve(self) -> Result<Config> {
        let file = match &self.config {
            Some(path) => toml::from_str(&read(path)?).map_err(|why| in_file(path, &why.to_string()))?,
            None => Settings::default(),
        };
        let listen = if self.listen.is_empty() { file.listen } else { self.listen };
        let listen = if listen.is_empty() { vec![ADDRESS.to_owned()] } else { listen };
        let listen =
            listen.iter().map(|text| text.parse::<Address>().map_err(Error::bad_arg)).collect::<Result<Vec<_>>>()?;
        let tokens = match self.tokens.or(file.tokens) {
            Some(path) => Tokens::parse(&read(&path)?).map_err(|why| in_file(&path, &why.message))?,
            None => Tokens::default(),
        };
        if tokens.is_empty()
            && let Some(public) = listen.iter().find(|address| !address.is_local())
        {
            return Err(Error::bad_arg(format!(
                "{public} can be reached from other machines: give --tokens FILE, or listen on {ADDRESS}"
            )));
        }
        let keywords = match self.keywords.or(file.keywords) {
            Some(path) => Keywords::with_file(&read(&path)?).map_err(|why| in_file(&path, &why.message))?,
            None => Keywords::default(),
        };
        let default_region = match self.default_region.or(file.default_region) {
            Some(text) => Some(
                Region::parse(&text.to_ascii_uppercase())
                    .ok_or_else(|| Error::bad_arg(format!("'{text}' is no region: two letters, like US or DE")))?,
            ),
            None => None,
        };
        let policy = Policy::default();
        let limit = |said: Option<Limit>, usual: Option<Millis>| said.map_or(usual, |limit| limit.0);
        Ok(Config {
            data_dir: self.data_dir.or(file.data_dir).unwrap_or_else(|| "./contactd-data".into()),
            listen,
            fsync: match self.fsync.or(file.fsync) {
                Some(FsyncSetting::Interval) => Fsync::Interval,
                _ => Fsync::Always,
            },
            stop_scope: match self.stop_scope.or(file.stop_scope) {
                Some(ScopeSetting::All) => StopScope::All,
                _ => StopScope::List,
            },
            default_region,
            keywords: Arc::new(keywords),
            tokens: Arc::new(tokens),
            keep: Keep {
                events: self.keep_events.or(file.keep_events).map_or(Keep::default().events, |span| span.0),
                messages: self.keep_messages.or(file.keep_messages).map_or(Keep::default().messages, |span| span.0),
                feed: self.keep_feed.or(file.keep_feed).map_or(Keep::default().feed, |span| span.0),
                consent: self.keep_consent.or(file.keep_consent).map_or(Keep::default().consent, |span| span.0),
            },
            purge: PurgeSettings {
                policy: Policy {
                    invalid_after: limit(self.purge_invalid_after.or(file.purge_invalid_after), policy.invalid_after),
                    idle_after: limit(self.purge_idle_after.or(file.purge_idle_after), policy.idle_after),
                    sends: self.purge_sends.or(file.purge_sends).unwrap_or(policy.sends),
                    idle_max: limit(self.purge_idle_max.or(file.purge_idle_max), policy.idle_max),
                },
                archive: self.purge_archive.or(file.purge_archive),
                every_ms: limit(self.compact_every.or(file.compact_every), Some(COMPACT_EVERY_MS)).unwrap_or(0),
            },
            opt_out_rate_warn: rate(self.opt_out_rate_warn.or(file.opt_out_rate_warn).unwrap_or(0.02))?,
            log_format: self.log_format.or(file.log_format).unwrap_or_default(),
        })
    }
}

fn rate(rate: f64) -> Result<f64> {
    if (0.0..=1.0).contains(&rate) {
        return Ok(rate);
    }
    Err(Error::bad_arg(format!("--opt-out-rate-warn {rate}: a rate from 0 to 1, like 0.02")))
}

fn read(path: &Path) -> Result<String> {
    let text = fs::read_to_string(path);
    let text = text.map_err(|why| Error::bad_arg(format!("cannot read {}: {why}", path.display())))?;
    // Some editors begin a file with a byte order mark.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn in_file(path: &Path, why: &str) -> Error {
    Error::bad_arg(format!("in {}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_file(text: &str) -> Result<Config> {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("contactd.toml");
        fs::write(&path, text).expect("a file");
        Settings { config: Some(path), fsync: Some(FsyncSetting::Interval), ..Settings::default() }.resolve()
    }

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let config =
            with_file("data-dir = '/var/lib/c'\nfsync = 'always'\nstop-scope = 'all'\nlisten = ['[::1]:1', 'unix:/a']");
        let config = config.map_err(|why| why.message).expect("valid");
        assert_eq!(config.data_dir, Path::new("/var/lib/c"));
        assert_eq!((config.fsync, config.stop_scope), (Fsync::Interval, StopScope::All));
        assert_eq!(config.listen.len(), 2);
        let config = with_file("keep-messages = '36h'\nopt-out-rate-warn = 0.05").map_err(|why| why.message);
        let config = config.expect("valid");
        assert_eq!((config.keep.messages, config.keep.feed), (129_600_000, 2_592_000_000));
    }

    #[test]
    fn small_letters_and_byte_order_marks_do_no_harm() {
        let tokens = tempfile::NamedTempFile::new().expect("a file");
        fs::write(tokens.path(), "\u{feff}read 0123456789abcdef\n").expect("written");
        let text = format!("\u{feff}default-region = 'us'\ntokens = '{}'", tokens.path().display());
        let config = with_file(&text).map_err(|why| why.message).expect("valid");
        assert_eq!(config.default_region, Region::parse("US"));
        assert!(!config.tokens.is_empty());
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, told) in [
            ("datadir = 'x'", "unknown field `datadir`"),
            ("listen = ['0.0.0.0:7164']", "give --tokens FILE"),
            ("default-region = 'USA'", "two letters"),
            ("tokens = '/does/not/exist'", "cannot read /does/not/exist"),
            ("keep-events = '400'", "like 30d or 12h"),
            ("opt-out-rate-warn = 2", "from 0 to 1"),
        ] {
            let why = with_file(text).err().expect("refused").message;
            assert!(why.contains(told), "{why}");
        }
    }
}
