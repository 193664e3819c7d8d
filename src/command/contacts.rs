//! PUT, GET, NORMALIZE: contacts themselves.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use super::{Context, arguments};
use crate::error::{Error, Result, excerpt};
use crate::model::amount;
use crate::model::change::{Change, Write};
use crate::model::contact::{Contact, ListContact};
use crate::model::fact::{Fact, Standing};
use crate::model::label::{LabelPatch, check_key};
use crate::model::list::Lists;
use crate::model::phone::{Region, normalize as normalize_phone};
use crate::model::time::{self, Millis};
use crate::model::tombstone::Gone;
use crate::model::verdict::StopScope;
use crate::wire::{Args, Replies};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PutJson {
    #[serde(default)]
    labels: LabelsJson,
}

/// The labels of a request: a text sets one, null removes it. A key given twice is an error, as it is outside of them.
#[derive(Default)]
pub struct LabelsJson(BTreeMap<String, Option<String>>);

impl<'de> Deserialize<'de> for LabelsJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<LabelsJson, D::Error> {
        struct Distinct;

        impl<'de> Visitor<'de> for Distinct {
            type Value = LabelsJson;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut given: A) -> std::result::Result<LabelsJson, A::Error> {
                let mut labels = BTreeMap::new();
                while let Some((key, value)) = given.next_entry()? {
                    match labels.entry(key) {
                        Entry::Vacant(place) => place.insert(value),
                        Entry::Occupied(place) => {
                            return Err(A::Error::custom(format_args!("duplicate field `{}`", place.key())));
                        }
                    };
                }
                Ok(LabelsJson(labels))
            }
        }

        deserializer.deserialize_map(Distinct)
    }
}

pub fn put(context: &Context, mut args: Args<'_>) -> Result<Write> {
    let phone = arguments::plausible_phone(context, &mut args)?;
    let json: PutJson = arguments::json(&mut args)?;
    Ok(Write::Contact { phone, list: None, change: Change::Put(label_patch(json.labels)?) })
}

/// Checks the keys; the limits are checked against what the contact has.
pub fn label_patch(labels: LabelsJson) -> Result<LabelPatch> {
    labels.0.into_iter().map(|(key, value)| check_key(&key).map(|()| (key, value))).collect()
}

pub fn get(context: &Context, mut args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let phone = arguments::phone(&mut args)?;
    let since = context.store.remember_since();
    let json = |contact: &Contact| {
        let gate = context.store.gate();
        contact_json(contact, gate.lists(), gate.scope(), since)
    };
    if let Some(contact) = context.store.contact(phone)? {
        replies.text(&json(&contact).to_string());
        return Ok(());
    }
    let Some(tombstone) = context.store.tombstone(phone)? else {
        replies.nil();
        return Ok(());
    };
    let mut json = json(&tombstone.revive(phone, tombstone.created_at));
    let gone = match tombstone.why {
        Gone::Purged(why) => {
            json["purged_reason"] = why.word().into();
            "purged_at"
        }
        Gone::Erased => "erased_at",
    };
    json[gone] = date(tombstone.gone_at);
    replies.text(&json.to_string());
    Ok(())
}

/// ERASE. It is no write like the others: the reply comes when nothing is left.
pub fn erase(context: &Context, mut args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let phone = arguments::phone(&mut args)?;
    match context.store.erase(phone)? {
        Some(erased) => {
            replies.text(&format!("erased events {} feed_entries {}", erased.events, erased.entries));
        }
        None => replies.nil(),
    }
    Ok(())
}

pub fn normalize(context: &Context, mut args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let region = args.next().unwrap_or_default();
    let region = region_or_default(context, region)?;
    let raw = args.rest();
    let raw = std::str::from_utf8(&raw).map_err(|_| Error::bad_arg("the number is not UTF-8"))?;
    let phone = normalize_phone(raw, region).map_err(|why| Error::bad_arg(format!("{}: {why}", why.code())))?;
    replies.text(&phone.to_string());
    Ok(())
}

/// A region of a request; `-` stands for the daemon's default.
pub fn region_or_default(context: &Context, word: &[u8]) -> Result<Option<Region>> {
    if word == b"-" {
        return Ok(context.default_region);
    }
    let region = std::str::from_utf8(word).ok().and_then(Region::parse);
    region.map(Some).ok_or_else(|| {
        Error::bad_arg(format!(
            "'{}' is no region: two capital letters, like US or DE, or - for the daemon's default",
            excerpt(word)
        ))
    })
}

/// Everything known of a contact. Ids that were seen before `remember_since` are forgotten.
pub fn contact_json(contact: &Contact, lists: &Lists, scope: StopScope, remember_since: Millis) -> Value {
    let engagement = &contact.engagement;
    let labels: BTreeMap<&str, &str> = contact.labels.iter().collect();
    let mut on: Vec<&ListContact> = contact.lists.iter().collect();
    on.sort_by_key(|on| lists.number(on.list));
    let mut json = json!({
        "phone_number": contact.phone.to_string(),
        "status": contact.status().word(),
        "labels": labels,
        "created_at": date(contact.created_at),
        "total_sends": engagement.sends,
        "total_clicks": engagement.clicks,
        "total_bot_clicks": engagement.bot_clicks,
        "total_conversions": engagement.conversions,
        "total_revenue": micros(engagement.revenue_micros),
        "last_sent": date(engagement.last_sent),
        "last_clicked": date(engagement.last_clicked),
        "last_engaged": date(engagement.last_engaged),
        "last_inbound": date(engagement.last_inbound),
        "sends_since_engaged": engagement.sends_since_engaged,
        "soft_failures": contact.remembered.soft_failures(engagement.last_inbound, remember_since),
        "lists": on.into_iter().map(|on| list_json(contact, on, lists, scope)).collect::<Vec<_>>(),
    });
    if let Some(fields) = json.as_object_mut() {
        put_fact(fields, "opted_out_all", contact.opted_out_all.as_ref());
        put_standing(fields, ["suppressed", "released"], &contact.suppression);
        put_standing(fields, ["invalid", "valid"], &contact.invalidity);
    }
    json
}

fn list_json(contact: &Contact, on: &ListContact, lists: &Lists, scope: StopScope) -> Value {
    let status = contact.list_status(on, scope);
    let subscription = on.subscription();
    let mut json = json!({
        "list": lists.number(on.list).map(|number| number.to_string()),
        "status": status.word(),
        "how": subscription.map(|fact| fact.how.word()),
        "subscribed_at": date(subscription.map_or(0, |fact| fact.at)),
        "source": subscription.map(|fact| fact.source.as_str()),
    });
    let Some(fields) = json.as_object_mut() else { return json };
    if contact.is_opted_out(on, scope)
        && let Some(out) = contact.opt_out_of(on, scope)
    {
        fields.insert("opted_out_at".into(), date(out.at));
        fields.insert("opted_out_how".into(), out.how.word().into());
        put_text(fields, "opted_out_source", &out.source);
        put_text(fields, "opted_out_reason", &out.reason);
    }
    put_standing(fields, ["suppressed", "released"], &on.suppression);
    if let Some(list) = lists.get(on.list).filter(|list| list.removed_at > 0) {
        fields.insert("list_removed_at".into(), date(list.removed_at));
    }
    json
}

/// `<name>_at`, `<name>_how` and so on, when the fact is there.
fn put_fact(fields: &mut Map<String, Value>, name: &str, fact: Option<&Fact>) {
    let Some(fact) = fact else { return };
    fields.insert(format!("{name}_at"), date(fact.at));
    fields.insert(format!("{name}_how"), fact.how.word().into());
    put_text(fields, &format!("{name}_source"), &fact.source);
    put_text(fields, &format!("{name}_reason"), &fact.reason);
}

fn put_standing(fields: &mut Map<String, Value>, [set, lifted]: [&str; 2], standing: &Standing) {
    put_fact(fields, set, standing.set.as_ref());
    put_fact(fields, lifted, standing.lifted.as_ref());
}

pub fn put_text(fields: &mut Map<String, Value>, name: &str, text: &str) {
    if !text.is_empty() {
        fields.insert(name.to_owned(), text.into());
    }
}

/// A date, or null for never.
pub fn date(at: Millis) -> Value {
    if at == 0 { Value::Null } else { time::format(at).into() }
}

/// An amount as a JSON number.
pub fn micros(amount: i64) -> Value {
    serde_json::from_str(&amount::format(amount)).unwrap_or_default()
}
