//! `contactd health`: what is wrong with a running daemon, in words.

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::fenced::{fenced, settings_loosened, trail_found, unfenced_without};
use super::{Target, say};
use crate::client::{Client, Reply};
use crate::command::Source;
use crate::counted::counted;
use crate::error::{Code, Result};
use crate::limits::{CERTIFICATE_SOON_DAYS, CERTIFICATE_SOON_PART, CLAIM_YOUNG_MINUTES, DISK_FREE_LOW_BYTES};
use crate::model::time::{self, DAY_MS};
use crate::store::ReadOnly;

/// How long a daemon has to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Lists that are named; of more there is a number.
const LISTS_NAMED: usize = 5;
/// The newest backup is older than that: the nightly one has failed twice.
const BACKUP_LATE_SECONDS: u64 = 48 * 3600;
const MIB: u64 = 1024 * 1024;
/// So long after a start claims count that are younger than what is said of them.
const YOUNG_SECONDS: u64 = 60 * CLAIM_YOUNG_MINUTES.unsigned_abs();

/// Say what is wrong with a running daemon, one line for each trouble
///
/// Asks STATS, so the token in `CONTACTD_TOKEN` must allow reading.
///
/// Exit code 0: all is well; 1: something needs a person; 2: contactd does not serve.
#[derive(Args)]
pub struct Health {
    #[command(flatten)]
    target: Target,
    /// Only ask whether it answers at all: what a container's check wants. It needs no token, and ends with 0 also while the
    /// store is loaded, and while it stands by for an owner that is not reached. A restart cures nothing else, and forgets opt-outs that are in memory only.
    #[arg(long)]
    alive: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Something that is wrong.
#[derive(Debug, PartialEq, Eq)]
struct Trouble {
    /// For programs.
    what: &'static str,
    /// For people: what it means and what to do.
    message: String,
}

/// What a daemon's health is.
#[derive(Debug, PartialEq, Eq)]
enum Finding {
    /// It serves; these things need a person.
    Serves(Vec<Trouble>),
    /// It does not serve.
    Down(Trouble),
}

impl Health {
    pub fn run(self) -> ExitCode {
        let (send, found) = mpsc::channel();
        let address = self.target.server.to_string();
        let (target, alive) = (self.target, self.alive);
        // A daemon that hangs answers nothing: the thread that asks it is left behind.
        thread::spawn(move || send.send(look(&target, alive)));
        let finding = found.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            let seconds = PATIENCE.as_secs();
            down("no_answer", format!("contactd on {address} did not answer within {seconds} seconds: see its log"))
        });
        let (word, troubles, code) = match &finding {
            Finding::Serves(troubles) if troubles.is_empty() => ("well", troubles.as_slice(), 0),
            Finding::Serves(troubles) => ("trouble", troubles.as_slice(), 1),
            Finding::Down(trouble) => ("down", std::slice::from_ref(trouble), 2),
        };
        if self.json {
            let each = |trouble: &Trouble| json!({"what": trouble.what, "message": trouble.message});
            say(&json!({"health": word, "troubles": troubles.iter().map(each).collect::<Vec<_>>()}));
        } else if troubles.is_empty() {
            say(&if alive { "contactd answers" } else { "all is well" });
        } else {
            for Trouble { what, message } in troubles {
                say(&format_args!("{what}: {message}"));
            }
        }
        ExitCode::from(code)
    }
}

/// Asks a daemon how it is.
fn look(target: &Target, alive: bool) -> Finding {
    let ask = || -> Result<Finding> {
        // Without the token: while it loads, a daemon does not know tokens.
        let mut client = Target { token: None, ..target.clone() }.connect()?;
        if let Reply::Error(why) = client.call(&["PING"])? {
            let is = |code: Code| why.starts_with(code.word());
            if is(Code::Loading) {
                let loading = "contactd loads its store, and answers nothing else yet".to_owned();
                return Ok(if alive { Finding::Serves(Vec::new()) } else { down("loading", loading) });
            }
            if is(Code::Standby) {
                let standby = format!("contactd stands by for another one that is not reached: {why}");
                return Ok(if alive { Finding::Serves(Vec::new()) } else { down("standby", standby) });
            }
            let what = if is(Code::Busy) { "too_many_clients" } else { "no_answer" };
            return Ok(down(what, format!("contactd refuses connections: {why}")));
        }
        if alive {
            return Ok(Finding::Serves(Vec::new()));
        }
        if let Some(token) = &target.token
            && let Reply::Error(why) = client.call(&["AUTH", token])?
            && !why.contains("no AUTH is needed")
        {
            return Ok(no_token(&format!("CONTACTD_TOKEN is refused: {why}")));
        }
        Ok(match client.call(&["STATS"])? {
            Reply::Array(lines) => Finding::Serves(troubles(&Stats::read(&lines), || leaving(&mut client))),
            Reply::Error(why) => no_token(&format!("CONTACTD_TOKEN must have a token that may read: {why}")),
            other => down("no_answer", format!("an unexpected reply to STATS: {other}")),
        })
    };
    ask().unwrap_or_else(|why| down("no_answer", why.message))
}

/// It serves, and does not tell how it is.
fn no_token(why: &str) -> Finding {
    let message = format!("contactd answers, but does not say how it is: {why}");
    Finding::Serves(vec![Trouble { what: "no_token", message }])
}

fn down(what: &'static str, message: String) -> Finding {
    Finding::Down(Trouble { what, message })
}

/// The text of an item of a reply.
fn text(item: &Reply) -> Option<&str> {
    match item {
        Reply::Text(text) => Some(text),
        _ => None,
    }
}

/// The lines of STATS.
pub(super) struct Stats(HashMap<String, String>);

impl Stats {
    pub(super) fn read(lines: &[Reply]) -> Stats {
        let pairs = lines.iter().filter_map(text).filter_map(|line| line.split_once(' '));
        Stats(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    pub(super) fn word(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// What a line says; none where it says `none`, or there is none: an older daemon has fewer.
    pub(super) fn said(&self, name: &str) -> Option<&str> {
        Some(self.word(name)).filter(|word| !["", "none"].contains(word))
    }

    /// 0 where there is no such line.
    pub(super) fn number(&self, name: &str) -> u64 {
        self.word(name).parse().unwrap_or(0)
    }
}

/// What is wrong, worst first. `leaving` names the lists that people leave.
fn troubles(stats: &Stats, leaving: impl FnOnce() -> String) -> Vec<Trouble> {
    let mut found = Vec::new();
    let mut say = |what, message: String| found.push(Trouble { what, message });
    let in_memory = stats.number("forbidden_in_memory_only");
    if in_memory > 0 {
        say(
            "forbidden_in_memory",
            format!(
                "{} or the like in memory only; a restart loses what no trail has: send them again",
                counted(in_memory, "opt-out")
            ),
        );
    }
    if stats.word("fenced") == "true" {
        say("fenced", fenced(stats));
    }
    if stats.word("trail_failed") == "true" {
        say("trail_failed", "the trail cannot be written: mend its disk; the store has what is missing there".into());
    }
    if let Some(lacks_before) = stats.said("trail_lacks_before") {
        say(
            "trail_lacks",
            format!(
                "the trail does not have all that forbids from before {lacks_before}, and no backup was made since: make one, and this \
                 ends"
            ),
        );
    }
    for (what, message) in [trail_found(stats), unfenced_without(stats), settings_loosened(stats)].into_iter().flatten()
    {
        say(what, message);
    }
    let reason = stats.word("read_only_reason");
    match ReadOnly::ALL.into_iter().find(|known| known.word() == reason) {
        Some(ReadOnly::WriteFailed) => say(
            "read_only",
            "nothing is written, since a write failed: look at the disk and the log, then restart contactd".into(),
        ),
        Some(ReadOnly::DiskFull) => {
            say("read_only", format!("nothing is written, since the disk is full ({}): free some space", free(stats)));
        }
        Some(ReadOnly::DiskLow) => say(
            "disk_low",
            format!("only what forbids is written, since the disk is nearly full ({}): free some space", free(stats)),
        ),
        None if stats.word("read_only") == "true" => say("read_only", "nothing is written: see the log".into()),
        None if (1..2 * DISK_FREE_LOW_BYTES).contains(&stats.number("disk_free_bytes")) => say(
            "disk_low",
            format!(
                "the disk is nearly full ({}): below {} MiB only what forbids is written",
                free(stats),
                DISK_FREE_LOW_BYTES / MIB
            ),
        ),
        None => {}
    }
    if let Some((what, message)) = certificate(stats) {
        say(what, message);
    }
    if let Some(message) = backup_missing(stats) {
        say("backup_missing", message);
    }
    for source in Source::ALL {
        if let Some(refused) = stats.said(&format!("reload_error_{}", source.word())) {
            let then = match source {
                Source::Settings => "contactd will not start with this file",
                _ => "what was read before stays in use, and contactd will not start with this file",
            };
            say("reload_refused", format!("the {} could not be used: {refused}; {then}", named(source)));
        }
    }
    let (claims, messages) = (stats.number("claims_unresolved"), stats.number("inbox_messages"));
    // Of claims from before a start nobody knows how young they are.
    let is_young = stats.said("uptime_seconds").is_some() && stats.number("uptime_seconds") < YOUNG_SECONDS;
    if claims > 0 && !is_young {
        let claims = counted(claims, "claim");
        let message = format!(
            "{claims} neither confirmed nor taken back for more than {CLAIM_YOUNG_MINUTES} minutes: a worker may have died"
        );
        say("claims_unresolved", message);
    }
    if messages > 0 {
        let messages = counted(messages, "message");
        say("inbox", format!("{messages} for a person to read: somebody may want out"));
    }
    if stats.number("lists_opt_out_rate_high") > 0 {
        say("opt_out_rate_high", format!("people leave these lists: {}", leaving()));
    }
    found
}

/// What a person calls a file that is read again.
fn named(source: Source) -> &'static str {
    match source {
        Source::Settings => "settings",
        Source::Tokens => "tokens file",
        Source::Certificate => "certificate",
        Source::WebhookSecrets => "webhook secrets",
    }
}

/// What is wrong with the certificates, or will be.
fn certificate(stats: &Stats) -> Option<(&'static str, String)> {
    let date = |name| time::parse(stats.word(name)).ok();
    let (now, from, until) = (date("now")?, date("certificate_starts")?, date("certificate_ends")?);
    let day = |at| time::format(at).chars().take(10).collect::<String>();
    let soon = (CERTIFICATE_SOON_DAYS * DAY_MS).min((until - from) / CERTIFICATE_SOON_PART);
    if now > until {
        let message =
            format!("the certificate ended on {}, and clients refuse contactd: renew it", time::format(until));
        Some(("certificate_ended", message))
    } else if now < from {
        let message = format!(
            "the certificate is not good before {}, and clients refuse contactd: take another one, or set the clock right",
            time::format(from)
        );
        Some(("certificate_not_yet", message))
    } else if until - now < soon {
        let left = counted(((until - now) / DAY_MS).unsigned_abs(), "day");
        Some(("certificate_ends", format!("the certificate ends on {}, in {left}: renew it", day(until))))
    } else {
        None
    }
}

/// Whether backups are to be made, and none was for too long. A daemon that has just started, and knows of none, has time.
fn backup_missing(stats: &Stats) -> Option<String> {
    let last = stats.number("backup_last_success_timestamp_seconds");
    let now = time::parse(stats.word("now")).ok()?.unsigned_abs() / 1000;
    let since = if last > 0 { now.saturating_sub(last) } else { stats.number("uptime_seconds") };
    let then = "contactd backup, or BACKUP RUN; then find out why nobody else does";
    (stats.word("backups_expected") == "true" && since > BACKUP_LATE_SECONDS).then(|| match last {
        0 => format!("--backup-dir is set, and there is no backup: {then}"),
        _ => format!("the last backup is {} hours old: {then}", since / 3600),
    })
}

fn free(stats: &Stats) -> String {
    format!("{} MiB free", stats.number("disk_free_bytes") / MIB)
}

/// The lists whose opt-out rate is high, the worst first.
fn leaving(client: &mut Client) -> String {
    let Ok(Reply::Array(lists)) = client.call(&["LISTS"]) else { return "LISTS names them".into() };
    let lists = lists.iter().filter_map(text).filter_map(|list| serde_json::from_str::<Value>(list).ok());
    let mut high: Vec<(f64, String)> = lists
        .filter(|list| list["opt_out_rate_high"] == true)
        .map(|list| {
            let rate = list["opt_out_rate_30d"].as_f64().unwrap_or(0.0);
            (rate, format!("{} ({:.1} % of 30 days)", list["list"].as_str().unwrap_or("?"), rate * 100.0))
        })
        .collect();
    high.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let more = high.len().saturating_sub(LISTS_NAMED);
    let named: Vec<String> = high.into_iter().take(LISTS_NAMED).map(|(_, list)| list).collect();
    if more == 0 { named.join(", ") } else { format!("{}, and {more} more", named.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(lines: &[&str]) -> Vec<(&'static str, String)> {
        let lines: Vec<Reply> = lines.iter().map(|line| Reply::Text((*line).to_owned())).collect();
        let troubles = troubles(&Stats::read(&lines), || "+14155550000 (3.0 % of 30 days)".into());
        troubles.into_iter().map(|trouble| (trouble.what, trouble.message)).collect()
    }

    #[test]
    fn each_trouble_has_its_words() {
        let well = ["read_only false", "read_only_reason none", "disk_free_bytes 900000000000", "claims_unresolved 0"];
        assert_eq!(found(&well), []);
        assert_eq!(found(&[]), [], "an older daemon has fewer lines");
        assert_eq!(found(&["claims_unresolved 1", "uptime_seconds 299"]), []);
        assert_eq!(found(&["fenced true", "fenced_backup_at 2026-05-01T03:00:00.000Z", "trail_failed true"]).len(), 2);
        assert!(found(&["trail_lacks_before none"]).is_empty());
        let lacks = found(&["trail_lacks_before 2026-05-01T03:00:00.000Z"]);
        assert!(lacks.len() == 1 && lacks[0].1.contains("make one, and this ends"), "{lacks:?}");
        assert_eq!(found(&["read_only true"])[0].0, "read_only", "an older one does not say why");
        for (lines, what, words) in [
            (&["read_only true", "read_only_reason write_failed"][..], "read_only", "a write failed"),
            (&["read_only_reason disk_full", "disk_free_bytes 1048576"], "read_only", "disk is full (1 MiB free)"),
            (&["read_only_reason disk_low", "disk_free_bytes 104857600"], "disk_low", "only what forbids"),
            (&["read_only_reason none", "disk_free_bytes 314572800"], "disk_low", "(300 MiB free): below 256 MiB"),
            (&["forbidden_in_memory_only 3"], "forbidden_in_memory", "3 opt-outs or the like"),
            (&["claims_unresolved 7"], "claims_unresolved", "7 claims neither"),
            (&["claims_unresolved 1"], "claims_unresolved", "1 claim neither"),
            (&["claims_unresolved 1", "uptime_seconds 300"], "claims_unresolved", "1 claim neither"),
            (&["inbox_messages 2"], "inbox", "2 messages for"),
            (&["inbox_messages 1"], "inbox", "1 message for"),
            (
                &["reload_error_tokens 2026-05-01T00:00:00.000Z in /etc/t: line 3 has no token"],
                "reload_refused",
                "the tokens file could not be used: 2026-05-01T00:00:00.000Z in /etc/t: line 3 has no token; what was read",
            ),
            (
                &["reload_error_settings 2026-05-01T00:00:00.000Z in /etc/c: line 1: no"],
                "reload_refused",
                "no; contactd will not start with this file",
            ),
            (&["lists_opt_out_rate_high 1"], "opt_out_rate_high", "+14155550000"),
        ] {
            let found = found(lines);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].0 == what && found[0].1.contains(words), "{found:?}");
        }
        let (year, week) = ("2026-01-01T00:00:00.000Z", "2026-12-25T00:00:00.000Z");
        for (now, starts, told) in [
            ("2026-12-17T23:00:00.000Z", year, None),
            (
                "2026-12-19T01:00:00.000Z",
                year,
                Some("certificate_ends: the certificate ends on 2027-01-01, in 12 days"),
            ),
            ("2026-12-30T12:00:00.000Z", year, Some("certificate_ends: the certificate ends on 2027-01-01, in 1 day:")),
            ("2026-12-29T00:00:00.000Z", week, None),
            ("2026-12-31T00:00:00.000Z", week, Some("certificate_ends: the certificate ends on 2027-01-01, in 1 day:")),
            ("2027-01-01T00:00:01.000Z", year, Some("certificate_ended: the certificate ended on 2027-01-01T00:00:00")),
            (
                "2025-12-31T00:00:00.000Z",
                year,
                Some("certificate_not_yet: the certificate is not good before 2026-01-01"),
            ),
        ] {
            let lines = [
                format!("now {now}"),
                format!("certificate_starts {starts}"),
                "certificate_ends 2027-01-01T00:00:00.000Z".to_owned(),
            ];
            let found = found(&lines.each_ref().map(String::as_str));
            let found = found.first().map(|(what, message)| format!("{what}: {message}"));
            let is_told = told.is_none_or(|told| found.as_deref().is_some_and(|found| found.starts_with(told)));
            assert!(found.is_some() == told.is_some() && is_told, "{now}: {found:?}");
        }
        assert_eq!(found(&["now 2026-05-01T00:00:00.000Z", "certificate_ends none"]), []);
        // 1_777_593_600 is that day's midnight.
        let last = |at| format!("backup_last_success_timestamp_seconds {at}");
        for (last, uptime, told) in [
            (last(1_777_593_600), "uptime_seconds 999999", None),
            (last(1_777_593_600 - 47 * 3600), "uptime_seconds 999999", None),
            (last(1_777_593_600 - 49 * 3600), "uptime_seconds 1", Some("49 hours old")),
            (last(0), "uptime_seconds 100", None),
            (last(0), "uptime_seconds 172801", Some("there is no backup")),
        ] {
            let lines = ["now 2026-05-01T00:00:00.000Z", "backups_expected true", &last, uptime];
            let found = found(&lines);
            assert_eq!(found.first().map(|found| found.0), told.map(|_| "backup_missing"), "{lines:?}");
            assert!(told.is_none_or(|told| found[0].1.contains(told)), "{found:?}");
        }
        assert_eq!(found(&["now 2026-05-01T00:00:00.000Z", "backups_expected false", "uptime_seconds 999999"]), []);
        assert_eq!(found(&["reload_error_tokens none"]), []);
        let all = found(&["forbidden_in_memory_only 1", "read_only_reason disk_full", "claims_unresolved 1"]);
        assert_eq!(
            all.iter().map(|(what, _)| *what).collect::<Vec<_>>(),
            ["forbidden_in_memory", "read_only", "claims_unresolved"]
        );
    }
}
