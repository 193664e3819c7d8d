//! PURGE PLAN against a plain scan of all contacts by the policy, and PURGE RUN against the plan.

use std::collections::BTreeMap;

use chrono::DateTime;
use contactd::jobs::PurgeSettings;
use contactd::model::purge::Policy;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::plain::commands::{DAY_MS, HOUR_MS, START_MS, time};
use crate::properties::{config, scope, stop_scope};
use crate::purge::{json, plan, run};
use crate::sending::{count, text};
use crate::support::{House, Removal, Wire};

const LISTS: [&str; 5] = ["24361", "24362", "24363", "24364", "+14155550100"];
/// Whoever else is on the lists: their clicks and replies measure them.
const OTHER: &str = "+14155559999";
const REASONS: [&str; 3] = ["invalid", "non_engaged", "idle"];
const SAMPLE_MAX: usize = 10;

fn phone(n: usize) -> String {
    format!("+1415555{:04}", 1_000 + n)
}

fn ms(date: &Value) -> Option<i64> {
    date.as_str().map(|date| DateTime::parse_from_rfc3339(date).expect("a date").timestamp_millis())
}

/// Days before the clock: around every limit of the policies, to the millisecond, and anywhere.
fn ago() -> impl Strategy<Value = i64> {
    let days = prop::sample::select(&[0, 1, 7, 30, 60, 180, 365, 1_095, 1_500]).prop_map(|days: i64| days * DAY_MS);
    let near = (days, prop_oneof![2 => Just(0), 1 => Just(1), 1 => Just(-1), 1 => Just(HOUR_MS)]);
    prop_oneof![3 => near.prop_map(|(days, off)| (days + off).max(0)), 1 => 0..1_600 * DAY_MS]
}

fn policy() -> impl Strategy<Value = Policy> {
    let days = |some: &'static [i64]| option::weighted(0.8, prop::sample::select(some).prop_map(|days| days * DAY_MS));
    let sends = prop::sample::select(&[0, 1, 3, 10]);
    let any = (days(&[7, 30]), days(&[60, 180]), sends, days(&[365, 1_095]));
    let any = any.prop_map(|(invalid_after, idle_after, sends, idle_max)| Policy {
        invalid_after,
        idle_after,
        sends,
        idle_max,
    });
    prop_oneof![1 => Just(Policy::default()), 2 => any]
}

/// A contact as it comes in, and what else is told of it.
#[derive(Clone, Debug)]
struct Told {
    list: Option<usize>,
    created: i64,
    subscribed: Option<i64>,
    engaged: Option<i64>,
    sends: u32,
    invalid: Option<i64>,
    keeps: bool,
    later: Vec<(usize, u8, i64)>,
}

fn told() -> impl Strategy<Value = Told> {
    let later = prop::collection::vec((0..LISTS.len(), 0..8_u8, ago()), 0..3);
    let engagement = (option::weighted(0.5, ago()), prop_oneof![Just(0), Just(1), Just(3), Just(10), Just(12)]);
    let keeps = prop::bool::weighted(0.1);
    let list = option::weighted(0.85, 0..LISTS.len());
    (list, ago(), option::of(ago()), engagement, option::weighted(0.2, ago()), keeps, later).prop_map(
        |(list, created, subscribed, (engaged, sends), invalid, keeps, later)| Told {
            list,
            created,
            subscribed,
            engaged,
            sends,
            invalid,
            keeps,
            later,
        },
    )
}

impl Told {
    fn lines(&self, phone: &str) -> Vec<String> {
        let date = |ago: i64| time(START_MS - ago);
        let mut row = json!({"phone": phone, "created_at": date(self.created), "sends_since_engaged": self.sends});
        for (key, ago) in
            [("subscribed_at", self.subscribed), ("last_engaged", self.engaged), ("invalid_at", self.invalid)]
        {
            if let Some(ago) = ago {
                row[key] = json!(date(ago));
            }
        }
        if self.list.is_some() {
            // With a forbidding date alone it would not subscribe.
            row["status"] = json!("active");
        }
        if self.keeps {
            row["labels"] = json!({"keep": "for the lawyers"});
        }
        let mut lines = vec![format!("IMPORT {} {row}", self.list.map_or("*", |list| LISTS[list]))];
        for &(list, what, ago) in &self.later {
            let (list, at) = (LISTS[list], date(ago));
            lines.push(match what {
                0 => format!("OPTOUT {list} {phone} {{\"at\":\"{at}\"}}"),
                1 => format!("SUPPRESS {list} {phone} {{\"at\":\"{at}\"}}"),
                2 => format!("IMPORT {list} {{\"phone\":\"{phone}\",\"subscribed_at\":\"{at}\"}}"),
                3 => format!("OPTIN {list} {phone} {{\"at\":\"{at}\"}}"),
                4 => format!("SENT {list} {phone} m-{ago} {{\"at\":\"{at}\"}}"),
                5 => format!("VALID {phone} {{\"at\":\"{at}\"}}"),
                6 => format!("INVALID {phone} {{\"at\":\"{at}\"}}"),
                _ => format!("INBOUND {list} {phone} {{\"text\":\"STOP\",\"at\":\"{at}\"}}"),
            });
        }
        lines
    }
}

/// What is told of a list by somebody who is not looked at, and when. Only clicks by people, replies and conversions
/// measure it; a click for the list of its message.
type Measured = (usize, u8, i64);

fn measure((list, what, ago): &Measured, n: usize) -> (Vec<String>, Option<usize>) {
    let (on, other, at) = (LISTS[*list], OTHER, time(START_MS - ago));
    let dated = |more: &str| format!("{{\"at\":\"{at}\"{more}}}");
    match what {
        0 | 1 => (vec![format!("CLICK {on} {other} {}", dated(""))], Some(*list)),
        2 => (vec![format!("INBOUND {on} {other} {}", dated(",\"text\":\"hello\""))], Some(*list)),
        3 => (vec![format!("CONVERT {on} {other} 3.50 {}", dated(""))], Some(*list)),
        4 => {
            let of = (list + 1) % LISTS.len();
            let sent = format!("SENT {} {other} n-{n} {}", LISTS[of], dated(""));
            (vec![sent, format!("CLICK {on} {other} {}", dated(&format!(",\"message\":\"n-{n}\"")))], Some(of))
        }
        5 => (vec![format!("CLICK {on} {other} {}", dated(",\"bot\":true"))], None),
        6 => (vec![format!("CONVERT {on} {other} -3.50 {}", dated(""))], None),
        7 => (vec![format!("INBOUND {on} {other} {}", dated(",\"text\":\"STOP\""))], None),
        _ => (vec![format!("OPTIN {on} {other} {}", dated(""))], None),
    }
}

/// What the policy says of a contact as GET shows it.
#[derive(Debug, PartialEq)]
enum Verdict {
    Stays,
    Kept,
    Unmeasured,
    Selected(&'static str),
}

fn idle_since(contact: &Value) -> i64 {
    let lists = contact["lists"].as_array().into_iter().flatten();
    let subscribed = lists.filter_map(|list| ms(&list["subscribed_at"]));
    let others = [&contact["created_at"], &contact["last_engaged"]].into_iter().filter_map(ms);
    subscribed.chain(others).max().expect("it was created")
}

fn scan(contact: &Value, policy: &Policy, measured: &BTreeMap<&str, i64>, now: i64) -> Verdict {
    let past = |since: i64, limit: Option<i64>| limit.is_some_and(|limit| now - since >= limit);
    let invalid_at = ms(&contact["invalid_at"]).filter(|_| contact["status"] == "invalid");
    let idle = idle_since(contact);
    let in_vain = count(contact, "sends_since_engaged") as u64 >= policy.sends;
    let holds = [
        invalid_at.is_some_and(|at| past(at, policy.invalid_after)),
        in_vain && past(idle, policy.idle_after),
        past(idle, policy.idle_max),
    ];
    let Some(reason) = holds.iter().position(|holds| *holds) else { return Verdict::Stays };
    if contact["labels"].get("keep").is_some() {
        return Verdict::Kept;
    }
    let lists: Vec<&str> = contact["lists"].as_array().into_iter().flatten().map(|list| text(list, "list")).collect();
    let window = policy.idle_after.or(policy.idle_max).unwrap_or(0);
    // Days count whole.
    let since = (now - window).div_euclid(DAY_MS) * DAY_MS;
    let is_measured = |list: &str| measured.get(list).is_some_and(|&at| at >= since);
    if reason > 0 && !lists.is_empty() && !lists.iter().copied().any(is_measured) {
        return Verdict::Unmeasured;
    }
    Verdict::Selected(REASONS[reason])
}

fn get(wire: &mut Wire, phones: &[String]) -> Vec<Value> {
    let lines: Vec<String> = phones.iter().map(|phone| format!("GET {phone}")).collect();
    wire.call_all(&lines).iter().map(|told| json(told)).collect()
}

/// What comes from some of them between the plan and the run.
fn heard(phone: &str, what: u8) -> Option<(String, Option<&'static str>)> {
    Some(match what {
        0 => (format!("CLICK {} {phone}", LISTS[0]), Some(LISTS[0])),
        1 => (format!("INBOUND {} {phone} {{\"text\":\"I am still here\"}}", LISTS[1]), Some(LISTS[1])),
        2 => (format!("PUT {phone} {{\"labels\":{{\"keep\":\"now\"}}}}"), None),
        3 => (format!("CLICK {} {phone} {{\"bot\":true}}", LISTS[2]), None),
        4 => (format!("VALID {phone}"), None),
        5 => (format!("INVALID {phone}"), None),
        6 => (format!("OPTIN {} {phone} {{\"at\":\"{}\"}}", LISTS[3], time(START_MS + 1)), None),
        _ => return None,
    })
}

/// The plan as JSON, but for the sample, its number and its dates.
fn expected_plan(contacts: &[Value], verdicts: &[Verdict]) -> Value {
    let selected = || contacts.iter().zip(verdicts).filter(|(_, verdict)| matches!(verdict, Verdict::Selected(_)));
    let counted = |wanted: &Verdict| verdicts.iter().filter(|verdict| *verdict == wanted).count();
    let mut lists: BTreeMap<&str, usize> = BTreeMap::new();
    for list in selected().flat_map(|(contact, _)| contact["lists"].as_array().into_iter().flatten()) {
        *lists.entry(text(list, "list")).or_default() += 1;
    }
    let reasons = REASONS.map(|reason| (reason, counted(&Verdict::Selected(reason))));
    json!({
        "contacts": selected().count(),
        "reasons": reasons.into_iter().collect::<BTreeMap<_, _>>(),
        "lists": lists,
        "kept": counted(&Verdict::Kept),
        "unmeasured": counted(&Verdict::Unmeasured),
        "made_at": time(START_MS),
        "expires_at": time(START_MS + 7 * DAY_MS),
    })
}

/// The same of a plan that was made: lists by number.
fn told_plan(plan: &Value) -> Value {
    let mut told = plan.clone();
    for key in ["plan", "bytes", "sample"] {
        assert!(told.as_object_mut().expect("an object").remove(key).is_some(), "{plan}");
    }
    let lists = plan["lists"].as_array().into_iter().flatten();
    let by_number: BTreeMap<&str, usize> = lists.map(|on| (text(on, "list"), count(on, "contacts"))).collect();
    assert_eq!(by_number.len(), plan["lists"].as_array().map_or(0, Vec::len), "each list once");
    told["lists"] = json!(by_number);
    told
}

/// Some of the selected contacts, each with the facts that select it.
fn sample_is_true(plan: &Value, contacts: &[Value], verdicts: &[Verdict]) -> Result<(), TestCaseError> {
    let sample = plan["sample"].as_array().expect("a sample");
    prop_assert_eq!(sample.len(), count(plan, "contacts").min(SAMPLE_MAX));
    for one in sample {
        let n = contacts.iter().position(|contact| contact["phone_number"] == one["phone"]);
        let n = n.ok_or_else(|| TestCaseError::fail(format!("{one} is nobody")))?;
        let contact = &contacts[n];
        prop_assert_eq!(&Verdict::Selected(REASONS[reason_of(text(one, "reason"))]), &verdicts[n], "{}", one);
        let expected = json!({
            "phone": contact["phone_number"],
            "reason": one["reason"],
            "idle_since": time(idle_since(contact)),
            "sends_since_engaged": contact["sends_since_engaged"],
            "last_sent": contact["last_sent"],
            "invalid_at": contact["invalid_at"],
        });
        prop_assert_eq!(one, &expected, "{}", contact);
    }
    Ok(())
}

fn reason_of(word: &str) -> usize {
    REASONS.iter().position(|reason| *reason == word).unwrap_or_else(|| panic!("{word} is no reason"))
}

proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn a_plan_is_a_scan_by_the_policy_and_a_run_removes_whom_it_still_condemns(
        policy in policy(),
        told in prop::collection::vec(told(), 5..60),
        measures in prop::collection::vec((0..LISTS.len(), 0..9_u8, ago()), 0..7),
        heard_of in prop::collection::vec(0..14_u8, 60),
        scope in scope(),
    ) {
        let removal = Removal { purge: PurgeSettings { policy, ..PurgeSettings::default() }, ..Removal::default() };
        let house = House::removing(stop_scope(scope), START_MS, removal);
        let mut wire = house.connect();
        let mut phones: Vec<String> = (0..told.len()).map(phone).collect();
        let mut lines: Vec<String> = LISTS.iter().map(|list| format!("LIST {list}")).collect();
        lines.extend(phones.iter().zip(&told).flat_map(|(phone, told)| told.lines(phone)));
        let mut measured: BTreeMap<&str, i64> = BTreeMap::new();
        for (n, event) in measures.iter().enumerate() {
            let (more, list) = measure(event, n);
            lines.extend(more);
            if let Some(list) = list {
                let at = measured.entry(LISTS[list]).or_insert(i64::MIN);
                *at = (*at).max(START_MS - event.2);
            }
        }
        let replies = wire.call_all(&lines);
        let log: Vec<String> = lines.iter().zip(&replies).map(|(line, reply)| format!("{line} -> {reply}")).collect();
        prop_assert!(replies.iter().all(|reply| !reply.starts_with('-')), "{:#?}", log);
        phones.extend((!measures.is_empty()).then(|| OTHER.to_owned()));

        let contacts = get(&mut wire, &phones);
        let verdicts: Vec<Verdict> = contacts.iter().map(|c| scan(c, &policy, &measured, START_MS)).collect();
        let plan = plan(&mut wire);
        let log = format!("{policy:?}\n{}\n{verdicts:?}\n{plan}", log.join("\n"));
        prop_assert_eq!(expected_plan(&contacts, &verdicts), told_plan(&plan), "{}", log);
        prop_assert_eq!(count(&plan, "bytes") > 0, count(&plan, "contacts") > 0);
        sample_is_true(&plan, &contacts, &verdicts)?;
        prop_assert_eq!(&get(&mut wire, &phones), &contacts, "a plan changes nothing");

        let now = START_MS + HOUR_MS;
        house.set_clock(now);
        let heard: Vec<_> = phones.iter().zip(&heard_of).filter_map(|(phone, what)| heard(phone, *what)).collect();
        measured.extend(heard.iter().filter_map(|(_, list)| list.map(|list| (list, now))));
        let heard: Vec<String> = heard.into_iter().map(|(line, _)| line).collect();
        wire.call_all(&heard);
        let log = format!("{log}\n{}", heard.join("\n"));

        let before = get(&mut wire, &phones);
        let report = run(&mut wire, &plan);
        let after = get(&mut wire, &phones);
        let mut reasons = BTreeMap::from(REASONS.map(|reason| (reason, 0)));
        for n in 0..phones.len() {
            let planned = matches!(verdicts[n], Verdict::Selected(_));
            match scan(&before[n], &policy, &measured, now) {
                Verdict::Selected(reason) if planned => {
                    *reasons.get_mut(reason).expect("a reason") += 1;
                    prop_assert_eq!(text(&after[n], "purged_at"), time(now), "{} stays: {}\n{}", before[n], log, report);
                    prop_assert_eq!(text(&after[n], "purged_reason"), reason);
                }
                _ => prop_assert_eq!(&after[n], &before[n], "{}\n{}", log, report),
            }
        }
        let purged: usize = reasons.values().sum();
        let told = [&report["condemned"], &report["purged"], &report["spared"], &report["reasons"]];
        let spared = count(&plan, "contacts") - purged;
        let expected = [&plan["contacts"], &json!(purged), &json!(spared), &json!(reasons)];
        prop_assert_eq!(told, expected, "{}\n{}", report, log);
        prop_assert_eq!([&report["kept"], &report["unmeasured"]], [&plan["kept"], &plan["unmeasured"]]);
        let stay = phones.len() - purged;
        prop_assert_eq!(wire.call("COUNT"), format!(":{stay}"));
        let told = wire.call("VERIFY");
        prop_assert!(told.starts_with(&format!("+ok {stay} contacts ")), "{}", told);
        prop_assert!(told.ends_with(&format!(" {purged} tombstones")), "{}", told);
    }
}
