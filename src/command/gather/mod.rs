//! What the partitions of a store answer to one request, as one reply.
//!
//! Nothing here asks anybody. Each function gets the replies of all partitions, in the order of the partitions, none of them an
//! error.

mod fence;
mod jobs;
mod stats;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::lists::set_rates;
use super::page::{page_options, text_cursor, words};
use crate::error::{Error, Result};
use crate::json::add;
use crate::limits::PAGE_ITEMS_DEFAULT;
use crate::store::OptOutWarning;
use crate::wire::{Args, Replies, Reply};

pub use fence::unfence;
pub use jobs::{Split, backup, backup_of_one, purge};
pub use stats::stats;

/// One request and what each partition answered.
pub struct Gathered<'a> {
    /// The arguments.
    pub args: Args<'a>,
    /// The replies, in the order of the partitions. None of them is an error.
    pub replies: &'a [Reply],
    /// When an opt-out rate is high.
    pub warning: OptOutWarning,
}

/// Makes one reply of several.
pub type Merge = fn(Gathered<'_>, &mut Replies) -> Result<()>;

/// Every partition has done the same, and the first one says what.
pub fn same(gathered: Gathered<'_>, replies: &mut Replies) -> Result<()> {
    replies.again(gathered.first()?);
    Ok(())
}

/// The sum of numbers.
pub fn sum(gathered: Gathered<'_>, replies: &mut Replies) -> Result<()> {
    let number = |reply: &Reply| match reply {
        Reply::Integer(number) => Ok(*number),
        other => Err(unexpected(other)),
    };
    let sum = gathered.replies.iter().map(number).sum::<Result<i64>>()?;
    replies.again(&Reply::Integer(sum));
    Ok(())
}

/// The lists of the first partition, with the counts of all.
pub fn lists(gathered: Gathered<'_>, replies: &mut Replies) -> Result<()> {
    let mut lists = gathered.objects("list")?.in_order;
    replies.array(lists.len());
    for list in &mut lists {
        set_rates(list, gathered.warning);
        replies.text(&list.to_string());
    }
    Ok(())
}

/// The sums of each day.
pub fn trends(gathered: Gathered<'_>, replies: &mut Replies) -> Result<()> {
    let days = gathered.objects("day")?.in_order;
    replies.array(days.len());
    for day in &days {
        replies.text(&day.to_string());
    }
    Ok(())
}

/// A page of labels in their order, each with the contacts of all partitions.
///
/// Each partition gives its first ones behind the cursor. So the first of all are among them.
pub fn labels(gathered: Gathered<'_>, replies: &mut Replies) -> Result<()> {
    let mut words = words(gathered.args)?;
    let limit = page_options("LABELS", ["LIMIT", "AFTER"], &mut words).map_or(PAGE_ITEMS_DEFAULT, |page| page.limit);
    let name = if words.is_empty() { "key" } else { "value" };
    let Objects { mut by_key, has_more, .. } = gathered.objects(name)?;
    let is_cut = by_key.len() > limit;
    while by_key.len() > limit {
        by_key.pop_last();
    }
    let last = by_key.last_key_value().filter(|_| is_cut || has_more);
    replies.array(by_key.len() + 1);
    replies.text(&last.map_or_else(|| "0".to_owned(), |(last, _)| text_cursor(last)));
    for item in by_key.values() {
        replies.text(&item.to_string());
    }
    Ok(())
}

/// `ok` with what was compared in all partitions, or the differences of all.
pub fn verify(gathered: Gathered<'_>, replies: &mut Replies) -> Result<()> {
    let mut compared = [0_u64; 3];
    let mut differences = Vec::new();
    for (partition, reply) in gathered.replies.iter().enumerate() {
        match reply {
            Reply::Text(text) => {
                let numbers = text.split(' ').filter_map(|word| word.parse::<u64>().ok());
                for (sum, number) in compared.iter_mut().zip(numbers) {
                    *sum += number;
                }
            }
            Reply::Array(lines) => {
                differences.extend(lines.iter().map(|line| (partition, line)));
            }
            other => return Err(unexpected(other)),
        }
    }
    if differences.is_empty() {
        let [contacts, postings, tombstones] = compared;
        replies.text(&format!("ok {contacts} contacts {postings} postings {tombstones} tombstones"));
        return Ok(());
    }
    replies.array(differences.len());
    for (partition, line) in differences {
        match line {
            Reply::Text(text) => replies.text(&format!("partition {partition}: {text}")),
            other => replies.again(other),
        }
    }
    Ok(())
}

impl Gathered<'_> {
    fn first(&self) -> Result<&Reply> {
        self.replies.first().ok_or_else(|| Error::internal("no partition answered"))
    }

    /// The objects of all replies, those with the same key added up.
    fn objects(&self, key: &str) -> Result<Objects> {
        let mut objects = Objects::default();
        let mut order: Vec<String> = Vec::new();
        for reply in self.replies {
            let Reply::Array(items) = reply else { return Err(unexpected(reply)) };
            let mut seen = BTreeSet::new();
            for item in items {
                let Reply::Text(text) = item else { return Err(unexpected(item)) };
                if !text.starts_with('{') {
                    objects.has_more |= text != "0";
                    continue;
                }
                let object = object(item)?;
                let mut name = object[key].as_str().unwrap_or_default().to_owned();
                // What was asked for twice is answered twice.
                while !seen.insert(name.clone()) {
                    name.push('\0');
                }
                match objects.by_key.get_mut(&name) {
                    Some(sum) => add(sum, &object),
                    None => {
                        order.push(name.clone());
                        objects.by_key.insert(name, object);
                    }
                }
            }
        }
        objects.in_order = order.iter().filter_map(|name| objects.by_key.get(name).cloned()).collect();
        Ok(objects)
    }
}

/// Objects of several replies.
#[derive(Default)]
struct Objects {
    /// By their keys.
    by_key: BTreeMap<String, Value>,
    /// In the order in which they came first.
    in_order: Vec<Value>,
    /// Whether a reply had a cursor of a next page.
    has_more: bool,
}

/// The JSON object of a reply.
fn object(reply: &Reply) -> Result<Value> {
    match reply {
        Reply::Text(text) => serde_json::from_str(text).map_err(Error::internal),
        other => Err(unexpected(other)),
    }
}

fn unexpected(reply: &Reply) -> Error {
    Error::internal(format!("a partition answered {reply}"))
}
