//! How a fact comes to the daemon: as requests of the protocol, with the provider's id, so that a repetition changes nothing.

use serde_json::{Map, Value};
use tokio::io::DuplexStream;

use super::accounts::Accounts;
use super::counts::Fate;
use super::fact::{Fact, Inbound, Keyword, Outcome, Status, is_phone};
use super::provider::Provider;
use crate::client::{AsyncClient, Reply, refusal};
use crate::error::{Code, Error, Result, Retry, excerpt};
use crate::model::failure::Failure;
use crate::model::keyword::{Keywords, Meaning};
use crate::model::phone::ListNumber;
use crate::model::time::{self, Millis};

/// Messages of a contact that are looked at, the newest first, to find the list of one.
const SENDS_LOOKED_AT: &str = "1000";

/// As much of a provider's words as is told as the reason for an opt-out.
const CODE_CHARS_MAX: usize = 48;

/// One webhook on its way to the daemon.
pub struct Handover<'a> {
    pub provider: Provider,
    pub accounts: &'a Accounts,
    pub keywords: &'a Keywords,
    pub now: Millis,
    pub client: AsyncClient<DuplexStream>,
}

/// What became of a fact.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    pub fate: Fate,
    /// What the phone is to be answered; empty for nothing.
    pub text: String,
}

impl Told {
    fn silent(fate: Fate) -> Told {
        Told { fate, text: String::new() }
    }
}

/// What the daemon said of a write.
enum Said {
    /// Its reply.
    Reply(Reply),
    /// It refused the request, and took what that forbids.
    Taken,
    /// It will never take it.
    Never,
}

impl Handover<'_> {
    /// Hands a fact over. An error: it could not be recorded now.
    pub async fn hand_over(&mut self, fact: &Fact) -> Result<Told> {
        match fact {
            Fact::Inbound(inbound) => self.inbound(inbound).await,
            Fact::Status(status) => self.status(status).await,
        }
    }

    async fn inbound(&mut self, inbound: &Inbound) -> Result<Told> {
        if !is_phone(&inbound.phone) {
            // Its text may be a password.
            let sender = excerpt(inbound.phone.as_bytes());
            tracing::info!(
                "{} {}: not recorded: the sender '{sender}' is not a phone",
                self.word(),
                shown(&inbound.id)
            );
            return Ok(Told::silent(Fate::Ignored));
        }
        let lists = self.lists_of_group(inbound).await?;
        let mut fate = Fate::Refused;
        let is_out = matches!(self.keywords.meaning(&inbound.text), Meaning::Out | Meaning::OutOfAll);
        if inbound.keyword == Some(Keyword::Stop) && !is_out {
            // The provider has a word for it that contactd does not know, or takes for an opt-in.
            let reason = format!("{} took {} for an opt-out", self.word(), shown(&inbound.id));
            for list in &lists {
                self.opt_out(list, &inbound.phone, &at_the_latest(&inbound.at), How::Keyword, &reason).await?;
            }
            fate = Fate::Recorded;
        }
        let (first, others) = lists.split_at(1.min(lists.len()));
        let mut said = String::new();
        for list in first {
            match self.tell_inbound(list, inbound).await? {
                Said::Reply(Reply::Text(text)) => said = text,
                // What it took is an opt-out.
                Said::Taken => "optout undated".clone_into(&mut said),
                _ => continue,
            }
            fate = Fate::Recorded;
        }
        let (meaning, turn) = said.split_once(' ').unwrap_or((&said, ""));
        if meaning == "optout" {
            for other in others {
                self.tell_inbound(other, inbound).await?;
            }
        }
        // The provider has answered; or there is nothing to say.
        if inbound.keyword.is_some() || !turn.is_empty() {
            return Ok(Told::silent(fate));
        }
        let answers = &self.accounts.answers;
        let text = match meaning {
            "optout" if self.is_out_of_all(&inbound.phone).await => &answers.out_of_all,
            "optout" => &answers.out,
            "optin" => &answers.optin,
            "help" => &answers.help,
            _ => return Ok(Told::silent(fate)),
        };
        Ok(Told { fate, text: text.clone() })
    }

    async fn tell_inbound(&mut self, list: &str, inbound: &Inbound) -> Result<Said> {
        let mut json = Map::new();
        json.insert("text".into(), inbound.text.as_str().into());
        put(&mut json, "id", &inbound.id);
        put(&mut json, "at", &self.date_of(inbound));
        let reply = self.ask(&["INBOUND", list, &inbound.phone, &written(json)]).await?;
        Ok(self.said(&inbound.id, reply))
    }

    /// When a message was sent. An opt-in may have been delivered late, behind an opt-out that was sent after it: it counts
    /// from the earliest moment at which it can have been sent. What forbids counts from the latest.
    fn date_of(&self, inbound: &Inbound) -> String {
        let is_optin = matches!(self.keywords.meaning(&inbound.text), Meaning::In | Meaning::InIfKnown);
        if !is_optin {
            return at_the_latest(&inbound.at);
        }
        if inbound.late_ms_max == 0 {
            return inbound.at.clone();
        }
        let latest = time::parse(&inbound.at).unwrap_or(self.now).min(self.now);
        time::format(latest - inbound.late_ms_max)
    }

    async fn status(&mut self, status: &Status) -> Result<Told> {
        if !is_phone(&status.phone) {
            let recipient = excerpt(status.phone.as_bytes());
            tracing::info!("{} {}: not recorded: '{recipient}' is not a phone", self.word(), shown(&status.id));
            return Ok(Told::silent(Fate::Ignored));
        }
        let lists = self.lists_of_message(status).await?;
        match (&status.outcome, lists.first()) {
            (Outcome::Sent, Some(list)) => self.sent(list, status).await,
            (Outcome::Sent, None) => Ok(self.sent_otherwise(status)),
            (Outcome::Failed { code }, _) => self.failed(&lists, status, code).await,
        }
    }

    /// A message of something else that uses the same account, from a number that is no list.
    fn sent_otherwise(&self, status: &Status) -> Told {
        tracing::debug!("{} {}: sent, but not recorded: no list is known", self.word(), shown(&status.id));
        Told::silent(Fate::Ignored)
    }

    async fn sent(&mut self, list: &str, status: &Status) -> Result<Told> {
        if !self.is_list(list).await? {
            return Ok(self.sent_otherwise(status));
        }
        let words = |json| vec!["SENT".into(), list.to_owned(), status.phone.clone(), status.id.clone(), written(json)];
        self.tell_dated(&status.id, &status.at, Map::new(), words).await
    }

    async fn failed(&mut self, lists: &[String], status: &Status, code: &str) -> Result<Told> {
        let mut told = Told::silent(Fate::Ignored);
        if let Some(list) = lists.first() {
            let mut json = Map::new();
            put(&mut json, "code", code);
            put(&mut json, "provider", self.word());
            let words =
                |json| vec!["FAILED".into(), list.clone(), status.phone.clone(), status.id.clone(), written(json)];
            told = self.tell_dated(&status.id, &at_the_latest(&status.at), json, words).await?;
        }
        let failure = Failure::of(self.word(), code, None);
        // Words may stand in the place of a code.
        let code: String = code.chars().take(CODE_CHARS_MAX).collect();
        let reason = format!("{code} {}", shown(&status.id));
        if failure.opted_out {
            // A block is the whole service's, not the number's.
            let accounts = self.accounts;
            let service = accounts.service(&status.service, &status.number);
            let mut blocked: Vec<&String> = lists.iter().chain(service).collect();
            blocked.extend(Some(&status.number).filter(|number| is_list_number(number)));
            let all = "*".to_owned();
            if blocked.is_empty() {
                blocked.push(&all);
            }
            for (place, list) in blocked.iter().enumerate().filter(|(_, list)| Some(**list) != lists.first()) {
                if !blocked[..place].contains(list) {
                    self.opt_out(list, &status.phone, &at_the_latest(&status.at), How::Api, &reason).await?;
                    told.fate = Fate::Recorded;
                }
            }
        }
        if failure.permanent && lists.is_empty() {
            let mut json = Map::new();
            put(&mut json, "source", self.word());
            put(&mut json, "reason", &reason);
            let words = |json| vec!["INVALID".into(), status.phone.clone(), written(json)];
            told = self.tell_dated(&status.id, &at_the_latest(&status.at), json, words).await?;
        }
        Ok(told)
    }

    /// Opts out, for a reason that names the message: once for each.
    async fn opt_out(&mut self, list: &str, phone: &str, at: &str, how: How, reason: &str) -> Result<Told> {
        if self.is_out_for(list, phone, reason).await? {
            return Ok(Told::silent(Fate::Recorded));
        }
        let mut json = Map::new();
        put(&mut json, "how", how.word());
        put(&mut json, "source", self.word());
        put(&mut json, "reason", reason);
        let words = |json| vec!["OPTOUT".into(), list.to_owned(), phone.to_owned(), written(json)];
        self.tell_dated(reason, at, json, words).await
    }

    /// Whether the opt-out that stands against a list has this reason.
    async fn is_out_for(&mut self, list: &str, phone: &str, reason: &str) -> Result<bool> {
        let Reply::Text(contact) = self.ask(&["GET", phone]).await? else { return Ok(false) };
        let contact: Value = serde_json::from_str(&contact).map_err(Error::internal)?;
        if contact["opted_out_all_reason"] == reason {
            return Ok(true);
        }
        let mut lists = contact["lists"].as_array().into_iter().flatten();
        Ok(lists.any(|on| on["list"] == list && on["opted_out_reason"] == reason))
    }

    /// The lists that a message to a group was sent to: all that are among its recipients. The others are strangers. Where
    /// none is, what forbids counts for all lists.
    async fn lists_of_group(&mut self, inbound: &Inbound) -> Result<Vec<String>> {
        if inbound.others.is_empty() {
            return self.lists(&inbound.service, &inbound.number).await;
        }
        let mut ours = Vec::new();
        for number in std::iter::once(&inbound.number).chain(&inbound.others) {
            if !self.accounts.service("", number).is_empty() || self.is_list(number).await? {
                ours.push(number.as_str());
            }
        }
        if ours.is_empty() {
            ours.push("");
        }
        let mut lists: Vec<String> = Vec::new();
        for number in ours {
            for list in self.lists(&inbound.service, number).await? {
                if !lists.contains(&list) {
                    lists.push(list);
                }
            }
        }
        Ok(lists)
    }

    /// The lists that a message was sent to: that of the number, then the others of its service.
    async fn lists(&mut self, service: &str, number: &str) -> Result<Vec<String>> {
        let mut lists = self.accounts.service(service, number).to_vec();
        if let Some(at) = lists.iter().position(|list| list == number) {
            lists.swap(0, at);
            return Ok(lists);
        }
        let is_of_pool = match lists.len() {
            0 => false,
            _ if !is_list_number(number) => true,
            // A number of the pool from which this one list sends.
            1 => !self.is_list(number).await?,
            _ => false,
        };
        if !is_of_pool {
            // Where the list cannot be read, what forbids counts for all lists.
            lists.insert(0, if number.is_empty() { "?".to_owned() } else { number.to_owned() });
        }
        Ok(lists)
    }

    async fn is_list(&mut self, number: &str) -> Result<bool> {
        Ok(!matches!(self.ask(&["LISTS", number]).await?, Reply::Error(_)))
    }

    /// The lists on which a message is known by its id; else the list of the number that sent it, or of its service.
    async fn lists_of_message(&mut self, status: &Status) -> Result<Vec<String>> {
        let words = ["HISTORY", &status.phone, "KIND", "send", "LIMIT", SENDS_LOOKED_AT];
        let mut lists: Vec<String> = Vec::new();
        if let Reply::Array(items) = self.ask(&words).await? {
            for item in items.into_iter().skip(1) {
                let Reply::Text(item) = item else { continue };
                let event: Value = serde_json::from_str(&item).map_err(Error::internal)?;
                let list = event["list"].as_str().filter(|_| event["id"] == status.id.as_str());
                lists.extend(list.filter(|list| !lists.iter().any(|known| known == list)).map(str::to_owned));
            }
        }
        // A pool sends from any of its numbers: the number counts where the message is not known.
        if let Some(at) = lists.iter().position(|list| *list == status.number) {
            lists.swap(0, at);
        }
        if lists.is_empty() && is_list_number(&status.number) {
            lists.push(status.number.clone());
        }
        if let ([], [list]) = (&lists[..], self.accounts.service(&status.service, &status.number)) {
            lists.push(list.clone());
        }
        Ok(lists)
    }

    /// Whether an opt-out of all lists was recorded: no other may be promised.
    async fn is_out_of_all(&mut self, phone: &str) -> bool {
        let Ok(Reply::Text(contact)) = self.client.call(&["GET", phone]).await else { return false };
        let contact: Value = serde_json::from_str(&contact).unwrap_or_default();
        if contact["status"] == "opted_out" {
            return true;
        }
        let Ok(Reply::Array(stats)) = self.client.call(&["STATS"]).await else { return false };
        stats.contains(&Reply::Text("stop_scope all".into()))
    }

    /// Tells it with its date, or without one that the daemon does not take: what happened counts for more than when.
    async fn tell_dated(
        &mut self,
        id: &str,
        at: &str,
        mut json: Map<String, Value>,
        words: impl Fn(Map<String, Value>) -> Vec<String>,
    ) -> Result<Told> {
        // A clock that is ahead dates nothing.
        let mut reply = None;
        if time::parse(at).is_ok_and(|at| at <= self.now) {
            json.insert("at".into(), at.into());
            reply = Some(self.ask(&words(json.clone())).await?);
            json.remove("at");
        }
        let is_refused = |reply: &Reply| matches!(reply, Reply::Error(why) if refusal(why).code == Code::BadArg);
        let reply = match reply {
            Some(reply) if !is_refused(&reply) => reply,
            _ => self.ask(&words(json)).await?,
        };
        let fate = match self.said(id, reply) {
            Said::Reply(_) | Said::Taken => Fate::Recorded,
            Said::Never => Fate::Refused,
        };
        Ok(Told::silent(fate))
    }

    /// Asks the daemon. An error: it would say something else later.
    async fn ask<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Result<Reply> {
        let reply = self.client.call(words).await?;
        match &reply {
            Reply::Error(why) if refusal(why).code.retry() != Retry::Never => Err(refusal(why)),
            _ => Ok(reply),
        }
    }

    /// What the daemon said of a write. What it will never take stands in the log.
    fn said(&self, id: &str, reply: Reply) -> Said {
        let Reply::Error(why) = reply else { return Said::Reply(reply) };
        let is_taken = refusal(&why).message.starts_with("taken ");
        if is_taken {
            tracing::warn!("{} {}: {why}", self.word(), shown(id));
            return Said::Taken;
        }
        tracing::error!("{} {}: not recorded: {why}", self.word(), shown(id));
        Said::Never
    }

    fn word(&self) -> &'static str {
        self.provider.word()
    }
}

/// How somebody opted out.
#[derive(Clone, Copy)]
enum How {
    Keyword,
    Api,
}

impl How {
    fn word(self) -> &'static str {
        match self {
            How::Keyword => "keyword",
            How::Api => "api",
        }
    }
}

fn put(json: &mut Map<String, Value>, key: &str, text: &str) {
    if !text.is_empty() {
        json.insert(key.to_owned(), text.into());
    }
}

fn written(json: Map<String, Value>) -> String {
    Value::Object(json).to_string()
}

fn is_list_number(number: &str) -> bool {
    ListNumber::parse(number.as_bytes()).is_some()
}

/// An id as it stands in the log.
fn shown(id: &str) -> String {
    excerpt(id.as_bytes())
}
/// A provider's date of what forbids, which may have no milliseconds: the last moment of that second. An opt-in of the same
/// second may have come before it.
fn at_the_latest(at: &str) -> String {
    const SECOND_MS: Millis = 1_000;
    match time::parse(at) {
        Ok(whole) if whole % SECOND_MS == 0 => time::format(whole + SECOND_MS - 1),
        _ => at.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_not_over_before_its_end() {
        for (said, latest) in [
            ("2026-05-01T12:00:07Z", "2026-05-01T12:00:07.999Z"),
            ("2026-05-01T14:00:07+02:00", "2026-05-01T12:00:07.999Z"),
            ("2026-05-01T12:00:07.250Z", "2026-05-01T12:00:07.250Z"),
            ("", ""),
            ("soon", "soon"),
        ] {
            assert_eq!(at_the_latest(said), latest, "{said}");
        }
    }
}
