//! The contact record.

use std::borrow::Cow;
use std::hash::BuildHasher;

use bincode::Options;
use serde::{Deserialize, Serialize};

use super::fact::{FactV1, ListContactV1, ToggleV1, drop_oldest_text, fact};
use super::{DateV1, V1, date, open, options, remembered, seal};
use crate::error::{Error, Result};
use crate::limits::REMEMBERED_IDS_MIN;
use crate::model::contact::{Contact, Engagement, ListContact};
use crate::model::label::Labels;
use crate::model::phone::Phone;
use crate::model::remembered::Remembered;
use crate::model::time::Millis;
use crate::store::format::position::Newest;

/// A contact with what only the store knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub contact: Contact,
    /// Where its history begins.
    pub newest: Newest,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Engagement")]
struct EngagementV1 {
    sends: u64,
    clicks: u64,
    conversions: u64,
    revenue_micros: i64,
    #[serde(with = "date")]
    last_sent: Millis,
    #[serde(with = "date")]
    last_clicked: Millis,
    #[serde(with = "date")]
    last_engaged: Millis,
    sends_since_engaged: u64,
    #[serde(with = "date")]
    last_inbound: Millis,
    bot_clicks: u64,
}

/// Totals take no room where there are none.
#[derive(Serialize, Deserialize)]
struct SomeEngagementV1(#[serde(with = "EngagementV1")] Engagement);

/// Labels by key.
pub type Labelled<'a> = Vec<(&'a str, &'a str)>;

#[derive(Serialize, Deserialize)]
struct ContactV1<'a> {
    phone: u64,
    created_at: DateV1,
    labels: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    engagement: Option<SomeEngagementV1>,
    opted_out_all: Option<FactV1<'a>>,
    suppression: ToggleV1<'a>,
    invalidity: ToggleV1<'a>,
    lists: Vec<ListContactV1<'a>>,
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
    let mut sealed = seal(&body);
    if sealed.is_ok() {
        return sealed;
    }
    let mut remembered = record.contact.remembered.clone();
    loop {
        let ContactV1 { opted_out_all, suppression, invalidity, lists, .. } = &mut body;
        let ids = remembered.items().len();
        let forgets = (ids / 2).min(ids.saturating_sub(REMEMBERED_IDS_MIN));
        match sealed {
            Err(_) if forgets > 0 => remembered.drop_oldest(forgets),
            Err(_) if drop_oldest_text(opted_out_all, suppression, invalidity, lists) => {}
            Err(_) if ids > 0 => remembered.drop_oldest(ids.div_ceil(2)),
            sealed => return sealed,
        }
        body.remembered = remembered::encode(remembered.items(), record.contact.created_at);
        body.forgotten = remembered.forgotten().into();
        sealed = seal(&body);
    }
}

/// Tells a record from another one.
pub fn fingerprint(record: &Record) -> Result<u64> {
    encode_record(record).map(|bytes| foldhash::fast::FixedState::default().hash_one(bytes))
}

pub fn decode_record(value: &[u8]) -> Result<Record> {
    let body: ContactV1 = open(value)?;
    let phone = Phone::from_u64(body.phone).ok_or_else(|| Error::internal("a record with a damaged number"))?;
    Ok(Record {
        contact: Contact {
            phone,
            created_at: body.created_at.into(),
            labels: Labels::from_stored(
                body.labels.into_iter().map(|(key, value)| (key.into_owned(), value.into_owned())).collect(),
            ),
            engagement: body.engagement.map(|SomeEngagementV1(totals)| totals).unwrap_or_default(),
            opted_out_all: fact(body.opted_out_all)?,
            suppression: body.suppression.try_into()?,
            invalidity: body.invalidity.try_into()?,
            lists: body.lists.into_iter().map(ListContact::try_from).collect::<Result<_>>()?,
            remembered: Remembered::from_stored(
                remembered::decode(&body.remembered, body.created_at.into())?,
                body.forgotten.into(),
            ),
        },
        newest: Newest { consent: body.newest_consent, activity: body.newest_activity },
    })
}

/// The labels of a record, without the rest of it. In front of them stand the number and the date of creation.
pub fn decode_labels(value: &[u8]) -> Result<Labelled<'_>> {
    let Some((&V1, body)) = value.split_first() else { return open::<ContactV1>(value).map(|_| Vec::new()) };
    let read = options().allow_trailing_bytes().deserialize::<(u64, DateV1, Labelled)>(body);
    let (_, _, labels) = read.map_err(|why| Error::internal(format!("a damaged record: {why}")))?;
    Ok(labels)
}

impl<'a> From<&'a Record> for ContactV1<'a> {
    fn from(record: &'a Record) -> ContactV1<'a> {
        let contact = &record.contact;
        let engagement = &contact.engagement;
        ContactV1 {
            phone: contact.phone.as_u64(),
            created_at: contact.created_at.into(),
            labels: contact.labels.iter().map(|(key, value)| (key.into(), value.into())).collect(),
            engagement: (*engagement != Engagement::default()).then(|| SomeEngagementV1(engagement.clone())),
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
