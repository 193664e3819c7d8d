//! The settings by which a store says no more often than it must. Whoever starts it without one of them, as after a restore without
//! the old settings, lets messages go to people who were held back.

use std::collections::BTreeSet;

use super::inbox::MaybeOptOut;
use super::time::{DAY_MS, Millis};
use super::verdict::StopScope;
use crate::counted::counted;

/// So long it is said that settings are looser than they were, or what was missing when a fence was ended: whoever comes to work in
/// that time sees it.
pub const SAID_MS: Millis = 7 * DAY_MS;

/// How strict a daemon is set up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strictness {
    /// How far a STOP reaches.
    pub scope: StopScope,
    /// What is done with a contact that may want out.
    pub maybe_optout: MaybeOptOut,
    /// A sum of each line that a keywords file has of words that opt out, or may.
    pub words: BTreeSet<u64>,
}

impl Strictness {
    /// What an earlier one had and this one has not, in words; none if that is nothing.
    pub fn lacks_of(&self, before: &Strictness) -> Option<String> {
        let scope = (before.scope == StopScope::All && self.scope != before.scope)
            .then(|| "--stop-scope is list, and was all".to_owned());
        let maybe = (before.maybe_optout == MaybeOptOut::Hold && self.maybe_optout != before.maybe_optout)
            .then(|| "--maybe-optout is show, and was hold".to_owned());
        let gone = before.words.difference(&self.words).count() as u64;
        let words = (gone > 0).then(|| format!("--keywords lacks {} that it had", counted(gone, "line")));
        let lacks: Vec<String> = [scope, maybe, words].into_iter().flatten().collect();
        (!lacks.is_empty()).then(|| lacks.join(", "))
    }

    /// The stricter of both in everything.
    #[must_use]
    pub fn with(&self, other: &Strictness) -> Strictness {
        let scope = if other.scope == StopScope::All { other.scope } else { self.scope };
        let maybe_optout = if other.maybe_optout == MaybeOptOut::Hold { other.maybe_optout } else { self.maybe_optout };
        Strictness { scope, maybe_optout, words: &self.words | &other.words }
    }
}

/// What a store remembers of how strict it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// The strictest settings, until they were given up for long enough.
    pub strictest: Strictness,
    /// Since when it is run with looser ones; 0 if it is not.
    pub loosened_at: Millis,
}

impl Remembered {
    /// What it is at a start with these settings.
    #[must_use]
    pub fn at_start(self, now_set: &Strictness, now: Millis) -> Remembered {
        if now_set.lacks_of(&self.strictest).is_none() || self.loosened_at > 0 && now >= self.loosened_at + SAID_MS {
            return Remembered { strictest: now_set.clone(), loosened_at: 0 };
        }
        let loosened_at = if self.loosened_at > 0 { self.loosened_at } else { now };
        Remembered { strictest: self.strictest.with(now_set), loosened_at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_up_is_said_for_a_week_and_until_it_is_set_again() {
        let set = |scope, maybe_optout, words: &[u64]| Strictness {
            scope,
            maybe_optout,
            words: words.iter().copied().collect(),
        };
        let strict = set(StopScope::All, MaybeOptOut::Hold, &[1, 2]);
        let loose = Strictness::default();
        assert_eq!(strict.lacks_of(&loose), None);
        assert_eq!(
            loose.lacks_of(&strict).as_deref(),
            Some(
                "--stop-scope is list, and was all, --maybe-optout is show, and was hold, --keywords lacks 2 lines that it had"
            )
        );
        let other_words = set(StopScope::All, MaybeOptOut::Hold, &[2, 3]);
        assert_eq!(other_words.lacks_of(&strict).as_deref(), Some("--keywords lacks 1 line that it had"));
        let first = Remembered::default().at_start(&strict, 1_000);
        assert_eq!(first, Remembered { strictest: strict.clone(), loosened_at: 0 });
        let looser = first.clone().at_start(&other_words, 2_000);
        assert_eq!((looser.loosened_at, looser.strictest.words.len()), (2_000, 3));
        let again = looser.clone().at_start(&loose, 3_000);
        assert_eq!((again.loosened_at, &again.strictest), (2_000, &looser.strictest), "since the first time");
        let set_again = set(StopScope::All, MaybeOptOut::Hold, &[1, 2, 3]);
        assert_eq!(again.clone().at_start(&set_again, 4_000), Remembered { strictest: set_again, loosened_at: 0 });
        let meant = again.at_start(&loose, 2_000 + SAID_MS);
        assert_eq!(meant, Remembered { strictest: loose, loosened_at: 0 });
    }
}
