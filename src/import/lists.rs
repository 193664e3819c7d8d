//! The lists that an import is for.

use super::send::pipeline::ended;
use crate::client::{Client, Reply};
use crate::error::Result;

/// Whether there is such a list. `*`, for contacts on no list, always is.
pub fn has_list(client: &mut Client, list: &str) -> Result<bool> {
    if list == "*" {
        return Ok(true);
    }
    // Any number does: that the list is unknown comes first.
    match client.call(&["CHECK", list, "+14155550100"])? {
        Reply::Text(verdict) => Ok(verdict != "no unknown_list"),
        other => Err(ended(other.to_string().trim_start_matches('-'))),
    }
}
