//! What TRENDS and CLAIMS say, worked out from every message, click and conversion.

use std::collections::BTreeSet;

use super::commands::DAY_MS;
use super::model::Model;
use super::sending::{IdUse, Message, Report};

/// What happened on one day, on all lists together; opt-outs and replies left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub sends: usize,
    pub failed: usize,
    pub clicks: usize,
    pub bot_clicks: usize,
    pub conversions: usize,
    pub micros: i64,
}

/// The sums of a day, counted from 1970.
pub fn sums(model: &Model, day: i64) -> Sums {
    let is_of = |at: i64| at / DAY_MS == day;
    let mut sums = Sums::default();
    for contact in model.contacts.values() {
        let sent = contact.sending.messages.iter().filter(|message| message.counts());
        sums.sends += sent.filter_map(Message::sent_at).filter(|at| is_of(*at)).count();
        sums.failed += contact.sending.messages.iter().filter_map(failed_on).filter(|at| is_of(*at)).count();
        for deed in contact.sending.deeds.iter().filter(|deed| is_of(deed.at)) {
            match deed.what {
                IdUse::Click { bot: true } => sums.bot_clicks += 1,
                IdUse::Click { bot: false } => sums.clicks += 1,
                IdUse::Conversion { micros } => {
                    sums.conversions += usize::from(micros >= 0);
                    sums.micros += micros;
                }
            }
        }
    }
    sums
}

/// The date of the send of a message that failed; of the failure, where that was told first.
fn failed_on(message: &Message) -> Option<i64> {
    let first = message.told.first()?;
    let (failed_at, _) = message.failed()?;
    Some(if matches!(first.report, Report::Failed(_)) { failed_at } else { first.at })
}

/// List, phone, id and date of the claims that hang.
pub fn claims(model: &Model, now: i64) -> BTreeSet<(String, String, String, i64)> {
    const MINUTE_MS: i64 = 60_000;
    let is_old = |message: &&Message| message.told[0].at / MINUTE_MS <= now / MINUTE_MS - 5;
    let mut claims = BTreeSet::new();
    for (phone, contact) in &model.contacts {
        for message in contact.sending.messages.iter().filter(|message| message.state() == "claimed").filter(is_old) {
            claims.insert((message.list.clone(), phone.clone(), message.id.clone(), message.told[0].at));
        }
    }
    claims
}
