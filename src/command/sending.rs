//! CHECK: the question before every message.

use super::arguments;
use crate::error::{Error, Result};
use crate::limits::CHECK_PHONES_MAX;
use crate::store::gate::Gate;
use crate::wire::{Args, Replies};

#[inline]
pub fn check(gate: &Gate, mut args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let door = gate.door(arguments::list(&mut args)?);
    let first = arguments::phone(&mut args);
    if args.is_empty() {
        replies.verdict(door.verdict(first?));
        return Ok(());
    }
    let more = args.count();
    if more >= CHECK_PHONES_MAX {
        return Err(Error::limit(format!("CHECK takes at most {CHECK_PHONES_MAX} phones, these are {}", more + 1)));
    }
    replies.array(more + 1);
    let mut phone = first;
    loop {
        match phone {
            Ok(phone) => replies.verdict(door.verdict(phone)),
            Err(error) => replies.error(&error),
        }
        if args.is_empty() {
            return Ok(());
        }
        phone = arguments::phone(&mut args);
    }
}
