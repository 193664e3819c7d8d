//! `contactd demo`: the main job as a story, over a real connection to a real daemon with a store of its own.

mod daemon;

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::client::{Client, Reply};
use crate::config::ADDRESS;
use crate::error::{Error, Result};
use crate::model::time;
use daemon::Daemon;

const SHEET: &[u8] = include_bytes!("contacts.csv");
const LIST: &str = "+14155550100";
/// The first person of the sheet.
const ADA: &str = "+14155550101";

/// Makes a store in a temporary directory, serves it on a free port, and walks through the main job.
#[derive(Args)]
pub struct Demo {
    /// Serve on 127.0.0.1:7164 and stay there after the story, until Ctrl-C
    #[arg(long)]
    stay: bool,
}

impl Demo {
    pub fn run(self) -> Result<ExitCode> {
        let mut daemon = Daemon::start(self.stay.then_some(ADDRESS))?;
        println!("contactd demo: a store in {}, served on {}\n", daemon.dir().display(), daemon.address());
        let mut story = Story { client: daemon.connect()? };
        story.tell(&mut daemon)?;
        if self.stay {
            println!("It stays on {ADDRESS} until Ctrl-C. In another terminal:");
            println!("  printf 'CHECK {LIST} {ADA}\\nHELP\\n' | nc -N 127.0.0.1 7164");
            wait_for_interrupt()?;
            daemon.stop()?;
        } else {
            daemon.stop()?;
            println!("That was it. To talk to it yourself, run `contactd demo --stay`, and in another terminal:");
            println!("  printf 'CHECK {LIST} {ADA}\\nHELP\\n' | nc -N 127.0.0.1 7164");
        }
        Ok(ExitCode::SUCCESS)
    }
}

struct Story {
    client: Client,
}

impl Story {
    fn tell(&mut self, daemon: &mut Daemon) -> Result<()> {
        say("A sending list is a number you send from:");
        self.expect(&format!(r#"LIST {LIST} {{"name":"Autumn sale"}}"#), "+created")?;

        say("A spreadsheet, as people type them, goes onto the list, row by row:");
        let first = self.import()?;
        println!("  {first}\n");

        say("Before every message a worker asks:");
        self.expect(&format!("CHECK {LIST} {ADA}"), "+yes")?;

        say("Ada writes \" Stop. \" to the list's number; the provider delivers it twice:");
        self.expect(&format!(r#"INBOUND {LIST} {ADA} {{"text":" Stop. "}}"#), "+optout")?;
        self.expect(&format!(r#"INBOUND {LIST} {ADA} {{"text":" Stop. "}}"#), "+optout again")?;
        self.expect(&format!("CHECK {LIST} {ADA}"), "+no list_opted_out")?;

        say("The same spreadsheet again, as somebody always does. An import never lifts an opt-out:");
        let second = self.import()?;
        println!("  {second}\n");
        self.expect(&format!("CHECK {LIST} {ADA}"), "+no list_opted_out")?;

        say("The power goes (kill -9), and comes back:");
        daemon.kill()?;
        daemon.restart()?;
        self.client = daemon.connect()?;
        self.expect(&format!("CHECK {LIST} {ADA}"), "+no list_opted_out")?;

        say("Only an explicit opt-in opens the list again, and it must say when consent was given:");
        self.expect(&format!(r#"OPTIN {LIST} {ADA} {{"how":"api"}}"#), "-BADARG")?;
        let at = time::format(super::serve::now());
        self.expect(&format!(r#"OPTIN {LIST} {ADA} {{"how":"api","at":"{at}","source":"web form"}}"#), ":1")?;
        self.expect(&format!("CHECK {LIST} {ADA}"), "+yes")?;

        say("What is known of Ada:");
        self.expect(&format!("GET {ADA}"), "+{")?;
        Ok(())
    }

    /// Sends a request as a person would type it, prints it with its reply, and checks how that begins.
    fn expect(&mut self, request: &str, begins: &str) -> Result<()> {
        println!("  → {request}");
        let reply = self.client.line(request)?.to_string();
        println!("  ← {}\n", reply.replace('\n', "\n    "));
        if reply.starts_with(begins) {
            return Ok(());
        }
        Err(Error::internal(format!("the demo expected {begins}; please report this")))
    }

    /// Imports the sheet over one pipeline and sums the replies up.
    fn import(&mut self) -> Result<String> {
        const SHOWN: usize = 3;
        let mut reader = csv::Reader::from_reader(SHEET);
        let rows: Vec<csv::StringRecord> = reader.records().filter_map(std::result::Result::ok).collect();
        let request = |row: &csv::StringRecord| {
            let cell = |at: usize| row.get(at).unwrap_or_default();
            let labels = [("name", cell(0)), ("state", cell(2)), ("tier", cell(3)), ("city", cell(4))];
            let labels: BTreeMap<&str, &str> = labels.into_iter().filter(|(_, value)| !value.is_empty()).collect();
            json!({"phone": cell(1), "region": "US", "source": "contacts.csv", "labels": labels}).to_string()
        };
        for row in &rows {
            self.client.send(&["IMPORT", LIST, &request(row)])?;
        }
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for (at, row) in rows.iter().enumerate() {
            let reply = self.client.receive()?;
            if at < SHOWN {
                println!("  → IMPORT {LIST} {}\n  ← {reply}", request(row));
            }
            *counts.entry(kind(&reply)).or_default() += 1;
        }
        println!("  … {} more\n", rows.len() - SHOWN);
        let counts = counts.iter().map(|(kind, count)| format!("{count} {kind}"));
        Ok(format!("{} rows: {}", rows.len(), counts.collect::<Vec<_>>().join(", ")))
    }
}

/// What a reply to IMPORT counts as: its word, or why the row was refused.
fn kind(reply: &Reply) -> String {
    match reply {
        Reply::Text(text) => {
            let mut words = text.split(' ');
            let (word, why) = (words.next().unwrap_or_default(), words.nth(1).unwrap_or_default());
            format!("{word} {why}").trim_end().to_owned()
        }
        Reply::Error(why) => {
            let why = why.trim_start_matches("BADARG ").split(':').next().unwrap_or_default();
            format!("refused ({why})")
        }
        other => other.to_string(),
    }
}

/// Until Ctrl-C, so that the store is cleaned up behind it.
fn wait_for_interrupt() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(Error::internal)?;
    runtime.block_on(tokio::signal::ctrl_c()).map_err(Error::internal)
}

fn say(line: &str) {
    println!("{line}");
}
