//! Spellings: the words that were meant where somebody writes round a filter, with letters that only look alike, or joins
//! words or parts them: `5T0P`, `SТОР` with Cyrillic letters, `STOPTEXTINGME`, `S T O P`.

use super::Words;
use super::folding::{Case, Ending, Word, is_unspaced};
use super::grammar::Grammar;

/// In a clause of so many words or fewer, one that nobody knows may be several that were joined: longer ones have blanks.
const JOINED_IN_WORDS_MAX: usize = 4;
/// What is shorter is one word, and so is what is longer.
const JOINED_LETTERS: std::ops::RangeInclusive<usize> = 5..=4096;
/// The longest word in them.
const JOINED_PART_LETTERS_MAX: usize = 24;
/// The short words among them: of three letters or more there are all that the rules have.
const JOINED_SHORT: [&str; 10] = ["ME", "MY", "US", "UR", "NO", "TO", "IT", "OF", "ON", "DO"];
/// So many letters with blanks between them may be a word.
const SPACED_LETTERS_MIN: usize = 3;
/// A word with digits for letters has at least so many: `3ND` may be a date.
const DIGITS_LETTERS_MIN: usize = 4;
/// The longest word of a script without blanks, in letters; a syllable of Hangul is up to three.
const UNSPACED_LETTERS_MAX: usize = 24;

/// Letters that look alike, in Latin, Cyrillic and Greek, a blank where a script has none; and in Armenian, Coptic, Cherokee, Lisu
/// and the syllabics of Canada, which are words' letters in this disguise alone.
const LOOK_ALIKE: &[([char; 3], &str)] = &[
    (['A', 'А', 'Α'], "ꓮᎪᗅ"),
    (['B', 'В', 'Β'], "ꓐᏴᗷ"),
    (['C', 'С', ' '], "ꓚᏟⲤᑕ"),
    (['D', ' ', ' '], "ꓓᎠᗪ"),
    (['E', 'Е', 'Ε'], "ꓰᎬ"),
    (['F', ' ', ' '], "ꓝᖴ"),
    (['G', 'Ԍ', ' '], "ꓖᏀ"),
    (['H', 'Н', 'Η'], "ꓧᎻⲎᕼ"),
    (['I', 'І', 'Ι'], "ꓲⲒ"),
    (['J', 'Ј', ' '], "ꓙᎫᒍ"),
    (['K', 'К', 'Κ'], "ꓗᏦⲔ"),
    (['L', ' ', ' '], "ꓡᏞᒪԼ"),
    (['M', 'М', 'Μ'], "ꓟᎷⲘᗰ"),
    (['N', ' ', 'Ν'], "ꓠⲚᑎ"),
    (['O', 'О', 'Ο'], "ꓳⲞՕᎾ"),
    (['P', 'Р', 'Ρ'], "ꓑᏢⲢᑭ"),
    (['Q', 'Ԛ', ' '], ""),
    (['R', ' ', ' '], "ꓣᏒᖇ"),
    (['S', 'Ѕ', ' '], "ꓢᏚᔕՏ"),
    (['T', 'Т', 'Τ'], "ꓔᎢⲦ"),
    (['U', ' ', ' '], "ꓴᑌՍ"),
    (['V', ' ', ' '], "ꓦᏙᐯ"),
    (['W', 'Ԝ', ' '], "ꓪᏔᗯ"),
    (['X', 'Х', 'Χ'], "ꓫⲬ᙭"),
    (['Y', 'У', 'Υ'], "ꓬᎩⲨ"),
    (['Z', ' ', 'Ζ'], "ꓜᏃ"),
];
/// Digits that stand for letters.
const DIGITS: [(char, char); 7] = [('0', 'O'), ('1', 'I'), ('3', 'E'), ('4', 'A'), ('5', 'S'), ('7', 'T'), ('8', 'B')];

/// Finds out which words were meant.
pub struct Speller<'k> {
    pub keywords: &'k Words,
    pub grammar: &'static Grammar,
}

impl Speller<'_> {
    /// The words of a message as they were meant. `asks` says whether some words together want out.
    pub fn meant(&self, words: Vec<Word>, asks: impl Fn(&[Word]) -> bool) -> Vec<Word> {
        let words = self.closed_up(words);
        let is_number = |word: &&Word| word.text.bytes().all(|byte| byte.is_ascii_digit());
        let is_short = |clause: &[Word]| clause.iter().filter(|word| !is_number(word)).count() <= JOINED_IN_WORDS_MAX;
        let clauses = words.chunk_by(|a, _| !a.ends_clause);
        let is_short: Vec<bool> = clauses.flat_map(|clause| vec![is_short(clause); clause.len()]).collect();
        let mut meant = Vec::with_capacity(words.len());
        for (word, is_short) in words.into_iter().zip(is_short) {
            if let Some(text) = self.tripled(&word.text) {
                meant.push(Word { text, ..word });
            } else if word.text.contains(is_unspaced) {
                meant.extend(parts(&word, &self.cut(&word.text)));
            } else if self.knows(&word.text) {
                meant.push(word);
            } else if let Some(text) = self.in_other_letters(&word.text) {
                meant.push(Word { text, ..word });
            } else if let Some(joined) = self.joined(&word).filter(|joined| is_short && asks(joined)) {
                meant.extend(joined);
            } else {
                meant.push(word);
            }
        }
        meant
    }

    fn knows(&self, word: &str) -> bool {
        self.keywords.has_word(word) || !self.grammar.known(word).is_unknown()
    }

    /// Without blanks between single letters if they make a word, and without those between words of a script that has none.
    fn closed_up(&self, words: Vec<Word>) -> Vec<Word> {
        let mut closed: Vec<Word> = Vec::with_capacity(words.len());
        let is_single = |word: &Word| word.text.chars().nth(1).is_none();
        for run in words
            .chunk_by(|a, b| a.ending == Ending::None && a.is_quoted == b.is_quoted && is_single(a) && is_single(b))
        {
            match self.as_one(run) {
                Some(joined) => closed.push(joined),
                // "s t o p, I moved"
                None => {
                    for clause in run.chunk_by(|a, _| !a.ends_clause) {
                        match self.as_one(clause) {
                            Some(joined) => closed.push(joined),
                            None => closed.extend_from_slice(clause),
                        }
                    }
                }
            }
        }
        if !closed.iter().any(|word| word.text.contains(is_unspaced)) {
            return closed;
        }
        let by_script: Vec<Word> = closed.iter().flat_map(|word| parts(word, &script_ends(&word.text))).collect();
        let is_run = |a: &Word, b: &Word| {
            let is_unspaced = |word: &Word| word.text.contains(is_unspaced);
            !a.ends_clause && a.is_quoted == b.is_quoted && is_unspaced(a) && is_unspaced(b)
        };
        by_script.chunk_by(is_run).map(together).collect()
    }

    /// Single letters as the word or words that they make.
    fn as_one(&self, run: &[Word]) -> Option<Word> {
        let joined = (run.len() >= SPACED_LETTERS_MIN).then(|| together(run))?;
        (self.knows(&joined.text) || self.joined(&joined).is_some()).then_some(joined)
    }

    /// "STOOOP" is STOP: three or more of one letter are one.
    fn tripled(&self, word: &str) -> Option<String> {
        let letters: Vec<char> = word.chars().collect();
        if !letters.windows(3).any(|three| three[0] == three[1] && three[1] == three[2]) {
            return None;
        }
        let mut short = String::new();
        for same in letters.chunk_by(|a, b| a == b) {
            short.extend(&same[..if same.len() > 2 { 1 } else { same.len() }]);
        }
        Some(short).filter(|short| self.knows(short))
    }

    /// The word whose letters look like these.
    fn in_other_letters(&self, word: &str) -> Option<String> {
        if word.is_ascii() {
            let has_both =
                word.contains(|c: char| c.is_ascii_digit()) && word.contains(|c: char| c.is_ascii_alphabetic());
            let letter = |c| letter_of_digit(c).unwrap_or(c);
            let meant = (has_both && word.len() >= DIGITS_LETTERS_MIN).then(|| word.chars().map(letter).collect());
            return meant.filter(|meant: &String| self.knows(meant));
        }
        let is_mixed = word.contains(|c: char| c.is_ascii_alphabetic());
        let is_disguised = || word.contains(|c| LOOK_ALIKE.iter().any(|(_, others)| others.contains(c)));
        (0..3).find_map(|script| {
            let looks_like = |c| LOOK_ALIKE.iter().find(|(alike, others)| alike.contains(&c) || others.contains(c));
            let letter = |c| looks_like(c).map_or(c, |(alike, _)| if alike[script] == ' ' { c } else { alike[script] });
            let meant: String = word.chars().map(letter).collect();
            // A word of one script is another script's only by accident, if it does not want out.
            let wants_out = || self.keywords.get(&meant).is_some_and(super::Meaning::is_out);
            (meant != word && (wants_out() || ((is_mixed || is_disguised()) && self.knows(&meant)))).then_some(meant)
        })
    }

    /// A word that nobody knows in the parts that were joined to it.
    pub fn parted(&self, word: &Word) -> Option<Vec<Word>> {
        if self.knows(&word.text) { None } else { self.joined(word) }
    }

    /// Two words as the one that they were, or with the blank between them elsewhere; not where each is a word itself.
    pub fn rejoined(&self, two: &[Word]) -> Option<Vec<Word>> {
        let word = together(two);
        let is_no_word = |part: &Word| part.text.chars().nth(1).is_none() || !self.knows(&part.text);
        if two[0].ending != Ending::None || !two.iter().any(is_no_word) {
            return None;
        }
        if self.knows(&word.text) { Some(vec![word]) } else { self.joined(&word) }
    }

    /// The words that were joined to one, as few as can be.
    fn joined(&self, word: &Word) -> Option<Vec<Word>> {
        let text = &word.text;
        let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        if !JOINED_LETTERS.contains(&(ends.len() - 1)) {
            return None;
        }
        let is_word = |part: &str| is_part(part) && (self.keywords.has_word(part) || self.grammar.has_word(part));
        let cuts = fewest(&ends, JOINED_PART_LETTERS_MAX, |part| is_word(&text[part]).then_some(1))?;
        Some(parts(word, &cuts))
    }

    /// The words of a text in a script that puts no blanks between them. A letter of none of them stays alone.
    fn cut(&self, text: &str) -> Vec<usize> {
        let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let is_word = |part: &str| self.keywords.knows(part) || self.grammar.has_word(part);
        let cost = |part: std::ops::Range<usize>| {
            let is_letter = text[part.clone()].chars().nth(1).is_none();
            if is_word(&text[part]) { Some(1) } else { is_letter.then_some(UNSPACED_LETTERS_MAX) }
        };
        fewest(&ends, UNSPACED_LETTERS_MAX, cost).unwrap_or_default()
    }
}

/// The letter that a digit stands for.
pub fn letter_of_digit(digit: char) -> Option<char> {
    DIGITS.iter().find(|(known, _)| *known == digit).map(|(_, letter)| *letter)
}

/// Whether a word is no shorter than what may have been joined to others.
pub fn is_part(word: &str) -> bool {
    word.chars().nth(2).is_some() || JOINED_SHORT.contains(&word)
}

/// Where to cut a text so that its parts cost least together. None if it cannot be cut into such parts.
fn fewest(
    ends: &[usize],
    longest: usize,
    cost: impl Fn(std::ops::Range<usize>) -> Option<usize>,
) -> Option<Vec<usize>> {
    let mut best: Vec<Option<(usize, usize)>> = vec![None; ends.len()];
    best[0] = Some((0, 0));
    for from in 0..ends.len() {
        let Some((before, _)) = best[from] else { continue };
        for to in from + 1..ends.len().min(from + 1 + longest) {
            let Some(cost) = cost(ends[from]..ends[to]) else { continue };
            if best[to].is_none_or(|(known, _)| known > before + cost) {
                best[to] = Some((before + cost, from));
            }
        }
    }
    let mut cuts = Vec::new();
    let mut at = ends.len() - 1;
    while at > 0 {
        cuts.push(ends[at]);
        at = best[at]?.1;
    }
    cuts.reverse();
    Some(cuts)
}

/// Where a text goes over to a script without blanks, or back from it, and where it ends.
fn script_ends(text: &str) -> Vec<usize> {
    let pairs = text.char_indices().zip(text.chars().skip(1));
    let changes = pairs.filter(|((_, a), b)| is_unspaced(*a) != is_unspaced(*b));
    changes.map(|((at, a), _)| at + a.len_utf8()).chain([text.len()]).collect()
}

/// A word in parts, which end there.
fn parts(word: &Word, cuts: &[usize]) -> Vec<Word> {
    let mut from = 0;
    let part = |&to: &usize| {
        let text = word.text[from..to].to_owned();
        from = to;
        let is_last = to == word.text.len();
        let ending = if is_last { word.ending } else { Ending::None };
        Word { text, ending, ends_clause: is_last && word.ends_clause, ..word.clone() }
    };
    cuts.iter().map(part).collect()
}

/// Words as one.
fn together(run: &[Word]) -> Word {
    if let [word] = run {
        return word.clone();
    }
    let last = &run[run.len() - 1];
    let is_shouted = run.iter().all(|word| word.text.chars().nth(1).is_none() || word.is_shouted());
    let case = if is_shouted { Case::Shouted } else { Case::Other };
    Word { text: run.iter().map(|word| word.text.as_str()).collect(), case, ..last.clone() }
}
