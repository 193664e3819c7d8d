//! FENCE: somebody knows that opt-outs are missing. UNFENCE: a store may be trusted again.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Context, Session};
use crate::error::{Code, Error, Result, excerpt};
use crate::json::{date, put_replayed};
use crate::model::fence::{Cause, Fence};
use crate::model::time;
use crate::wire::{Args, Replies};

pub fn fence(context: &Context, session: &Session, mut args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let now = context.store.now();
    let backup_at = match args.next() {
        None => 0,
        Some(word) => std::str::from_utf8(word)
            .ok()
            .and_then(|at| time::parse(at).ok())
            .filter(|at| (1..=now).contains(at))
            .ok_or_else(|| Error::bad_arg(format!("'{}' is no date of the past", excerpt(word))))?,
    };
    let fence = Fence { backup_at, restored_at: now, cause: Cause::ByHand, ..Fence::default() };
    if !context.store.fence(fence, Arc::clone(&session.name))? {
        return Err(Error::new(Code::Err, "there is a fence already"));
    }
    tracing::warn!("somebody said FENCE: nobody gets messages until UNFENCE");
    replies.text("fenced");
    Ok(())
}

pub fn unfence(context: &Context, session: &Session, _: Args<'_>, replies: &mut Replies) -> Result<()> {
    // Behind the fence it is said however long it is so.
    let loosened = context.store.loosened();
    let fence = context.store.unfence(Arc::clone(&session.name))?;
    let fence =
        fence.ok_or_else(|| Error::new(Code::Err, "there is no fence: nothing was restored, or it was ended"))?;
    tracing::warn!("the fence is ended: messages go out again, by what is known now");
    let mut json = fence_json(&fence);
    json["settings_loosened"] = loosened.map(|(lacks, _)| lacks).into();
    replies.text(&json.to_string());
    Ok(())
}

fn fence_json(fence: &Fence) -> Value {
    let mut json = json!({
        "why": fence.cause.word(),
        "backup_at": date(fence.backup_at),
        "restored_at": date(fence.restored_at),
    });
    put_replayed(&mut json, &fence.replayed);
    json["not_replayed"] = not_replayed(json["replayed_to"].as_str()).into();
    json
}

/// What no trail has, in words, where the newest line that was brought back is of a date.
pub fn not_replayed(replayed_to: Option<&str>) -> String {
    let never = "pauses and removals of lists, opt-ins and messages that went out since; what an import brought back is not counted";
    match replayed_to {
        None => never.to_owned(),
        Some(to) => format!("{never}; and what forbids from after {to}, if the trails were cut off there"),
    }
}
