//! VERIFY: every index against the records, while the daemon serves.

use super::Context;
use crate::error::Result;
use crate::wire::{Args, Replies};

pub fn verify(context: &Context, _: Args<'_>, replies: &mut Replies) -> Result<()> {
    let found = context.store.verify(false)?;
    let compared = format!("{} contacts {} postings {} tombstones", found.contacts, found.postings, found.tombstones);
    if found.differing == 0 {
        replies.text(&format!("ok {compared}"));
        return Ok(());
    }
    replies.array(found.differences.len() + 1);
    replies.text(&format!(
        "differs {} of {compared}: stop the daemon and run contactd verify --data-dir DIR --repair",
        found.differing
    ));
    for difference in &found.differences {
        replies.text(difference);
    }
    Ok(())
}
