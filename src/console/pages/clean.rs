//! Purges: the policy in words, a plan, its run, and past ones.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderValue;
use axum::http::header::REFRESH;
use serde::Deserialize;
use serde_json::Value;

use super::{Page, render};
use crate::command::Access;
use crate::console::Console;
use crate::console::ask::Asker;
use crate::console::frame::{Frame, Section};
use crate::console::visit::Visit;
use crate::console::words::{When, counted, grouped};
use crate::json::plan_word;

#[derive(Template)]
#[template(path = "clean.html", config = "src/console/askama.toml")]
struct Clean {
    frame: Frame,
    rules: Vec<String>,
    running: Option<Running>,
    plan: Option<Plan>,
    /// Whether a plan was asked for, and is not there yet.
    is_being_made: bool,
    reports: Vec<Report>,
}

struct Running {
    plan: String,
    phase: &'static str,
    purged: String,
    selected: String,
    percent: u64,
}

struct Plan {
    number: String,
    contacts: String,
    /// What somebody types to run it.
    words: String,
    expires_at: When,
    reasons: Vec<(String, String)>,
    lists: Vec<(String, String)>,
    kept: String,
    unmeasured: String,
    sample: Vec<Sample>,
}

struct Sample {
    phone: String,
    path: String,
    reason: String,
    /// Since when it does not exist, or gives no sign of life.
    since: When,
    sends: String,
}

struct Report {
    plan: String,
    state: String,
    started_at: When,
    finished_at: When,
    purged: String,
    spared: String,
}

#[derive(Deserialize)]
pub struct Options {
    /// Whether a plan is to be made and shown. Making one changes no contact.
    #[serde(default)]
    plan: String,
}

/// Shows them.
pub async fn show(State(console): State<Arc<Console>>, Query(options): Query<Options>, mut visit: Visit) -> Page {
    if visit.grant.access < Access::Admin {
        return render(&Clean {
            rules: Vec::new(),
            running: None,
            plan: None,
            is_being_made: false,
            reports: Vec::new(),
            frame: visit.frame(Section::Clean, "Clean"),
        });
    }
    let policy: Value = visit.asker.json(&["PURGE", "POLICY"]).await?.unwrap_or_default();
    let status: Value = visit.asker.json(&["PURGE", "STATUS"]).await?.unwrap_or_default();
    let reports: Vec<Value> = visit.asker.items(&["PURGE", "REPORTS"]).await?;
    let is_wanted = !options.plan.is_empty();
    let mut made = None;
    if is_wanted {
        let asker = || Asker::new(console.inside.pipe(visit.grant.clone()));
        made = visit.session.plan.get(asker).await.transpose()?;
        visit.asker.remember(&["PURGE", "PLAN"], 1);
    }
    let is_being_made = is_wanted && made.is_none();
    let mut page = render(&Clean {
        rules: rules(&policy),
        running: running(&status),
        plan: made.as_ref().map(plan),
        is_being_made,
        reports: reports.iter().take(20).map(report).collect(),
        frame: visit.frame(Section::Clean, "Clean"),
    })?;
    if is_being_made {
        page.headers_mut().insert(REFRESH, HeaderValue::from_static("1"));
    }
    Ok(page)
}

fn rules(policy: &Value) -> Vec<String> {
    let days =
        |key: &str| policy[key].as_u64().map(grouped).or_else(|| policy[key].as_f64().map(|days| days.to_string()));
    let mut rules = Vec::new();
    if let Some(days) = days("invalid_after_days") {
        rules.push(format!("contacts whose number has not existed for {days} days"));
    }
    if let Some(days) = days("idle_after_days") {
        let sends = policy["sends"].as_u64().unwrap_or(0);
        rules.push(format!(
            "contacts that gave no sign of life for {days} days and got at least {sends} messages since"
        ));
    }
    if let Some(days) = days("idle_max_days") {
        rules.push(format!("contacts that gave no sign of life for {days} days, whatever was sent to them"));
    }
    rules
}

fn running(status: &Value) -> Option<Running> {
    if status["state"] == "idle" || status["state"].is_null() {
        return None;
    }
    let (purged, selected) = (number(status, "purged") + number(status, "spared"), number(status, "condemned"));
    Some(Running {
        plan: plan_word(status),
        phase: match status["phase"].as_str().unwrap_or_default() {
            "contacts" => "removes contacts",
            "feed" => "removes changes that are too old",
            "events" => "removes events that are too old",
            "ids" => "removes ids that are too old",
            "consents" => "removes proof of consent that is too old",
            _ => "counts anew",
        },
        purged: grouped(purged),
        selected: grouped(selected),
        percent: (purged * 100).checked_div(selected).unwrap_or(100),
    })
}

fn plan(plan: &Value) -> Plan {
    let contacts = number(plan, "contacts");
    let reasons = plan["reasons"].as_object().into_iter().flatten();
    let lists = plan["lists"].as_array().into_iter().flatten();
    let sample = plan["sample"].as_array().into_iter().flatten();
    Plan {
        number: plan_word(plan),
        contacts: counted(contacts, "contact"),
        words: format!("purge {contacts}"),
        expires_at: When::maybe(plan["expires_at"].as_str()),
        reasons: reasons.map(|(reason, count)| (in_words(reason), grouped(count.as_u64().unwrap_or(0)))).collect(),
        lists: lists
            .map(|on| (on["list"].as_str().unwrap_or_default().to_owned(), grouped(number(on, "contacts"))))
            .collect(),
        kept: grouped(number(plan, "kept")),
        unmeasured: grouped(number(plan, "unmeasured")),
        sample: sample
            .map(|one| {
                let phone = one["phone"].as_str().unwrap_or_default().to_owned();
                Sample {
                    path: format!("/contacts/{phone}"),
                    phone,
                    reason: in_words(one["reason"].as_str().unwrap_or_default()),
                    // Of a number that does not exist, nobody looks for signs of life.
                    since: When::maybe(
                        one[if one["reason"] == "invalid" { "invalid_at" } else { "idle_since" }].as_str(),
                    ),
                    sends: grouped(number(one, "sends_since_engaged")),
                }
            })
            .collect(),
    }
}

fn report(report: &Value) -> Report {
    Report {
        plan: plan_word(report),
        state: report["state"].as_str().unwrap_or_default().to_owned(),
        started_at: When::maybe(report["started_at"].as_str()),
        finished_at: When::maybe(report["finished_at"].as_str()),
        purged: grouped(number(report, "purged")),
        spared: grouped(number(report, "spared")),
    }
}

fn in_words(reason: &str) -> String {
    match reason {
        "invalid" => "the number does not exist",
        "non_engaged" => "messages without an answer",
        "idle" => "no sign of life",
        other => other,
    }
    .to_owned()
}

fn number(of: &Value, key: &str) -> u64 {
    of[key].as_u64().unwrap_or(0)
}
