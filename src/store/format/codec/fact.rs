//! Facts: dates with how and why, as contacts and tombstones hold them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::DateV1;
use super::named::{Nameable, Named};
use crate::error::{Error, Result};
use crate::model::contact::ListContact;
use crate::model::fact::{Fact, How, Toggle};
use crate::model::list::ListId;
use crate::model::time::Millis;
use crate::store::format::code::Coded;

/// A fact, and whose token reported it.
pub type FactV1<'a> = Named<'a, FactBodyV1<'a>>;

#[derive(Serialize, Deserialize)]
pub struct FactBodyV1<'a> {
    at: DateV1,
    /// Above the bits of how, by how many milliseconds later it was told to be; that is 0 as a rule, and costs nothing.
    how: u64,
    source: Cow<'a, str>,
    reason: Cow<'a, str>,
}

const HOW_BITS: u32 = 4;
/// The highest of these bits: a name follows.
const NAMED: u64 = 0b1000;

impl Nameable for FactBodyV1<'_> {
    fn is_named(&self) -> bool {
        self.how & NAMED != 0
    }

    fn set_named(&mut self, named: bool) {
        self.how = if named { self.how | NAMED } else { self.how & !NAMED };
    }
}

#[derive(Serialize, Deserialize)]
pub struct ToggleV1<'a> {
    set: Option<FactV1<'a>>,
    lifted: Option<FactV1<'a>>,
}

#[derive(Serialize, Deserialize)]
pub struct ListContactV1<'a> {
    list: u32,
    opted_in: Option<FactV1<'a>>,
    imported: Option<FactV1<'a>>,
    opted_out: Option<FactV1<'a>>,
    suppression: ToggleV1<'a>,
}

impl<'a> From<&'a Fact> for FactV1<'a> {
    fn from(fact: &'a Fact) -> FactV1<'a> {
        let body = FactBodyV1 {
            at: fact.at.into(),
            how: (fact.claimed_at - fact.at).max(0).unsigned_abs() << HOW_BITS | u64::from(fact.how.code()),
            source: fact.source.as_str().into(),
            reason: fact.reason.as_str().into(),
        };
        Named::new(body, &fact.by)
    }
}

impl TryFrom<FactV1<'_>> for Fact {
    type Error = Error;

    fn try_from(fact: FactV1<'_>) -> Result<Fact> {
        let (fact, by) = fact.into_parts();
        let at = fact.at.into();
        let ahead = (fact.how >> HOW_BITS).cast_signed();
        let claimed_at = if ahead == 0 { 0 } else { ahead.saturating_add(at) };
        let how = How::from_code((fact.how & ((1 << HOW_BITS) - 1)) as u8)?;
        Ok(Fact { at, how, source: fact.source.into_owned(), reason: fact.reason.into_owned(), by, claimed_at })
    }
}

impl<'a> From<&'a Toggle> for ToggleV1<'a> {
    fn from(toggle: &'a Toggle) -> ToggleV1<'a> {
        ToggleV1 { set: toggle.set.as_ref().map(FactV1::from), lifted: toggle.lifted.as_ref().map(FactV1::from) }
    }
}

impl TryFrom<ToggleV1<'_>> for Toggle {
    type Error = Error;

    fn try_from(toggle: ToggleV1<'_>) -> Result<Toggle> {
        Ok(Toggle { set: fact(toggle.set)?, lifted: fact(toggle.lifted)? })
    }
}

impl<'a> From<&'a ListContact> for ListContactV1<'a> {
    fn from(on: &'a ListContact) -> ListContactV1<'a> {
        ListContactV1 {
            list: on.list.0,
            opted_in: on.opted_in.as_ref().map(FactV1::from),
            imported: on.imported.as_ref().map(FactV1::from),
            opted_out: on.opted_out.as_ref().map(FactV1::from),
            suppression: (&on.suppression).into(),
        }
    }
}

impl TryFrom<ListContactV1<'_>> for ListContact {
    type Error = Error;

    fn try_from(on: ListContactV1<'_>) -> Result<ListContact> {
        Ok(ListContact {
            list: ListId(on.list),
            opted_in: fact(on.opted_in)?,
            imported: fact(on.imported)?,
            opted_out: fact(on.opted_out)?,
            suppression: on.suppression.try_into()?,
        })
    }
}

/// A fact that may be there.
pub fn fact(stored: Option<FactV1<'_>>) -> Result<Option<Fact>> {
    stored.map(Fact::try_from).transpose()
}

/// Takes the texts off the oldest fact that has some. Says whether there was one.
pub fn drop_oldest_text<'a>(
    opted_out_all: &mut Option<FactV1<'a>>,
    suppression: &mut ToggleV1<'a>,
    invalidity: &mut ToggleV1<'a>,
    lists: &mut [ListContactV1<'a>],
) -> bool {
    let toggles = [suppression, invalidity].into_iter().flat_map(|toggle| [&mut toggle.set, &mut toggle.lifted]);
    let lists = lists.iter_mut().flat_map(|on| {
        [&mut on.opted_in, &mut on.imported, &mut on.opted_out, &mut on.suppression.set, &mut on.suppression.lifted]
    });
    let oldest = std::iter::once(opted_out_all)
        .chain(toggles)
        .chain(lists)
        .filter_map(Option::as_mut)
        .filter(|fact| [&*fact.body().source, &*fact.body().reason, fact.name()].iter().any(|text| !text.is_empty()))
        .min_by_key(|fact| Millis::from(fact.body().at));
    let Some(fact) = oldest else { return false };
    let FactBodyV1 { at, how, .. } = *fact.body();
    *fact = Named::new(FactBodyV1 { at, how, source: "".into(), reason: "".into() }, "");
    true
}
