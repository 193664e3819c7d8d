//! One request of a browser: who asks, and the connection over which the page asks for them.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use serde::Deserialize;

use super::Console;
use super::ask::{Asker, parse};
use super::frame::{Frame, Section};
use super::pages::error_page;
use super::session::Session;
use crate::client::Reply;
use crate::command::Grant;
use crate::error::{Error, Result};
use crate::model::phone::PHONE_DIGITS_MIN;

/// One request of a browser.
pub struct Visit {
    pub session: Arc<Session>,
    /// What its token allows, and whose it is.
    pub grant: Grant,
    pub asker: Asker,
    /// The path with its query: where a form leads back to.
    pub here: String,
    /// Whether the page asks on its own, to keep itself up to date.
    pub is_live: bool,
    /// When the page was begun, by the daemon's clock: what permits says so, and a newer fact stands.
    now: String,
    stats: Stats,
}

/// What each page has to know of the daemon.
#[derive(Default)]
pub struct Stats(Vec<(String, String)>);

impl Stats {
    /// A value of STATS; "" where it has none.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// A number of STATS; 0 where it has none.
    pub fn number(&self, name: &str) -> u64 {
        self.get(name).parse().unwrap_or(0)
    }

    /// All of them, in order.
    pub fn all(&self) -> &[(String, String)] {
        &self.0
    }
}

impl FromRequestParts<Arc<Console>> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, console: &Arc<Console>) -> std::result::Result<Visit, Response> {
        let logged_out = || {
            error_page(StatusCode::UNAUTHORIZED, "You are logged out", "Your token is not one any more. Log in again.")
        };
        let session = parts.extensions.get::<Arc<Session>>().cloned().ok_or_else(logged_out)?;
        let grant = console.grant(&session).ok_or_else(logged_out)?;
        let here = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let mut asker = Asker::new(console.inside.pipe(grant.clone()));
        let stats = stats(&mut asker).await.map_err(super::pages::failed)?;
        let now = stats.get("now").to_owned();
        let is_live = super::guard::is_live(&parts.headers);
        Ok(Visit { session, grant, asker, here, is_live, now, stats })
    }
}

impl Visit {
    /// What STATS said when the page was begun.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// When the page was begun, by the daemon's clock.
    pub fn now(&self) -> &str {
        &self.now
    }

    /// What the page has around it.
    pub fn frame(self, section: Section, title: impl Into<String>) -> Frame {
        Frame::new(self, section, title.into())
    }

    /// What people call a list: its name, if it has one, and its number.
    pub async fn called(&mut self, list: &str) -> Result<String> {
        let name = self.list(list).await?.map(|list| list.name).unwrap_or_default();
        Ok(format!("{name} {list}").trim_start().to_owned())
    }

    /// The number that somebody typed, in whatever way people write numbers; none if it is not one.
    ///
    /// # Errors
    /// It is a number, and nobody knows whose: the error says what is missing.
    pub async fn number(&mut self, typed: &str) -> Result<Option<String>> {
        let is_number = typed.chars().any(|c| c.is_ascii_digit())
            && typed.chars().all(|c| c.is_ascii_digit() || "+-() ./\u{a0}".contains(c));
        if !is_number {
            return Ok(None);
        }
        let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
        let mut wrong = None;
        for raw in [typed.to_owned(), format!("+{digits}")] {
            match self.asker.ask(&["NORMALIZE", "-", &raw]).await {
                Ok(Reply::Text(phone)) => return Ok(Some(phone)),
                Ok(_) => {}
                Err(why) => wrong = wrong.or(Some(why)),
            }
        }
        // One that exists in no numbering plan may have opted out all the same.
        let is_written_out = typed.starts_with('+') && (7..=15).contains(&digits.len());
        match wrong {
            _ if is_written_out => Ok(Some(format!("+{digits}"))),
            Some(why) if digits.len() >= PHONE_DIGITS_MIN => Err(why),
            _ => Ok(None),
        }
    }

    /// The number of a list that somebody typed: a short code, or any number.
    pub async fn list_number(&mut self, typed: &str) -> Result<String> {
        let is_short = (3..=8).contains(&typed.len()) && typed.bytes().all(|byte| byte.is_ascii_digit());
        let number = if is_short { Some(typed.to_owned()) } else { self.number(typed).await? };
        number.ok_or_else(|| {
            Error::bad_arg(format!(
                "{typed} is not a number that messages can come from: write it with + and its country code, like \
                 +14155550100, or a short code of 3 to 8 digits"
            ))
        })
    }

    /// The names of lists, of those that have one.
    pub async fn list(&mut self, list: &str) -> Result<Option<ListReply>> {
        match self.asker.ask(&["LISTS", list]).await {
            Ok(Reply::Array(found)) => match found.into_iter().next() {
                Some(Reply::Text(list)) => parse(&list).map(Some),
                _ => Ok(None),
            },
            Ok(_) => Ok(None),
            Err(why) if why.code == crate::error::Code::NoList => Ok(None),
            Err(why) => Err(why),
        }
    }
}

/// A list, as LISTS shows it.
#[derive(Clone, Deserialize)]
pub struct ListReply {
    pub list: String,
    pub name: String,
    pub paused: bool,
    pub created_at: String,
    pub active: u64,
    pub opted_out: u64,
    pub suppressed: u64,
    pub sends_30d: u64,
    pub opt_outs_30d: u64,
    pub opt_out_rate_30d: f64,
    pub opt_out_rate_enough_sends: bool,
    pub opt_out_rate_high: bool,
}

async fn stats(asker: &mut Asker) -> Result<Stats> {
    let Reply::Array(lines) = asker.ask(&["STATS"]).await? else { return Ok(Stats::default()) };
    let pairs = lines.into_iter().filter_map(|line| match line {
        Reply::Text(line) => line.split_once(' ').map(|(name, value)| (name.to_owned(), value.to_owned())),
        _ => None,
    });
    Ok(Stats(pairs.collect()))
}
