//! What became of the rows.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use indicatif::HumanCount;
use serde_json::{Value, json};

use super::fault::{Fault, FaultyCells, FaultyColumn};
use crate::error::excerpt;

/// The sums of an import. Every row is in exactly one of them.
#[derive(Clone, Debug)]
pub struct Report {
    /// Nothing was changed.
    pub dry_run: bool,
    /// The id that the events of its rows have. Empty when nothing was changed.
    pub import_id: String,
    /// Rows that are not blank.
    pub rows: u64,
    /// Rows that made a contact or put one onto its list.
    pub created: u64,
    /// Rows that changed a contact.
    pub updated: u64,
    /// Rows that said nothing new.
    pub unchanged: u64,
    /// Its number was in the file before, for the same list.
    pub duplicate: u64,
    /// What stands against the subscription was kept: how many, by what stands.
    pub kept: BTreeMap<String, u64>,
    /// Rejected rows, by the code of the reason.
    pub rejected: BTreeMap<&'static str, RejectedRows>,
    /// Rejected rows whose opt-out, suppression or invalid number was taken all the same.
    pub taken: u64,
    /// Rejected rows that forbid something, and nobody knows to which number.
    pub lost: u64,
    /// Rows that a dry run would have imported.
    pub readable: u64,
    /// How each column was read: its heading and what it is.
    pub columns: Vec<(String, String)>,
    /// What a person should know of the columns.
    pub warnings: Vec<String>,
    started: Instant,
    took: Option<Duration>,
}

/// Rows that were rejected for one reason.
#[derive(Clone, Debug, Default)]
pub struct RejectedRows {
    pub rows: u64,
    /// What to do about the first of them.
    pub advice: String,
    /// The cells that are meant, where it is about cells.
    pub cells: FaultyCells,
}

/// Of more columns only the number is told to people.
const COLUMNS_MAX: usize = 5;

impl Report {
    /// The report of no row.
    pub fn new(dry_run: bool) -> Report {
        Report {
            dry_run,
            import_id: String::new(),
            rows: 0,
            created: 0,
            updated: 0,
            unchanged: 0,
            duplicate: 0,
            kept: BTreeMap::new(),
            rejected: BTreeMap::new(),
            taken: 0,
            lost: 0,
            readable: 0,
            columns: Vec::new(),
            warnings: Vec::new(),
            started: Instant::now(),
            took: None,
        }
    }

    /// Counts a rejected row. `cell` tells what stands in the cell that is meant.
    pub fn reject(&mut self, Fault { why, column }: &Fault, cell: impl FnOnce() -> Option<String>) {
        let first = || RejectedRows { advice: why.advice(), ..RejectedRows::default() };
        let rejected = self.rejected.entry(why.code()).or_insert_with(first);
        rejected.rows += 1;
        if let Some(column) = column {
            rejected.cells.add(*column, cell);
        }
    }

    /// What one calls a column.
    pub fn heading(&self, at: usize) -> &str {
        self.columns.get(at).map_or("?", |(heading, _)| heading)
    }

    /// What stands in rejected cells is not told any more.
    pub fn forget_examples(&mut self) {
        self.rejected.values_mut().for_each(|rejected| rejected.cells.forget_examples());
    }

    /// Of rows that were rejected for one reason, the columns with the most cells that are meant, each with how many, and with
    /// examples in such quotes.
    pub fn told_cells(&self, rejected: &RejectedRows, [open, close]: [char; 2]) -> Vec<(u64, String)> {
        let columns = rejected.cells.columns();
        let more: u64 = columns.iter().skip(COLUMNS_MAX).map(|(_, faulty)| faulty.rows).sum();
        let told = columns.iter().take(COLUMNS_MAX).map(|(at, FaultyColumn { rows, examples })| {
            let examples: Vec<String> = examples.iter().map(|example| format!("{open}{example}{close}")).collect();
            let heading = excerpt(self.heading(*at).as_bytes());
            (*rows, if examples.is_empty() { heading } else { format!("{heading}, like {}", examples.join(" or ")) })
        });
        told.chain((more > 0).then(|| (more, "other columns".to_owned()))).collect()
    }

    /// How many rows were rejected.
    pub fn rejected(&self) -> u64 {
        self.rejected.values().map(|rejected| rejected.rows).sum()
    }

    /// Stops the clock.
    pub fn finish(&mut self) {
        self.took = Some(self.started.elapsed());
    }

    /// How fast it was.
    pub fn rows_per_second(&self) -> u64 {
        self.rows.saturating_mul(1000) / (self.took().as_millis().max(1) as u64)
    }

    fn took(&self) -> Duration {
        self.took.unwrap_or_else(|| self.started.elapsed())
    }

    /// One object for programs.
    pub fn json(&self, error: Option<&str>) -> Value {
        let rejected: BTreeMap<_, _> = self.rejected.iter().map(|(code, rejected)| (code, rejected.rows)).collect();
        let cells: BTreeMap<_, _> =
            self.rejected.iter().map(|(code, rejected)| (code, self.cells_json(rejected))).collect();
        let seconds = (self.took().as_secs_f64() * 1000.0).round() / 1000.0;
        let columns = self.columns.iter().map(|(column, read_as)| json!({"column": column, "read_as": read_as}));
        let mut json = json!({
            "rows": self.rows, "created": self.created, "updated": self.updated, "unchanged": self.unchanged,
            "duplicate": self.duplicate, "kept": self.kept, "rejected": rejected, "rejected_cells": cells,
            "taken": self.taken, "lost": self.lost, "seconds": seconds,
            "dry_run": self.dry_run, "columns": columns.collect::<Value>(), "warnings": self.warnings,
        });
        if self.dry_run {
            json["readable"] = self.readable.into();
        }
        if !self.import_id.is_empty() {
            json["import_id"] = self.import_id.as_str().into();
        }
        if let Some(error) = error {
            json["error"] = error.into();
        }
        json
    }

    fn cells_json(&self, rejected: &RejectedRows) -> Value {
        let column = |(at, faulty): (usize, &FaultyColumn)| json!({"column": self.heading(at), "rows": faulty.rows, "examples": faulty.examples});
        rejected.cells.columns().into_iter().map(column).collect()
    }
}

/// For people.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |f: &mut fmt::Formatter<'_>, rows: u64, what: &str| {
            if rows == 0 { Ok(()) } else { writeln!(f, "{:>12} {what}", HumanCount(rows).to_string()) }
        };
        let seconds = self.took().as_secs_f64();
        let rate = HumanCount(self.rows_per_second());
        writeln!(
            f,
            "{:>12} {} in {seconds:.1} s, {rate} a second",
            HumanCount(self.rows).to_string(),
            if self.rows == 1 { "row" } else { "rows" }
        )?;
        line(f, self.readable, "would be imported; nothing was changed")?;
        line(f, self.created, "created")?;
        line(f, self.updated, "updated")?;
        line(f, self.unchanged, "unchanged")?;
        line(f, self.duplicate, "appeared in the file before: labels merged, the strictest status kept")?;
        for (reason, rows) in &self.kept {
            line(f, *rows, &format!("kept, {reason}: an import never lifts it"))?;
        }
        for (code, rejected) in &self.rejected {
            line(f, rejected.rows, &format!("rejected, {code}: {}", rejected.advice))?;
            for (rows, column) in self.told_cells(rejected, ['\'', '\'']) {
                line(f, rows, &format!("of these because of the cell in {column}"))?;
            }
        }
        let taken = if self.dry_run { "would be taken" } else { "was taken" };
        line(f, self.taken, &format!("of the rejected rows: what they forbid, such as an opt-out, {taken}"))?;
        line(
            f,
            self.lost,
            "of the rejected rows: what they forbid was NOT taken, since their number is not certain: find out whose they are, and \
             import these with --as optout",
        )?;
        for (column, read_as) in &self.columns {
            writeln!(f, "{:>12} {} → {read_as}", "column", excerpt(column.as_bytes()))?;
        }
        if !self.import_id.is_empty() {
            writeln!(f, "{:>12} {}: HISTORY shows it as the id of what these rows said", "import id", self.import_id)?;
        }
        Ok(())
    }
}
