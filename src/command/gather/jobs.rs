//! PURGE and BACKUP: each partition makes plans, runs and files of its own.

use serde_json::Value;

use super::{Gathered, Merge, object, same, unexpected};
use crate::error::{Code, Error, Result};
use crate::jobs::WAS_RUN;
use crate::json::add;
use crate::limits::PLAN_SAMPLE;
use crate::wire::{Args, Replies, Reply};

/// What to ask each partition, and what becomes of the replies.
pub struct Split {
    /// A request for each partition, word by word.
    pub requests: Vec<Vec<Vec<u8>>>,
    /// Makes one reply of several.
    pub merge: Merge,
    /// Where one refuses, what is asked of those that have begun: all do it, or none.
    pub undo: Option<Vec<Vec<u8>>>,
    /// How one refuses that has done it before: where others do it now, that is none.
    pub done: Option<&'static str>,
}

impl Split {
    /// The same request for all.
    fn same(verb: &str, args: Args<'_>, partitions: usize, merge: Merge) -> Split {
        let request: Vec<Vec<u8>> = std::iter::once(verb.as_bytes()).chain(args).map(<[u8]>::to_vec).collect();
        Split { requests: vec![request; partitions], merge, undo: None, done: None }
    }
}

/// PURGE. The plan of several partitions is called by the numbers of theirs, with dots between them.
pub fn purge(args: Args<'_>, partitions: usize) -> Result<Split> {
    let (mut rest, all) = (args, |merge| Ok(Split::same("PURGE", args, partitions, merge)));
    let word = rest.next().unwrap_or_default().to_ascii_uppercase();
    match word.as_slice() {
        b"PLAN" => all(plan),
        b"RUN" => {
            let plan = String::from_utf8_lossy(rest.next().unwrap_or_default()).into_owned();
            let numbers: Vec<&str> = plan.split('.').collect();
            if numbers.len() != partitions {
                return Err(Error::bad_arg(format!("there is no plan '{plan}': PURGE PLAN makes one")));
            }
            let run = |number: &&str| ["PURGE", "RUN", number].map(|word| word.as_bytes().to_vec()).to_vec();
            let requests = numbers.iter().map(run).collect();
            // A run that was stopped may have come to its end in some.
            Ok(Split { requests, merge: same, undo: None, done: Some(WAS_RUN) })
        }
        b"STATUS" => all(status),
        b"STOP" => all(busiest),
        b"REPORTS" => all(reports),
        _ => all(same),
    }
}

/// BACKUP READ of one partition's file, as in `p3/name`: which partition, and what to ask it. None for all else.
pub fn backup_of_one(args: Args<'_>, partitions: usize) -> Option<(usize, Vec<Vec<u8>>)> {
    let mut rest = args;
    let word = rest.next()?.to_ascii_uppercase();
    let (place, name) = std::str::from_utf8(rest.next()?).ok()?.strip_prefix('p')?.split_once('/')?;
    let place = place.parse().ok().filter(|place| *place < partitions && word == b"READ")?;
    let request = [&b"BACKUP"[..], b"READ", name.as_bytes()].into_iter().chain(rest).map(<[u8]>::to_vec).collect();
    Some((place, request))
}

/// BACKUP. A backup of several partitions is one file of each, under one name.
pub fn backup(args: Args<'_>, partitions: usize, name: impl FnOnce() -> String) -> Result<Split> {
    let (mut rest, all) = (args, |merge| Ok(Split::same("BACKUP", args, partitions, merge)));
    let word = rest.next().unwrap_or_default().to_ascii_uppercase();
    match word.as_slice() {
        b"RUN" => {
            let name = rest.next().map_or_else(|| name().into_bytes(), <[u8]>::to_vec);
            let to = |what: &[u8]| [b"BACKUP", what, &name].map(<[u8]>::to_vec).to_vec();
            // Whoever said too much hears it from each.
            let request = to(b"RUN").into_iter().chain(rest.map(<[u8]>::to_vec)).collect();
            Ok(Split { requests: vec![request; partitions], merge: same, undo: Some(to(b"DROP")), done: None })
        }
        b"STATUS" => all(status),
        b"STOP" => all(busiest),
        b"LIST" => all(backups),
        b"READ" => Err(Error::new(
            Code::Err,
            "a store in partitions has one file of each in a backup: READ p0/NAME offset, p1/NAME …, as `contactd backup DIR` does",
        )),
        _ => all(same),
    }
}

/// The sums of all plans, under all their numbers, and some of the contacts of each.
fn plan(gathered: Gathered<'_>, replies: &mut Replies) -> Result<()> {
    let mut sum = summed(&gathered)?;
    let mut sample = Vec::new();
    for reply in gathered.replies {
        sample.extend(object(reply)?["sample"].as_array().into_iter().flatten().cloned());
    }
    sample.truncate(PLAN_SAMPLE);
    sum["sample"] = sample.into();
    replies.text(&sum.to_string());
    Ok(())
}

/// What all are at: the state of the one with most to do, the sums of all.
fn status(gathered: Gathered<'_>, replies: &mut Replies) -> Result<()> {
    let mut sum = summed(&gathered)?;
    let states =
        gathered.replies.iter().map(|reply| Ok(object(reply)?["state"].as_str().unwrap_or_default().to_owned()));
    let states = states.collect::<Result<Vec<_>>>()?;
    let busiest = ["running", "stopping"].into_iter().find(|state| states.iter().any(|of| of == state));
    sum["state"] = busiest.unwrap_or("idle").into();
    replies.text(&sum.to_string());
    Ok(())
}

/// `stopping`, if there is anything to stop anywhere.
fn busiest(gathered: Gathered<'_>, replies: &mut Replies) -> Result<()> {
    let is_stopping = gathered.replies.contains(&Reply::Text("stopping".to_owned()));
    replies.text(if is_stopping { "stopping" } else { "idle" });
    Ok(())
}

/// The reports of each partition, one partition after the other.
fn reports(gathered: Gathered<'_>, replies: &mut Replies) -> Result<()> {
    let mut reports = Vec::new();
    for (partition, reply) in gathered.replies.iter().enumerate() {
        let Reply::Array(items) = reply else { return Err(unexpected(reply)) };
        for item in items {
            let mut report = object(item)?;
            report["partition"] = partition.into();
            reports.push(report);
        }
    }
    replies.array(reports.len());
    for report in &reports {
        replies.text(&report.to_string());
    }
    Ok(())
}

/// The backups that every partition has.
fn backups(gathered: Gathered<'_>, replies: &mut Replies) -> Result<()> {
    let has = |name: &Value, reply: &Reply| {
        let Reply::Array(items) = reply else { return false };
        items.iter().any(|item| object(item).is_ok_and(|item| item["name"] == *name))
    };
    let mut whole = gathered.objects("name")?.in_order;
    whole.retain(|backup| gathered.replies.iter().all(|reply| has(&backup["name"], reply)));
    replies.array(whole.len());
    for backup in &whole {
        replies.text(&backup.to_string());
    }
    Ok(())
}

/// The objects of all replies added up. Numbers of plans are no amounts: they are put side by side.
fn summed(gathered: &Gathered<'_>) -> Result<Value> {
    let mut objects = gathered.replies.iter().map(object).collect::<Result<Vec<_>>>()?.into_iter();
    let mut sum = objects.next().unwrap_or_default();
    let mut plans = vec![number(&sum)];
    for object in objects {
        plans.push(number(&object));
        let lists = merged(&sum["lists"], &object["lists"]);
        add(&mut sum, &object);
        if let Some(lists) = lists {
            sum["lists"] = lists;
        }
    }
    if plans.iter().any(|plan| !plan.is_empty()) {
        sum["plan"] = plans.join(".").into();
    }
    Ok(sum)
}

fn number(plan: &Value) -> String {
    plan["plan"].as_u64().map(|number| number.to_string()).unwrap_or_default()
}

/// Contacts by list, of two plans.
fn merged(one: &Value, other: &Value) -> Option<Value> {
    let (mut lists, more) = (one.as_array()?.clone(), other.as_array()?);
    for list in more {
        match lists.iter_mut().find(|known| known["list"] == list["list"]) {
            Some(known) => add(known, list),
            None => lists.push(list.clone()),
        }
    }
    Some(Value::Array(lists))
}
