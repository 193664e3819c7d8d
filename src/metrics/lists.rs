//! What is known of each sending list. A scrape of 10,000 lists would be many megabytes, so only the first ones have series of
//! their own. The first by id, since a list that moved in and out of the sum would look like a burst of messages.

use std::collections::BTreeMap;

use super::family::Families;
use crate::json::meaning;
use crate::model::fact::How;
use crate::model::list::{ListId, Lists};
use crate::model::tally::Tally;
use crate::model::verdict::ListStatus;
use crate::store::{Activity, OptOutHow, Store, opt_out_rate};

/// The label of the lists that are summed.
const OTHER: &str = "other";

/// The state of a list, or of several together.
#[derive(Default)]
struct Sums {
    /// In the order of [`ListStatus::KEPT`].
    members: [u64; ListStatus::KEPT.len()],
    eligible: u64,
    paused: u64,
    recent: Tally,
}

pub fn collect(families: &mut Families, store: &Store, lists_max: usize) {
    let lists = store.gate().lists().clone();
    let label = |id: ListId| match lists.number(id) {
        Some(number) if (id.0 as usize) < lists_max => number.to_string(),
        _ => OTHER.to_owned(),
    };
    let sums = sum(store, &lists, &label);
    state(families, &sums);
    activity(families, store, sums.keys(), &label);
}

/// The state of the lists that LISTS shows, by label.
fn sum(store: &Store, lists: &Lists, label: &dyn Fn(ListId) -> String) -> BTreeMap<String, Sums> {
    let mut sums = BTreeMap::<String, Sums>::new();
    for (id, list) in lists.iter().filter(|(_, list)| list.is_known()) {
        let sum = sums.entry(label(id)).or_default();
        // Locked for each list: the writer gets its turn in between.
        let gate = store.gate();
        for (members, status) in sum.members.iter_mut().zip(ListStatus::KEPT) {
            *members += gate.count_on_list(id, status);
        }
        sum.eligible += gate.eligible(id);
        drop(gate);
        sum.paused += u64::from(list.paused);
        sum.recent += store.recent(id).tally;
    }
    sums
}

fn state(families: &mut Families, sums: &BTreeMap<String, Sums>) {
    let members = families.gauge("contactd_list_members", "contacts by their status on a list");
    for (list, sum) in sums {
        for (status, &count) in ListStatus::KEPT.into_iter().zip(&sum.members) {
            members.with(vec![("list", list.clone()), ("status", status.word().to_owned())], count);
        }
    }
    let mut each = |name: &'static str, help: &'static str, value: &dyn Fn(&Sums) -> f64| {
        let family = families.gauge(name, help);
        for (list, sum) in sums {
            family.of("list", list.clone(), value(sum));
        }
    };
    each("contactd_list_eligible", "contacts for which CHECK says yes on a list", &|sum| sum.eligible as f64);
    each("contactd_list_paused", "1 while a list is paused; of the lists that are summed, how many are", &|sum| {
        sum.paused as f64
    });
    each("contactd_list_opt_out_ratio", "opt-outs for each message of 30 days on a list, from 0 to 1", &|sum| {
        opt_out_rate(sum.recent)
    });
    each("contactd_list_sends_30d", "messages of 30 days on a list", &|sum| sum.recent.sends.max(0) as f64);
}

/// What happened since the start. Lists of now have every sample, so that their first opt-out is an increase from 0.
fn activity<'s>(
    families: &mut Families,
    store: &Store,
    lists: impl Iterator<Item = &'s String>,
    label: &dyn Fn(ListId) -> String,
) {
    let mut totals = BTreeMap::<(&'static str, Option<String>, Option<&'static str>), u64>::new();
    for list in lists {
        for what in always() {
            let (metric, word) = place(what);
            totals.insert((metric, Some(list.clone()), word), 0);
        }
    }
    for (list, what, n) in store.activity().iter() {
        let (metric, word) = place(what);
        let list = list.map(label).filter(|_| metric != INBOUND);
        *totals.entry((metric, list, word)).or_default() += n;
    }
    for ((metric, list, word), n) in totals {
        let (label, help) = described(metric);
        let labels = list.map(|list| ("list", list)).into_iter().chain(word.map(|word| (label, word.to_owned())));
        families.counter(metric, help).with(labels.collect(), n);
    }
}

const MESSAGES: &str = "contactd_messages";
const OPT_OUTS: &str = "contactd_opt_outs";
const OPT_INS: &str = "contactd_opt_ins";
const CLICKS: &str = "contactd_clicks";
const CONVERSIONS: &str = "contactd_conversions";
const INBOUND: &str = "contactd_inbound";

fn always() -> impl Iterator<Item = Activity> {
    let messages = [Activity::Claimed, Activity::Sent, Activity::Failed].into_iter();
    let opt_ins = How::ALL.into_iter().map(Activity::OptIn);
    messages.chain(OptOutHow::all().map(Activity::OptOut)).chain(opt_ins)
}

/// The metric that counts something, and the word of its label.
fn place(what: Activity) -> (&'static str, Option<&'static str>) {
    match what {
        Activity::Claimed => (MESSAGES, Some("claimed")),
        Activity::Sent => (MESSAGES, Some("sent")),
        Activity::Failed => (MESSAGES, Some("failed")),
        Activity::Click => (CLICKS, Some("person")),
        Activity::BotClick => (CLICKS, Some("scanner")),
        Activity::Conversion => (CONVERSIONS, None),
        Activity::Inbound(class) => (INBOUND, Some(meaning(class))),
        Activity::OptOut(how) => (OPT_OUTS, Some(how.word())),
        Activity::OptIn(how) => (OPT_INS, Some(how.word())),
    }
}

/// The label that a metric has besides the list, and what it says.
fn described(metric: &str) -> (&'static str, &'static str) {
    match metric {
        MESSAGES => ("state", "messages that were claimed, sent or failed, by list"),
        OPT_OUTS => ("how", "members that opted out, by list and by how it came"),
        OPT_INS => ("how", "contacts that became members, by list and by how it came"),
        CLICKS => ("by", "links that were followed, by list and by whom"),
        CONVERSIONS => ("", "conversions and refunds, by list"),
        _ => ("meaning", "messages from phones, by what they meant"),
    }
}
