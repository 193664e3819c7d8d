//! Which values of labels are common. Each of these has a posting of its own, the others share [prints](super::term::Term::Print):
//! a million values that occur once would be a million postings.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::model::contact::Contact;

type Values = HashSet<Box<str>, RandomState>;

/// The values that have postings of their own. One that is common stays so.
#[derive(Clone, Debug, Default)]
pub struct Common {
    /// By key, so that a copy with one more has only that key's values anew.
    values: HashMap<Box<str>, Arc<Values>, RandomState>,
}

impl Common {
    /// Whether a value of a label is common.
    pub fn has(&self, key: &str, value: &str) -> bool {
        self.values.get(key).is_some_and(|values| values.contains(value))
    }

    /// How many values of a label are common.
    pub fn count(&self, key: &str) -> usize {
        self.values.get(key).map_or(0, |values| values.len())
    }

    /// A value is common from now on.
    pub fn add(&mut self, key: &str, value: &str) {
        let values = match self.values.get_mut(key) {
            Some(values) => values,
            None => self.values.entry(key.into()).or_default(),
        };
        Arc::make_mut(values).insert(value.into());
    }

    /// The labels of a contact whose values are rare.
    pub fn rare<'c>(&self, contact: &'c Contact) -> impl Iterator<Item = (&'c str, &'c str)> {
        contact.labels.iter().filter(|(key, value)| !self.has(key, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_common_under_its_own_key() {
        let mut common = Common::default();
        common.add("state", "CA");
        let before = common.clone();
        common.add("state", "NY");
        common.add("state", "NY");
        assert!(common.has("state", "CA") && common.has("state", "NY") && !common.has("tier", "CA"));
        assert_eq!((common.count("state"), common.count("tier")), (2, 0));
        assert!(before.has("state", "CA") && !before.has("state", "NY"), "a copy stays as it was");
    }
}
