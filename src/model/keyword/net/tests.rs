//! How many requests the net shows that the rules let pass, and how few ordinary replies.

use std::collections::HashSet;

use super::learning::{learn, texts};
use super::*;
use crate::model::keyword::reading::Reading;
use crate::model::keyword::{GRAMMAR, Keywords, Meaning};

const REQUESTS: &str = include_str!("requests.txt");
const ORDINARY: &str = include_str!("ordinary.txt");
const UNSEEN_REQUESTS: &str = include_str!("../../../../tests/data/replies/unseen_requests.txt");
const UNSEEN_ORDINARY: &str = include_str!("../../../../tests/data/replies/unseen_ordinary.txt");
const HELD_OUT: [&str; 4] = [
    UNSEEN_REQUESTS,
    UNSEEN_ORDINARY,
    include_str!("../../../../tests/data/replies/held_out_requests.txt"),
    include_str!("../../../../tests/data/replies/held_out_ordinary.txt"),
];
/// A text of so many is tried in each fold: all of them take a minute where nothing is optimized.
const TRIED_OF: usize = 3;
const FOLDS: usize = 5;

fn lines(file: &str) -> Vec<String> {
    let lines = file.lines().filter(|line| !line.is_empty() && !line.starts_with("# "));
    lines.map(|line| line.replace("\\n", "\n")).collect()
}

/// Of some texts, how many the rules let pass, and which of these a net shows.
fn shown<'t>(net: &Net, texts: impl Iterator<Item = &'t String>) -> (usize, Vec<&'t str>) {
    let keywords = Keywords::default();
    let passed: Vec<&String> = texts.filter(|text| keywords.meaning_by_rules(text) == Meaning::Message).collect();
    let is_shown = |text: &&&String| Reading::new(&keywords.0, &GRAMMAR, text.trim()).resembles_request(net);
    (passed.len(), passed.iter().filter(is_shown).map(|text| text.as_str()).collect())
}

/// Each fifth of the texts is judged by a net that has learned from the others.
#[test]
fn what_was_not_learned_is_judged_well() {
    let alike = Alike::built_in();
    let features = |file| texts(file).map(|words| alike.features(&words)).collect::<Vec<_>>();
    let (requests, ordinary) = (lines(REQUESTS), lines(ORDINARY));
    let (of_requests, of_ordinary) = (features(REQUESTS), features(ORDINARY));
    let others = |all: &[Features], fold: usize| -> Vec<Features> {
        all.iter().enumerate().filter(|(at, _)| at % FOLDS != fold).map(|(_, text)| text.clone()).collect()
    };
    let (mut passed, mut heard, mut let_pass, mut alarms) = (0, 0, 0, 0);
    for fold in 0..FOLDS {
        let weights = learn(&others(&of_requests, fold), &others(&of_ordinary, fold));
        let net = Net::new(weights);
        let tried = |all: &'static str| lines(all).into_iter().skip(fold).step_by(FOLDS * TRIED_OF).collect::<Vec<_>>();
        let (tried_requests, tried_ordinary) = (tried(REQUESTS), tried(ORDINARY));
        let (all, shown_requests) = shown(&net, tried_requests.iter());
        let (all_ordinary, shown_ordinary) = shown(&net, tried_ordinary.iter());
        println!(
            "fold {fold}: {} of {all} requests, {} of {all_ordinary} ordinary ones: {shown_ordinary:?}",
            shown_requests.len(),
            shown_ordinary.len()
        );
        passed += all;
        heard += shown_requests.len();
        let_pass += all_ordinary;
        alarms += shown_ordinary.len();
    }
    println!("{heard} of {passed} requests that the rules let pass, {alarms} of {let_pass} ordinary replies");
    assert!(requests.len() > 10_000 && ordinary.len() > 9000);
    assert!(heard * 100 >= 45 * passed, "{heard} of {passed} requests");
    assert!(alarms * 1000 <= 45 * let_pass, "{alarms} of {let_pass} ordinary replies");
}

/// What was written before the net was tried on it, and not learned.
#[test]
fn what_nobody_tried_it_on_is_judged_well() {
    let (requests, ordinary) = (lines(UNSEEN_REQUESTS), lines(UNSEEN_ORDINARY));
    let (passed, heard) = shown(&NET, requests.iter());
    let (let_pass, alarms) = shown(&NET, ordinary.iter());
    println!("{} of {passed} requests of {}: {heard:#?}", heard.len(), requests.len());
    println!("{} of {let_pass} ordinary replies: {alarms:#?}", alarms.len());
    assert!(requests.len() >= 150 && ordinary.len() >= 250);
    assert!(heard.len() * 100 >= 50 * passed, "{} of {passed} requests", heard.len());
    assert!(alarms.len() * 100 <= 2 * let_pass, "{alarms:#?}");
}

#[test]
fn what_is_held_out_is_not_learned() {
    let small = |text: &str| text.to_lowercase();
    let learned: HashSet<String> = lines(REQUESTS).iter().map(|text| small(text)).collect();
    let ordinary: HashSet<String> = lines(ORDINARY).iter().map(|text| small(text)).collect();
    let both: Vec<&String> = learned.intersection(&ordinary).collect();
    assert!(both.is_empty(), "both a request and ordinary: {both:?}");
    let seen: Vec<String> = HELD_OUT
        .into_iter()
        .flat_map(lines)
        .filter(|text| learned.contains(&small(text)) || ordinary.contains(&small(text)))
        .collect();
    assert!(seen.is_empty(), "{seen:#?}");
}

#[test]
fn the_net_is_small() {
    assert!((10_000..150_000).contains(&NET.weights.len()), "{}", NET.weights.len());
    assert!(NET.weights.is_sorted_by_key(|&(feature, _)| feature));
}

/// What a text costs grows with its letters, not with how many twos they make: scripts without blanks make one word of a long one.
#[test]
fn a_long_text_has_no_more_features_than_letters() {
    let alike = Alike::built_in();
    for part in ["不要发短信给我的号码", "もうメッセージを送らないで", "문자 보내지 마세요", "อย่าส่งข้อความ"]
    {
        let words = crate::model::keyword::folding::words(&part.repeat(1000));
        let features = alike.features(&words).each.len();
        assert!(features < 2500, "{features} of {part}");
    }
}

/// What stands before a word or ends it, without a blank, is told from it in languages that write so.
#[test]
fn parts_of_words_are_of_kinds_too() {
    let alike = Alike::built_in();
    let kinds = |text: &str| alike.features(&crate::model::keyword::folding::words(text)).each;
    let shared = |one: &str, other: &str| {
        let of_other = kinds(other);
        kinds(one).into_iter().filter(|feature| of_other.contains(feature)).count()
    };
    for (one, other) in [("msinikumbushe", "not remind"), ("göndermeyin", "send not"), ("אלתזכירו", "not remind")]
    {
        assert!(shared(one, other) >= 5, "{one} and {other}: {}", shared(one, other));
    }
    assert_eq!(shared("msitu", "not remind"), 0);
}

/// A request is not drowned in a letter, and no letter is shown for its length.
#[test]
fn a_letter_is_judged_by_its_parts() {
    let letters = [
        "Hello, this is Ruth from the quilting club. We met on Tuesday at the library and had a lovely time. {} The coffee was good \
         and Ann brought her plum cake. We will be there again next week, and I will bring the patterns for the blue blanket.",
        "Good morning. My daughter has a dentist appointment at three, and afterwards we go shopping for shoes. {} Could you hold \
         the brown ones in size 35 for us? We should be there by five if the bus is on time. Thanks a lot.",
        "so I was telling my neighbor about the sale and she said her cousin got the same lamp for half the price last summer and \
         it still works, then the dog ran off with my slipper. {} anyway the weather is nice today and we might grill",
    ];
    let keywords = Keywords::default();
    for letter in letters {
        assert_eq!(keywords.meaning(&letter.replace("{}", "")), Meaning::Message, "{letter}");
        for request in ["My lawyer will be in touch.", "I never subscribed to anything.", "you have my old number."] {
            let letter = letter.replace("{}", request);
            assert_eq!(keywords.meaning(&letter), Meaning::MaybeOut, "{letter}");
        }
    }
}

/// What the net shows is a guess: nobody is opted out by it, and what the rules know stays as it is.
#[test]
fn it_shows_and_does_no_more() {
    let keywords = Keywords::default();
    for text in lines(UNSEEN_REQUESTS).iter().chain(&lines(UNSEEN_ORDINARY)) {
        let (by_rules, meaning) = (keywords.meaning_by_rules(text), keywords.meaning(text));
        let is_shown = by_rules == Meaning::Message && meaning == Meaning::MaybeOut;
        assert!(meaning == by_rules || is_shown, "{text}");
    }
    for text in ["START", "yes", "HELP", "C", "", "👍", "don't stop", "hello"] {
        assert_eq!(keywords.meaning(text), keywords.meaning_by_rules(text), "{text}");
    }
}
