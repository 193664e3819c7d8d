//! Whether what is silent is no refusal where it is read word by word.

use std::cell::Cell;
use std::collections::BTreeSet;

use super::super::{is_plain_refusal, note_refuses};
use super::*;

thread_local! {
    /// Whether all cells are asked about on this thread.
    pub static NOTHING_IS_SILENT: Cell<bool> = const { Cell::new(false) };
}

/// Texts that have words of refusals in them: of the rules, of messages, and of the tables of other tests.
const SOURCES: [&str; 22] = [
    include_str!("../mod.rs"),
    include_str!("../note.rs"),
    include_str!("../note/tests.rs"),
    include_str!("../key/tests.rs"),
    include_str!("../title.rs"),
    include_str!("../vocabulary.rs"),
    include_str!("../../keyword/tests.rs"),
    include_str!("../../keyword/tests/requests.rs"),
    include_str!("../../keyword/grammar/tests.rs"),
    include_str!("../../keyword/reading.rs"),
    include_str!("../../keyword/encoding.rs"),
    include_str!("../../keyword/folding.rs"),
    include_str!("../../keyword/keyboard.rs"),
    include_str!("../../keyword/slip.rs"),
    include_str!("../../keyword/spelling.rs"),
    include_str!("../../keyword/unread.rs"),
    include_str!("../../failure/words.rs"),
    include_str!("../../failure/words/vocabulary.rs"),
    include_str!("../../../import/columns/words.rs"),
    include_str!("../../../import/columns/guard.rs"),
    include_str!("../../../import/title.rs"),
    include_str!("../../../import/send/numbers.rs"),
];
const REPLIES: [&str; 6] = [
    include_str!("../../../../tests/data/replies/ordinary.txt"),
    include_str!("../../../../tests/data/replies/requests.txt"),
    include_str!("../../../../tests/data/replies/held_out_ordinary.txt"),
    include_str!("../../../../tests/data/replies/held_out_requests.txt"),
    include_str!("../../../../tests/data/replies/kinds.tsv"),
    include_str!("../../../../tests/data/replies/languages.tsv"),
];
const RULES: [&str; 3] = [
    include_str!("../../keyword/phrases.txt"),
    include_str!("../../keyword/words.txt"),
    include_str!("../reports.txt"),
];

/// What stands in quotation marks in a source.
fn literals(source: &str) -> Vec<String> {
    let (mut texts, mut left) = (Vec::new(), source);
    while let Some((_, from)) = left.split_once('"') {
        let mut text = String::new();
        let mut chars = from.chars();
        while let Some(char) = chars.next().filter(|char| *char != '"') {
            match (char, char == '\\') {
                (_, true) => match chars.next() {
                    Some('n') => text.push('\n'),
                    Some('u') => {
                        let code: String = chars.by_ref().skip(1).take_while(|char| *char != '}').collect();
                        text.extend(u32::from_str_radix(&code, 16).ok().and_then(char::from_u32));
                    }
                    other => text.extend(other),
                },
                (char, false) => text.push(char),
            }
        }
        texts.push(text);
        left = chars.as_str();
    }
    texts
}

fn texts() -> Vec<String> {
    let replies = REPLIES.into_iter().flat_map(str::lines).map(|line| line.rsplit('\t').next().unwrap_or_default());
    let rules = RULES.into_iter().flat_map(str::lines);
    let plain = replies.chain(rules).map(|line| line.replace("\\n", "\n"));
    SOURCES.into_iter().flat_map(literals).chain(plain).filter(|text| text.len() < 200).collect()
}

/// The words of all texts.
fn vocabulary(texts: &[String]) -> Vec<&str> {
    let words: BTreeSet<&str> =
        texts.iter().flat_map(|text| text.split(|char: char| !char.is_alphanumeric() && char != '\'')).collect();
    words.into_iter().filter(|word| !word.is_empty()).collect()
}

/// What is said of a cell whose words are read one by one.
fn slowly(says: fn(&str) -> bool, cell: &str) -> bool {
    NOTHING_IS_SILENT.set(true);
    let said = says(cell);
    NOTHING_IS_SILENT.set(false);
    said
}

/// The cells of which something else is said because they are silent.
fn wrongly_silent<'t>(cells: impl IntoIterator<Item = &'t str>) -> Vec<&'t str> {
    let is_lost = |says: fn(&str) -> bool, cell: &str| slowly(says, cell) && !says(cell);
    let cells = cells.into_iter().filter(|cell| is_silent(cell));
    cells.filter(|cell| is_lost(note_refuses, cell) || is_lost(is_plain_refusal, cell)).collect()
}

#[test]
fn what_refuses_is_never_silent() {
    let texts = texts();
    assert!(texts.len() > 5_000, "{}", texts.len());
    assert_eq!(wrongly_silent(texts.iter().map(String::as_str)), [""; 0]);
    assert_eq!(wrongly_silent(vocabulary(&texts)), [""; 0]);
}

/// Else a question might be shorter than what is taken for one.
#[test]
fn what_is_asked_about_has_letters_enough() {
    for (word, sense) in vocabulary::words().filter(|(_, sense)| sense & (ACT | ASKED | OPT) != 0) {
        assert!(!word.is_ascii() || word.len() >= QUESTION_LETTERS_MIN, "{word} {sense}");
    }
}

#[test]
fn cells_of_names_addresses_and_numbers_are_silent() {
    for cell in [
        "",
        "CA",
        "gold",
        "Ada Lovelace",
        "Zoë Müller-Lüdenscheid",
        "D’Arcy O'Brien",
        "12 Elm Street",
        "7476 Park Ave, Apt 3b",
        "A-10293",
        "4155550101",
        "2024-05-01T10:30:00Z",
        "5th Ave & 42nd St",
        "$25 (10%)",
        "Łódź",
        "wwwhh 1000",
    ] {
        assert!(is_silent(cell), "{cell}");
    }
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap_or_default()
    }

    fn pick<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.roll(of.len())]
    }

    fn number(&mut self) -> String {
        let digits = [1, 2, 4, 5, 8][self.roll(5)];
        (0..digits).map(|_| char::from(b'0' + self.roll(10) as u8)).collect()
    }

    /// A word as somebody may write it.
    fn spelled(&mut self, word: &str, joined: &[&str]) -> String {
        let chars: Vec<char> = word.chars().collect();
        let at = self.roll(chars.len().max(1));
        let with = |put: &str| {
            [&chars[..at].iter().collect::<String>(), put, &chars[at..].iter().collect::<String>()].concat()
        };
        let mapped = |from: &str, to: &str| {
            let letter = |c: char| {
                from.chars().position(|known| known == c.to_ascii_uppercase()).and_then(|at| to.chars().nth(at))
            };
            chars.iter().map(|&c| letter(c).unwrap_or(c)).collect::<String>()
        };
        let hex = |form: fn(u8) -> String| word.bytes().map(form).collect::<String>();
        match self.roll(42) {
            0..=9 => word.to_owned(),
            10..=13 => word.to_uppercase(),
            14..=17 => word.to_lowercase(),
            18 | 19 => {
                chars.iter().take(1).flat_map(|c| c.to_uppercase()).chain(chars.iter().skip(1).copied()).collect()
            }
            20 => with(" "),
            21 => with(["'", "’", "`", "''", "´"][self.roll(5)]),
            22 => with(["-", ".", "_", "/", "*", "#", "|", "$", "~", "\u{200b}"][self.roll(10)]),
            23 => chars.iter().map(char::to_string).collect::<Vec<_>>().join([" ", ".", "-", " 1 "][self.roll(4)]),
            24 => mapped("OIEASTB", "0134578"),
            25 => mapped("OAEIUNSC", "öáéïùñšč"),
            26 => mapped("OAEIUS", "ÖÂÊÌÜŠ"),
            27 => with(&chars[at..].iter().take(1).flat_map(|&c| [c, c]).collect::<String>()),
            28 => hex(|byte| format!("{byte:02X}")),
            29 => hex(|byte| format!("00{byte:02x}")),
            30 => hex(|byte| format!("%{byte:02x}")),
            31 => hex(|byte| format!("&#{byte};")),
            32 => format!("zz{word}"),
            33 => format!("~x{word}"),
            34 => format!("{}{}", word.to_uppercase(), self.pick(&["later", "bob", "é"])),
            35 => format!("${}", chars.iter().skip(1).collect::<String>()),
            36 => format!("{word}2{}", self.pick(&["end", "STOP", "day"])),
            37 => mapped("TO", "**"),
            38 => format!("<{word}>"),
            39 | 40 => format!("{word}{}", self.pick(joined)),
            _ => format!("\\u{:04x}{}", u32::from(chars[0]), chars[1..].iter().collect::<String>()),
        }
    }

    fn cell(&mut self, words: &[&str], texts: &[String]) -> String {
        const ORDINARY: [&str; 16] = [
            "Ada",
            "Müller",
            "Bob",
            "Elm",
            "Street",
            "JB",
            "D",
            "la",
            "gold",
            "size",
            "5pm",
            "2024-01-01",
            "5/1",
            "Paris",
            "Ltd",
            "Zoë",
        ];
        const BETWEEN: [&str; 20] = [
            " ", " ", " ", " ", " ", " ", "", ", ", ". ", "; ", ": ", "=", "/", " - ", "_", "-", "\n", "! ", "? ",
            " & ",
        ];
        let mut cell = String::new();
        for _ in 0..=self.roll(5) {
            let piece = match self.roll(12) {
                0..=5 => {
                    let word = self.pick(words);
                    self.spelled(word, words)
                }
                6 => texts[self.roll(texts.len())].clone(),
                7 | 8 => self.number(),
                _ => self.pick(&ORDINARY).to_owned(),
            };
            cell += &piece;
            cell += self.pick(&BETWEEN);
        }
        cell
    }
}

#[test]
fn what_refuses_is_not_silent_however_it_is_put_together() {
    let texts = texts();
    let words = vocabulary(&texts);
    let mut dice = Dice(0x5eed);
    let cells: Vec<String> = (0..CELLS).map(|_| dice.cell(&words, &texts)).collect();
    let silent = cells.iter().filter(|cell| is_silent(cell)).count();
    assert!(silent > CELLS / 20 && silent < CELLS, "{silent}");
    assert_eq!(wrongly_silent(cells.iter().map(String::as_str)), [""; 0]);
}

const CELLS: usize = 200_000;
