//! The inbox: messages in which somebody may want out, until a person has looked or the contact has decided.

use super::contact::Contact;
use super::fact::date;
use super::list::Lists;
use super::phone::{ListNumber, Phone};
use super::time::Millis;

/// What contactd does with a contact whose message waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MaybeOptOut {
    /// Shows the message, and goes on.
    #[default]
    Show,
    /// Shows the message, and gives no yes for its list until it is settled.
    Hold,
}

impl MaybeOptOut {
    /// The word on the command line and in STATS.
    pub fn word(self) -> &'static str {
        match self {
            MaybeOptOut::Show => "show",
            MaybeOptOut::Hold => "hold",
        }
    }
}

/// A message that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Who wrote it.
    pub phone: Phone,
    /// To which list, by its number: a list that is made again is the same one.
    pub list: ListNumber,
    /// When, as it counts.
    pub at: Millis,
    /// When the daemon took it.
    pub seen_at: Millis,
    /// The caller's id for it. May be empty.
    pub id: String,
    /// What it says.
    pub text: String,
}

/// Whether the contact has decided since a message to a list was sent: an opt-out that is not older, or an explicit opt-in
/// that is newer. It follows from the facts alone, so that their order of arrival does not matter.
pub fn is_settled(contact: &Contact, list: ListNumber, at: Millis, lists: &Lists) -> bool {
    let is_here = |number: Option<ListNumber>| number == Some(list);
    let here = || contact.lists.iter().filter(|on| is_here(lists.number(on.list)));
    let out = here().filter_map(|on| on.opted_out.as_ref()).chain(&contact.opted_out_all);
    out.map(|fact| fact.at).any(|out| out >= at) || here().any(|on| date(on.opted_in.as_ref()) > at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::contact::ListContact;
    use crate::model::fact::Fact;
    use crate::model::list::{List, ListId};

    #[test]
    fn what_the_contact_says_later_settles_it() {
        let number = ListNumber::parse(b"24365").expect("a list");
        let mut lists = Lists::default();
        lists.put(ListId(0), List::unknown(number));
        let fact = |at| Some(Fact { at, ..Fact::default() });
        let contact = |on: ListContact, all| Contact {
            lists: vec![on],
            opted_out_all: all,
            ..Contact::new(Phone::parse(b"+14155550123").expect("a phone"), 1)
        };
        let on = || ListContact::new(ListId(0));
        for (contact, settled) in [
            (contact(on(), None), false),
            (contact(ListContact { opted_out: fact(10), ..on() }, None), true),
            (contact(ListContact { opted_out: fact(9), ..on() }, None), false),
            (contact(ListContact { opted_in: fact(10), ..on() }, None), false),
            (contact(ListContact { opted_in: fact(11), ..on() }, None), true),
            (contact(ListContact { imported: fact(11), ..on() }, None), false),
            (contact(on(), fact(10)), true),
        ] {
            assert_eq!(is_settled(&contact, number, 10, &lists), settled, "{contact:?}");
        }
    }
}
