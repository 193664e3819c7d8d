//! The contact record.

use std::hash::BuildHasher;

use serde::{Deserialize, Serialize};

use super::super::log::Newest;
use super::event::{kind, kind_code};
use super::fact::{FactV1, ListContactV1, StandingV1, drop_oldest_text};
use super::{DateV1, open, seal};
use crate::error::{Error, Result};
use crate::limits::REMEMBERED_IDS_MIN;
use crate::model::contact::{Contact, Engagement, ListContact};
use crate::model::event::Kind;
use crate::model::fact::Fact;
use crate::model::failure::Failure;
use crate::model::label::Labels;
use crate::model::list::ListId;
use crate::model::phone::Phone;
use crate::model::remembered::{Item, PRINT_BYTES, Remembered, What};
use crate::model::time::Millis;

/// A contact with what only the store knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub contact: Contact,
    /// Where its history begins.
    pub newest: Newest,
}

#[derive(Serialize, Deserialize)]
struct EngagementV1 {
    sends: u64,
    clicks: u64,
    conversions: u64,
    revenue_micros: i64,
    last_sent: DateV1,
    last_clicked: DateV1,
    last_engaged: DateV1,
    sends_since_engaged: u64,
    last_inbound: DateV1,
    bot_clicks: u64,
}

#[derive(Serialize, Deserialize)]
struct RememberedV1 {
    print: [u8; PRINT_BYTES],
    list: u32,
    what: u8,
    /// How much later it was seen than the one before it; the first one than the contact was created.
    later: i64,
    /// How much later it was seen than it was.
    lag: i64,
}

#[derive(Serialize, Deserialize)]
struct ContactV1 {
    phone: u64,
    created_at: DateV1,
    labels: Vec<(String, String)>,
    engagement: Option<EngagementV1>,
    opted_out_all: Option<FactV1>,
    suppression: StandingV1,
    invalidity: StandingV1,
    lists: Vec<ListContactV1>,
    newest_consent: u64,
    newest_activity: u64,
    remembered: Vec<RememberedV1>,
    forgotten: DateV1,
}

/// Encodes a contact. What together does not fit is left out, oldest first: ids, then the texts of facts, which the
/// history has, too. Dates and statuses always fit.
pub fn encode_record(record: &Record) -> Result<Vec<u8>> {
    let mut body = ContactV1::from(record);
    let mut remembered = record.contact.remembered.clone();
    loop {
        let sealed = seal(&body);
        let ContactV1 { opted_out_all, suppression, invalidity, lists, .. } = &mut body;
        let ids = remembered.items().len();
        let forgets = if ids > REMEMBERED_IDS_MIN { ids / 2 } else { 0 };
        match sealed {
            Err(_) if forgets > 0 => remembered.drop_oldest(forgets),
            Err(_) if drop_oldest_text(opted_out_all, suppression, invalidity, lists) => continue,
            Err(_) if ids > 0 => remembered.drop_oldest(ids),
            sealed => return sealed,
        }
        body.remembered = RememberedV1::encode(remembered.items(), record.contact.created_at);
        body.forgotten = remembered.forgotten().into();
    }
}

/// Tells a record from another one.
pub fn print(record: &Record) -> Result<u64> {
    encode_record(record).map(|bytes| foldhash::fast::FixedState::default().hash_one(bytes))
}

pub fn decode_record(value: &[u8]) -> Result<Record> {
    let body: ContactV1 = open(value)?;
    let phone = Phone::from_u64(body.phone).ok_or_else(|| Error::internal("a record with a damaged number"))?;
    Ok(Record {
        contact: Contact {
            phone,
            created_at: body.created_at.into(),
            labels: Labels::from_stored(body.labels),
            engagement: body.engagement.map(Engagement::from).unwrap_or_default(),
            opted_out_all: body.opted_out_all.map(Fact::from),
            suppression: body.suppression.into(),
            invalidity: body.invalidity.into(),
            lists: body.lists.into_iter().map(ListContact::from).collect(),
            remembered: Remembered::from_stored(
                RememberedV1::decode(body.remembered, body.created_at.into())?,
                body.forgotten.into(),
            ),
        },
        newest: Newest { consent: body.newest_consent, activity: body.newest_activity },
    })
}

impl From<&Record> for ContactV1 {
    fn from(record: &Record) -> ContactV1 {
        let contact = &record.contact;
        let engagement = &contact.engagement;
        ContactV1 {
            phone: contact.phone.as_u64(),
            created_at: contact.created_at.into(),
            labels: contact.labels.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            engagement: (*engagement != Engagement::default()).then(|| engagement.into()),
            opted_out_all: contact.opted_out_all.as_ref().map(FactV1::from),
            suppression: (&contact.suppression).into(),
            invalidity: (&contact.invalidity).into(),
            lists: contact.lists.iter().map(ListContactV1::from).collect(),
            newest_consent: record.newest.consent,
            newest_activity: record.newest.activity,
            remembered: RememberedV1::encode(contact.remembered.items(), contact.created_at),
            forgotten: contact.remembered.forgotten().into(),
        }
    }
}

impl From<&Engagement> for EngagementV1 {
    fn from(of: &Engagement) -> EngagementV1 {
        EngagementV1 {
            sends: of.sends,
            clicks: of.clicks,
            conversions: of.conversions,
            revenue_micros: of.revenue_micros,
            last_sent: of.last_sent.into(),
            last_clicked: of.last_clicked.into(),
            last_engaged: of.last_engaged.into(),
            sends_since_engaged: of.sends_since_engaged,
            last_inbound: of.last_inbound.into(),
            bot_clicks: of.bot_clicks,
        }
    }
}

impl From<EngagementV1> for Engagement {
    fn from(of: EngagementV1) -> Engagement {
        Engagement {
            sends: of.sends,
            clicks: of.clicks,
            conversions: of.conversions,
            revenue_micros: of.revenue_micros,
            last_sent: of.last_sent.into(),
            last_clicked: of.last_clicked.into(),
            last_engaged: of.last_engaged.into(),
            sends_since_engaged: of.sends_since_engaged,
            last_inbound: of.last_inbound.into(),
            bot_clicks: of.bot_clicks,
        }
    }
}

impl RememberedV1 {
    fn encode(items: &[Item], created_at: Millis) -> Vec<RememberedV1> {
        let mut before = created_at;
        let encode = |item: &Item| {
            let mut print = [0; PRINT_BYTES];
            print.copy_from_slice(&item.print.to_be_bytes()[8 - PRINT_BYTES..]);
            let later = item.seen_at - std::mem::replace(&mut before, item.seen_at);
            RememberedV1 { print, list: item.list.0, what: what_code(item.what), later, lag: item.seen_at - item.at }
        };
        items.iter().map(encode).collect()
    }

    fn decode(items: Vec<RememberedV1>, created_at: Millis) -> Result<Vec<Item>> {
        let mut seen_at = created_at;
        let decode = |item: RememberedV1| {
            seen_at = seen_at.saturating_add(item.later);
            Ok(Item {
                print: item.print.iter().fold(0, |print, &byte| print << 8 | u64::from(byte)),
                list: ListId(item.list),
                what: what(item.what)?,
                at: seen_at.saturating_sub(item.lag),
                seen_at,
            })
        };
        items.into_iter().map(decode).collect()
    }
}

/// The code on disk of what has an id, never reused: from 0x20 on what a message from the phone meant, from 0x40 on the
/// bits of a failure.
fn what_code(what: What) -> u8 {
    match what {
        What::Claimed => 1,
        What::Sent => 2,
        What::Click => 3,
        What::Conversion => 4,
        What::OptIn => 5,
        What::Inbound(class) => 0x20 | kind_code(Kind::Inbound(class)),
        What::Failed { failure, sent } => 0x40 | failure.bits() << 1 | u8::from(sent),
    }
}

fn what(code: u8) -> Result<What> {
    Ok(match code {
        1 => What::Claimed,
        2 => What::Sent,
        3 => What::Click,
        4 => What::Conversion,
        5 => What::OptIn,
        0x20..0x40 => match kind(code & 0x1f)? {
            Kind::Inbound(class) => What::Inbound(class),
            _ => return Err(Error::internal(format!("an id of unknown kind {code}"))),
        },
        0x40..0x50 => What::Failed { failure: Failure::from_bits(code >> 1 & 7), sent: code & 1 != 0 },
        _ => return Err(Error::internal(format!("an id of unknown kind {code}"))),
    })
}
