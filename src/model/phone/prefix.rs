//! What a dialled number begins with: national and international prefixes.

/// Groups a prefix has at most; a table that needs more does not compile into a match.
const GROUPS_MAX: usize = 4;

/// A pattern that a number may begin with. `build.rs` writes it.
pub(super) struct Prefix {
    pub(super) steps: &'static [Step],
    pub(super) start: u16,
}

/// One step of a pattern, with the place of the step that follows. No step leads back, so every match ends.
pub(super) enum Step {
    /// The prefix ends here.
    Accept,
    /// One digit out of a set: bit *d* allows the digit *d*.
    Digit(u16, u16),
    /// The first of these steps that leads to a match.
    Either(&'static [u16]),
    /// A group begins or ends here.
    Mark(u8, u16),
    /// The number ends here.
    End(u16),
}

/// Where a prefix ends in the number, and what its groups matched.
#[derive(Default)]
pub(super) struct Matched {
    pub(super) end: usize,
    marks: [Option<usize>; GROUPS_MAX * 2],
}

impl Matched {
    /// What group `number` (from 1) matched in `digits`.
    pub(super) fn group<'d>(&self, digits: &'d [u8], number: usize) -> Option<&'d [u8]> {
        let slot = number.checked_sub(1)? * 2;
        digits.get((*self.marks.get(slot)?)?..(*self.marks.get(slot + 1)?)?)
    }
}

impl Prefix {
    /// Matches the beginning of `digits`: the first match in the order a backtracking regular expression finds them.
    pub(super) fn of(&self, digits: &[u8]) -> Option<Matched> {
        let mut matched = Matched::default();
        self.run(self.start, digits, 0, &mut matched).then_some(matched)
    }

    fn run(&self, step: u16, digits: &[u8], at: usize, matched: &mut Matched) -> bool {
        match self.steps[usize::from(step)] {
            Step::Accept => {
                matched.end = at;
                true
            }
            Step::Digit(set, next) => {
                digits.get(at).is_some_and(|digit| set >> (digit - b'0') & 1 == 1)
                    && self.run(next, digits, at + 1, matched)
            }
            Step::Either(steps) => steps.iter().any(|&step| self.run(step, digits, at, matched)),
            Step::Mark(slot, next) => {
                let mark = &mut matched.marks[usize::from(slot)];
                let before = mark.replace(at);
                let found = self.run(next, digits, at, matched);
                if !found {
                    matched.marks[usize::from(slot)] = before;
                }
                found
            }
            Step::End(next) => at == digits.len() && self.run(next, digits, at, matched),
        }
    }
}
