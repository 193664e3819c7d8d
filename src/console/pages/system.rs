//! How the daemon does: all of STATS, with what each value means; who is connected; backups; the settings.

use std::collections::HashMap;
use std::sync::LazyLock;

use askama::Template;
use serde::Deserialize;

use super::{Page, ROWS, render};
use crate::client::Reply;
use crate::command::Access;
use crate::console::frame::{Frame, Section};
use crate::console::visit::Visit;
use crate::console::words::{When, grouped};
use crate::error::Error;

#[derive(Template)]
#[template(path = "system.html", config = "src/console/askama.toml")]
struct System {
    frame: Frame,
    version: String,
    rows: Vec<Row>,
    /// Why nobody gets messages, while the store is fenced.
    fence: Option<FencePart>,
    /// The clients, the backups and the settings. None for those who may not see them.
    inside: Option<Inside>,
}

struct FencePart {
    /// As STATS says it.
    why: String,
    /// Of when the backup is that was restored; none if none was.
    backup_at: Option<When>,
    replayed: String,
    /// Lines of trails that cannot be read, if there are any.
    passed_over: Option<String>,
    /// The newest erasure that a trail does not name, if there is one.
    unnamed_erasures_to: Option<When>,
    /// What the trails may lack is from before this; none if they seem to have all.
    lacks_before: Option<When>,
    /// No trail is as the store left it.
    is_other: bool,
    replayed_to: Option<When>,
}

struct Inside {
    clients: Vec<ClientReply>,
    /// There are more than the page shows.
    has_more: bool,
    settings: Vec<(String, String)>,
    backups: Vec<BackupRow>,
}

/// A whole backup in the directory of backups.
struct BackupRow {
    name: String,
    bytes: String,
    made_at: When,
}

/// The same, as BACKUP LIST shows it.
#[derive(Deserialize)]
struct BackupReply {
    name: String,
    bytes: u64,
    made_at: String,
}

/// A client, as CLIENTS shows it.
#[derive(Deserialize)]
struct ClientReply {
    transport: String,
    address: String,
    #[serde(default)]
    name: String,
    level: String,
    requests: u64,
    idle_seconds: u64,
}

struct Row {
    name: String,
    value: String,
    meaning: String,
}

/// Shows it.
pub async fn show(mut visit: Visit) -> Page {
    let inside = if visit.grant.access >= Access::Admin { Some(inside(&mut visit).await?) } else { None };
    let rows = visit.stats().all().iter().map(|(name, value)| Row {
        name: name.clone(),
        value: value.parse().map_or_else(|_| value.clone(), grouped),
        meaning: meaning(name),
    });
    let moment = |name| Some(visit.stats().get(name)).filter(|at| *at != "none").map(When::new);
    let fence = (visit.stats().get("fenced") == "true").then(|| FencePart {
        backup_at: moment("fenced_backup_at"),
        replayed: grouped(visit.stats().number("fenced_replayed")),
        replayed_to: moment("fenced_replayed_to"),
        passed_over: Some(visit.stats().number("fenced_passed_over")).filter(|lines| *lines > 0).map(grouped),
        unnamed_erasures_to: moment("fenced_unnamed_erasures_to"),
        lacks_before: moment("fenced_trail_lacks_before"),
        is_other: visit.stats().get("fenced_trail_is_other") == "true",
        why: visit.stats().get("fenced_why").to_owned(),
    });
    render(&System {
        rows: rows.collect(),
        fence,
        inside,
        version: visit.stats().get("version").to_owned(),
        frame: visit.frame(Section::System, "System"),
    })
}

async fn inside(visit: &mut Visit) -> Result<Inside, Error> {
    let page = visit.asker.page::<ClientReply, _>(&["CLIENTS", "LIMIT", ROWS]).await?;
    let Reply::Array(lines) = visit.asker.ask(&["SETTINGS"]).await? else {
        return Err(Error::internal("SETTINGS was answered with something else"));
    };
    let settings = lines.into_iter().filter_map(|line| match line {
        Reply::Text(line) => {
            let (name, value) = line.split_once(' ').unwrap_or((&line, ""));
            Some((name.to_owned(), value.to_owned()))
        }
        _ => None,
    });
    let Reply::Array(files) = visit.asker.ask(&["BACKUP", "LIST"]).await? else {
        return Err(Error::internal("BACKUP LIST was answered with something else"));
    };
    let backups = files.into_iter().filter_map(|file| match file {
        Reply::Text(file) => serde_json::from_str::<BackupReply>(&file).ok(),
        _ => None,
    });
    let backups = backups
        .map(|file| BackupRow { made_at: When::new(&file.made_at), bytes: grouped(file.bytes), name: file.name })
        .collect();
    Ok(Inside { backups, clients: page.items, has_more: page.next.is_some(), settings: settings.collect() })
}

/// What a value of STATS means, from the table of protocol.md, which is read once.
fn meaning(name: &str) -> String {
    const PROTOCOL: &str = include_str!("../../../protocol.md");
    static ROWS: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
        let rows = PROTOCOL.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
        // The first of a name is meant.
        rows.collect::<Vec<_>>().into_iter().rev().collect()
    });
    let meaning = ROWS.get(name).and_then(|row| row.split(" | ").nth(1)).unwrap_or_default();
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
