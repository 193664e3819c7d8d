//! Legends: a title or a heading may say that a mark beside a name means no: `VIP club (* = asked off)`.

use super::title::{MARK_CHARS_MAX, speaks_of_an_end};
use crate::model::plain_refusal::{note_refuses, note_resembles};

/// What stands between a mark and what it means.
const MEANS: [&str; 6] = ["=", ":", " means ", "→", "->", " - "];
/// Signs that stand behind a word in titles: `Member #: unsubscribed`.
const IN_WORDS: [char; 8] = ['#', '-', '&', '/', '+', '%', '@', ':'];
/// Signs that numbers are written with: in a column of phones they are no marks.
const OF_PHONES: &str = "+-().#/";

/// The marks that mean that somebody wants no messages.
#[derive(Clone, Debug, Default)]
pub struct Legend {
    marks: Vec<Mark>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark {
    text: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sign,
    /// One that stands alone, perhaps several times.
    Letter,
    /// It is a mark where it is a whole cell: `red`.
    Word,
}

impl Legend {
    /// Reads titles and headings. A letter in a heading is an answer in its column, and says nothing elsewhere.
    pub fn of<'t>(titles: impl IntoIterator<Item = &'t str>, headings: impl IntoIterator<Item = &'t str>) -> Legend {
        let marks = |title: &'t str| pieces(title).filter_map(Mark::explained_in).chain(Mark::of_sentence(title));
        let of_headings = headings.into_iter().flat_map(marks).filter(|mark| mark.kind == Kind::Sign);
        Legend { marks: titles.into_iter().flat_map(marks).chain(of_headings).collect() }
    }

    /// Whether a cell has one of the marks.
    pub fn refuses(&self, cell: &str, is_phone: bool) -> bool {
        self.marks.iter().any(|mark| mark.is_in(cell, is_phone))
    }

    /// A title without what it says of signs that are there, and without what stands in brackets with that: who has one is known by it.
    /// One that says nothing of them stays as it is.
    pub fn unexplained(&self, title: &str, is_there: impl Fn(&str) -> bool) -> String {
        let is_known = |piece: &&str| {
            Mark::explained_in(piece)
                .is_some_and(|mark| mark.is_clear() && self.marks.contains(&mark) && is_there(&mark.text))
        };
        if !pieces(title).any(|piece| is_known(&piece)) {
            return title.to_owned();
        }
        let (mut left, mut rest) = (Vec::new(), title);
        while !rest.is_empty() {
            let (outside, behind) = rest.split_once(['(', '[']).unwrap_or((rest, ""));
            let (inside, behind) = behind.split_once([')', ']']).unwrap_or((behind, ""));
            left.extend(pieces(outside).filter(|piece| !is_known(piece)));
            if !pieces(inside).any(|piece| is_known(&piece)) {
                left.extend(pieces(inside));
            }
            rest = behind;
        }
        left.join(", ")
    }

    /// The marks, for people; none if there are none.
    pub fn told(&self) -> Option<String> {
        let marks: Vec<String> = self.marks.iter().map(|mark| format!("'{}'", mark.text)).collect();
        (!marks.is_empty()).then(|| {
            format!("a title says what {} means: rows with such a mark were not subscribed", marks.join(" and "))
        })
    }
}

impl Mark {
    /// The mark of which a piece of a title says that it means no.
    fn explained_in(piece: &str) -> Option<Mark> {
        let refuses = |meaning: &str| note_refuses(meaning) || speaks_of_an_end(meaning);
        let said = MEANS.iter().filter_map(|means| piece.split_once(means)).find_map(|(before, meaning)| {
            let (words, last) = before.trim().rsplit_once(char::is_whitespace).unwrap_or(("", before.trim()));
            let mark = Mark::of(last).filter(|mark| words.is_empty() || words.ends_with(':') || mark.is_clear())?;
            refuses(meaning.trim()).then_some(mark)
        });
        let word = || Mark::word(piece).filter(|(_, meaning)| refuses(meaning)).map(|(mark, _)| mark);
        said.or_else(word).or_else(|| {
            // "* asked off" is a legend, "*** DO NOT TEXT ***" is a title, and "# opted out" is a count.
            let (first, meaning) = piece.split_once(char::is_whitespace)?;
            let mark = Mark::of(first).filter(|mark| mark.is_clear() && !meaning.trim().ends_with(&mark.text))?;
            refuses(meaning.trim()).then_some(mark)
        })
    }

    /// The mark in brackets or quotes that stands in a sentence which says no: `Those with (x) asked to be taken off`.
    fn of_sentence(title: &str) -> Option<Mark> {
        const BEGIN: [char; 6] = ['(', '[', '"', '«', '“', '„'];
        const END: [char; 6] = [')', ']', '"', '»', '”', '“'];
        // As a line of a table has it, with its quotes doubled.
        let title = title.replace("\"\"", "\"");
        let title = title.trim_matches(|char: char| char == ',' || char == ';' || char == '"' || char.is_whitespace());
        let (before, behind) = title.split_once(BEGIN)?;
        let (mark, behind) = behind.split_once(END)?;
        let mark = Mark::of(mark.trim()).filter(|mark| mark.kind == Kind::Letter || mark.is_clear())?;
        let sentence = format!("{} {}", before.trim(), behind.trim());
        let refuses = note_refuses(&sentence) || speaks_of_an_end(&sentence) || note_resembles(&sentence);
        refuses.then_some(mark)
    }

    fn of(text: &str) -> Option<Mark> {
        let chars: Vec<char> = text.chars().collect();
        let is_sign = chars.iter().all(|char| !char.is_alphanumeric() && !"'\",.".contains(*char));
        let is_letter = chars.iter().all(|char| char.is_alphabetic() && char == &chars[0]);
        let is_one = (1..=MARK_CHARS_MAX).contains(&chars.len()) && (is_sign || is_letter);
        let kind = if is_letter { Kind::Letter } else { Kind::Sign };
        is_one.then(|| Mark { text: text.to_owned(), kind })
    }

    /// The word of a piece of a title, and what it means: `red = asked us to stop`.
    fn word(piece: &str) -> Option<(Mark, &str)> {
        let (before, meaning) = piece.split_once('=')?;
        let before = before.rsplit_once(':').map_or(before, |(_, behind)| behind).trim();
        let is_word = before.chars().count() > 1 && before.chars().all(char::is_alphabetic);
        is_word.then(|| (Mark { text: before.to_owned(), kind: Kind::Word }, meaning.trim()))
    }

    /// Whether it is a sign that stands in a table for nothing else.
    fn is_clear(&self) -> bool {
        self.kind == Kind::Sign && !self.text.contains(IN_WORDS)
    }

    fn is_in(&self, cell: &str, is_phone: bool) -> bool {
        let is_it = |word: &str| word.eq_ignore_ascii_case(&self.text);
        if self.kind == Kind::Word {
            return is_it(cell.trim());
        }
        if self.kind == Kind::Letter {
            return is_it(cell.trim()) || cell.split(['(', ')', '[', ']']).skip(1).any(|part| is_it(part.trim()));
        }
        if is_phone && self.text.chars().all(|sign| OF_PHONES.contains(sign)) {
            return false;
        }
        // Two stars may be another mark than one.
        let goes_on = |rest: Option<char>| rest.is_some_and(|next| self.text.contains(next));
        cell.split(|char: char| char.is_whitespace() || "()[]".contains(char)).any(|word| {
            word.strip_prefix(&*self.text).is_some_and(|rest| !goes_on(rest.chars().next()))
                || word.strip_suffix(&*self.text).is_some_and(|rest| !goes_on(rest.chars().next_back()))
        })
    }
}

/// What a title consists of.
fn pieces(title: &str) -> impl Iterator<Item = &str> {
    let ends = ['(', ')', '[', ']', ',', ';', '|', '/', '"', '\n', '\t'];
    title.split(ends).map(str::trim).filter(|piece| !piece.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_that_a_title_explains_refuses() {
        for (title, marked, others) in [
            (
                "Bistro VIP text club (* = asked off, leave on sheet)",
                "*Dee Marlow|Hope Lind *|Ann*|(*) Ann|Ann (*)",
                "Ann|**Bob|5*4",
            ),
            ("Members,,(x = no texts)", "x|X|Ann (x)", "Max|x-large|xx"),
            ("\"~ means stop; ^ = vegan\"", "~ Ann|Bob ~", "Ann ^"),
            ("** opted out,,", "**Ann", "Ann*|***Bob"),
            ("Key: # = do not text", "#Ann|Bob #", "Ann"),
            ("🔴 = keine SMS", "🔴 Ann|Bob🔴", "🟢 Ann"),
            ("Codes : A = SMS ok / B = courriel / Z = plus de SMS,,", "Z|z", "A|B"),
            ("Los que llevan (x) no quieren mensajes,,", "Ernesto Pulido (x)|x", "Max"),
            (
                "\"Colours: green = fine to text, red = asked us to stop, grey = passed away\"",
                "red|Grey",
                "green|Red Barn|Ann Grey|reds",
            ),
            ("Left = no more texts", "left", "Left Bank"),
            ("\"Names with \"\"~\"\" asked to be taken off\"", "~Ann|Bob ~", "Ann"),
        ] {
            let legend = Legend::of([title], []);
            assert!(marked.split('|').all(|cell| legend.refuses(cell, false)), "{title}: {legend:?}");
            assert!(!others.split('|').any(|cell| legend.refuses(cell, false)), "{title}: {legend:?}");
            assert!(legend.told().is_some());
        }
    }

    #[test]
    fn other_titles_explain_nothing() {
        for title in [
            "*** DO NOT TEXT ***",
            "Club (* = founding member)",
            "Plan B = opted out",
            "Unsubscribed",
            "Colours: green = fine to text, blue = regular",
            "Member #: unsubscribed",
            "# opted out",
            "Members of 2026 (A) by name",
            "",
        ] {
            assert!(Legend::of([title], []).marks.is_empty(), "{title}");
        }
    }

    #[test]
    fn a_number_has_its_own_signs() {
        let legend = Legend::of(["+ = opted out, * = opted out"], []);
        assert!(!legend.refuses("+14155550101", true) && legend.refuses("*+14155550101", true));
    }

    #[test]
    fn a_title_says_the_rest_where_its_marks_are_there() {
        let title = "Club (* = asked off, leave on the sheet)";
        let legend = Legend::of([title], []);
        assert_eq!(legend.unexplained(title, |mark| "Ann *,+1".contains(mark)), "Club");
        assert_eq!(legend.unexplained(title, |mark| "Ann,+1".contains(mark)), title);
        let titles = "Unsubscribed (May), * = asked off";
        assert_eq!(Legend::of([titles], []).unexplained(titles, |mark| "Ann *,+1".contains(mark)), "Unsubscribed, May");
        let letter = "x = asked off";
        assert_eq!(
            Legend::of([letter], []).unexplained(letter, |mark| "Max,+1".contains(mark)),
            letter,
            "it stands in names, too"
        );
    }
}
