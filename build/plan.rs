//! The numbering plans of all countries as one minimal deterministic automaton.
//!
//! Its language is the union, over every territory and every kind of number a subscriber can have, of country code and
//! pattern. It is finite, so the automaton has no cycles and a state is known by where it leads.

use crate::steps::{Step, Steps};
use phonenumber::metadata::{Descriptor, Metadata};
use std::collections::HashMap;
use std::fmt::Write;

/// Most digits of E.164, country code included (ITU-T E.164, 6.2.1).
const DIGITS_MAX: usize = 15;

/// The automaton, and the country codes that exist.
pub struct Plan {
    states: Vec<State>,
    start: u16,
    codes: Vec<u16>,
}

/// Where each digit leads, and whether a number may end here. State 0 leads nowhere.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
struct State {
    next: [u16; 10],
    accepts: bool,
}

impl Plan {
    /// Builds the automaton of these territories, with all kinds of numbers.
    pub fn of(territories: &[&Metadata]) -> Self {
        Self::of_kinds(territories, |territory| kinds(territory).collect())
    }

    /// The same of the numbers that mobile phones have.
    pub fn of_mobiles(territories: &[&Metadata]) -> Self {
        Self::of_kinds(territories, |territory| territory.descriptors().mobile().into_iter().collect())
    }

    fn of_kinds<'m>(territories: &[&'m Metadata], kinds: impl Fn(&'m Metadata) -> Vec<&'m Descriptor>) -> Self {
        let mut steps = Steps::default();
        let mut starts = Vec::new();
        for territory in territories {
            let code = territory.country_code().to_string();
            for kind in kinds(territory) {
                let accept = steps.push(Step::Accept(lengths(kind) << code.len()));
                let national = steps.read(kind.national_number().as_str(), accept);
                starts.push(steps.literal(code.as_bytes(), national));
            }
        }
        let mut codes: Vec<u16> = territories.iter().map(|territory| territory.country_code()).collect();
        codes.dedup();
        let mut builder = Builder { steps, ..Builder::default() };
        builder.intern(State::default());
        let start = builder.state(starts, 0);
        accepting_first(Self { states: builder.states, start, codes })
    }

    /// Ten little-endian `u16` a state: where each digit leads.
    pub fn bytes(&self) -> Vec<u8> {
        self.states.iter().flat_map(|state| state.next).flat_map(u16::to_le_bytes).collect()
    }

    /// What else `src/model/phone/plan.rs` needs.
    pub fn source(&self) -> String {
        let mut source = self.ends();
        let _ = writeln!(source, "static CODES: [u16; {}] = {:?};", self.codes.len(), self.codes);
        source
    }

    /// Where a number begins, and where it may end.
    pub fn ends(&self) -> String {
        let accepting = self.states.iter().filter(|state| state.accepts).count();
        format!("pub const START: u16 = {};\npub const ACCEPTING: u16 = {accepting};\n", self.start)
    }
}

/// The kinds of number that a subscriber can have.
fn kinds(territory: &Metadata) -> impl Iterator<Item = &Descriptor> {
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
fn lengths(kind: &Descriptor) -> u32 {
    match kind.possible_length() {
        [] => u32::MAX,
        lengths => lengths.iter().fold(0, |set, length| set | 1 << length),
    }
}

/// Numbers the states again, 0 first and then those where a number may end, so that no state needs a mark for it.
fn accepting_first(plan: Plan) -> Plan {
    let mut order: Vec<usize> = (0..plan.states.len()).collect();
    order.sort_by_key(|&state| (state > 0, !plan.states[state].accepts));
    let mut places = vec![0; order.len()];
    for (place, &state) in (0..).zip(&order) {
        places[state] = place;
    }
    let place = |state: u16| places[usize::from(state)];
    let moved = |&state: &usize| State { next: plan.states[state].next.map(place), ..plan.states[state] };
    Plan { states: order.iter().map(moved).collect(), start: place(plan.start), codes: plan.codes }
}

/// Makes states of sets of steps, each different state once.
#[derive(Default)]
struct Builder {
    steps: Steps,
    known: HashMap<(Vec<usize>, usize), u16>,
    interned: HashMap<State, u16>,
    states: Vec<State>,
}

impl Builder {
    /// The state after `length` digits, when any of the steps in `set` may come next.
    fn state(&mut self, mut set: Vec<usize>, length: usize) -> u16 {
        set.sort_unstable();
        set.dedup();
        if set.is_empty() || length > DIGITS_MAX {
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
                    digits.for_each(|digit| self.reach(*next, &mut following[digit]));
                }
                Step::Either(_) | Step::Mark(..) | Step::End(_) => unreachable!("reach looks through them"),
            }
        }
        for (digit, steps) in following.into_iter().enumerate() {
            state.next[digit] = self.state(steps, length + 1);
        }
        let number = self.intern(state);
        self.known.insert(key, number);
        number
    }

    /// Adds to `reached` the digits and ends that `step` stands for. A number is matched as a whole, so `$` says nothing.
    fn reach(&self, step: usize, reached: &mut Vec<usize>) {
        match &self.steps.0[step] {
            Step::Either(steps) => steps.iter().for_each(|&step| self.reach(step, reached)),
            Step::Mark(_, next) | Step::End(next) => self.reach(*next, reached),
            Step::Accept(_) | Step::Digit(..) => reached.push(step),
        }
    }

    fn intern(&mut self, state: State) -> u16 {
        if let Some(&number) = self.interned.get(&state) {
            return number;
        }
        let number = u16::try_from(self.states.len()).expect("fewer states than a u16 can number");
        self.states.push(state.clone());
        self.interned.insert(state, number);
        number
    }
}
