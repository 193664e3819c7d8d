use super::super::{Phone, Region, Unusable, normalize, plan};
use super::*;
use proptest::prelude::*;

/// Country codes where both spellings are numbers of the plan: of one subscriber, as the table's comments say.
const BOTH_LIVE: [u16; 3] = [54, 241, 972];

fn moves() -> impl Iterator<Item = &'static Move> {
    RENUMBERINGS.iter().flat_map(|renumbering| renumbering.moves)
}

/// The digits behind the prefixes of a move.
fn more(one: &Move) -> u32 {
    let ends = [one.first, one.last + 1];
    (0..15).rev().find(|&more| ends.iter().all(|end| end.is_multiple_of(10_u64.pow(more)))).unwrap_or(0)
}

/// All plans are walked, digit by digit: no old number is somebody's number today, and every old number that was in a plan
/// leads to one that is.
#[test]
fn no_old_number_is_somebody_elses() {
    for one in moves() {
        let size = 10_u64.pow(more(one));
        for (at, old) in (one.first / size..=one.last / size).enumerate() {
            let new = one.to / size + at as u64;
            let (old, new) = (old.to_string(), new.to_string());
            let ends = plan::side_by_side(old.as_bytes(), new.as_bytes(), more(one));
            let code = plan::split(old.as_bytes()).expect("a country").0;
            assert!(ends.iter().any(|&(_, new)| new), "+{old} becomes +{new}, where nobody is");
            if BOTH_LIVE.contains(&code) {
                assert!(!ends.contains(&(true, false)), "some of +{old} are numbers, and their +{new} is not");
            } else {
                assert!(ends.iter().all(|&(old, _)| !old), "some of +{old} are numbers today");
            }
        }
    }
}

/// In Argentina a mobile number is a 9 and a number of ten digits that is in the plan without it, and the other way round.
#[test]
fn argentinas_nine_makes_no_number_of_its_own() {
    for area in ["1", "2", "3"] {
        let ends = plan::side_by_side(format!("549{area}").as_bytes(), format!("54{area}").as_bytes(), 9);
        assert!(ends.iter().all(|(with, without)| with == without), "{area}: {ends:?}");
    }
}

#[test]
fn a_new_number_is_never_an_old_one() {
    for one in moves() {
        let end = one.to + (one.last - one.first);
        for other in moves() {
            assert!(end < other.first || one.to > other.last, "what {} becomes is changed again", one.first);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn canonical_is_idempotent_and_spellings_are_its_inverse(any in 1_000_000..1_000_000_000_000_000_u64, at in 0..1_000_usize, near: u64) {
        let all: Vec<_> = moves().collect();
        let one = all[at % all.len()];
        // Inside the move, and just outside.
        let old = one.first - 5 + near % (one.last - one.first + 10);
        for value in [any, old, one.to + near % (one.last - one.first + 1)] {
            let number = canonical(value);
            prop_assert_eq!(canonical(number), number);
            prop_assert!(number == value || spellings(number).any(|other| other == value), "{} is lost", value);
            for other in spellings(number) {
                prop_assert_eq!(canonical(other), number);
                prop_assert_ne!(other, number);
            }
        }
    }
}

/// Each case is an old spelling and the number, as the sources of the table have them.
fn check(id: &str, cases: &[(&str, &str)]) {
    for (old, new) in cases {
        let phone = Phone::parse(old.as_bytes()).expect(old);
        assert_eq!(phone.to_string(), *new, "{old}");
        assert_eq!(Phone::parse(new.as_bytes()), Some(phone), "{new} is the number itself");
        assert_eq!(Phone::from_u64(old[1..].parse().expect("digits")), Some(phone), "{old}");
        assert!(phone.is_known(), "{new}");
        assert!(phone.spellings().any(|other| format!("+{other}") == *old), "{old} is a spelling of {new}");
        assert_eq!(normalize(old, None), Ok(phone), "{old}");
        assert_eq!(normalize(new, None), Ok(phone), "{new}");
        assert_eq!(normalize(&format!("00{}", &old[1..]), Region::parse("FR")), Ok(phone), "{old}");
        // Kosovo's fixed lines begin with 38, so that 383… there can be one, too.
        let bare = normalize(&new[1..], Region::parse(id));
        assert!(
            bare == Ok(phone) || (id, bare) == ("XK", Err(Unusable::Ambiguous)),
            "{new} without its plus: {bare:?}"
        );
    }
}

#[test]
fn old_and_new_are_one() {
    check(
        "MX",
        &[
            ("+5215512345678", "+525512345678"),
            ("+5213312345678", "+523312345678"),
            ("+5218112345678", "+528112345678"),
            ("+5219981234567", "+529981234567"),
            ("+5216641234567", "+526641234567"),
        ],
    );
    check(
        "AR",
        &[
            ("+5491123456789", "+541123456789"),
            ("+5492234561234", "+542234561234"),
            ("+5493514561234", "+543514561234"),
            ("+5492966412345", "+542966412345"),
            ("+5493794512345", "+543794512345"),
        ],
    );
    check(
        "BR",
        &[
            ("+551187654321", "+5511987654321"),
            ("+552199887766", "+5521999887766"),
            ("+553188887777", "+5531988887777"),
            ("+555161234567", "+5551961234567"),
            ("+559991234567", "+5599991234567"),
        ],
    );
    check(
        "BJ",
        &[
            ("+22997123458", "+2290197123458"),
            ("+22961234567", "+2290161234567"),
            ("+22951234567", "+2290151234567"),
            ("+22942123456", "+2290142123456"),
            ("+22921301234", "+2290121301234"),
        ],
    );
    check(
        "CI",
        &[
            ("+22507123456", "+2250707123456"),
            ("+22505123456", "+2250505123456"),
            ("+22501123456", "+2250101123456"),
            ("+22543123456", "+2250143123456"),
            ("+22598123456", "+2250798123456"),
            ("+22586123456", "+2250586123456"),
        ],
    );
    check(
        "VN",
        &[
            ("+841201234567", "+84701234567"),
            ("+841231234567", "+84831234567"),
            ("+841291234567", "+84821234567"),
            ("+841681234567", "+84381234567"),
            ("+841861234567", "+84561234567"),
            ("+841991234567", "+84591234567"),
        ],
    );
    check(
        "GA",
        &[
            ("+24107123456", "+24177123456"),
            ("+24106123456", "+24166123456"),
            ("+24102123456", "+24162123456"),
            ("+2414123456", "+24174123456"),
            ("+2415123456", "+24165123456"),
            ("+24101441234", "+24111441234"),
        ],
    );
    check("CR", &[("+5068123456", "+50688123456"), ("+5063123456", "+50683123456")]);
    check("GP", &[("+33690123456", "+590690123456")]);
    check("MQ", &[("+33696123456", "+596696123456"), ("+33697123456", "+596697123456")]);
    check("RE", &[("+33692123456", "+262692123456")]);
    check("GF", &[("+33694123456", "+594694123456")]);
    check("YT", &[("+33639201234", "+262639201234")]);
    check("ME", &[("+38167123456", "+38267123456")]);
    check(
        "IT",
        &[
            ("+39612345678", "+390612345678"),
            ("+39212345678", "+390212345678"),
            ("+3903331234567", "+393331234567"),
            ("+3903471234567", "+393471234567"),
            ("+3903281234567", "+393281234567"),
        ],
    );
    check("MU", &[("+2307123456", "+23057123456"), ("+2309712345", "+23059712345")]);
    check("PA", &[("+5076123456", "+50766123456")]);
    check("CM", &[("+23777123456", "+237677123456"), ("+23799123456", "+237699123456")]);
    check("XK", &[("+38649123456", "+38349123456"), ("+38649999999", "+38349999999")]);
    check(
        "PS",
        &[("+972599123456", "+970599123456"), ("+972569123456", "+970569123456"), ("+972598765432", "+970598765432")],
    );
}

#[test]
fn what_stays_as_it_is() {
    for number in [
        // Fixed lines and trunked radio in Brazil, and an area that does not exist.
        "+551134567890",
        "+551178123456",
        "+552091234567",
        // Benin's shared-cost and internet numbers kept eight digits.
        "+22981123456",
        "+22985751234",
        // Ivory Coast's fixed lines and numbers no operator had.
        "+22520123456",
        "+22599123456",
        // Vietnam's free numbers, and a code that was never used.
        "+841800123456",
        "+841301234567",
        // Mobile numbers that Monaco and Slovenia list, though Kosovo had them.
        "+37744123456",
        "+38643123456",
        // An Italian area code, numbers of metropolitan France, and Serbia's own.
        "+3903321234567",
        "+33695123456",
        "+33612345678",
        "+38168123456",
        // Israel's own.
        "+972501234567",
        "+972551234567",
        // A 9 that stands before no area code.
        "+5498001234567",
        // No other country.
        "+14155552671",
        "+447911123456",
        "+999999999999999",
    ] {
        let phone = Phone::parse(number.as_bytes()).expect(number);
        assert_eq!(phone.to_string(), number);
        assert_eq!(spellings(phone.as_u64()).count(), 0, "{number}");
    }
}

/// A national number as people wrote it before the change, and as they write it now.
#[test]
fn old_numbers_are_read_without_country_code() {
    for (raw, id, number) in [
        ("97 12 34 58", "BJ", "+2290197123458"),
        ("01 97 12 34 58", "BJ", "+2290197123458"),
        ("07 08 12 34", "CI", "+2250707081234"),
        ("07 07 08 12 34", "CI", "+2250707081234"),
        ("0168 123 4567", "VN", "+84381234567"),
        ("038 123 4567", "VN", "+84381234567"),
        ("(11) 8765-4321", "BR", "+5511987654321"),
        ("0 11 98765-4321", "BR", "+5511987654321"),
        ("07 12 34 56", "GA", "+24177123456"),
        ("077 12 34 56", "GA", "+24177123456"),
        ("11 2345-6789", "AR", "+541123456789"),
        ("011 15-2345-6789", "AR", "+541123456789"),
        ("9 11 2345-6789", "AR", "+541123456789"),
        ("059 912 3456", "PS", "+970599123456"),
    ] {
        let phone = normalize(raw, Region::parse(id)).map(|phone| phone.to_string());
        assert_eq!(phone.as_deref(), Ok(number), "{raw} in {id}");
    }
}
