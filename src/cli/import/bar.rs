//! How far an import is, on a terminal; nothing in a pipe.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use crate::import::{Progress, Report};

/// A line that says how far the import is.
pub struct Bar {
    bar: ProgressBar,
    read: Arc<AtomicU64>,
}

impl Bar {
    /// Shows something only to people. `bytes` is the size of the file, if it has one; `read` is how much of it was read.
    pub fn new(bytes: Option<u64>, read: Arc<AtomicU64>) -> Bar {
        let bar = match bytes {
            _ if !std::io::stderr().is_terminal() => ProgressBar::hidden(),
            Some(bytes) => ProgressBar::new(bytes).with_style(style("{wide_bar} {percent:>3} %  {msg}, {eta} left")),
            None => ProgressBar::new_spinner().with_style(style("{spinner} {bytes} {msg}")),
        };
        Bar { bar, read }
    }
}

impl Progress for Bar {
    fn update(&mut self, report: &Report) {
        if self.bar.is_hidden() {
            return;
        }
        self.bar.set_position(self.read.load(Ordering::Relaxed));
        let (rows, rate) = (HumanCount(report.rows), HumanCount(report.rows_per_second()));
        self.bar.set_message(format!("{rows} rows, {rate}/s, {} rejected", HumanCount(report.rejected())));
    }

    fn finish(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
