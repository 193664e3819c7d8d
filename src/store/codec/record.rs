//! The contact record.

use std::hash::BuildHasher;

use serde::{Deserialize, Serialize};

use super::super::log::Newest;
use super::fact::{FactV1, ListContactV1, StandingV1, drop_oldest_text};
use super::{DateV1, open, remembered, seal};
use crate::error::{Error, Result};
use crate::limits::REMEMBERED_IDS_MIN;
use crate::model::contact::{Contact, Engagement, ListContact};
use crate::model::fact::Fact;
use crate::model::label::Labels;
use crate::model::phone::Phone;
use crate::model::remembered::Remembered;

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
    /// See [`remembered`].
    remembered: Vec<u8>,
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
        let forgets = (ids / 2).min(ids.saturating_sub(REMEMBERED_IDS_MIN));
        match sealed {
            Err(_) if forgets > 0 => remembered.drop_oldest(forgets),
            Err(_) if drop_oldest_text(opted_out_all, suppression, invalidity, lists) => continue,
            Err(_) if ids > 0 => remembered.drop_oldest(ids.div_ceil(2)),
            sealed => return sealed,
        }
        body.remembered = remembered::encode(remembered.items(), record.contact.created_at);
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
                remembered::decode(&body.remembered, body.created_at.into())?,
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
            remembered: remembered::encode(contact.remembered.items(), contact.created_at),
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
