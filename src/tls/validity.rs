//! From when until when a certificate is good. rustls looks at that of others only, so the few fields before it are read
//! here.

use std::fmt;

use chrono::{DateTime, NaiveDateTime, SecondsFormat};
use rustls_pki_types::{CertificateDer, UnixTime};

/// The tags of DER (ITU-T X.690) that stand before and in the validity of a certificate (RFC 5280, section 4.1).
const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// The version, which the oldest certificates lack.
const VERSION: u8 = 0xa0;

/// From when until when a certificate is good, as Unix times in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first second.
    pub starts: i64,
    /// The last second.
    pub ends: i64,
}

/// Why a certificate is not good at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// It ended then.
    Ended(i64),
    /// It starts then.
    NotYet(i64),
}

impl Validity {
    /// That of a certificate. None: it cannot be read.
    pub fn of(certificate: &CertificateDer<'_>) -> Option<Validity> {
        read(certificate)
    }

    /// When all of these certificates are good. What cannot be read is passed over.
    pub fn of_all(certificates: &[CertificateDer<'_>]) -> Option<Validity> {
        let each = certificates.iter().filter_map(Validity::of);
        each.reduce(|one, other| Validity { starts: one.starts.max(other.starts), ends: one.ends.min(other.ends) })
    }

    /// Why it is not good now, by the clock by which rustls looks at certificates of others.
    pub fn invalid_now(self) -> Option<Invalid> {
        let now = i64::try_from(UnixTime::now().as_secs()).unwrap_or(i64::MAX);
        self.invalid_at(now)
    }

    fn invalid_at(self, now: i64) -> Option<Invalid> {
        match () {
            () if now > self.ends => Some(Invalid::Ended(self.ends)),
            () if now < self.starts => Some(Invalid::NotYet(self.starts)),
            () => None,
        }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, at) = match self {
            Invalid::Ended(at) => ("ended on", at),
            Invalid::NotYet(at) => ("is not good before", at),
        };
        match DateTime::from_timestamp(*at, 0) {
            Some(date) => write!(f, "{what} {}", date.to_rfc3339_opts(SecondsFormat::Secs, true)),
            None => write!(f, "{what} {at}"),
        }
    }
}

fn read(certificate: &[u8]) -> Option<Validity> {
    let mut rest = of(certificate, SEQUENCE)?;
    rest = of(rest, SEQUENCE)?;
    if rest.first() == Some(&VERSION) {
        rest = element(rest)?.2;
    }
    // Serial number, signature algorithm, issuer.
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (starts, rest) = time(of(rest, SEQUENCE)?)?;
    let (ends, _) = time(rest)?;
    Some(Validity { starts, ends })
}

/// The time that is the first element, and what follows it.
fn time(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (tag, text, rest) = element(bytes)?;
    let text = std::str::from_utf8(text).ok()?;
    let text = match tag {
        GENERALIZED_TIME => text.to_owned(),
        // Two digits of the year: from 1950 to 2049.
        UTC_TIME => format!("{}{text}", if text.get(..2)? < "50" { "20" } else { "19" }),
        _ => return None,
    };
    Some((NaiveDateTime::parse_from_str(&text, "%Y%m%d%H%M%SZ").ok()?.and_utc().timestamp(), rest))
}

/// What is in the first element, which has to have this tag.
fn of(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    element(bytes).filter(|(found, ..)| *found == tag).map(|(_, content, _)| content)
}

/// The first element: its tag, what is in it, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    // Up to 127 it is the length itself, else the number of bytes in which the length follows.
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f)).filter(|(bytes, _)| bytes.len() <= 4)?;
        (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    #[test]
    fn from_when_until_when_is_found() {
        let during = |first, last| {
            let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
            params.not_before = date_time_ymd(first, 3, 4);
            params.not_after = date_time_ymd(last, 3, 4);
            let certificate = params.self_signed(&KeyPair::generate().expect("a key")).expect("a certificate");
            certificate.der().clone()
        };
        let (march_2021, march_2031, march_2051) = (1_614_816_000, 1_930_348_800, 2_561_500_800);
        let known = |starts, ends| Some(Validity { starts, ends });
        // The year 2051 has the long form of years.
        let (short, long) = (during(2021, 2031), during(2031, 2051));
        assert_eq!(Validity::of(&short), known(march_2021, march_2031));
        assert_eq!(Validity::of_all(std::slice::from_ref(&long)), known(march_2031, march_2051));
        assert_eq!(Validity::of_all(&[long, short.clone()]), known(march_2031, march_2031));
        assert_eq!(Validity::of_all(&[]), None);
        for length in 0..short.len() {
            assert_eq!(read(&short[..length]), None, "cut off after {length} bytes");
        }
    }

    #[test]
    fn why_it_is_not_good_is_said() {
        let validity = Validity { starts: 1_614_816_000, ends: 1_930_348_800 };
        let told = |now| validity.invalid_at(now).map(|why| why.to_string());
        assert_eq!(told(validity.starts - 1).as_deref(), Some("is not good before 2021-03-04T00:00:00Z"));
        assert_eq!((told(validity.starts), told(validity.ends)), (None, None));
        assert_eq!(told(validity.ends + 1).as_deref(), Some("ended on 2031-03-04T00:00:00Z"));
    }
}
