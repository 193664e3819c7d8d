//! Messages in which somebody may want out: a person reads them and decides.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::Query;
use serde::Deserialize;

use super::{Page, ROWS, render};
use crate::console::frame::{Frame, Section};
use crate::console::visit::Visit;
use crate::console::words::{When, url_encode};

#[derive(Template)]
#[template(path = "inbox.html", config = "src/console/askama.toml")]
struct Inbox {
    frame: Frame,
    rows: Vec<Row>,
    next: String,
    is_held: bool,
}

struct Row {
    number: u64,
    phone: String,
    path: String,
    list: String,
    list_name: String,
    list_path: String,
    text: String,
    at: When,
}

#[derive(Deserialize)]
struct MessageReply {
    number: u64,
    phone: String,
    list: String,
    text: String,
    at: String,
}

#[derive(Deserialize)]
pub struct Options {
    #[serde(default)]
    after: String,
}

/// Shows them.
pub async fn show(Query(options): Query<Options>, mut visit: Visit) -> Page {
    let mut words = vec!["INBOX", "LIMIT", ROWS];
    if !options.after.is_empty() {
        words.extend(["AFTER", &options.after]);
    }
    let page = visit.asker.page::<MessageReply, _>(&words).await?;
    let mut messages = page.items;
    // They come as contactd learned of them; people look for the newest.
    messages.sort_by(|a, b| b.at.cmp(&a.at));
    let mut names = BTreeMap::new();
    for message in &messages {
        if !names.contains_key(&message.list) {
            names.insert(message.list.clone(), visit.called(&message.list).await?);
        }
    }
    let rows = messages.into_iter().map(|message| Row {
        list_name: names.get(&message.list).cloned().unwrap_or_default(),
        number: message.number,
        path: format!("/contacts/{}", message.phone),
        phone: message.phone,
        list_path: format!("/lists/{}", url_encode(&message.list)),
        list: message.list,
        text: message.text,
        at: When::new(&message.at),
    });
    render(&Inbox {
        rows: rows.collect(),
        next: page.next.map(|after| format!("?after={}", url_encode(&after))).unwrap_or_default(),
        is_held: visit.stats().get("maybe_optout") == "hold",
        frame: visit.frame(Section::Inbox, "Inbox"),
    })
}
