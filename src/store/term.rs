//! Terms: what a contact can be found by. All indexes follow from [`Term::all_of`] and from nothing else: writes,
//! rebuild and verification use it alike.

use crate::limits::GATE_CHUNK_IDS;
use crate::model::contact::Contact;
use crate::model::list::ListId;
use crate::model::verdict::{ContactStatus, ListStatus, StopScope};

/// Something that is true of a contact, with a posting of all contacts of which it is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Term {
    /// The contact's own status.
    Contact(ContactStatus),
    /// Its status on a list, when a STOP reaches that list alone.
    List(ListId, ListStatus),
    /// Active on the list under that scope, but opted out of it when a STOP reaches all lists. Both scopes are told
    /// apart by this difference, so that switching needs no migration.
    Held(ListId),
}

const CONTACT: u8 = 1;
const LIST: u8 = 2;
const HELD: u8 = 3;

impl Term {
    /// Every term of a contact, in order.
    pub fn all_of(contact: &Contact) -> Vec<Term> {
        let mut terms = vec![Term::Contact(contact.status())];
        for on in &contact.lists {
            let status = contact.list_status(on, StopScope::List);
            if status != ListStatus::None {
                terms.push(Term::List(on.list, status));
            }
            if status == ListStatus::Active && contact.list_status(on, StopScope::All) == ListStatus::OptedOut {
                terms.push(Term::Held(on.list));
            }
        }
        terms.sort_unstable();
        terms
    }

    /// How many ids one chunk of its posting covers.
    pub fn chunk_ids(self) -> u32 {
        GATE_CHUNK_IDS
    }

    pub(super) fn write_key(self, key: &mut Vec<u8>) {
        match self {
            Term::Contact(status) => key.extend([CONTACT, status as u8]),
            Term::List(list, status) => {
                key.push(LIST);
                key.extend(list.0.to_be_bytes());
                key.push(status as u8);
            }
            Term::Held(list) => {
                key.push(HELD);
                key.extend(list.0.to_be_bytes());
            }
        }
    }

    pub(super) fn read_key(key: &[u8]) -> Option<Term> {
        match key {
            [CONTACT, status] => ContactStatus::ALL.into_iter().find(|s| *s as u8 == *status).map(Term::Contact),
            [LIST, list @ .., status] => {
                let list = ListId(u32::from_be_bytes(list.try_into().ok()?));
                ListStatus::KEPT.into_iter().find(|s| *s as u8 == *status).map(|status| Term::List(list, status))
            }
            [HELD, list @ ..] => Some(Term::Held(ListId(u32::from_be_bytes(list.try_into().ok()?)))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_terms() {
        let mut terms = vec![Term::Held(ListId(0)), Term::Held(ListId(70_000))];
        terms.extend(ContactStatus::ALL.map(Term::Contact));
        terms.extend(ListStatus::KEPT.map(|status| Term::List(ListId(513), status)));
        for term in terms {
            let mut key = Vec::new();
            term.write_key(&mut key);
            assert_eq!(Term::read_key(&key), Some(term));
        }
    }
}
