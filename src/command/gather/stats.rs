//! STATS of several partitions.

use std::sync::atomic::{AtomicU64, Ordering};

use super::fence::{NEWEST, OLDEST};
use super::unexpected;
use crate::command::Counters;
use crate::command::stats::{REQUESTS, requests};
use crate::error::Result;
use crate::wire::{Replies, Reply};

/// Of two numbers the one that counts.
type Choose = fn(u64, u64) -> u64;

/// Numbers that are not added up, and what counts of them.
const NOT_SUMS: [(&str, Choose); 10] = [
    ("uptime_seconds", u64::max),
    ("lists", u64::max),
    ("lists_opt_out_rate_high", u64::max),
    ("label_keys", u64::max),
    ("wrong_tokens", u64::max),
    ("memory_bytes", u64::max),
    ("disk_free_bytes", u64::min),
    ("backup_last_success_timestamp_seconds", u64::min),
    ("ledger_copies", u64::min),
    ("ledger_lease_seconds", u64::min),
];

/// The lines of the first partition, with the numbers of all: sums, but for those of [`NOT_SUMS`]. Of dates the one counts that is
/// worse, and of other words the first one that says more than `none` or `false`.
///
/// `counters` are those of who asks the partitions: requests are counted there, and errors, of which one may be that of all.
pub fn stats(partitions: &[Reply], counters: &Counters, replies: &mut Replies) -> Result<()> {
    let mut lines: Vec<(&str, String)> = Vec::new();
    for reply in partitions {
        let Reply::Array(items) = reply else { return Err(unexpected(reply)) };
        for item in items {
            let Reply::Text(text) = item else { return Err(unexpected(item)) };
            let (name, value) = text.split_once(' ').unwrap_or((text, ""));
            if name.starts_with(REQUESTS) {
                continue;
            }
            match lines.iter_mut().find(|(known, _)| *known == name) {
                Some((_, sum)) => *sum = put_together(name, sum, value),
                None => lines.push((name, value.to_owned())),
            }
        }
    }
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    for (name, number) in [
        ("clients", count(&counters.clients)),
        ("clients_total", count(&counters.clients_total)),
        ("clients_refused", count(&counters.clients_refused)),
        ("handshakes_failed", count(&counters.handshakes_failed)),
        ("reloads_failed", count(&counters.reloads_failed)),
        ("errors", counters.errors()),
    ] {
        if let Some((_, value)) = lines.iter_mut().find(|(known, _)| *known == name) {
            *value = number.to_string();
        }
    }
    let requests: Vec<(String, u64)> = requests(counters).collect();
    replies.array(lines.len() + requests.len());
    for (name, value) in &lines {
        replies.text(&format!("{name} {value}"));
    }
    for (name, count) in &requests {
        replies.text(&format!("{name} {count}"));
    }
    Ok(())
}

fn put_together(name: &str, one: &str, other: &str) -> String {
    let of_fence = name.strip_prefix("fenced_").unwrap_or(name);
    match (one.parse::<u64>(), other.parse::<u64>()) {
        (Ok(one), Ok(other)) => {
            let choose = NOT_SUMS.iter().find(|(known, _)| *known == name).map(|(_, choose)| choose);
            choose.map_or(one + other, |choose| choose(one, other)).to_string()
        }
        _ if matches!(one, "none" | "false") => other.to_owned(),
        _ if matches!(other, "none" | "false") => one.to_owned(),
        _ if OLDEST.contains(&of_fence) => one.min(other).to_owned(),
        _ if NEWEST.contains(&of_fence) => one.max(other).to_owned(),
        _ => one.to_owned(),
    }
}
