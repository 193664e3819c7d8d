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

/// What came behind a position.
pub struct Behind {
    /// The positions of the partitions.
    positions: Vec<String>,
    /// How many items there are at most.
    pub limit: usize,
    /// How long to wait for the first one.
    pub wait: Duration,
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
            Some(positions) => Feed::Behind(Behind { positions, limit: options.limit, wait }),
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

    /// Goes on behind what the partitions said, of which nothing is to be told: their lists are told by the first one. False: they said
    /// nothing at all.
    pub fn pass_over(&mut self, answers: &[Reply]) -> Result<bool> {
        let next = said(answers)?.into_iter().map(|said| said.next).collect();
        let before = std::mem::replace(&mut self.positions, next);
        Ok(before != self.positions)
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

/// What one partition said: where to go on, and its items.
struct Said {
    next: String,
    items: Vec<Value>,
}

impl Said {
    fn of(place: usize, reply: &Reply) -> Result<Said> {
        let unexpected = || Error::internal(format!("a partition answered {reply}"));
        let Reply::Array(lines) = reply else { return Err(unexpected()) };
        let mut lines = lines.iter().map(|line| match line {
            Reply::Text(text) => Ok(text),
            _ => Err(unexpected()),
        });
        let next = lines.next().ok_or_else(unexpected)??.clone();
        let items = lines.map(|line| serde_json::from_str(line?).map_err(Error::internal));
        let mut items = items.collect::<Result<Vec<Value>>>()?;
        // Every partition has the lists: the first one tells of them.
        if place > 0 {
            items.retain(|item| matches!(item["kind"].as_str(), Some("contact" | "erased")));
        }
        Ok(Said { next, items })
    }
}

/// What of it was not told yet.
struct Untold {
    next: String,
    first: Option<Value>,
    rest: std::vec::IntoIter<Value>,
}

impl Untold {
    fn new(said: Said) -> Untold {
        let mut rest = said.items.into_iter();
        Untold { next: said.next, first: rest.next(), rest }
    }

    fn tell(&mut self) -> Option<Value> {
        std::mem::replace(&mut self.first, self.rest.next())
    }
}

fn said(replies: &[Reply]) -> Result<Vec<Said>> {
    replies.iter().enumerate().map(|(place, reply)| Said::of(place, reply)).collect()
}

fn at(item: &Value) -> &str {
    item["at"].as_str().unwrap_or_default()
}

/// Where an item is in its partition.
fn position(item: &Value) -> String {
    item["position"].as_str().unwrap_or_default().to_owned()
}

/// Whether a partition said more than where it is.
pub fn has_items(place: usize, reply: &Reply) -> bool {
    Said::of(place, reply).is_ok_and(|said| !said.items.is_empty())
}

/// The position of now.
pub fn now(answers: &[Reply], replies: &mut Replies) -> Result<()> {
    let next: Vec<String> = said(answers)?.into_iter().map(|said| said.next).collect();
    replies.array(1);
    replies.text(&word(&next));
    Ok(())
}

/// Whether a partition that was asked for so many of its newest items said too few of its own: the others are told by the first one.
pub fn is_short(answers: &[Reply], asked: usize, number: usize) -> bool {
    let lines = |reply: &Reply| if let Reply::Array(lines) = reply { lines.len().saturating_sub(1) } else { 0 };
    answers.iter().enumerate().any(|(place, reply)| {
        lines(reply) == asked && Said::of(place, reply).is_ok_and(|said| said.items.len() < number)
    })
}

/// The newest items of all, the newest first: the other way round as they are told one after the other.
pub fn last(answers: &[Reply], number: usize, replies: &mut Replies) -> Result<()> {
    let mut said: Vec<Untold> = said(answers)?.into_iter().map(Untold::new).collect();
    let next: Vec<String> = said.iter().map(|untold| untold.next.clone()).collect();
    let mut positions = next.clone();
    let mut told = Vec::new();
    while told.len() < number {
        let waiting = said.iter().enumerate().filter_map(|(place, untold)| Some((at(untold.first.as_ref()?), place)));
        let Some((_, place)) = waiting.max() else { break };
        let Some(mut item) = said[place].tell() else { break };
        positions[place] = position(&item);
        item["position"] = word(&positions).into();
        told.push(item.to_string());
    }
    replies.array(told.len() + 1);
    replies.text(&word(&next));
    for item in &told {
        replies.text(item);
    }
    Ok(())
}

/// What came behind a position, in the order of dates; of one contact in the order in which it happened.
pub fn behind(answers: &[Reply], limit: usize, replies: &mut Replies) -> Result<()> {
    let mut said: Vec<Untold> = said(answers)?.into_iter().map(Untold::new).collect();
    // Where to go on in a partition: from its first item that was not told, or behind all.
    let on = |untold: &Untold| untold.first.as_ref().map_or_else(|| untold.next.clone(), position);
    let mut positions: Vec<String> = said.iter().map(on).collect();
    let mut told = Vec::new();
    while told.len() < limit {
        let waiting = said.iter().enumerate().filter_map(|(place, untold)| Some((place, at(untold.first.as_ref()?))));
        let Some((place, _)) = waiting.min_by(|(_, one), (_, other)| one.cmp(other)) else { break };
        let Some(mut item) = said[place].tell() else { break };
        item["position"] = word(&positions).into();
        told.push(item.to_string());
        positions[place] = on(&said[place]);
    }
    let next: Vec<String> = said.iter().map(on).collect();
    replies.array(told.len() + 1);
    replies.text(&word(&next));
    for item in &told {
        replies.text(item);
    }
    Ok(())
}
