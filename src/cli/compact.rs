//! `contactd compact`, and the compactor in the daemon: a client of the protocol, which plans a purge and runs it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};
use serde_json::Value;

use super::client::{Client, Reply};
use super::{Target, say};
use crate::error::{Error, Result};
use crate::server::Server;
use crate::store::Store;

/// Purge invalid and long-term non-engaged contacts, or write the store anew
///
/// A purge is by the daemon's policy: of invalid contacts, and those of whom nothing has come for long. Opt-outs and suppressions
/// stay.
///
/// Exit code 0: all was done; 1: it was stopped; 2: an error.
#[derive(Args)]
pub struct Compact {
    #[command(flatten)]
    target: Target,
    /// Only say what would be purged
    #[arg(long)]
    dry_run: bool,
    /// Print plan and report as JSON, a line each
    #[arg(long)]
    json: bool,
    /// Write the store anew, instead, without what is free in its file: of a data directory that no daemon has open. Where
    /// next to nothing is free it may come out a little larger
    #[arg(long, requires = "data_dir", conflicts_with = "dry_run")]
    rewrite: bool,
    /// The data directory of --rewrite
    #[arg(long, value_name = "DIR", requires = "rewrite")]
    data_dir: Option<PathBuf>,
}

impl Compact {
    pub fn run(self) -> Result<ExitCode> {
        if let Some(dir) = &self.data_dir {
            return rewrite(dir);
        }
        let mut client = self.target.connect()?;
        let plan = plan(&mut client)?;
        if self.json {
            say(&plan);
        } else {
            describe(&plan);
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
        let report = run(&mut client, &plan, &mut |status| {
            bar.set_position(number(status, "purged") + number(status, "spared"));
            bar.set_message(status["phase"].as_str().unwrap_or_default().to_owned());
        })?;
        bar.finish_and_clear();
        if self.json {
            say(&report);
        } else {
            tell(&report);
        }
        Ok(if report["state"] == "finished" { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Plans and runs a purge, and says what becomes of it.
pub fn aloud(client: &mut Client) -> Result<()> {
    let plan = plan(client)?;
    describe(&plan);
    tell(&run(client, &plan, &mut |_| {})?);
    Ok(())
}

/// Purges now and then until the daemon stops: the first time an hour after the start, or as often as it is to be.
pub fn in_background(server: &Arc<Server>, every: Duration) {
    const FIRST_AFTER: Duration = Duration::from_secs(3600);
    if every.is_zero() {
        return;
    }
    let server = Arc::clone(server);
    tokio::spawn(async move {
        let stopping = server.stopping();
        let mut wait = every.min(FIRST_AFTER);
        loop {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stopping.cancelled() => return,
            }
            let pipe = server.connect_inside();
            let done = tokio::task::spawn_blocking(move || {
                let mut client = Client::inside(pipe);
                plan(&mut client).and_then(|plan| begin(&mut client, &plan))
            });
            if let Ok(Err(why)) = done.await {
                tracing::error!("the compactor could not purge: {}", why.message);
            }
            wait = every;
        }
    });
}

fn plan(client: &mut Client) -> Result<Value> {
    json(client.call(&["PURGE", "PLAN"])?)
}

fn begin(client: &mut Client, plan: &Value) -> Result<()> {
    match client.call(&["PURGE", "RUN", &plan["plan"].to_string()])? {
        Reply::Text(_) => Ok(()),
        other => Err(Error::internal(other)),
    }
}

/// Runs a plan, shows how far it is, and gives its report.
fn run(client: &mut Client, plan: &Value, show: &mut dyn FnMut(&Value)) -> Result<Value> {
    const LOOK_EVERY: Duration = Duration::from_millis(200);
    begin(client, plan)?;
    loop {
        let status = json(client.call(&["PURGE", "STATUS"])?)?;
        if status["state"] == "idle" {
            break;
        }
        show(&status);
        std::thread::sleep(LOOK_EVERY);
    }
    let Reply::Array(reports) = client.call(&["PURGE", "REPORTS"])? else {
        return Err(Error::internal("PURGE REPORTS was not answered"));
    };
    let mut reports = reports.into_iter().filter_map(|report| json(report).ok());
    reports.find(|report| report["plan"] == plan["plan"]).ok_or_else(|| Error::internal("the run has no report"))
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
fn describe(plan: &Value) {
    let contacts = number(plan, "contacts");
    let are = if contacts == 1 { "contact is" } else { "contacts are" };
    say(&format!("Plan {}: {} {are} past the policy's limits.", plan["plan"], HumanCount(contacts)));
    for (reason, what) in [
        ("invalid", "their number does not exist"),
        ("non_engaged", "nothing came back, after many messages"),
        ("idle", "nothing has come for very long"),
    ] {
        line(number(&plan["reasons"], reason), what);
    }
    line(number(plan, "kept"), "stay for their label");
    line(number(plan, "unmeasured"), "stay, since nobody's engagement is measured on their lists");
    for list in plan["lists"].as_array().into_iter().flatten().take(10) {
        line(number(list, "contacts"), &format!("are on {}", list["list"].as_str().unwrap_or_default()));
    }
    if contacts > 0 {
        say(&format!("About {} of records would go. Some of them:", HumanBytes(number(plan, "bytes"))));
    }
    for one in plan["sample"].as_array().into_iter().flatten() {
        let text = |key: &str| one[key].as_str().map_or("never", |text| text.get(..10).unwrap_or(text)).to_owned();
        let why = match one["reason"].as_str() {
            Some("invalid") => format!("invalid since {}", text("invalid_at")),
            _ => format!("nothing since {}, {} messages in vain", text("idle_since"), one["sends_since_engaged"]),
        };
        say(&format!("  {:<17} {why}", one["phone"].as_str().unwrap_or_default()));
    }
}

/// A report for people.
fn tell(report: &Value) {
    say(&format!("Plan {} is {}.", report["plan"], report["state"].as_str().unwrap_or_default()));
    line(number(report, "purged"), "purged; their opt-outs, suppressions and consent are kept");
    line(number(report, "spared"), "spared: something came from them since the plan");
    line(number(report, "events"), "of the history's events are gone");
    line(number(report, "feed_entries"), "of the feed's entries are gone");
    line(number(report, "ids"), "of the ids are forgotten");
    // Only a run that came to its end has measured the store again.
    if report["state"] == "finished" {
        let size = |key: &str| HumanBytes(number(report, key));
        say(&format!("The store had {} before and has {} now.", size("bytes_before"), size("bytes_after")));
    } else {
        say(&format!("It goes on with: contactd call PURGE RUN {}", report["plan"]));
    }
}

fn line(count: u64, what: &str) {
    if count > 0 {
        say(&format!("{:>12} {what}", HumanCount(count).to_string()));
    }
}

/// Writes a store anew, compares it with the old one, and puts it in its place.
fn rewrite(dir: &Path) -> Result<ExitCode> {
    if !Store::is_in(dir) {
        return Err(Error::bad_arg(format!("{} is no contactd store", dir.display())));
    }
    let done = Store::rewrite(dir)?;
    say(&format!(
        "{} values written anew and compared: {} before, {} now.",
        HumanCount(done.values),
        HumanBytes(done.bytes_before),
        HumanBytes(done.bytes_after)
    ));
    Ok(ExitCode::SUCCESS)
}
