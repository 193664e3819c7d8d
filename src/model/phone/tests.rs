use super::*;
use phonenumber::metadata::{DATABASE, Descriptor, Metadata};
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

/// The kinds of number that a subscriber can have.
fn kinds(territory: &Metadata) -> impl Iterator<Item = &Descriptor> {
    let all = territory.descriptors();
    let personal = [all.mobile(), all.fixed_line(), all.personal_number(), all.voip(), all.pager(), all.voicemail()];
    let shared = [all.toll_free(), all.premium_rate(), all.shared_cost(), all.uan()];
    personal.into_iter().chain(shared).flatten()
}

fn examples() -> impl Iterator<Item = (&'static Metadata, &'static str)> {
    let mut all: Vec<_> = DATABASE.iter().collect();
    all.sort_by_key(|territory| territory.id());
    all.into_iter().flat_map(|t| kinds(t).filter_map(move |kind| Some((t, kind.example()?))))
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

/// Each country of the metadata is there, and no other.
#[test]
fn every_country_code_is_split_off() {
    let codes: std::collections::BTreeSet<_> = DATABASE.iter().map(Metadata::country_code).collect();
    for code in 1..1000_u16 {
        let digits = format!("{code}23456789");
        let split = plan::split(digits.as_bytes()).filter(|(found, _)| *found == code);
        assert_eq!(split, codes.contains(&code).then_some((code, &b"23456789"[..])), "+{code}");
    }
    let regions = DATABASE.iter().filter(|territory| territory.id().len() == 2);
    for territory in regions {
        let region = Region::parse(territory.id()).map(|region| (region.to_string(), region.country_code()));
        assert_eq!(region, Some((territory.id().to_owned(), territory.country_code())));
    }
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
        // An example may be in an older spelling: Gabon's are.
        let number = phone.to_string();
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
        let international = match territory.international_prefix() {
            Some(regex) => regex.as_str(),
            None => "",
        };
        if !international.is_empty() && international.bytes().all(|b| b.is_ascii_digit()) {
            check(&[(&format!("{international} {code} {example}"), id, &number)]);
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
        let kinds: Vec<_> = territories.iter().flat_map(|t| kinds(t)).collect();
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
        ("011 15-2345-6789", "AR", "+541123456789"),
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
        ("+39066981.0", "", "+39066981"),
        ("＋３９０６６９８１．０", "", "+39066981"),
        ("+39 06 6981.0", "", "ambiguous"),
        ("+39.06.6981.0", "", "+390669810"),
        ("06.12.34.56.00", "FR", "+33612345600"),
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
fn the_prefix_of_the_country_behind_its_code() {
    check(&[
        ("+44 07911 123456", "", "+447911123456"),
        ("0044 07911 123456", "GB", "+447911123456"),
        ("011 44 07911 123456", "US", "+447911123456"),
        ("44 07911 123456", "GB", "+447911123456"),
        ("+44 (0) 07911 123456", "", "+447911123456"),
        ("+46 073 170 56 05", "", "+46731705605"),
        ("+31 06 12345678", "", "+31612345678"),
        ("+33 06 12 34 56 78", "", "+33612345678"),
        ("+49 0151 23456789", "", "+4915123456789"),
        ("+61 0412 345 678", "", "+61412345678"),
        ("+81 090-1234-5678", "", "+819012345678"),
        ("+90 0532 123 45 67", "", "+905321234567"),
        ("+234 0803 123 4567", "", "+2348031234567"),
        ("+36 06 20 123 4567", "", "+36201234567"),
        ("+7 8 912 345-67-89", "", "+79123456789"),
        ("+370 8 612 34567", "", "+37061234567"),
        ("+1 1 415 555 2671", "", "+14155552671"),
        // A carrier's code is not taken for part of the prefix.
        ("+57 0 312 345 6789", "", "+573123456789"),
        // Argentina's 15 behind the area code.
        ("+54 11 15 2345 6789", "", "+541123456789"),
        ("+54 011 15 2345-6789", "", "+541123456789"),
        ("+54 9 11 15 2345 6789", "", "+541123456789"),
        ("+54 223 15 456-1234", "", "+542234561234"),
        ("+54 2966 15 412345", "", "+542966412345"),
        ("0054 351 15 4561234", "ES", "+543514561234"),
        // Where the zero belongs, it stays.
        ("+39 06 1234 5678", "", "+390612345678"),
        ("+39 347 123 4567", "", "+393471234567"),
        ("+225 07 07 08 12 34", "", "+2250707081234"),
        ("+242 06 612 3456", "", "+242066123456"),
        // Two readings, or a local number without its area: not guessed.
        ("+39 0 347 123 4567", "", "+393471234567"),
        ("+1 464 1234", "", "unknown"),
        ("+44 0 123456", "", "unknown"),
        ("00 256 713 045 043", "KR", "ambiguous"),
        ("00 256 713 045 043", "", "+256713045043"),
    ]);
}

#[test]
fn what_links_and_providers_put_before_a_number() {
    check(&[
        ("whatsapp:+14155550101", "", "+14155550101"),
        ("rcs:+14155550101", "", "+14155550101"),
        ("viber:+14155550101", "", "+14155550101"),
        ("WhatsApp:+5511987654321", "", "+5511987654321"),
        ("sms:+44 7911 123456", "", "+447911123456"),
        ("smsto:+447911123456", "", "+447911123456"),
        ("callto:+447911123456", "", "+447911123456"),
        ("tel://+447911123456", "", "+447911123456"),
        ("tel:07911 123456", "GB", "+447911123456"),
        ("'whatsapp: +5491123456789", "", "+541123456789"),
        ("sms:+447911123456;ext=5", "", "extension"),
        ("sip:+447911123456@gateway.example;user=phone", "", "+447911123456"),
        ("%2B447911123456", "", "+447911123456"),
        ("tel:%2B447911123456", "", "+447911123456"),
        ("+447911123456/TYPE=PLMN", "", "+447911123456"),
        ("%2B447911123456/type=plmn", "", "+447911123456"),
        ("+447911123456@mms.example.net", "", "+447911123456"),
        ("+447911123456/TYPE=PLMN@mms.example.net", "", "+447911123456"),
        ("SIPS:+447911123456", "", "+447911123456"),
        ("++447911123456", "", "+447911123456"),
        ("+00447911123456", "", "+447911123456"),
        ("whatsapp:tel:+447911123456", "", "letters"),
        ("fax:+447911123456", "", "letters"),
        ("whatsapp:", "", "empty"),
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
        ("415*555*2671", "US", "symbol"),
        ("415\x00 555 2671", "US", "symbol"),
        ("555", "US", "too_short"),
        ("555", "", "too_short"),
        ("+1", "", "too_short"),
        ("555-2671", "US", "unknown"),
        ("+1 111 111 1111", "", "unknown"),
        ("+210 123 456 789", "", "unknown_country"),
        ("+0 415 555 2671", "", "unknown_country"),
        ("+999 123 456 789", "", "unknown_country"),
        // A mobile phone that lacks a digit, and ones with 0 for the plus or with their calling code twice: no fixed line whose area
        // begins as the calling code does.
        ("491512345678", "DE", "ambiguous"),
        ("49151 2345678", "DE", "ambiguous"),
        ("04915123456789", "DE", "ambiguous"),
        ("494915123456789", "DE", "ambiguous"),
    ]);
    // Where a mobile phone is meant either way, it is the one that is dialled so.
    check(&[("9198765432", "IN", "+919198765432"), ("55 99123-4567", "BR", "+5555991234567")]);
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

/// Numbers of a kind as they are dialled in their country, without a national prefix: `count` random ones.
fn dialled(kind: &Descriptor, count: usize, seed: &mut u64) -> Vec<String> {
    let is_whole =
        |digits: &str| kind.national_number().find(digits).is_some_and(|found| found.range() == (0..digits.len()));
    let lengths = kind.possible_length();
    let mut random = move |below: u64| {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) % below
    };
    let mut found = Vec::new();
    for _ in 0..300_000 {
        let length = lengths[random(lengths.len() as u64) as usize];
        let digits: String = (0..length).map(|_| char::from(b'0' + random(10) as u8)).collect();
        if is_whole(&digits) {
            found.push(digits);
        }
        if found.len() == count {
            break;
        }
    }
    found
}

#[test]
fn digits_of_two_countries_are_nobodys_unless_they_are_a_mobile_phone_here() {
    let region = |id: &str| Region::parse(id).expect("a region");
    for (raw, id) in [
        ("447911123456", "DE"),
        ("44 7911 123456", "DE"),
        ("33612345678", "IT"),
        ("12125552671", "AT"),
        ("6591234567", "ID"),
    ] {
        assert!(is_also_abroad(raw, region(id)), "{raw} {id}");
        assert!(norm(raw, id).starts_with('+'), "its own country may say so: {raw} {id}");
    }
    for (raw, id) in [
        ("+447911123456", "DE"),
        ("00447911123456", "DE"),
        ("15112345678", "DE"),
        ("030 901820", "DE"),
        ("4155552671", "US"),
        ("14155552671", "US"),
        ("3345678901", "IT"),
        ("447911123456", "GB"),
        ("447911123456", "US"),
    ] {
        assert!(!is_also_abroad(raw, region(id)), "{raw} {id}");
    }
    let mut seed = 7164;
    for id in ["DE", "AT", "IT", "ID", "US", "GB", "FR", "ES", "IN", "BR", "NL", "SE", "PL", "AU", "MX"] {
        let territory = DATABASE.by_id(id).expect("a territory");
        let all = territory.descriptors();
        let share = |kind: &Descriptor, seed: &mut u64| {
            let numbers = dialled(kind, 2_000, seed);
            let both = numbers.iter().filter(|digits| is_also_abroad(digits, region(id))).count();
            (both * 100).div_ceil(numbers.len().max(1))
        };
        let mobile = share(all.mobile().expect("mobiles"), &mut seed);
        let fixed = share(all.fixed_line().expect("fixed lines"), &mut seed);
        println!("{id}: mobile {mobile} %, fixed {fixed} %");
        assert_eq!(mobile, 0, "{id}");
    }
}
