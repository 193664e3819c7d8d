//! Values of labels that become common: each gets a posting of its own, and its contacts lose the prints of a rare one.
//!
//! Which values come often is counted in memory alone: after a restart the counts begin anew, and a value is rare for somewhat
//! longer. One that many contacts have all the same becomes common when somebody asks for it.

use std::collections::VecDeque;
use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::error::Error;
use crate::limits::{COMMON_LABELS_AT_ONCE, COMMON_LABELS_DUE_MAX, COMMON_LABELS_LATELY, COMMON_LABELS_MIN};
use crate::model::contact::Contact;
use crate::store::format::common::Common;
use crate::store::format::term::{Term, prints};
use crate::store::memory::changes::Changes;
use crate::store::memory::sketch::Sketch;
use crate::store::state::State;

/// Places in which values are counted.
const PLACES: usize = 1 << 16;

/// Counts the rare values that contacts get.
pub struct Promotions {
    sketch: Sketch,
    /// The values that have come often enough, by key.
    due: VecDeque<(String, String)>,
}

/// Which values are common before a batch, and which are after it.
pub struct Placing {
    pub before: Arc<Common>,
    pub after: Arc<Common>,
    /// The values that become common, each with the contacts that have it before the batch.
    moved: Vec<(String, String, RoaringBitmap)>,
}

impl Promotions {
    pub fn new() -> Promotions {
        Promotions { sketch: Sketch::new(PLACES, COMMON_LABELS_LATELY), due: VecDeque::new() }
    }

    /// Takes note of the rare values that a contact gets.
    pub fn note(&mut self, before: Option<&Contact>, after: &Contact, common: &Common) {
        let is_new = |key: &str, value: &str| before.is_none_or(|before| before.labels.get(key) != Some(value));
        for (key, value) in common.rare(after).filter(|(key, value)| is_new(key, value)) {
            let (before, now) = self.sketch.add(key, value, 1);
            if before < COMMON_LABELS_MIN && now >= COMMON_LABELS_MIN && self.due.len() < COMMON_LABELS_DUE_MAX {
                self.due.push_back((key.to_owned(), value.to_owned()));
            }
        }
    }

    /// What becomes common with the next batch, and where its contacts are. The batch is written without a value of which that
    /// cannot be read: nothing that forbids waits for a label.
    pub fn next(&mut self, state: &State) -> Placing {
        self.due.extend(state.memory.take_often());
        let before = Arc::clone(state.memory.pending().common());
        let mut placing = Placing { after: Arc::clone(&before), before, moved: Vec::new() };
        for at in (0..self.due.len().min(COMMON_LABELS_AT_ONCE)).rev() {
            let Some((key, value)) = self.due.get(at).cloned() else { continue };
            let ids = if placing.after.has(&key, &value) {
                None
            } else {
                let unread =
                    |why: &Error| tracing::warn!("a value of the label {key} stays a rare one: {}", why.message);
                state.all_with_rare(&key, &value).inspect_err(unread).ok()
            };
            match ids {
                Some(ids) => placing.add(key, value, ids),
                None => drop(self.due.remove(at)),
            }
        }
        placing
    }

    /// A batch is durable, and these are common.
    pub fn done(&mut self, common: &Common) {
        self.due.retain(|(key, value)| !common.has(key, value));
    }
}

impl Placing {
    /// A value becomes common, and these contacts have its prints before the batch.
    pub fn add(&mut self, key: String, value: String, ids: RoaringBitmap) {
        Arc::make_mut(&mut self.after).add(&key, &value);
        self.moved.push((key, value, ids));
    }

    /// Whether nothing becomes common.
    pub fn is_empty(&self) -> bool {
        self.moved.is_empty()
    }

    /// The values that become common.
    pub fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.moved.iter().map(|(key, value, _)| (key.as_str(), value.as_str()))
    }

    /// What changes for contacts of which the batch has done nothing yet.
    pub fn move_others(&self, done: &[u32], changes: &mut Changes) {
        if self.is_empty() {
            return;
        }
        let done: RoaringBitmap = done.iter().copied().collect();
        for (key, value, ids) in &self.moved {
            for id in ids - &done {
                for print in prints(key, value) {
                    changes.push(print, id, false);
                }
                changes.push(Term::Label(key, value), id, true);
            }
        }
    }
}

/// What a store of an earlier format needs: its postings are right for another placing of values.
#[derive(Default)]
pub struct Relabelled {
    /// Values with postings of their own that keep them.
    pub common: Vec<(String, String)>,
    /// What changes in postings.
    pub changes: Changes,
}
