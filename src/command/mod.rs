//! The commands: one table, which feeds dispatch, permissions, HELP, the counters and the test of `protocol.md`.
//!
//! One file per job. A command that reads answers at once; one that writes only says what is to be changed, and the
//! server hands that to the store.

mod admin;
pub mod arguments;
mod consent;
mod contacts;
mod feed;
mod history;
mod import;
mod lists;
mod page;
mod purge;
mod queries;
pub mod rows;
mod sending;
mod session;
mod status;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Code, Error, Result, excerpt};
use crate::limits::VERB_BYTES_MAX;
use crate::model::change::{Change, Outcome, Turn, Write};
use crate::model::keyword::{Class, Keywords};
use crate::model::phone::{Phone, Region};
use crate::store::Store;
use crate::store::gate::Gate;
use crate::wire::{Args, Replies};

pub use purge::{PurgeSettings, Purger};
pub use queries::Export;
pub use session::{Session, Tokens};

/// One command.
pub struct Command {
    /// The verb.
    pub name: &'static str,
    /// Its arguments, as HELP shows them.
    pub usage: &'static str,
    /// Who may use it.
    pub access: Access,
    /// The fewest and the most arguments.
    pub arity: (usize, usize),
    /// What it does, in one line.
    pub summary: &'static str,
    /// How.
    pub run: Run,
}

/// Who may use a command; each level includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Anyone, even before a token is given.
    Anyone,
    /// Any token.
    Read,
    /// A token for writing.
    Write,
    /// A token for administration.
    Admin,
}

impl Access {
    /// Every level.
    pub const ALL: [Access; 4] = [Access::Anyone, Access::Read, Access::Write, Access::Admin];

    /// The word in tokens files and in HELP.
    pub fn word(self) -> &'static str {
        match self {
            Access::Anyone => "anyone",
            Access::Read => "read",
            Access::Write => "write",
            Access::Admin => "admin",
        }
    }
}

/// How a command is run.
#[derive(Clone, Copy)]
pub enum Run {
    /// It concerns the connection.
    Session(SessionCommand),
    /// It asks the gate: many of one burst see the same state.
    Gate(fn(&Gate, Args<'_>, &mut Replies) -> Result<()>),
    /// It reads the store.
    Read(fn(&Context, Args<'_>, &mut Replies) -> Result<()>),
    /// It reads much of the store: not on a thread that serves others.
    Scan(fn(&Context, Args<'_>, &mut Replies) -> Result<()>),
    /// It answers at once, or says for how many milliseconds to wait for news before it is asked again. The flag says that
    /// this time is over.
    Follow(fn(&Context, Args<'_>, bool, &mut Replies) -> Result<Option<u64>>),
    /// It answers with a stream.
    Stream(fn(Args<'_>, &mut Replies) -> Result<Export>),
    /// It says what to change.
    Write(fn(&Context, Args<'_>) -> Result<Write>),
    /// It says what to change after work that would hold other connections up.
    SlowWrite(fn(&Context, Args<'_>) -> Result<Write>),
}

/// A command that concerns the connection.
pub type SessionCommand = fn(&Context, &mut Session, Args<'_>, &mut Replies) -> Result<()>;

/// What commands work with, besides their arguments.
pub struct Context {
    /// The store.
    pub store: Store,
    /// What words from a phone mean.
    pub keywords: Arc<Keywords>,
    /// Where numbers without a country code are from, when a request does not say.
    pub default_region: Option<Region>,
    /// Who may do what. None given: everybody everything.
    pub tokens: Arc<Tokens>,
    /// What is counted.
    pub counters: Counters,
    /// Whom a purge removes, and where to.
    pub purge: PurgeSettings,
    /// The purge that runs, if one does.
    pub purger: Purger,
}

/// What the server counts, for STATS.
#[derive(Debug)]
pub struct Counters {
    /// When the daemon started.
    pub started: std::time::Instant,
    /// Connected clients.
    pub clients: AtomicU64,
    /// Clients ever accepted.
    pub clients_total: AtomicU64,
    /// Clients refused since there were too many.
    pub clients_refused: AtomicU64,
    /// Requests per command, in the table's order.
    pub requests: Vec<AtomicU64>,
    /// Requests answered with an error.
    pub errors: AtomicU64,
}

impl Default for Counters {
    fn default() -> Counters {
        Counters {
            started: std::time::Instant::now(),
            clients: AtomicU64::new(0),
            clients_total: AtomicU64::new(0),
            clients_refused: AtomicU64::new(0),
            requests: TABLE.iter().map(|_| AtomicU64::new(0)).collect(),
            errors: AtomicU64::new(0),
        }
    }
}

impl Counters {
    /// Counts `n` requests of one command.
    pub fn count(&self, command: usize, n: u64) {
        self.requests[command].fetch_add(n, Ordering::Relaxed);
    }
}

const ANY: usize = usize::MAX;

/// Every command, in the order in which HELP and `protocol.md` show them.
#[rustfmt::skip]
pub const TABLE: &[Command] = &[
    Command { name: "PING", usage: "[text]", access: Access::Anyone, arity: (0, 1), run: Run::Session(session::ping),
        summary: "answers PONG, or the text" },
    Command { name: "HELLO", usage: "[2|3 [AUTH user token]]", access: Access::Anyone, arity: (0, 6), run: Run::Session(session::hello),
        summary: "server, version and protocol; 3 switches replies to RESP 3" },
    Command { name: "AUTH", usage: "[user] token", access: Access::Anyone, arity: (1, 2), run: Run::Session(session::auth),
        summary: "gives the token" },
    Command { name: "HELP", usage: "[verb]", access: Access::Anyone, arity: (0, 1), run: Run::Session(session::help),
        summary: "the commands, or one of them" },
    Command { name: "QUIT", usage: "", access: Access::Anyone, arity: (0, 0), run: Run::Session(session::quit),
        summary: "closes the connection" },
    Command { name: "LIST", usage: "list [json]", access: Access::Write, arity: (1, 2), run: Run::Write(lists::list),
        summary: "creates or changes a sending list: name, paused" },
    Command { name: "UNLIST", usage: "list [FORCE]", access: Access::Admin, arity: (1, 2), run: Run::Write(lists::unlist),
        summary: "removes a sending list and ends its subscriptions; opt-outs stay" },
    Command { name: "LISTS", usage: "", access: Access::Read, arity: (0, 0), run: Run::Read(lists::lists),
        summary: "the sending lists, with how many contacts have which status" },
    Command { name: "PUT", usage: "phone [json]", access: Access::Write, arity: (1, 2), run: Run::Write(contacts::put),
        summary: "creates a contact, sets and removes labels" },
    Command { name: "GET", usage: "phone", access: Access::Read, arity: (1, 1), run: Run::Read(contacts::get),
        summary: "all that is known of a contact" },
    Command { name: "ERASE", usage: "phone", access: Access::Admin, arity: (1, 1), run: Run::Scan(contacts::erase),
        summary: "removes all that is known of a contact and opts it out of all lists, for ever" },
    Command { name: "NORMALIZE", usage: "region raw…", access: Access::Read, arity: (2, ANY), run: Run::Read(contacts::normalize),
        summary: "a number as somebody typed it, in E.164; region - for none" },
    Command { name: "SUPPRESS", usage: "[list] phone [json]", access: Access::Write, arity: (1, 3), run: Run::Write(status::suppress),
        summary: "holds a contact back, on a list or everywhere" },
    Command { name: "RELEASE", usage: "[list] phone [json]", access: Access::Write, arity: (1, 3), run: Run::Write(status::release),
        summary: "takes a suppression back" },
    Command { name: "INVALID", usage: "phone [json]", access: Access::Write, arity: (1, 2), run: Run::Write(status::invalid),
        summary: "the number does not exist" },
    Command { name: "VALID", usage: "phone [json]", access: Access::Write, arity: (1, 2), run: Run::Write(status::valid),
        summary: "the number exists after all" },
    Command { name: "OPTIN", usage: "list phone [json]", access: Access::Write, arity: (2, 3), run: Run::Write(consent::opt_in),
        summary: "an explicit opt-in; only this lifts an opt-out, and then it must say when" },
    Command { name: "OPTOUT", usage: "list|* phone [json]", access: Access::Write, arity: (2, 3), run: Run::Write(consent::opt_out),
        summary: "an opt-out of a list, or of all; never refused" },
    Command { name: "INBOUND", usage: "list phone json", access: Access::Write, arity: (3, 3), run: Run::Write(consent::inbound),
        summary: "a message from a phone: keywords opt out and in" },
    Command { name: "IMPORT", usage: "list|* json", access: Access::Write, arity: (2, 2), run: Run::SlowWrite(import::import),
        summary: "one row of an import; never lifts anything" },
    Command { name: "CHECK", usage: "list phone…", access: Access::Read, arity: (2, ANY), run: Run::Gate(sending::check),
        summary: "may I send to this contact from this list, now?" },
    Command { name: "CLAIM", usage: "list phone msg-id", access: Access::Write, arity: (3, 3), run: Run::Write(sending::claim),
        summary: "the check at the last moment: if yes, the message counts as sent" },
    Command { name: "SENT", usage: "list phone msg-id [json]", access: Access::Write, arity: (3, 4), run: Run::Write(sending::sent),
        summary: "a message was sent" },
    Command { name: "FAILED", usage: "list phone msg-id [json]", access: Access::Write, arity: (3, 4), run: Run::Write(sending::failed),
        summary: "a message did not arrive; final for its id" },
    Command { name: "CLICK", usage: "list phone [json]", access: Access::Write, arity: (2, 3), run: Run::Write(sending::click),
        summary: "somebody followed a link" },
    Command { name: "CONVERT", usage: "list phone amount [json]", access: Access::Write, arity: (3, 4), run: Run::Write(sending::convert),
        summary: "somebody bought; a negative amount is a refund" },
    Command { name: "COUNT", usage: "[filter]", access: Access::Read, arity: (0, ANY), run: Run::Scan(queries::count),
        summary: "how many contacts match" },
    Command { name: "FIND", usage: "[filter] [LIMIT n] [AFTER cursor]", access: Access::Read, arity: (0, ANY), run: Run::Scan(queries::find),
        summary: "the next cursor (0: done) and the numbers that match, in order of creation" },
    Command { name: "EXPORT", usage: "[filter]", access: Access::Read, arity: (0, ANY), run: Run::Stream(queries::export),
        summary: "streams all that is known of the contacts that match; as a line only" },
    Command { name: "LABELS", usage: "[key] [LIMIT n] [AFTER cursor]", access: Access::Read, arity: (0, 5), run: Run::Scan(queries::labels),
        summary: "the label keys, or the values of one, with how many contacts have them" },
    Command { name: "HISTORY", usage: "phone [KIND k,…] [LIMIT n] [AFTER cursor]", access: Access::Read, arity: (1, 7), run: Run::Scan(history::history),
        summary: "what happened to a contact, newest first" },
    Command { name: "FEED", usage: "[position [LIMIT n] [WAIT ms]]", access: Access::Read, arity: (0, 5), run: Run::Follow(feed::feed),
        summary: "every change of consent, status, list or scope since a position" },
    Command { name: "STATS", usage: "", access: Access::Read, arity: (0, 0), run: Run::Scan(admin::stats),
        summary: "what the daemon counts" },
    Command { name: "PURGE", usage: "PLAN|RUN plan|STATUS|STOP|POLICY|REPORTS", access: Access::Admin, arity: (1, 2), run: Run::Scan(purge::purge),
        summary: "removes contacts by policy: whom, now, how far, and what was done" },
    Command { name: "VERIFY", usage: "", access: Access::Admin, arity: (0, 0), run: Run::Scan(admin::verify),
        summary: "compares every index with the records" },
    Command { name: "ECHO", usage: "text", access: Access::Read, arity: (1, 1), run: Run::Session(session::echo),
        summary: "for Redis libraries: answers the text as a bulk string" },
    Command { name: "SELECT", usage: "0", access: Access::Read, arity: (1, 1), run: Run::Session(session::select),
        summary: "for Redis libraries: there is one database, 0" },
    Command { name: "CLIENT", usage: "…", access: Access::Anyone, arity: (1, ANY), run: Run::Session(session::client),
        summary: "for Redis libraries: accepted and ignored" },
    Command { name: "COMMAND", usage: "…", access: Access::Read, arity: (0, ANY), run: Run::Session(session::command),
        summary: "for Redis libraries: tells nothing, see HELP" },
    Command { name: "CONFIG", usage: "GET …", access: Access::Read, arity: (1, ANY), run: Run::Session(session::config),
        summary: "for Redis libraries: tells nothing" },
];

/// The command with a verb, by its place in the table.
pub fn find(verb: &[u8]) -> Result<usize> {
    TABLE.iter().position(|command| command.name.as_bytes().eq_ignore_ascii_case(verb)).ok_or_else(|| unknown(verb))
}

fn unknown(verb: &[u8]) -> Error {
    let long = if verb.len() > VERB_BYTES_MAX { &verb[..VERB_BYTES_MAX] } else { verb };
    Error::new(Code::Err, format!("unknown command '{}': HELP lists the commands", excerpt(long)))
}

/// Whether a request has as many arguments as its command takes.
pub fn check_arity(command: &Command, args: Args<'_>) -> Result<()> {
    let (fewest, most) = command.arity;
    if most != ANY || fewest > 0 {
        let given = if most == ANY { args.take(fewest).count() } else { args.take(most + 1).count() };
        if given < fewest || given > most {
            return Err(Error::new(
                Code::Err,
                format!("usage: {} {}", command.name, command.usage).trim_end().to_owned(),
            ));
        }
    }
    Ok(())
}

/// The number that the reply to a write repeats, if it does.
pub fn echoes(write: &Write) -> Option<Phone> {
    match write {
        Write::Contact { phone, change: Change::Import(_), .. } => Some(*phone),
        _ => None,
    }
}

/// The reply to a write. `echo` is what [`echoes`] said.
pub fn answer(outcome: &Result<Outcome>, echo: Option<Phone>, replies: &mut Replies) {
    let word = match outcome {
        Err(error) => return replies.error(error),
        Ok(Outcome::Changed(changed)) => return replies.integer(u64::from(*changed)),
        Ok(Outcome::Claim(verdict)) => return replies.verdict(*verdict),
        Ok(Outcome::Duplicate(state)) => return replies.text(&format!("dup {}", state.word())),
        Ok(Outcome::Created) => "created",
        Ok(Outcome::Updated) => "updated",
        Ok(Outcome::Unchanged) => "unchanged",
        Ok(Outcome::Removed) => "removed",
        Ok(Outcome::Kept(reason)) => {
            return match echo {
                Some(phone) => replies.text(&format!("kept {phone} {}", reason.word())),
                None => replies.text(&format!("kept {}", reason.word())),
            };
        }
        Ok(Outcome::Inbound { class, turn }) => match (class, turn) {
            (Class::OptOut | Class::OptOutAll, Turn::New) => "optout",
            (Class::OptOut | Class::OptOutAll, Turn::Again) => "optout again",
            (Class::OptOut | Class::OptOutAll, Turn::Late) => "optout late",
            (Class::OptIn, Turn::New) => "optin",
            (Class::OptIn, Turn::Again) => "optin again",
            (Class::OptIn, Turn::Late) => "optin late",
            (Class::Help, _) => "help",
            (Class::Message, _) => "message",
            (Class::MaybeOptOut, _) => "message maybe_optout",
        },
    };
    match echo {
        Some(phone) => replies.text(&format!("{word} {phone}")),
        None => replies.text(word),
    }
}
