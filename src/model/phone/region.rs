//! Regions: how people of a country dial.

use super::pattern::Pattern;
use super::written::Digits;
use phonenumber::metadata::{DATABASE, Metadata};
use std::fmt;
use std::sync::LazyLock;

/// A region of the metadata, such as `US`: where a number written without country code is dialled.
#[derive(Clone, Copy)]
pub struct Region(&'static Dialling);

impl Region {
    /// The region of two upper-case letters (ISO 3166-1); none if the metadata has no such region.
    pub fn parse(text: &str) -> Option<Self> {
        let id: [u8; 2] = text.as_bytes().try_into().ok()?;
        let at = REGIONS.binary_search_by_key(&id, |region| region.id).ok()?;
        REGIONS.get(at).map(Self)
    }

    /// Its two letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0.id).unwrap_or_default()
    }

    /// Its country code.
    pub fn country_code(self) -> u16 {
        self.0.code
    }

    /// What follows the international prefix (`011`, `00`, …); none if the number does not begin with it.
    pub(super) fn without_international_prefix(self, digits: &[u8]) -> Option<&[u8]> {
        let prefix = self.0.international.as_ref()?.prefix(digits)?;
        // No country code begins with 0, so what goes on with 0 was no international prefix.
        digits.get(prefix.end..).filter(|rest| rest.first().is_some_and(|&digit| digit != b'0'))
    }

    /// The number without the national prefix (`0`, `1`, `8`, …), or with what it stands for; none if it does not begin with it.
    pub(super) fn without_national_prefix(self, digits: &[u8]) -> Option<Digits> {
        let trunk = self.0.national.as_ref()?;
        let prefix = trunk.pattern.prefix(digits).filter(|prefix| prefix.end > 0)?;
        let rest = &digits[prefix.end..];
        match &trunk.transform {
            // The last group tells whether there is something to keep: Argentina's 15, a Caribbean number without area code.
            Some(rule) if prefix.group(digits, trunk.groups).is_some() => {
                let mut number = Digits::default();
                let mut rule = rule.bytes();
                while let Some(byte) = rule.next() {
                    if byte == b'$' {
                        let group = usize::from(rule.next()?.checked_sub(b'0')?);
                        number.extend(prefix.group(digits, group).unwrap_or_default())?;
                    } else {
                        number.extend(&[byte])?;
                    }
                }
                number.extend(rest)?;
                Some(number)
            }
            _ => Digits::from_slice(rest),
        }
    }
}

impl PartialEq for Region {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for Region {}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads all regions.
pub(super) fn warm_up() {
    LazyLock::force(&REGIONS);
}

struct Dialling {
    id: [u8; 2],
    code: u16,
    international: Option<Pattern>,
    national: Option<Trunk>,
}

struct Trunk {
    pattern: Pattern,
    groups: usize,
    /// What to put in the prefix's place, `$1` being the first group.
    transform: Option<String>,
}

/// Sorted by id.
static REGIONS: LazyLock<Vec<Dialling>> = LazyLock::new(|| {
    let mut regions: Vec<_> = DATABASE.iter().filter_map(Dialling::of).collect();
    regions.sort_unstable_by_key(|region| region.id);
    regions
});

impl Dialling {
    /// None for the "region" 001 of numbers that belong to no country.
    fn of(metadata: &Metadata) -> Option<Self> {
        let id: [u8; 2] = metadata.id().as_bytes().try_into().ok()?;
        let international = metadata.international_prefix();
        let national = metadata.national_prefix_for_parsing();
        let national = national.map(regex_cache::CachedRegex::as_str).or(metadata.national_prefix());
        Some(Self {
            id,
            code: metadata.country_code(),
            international: international.and_then(|regex| Pattern::read(regex.as_str())).map(|(pattern, _)| pattern),
            national: national.and_then(Pattern::read).map(|(pattern, groups)| Trunk {
                pattern,
                groups,
                transform: metadata.national_prefix_transform_rule().map(str::to_owned),
            }),
        })
    }
}
