//! When a certificate ends. rustls looks at that of others only, so the few fields before it are read here.

use chrono::NaiveDateTime;
use rustls_pki_types::CertificateDer;

/// The tags of DER (ITU-T X.690) that stand before and in the validity of a certificate (RFC 5280, section 4.1).
const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// The version, which the oldest certificates lack.
const VERSION: u8 = 0xa0;

/// When the first of these certificates ends that does, as a Unix time in seconds. What cannot be read is passed over.
pub fn first_end(certificates: &[CertificateDer<'_>]) -> Option<i64> {
    certificates.iter().filter_map(|certificate| end(certificate)).min()
}

fn end(certificate: &[u8]) -> Option<i64> {
    let mut rest = of(certificate, SEQUENCE)?;
    rest = of(rest, SEQUENCE)?;
    if rest.first() == Some(&VERSION) {
        rest = element(rest)?.2;
    }
    // Serial number, signature algorithm, issuer.
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (_, _, not_after) = element(of(rest, SEQUENCE)?)?;
    let (tag, text, _) = element(not_after)?;
    let text = std::str::from_utf8(text).ok()?;
    let text = match tag {
        GENERALIZED_TIME => text.to_owned(),
        // Two digits of the year: from 1950 to 2049.
        UTC_TIME => format!("{}{text}", if text.get(..2)? < "50" { "20" } else { "19" }),
        _ => return None,
    };
    Some(NaiveDateTime::parse_from_str(&text, "%Y%m%d%H%M%SZ").ok()?.and_utc().timestamp())
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
    fn the_first_end_is_found() {
        let until = |year| {
            let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
            params.not_after = date_time_ymd(year, 3, 4);
            let certificate = params.self_signed(&KeyPair::generate().expect("a key")).expect("a certificate");
            certificate.der().clone()
        };
        // The second one has the long form of years.
        assert_eq!(first_end(&[until(2031)]), Some(1_930_348_800));
        assert_eq!(first_end(&[until(2051)]), Some(2_561_500_800));
        assert_eq!(first_end(&[until(2051), until(2031)]), Some(1_930_348_800));
        let whole = until(2031);
        for length in 0..whole.len() {
            assert_eq!(end(&whole[..length]), None, "cut off after {length} bytes");
        }
    }
}
