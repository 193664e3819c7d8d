//! `contactd purge`: a client of the protocol, which plans a purge, shows the plan, and runs it.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};
use serde_json::Value;

use super::{Target, say};
use crate::client::{Client, Reply};
use crate::counted::counted;
use crate::error::{Error, Result};
use crate::json::{add, plan_word};

/// Purge contacts that are invalid or have long not engaged, as the daemon's policy says
///
/// Their opt-outs, suppressions and consent are kept. `contactd call PURGE POLICY` shows the policy.
///
/// Exit code 0: all was done; 1: somebody stopped it; 2: an error.
#[derive(Args)]
pub struct Purge {
    #[command(flatten)]
    target: Target,
    /// Only show what would be purged, and why
    #[arg(long)]
    dry_run: bool,
    /// Print plan and report as JSON, a line each
    #[arg(long)]
    json: bool,
}

/// A run that is over.
struct Done {
    report: Value,
    /// Why it came to no end of its own.
    broke_off: Option<String>,
}

impl Purge {
    pub fn run(self) -> Result<ExitCode> {
        let mut client = self.target.connect()?;
        let plan = plan(&mut client)?;
        if self.json {
            say(&plan);
        } else {
            print_plan(&plan);
        }
        if self.dry_run {
            return Ok(ExitCode::SUCCESS);
        }
        let bar = if self.json { ProgressBar::hidden() } else { ProgressBar::no_length() };
        let style = "{bar:28.cyan} {percent:>3} %  {human_pos} of {human_len} contacts, {msg}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        bar.set_length(number(&plan, "contacts"));
        let done = run(&mut client, &plan, &mut |status| {
            bar.set_position(number(status, "purged") + number(status, "spared"));
            bar.set_message(status["phase"].as_str().unwrap_or_default().to_owned());
        })?;
        bar.finish_and_clear();
        if self.json {
            say(&done.report);
        } else {
            print_report(&done.report);
        }
        done.exit_code()
    }
}

impl Done {
    fn exit_code(self) -> Result<ExitCode> {
        let plan = plan_word(&self.report);
        match self.broke_off {
            Some(why) => Err(Error::internal(format!("the run of plan {plan} broke off: {why}"))),
            None if self.report["state"] == "finished" => Ok(ExitCode::SUCCESS),
            None => Ok(ExitCode::FAILURE),
        }
    }
}

/// Plans and runs a purge, and prints plan and report.
pub fn purge(client: &mut Client) -> Result<ExitCode> {
    let plan = plan(client)?;
    print_plan(&plan);
    let done = run(client, &plan, &mut |_| {})?;
    print_report(&done.report);
    done.exit_code()
}

fn plan(client: &mut Client) -> Result<Value> {
    json(client.call(&["PURGE", "PLAN"])?)
}

/// Runs a plan, and shows each status on the way.
fn run(client: &mut Client, plan: &Value, show: &mut dyn FnMut(&Value)) -> Result<Done> {
    const LOOK_EVERY: Duration = Duration::from_millis(200);
    match client.call(&["PURGE", "RUN", &plan_word(plan)])? {
        Reply::Text(_) => {}
        other => return Err(Error::internal(other)),
    }
    let last = loop {
        let status = json(client.call(&["PURGE", "STATUS"])?)?;
        if status["state"] == "idle" {
            break status;
        }
        show(&status);
        std::thread::sleep(LOOK_EVERY);
    };
    let Reply::Array(reports) = client.call(&["PURGE", "REPORTS"])? else {
        return Err(Error::internal("PURGE REPORTS did not answer with reports"));
    };
    let word = plan_word(plan);
    let numbers: Vec<&str> = word.split('.').collect();
    // A store in partitions has a report of each.
    let is_of =
        |report: &Value| numbers.get(number(report, "partition") as usize).is_some_and(|own| *own == plan_word(report));
    let reports = reports.into_iter().filter_map(|report| json(report).ok()).filter(is_of);
    let report = reports.reduce(|mut sum, report| {
        add(&mut sum, &report);
        // It is finished once all of them are, and then.
        let is_later = report["finished_at"].as_str() > sum["finished_at"].as_str();
        if sum["state"] == "finished" && (report["state"] != "finished" || is_later) {
            sum["state"] = report["state"].clone();
            sum["finished_at"] = report["finished_at"].clone();
        }
        sum
    });
    let mut report = report.ok_or_else(|| Error::internal("the run has no report"))?;
    report["plan"] = plan["plan"].clone();
    if let Some(report) = report.as_object_mut() {
        report.remove("partition");
    }
    // A partition that did not break off says nothing of its plan.
    let is_own = plan_word(&last).split('.').zip(&numbers).all(|(told, own)| told.is_empty() || told == *own);
    let broke_off = last["broke_off"].as_str().filter(|_| is_own);
    Ok(Done { report, broke_off: broke_off.map(str::to_owned) })
}

fn json(reply: Reply) -> Result<Value> {
    match reply {
        Reply::Text(text) => serde_json::from_str(&text).map_err(Error::internal),
        other => Err(Error::internal(other)),
    }
}

fn number(of: &Value, key: &str) -> u64 {
    of[key].as_u64().unwrap_or(0)
}

/// A plan for people.
fn print_plan(plan: &Value) {
    let contacts = number(plan, "contacts");
    let are = if contacts == 1 { "contact is" } else { "contacts are" };
    say(&format!("Plan {}: {} {are} past the policy's limits.", plan_word(plan), HumanCount(contacts)));
    for (reason, what) in [
        ("invalid", "their number does not exist"),
        ("non_engaged", "sent many messages, and nothing came back"),
        ("idle", "idle for a very long time"),
    ] {
        line(number(&plan["reasons"], reason), what);
    }
    line(number(plan, "kept"), "kept for their label");
    line(number(plan, "unmeasured"), "kept: none of their lists records clicks, replies or conversions");
    for list in plan["lists"].as_array().into_iter().flatten().take(10) {
        line(number(list, "contacts"), &format!("are on {}", list["list"].as_str().unwrap_or_default()));
    }
    if contacts > 0 {
        say(&format!("Their records take about {}. Some of them:", HumanBytes(number(plan, "bytes"))));
    }
    for one in plan["sample"].as_array().into_iter().flatten() {
        let text = |key: &str| one[key].as_str().map_or("never", |text| text.get(..10).unwrap_or(text)).to_owned();
        let why = match one["reason"].as_str() {
            Some("invalid") => format!("invalid since {}", text("invalid_at")),
            _ => {
                let messages = counted(number(one, "sends_since_engaged"), "message");
                format!("nothing since {}, {messages} unanswered", text("idle_since"))
            }
        };
        say(&format!("  {:<17} {why}", one["phone"].as_str().unwrap_or_default()));
    }
}

/// A report for people.
fn print_report(report: &Value) {
    say(&format!("Plan {} is {}.", plan_word(report), report["state"].as_str().unwrap_or_default()));
    line(number(report, "purged"), "purged; their opt-outs, suppressions and consent are kept");
    line(number(report, "spared"), "kept: something came from them since the plan");
    line(number(report, "events"), "events of the history removed");
    line(number(report, "feed_entries"), "entries of the feed removed");
    line(number(report, "ids"), "ids forgotten");
    // Only a run that came to its end has measured the store again.
    if report["state"] == "finished" {
        let size = |key: &str| HumanBytes(number(report, key));
        say(&format!("The store had {} before and has {} now.", size("bytes_before"), size("bytes_after")));
    } else {
        say(&format!("To go on with it: contactd call PURGE RUN {}", plan_word(report)));
    }
}

fn line(count: u64, what: &str) {
    if count > 0 {
        say(&format!("{:>12} {what}", HumanCount(count).to_string()));
    }
}
