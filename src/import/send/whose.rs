//! Whose number a phone of a row is, or whose it can be where that is not certain: what forbids counts for each of them.

use super::country::{self, Evidence, Number};
use super::numbers::{has_more_than_a_number, number_beside_signs, number_in_groups, numbers_in, without_signs};
use super::refusal::Refusal;
use super::request::Subject;
use super::row::Rows;
use super::told::Told;
use crate::limits::RAW_PHONE_BYTES_MAX;
use crate::model::phone::{
    Phone, Region, Unusable, calling_code, has_plus, is_also_abroad, mobile_behind_zero, national_behind_plus,
    normalize, written_with_plus,
};

impl Rows {
    /// Finds the phones of an opt-out in columns that nobody named.
    pub(super) fn find_phones(&self, told: &mut Told<'_>) {
        for (at, raw) in told.unnamed().to_vec() {
            let is_one = match self.number(told, raw) {
                Ok(Number::Written(raw, region)) => normalize(raw, region).is_ok(),
                Ok(Number::Known(_)) | Err(Refusal::CountryUnclear) => true,
                Err(_) => false,
            };
            if is_one {
                told.add_phone(at, raw);
            }
        }
    }

    /// The number of a phone of the row. An opt-out is taken from any number; an import takes those that exist.
    pub(super) fn existing<'c>(&self, told: &Told<'c>, raw: &'c str, forbids: bool) -> Result<Number<'c>, Refusal> {
        let number = self.number(told, raw)?;
        // A sign or a word beside a number may take it out of the file: then no other row of it counts either.
        if let (false, Number::Written(raw, region)) = (forbids, number)
            && has_more_than_a_number(raw)
            && (!numbers_in(raw).is_empty() || without_signs(raw).is_some())
            && let Err(why @ (Unusable::Symbol | Unusable::Letters | Unusable::Extension | Unusable::TwoNumbers)) =
                normalize(raw, region)
        {
            return Err(Refusal::Phone(why.code()));
        }
        if forbids && let Number::Written(raw, region) = number {
            let read = if has_plus(raw) { normalize(raw, None) } else { normalize(raw, region) };
            // Without a country the daemon's may count. What stands beside a number hides no opt-out.
            let has_more = || numbers_in(raw).iter().any(|number| *number != raw.trim());
            let is_clear = || number_beside_signs(raw).is_some() || number_in_groups(raw).is_some();
            let is_taken_apart = || has_plus(raw) || has_more() || without_signs(raw).is_some() || is_clear();
            if let Err(why) = read
                && why != Unusable::NoRegion
                && is_taken_apart()
            {
                return Err(Refusal::Phone(why.code()));
            }
        }
        Ok(number)
    }

    /// The numbers of a refused row.
    pub(super) fn numbers_meant<'c>(&self, told: &Told<'c>) -> Vec<Number<'c>> {
        let phones = std::iter::once(told.phone()).chain(told.other_phones());
        phones.flat_map(|raw| self.meant(told, raw, true)).collect()
    }

    /// The numbers of a phone: all that it can be where its country is not clear, and where it is none as it stands, those in its
    /// cell.
    pub(super) fn meant<'c>(&self, told: &Told<'c>, raw: &'c str, is_whole: bool) -> Vec<Number<'c>> {
        let number = self.number(told, raw);
        let is_one = match number {
            Ok(Number::Written(raw, region)) => normalize(raw, region).is_ok() || written_with_plus(raw).is_some(),
            Ok(Number::Known(_)) => true,
            Err(_) => false,
        };
        match number {
            Ok(number) if is_one || !is_whole => vec![number],
            Err(Refusal::CountryUnclear) => {
                let evidence = self.evidence(told).chain(told.guesses.iter().copied());
                readings(raw, evidence).into_iter().map(Number::Known).collect()
            }
            _ if is_whole => {
                let numbers = numbers_in(raw);
                if numbers.is_empty() {
                    self.clear_beside_signs(told, raw).into_iter().collect()
                } else {
                    numbers.into_iter().flat_map(|raw| self.meant(told, raw, false)).collect()
                }
            }
            _ => Vec::new(),
        }
    }

    /// The number that a phone is without the signs in it and beside it. Whoever wrote one there meant this person; for what permits
    /// it is none.
    fn clear_beside_signs<'c>(&self, told: &Told<'c>, raw: &'c str) -> Option<Number<'c>> {
        let may_be_one = |raw: &str, region| matches!(normalize(raw, region), Ok(_) | Err(Unusable::NoRegion));
        if let Some(raw) = number_beside_signs(raw) {
            let number = self.number(told, raw).ok()?;
            let is_one = |number: &Number<'_>| match number {
                Number::Written(raw, region) => may_be_one(raw, *region),
                Number::Known(_) => true,
            };
            return Some(number).filter(is_one);
        }
        match self.number(told, &number_in_groups(raw)?).ok()? {
            Number::Written(raw, region) => normalize(raw, region).ok().map(Number::Known),
            Number::Known(phone) => Some(Number::Known(phone)),
        }
    }

    /// All that is said of the country of the row's number.
    pub(super) fn evidence<'t>(&self, told: &'t Told<'_>) -> impl Iterator<Item = Evidence> + Clone + 't {
        let said = self.defaults.region.map(Evidence::Region);
        told.evidence.iter().chain(&told.hints).copied().chain(said)
    }

    /// What `--region` says of a phone of the row. Where the row says its country itself, and the phone is a number there and none
    /// inside the region, it says nothing: the row is nearer.
    fn region_beside(&self, told: &Told<'_>, raw: &str) -> Option<Region> {
        let region = self.defaults.region?;
        let is_own = || match country::number(raw, &told.evidence) {
            Ok(Number::Written(raw, region)) => normalize(raw, region).is_ok(),
            Ok(Number::Known(_)) => true,
            Err(_) => false,
        };
        let is_elsewhere =
            !told.evidence.is_empty() && !has_plus(raw) && normalize(raw, Some(region)).is_err() && is_own();
        (!is_elsewhere).then_some(region)
    }

    /// Whose number a phone of the row is, by all that the row says of its country.
    pub(super) fn number<'c>(&self, told: &Told<'c>, raw: &'c str) -> Result<Number<'c>, Refusal> {
        if raw.len() > RAW_PHONE_BYTES_MAX {
            return Err(Refusal::Phone(Unusable::TooLong.code()));
        }
        check_plus(raw, self.evidence(told))?;
        let region = self.region_beside(told, raw);
        if !told.hints.is_empty() && !has_plus(raw) {
            let said = region.map(Evidence::Region);
            let pieces: Vec<Evidence> = told.evidence.iter().copied().chain(said).collect();
            if !pieces.is_empty() {
                country::number(raw, &[&pieces[..], &told.hints].concat())?;
            }
        }
        let number = match (told.evidence.as_slice(), region) {
            ([], None) if country::is_of_two(raw) => Err(Refusal::CountryUnclear),
            ([], None) => return Ok(Number::Written(raw, None)),
            ([], Some(region)) => country::alone(raw, region),
            (evidence, None) => country::number(raw, evidence),
            (evidence, Some(region)) => country::number(raw, &[evidence, &[Evidence::Region(region)]].concat()),
        }?;
        let read = || match number {
            Number::Written(raw, region) => normalize(raw, region).ok(),
            Number::Known(phone) => Some(phone),
        };
        let is_another = |guess: &Evidence| guess.number(raw).is_ok_and(|phone| Some(phone) != read());
        let has_zero =
            || self.evidence(told).any(|piece| without_zero(raw, piece).is_some_and(|phone| Some(phone) != read()));
        if !has_plus(raw) && (told.guesses.iter().any(is_another) || raw.starts_with("00") && has_zero()) {
            return Err(Refusal::CountryUnclear);
        }
        Ok(number)
    }
}

/// The number in a country of which the row or `--region` speaks, if a zero too many stands before it.
fn without_zero(raw: &str, piece: Evidence) -> Option<Phone> {
    if let Evidence::Region(region) = piece { mobile_behind_zero(raw, region) } else { None }
}

/// Who is meant by a number of a row that forbids something; none where it cannot be known.
pub fn subject(number: Number<'_>) -> Option<Subject<'_>> {
    match number {
        Number::Written(raw, _) if has_plus(raw) => match normalize(raw, None) {
            Ok(phone) => Some(Subject::Planned(Number::Known(phone))),
            Err(Unusable::Unknown | Unusable::UnknownCountry) => written_with_plus(raw).map(Subject::Unplanned),
            Err(_) => None,
        },
        Number::Known(phone) if !phone.is_known() => Some(Subject::Unplanned(phone)),
        number => Some(Subject::Planned(number)),
    }
}

/// Refuses a number with a plus whose digits are a whole number inside a country of which the row or `--region` speaks, as where
/// somebody put a plus before each number of a column; unless a piece says the country that the plus does.
///
/// # Errors
/// It could be either number.
fn check_plus(raw: &str, evidence: impl Iterator<Item = Evidence> + Clone) -> Result<(), Refusal> {
    let mut codes = evidence.filter_map(Evidence::code);
    if !codes.clone().any(|code| national_behind_plus(raw, code).is_some()) {
        return Ok(());
    }
    let own = normalize(raw, None).ok().and_then(calling_code);
    if own.is_some() && codes.any(|code| Some(code) == own) { Ok(()) } else { Err(Refusal::CountryUnclear) }
}

/// The numbers that a phone can be of which nobody knows the country: one for each piece that reads it, and for the plus or, where
/// it is missing, for what the digits are abroad. What forbids counts for all of them.
fn readings(raw: &str, evidence: impl Iterator<Item = Evidence> + Clone) -> Vec<Phone> {
    let has_plus = has_plus(raw);
    let mut found: Vec<Phone> = if has_plus {
        let national = evidence.filter_map(Evidence::code).filter_map(|code| national_behind_plus(raw, code));
        written_with_plus(raw).into_iter().chain(national).collect()
    } else {
        let abroad = evidence.clone().any(|piece| matches!(piece, Evidence::Region(at) if is_also_abroad(raw, at)));
        let is_chinese = evidence.clone().next().is_none() && country::is_of_two(raw);
        let china = Region::parse("CN").filter(|_| is_chinese).and_then(|china| normalize(raw, Some(china)).ok());
        let as_it_is = (abroad || is_chinese).then(|| normalize(&format!("+{}", raw.trim()), None).ok()).flatten();
        let behind_zero = evidence.clone().filter_map(|piece| without_zero(raw, piece));
        let pieces = evidence.filter_map(|piece| piece.number(raw).ok());
        pieces.chain(behind_zero).chain(china).chain(as_it_is).collect()
    };
    found.sort();
    found.dedup();
    found
}
