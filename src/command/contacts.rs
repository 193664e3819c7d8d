//! PUT, GET, NORMALIZE: contacts themselves.

use std::fmt;
use std::sync::Arc;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Context, Session, arguments};
use crate::error::{Error, Result, excerpt};
use crate::json::{Against, contact_json, date};
use crate::model::change::{Change, Write};
use crate::model::contact::Contact;
use crate::model::label::{LabelPatch, check_key};
use crate::model::phone::{Phone, Region, Unusable, is_also_abroad, normalize as normalize_phone};
use crate::model::plain_refusal::{label_refuses, note_refuses};
use crate::model::time::Millis;
use crate::model::tombstone::RemovedBy;
use crate::wire::{Args, Replies};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PutJson {
    #[serde(default)]
    labels: LabelsJson,
}

/// The labels of a request: a text sets one, null removes it. A key given twice is an error, as it is outside of them.
#[derive(Default)]
pub struct LabelsJson(LabelPatch);

impl<'de> Deserialize<'de> for LabelsJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<LabelsJson, D::Error> {
        struct Distinct;

        impl<'de> Visitor<'de> for Distinct {
            type Value = LabelsJson;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut given: A) -> std::result::Result<LabelsJson, A::Error> {
                let mut labels = LabelPatch::new();
                while let Some(label) = given.next_entry()? {
                    labels.push(label);
                }
                labels.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
                match labels.windows(2).find(|pair| pair[0].0 == pair[1].0) {
                    Some(pair) => Err(A::Error::custom(format_args!("duplicate field `{}`", pair[0].0))),
                    None => Ok(LabelsJson(labels)),
                }
            }
        }

        deserializer.deserialize_map(Distinct)
    }
}

pub fn put(context: &Context, mut args: Args<'_>) -> Result<Write> {
    let phone = arguments::plausible_phone(context, &mut args)?;
    let json: PutJson = arguments::json(&mut args)?;
    let labels = label_patch(json.labels)?;
    check_labels(&labels, context.store.now())?;
    Ok(Write::Contact { phone, list: None, change: Change::Put(labels) })
}

/// Refuses a label that is in itself a refusal of messages, by its value or by its key: kept as a label, it would stop nothing.
pub fn check_labels(labels: &LabelPatch, now: Millis) -> Result<()> {
    labels.iter().try_for_each(|(key, value)| {
        let value = value.as_deref().unwrap_or_default();
        check_words(key, value)?;
        if label_refuses(key, value, now) {
            return Err(Error::bad_arg(format!(
                "maybe_optout: a label '{}' with the value '{}' stops nothing: if the contact wants no messages, send that as an opt-out",
                excerpt(key.as_bytes()),
                excerpt(value.as_bytes())
            )));
        }
        Ok(())
    })
}

/// Refuses words that are a refusal of messages, but no status.
pub fn check_words(key: &str, words: &str) -> Result<()> {
    if note_refuses(words) { Err(words_refuse(key, words)) } else { Ok(()) }
}

/// The error of such words.
pub fn words_refuse(key: &str, words: &str) -> Error {
    Error::bad_arg(format!(
        "maybe_optout: \"{key}\" says '{}': if the contact wants no messages, send that as an opt-out; if it does, write it in other \
         words",
        excerpt(words.as_bytes())
    ))
}

/// Checks the keys; the limits are checked against what the contact has.
pub fn label_patch(labels: LabelsJson) -> Result<LabelPatch> {
    labels.0.iter().try_for_each(|(key, _)| check_key(key))?;
    Ok(labels.0)
}

pub fn get(context: &Context, mut args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let phone = arguments::phone(&mut args)?;
    let since = context.store.remember_since();
    let json = |contact: &Contact, is_gone: bool| {
        let gate = context.store.gate();
        let against: Against<'_> = &|list| gate.against(phone, list);
        contact_json(contact, gate.lists(), gate.scope(), since, Some(against).filter(|_| !is_gone))
    };
    if let Some(contact) = context.store.contact(phone)? {
        replies.text(&json(&contact, false).to_string());
        return Ok(());
    }
    let Some(tombstone) = context.store.tombstone(phone)? else {
        replies.nil();
        return Ok(());
    };
    let mut json = json(&tombstone.restore(phone, tombstone.created_at), true);
    let gone = match tombstone.why {
        RemovedBy::Purged(why) => {
            json["purged_reason"] = why.word().into();
            "purged"
        }
        RemovedBy::Erased => "erased",
    };
    json[format!("{gone}_at")] = date(tombstone.gone_at);
    if !tombstone.by.is_empty() {
        json[format!("{gone}_by")] = tombstone.by.into();
    }
    replies.text(&json.to_string());
    Ok(())
}

/// ERASE. It differs from other writes: the reply comes when nothing is left.
pub fn erase(context: &Context, session: &Session, mut args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let phone = arguments::phone(&mut args)?;
    match context.store.erase(phone, Arc::clone(&session.name))? {
        Some(erased) => {
            replies.text(&format!("erased events {} feed_entries {}", erased.events, erased.entries));
        }
        None => replies.nil(),
    }
    Ok(())
}

pub fn normalize(context: &Context, mut args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let region = args.next().unwrap_or_default();
    let raw = args.rest();
    let raw = std::str::from_utf8(&raw).map_err(|_| Error::bad_arg("the number is not UTF-8"))?;
    replies.text(&read_phone(context, region, raw)?.to_string());
    Ok(())
}

/// The number that somebody wrote, dialled in this region; `-` stands for the daemon's default. That one is nobody's word about
/// this number, so it does not decide between two countries.
pub fn read_phone(context: &Context, word: &[u8], raw: &str) -> Result<Phone> {
    let region = region_or_default(context, word)?;
    let is_unclear = word == b"-" && region.is_some_and(|region| is_also_abroad(raw, region));
    let read = if is_unclear { Err(Unusable::Ambiguous) } else { normalize_phone(raw, region) };
    read.map_err(|why| Error::bad_arg(format!("{}: {why}", why.code())))
}

/// A region of a request; `-` stands for the daemon's default.
pub fn region_or_default(context: &Context, word: &[u8]) -> Result<Option<Region>> {
    if word == b"-" {
        return Ok(context.default_region);
    }
    let region = std::str::from_utf8(word).ok().and_then(Region::parse);
    region.map(Some).ok_or_else(|| {
        Error::bad_arg(format!(
            "'{}' is not a region: write two capital letters, like US or DE, or - for the daemon's default region",
            excerpt(word)
        ))
    })
}
