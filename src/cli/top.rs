//! `contactd top`: what a daemon does now, from the differences of STATS.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Read, Write};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{HumanBytes, HumanCount, HumanDuration};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use serde_json::{Map, Value, json};

use super::terminal::safe;
use super::{Out, Target};
use crate::client::{Client, Reply};
use crate::error::{Error, Result};

/// Watch what the daemon does: requests, verdicts, writes, opt-outs and queues, each second
///
/// On a terminal, q ends it. Rates are per second, since the screen before.
#[derive(Args)]
pub struct Top {
    #[command(flatten)]
    target: Target,
    /// One screen, and no more
    #[arg(long)]
    once: bool,
    /// A JSON object a line instead of screens
    #[arg(long)]
    json: bool,
    /// How many seconds between two screens
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=25))]
    every: u8,
}

/// STATS at one moment.
struct Sample {
    taken: Instant,
    stats: BTreeMap<String, String>,
}

/// What happened between two samples.
struct Change {
    seconds: f64,
    before: Sample,
    now: Sample,
}

impl Top {
    pub fn run(self) -> Result<ExitCode> {
        let mut client = self.target.connect()?;
        let is_screen = !self.once && !self.json && io::stdin().is_terminal() && io::stdout().is_terminal();
        let keys = if is_screen { Some(Keys::new(self.every)?) } else { None };
        let mut before = Sample::take(&mut client)?;
        loop {
            let is_over = match &keys {
                Some(_) => Keys::quits()?,
                None => {
                    sleep(Duration::from_secs(self.every.into()));
                    false
                }
            };
            if is_over {
                return Ok(ExitCode::SUCCESS);
            }
            let now = Sample::take(&mut client)?;
            let change = Change { seconds: (now.taken - before.taken).as_secs_f64(), before, now };
            let mut text = if self.json { format!("{}\n", change.json()) } else { change.screen() };
            if is_screen {
                // To the upper left corner; each line and what is below the last one is cleared.
                text = format!("\x1b[H{}\x1b[J", text.replace('\n', "\x1b[K\n"));
            }
            let mut out = Out::new();
            out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Error::internal)?;
            if self.once {
                return Ok(ExitCode::SUCCESS);
            }
            before = change.now;
        }
    }
}

impl Sample {
    fn take(client: &mut Client) -> Result<Sample> {
        let lines = match client.call(&["STATS"])? {
            Reply::Array(lines) => lines,
            other => return Err(Error::internal(other)),
        };
        let mut stats = BTreeMap::new();
        for line in lines {
            if let Reply::Text(line) = line
                && let Some((name, value)) = line.split_once(' ')
            {
                stats.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(Sample { taken: Instant::now(), stats })
    }

    fn number(&self, name: &str) -> u64 {
        self.stats.get(name).and_then(|value| value.parse().ok()).unwrap_or(0)
    }

    fn text(&self, name: &str) -> &str {
        self.stats.get(name).map_or("", String::as_str)
    }
}

/// Gauges that are shown as they are.
const GAUGES: [&str; 9] = [
    "clients",
    "contacts",
    "queued_forbidding",
    "queued_others",
    "queued_imports",
    "claims_unresolved",
    "forbidden_in_memory_only",
    "memory_bytes",
    "store_bytes",
];
/// Counters of which the rate is shown.
const RATES: [&str; 7] = ["checks_yes", "checks_no", "writes", "batches", "syncs", "opt_outs", "errors"];
const REQUESTS: &str = "requests_";
/// Commands on a screen, so that all of it fits on a small terminal.
const VERBS_SHOWN: usize = 8;

impl Change {
    /// How much a counter grew a second. After a restart of the daemon it begins again.
    fn rate(&self, name: &str) -> f64 {
        self.now.number(name).saturating_sub(self.before.number(name)) as f64 / self.seconds.max(0.001)
    }

    /// The commands that came, those that come most often first.
    fn requests(&self) -> Vec<(&str, f64)> {
        let names = self.now.stats.keys().filter_map(|name| Some((name.strip_prefix(REQUESTS)?, self.rate(name))));
        let mut requests: Vec<(&str, f64)> = names.filter(|(_, rate)| *rate > 0.0).collect();
        requests.sort_by(|a, b| b.1.total_cmp(&a.1));
        requests
    }

    fn json(&self) -> Value {
        let mut fields = Map::new();
        for name in ["version", "now"] {
            fields.insert(name.to_owned(), self.now.text(name).into());
        }
        fields.insert("read_only".to_owned(), (self.now.text("read_only") == "true").into());
        fields.insert("seconds".to_owned(), rounded(self.seconds));
        for name in GAUGES {
            fields.insert(name.to_owned(), self.now.number(name).into());
        }
        let rates = RATES.iter().map(|name| ((*name).to_owned(), rounded(self.rate(name)))).collect();
        fields.insert("per_second".to_owned(), Value::Object(rates));
        let requests = self.requests().into_iter().map(|(verb, rate)| (verb.to_owned(), rounded(rate))).collect();
        fields.insert("requests_per_second".to_owned(), Value::Object(requests));
        Value::Object(fields)
    }

    fn screen(&self) -> String {
        let now = &self.now;
        let count = |name: &str| HumanCount(now.number(name)).to_string();
        let bytes = |name: &str| HumanBytes(now.number(name)).to_string();
        let up = HumanDuration(Duration::from_secs(now.number("uptime_seconds")));
        let date = now.text("now").get(..19).unwrap_or_default().replace('T', " ");
        let mut screen = format!("contactd {}  {date} UTC  up {up}\n", now.text("version"));
        let line = |text: String| format!("{}\n", safe(&text));
        let read_only = if now.text("read_only") == "true" { "  READ ONLY: nothing is written" } else { "" };
        screen += &line(format!(
            "clients {}  contacts {}  memory {}  store {}{read_only}",
            count("clients"),
            count("contacts"),
            bytes("memory_bytes"),
            bytes("store_bytes")
        ));
        screen += &line(format!(
            "waiting writes: forbidding {}, others {}, imports {}",
            count("queued_forbidding"),
            count("queued_others"),
            count("queued_imports")
        ));
        screen += &line(format!(
            "unresolved claims {}  forbidden in memory only {}",
            count("claims_unresolved"),
            count("forbidden_in_memory_only")
        ));
        screen += "\nper second\n";
        for (name, of) in [
            ("CHECK yes", "checks_yes"),
            ("CHECK no", "checks_no"),
            ("opt-outs", "opt_outs"),
            ("writes", "writes"),
            ("batches", "batches"),
            ("syncs", "syncs"),
            ("errors", "errors"),
        ] {
            let _ = writeln!(screen, "  {name:<12}{:>12.1}", self.rate(of));
        }
        screen += "\nrequests per second\n";
        for (verb, rate) in self.requests().into_iter().take(VERBS_SHOWN) {
            let _ = writeln!(screen, "  {:<12}{rate:>12.1}", safe(&verb.to_ascii_uppercase()));
        }
        screen
    }
}

fn rounded(rate: f64) -> Value {
    json!((rate * 1_000.0).round() / 1_000.0)
}

/// The keys of a terminal, one by one and unseen, on a screen of its own. The terminal is as it was once this goes.
struct Keys(Termios);

impl Keys {
    fn new(seconds: u8) -> Result<Keys> {
        let found = tcgetattr(io::stdin()).map_err(Error::internal)?;
        let mut modes = found.clone();
        // Ctrl-C comes as a key, too: whoever ends us by it gets the terminal back.
        modes.local_modes &= !(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG);
        modes.special_codes[SpecialCodeIndex::VMIN] = 0;
        // In tenths of a second.
        modes.special_codes[SpecialCodeIndex::VTIME] = seconds * 10;
        tcsetattr(io::stdin(), OptionalActions::Flush, &modes).map_err(Error::internal)?;
        let keys = Keys(found);
        print!("\x1b[?1049h\x1b[?25l");
        io::stdout().flush().map_err(Error::internal)?;
        Ok(keys)
    }

    /// Waits for a key, or for the time of a screen. Whether the key ends it.
    fn quits() -> Result<bool> {
        const CTRL_C: u8 = 3;
        let mut key = [0];
        let read = io::stdin().read(&mut key).map_err(Error::internal)?;
        Ok(read > 0 && matches!(key[0], b'q' | b'Q' | CTRL_C))
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        print!("\x1b[?25h\x1b[?1049l");
        let _ = io::stdout().flush();
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}
