//! The sending lists, the worst opt-out rate first.

use askama::Template;
use axum::extract::Query;
use serde::Deserialize;

use super::{Page, render};
use crate::console::frame::{Frame, Section};
use crate::console::visit::{ListReply, Visit};
use crate::console::words::{When, grouped, percent, url_encode};
use crate::error::Result;

#[derive(Template)]
#[template(path = "lists.html", config = "src/console/askama.toml")]
struct Lists {
    frame: Frame,
    rows: Vec<ListRow>,
    next: String,
    sort: String,
    /// What somebody typed for a new list that was not taken.
    number: String,
    name: String,
}

/// A list, as a row of a table.
pub struct ListRow {
    pub path: String,
    pub number: String,
    pub name: String,
    pub paused: bool,
    pub can_receive: String,
    pub active: String,
    pub opted_out: String,
    pub held_back: String,
    pub sends: String,
    pub opt_outs: String,
    /// "" where too few messages were sent to say something.
    pub rate: String,
    pub is_high: bool,
    pub since: When,
}

impl ListRow {
    pub fn new(list: &ListReply, can_receive: i64) -> ListRow {
        ListRow {
            path: format!("/lists/{}", url_encode(&list.list)),
            number: list.list.clone(),
            name: list.name.clone(),
            paused: list.paused,
            can_receive: grouped(can_receive.unsigned_abs()),
            active: grouped(list.active),
            opted_out: grouped(list.opted_out),
            held_back: grouped(list.suppressed),
            sends: grouped(list.sends_30d),
            opt_outs: grouped(list.opt_outs_30d),
            rate: if list.opt_out_rate_enough_sends { percent(list.opt_out_rate_30d) } else { String::new() },
            is_high: list.opt_out_rate_high,
            since: When::new(&list.created_at),
        }
    }
}

#[derive(Deserialize)]
pub struct Options {
    #[serde(default)]
    sort: String,
    #[serde(default)]
    page: usize,
    #[serde(default)]
    number: String,
    #[serde(default)]
    name: String,
}

const PAGE_ROWS: usize = 50;

/// All lists, in the order of their numbers.
pub async fn all(visit: &mut Visit) -> Result<Vec<ListReply>> {
    let mut lists: Vec<ListReply> = Vec::new();
    loop {
        let mut words = vec!["LISTS", "LIMIT", "1000"];
        let last = lists.last().map(|list| list.list.clone());
        if let Some(last) = &last {
            words.extend(["AFTER", last]);
        }
        let page: Vec<ListReply> = visit.asker.items(&words).await?;
        let is_last = page.len() < 1000;
        lists.extend(page);
        if is_last {
            return Ok(lists);
        }
    }
}

/// Shows them.
pub async fn show(Query(options): Query<Options>, mut visit: Visit) -> Page {
    let mut lists = all(&mut visit).await?;
    match options.sort.as_str() {
        "number" => {}
        "name" => lists.sort_by_key(|list| list.name.to_lowercase()),
        "sends" => lists.sort_by_key(|list| std::cmp::Reverse(list.sends_30d)),
        _ => {
            let rate = |list: &ListReply| if list.opt_out_rate_enough_sends { list.opt_out_rate_30d } else { -1.0 };
            lists.sort_by(|a, b| rate(b).total_cmp(&rate(a)));
        }
    }
    let sort = if options.sort.is_empty() { "rate".to_owned() } else { options.sort.clone() };
    let more = lists.len() > (options.page + 1).saturating_mul(PAGE_ROWS);
    let shown: Vec<&ListReply> = lists.iter().skip(options.page.saturating_mul(PAGE_ROWS)).take(PAGE_ROWS).collect();
    let counts: Vec<Vec<String>> =
        shown.iter().map(|list| vec!["COUNT".to_owned(), format!("eligible={}", list.list)]).collect();
    let can_receive = visit.asker.count_each(&counts).await?;
    let rows = shown.iter().zip(can_receive).map(|(list, count)| ListRow::new(list, count)).collect();
    let next = if more { format!("?sort={}&page={}", url_encode(&sort), options.page + 1) } else { String::new() };
    let Options { number, name, .. } = options;
    render(&Lists { rows, next, sort, number, name, frame: visit.frame(Section::Lists, "Sending Lists") })
}
