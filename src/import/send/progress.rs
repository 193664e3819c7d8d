//! How far an import is, for whoever shows it.

use super::report::Report;

/// Who is told how far an import is.
pub trait Progress: Send {
    /// Called now and then, with what has become of the rows so far.
    fn update(&mut self, report: &Report);

    /// Called once, when no more rows follow.
    fn finish(&mut self) {}
}

/// Nobody.
impl Progress for () {
    fn update(&mut self, _: &Report) {}
}
