//! Text made alike: in small letters, without accents.

/// The letters and digits of a text, folded.
pub fn folded(text: &str) -> String {
    letters(text).filter(|char| char.is_alphanumeric()).collect()
}

/// The characters of a text in small letters, without accents and apostrophes. Characters of scripts without such letters stay.
pub fn letters(text: &str) -> impl Iterator<Item = char> + '_ {
    let lower = text.chars().flat_map(char::to_lowercase).filter(|char| !is_mark(*char));
    lower.map(unaccented)
}

/// Whether a line goes through the letters of a text, as in a̶c̶t̶i̶v̶e̶.
pub fn is_struck_out(text: &str) -> bool {
    !text.is_ascii()
        && text.contains(|char| {
            matches!(
                char,
                '\u{334}'..='\u{338}' | '\u{20d2}' | '\u{20d3}' | '\u{20e5}' | '\u{20e6}' | '\u{20ea}' | '\u{20eb}'
            )
        })
}

/// An accent that stands alone, or an apostrophe: `don't` is `dont`.
fn is_mark(char: char) -> bool {
    matches!(char, '\'' | '’' | '‘' | 'ʼ' | '`' | '´' | '\u{300}'..='\u{36f}')
}

/// A character without its accent.
pub fn unaccented(char: char) -> char {
    if char.is_ascii() { char } else { without_accent(char).unwrap_or(char) }
}

/// The letter under a Latin letter with an accent.
pub fn without_accent(char: char) -> Option<char> {
    Some(match char {
        'à'..='æ' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'ď' | 'đ' | 'ð' => 'd',
        'è'..='ë' | 'ē' | 'ę' | 'ě' => 'e',
        'ğ' => 'g',
        'ì'..='ï' | 'ī' | 'ı' => 'i',
        'ł' => 'l',
        'ñ' | 'ń' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ő' => 'o',
        'ř' => 'r',
        'ś' | 'š' | 'ş' | 'ș' | 'ß' => 's',
        'ť' | 'ț' => 't',
        'ù'..='ü' | 'ū' | 'ů' | 'ű' => 'u',
        'ý' | 'ÿ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_become_one() {
        for (text, alike) in [
            ("Côte d’Ivoire", "cotedivoire"),
            ("De\u{301}sabonne\u{301}", "desabonne"),
            ("İPTAL", "iptal"),
            ("Österreich", "osterreich"),
            ("退订", "退订"),
            ("U.S.A.", "usa"),
            ("- ?", ""),
        ] {
            assert_eq!(folded(text), alike);
        }
    }
}
