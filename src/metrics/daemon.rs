//! What STATS does not tell of the daemon and its store: by code, by verdict, by reason; durations; the disk; purges.

use std::sync::atomic::{AtomicU64, Ordering};

use super::ServerState;
use super::family::Families;
use crate::command::{CertificateDates, Context, Counters, Reloads, Source};
use crate::error::{Code, Result};
use crate::jobs::Status;
use crate::limits::{CLIENTS_MAX, DISK_FREE_LOW_BYTES, DISK_FREE_MIN_BYTES, QUEUED_WRITES_MAX};
use crate::model::change::{State, Urgency};
use crate::model::purge::PurgeReason;
use crate::model::time::Millis;
use crate::model::verdict::Verdict;
use crate::store::{ReadOnly, Store};
use crate::webhooks::{Fate, Provider};

/// Each urgency as STATS names the queue.
const URGENCIES: [&str; Urgency::ALL.len()] = ["forbidding", "others", "imports"];

pub fn collect_server(families: &mut Families, server: ServerState<'_>) {
    families.gauge("contactd_build_info", "always 1").of("version", env!("CARGO_PKG_VERSION"), 1);
    let help = "1 once the store is loaded, until the daemon drains";
    families.gauge("contactd_ready", help).is(server.ready);
    let help = "connections that wait for news of the feed";
    families.gauge("contactd_feed_followers", help).is(server.feed_followers as u64);
    families.gauge("contactd_clients_max", "connections that are served at a time").is(CLIENTS_MAX as u64);
    if let Some(counts) = server.webhooks {
        let help = "webhooks of providers, by what became of them";
        let webhooks = families.counter("contactd_webhooks", help);
        for provider in Provider::ALL {
            for fate in Fate::ALL {
                let labels = vec![("provider", provider.word().to_owned()), ("outcome", fate.word().to_owned())];
                webhooks.with(labels, counts.of(provider, fate));
            }
        }
    }
}

pub fn collect(families: &mut Families, context: &Context) -> Result<()> {
    let store = &context.store;
    requests(families, &context.counters, store);
    writes(families, store);
    disk(families, store);
    purges(families, context)
}

/// How many requests were answered with an error.
pub fn errors(families: &mut Families, counters: &Counters) {
    let errors = families.counter("contactd_errors", "requests that were answered with an error, by code");
    for (code, counter) in Code::ALL.into_iter().zip(&counters.errors) {
        errors.of("code", code.word(), read(counter));
    }
}

fn requests(families: &mut Families, counters: &Counters, store: &Store) {
    errors(families, counters);
    let verdicts = families.counter("contactd_verdicts", "what CHECK and CLAIM answered");
    let labels = |verb: &str, verdict: &str| vec![("verb", verb.to_owned()), ("verdict", verdict.to_owned())];
    for (word, (check, claim)) in Verdict::words().zip(counters.checks.iter().zip(&store.counters().claims)) {
        verdicts.with(labels("check", word), read(check)).with(labels("claim", word), read(claim));
    }
    for (state, counter) in State::ALL.into_iter().zip(&store.counters().duplicates) {
        verdicts.with(labels("claim", &format!("dup_{}", state.word())), read(counter));
    }
}

fn writes(families: &mut Families, store: &Store) {
    let counters = store.counters();
    let help = "seconds that it took to write a batch, until it was on disk";
    families.histogram("contactd_commit_duration_seconds", help).is(counters.commit.read());
    let help = "seconds that it took to sync the disk";
    families.histogram("contactd_fsync_duration_seconds", help).is(counters.sync.read());
    let help = "seconds from when a write was queued until it was answered, by urgency";
    let waits = families.histogram("contactd_write_wait_seconds", help);
    for (urgency, wait) in URGENCIES.into_iter().zip(&counters.wait) {
        waits.of("urgency", urgency, wait.read());
    }
    let help = "writes that a queue holds; a full one is waited for, and nothing is refused";
    let capacity = families.gauge("contactd_queue_capacity", help);
    for urgency in URGENCIES {
        capacity.of("urgency", urgency, QUEUED_WRITES_MAX as u64);
    }
    let rows = &counters.rows;
    let results = [
        ("created", &rows.created),
        ("updated", &rows.updated),
        ("unchanged", &rows.unchanged),
        ("kept", &rows.kept),
        ("failed", &rows.failed),
    ];
    let import = families.counter("contactd_import_rows", "rows of imports, by what became of them");
    for (result, counter) in results {
        import.of("result", result, read(counter));
    }
}

fn disk(families: &mut Families, store: &Store) {
    let now = store.read_only();
    let help = "1 while it is so: disk_low (only what forbids is written), disk_full or write_failed (nothing is)";
    let read_only = families.gauge("contactd_read_only", help);
    for reason in ReadOnly::ALL {
        read_only.of("reason", reason.word(), now == Some(reason));
    }
    if let Some(free) = store.free_bytes() {
        families.gauge("contactd_disk_free_bytes", "bytes that are free on the disk of the store").is(free);
    }
    let help = "free bytes below which only what forbids is written, or nothing";
    families.gauge("contactd_disk_floor_bytes", help).of("floor", "forbidding_only", DISK_FREE_LOW_BYTES).of(
        "floor",
        "none",
        DISK_FREE_MIN_BYTES,
    );
}

/// The files that are read again, and what is left of the certificate: less than nothing if it has ended.
pub fn files(families: &mut Families, reloads: &Reloads, now: Millis) {
    let refused = reloads.all_refused();
    let help = "1 while a file is not in use, since its newest reading failed: the next start of contactd needs it";
    let family = families.gauge("contactd_reload_refused", help);
    for source in Source::ALL {
        family.of("file", source.word(), refused.contains(&source));
    }
    if let Some(CertificateDates { starts, ends }) = reloads.certificate() {
        let seconds = |millis: Millis| (millis / 1_000) as f64;
        let help = "1 while every certificate is good that clients are shown, 0 if one has ended or has not begun";
        families.gauge("contactd_certificate_valid", help).is((starts..=ends).contains(&now));
        let help = "seconds until the first certificate ends of those that clients are shown";
        families.gauge("contactd_certificate_remaining_seconds", help).is(seconds(ends - now));
        let help = "seconds from when the certificates are good until the first of them ends";
        families.gauge("contactd_certificate_lifetime_seconds", help).is(seconds(ends - starts));
    }
}

fn purges(families: &mut Families, context: &Context) -> Result<()> {
    let job = &context.jobs.purge;
    let running = matches!(job.status(), Status::Running(_) | Status::Stopping(_));
    families.gauge("contactd_purge_running", "1 while a purge runs").is(running);
    let broke_off = matches!(job.status(), Status::BrokeOff(..));
    families.gauge("contactd_purge_failed", "1 if the latest purge ended with an error").is(broke_off);
    let plans = context.store.plans()?;
    let ends = plans.iter().filter_map(|(_, plan)| plan.run.as_ref()).map(|run| run.finished_at);
    if let Some(last) = ends.max().filter(|&at| at > 0) {
        let help = "when the latest purge came to its end, as a Unix time";
        families.gauge("contactd_purge_last_success_timestamp_seconds", help).is(last as f64 / 1e3);
    }
    let purged = families.counter("contactd_purged", "contacts that purges removed, by reason");
    for (reason, contacts) in PurgeReason::ALL.into_iter().zip(job.work().purged()) {
        purged.of("reason", reason.word(), contacts);
    }
    Ok(())
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
