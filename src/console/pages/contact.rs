//! One contact: whether it may get a message and why not, its lists, its labels, and all that happened, day by day.

use askama::Template;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::Value;

use super::contacts::{ContactReply, OnListReply};
use super::{Page, error_page, render};
use crate::console::frame::{Frame, Section};
use crate::console::visit::Visit;
use crate::console::why::Why;
use crate::console::words::{self, Verdict, When, grouped, url_encode};
use crate::json::timeline;

#[derive(Template)]
#[template(path = "contact.html", config = "src/console/askama.toml")]
struct Contact {
    frame: Frame,
    phone: String,
    status: &'static str,
    is_active: bool,
    since: When,
    gone: String,
    lists: Vec<OnList>,
    other_lists: Vec<(String, String)>,
    /// The list to opt in to, unless somebody says otherwise: one that the contact opted out of.
    opt_in_to: String,
    labels: Vec<(String, String)>,
    totals: Vec<(&'static str, String)>,
    dates: Vec<(&'static str, When)>,
    /// The status as the protocol has it.
    word: String,
    days: Vec<DayOfItems>,
    kind: String,
    kinds: Vec<(&'static str, &'static str)>,
    older: String,
    is_first: bool,
}

/// A number that contactd does not know.
#[derive(Template)]
#[template(path = "unknown.html", config = "src/console/askama.toml")]
struct Unknown {
    frame: Frame,
    phone: String,
}

/// A list of the contact.
struct OnList {
    list: String,
    name: String,
    path: String,
    verdict: Verdict,
    why: String,
    status: &'static str,
    is_out: bool,
    is_held: bool,
    subscribed_at: When,
    subscribed_how: &'static str,
    source: String,
    out_at: When,
    out_how: &'static str,
    out_reason: String,
    held_at: When,
    held_reason: String,
    is_removed: bool,
}

struct DayOfItems {
    day: String,
    items: Vec<Item>,
}

/// One line of the timeline.
struct Item {
    at: When,
    what: String,
    detail: String,
    list: String,
    /// A word for its look: `out`, `in`, `message`, `engaged`, `other`.
    class: &'static str,
}

#[derive(Deserialize)]
pub struct Options {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    after: String,
}

const KINDS: [(&str, &str); 6] = [
    ("", "All"),
    ("send", "Messages"),
    ("click", "Clicks"),
    ("conversion", "Conversions"),
    ("optin,optout,subscribe,suppress,release,invalid,valid,review", "Consent"),
    ("inbound", "Replies"),
];

/// Shows it.
pub async fn show(Path(phone): Path<String>, Query(options): Query<Options>, mut visit: Visit) -> Page {
    let Some(contact) = visit.asker.json::<ContactReply, _>(&["GET", &phone]).await? else {
        return unknown(visit, &phone).await;
    };
    let phone = contact.phone_number.clone();
    let names: Vec<crate::console::visit::ListReply> = visit.asker.items(&["LISTS", "LIMIT", "1000"]).await?;
    let number = |on: &OnListReply| on.list.clone().unwrap_or_default();
    let asks: Vec<[String; 3]> = contact.lists.iter().map(|on| ["WHY".into(), number(on), phone.clone()]).collect();
    let mut lists = Vec::with_capacity(contact.lists.len());
    for (on, reply) in contact.lists.iter().zip(visit.asker.ask_each(&asks).await?) {
        let number = number(on);
        let name = names.iter().find(|list| list.list == number).map(|list| list.name.clone()).unwrap_or_default();
        lists.push(on_list(Why::new(reply)?, number, name, on));
    }
    let opt_in_to = lists.iter().find(|on: &&OnList| on.is_out && !on.is_removed).map(|on| on.list.clone());
    let is_here = |number: &str| contact.lists.iter().any(|on| on.list.as_deref() == Some(number));
    let other_lists =
        names.iter().filter(|list| !is_here(&list.list)).map(|list| (list.list.clone(), list.name.clone()));
    let mut words = vec!["HISTORY", &phone];
    if !options.kind.is_empty() {
        words.extend(["KIND", &options.kind]);
    }
    words.extend(["LIMIT", "100"]);
    if !options.after.is_empty() {
        words.extend(["AFTER", &options.after]);
    }
    let history = visit.asker.page::<Value, _>(&words).await?;
    let gone = match (&contact.purged_at, &contact.erased_at) {
        (Some(at), _) => format!(
            "Removed by a purge on {} ({}). Its opt-outs stay and come back with the number.",
            When::new(at).short,
            contact.purged_reason.as_deref().unwrap_or_default()
        ),
        (_, Some(at)) => format!(
            "Erased on request on {}. The number stays opted out of all lists: only a new opt-in of the person counts, \
             and no import brings it back.",
            When::new(at).short
        ),
        _ => String::new(),
    };
    render(&Contact {
        status: words::status(&contact.status),
        is_active: contact.status == "active" && gone.is_empty(),
        since: When::maybe(contact.created_at.as_deref()),
        gone,
        lists,
        other_lists: other_lists.collect(),
        opt_in_to: opt_in_to.unwrap_or_default(),
        labels: contact.labels.into_iter().collect(),
        totals: vec![
            ("Sent", grouped(contact.total_sends)),
            ("Clicks", grouped(contact.total_clicks)),
            ("Clicks by scanners", grouped(contact.total_bot_clicks)),
            ("Conversions", grouped(contact.total_conversions)),
            ("Revenue", contact.total_revenue.to_string()),
            ("Sent since the last sign of life", grouped(contact.sends_since_engaged)),
        ],
        dates: vec![
            ("Last sent", When::maybe(contact.last_sent.as_deref())),
            ("Last click", When::maybe(contact.last_clicked.as_deref())),
            ("Last sign of life", When::maybe(contact.last_engaged.as_deref())),
            ("Last reply", When::maybe(contact.last_inbound.as_deref())),
        ],
        word: contact.status,
        days: timeline(&history.items).iter().map(day).collect(),
        older: history
            .next
            .map(|after| format!("?kind={}&after={}", url_encode(&options.kind), url_encode(&after)))
            .unwrap_or_default(),
        is_first: options.after.is_empty(),
        kind: options.kind,
        kinds: KINDS.to_vec(),
        frame: visit.frame(Section::Contacts, phone.clone()),
        phone,
    })
}

/// A number that contactd does not know; a list that somebody asked for, though, has a page of its own.
async fn unknown(mut visit: Visit, phone: &str) -> Page {
    if let Ok(Some(list)) = visit.list(phone).await {
        let text = format!("{phone} is the sending list {}. Open it under Sending Lists.", list.name);
        return Ok(error_page(StatusCode::NOT_FOUND, "This number is a sending list", &text));
    }
    let page = Unknown { frame: visit.frame(Section::Contacts, phone), phone: phone.to_owned() };
    Ok((StatusCode::NOT_FOUND, render(&page)?).into_response())
}

fn on_list(why: Why, list: String, name: String, on: &OnListReply) -> OnList {
    let get = |of: &Option<String>| of.clone().unwrap_or_default();
    OnList {
        path: format!("/lists/{}", url_encode(&list)),
        verdict: why.verdict,
        why: why.text,
        status: words::status(&on.status),
        is_out: on.status == "opted_out",
        is_held: on.status == "suppressed",
        subscribed_at: When::new(&get(&on.subscribed_at)),
        subscribed_how: words::how(&get(&on.how)),
        source: get(&on.source),
        out_at: When::new(&get(&on.opted_out_at)),
        out_how: words::how(&get(&on.opted_out_how)),
        out_reason: [get(&on.opted_out_source), get(&on.opted_out_reason)].join(" ").trim().to_owned(),
        held_at: When::new(&get(&on.suppressed_at)),
        held_reason: [get(&on.suppressed_source), get(&on.suppressed_reason)].join(" ").trim().to_owned(),
        is_removed: on.list_removed_at.is_some(),
        list,
        name,
    }
}

fn day(day: &Value) -> DayOfItems {
    let items = day["items"].as_array().map(|items| items.iter().map(item).collect()).unwrap_or_default();
    DayOfItems { day: day["day"].as_str().unwrap_or_default().to_owned(), items }
}

/// One line of the timeline.
fn item(event: &Value) -> Item {
    let get = |key: &str| match &event[key] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let said = |parts: &[String]| parts.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(" · ");
    let who = if get("by").is_empty() { String::new() } else { format!("by {}", get("by")) };
    let by = said(&[words::how(&get("how")).to_owned(), get("source"), get("reason"), get("evidence"), who]);
    let (what, detail, class) = match get("kind").as_str() {
        "message" => (format!("Message {}", get("id")), steps(event), "message"),
        "send" => (format!("Message {} {}", get("id"), get("state")), get("code"), "message"),
        "click" if event["bot"] == true => ("Link opened by a scanner".into(), get("url"), "other"),
        "click" => ("Clicked".into(), get("url"), "engaged"),
        "conversion" => (format!("Bought for {}", get("amount")), get("id"), "engaged"),
        "inbound" => {
            let means = match get("meaning").as_str() {
                "optout" => "opted out",
                "optin" => "opted in",
                "help" => "asked for help",
                "maybe_optout" => "may want out",
                _ => "",
            };
            let class = match get("meaning").as_str() {
                "optout" | "maybe_optout" => "out",
                "optin" => "in",
                _ => "engaged",
            };
            (format!("Wrote “{}”", get("text")), means.to_owned(), class)
        }
        "optin" => ("Opted in".into(), by, "in"),
        "subscribe" => ("Subscribed by an import".into(), said(&[get("source"), get("reason")]), "in"),
        "optout" if event["list"].is_null() => ("Opted out of all lists".into(), by, "out"),
        "optout" => ("Opted out".into(), by, "out"),
        "suppress" => ("Held back".into(), by, "out"),
        "release" => ("Released".into(), by, "in"),
        "invalid" => ("The number does not exist".into(), by, "out"),
        "valid" => ("The number exists".into(), by, "in"),
        "purge" => ("Removed by a purge".into(), get("reason"), "other"),
        "erase" => ("Erased on request".into(), String::new(), "other"),
        "review" => ("Somebody read a message and let it be".into(), String::new(), "other"),
        "renumber" => ("The number is written in another way now".into(), get("reason"), "other"),
        other => (other.to_owned(), by, "other"),
    };
    Item { at: When::new(&get("at")), what, detail, list: get("list"), class }
}

/// What became of a message: each step with its time.
fn steps(message: &Value) -> String {
    let steps = message["steps"].as_array().into_iter().flatten().map(|step| {
        let at = When::new(step["at"].as_str().unwrap_or_default());
        let more: Vec<String> = ["code", "url", "amount"]
            .iter()
            .filter_map(|key| match &step[*key] {
                Value::Null => None,
                Value::String(text) => Some(text.clone()),
                other => Some(other.to_string()),
            })
            .collect();
        let what = step["what"].as_str().unwrap_or_default();
        format!("{what} {} {}", at.clock(), more.join(" ")).trim().to_owned()
    });
    steps.collect::<Vec<_>>().join(" · ")
}
