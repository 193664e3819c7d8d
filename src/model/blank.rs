//! Texts in which nothing stands, however the program that wrote them says so.

/// What stands where there is nothing. The set is closed: any other text says something, a tick or a question mark as well.
const NOTHING: [&str; 14] =
    ["", "-", "--", "–", "—", "n/a", "#n/a", "na", "none", "null", "nil", "nan", "undefined", "\\n"];

/// The longest of them, in bytes.
const NOTHING_BYTES_MAX: usize = 9;

/// Whether nothing stands in a text.
pub fn is_blank(text: &str) -> bool {
    // Nearly all that says something is told by its first letter or digit.
    let is_telling = |first: &u8| first.is_ascii_alphanumeric() && !matches!(first, b'n' | b'N' | b'u' | b'U');
    if text.as_bytes().first().is_some_and(is_telling) {
        return false;
    }
    let text = text.trim_matches(|char: char| char.is_whitespace() || is_invisible(char));
    text.len() <= NOTHING_BYTES_MAX && NOTHING.iter().any(|nothing| text.eq_ignore_ascii_case(nothing))
}

/// What a program writes where it looked for something and failed, and a person never does.
const FAILED: [&str; 3] = ["#n/a", "nan", "undefined"];

/// Whether a blank text is what a failed look-up leaves: it does not say that there is nothing.
pub fn is_failed(text: &str) -> bool {
    FAILED.iter().any(|failed| text.trim().eq_ignore_ascii_case(failed))
}

/// Marks that nobody sees.
fn is_invisible(char: char) -> bool {
    matches!(char, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_in_few_ways() {
        for text in
            [" ", "\u{a0}", "\u{200b}", "-", "—", " N/A ", "NA", "NULL", "None", "nil", "NaN", "\\N", "undefined"]
        {
            assert!(is_blank(text), "{text}");
        }
        for text in NOTHING {
            assert!(is_blank(text) && text.len() <= NOTHING_BYTES_MAX, "{text}");
            assert!(is_blank(&text.to_uppercase()) && is_blank(&format!(" {text}\u{feff}")), "{text}");
        }
        assert!(FAILED.iter().all(|failed| is_blank(failed) && is_failed(failed)) && !is_failed("N/A"));
        for text in [
            "?", ".", "!", "*", "+", "•", "●", "✓", "☑", "☒", "✅", "🚫", "###", "unknown", "---", "'", "0", "no", "x",
            "退订",
        ] {
            assert!(!is_blank(text), "{text}");
        }
    }
}
