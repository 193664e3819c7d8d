//! Phones that more than one row of a file speaks of, of which one is refused: no other row may subscribe them.
//!
//! Rows are sent as they are read, so a row that subscribes may stand before the one that is refused. Numbers that were in the
//! file are remembered as one word each, and so are those of refused rows; what has to be taken back is taken back at the end.

use std::collections::HashSet;

use foldhash::fast::RandomState;

use super::refusal::{Doubt, Refusal};
use super::row::ListIndex;
use crate::model::phone::{PHONE_DIGITS_MAX, Phone};

/// Bits of a phone number's value; what is above them tells lists apart.
const PHONE_BITS: u32 = 50;

const _: () = assert!(10_u64.pow(PHONE_DIGITS_MAX as u32) <= 1 << PHONE_BITS);
const _: () = assert!(crate::limits::LISTS_MAX < 1 << (u64::BITS - PHONE_BITS));

/// A number and a list as one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(u64);

impl Key {
    pub fn new(phone: Phone, list: ListIndex) -> Key {
        Key(phone.as_u64() | u64::from(list) << PHONE_BITS)
    }

    pub fn phone(self) -> Option<Phone> {
        Phone::from_u64(self.0 & ((1 << PHONE_BITS) - 1))
    }

    pub fn list(self) -> ListIndex {
        (self.0 >> PHONE_BITS) as ListIndex
    }
}

/// What the rows of a file said so far of their phones.
#[derive(Default)]
pub struct Withheld {
    /// Those that were in the file before.
    seen: HashSet<Key, RandomState>,
    /// Those of which a row says, or may say in words, that they never agreed.
    declined: HashSet<Key, RandomState>,
    /// Those of which a row may say so, and nobody can read it.
    doubted: HashSet<Key, RandomState>,
    /// Of the first, those of which another row says something else.
    pub both: Vec<Key>,
    /// The same of the second.
    pub perhaps: Vec<Key>,
}

impl Withheld {
    /// Notes that a phone is in the file. Whether it is for the first time.
    pub fn see(&mut self, key: Key) -> bool {
        self.seen.insert(key)
    }

    /// Why a row of a phone that forbids nothing subscribes nobody, if another row keeps it from that. `is_new` says that no row
    /// of the phone was taken before.
    pub fn keeps(&mut self, key: Key, is_new: bool) -> Option<Refusal> {
        if self.declined.contains(&key) {
            self.both.extend(is_new.then_some(key));
            return Some(Refusal::YesAndNo);
        }
        if self.doubted.contains(&key) {
            self.perhaps.extend(is_new.then_some(key));
            return Some(Refusal::OtherRow);
        }
        None
    }

    /// Notes that a refused row is in doubt about a phone. Whether another row said for sure what this one denies.
    pub fn doubt(&mut self, key: Key, doubt: Doubt) -> bool {
        match doubt {
            Doubt::Words => {
                let is_both = self.declined.insert(key) && self.seen.contains(&key);
                self.both.extend(is_both.then_some(key));
                is_both
            }
            Doubt::Silence => {
                let is_perhaps = self.doubted.insert(key) && self.seen.contains(&key);
                self.perhaps.extend(is_perhaps.then_some(key));
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(list: ListIndex) -> Key {
        Key::new(Phone::parse(b"+14155550101").expect("a phone"), list)
    }

    #[test]
    fn a_key_is_a_phone_and_a_list() {
        let longest = Phone::parse(b"+999999999999999").expect("a phone");
        let key = Key::new(longest, 10_000);
        assert_eq!((key.phone(), key.list()), (Some(longest), 10_000));
    }

    #[test]
    fn whichever_row_stands_first_nobody_is_subscribed() {
        for (doubt, why) in [(Doubt::Words, Refusal::YesAndNo), (Doubt::Silence, Refusal::OtherRow)] {
            let taken_back = |withheld: &Withheld| match doubt {
                Doubt::Words => withheld.both.clone(),
                Doubt::Silence => withheld.perhaps.clone(),
            };
            let mut withheld = Withheld::default();
            assert!(withheld.see(key(0)) && withheld.keeps(key(0), true).is_none());
            assert_eq!(withheld.doubt(key(0), doubt), doubt == Doubt::Words);
            assert!(withheld.keeps(key(0), false) == Some(why.clone()) && withheld.keeps(key(1), true).is_none());
            assert_eq!(taken_back(&withheld), [key(0)], "once");

            let mut withheld = Withheld::default();
            assert!(!withheld.doubt(key(0), doubt) && withheld.see(key(0)));
            assert_eq!(withheld.keeps(key(0), true), Some(why));
            assert_eq!(taken_back(&withheld), [key(0)]);
        }
    }
}
