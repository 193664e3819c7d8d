//! IMPORT: one row of an import. It is the only writing verb that takes a number as somebody typed it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Context;
use super::arguments::{self, When};
use super::contacts::{label_patch, region_or_default};
use crate::error::{Error, Result, excerpt};
use crate::limits::SOURCE_BYTES_MAX;
use crate::model::change::{Change, Row, RowStatus, Write};
use crate::model::contact::Engagement;
use crate::model::phone::normalize;
use crate::wire::Args;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RowJson {
    phone: Option<String>,
    region: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, Option<String>>,
    how: Option<String>,
    source: Option<String>,
    status: Option<String>,
    subscribed_at: Option<When>,
    opted_out_at: Option<When>,
    created_at: Option<When>,
}

pub fn import(context: &Context, mut args: Args<'_>) -> Result<Write> {
    let list = arguments::list_or_all(&mut args)?;
    let json: RowJson = arguments::json(&mut args)?;
    let raw = json.phone.ok_or_else(|| Error::bad_arg("in the JSON: \"phone\" is missing"))?;
    let region = region_or_default(context, json.region.as_deref().unwrap_or("-").as_bytes())?;
    let phone = normalize(&raw, region).map_err(|why| Error::bad_arg(format!("{}: {why}", why.code())))?;
    let row = Row {
        labels: label_patch(json.labels)?,
        how: json.how.map(|word| arguments::how(&word)).transpose()?,
        source: arguments::text("source", json.source, SOURCE_BYTES_MAX)?,
        status: json.status.map(|word| status(&word)).transpose()?,
        subscribed_at: json.subscribed_at.map(|at| at.0),
        opted_out_at: json.opted_out_at.map(|at| at.0),
        created_at: json.created_at.map(|at| at.0),
        totals: Engagement::default(),
    };
    Ok(Write::Contact { phone, list, change: Change::Import(Box::new(row)) })
}

fn status(word: &str) -> Result<RowStatus> {
    match word {
        "active" => Ok(RowStatus::Active),
        "opted_out" => Ok(RowStatus::OptedOut),
        "suppressed" => Ok(RowStatus::Suppressed),
        "invalid" => Ok(RowStatus::Invalid),
        _ => Err(Error::bad_arg(format!(
            "\"status\" is active, opted_out, suppressed or invalid, not '{}'",
            excerpt(word.as_bytes())
        ))),
    }
}
