//! The regular expressions of the metadata: digits, classes, groups, alternatives, counts, and `$`. Nothing else occurs in
//! them, so they are read here, once, into a tree that is matched directly (prefixes) or made an automaton of (`plan.rs`).

/// A pattern, or a part of one.
#[derive(Debug)]
pub(super) enum Pattern {
    /// One digit out of a set: bit *d* allows the digit *d*.
    Digit(u16),
    /// One after the other.
    Sequence(Vec<Pattern>),
    /// The first alternative that leads to a match.
    Either(Vec<Pattern>),
    /// As often as possible, at least and at most so many times.
    Repeat(Box<Pattern>, usize, usize),
    /// A numbered group.
    Group(Box<Pattern>, usize),
    /// `$`, the end of the text.
    End,
}

/// What a numbered group matched: from and to.
type Span = Option<(usize, usize)>;
const GROUPS_MAX: usize = 4;
const ALL_DIGITS: u16 = 0x3FF;

/// Where a pattern that starts with the text ends in it, and what its groups matched.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Prefix {
    pub(super) end: usize,
    groups: [Span; GROUPS_MAX],
}

impl Prefix {
    /// What group `number` (from 1) matched in `text`.
    pub(super) fn group<'t>(&self, text: &'t [u8], number: usize) -> Option<&'t [u8]> {
        let (from, to) = (*self.groups.get(number.checked_sub(1)?)?)?;
        text.get(from..to)
    }
}

impl Pattern {
    /// Reads a pattern, and how many numbered groups it has; none if it uses anything but the above.
    pub(super) fn read(source: &str) -> Option<(Self, usize)> {
        let bytes = source.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        let mut reader = Reader { bytes, at: 0, groups: 0 };
        let pattern = reader.either()?;
        (reader.at == reader.bytes.len() && reader.groups <= GROUPS_MAX).then_some((pattern, reader.groups))
    }

    /// Matches the beginning of `text`: the first match in the order a backtracking regex finds them.
    pub(super) fn prefix(&self, text: &[u8]) -> Option<Prefix> {
        let mut groups = [None; GROUPS_MAX];
        let mut end = None;
        self.run(text, 0, &mut groups, &mut |at, _| {
            end = Some(at);
            true
        });
        end.map(|end| Prefix { end, groups })
    }

    fn run(&self, text: &[u8], at: usize, groups: &mut [Span; GROUPS_MAX], then: Then<'_>) -> bool {
        match self {
            Self::Digit(set) => match text.get(at) {
                Some(digit) if set >> (digit - b'0') & 1 == 1 => then(at + 1, groups),
                _ => false,
            },
            Self::Sequence(parts) => run_all(parts, text, at, groups, then),
            Self::Either(parts) => parts.iter().any(|part| part.run(text, at, groups, then)),
            Self::Repeat(part, min, max) => run_repeat(part, (*min, *max), text, at, groups, then),
            Self::Group(part, number) => {
                let before = groups[*number];
                let found = part.run(text, at, groups, &mut |end, groups| {
                    let outer = groups[*number].replace((at, end));
                    then(end, groups) || {
                        groups[*number] = outer;
                        false
                    }
                });
                if !found {
                    groups[*number] = before;
                }
                found
            }
            Self::End => at == text.len() && then(at, groups),
        }
    }
}

/// What has to match after a part, and says whether it did.
type Then<'a> = &'a mut dyn FnMut(usize, &mut [Span; GROUPS_MAX]) -> bool;

fn run_all(parts: &[Pattern], text: &[u8], at: usize, groups: &mut [Span; GROUPS_MAX], then: Then<'_>) -> bool {
    match parts {
        [] => then(at, groups),
        [part, rest @ ..] => part.run(text, at, groups, &mut |at, groups| run_all(rest, text, at, groups, then)),
    }
}

fn run_repeat(
    part: &Pattern,
    (min, max): (usize, usize),
    text: &[u8],
    at: usize,
    groups: &mut [Span; GROUPS_MAX],
    then: Then<'_>,
) -> bool {
    let again = (min.saturating_sub(1), max.saturating_sub(1));
    let more = max > 0 && part.run(text, at, groups, &mut |at, groups| run_repeat(part, again, text, at, groups, then));
    more || (min == 0 && then(at, groups))
}

struct Reader {
    bytes: Vec<u8>,
    at: usize,
    groups: usize,
}

impl Reader {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, expected: &[u8]) -> bool {
        let found = self.bytes[self.at..].starts_with(expected);
        if found {
            self.at += expected.len();
        }
        found
    }

    fn either(&mut self) -> Option<Pattern> {
        let mut parts = vec![self.sequence()?];
        while self.take(b"|") {
            parts.push(self.sequence()?);
        }
        Some(if parts.len() == 1 { parts.pop()? } else { Pattern::Either(parts) })
    }

    fn sequence(&mut self) -> Option<Pattern> {
        let mut parts = Vec::new();
        while !matches!(self.peek(), None | Some(b'|' | b')')) {
            let part = self.part()?;
            parts.push(self.counted(part)?);
        }
        Some(Pattern::Sequence(parts))
    }

    fn part(&mut self) -> Option<Pattern> {
        if self.take(b"(?:") {
            let inner = self.either()?;
            return self.take(b")").then_some(inner);
        }
        if self.take(b"(") {
            let number = self.groups;
            self.groups += 1;
            let inner = self.either()?;
            return (self.take(b")") && number < GROUPS_MAX).then(|| Pattern::Group(Box::new(inner), number));
        }
        if self.take(b"$") {
            return Some(Pattern::End);
        }
        if self.take(b"[") {
            let mut set = 0;
            while !self.take(b"]") {
                set |= self.range()?;
            }
            return Some(Pattern::Digit(set));
        }
        self.one().map(Pattern::Digit)
    }

    /// One digit, or `\d`.
    fn one(&mut self) -> Option<u16> {
        if self.take(b"\\d") {
            return Some(ALL_DIGITS);
        }
        let digit = self.peek().filter(u8::is_ascii_digit)?;
        self.at += 1;
        Some(1 << (digit - b'0'))
    }

    /// Inside a class: one digit, or `2-5`.
    fn range(&mut self) -> Option<u16> {
        let low = self.one()?;
        if !self.take(b"-") {
            return Some(low);
        }
        let high = self.one()?;
        // All bits from the low one to the high one.
        (low <= high).then(|| (high | (high - 1)) & !(low - 1))
    }

    fn counted(&mut self, part: Pattern) -> Option<Pattern> {
        let (min, max) = if self.take(b"?") {
            (0, 1)
        } else if self.take(b"{") {
            let min = self.count()?;
            let max = if self.take(b",") { self.count()? } else { min };
            if !self.take(b"}") {
                return None;
            }
            (min, max)
        } else {
            return Some(part);
        };
        Some(Pattern::Repeat(Box::new(part), min, max))
    }

    fn count(&mut self) -> Option<usize> {
        let mut count = None;
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            self.at += 1;
            count = Some(count.unwrap_or(0) * 10 + usize::from(digit - b'0'));
        }
        count.filter(|&n| n <= 20)
    }
}
