//! What became of the rows.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use indicatif::HumanCount;
use serde_json::{Value, json};

use super::refusal::Refusal;
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
    /// How many, and what to do about the first of them.
    pub rejected: BTreeMap<&'static str, (u64, String)>,
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

    /// Counts a rejected row.
    pub fn reject(&mut self, why: &Refusal) {
        self.rejected.entry(why.code()).or_insert_with(|| (0, why.advice())).0 += 1;
    }

    /// How many rows were rejected.
    pub fn rejected(&self) -> u64 {
        self.rejected.values().map(|(rows, _)| rows).sum()
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
        let rejected: BTreeMap<_, _> = self.rejected.iter().map(|(code, (rows, _))| (code, rows)).collect();
        let seconds = (self.took().as_secs_f64() * 1000.0).round() / 1000.0;
        let columns = self.columns.iter().map(|(column, read_as)| json!({"column": column, "read_as": read_as}));
        let mut json = json!({
            "rows": self.rows, "created": self.created, "updated": self.updated, "unchanged": self.unchanged,
            "duplicate": self.duplicate, "kept": self.kept, "rejected": rejected, "taken": self.taken, "lost": self.lost, "seconds": seconds,
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
        for (code, (rows, advice)) in &self.rejected {
            line(f, *rows, &format!("rejected, {code}: {advice}"))?;
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
