//! What messages mean: an opt-out word stays one in any letters and blanks, a text with STOP in it lets nobody in, and so does
//! none that is read twice in two ways.

use std::sync::LazyLock;

use contactd::model::keyword::{Keywords, Meaning, folded, is_refusal, is_request, unread};

use super::chosen;

static KEYWORDS: LazyLock<Keywords> = LazyLock::new(Keywords::default);

const OUT_WORDS: [&str; 12] = [
    "stop",
    "unsubscribe",
    "stopall",
    "cancel",
    "end",
    "quit",
    "optout",
    "revoke",
    "opt out",
    "stop all",
    "arrêt",
    "стоп",
];
const BLANKS: [&str; 8] = [" ", "\t", "\n", "\r\n", "\u{a0}", "  ", "\u{2003}", "\u{3000}"];

pub fn run(input: &[u8]) {
    let (choice, rest) = chosen(input);
    let text = unread::text_of(rest);
    let meaning = KEYWORDS.meaning(&text);
    let (_, _, _) = (folded(&text), is_refusal(&text), is_request(&text));
    assert_eq!(KEYWORDS.meaning(&format!(" {text}\n")), meaning, "blanks around say nothing");
    if text.split(|c: char| !c.is_alphanumeric()).any(|word| word.eq_ignore_ascii_case("stop")) {
        assert!(!lets_in(meaning), "{text:?} has STOP and means {meaning:?}");
    }
    let shouted = out_word(choice, rest);
    let meaning = KEYWORDS.meaning(&shouted);
    assert!(matches!(meaning, Meaning::Out | Meaning::OutOfAll), "{shouted:?} means {meaning:?}");
    let both = format!("{text} STOP");
    assert!(!lets_in(KEYWORDS.meaning(&both)), "{both:?} lets somebody in");
    // It builds all words again, which takes as long as hundreds of messages.
    if rest.starts_with(b"#keywords")
        && let Ok(keywords) = Keywords::with_file(&text)
    {
        let meaning = keywords.meaning(&shouted);
        assert!(matches!(meaning, Meaning::Out | Meaning::OutOfAll), "with a file {shouted:?} means {meaning:?}");
    }
}

fn lets_in(meaning: Meaning) -> bool {
    matches!(meaning, Meaning::In | Meaning::InIfKnown)
}

/// An opt-out word with the letters and blanks that some bytes ask for.
fn out_word(choice: usize, bytes: &[u8]) -> String {
    let byte = |at: usize| usize::from(bytes.get(at).copied().unwrap_or(0));
    let blanks = |at: usize| (0..byte(at) % 4).map(move |n| BLANKS[byte(at + n) % BLANKS.len()]).collect::<String>();
    let is_upper = |at: usize| byte(at / 8) >> (at % 8) & 1 != 0;
    let word = OUT_WORDS[choice % OUT_WORDS.len()].chars().enumerate();
    let word: String =
        word.flat_map(|(at, c)| if is_upper(at) { c.to_uppercase().collect::<Vec<_>>() } else { vec![c] }).collect();
    [blanks(2), word, blanks(3)].concat()
}
