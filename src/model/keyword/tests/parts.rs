//! What stands beside a request.

use super::*;

/// What people and their phones put beside a request.
const BESIDE: [fn(&str) -> String; 12] = [
    |text| format!("{text}\nMaria"),
    |text| format!("Hi, {text}"),
    |text| format!("{text}. I already bought one"),
    |text| format!("\"{text}\""),
    |text| format!("{text} 4155550123"),
    |text| format!("{text} - Maria Lopez"),
    |text| format!("I already bought one. {text}"),
    |text| format!("{text}, I moved"),
    |text| format!("{text}\nEnviado desde mi iPhone"),
    |text| format!("“{text}”"),
    |text| format!("{text} Maria Lopez"),
    |text| format!("I moved\n{text}\n(415) 555-0123"),
];

/// Every request of the tables.
fn all_requests() -> Vec<String> {
    let of_kinds = KINDS.lines().filter_map(|line| line.strip_prefix("asks\t")?.split_once('\t'));
    let languages = LANGUAGES.split_once("# The ordinary ones.").expect("two parts").0;
    let rows = languages.lines().filter(|line| !line.starts_with('#'));
    let of_languages = rows.filter_map(|line| line.splitn(3, '\t').nth(2));
    let texts = of_kinds.map(|(_, text)| text).chain(of_languages).map(str::to_owned);
    texts.chain(replies(REQUESTS)).chain(replies(HELD_OUT_REQUESTS)).filter(|text| !text.is_empty()).collect()
}

/// A name, a signature, a reason, a number and quotation marks take nothing back. Each request stands beside one of them.
#[test]
fn what_is_shown_alone_is_shown_beside_anything() {
    let keywords = Keywords::default();
    // What some software wrote in another way has nothing beside it.
    let is_coded = |text: &str| !text.contains(' ') && text.contains(|c: char| c.is_ascii_digit());
    let mut texts = all_requests();
    texts.retain(|text| !is_coded(text) && keywords.meaning(text).strictness() > 0);
    let beside = |(at, text): (usize, &String)| BESIDE[at % BESIDE.len()](text);
    let mut missed: Vec<String> = texts.iter().enumerate().map(beside).collect();
    missed.retain(|text| keywords.meaning(text).strictness() == 0);
    assert!(texts.len() > 2500 && missed.is_empty(), "{} texts: {missed:#?}", texts.len());
}

/// The same for the words that opt out or are shown, of all languages.
#[test]
fn a_word_is_shown_beside_anything() {
    let keywords = Keywords::default();
    let kinds = ["out", "out-alone", "out-all", "maybe"];
    let words = WORDS.lines().filter_map(|line| line.split_once(char::is_whitespace));
    let words: Vec<&str> = words.filter(|(kind, _)| kinds.contains(kind)).map(|(_, word)| word.trim()).collect();
    let beside = |(at, word): (usize, &&str)| [at, at + 5].map(|at| BESIDE[at % BESIDE.len()](word));
    let mut missed: Vec<String> = words.iter().enumerate().flat_map(beside).collect();
    missed.retain(|text| keywords.meaning(text).strictness() == 0);
    assert!(words.len() > 300 && missed.is_empty(), "{missed:#?}");
}

#[test]
fn parts_that_ask_are_shown() {
    let keywords = Keywords::default();
    for text in [
        "Unsuscribe. I already bought one",
        "unsubcribe, I moved",
        "stpo\nBob",
        "I sold my car. unsubscrbe",
        "opt uot, i moved",
        "Not interested\nBob",
        "This is spam. I never signed up",
        "BAJA\nMaria",
        "kein Interesse\nMaria",
        "parar. Ya compré uno",
        "paren - María",
        "停止，我已经买了",
        "やめて。もう買いました",
        "그만. 이미 샀어요",
        "lopeta, ostin jo",
        "не пишите 89161234567",
        "st op. I moved",
        "s t o p, I moved",
        "\"I already gave. Please take me off your list.\"",
        "“hi this is Ann, please remove my number”",
        "\"My husband died, stop sending these\"",
        "👎 - Maria",
        "parar, María",
    ] {
        assert!(keywords.meaning(text).strictness() > 0, "{text}");
    }
}

/// What stands beside a part may explain it, and what somebody else said is nobody's request.
#[test]
fn parts_that_are_explained_are_not_shown() {
    let keywords = Keywords::default();
    for text in [
        "Don't call me, I'm in a meeting",
        "Please don't call, just text",
        "I don't want it anymore, can I return it?",
        "Block 4, house 12",
        "not me, my sister ordered",
        "Cancel. I can't make it at 3",
        "please stop emailing me, text is fine",
        "Hi, I'm Maria. 4155550123",
        "Great, see you then\nMaria Lopez",
        "Liked “Reply STOP to opt out”",
        "Liked “Big sale. Reply STOP to opt out”\nMaria",
    ] {
        assert_eq!(keywords.meaning(text), Meaning::Message, "{text}");
    }
}
