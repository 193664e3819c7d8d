//! Turns the metadata of the crate `phonenumber` (Google's libphonenumber, all countries) into static tables, so that the
//! daemon needs neither the crate nor a regular expression at run time:
//!
//! * `plan.bin`, `plan.rs`: which numbers exist, as one automaton over the digits of E.164 (`mod plan` here, `plan.rs` there);
//! * `mobile.bin`, `mobile.rs`: the same of mobile numbers alone;
//! * `region.rs`: how people of a region dial (`mod region` here, `region.rs` there).
//!
//! Only the metadata is used. The crate's parser makes other subscribers' numbers of some spellings.
//!
//! And it learns from what people wrote how requests to be left alone differ from ordinary replies (`src/model/keyword/net`):
//!
//! * `net.bin`: how much each feature of a text weighs;
//! * `notes.bin`: the same of notes that people made of others, for those that refuse messages.

use phonenumber::metadata::{DATABASE, Metadata};
use std::path::PathBuf;
use std::{env, fs, io};

/// How the daemon folds texts: what is learned must be seen alike.
#[allow(dead_code)]
#[path = "src/model/keyword/folding.rs"]
mod folding;
#[path = "src/model/keyword/net"]
mod net {
    pub mod features;
    pub mod learning;
}

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/model/keyword/net");
    println!("cargo:rerun-if-changed=src/model/keyword/folding.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo names it"));
    // The database is a hash map: sorted, the same metadata always makes the same tables.
    let mut territories: Vec<&Metadata> = DATABASE.iter().collect();
    territories.sort_by_key(|territory| (territory.country_code(), territory.id()));
    let plan = plan::Plan::of(&territories);
    fs::write(out.join("plan.bin"), plan.bytes())?;
    fs::write(out.join("plan.rs"), plan.source())?;
    let mobile = plan::Plan::of_mobiles(&territories);
    fs::write(out.join("mobile.bin"), mobile.bytes())?;
    fs::write(out.join("mobile.rs"), mobile.ends())?;
    fs::write(out.join("region.rs"), region::source(&territories))?;
    let requests = include_str!("src/model/keyword/net/requests.txt");
    fs::write(out.join("net.bin"), learned(requests, include_str!("src/model/keyword/net/ordinary.txt")))?;
    let refused = include_str!("src/model/keyword/net/refused_notes.txt");
    fs::write(out.join("notes.bin"), learned(refused, include_str!("src/model/keyword/net/neutral_notes.txt")))
}

/// What texts of one kind and of the other teach: features in their order, 4 bytes each with the weight's 2 behind them.
fn learned(one: &str, other: &str) -> Vec<u8> {
    let alike = net::features::Alike::built_in();
    let features = |texts: &str| net::learning::texts(texts).map(|words| alike.features(&words)).collect::<Vec<_>>();
    let weights = net::learning::learn(&features(one), &features(other));
    let bytes = |(feature, weight): (u32, i16)| feature.to_le_bytes().into_iter().chain(weight.to_le_bytes());
    weights.into_iter().flat_map(bytes).collect()
}

mod steps {
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
                other => panic!("{other:?} is new in the metadata: teach it to build.rs"),
            }
        }
    }

    /// The digits from `low` to `high`, a bit each.
    fn set_of(low: u8, high: u8) -> u16 {
        assert!(low.is_ascii_digit() && high.is_ascii_digit(), "a pattern with other characters than digits");
        (low..=high).fold(0, |set, digit| set | 1 << (digit - b'0'))
    }
}

mod plan {
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
}

mod region {
    //! How people of each region dial, as Rust source for `src/model/phone/region.rs`.

    use crate::steps::{Step, Steps};
    use phonenumber::metadata::Metadata;
    use std::collections::HashMap;
    use std::fmt::Write;

    /// A static array of all regions, sorted by their two letters, and the prefixes they share.
    pub fn source(territories: &[&Metadata]) -> String {
        // "001" stands for codes that belong to no country: nobody dials inside them.
        let mut regions: Vec<_> = territories.iter().filter(|territory| territory.id().len() == 2).collect();
        regions.sort_by_key(|region| region.id());
        let mut prefixes = Prefixes::default();
        let mut rows = String::new();
        for region in &regions {
            let international = region.international_prefix().map(|regex| prefixes.add(regex.as_str()).0);
            let pattern = match region.national_prefix_for_parsing() {
                Some(regex) => Some(regex.as_str()),
                None => region.national_prefix(),
            };
            let national = pattern.map(|pattern| {
                let (prefix, groups) = prefixes.add(pattern);
                let transform = region.national_prefix_transform_rule();
                let plain = region.national_prefix();
                format!("Trunk {{ prefix: {prefix}, groups: {groups}, transform: {transform:?}, plain: {plain:?} }}")
            });
            let _ = writeln!(
                rows,
                "Dialling {{ id: *b{:?}, code: {}, international: {}, national: {} }},",
                region.id(),
                region.country_code(),
                option(international),
                option(national)
            );
        }
        format!("static REGIONS: [Dialling; {}] = [\n{rows}];\n{}", regions.len(), prefixes.source)
    }

    fn option(value: Option<String>) -> String {
        value.map_or_else(|| "None".to_owned(), |value| format!("Some({value})"))
    }

    /// Each different prefix once: most of the world dials 00.
    #[derive(Default)]
    struct Prefixes {
        /// By pattern: an expression that makes it, and how many groups it has.
        known: HashMap<String, (String, usize)>,
        source: String,
    }

    impl Prefixes {
        fn add(&mut self, pattern: &str) -> (String, usize) {
            if let Some(known) = self.known.get(pattern) {
                return known.clone();
            }
            let mut steps = Steps::default();
            let accept = steps.push(Step::Accept(u32::MAX));
            let start = steps.read(pattern, accept);
            let marks =
                steps.0.iter().filter_map(|step| if let Step::Mark(slot, _) = step { Some(slot + 1) } else { None });
            let groups = marks.max().unwrap_or(0) / 2;
            let name = format!("STEPS_{}", self.known.len());
            let rows: Vec<String> = steps.0.iter().map(expression).collect();
            let _ =
                writeln!(self.source, "static {name}: [Step; {}] = [\n    {}\n];", rows.len(), rows.join(",\n    "));
            let made = (format!("Prefix {{ steps: &{name}, start: {start} }}"), groups);
            self.known.insert(pattern.to_owned(), made.clone());
            made
        }
    }

    fn expression(step: &Step) -> String {
        match step {
            Step::Accept(_) => "Step::Accept".to_owned(),
            Step::Digit(set, next) => format!("Step::Digit({set:#x}, {next})"),
            Step::Either(steps) => format!("Step::Either(&{steps:?})"),
            Step::Mark(slot, next) => format!("Step::Mark({slot}, {next})"),
            Step::End(next) => format!("Step::End({next})"),
        }
    }
}
