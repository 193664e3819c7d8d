//! One sending list: its contacts, its opt-outs and trends, its settings.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::contacts::{ContactReply, ContactRow, Segment, contact_rows};
use super::lists::ListRow;
use super::{Page, error_page, render};
use crate::console::Console;
use crate::console::chart::{Chart, DayReply};
use crate::console::frame::{Frame, Section};
use crate::console::visit::Visit;
use crate::console::why::Why;
use crate::console::words::{grouped, url_encode};
use crate::error::Result;

/// What the three tabs have in common.
struct Head {
    list: ListRow,
    /// How many contacts were held back as contacts or do not exist, though they are active on the list.
    otherwise_held: String,
    title: String,
}

#[derive(Template)]
#[template(path = "list_contacts.html", config = "src/console/askama.toml")]
struct Contacts {
    frame: Frame,
    head: Head,
    filter: Segment,
    who: String,
    rows: Vec<ContactRow>,
    columns: Vec<String>,
    found: String,
    next: String,
    is_first: bool,
    export: String,
    /// The same as a part of an address.
    export_query: String,
    import_path: String,
}

#[derive(Template)]
#[template(path = "list_trends.html", config = "src/console/askama.toml")]
struct Trends {
    frame: Frame,
    head: Head,
    chart: Chart,
    days: usize,
    rows: Vec<ContactRow>,
}

#[derive(Template)]
#[template(path = "list_settings.html", config = "src/console/askama.toml")]
struct Settings {
    frame: Frame,
    head: Head,
    /// Each provider with a key, and what to paste there.
    webhooks: Vec<(&'static str, String)>,
}

#[derive(Deserialize)]
pub struct WhoOptions {
    /// Whom to show: `eligible`, `active`, `opted_out` or `suppressed`.
    #[serde(default)]
    who: String,
    #[serde(default)]
    after: String,
    #[serde(flatten)]
    filter: Segment,
}

#[derive(Deserialize)]
pub struct DaysOptions {
    #[serde(default)]
    days: usize,
}

/// Shows the contacts of a list, the newest first.
pub async fn contacts(Path(list): Path<String>, Query(options): Query<WhoOptions>, mut visit: Visit) -> Page {
    let Some(head) = head(&mut visit, &list).await? else { return Ok(no_list(&list)) };
    let who = match options.who.as_str() {
        "eligible" => format!("eligible={list}"),
        "active" => format!("list={list}"),
        "opted_out" => format!("list={list}/opted_out"),
        "suppressed" => format!("list={list}/suppressed"),
        _ => format!("(list={list} OR list={list}/opted_out OR list={list}/suppressed)"),
    };
    let filter = options.filter.words();
    let filter = if filter.is_empty() { who } else { format!("{who} {filter}") };
    let found = visit.asker.count(&filter).await?;
    let page = visit.asker.find(&filter, &options.after).await?;
    let (rows, columns) = contact_rows(&mut visit, &page.items, Some(&list)).await?;
    let query = |after: &str| {
        format!("?who={}&{}&after={}", url_encode(&options.who), options.filter.query(), url_encode(after))
    };
    let title = head.title.clone();
    render(&Contacts {
        head,
        who: options.who.clone(),
        rows,
        columns,
        found: grouped(found.unsigned_abs()),
        next: page.next.as_deref().map(query).unwrap_or_default(),
        is_first: options.after.is_empty(),
        export_query: format!("list={}&filter={}", url_encode(&list), url_encode(&filter)),
        import_path: format!("/imports?list={}", url_encode(&list)),
        export: filter,
        filter: options.filter,
        frame: visit.frame(Section::Lists, title),
    })
}

/// Shows what was sent from a list and what came of it.
pub async fn trends(Path(list): Path<String>, Query(options): Query<DaysOptions>, mut visit: Visit) -> Page {
    let Some(head) = head(&mut visit, &list).await? else { return Ok(no_list(&list)) };
    let days = if options.days == 0 { 30 } else { options.days.min(400) };
    let trend: Vec<DayReply> = visit.asker.items(&["TRENDS", &list, "DAYS", &days.to_string()]).await?;
    let page = visit.asker.find(&format!("list={list}/opted_out"), "").await?;
    let (mut rows, _) = contact_rows(&mut visit, &page.items, Some(&list)).await?;
    rows.sort_by(|a, b| b.out_at.iso.cmp(&a.out_at.iso));
    let asks: Vec<[&str; 3]> = rows.iter().map(|row| ["WHY", &list, &row.phone]).collect();
    let replies = visit.asker.ask_each(&asks.iter().map(|ask| ask.to_vec()).collect::<Vec<_>>()).await?;
    for (row, reply) in rows.iter_mut().zip(replies) {
        row.reply = Why::new(reply)?.reply;
    }
    let title = head.title.clone();
    render(&Trends { head, chart: Chart::new(&trend), days, rows, frame: visit.frame(Section::Lists, title) })
}

/// Shows what can be set.
pub async fn settings(State(console): State<Arc<Console>>, Path(list): Path<String>, mut visit: Visit) -> Page {
    let Some(head) = head(&mut visit, &list).await? else { return Ok(no_list(&list)) };
    let title = head.title.clone();
    let addresses = console.inside.webhooks().map(|webhooks| webhooks.addresses()).unwrap_or_default().into_iter();
    let webhooks = addresses.map(|address| (address.provider.name(), address.url)).collect();
    render(&Settings { head, webhooks, frame: visit.frame(Section::Lists, title) })
}

async fn head(visit: &mut Visit, number: &str) -> Result<Option<Head>> {
    let Some(list) = visit.list(number).await? else { return Ok(None) };
    let can_receive = visit.asker.count(&format!("eligible={number}")).await?;
    let otherwise_held = visit.asker.count(&format!("list={number} NOT eligible={number}")).await?;
    let title = if list.name.is_empty() { list.list.clone() } else { format!("{} {}", list.name, list.list) };
    let otherwise_held = grouped(otherwise_held.unsigned_abs());
    Ok(Some(Head { list: ListRow::new(&list, can_receive), otherwise_held, title }))
}

fn no_list(list: &str) -> axum::response::Response {
    let text =
        format!("{list} is not a sending list, or is not one any more. Sending Lists has a form that creates one.");
    error_page(StatusCode::NOT_FOUND, "This is not a sending list", &text)
}

/// The newest subscription or opt-out of a contact on a list.
pub fn on_list<'a>(contact: &'a ContactReply, list: &str) -> Option<&'a super::contacts::OnListReply> {
    contact.lists.iter().find(|on| on.list.as_deref() == Some(list))
}
