//! Titles between the rows of a table: lines that may say what the rows below them are.

use std::fmt::Write as _;

use crate::error::excerpt;
use crate::import::title;
use crate::model::plain_refusal::note_refuses;
use crate::model::plain_refusal::title::group_speaks_of_an_end;

/// So many titles are kept, and so many are named beside the first.
const KEPT_MAX: usize = 50;
const NAMED_MAX: usize = 8;

/// A line that may be the title of the rows around it, by its number and by what stands in it.
pub type Title = (u64, String);

/// The titles in the rows that were looked at.
#[derive(Clone, Debug, Default)]
pub struct Sections {
    /// Those that a row with a phone follows.
    followed: Vec<Title>,
    /// Those that nothing follows so far.
    last: Vec<Title>,
}

/// What a person is asked about: the title that matters most, and the others, of which the answer is true as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    pub line: u64,
    pub title: String,
    pub others: Vec<Title>,
}

/// Whether the title of some rows, or the name of their group, says that they are of people who want no messages.
pub fn is_of_those_who_are_out(title: &str) -> bool {
    group_speaks_of_an_end(title) || note_refuses(title)
}

impl Sections {
    /// A line is a title.
    pub fn see(&mut self, title: Title) {
        if self.followed.len() + self.last.len() < KEPT_MAX || is_of_those_who_are_out(&title.1) {
            self.last.push(title);
        }
    }

    /// A row with a phone comes behind what was seen.
    pub fn follow(&mut self) {
        self.followed.append(&mut self.last);
    }

    /// What was seen, whatever stands below it.
    pub fn titles(&self) -> impl Iterator<Item = &str> {
        self.followed.iter().chain(&self.last).map(|(_, title)| title.as_str())
    }

    /// The first title that says who wants no messages, or the first one; behind all rows only one that speaks of an end, or explains
    /// what something in the rows means.
    pub fn section(&self, is_complete: bool) -> Option<Section> {
        let is_said = |title: &str| title::speaks_of_an_end(title) || title::explains(title);
        let behind = || self.last.iter().filter(|_| is_complete).find(|(_, title)| is_said(title));
        let says_it = self.followed.iter().find(|(_, title)| is_of_those_who_are_out(title));
        let asked = says_it.or_else(|| self.followed.first()).or_else(behind)?;
        let others = self.followed.iter().filter(|other| *other != asked).cloned().collect();
        Some(Section { line: asked.0, title: asked.1.clone(), others })
    }
}

impl Section {
    /// What is to be asked where titles above the headings are to be read, too. None if nothing is.
    pub fn of(between: Option<Section>, mut above: Vec<Title>) -> Option<Section> {
        if let Some(mut section) = between {
            section.others.splice(..0, above);
            return Some(section);
        }
        let others = above.split_off(above.len().min(1));
        above.pop().map(|(line, title)| Section { line, title, others })
    }

    /// The others, for people, or nothing where there are none.
    pub fn beside(&self) -> String {
        let mut text = String::new();
        for (at, (line, title)) in self.others.iter().take(NAMED_MAX).enumerate() {
            let before = if at == 0 { " The answer is for these lines, too:" } else { "," };
            let _ = write!(text, "{before} {line} '{}'", excerpt(title.as_bytes()));
        }
        match self.others.len().saturating_sub(NAMED_MAX) {
            0 if text.is_empty() => {}
            0 => text.push('.'),
            more => {
                let _ = write!(text, " and {more} more.");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(titles: &[&str]) -> Sections {
        let mut sections = Sections::default();
        for (line, title) in (2..).zip(titles) {
            sections.see((line, (*title).to_owned()));
            sections.follow();
        }
        sections
    }

    #[test]
    fn all_titles_are_named_beside_the_one_that_says_most() {
        let section = seen(&["Sopranos", "Leavers", "Email people"]).section(false).expect("asked");
        assert_eq!((section.line, section.title.as_str()), (3, "Leavers"));
        assert_eq!(section.beside(), " The answer is for these lines, too: 2 'Sopranos', 4 'Email people'.");
        let alone = seen(&["Altos"]).section(false).expect("asked");
        assert_eq!((alone.title.as_str(), alone.beside().as_str()), ("Altos", ""));
        let many = seen(&["Altos"; 12]).section(false).expect("asked").beside();
        assert!(many.ends_with("10 'Altos' and 3 more."), "{many}");
    }

    #[test]
    fn titles_above_the_headings_are_asked_about_alone_or_beside_one_between_the_rows() {
        let above = || vec![(1, "Choir".to_owned()), (2, "[x] left".to_owned())];
        let alone = Section::of(None, above()).expect("asked");
        assert_eq!((alone.line, alone.beside().as_str()), (1, " The answer is for these lines, too: 2 '[x] left'."));
        let beside = Section::of(seen(&["Altos", "Basses"]).section(false), above()).expect("asked");
        assert_eq!(beside.title, "Altos");
        assert!(beside.beside().ends_with("too: 1 'Choir', 2 '[x] left', 3 'Basses'."), "{}", beside.beside());
        assert_eq!(Section::of(None, Vec::new()), None);
    }

    #[test]
    fn what_stands_behind_all_rows_is_a_title_if_it_speaks_of_an_end() {
        let mut sections = Sections::default();
        sections.see((7, "Total: 3".to_owned()));
        assert_eq!(sections.section(true), None);
        sections.see((8, "Unsubscribed".to_owned()));
        assert_eq!(sections.section(false), None, "rows may follow");
        assert_eq!(sections.section(true).expect("asked").line, 8);
        let mut sections = Sections::default();
        sections.see((9, "gul = obetalt, röd = har bett att få vara i fred".to_owned()));
        assert_eq!(sections.section(true).expect("asked").line, 9);
    }
}
