//! The trail of an open store.

use super::Upkeep;
use crate::error::Result;

impl Upkeep {
    /// Writes into the trail what it lacks, before anybody is served. If it cannot be written, that is tried again.
    pub fn complete_trail(&self) -> Result<()> {
        self.on_writer(|writer| {
            writer.complete_trail();
            Ok(())
        })
    }
}
