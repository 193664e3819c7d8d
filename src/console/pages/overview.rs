//! The first page: what needs somebody, how many there are, and the last 30 days.

use askama::Template;
use serde::Deserialize;

use super::{Page, render};
use crate::console::chart::{Chart, DayReply};
use crate::console::frame::{Frame, Section};
use crate::console::visit::{ListReply, Visit};
use crate::console::words::{When, counted, grouped, percent, url_encode};

#[derive(Template)]
#[template(path = "overview.html", config = "src/console/askama.toml")]
struct Overview {
    frame: Frame,
    /// The worst of those with too many opt-outs, and how many more there are; "" for none.
    bad_lists: Vec<BadList>,
    more_bad: String,
    /// Some of those that are paused, and how many more there are.
    paused: Vec<BadList>,
    more_paused: String,
    replies: Vec<ReplyRow>,
    replies_waiting: String,
    claims: Vec<ClaimRow>,
    unresolved: String,
    needs_nobody: bool,
    counts: Vec<(&'static str, String, String)>,
    chart: Chart,
    has_lists: bool,
}

struct BadList {
    path: String,
    name: String,
    number: String,
    rate: String,
    sends: String,
}

struct ReplyRow {
    text: String,
    path: String,
}

struct ClaimRow {
    path: String,
    phone: String,
    id: String,
    at: When,
}

#[derive(Deserialize)]
struct InboxReply {
    phone: String,
    text: String,
}

#[derive(Deserialize)]
struct ClaimReply {
    phone: String,
    id: String,
    at: String,
}

/// How many lists of a kind are shown one by one.
const LISTS_SHOWN: usize = 5;

/// Shows it.
pub async fn show(mut visit: Visit) -> Page {
    let lists = super::lists::all(&mut visit).await?;
    let days: Vec<DayReply> = visit.asker.items(&["TRENDS", "*", "DAYS", "30"]).await?;
    let inbox = visit.asker.page::<InboxReply, _>(&["INBOX", "LIMIT", "3"]).await?;
    let claims = visit.asker.page::<ClaimReply, _>(&["CLAIMS", "LIMIT", "3"]).await?;
    let of = |list: &ListReply| BadList {
        path: format!("/lists/{}", url_encode(&list.list)),
        name: list.name.clone(),
        number: list.list.clone(),
        rate: percent(list.opt_out_rate_30d),
        sends: counted(list.sends_30d, "message"),
    };
    let mut bad: Vec<&ListReply> = lists.iter().filter(|list| list.opt_out_rate_high).collect();
    bad.sort_by(|a, b| b.opt_out_rate_30d.total_cmp(&a.opt_out_rate_30d));
    let all_paused: Vec<&ListReply> = lists.iter().filter(|list| list.paused).collect();
    let some = |of_kind: &[&ListReply]| of_kind.iter().take(LISTS_SHOWN).map(|list| of(list)).collect::<Vec<_>>();
    let more = |of_kind: &[&ListReply]| match of_kind.len().saturating_sub(LISTS_SHOWN) {
        0 => String::new(),
        more => counted(more as u64, "more list"),
    };
    let (bad_lists, more_bad, paused, more_paused) = (some(&bad), more(&bad), some(&all_paused), more(&all_paused));
    let stats = visit.stats();
    let count = |name: &str| grouped(stats.number(name));
    let counts = vec![
        ("Contacts", count("contacts"), "/contacts".to_owned()),
        ("Active", count("contacts_active"), "/contacts?filter=status%3Dactive".to_owned()),
        ("Opted out of all lists", count("contacts_opted_out"), "/contacts?filter=status%3Dopted_out".to_owned()),
        ("Held back everywhere", count("contacts_suppressed"), "/contacts?filter=status%3Dsuppressed".to_owned()),
        ("Number does not exist", count("contacts_invalid"), "/contacts?filter=status%3Dinvalid".to_owned()),
        ("Gone, remembered", count("tombstones"), String::new()),
    ];
    let replies: Vec<ReplyRow> = inbox
        .items
        .into_iter()
        .map(|reply| ReplyRow { path: format!("/contacts/{}", reply.phone), text: reply.text })
        .collect();
    let claims: Vec<ClaimRow> = claims
        .items
        .into_iter()
        .map(|claim| ClaimRow {
            path: format!("/contacts/{}", claim.phone),
            phone: claim.phone,
            id: claim.id,
            at: When::new(&claim.at),
        })
        .collect();
    let needs_nobody = bad_lists.is_empty() && paused.is_empty() && replies.is_empty() && claims.is_empty();
    let replies_waiting = counted(stats.number("inbox_messages"), "reply");
    let unresolved = counted(stats.number("claims_unresolved"), "claimed message");
    render(&Overview {
        bad_lists,
        more_bad,
        paused,
        more_paused,
        replies,
        replies_waiting,
        claims,
        unresolved,
        needs_nobody,
        counts,
        chart: Chart::new(&days),
        has_lists: !lists.is_empty(),
        frame: visit.frame(Section::Overview, "Overview"),
    })
}
