//! A past for the console to show: 90 days of four lists, the same each time but for its dates. It is made as a sender would
//! have made it, by requests.

use std::collections::HashSet;

use crate::client::{Client, Reply, ReplyReceiver, RequestSender};
use crate::error::{Error, Result};
use crate::model::time::{self, DAY_MS, Millis};
use crate::wire::end_line;

/// How far back it goes.
const DAYS: i64 = 90;
/// Requests that are under way at once.
const PIPELINE: usize = 1_000;
const MINUTE_MS: Millis = 60_000;

/// A list, and how its people take it. Shares are of 10,000.
struct Campaigns {
    list: &'static str,
    name: &'static str,
    /// A message every so many days.
    every: i64,
    /// Contacts that subscribed.
    members: u64,
    /// Of a message's receivers.
    clicks: u64,
    stops: u64,
    replies: u64,
    failures: u64,
}

const LISTS: [Campaigns; 4] = [
    Campaigns {
        list: "+14155550151",
        name: "Order updates",
        every: 1,
        members: 1_200,
        clicks: 1_900,
        stops: 3,
        replies: 40,
        failures: 20,
    },
    Campaigns {
        list: "+14155550152",
        name: "Loyalty club",
        every: 5,
        members: 6_500,
        clicks: 900,
        stops: 35,
        replies: 60,
        failures: 30,
    },
    Campaigns {
        list: "+14155550153",
        name: "Last-minute deals",
        every: 6,
        members: 4_000,
        clicks: 350,
        stops: 240,
        replies: 80,
        failures: 50,
    },
    Campaigns {
        list: "+14155550154",
        name: "Spring sale",
        every: 10,
        members: 5_000,
        clicks: 500,
        stops: 60,
        replies: 30,
        failures: 30,
    },
];
/// The sale is over.
const PAUSED: &str = "+14155550154";

const REPLIES: [&str; 8] = [
    "Thank you!",
    "Is it in stock in the Oakland store?",
    "When does the sale end?",
    "ok 👍",
    "Can I change the delivery address?",
    "Who is this?",
    "Please don't stop these, I love them",
    "I think you have the wrong number",
];
const STOPS: [&str; 6] =
    ["STOP", "Stop please", "unsubscribe", "Please remove me from this list", "stop texting me", "ALTO"];

/// Makes the past of these contacts.
///
/// # Errors
/// The daemon refuses a request, or the connection is lost.
pub fn make(client: Client, phones: &[String], now: Millis) -> Result<()> {
    let (requests, replies) = client.split();
    let mut past = Past { requests, replies, waiting: 0 };
    for campaigns in &LISTS {
        past.play(campaigns, phones, now)?;
    }
    past.send(&format!(r#"LIST {PAUSED} {{"paused":true}}"#))?;
    past.settle()
}

struct Past {
    requests: RequestSender,
    replies: ReplyReceiver,
    waiting: usize,
}

impl Past {
    fn play(&mut self, campaigns: &Campaigns, phones: &[String], now: Millis) -> Result<()> {
        let Campaigns { list, name, every, members, .. } = campaigns;
        self.send(&format!(r#"LIST {list} {{"name":"{name}"}}"#))?;
        let members = phones.iter().filter(|phone| share(&[list, phone]) < *members);
        let members: Vec<&str> = members.map(String::as_str).collect();
        for (nth, phone) in (0..).zip(&members) {
            let at = time::format(now - (DAYS + 30) * DAY_MS + nth * 7 * MINUTE_MS);
            self.send(&format!(r#"OPTIN {list} {phone} {{"at":"{at}","how":"api","source":"web form"}}"#))?;
        }
        let mut gone = HashSet::new();
        for day in (1..DAYS).rev().filter(|day| day % every == 0) {
            let message =
                format!("{}-{}", name.to_lowercase().replace(' ', "-"), &time::format(now - day * DAY_MS)[..10]);
            for (nth, phone) in (0..).zip(&members) {
                let at = now - day * DAY_MS + nth * 400;
                if !gone.contains(phone) && self.message(campaigns, phone, &message, at)? {
                    gone.insert(phone);
                }
            }
        }
        Ok(())
    }

    /// One message and what comes of it. Says whether the person wants no more.
    fn message(&mut self, of: &Campaigns, phone: &str, message: &str, at: Millis) -> Result<bool> {
        let list = of.list;
        let chance = |what: &str| share(&[list, phone, message, what]);
        let later = |what: &str| time::format(at + chance(what).cast_signed() % 180 * MINUTE_MS + MINUTE_MS);
        let (sent_at, id) = (time::format(at), format!("{message}-{}", &phone[1..]));
        if chance("failure") < of.failures {
            let code = if chance("code") < 9_000 { "30003" } else { "30005" };
            self.send(&format!(r#"FAILED {list} {phone} {id} {{"at":"{sent_at}","code":"{code}"}}"#))?;
            return Ok(code == "30005");
        }
        self.send(&format!(r#"SENT {list} {phone} {id} {{"at":"{sent_at}"}}"#))?;
        if chance("click") < of.clicks {
            let at = later("click");
            self.send(&format!(
                r#"CLICK {list} {phone} {{"at":"{at}","message":"{id}","url":"https://shop.example/"}}"#
            ))?;
            if chance("buys") < 1_500 {
                let (at, amount) = (time::format(time::parse(&at)? + 9 * MINUTE_MS), 5 + chance("amount") % 90);
                self.send(&format!(r#"CONVERT {list} {phone} {amount}.50 {{"at":"{at}","message":"{id}"}}"#))?;
            }
        }
        let stops = chance("stop") < of.stops;
        if stops || chance("reply") < of.replies {
            let texts = if stops { STOPS.as_slice() } else { REPLIES.as_slice() };
            let (text, at) = (texts[chance("text") as usize % texts.len()], later("reply"));
            self.send(&format!(r#"INBOUND {list} {phone} {{"text":"{text}","at":"{at}"}}"#))?;
        }
        Ok(stops)
    }

    fn send(&mut self, request: &str) -> Result<()> {
        let mut line = request.as_bytes().to_vec();
        end_line(&mut line);
        self.requests.write(&line)?;
        self.waiting += 1;
        if self.waiting < PIPELINE { Ok(()) } else { self.settle() }
    }

    /// Waits for all replies.
    fn settle(&mut self) -> Result<()> {
        self.requests.flush()?;
        for _ in 0..std::mem::take(&mut self.waiting) {
            if let Reply::Error(why) = self.replies.receive()? {
                return Err(Error::internal(format!("the demo's past was refused: {why}; please report this")));
            }
        }
        Ok(())
    }
}

/// A number below 10,000 that looks like chance, and is always the same for the same words.
fn share(words: &[&str]) -> u64 {
    use std::hash::BuildHasher;
    foldhash::fast::FixedState::with_seed(7).hash_one(words) % 10_000
}
