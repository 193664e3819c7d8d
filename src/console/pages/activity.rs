//! What has just changed: the feed, the newest first.

use askama::Template;
use axum::extract::Query;
use serde::Deserialize;
use serde_json::Value;

use super::{Page, render};
use crate::client::Reply;
use crate::console::ask::{parse, text};
use crate::console::frame::{Frame, Section};
use crate::console::visit::Visit;
use crate::console::words::{self, When, url_encode};
use crate::error::Result;

#[derive(Template)]
#[template(path = "activity.html", config = "src/console/askama.toml")]
struct Activity {
    frame: Frame,
    rows: Vec<Row>,
    cause: String,
    causes: Vec<&'static str>,
    list: String,
}

struct Row {
    at: When,
    what: String,
    who: String,
    path: String,
    detail: String,
}

#[derive(Deserialize)]
pub struct Options {
    #[serde(default)]
    cause: String,
    #[serde(default)]
    list: String,
}

const CAUSES: [&str; 12] = [
    "inbound",
    "optin",
    "optout",
    "suppress",
    "release",
    "invalid",
    "valid",
    "subscribe",
    "send",
    "review",
    "purge",
    "created",
];
/// How far back it looks.
const NEWEST: &str = "1000";
const ROWS_MAX: usize = 100;

/// Shows it.
pub async fn show(Query(options): Query<Options>, mut visit: Visit) -> Page {
    let mut rows = Vec::new();
    if let Reply::Array(items) = visit.asker.ask(&["FEED", "LAST", NEWEST]).await? {
        let items: Vec<Value> = items.into_iter().skip(1).map(|item| parse(&text(item)?)).collect::<Result<_>>()?;
        let is_wanted = |item: &&Value| {
            (options.cause.is_empty() || item["cause"] == options.cause.as_str())
                && (options.list.is_empty()
                    || item["list"] == options.list.as_str()
                    || item["lists"]
                        .as_array()
                        .is_some_and(|on| on.iter().any(|on| on["list"] == options.list.as_str())))
        };
        rows = items.iter().filter(is_wanted).take(ROWS_MAX).map(row).collect();
    }
    render(&Activity {
        rows,
        cause: options.cause,
        list: options.list,
        causes: CAUSES.to_vec(),
        frame: visit.frame(Section::Activity, "Activity"),
    })
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
                (cause, _) => cause.to_owned(),
            };
            Row {
                at, what, path: format!("/contacts/{}", get("phone")), who: get("phone"), detail: detail.join(" · ")
            }
        }
        "list" => {
            let detail = match (item["known"] == true, item["paused"] == true) {
                (false, _) => "removed",
                (true, true) => "paused",
                (true, false) => "in use",
            };
            let path = format!("/lists/{}", url_encode(&get("list")));
            Row { at, what: "list".into(), path, who: get("list"), detail: detail.into() }
        }
        "scope" => Row {
            at,
            what: "stop scope".into(),
            who: String::new(),
            path: String::new(),
            detail: format!("a STOP counts for: {}", get("stop_scope")),
        },
        _ => Row { at, what: "erased".into(), who: String::new(), path: String::new(), detail: String::new() },
    }
}
