//! `contactd demo --pair`: two daemons that share a store, and what happens when one of them is lost.

use std::time::Instant;

use super::daemon::{Daemon, free_port};
use super::database::Database;
use super::{ADA, LIST, Story, say};
use crate::error::{Error, Result};
use crate::ledger::{self, Url};
use crate::tls::Trust;

/// Short, so that the story need not wait for long.
const LEASE: &str = "2s";

/// Tells the story.
pub fn tell() -> Result<()> {
    say(
        "contactd demo --pair: two daemons share one store through a database, and are one daemon for everybody who asks.\n",
    );
    say(
        "Two PostgreSQL servers start: a primary, and a standby that has each commit before it counts. The store's ledger",
    );
    say("is made in them:");
    let database = Database::start()?;
    let url = database.url();
    say(&format!("  $ contactd ledger init {url}\n"));
    ledger::init(&Url::parse(&url, &Trust::default())?, 1, &[], false, crate::cli::serve::now())?;

    say("Two daemons start with --ledger. The first one owns the store. The second one stands by, and follows:");
    let root = tempfile::Builder::new().prefix("contactd-demo-").tempdir().map_err(Error::internal)?;
    let key = root.path().join("tombstone.key").display().to_string();
    let start = |name: &str| {
        let port = free_port()?;
        say(&format!("  $ contactd serve --listen 127.0.0.1:{port} --ledger {url} --lease {LEASE} --data-dir {name}"));
        let arguments = ["--ledger", &url, "--lease", LEASE, "--tombstone-key", &key].map(str::to_owned).to_vec();
        Daemon::start_with(&format!("127.0.0.1:{port}"), arguments)
    };
    let mut one = start("one")?;
    let mut story = Story { client: one.connect()? };
    let mut two = start("two")?;

    say("\nWhoever asks the one that stands by is handed on. A client may know either address:");
    story.client = two.connect()?;
    story.expect(&format!(r#"LIST {LIST} {{"name":"Autumn sale"}}"#), "+created")?;
    story.expect(&format!(r#"OPTIN {LIST} {ADA} {{"how":"api"}}"#), ":1")?;
    story.expect(&format!("CLAIM {LIST} {ADA} autumn-1"), "+yes")?;
    say("Ada writes STOP. When that is answered, both servers of the database have it:");
    story.expect(&format!(r#"INBOUND {LIST} {ADA} {{"text":"Stop"}}"#), "+optout")?;

    say("The owner is killed (kill -9):");
    one.kill()?;
    let since = Instant::now();
    story.client = two.connect()?;
    say(&format!(
        "  The other one owns the store {:.1} s later. It had to wait until the lease of {LEASE} was surely over: nobody can tell an \
         owner that is dead\n  from one that is only cut off, and two must never answer.\n",
        since.elapsed().as_secs_f64()
    ));
    say("It knows the STOP, and it knows the message that was granted:");
    story.expect(&format!("CHECK {LIST} {ADA}"), "+no list_opted_out")?;
    story.expect(&format!("CLAIM {LIST} {ADA} autumn-1"), "+dup claimed")?;

    say("The first one starts again. It stands by now, and catches up:");
    one.restart()?;
    story.client = one.connect()?;
    story.expect(&format!("CHECK {LIST} {ADA}"), "+no list_opted_out")?;

    say("For an upgrade the owner is told to stop (SIGTERM). It hands the store over at once:");
    let since = Instant::now();
    two.stop()?;
    story.client = one.connect()?;
    let answered = since.elapsed().as_secs_f64();
    story.expect(&format!("CHECK {LIST} {ADA}"), "+no list_opted_out")?;
    say(&format!("  It answers {answered:.2} s after the signal.\n"));
    one.stop()?;
    say("That was it. docs/scale.md says what a pair promises, and how to set one up.");
    Ok(())
}
