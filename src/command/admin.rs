//! STATS, VERIFY: how the daemon is.

use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Context, TABLE};
use crate::error::Result;
use crate::limits::PAGE_ITEMS_MAX;
use crate::model::time;
use crate::model::verdict::{ContactStatus, ListStatus};
use crate::store::term::Term;
use crate::wire::{Args, Replies};

pub fn stats(context: &Context, _: Args<'_>, replies: &mut Replies) -> Result<()> {
    let mut items: Vec<String> = Vec::new();
    let mut item = |name: &str, value: &dyn Display| items.push(format!("{name} {value}"));
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let (counters, store) = (&context.counters, &context.store);

    item("version", &env!("CARGO_PKG_VERSION"));
    item("now", &time::format(store.now()));
    item("uptime_seconds", &counters.started.elapsed().as_secs());
    item("read_only", &store.is_read_only());
    item("clients", &count(&counters.clients));
    item("clients_total", &count(&counters.clients_total));
    item("clients_refused", &count(&counters.clients_refused));

    let gate = store.gate();
    item("stop_scope", &gate.scope().word());
    item("contacts", &gate.directory.len());
    for status in ContactStatus::ALL {
        item(&format!("contacts_{}", status.word()), &gate.count(Term::Contact(status)));
    }
    let known: Vec<_> = gate.lists().iter().filter(|(_, list)| list.is_known()).map(|(id, _)| id).collect();
    item("lists", &known.len());
    for status in ListStatus::KEPT {
        let total: u64 = known.iter().map(|&id| gate.count_on_list(id, status)).sum();
        item(&format!("subscriptions_{}", status.word()), &total);
    }
    item("tombstones", &store.tombstones());
    item("forbidden_in_memory_only", &gate.unwritten());
    drop(gate);
    let labels = store.label_keys(None, PAGE_ITEMS_MAX)?;
    item("label_keys", &labels.len());
    item("labels", &labels.iter().map(|(_, contacts)| contacts).sum::<u64>());

    let [forbidding, others, imports] = store.queued();
    item("queued_forbidding", &forbidding);
    item("queued_others", &others);
    item("queued_imports", &imports);
    item("writes", &count(&store.counters().writes));
    item("batches", &count(&store.counters().batches));
    item("syncs", &count(&store.counters().syncs));
    item("inbound_maybe_optout", &count(&store.counters().maybe_optout));
    item("claims_unresolved", &store.claims_unresolved());
    item("store_bytes", &store.size());
    item("memory_bytes", &resident_bytes().unwrap_or(0));
    item("errors", &count(&counters.errors));
    for (command, requests) in TABLE.iter().zip(&counters.requests) {
        if count(requests) > 0 {
            item(&format!("requests_{}", command.name.to_ascii_lowercase()), &count(requests));
        }
    }
    replies.array(items.len());
    for item in items {
        replies.text(&item);
    }
    Ok(())
}

pub fn verify(context: &Context, _: Args<'_>, replies: &mut Replies) -> Result<()> {
    let found = context.store.verify(false)?;
    let compared = format!("{} contacts {} postings {} tombstones", found.contacts, found.postings, found.tombstones);
    if found.differing == 0 {
        replies.text(&format!("ok {compared}"));
        return Ok(());
    }
    replies.array(found.differences.len() + 1);
    replies.text(&format!(
        "differs {} of {compared}: stop the daemon, contactd verify --data-dir DIR --repair",
        found.differing
    ));
    for difference in &found.differences {
        replies.text(difference);
    }
    Ok(())
}

/// Resident memory, where the system tells it.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}
