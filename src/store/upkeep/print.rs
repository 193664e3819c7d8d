//! Prints for the rare values of labels, in a store of an earlier format: there each value has a posting of its own. It is done
//! when the store is opened, before anybody else reads or writes.

use std::sync::Arc;

use roaring::RoaringBitmap;

use super::Upkeep;
use crate::counted::counted;
use crate::error::{Error, Result};
use crate::limits::{COMMON_LABELS_MIN, POSTING_CHUNK_IDS, PRINT_STEP};
use crate::store::engine::after;
use crate::store::format::codec::V1;
use crate::store::format::keys;
use crate::store::format::printed;
use crate::store::format::term::{Term, prints};
use crate::store::memory::sketch::Sketch;
use crate::store::write::promote::Relabelled;

/// Places in which values are counted: enough for tens of millions of values.
const PLACES: usize = 1 << 22;
/// What stands at [`keys::PRINTED`] when it is known which values are common, and the others do not all have prints yet.
const COUNTED: u8 = 0;

/// A posting of a label: its key, its value, its contacts.
type OfLabel<'l> = (&'l str, &'l str, &'l RoaringBitmap);

impl Upkeep {
    /// Whether rare values of labels have prints in this store.
    pub fn is_printed(&self) -> Result<bool> {
        Ok(self.state.engine.get(keys::PRINTED)?.as_deref() == Some(&[V1]))
    }

    /// Notes which values are common, and gives the others prints. A crash in between does no harm: what is left is done at the
    /// next start.
    pub fn print(&self) -> Result<()> {
        if self.state.engine.get(keys::PRINTED)?.is_none() {
            self.begin_to_print()?;
            self.note_common()?;
            self.note_printed(COUNTED)?;
        }
        let mut rare = 0;
        self.each_label(&mut |labels| {
            let mut relabelled = Relabelled::default();
            let common = Arc::clone(self.state.memory.pending().common());
            for (key, value, ids) in labels.iter().filter(|(key, value, _)| !common.has(key, value)) {
                rare += 1;
                for id in *ids {
                    relabelled.changes.push(Term::Label(key, value), id, false);
                    for print in prints(key, value) {
                        relabelled.changes.push(print, id, true);
                    }
                }
            }
            self.relabel(relabelled)
        })?;
        if rare > 0 {
            tracing::info!("{} of labels have no index of their own any more", counted(rare, "rare value"));
        }
        self.note_printed(V1)
    }

    /// From now on no older contactd opens the store.
    fn begin_to_print(&self) -> Result<()> {
        let format = self.state.engine.get(keys::FORMAT)?.and_then(|format| format.first().copied());
        let format = format.ok_or_else(|| Error::internal("the store has no format"))?;
        let mut values: Vec<_> = keys::spacers().map(|key| (key.to_vec(), Some(Vec::new()))).collect();
        values.push((keys::FORMAT.to_vec(), Some(vec![printed(format)])));
        self.on_writer(move |writer| writer.commit_values(values))
    }

    fn note_common(&self) -> Result<()> {
        let mut sketch = Sketch::new(PLACES, u32::MAX);
        self.each_label(&mut |labels| {
            for (key, value, ids) in labels {
                sketch.add(key, value, u8::try_from(ids.len()).unwrap_or(u8::MAX));
            }
            Ok(())
        })?;
        self.each_label(&mut |labels| {
            let known = Arc::clone(self.state.memory.pending().common());
            let often = labels.iter().filter(|(key, value, _)| sketch.count(key, value) >= COMMON_LABELS_MIN);
            let new = often.filter(|(key, value, _)| !known.has(key, value));
            let common = new.map(|(key, value, _)| ((*key).to_owned(), (*value).to_owned())).collect();
            self.relabel(Relabelled { common, ..Relabelled::default() })
        })
    }

    fn note_printed(&self, how_far: u8) -> Result<()> {
        self.on_writer(move |writer| writer.commit_values(vec![(keys::PRINTED, Some(vec![how_far]))]))
    }

    fn relabel(&self, relabelled: Relabelled) -> Result<()> {
        if relabelled.common.is_empty() && relabelled.changes.count() == 0 {
            return Ok(());
        }
        self.on_writer(move |writer| {
            writer.commit_alone(|overlay| {
                overlay.relabelled = relabelled;
                Ok(())
            })
        })
    }

    /// Gives all postings of labels, some of one range of ids at a time.
    fn each_label(&self, take: &mut dyn FnMut(&[OfLabel<'_>]) -> Result<()>) -> Result<()> {
        let is_label = |key: &[u8]| matches!(keys::parse_posting(key), Some((Term::Label(..), _)));
        let ids_end = self.state.memory.gate().directory.ids_end();
        for chunk in 0..ids_end.div_ceil(POSTING_CHUNK_IDS) {
            let mut start = keys::posting(Term::Label("", ""), chunk * POSTING_CHUNK_IDS);
            loop {
                let range = start..keys::postings(chunk + 1).to_vec();
                let postings = self.state.postings(range, &is_label, PRINT_STEP)?;
                let Some((last, _)) = postings.last_key_value() else { break };
                start = after(last);
                let labels: Vec<OfLabel<'_>> = postings
                    .iter()
                    .filter_map(|(key, ids)| match keys::parse_posting(key) {
                        Some((Term::Label(key, value), _)) => Some((key, value, ids)),
                        _ => None,
                    })
                    .collect();
                take(&labels)?;
            }
        }
        Ok(())
    }
}
