//! UNFENCE: a store may be trusted again.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Context, Session};
use crate::error::{Code, Error, Result};
use crate::json::{date, put_replayed};
use crate::model::fence::Fence;
use crate::wire::{Args, Replies};

pub fn unfence(context: &Context, session: &Session, _: Args<'_>, replies: &mut Replies) -> Result<()> {
    let fence = context.store.unfence(Arc::clone(&session.name))?;
    let fence =
        fence.ok_or_else(|| Error::new(Code::Err, "there is no fence: nothing was restored, or it was ended"))?;
    tracing::warn!("the fence is ended: messages go out again, by what is known now");
    replies.text(&fence_json(&fence).to_string());
    Ok(())
}

fn fence_json(fence: &Fence) -> Value {
    let mut json = json!({ "backup_at": date(fence.backup_at), "restored_at": date(fence.restored_at) });
    put_replayed(&mut json, &fence.replayed);
    json
}
