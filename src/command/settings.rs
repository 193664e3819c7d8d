//! SETTINGS: what contactd runs with.

use super::Context;
use crate::error::Result;
use crate::wire::{Args, Replies};

/// A setting as it counts: the name of its flag without the dashes, and its value. No value is a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// How it is. Empty where it is not set and has no default.
    pub value: String,
}

pub fn settings(context: &Context, _: Args<'_>, replies: &mut Replies) -> Result<()> {
    replies.array(context.settings.len());
    for Setting { name, value } in &context.settings {
        replies.text(format!("{name} {value}").trim_end());
    }
    Ok(())
}
