//! The metrics that are lines of STATS. A new line of STATS becomes a metric of the same name by itself.

use super::family::Families;
use crate::command::stats::{Stat, StatValue, gather_from_memory, gather_of_daemon};
use crate::command::{Context, Counters, Reloads};

/// Lines that are one metric together: what their names begin with, the metric, its label, which has the rest of the name.
const TOGETHER: [(&str, &str, &str); 4] = [
    ("contacts_", "contactd_contacts", "status"),
    ("subscriptions_", "contactd_subscriptions", "status"),
    ("queued_", "contactd_queue_length", "urgency"),
    ("requests_", "contactd_requests", "verb"),
];

/// Lines whose metric has another name, since a name in STATS never changes.
const RENAMED: [(&str, &str); 4] = [
    ("clients_total", "contactd_connections"),
    ("clients_refused", "contactd_connections_refused"),
    ("forbidden_in_memory_only", "contactd_forbidden_in_memory"),
    ("syncs", "contactd_fsyncs"),
];

/// Lines that another metric tells, and better.
const TOLD_ELSEWHERE: [&str; 10] = [
    "uptime_seconds",       // process_start_time_seconds
    "read_only",            // contactd_read_only, by reason
    "errors",               // contactd_errors_total, by code
    "checks_yes",           // contactd_verdicts_total, by verdict
    "checks_no",            // the same
    "opt_outs",             // contactd_opt_outs_total, by list and how
    "contacts",             // the sum of contactd_contacts
    "inbound_maybe_optout", // contactd_inbound_total, by meaning
    "memory_bytes",         // process_resident_memory_bytes
    "disk_free_bytes",      // contactd_disk_free_bytes, which is left out where it is not known
];

/// Those of a store.
pub fn collect(families: &mut Families, context: &Context) {
    put(families, gather_from_memory(context));
}

/// Those that a daemon has once, whatever partitions of a store are open in it.
pub fn collect_daemon(families: &mut Families, counters: &Counters, reloads: &Reloads) {
    put(families, gather_of_daemon(counters, reloads));
}

fn put(families: &mut Families, stats: Vec<Stat>) {
    for stat in stats {
        let (number, is_counter) = match stat.value {
            StatValue::Counter(number) => (number, true),
            StatValue::Gauge(number) => (number, false),
            StatValue::Flag(flag) => (u64::from(flag), false),
            StatValue::Text(_) => continue,
        };
        let name = stat.name.as_ref();
        if TOLD_ELSEWHERE.contains(&name) {
            continue;
        }
        let together = TOGETHER.iter().find_map(|&(prefix, metric, label)| {
            name.strip_prefix(prefix).map(|word| (metric, Some((label, word.to_owned()))))
        });
        let (metric, label) = together.unwrap_or_else(|| {
            let renamed = RENAMED.iter().find(|(stat, _)| *stat == name);
            (renamed.map_or("", |(_, metric)| metric), None)
        });
        let metric = if metric.is_empty() { format!("contactd_{name}") } else { metric.to_owned() };
        let help = if label.is_some() { help_of(&metric) } else { stat.help };
        let family = if is_counter { families.counter(metric, help) } else { families.gauge(metric, help) };
        match label {
            Some((label, word)) => drop(family.of(label, word, number)),
            None => family.is(number),
        }
    }
}

/// What a metric of several lines says.
fn help_of(metric: &str) -> std::borrow::Cow<'static, str> {
    match metric {
        "contactd_contacts" => "contacts by status",
        "contactd_subscriptions" => "contacts on lists by their status there, once for each list",
        "contactd_queue_length" => "writes that wait for the writer, by urgency",
        _ => "requests by command",
    }
    .into()
}
