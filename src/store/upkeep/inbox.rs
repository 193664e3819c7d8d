//! Settling a message of the inbox: somebody has looked.

use std::sync::Arc;

use super::Upkeep;
use crate::error::Result;
use crate::model::change::{Change, Statement, Write};

impl Upkeep {
    /// Settles a message by its number, for whose token this is. Says whether it waited.
    pub fn settle(&self, number: u64, statement: Statement, by: Arc<str>) -> Result<bool> {
        self.on_writer(move |writer| {
            let Some(head) = writer.state.memory.gate().inbox.get(number) else { return Ok(false) };
            let change = Change::Reviewed { number, statement };
            let write = Write::Contact { phone: head.phone, list: Some(head.list), change };
            writer.commit_alone(|overlay| {
                overlay.by = by;
                overlay.apply(&write).map(drop)
            })?;
            Ok(true)
        })
    }
}
