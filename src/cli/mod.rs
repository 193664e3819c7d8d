//! The command line: the daemon, and clients of it.

mod backup;
mod call;
mod compact;
mod completions;
mod demo;
mod export;
mod feed;
mod fenced;
mod follower;
mod health;
mod import;
mod ledger;
mod lists;
mod man;
mod purge;
mod restore;
mod rewrite;
mod serve;
mod show;
mod systemd;
mod terminal;
mod top;
mod verify;
mod why;

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::address::Address;
use crate::client::Client;
use crate::config::{ADDRESS, Settings};
use crate::error::Result;
use crate::tls::Trust;

/// Keeps SMS contacts, sending lists and consent, and answers one question, fast and never wrong in the dangerous
/// direction: may I send to this contact from this list, now?
#[derive(Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Without a command, contactd runs the daemon. Try:\n  \
        contactd demo                               the whole story, in a minute\n  \
        contactd serve --data-dir /var/lib/contactd\n  \
        contactd import contacts.csv --list +14155550100 --region US\n  \
        contactd call CHECK +14155550100 +14155550101\n  \
        contactd why +14155550100 +14155550101      the verdict in words, and what ends it\n  \
        printf 'HELP\\n' | nc -N 127.0.0.1 7164      every command of the protocol"
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
}

/// What each is for, its help tells from its own file.
#[derive(Subcommand)]
enum Command {
    /// Run the daemon (the default)
    Serve(Box<Settings>),
    Call(call::Call),
    Why(why::Why),
    Show(show::Show),
    Lists(lists::Lists),
    Top(top::Top),
    Import(Box<import::Import>),
    Export(export::Export),
    Feed(feed::Feed),
    Health(health::Health),
    Verify(verify::Verify),
    Purge(purge::Purge),
    Backup(backup::Backup),
    Restore(restore::Restore),
    Rewrite(rewrite::Rewrite),
    Ledger(ledger::Ledger),
    #[command(hide = true)]
    Compact(compact::Compact),
    Demo(demo::Demo),
    Completions(completions::Completions),
    #[command(hide = true)]
    Man(man::Man),
}

/// Whom a client calls.
#[derive(Args, Clone, Debug)]
pub struct Target {
    /// The daemon: `host:port`, `tls:host:port` or `unix:/path`
    #[arg(long, env = "CONTACTD_SERVER", value_name = "ADDRESS", default_value = ADDRESS)]
    server: Address,
    /// For tls: whose certificates to trust, as PEM, instead of those that the system trusts
    #[arg(long, env = "CONTACTD_CA_FILE", value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// For tls: the certificate to show to a daemon that asks for one, as PEM
    #[arg(long, env = "CONTACTD_CERT_FILE", value_name = "FILE")]
    cert_file: Option<PathBuf>,
    /// The private key of --cert-file, where it is in another file
    #[arg(long, env = "CONTACTD_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,
    // Never a flag: other users see the command line.
    #[arg(skip = std::env::var("CONTACTD_TOKEN").ok())]
    token: Option<String>,
}

impl Target {
    /// Connects, and gives the token if there is one in `CONTACTD_TOKEN`.
    fn connect(&self) -> Result<Client> {
        let trust =
            Trust { ca_file: self.ca_file.clone(), cert_file: self.cert_file.clone(), key_file: self.key_file.clone() };
        Client::connect_trusting(&self.server, &trust, self.token.as_deref())
    }
}

/// Prints a line on standard output. A reader that has seen enough, like `head`, is not an error.
fn say(line: &dyn fmt::Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Standard output of a command that does nothing but write there. A reader that has seen enough ends it without a word, as
/// it ends most programs.
struct Out(io::StdoutLock<'static>);

impl Out {
    fn new() -> Out {
        Out(io::stdout().lock())
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).inspect_err(end_if_unread)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().inspect_err(end_if_unread)
    }
}

fn end_if_unread(why: &io::Error) {
    if why.kind() == io::ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
}

impl Arguments {
    /// Does what the arguments say. The exit code is the process's.
    pub fn run(self) -> Result<ExitCode> {
        match self.command {
            None => serve::serve(self.settings.resolve()?),
            Some(Command::Serve(settings)) => serve::serve(settings.resolve()?),
            Some(Command::Call(call)) => call.run(),
            Some(Command::Why(why)) => why.run(),
            Some(Command::Show(show)) => show.run(),
            Some(Command::Lists(lists)) => lists.run(),
            Some(Command::Top(top)) => top.run(),
            Some(Command::Import(import)) => import.run(),
            Some(Command::Export(export)) => export.run(),
            Some(Command::Feed(feed)) => feed.run(),
            Some(Command::Health(health)) => Ok(health.run()),
            Some(Command::Verify(verify)) => verify.run(),
            Some(Command::Purge(purge)) => purge.run(),
            Some(Command::Backup(backup)) => backup.run(),
            Some(Command::Restore(restore)) => restore.run(),
            Some(Command::Rewrite(rewrite)) => rewrite.run(),
            Some(Command::Ledger(ledger)) => ledger.run(),
            Some(Command::Compact(compact)) => compact.run(),
            Some(Command::Demo(demo)) => demo.run(),
            Some(Command::Completions(completions)) => completions.run(),
            Some(Command::Man(man)) => man.run(),
        }
    }
}
