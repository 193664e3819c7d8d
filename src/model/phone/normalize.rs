//! From any spelling of a phone number to the number itself.

use super::written::{Digits, Written};
use super::{PHONE_DIGITS_MAX, PHONE_DIGITS_MIN, Phone, Region, Unusable, digits_value, plan};

/// Makes the canonical number of what people and spreadsheets write: `(415) 555-2671`, `0044 7911 123456`, `="+1415…"`,
/// `1.4155552671E+10`, digits of any script.
///
/// A number with `+` or an international prefix speaks for itself; any other needs the `region` it is dialled in. Only a number
/// that some metadata of its country knows is returned, and what could be somebody else's number is refused.
///
/// # Errors
/// [`Unusable`] says what is wrong with the text and what to do about it.
pub fn normalize(raw: &str, region: Option<Region>) -> Result<Phone, Unusable> {
    let written = Written::read(raw)?;
    let digits = written.digits.as_slice();
    let Some(zero) = written.zero_in_parentheses else {
        return resolve(written.plus, digits, region);
    };
    // "+44 (0)7…": the zero is dialled inside the country only. "+39 (0)6…": it is part of the number. The metadata knows.
    resolve(written.plus, digits, region).or_else(|reason| {
        let shorter = Digits::from_slice(&digits[..zero]).and_then(|mut all| {
            all.extend(&digits[zero + 1..])?;
            Some(all)
        });
        let phone = shorter.and_then(|all| resolve(written.plus, all.as_slice(), region).ok());
        phone.ok_or(reason)
    })
}

fn resolve(plus: bool, digits: &[u8], region: Option<Region>) -> Result<Phone, Unusable> {
    if plus {
        return known(digits).ok_or_else(|| why_unknown(digits));
    }
    let Some(region) = region else {
        return match digits.strip_prefix(b"00") {
            Some(number) => known(number).ok_or_else(|| why_unknown(number)),
            None => Err(why_without_region(digits)),
        };
    };
    let international = region.without_international_prefix(digits);
    if let Some(phone) = international.and_then(known) {
        return Ok(phone);
    }
    if let Some(phone) = national(digits, region)? {
        return Ok(phone);
    }
    // 00 is what the world dials: taken everywhere, unless it means something else there.
    let number = international.or_else(|| digits.strip_prefix(b"00"));
    match number {
        Some(number) => known(number).ok_or_else(|| why_unknown(number)),
        None if digits.len() < PHONE_DIGITS_MIN => Err(Unusable::TooShort),
        None if digits.len() > PHONE_DIGITS_MAX => Err(Unusable::TooManyDigits),
        None => Err(Unusable::Unknown),
    }
}

/// The number dialled as `digits` inside the region: without national prefix, as it is, or with the country code but no plus.
fn national(digits: &[u8], region: Region) -> Result<Option<Phone>, Unusable> {
    let code = region.country_code();
    let mut buffer = itoa::Buffer::new();
    let code = buffer.format(code).as_bytes();
    let inside = |national: &[u8]| {
        let mut number = Digits::from_slice(code)?;
        number.extend(national)?;
        known(number.as_slice())
    };
    let without_prefix = region.without_national_prefix(digits).and_then(|number| inside(number.as_slice()));
    if without_prefix.is_some() {
        return Ok(without_prefix);
    }
    let as_it_is = inside(digits);
    let with_code = digits.strip_prefix(code).and_then(|_| known(digits));
    match (as_it_is, with_code) {
        // Two subscribers: in Germany 4915123456789 can be a mobile number, or a fixed line in the area 4915.
        (Some(one), Some(other)) if one != other => Err(Unusable::Ambiguous),
        (Some(phone), _) | (None, Some(phone)) => Ok(Some(phone)),
        (None, None) => Ok(None),
    }
}

/// The number with these digits, country code first, if it exists.
#[inline]
fn known(digits: &[u8]) -> Option<Phone> {
    if digits.len() > PHONE_DIGITS_MAX || digits.first() == Some(&b'0') {
        return None;
    }
    if plan::is_known(digits) {
        return Phone::from_u64(digits_value(digits)?);
    }
    // Mexico's old spelling is in no metadata, but `from_u64` translates it.
    let is_old = digits.starts_with(b"521");
    let phone = if is_old { Phone::from_u64(digits_value(digits)?) } else { None };
    phone.filter(|phone| phone.is_known())
}

fn why_unknown(digits: &[u8]) -> Unusable {
    match digits.len() {
        ..PHONE_DIGITS_MIN => Unusable::TooShort,
        len if len > PHONE_DIGITS_MAX => Unusable::TooManyDigits,
        _ if plan::split(digits).is_none() => Unusable::UnknownCountry,
        _ => Unusable::Unknown,
    }
}

fn why_without_region(digits: &[u8]) -> Unusable {
    match digits.len() {
        ..PHONE_DIGITS_MIN => Unusable::TooShort,
        len if len > PHONE_DIGITS_MAX => Unusable::TooManyDigits,
        _ => Unusable::NoRegion,
    }
}
