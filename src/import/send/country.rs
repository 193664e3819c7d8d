//! The country of a number, from what its row says of it.
//!
//! Each piece of evidence (a country, a calling code, `--region`) reads the number by itself. What all of them read alike is the
//! number; so a number with `+`, which is read alike everywhere, always is. Where they differ, whose number it is cannot be known,
//! and the row is refused: it could be a stranger's.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::refusal::Refusal;
use crate::model::blank::is_blank;
use crate::model::phone::{
    Phone, Region, Unusable, has_plus, is_also_abroad, is_calling_code, mobile_without_plus, normalize,
    normalize_behind,
};
use crate::model::plain_refusal::fold::folded;

/// What a row, or whoever imports it, says of the country of its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The country in which the number is dialled.
    Region(Region),
    /// A calling code that stands apart from the number.
    Code(u16),
    /// Something that is no country: only a number with `+` can do without it.
    Unreadable,
}

/// The number of a row, as the daemon is asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number<'c> {
    /// As it stands in the row, dialled in a region if one is known.
    Written(&'c str, Option<Region>),
    Known(Phone),
}

/// Each country's codes and names: see the head of the file.
static COUNTRIES: &str = include_str!("countries.tsv");

/// Countries by alpha-3 code and by name, folded.
static BY_NAME: LazyLock<HashMap<String, Region>> = LazyLock::new(|| {
    let mut names = HashMap::new();
    for line in COUNTRIES.lines().filter(|line| !line.starts_with('#')) {
        let mut cells = line.split('\t');
        let Some(region) = cells.next().and_then(Region::parse) else { continue };
        let all = cells.flat_map(|cell| cell.split('|')).map(folded).filter(|name| !name.is_empty());
        names.extend(all.map(|name| (name, region)));
    }
    names
});

impl Evidence {
    /// Reads a cell: two or three letters of ISO 3166, a country's name, a calling code, or a name and a code, and with them or
    /// without a flag; none where nothing stands in it.
    pub fn read(cell: &str) -> Option<Evidence> {
        if let Some(region) = two_letters(cell) {
            return Some(Evidence::Region(region));
        }
        if is_blank(cell) {
            return None;
        }
        if cell.contains(is_of_flag) {
            return Some(flag(cell).unwrap_or(Evidence::Unreadable));
        }
        let has_digits = cell.contains(|char: char| char.is_ascii_digit());
        let has_letters = cell.contains(char::is_alphabetic);
        Some(match (has_letters, has_digits) {
            (true, false) => name(cell).or_else(|| part(cell)).map_or(Evidence::Unreadable, Evidence::Region),
            (false, _) => code(cell).map_or(Evidence::Unreadable, Evidence::Code),
            (true, true) => name_and_code(cell).unwrap_or(Evidence::Unreadable),
        })
    }

    /// The number that it makes of a text by itself.
    pub fn number(self, raw: &str) -> Result<Phone, Unusable> {
        match self {
            Evidence::Region(region) => normalize(raw, Some(region)),
            Evidence::Code(code) => normalize_behind(raw, code),
            Evidence::Unreadable => Err(Unusable::NoRegion),
        }
    }

    /// Its calling code.
    pub fn code(self) -> Option<u16> {
        match self {
            Evidence::Region(region) => Some(region.country_code()),
            Evidence::Code(code) => Some(code),
            Evidence::Unreadable => None,
        }
    }

    /// Whether another piece says all that this one says, and perhaps more.
    fn is_within(self, other: Evidence) -> bool {
        match (self, other) {
            (Evidence::Code(code), Evidence::Region(region)) => region.country_code() == code,
            _ => self == other,
        }
    }
}

/// Cells that were read before: a column has few countries, and many rows.
#[derive(Default)]
pub struct Cells(HashMap<String, Option<Evidence>>);

/// More different cells are no countries.
const CELLS_MAX: usize = 1_000;

impl Cells {
    /// Reads a cell.
    pub fn read(&mut self, cell: &str) -> Option<Evidence> {
        if let Some(region) = two_letters(cell) {
            return Some(Evidence::Region(region));
        }
        if let Some(&read) = self.0.get(cell) {
            return read;
        }
        let read = Evidence::read(cell);
        if self.0.len() < CELLS_MAX {
            self.0.insert(cell.to_owned(), read);
        }
        read
    }
}

/// The number of a row, by all that is said of its country.
///
/// # Errors
/// The pieces contradict each other, or all of them refuse the number.
pub fn number<'c>(raw: &'c str, evidence: &[Evidence]) -> Result<Number<'c>, Refusal> {
    let adds = |&(at, piece): &(usize, &Evidence)| {
        let says_it = |(place, other): (usize, &Evidence)| {
            place != at && piece.is_within(*other) && !(other.is_within(*piece) && place > at)
        };
        !evidence.iter().enumerate().any(says_it)
    };
    let mut pieces = evidence.iter().enumerate().filter(adds).map(|(_, piece)| *piece);
    let Some(first) = pieces.next() else { return Ok(Number::Written(raw, None)) };
    let mut pieces = pieces.peekable();
    let is_alone = pieces.peek().is_none();
    if let (Evidence::Region(region), true) = (first, is_alone) {
        return Ok(in_region(raw, region));
    }
    if has_plus(raw) {
        return Ok(Number::Written(raw, None));
    }
    let read = first.number(raw);
    if pieces.any(|piece| piece.number(raw) != read) {
        return Err(Refusal::CountryUnclear);
    }
    match read {
        Ok(phone) => Ok(Number::Known(phone)),
        Err(Unusable::Ambiguous | Unusable::NoRegion) => Err(Refusal::CountryUnclear),
        Err(Unusable::Unknown) if !is_alone => Err(Refusal::CountryUnclear),
        Err(why) => Err(Refusal::Phone(why.code())),
    }
}

/// The number of a row that says nothing of its country, in the region of the file.
///
/// # Errors
/// Its digits are at the same time a whole number of another country.
pub fn alone(raw: &str, region: Region) -> Result<Number<'_>, Refusal> {
    if is_also_abroad(raw, region) { Err(Refusal::CountryUnclear) } else { Ok(in_region(raw, region)) }
}

/// A number of a region. The daemon reads it, but for one that lost its plus in a spreadsheet.
fn in_region(raw: &str, region: Region) -> Number<'_> {
    let mut code = itoa::Buffer::new();
    let begins = raw.starts_with(code.format(region.country_code()));
    let mobile = if begins { mobile_without_plus(raw, region) } else { None };
    mobile.map_or(Number::Written(raw, Some(region)), Number::Known)
}

/// Whether digits that nobody places are a whole number of North America and a mobile phone of China: both have eleven, and the
/// first is a 1.
pub fn is_of_two(raw: &str) -> bool {
    let digits = raw.as_bytes();
    let is_whole = digits.len() == 11 && digits[0] == b'1' && digits.iter().all(u8::is_ascii_digit);
    let is_chinese = || Region::parse("CN").is_some_and(|china| normalize(raw, Some(china)).is_ok());
    is_whole && is_chinese() && normalize(&format!("+{raw}"), None).is_ok()
}

/// The states of the United States, of which many are countries as well.
const STATES: &str = "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK \
                      OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC PR";

/// Codes of languages that are codes of countries as well.
const LANGUAGES: &str = "AF AR AZ BE BG BN BS CA CS CY DE EE ES ET EU FI FR GA GL GN HR HT HU HY ID IE IS IT KG KM KY LA LB LT LU LV MG MK \
                         ML MN MR MS MT MY NE NL NO PA PL PS PT QU RO RU RW SC SD SE SG SI SK SL SM SN SO SQ SR ST SV SW TG TH TK TL TN TO TR TT TW UG UZ VE VI ZA";

/// Whether two letters may be of something else than a country: a state of the United States, or a language.
pub fn may_be_no_country(value: &str) -> bool {
    let value = value.trim();
    let is_one = |codes: &str| codes.split_whitespace().any(|code| value.eq_ignore_ascii_case(code));
    is_one(STATES) || is_one(LANGUAGES)
}

/// Whether so many cells of a column of countries are states of the United States that it may be one of states.
pub fn are_states<'v>(values: impl Iterator<Item = &'v str> + Clone) -> bool {
    let is_state = |value: &str| STATES.split(' ').any(|state| value.eq_ignore_ascii_case(state));
    values.clone().count() > 1 && values.clone().all(|value| is_state(value.trim()))
}

/// A two-letter country code, in either case.
pub fn two_letters(cell: &str) -> Option<Region> {
    let cell = cell.trim();
    if cell.len() == 2 { Region::parse(&cell.to_ascii_uppercase()) } else { None }
}

/// A country that stands in a part of a cell: `Mexico - CDMX`, `Rome, Italy`, `es_MX`. None where two do.
fn part(cell: &str) -> Option<Region> {
    if let Some((language, region)) = cell.trim().split_once(['_', '-'])
        && (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_lowercase())
        && region.bytes().all(|byte| byte.is_ascii_uppercase())
    {
        return two_letters(region);
    }
    // Two letters beside a name are a state.
    let parts = cell.split([',', '/', '(', ')', '|']).flat_map(|part| part.split(" - "));
    let mut found = parts.filter_map(|part| BY_NAME.get(&folded(part)).copied());
    let first = found.next()?;
    found.all(|other| other == first).then_some(first)
}

fn name(text: &str) -> Option<Region> {
    two_letters(text).or_else(|| BY_NAME.get(&folded(text)).copied())
}

/// A letter of a flag: `🇬🇧` is the letters G and B.
pub fn is_of_flag(char: char) -> bool {
    matches!(char, '🇦'..='🇿')
}

/// A flag, and what may stand beside it, which must say the same.
fn flag(cell: &str) -> Option<Evidence> {
    let letters = cell.chars().filter(|char| is_of_flag(*char));
    let letters: String =
        letters.filter_map(|char| char::from_u32(char as u32 - '🇦' as u32 + u32::from(b'A'))).collect();
    let flag = Evidence::Region(two_letters(&letters)?);
    let beside = Evidence::read(&cell.replace(is_of_flag, ""));
    beside.is_none_or(|beside| beside.is_within(flag)).then_some(flag)
}

/// A calling code: `91`, `+91`, `0091`, `91.0` as a spreadsheet has it.
fn code(text: &str) -> Option<u16> {
    let text = text.trim().trim_matches(['\'', '(', ')', ' ']);
    let text = text.strip_suffix(".0").unwrap_or(text);
    let digits = text.strip_prefix('+').or_else(|| text.strip_prefix("00")).unwrap_or(text);
    let is_code = (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|code| is_code && !digits.starts_with('0') && is_calling_code(*code))
}

/// `India (+91)`, `+91 India`, `IN 91`: both must say the same.
fn name_and_code(text: &str) -> Option<Evidence> {
    let is_of_code = |char: char| char.is_ascii_digit() || char == '+';
    let from = text.find(is_of_code)?;
    let rest = &text[from..];
    let to = from + rest.find(|char| !is_of_code(char)).unwrap_or(rest.len());
    let name = name(&format!("{} {}", &text[..from], &text[to..]))?;
    (code(&text[from..to])? == name.country_code()).then_some(Evidence::Region(name))
}

#[cfg(test)]
mod tests;
