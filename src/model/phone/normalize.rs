//! From any spelling of a phone number to the number itself.

use super::written::{Digits, Written};
use super::{PHONE_DIGITS_MAX, PHONE_DIGITS_MIN, Phone, Region, Unusable, digits_value, plan, trunk};

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

/// Makes the canonical number of what stands beside a calling code: `91` and `70255 50123`. The number may repeat the code, or begin
/// with `+`, which speaks for itself.
///
/// Where several countries share the code, only what means the same number in each of them is read: a local number without its
/// area code could be anybody's.
///
/// # Errors
/// As [`fn@normalize`]; [`Unusable::Ambiguous`] where the number could repeat the code or not.
pub fn normalize_behind(raw: &str, code: u16) -> Result<Phone, Unusable> {
    let written = Written::read(raw)?;
    if written.plus {
        return normalize(raw, None);
    }
    let digits = written.digits.as_slice();
    let (mut found, mut why, mut regions) = (None, None, 0);
    for region in Region::of_code(code) {
        regions += 1;
        match normalize(raw, Some(region)) {
            Ok(phone) if found.is_some_and(|other| other != phone) => return Err(Unusable::Ambiguous),
            Ok(phone) => found = Some(phone),
            Err(Unusable::Ambiguous) => return Err(Unusable::Ambiguous),
            Err(reason) => why = why.or(Some(reason)),
        }
    }
    match found {
        Some(phone) if regions == 1 || is_as_written(phone, code, digits) => Ok(phone),
        Some(_) => Err(Unusable::Unknown),
        // A code that belongs to no country: nobody dials inside it.
        None if regions == 0 => inside(code, digits).or_else(|| known(digits)).ok_or(Unusable::Unknown),
        None => Err(why.unwrap_or(Unusable::Unknown)),
    }
}

/// Whether a number of this code was written with all the digits that it has behind the code. One of another code was written with
/// its own.
fn is_as_written(phone: Phone, code: u16, digits: &[u8]) -> bool {
    let mut buffer = itoa::Buffer::new();
    match plan::split(buffer.format(phone.as_u64()).as_bytes()) {
        Some((found, national)) => found != code || digits.ends_with(national),
        None => false,
    }
}

/// Whether digits without `+` that are dialled so in the region are a whole number of another country at the same time, its
/// calling code first: `447911123456` is a fixed line in Germany and a mobile phone in Great Britain.
///
/// A mobile number of the region is taken for one, whatever else it may be: those are the numbers that get messages.
pub fn is_also_abroad(raw: &str, region: Region) -> bool {
    let Ok(written) = Written::read(raw) else { return false };
    let digits = written.digits.as_slice();
    let Some(abroad) = known(digits).filter(|_| !written.plus) else { return false };
    let here = normalize(raw, Some(region));
    here.is_ok_and(|here| here != abroad && !is_mobile(here))
}

/// The mobile phone of a region that digits are if they begin with the region's own calling code, whose plus a spreadsheet took
/// away: `4917612345678` in Germany, which [`fn@normalize`] refuses as ambiguous, since it could be a fixed line as well. Those
/// get no messages.
pub fn mobile_without_plus(raw: &str, region: Region) -> Option<Phone> {
    let written = Written::read(raw).ok().filter(|written| !written.plus)?;
    let phone = known(written.digits.as_slice())?;
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(phone.as_u64()).as_bytes();
    let is_of_region = plan::split(digits).is_some_and(|(code, _)| code == region.country_code());
    let is_taken = is_of_region && plan::is_mobile(digits) && normalize(raw, Some(region)) == Err(Unusable::Ambiguous);
    is_taken.then_some(phone)
}

/// The number that digits behind a `+` are if somebody put the plus before a number as it is dialled inside a country:
/// `+9172345678` is nobody's, and `917 234 5678` somebody's in New York. None where the number as it is written is one of the same
/// country, and where a phone of it gets no messages.
pub fn national_behind_plus(raw: &str, code: u16) -> Option<Phone> {
    let written = read_with_plus(raw)?;
    let national = inside(code, written.digits.as_slice()).filter(|phone| is_mobile(*phone))?;
    let is_own = normalize(raw, None).is_ok_and(|phone| calling_code(phone) == Some(code));
    (!is_own).then_some(national)
}

/// The mobile phone of a region that digits are with a zero too many before them: `0015123456789` is somebody's in Texas, and
/// `015123456789` somebody's in Germany.
pub fn mobile_behind_zero(raw: &str, region: Region) -> Option<Phone> {
    let written = Written::read(raw).ok().filter(|written| !written.plus)?;
    let digits = written.digits.as_slice().strip_prefix(b"0").filter(|digits| digits.starts_with(b"0"))?;
    let mobile = resolve(false, digits, Some(region)).ok().filter(|phone| is_mobile(*phone))?;
    (calling_code(mobile) == Some(region.country_code())).then_some(mobile)
}

/// The calling code of a number.
pub fn calling_code(phone: Phone) -> Option<u16> {
    plan::split(itoa::Buffer::new().format(phone.as_u64()).as_bytes()).map(|(code, _)| code)
}

/// Whether a text is a number written with `+`.
pub fn has_plus(raw: &str) -> bool {
    read_with_plus(raw).is_some()
}

/// A number that is written with `+`. Nearly all others show at a glance that they are none: there is no plus in them, `%2B` included.
fn read_with_plus(raw: &str) -> Option<Written> {
    let may_have_one = !raw.is_ascii() || raw.bytes().any(|byte| b"+%".contains(&byte));
    if !may_have_one {
        return None;
    }
    Written::read(raw).ok().filter(|written| written.plus)
}

/// The number that stands in a text with `+`, whether any plan knows it or not: an opt-out is taken from any number.
pub fn written_with_plus(raw: &str) -> Option<Phone> {
    let written = read_with_plus(raw)?;
    let digits = written.digits.as_slice();
    let digits = digits.strip_prefix(b"00").unwrap_or(digits);
    if digits.len() > PHONE_DIGITS_MAX || digits.first() == Some(&b'0') {
        return None;
    }
    Phone::from_u64(digits_value(digits)?)
}

/// The number that is meant by a text, in whatever it is wrapped, for the sake of what forbids: one with `+` or `00`, known to a
/// plan or not; or the digits of one without, as some gateways write it. Fewer than 11 digits without their plus could be a
/// short code or a national number: they are none.
pub fn as_meant(text: &str) -> Option<Phone> {
    const DIGITS_MIN: usize = 11;
    let wrapping = |c: char| !c.is_alphanumeric() && !matches!(c, '+' | '\u{FF0B}' | '(' | ')' | '%');
    // Behind a number they stand for digits that somebody left out.
    if text.trim_end().ends_with(['?', '*', '#', '_', '…', '•']) {
        return None;
    }
    let text = text.trim_matches(wrapping);
    normalize(text, None).ok().or_else(|| written_with_plus(text)).or_else(|| {
        let written = Written::read(text).ok().filter(|written| !written.plus)?;
        let digits = written.digits.as_slice();
        if !(DIGITS_MIN..=PHONE_DIGITS_MAX).contains(&digits.len()) || digits.starts_with(b"0") {
            return None;
        }
        Phone::from_u64(digits_value(digits)?).filter(|phone| phone.is_known())
    })
}

fn resolve(plus: bool, digits: &[u8], region: Option<Region>) -> Result<Phone, Unusable> {
    if plus {
        // "+00 44…": the plus was put before all numbers.
        return international(digits.strip_prefix(b"00").unwrap_or(digits));
    }
    let Some(region) = region else {
        return match digits.strip_prefix(b"00") {
            Some(number) => international(number),
            None => Err(why_without_region(digits)),
        };
    };
    // 00 is what the world dials: taken everywhere, unless it means something else there.
    let (here, world) = (region.without_international_prefix(digits), digits.strip_prefix(b"00"));
    if let Some(phone) = here.and_then(known) {
        // "00 256 71…" in Korea is Uganda to the world, and Chile behind the carrier 002.
        let other = world.and_then(known).filter(|&other| other != phone);
        return if other.is_none() { Ok(phone) } else { Err(Unusable::Ambiguous) };
    }
    if let Some(phone) = national(digits, region)? {
        return Ok(phone);
    }
    if let Some(phone) = world.and_then(known) {
        return Ok(phone);
    }
    let readings = [here, world].into_iter().flatten();
    if let Some(phone) = only(readings.filter_map(behind_code))? {
        return Ok(phone);
    }
    match here.or(world) {
        Some(number) => Err(why_unknown(number)),
        None if digits.len() < PHONE_DIGITS_MIN => Err(Unusable::TooShort),
        None if digits.len() > PHONE_DIGITS_MAX => Err(Unusable::TooManyDigits),
        None => Err(Unusable::Unknown),
    }
}

/// The number that all readings agree on, if there are any.
fn only(mut readings: impl Iterator<Item = Phone>) -> Result<Option<Phone>, Unusable> {
    let first = readings.next();
    if readings.all(|other| Some(other) == first) { Ok(first) } else { Err(Unusable::Ambiguous) }
}

/// The number with these digits, country code first.
fn international(digits: &[u8]) -> Result<Phone, Unusable> {
    known(digits).or_else(|| behind_code(digits)).ok_or_else(|| why_unknown(digits))
}

/// The number dialled as `digits` inside the region: without national prefix, as it is, or with the country code but no plus.
fn national(digits: &[u8], region: Region) -> Result<Option<Phone>, Unusable> {
    let code = region.country_code();
    let has_code = |digits: &[u8]| plan::split(digits).is_some_and(|(found, _)| found == code);
    if let Some(number) = region.without_national_prefix(digits)
        && let Some(phone) = inside(code, number.as_slice())
    {
        // Who writes 0 for the plus means a mobile phone, and no fixed line whose area begins as the calling code does.
        let number = number.as_slice();
        let other = known(number).filter(|other| has_code(number) && *other != phone);
        let is_mistaken = other.is_some_and(is_mobile) && !is_mobile(phone);
        return if is_mistaken { Err(Unusable::Ambiguous) } else { Ok(Some(phone)) };
    }
    let as_it_is = inside(code, digits);
    let has_code = has_code(digits);
    let with_code = if has_code { known(digits) } else { None };
    match (as_it_is, with_code) {
        // Two subscribers: in Germany 4915123456789 can be a mobile number, or a fixed line in the area 4915.
        (Some(one), Some(other)) if one != other => Err(Unusable::Ambiguous),
        // The same where a digit of the mobile number is missing.
        (Some(phone), None) if has_code && plan::begins_mobile(digits) && !is_mobile(phone) => Err(Unusable::Ambiguous),
        // The calling code stands there twice.
        (None, Some(phone)) if !is_mobile(phone) && twice(digits).is_some_and(is_mobile) => Err(Unusable::Ambiguous),
        (Some(phone), _) | (None, Some(phone)) => Ok(Some(phone)),
        (None, None) => Ok(if has_code { behind_code(digits) } else { None }),
    }
}

/// The number behind a calling code, if the same code follows there.
fn twice(digits: &[u8]) -> Option<Phone> {
    let (code, rest) = plan::split(digits)?;
    plan::split(rest).filter(|(again, _)| *again == code).and_then(|_| known(rest))
}

fn is_mobile(phone: Phone) -> bool {
    plan::is_mobile(itoa::Buffer::new().format(phone.as_u64()).as_bytes())
}

/// The number meant by a country code and what is dialled inside the country, such as "+44 07911 123456": taken if there is only
/// one. (Italy's zero belongs to the number, which is known as it is.)
pub(super) fn behind_code(digits: &[u8]) -> Option<Phone> {
    let (code, national) = plan::split(digits)?;
    // Argentina's 15 is sometimes written besides the 9, which says the same.
    let national = if code == ARGENTINA { national.strip_prefix(b"9").unwrap_or(national) } else { national };
    let dialled = Region::of_code(code).flat_map(|region| region.behind_code(national));
    let stray = trunk::without_stray(code, national).and_then(Digits::from_slice);
    only(dialled.chain(stray).filter_map(|number| inside(code, number.as_slice()))).unwrap_or_default()
}

pub(super) const ARGENTINA: u16 = 54;

/// The number with this country code and these digits behind it, if it exists.
fn inside(code: u16, national: &[u8]) -> Option<Phone> {
    let mut number = Digits::from_slice(itoa::Buffer::new().format(code).as_bytes())?;
    number.extend(national)?;
    known(number.as_slice())
}

/// The number with these digits, country code first, if it exists: in today's spelling or an older one.
#[inline]
fn known(digits: &[u8]) -> Option<Phone> {
    if digits.len() > PHONE_DIGITS_MAX || digits.first() == Some(&b'0') {
        return None;
    }
    let value = digits_value(digits)?;
    let phone = Phone::renumbered(value)?;
    // Most numbers are in today's spelling: their digits are at hand.
    let is_known = if phone.as_u64() == value { plan::is_known(digits) } else { phone.is_known() };
    is_known.then_some(phone)
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
