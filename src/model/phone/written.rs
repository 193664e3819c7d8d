//! A number as somebody wrote it, stripped to its digits.

use super::Unusable;
use super::character::InboundKind;

/// Longest text that is looked at, in bytes.
pub(super) const WRITTEN_BYTES_MAX: usize = 64;
/// Digits a text may have: an international prefix (eight in Australia at most) and a number.
const DIGITS_MAX: usize = 23;

/// A few ASCII digits.
#[derive(Clone, Copy, Default)]
pub(super) struct Digits {
    bytes: [u8; DIGITS_MAX],
    len: u8,
}

impl Digits {
    pub(super) fn from_slice(digits: &[u8]) -> Option<Self> {
        let mut all = Self::default();
        all.extend(digits)?;
        Some(all)
    }

    /// None if there is no room for them.
    pub(super) fn extend(&mut self, digits: &[u8]) -> Option<()> {
        digits.iter().try_for_each(|&digit| self.push(digit))
    }

    #[inline]
    fn push(&mut self, digit: u8) -> Option<()> {
        *self.bytes.get_mut(usize::from(self.len))? = digit;
        self.len += 1;
        Some(())
    }

    #[inline]
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// What is left of a text: whether it began with a plus, its digits, and where among them a `(0)` stood.
#[derive(Clone, Copy, Default)]
pub(super) struct Written {
    pub(super) plus: bool,
    pub(super) digits: Digits,
    pub(super) zero_in_parentheses: Option<usize>,
}

impl Written {
    pub(super) fn read(raw: &str) -> Result<Self, Unusable> {
        if raw.len() > WRITTEN_BYTES_MAX {
            return Err(Unusable::TooLong);
        }
        let text = without_gateway(without_wrapping(raw));
        // What an address of the web makes of a plus.
        let escaped = after(text, "%2B");
        let text = without_decimals(escaped.unwrap_or(text))?;
        let mut written = Self { plus: escaped.is_some(), ..Self::default() };
        let mut last = InboundKind::Nothing;
        // How many digits stood before an open parenthesis; whether what follows would be a second number.
        let (mut opened, mut slashed, mut divided) = (None, false, false);
        for (at, char) in text.char_indices() {
            let class = InboundKind::of(char);
            let count = written.digits.as_slice().len();
            match class {
                InboundKind::Digit(_) if divided => return Err(Unusable::TwoNumbers),
                InboundKind::Digit(digit) => written.digits.push(digit).ok_or(Unusable::TooManyDigits)?,
                // Whoever puts a plus before all numbers puts a second one before some.
                InboundKind::Plus if count == 0 && (!written.plus || last == InboundKind::Plus) => written.plus = true,
                InboundKind::Open => opened = Some(count),
                InboundKind::Close => {
                    if let Some(from) = opened.take()
                        && &written.digits.as_slice()[from..] == b"0"
                    {
                        written.zero_in_parentheses = Some(from);
                    }
                }
                // An area code may end in a slash, a number of its own may not: "030/123456", "7654321 / 7654322".
                InboundKind::Slash => {
                    divided |= written.could_end() && (!slashed || last == InboundKind::Space);
                    slashed = true;
                }
                InboundKind::Space => divided |= written.could_end() && last == InboundKind::Slash,
                InboundKind::Break => divided |= written.could_end(),
                InboundKind::Nothing => continue,
                InboundKind::Letter => return letters(text, at, count),
                InboundKind::Hash if count > 0 => return Err(Unusable::Extension),
                InboundKind::Separator if text[at..].to_ascii_lowercase().starts_with(";ext") => {
                    return Err(Unusable::Extension);
                }
                // Half the world's spreadsheets write the decimal point as a comma.
                InboundKind::Separator => return scientific(text).unwrap_or(Err(Unusable::TwoNumbers)),
                InboundKind::Plus if count > 0 => return Err(Unusable::TwoNumbers),
                InboundKind::Plus | InboundKind::Hash | InboundKind::Other => return Err(Unusable::Symbol),
            }
            last = class;
        }
        if written.digits.as_slice().is_empty() {
            return Err(Unusable::Empty);
        }
        Ok(written)
    }

    /// Whether the digits so far can be a whole number.
    fn could_end(&self) -> bool {
        let digits = self.digits.as_slice();
        digits.len() >= if self.plus || digits.starts_with(b"00") { 10 } else { 7 }
    }
}

/// What links and providers write before a number: RFC 3966, RFC 5724, and what others use.
const SCHEMES: [&str; 9] = ["tel:", "sms:", "smsto:", "mms:", "mmsto:", "callto:", "whatsapp:", "rcs:", "viber:"];

/// An address of internet telephony, RFC 3261: `sip:+14155552671@gateway.example;user=phone`.
const SIP: [&str; 2] = ["sip:", "sips:"];

/// Without what spreadsheets, web pages and providers put around a number: `'`, tabs, quotes, `="…"`, `tel:`, `whatsapp:`.
fn without_wrapping(raw: &str) -> &str {
    let wrapping = |char: char| {
        matches!(char, '\'' | '"' | '=' | '`' | '\u{2018}' | '\u{2019}' | '\u{201C}' | '\u{201D}' | '\u{FEFF}')
            || char.is_whitespace()
    };
    // Nearly all texts begin and end with what can stay.
    let text = raw.trim_matches(wrapping);
    if !text.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return text;
    }
    let text = SIP.iter().find_map(|scheme| after(text, scheme)).map_or(text, |address| {
        // The number, without whose it is and how to call it.
        address.split(['@', ';']).next().unwrap_or(address)
    });
    let without_scheme = SCHEMES.iter().find_map(|scheme| after(text, scheme)).map(|rest| rest.trim_matches(wrapping));
    without_scheme.unwrap_or(text)
}

/// Without what a gateway of picture messages puts behind a number: `+14155552671/TYPE=PLMN`, `+14155552671@mms.example.net`.
/// Without its plus it could be an address of e-mail.
fn without_gateway(text: &str) -> &str {
    const TYPE: &str = "/TYPE=";
    // Nearly no number has one of them.
    if !text.bytes().any(|byte| matches!(byte, b'@' | b'/')) {
        return text;
    }
    let is_host = |host: &str| {
        host.contains('.') && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
    };
    let has_plus = text.starts_with('+') || after(text, "%2B").is_some();
    let number = text.split_once('@').filter(|(_, host)| has_plus && is_host(host)).map_or(text, |(number, _)| number);
    let at = number.find('/').filter(|&at| after(&number[at..], TYPE).is_some());
    at.map_or(number, |at| &number[..at])
}

/// What stands behind a scheme; none if the text does not begin with it.
fn after<'t>(text: &'t str, scheme: &str) -> Option<&'t str> {
    let (begin, rest) = text.split_at_checked(scheme.len())?;
    begin.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// Without the `.0` of a number that was taken for a fraction. It has no other point: in `415.555.0` it divides as they do. Beside
/// anything else than digits, as in `06 6981.0`, it could be either, and be the end of somebody else's number.
fn without_decimals(text: &str) -> Result<&str, Unusable> {
    const POINTS: [char; 4] = ['.', ',', '\u{FF0E}', '\u{FF0C}'];
    let before = text.trim_end_matches(|char| InboundKind::of(char) == InboundKind::Digit(b'0'));
    let Some(whole) = before.strip_suffix(POINTS).filter(|_| (1..=2).contains(&text[before.len()..].chars().count()))
    else {
        return Ok(text);
    };
    let digits = whole.strip_prefix(|char| InboundKind::of(char) == InboundKind::Plus).unwrap_or(whole);
    if digits.is_empty() || digits.contains(POINTS) {
        Ok(text)
    } else if digits.chars().all(|char| matches!(InboundKind::of(char), InboundKind::Digit(_))) {
        Ok(whole)
    } else {
        Err(Unusable::Ambiguous)
    }
}

/// What a text with a letter after `count` digits is: a spreadsheet's notation of a large number, or nothing to use.
fn letters(text: &str, at: usize, count: usize) -> Result<Written, Unusable> {
    if let Some(number) = scientific(text) {
        return number;
    }
    let word: String = text[at..].chars().take_while(|char| char.is_alphabetic()).collect::<String>().to_lowercase();
    let extension = ["x", "ext", "extn", "extension", "ex", "xt", "anexo", "int", "durchwahl", "dw", "poste", "доб"];
    if count > 0 && extension.contains(&word.as_str()) {
        return Err(Unusable::Extension);
    }
    Err(Unusable::Letters)
}

/// `1.4155552671E+10`: the number, if every digit of it is there; none if the text is not in this notation.
fn scientific(text: &str) -> Option<Result<Written, Unusable>> {
    let (mantissa, exponent) = text.split_once(['e', 'E'])?;
    let mantissa = mantissa.strip_prefix('+').unwrap_or(mantissa);
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let power = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if whole.is_empty() || power.is_empty() || ![whole, fraction, power].into_iter().all(digits) {
        return None;
    }
    let places: usize = if exponent.starts_with('-') { 0 } else { power.parse().unwrap_or(0) };
    // Fewer digits than places: the missing ones may have been zeros, or rounded away. Nobody can tell.
    let complete = places > 0 && fraction.len() >= places && fraction[places..].bytes().all(|b| b == b'0');
    let mut written = Written::default();
    let number = [whole.as_bytes(), fraction.get(..places).unwrap_or_default().as_bytes()];
    let fits = complete && number.into_iter().all(|part| written.digits.extend(part).is_some());
    Some(if fits { Ok(written) } else { Err(Unusable::LostDigits) })
}
