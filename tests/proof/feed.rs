//! A reader of FEED that goes on where it was, whatever becomes of the daemon in between.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::wire::Wire;

/// A contact's status, and its status on each list.
pub type Standing = (String, BTreeMap<String, String>);

/// What it knows is what the items told, and nothing else.
#[derive(Clone, Debug, Default)]
pub struct Follower {
    pub position: String,
    pub contacts: BTreeMap<String, Standing>,
    pub items: usize,
}

impl Follower {
    /// Reads until there is nothing new, or with `WAIT` until the daemon goes or `goes_on` says no. The error is a refusal.
    pub fn follow(&mut self, address: &Path, wait_ms: usize, goes_on: impl Fn() -> bool) -> Result<(), String> {
        let Some(mut wire) = Wire::try_connect(address) else { return Ok(()) };
        while goes_on() {
            wire.send(&format!("FEED {} LIMIT 500 WAIT {wait_ms}\n", self.position));
            // A reply that was cut off tells nothing.
            let Some(lines) = wire.reply() else { return Ok(()) };
            let [_, position, items @ ..] = &lines[..] else {
                return Err(format!("FEED {}: {}", self.position, lines.concat()));
            };
            if items.is_empty() && wait_ms == 0 {
                return Ok(());
            }
            position[1..].clone_into(&mut self.position);
            for item in items {
                self.take(&serde_json::from_str(&item[1..]).expect("JSON"));
            }
        }
        Ok(())
    }

    fn take(&mut self, item: &Value) {
        self.items += 1;
        // Lists stay, and who was erased is not named.
        if item["kind"] == "contact" {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let known = self.contacts.entry(text(&item["phone"])).or_default();
            known.0 = text(&item["status"]);
            for on in item["lists"].as_array().into_iter().flatten() {
                if on["status"] == "none" {
                    known.1.remove(&text(&on["list"]));
                } else {
                    known.1.insert(text(&on["list"]), text(&on["status"]));
                }
            }
        }
    }
}

/// The same by what GET says.
pub fn standing(contact: &Value) -> Standing {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let on = contact["lists"].as_array().into_iter().flatten().filter(|on| on["status"] != "none");
    (text(&contact["status"]), on.map(|on| (text(&on["list"]), text(&on["status"]))).collect())
}
