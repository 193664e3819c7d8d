//! The lists that an import is for.

use super::send::pipeline::ended;
use crate::client::{Client, Reply};
use crate::error::{Error, Result};

/// Looks whether there is such a list. `*`, for contacts on no list, always is.
pub fn check_list(client: &mut Client, list: &str) -> Result<()> {
    if list == "*" {
        return Ok(());
    }
    // Any number does: that the list is unknown comes first.
    match client.call(&["CHECK", list, "+14155550100"])? {
        Reply::Text(verdict) if verdict == "no unknown_list" => Err(Error::bad_arg(format!(
            "the list {list} does not exist: create it first with contactd call LIST {list}"
        ))),
        Reply::Text(_) => Ok(()),
        other => Err(ended(other.to_string().trim_start_matches('-'))),
    }
}
