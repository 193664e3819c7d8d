//! The national prefix behind the calling code: `+44 07911 123456` is `+44 7911 123456`.
//!
//! Inside most countries people dial a 0 before the number, in some 1, 8 or 06, and many write it behind the calling code,
//! too. It is not dialled there. Nobody has such a number, so it is read as the one that is meant; where the digits are a
//! number as they stand, as Italy's are, they stay.
//!
//! The same is written where nothing is dialled before a number: a form puts the 0 of its own country before all numbers, and some
//! people go on as they were used to. In a country whose own numbers begin with 0, nobody can tell such a 0 from a digit that is
//! missing elsewhere: there it stays.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::region::DIGITS;
use super::{Region, normalize, plan, renumbering};

/// The first digits of a number that say whether a national prefix may stand in it.
const LEAD_DIGITS: u32 = 4;

/// What was dialled before a number until not long ago, by calling code: the 8 of Tajikistan and Uzbekistan.
const FORMER: [(u16, &str); 2] = [(992, "8"), (998, "8")];
const ZERO: &str = "0";

/// What people write before a number, by calling code.
static PREFIXES: LazyLock<BTreeMap<u16, Vec<&'static str>>> = LazyLock::new(|| {
    let of_code = |code: u16| {
        let dialled = Region::of_code(code).flat_map(Region::prefixes);
        let prefixes: BTreeSet<&str> = dialled.chain(strays(code)).collect();
        (code, prefixes.into_iter().collect())
    };
    plan::codes().iter().map(|&code| of_code(code)).collect()
});

/// By the first four digits: whether something may stand behind the calling code that is not part of the number. Argentina's
/// 15 stands inside of it.
static LEADS: LazyLock<Box<[bool]>> = LazyLock::new(|| {
    let mut leads = vec![false; 10_usize.pow(LEAD_DIGITS)].into_boxed_slice();
    for (&code, prefixes) in &*PREFIXES {
        let begins = |digit: usize| prefixes.iter().any(|prefix| prefix.starts_with(DIGITS[digit]));
        for digit in (0..DIGITS.len()).filter(|&digit| code == normalize::ARGENTINA || begins(digit)) {
            let lead = usize::from(code) * 10 + digit;
            let size = 10_usize.pow(LEAD_DIGITS - 2 - code.ilog10());
            leads[lead * size..(lead + 1) * size].fill(true);
        }
    }
    leads
});

/// The codes where a 0 is dialled before no number and begins none.
static WITHOUT_ZERO: LazyLock<BTreeSet<u16>> = LazyLock::new(|| {
    let has_zero = |code: u16| (1..10).any(|digit| plan::is_beginning(format!("{code}0{digit}").as_bytes()));
    plan::codes().iter().copied().filter(|&code| !has_zero(code)).collect()
});

/// What is not part of a number of this code, although people write it before one.
fn strays(code: u16) -> impl Iterator<Item = &'static str> {
    let zero = WITHOUT_ZERO.contains(&code).then_some(ZERO);
    zero.into_iter().chain(FORMER.iter().filter(move |(of, _)| *of == code).map(|(_, prefix)| *prefix))
}

/// The national number behind what strays before it; none if nothing does. There may be several zeros.
pub(super) fn without_stray(code: u16, national: &[u8]) -> Option<&[u8]> {
    let mut all = strays(code);
    all.find_map(|stray| {
        let rest = national.strip_prefix(stray.as_bytes())?;
        Some(if stray == ZERO { &rest[leading_zeros(rest)..] } else { rest })
    })
}

fn leading_zeros(digits: &[u8]) -> usize {
    digits.iter().take_while(|digit| **digit == b'0').count()
}

/// The value of the number that is meant where a national prefix stands behind the calling code; none if none does.
///
/// Every CHECK asks this. Only numbers that begin like one with a prefix are looked at further.
#[inline]
pub(super) fn without(value: u64) -> Option<u64> {
    let places = value.checked_ilog10()?.checked_sub(LEAD_DIGITS - 1)?;
    let lead = usize::try_from(value / 10_u64.pow(places)).ok()?;
    if *LEADS.get(lead)? { meant(value) } else { None }
}

#[cold]
fn meant(value: u64) -> Option<u64> {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(value).as_bytes();
    if plan::is_known(digits) || !may_have_prefix(value, digits) {
        return None;
    }
    normalize::behind_code(digits).map(super::Phone::as_u64)
}

/// Whether there is a number behind a digit or two, or behind the zeros. It is cheap to ask, and nearly all answers are no: whoever
/// writes digits at random must not pay for all that [`normalize::behind_code`] tries.
fn may_have_prefix(value: u64, digits: &[u8]) -> bool {
    let Some((code, national)) = plan::split(digits) else { return false };
    let is_number = |len: usize| {
        let Some(rest) = national.get(len..).filter(|_| len > 0) else { return false };
        let size = 10_u64.pow(rest.len() as u32);
        let number = u64::from(code) * size + value % size;
        plan::is_known_together(&digits[..digits.len() - national.len()], rest) || renumbering::is_old(number)
    };
    code == normalize::ARGENTINA || [1, 2, leading_zeros(national)].into_iter().any(is_number)
}

/// The values of a number with each prefix of its country behind the calling code.
pub(super) fn with(value: u64) -> Vec<u64> {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(value);
    let Some((code, national)) = plan::split(digits.as_bytes()) else { return Vec::new() };
    let national = &digits[digits.len() - national.len()..];
    let prefixes = PREFIXES.get(&code).into_iter().flatten();
    prefixes.filter_map(|prefix| format!("{code}{prefix}{national}").parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Phone, Region, plan};
    use phonenumber::metadata::DATABASE;
    use proptest::prelude::*;

    fn phone(text: &str) -> Phone {
        Phone::parse(text.as_bytes()).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn what_is_dialled_inside_a_country_is_not_dialled_behind_its_code() {
        for (written, meant) in [
            ("+4407911123456", "+447911123456"),
            ("+49015123456789", "+4915123456789"),
            ("+610412345678", "+61412345678"),
            ("+9109876543210", "+919876543210"),
            ("+23408031234567", "+2348031234567"),
            ("+114155552671", "+14155552671"),
            ("+789161234567", "+79161234567"),
            // Where nothing is dialled before a number.
            ("+3006912345678", "+306912345678"),
            ("+300 0 6912345678", "+306912345678"),
            ("+852051234567", "+85251234567"),
            ("+480512345678", "+48512345678"),
            ("+104155552671", "+14155552671"),
            ("+9988901234567", "+998901234567"),
            ("+9928917123456", "+992917123456"),
            ("+998 0 901234567", "+998901234567"),
            ("+237 0 671234567", "+237671234567"),
            ("+230 0 52512345", "+23052512345"),
            ("+507 0 61234567", "+50761234567"),
            ("+3606201234567", "+36201234567"),
            ("+370861234567", "+37061234567"),
            // The old spelling of Brazil and Argentina's 9, too.
            ("+5501187654321", "+5511987654321"),
            ("+54091123456789", "+541123456789"),
            ("+5411152345 6789", "+541123456789"),
        ] {
            let written = written.replace(' ', "");
            let phone = phone(&written);
            assert_eq!(phone.to_string(), meant, "{written}");
            assert_eq!(Phone::from_u64(written[1..].parse().expect("digits")), Some(phone));
        }
        for itself in [
            "+390612345678",
            "+39066982",
            "+78121234567",
            "+2250707123456",
            "+378054912345",
            // A 0 before Italian digits that are an area code with it.
            "+3903321234567",
            "+30012345",
            "+85200000000",
            "+99900123456",
            "+44012345",
        ] {
            let same = Phone::parse(itself.as_bytes()).map(|phone| phone.to_string());
            assert!(same.as_deref() == Some(itself), "{itself}");
        }
    }

    /// Each number of each plan, with each prefix that people of its country dial.
    #[test]
    fn examples_of_all_plans_with_their_prefix_are_themselves() {
        let mut seen = 0;
        for territory in DATABASE.iter() {
            let all = territory.descriptors();
            let kinds = [all.mobile(), all.fixed_line(), all.toll_free(), all.voip(), all.premium_rate()];
            for example in kinds.into_iter().flatten().filter_map(|kind| kind.example()) {
                let canonical = phone(&format!("+{}{example}", territory.country_code()));
                for spelling in canonical.spellings() {
                    assert_eq!(Phone::from_u64(spelling), Some(canonical), "+{spelling}");
                    assert!(spelling != canonical.as_u64());
                    seen += 1;
                }
                let Some(region) = Region::parse(territory.id()) else { continue };
                for prefix in region.prefixes() {
                    let written = format!("+{}{prefix}{example}", territory.country_code());
                    let digits = &written.as_bytes()[1..];
                    if digits.len() <= 15 && !plan::is_known(digits) {
                        let read = phone(&written);
                        let unclear = read.to_string() == written;
                        assert!(read == canonical || unclear, "{written} is read as {read}, not {canonical}");
                    }
                }
            }
        }
        assert!(seen > 200, "{seen}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn one_spelling_is_held_and_the_others_lead_to_it(
            lead in prop::sample::select(&[0_u64, 1, 11, 44, 440, 49, 490, 54, 540, 5411, 55, 550, 7, 78, 234, 2340, 3606, 86, 61][..]),
            rest in 1_000..10_000_000_000_u64,
        ) {
            let text = format!("{lead}{rest}");
            let Some(phone) = text.parse().ok().and_then(Phone::from_u64) else { return Ok(()) };
            prop_assert_eq!(Phone::from_u64(phone.as_u64()), Some(phone));
            for spelling in phone.spellings() {
                prop_assert_eq!(Phone::from_u64(spelling), Some(phone), "{}", spelling);
            }
        }
    }
}
