//! Numbering plans: for each country code, which national numbers exist.
//!
//! A plan is one small automaton over digits: the union of the patterns of every kind of number (mobile, fixed line, …) of every
//! territory of the code. A plan takes a few kilobytes and a question costs one table look-up a digit.

use super::PHONE_DIGITS_MAX;
use super::pattern::Pattern;
use phonenumber::metadata::{DATABASE, Descriptor, Metadata};
use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

/// Whether `digits`, country code first, are a number that exists. They must be ASCII digits.
pub(super) fn is_known(digits: &[u8]) -> bool {
    split(digits).is_some_and(|(code, national)| plan(code).is_some_and(|plan| plan.has(national)))
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
        if PLANS[usize::from(code)].is_some() {
            return Some((code, &digits[at + 1..]));
        }
    }
    None
}

/// Builds all plans.
pub(super) fn warm_up() {
    for code in 0..1000 {
        plan(code);
    }
}

/// By country code; none where no country has it.
static PLANS: LazyLock<Vec<Option<OnceLock<Plan>>>> = LazyLock::new(|| {
    let mut plans: Vec<_> = (0..1000).map(|_| None).collect();
    for metadata in DATABASE.iter() {
        if let Some(slot) = plans.get_mut(usize::from(metadata.country_code())) {
            *slot = Some(OnceLock::new());
        }
    }
    plans
});

fn plan(code: u16) -> Option<&'static Plan> {
    let slot = PLANS.get(usize::from(code))?.as_ref()?;
    Some(slot.get_or_init(|| Plan::build(&DATABASE.by_code(&code).unwrap_or_default())))
}

/// A minimal deterministic automaton without cycles. State 0 leads nowhere.
struct Plan {
    states: Box<[State]>,
    start: u16,
}

/// Where each digit leads, and whether a number may end here.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
struct State {
    next: [u16; 10],
    accepts: bool,
}

impl Plan {
    #[inline]
    fn has(&self, national: &[u8]) -> bool {
        let mut state = self.start;
        for digit in national {
            state = self.states[usize::from(state)].next[usize::from(digit - b'0')];
        }
        self.states[usize::from(state)].accepts
    }

    fn build(territories: &[&Metadata]) -> Self {
        let mut steps = Steps(Vec::new());
        let mut starts = Vec::new();
        for descriptor in territories.iter().flat_map(|territory| kinds(territory)) {
            // Every pattern can be read: a test goes through all of them, and the metadata's version is pinned.
            if let Some((pattern, _)) = Pattern::read(descriptor.national_number().as_str()) {
                let accept = steps.push(Step::Accept(lengths(descriptor)));
                let start = steps.add(&pattern, accept);
                steps.reach(start, &mut starts);
            }
        }
        let mut builder = Builder { steps, known: HashMap::new(), interned: HashMap::new(), states: Vec::new() };
        builder.intern(State::default());
        starts.sort_unstable();
        let start = builder.state(starts, 0);
        Self { states: builder.states.into_boxed_slice(), start }
    }
}

/// The kinds of number that a subscriber can have.
pub(super) fn kinds(territory: &Metadata) -> impl Iterator<Item = &Descriptor> {
    let all = territory.descriptors();
    let kinds = [
        all.mobile(),
        all.fixed_line(),
        all.toll_free(),
        all.premium_rate(),
        all.shared_cost(),
        all.personal_number(),
        all.voip(),
        all.pager(),
        all.uan(),
        all.voicemail(),
    ];
    kinds.into_iter().flatten()
}

/// The lengths a kind of number may have, a bit each; all, where the metadata names none.
fn lengths(descriptor: &Descriptor) -> u32 {
    match descriptor.possible_length() {
        [] => u32::MAX,
        lengths => lengths.iter().filter(|&&n| n < 32).fold(0, |set, n| set | 1 << n),
    }
}

/// A pattern taken apart: each step knows what follows it.
enum Step {
    /// The number may end here, if its length is in the set.
    Accept(u32),
    /// A digit of the set, then another step.
    Digit(u16, usize),
    /// Any of these steps.
    Either(Vec<usize>),
}

struct Steps(Vec<Step>);

impl Steps {
    fn push(&mut self, step: Step) -> usize {
        self.0.push(step);
        self.0.len() - 1
    }

    /// Adds the steps of `pattern`, which `next` follows, and returns the first of them.
    fn add(&mut self, pattern: &Pattern, next: usize) -> usize {
        match pattern {
            Pattern::Digit(set) => self.push(Step::Digit(*set, next)),
            Pattern::Sequence(parts) => parts.iter().rev().fold(next, |next, part| self.add(part, next)),
            Pattern::Either(parts) => {
                let firsts = parts.iter().map(|part| self.add(part, next)).collect();
                self.push(Step::Either(firsts))
            }
            Pattern::Repeat(part, min, max) => {
                let mut first = next;
                for _ in *min..*max {
                    let more = self.add(part, first);
                    first = self.push(Step::Either(vec![more, next]));
                }
                (0..*min).fold(first, |first, _| self.add(part, first))
            }
            Pattern::Group(part, _) => self.add(part, next),
            Pattern::End => next,
        }
    }

    /// Adds to `reached` the steps that `step` stands for.
    fn reach(&self, step: usize, reached: &mut Vec<usize>) {
        match &self.0[step] {
            Step::Either(steps) => steps.iter().for_each(|&step| self.reach(step, reached)),
            _ => reached.push(step),
        }
    }
}

/// Makes states of sets of steps. Equal states are built once: the language is finite, so a state is known by its successors.
struct Builder {
    steps: Steps,
    known: HashMap<(Vec<usize>, usize), u16>,
    interned: HashMap<State, u16>,
    states: Vec<State>,
}

impl Builder {
    /// The state after `length` digits, when any of the steps in `set` may come next.
    fn state(&mut self, mut set: Vec<usize>, length: usize) -> u16 {
        set.dedup();
        if set.is_empty() || length > PHONE_DIGITS_MAX {
            return 0;
        }
        let key = (set, length);
        if let Some(&state) = self.known.get(&key) {
            return state;
        }
        let mut state = State::default();
        let mut following: [Vec<usize>; 10] = Default::default();
        for &step in &key.0 {
            match &self.steps.0[step] {
                Step::Accept(lengths) => state.accepts |= lengths >> length & 1 == 1,
                Step::Digit(set, next) => {
                    let digits = (0..10).filter(|digit| set >> digit & 1 == 1);
                    digits.for_each(|digit| self.steps.reach(*next, &mut following[digit]));
                }
                Step::Either(_) => {}
            }
        }
        for (digit, mut steps) in following.into_iter().enumerate() {
            steps.sort_unstable();
            state.next[digit] = self.state(steps, length + 1);
        }
        let number = self.intern(state);
        self.known.insert(key, number);
        number
    }

    fn intern(&mut self, state: State) -> u16 {
        if let Some(&number) = self.interned.get(&state) {
            return number;
        }
        let number = u16::try_from(self.states.len()).expect("a plan has a few hundred states: a test builds each");
        self.states.push(state.clone());
        self.interned.insert(state, number);
        number
    }
}

/// Bytes that all plans built so far take, and their states.
#[cfg(test)]
pub(super) fn size() -> (usize, usize) {
    let plans = PLANS.iter().flatten().filter_map(OnceLock::get);
    let states: usize = plans.map(|plan| plan.states.len()).sum();
    (states * size_of::<State>(), states)
}
