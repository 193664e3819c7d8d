//! Keywords: what a message from a phone means.
//!
//! The words are those of the big providers (Twilio's default opt-out, opt-in and help words) and of the FCC's list of
//! "reasonable means" (47 CFR § 64.1200(a)(10): stop, quit, end, revoke, opt out, cancel, unsubscribe).

use std::collections::HashMap;

use crate::error::{Error, Result, excerpt};

const OUT: [&str; 9] = ["STOP", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "OPT OUT", "OPT-OUT"];
const OUT_OF_ALL: [&str; 2] = ["STOPALL", "STOP ALL"];
const IN: [&str; 2] = ["START", "UNSTOP"];
const IN_IF_KNOWN: [&str; 1] = ["YES"];
const HELP: [&str; 2] = ["HELP", "INFO"];
/// The longest message in which an opt-out word at either end is taken for a hint that somebody wants out.
const NEAR_MISS_WORDS_MAX: usize = 6;

/// What the words of a message mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Out of the list it was sent to.
    Out,
    /// Out of all lists.
    OutOfAll,
    /// In.
    In,
    /// In, from one who is opted out or known to the list; from others it is only a "yes".
    InIfKnown,
    /// Asks for help.
    Help,
    /// An ordinary message.
    Message,
    /// An ordinary message that may want out; a person should look.
    MaybeOut,
}

impl Meaning {
    fn is_out(self) -> bool {
        matches!(self, Meaning::Out | Meaning::OutOfAll)
    }
}

/// What a message turned out to be, once the contact was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Opted out of the list.
    OptOut,
    /// Opted out of all lists.
    OptOutAll,
    /// Opted in.
    OptIn,
    /// Asked for help.
    Help,
    /// An ordinary message.
    Message,
    /// An ordinary message that may want out.
    MaybeOptOut,
}

/// The words and what they mean: the built-in ones and those that were added.
#[derive(Clone, Debug)]
pub struct Keywords {
    meanings: HashMap<String, Meaning>,
}

impl Default for Keywords {
    fn default() -> Keywords {
        let groups: [(&[&str], Meaning); 5] = [
            (&OUT, Meaning::Out),
            (&OUT_OF_ALL, Meaning::OutOfAll),
            (&IN, Meaning::In),
            (&IN_IF_KNOWN, Meaning::InIfKnown),
            (&HELP, Meaning::Help),
        ];
        let words = groups.iter().flat_map(|(words, meaning)| words.iter().map(|word| (normalize(word), *meaning)));
        Keywords { meanings: words.collect() }
    }
}

impl Keywords {
    /// The built-in words and those of a keywords file: a line each, `out`, `out-all`, `in` or `help`, then the word
    /// or words. Blank lines and lines that start with `#` are skipped. A built-in word keeps its meaning.
    pub fn with_file(text: &str) -> Result<Keywords> {
        let mut keywords = Keywords::default();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong =
                |what: &str| Error::bad_arg(format!("line {} '{}' {what}", number + 1, excerpt(line.as_bytes())));
            let (meaning, words) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let meaning = match meaning {
                "out" => Meaning::Out,
                "out-all" => Meaning::OutOfAll,
                "in" => Meaning::In,
                "help" => Meaning::Help,
                _ => return Err(wrong("should begin with out, out-all, in or help")),
            };
            let words = normalize(words);
            if words.is_empty() {
                return Err(wrong("names no word"));
            }
            match keywords.meanings.get(&words) {
                Some(&built_in) if built_in != meaning => return Err(wrong("would change the meaning of a word")),
                _ => keywords.meanings.insert(words, meaning),
            };
        }
        Ok(keywords)
    }

    /// What a message means.
    pub fn meaning(&self, text: &str) -> Meaning {
        let words = normalize(text);
        if let Some(&meaning) = self.meanings.get(&words) {
            return meaning;
        }
        if let Some(meaning) = self.spelled_out(&words).or_else(|| self.only_out_words(text)) {
            return meaning;
        }
        if self.is_near_miss(&words) { Meaning::MaybeOut } else { Meaning::Message }
    }

    /// "S T O P".
    fn spelled_out(&self, words: &str) -> Option<Meaning> {
        let letters = words.replace(' ', "");
        self.meanings.get(&letters).copied().filter(|meaning| meaning.is_out())
    }

    /// "STOP STOP", "stop/end": nothing but words that want out, whatever stands between them.
    fn only_out_words(&self, text: &str) -> Option<Meaning> {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        let meanings: Option<Vec<Meaning>> = words.map(|word| self.meanings.get(&normalize(word)).copied()).collect();
        let meanings = meanings.filter(|meanings| meanings.iter().all(|meaning| meaning.is_out()))?;
        if meanings.contains(&Meaning::OutOfAll) { Some(Meaning::OutOfAll) } else { meanings.first().copied() }
    }

    fn is_near_miss(&self, text: &str) -> bool {
        let words: Vec<&str> = text.split(' ').collect();
        if words.len() > NEAR_MISS_WORDS_MAX {
            return false;
        }
        let is_out = |words: &[&str]| self.meanings.get(&words.join(" ")).is_some_and(|meaning| meaning.is_out());
        (1..words.len()).any(|n| is_out(&words[..n]) || is_out(&words[n..]))
    }
}

/// Trims, folds case, drops punctuation, and makes runs of white space one blank.
fn normalize(text: &str) -> String {
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        let word: String = word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect();
        if !word.is_empty() {
            words.push(word);
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_mean_what_people_mean() {
        let keywords = Keywords::default();
        let cases = [
            (" Stop. ", Meaning::Out),
            ("STOP!!!", Meaning::Out),
            ("opt-out", Meaning::Out),
            ("Opt out", Meaning::Out),
            ("\u{201c}stop\u{201d}", Meaning::Out),
            ("STOP STOP STOP", Meaning::Out),
            ("stop/end", Meaning::Out),
            ("S T O P", Meaning::Out),
            ("stop\nunsubscribe", Meaning::Out),
            ("stop stopall", Meaning::OutOfAll),
            ("stop all", Meaning::OutOfAll),
            ("StopAll", Meaning::OutOfAll),
            ("start", Meaning::In),
            ("yes", Meaning::InIfKnown),
            ("Help?", Meaning::Help),
            ("stop texting me", Meaning::MaybeOut),
            ("please STOP", Meaning::MaybeOut),
            ("I want to opt out", Meaning::MaybeOut),
            ("do not stop the good work", Meaning::Message),
            ("stop it or I will call my lawyer today", Meaning::Message),
            ("thanks", Meaning::Message),
            ("", Meaning::Message),
            ("👍", Meaning::Message),
        ];
        for (text, meaning) in cases {
            assert_eq!(keywords.meaning(text), meaning, "{text}");
        }
    }

    #[test]
    fn a_file_adds_and_never_removes() {
        let keywords = Keywords::with_file("# Spanish\nout ALTO\nout-all no más\nin sí\nhelp ayuda\n").expect("valid");
        assert_eq!(keywords.meaning("alto"), Meaning::Out);
        assert_eq!(keywords.meaning("NO MÁS"), Meaning::OutOfAll);
        assert_eq!(keywords.meaning("Stop"), Meaning::Out);
        for wrong in ["in STOP", "leave now", "out", "out ..."] {
            assert!(Keywords::with_file(wrong).is_err(), "{wrong}");
        }
    }
}
