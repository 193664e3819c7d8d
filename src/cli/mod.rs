//! The command line: the daemon, and clients of it.

mod call;
pub mod client;
mod compact;
mod demo;
mod export;
mod import;
mod serve;
mod verify;

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{ADDRESS, Settings};
use crate::error::Result;
use crate::server::Address;
use client::Client;

/// Keeps SMS contacts, sending lists and consent, and answers one question, fast and never wrong in the dangerous
/// direction: may I send to this contact from this list, now?
#[derive(Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Without a command contactd serves. Try:\n  \
        contactd demo                               the whole story, in a minute\n  \
        contactd serve --data-dir /var/lib/contactd\n  \
        contactd import contacts.csv --list +14155550100 --region US\n  \
        contactd call CHECK +14155550100 +14155550101\n  \
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
    Import(Box<import::Import>),
    Export(export::Export),
    Verify(verify::Verify),
    Compact(compact::Compact),
    Demo(demo::Demo),
}

/// Whom a client calls.
#[derive(Args, Clone, Debug)]
pub struct Target {
    /// The daemon: `host:port` or `unix:/path`
    #[arg(long, env = "CONTACTD_SERVER", value_name = "ADDRESS", default_value = ADDRESS)]
    server: Address,
    // Never a flag: other users see the command line.
    #[arg(skip = std::env::var("CONTACTD_TOKEN").ok())]
    token: Option<String>,
}

impl Target {
    /// Connects, and gives the token if there is one in `CONTACTD_TOKEN`.
    fn connect(&self) -> Result<Client> {
        Client::connect(&self.server, self.token.as_deref())
    }
}

/// Prints a line on standard output. A reader that has seen enough, like `head`, is no error.
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
            Some(Command::Import(import)) => import.run(),
            Some(Command::Export(export)) => export.run(),
            Some(Command::Verify(verify)) => verify.run(),
            Some(Command::Compact(compact)) => compact.run(),
            Some(Command::Demo(demo)) => demo.run(),
        }
    }
}
