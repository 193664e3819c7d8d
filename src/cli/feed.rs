//! `contactd feed`: what changes, as it comes; and the trail of what forbids, on another machine.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::follower::{Follower, Known};
use super::terminal::safe;
use super::why::json;
use super::{Out, Target};
use crate::client::{Client, Reply, refusal};
use crate::command::{NO_POSITION, oldest_position};
use crate::error::{Code, Error, Result, Retry};
use crate::json::{trail, unnamed_erasure, waiting};
use crate::limits::PAGE_ITEMS_MAX;
use crate::model::time::{self, Millis};
use crate::model::trail::TrailLine;

/// How long the daemon is asked to wait for news.
const WAIT_MS: &str = "20000";
/// How long a daemon that is gone is left alone.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Follow what changes: consent, status, lists, one line each
///
/// Prints what happens from now on, or from a position or the newest changes on, until somebody ends it. If the daemon goes, it
/// waits for it and goes on where it was.
///
/// With --forbidding it keeps a trail on another machine: each fact that forbids is appended to a file and synced there, and
/// `contactd restore --replay` brings it back. Started again, it goes on where it was. A new trail begins with the oldest change
/// that the daemon still has. The daemon's own --trail has a fact before it is answered; this one has it a moment later.
///
/// Exit code 0: the end was reached (--once); 2: an error, or the daemon does not have any more what was not read yet.
#[derive(Args)]
pub struct Feed {
    #[command(flatten)]
    target: Target,
    /// Begin with this position
    #[arg(long, value_name = "POSITION", conflicts_with_all = ["last", "append"])]
    from: Option<String>,
    /// Begin with so many of the newest changes
    #[arg(long, value_name = "CHANGES", conflicts_with = "append", value_parser = clap::value_parser!(u32).range(1..=1000))]
    last: Option<u32>,
    /// End when there is nothing more
    #[arg(long)]
    once: bool,
    /// Print the items as FEED gives them, as JSON
    #[arg(long)]
    json: bool,
    /// Only the facts that forbid, as lines of a trail
    #[arg(long, requires = "append", conflicts_with = "json")]
    forbidding: bool,
    /// The file that they are appended to; FILE.p0, FILE.p1 … of a store in partitions. The position stands beside, in FILE.position
    #[arg(long, value_name = "FILE", requires = "forbidding")]
    append: Option<PathBuf>,
}

/// Where what is read goes.
enum Sink {
    Lines { json: bool },
    Trail(Follower),
}

/// A connection to a daemon that may go and come back.
struct Source {
    target: Target,
    client: Client,
    /// Whether to wait for a daemon that has gone.
    waits: bool,
}

impl Feed {
    pub fn run(self) -> Result<ExitCode> {
        let client = self.target.connect()?;
        let mut source = Source { target: self.target, client, waits: !self.once };
        let (mut sink, mut at) = match (&self.append, self.from, self.last) {
            (Some(file), _, _) => source.trail(file)?,
            (None, Some(from), _) => (Sink::Lines { json: self.json }, from),
            (None, None, Some(last)) => {
                let mut sink = Sink::Lines { json: self.json };
                let at = source.newest(last, &mut sink)?;
                (sink, at)
            }
            (None, None, None) => (Sink::Lines { json: self.json }, first(source.page(&["FEED"])?)?.0),
        };
        loop {
            let limit = PAGE_ITEMS_MAX.to_string();
            let mut words = vec!["FEED", &at, "LIMIT", &limit];
            if !self.once {
                words.extend(["WAIT", WAIT_MS]);
            }
            let (next, items) = match source.page(&words) {
                Ok(page) => first(page)?,
                Err(why) if why.code == Code::Limit => {
                    at = source.begin_again(&at, self.append.as_deref())?;
                    continue;
                }
                Err(why) => return Err(why),
            };
            if items.is_empty() && self.once {
                sink.take(&mut source, &[], &next)?;
                return Ok(ExitCode::SUCCESS);
            }
            if !items.is_empty() {
                sink.take(&mut source, &items, &next)?;
            }
            at = next;
        }
    }
}

impl Source {
    /// Asks, and waits for a daemon that has gone or is going.
    fn ask(&mut self, words: &[&str]) -> Result<Reply> {
        let mut is_told = false;
        loop {
            let why = match self.client.call(words) {
                Ok(Reply::Error(why)) => refusal(&why),
                Ok(reply) => return Ok(reply),
                Err(lost) => Error::new(Code::Draining, lost.message),
            };
            // What else a daemon refuses it will refuse again.
            let may_come = why.code.retry() == Retry::Later || why.code == Code::Standby;
            if !self.waits || !may_come {
                return Err(why);
            }
            if !is_told {
                eprintln!("{}; waiting for it", why.message);
                is_told = true;
            }
            loop {
                sleep(RETRY_AFTER);
                if let Ok(client) = self.target.connect() {
                    self.client = client;
                    break;
                }
            }
        }
    }

    /// An array of texts.
    fn page(&mut self, words: &[&str]) -> Result<Vec<String>> {
        texts(self.ask(words)?)
    }

    /// The oldest position that there is.
    fn oldest(&mut self) -> Result<String> {
        let Err(why) = self.page(&["FEED", NO_POSITION]) else {
            return Err(Error::internal("a feed has no position 0"));
        };
        oldest_position(&why.message).map(str::to_owned).ok_or(why)
    }

    /// The trail in a file, and where to go on reading.
    fn trail(&mut self, file: &Path) -> Result<(Sink, String)> {
        let known = Known::read(file)?;
        let at = match &known {
            Some(known) => known.position.clone(),
            None => self.oldest()?,
        };
        let mut follower = Follower::open(file, parts(&at).map_or(1, |parts| parts.len()), known.as_ref())?;
        if known.is_none() {
            eprintln!("This trail begins with the oldest change that the daemon has, {at}.");
            self.begin(&at, &mut follower)?;
        }
        Ok((Sink::Trail(follower), at))
    }

    /// Says in a new trail since when it has everything, unless that is the beginning of the feed.
    fn begin(&mut self, oldest: &str, follower: &mut Follower) -> Result<()> {
        let now = first(self.page(&["FEED"])?)?.0;
        let (Some(oldest), Some(now)) = (parts(oldest), parts(&now)) else { return Ok(()) };
        for place in (0..now.len()).filter(|&place| oldest.get(place).is_some_and(|(_, number)| *number > 1)) {
            // Its oldest item, and nothing of the other partitions.
            let mut of_one = now.clone();
            of_one[place] = oldest[place];
            let (_, items) = first(self.page(&["FEED", &joined(&of_one), "LIMIT", "1"])?)?;
            let item = items.first().map(|item| parsed(item)).transpose()?;
            let at = item.and_then(|item| time::parse(item["at"].as_str()?).ok()).unwrap_or_else(super::serve::now);
            follower.lacks(place, at)?;
        }
        Ok(())
    }

    /// Shows the newest changes, the oldest of them first. Gives the position behind them.
    fn newest(&mut self, last: u32, sink: &mut Sink) -> Result<String> {
        let (next, mut items) = first(self.page(&["FEED", "LAST", &last.to_string()])?)?;
        items.reverse();
        sink.take(self, &items, &next)?;
        Ok(next)
    }

    /// Where to go on when the daemon does not know a position any more. After a restore the feed begins anew: its oldest
    /// position is the one, if nothing is missing before it.
    fn begin_again(&mut self, at: &str, append: Option<&Path>) -> Result<String> {
        let oldest = self.oldest()?;
        let (Some(known), Some(there)) = (parts(at), parts(&oldest)) else {
            return Err(Error::bad_arg(format!("'{at}' is not a position of FEED")));
        };
        let is_anew = |((epoch, _), (new_epoch, _)): &(Position<'_>, Position<'_>)| epoch != new_epoch;
        let each = || known.iter().copied().zip(there.iter().copied());
        let misses_nothing = known.len() == there.len() && each().all(|((_, number), (_, first))| number >= first);
        if misses_nothing && each().any(|both| is_anew(&both)) {
            let on = each().map(|both| if is_anew(&both) { both.1 } else { both.0 }).collect::<Vec<_>>();
            let on = joined(&on);
            eprintln!(
                "The feed has begun anew: the store was restored from a backup, or is another one. Going on with its oldest change, \
                 {on}."
            );
            return Ok(on);
        }
        let then = match append {
            Some(file) => format!(
                "{} LACKS WHAT CAME BETWEEN. Begin a new trail: contactd feed --forbidding --append ANOTHER-FILE, and then make a \
                 backup. Keep {} as long as the backups before that one",
                file.display(),
                file.display()
            ),
            None => "begin with another one, or with --last".to_owned(),
        };
        Err(Error::bad_arg(format!(
            "the daemon does not have any more what came after {at}; the oldest that it has is {oldest} (--keep-feed says how long \
             it keeps changes). {then}"
        )))
    }
}

impl Sink {
    /// Takes items of the feed, and that everything before a position was read.
    fn take(&mut self, source: &mut Source, items: &[String], next: &str) -> Result<()> {
        match self {
            Sink::Lines { json } => {
                let mut out = Out::new();
                for item in items {
                    let line = if *json { item.clone() } else { safe(&line(&parsed(item)?)) };
                    writeln!(out, "{line}").map_err(Error::internal)?;
                }
                out.flush().map_err(Error::internal)
            }
            Sink::Trail(follower) => follower.add(&forbidding(source, items)?, next),
        }
    }
}

/// What forbids now of the contacts that items are about, and their messages that wait for a person. To tell it twice does no
/// harm.
fn forbidding(source: &mut Source, items: &[String]) -> Result<Vec<TrailLine>> {
    let mut phones = BTreeSet::new();
    let (mut erased_to, mut waiting_since) = (0, Millis::MAX);
    for item in items {
        let item = parsed(item)?;
        let at = item["at"].as_str().and_then(|at| time::parse(at).ok());
        if item["kind"] == "erased" {
            erased_to = erased_to.max(at.unwrap_or(1));
        } else if let Some(phone) = item["phone"].as_str() {
            phones.insert(phone.to_owned());
        }
        if item["meaning"] == "maybe_optout" {
            waiting_since = waiting_since.min(at.unwrap_or(0));
        }
    }
    let mut lines = Vec::new();
    for phone in phones {
        let contact = match source.ask(&["GET", &phone])? {
            Reply::Nil => continue,
            reply => json(reply)?,
        };
        lines.extend(trail(&contact));
    }
    lines.extend(waiting_since_then(source, waiting_since)?);
    lines.extend((erased_to > 0).then(|| unnamed_erasure(erased_to)));
    Ok(lines)
}

/// The messages that wait for a person, and came at a date or later.
fn waiting_since_then(source: &mut Source, since: Millis) -> Result<Vec<TrailLine>> {
    let (mut lines, mut after) = (Vec::new(), "0".to_owned());
    if since == Millis::MAX {
        return Ok(lines);
    }
    loop {
        let mut words = vec!["INBOX", "LIMIT", "1000"];
        if after != "0" {
            words.extend(["AFTER", &after]);
        }
        let (next, messages) = first(source.page(&words)?)?;
        for message in &messages {
            let message = parsed(message)?;
            // They come the newest first.
            if message["seen_at"].as_str().and_then(|at| time::parse(at).ok()).is_some_and(|seen_at| seen_at < since) {
                return Ok(lines);
            }
            lines.push(waiting(&message));
        }
        if next == "0" {
            return Ok(lines);
        }
        after = next;
    }
}

/// An item for people.
fn line(item: &Value) -> String {
    let text = |key: &str| item[key].as_str().unwrap_or_default();
    let what = match text("kind") {
        "contact" => {
            let on = |on: &Value| {
                format!(" {}={}", on["list"].as_str().unwrap_or("?"), on["status"].as_str().unwrap_or("?"))
            };
            let lists: String = item["lists"].as_array().into_iter().flatten().map(on).collect();
            format!("{} {} {}{lists}", text("phone"), text("cause"), text("status"))
        }
        "list" if item["known"] == false => format!("list {} removed", text("list")),
        "list" => format!("list {} {}", text("list"), if item["paused"] == true { "paused" } else { "open" }),
        "scope" => format!("stop scope {}", text("stop_scope")),
        "fence" => if item["fenced"] == true { "fenced" } else { "unfenced" }.to_owned(),
        kind => kind.to_owned(),
    };
    format!("{} {} {what}", text("position"), text("at"))
}

fn parsed(item: &str) -> Result<Value> {
    serde_json::from_str(item).map_err(Error::internal)
}

fn texts(reply: Reply) -> Result<Vec<String>> {
    let items = match reply {
        Reply::Array(items) => items,
        other => return Err(Error::internal(format!("an unexpected reply to FEED: {other}"))),
    };
    let text = |item| match item {
        Reply::Text(text) => Ok(text),
        other => Err(Error::internal(format!("an unexpected item of FEED: {other}"))),
    };
    items.into_iter().map(text).collect()
}

/// A page's position and its items.
fn first(mut page: Vec<String>) -> Result<(String, Vec<String>)> {
    if page.is_empty() {
        return Err(Error::internal("FEED did not answer with a position"));
    }
    let position = page.remove(0);
    Ok((position, page))
}

/// Which feed it is of, and where in it.
type Position<'a> = (&'a str, u64);

/// What a position says: of a store in partitions the one of each.
fn parts(position: &str) -> Option<Vec<Position<'_>>> {
    let parts = position.strip_prefix('p').unwrap_or(position).split('.').map(|part| {
        let (epoch, number) = part.split_once('-')?;
        Some((epoch, number.parse().ok()?))
    });
    parts.collect()
}

/// The position that says this.
fn joined(parts: &[Position<'_>]) -> String {
    let words: Vec<String> = parts.iter().map(|(epoch, number)| format!("{epoch}-{number}")).collect();
    if words.len() > 1 { format!("p{}", words.join(".")) } else { words.concat() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_item_is_a_line() {
        for (item, said) in [
            (
                json!({"kind": "contact", "phone": "+14155550101", "cause": "optout", "status": "active", "at": "now",
                       "position": "a-1", "lists": [{"list": "777", "status": "opted_out"}]}),
                "a-1 now +14155550101 optout active 777=opted_out",
            ),
            (
                json!({"kind": "list", "list": "777", "known": true, "paused": true, "at": "now", "position": "a-2"}),
                "a-2 now list 777 paused",
            ),
            (json!({"kind": "fence", "fenced": false, "at": "now", "position": "a-3"}), "a-3 now unfenced"),
            (json!({"kind": "new kind", "at": "now", "position": "a-4"}), "a-4 now new kind"),
        ] {
            assert_eq!(line(&item), said);
        }
        for (position, known) in [
            ("19de368f600-8", Some(vec![("19de368f600", 8)])),
            ("p19de368f600-8.19de368f601-1", Some(vec![("19de368f600", 8), ("19de368f601", 1)])),
            ("never-was-one", None),
        ] {
            assert_eq!(parts(position), known);
            assert!(known.is_none_or(|parts| joined(&parts) == position));
        }
    }
}
