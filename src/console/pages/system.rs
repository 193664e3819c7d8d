//! How the daemon does: all of STATS, with what each value means.

use askama::Template;

use super::{Page, render};
use crate::client::Reply;
use crate::console::frame::{Frame, Section};
use crate::console::visit::Visit;
use crate::console::words::grouped;

#[derive(Template)]
#[template(path = "system.html", config = "src/console/askama.toml")]
struct System {
    frame: Frame,
    version: String,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    value: String,
    meaning: String,
}

/// Shows it.
pub async fn show(visit: Visit) -> Page {
    let rows = visit.stats().all().iter().map(|(name, value)| Row {
        name: name.clone(),
        value: value.parse().map_or_else(|_| value.clone(), grouped),
        meaning: meaning(name),
    });
    render(&System {
        rows: rows.collect(),
        version: visit.stats().get("version").to_owned(),
        frame: visit.frame(Section::System, "System"),
    })
}

/// What a value of STATS means, from the table of protocol.md.
fn meaning(name: &str) -> String {
    const PROTOCOL: &str = include_str!("../../../protocol.md");
    let begin = format!("| `{name}` | ");
    let row = PROTOCOL.lines().find_map(|line| line.strip_prefix(&begin));
    let meaning = row.and_then(|row| row.split(" | ").nth(1)).unwrap_or_default();
    meaning.trim_end_matches('|').trim().replace('`', "")
}

/// What VERIFY says, for people.
pub fn verified(reply: &Reply) -> String {
    match reply {
        Reply::Text(text) if text.starts_with("ok") => format!("VERIFY: the store is in order. {text}"),
        other => format!("VERIFY: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_explained() {
        assert_eq!(meaning("now"), "the daemon's clock, in UTC");
        assert_eq!(meaning("never_was_one"), "");
    }
}
