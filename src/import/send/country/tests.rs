use proptest::prelude::*;

use super::*;

fn region(id: &str) -> Evidence {
    Evidence::Region(Region::parse(id).expect("a region"))
}

/// The number that the daemon makes of a row's, or why the row is refused.
fn read(raw: &str, cells: &[&str], said: Option<&str>) -> Result<String, &'static str> {
    let evidence: Vec<Evidence> =
        cells.iter().filter_map(|cell| Evidence::read(cell)).chain(said.map(region)).collect();
    match number(raw, &evidence).map_err(|why| why.code())? {
        Number::Written(raw, region) => normalize(raw, region).map(|phone| phone.to_string()).map_err(Unusable::code),
        Number::Known(phone) => Ok(phone.to_string()),
    }
}

#[test]
fn a_mobile_phone_that_lost_its_plus_is_itself() {
    let german = Region::parse("DE").expect("a region");
    let known = |raw: &str| alone(raw, german).map(|number| matches!(number, Number::Known(_)));
    assert_eq!((known("4917612345678"), known("4930901820"), known("17612345678")), (Ok(true), Ok(false), Ok(false)));
}

#[test]
fn what_may_be_of_two_countries_is_of_none() {
    assert!(
        is_of_two("13052345678")
            && !is_of_two("+13052345678")
            && !is_of_two("15112345678")
            && !is_of_two("12125550101")
    );
    assert!(are_states(["CA", "DE", "in"].into_iter()) && !are_states(["DE"].into_iter()));
    assert!(!are_states(["DE", "AT"].into_iter()) && !are_states(["US", "CA"].into_iter()));
}

#[test]
fn cells_are_countries_or_codes() {
    for cell in ["IN", "in", "IND", "India", "INDIA", "भारत", "India (+91)", "+91 India", "IN +91", "Indien"] {
        assert_eq!(Evidence::read(cell), Some(region("IN")), "{cell}");
    }
    for (cell, id) in [
        ("USA", "US"),
        ("U.S.A.", "US"),
        ("United States", "US"),
        ("UK", "GB"),
        ("England", "GB"),
        ("Deutschland", "DE"),
        ("Germany", "DE"),
        ("Côte d'Ivoire", "CI"),
        ("Ivory Coast", "CI"),
        ("Türkiye", "TR"),
        ("Turkey", "TR"),
        ("日本", "JP"),
        ("Россия", "RU"),
        ("España", "ES"),
        ("South Korea", "KR"),
        ("Georgia", "GE"),
        ("NA", "NA"),
        ("es_MX", "MX"),
        ("pt-BR", "BR"),
        ("Mexico - CDMX", "MX"),
        ("Rome, Italy", "IT"),
    ] {
        assert_eq!(Evidence::read(cell), Some(region(id)), "{cell}");
    }
    for (cell, code) in [("91", 91), ("+91", 91), ("0091", 91), ("91.0", 91), ("(+44)", 44), ("1", 1), ("'+1", 1)] {
        assert_eq!(Evidence::read(cell), Some(Evidence::Code(code)), "{cell}");
    }
    for cell in ["🇬🇧", "🇬🇧 UK", "GB 🇬🇧", "🇬🇧 +44", "United Kingdom 🇬🇧"] {
        assert_eq!(Evidence::read(cell), Some(region("GB")), "{cell}");
    }
    for cell in [
        "Congo",
        "Korea",
        "Atlantis",
        "XX",
        "999",
        "0",
        "+1-242",
        "India (+1)",
        "Asia",
        "Atlanta, GA",
        "Mexico / India",
        "12345",
        "unknown",
        "?",
        "✗",
        "🌍",
        "🇬🇧 India",
        "🇬🇧🇮🇳",
        "🇬",
    ] {
        assert_eq!(Evidence::read(cell), Some(Evidence::Unreadable), "{cell}");
    }
    for cell in ["", "-", "N/A", "null", "None"] {
        assert_eq!(Evidence::read(cell), None, "{cell}");
    }
}

#[test]
fn a_name_is_of_one_country() {
    let mut known: HashMap<String, &str> = HashMap::new();
    let mut regions = 0;
    for line in COUNTRIES.lines().filter(|line| !line.starts_with('#')) {
        let (id, names) = line.split_once('\t').expect("an id and names");
        assert!(Region::parse(id).is_some(), "{id}");
        regions += 1;
        for name in names.split(['\t', '|']).map(folded).filter(|name| !name.is_empty()) {
            let other = known.insert(name.clone(), id);
            assert!(other.is_none_or(|other| other == id), "{name}: {id} and {other:?}");
            assert!(name.len() > 2 || name == "uk" || !name.is_ascii(), "{name} could be a code");
        }
    }
    assert_eq!(regions, 245, "all regions that phones are dialled in");
}

#[test]
fn the_row_says_whose_number_it_is() {
    let asha = Ok("+917025550123".to_owned());
    for (raw, cells, said) in [
        ("7025550123", &["91"][..], None),
        ("7025550123", &["+91"], None),
        ("7025550123", &["India"], None),
        ("7025550123", &["IN"], Some("IN")),
        ("7025550123", &["91", "India"], None),
        ("917025550123", &["91"], None),
        ("0091 7025550123", &["91"], Some("US")),
        ("+917025550123", &["US"], Some("US")),
        ("+917025550123", &["1"], None),
        ("+917025550123", &["Atlantis"], None),
        ("07025550123", &["91", "-"], None),
    ] {
        assert_eq!(read(raw, cells, said), asha, "{raw} {cells:?} {said:?}");
    }
    for (raw, cells, said) in [
        ("7025550123", &["91"][..], Some("US")),
        ("7025550123", &["IN"], Some("US")),
        ("7025550123", &["India"], Some("US")),
        ("7025550123", &["1", "India"], None),
        ("7025550123", &["US", "IN"], None),
        ("7025550123", &["Atlantis"], None),
        ("7025550123", &["Atlantis"], Some("US")),
        ("7025550123", &["999"], None),
        ("9876543210", &["IN"], Some("US")),
    ] {
        assert_eq!(read(raw, cells, said), Err("country_unclear"), "{raw} {cells:?} {said:?}");
    }
    for (raw, cells, said, phone) in [
        ("4155550123", &["1"][..], None, "+14155550123"),
        ("1 415 555 0123", &["1"], None, "+14155550123"),
        ("4165550123", &["CA"], Some("US"), "+14165550123"),
        ("4155550123", &["1", "CA"], Some("US"), "+14155550123"),
        ("8765550123", &["Jamaica"], Some("US"), "+18765550123"),
        ("07911 123456", &["44"], None, "+447911123456"),
        ("(0)7911 123456", &["+44"], None, "+447911123456"),
        ("07911123456", &["GB"], Some("GG"), "+447911123456"),
        ("06 12345678", &["39"], None, "+390612345678"),
        ("8 916 123 45 67", &["7"], None, "+79161234567"),
        ("4155550123", &["N/A"], Some("US"), "+14155550123"),
    ] {
        assert_eq!(read(raw, cells, said).as_deref(), Ok(phone), "{raw} {cells:?} {said:?}");
    }
    for (raw, cells, reason) in [
        ("555 0123", &["1"][..], "unknown"),
        ("letters", &["91"], "letters"),
        ("1.4E+10", &["+1"], "lost_digits"),
        ("", &["91"], "empty"),
    ] {
        assert!(
            read(raw, cells, None).is_err_and(|code| code == reason || code == "country_unclear"),
            "{raw} {cells:?}: {:?}",
            read(raw, cells, None)
        );
    }
}

fn countries() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "US", "CA", "JM", "BS", "GB", "GG", "IM", "IN", "DE", "IT", "VA", "RU", "KZ", "AU", "CX", "FR", "RE", "YT",
        "MX", "AR", "BR", "KR", "SG", "NA", "FI", "AX", "MA", "EH", "NO", "SJ",
    ])
}

fn evidence() -> impl Strategy<Value = Option<Evidence>> {
    let piece = (countries(), 0..3).prop_map(|(id, what)| match what {
        0 => region(id),
        1 => Evidence::Code(Region::parse(id).expect("a region").country_code()),
        _ => Evidence::Unreadable,
    });
    prop::option::weighted(0.7, piece)
}

proptest! {
    /// No number of another person: what is sent is what each piece of evidence makes of it by itself.
    #[test]
    fn what_is_sent_is_valid_under_every_piece(
        home in countries(),
        digits in prop::collection::vec(0_u8..10, 5..12),
        prefix in 0..4,
        pieces in prop::collection::vec(evidence(), 0..3),
        said in prop::option::of(countries()),
    ) {
        let home = Region::parse(home).expect("a region");
        let national: String = digits.iter().map(|digit| char::from(b'0' + digit)).collect();
        let code = home.country_code();
        let raw = match prefix {
            0 => national,
            1 => format!("0{national}"),
            2 => format!("{code}{national}"),
            _ => format!("+{code}{national}"),
        };
        let said = said.map(region);
        let all: Vec<Evidence> = pieces.into_iter().flatten().chain(said).collect();
        let sent = match number(&raw, &all) {
            Ok(Number::Written(raw, region)) => normalize(raw, region).ok(),
            Ok(Number::Known(phone)) => Some(phone),
            Err(_) => None,
        };
        if let Some(phone) = sent {
            for piece in &all {
                match piece {
                    _ if has_plus(&raw) => prop_assert_eq!(Ok(phone), normalize(&raw, None)),
                    Evidence::Region(region) => prop_assert_eq!(Ok(phone), normalize(&raw, Some(*region))),
                    Evidence::Unreadable => prop_assert!(false, "{} was sent", phone),
                    // A region says more than its code: a local number there is a whole one.
                    Evidence::Code(code) => prop_assert!(
                        phone.to_string().starts_with(&format!("+{code}")) || raw.starts_with("00") || raw.starts_with("011")
                            || normalize(&raw, None) == Ok(phone),
                        "{} {}", raw, phone
                    ),
                }
            }
        }
    }
}
