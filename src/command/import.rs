//! IMPORT: one row of an import. It is the only writing verb that takes a number as somebody typed it.

use serde::Deserialize;

use super::Context;
use super::arguments::{self, Amount, When};
use super::contacts::{LabelsJson, label_patch, region_or_default};
use crate::error::{Error, Result, excerpt};
use crate::limits::{IMPORTED_TOTAL_MAX, SOURCE_BYTES_MAX};
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
    labels: LabelsJson,
    how: Option<String>,
    source: Option<String>,
    status: Option<String>,
    subscribed_at: Option<When>,
    opted_out_at: Option<When>,
    suppressed_at: Option<When>,
    invalid_at: Option<When>,
    reason: Option<String>,
    created_at: Option<When>,
    total_sends: Option<u64>,
    total_clicks: Option<u64>,
    total_bot_clicks: Option<u64>,
    total_conversions: Option<u64>,
    total_revenue: Option<Amount>,
    last_sent: Option<When>,
    last_clicked: Option<When>,
    last_engaged: Option<When>,
    last_inbound: Option<When>,
    sends_since_engaged: Option<u64>,
}

impl RowJson {
    /// What a new contact brings along from where it comes.
    fn totals(&self) -> Result<Engagement> {
        let date = |at: Option<When>| at.map_or(0, |at| at.0);
        Ok(Engagement {
            sends: total("total_sends", self.total_sends)?,
            clicks: total("total_clicks", self.total_clicks)?,
            bot_clicks: total("total_bot_clicks", self.total_bot_clicks)?,
            conversions: total("total_conversions", self.total_conversions)?,
            revenue_micros: self.total_revenue.map_or(0, |amount| amount.0),
            last_sent: date(self.last_sent),
            last_clicked: date(self.last_clicked),
            last_engaged: date(self.last_engaged),
            sends_since_engaged: total("sends_since_engaged", self.sends_since_engaged)?,
            last_inbound: date(self.last_inbound),
        })
    }
}

pub fn import(context: &Context, mut args: Args<'_>) -> Result<Write> {
    let list = arguments::list_or_all(&mut args)?;
    let json: RowJson = arguments::json(&mut args)?;
    let totals = json.totals()?;
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
        suppressed_at: json.suppressed_at.map(|at| at.0),
        invalid_at: json.invalid_at.map(|at| at.0),
        reason: arguments::text("reason", json.reason, SOURCE_BYTES_MAX)?,
        created_at: json.created_at.map(|at| at.0),
        totals,
    };
    Ok(Write::Contact { phone, list, change: Change::Import(Box::new(row)) })
}

fn total(key: &str, total: Option<u64>) -> Result<u64> {
    match total.unwrap_or(0) {
        total if total > IMPORTED_TOTAL_MAX => {
            Err(Error::limit(format!("\"{key}\" is at most {IMPORTED_TOTAL_MAX}, this one {total}")))
        }
        total => Ok(total),
    }
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
