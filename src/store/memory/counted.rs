//! How many contacts of each window matched a filter, and which: what was counted lately is counted again without a look at
//! windows in which nothing has changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use roaring::RoaringBitmap;

use super::decoded::WINDOW_IDS;
use crate::limits::{COUNTED_FILTERS_MAX, KEPT_FILTERS_MAX};
use crate::model::filter::Filter;

/// The counts that are kept.
#[derive(Default)]
pub struct Counted {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// How often each window has changed.
    windows: Vec<u64>,
    /// How often something has that concerns all of them: a list, the fence.
    all: u64,
    /// By filter, and by window.
    counts: HashMap<Filter, Vec<Known>, RandomState>,
    /// Who matched, by filter, and by window.
    sets: HashMap<Filter, HashMap<usize, Set, RandomState>, RandomState>,
}

/// Who matched in a window.
struct Set {
    /// How often the window had changed before.
    version: u64,
    ids: Arc<RoaringBitmap>,
}

/// A window's count, if it is known.
#[derive(Clone, Copy)]
struct Known {
    /// How often the window had changed before it was counted.
    version: u64,
    count: Option<u64>,
}

impl Counted {
    /// How many contacts match a filter. `windows` is how many there are, `count` counts in one.
    pub fn sum<E>(
        &self,
        filter: &Filter,
        windows: usize,
        mut count: impl FnMut(usize) -> Result<u64, E>,
    ) -> Result<u64, E> {
        let mut known = self.known(filter, windows);
        let (mut sum, mut is_news) = (0, false);
        for (window, known) in known.iter_mut().enumerate() {
            let in_window = match known.count {
                Some(count) => count,
                None => count(window)?,
            };
            is_news |= known.count.replace(in_window).is_none();
            sum += in_window;
        }
        if is_news {
            self.lock().keep(filter, known);
        }
        Ok(sum)
    }

    /// The contacts of a window that match a filter. `read` says who they are, if that is not known here.
    pub fn ids<E>(
        &self,
        filter: &Filter,
        window: usize,
        read: impl FnOnce() -> Result<RoaringBitmap, E>,
    ) -> Result<Arc<RoaringBitmap>, E> {
        let kept = self.lock();
        let version = kept.version(window);
        let known = kept.sets.get(filter).and_then(|sets| sets.get(&window)).filter(|set| set.version == version);
        if let Some(set) = known {
            return Ok(Arc::clone(&set.ids));
        }
        drop(kept);
        let ids = Arc::new(read()?);
        self.lock().keep_set(filter, window, Set { version, ids: Arc::clone(&ids) });
        Ok(ids)
    }

    /// Contacts have changed, and whoever counts now sees that.
    pub fn contacts_changed(&self, ids: &[u32]) {
        let mut kept = self.lock();
        let mut last = None;
        for window in ids.iter().map(|id| (id / WINDOW_IDS) as usize) {
            if last.replace(window) == Some(window) {
                continue;
            }
            if kept.windows.len() <= window {
                kept.windows.resize(window + 1, 0);
            }
            kept.windows[window] += 1;
        }
    }

    /// Something has changed that may concern any contact, and whoever counts now sees that.
    pub fn all_changed(&self) {
        self.lock().all += 1;
    }

    /// What is known of each window. A count that begins now has at least what this tells as its version.
    fn known(&self, filter: &Filter, windows: usize) -> Vec<Known> {
        let kept = self.lock();
        let counts = kept.counts.get(filter);
        let known = |window: usize| {
            let version = kept.version(window);
            let known = counts.and_then(|counts| counts.get(window)).filter(|known| known.version == version);
            known.copied().unwrap_or(Known { version, count: None })
        };
        (0..windows).map(known).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// How often a window has changed.
    fn version(&self, window: usize) -> u64 {
        self.all + self.windows.get(window).copied().unwrap_or_default()
    }

    /// Begins anew where there is no room, like [`Self::keep`].
    fn keep_set(&mut self, filter: &Filter, window: usize, set: Set) {
        if let Some(sets) = self.sets.get_mut(filter) {
            sets.insert(window, set);
            return;
        }
        if self.sets.len() == KEPT_FILTERS_MAX {
            self.sets.clear();
        }
        self.sets.insert(filter.clone(), HashMap::from_iter([(window, set)]));
    }

    /// Begins anew where there is no room: what is asked for again comes back.
    fn keep(&mut self, filter: &Filter, counts: Vec<Known>) {
        if let Some(known) = self.counts.get_mut(filter) {
            *known = counts;
            return;
        }
        if self.counts.len() == COUNTED_FILTERS_MAX {
            self.counts.clear();
        }
        self.counts.insert(filter.clone(), counts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOWS: usize = 3;

    fn vip() -> Filter {
        Filter::HasLabel("vip".to_owned())
    }

    /// Counts, and tells which windows were looked at.
    fn ask(counted: &Counted, filter: &Filter, each: u64) -> (u64, Vec<usize>) {
        let mut looked_at = Vec::new();
        let count = |window| {
            looked_at.push(window);
            Ok::<_, ()>(each)
        };
        let sum = counted.sum(filter, WINDOWS, count).expect("counted");
        (sum, looked_at)
    }

    #[test]
    fn a_window_is_counted_again_once_something_in_it_has_changed() {
        let counted = Counted::default();
        assert_eq!(ask(&counted, &vip(), 5), (15, vec![0, 1, 2]));
        assert_eq!(ask(&counted, &vip(), 9), (15, vec![]), "it is known");
        assert_eq!(ask(&counted, &Filter::All(Vec::new()), 1), (3, vec![0, 1, 2]), "another filter");
        counted.contacts_changed(&[WINDOW_IDS, WINDOW_IDS + 1]);
        assert_eq!(ask(&counted, &vip(), 6), (16, vec![1]));
        counted.all_changed();
        assert_eq!(ask(&counted, &vip(), 7), (21, vec![0, 1, 2]));
        counted.contacts_changed(&[7 * WINDOW_IDS]);
        assert_eq!(ask(&counted, &vip(), 8), (21, vec![]), "a window that is not counted");
    }

    #[test]
    fn what_changed_while_it_was_counted_is_counted_again() {
        let counted = Counted::default();
        let count = |window| {
            if window == 1 {
                counted.contacts_changed(&[0]);
                counted.contacts_changed(&[WINDOW_IDS]);
            }
            Ok::<_, ()>(1)
        };
        assert_eq!(counted.sum(&vip(), WINDOWS, count), Ok(3));
        assert_eq!(ask(&counted, &vip(), 2), (5, vec![0, 1]));
    }

    #[test]
    fn an_error_leaves_nothing() {
        let counted = Counted::default();
        assert_eq!(counted.sum(&vip(), WINDOWS, |window| if window < 2 { Ok(1) } else { Err("no") }), Err("no"));
        assert_eq!(ask(&counted, &vip(), 2), (6, vec![0, 1, 2]));
    }

    /// Asks who matches in a window, and tells whether that was read.
    fn ask_who(counted: &Counted, window: usize, now: u32) -> (Vec<u32>, bool) {
        let mut was_read = false;
        let read = || {
            was_read = true;
            Ok::<_, ()>(RoaringBitmap::from_iter([now]))
        };
        let ids = counted.ids(&vip(), window, read).expect("read");
        (ids.iter().collect(), was_read)
    }

    #[test]
    fn who_matched_is_kept_until_something_in_the_window_changes() {
        let counted = Counted::default();
        assert_eq!(ask_who(&counted, 0, 5), (vec![5], true));
        assert_eq!(ask_who(&counted, 0, 9), (vec![5], false));
        assert_eq!(ask_who(&counted, 1, 6), (vec![6], true), "another window");
        counted.contacts_changed(&[WINDOW_IDS]);
        assert_eq!(ask_who(&counted, 0, 9), (vec![5], false));
        assert_eq!(ask_who(&counted, 1, 9), (vec![9], true));
        counted.all_changed();
        assert_eq!(ask_who(&counted, 0, 7), (vec![7], true));
    }

    #[test]
    fn who_matched_before_a_change_that_came_meanwhile_is_not_believed() {
        let counted = Counted::default();
        let read = || {
            counted.contacts_changed(&[3]);
            Ok::<_, ()>(RoaringBitmap::from_iter([1]))
        };
        counted.ids(&vip(), 0, read).expect("read");
        assert_eq!(ask_who(&counted, 0, 2), (vec![2], true));
    }

    #[test]
    fn memory_is_bounded() {
        let counted = Counted::default();
        for n in 0..3 * COUNTED_FILTERS_MAX {
            let filter = Filter::HasLabel(n.to_string());
            ask(&counted, &filter, 1);
            counted.ids(&filter, 0, || Ok::<_, ()>(RoaringBitmap::new())).expect("read");
            let kept = counted.lock();
            assert!(kept.counts.len() <= COUNTED_FILTERS_MAX && kept.sets.len() <= KEPT_FILTERS_MAX);
        }
    }
}
