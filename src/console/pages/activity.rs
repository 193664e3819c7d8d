//! What has just changed: the feed, the newest first.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::Query;
use serde::Deserialize;
use serde_json::Value;

use super::{Page, render};
use crate::client::Reply;
use crate::console::act::SOURCE;
use crate::console::ask::{parse, text};
use crate::console::frame::{Frame, Section};
use crate::console::visit::{ListReply, Visit};
use crate::console::words::{self, When, url_encode};
use crate::error::Result;

#[derive(Template)]
#[template(path = "activity.html", config = "src/console/askama.toml")]
struct Activity {
    frame: Frame,
    rows: Vec<Row>,
    cause: String,
    causes: Vec<(&'static str, &'static str)>,
    list: String,
    lists: Vec<ListReply>,
    from: String,
    before: String,
}

struct Row {
    at: When,
    what: String,
    who: String,
    path: String,
    detail: String,
    /// Who did it, or how it came.
    by: String,
}

#[derive(Deserialize)]
pub struct Options {
    #[serde(default)]
    cause: String,
    #[serde(default, deserialize_with = "words::number")]
    list: String,
    /// Days (UTC).
    #[serde(default)]
    from: String,
    #[serde(default)]
    before: String,
}

/// What can have changed a contact, and what people call it.
const CAUSES: [(&str, &str); 12] = [
    ("inbound", "wrote"),
    ("optin", "opted in"),
    ("optout", "opted out"),
    ("suppress", "held back"),
    ("release", "released"),
    ("invalid", "the number does not exist"),
    ("valid", "the number exists"),
    ("subscribe", "put on a list by an import"),
    ("send", "got a message"),
    ("review", "somebody read its message"),
    ("purge", "removed by a purge"),
    ("created", "came in"),
];
/// How far back it looks.
const NEWEST: &str = "1000";
const ROWS_MAX: usize = 100;
/// How many events of a contact are looked at for each of its rows: others may have come in at the same time, or changed
/// nothing.
const EVENTS_FOR_EACH: usize = 10;

/// Shows it.
pub async fn show(Query(options): Query<Options>, mut visit: Visit) -> Page {
    let mut rows = Vec::new();
    if let Reply::Array(items) = visit.asker.ask(&["FEED", "LAST", NEWEST]).await? {
        let items: Vec<Value> = items.into_iter().skip(1).map(|item| parse(&text(item)?)).collect::<Result<_>>()?;
        let is_wanted = |item: &&Value| {
            let at = item["at"].as_str().unwrap_or_default();
            let is_then = at >= options.from.as_str() && (options.before.is_empty() || at < options.before.as_str());
            is_then
                && (options.cause.is_empty() || item["cause"] == options.cause.as_str())
                && (options.list.is_empty()
                    || item["list"] == options.list.as_str()
                    || item["lists"]
                        .as_array()
                        .is_some_and(|on| on.iter().any(|on| on["list"] == options.list.as_str())))
        };
        let items: Vec<&Value> = items.iter().filter(is_wanted).take(ROWS_MAX).collect();
        rows = items.iter().map(|item| row(item)).collect();
        tell_who(&mut visit, &items, &mut rows).await?;
    }
    let lists = visit.asker.items(&["LISTS", "LIMIT", "1000"]).await?;
    render(&Activity {
        rows,
        cause: options.cause,
        list: options.list,
        lists,
        from: options.from,
        before: options.before,
        causes: CAUSES.to_vec(),
        frame: visit.frame(Section::Activity, "Activity"),
    })
}

/// Adds what the feed does not say: who did it, and what somebody wrote. The history of the contact knows; it is asked once for
/// each contact and kind of event, since to find old events of a long history takes a while.
async fn tell_who(visit: &mut Visit, items: &[&Value], rows: &mut [Row]) -> Result<()> {
    let mut asked: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (at, item) in items.iter().enumerate() {
        if let (Some(phone), Some(cause)) = (item["phone"].as_str(), item["cause"].as_str()) {
            // Whatever made a contact is the first thing that it knows of.
            let kind = if cause == "created" { "subscribe,optout,suppress,invalid" } else { cause };
            asked.entry((phone, kind)).or_default().push(at);
        }
    }
    let asks: Vec<Vec<String>> = asked
        .iter()
        .map(|((phone, kind), of)| {
            let limit = (of.len() * EVENTS_FOR_EACH).min(ROWS_MAX).to_string();
            ["HISTORY", phone, "KIND", kind, "LIMIT", &limit].map(str::to_owned).to_vec()
        })
        .collect();
    for (of, reply) in asked.into_values().zip(visit.asker.ask_each(&asks).await?) {
        let Reply::Array(events) = reply else { continue };
        let events: Vec<Value> = events.into_iter().skip(1).map(|event| parse(&text(event)?)).collect::<Result<_>>()?;
        for at in of {
            if let Some(event) = events.iter().find(|event| event["seen_at"] == items[at]["at"]) {
                tell(event, &mut rows[at]);
            }
        }
    }
    Ok(())
}

fn tell(event: &Value, row: &mut Row) {
    let word = |key: &str| event[key].as_str().unwrap_or_default();
    let by = match (word("by"), word("source")) {
        _ if event["kind"] == "inbound" => "the person",
        ("", "") => words::how(word("how")),
        ("", SOURCE) => "this console",
        ("", source) => source,
        (by, _) => by,
    };
    by.clone_into(&mut row.by);
    if event["kind"] == "inbound" {
        row.what = format!("{}: “{}”", row.what, word("text"));
    }
}

fn row(item: &Value) -> Row {
    let get = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
    let at = When::new(&get("at"));
    match get("kind").as_str() {
        "contact" => {
            let on = item["lists"].as_array().into_iter().flatten().map(|on| {
                let status = words::status(on["status"].as_str().unwrap_or_default());
                format!("{}: {status}", on["list"].as_str().unwrap_or_default())
            });
            let mut detail: Vec<String> = on.collect();
            if get("status") != "active" {
                detail.insert(0, words::status(&get("status")).to_owned());
            }
            let what = match (get("cause").as_str(), get("meaning").as_str()) {
                ("inbound", "optout") => "wrote STOP".into(),
                ("inbound", "optin") => "wrote START".into(),
                ("inbound", "maybe_optout") => "wrote, and may want out".into(),
                (cause, _) => {
                    CAUSES.iter().find(|(known, _)| *known == cause).map_or(cause, |(_, words)| words).to_owned()
                }
            };
            Row {
                at,
                what,
                path: format!("/contacts/{}", get("phone")),
                who: get("phone"),
                detail: detail.join(" · "),
                by: String::new(),
            }
        }
        "list" => {
            let detail = match (item["known"] == true, item["paused"] == true) {
                (false, _) => "removed",
                (true, true) => "paused",
                (true, false) => "in use",
            };
            let path = format!("/lists/{}", url_encode(&get("list")));
            Row {
                at,
                what: "the list changed".into(),
                path,
                who: get("list"),
                detail: detail.into(),
                by: String::new(),
            }
        }
        "scope" => Row {
            at,
            what: "stop scope".into(),
            who: String::new(),
            path: String::new(),
            detail: format!("a STOP counts for: {}", get("stop_scope")),
            by: String::new(),
        },
        _ => Row {
            at,
            what: "erased on request".into(),
            who: String::new(),
            path: String::new(),
            detail: String::new(),
            by: String::new(),
        },
    }
}
