//! Phone numbers: what any spelling is read as reads as itself, and the same digits written in another way are the same number
//! or none: never somebody else's.

use contactd::model::phone::{
    ListNumber, Phone, Region, as_meant, is_also_abroad, mobile_without_plus, normalize, normalize_behind,
    written_with_plus,
};

use super::chosen;

const REGIONS: [&str; 32] = [
    "US", "GB", "DE", "FR", "IT", "ES", "IN", "AR", "BR", "MX", "CI", "KR", "JP", "CN", "HK", "AU", "NZ", "ZA", "NG",
    "KE", "EG", "SA", "AE", "TR", "RU", "KZ", "UA", "PL", "CZ", "HU", "SE", "SM",
];

pub fn run(input: &[u8]) {
    let (choice, raw) = chosen(input);
    let region = Region::parse(REGIONS[choice % REGIONS.len()]).filter(|_| choice < 224);
    let raw = &String::from_utf8_lossy(raw);
    if let Some(phone) = Phone::parse(raw.as_bytes()) {
        is_itself(phone);
    }
    if let Some(list) = ListNumber::parse(raw.as_bytes()) {
        let mut written = Vec::new();
        list.write_to(&mut written);
        assert_eq!(ListNumber::parse(&written), Some(list));
        assert_eq!(ListNumber::from_u64(list.as_u64()), Some(list));
    }
    as_meant(raw).into_iter().chain(written_with_plus(raw)).for_each(is_itself);
    if let Some(region) = region {
        is_also_abroad(raw, region);
        mobile_without_plus(raw, region).into_iter().for_each(is_itself);
        normalize_behind(raw, region.country_code()).into_iter().for_each(is_itself);
    }
    let Ok(phone) = normalize(raw, region) else { return };
    is_itself(phone);
    assert!(phone.is_known(), "{raw} became {phone}, which no plan knows");
    for other in spellings(raw) {
        let read = normalize(&other, region);
        assert!(read.is_err() || read == Ok(phone), "{raw:?} is {phone}, and {other:?} is {read:?}");
    }
}

/// A number in E.164 is read as itself, wherever it is read, and so are its other spellings.
fn is_itself(phone: Phone) {
    let text = phone.to_string();
    assert_eq!(Phone::parse(text.as_bytes()), Some(phone), "{text}");
    assert_eq!(Phone::from_u64(phone.as_u64()), Some(phone), "{text}");
    for spelling in phone.spellings() {
        assert_eq!(Phone::from_u64(spelling), Some(phone), "+{spelling} is a spelling of {text}");
    }
    for region in [None, Region::parse("US"), Region::parse("DE")] {
        let read = normalize(&text, region);
        // A number that no plan knows may be one with a prefix that only the reading of texts knows, as Brazil's 90.
        let is_same = |read: Phone| if phone.is_known() { read == phone } else { read.is_known() };
        assert!(read.map_or(!phone.is_known(), is_same), "{text} is read as {read:?}");
    }
}

/// The same digits in another way: with something between two of them, in wide figures, with blanks around.
fn spellings(raw: &str) -> [String; 4] {
    // What is behind a point may be a fraction, which nobody divides.
    let (whole, fraction) = raw.split_at(raw.find(['.', ',']).unwrap_or(raw.len()));
    let between = |what: &str| {
        let mut text = String::new();
        for c in whole.chars() {
            if c.is_ascii_digit() && text.ends_with(|c: char| c.is_ascii_digit()) {
                text.push_str(what);
            }
            text.push(c);
        }
        text + fraction
    };
    let wide = |c: char| c.to_digit(10).and_then(|digit| char::from_u32(0xff10 + digit)).unwrap_or(c);
    [between(" "), between("-"), raw.chars().map(wide).collect(), format!(" {raw}\t")]
}
