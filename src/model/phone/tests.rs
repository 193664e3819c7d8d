use super::*;
use phonenumber::metadata::{DATABASE, Metadata};
use proptest::prelude::*;

/// The canonical number, or the code of the reason. No region: an empty `id`.
fn norm(raw: &str, id: &str) -> String {
    let region = (!id.is_empty()).then(|| Region::parse(id).expect("a region"));
    match normalize(raw, region) {
        Ok(phone) => phone.to_string(),
        Err(reason) => reason.code().to_owned(),
    }
}

/// Each case is a text, a region, and what must come of it.
fn check(cases: &[(&str, &str, &str)]) {
    for (raw, id, expected) in cases {
        assert_eq!(norm(raw, id), *expected, "{raw:?} in {id:?}");
    }
}

fn examples() -> impl Iterator<Item = (&'static Metadata, &'static str)> {
    let mut all: Vec<_> = DATABASE.iter().collect();
    all.sort_by_key(|territory| territory.id());
    all.into_iter().flat_map(|t| plan::kinds(t).filter_map(move |kind| Some((t, kind.example()?))))
}

#[test]
fn canonical_numbers_only() {
    for good in ["+1234567", "+14155552671", "+999999999999999", "+5215512345", "+52155123456789"] {
        let phone = Phone::parse(good.as_bytes()).expect(good);
        assert_eq!(phone.to_string(), good);
        let mut out = Vec::new();
        phone.write_to(&mut out);
        assert_eq!(out, good.as_bytes());
        assert_eq!(Phone::from_u64(phone.as_u64()), Some(phone));
    }
    for bad in [
        "",
        "+",
        "+0",
        "14155552671",
        "+0155552671",
        "+123456",
        "+1234567890123456",
        "+1415555267x",
        "++14155552671",
        "+1 4155552671",
    ] {
        assert_eq!(Phone::parse(bad.as_bytes()), None, "{bad}");
    }
    assert_eq!(Phone::from_u64(999_999), None);
    assert_eq!(Phone::from_u64(1_000_000_000_000_000), None);
    assert_eq!(Phone::from_u64(u64::MAX), None);
}

#[test]
fn mexico_has_one_spelling() {
    let phone = Phone::parse(b"+5215512345678").expect("a number");
    assert_eq!(phone.to_string(), "+525512345678");
    assert_eq!(Phone::from_u64(5_215_512_345_678), Some(phone));
    for (raw, id) in
        [("+52 1 55 1234 5678", ""), ("0052 1 55 1234 5678", ""), ("5215512345678", "MX"), ("55 1234 5678", "MX")]
    {
        assert_eq!(norm(raw, id), "+525512345678", "{raw}");
    }
}

#[test]
fn list_numbers() {
    for good in ["+14155552671", "123", "12345", "99999999"] {
        let list = ListNumber::parse(good.as_bytes()).expect(good);
        assert_eq!(list.to_string(), good);
        let mut out = Vec::new();
        list.write_to(&mut out);
        assert_eq!(out, good.as_bytes());
        assert_eq!(ListNumber::from_u64(list.as_u64()), Some(list));
        assert_eq!(list.is_short_code(), !good.starts_with('+'));
        assert_eq!(list.phone(), Phone::parse(good.as_bytes()));
    }
    for bad in ["", "12", "123456789", "01234", "+12345", "1234a", "-1234"] {
        assert_eq!(ListNumber::parse(bad.as_bytes()), None, "{bad}");
    }
    assert_eq!(ListNumber::from_u64(12345), None);
    assert_eq!(ListNumber::from_u64(u64::MAX), None);
    assert_ne!(ListNumber::parse(b"12345678"), ListNumber::parse(b"+12345678"));
}

#[test]
fn regions_exist() {
    assert_eq!(Region::parse("US").map(Region::country_code), Some(1));
    for bad in ["", "U", "us", "USA", "ZZ", "001", "é"] {
        assert_eq!(Region::parse(bad), None, "{bad}");
    }
}

/// A pattern that cannot be read would silently make numbers unknown.
#[test]
fn every_pattern_of_the_metadata_can_be_read() {
    for territory in DATABASE.iter() {
        let prefixes = [territory.international_prefix(), territory.national_prefix_for_parsing()];
        let numbers = plan::kinds(territory).map(phonenumber::metadata::Descriptor::national_number);
        for regex in prefixes.into_iter().flatten().chain(numbers) {
            assert!(pattern::Pattern::read(regex.as_str()).is_some(), "{} {}", territory.id(), regex.as_str());
        }
        if let Some(prefix) = territory.national_prefix() {
            assert!(pattern::Pattern::read(prefix).is_some(), "{}", territory.id());
        }
    }
    warm_up();
    let (bytes, states) = plan::size();
    assert!(bytes < 1 << 20, "all plans take {bytes} bytes, {states} states");
}

#[test]
fn every_example_of_the_metadata_round_trips() {
    let mut count = 0;
    for (territory, example) in examples() {
        let (id, code) = (territory.id(), territory.country_code());
        let number = format!("+{code}{example}");
        if number == "+989601" {
            continue; // Iran's six digits are fewer than an E.164 number has here.
        }
        count += 1;
        let phone = Phone::parse(number.as_bytes()).expect(&number);
        assert!(phone.is_known(), "{number}");
        check(&[(&number, "", &number), (&format!("00{code} {example}"), "", &number)]);
        if Region::parse(id).is_none() {
            continue;
        }
        check(&[(example, id, &number), (&number, id, &number)]);
        // Colombia dials mobile numbers without 0: "03" is a carrier.
        let prefix = territory.national_prefix().unwrap_or_default();
        if (id, prefix, &example[..1]) != ("CO", "0", "3") {
            check(&[(&format!("{prefix} {example}"), id, &number)]);
        }
        if let Some(prefix) = territory
            .international_prefix()
            .map(regex_cache::CachedRegex::as_str)
            .filter(|p| p.bytes().all(|b| b.is_ascii_digit()))
        {
            check(&[(&format!("{prefix} {code} {example}"), id, &number)]);
        }
        // The country code without a plus: the number itself or a refusal, never another number.
        let bare = norm(&number[1..], id);
        assert!(bare == number || bare == "ambiguous", "{number} in {id}: {bare}");
    }
    assert!(count > 1_100, "{count}");
}

/// The automata say what the patterns say: known where a regex spans the whole number, unknown where none begins it.
#[test]
fn plans_agree_with_the_regexes() {
    for code in [1_u16, 39, 44, 49, 7, 54, 55, 91, 358] {
        let territories = DATABASE.by_code(&code).expect("a country");
        // Few territories a code: compiling a regex costs a millisecond, and NANPA has a hundred.
        let territories = if code == 1 { vec![DATABASE.by_id("US").expect("US")] } else { territories };
        let kinds: Vec<_> = territories.iter().flat_map(|t| plan::kinds(t)).collect();
        for example in kinds.iter().filter_map(|kind| kind.example()) {
            for at in 0..example.len() {
                for digit in ["0", "3", "7", ""] {
                    let national = format!("{}{digit}{}", &example[..at], &example[at + 1..]);
                    let known = plan::is_known(format!("{code}{national}").as_bytes());
                    let spans = |m: Option<usize>| m == Some(national.len());
                    let full = kinds.iter().any(|kind| {
                        kind.is_match(&national) && spans(kind.national_number().find(&national).map(|m| m.end()))
                    });
                    let partial = code == 1 || kinds.iter().any(|kind| kind.is_match(&national));
                    assert!(known || !full, "+{code} {national} is a number");
                    assert!(!known || partial, "+{code} {national} is none");
                }
            }
        }
    }
}

#[test]
fn what_a_parser_got_wrong() {
    check(&[
        ("+4915123456789", "US", "+4915123456789"),
        ("+3367a829916", "FR", "letters"),
        ("+78001234567", "", "+78001234567"),
        ("8 800 123-45-67", "RU", "+78001234567"),
        ("8001234567", "RU", "+78001234567"),
        ("391 234 5678", "IT", "+393912345678"),
        ("06 1234 5678", "IT", "+390612345678"),
        ("47 12 34 56", "NO", "+4747123456"),
        ("45 12 34 56", "DK", "+4545123456"),
        ("6512 3456", "SG", "+6565123456"),
        ("+1415-555-2671", "", "+14155552671"),
        ("0032 470 12 34 56", "", "+32470123456"),
        ("0032 470 12 34 56", "US", "+32470123456"),
        ("＋１４１５５５５２６７１", "", "+14155552671"),
        ("４１５－５５５－２６７１", "US", "+14155552671"),
        ("8 029 491-19-11", "BY", "+375294911911"),
        ("8 612 34567", "LT", "+37061234567"),
        ("011 15-2345-6789", "AR", "+5491123456789"),
        // A country code without plus that is an area code too: refused, not guessed.
        ("4915123456789", "DE", "ambiguous"),
    ]);
}

#[test]
fn what_spreadsheets_do() {
    let us = "+14155552671";
    check(&[
        ("1.4155552671E+10", "US", us),
        ("1,4155552671E+10", "US", us),
        ("1.4155552671e10", "US", us),
        ("1.41555526710E+10", "US", us),
        ("1.4155552671E+10", "", "no_region"),
        ("1.41556E+10", "US", "lost_digits"),
        ("1.41556E+10", "", "lost_digits"),
        ("1E+10", "US", "lost_digits"),
        ("1.4155552671E-10", "US", "lost_digits"),
        ("1.4155552671E+99999999999999999999", "US", "lost_digits"),
        ("14155552671.0", "US", us),
        ("14155552671,0", "US", us),
        ("4155552671.00", "US", us),
        ("'+14155552671", "", us),
        ("\t+14155552671", "", us),
        ("'14155552671", "US", us),
        ("=\"+14155552671\"", "", us),
        ("=\"14155552671\"", "US", us),
        ("\"+14155552671\"", "", us),
        ("tel:+1-415-555-2671", "", us),
        ("TEL: +1 415 555 2671", "", us),
        ("\u{feff}+14155552671", "", us),
        ("+1\u{a0}415\u{202f}555\u{2009}2671", "", us),
        ("+44 (0)7911 123456", "", "+447911123456"),
        ("+44(0) 7911 123456", "US", "+447911123456"),
        ("+39 (0)6 1234 5678", "", "+390612345678"),
        ("(0)7911 123456", "GB", "+447911123456"),
        ("44 (0)7911 123456", "GB", "+447911123456"),
        ("011 44 7911 123456", "US", "+447911123456"),
        ("0011 44 7911 123456", "AU", "+447911123456"),
        ("8~10 44 7911 123456", "RU", "symbol"),
        ("810 44 7911 123456", "RU", "+447911123456"),
        ("00447911123456", "", "+447911123456"),
    ]);
}

#[test]
fn what_people_write() {
    let us = "+14155552671";
    check(&[
        ("(415) 555-2671", "US", us),
        ("415.555.2671", "US", us),
        ("415/555/2671", "US", us),
        ("1 415 555 2671", "US", us),
        ("14155552671", "US", us),
        ("14155552671", "", "no_region"),
        ("4155552671", "", "no_region"),
        ("415–555‑2671", "US", us),
        ("\u{202a}+1 415\u{200b}555\u{2060}2671\u{202c}", "", us),
        ("+١٤١٥٥٥٥٢٦٧١", "", us),
        ("०४१५५५५२६७१", "US", "unknown"),
        ("（４１５）５５５・２６７１", "US", us),
        ("(+44) 7911 123456", "", "+447911123456"),
        ("030/123456", "DE", "+4930123456"),
        ("030 / 1234567", "DE", "+49301234567"),
        ("0475/12/34/56", "BE", "+32475123456"),
        ("268 464 1234", "AG", "+12684641234"),
        ("464 1234", "AG", "+12684641234"),
    ]);
}

#[test]
fn what_is_refused() {
    check(&[
        ("", "US", "empty"),
        (" - ", "US", "empty"),
        ("+", "US", "empty"),
        (&"1".repeat(65), "US", "too_long"),
        ("1-800-FLOWERS", "US", "letters"),
        ("n/a", "US", "letters"),
        ("+1415555267l", "", "letters"),
        ("+1 415 555 2671 x123", "", "extension"),
        ("+1 415 555 2671x123", "", "extension"),
        ("+1 415 555 2671 ext. 5", "", "extension"),
        ("+14155552671;ext=5", "", "extension"),
        ("+14155552671#5", "", "extension"),
        ("415-555-2671, 415-555-2672", "US", "two_numbers"),
        ("415-555-2671;415-555-2672", "US", "two_numbers"),
        ("415-555-2671 / 415-555-2672", "US", "two_numbers"),
        ("030123456 / 78", "DE", "two_numbers"),
        ("030 123456/78", "DE", "two_numbers"),
        ("415-555-2671\n415-555-2672", "US", "two_numbers"),
        ("+14155552671 +14155552672", "", "two_numbers"),
        ("4155552671 4155552672", "US", "too_many_digits"),
        ("++14155552671", "", "symbol"),
        ("415*555*2671", "US", "symbol"),
        ("415\x00 555 2671", "US", "symbol"),
        ("555", "US", "too_short"),
        ("555", "", "too_short"),
        ("+1", "", "too_short"),
        ("555-2671", "US", "unknown"),
        ("+1 111 111 1111", "", "unknown"),
        ("+44 07911 123456", "", "unknown"),
        ("+210 123 456 789", "", "unknown_country"),
        ("+0 415 555 2671", "", "unknown_country"),
        ("+999 123 456 789", "", "unknown_country"),
    ]);
}

#[test]
fn each_reason_has_its_own_word_and_sentence() {
    let codes: std::collections::HashSet<_> = Unusable::ALL.map(Unusable::code).into();
    let sentences: std::collections::HashSet<_> = Unusable::ALL.map(|reason| reason.to_string()).into();
    assert_eq!((codes.len(), sentences.len()), (Unusable::ALL.len(), Unusable::ALL.len()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics_and_results_are_known(raw in "\\PC{0,40}", id in prop::sample::select(vec!["", "US", "DE", "AR", "BR", "JP"])) {
        let number = norm(&raw, id);
        prop_assert!(!number.starts_with('+') || Phone::parse(number.as_bytes()).is_some_and(Phone::is_known));
    }

    #[test]
    fn near_numbers_do_not_panic_and_stay_what_they_are(raw in "[-+0-9０-９ ().,/eExX'=\"\\n]{0,30}", at in 0..245_usize) {
        let ids: Vec<_> = DATABASE.iter().map(Metadata::id).filter(|id| id.len() == 2).collect();
        let id = ids[at % ids.len()];
        let number = norm(&raw, id);
        if number.starts_with('+') {
            prop_assert_eq!(norm(&number, ""), number);
        }
    }

    #[test]
    fn bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..20), value: u64) {
        let _ = (Phone::parse(&bytes), ListNumber::parse(&bytes), ListNumber::from_u64(value));
        if let Some(phone) = Phone::from_u64(value % 10_u64.pow(16)) {
            prop_assert_eq!(Phone::parse(phone.to_string().as_bytes()), Some(phone));
        }
    }
}
