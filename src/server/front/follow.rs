//! FEED of a store in partitions: the changes of all, and a position that says of each how far it was read.

use std::time::Duration;

use serde_json::Value;

use crate::command::{EXPIRED, FOREIGN, lost_position, oldest_position, page_items, page_options, words};
use crate::error::{Code, Error, Result};
use crate::wire::{Args, Replies, Reply};

/// What a FEED asks for.
pub enum Feed {
    /// The position of now.
    Now,
    /// So many of the newest items.
    Last(usize),
    /// What came behind a position.
    Behind(Behind),
    /// The same, with a position that no feed of so many partitions has.
    Unknown(String),
}

/// What came behind a position, as far as it was read.
pub struct Behind {
    /// Where to go on in each partition.
    positions: Vec<String>,
    /// How many items are told at most.
    limit: usize,
    /// How long to wait for the first one.
    pub wait: Duration,
    /// The items, as they are told.
    told: Vec<String>,
}

impl Feed {
    /// What a request says.
    pub fn read(args: Args<'_>, partitions: usize) -> Result<Feed> {
        let mut words = words(args)?;
        match words.as_slice() {
            [] => return Ok(Feed::Now),
            [last, number] if last.text.eq_ignore_ascii_case("LAST") => {
                return page_items("LAST", &number.text).map(Feed::Last);
            }
            _ => {}
        }
        let options = page_options("FEED", ["LIMIT", "WAIT"], &mut words)?;
        let [from] = words.as_slice() else {
            return Err(Error::new(Code::Err, "usage: FEED [LAST n|position [LIMIT n] [WAIT ms]]"));
        };
        let wait = Duration::from_millis(options.wait_ms.unwrap_or(0));
        Ok(match positions(&from.text, partitions) {
            Some(positions) => Feed::Behind(Behind { positions, limit: options.limit, wait, told: Vec::new() }),
            None => Feed::Unknown(from.text.clone()),
        })
    }
}

impl Behind {
    /// The position of all.
    pub fn word(&self) -> String {
        word(&self.positions)
    }

    /// The request for one partition.
    pub fn request(&self, place: usize, wait: Duration) -> String {
        format!("FEED {} LIMIT {} WAIT {}\n", self.positions[place], self.limit, wait.as_millis())
    }

    /// Takes what the partitions answered, in the order of dates; of one partition in the order in which it happened. Whether more is to
    /// be asked for: one of them has more than it said, which may be older than what the others said.
    pub fn take(&mut self, answers: &[Reply]) -> Result<bool> {
        let mut merge = Merge::of(answers, self.limit)?;
        let has_more = loop {
            if self.told.len() == self.limit {
                break false;
            }
            if merge.said.iter().any(|said| said.has_more && said.first().is_none()) {
                break true;
            }
            match merge.pass() {
                Some(Passed::Told(item)) => self.told.push(item),
                Some(Passed::Over) => {}
                None => break false,
            }
        };
        self.positions = merge.positions();
        Ok(has_more)
    }

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// The answer.
    pub fn tell(&self, replies: &mut Replies) {
        tell(&self.word(), self.told.iter(), replies);
    }
}

/// The positions of the partitions in a position of all, if it has one of each.
fn positions(word: &str, partitions: usize) -> Option<Vec<String>> {
    let positions: Vec<String> =
        word.strip_prefix('p').into_iter().flat_map(|all| all.split('.')).map(str::to_owned).collect();
    // They become words of requests.
    let is_one_word = |position: &String| position.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    (positions.len() == partitions && positions.iter().all(is_one_word)).then_some(positions)
}

/// Why the position of all is not there, if that of a partition is not.
pub fn lost(answers: &[Reply]) -> Option<&'static str> {
    let refused = answers.iter().filter_map(refusal).filter(|why| oldest_position(why).is_some());
    // One of another feed is worse.
    refused.map(|why| if why.contains(FOREIGN) { FOREIGN } else { EXPIRED }).max_by_key(|why| *why == FOREIGN)
}

/// What answers a position that is not there. Each partition was asked for one that it does not have, and says its oldest one.
pub fn oldest(answers: &[Reply], position: &str, why: &str, replies: &mut Replies) -> Result<()> {
    let mut oldest = Vec::new();
    for answer in answers {
        match refusal(answer).and_then(oldest_position) {
            Some(position) => oldest.push(position.to_owned()),
            // It refuses something else.
            None => {
                replies.again(answer);
                return Ok(());
            }
        }
    }
    Err(lost_position(position, why, &word(&oldest)))
}

fn refusal(answer: &Reply) -> Option<&str> {
    match answer {
        Reply::Error(why) => Some(why),
        _ => None,
    }
}

fn word(positions: &[String]) -> String {
    format!("p{}", positions.join("."))
}

/// What one partition said, as far as it was not passed yet.
struct Said {
    /// Where to go on behind all of it.
    next: String,
    items: std::vec::IntoIter<Value>,
    /// It said as much as it was asked for.
    has_more: bool,
}

impl Said {
    fn of(reply: &Reply, asked: usize) -> Result<Said> {
        let unexpected = || Error::internal(format!("a partition answered {reply}"));
        let Reply::Array(lines) = reply else { return Err(unexpected()) };
        let mut lines = lines.iter().map(|line| match line {
            Reply::Text(text) => Ok(text),
            _ => Err(unexpected()),
        });
        let next = lines.next().ok_or_else(unexpected)??.clone();
        let items = lines.map(|line| serde_json::from_str(line?).map_err(Error::internal));
        let items = items.collect::<Result<Vec<Value>>>()?;
        Ok(Said { next, has_more: items.len() == asked, items: items.into_iter() })
    }

    fn first(&self) -> Option<&Value> {
        self.items.as_slice().first()
    }

    /// Where to go on: at the first item that is left, or behind all.
    fn position(&self) -> &str {
        self.first().map_or(&self.next, |item| item["position"].as_str().unwrap_or_default())
    }
}

/// Whether an item is told of a partition. Every partition has the lists: the first one tells of them.
fn is_told(place: usize, item: &Value) -> bool {
    place == 0 || matches!(item["kind"].as_str(), Some("contact" | "erased"))
}

/// The items of all partitions, one after the other. Those that are not told have their place among the others, so that an item is at
/// the same position whoever reads it, and in whatever pages.
struct Merge {
    said: Vec<Said>,
}

/// What was passed.
enum Passed {
    /// An item, as it is told.
    Told(String),
    /// One that another partition tells.
    Over,
}

impl Merge {
    fn of(answers: &[Reply], asked: usize) -> Result<Merge> {
        Ok(Merge { said: answers.iter().map(|answer| Said::of(answer, asked)).collect::<Result<_>>()? })
    }

    fn positions(&self) -> Vec<String> {
        self.said.iter().map(|said| said.position().to_owned()).collect()
    }

    /// Passes the oldest item that is first in its partition.
    fn pass(&mut self) -> Option<Passed> {
        let firsts = self.said.iter().enumerate().filter_map(|(place, said)| Some((said.first()?, place)));
        let (_, place) = firsts.map(|(item, place)| (item["at"].as_str().unwrap_or_default(), place)).min()?;
        let position = word(&self.positions());
        let mut item = self.said[place].items.next()?;
        if !is_told(place, &item) {
            return Some(Passed::Over);
        }
        item["position"] = position.into();
        Some(Passed::Told(item.to_string()))
    }
}

fn tell<'t>(position: &str, items: impl ExactSizeIterator<Item = &'t String>, replies: &mut Replies) {
    replies.array(items.len() + 1);
    replies.text(position);
    for item in items {
        replies.text(item);
    }
}

/// The position of now.
pub fn now(answers: &[Reply], replies: &mut Replies) -> Result<()> {
    tell(&word(&Merge::of(answers, 0)?.positions()), [].iter(), replies);
    Ok(())
}

/// Whether a partition that was asked for so many of its newest items said too few of its own: the others are told by the first one.
pub fn is_short(answers: &[Reply], asked: usize, number: usize) -> bool {
    // What else one says is the answer.
    let Ok(merge) = Merge::of(answers, asked) else { return false };
    merge.said.iter().enumerate().any(|(place, said)| {
        let told = said.items.as_slice().iter().filter(|item| is_told(place, item));
        said.has_more && told.count() < number
    })
}

/// The newest items of all, the newest first: the other way round as they are told one after the other.
pub fn last(answers: &[Reply], number: usize, replies: &mut Replies) -> Result<()> {
    let mut merge = Merge::of(answers, 0)?;
    for said in &mut merge.said {
        let newest_first = std::mem::take(&mut said.items);
        said.items = newest_first.rev().collect::<Vec<_>>().into_iter();
    }
    let mut told = Vec::new();
    while let Some(passed) = merge.pass() {
        if let Passed::Told(item) = passed {
            told.push(item);
        }
    }
    let newest = told.iter().rev().take(number);
    tell(&word(&merge.positions()), newest, replies);
    Ok(())
}
