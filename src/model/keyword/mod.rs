//! Keywords: what a message from a phone means.
//!
//! A reasonable person decides what an opt-out is (47 CFR § 64.1200(a)(10): "any reasonable means"): an opt-out word in any
//! of the languages that senders use, or a request in words, if nothing else stands in the message but courtesies. What only
//! comes near one is shown to a person, and so is what is written in a [`script`] that no rule has. [`encoding`] undoes what
//! software made of a text, [`keyboard`] what a keyboard of another script did, and [`texting`] what people shorten; [`folding`]
//! makes words of it and [`spelling`] finds out which were meant; `words.txt` has the opt-out words, `phrases.txt` the requests as a
//! small [`grammar`], and [`reading`] puts them together.
//! `stems.txt` has what no refusal can do without: what no rule knows is shown to a person where it has one of these.
//! What is still ordinary then is shown if it resembles what people wrote who wanted out: the last [`net`] has learned from them.
//! `machine.txt` has what a [`machine`] answers in the place of a phone.
//! [`is_refusal`] asks the same of a label.

mod cue;
mod encoding;
mod folding;
mod grammar;
mod keyboard;
mod machine;
mod net;
mod reading;
mod refusal;
mod report;
mod scope;
mod script;
mod slip;
mod spelling;
mod texting;
#[cfg(test)]
mod tests;
pub mod unread;

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use foldhash::fast::RandomState;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result, excerpt};
pub use cue::Cues;
pub use encoding::{mistaken_byte, unescaped};
pub use folding::is_unspaced;
use grammar::Grammar;
pub use machine::is_of_a_machine;
pub use net::note_resemblance;
use reading::Reading;
pub use reading::STOP_SIGNS;
pub use refusal::{is_first_name, is_keyword, is_keyword_in_capitals, is_refusal, is_request, is_spelled_as_asked};
pub use report::reports;
use script::Scripts;
use slip::LongSlips;
pub use spelling::letter_of_digit;

/// The built-in words.
const WORDS: &str = include_str!("words.txt");
/// The built-in requests. A test keeps them readable.
static GRAMMAR: LazyLock<Grammar> = LazyLock::new(|| Grammar::parse(include_str!("phrases.txt")).unwrap_or_default());

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

    /// How much it forbids; nothing is 0.
    pub fn strictness(self) -> u8 {
        match self {
            Meaning::OutOfAll => 3,
            Meaning::Out => 2,
            Meaning::MaybeOut => 1,
            Meaning::In | Meaning::InIfKnown | Meaning::Help | Meaning::Message => 0,
        }
    }

    fn lets_in(self) -> bool {
        matches!(self, Meaning::In | Meaning::InIfKnown)
    }

    /// The stricter of two readings of one message. Who is let in by one of them alone may not mean it.
    fn stricter(self, other: Meaning) -> Meaning {
        match other.strictness().cmp(&self.strictness()) {
            Ordering::Greater => other,
            Ordering::Equal if self.lets_in() && self != other => Meaning::Message,
            _ => self,
        }
    }
}

/// What a message turned out to be, once the contact was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InboundKind {
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
#[derive(Clone, Debug, Default)]
pub struct Words {
    meanings: HashMap<String, Meaning, RandomState>,
    /// The words of all phrases.
    parts: HashSet<String, RandomState>,
    /// Opt-out words that have an everyday use: they count only if they are the whole message.
    alone: HashSet<String>,
    /// Opt-out words of scripts that put no blanks between words, which are looked for inside of a message.
    within: Vec<String>,
    /// What is one letter beside an opt-out word and a word of its own.
    ordinary: HashSet<String>,
    /// Words of the longest phrase.
    longest: usize,
    /// What the phrases are written in.
    scripts: Scripts,
    /// A sum of each line that was added and opts out, or may.
    added: BTreeSet<u64>,
    /// The long ones of the words that opt out or may.
    long: LongSlips,
}

/// What a line of a keywords file says of its words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Means(Meaning),
    OutAlone,
    Within,
    Ordinary,
}

/// What the daemon takes words for.
#[derive(Clone, Debug)]
pub struct Keywords(Words);

impl Default for Keywords {
    fn default() -> Keywords {
        let mut words = Words::default();
        // What cannot be read would be left out; a test reads them all.
        let built_in = WORDS.lines().filter_map(|line| Some((line, built_in(line.split_whitespace().next()?)?)));
        for (line, kind) in built_in {
            let phrase = line.split_once(char::is_whitespace).unwrap_or_default().1;
            for spelling in folding::spellings(phrase) {
                words.insert(&phrase_of(&spelling), kind);
            }
        }
        Keywords(words)
    }
}

/// A message as its words alone: case, accents and punctuation make no difference.
pub fn folded(text: &str) -> String {
    folding::folded(text)
}

impl Keywords {
    /// The built-in words and those of a keywords file: a line each, `out`, `out-all`, `maybe`, `in` or `help`, then the
    /// word or words. Blank lines and lines that start with `#` are skipped. A built-in word keeps its meaning; only one that
    /// may want out can be made one that does, and one that counts alone one that counts among courtesies, too.
    pub fn with_file(text: &str) -> Result<Keywords> {
        let Keywords(mut words) = Keywords::default();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong =
                |what: &str| Error::bad_arg(format!("line {} '{}' {what}", number + 1, excerpt(line.as_bytes())));
            let (kind, phrase) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let Some(Kind::Means(meaning)) = built_in(kind).filter(|_| kind != "in-known") else {
                return Err(wrong("should begin with out, out-all, maybe, in or help"));
            };
            let phrase = phrase_of(phrase);
            if phrase.is_empty() {
                return Err(wrong("needs a word, like: out CANCELAR"));
            }
            if meaning.strictness() > 0 {
                words.added.insert(sum(&format!("{kind} {phrase}")));
            }
            let is_alone = words.alone.contains(&phrase);
            match words.meanings.get(&phrase) {
                Some(&known) if known == meaning && !is_alone => {}
                // An older contactd may have taken it for less.
                Some(_) if is_alone && meaning == Meaning::MaybeOut => {}
                Some(&known) if known != Meaning::MaybeOut && !is_alone || !meaning.is_out() => {
                    return Err(wrong("would give a word a second meaning"));
                }
                _ => {
                    words.alone.remove(&phrase);
                    words.insert(&phrase, Kind::Means(meaning));
                }
            }
        }
        Ok(Keywords(words))
    }

    /// A sum of each line of the file that opts out, or may: by these a store knows whether some are gone.
    pub fn added(&self) -> &BTreeSet<u64> {
        &self.0.added
    }

    /// What a message means. What is ordinary by the rules and resembles requests may want out.
    pub fn meaning(&self, text: &str) -> Meaning {
        // Turned round or undone with the text, a line end behind it would be one within.
        let text = text.trim();
        let reading = Reading::new(&self.0, &GRAMMAR, text);
        let meaning = self.by_rules(text, &reading);
        let is_learned = || net::NET.is_ordinary(&folding::words(text));
        let resembles = || reading.resembles_request(&net::NET) && !is_learned();
        if meaning == Meaning::Message && resembles() { Meaning::MaybeOut } else { meaning }
    }

    /// What the rules alone say it means, where a guess would not do: nobody looks at what follows.
    pub fn meaning_by_rules(&self, text: &str) -> Meaning {
        let text = text.trim();
        self.by_rules(text, &Reading::new(&self.0, &GRAMMAR, text))
    }

    /// The strictest of what it may have been before software wrote it in another way. One that has what cannot be read may want
    /// out.
    fn by_rules(&self, text: &str, reading: &Reading) -> Meaning {
        let meaning = |text: &str| Reading::new(&self.0, &GRAMMAR, text).meaning(text);
        let at_least = if unread::has_unread(text) { Meaning::MaybeOut } else { reading.meaning(text) };
        let read = encoding::undone(text).into_iter().chain(unread::has_unread(text).then(|| text.to_owned()));
        let strictest = read.fold(at_least, |strictest, undone| strictest.stricter(meaning(&undone)));
        // Nearly no text was typed on another keyboard, so that reading counts only where it asks for something.
        let typed = keyboard::meant(text).map(|typed| meaning(&typed)).filter(|meaning| meaning.strictness() > 0);
        let strictest = typed.map_or(strictest, |typed| strictest.stricter(typed));
        let asks = |text: &str| meaning(text).strictness() > 0;
        let asks_in_short = || texting::meant(text).iter().any(|meant| asks(meant));
        let asks_uncited = || folding::uncited(text).is_some_and(|plain| asks(&plain));
        let may_ask = strictest == Meaning::Message && (asks_in_short() || asks_uncited());
        if may_ask { Meaning::MaybeOut } else { strictest }
    }
}

impl Words {
    fn insert(&mut self, phrase: &str, kind: Kind) {
        self.longest = self.longest.max(phrase.split(' ').count());
        self.parts.extend(phrase.split(' ').map(str::to_owned));
        self.scripts.add(phrase);
        let phrase = phrase.to_owned();
        let meaning = match kind {
            Kind::Means(meaning) => meaning,
            Kind::OutAlone => {
                self.alone.insert(phrase.clone());
                Meaning::Out
            }
            Kind::Within => return self.within.push(phrase),
            Kind::Ordinary => {
                self.ordinary.insert(phrase);
                return;
            }
        };
        if meaning.is_out()
            && kind != Kind::OutAlone
            && phrase.contains(folding::is_unspaced)
            && phrase.chars().nth(1).is_some()
        {
            self.within.push(phrase.clone());
        }
        if meaning.strictness() > 0 {
            phrase.split(' ').for_each(|word| self.long.add(word, false));
        }
        self.meanings.insert(phrase, meaning);
    }

    /// What a phrase means that is the whole message.
    fn get(&self, phrase: &str) -> Option<Meaning> {
        self.meanings.get(phrase).copied()
    }

    fn knows(&self, phrase: &str) -> bool {
        self.meanings.contains_key(phrase)
    }

    /// Whether a phrase has the word.
    fn has_word(&self, word: &str) -> bool {
        self.parts.contains(word)
    }
}

/// By which a line is known again.
fn sum(line: &str) -> u64 {
    Sha256::digest(line).iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// A phrase as it is looked up. In a script that puts no blanks between words it has none.
fn phrase_of(text: &str) -> String {
    let phrase = folding::folded(text);
    if phrase.contains(folding::is_unspaced) { phrase.replace(' ', "") } else { phrase }
}

/// What a line of `words.txt` that begins with this says.
fn built_in(kind: &str) -> Option<Kind> {
    Some(match kind {
        "out" => Kind::Means(Meaning::Out),
        "out-all" => Kind::Means(Meaning::OutOfAll),
        "maybe" => Kind::Means(Meaning::MaybeOut),
        "in" => Kind::Means(Meaning::In),
        "in-known" => Kind::Means(Meaning::InIfKnown),
        "help" => Kind::Means(Meaning::Help),
        "out-alone" => Kind::OutAlone,
        "within" => Kind::Within,
        "ordinary" => Kind::Ordinary,
        _ => return None,
    })
}
