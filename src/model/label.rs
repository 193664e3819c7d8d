//! Labels: custom key=value pairs on a contact, for targeting.

use crate::error::{Error, Result, excerpt};
use crate::limits::{LABEL_KEY_BYTES_MAX, LABELS_BYTES_MAX, LABELS_MAX};

/// The labels of one contact, by key: few, so that a list of them costs less than a map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(Vec<(String, String)>);

/// What to do to labels: set those with a value, remove those without.
pub type LabelPatch = Vec<(String, Option<String>)>;

impl Labels {
    /// Builds labels that are known to be within limits: those of a stored record.
    pub fn from_stored(mut pairs: Vec<(String, String)>) -> Labels {
        pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
        Labels(pairs)
    }

    /// The pairs, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The value of one label.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.place(key).ok().map(|at| self.0[at].1.as_str())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets and removes; says whether anything changed. Over a limit nothing is done.
    pub fn patch(&mut self, patch: &LabelPatch) -> Result<bool> {
        let same = patch.iter().all(|(key, value)| self.get(key) == value.as_deref());
        if same {
            return Ok(false);
        }
        let mut patched = Labels(Vec::with_capacity(self.0.len() + patch.len()));
        patched.0.extend_from_slice(&self.0);
        for (key, value) in patch {
            match (patched.place(key), value) {
                (Ok(at), Some(value)) => patched.0[at].1.clone_from(value),
                (Ok(at), None) => drop(patched.0.remove(at)),
                (Err(at), Some(value)) => patched.0.insert(at, (key.clone(), value.clone())),
                (Err(_), None) => {}
            }
        }
        let bytes: usize = patched.iter().map(|(key, value)| key.len() + value.len()).sum();
        if patched.len() > LABELS_MAX || bytes > LABELS_BYTES_MAX {
            return Err(Error::limit(format!(
                "a contact has at most {LABELS_MAX} labels with {LABELS_BYTES_MAX} bytes in all; this would make {} labels with {bytes} bytes",
                patched.len()
            )));
        }
        *self = patched;
        Ok(true)
    }

    /// Where a key is, or where it would be.
    fn place(&self, key: &str) -> std::result::Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.as_str().cmp(key))
    }
}

/// Checks a label key: `[a-z0-9_.-]{1,64}`.
pub fn check_key(key: &str) -> Result<()> {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-');
    if (1..=LABEL_KEY_BYTES_MAX).contains(&key.len()) && key.bytes().all(allowed) {
        return Ok(());
    }
    Err(Error::bad_arg(format!(
        "'{}' is not a label key: use 1 to {LABEL_KEY_BYTES_MAX} of a-z 0-9 _ . -",
        excerpt(key.as_bytes())
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(key: &str, value: &str) -> (String, Option<String>) {
        (key.to_owned(), Some(value.to_owned()))
    }

    #[test]
    fn patches_merge_and_null_removes() {
        let mut labels = Labels::default();
        assert_eq!(labels.patch(&vec![set("state", "CA"), set("tier", "gold")]), Ok(true));
        assert_eq!(labels.patch(&vec![set("state", "CA")]), Ok(false));
        assert_eq!(labels.patch(&vec![("tier".into(), None)]), Ok(true));
        assert_eq!(labels.patch(&vec![("tier".into(), None)]), Ok(false));
        assert_eq!(labels.iter().collect::<Vec<_>>(), [("state", "CA")]);
    }

    #[test]
    fn over_a_limit_nothing_changes() {
        let mut labels = Labels::default();
        let many = (0..=LABELS_MAX).map(|n| set(&format!("k{n}"), "v")).collect();
        assert!(labels.patch(&many).is_err());
        assert!(labels.patch(&vec![set("k", &"v".repeat(LABELS_BYTES_MAX))]).is_err());
        assert!(labels.is_empty());
    }

    #[test]
    fn keys_are_plain() {
        assert!(check_key("utm_source.first-touch").is_ok());
        for key in ["", "State", "a b", "é", &"k".repeat(65)] {
            assert!(check_key(key).is_err(), "{key}");
        }
    }
}
