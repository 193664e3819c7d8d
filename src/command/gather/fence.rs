//! UNFENCE of several partitions.

use serde_json::Value;

use super::{Gathered, object};
use crate::command::fence::not_replayed;
use crate::error::Result;
use crate::json::add;
use crate::wire::{Replies, Reply};

/// Dates of which the oldest counts: what came behind it may be missing somewhere.
pub const OLDEST: [&str; 2] = ["backup_at", "replayed_to"];
/// Dates of which the newest counts: what came before it may be missing somewhere.
pub const NEWEST: [&str; 3] = ["restored_at", "unnamed_erasures_to", "trail_lacks_before"];

/// Ends the fences that there are, and says of each thing that is missing what is the worst of it. `replies` may have errors: those of
/// partitions without a fence.
pub fn unfence(gathered: Gathered<'_>, replies: &mut Replies) -> Result<()> {
    let mut ended = Vec::new();
    for reply in gathered.replies {
        if let Reply::Text(_) = reply {
            ended.push(object(reply)?);
        }
    }
    match ended.into_iter().reduce(worst) {
        Some(mut fence) => {
            fence["not_replayed"] = not_replayed(fence["replayed_to"].as_str()).into();
            replies.text(&fence.to_string());
        }
        None => replies.again(gathered.first()?),
    }
    Ok(())
}

fn worst(mut one: Value, other: Value) -> Value {
    add(&mut one, &other);
    for key in ["settings_loosened", "replayed_to"].into_iter().chain(NEWEST) {
        if one[key].is_null() {
            one[key] = other[key].clone();
        }
    }
    // Nobody knows of when that partition is.
    if other["backup_at"].is_null() {
        one["backup_at"] = Value::Null;
    }
    let is_older = |key: &str| one[key].as_str().zip(other[key].as_str()).is_some_and(|(one, other)| other < one);
    let is_newer = |key: &str| one[key].as_str().zip(other[key].as_str()).is_some_and(|(one, other)| other > one);
    let older = OLDEST.into_iter().filter(|key| is_older(key));
    let worse: Vec<&str> = older.chain(NEWEST.into_iter().filter(|key| is_newer(key))).collect();
    for key in worse {
        one[key] = other[key].clone();
    }
    if other["trail_is_other"] == true {
        one["trail_is_other"] = true.into();
    }
    one
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_missing_in_any_partition_is_told() {
        let whole = json!({
            "why": "restored", "backup_at": "2026-05-01", "restored_at": "2026-05-03", "replayed": 3, "replayed_to": "2026-05-02",
            "passed_over": 0, "unnamed_erasures_to": null, "trail_lacks_before": null, "trail_is_other": false,
            "settings_loosened": null,
        });
        let lacking = json!({
            "why": "restored", "backup_at": "2026-04-30", "restored_at": "2026-05-04", "replayed": 2, "replayed_to": "2026-05-01",
            "passed_over": 1, "unnamed_erasures_to": "2026-05-01", "trail_lacks_before": "2026-05-01", "trail_is_other": true,
            "settings_loosened": "--stop-scope is list, and was all",
        });
        let worse = json!({
            "why": "restored", "backup_at": "2026-04-30", "restored_at": "2026-05-04", "replayed": 5, "replayed_to": "2026-05-01",
            "passed_over": 1, "unnamed_erasures_to": "2026-05-01", "trail_lacks_before": "2026-05-01", "trail_is_other": true,
            "settings_loosened": "--stop-scope is list, and was all",
        });
        assert_eq!(worst(whole.clone(), lacking.clone()), worse);
        assert_eq!(worst(lacking, whole.clone()), worse);
        let unknown = json!({ "backup_at": null, "replayed_to": null });
        for both in [worst(whole.clone(), unknown.clone()), worst(unknown, whole)] {
            assert_eq!((&both["backup_at"], &both["replayed_to"]), (&Value::Null, &"2026-05-02".into()));
        }
    }
}
