//! `contactd lists`: the sending lists as a table, the worst first.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::terminal::safe;
use super::why::json;
use super::{Target, say};
use crate::client::{Client, Reply};
use crate::error::{Error, Result};
use crate::limits::PAGE_ITEMS_MAX;

/// Show the sending lists as a table, the worst opt-out rate first
///
/// The rate is opt-outs per message of the last 30 days. It is shown where enough messages were sent to say something
/// (the daemon's --opt-out-rate-min-sends); "too few" follow, by their numbers. "Can receive" counts the contacts for whom
/// CHECK says yes.
#[derive(Args)]
pub struct Lists {
    #[command(flatten)]
    target: Target,
    /// Print what LISTS says of each and how many contacts it can send to, as a JSON object a line, in the same order
    #[arg(long)]
    json: bool,
    /// Only these lists
    #[arg(value_name = "LIST", allow_hyphen_values = true)]
    named: Vec<String>,
}

const HEADS: [&str; 10] =
    ["Number", "Name", "Can receive", "Active", "Opted out", "Held back", "Sends 30 d", "Opt-outs 30 d", "Rate", ""];
/// Columns of words; the others are of numbers.
const WORDS: [usize; 3] = [0, 1, 9];

impl Lists {
    pub fn run(self) -> Result<ExitCode> {
        let mut client = self.target.connect()?;
        let mut lists = gather(&mut client, &self.named)?;
        count_receivers(client, &mut lists)?;
        lists.sort_by(|a, b| rate(b).total_cmp(&rate(a)));
        if self.json {
            for list in &lists {
                say(list);
            }
            return Ok(ExitCode::SUCCESS);
        }
        let rows: Vec<[String; HEADS.len()]> =
            std::iter::once(HEADS.map(str::to_owned)).chain(lists.iter().map(row)).collect();
        let widths: [usize; HEADS.len()] =
            std::array::from_fn(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0));
        for row in rows {
            let cells: Vec<String> = (0..HEADS.len())
                .map(|at| match &row[at] {
                    cell if WORDS.contains(&at) => format!("{cell:<0$}", widths[at]),
                    cell => format!("{cell:>0$}", widths[at]),
                })
                .collect();
            say(&cells.join("  ").trim_end());
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What LISTS says: of these lists, or of all, page by page.
fn gather(client: &mut Client, named: &[String]) -> Result<Vec<Value>> {
    if !named.is_empty() {
        let words: Vec<&str> = ["LISTS"].into_iter().chain(named.iter().map(String::as_str)).collect();
        return items(client.call(&words)?);
    }
    let limit = PAGE_ITEMS_MAX.to_string();
    let mut all = items(client.call(&["LISTS", "LIMIT", &limit])?)?;
    let mut page = all.len();
    while page == PAGE_ITEMS_MAX {
        let last = all.last().map(|list: &Value| text(list, "list").to_owned()).unwrap_or_default();
        let next = items(client.call(&["LISTS", "LIMIT", &limit, "AFTER", &last])?)?;
        page = next.len();
        all.extend(next);
    }
    Ok(all)
}

fn items(reply: Reply) -> Result<Vec<Value>> {
    match reply {
        Reply::Array(items) => items.into_iter().map(json).collect(),
        other => Err(Error::internal(other)),
    }
}

/// Asks for how many contacts CHECK says yes, some lists ahead of the replies.
fn count_receivers(client: Client, lists: &mut [Value]) -> Result<()> {
    const AHEAD: usize = 100;
    let (mut requests, mut replies) = client.split();
    for some in lists.chunks_mut(AHEAD) {
        for list in some.iter() {
            requests.send(&["COUNT", &format!("eligible={}", text(list, "list"))])?;
        }
        requests.flush()?;
        for list in some {
            list["can_receive"] = match replies.receive()? {
                Reply::Integer(count) => json!(count),
                other => return Err(Error::internal(other)),
            };
        }
    }
    Ok(())
}

/// What the lists are sorted by: those of which too little is known come last, and stay in the order in which they came.
fn rate(list: &Value) -> f64 {
    let number = |key: &str| list[key].as_f64().unwrap_or(0.0);
    if list["opt_out_rate_enough_sends"] == true && number("sends_30d") > 0.0 {
        return number("opt_outs_30d") / number("sends_30d");
    }
    -1.0
}

fn row(list: &Value) -> [String; HEADS.len()] {
    let number = |key: &str| list[key].to_string();
    let rate = match rate(list) {
        rate if rate < 0.0 => "too few".to_owned(),
        rate => format!("{:.2} %", rate * 100.0),
    };
    let high = if list["opt_out_rate_high"] == true { "HIGH " } else { "" };
    let paused = if list["paused"] == true { "paused" } else { "" };
    [
        text(list, "list").to_owned(),
        safe(text(list, "name")),
        number("can_receive"),
        number("active"),
        number("opted_out"),
        number("suppressed"),
        number("sends_30d"),
        number("opt_outs_30d"),
        rate,
        format!("{high}{paused}").trim_end().to_owned(),
    ]
}

fn text<'v>(of: &'v Value, key: &str) -> &'v str {
    of[key].as_str().unwrap_or_default()
}
