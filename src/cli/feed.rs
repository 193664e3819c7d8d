//! `contactd feed`: what changes, as it comes; and the trail of what forbids, on another machine.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::terminal::safe;
use super::why::json;
use super::{Out, Target};
use crate::client::{Client, Reply, refusal};
use crate::error::{Code, Error, Result, Retry};
use crate::json::{trail, unnamed_erasure, waiting};
use crate::limits::PAGE_ITEMS_MAX;
use crate::model::time::{self, Millis};
use crate::model::trail::{TrailLine, TrailMark};
use crate::store::trail::Trail;

/// How long the daemon is asked to wait for news.
const WAIT_MS: &str = "20000";
/// How long a daemon that is gone is left alone.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// A position that no feed has: the daemon's answer names the oldest one that there is.
const NO_POSITION: &str = "0-0";

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
    /// The file that they are appended to. Its position stands beside it, in FILE.position
    #[arg(long, value_name = "FILE", requires = "forbidding")]
    append: Option<PathBuf>,
}

/// Where what is read goes.
enum Sink {
    Lines { json: bool },
    Trail { trail: Trail, position: PathBuf },
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
        let (mut sink, known) = match &self.append {
            Some(file) => {
                let position = beside(file);
                let known = read_position(&position)?;
                let trail = Trail::open(file)?;
                if let Some((_, bytes)) = &known
                    && trail.bytes()? < *bytes
                {
                    return Err(shorter(file, &position));
                }
                (Sink::Trail { trail, position }, known.map(|(known, _)| known))
            }
            None => (Sink::Lines { json: self.json }, self.from),
        };
        let mut at = match (known, self.last) {
            (Some(known), _) => known,
            (None, Some(last)) => source.newest(last, &mut sink)?,
            (None, None) if self.append.is_some() => {
                let oldest = source.oldest()?;
                eprintln!("This trail begins with the oldest change that the daemon has, {oldest}.");
                source.begin(&oldest, &mut sink)?;
                oldest
            }
            (None, None) => first(source.page(&["FEED"])?)?.0,
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
        let named = why.message.split_once("the oldest position is ").and_then(|(_, rest)| rest.split(':').next());
        named.map(str::to_owned).ok_or(why)
    }

    /// Says in a new trail since when it has everything, unless that is the beginning of the feed.
    fn begin(&mut self, oldest: &str, sink: &mut Sink) -> Result<()> {
        let Sink::Trail { trail, .. } = sink else { return Ok(()) };
        if parts(oldest).is_some_and(|(_, number)| number <= 1) {
            return Ok(());
        }
        let (_, items) = first(self.page(&["FEED", oldest, "LIMIT", "1"])?)?;
        let at = items.first().map(|item| parsed(item)).transpose()?;
        let at = at.and_then(|item| time::parse(item["at"].as_str()?).ok()).unwrap_or_else(super::serve::now);
        trail.append(&[TrailLine::gap(at, &TrailMark::default())])
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
        let (Some((epoch, number)), Some((new_epoch, first))) = (parts(at), parts(&oldest)) else {
            return Err(Error::bad_arg(format!("'{at}' is not a position of FEED")));
        };
        if epoch != new_epoch && number >= first {
            eprintln!(
                "The feed has begun anew: the store was restored from a backup, or is another one. Going on with its oldest change, \
                 {oldest}."
            );
            return Ok(oldest);
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
            Sink::Trail { trail, position } => {
                let lines = forbidding(source, items)?;
                if !lines.is_empty() {
                    trail.append(&lines)?;
                }
                write_position(position, next, trail.bytes()?)
            }
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

/// The epoch and the number of a position.
fn parts(position: &str) -> Option<(&str, u64)> {
    let (epoch, number) = position.split_once('-')?;
    Some((epoch, number.parse().ok()?))
}

fn beside(file: &Path) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(".position");
    path.into()
}

/// What was read up to, and how long the file was then.
fn read_position(path: &Path) -> Result<Option<(String, u64)>> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let (position, bytes) = text.trim().split_once(' ').unwrap_or((text.trim(), "0"));
            Ok(Some((position.to_owned(), bytes.parse().unwrap_or(0))))
        }
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(why) => Err(Error::internal(format!("cannot read {}: {why}", path.display()))),
    }
}

/// Lines are missing, and nobody would find out before they are wanted.
fn shorter(file: &Path, position: &Path) -> Error {
    Error::bad_arg(format!(
        "{} LACKS LINES: it is shorter than when it was written last, or another one. Put it back. If it is lost, delete {}: the trail \
         then begins anew with the oldest change that the daemon has",
        file.display(),
        position.display()
    ))
}

/// Whatever was read before is in the trail and synced: a crash leaves the position before this one, or this one.
fn write_position(path: &Path, position: &str, bytes: u64) -> Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let written = || {
        let mut file = File::create(&new)?;
        writeln!(file, "{position} {bytes}")?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(dir)?.sync_all()
    };
    written().map_err(|why: io::Error| Error::internal(format!("cannot write {}: {why}", path.display())))
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
        assert_eq!(parts("19de368f600-8"), Some(("19de368f600", 8)));
    }
}
