//! STATS: what the daemon counts and knows of itself, as one list of names, kinds, explanations and values.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Context, Counters, Reloads, Source, TABLE};
use crate::error::Result;
use crate::jobs::Status;
use crate::ledger::Reign;
use crate::limits::{CLAIM_YOUNG_MINUTES, DISK_FREE_LOW_BYTES, DISK_FREE_MIN_BYTES, PAGE_ITEMS_MAX, TALLY_WINDOW_DAYS};
use crate::model::fence::Fence;
use crate::model::time::{self, Millis};
use crate::model::verdict::{ContactStatus, ListStatus};
use crate::store::term::Term;
use crate::store::{ReadOnly, Store};
use crate::wire::{Args, Replies};

/// One line of STATS.
#[derive(Clone, Debug)]
pub struct Stat {
    /// Its name. It never changes its meaning.
    pub name: Cow<'static, str>,
    /// What the value says, as `protocol.md` tells it, too.
    pub help: Cow<'static, str>,
    /// How it is now.
    pub value: StatValue,
}

/// A value, by its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatValue {
    /// A number that only grows, from 0 when the daemon starts.
    Counter(u64),
    /// A number that goes up and down.
    Gauge(u64),
    /// Yes or no.
    Flag(bool),
    /// Anything else.
    Text(String),
}

impl StatValue {
    /// The kind, as `protocol.md` names it.
    pub fn kind(&self) -> &'static str {
        match self {
            StatValue::Counter(_) => "counter",
            StatValue::Gauge(_) => "gauge",
            StatValue::Flag(_) => "flag",
            StatValue::Text(_) => "text",
        }
    }
}

/// As it stands behind the name.
impl fmt::Display for StatValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StatValue::Counter(number) | StatValue::Gauge(number) => number.fmt(f),
            StatValue::Flag(flag) => flag.fmt(f),
            StatValue::Text(text) => text.fmt(f),
        }
    }
}

pub(super) fn stats(context: &Context, _: Args<'_>, replies: &mut Replies) -> Result<()> {
    let stats = gather(context)?;
    replies.array(stats.len());
    for Stat { name, value, .. } in stats {
        replies.text(&format!("{name} {value}"));
    }
    Ok(())
}

/// Everything that STATS tells, in its order.
pub fn gather(context: &Context) -> Result<Vec<Stat>> {
    let mut list = List(Vec::new());
    list.daemon(&context.store, &context.counters);
    list.files(&context.reloads, &context.counters);
    list.backups(context);
    list.ledger(context);
    list.contacts(&context.store);
    list.labels(&context.store)?;
    list.store(&context.store);
    list.requests(&context.counters);
    Ok(list.0)
}

/// The same without what has to be looked up on disk.
pub fn gather_from_memory(context: &Context) -> Vec<Stat> {
    let mut list = List(Vec::new());
    list.daemon(&context.store, &context.counters);
    list.files(&context.reloads, &context.counters);
    list.backups(context);
    list.ledger(context);
    list.contacts(&context.store);
    list.store(&context.store);
    list.requests(&context.counters);
    list.0
}

/// Those lines that a daemon tells once, however many partitions of a store are open in it.
pub fn gather_of_daemon(counters: &Counters, reloads: &Reloads) -> Vec<Stat> {
    let mut list = List(Vec::new());
    list.clients(counters);
    list.files(reloads, counters);
    list.commands(counters);
    list.0
}

/// What the names begin with under which requests are counted.
pub const REQUESTS: &str = "requests_";

/// The requests by command, of those that came.
pub fn requests(counters: &Counters) -> impl Iterator<Item = (String, u64)> {
    let all = TABLE.iter().zip(&counters.requests);
    let named =
        all.map(|(command, requests)| (format!("{REQUESTS}{}", command.name.to_ascii_lowercase()), count(requests)));
    named.filter(|(_, number)| *number > 0)
}

struct List(Vec<Stat>);

impl List {
    fn backups(&mut self, context: &Context) {
        let job = &context.jobs.backup;
        let last = job.work().last();
        let is_running = !matches!(job.status(), Status::Idle | Status::BrokeOff(..));
        self.add(
            "backups_expected",
            "`true` if `--backup-dir` is set: contactd health then misses a backup after two days",
            StatValue::Flag(job.work().is_expected()),
        );
        self.add("backup_running", "`true` while BACKUP RUN writes", StatValue::Flag(is_running));
        self.gauge(
            "backup_last_success_timestamp_seconds",
            "when the last backup was made, in seconds since 1970 UTC; 0 if none is known",
            (last.at / 1000).unsigned_abs(),
        );
        self.gauge("backup_last_bytes", "the bytes of that one", last.bytes);
    }

    fn ledger(&mut self, context: &Context) {
        let reign = context.reign.as_deref();
        let number = reign.map_or(0, |reign| reign.number.unsigned_abs());
        self.gauge(
            "ledger_reign",
            "how often the owner of a shared store has changed; 0 for a store of one daemon",
            number,
        );
        self.gauge("ledger_row", "the newest row that the ledger has acknowledged", reign.map_or(0, Reign::acked));
        self.gauge(
            "ledger_copies",
            "on how many machines a row is before it counts: below 2, a failover of the database may lose opt-outs",
            reign.map_or(0, |reign| reign.copies.load(Ordering::Relaxed)),
        );
        let left = reign.map_or(0, |reign| reign.lease.left().as_secs());
        self.gauge(
            "ledger_lease_seconds",
            "seconds for which this daemon may answer without word from the ledger",
            left,
        );
        self.add(
            "ledger_confirmed",
            "renewals of the lease that CHECKs have waited for, with `--check confirmed`",
            StatValue::Counter(reign.map_or(0, |reign| reign.confirmations.asked_for())),
        );
    }

    fn fence(&mut self, fence: Option<Fence>) {
        self.add(
            "fenced",
            "`true` from a restore to UNFENCE, or since the store was found to lack something: nobody gets messages",
            StatValue::Flag(fence.is_some()),
        );
        self.text(
            "fenced_why",
            "`restored`, `file_gone`, `trail` (it knows more than the store, and may not have all), `by_hand`; `none` without a fence",
            fence.map_or("none", |fence| fence.cause.word()).to_owned(),
        );
        let Fence { backup_at, replayed, .. } = fence.unwrap_or_default();
        let moment = |at: Millis| if at > 0 { time::format(at) } else { "none".to_owned() };
        self.text(
            "fenced_backup_at",
            "while fenced: the store is as it was then; `none` if that is not known, and without a fence",
            moment(backup_at),
        );
        self.gauge("fenced_replayed", "while fenced: facts that a trail has brought back", replayed.facts);
        self.text(
            "fenced_replayed_to",
            "while fenced: the date of the newest of them; else `none`",
            moment(replayed.to),
        );
        self.gauge(
            "fenced_passed_over",
            "while fenced: lines of trails that cannot be read, were changed or are gone; each may have been an opt-out",
            replayed.passed_over,
        );
        self.gauge(
            "fenced_unnamed_erasures",
            "while fenced: lines of trails that tell of erasures, and not of whom",
            replayed.unnamed_erasures,
        );
        self.text(
            "fenced_unnamed_erasures_to",
            "while fenced: the date of the newest of these erasures; else `none`",
            moment(replayed.unnamed_erasures_to),
        );
        self.text(
            "fenced_trail_lacks_before",
            "while fenced: what forbids from before this date and came after the backup may be missing in the trails; else `none`",
            moment(replayed.lacks_before),
        );
        self.add(
            "fenced_trail_is_other",
            "`true` while fenced, if no trail is as the store left it when the backup was made: lines are gone from it, or another \
             machine wrote it",
            StatValue::Flag(replayed.is_other),
        );
    }

    fn daemon(&mut self, store: &Store, counters: &Counters) {
        self.text("version", "the version of contactd", env!("CARGO_PKG_VERSION").into());
        self.text("now", "the daemon's clock, in UTC", time::format(store.now()));
        self.gauge("uptime_seconds", "seconds since the daemon started", counters.started.elapsed().as_secs());
        let floor = DISK_FREE_MIN_BYTES / 1024 / 1024;
        let help = format!(
            "`true` while nothing can be written: below {floor} MiB of free disk space, and from a failed write to the restart"
        );
        self.add("read_only", help, StatValue::Flag(store.is_read_only()));
        let reasons = ReadOnly::ALL.map(|reason| format!("`{}`", reason.word())).join(", ");
        let help = format!(
            "why something is not written: {reasons}; or `none`. Under `disk_low`, below {} MiB, what forbids is still written",
            DISK_FREE_LOW_BYTES / 1024 / 1024
        );
        self.add("read_only_reason", help, StatValue::Text(store.read_only().map_or("none", ReadOnly::word).into()));
        self.fence(store.gate().lists().fence);
        let unfenced = store.unfenced().map(|(at, fence)| format!("{} {}", time::format(at), fence.replayed.missing()));
        self.text(
            "unfenced_without",
            "for a week after an UNFENCE that ended a fence while something was known to be missing: when that was, and what; else `none`",
            unfenced.unwrap_or_else(|| "none".to_owned()),
        );
        let loosened = store.loosened().map(|(lacks, since)| format!("{} {lacks}", time::format(since)));
        self.text(
            "settings_loosened",
            "for a week, and while fenced: since when and in what `--stop-scope`, `--maybe-optout` and `--keywords` forbid less than in \
             an earlier run; else `none`",
            loosened.unwrap_or_else(|| "none".to_owned()),
        );
        self.add(
            "trail_failed",
            "`true` while the trail cannot be written: what forbids is in the store, and comes into the trail once that is mended",
            StatValue::Flag(store.has_trail_failed()),
        );
        self.text(
            "trail_found",
            "how the trail was found at the start, until the next backup: `as_left`; `other` (it was gone, another one, or without lines \
             that it had); `newer` (it knew more than the store, all of which was brought back)",
            store.trail_found().word().to_owned(),
        );
        let lacks_before = store.trail_lacks_before();
        self.text(
            "trail_lacks_before",
            "a backup from before this date cannot be brought up to date with the trail, and no newer one was made: make one; else `none`",
            if lacks_before > 0 { time::format(lacks_before) } else { "none".to_owned() },
        );
        self.clients(counters);
    }

    fn clients(&mut self, counters: &Counters) {
        self.gauge("clients", "connections that are open now", count(&counters.clients));
        self.counter("clients_total", "connections that were accepted", &counters.clients_total);
        self.counter(
            "clients_refused",
            "connections that were answered `-BUSY`, since too many were open",
            &counters.clients_refused,
        );
        self.counter("wrong_tokens", "tokens that a client gave and that are not known", &counters.wrong_tokens);
        self.counter(
            "handshakes_failed",
            "TLS connections that ended before the client could send a request",
            &counters.handshakes_failed,
        );
    }

    fn files(&mut self, reloads: &Reloads, counters: &Counters) {
        self.counter(
            "reloads_failed",
            "how often changed files (settings, tokens, certificates, webhook secrets) could not be used: what was read before \
             stays in use",
            &counters.reloads_failed,
        );
        for source in Source::ALL {
            let what = match source {
                Source::Settings => "the TOML file; contactd will not start with it",
                Source::Tokens => "the tokens file",
                Source::Certificate => "the certificate, its key or the authorities of clients",
                Source::WebhookSecrets => "the webhook secrets",
            };
            let help = format!("`none`, or when and why the newest reading of this failed, until one succeeds: {what}");
            let refused = reloads.refused(source).unwrap_or_else(|| "none".into());
            self.add(format!("reload_error_{}", source.word()), help, StatValue::Text(refused));
        }
        let date = |at: Option<Millis>| at.map_or_else(|| "none".into(), time::format);
        let dates = reloads.certificate();
        let help = "from when on the certificates are good that clients are shown; `none` without TLS";
        self.text("certificate_starts", help, date(dates.map(|dates| dates.starts)));
        let help = "until when they are good: when the first of them ends; `none` without TLS";
        self.text("certificate_ends", help, date(dates.map(|dates| dates.ends)));
    }

    fn contacts(&mut self, store: &Store) {
        let gate = store.gate();
        self.text(
            "maybe_optout",
            "`show` or `hold`: what is done with a contact that may want out",
            gate.inbox.setting().word().into(),
        );
        self.gauge(
            "inbox_messages",
            "messages that wait in the INBOX, also those of contacts that are opted out or suppressed by now",
            gate.inbox.len() as u64,
        );
        self.text("stop_scope", "`list` or `all`: what a STOP opts out of", gate.scope().word().into());
        self.gauge("contacts", "contacts, whatever their status", gate.directory.len());
        for status in ContactStatus::ALL {
            let word = status.word();
            let help = format!("contacts whose status is `{word}`");
            self.gauge(format!("contacts_{word}"), help, gate.count(Term::Contact(status)));
        }
        let known: Vec<_> = gate.lists().iter().filter(|(_, list)| list.is_known()).map(|(id, _)| id).collect();
        self.gauge("lists", "sending lists that LISTS shows", known.len() as u64);
        for status in ListStatus::KEPT {
            let word = status.word();
            let help = format!("contacts whose status on a list that LISTS shows is `{word}`, once for each list");
            let total = known.iter().map(|&id| gate.count_on_list(id, status)).sum();
            self.gauge(format!("subscriptions_{word}"), help, total);
        }
        self.gauge("tombstones", "numbers whose contacts were removed", store.tombstones());
        self.gauge(
            "forbidden_in_memory_only",
            "facts that forbid, could not be written and hold until a restart: send them again, and they leave this count",
            gate.unwritten() as u64,
        );
        drop(gate);
        self.gauge(
            "lists_opt_out_rate_high",
            "lists whose opt-out rate is high, as LISTS says of each",
            store.high_opt_out_rates(),
        );
    }

    fn labels(&mut self, store: &Store) -> Result<()> {
        let labels = store.label_keys(None, PAGE_ITEMS_MAX)?;
        let help = format!("label keys in use; no more than {PAGE_ITEMS_MAX} are counted");
        self.gauge("label_keys", help, labels.len() as u64);
        let labels = labels.iter().map(|(_, contacts)| contacts).sum();
        self.gauge("labels", "labels of all contacts together, with the keys that are counted", labels);
        Ok(())
    }

    fn store(&mut self, store: &Store) {
        let [forbidding, others, imports] = store.queued().map(|writes| writes as u64);
        self.gauge("queued_forbidding", "waiting writes that forbid", forbidding);
        self.gauge("queued_others", "other waiting writes, but for rows of imports", others);
        self.gauge("queued_imports", "waiting rows of imports", imports);
        let counters = store.counters();
        self.counter("writes", "writes that were committed", &counters.writes);
        self.counter("batches", "batches in which writes were committed", &counters.batches);
        self.counter("syncs", "times that the disk was synced", &counters.syncs);
        self.counter("opt_outs", "opt-outs of members, as `opt_outs_30d` of LISTS counts them", &counters.opt_outs);
        self.counter(
            "inbound_maybe_optout",
            "messages in which somebody may want out: a person should read them",
            &counters.maybe_optout,
        );
        let help = format!(
            "claims of the last {TALLY_WINDOW_DAYS} days of UTC, whatever `--keep-messages`, that nobody has confirmed or \
             taken back for {CLAIM_YOUNG_MINUTES} minutes; a claim whose id was forgotten stays among them, and after a \
             restart younger claims count, too"
        );
        self.gauge("claims_unresolved", help, store.claims_unresolved());
        self.gauge("store_bytes", "bytes of the store on disk", store.size());
        self.gauge(
            "disk_free_bytes",
            "bytes that are free on the disk of the store; 0 where the system does not tell it",
            store.free_bytes().unwrap_or(0),
        );
        self.gauge(
            "memory_bytes",
            "bytes of the daemon's resident memory; 0 where the system does not tell it",
            resident_bytes(),
        );
    }

    fn requests(&mut self, counters: &Counters) {
        self.add("errors", "requests that were answered with an error", StatValue::Counter(counters.errors()));
        let [yes, no] = counters.checks();
        self.add("checks_yes", "phones for which CHECK said yes", StatValue::Counter(yes));
        self.add("checks_no", "phones for which CHECK said no", StatValue::Counter(no));
        self.commands(counters);
    }

    fn commands(&mut self, counters: &Counters) {
        for (name, number) in requests(counters) {
            let help = "requests by command, in small letters; only commands that came have a line";
            self.add(name, help, StatValue::Counter(number));
        }
    }

    fn counter(&mut self, name: impl Into<Cow<'static, str>>, help: impl Into<Cow<'static, str>>, counter: &AtomicU64) {
        self.add(name, help, StatValue::Counter(count(counter)));
    }

    fn gauge(&mut self, name: impl Into<Cow<'static, str>>, help: impl Into<Cow<'static, str>>, number: u64) {
        self.add(name, help, StatValue::Gauge(number));
    }

    fn text(&mut self, name: &'static str, help: &'static str, text: String) {
        self.add(name, help, StatValue::Text(text));
    }

    fn add(&mut self, name: impl Into<Cow<'static, str>>, help: impl Into<Cow<'static, str>>, value: StatValue) {
        self.0.push(Stat { name: name.into(), help: help.into(), value });
    }
}

fn count(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// Resident memory, in bytes.
fn resident_bytes() -> u64 {
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
    };
    resident().unwrap_or(0)
}
