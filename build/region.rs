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
        let _ = writeln!(self.source, "static {name}: [Step; {}] = [\n    {}\n];", rows.len(), rows.join(",\n    "));
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
