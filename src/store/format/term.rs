//! Terms: what a contact can be found by. All indexes follow from [`Term::all_of`] and from nothing else: writes,
//! rebuild and verification use it alike.

use crate::limits::{GATE_CHUNK_IDS, POSTING_CHUNK_IDS};
use crate::model::contact::Contact;
pub use crate::model::filter::DayOf;
use crate::model::list::ListId;
use crate::model::time::Day;
use crate::model::verdict::{ContactStatus, ListStatus, StopScope};
use crate::store::format::code::Coded;
use crate::store::format::common::Common;

/// Something that is true of a contact, with a posting of all contacts of which it is true.
///
/// The order is that of the keys: the gate's terms first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Term<'t> {
    /// The contact's own status.
    Contact(ContactStatus),
    /// Its status on a list, when a STOP reaches that list alone.
    List(ListId, ListStatus),
    /// Active on the list under that scope, but opted out of it when a STOP reaches all lists. Both scopes are told
    /// apart by this difference, so that switching needs no migration.
    StoppedElsewhere(ListId),
    /// A date of the contact fell on a day.
    Day(DayOf, Day),
    /// It has a label of this key.
    HasLabel(&'t str),
    /// It has a label of this key and value, and the value is common.
    Label(&'t str, &'t str),
    /// It has a label of this key with a rare value, of which a part of the sum is this slot: see [`prints`].
    Print(&'t str, u8),
}

const CONTACT: u8 = 1;
const LIST: u8 = 2;
const STOPPED_ELSEWHERE: u8 = 3;
/// The gate's terms have tags up to here.
pub const GATE_TAG_MAX: u8 = STOPPED_ELSEWHERE;
const DAY: u8 = 0x10;
const HAS_LABEL: u8 = 0x20;
const LABEL: u8 = 0x21;
const PRINT: u8 = 0x22;
/// Behind a label's key, in which it cannot occur.
const KEY_END: u8 = 0;

/// How many terms of days a contact has at most.
const DAYS: usize = 4;

/// The slots of second prints are from here on.
pub const SECOND_PRINTS: u8 = 0x80;

/// The two terms by which a contact is found that has a label with a rare value: two parts of the value's CRC-32. So a range
/// of ids has at most 256 postings for a key, however many values there are; and of the contacts that have both terms of a
/// value nearly all have the value. Their records tell.
pub fn prints<'t>(key: &'t str, value: &str) -> [Term<'t>; 2] {
    let sum = crc32fast::hash(value.as_bytes());
    let part = |from: u32| (sum >> from) as u8 & !SECOND_PRINTS;
    [Term::Print(key, part(0)), Term::Print(key, SECOND_PRINTS | part(7))]
}

impl<'t> Term<'t> {
    /// Every term of a contact, in order, where these values of labels are common.
    pub fn all_of(contact: &'t Contact, common: &Common) -> Vec<Term<'t>> {
        let mut terms = Term::gate_with_room(contact, DAYS + 3 * contact.labels.len());
        terms.push(Term::Day(DayOf::Created, Day::of(contact.created_at)));
        if contact.engagement.last_engaged > 0 {
            terms.push(Term::Day(DayOf::Engaged, Day::of(contact.engagement.last_engaged)));
        }
        terms.push(Term::Day(DayOf::Idle, Day::of(contact.idle_since())));
        if let Some(set) = contact.invalidity.set.as_ref().filter(|_| contact.is_invalid()) {
            terms.push(Term::Day(DayOf::Invalid, Day::of(set.at)));
        }
        // Labels come by key: so all of it comes in order, and nothing is left to sort.
        terms.extend(contact.labels.iter().map(|(key, _)| Term::HasLabel(key)));
        let mut of_rare = Vec::with_capacity(2 * contact.labels.len());
        for (key, value) in contact.labels.iter() {
            if common.has(key, value) {
                terms.push(Term::Label(key, value));
            } else {
                of_rare.extend(prints(key, value));
            }
        }
        terms.append(&mut of_rare);
        debug_assert!(terms.is_sorted());
        terms
    }

    /// The gate's terms of a contact, in order: those that verdicts follow from.
    pub fn gate_of(contact: &Contact) -> Vec<Term<'t>> {
        Term::gate_with_room(contact, 0)
    }

    /// The same, with room for as many more.
    fn gate_with_room(contact: &Contact, more: usize) -> Vec<Term<'t>> {
        let mut terms = Vec::with_capacity(1 + contact.lists.len() + more);
        terms.push(Term::Contact(contact.status()));
        for on in &contact.lists {
            let status = contact.list_status(on, StopScope::List);
            if status != ListStatus::None {
                terms.push(Term::List(on.list, status));
            }
            if status == ListStatus::Active && contact.list_status(on, StopScope::All) == ListStatus::OptedOut {
                terms.push(Term::StoppedElsewhere(on.list));
            }
        }
        terms.sort_unstable();
        terms
    }

    /// Whether the gate keeps it in memory, in smaller chunks, since every opt-out rewrites two.
    pub fn is_gate(&self) -> bool {
        matches!(self, Term::Contact(_) | Term::List(..) | Term::StoppedElsewhere(_))
    }

    /// How many ids one chunk of its posting covers.
    pub fn chunk_ids(&self) -> u32 {
        if self.is_gate() { GATE_CHUNK_IDS } else { POSTING_CHUNK_IDS }
    }

    /// Appends what stands for the term in a key.
    pub fn write_key(&self, key: &mut Vec<u8>) {
        match self {
            Term::Contact(status) => key.extend([CONTACT, status.code()]),
            Term::List(list, status) => {
                key.push(LIST);
                key.extend(list.0.to_be_bytes());
                key.push(status.code());
            }
            Term::StoppedElsewhere(list) => {
                key.push(STOPPED_ELSEWHERE);
                key.extend(list.0.to_be_bytes());
            }
            Term::Day(of, day) => {
                key.extend([DAY, of.code()]);
                key.extend(day.0.to_be_bytes());
            }
            Term::HasLabel(label) => {
                key.push(HAS_LABEL);
                key.extend_from_slice(label.as_bytes());
            }
            Term::Label(label, value) => {
                key.push(LABEL);
                key.extend_from_slice(label.as_bytes());
                key.push(KEY_END);
                key.extend_from_slice(value.as_bytes());
            }
            Term::Print(label, slot) => {
                key.push(PRINT);
                key.extend_from_slice(label.as_bytes());
                key.extend([KEY_END, *slot]);
            }
        }
    }

    /// Reads what [`Term::write_key`] wrote.
    pub fn read_key(key: &'t [u8]) -> Option<Term<'t>> {
        let list = |bytes: &[u8]| Some(ListId(u32::from_be_bytes(bytes.try_into().ok()?)));
        let text = |bytes: &'t [u8]| std::str::from_utf8(bytes).ok();
        match key {
            [CONTACT, status] => ContactStatus::from_code(*status).ok().map(Term::Contact),
            [LIST, id @ .., status] => {
                let status = ListStatus::from_code(*status).ok().filter(|status| ListStatus::KEPT.contains(status));
                Some(Term::List(list(id)?, status?))
            }
            [STOPPED_ELSEWHERE, id @ ..] => Some(Term::StoppedElsewhere(list(id)?)),
            [DAY, of, day @ ..] => {
                Some(Term::Day(DayOf::from_code(*of).ok()?, Day(u32::from_be_bytes(day.try_into().ok()?))))
            }
            [HAS_LABEL, label @ ..] => Some(Term::HasLabel(text(label)?)),
            [LABEL, rest @ ..] => {
                let end = rest.iter().position(|&byte| byte == KEY_END)?;
                Some(Term::Label(text(&rest[..end])?, text(&rest[end + 1..])?))
            }
            [PRINT, label @ .., KEY_END, slot] => Some(Term::Print(text(label)?, *slot)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::label::Labels;
    use crate::model::phone::Phone;

    #[test]
    fn keys_keep_terms_and_their_order() {
        let mut terms: Vec<Term> = ContactStatus::ALL.map(Term::Contact).into();
        terms.extend(ListStatus::KEPT.map(|status| Term::List(ListId(513), status)));
        terms.extend([Term::StoppedElsewhere(ListId(0)), Term::StoppedElsewhere(ListId(70_000))]);
        terms.extend(DayOf::ALL.map(|of| Term::Day(of, Day(20_000))));
        terms.extend(["a", "b.c"].map(Term::HasLabel));
        terms.extend([("a", ""), ("a", "x\0y"), ("a.b", "ü")].map(|(key, value)| Term::Label(key, value)));
        terms.extend([("a", 0), ("a", 0x80), ("a", 0xff), ("a.b", 1)].map(|(key, slot)| Term::Print(key, slot)));
        let keys: Vec<Vec<u8>> = terms
            .iter()
            .map(|term| {
                let mut key = Vec::new();
                term.write_key(&mut key);
                key
            })
            .collect();
        assert!(keys.is_sorted() && terms.is_sorted());
        assert!(terms.iter().zip(&keys).all(|(term, key)| Term::read_key(key) == Some(*term)));
        assert!(terms.iter().zip(&keys).all(|(term, key)| term.is_gate() == (key[0] <= GATE_TAG_MAX)));
    }

    /// The sum is frozen: these bytes are on people's disks.
    #[test]
    fn a_rare_value_has_two_prints_and_a_common_one_a_posting() {
        assert_eq!(prints("n", ""), [Term::Print("n", 0), Term::Print("n", 0x80)]);
        // The CRC-32 of "123456789" is cbf43926.
        assert_eq!(prints("n", "123456789"), [Term::Print("n", 0x26), Term::Print("n", 0xf2)]);
        let mut contact = Contact::new(Phone::from_u64(14_155_550_123).expect("a phone"), 5);
        let labels = [("n", "123456789"), ("state", "CA")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        contact.labels = Labels::from_stored(labels.into());
        let mut common = Common::default();
        common.add("state", "CA");
        let placed = |common: &Common| -> Vec<String> {
            let terms = Term::all_of(&contact, common);
            assert!(terms.is_sorted());
            let of_labels = terms.iter().filter(|term| matches!(term, Term::Label(..) | Term::Print(..)));
            of_labels.map(|term| format!("{term:?}")).collect()
        };
        assert_eq!(placed(&common), [r#"Label("state", "CA")"#, r#"Print("n", 38)"#, r#"Print("n", 242)"#]);
        assert_eq!(placed(&Common::default()).len(), 4);
    }
}
