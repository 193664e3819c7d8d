//! `contactd demo`: the main job as a story, over a real connection to a real daemon with a store of its own.

mod daemon;
mod database;
mod pair;
mod past;

use std::process::ExitCode;

use clap::Args;

use super::purge;
use crate::client::{Client, Reply};
use crate::config::{ADDRESS, CONSOLE_ADDRESS};
use crate::error::{Error, Result};
use crate::import::{self, Options, Show};
use crate::model::time;
use daemon::Daemon;

const SHEET: &[u8] = include_bytes!("contacts.csv");
const LIST: &str = "+14155550100";
/// The first person of the sheet.
const ADA: &str = "+14155550101";
/// One who wrote STOP to an older system, long ago.
const BEN: &str = "+12135550198";
/// One who never answered.
const EVA: &str = "+12135550197";

/// Walk through the main job with a store of its own, printing every request and reply
///
/// The store is in a temporary directory, and served on a free port.
#[derive(Args)]
pub struct Demo {
    /// Serve on 127.0.0.1:7164 and stay there after the story, with 90 days of made history and the console in the browser,
    /// until Ctrl-C
    #[arg(long)]
    stay: bool,
    /// Tell another story: two daemons share a store through `PostgreSQL`, which must be installed, and one of them is killed
    #[arg(long, conflicts_with = "stay")]
    pair: bool,
}

impl Demo {
    pub fn run(self) -> Result<ExitCode> {
        if self.pair {
            pair::tell()?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut daemon = Daemon::start(self.stay)?;
        say(&format!("contactd demo: a store in {}, served on {}\n", daemon.dir().display(), daemon.address()));
        let mut story = Story { client: daemon.connect()? };
        story.tell(&mut daemon)?;
        if self.stay {
            say("Four more lists get a past of 90 days, so that there is something to look at:");
            let phones = story.members()?;
            past::make(daemon.connect()?, &phones, super::serve::now())?;
            story.expect("LISTS", "*")?;
            say(&format!("Look at all of it in a browser: http://{CONSOLE_ADDRESS}/"));
            say(&format!("It stays on {ADDRESS} until Ctrl-C. In another terminal:"));
            say(&format!("  printf 'CHECK {LIST} {ADA}\\nHELP\\n' | nc -N 127.0.0.1 7164"));
            wait_for_interrupt()?;
            daemon.stop()?;
        } else {
            daemon.stop()?;
            say("That was it. To talk to it yourself, run `contactd demo --stay`, and in another terminal:");
            say(&format!("  printf 'CHECK {LIST} {ADA}\\nHELP\\n' | nc -N 127.0.0.1 7164"));
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
        Self::import(daemon)?;

        say("Before every message a worker asks:");
        self.expect(&format!("CHECK {LIST} {ADA}"), "+yes")?;

        say(
            "At the last moment it claims the message: the check and the record of the send in one step. A worker that",
        );
        say("comes second, or tries again, gets +dup, and nobody gets a message twice:");
        self.expect(&format!("CLAIM {LIST} {ADA} autumn-1"), "+yes")?;
        self.expect(&format!("CLAIM {LIST} {ADA} autumn-1"), "+dup claimed")?;
        self.expect(&format!("SENT {LIST} {ADA} autumn-1"), ":1")?;

        say("She clicks, and buys:");
        self.expect(&format!(r#"CLICK {LIST} {ADA} {{"message":"autumn-1"}}"#), ":1")?;
        self.expect(&format!(r#"CONVERT {LIST} {ADA} 24.50 {{"message":"autumn-1"}}"#), ":1")?;

        say("A marketer counts those who may be written to, in California, gold or silver, and looks at some:");
        let segment = format!("eligible={LIST} label.state=CA (label.tier=gold OR label.tier=silver)");
        self.expect(&format!("COUNT {segment}"), ":")?;
        self.expect(&format!("FIND {segment} LIMIT 3"), "*")?;

        say("Ada writes \" Stop. \" to the list's number; the provider delivers it twice:");
        self.expect(&format!(r#"INBOUND {LIST} {ADA} {{"text":" Stop. "}}"#), "+optout")?;
        self.expect(&format!(r#"INBOUND {LIST} {ADA} {{"text":" Stop. "}}"#), "+optout again")?;
        self.expect(&format!("CHECK {LIST} {ADA}"), "+no list_opted_out")?;

        say("The next message was queued before she wrote. It is not granted:");
        self.expect(&format!("CLAIM {LIST} {ADA} autumn-2"), "+no list_opted_out")?;

        say("The same spreadsheet again, as somebody always does. An import never lifts an opt-out:");
        Self::import(daemon)?;
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

        say("When did Ada opt out, and what was sent to her after? Newest first:");
        self.expect(&format!("HISTORY {ADA} KIND optout,send"), "*")?;

        say("What is known of Ada:");
        self.expect(&format!("GET {ADA}"), "+{")?;

        say(
            "An older system knew one person who wrote STOP to it, and one who answered none of twelve messages. Contacts",
        );
        say("that are of no use any more are purged, every day by the daemon itself, or now:");
        let ben = format!(
            r#"{{"phone":"{BEN}","created_at":"2020-02-01","sends_since_engaged":10,"opted_out_at":"2020-03-01"}}"#
        );
        self.expect(&format!("IMPORT {LIST} {ben}"), "+created")?;
        let eva = format!(
            r#"{{"phone":"{EVA}","created_at":"2021-02-01","subscribed_at":"2021-02-01","sends_since_engaged":12}}"#
        );
        self.expect(&format!("IMPORT {LIST} {eva}"), "+created")?;
        say("  $ contactd purge");
        purge::purge(&mut self.client)?;

        say("\nThe contacts are gone, the STOP is not. When the number comes back, its STOP comes back first:");
        self.expect(&format!("CHECK {LIST} {BEN}"), "+no")?;
        self.expect(&format!(r#"IMPORT {LIST} {{"phone":"{BEN}"}}"#), "+kept")?;
        self.expect(&format!("CHECK {LIST} {BEN}"), "+no list_opted_out")?;
        Ok(())
    }

    /// The contacts of the sheet's list.
    fn members(&mut self) -> Result<Vec<String>> {
        let mut phones = Vec::new();
        self.client.stream(&format!("EXPORT list={LIST}"), |item| {
            let contact: serde_json::Value = serde_json::from_str(item).map_err(Error::internal)?;
            phones.extend(contact["phone_number"].as_str().map(str::to_owned));
            Ok(())
        })?;
        Ok(phones)
    }

    /// Sends a request as a person would type it, prints it with its reply, and checks how that begins.
    fn expect(&mut self, request: &str, begins: &str) -> Result<()> {
        say(&format!("  → {request}"));
        let reply = self.client.line(request)?.to_string();
        say(&format!("  ← {}\n", reply.replace('\n', "\n    ")));
        if reply.starts_with(begins) {
            return Ok(());
        }
        Err(Error::internal(format!("the demo expected {begins}; please report this")))
    }

    /// Imports the sheet as `contactd import` does.
    fn import(daemon: &mut Daemon) -> Result<()> {
        say(&format!("  $ contactd import contacts.csv --list {LIST} --region US --labels name,state,tier,city"));
        let labels = ["name", "state", "tier", "city"].map(str::to_owned).to_vec();
        let options = Options { list: Some(LIST.into()), region: Some("US".into()), labels, ..Options::default() };
        let print = |request: &str, reply: &Reply| say(&format!("  → {request}\n  ← {reply}"));
        let show = Show { rows: 3, print };
        let report =
            import::import_text(SHEET, "contacts.csv", &options, daemon.connect()?, show, super::serve::now())?;
        say(&format!("  …\n{report}"));
        Ok(())
    }
}

/// Until Ctrl-C, so that the store is cleaned up behind it.
fn wait_for_interrupt() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(Error::internal)?;
    runtime.block_on(tokio::signal::ctrl_c()).map_err(Error::internal)
}

fn say(line: &str) {
    super::say(&line);
}
