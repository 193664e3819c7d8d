//! Numbering plans: which numbers exist.
//!
//! The plans of all countries are one automaton over the digits of E.164, which `build.rs` makes of the metadata. A
//! question costs one table look-up a digit, and nothing is built or allocated at run time.

// START: the first state. ACCEPTING: a number may end in the states from 1 to this one. CODES: all country codes, sorted.
include!(concat!(env!("OUT_DIR"), "/plan.rs"));

/// Ten little-endian `u16` a state: where each digit leads. State 0 leads nowhere.
static STATES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/plan.bin"));
/// The state that leads nowhere.
const NOWHERE: u16 = 0;

/// The same of mobile numbers alone.
mod mobile {
    include!(concat!(env!("OUT_DIR"), "/mobile.rs"));

    pub static STATES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/mobile.bin"));
}

/// Whether `digits`, country code first, are a number that exists. They must be ASCII digits.
#[inline]
pub(super) fn is_known(digits: &[u8]) -> bool {
    accepts(walk(START, digits))
}

/// Whether `first` and then `second` are a number that exists, without being put together.
#[inline]
pub(super) fn is_known_together(first: &[u8], second: &[u8]) -> bool {
    accepts(walk(walk(START, first), second))
}

/// Whether some number begins with these digits, country code first.
pub(super) fn is_beginning(digits: &[u8]) -> bool {
    walk(START, digits) != NOWHERE
}

/// The state behind some digits.
#[inline]
fn walk(from: u16, digits: &[u8]) -> u16 {
    let mut state = from;
    for digit in digits {
        if state == NOWHERE {
            break;
        }
        state = next(STATES, state, *digit);
    }
    state
}

/// Whether they are a number that a mobile phone can have.
pub(super) fn is_mobile(digits: &[u8]) -> bool {
    (1..=mobile::ACCEPTING).contains(&walk_mobile(digits))
}

/// Whether some number that a mobile phone can have begins with them.
pub(super) fn begins_mobile(digits: &[u8]) -> bool {
    walk_mobile(digits) != NOWHERE
}

fn walk_mobile(digits: &[u8]) -> u16 {
    digits.iter().fold(mobile::START, |state, digit| next(mobile::STATES, state, *digit))
}

#[inline]
fn next(states: &[u8], state: u16, digit: u8) -> u16 {
    let at = (usize::from(state) * 10 + usize::from(digit - b'0')) * 2;
    u16::from_le_bytes([states[at], states[at + 1]])
}

#[inline]
fn accepts(state: u16) -> bool {
    (1..=ACCEPTING).contains(&state)
}

/// The numbers with `more` digits behind two prefixes, walked side by side: for each pair of ends whether the one and the other
/// is a number that exists.
#[cfg(test)]
pub(super) fn side_by_side(one: &[u8], other: &[u8], more: u32) -> std::collections::BTreeSet<(bool, bool)> {
    let next = |state: u16, digit: u8| next(STATES, state, digit);
    let state = |prefix: &[u8]| prefix.iter().fold(START, |state, digit| next(state, *digit));
    let mut pairs = std::collections::BTreeSet::from([(state(one), state(other))]);
    for _ in 0..more {
        pairs =
            pairs.iter().flat_map(|&(a, b)| (b'0'..=b'9').map(move |digit| (next(a, digit), next(b, digit)))).collect();
    }
    pairs.into_iter().map(|(a, b)| (accepts(a), accepts(b))).collect()
}

/// Whether some country, or a service of all of them, has this calling code.
pub fn is_code(code: u16) -> bool {
    CODES.binary_search(&code).is_ok()
}

/// All calling codes.
pub(super) fn codes() -> &'static [u16] {
    &CODES
}

/// Splits off the country code; none if no country has it. No code is the beginning of another, so there is one way at most.
#[inline]
pub(super) fn split(digits: &[u8]) -> Option<(u16, &[u8])> {
    let mut code = 0;
    for (at, digit) in digits.iter().take(3).enumerate() {
        code = code * 10 + u16::from(digit - b'0');
        if code == 0 {
            return None;
        }
        if CODES.binary_search(&code).is_ok() {
            return Some((code, &digits[at + 1..]));
        }
    }
    None
}
