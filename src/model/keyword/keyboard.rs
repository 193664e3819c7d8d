//! Keyboards: what a text was meant to be that was typed while the keyboard had the letters of another script.
//!
//! Who sends `ыещз` or `ㄴ새ㅔ` pressed the keys of STOP, and who sends `cnjg` those of СТОП.

use unicode_normalization::UnicodeNormalization;

/// The keys of the Latin letters, row by row.
const LATIN: &str = "qwertyuiopasdfghjklzxcvbnm";
/// What they write on the keyboards of Russian, Hebrew, Arabic and Thai.
const SCRIPTS: [&str; 4] =
    ["йцукенгшщзфывапролдячсмить", "/'קראטוןםפשדגכעיחלךזסבהנמצ", "ضصثقفغعهخحشسيبلاتنمئءؤرﻻىة", "ๆไำพะัีรนยฟหกดเ้่าสผปแอิืท"];
/// What other keys write on the keyboard of Russian.
const MORE_OF_RUSSIAN: [(char, char); 7] =
    [('[', 'х'), (']', 'ъ'), (';', 'ж'), ('\'', 'э'), (',', 'б'), ('.', 'ю'), ('`', 'ё')];
/// What the keys write on the keyboard of Korean: the parts of a syllable as Unicode takes it apart, at its beginning, in the
/// middle and at the end, from the first of each on.
const KOREAN: [(char, &str); 3] = [
    ('\u{1100}', "r r s e e f a q q t t d w w c z x v g"),
    ('\u{1161}', "k o i o j p u p h hk ho hl y n nj np nl b m ml l"),
    ('\u{11a8}', "r r rt s sw sg e f fr fa fq ft fx fv fg a q qt t t d w c z x v g"),
];
/// Longer texts are typed by people who see what they type.
const BYTES_MAX: usize = 96;

/// What a text was meant to be if its keyboard was another one.
pub fn meant(text: &str) -> Option<String> {
    on_latin(text).or_else(|| on_russian(text))
}

/// The Latin letters on the keys of a text in another script.
fn on_latin(text: &str) -> Option<String> {
    let is_other = !text.chars().any(|c| c.is_ascii_alphabetic()) && text.chars().any(char::is_alphabetic);
    let script = |c: char| SCRIPTS.iter().find_map(|script| key(script, LATIN, c));
    let typed = |c: char| match c.to_lowercase().next().and_then(script) {
        Some(key) => Some(key.to_string()),
        None => c.nfkd().map(korean).collect(),
    };
    let plain = |c: char| if c.is_alphabetic() { typed(c) } else { typed(c).or(Some(c.to_string())) };
    (is_other && text.len() <= BYTES_MAX).then(|| text.chars().map(plain).collect())?
}

/// The Russian letters on the keys of a text in Latin ones.
fn on_russian(text: &str) -> Option<String> {
    let more = |c: char| MORE_OF_RUSSIAN.iter().find(|(latin, _)| *latin == c).map(|(_, letter)| *letter);
    let typed = |c: char| key(LATIN, SCRIPTS[0], c.to_ascii_lowercase()).or(more(c)).unwrap_or(c);
    let is_latin = text.is_ascii() && text.contains(|c: char| c.is_ascii_alphabetic());
    (is_latin && text.len() <= BYTES_MAX / 2).then(|| text.chars().map(typed).collect())
}

/// What stands in one keyboard where a character stands in another.
fn key(from: &str, to: &str, c: char) -> Option<char> {
    from.chars().zip(to.chars()).find(|(key, _)| *key == c).map(|(_, key)| key)
}

fn korean(c: char) -> Option<&'static str> {
    KOREAN.iter().find_map(|(first, keys)| {
        let at = u32::from(c).checked_sub(u32::from(*first))?;
        keys.split(' ').nth(usize::try_from(at).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_are_those_of_the_other_keyboard() {
        for (text, meant) in [
            ("ыещз", "stop"),
            ("ЫЕЩЗ!", "stop!"),
            ("гтыгиыскшиу", "unsubscribe"),
            ("דאםפ", "stop"),
            ("سفخح", "stop"),
            ("ㄴ새ㅔ", "stop"),
            ("หะนย", "stop"),
        ] {
            assert_eq!(on_latin(text).as_deref(), Some(meant), "{text}");
        }
        for (text, meant) in [("cnjg", "стоп"), ("CNJG", "стоп"), ("jngbcfnmcz", "отписаться"), ("[dfnbn", "хватит")]
        {
            assert_eq!(on_russian(text).as_deref(), Some(meant), "{text}");
        }
        for text in ["stop", "привет mom", "退订", "", "123"] {
            assert_eq!(on_latin(text), None, "{text}");
        }
        for text in ["стоп", "123", "", "arrêt"] {
            assert_eq!(on_russian(text), None, "{text}");
        }
    }
}
