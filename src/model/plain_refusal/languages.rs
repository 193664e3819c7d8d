//! A refusal in a note of another language than English: `s'est désinscrit`, `ответил стоп`, `lehnt SMS ab`.
//!
//! Other languages bend their words, so these are known by how they begin, and what they can be is in `languages.txt`. A clause is a
//! refusal where it has a word for one who left; a consent and its end or denial; messages and their denial or refusal; an answer
//! and the word that ends messages; a list and the way off it. A message that did not come is none.

use std::collections::HashMap;
use std::sync::LazyLock;

use foldhash::fast::RandomState;

use super::fold::letters;
use super::reply::is_word_of_refusal;
use super::silence::tells_nothing;
use super::title::is_about_mail;

/// Longer notes are somebody's letters, and so are longer clauses.
const NOTE_BYTES_MAX: usize = 2_000;
const CLAUSE_WORDS_MAX: usize = 12;
/// Words of a request that has nothing else in it.
const REQUEST_WORDS_MAX: usize = 6;
/// So many words say who says no, and so many say that somebody does.
const SPEAKER_WORDS_MAX: usize = 2;
const TOLD_WORDS_MAX: usize = 5;
/// More words say what else is wrong than a number.
const FEW_WORDS: usize = 4;
/// What denies begins other words as well: `nechce`, `neposílat`.
const DENYING: [&str; 3] = ["ne", "ni", "nie"];
/// The shortest beginning that may follow it.
const DENIED_LETTERS_MIN: usize = 3;

/// What a word can be: some of these.
type Roles = u64;
const OUT: Roles = 1;
const CONSENT: Roles = 1 << 1;
const NOT: Roles = 1 << 2;
const MESSAGE: Roles = 1 << 3;
const SEND: Roles = 1 << 4;
const DENY: Roles = 1 << 5;
const WISH: Roles = 1 << 6;
const HEARD: Roles = 1 << 7;
const END: Roles = 1 << 8;
const BLOCKED: Roles = 1 << 9;
const SAY: Roles = 1 << 10;
const LIST: Roles = 1 << 11;
const OFF: Roles = 1 << 12;
const ASK: Roles = 1 << 13;
const BESIDE: Roles = 1 << 14;
/// The word with which one ends messages.
const STOP: Roles = 1 << 15;
/// A word of several languages, English among them, which has rules of its own.
const SMS: Roles = 1 << 16;
const NO: Roles = 1 << 17;
/// A refusal where nothing but who says it stands beside it.
const OBJECT: Roles = 1 << 18;
/// A consent lacks.
const LACK: Roles = 1 << 19;
/// A refusal where it is all that a note says.
const ALONE: Roles = 1 << 20;
/// Makes a removal a thing to do.
const TODO: Roles = 1 << 21;
/// Another channel than messages.
const CHANNEL: Roles = 1 << 22;
const ONLY: Roles = 1 << 23;
/// An opt-in, which stands in English notes as well.
const OPTIN: Roles = 1 << 24;
/// What one has in offers, or has not.
const INTEREST: Roles = 1 << 25;
/// A number, whose it may be besides, and who has it.
const NUMBER: Roles = 1 << 26;
const KIN: Roles = 1 << 27;
const OWN: Roles = 1 << 28;
/// Somebody complains.
const COMPLAINT: Roles = 1 << 29;
/// Somebody died.
const DEATH: Roles = 1 << 30;
/// Somebody says something, and a no.
const TELL: Roles = 1 << 31;
const NAY: Roles = 1 << 32;
/// What rings, or its number: it is somebody else's where nothing but that is said.
const DEVICE: Roles = 1 << 33;
/// It is wrong, or reaches nobody.
const WRONG: Roles = 1 << 34;
/// One of these has each refusal.
const NEEDED: Roles = OUT
    | CONSENT
    | MESSAGE
    | SMS
    | SEND
    | DENY
    | OBJECT
    | ALONE
    | BLOCKED
    | STOP
    | LIST
    | OFF
    | CHANNEL
    | OPTIN
    | INTEREST
    | NUMBER
    | DEATH
    | TELL
    | DEVICE;

const NAMES: [(&str, Roles); 35] = [
    ("out", OUT),
    ("consent", CONSENT),
    ("not", NOT),
    ("message", MESSAGE),
    ("send", SEND),
    ("deny", DENY),
    ("wish", WISH),
    ("heard", HEARD),
    ("end", END),
    ("blocked", BLOCKED),
    ("say", SAY),
    ("list", LIST),
    ("off", OFF),
    ("ask", ASK),
    ("beside", BESIDE),
    ("stop", STOP),
    ("sms", SMS),
    ("no", NO),
    ("object", OBJECT),
    ("lack", LACK),
    ("alone", ALONE),
    ("todo", TODO),
    ("channel", CHANNEL),
    ("only", ONLY),
    ("optin", OPTIN),
    ("interest", INTEREST),
    ("number", NUMBER),
    ("kin", KIN),
    ("own", OWN),
    ("complaint", COMPLAINT),
    ("death", DEATH),
    ("tell", TELL),
    ("nay", NAY),
    ("device", DEVICE),
    ("wrong", WRONG),
];
/// Parts of words, folded, beside which somebody else's number is kept for an emergency.
const EMERGENCIES: [&str; 9] = ["notfall", "urgen", "emergen", "nood", "nodfall", "acil", "экстрен", "緊急", "긴급"];

/// A word, or how one begins, and what it can be.
struct Entry {
    text: String,
    is_whole: bool,
    roles: Roles,
}

/// All of them, by the first letter; and those that are found anywhere.
struct Entries {
    of_letter: HashMap<char, Vec<Entry>, RandomState>,
    anywhere: Vec<Entry>,
}

/// Which pairs of bytes a text has, by five bits of each. Nearly all of what is found anywhere is told absent by its first pair.
struct Pairs([u32; 32]);

impl Pairs {
    fn of(text: &str) -> Pairs {
        let mut pairs = [0; 32];
        for pair in text.as_bytes().windows(2) {
            pairs[usize::from(pair[0] & 31)] |= 1 << (pair[1] & 31);
        }
        Pairs(pairs)
    }

    fn may_have(&self, text: &str) -> bool {
        match *text.as_bytes() {
            [one, other, ..] => self.0[usize::from(one & 31)] >> (other & 31) & 1 == 1,
            _ => true,
        }
    }
}

static ENTRIES: LazyLock<Entries> = LazyLock::new(|| {
    let lines = include_str!("languages.txt").lines().filter(|line| !line.starts_with('#'));
    let named = lines.filter_map(|line| line.split_once(": "));
    let mut entries = Entries { of_letter: HashMap::default(), anywhere: Vec::new() };
    for (name, texts) in named {
        let roles = NAMES.iter().find(|(known, _)| *known == name).map_or(0, |(_, roles)| *roles);
        for text in texts.split_whitespace() {
            let is_whole = text.starts_with('=') || roles == BESIDE;
            let is_anywhere = text.contains('_') || !is_whole && text.contains(is_unspaced);
            let plain = text.trim_start_matches('=').replace('_', " ");
            let text: String = letters(&plain).collect();
            let first = text.chars().next().unwrap_or_default();
            let entry = Entry { text, is_whole, roles };
            if is_anywhere {
                entries.anywhere.push(entry);
            } else {
                entries.of_letter.entry(first).or_default().push(entry);
            }
        }
    }
    entries
});

/// Whether words are written without blanks, or with other words before them, in the script of a letter.
fn is_unspaced(char: char) -> bool {
    matches!(char, '\u{590}'..='\u{6ff}' | '\u{900}'..='\u{e7f}' | '\u{1100}'..='\u{11ff}' | '\u{3040}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}')
}

/// Words in Latin letters, and beginnings of some, of which each note that is a refusal here has one. Those with which
/// messages are ended are known as such.
pub fn needed() -> Vec<(String, bool)> {
    let is_needed = |entry: &&Entry| entry.roles & NEEDED != 0;
    let mut found = Vec::new();
    for entry in ENTRIES.anywhere.iter().filter(is_needed) {
        found.push((entry.text.rsplit(' ').next().unwrap_or_default().to_owned(), false));
    }
    for entry in ENTRIES.of_letter.values().flatten().filter(is_needed) {
        found.push((entry.text.clone(), entry.is_whole));
        if entry.roles & (SEND | CONSENT) != 0 {
            found.extend(DENYING.map(|not| (format!("{not}{}", entry.text), false)));
        }
    }
    found
}

/// Whether a note refuses messages in one of its clauses.
pub fn refuses(cell: &str) -> bool {
    let is_end = |char: char| ".!?;\n,|()[]:/。，！、；".contains(char);
    cell.len() <= NOTE_BYTES_MAX && cell.split(is_end).flat_map(|part| part.split(" - ")).any(clause_refuses)
}

fn clause_refuses(clause: &str) -> bool {
    let text: String = letters(clause).collect();
    let written = words_of(&text);
    if written.is_empty() || written.len() > CLAUSE_WORDS_MAX {
        return false;
    }
    let mut words: Vec<Roles> = written.iter().map(|word| roles_of(word)).collect();
    let pairs = Pairs::of(&text);
    let anywhere = ENTRIES.anywhere.iter().filter(|entry| pairs.may_have(&entry.text) && text.contains(&entry.text));
    let anywhere = anywhere.fold(0, |all, entry| all | entry.roles);
    let all = |words: &[Roles]| words.iter().fold(anywhere, |all, roles| all | roles);
    if all(&words) & (SAY | ASK) != 0 {
        words.iter_mut().zip(&written).for_each(|(roles, word)| *roles |= stop(word));
    }
    let all = all(&words);
    let has = |roles: Roles| all & roles != 0;
    let are_all = |roles: Roles| words.iter().all(|word| word & roles != 0);
    if has(CHANNEL) && has(ONLY) && are_all(CHANNEL | ONLY | BESIDE | ASK) {
        return true;
    }
    if !has(NEEDED) || !has(MESSAGE | SMS) && is_about_mail(clause) {
        return false;
    }
    // A word is one thing at a time: "reçu" is no wish.
    let both = |one: Roles, other: Roles| {
        let apart = || {
            words
                .iter()
                .enumerate()
                .any(|(at, a)| a & one != 0 && words.iter().enumerate().any(|(b, roles)| b != at && roles & other != 0))
        };
        has(one) && has(other) && (apart() || anywhere & (one | other) != 0)
    };
    let came = || has(HEARD) && !has(WISH);
    let is_closed = || {
        words.len() <= REQUEST_WORDS_MAX
            && words.iter().all(|roles| roles & (ASK | OFF | LIST | MESSAGE | SMS | BESIDE | STOP | SAY) != 0)
            || anywhere & OFF != 0
    };
    let only_objects = || words.len() > 1 && are_all(OBJECT | BESIDE);
    let is_whole = || ENTRIES.anywhere.iter().any(|entry| entry.roles & ALONE != 0 && entry.text == text.trim());
    let is_alone = || are_all(ALONE | BESIDE) || anywhere & ALONE != 0 && written.len() == 1 || is_whole();
    let has_interest_alone = || are_all(INTEREST | NOT | NO | BESIDE) || anywhere & INTEREST != 0 && written.len() == 1;
    // A name may begin so: "De Streicher".
    let is_name = || clause.trim().chars().skip(1).any(char::is_uppercase);
    let is_to_do = || words.len() == 2 && are_all(OFF | TODO) && both(OFF, TODO) && !is_name();
    let is_denied = has(NOT | NO);
    let is_short = words.len() <= REQUEST_WORDS_MAX;
    let is_of_another = || {
        let has_digits = || text.contains(|char: char| char.is_ascii_digit());
        let is_kins = || !is_denied && both(NUMBER, KIN) && !EMERGENCIES.iter().any(|part| text.contains(part));
        is_short && (is_kins() || both(NUMBER, OWN) && both(NUMBER, NOT | NO)) && !has_digits()
    };
    // "Kunde sagt nein", "María dijo que no": whoever says it stands before it.
    let tells_a_no = || {
        let from = words.iter().position(|word| word & (TELL | NAY) != 0).filter(|from| *from <= SPEAKER_WORDS_MAX);
        from.is_some_and(|from| {
            let told = &words[from..];
            let is_of_it = |word: &Roles| word & (TELL | NAY | BESIDE) != 0;
            both(TELL, NAY) && told.iter().all(is_of_it) && told.len() <= TOLD_WORDS_MAX
        })
    };
    let are_few = words.len() <= FEW_WORDS;
    let is_kins_device = || {
        let has_digits = text.contains(|char: char| char.is_ascii_digit());
        both(DEVICE, KIN) && are_all(DEVICE | NUMBER | KIN | OWN | BESIDE) && is_short && !has_digits
    };
    has(OUT) && !is_denied
        || tells_a_no()
        || is_kins_device()
        || both(NUMBER | DEVICE, WRONG) && are_few && (!is_denied || anywhere & WRONG != 0)
        || has(BLOCKED) && (!is_denied || anywhere & NOT != 0)
        || both(CONSENT, END | NOT | NO | LACK)
        || both(OPTIN, LACK | NOT)
        || both(INTEREST, NOT | NO) && has_interest_alone()
        || (both(MESSAGE | SMS | SEND, NOT) || both(MESSAGE | SEND, NO)) && !came()
        || has(DENY)
        || is_of_another()
        || has(DEATH) && !has(KIN) && is_short
        || both(COMPLAINT, MESSAGE | SMS) && !is_denied
        || both(MESSAGE | SMS | SEND, END)
        || has(OBJECT) && only_objects()
        || has(ALONE) && is_alone()
        || is_to_do()
        || both(SAY, STOP) && !is_denied
        || both(LIST, OFF) && !is_denied
        || (both(ASK, OFF) || both(ASK, STOP)) && !is_denied && is_closed()
}

/// The words of a text; letters of one script and another are never one: `回复TD`.
fn words_of(text: &str) -> Vec<&str> {
    let words = text.split(|char: char| !char.is_alphanumeric() && !is_unspaced(char)).filter(|word| !word.is_empty());
    let mut all = Vec::new();
    for word in words {
        let mut from = 0;
        for (at, char) in word.char_indices().skip(1) {
            if word[from..].chars().next().is_some_and(|first| is_unspaced(first) != is_unspaced(char)) {
                all.push(&word[from..at]);
                from = at;
            }
        }
        all.push(&word[from..]);
    }
    all
}

fn roles_of(word: &str) -> Roles {
    let of = |word: &str, is_counted: &dyn Fn(&Entry) -> bool| {
        let first = word.chars().next().unwrap_or_default();
        let alike = ENTRIES.of_letter.get(&first).map_or(&[][..], Vec::as_slice).iter();
        let is_one = |entry: &&Entry| if entry.is_whole { word == entry.text } else { word.starts_with(&entry.text) };
        let found = alike.filter(is_one).filter(|entry| is_counted(entry));
        found.fold(0, |all, entry| all | entry.roles)
    };
    let whole = of(word, &|_| true);
    let denied = DENYING.iter().filter_map(|not| word.strip_prefix(not)).map(|rest| {
        of(rest, &|entry| entry.roles & (SEND | CONSENT | WISH) != 0 && entry.text.len() >= DENIED_LETTERS_MIN)
    });
    // Both are in one word.
    let denied = denied.fold(0, |all, roles| all | roles);
    let says_it = if denied & (SEND | CONSENT) != 0 { DENY } else { 0 };
    whole | denied | says_it | if denied != 0 { NOT } else { 0 }
}

fn stop(word: &str) -> Roles {
    // A slip that is not heard alone is not heard beside others either.
    if word.len() > 2 && !tells_nothing(word) && is_word_of_refusal(word) { STOP } else { 0 }
}

#[cfg(test)]
mod tests;
