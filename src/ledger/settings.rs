//! Where a ledger is, and how a daemon takes part in it.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use crate::address::Address;
use crate::error::{Error, Result};
use crate::tls::{ClientConfig, Trust};

/// How long a lease is if nothing is said: the shorter, the sooner another daemon takes over; the longer, the longer the
/// database may be away before CHECK ends.
pub const LEASE: Duration = Duration::from_secs(15);
/// A shorter one could not be renewed in time where a commit waits for its standby.
pub const LEASE_MIN: Duration = Duration::from_secs(1);
/// With a longer one nobody would answer for too long.
pub const LEASE_MAX: Duration = Duration::from_secs(300);
/// On how many machines a row must be before it counts, if nothing is said.
pub const COPIES: usize = 2;

/// How a daemon takes part in a ledger.
#[derive(Clone)]
pub struct LedgerSettings {
    /// Where it is.
    pub url: Url,
    /// Where clients and other daemons reach this one.
    pub advertise: Address,
    /// How long its leases are.
    pub lease: Duration,
    /// On how many machines a row must be before it counts.
    pub copies: usize,
    /// How many partitions the store has.
    pub partitions: u16,
    /// Held while one of this daemon's partitions asks for another one, so that they do not ask for too many at once.
    pub asking: Arc<tokio::sync::Mutex<()>>,
    /// A CHECK is answered once the lease was renewed after it came, whatever clocks say.
    pub is_check_confirmed: bool,
    /// Whom it trusts when it reaches the owner by TLS.
    pub trust: Trust,
}

/// The address of a database, as `postgres://user@host,host/name?options`.
#[derive(Clone)]
pub struct Url {
    pub(super) config: Config,
    /// None: nothing is encrypted.
    pub(super) tls: Option<Arc<ClientConfig>>,
    /// Which partition.
    pub(super) part: i16,
    /// Without its password.
    shown: String,
}

impl Url {
    /// Reads one. Of several hosts the one that takes writes is used. Unless `sslmode=disable` is said, a server on another
    /// machine shows a certificate that `trust` knows.
    pub fn parse(text: &str, trust: &Trust) -> Result<Url> {
        let wrong = |why: &dyn std::fmt::Display| {
            Error::bad_arg(format!(
                "'{}' is not the address of a database, like postgres://user@host/name: {why}",
                hide(text)
            ))
        };
        if !["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
            return Err(wrong(&"it does not begin with postgres://"));
        }
        let mut config: Config = text.parse().map_err(|why: tokio_postgres::Error| {
            let cause = std::error::Error::source(&why).map(ToString::to_string);
            wrong(&cause.unwrap_or_else(|| why.to_string()))
        })?;
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        config.application_name("contactd");
        config.connect_timeout(Duration::from_secs(2));
        // A connection whose other end has vanished is given up: a row that it has locked keeps others from taking over.
        config.keepalives(true).keepalives_idle(Duration::from_secs(5)).keepalives_interval(Duration::from_secs(2));
        config.keepalives_retries(3).tcp_user_timeout(Duration::from_secs(10));
        let is_local = config.get_hosts().iter().all(|host| match host {
            Host::Unix(_) => true,
            Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
        });
        if !text.contains("sslmode=") {
            config.ssl_mode(if is_local { SslMode::Disable } else { SslMode::Require });
        }
        let tls = (config.get_ssl_mode() != SslMode::Disable).then(|| trust.load()).transpose()?;
        Ok(Url { config, tls, part: 0, shown: hide(text) })
    }

    /// The ledger of another partition.
    #[must_use]
    pub fn part(&self, part: i16) -> Url {
        Url { part, ..self.clone() }
    }
}

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

/// The address without its password.
fn hide(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let Some((login, place)) = rest.split_once('@') else { return text.to_owned() };
    match login.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:…@{place}"),
        None => text.to_owned(),
    }
}
