//! What `contactd health` says of a fence, of one that was ended, of a trail that was found to be another one, and of looser settings.

use super::health::Stats;
use crate::counted::counted;

/// Why nobody gets messages, and what to do before that is ended.
pub fn fenced(stats: &Stats) -> String {
    let why = match (stats.word("fenced_why"), stats.word("fenced_backup_at")) {
        ("trail", _) => "the store is older than its trail, and nobody can say that the trail has everything since, so opt-outs may \
                         be missing"
            .to_owned(),
        ("by_hand", "none") => "somebody said FENCE, so opt-outs may be missing".to_owned(),
        ("by_hand", at) => format!("somebody said FENCE: the store is of {at}, and does not know who opted out since"),
        (_, "none") => "a file is gone that tells whether the store is whole, so opt-outs may be missing".to_owned(),
        (_, at) => format!("the store was restored from a backup of {at}, which does not know who opted out since"),
    };
    let mut steps = vec![format!(
        "nobody gets messages: {why}; bring that back ({} of trails did; what an import brings is not counted)",
        counted(stats.number("fenced_replayed"), "line")
    )];
    if let Some(to) = stats.said("fenced_replayed_to") {
        steps.push(format!(
            "compare {to}, the date of the newest of them, with the moment of the loss, since nobody can see whether a trail was cut off \
             at its end"
        ));
    }
    let passed_over = stats.number("fenced_passed_over");
    if passed_over > 0 {
        let lines = counted(passed_over, "line");
        steps.push(format!("look for what {lines} of trails said that cannot be read, not as written, or gone"));
    }
    if stats.number("fenced_unnamed_erasures") > 0 {
        let to = stats.word("fenced_unnamed_erasures_to");
        steps.push(format!("ERASE again whom you erased until {to}, since no trail names them"));
    }
    if let Some(lacks_before) = stats.said("fenced_trail_lacks_before") {
        steps.push(format!("look elsewhere for what forbids from before {lacks_before}, which the trails do not have"));
    }
    if stats.word("fenced_trail_is_other") == "true" {
        steps.push("see that no lines are gone from the trail, which is not as the store left it".to_owned());
    }
    steps.push("pause the lists that were paused since, and UNLIST those that were removed".to_owned());
    steps.push("then UNFENCE".to_owned());
    steps.join(", ")
}

/// What was found out of the trail at the start, in a word and in words. Behind a fence that is said with its reason.
pub fn trail_found(stats: &Stats) -> Option<(&'static str, String)> {
    let (what, message) = match stats.word("trail_found") {
        _ if stats.word("fenced") == "true" => return None,
        "other" => (
            "trail_other",
            "the trail was gone, cut or another file when contactd started: if somebody put the data directory back as well (a copy, a \
             snapshot), say FENCE now; if not, make a backup, and this ends",
        ),
        "newer" => (
            "store_older",
            "the data directory was older than its trail when contactd started, or its disk was full before: who opted out since was brought \
             back, but no trail has pauses and removals of lists, claims and opt-ins; pause the lists that were paused since, UNLIST those that were removed, then make a \
             backup, and this ends",
        ),
        _ => return None,
    };
    Some((what, message.to_owned()))
}

/// What was known to be missing when a fence was ended, for those who come later.
pub fn unfenced_without(stats: &Stats) -> Option<(&'static str, String)> {
    let (at, missing) = stats.said("unfenced_without")?.split_once(' ')?;
    let message = format!(
        "UNFENCE ended a fence at {at}, and {missing}: who opted out then may get messages. Find that out, and send it; FENCE stops \
         everything meanwhile. This is said for a week"
    );
    Some(("unfenced_without", message))
}

/// In what settings forbid less than in an earlier run.
pub fn settings_loosened(stats: &Stats) -> Option<(&'static str, String)> {
    let (since, lacks) = stats.said("settings_loosened")?.split_once(' ')?;
    let message = format!(
        "{lacks}, since {since}: whoever was held back by that gets messages. If that is not meant, start with the settings that it \
         had; if it is, this is said for a week"
    );
    Some(("settings_loosened", message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Reply;

    fn stats(lines: &[&str]) -> Stats {
        Stats::read(&lines.iter().map(|line| Reply::Text((*line).to_owned())).collect::<Vec<_>>())
    }

    #[test]
    fn each_step_before_unfence_is_named() {
        for (lines, words) in [
            (
                &["fenced_backup_at 2026-05-01T03:00:00.000Z", "fenced_passed_over 2"][..],
                "look for what 2 lines of trails said that cannot be read, not as written, or gone, pause the lists that were paused \
                 since, and UNLIST those that were removed, then UNFENCE",
            ),
            (
                &[
                    "fenced_backup_at none",
                    "fenced_unnamed_erasures 1",
                    "fenced_unnamed_erasures_to 2026-05-02T03:00:00.000Z",
                ],
                "(0 lines of trails did; what an import brings is not counted), ERASE again whom you erased until 2026-05-02T03:00:00.000Z",
            ),
            (&["fenced_replayed_to 2026-05-01T03:00:00.000Z"], "compare 2026-05-01T03:00:00.000Z, the date"),
        ] {
            let said = fenced(&stats(lines));
            assert!(said.contains(words), "{said}");
        }
    }

    #[test]
    fn a_trail_that_was_found_otherwise_is_told_unless_there_is_a_fence() {
        let found = |lines: &[&str]| trail_found(&stats(lines)).map(|(what, _)| what);
        assert_eq!(found(&["trail_found other"]), Some("trail_other"));
        assert_eq!(found(&["trail_found newer"]), Some("store_older"));
        assert_eq!(found(&["trail_found as_left"]), None);
        assert_eq!(found(&[]), None);
        assert_eq!(found(&["trail_found other", "fenced true"]), None);
    }
}
