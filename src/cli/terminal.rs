//! Texts from outside on a terminal. Labels, sources, replies and links were written by people whom nobody knows: what a
//! terminal would obey, or what would change how the rest of a line reads, is shown and does nothing.

/// The text with `?` for each character that a terminal may take for an order, or that turns the direction of a line.
pub fn safe(text: &str) -> String {
    let is_unsafe = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().map(|c| if is_unsafe(c) { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_shown_as_a_question_mark() {
        assert_eq!(safe("Grüße, 您好 \u{1f600} 'x'"), "Grüße, 您好 \u{1f600} 'x'");
        assert_eq!(safe("\u{1b}[2Jgone\r\n\u{9b}31m\u{7}"), "?[2Jgone???31m?");
        assert_eq!(safe("a\u{202e}b\u{2066}c\u{2028}d\u{feff}"), "a?b?c?d?");
    }
}
