//! Regular expressions of the metadata, taken apart into steps. They have digits, classes, groups, alternatives, counts and
//! `$`; anything else stops the build, since a pattern that is not understood would silently make numbers unknown.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// One step of a pattern. It knows what follows it; no step leads back to an earlier one.
pub enum Step {
    /// The pattern has matched. A whole number must also have one of these lengths, a bit each.
    Accept(u32),
    /// One digit out of a set (bit *d* allows the digit *d*), then another step.
    Digit(u16, usize),
    /// The first of these steps that leads to a match.
    Either(Vec<usize>),
    /// A group begins or ends here: slots 2*n* and 2*n* + 1 of the *n*th group, from 0.
    Mark(usize, usize),
    /// The text ends here.
    End(usize),
}

/// Steps, each after those that follow it.
#[derive(Default)]
pub struct Steps(pub Vec<Step>);

impl Steps {
    /// Adds a step, and returns its place.
    pub fn push(&mut self, step: Step) -> usize {
        self.0.push(step);
        self.0.len() - 1
    }

    /// Adds the steps of `pattern`, which `next` follows, and returns the first of them.
    pub fn read(&mut self, pattern: &str, next: usize) -> usize {
        // Bytes, not characters: `\d` is an ASCII digit then. Long patterns are wrapped in the metadata.
        let mut parser = ParserBuilder::new().unicode(false).utf8(false).ignore_whitespace(true).build();
        let hir = parser.parse(pattern).unwrap_or_else(|why| panic!("{pattern}: {why}"));
        self.add(&hir, next)
    }

    /// Adds the steps of these digits, which `next` follows.
    pub fn literal(&mut self, digits: &[u8], next: usize) -> usize {
        digits.iter().rev().fold(next, |next, &digit| self.push(Step::Digit(set_of(digit, digit), next)))
    }

    fn add(&mut self, hir: &Hir, next: usize) -> usize {
        match hir.kind() {
            HirKind::Empty => next,
            HirKind::Literal(literal) => self.literal(&literal.0, next),
            HirKind::Class(Class::Bytes(class)) => {
                let set = class.ranges().iter().fold(0, |set, range| set | set_of(range.start(), range.end()));
                self.push(Step::Digit(set, next))
            }
            HirKind::Look(Look::End) => self.push(Step::End(next)),
            HirKind::Repetition(repeat) if repeat.greedy && repeat.max.is_some() => {
                let mut first = next;
                for _ in repeat.min..repeat.max.unwrap_or(repeat.min) {
                    let more = self.add(&repeat.sub, first);
                    first = self.push(Step::Either(vec![more, next]));
                }
                (0..repeat.min).fold(first, |first, _| self.add(&repeat.sub, first))
            }
            HirKind::Capture(group) => {
                let slot = (group.index as usize - 1) * 2;
                let end = self.push(Step::Mark(slot + 1, next));
                let inside = self.add(&group.sub, end);
                self.push(Step::Mark(slot, inside))
            }
            HirKind::Concat(parts) => parts.iter().rev().fold(next, |next, part| self.add(part, next)),
            HirKind::Alternation(parts) => {
                let firsts = parts.iter().map(|part| self.add(part, next)).collect();
                self.push(Step::Either(firsts))
            }
            other => panic!("{other:?} is new in the metadata: teach it to build/steps.rs"),
        }
    }
}

/// The digits from `low` to `high`, a bit each.
fn set_of(low: u8, high: u8) -> u16 {
    assert!(low.is_ascii_digit() && high.is_ascii_digit(), "a pattern with other characters than digits");
    (low..=high).fold(0, |set, digit| set | 1 << (digit - b'0'))
}
