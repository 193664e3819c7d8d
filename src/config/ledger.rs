//! How a daemon takes part in a ledger.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{CheckSetting, Span};
use crate::address::Address;
use crate::error::{Error, Result};
use crate::ledger::{COPIES, LEASE, LEASE_MAX, LEASE_MIN, LedgerSettings, Url};
use crate::tls::Trust;

/// What was said of it.
pub struct LedgerFlags {
    pub url: Option<String>,
    pub advertise: Option<String>,
    pub lease: Option<Span>,
    pub copies: Option<usize>,
    pub check: Option<CheckSetting>,
    pub ca_cert_file: Option<PathBuf>,
}

impl LedgerFlags {
    /// Checks it, and fills in the defaults. None: there is no ledger.
    pub fn resolve(self, listen: &[Address]) -> Result<Option<LedgerSettings>> {
        let Some(url) = self.url else {
            return match (self.advertise, self.lease, self.copies, self.check) {
                (None, None, None, None) => Ok(None),
                _ => Err(Error::bad_arg(
                    "--advertise, --lease, --ledger-copies and --check are for daemons with a --ledger",
                )),
            };
        };
        let trust = Trust { ca_file: self.ca_cert_file, ..Trust::default() };
        let lease = self.lease.map_or(LEASE, |span| Duration::from_millis(span.0.unsigned_abs()));
        if !(LEASE_MIN..=LEASE_MAX).contains(&lease) {
            return Err(Error::bad_arg(format!(
                "--lease {} s: give {} s to {} s",
                lease.as_secs(),
                LEASE_MIN.as_secs(),
                LEASE_MAX.as_secs()
            )));
        }
        let copies = self.copies.unwrap_or(COPIES);
        if !(1..=2).contains(&copies) {
            return Err(Error::bad_arg(format!(
                "--ledger-copies {copies}: give 2, so that a write counts once a second machine has it, or 1"
            )));
        }
        Ok(Some(LedgerSettings {
            url: Url::parse(&url, &trust)?,
            advertise: advertise(self.advertise, listen)?,
            lease,
            copies,
            partitions: 1,
            asking: Arc::default(),
            is_check_confirmed: self.check == Some(CheckSetting::Confirmed),
            trust,
        }))
    }
}

/// What others call: what was said, or the one address that is not for this machine alone.
fn advertise(said: Option<String>, listen: &[Address]) -> Result<Address> {
    if let Some(text) = said {
        let address: Address = text.parse().map_err(Error::bad_arg)?;
        return match address {
            Address::Unix(_) => Err(Error::bad_arg("--advertise: other machines cannot reach a Unix socket")),
            address => Ok(address),
        };
    }
    let everywhere =
        |address: &str| address.starts_with("0.0.0.0:") || address.starts_with("[::]:") || address.ends_with(":0");
    let mut found = listen.iter().filter(|address| match address {
        Address::Tcp(at) | Address::Tls(at) => !everywhere(at),
        Address::Unix(_) => false,
    });
    match (found.next(), found.next()) {
        (Some(address), None) => Ok(address.clone()),
        _ => Err(Error::bad_arg("--advertise HOST:PORT is wanted beside --ledger: where other daemons reach this one")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(advertise: Option<&str>, lease: Option<i64>, listen: &[&str]) -> Result<LedgerSettings> {
        let flags = LedgerFlags {
            url: Some("postgres://contactd@localhost/contactd".to_owned()),
            advertise: advertise.map(str::to_owned),
            lease: lease.map(|seconds| Span(seconds * 1000)),
            copies: None,
            check: None,
            ca_cert_file: None,
        };
        let listen: Vec<Address> = listen.iter().map(|text| text.parse().expect("an address")).collect();
        flags.resolve(&listen).map(|settings| settings.expect("a ledger"))
    }

    #[test]
    fn who_listens_at_one_place_need_not_say_where_it_is_reached() {
        let address = |settings: LedgerSettings| settings.advertise.to_string();
        assert_eq!(resolved(None, None, &["10.0.0.1:7164", "unix:/a"]).map(address), Ok("10.0.0.1:7164".to_owned()));
        assert_eq!(resolved(Some("tls:a:1"), None, &["0.0.0.0:7164"]).map(address), Ok("tls:a:1".to_owned()));
        assert!(resolved(None, None, &["0.0.0.0:7164"]).is_err());
        assert!(resolved(None, None, &["10.0.0.1:1", "10.0.0.1:2"]).is_err());
        assert!(resolved(Some("unix:/a"), None, &[]).is_err());
    }

    #[test]
    fn a_lease_has_bounds() {
        let lease = |seconds| resolved(Some("a:1"), Some(seconds), &[]).map(|settings| settings.lease.as_secs());
        assert_eq!(lease(15), Ok(15));
        assert!(lease(0).is_err() && lease(301).is_err());
    }
}
