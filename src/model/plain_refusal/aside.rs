//! Asides: what people write beside a name, such as `Bruce (dead)`, `**NO** Jim Ives` and `Sue Tate, late`.
//!
//! A name says nothing of who wants messages, and is never asked: `Mary Nix` and `Mr Dead` are people. What stands beside it is a note:
//! what is in brackets, between signs, behind a dash, a slash or a comma, or in small letters or capitals before a name or behind one.
//! aside.txt has what only an aside says.

use super::answer::is_no;
use super::fold::{folded, is_struck_out};
use super::note::note_refuses;
use super::question::kinds;
use super::title::{speaks_of_an_end, words};
use super::{NO_SIGNS, remark};
use crate::model::keyword::{STOP_SIGNS, is_first_name, is_keyword};

/// Longer cells are somebody's letters.
const CELL_BYTES_MAX: usize = 200;
/// Words of a name that says by itself that it is whole: what stands behind its comma is no first name.
const WHOLE_NAME_WORDS: usize = 2;
/// Words of a note that is written without any capital, and of a name that is.
const NOTE_WORDS_MIN: usize = 3;
/// Letters of initials: `NT Rama Rao`. Behind a dash they are an abbreviation.
const INITIALS_MAX: usize = 2;

const YEAR_DIGITS: usize = 4;
/// Longer words are none that is said of the dead.
const OF_THE_DEAD_BYTES_MAX: usize = 24;
/// Shorter ones in capitals are initials.
const OF_INITIALS_BYTES_MAX: usize = 3;

/// Beside a name: somebody died.
const GRAVES: [char; 9] = ['†', '✝', '✞', '✟', '⚰', '⚱', '🪦', '☠', '💀'];
/// Somebody is taken out, or wants quiet.
const TAKEN_OUT: [char; 5] = ['🗑', '🔇', '✕', '☓', '📴'];

/// Brackets, and what else divides a cell.
const OPENING: [char; 7] = ['(', '[', '{', '（', '【', '［', '「'];
const CLOSING: [char; 7] = [')', ']', '}', '）', '】', '］', '」'];
const DIVIDING: &str = "-‐‑‒–—―/\\|:;\n=<>*!~#_^•·…?¿¡／：；！？→";

kinds! {
    "aside.txt":
    people,
    small,
    dead,
    gone,
    names,
    open,
}

/// Whether names of people stand under a heading or a key.
pub fn is_of_people(heading: &str) -> bool {
    let words = words(heading);
    let Kinds { people, small, .. } = &*KINDS;
    people.has_any(&words) && words.iter().all(|word| people.has(word) || small.has(word))
}

/// Whether what stands beside a name refuses messages.
pub fn refuses(cell: &str) -> bool {
    if cell.len() > CELL_BYTES_MAX {
        return false;
    }
    if is_of_the_dead(cell) {
        return true;
    }
    if is_bare_name(cell) {
        return false;
    }
    let is_struck = || is_struck_out(cell) || cell.len() > 4 && cell.starts_with("~~") && cell.ends_with("~~");
    if cell.contains(is_sign_of_an_end) && cell.contains(char::is_alphabetic) || is_struck() {
        return true;
    }
    if begins_with_a_mark(cell) || !cell.contains(char::is_uppercase) && small_letters_refuse(cell) {
        return true;
    }
    let parts = Part::all(cell);
    if parts.iter().any(Part::has_aside_without_case) {
        return true;
    }
    let names = parts.iter().filter(|part| part.is_written_as_a_name()).count();
    parts.iter().enumerate().any(|(at, part)| {
        let is_whole = |before: &Part<'_>| before.text.split_whitespace().nth(WHOLE_NAME_WORDS - 1).is_some();
        let is_name = part.is_written_as_a_name();
        let is_other_case = !is_name && names > 0;
        let is_aside = match part.place {
            Place::Bracketed => parts.len() > 1,
            Place::First => is_other_case,
            Place::Divided => true,
            Place::Quoted => is_other_case || part.is_small(),
            Place::Listed => is_other_case || part.is_small() || at > 0 && is_whole(&parts[at - 1]),
        };
        is_aside && part.refuses() || is_name && part.has_aside_without_sign()
    })
}

/// Whether the letters tell at once that a cell is a name and nothing else, as nearly all are: words that begin with a capital and go on
/// in small letters, or that are all in capitals or all in small letters, if there are two.
fn is_bare_name(cell: &str) -> bool {
    let bytes = cell.as_bytes();
    let (mut begins, mut words, mut has_small, mut has_capitals, mut are_names) = (true, 0, false, false, true);
    for (at, &byte) in bytes.iter().enumerate() {
        let next = bytes.get(at + 1).copied().unwrap_or(b' ');
        match byte {
            b'A'..=b'Z' => {
                has_capitals = true;
                // A word in capitals may be no name.
                are_names &= !(begins && next.is_ascii_uppercase());
                words += u8::from(begins && words < u8::MAX);
                begins = false;
            }
            b'a'..=b'z' => {
                has_small = true;
                are_names &= !begins;
                words += u8::from(begins && words < u8::MAX);
                begins = false;
            }
            b' ' => begins = true,
            // "O'Neil", "J.R.", "Jean-Luc".
            b'\'' | b'-' if !begins && next.is_ascii_alphabetic() => begins = next.is_ascii_uppercase(),
            b'.' if !begins => begins = true,
            _ => return false,
        }
    }
    are_names || !has_small || !has_capitals && words < 3
}

/// Whether a word that is said of the dead stands before a name, as a title does: `Late Mrs. Ibe`, `śp. Jan Kuc`, `Alm. Suparman`,
/// `Est. of Walter Boggs`.
fn is_of_the_dead(cell: &str) -> bool {
    let mut words = cell.split_whitespace().skip_while(|word| word.eq_ignore_ascii_case("the"));
    let (Some(first), Some(second)) = (words.next(), words.next()) else { return false };
    let before = first.trim_end_matches('.');
    if second == "of" && (before.eq_ignore_ascii_case("estate") || before.eq_ignore_ascii_case("est")) {
        return true;
    }
    // "ALM Ismail".
    let are_initials = first.is_ascii() && first.len() <= OF_INITIALS_BYTES_MAX && is_capitals(first);
    first.len() <= OF_THE_DEAD_BYTES_MAX
        && !are_initials
        && second.chars().next().is_some_and(|char| char.is_alphabetic() && !char.is_lowercase())
        && KINDS.dead.has(first.to_lowercase().trim_end_matches('.'))
}

fn is_sign_of_an_end(char: char) -> bool {
    GRAVES.contains(&char) || TAKEN_OUT.contains(&char) || NO_SIGNS.contains(&char) || STOP_SIGNS.contains(&char)
}

/// Where a part of a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// It begins the cell.
    First,
    /// A sign, a slash or a dash is before it.
    Divided,
    /// A comma is.
    Listed,
    Quoted,
    Bracketed,
}

/// A part of a cell, up to what divides it from the next one.
#[derive(Clone, Copy, Debug)]
struct Part<'c> {
    text: &'c str,
    place: Place,
}

impl<'c> Part<'c> {
    /// The parts of a cell that have letters or digits.
    fn all(cell: &'c str) -> Vec<Part<'c>> {
        let (mut parts, mut from, mut place, mut before) = (Vec::new(), 0, Place::First, ' ');
        let mut chars = cell.char_indices().peekable();
        let mut end = |from: usize, to: usize, place: Place| {
            let text = cell[from..to].trim_matches(|char: char| !char.is_alphanumeric() && !".+#".contains(char));
            if text.contains(char::is_alphanumeric) {
                parts.push(Part { text, place });
            }
        };
        while let Some((at, char)) = chars.next() {
            let next = chars.peek().map_or(' ', |(_, next)| *next);
            let last = std::mem::replace(&mut before, char);
            let is_inside = last.is_alphanumeric() && next.is_alphanumeric();
            // What divides a note in brackets is left to those who read notes.
            if place == Place::Bracketed && !CLOSING.contains(&char) {
                continue;
            }
            let begun = match char {
                _ if OPENING.contains(&char) => Place::Bracketed,
                _ if CLOSING.contains(&char) => Place::Divided,
                '"' | '“' | '”' | '„' | '«' | '»' => {
                    if place == Place::Quoted {
                        Place::Divided
                    } else {
                        Place::Quoted
                    }
                }
                ',' | '，' | '、' => Place::Listed,
                '-' | '‐' | '‑' if is_inside => continue,
                // "W#" and "# 12" are words.
                '#' if last.is_alphanumeric() || next.is_alphanumeric() => continue,
                // "c/o", "N/T".
                '/' if is_inside && !cell[at + 1..].chars().nth(1).is_some_and(char::is_alphanumeric) => continue,
                _ if DIVIDING.contains(char) => Place::Divided,
                _ => continue,
            };
            end(from, at, place);
            from = at + char.len_utf8();
            place = begun;
        }
        end(from, cell.len(), place);
        parts
    }

    fn words(&self) -> impl Iterator<Item = &'c str> + Clone {
        self.text.split_whitespace()
    }

    /// Whether some word begins with a capital and goes on in small letters, or is an initial.
    fn is_written_as_a_name(&self) -> bool {
        self.words().any(is_title)
    }

    fn is_small(&self) -> bool {
        self.words().next().is_some_and(is_small)
    }

    /// Whether it refuses messages as a note does.
    fn refuses(&self) -> bool {
        let is_word_of_a_name = is_title(self.text) && self.words().nth(1).is_none();
        !(is_word_of_a_name && KINDS.names.has(&folded(self.text))) && note_says_it(self.text)
    }

    /// Whether a word behind a name does, in a script that has no capitals: `김철수 사망`.
    fn has_aside_without_case(&self) -> bool {
        let has_no_case = |word: &&str| {
            !word.is_ascii()
                && word.chars().all(|char| char.is_alphabetic() && !char.is_lowercase() && !char.is_uppercase())
        };
        let says_it = |word: &str| KINDS.gone.has(&folded(word)) || remark::tag_refuses(word) || note_refuses(word);
        self.words().skip(1).filter(has_no_case).any(says_it)
    }

    /// Whether what stands in small letters, or in capitals, before a name or behind it does.
    fn has_aside_without_sign(&self) -> bool {
        let words: Vec<&str> = self.words().collect();
        let says_it = |from: usize, to: usize| {
            let text = words[from..to].join(" ");
            entry_says_it(&text)
                || note_refuses(&text)
                || remark::rules_refuse(&text)
                || to - from > 2 && remark::resembles(&text)
        };
        let many = words.len();
        let begin = |is: &dyn Fn(&str) -> bool| words.iter().take_while(|word| is(word)).count();
        let end = |is: &dyn Fn(&str) -> bool| many - words.iter().rev().take_while(|word| is(word)).count();
        let is_small = |word: &str| !word.starts_with(char::is_uppercase);
        let (small, small_end) = (begin(&is_small), end(&is_small));
        let (capitals, capitals_end) = (begin(&is_capitals), end(&is_capitals));
        let is_named_so = |from: usize, to: usize| to - from == 1 && KINDS.names.has(&folded(words[from]));
        let are_initials = |from: usize, to: usize| {
            let first = words[from];
            let letters = first.chars().filter(|char| char.is_alphabetic()).count();
            to - from == 1 && letters <= INITIALS_MAX && !first.eq_ignore_ascii_case("no")
        };
        // "Jean MORT": a family's name in capitals.
        let may_be_a_name = |from: usize, to: usize| many - (to - from) < 2 && is_named_so(from, to);
        is_marked(&words)
            || small > 0 && !is_named_so(0, small) && says_it(0, small)
            || small_end < many && !is_named_so(small_end, many) && says_it(small_end, many)
            || capitals > 0 && !are_initials(0, capitals) && !may_be_a_name(0, capitals) && says_it(0, capitals)
            || capitals_end < many
                && !are_initials(capitals_end, many)
                && !may_be_a_name(capitals_end, many)
                && says_it(capitals_end, many)
    }
}

/// Whether a word begins with a capital and goes on in small letters, or is an initial.
fn is_title(word: &str) -> bool {
    let mut letters = word.chars().filter(|char| char.is_alphabetic());
    letters.next().is_some_and(char::is_uppercase)
        && (letters.clone().next().is_none() || letters.any(char::is_lowercase))
}

fn is_small(word: &str) -> bool {
    word.chars().find(|char| char.is_alphabetic()).is_some_and(char::is_lowercase)
}

fn is_capitals(word: &str) -> bool {
    let letters = word.chars().filter(|char| char.is_alphabetic());
    letters.clone().count() > 1 && letters.into_iter().all(char::is_uppercase)
}

/// Whether a word stands before a name, or behind it, with which people strike it or make it sort last: `zzz`, `xx`, `x`.
fn is_marked(words: &[&str]) -> bool {
    let of = |word: &str, letter: char| word.chars().all(|char| char.eq_ignore_ascii_case(&letter));
    let is_mark = |word: &str| of(word, 'x') || word.len() > 1 && of(word, 'z') || word == "×";
    let [first, .., last] = words else { return false };
    // "ZZ Top".
    is_mark(first) && (is_small(first) || first.len() > 2 || *first == "×")
        || last.len() > 1 && last.bytes().all(|byte| byte == b'z')
}

/// The same where it is one word with the name: `zzTom`, `ZZ-Tom`, `zz_Tom`.
fn begins_with_a_mark(cell: &str) -> bool {
    let cell = cell.trim_start();
    let rest = cell.trim_start_matches(['z', 'Z', 'x', 'X']);
    let mark = &cell[..cell.len() - rest.len()];
    mark.len() > 1
        && (rest.starts_with(['-', '_'])
            || rest.starts_with(char::is_uppercase) && (mark.len() > 2 || !mark.contains(char::is_uppercase)))
}

/// Whether an aside refuses messages: in a word, in one of its entries, or as notes do. What is written as names are is not compared
/// with notes.
fn note_says_it(aside: &str) -> bool {
    let words = || aside.split_whitespace();
    let has_many = words().nth(2).is_some();
    let may_resemble = || if has_many { !words().all(is_title) } else { words().all(is_small) };
    if KINDS.open.has(&folded(aside)) {
        return false;
    }
    aside.split([',', ';', '/', '|']).flat_map(|part| part.split(" - ")).any(entry_says_it)
        || entry_says_it(aside)
        || note_refuses(aside)
        || remark::rules_refuse(aside)
        || may_resemble() && remark::resembles(aside)
}

fn entry_says_it(entry: &str) -> bool {
    let plain = folded(entry);
    let is_one_word = || entry.trim().chars().all(|char| char.is_alphanumeric() || matches!(char, '\'' | '’'));
    // "+ 2021": a grave.
    let year = entry.trim().strip_prefix('+').map(str::trim);
    year.is_some_and(|year| year.len() == YEAR_DIGITS && year.bytes().all(|byte| byte.is_ascii_digit()))
        || plain.chars().nth(1).is_some() && is_no(entry) && plain != "off" && (plain == "no" || !is_title(entry))
        || KINDS.gone.has(&plain)
        || !is_title(entry) && !KINDS.names.has(&plain) && is_keyword(entry)
        // "Montserrat" has a word of an end in it.
        || !is_title(entry) && is_one_word() && !plain.is_empty() && speaks_of_an_end(entry.trim())
}

/// Whether a cell in small letters alone is a note, or a name with one behind it: `bob lee wrong number`.
fn small_letters_refuse(cell: &str) -> bool {
    let mut words = cell.split_whitespace();
    let Some(first) = words.next().filter(|_| words.nth(NOTE_WORDS_MIN - 2).is_some()) else { return false };
    let is_named = is_first_name(first);
    let behind = cell.trim_start().strip_prefix(first).unwrap_or_default().trim_start();
    let family = behind.split_whitespace().next().unwrap_or_default();
    let behind = behind.strip_prefix(family).unwrap_or_default().trim_start();
    if is_named {
        behind.contains(' ') && remark::rules_refuse(behind) || note_refuses(behind)
    } else {
        cell.split_whitespace().nth(NOTE_WORDS_MIN).is_some() && remark::resembles(cell)
    }
}

#[cfg(test)]
mod tests;
