//! Postings of labels as sets of ids, window by window: what was counted lately is counted again without being read and
//! decoded.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use roaring::RoaringBitmap;

use super::changes::Changes;
use crate::error::Result;
use crate::limits::{DECODED_BYTES_A_CONTACT, DECODED_BYTES_MIN, POSTING_CHUNK_IDS};
use crate::store::format::keys;
use crate::store::format::term::Term;

/// Ids in one window: what one container of a roaring bitmap covers.
pub const WINDOW_IDS: u32 = 1 << 16;

/// The sets that are kept.
#[derive(Default)]
pub struct Decoded {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// By the key of the window's first posting.
    sets: HashMap<Vec<u8>, Arc<RoaringBitmap>, RandomState>,
    bytes: usize,
    /// Behind the highest id that a set can have.
    ids_end: usize,
    /// How many batches have changed postings.
    batches: u64,
}

impl Decoded {
    /// The ids that have a term in the window that begins at `first`. `read` says what they are, if that is not known here.
    pub fn ids(
        &self,
        term: Term<'_>,
        first: u32,
        read: impl FnOnce() -> Result<RoaringBitmap>,
    ) -> Result<Arc<RoaringBitmap>> {
        let key = keys::posting(term, first);
        let kept = self.lock();
        if let Some(ids) = kept.sets.get(&key) {
            return Ok(Arc::clone(ids));
        }
        let batches = kept.batches;
        drop(kept);
        let ids = Arc::new(read()?);
        let mut kept = self.lock();
        // What was read may be from before a batch that came meanwhile.
        if kept.batches == batches {
            kept.ids_end = kept.ids_end.max(first as usize + WINDOW_IDS as usize);
            kept.keep(key, &ids);
        }
        Ok(ids)
    }

    /// A batch has changed postings, and whoever reads them now sees that.
    pub fn forget(&self, changes: &Changes) {
        let mut kept = self.lock();
        kept.batches += 1;
        if kept.sets.is_empty() {
            return;
        }
        for (key, _) in changes.iter() {
            let Some((term, first)) = keys::parse_posting(key).filter(|_| !keys::is_gate_posting(key)) else {
                continue;
            };
            if let Some(ids) = kept.sets.remove(&keys::posting(term, first - first % WINDOW_IDS)) {
                kept.bytes -= bytes(&ids);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Begins anew where there is no room: what is asked for again comes back.
    fn keep(&mut self, key: Vec<u8>, ids: &Arc<RoaringBitmap>) {
        if self.bytes + bytes(ids) > self.room() {
            (self.sets, self.bytes) = (HashMap::default(), 0);
        }
        self.bytes += bytes(ids);
        if let Some(same) = self.sets.insert(key, Arc::clone(ids)) {
            self.bytes -= bytes(&same);
        }
    }

    fn room(&self) -> usize {
        DECODED_BYTES_MIN.max(self.ids_end * DECODED_BYTES_A_CONTACT)
    }
}

/// What a set takes, about: its ids, its key, its place.
fn bytes(ids: &RoaringBitmap) -> usize {
    ids.serialized_size() + 200
}

const _: () = assert!(WINDOW_IDS.is_multiple_of(POSTING_CHUNK_IDS));

#[cfg(test)]
mod tests {
    use super::*;

    const GOLD: Term<'_> = Term::Label("tier", "gold");

    fn ask(decoded: &Decoded, first: u32, now: &[u32]) -> Vec<u32> {
        let ids = decoded.ids(GOLD, first, || Ok(now.iter().copied().collect())).expect("read");
        ids.iter().collect()
    }

    fn changes(term: Term<'_>, id: u32) -> Changes {
        let mut changes = Changes::default();
        changes.push(term, id, true);
        changes
    }

    #[test]
    fn a_window_is_read_once_until_something_in_it_changes() {
        let decoded = Decoded::default();
        assert_eq!(ask(&decoded, 0, &[1, 2]), [1, 2]);
        assert_eq!(ask(&decoded, 0, &[3]), [1, 2], "it is kept");
        decoded.forget(&changes(Term::Label("tier", "silver"), 2));
        decoded.forget(&changes(GOLD, WINDOW_IDS));
        assert_eq!(ask(&decoded, 0, &[3]), [1, 2], "others changed");
        // In another posting of the same window.
        decoded.forget(&changes(GOLD, WINDOW_IDS - 1));
        assert_eq!(ask(&decoded, 0, &[3]), [3]);
    }

    #[test]
    fn what_was_read_while_a_batch_came_is_not_kept() {
        let decoded = Decoded::default();
        let old = decoded.ids(GOLD, 0, || {
            decoded.forget(&changes(GOLD, 5));
            Ok(RoaringBitmap::from_iter([1]))
        });
        assert_eq!(old.expect("read").len(), 1);
        assert_eq!(ask(&decoded, 0, &[1, 5]), [1, 5]);
    }

    #[test]
    fn memory_is_bounded() {
        let decoded = Decoded::default();
        let set: RoaringBitmap = (0..WINDOW_IDS).step_by(2).collect();
        let windows = 20;
        for label in 0..2 * DECODED_BYTES_MIN / bytes(&set) / windows {
            for window in 0..windows as u32 {
                let label = label.to_string();
                decoded.ids(Term::Label("n", &label), window * WINDOW_IDS, || Ok(set.clone())).expect("read");
                let kept = decoded.lock();
                let kept_bytes: usize = kept.sets.values().map(|ids| bytes(ids)).sum();
                assert!(kept.bytes == kept_bytes && kept_bytes <= DECODED_BYTES_MIN);
            }
        }
    }

    #[test]
    fn all_windows_of_some_labels_have_room() {
        let (decoded, windows) = (Decoded::default(), 200);
        let set: RoaringBitmap = (0..WINDOW_IDS).step_by(2).collect();
        let labels: Vec<String> = (0..24).map(|n| n.to_string()).collect();
        // The last window says how many contacts there are.
        for (label, window) in labels.iter().flat_map(|label| (0..windows).rev().map(move |window| (label, window))) {
            decoded.ids(Term::Label("n", label), window * WINDOW_IDS, || Ok(set.clone())).expect("read");
        }
        assert!(decoded.lock().bytes > 2 * DECODED_BYTES_MIN);
        assert_eq!(decoded.lock().sets.len(), labels.len() * windows as usize);
    }
}
