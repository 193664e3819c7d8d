//! `contactd show`: a contact as a page.

use std::fmt::Write;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value, json};

use super::terminal::safe;
use super::why::json;
use super::{Target, say};
use crate::client::{Client, Reply};
use crate::counted::counted;
use crate::error::{Error, Result};
use crate::json::timeline;

/// Show a contact as a page: status, lists, labels, totals and a timeline
///
/// Each message stands once in the timeline, with what became of it. Times are UTC.
///
/// Exit code 0; 1: the number is unknown; 2: an error.
#[derive(Args)]
pub struct Show {
    #[command(flatten)]
    target: Target,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
    /// How many of the newest events the timeline takes
    #[arg(long, value_name = "EVENTS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// The number
    #[arg(value_name = "PHONE", allow_hyphen_values = true)]
    phone: String,
}

impl Show {
    pub fn run(self) -> Result<ExitCode> {
        let mut client = self.target.connect()?;
        let contact = match client.call(&["GET", &self.phone])? {
            Reply::Nil => {
                if !self.json {
                    say(&safe(&format!("contactd does not know {}.", self.phone)));
                }
                return Ok(ExitCode::FAILURE);
            }
            reply => json(reply)?,
        };
        let lists = lists(&mut client, &contact)?;
        let (history, more) = history(&mut client, &self.phone, self.limit)?;
        let timeline = timeline(&history);
        if self.json {
            say(&json!({ "contact": contact, "lists": lists, "timeline": timeline, "older_events": more }));
            return Ok(ExitCode::SUCCESS);
        }
        for line in page(&contact, &lists, &timeline, more) {
            say(&safe(&line));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The name of each of the contact's lists, and the verdict for it.
fn lists(client: &mut Client, contact: &Value) -> Result<Value> {
    let mut lists = Map::new();
    let phone = text(contact, "phone_number");
    for list in items(&contact["lists"]).map(|on| text(on, "list")) {
        let name = match client.call(&["LISTS", list])? {
            Reply::Array(found) => found.into_iter().next().map(json).transpose()?.map(|list| list["name"].clone()),
            // Of a number that is not a list there is no name.
            _ => None,
        };
        let verdict = match client.call(&["CHECK", list, phone])? {
            Reply::Text(verdict) => verdict,
            other => return Err(Error::internal(other)),
        };
        lists.insert(list.to_owned(), json!({ "name": name, "verdict": verdict }));
    }
    Ok(Value::Object(lists))
}

/// The newest events, and whether there are older ones.
fn history(client: &mut Client, phone: &str, limit: u32) -> Result<(Vec<Value>, bool)> {
    let mut events = Vec::new();
    let mut after = "0".to_owned();
    loop {
        let left = (limit as usize - events.len()).to_string();
        let Reply::Array(page) = client.call(&["HISTORY", phone, "LIMIT", &left, "AFTER", &after])? else {
            return Ok((events, false));
        };
        let mut page = page.into_iter();
        let Some(Reply::Text(next)) = page.next() else {
            return Err(Error::internal("HISTORY did not answer with a page"));
        };
        for event in page {
            events.push(json(event)?);
        }
        if next == "0" || events.len() >= limit as usize {
            return Ok((events, next != "0"));
        }
        after = next;
    }
}

/// The page, line by line.
fn page(contact: &Value, lists: &Value, timeline: &[Value], more: bool) -> Vec<String> {
    let mut lines = vec![head(contact)];
    for (fact, said) in [
        ("invalid", "reported not to exist"),
        ("valid", "reported to exist"),
        ("suppressed", "suppressed everywhere"),
        ("released", "released"),
        ("opted_out_all", "opted out of all lists"),
    ] {
        lines.extend(fact_line(contact, fact, said).map(|line| format!("  {line}")));
    }
    lines.extend([String::new(), "Lists".to_owned()]);
    for on in items(&contact["lists"]) {
        lines.extend(list_lines(on, &lists[text(on, "list")]));
    }
    if items(&contact["lists"]).next().is_none() {
        lines.push("  none".to_owned());
    }
    let labels: Vec<String> = contact["labels"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    if !labels.is_empty() {
        lines.extend([String::new(), "Labels".to_owned(), format!("  {}", labels.join("  "))]);
    }
    lines.extend([String::new(), "Messages".to_owned()]);
    lines.extend(totals(contact));
    lines.extend([String::new(), "Timeline (UTC, the newest first)".to_owned()]);
    for day in timeline {
        lines.push(format!("  {}", text(day, "day")));
        lines.extend(items(&day["items"]).map(item_line));
    }
    if more {
        lines.push("  … there are older events: --limit shows more of them".to_owned());
    }
    lines
}

fn head(contact: &Value) -> String {
    let phone = text(contact, "phone_number");
    if contact["erased_at"].is_string() {
        return format!("{phone}  erased {}: what its tombstone keeps", moment(contact, "erased_at"));
    }
    if contact["purged_at"].is_string() {
        let (when, why) = (moment(contact, "purged_at"), text(contact, "purged_reason"));
        return format!("{phone}  purged {when} ({why}): what its tombstone keeps");
    }
    format!("{phone}  {}, since {}", text(contact, "status"), moment(contact, "created_at"))
}

fn list_lines(on: &Value, list: &Value) -> Vec<String> {
    let name = if text(list, "name").is_empty() { String::new() } else { format!(" ({})", text(list, "name")) };
    let gone = if on["list_removed_at"].is_string() {
        format!(", list removed {}", moment(on, "list_removed_at"))
    } else {
        String::new()
    };
    let status = text(on, "status");
    let mut lines =
        vec![format!("  {}{name}  {status}{gone}; may be sent to: {}", text(on, "list"), text(list, "verdict"))];
    if on["subscribed_at"].is_string() {
        let source =
            if text(on, "source").is_empty() { String::new() } else { format!(", source {}", text(on, "source")) };
        lines.push(format!("    subscribed {} by {}{source}", moment(on, "subscribed_at"), text(on, "how")));
    }
    for (fact, said) in [("opted_out", "opted out"), ("suppressed", "suppressed"), ("released", "released")] {
        lines.extend(fact_line(on, fact, said).map(|line| format!("    {line}")));
    }
    lines
}

/// When, how, who and why, if the fact is there.
fn fact_line(of: &Value, fact: &str, said: &str) -> Option<String> {
    let key = |end: &str| format!("{fact}_{end}");
    of[key("at").as_str()].as_str()?;
    let mut line = format!("{said} {} by {}", moment(of, &key("at")), text(of, &key("how")));
    for (end, said) in [("source", "source"), ("reason", "reason"), ("by", "token of")] {
        let told = text(of, &key(end));
        if !told.is_empty() {
            let _ = write!(line, ", {said} {told}");
        }
    }
    Some(line)
}

fn totals(contact: &Value) -> Vec<String> {
    let number = |key: &str| contact[key].to_string();
    let date = |key: &str| if contact[key].is_string() { moment(contact, key) } else { "never".to_owned() };
    let since = counted(contact["sends_since_engaged"].as_u64().unwrap_or(0), "message");
    vec![
        format!(
            "  sent {}, clicked {} (scanners {}), bought {} for {}",
            number("total_sends"),
            number("total_clicks"),
            number("total_bot_clicks"),
            number("total_conversions"),
            number("total_revenue")
        ),
        format!(
            "  last sent {}, last clicked {}, last inbound {}",
            date("last_sent"),
            date("last_clicked"),
            date("last_inbound")
        ),
        format!("  last engaged {}, {since} since", date("last_engaged")),
    ]
}

fn item_line(item: &Value) -> String {
    let mut words = vec![format!("    {}", clock(text(item, "at"), ""))];
    words.extend(item["list"].as_str().map(str::to_owned));
    if item["kind"] == "message" {
        let day = text(item, "at").get(..10).unwrap_or_default();
        let steps: Vec<String> = items(&item["steps"]).map(|step| step_text(step, day)).collect();
        words.push(format!("message {}: {}", text(item, "id"), steps.join(" → ")));
        return words.join("  ");
    }
    words.push(text(item, "kind").to_owned());
    words.extend(item["meaning"].as_str().map(|meaning| format!("({meaning})")));
    words.extend(item["text"].as_str().map(|text| format!("'{text}'")));
    for key in ["bot", "amount", "how", "source", "reason", "by", "code", "url", "message", "evidence", "id"] {
        match &item[key] {
            Value::Null => {}
            Value::String(text) => words.push(format!("{key} {text}")),
            other => words.push(format!("{key} {other}")),
        }
    }
    words.join("  ")
}

fn step_text(step: &Value, day: &str) -> String {
    let mut words = vec![text(step, "what").to_owned(), clock(text(step, "at"), day)];
    for key in ["code", "amount", "url", "reason"] {
        match &step[key] {
            Value::Null => {}
            Value::String(text) => words.push(text.clone()),
            other => words.push(other.to_string()),
        }
    }
    words.join(" ")
}

/// The time of a date, and its day where that is not the one that is known.
fn clock(at: &str, day: &str) -> String {
    let time = at.get(11..16).unwrap_or_default();
    match at.get(..10) {
        Some(other) if !day.is_empty() && other != day => format!("{other} {time}"),
        _ => time.to_owned(),
    }
}

fn moment(of: &Value, key: &str) -> String {
    text(of, key).get(..16).unwrap_or_default().replace('T', " ")
}

fn text<'v>(of: &'v Value, key: &str) -> &'v str {
    of[key].as_str().unwrap_or_default()
}

fn items(array: &Value) -> impl Iterator<Item = &Value> {
    array.as_array().into_iter().flatten()
}
