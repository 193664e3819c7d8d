//! The commands: one table, which feeds dispatch, permissions, HELP, the counters and the test of `protocol.md`.
//!
//! One file per subject. A command that reads answers at once; one that writes only says what is to be changed, and the
//! server hands that to the store.

pub mod arguments;
mod asked;
mod backup;
#[doc(hidden)]
pub mod broken_json;
mod claims;
mod clients;
mod consent;
mod contacts;
mod feed;
mod fence;
mod gather;
mod health;
mod history;
mod import;
mod inbox;
mod list_history;
mod lists;
mod page;
mod purge;
mod queries;
mod reach;
mod reloads;
#[doc(hidden)]
pub mod remains;
mod sending;
mod session;
mod settings;
pub mod stats;
mod status;
mod tokens;
mod trends;
mod verify;
mod why;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Code, Error, Result, excerpt};
use crate::jobs::Jobs;
use crate::ledger::Reign;
use crate::limits::VERB_BYTES_MAX;
use crate::model::change::Write;
use crate::model::keyword::Keywords;
use crate::model::phone::Region;
use crate::model::slot::{Partition, partition};
use crate::model::verdict::Verdict;
use crate::reloadable::Reloadable;
use crate::store::Store;
use crate::store::gate::Gate;
use crate::wire::{Args, Replies};

pub use asked::{Asked, Remark, answer, ask, list_forgotten, phones_alone};
pub use clients::{Clients, Peer, Transport};
pub use contacts::read_phone;
pub use feed::{EXPIRED, FOREIGN, NO_POSITION, lost_position, oldest_position};
pub use gather::{
    Gathered, Merge, Split, backup as split_backup, backup_of_one, purge as split_purge, same, stats as gather_stats,
};
pub use health::Health;
pub use page::{items as page_items, page_options, words};
pub use queries::Export;
pub use reach::Reach;
pub use reloads::{CertificateDates, Reloads, Source};
pub use session::Session;
pub use settings::Setting;
pub use tokens::{Grant, TokenId, Tokens};

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
    /// What of a store in partitions it concerns.
    pub reach: Reach,
    /// How long it may take.
    pub pace: Pace,
    /// How it is run.
    pub run: Run,
}

/// Who may use a command; each level includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Anyone, even before a token is given.
    Anyone,
    /// A token for metrics, which may scrape them and ask nothing else.
    Metrics,
    /// A token for reading.
    Read,
    /// A token for writing.
    Write,
    /// A token for administration.
    Admin,
}

impl Access {
    /// Every level.
    pub const ALL: [Access; 5] = [Access::Anyone, Access::Metrics, Access::Read, Access::Write, Access::Admin];

    /// The word in tokens files and in HELP.
    pub fn word(self) -> &'static str {
        match self {
            Access::Anyone => "anyone",
            Access::Metrics => "metrics",
            Access::Read => "read",
            Access::Write => "write",
            Access::Admin => "admin",
        }
    }
}

/// How long a command may take, which decides where it is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pace {
    /// It looks up a few things and is done. The server runs it on the thread that serves other connections.
    Prompt,
    /// It may take long: it reads much, or waits for the writer or a disk. The server runs it where other connections do not
    /// wait for it.
    Slow,
}

/// What a command works with, and who answers.
#[derive(Clone, Copy)]
pub enum Run {
    /// It concerns the connection: it reads and changes the session, and no contact.
    Session(SessionCommand),
    /// It asks the gate, in memory, and answers. Commands of this kind that follow each other in one burst see the same
    /// state, and cost one lock together.
    Gate(GateCommand),
    /// It works with the store or with a job, and answers when it is done. What it changed is on disk then.
    Store(fn(&Context, Args<'_>, &mut Replies) -> Result<()>),
    /// The same, where it matters who asks.
    Granted(GrantedCommand),
    /// It says what to change, and changes nothing itself. The server hands that to the writer, together with the writes next
    /// to it, and answers once the writer has.
    Write(fn(&Context, Args<'_>) -> Result<Write>),
    /// The same, of a command that can forbid. Where something of its request cannot be read, what forbids is taken, and only
    /// the rest is refused.
    Forbid(fn(&Context, Args<'_>) -> Result<Asked>),
    /// It answers, or says for how many milliseconds to wait for news. The server runs it again when there is news, or when
    /// that time is over: then the flag is set, and it answers.
    Follow(FollowCommand),
    /// It begins a stream. The server asks for its pieces, each once the client has taken the one before.
    Stream(fn(Args<'_>, &mut Replies) -> Result<Export>),
}

/// See [`Run::Gate`].
pub type GateCommand = fn(&Gate, Args<'_>, &mut Replies) -> Result<()>;
/// See [`Run::Session`].
pub type SessionCommand = fn(&Context, &mut Session, Args<'_>, &mut Replies) -> Result<()>;
/// See [`Run::Granted`].
pub type GrantedCommand = fn(&Context, &Session, Args<'_>, &mut Replies) -> Result<()>;
/// See [`Run::Follow`].
pub type FollowCommand = fn(&Context, Args<'_>, bool, &mut Replies) -> Result<Option<u64>>;

/// What commands work with, besides their arguments.
pub struct Context {
    /// The store.
    pub store: Arc<Store>,
    /// What words from a phone mean.
    pub keywords: Arc<Keywords>,
    /// Where numbers without a country code are from, when a request does not say.
    pub default_region: Option<Region>,
    /// Who may do what. None given: everybody everything.
    pub tokens: Arc<Reloadable<Tokens>>,
    /// What contactd runs with.
    pub settings: Vec<Setting>,
    /// What became of the files that are read again.
    pub reloads: Arc<Reloads>,
    /// Who is connected.
    pub clients: Arc<Clients>,
    /// What is counted.
    pub counters: Arc<Counters>,
    /// What runs in the background.
    pub jobs: Jobs,
    /// The right to answer, where daemons share a store: without it nothing is answered.
    pub reign: Option<Arc<Reign>>,
    /// Which partition of a store this is, if that has several.
    pub partition: Option<Partition>,
}

impl Context {
    /// Whether this daemon may answer now. Ask after the request was read.
    #[inline]
    pub fn may_answer(&self) -> bool {
        self.reign.as_ref().is_none_or(|reign| reign.may_answer())
    }

    /// Refuses what concerns a contact of another partition.
    #[inline]
    pub fn own(&self, asked: Asked) -> Result<Asked> {
        match (self.partition, asked.write.phone()) {
            (Some(here), Some(phone)) if !here.has(phone) => {
                Err(Error::new(Code::Moved, partition(phone, here.of).to_string()))
            }
            _ => Ok(asked),
        }
    }

    /// Whether a CHECK waits for word from the ledger, however long the lease still is.
    pub fn must_confirm(&self) -> bool {
        self.reign.as_ref().is_some_and(|reign| reign.settings.is_check_confirmed)
    }
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
    /// Requests answered with an error, in the order of [`Code::ALL`].
    pub errors: [AtomicU64; Code::ALL.len()],
    /// What CHECK said of phones, by [`Verdict::index`]. Apart from the rest, since all threads write it all the time.
    pub checks: Box<[AtomicU64; Verdict::COUNT]>,
    /// Tokens that a client gave and that are not known.
    pub wrong_tokens: AtomicU64,
    /// TLS connections that ended before a request could be sent.
    pub handshakes_failed: AtomicU64,
    /// Files that should have been read again, and could not.
    pub reloads_failed: AtomicU64,
}

impl Default for Counters {
    fn default() -> Counters {
        Counters {
            started: std::time::Instant::now(),
            clients: AtomicU64::new(0),
            clients_total: AtomicU64::new(0),
            clients_refused: AtomicU64::new(0),
            requests: TABLE.iter().map(|_| AtomicU64::new(0)).collect(),
            errors: Default::default(),
            checks: Box::default(),
            wrong_tokens: AtomicU64::new(0),
            handshakes_failed: AtomicU64::new(0),
            reloads_failed: AtomicU64::new(0),
        }
    }
}

impl Counters {
    /// Counts `n` requests of one command.
    pub fn count(&self, command: usize, n: u64) {
        self.requests[command].fetch_add(n, Ordering::Relaxed);
    }

    /// How many requests there were of the kind that somebody waits for.
    pub fn prompt_requests(&self) -> u64 {
        let prompt = TABLE.iter().zip(&self.requests).filter(|(command, _)| command.pace == Pace::Prompt);
        prompt.map(|(_, count)| count.load(Ordering::Relaxed)).sum()
    }

    /// Counts what CHECK said, by [`Verdict::index`].
    pub fn count_checks(&self, checks: [u64; Verdict::COUNT]) {
        for (counter, n) in self.checks.iter().zip(checks).filter(|(_, n)| *n > 0) {
            counter.fetch_add(n, Ordering::Relaxed);
        }
    }

    /// For how many phones CHECK said yes, and no.
    pub fn checks(&self) -> [u64; 2] {
        let counts = self.checks.each_ref().map(|count| count.load(Ordering::Relaxed));
        let yes = counts[Verdict::Yes.index()];
        [yes, counts.iter().sum::<u64>() - yes]
    }

    /// Counts a request that was answered with an error.
    pub fn count_error(&self, error: &Error) {
        self.count_code(error.code);
    }

    /// The same, where its code alone is known.
    pub fn count_code(&self, code: Code) {
        self.errors[code as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many requests were answered with an error.
    pub fn errors(&self) -> u64 {
        self.errors.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// Counts a token that is none.
    pub fn count_wrong_token(&self) {
        self.wrong_tokens.fetch_add(1, Ordering::Relaxed);
    }
}

const ANY: usize = usize::MAX;

/// Every command, in the order in which HELP and `protocol.md` show them.
#[rustfmt::skip]
pub const TABLE: &[Command] = &[
    Command { name: "PING", usage: "[text]", access: Access::Anyone, arity: (0, 1), reach: Reach::Nothing, pace: Pace::Prompt, run: Run::Session(session::ping),
        summary: "answers PONG, or the text" },
    Command { name: "HELLO", usage: "[2|3 [AUTH user token]]", access: Access::Anyone, arity: (0, 6), reach: Reach::Session, pace: Pace::Prompt, run: Run::Session(session::hello),
        summary: "server, version and protocol; 3 switches replies to RESP 3" },
    Command { name: "AUTH", usage: "[user] token", access: Access::Anyone, arity: (1, 2), reach: Reach::Session, pace: Pace::Prompt, run: Run::Session(session::auth),
        summary: "gives the token" },
    Command { name: "HELP", usage: "[verb]", access: Access::Anyone, arity: (0, 1), reach: Reach::Nothing, pace: Pace::Prompt, run: Run::Session(session::help),
        summary: "describes all commands, or one of them" },
    Command { name: "QUIT", usage: "", access: Access::Anyone, arity: (0, 0), reach: Reach::Nothing, pace: Pace::Prompt, run: Run::Session(session::quit),
        summary: "closes the connection" },
    Command { name: "PARTITION", usage: "place of [access name transport address proof]", access: Access::Anyone, arity: (2, 7), reach: Reach::Partition, pace: Pace::Prompt, run: Run::Session(session::partition),
        summary: "asked by another daemon of the store: the connection is for one of its partitions from then on" },
    Command { name: "LIST", usage: "list [json]", access: Access::Write, arity: (1, 2), reach: Reach::All(gather::same), pace: Pace::Prompt, run: Run::Write(lists::list),
        summary: "creates or changes a sending list: name, paused" },
    Command { name: "UNLIST", usage: "list [FORCE]", access: Access::Admin, arity: (1, 2), reach: Reach::Unlist, pace: Pace::Prompt, run: Run::Write(lists::unlist),
        summary: "removes a sending list and ends its subscriptions; opt-outs stay" },
    Command { name: "LISTS", usage: "[list…] [LIMIT n] [AFTER list]", access: Access::Read, arity: (0, ANY), reach: Reach::All(gather::lists), pace: Pace::Slow, run: Run::Store(lists::lists),
        summary: "shows all sending lists, those that are named, or a page of them, and how many contacts have which status" },
    Command { name: "PUT", usage: "phone [json]", access: Access::Write, arity: (1, 2), reach: Reach::Contact(0), pace: Pace::Prompt, run: Run::Write(contacts::put),
        summary: "creates a contact, sets and removes labels" },
    Command { name: "GET", usage: "phone", access: Access::Read, arity: (1, 1), reach: Reach::Contact(0), pace: Pace::Prompt, run: Run::Store(contacts::get),
        summary: "shows all that is known of a contact" },
    Command { name: "ERASE", usage: "phone", access: Access::Admin, arity: (1, 1), reach: Reach::Contact(0), pace: Pace::Slow, run: Run::Granted(contacts::erase),
        summary: "removes all that is known of a contact and opts it out of all lists, for ever" },
    Command { name: "NORMALIZE", usage: "region raw…", access: Access::Read, arity: (2, ANY), reach: Reach::Nothing, pace: Pace::Prompt, run: Run::Store(contacts::normalize),
        summary: "turns a number as people write it into E.164; region - for the daemon's default region" },
    Command { name: "SUPPRESS", usage: "[list] phone [json]", access: Access::Write, arity: (1, 3), reach: Reach::Contact(1), pace: Pace::Prompt, run: Run::Forbid(status::suppress),
        summary: "holds a contact back, on a list or everywhere" },
    Command { name: "RELEASE", usage: "[list] phone [json]", access: Access::Write, arity: (1, 3), reach: Reach::Contact(1), pace: Pace::Prompt, run: Run::Write(status::release),
        summary: "ends a suppression" },
    Command { name: "INVALID", usage: "phone [json]", access: Access::Write, arity: (1, 2), reach: Reach::Contact(0), pace: Pace::Prompt, run: Run::Forbid(status::invalid),
        summary: "reports that the number does not exist" },
    Command { name: "VALID", usage: "phone [json]", access: Access::Write, arity: (1, 2), reach: Reach::Contact(0), pace: Pace::Prompt, run: Run::Write(status::valid),
        summary: "reports that the number exists after all" },
    Command { name: "OPTIN", usage: "list phone [json]", access: Access::Write, arity: (2, 3), reach: Reach::Contact(1), pace: Pace::Prompt, run: Run::Write(consent::opt_in),
        summary: "reports an explicit opt-in; only this and START lift an opt-out, and then it must say when" },
    Command { name: "OPTOUT", usage: "list|* phone [json]", access: Access::Write, arity: (2, 3), reach: Reach::Contact(1), pace: Pace::Prompt, run: Run::Forbid(consent::opt_out),
        summary: "reports an opt-out of a list, or of all lists; never refused" },
    Command { name: "INBOUND", usage: "list phone json", access: Access::Write, arity: (3, 3), reach: Reach::Contact(1), pace: Pace::Prompt, run: Run::Forbid(consent::inbound),
        summary: "reports a message from a phone; keywords in it opt out or in" },
    Command { name: "IMPORT", usage: "list|* json", access: Access::Write, arity: (2, 2), reach: Reach::Row, pace: Pace::Slow, run: Run::Forbid(import::import),
        summary: "reports one row of a file; never lifts an opt-out" },
    Command { name: "CHECK", usage: "list phone…", access: Access::Read, arity: (2, ANY), reach: Reach::Contacts, pace: Pace::Prompt, run: Run::Gate(sending::check),
        summary: "may I send to this contact from this list, now?" },
    Command { name: "WHY", usage: "list phone", access: Access::Read, arity: (2, 2), reach: Reach::Contact(1), pace: Pace::Slow, run: Run::Store(why::why),
        summary: "the verdict, the fact behind it, and what ends it" },
    Command { name: "CLAIM", usage: "list phone msg-id", access: Access::Write, arity: (3, 3), reach: Reach::Contact(1), pace: Pace::Prompt, run: Run::Write(sending::claim),
        summary: "asks at the last moment; if the answer is yes, the message counts as sent" },
    Command { name: "SENT", usage: "list phone msg-id [json]", access: Access::Write, arity: (3, 4), reach: Reach::Contact(1), pace: Pace::Prompt, run: Run::Write(sending::sent),
        summary: "reports that a message was sent" },
    Command { name: "FAILED", usage: "list phone msg-id [json]", access: Access::Write, arity: (3, 4), reach: Reach::Contact(1), pace: Pace::Prompt, run: Run::Forbid(sending::failed),
        summary: "reports that a message did not arrive; final for its id" },
    Command { name: "CLICK", usage: "list phone [json]", access: Access::Write, arity: (2, 3), reach: Reach::Contact(1), pace: Pace::Prompt, run: Run::Write(sending::click),
        summary: "reports that somebody followed a link" },
    Command { name: "CONVERT", usage: "list phone amount [json]", access: Access::Write, arity: (3, 4), reach: Reach::Contact(1), pace: Pace::Prompt, run: Run::Write(sending::convert),
        summary: "reports that somebody bought; a negative amount is a refund" },
    Command { name: "COUNT", usage: "[filter]", access: Access::Read, arity: (0, ANY), reach: Reach::All(gather::sum), pace: Pace::Slow, run: Run::Store(queries::count),
        summary: "counts the contacts that match" },
    Command { name: "FIND", usage: "[filter] [NEWEST] [LIMIT n] [AFTER cursor]", access: Access::Read, arity: (0, ANY), reach: Reach::Pages, pace: Pace::Slow, run: Run::Store(queries::find),
        summary: "finds the numbers that match, in order of creation or newest first; the first item is the next cursor (0: done)" },
    Command { name: "EXPORT", usage: "[filter]", access: Access::Read, arity: (0, ANY), reach: Reach::Stream, pace: Pace::Slow, run: Run::Stream(queries::export),
        summary: "streams all that is known of the contacts that match; only as a line, not as an array" },
    Command { name: "LABELS", usage: "[key] [LIMIT n] [AFTER cursor]", access: Access::Read, arity: (0, 5), reach: Reach::All(gather::labels), pace: Pace::Slow, run: Run::Store(queries::labels),
        summary: "lists the label keys, or the values of one, and how many contacts have them" },
    Command { name: "HISTORY", usage: "phone|* [KIND k,…] [LIMIT n] [AFTER cursor]", access: Access::Read, arity: (1, 7), reach: Reach::Contact(0), pace: Pace::Slow, run: Run::Store(history::history),
        summary: "shows what happened to a contact, or with * to the lists, newest first" },
    Command { name: "FEED", usage: "[LAST n|position [LIMIT n] [WAIT ms]]", access: Access::Read, arity: (0, 5), reach: Reach::Follow, pace: Pace::Slow, run: Run::Follow(feed::feed),
        summary: "shows every change of consent, status, list, scope or fence since a position, or the newest" },
    Command { name: "TRENDS", usage: "list|* [DAYS n]", access: Access::Read, arity: (1, 3), reach: Reach::All(gather::trends), pace: Pace::Slow, run: Run::Store(trends::trends),
        summary: "shows what was sent from a list, or from all, and what came of it, day by day" },
    Command { name: "CLAIMS", usage: "[LIMIT n] [AFTER cursor]", access: Access::Read, arity: (0, 4), reach: Reach::Pages, pace: Pace::Slow, run: Run::Store(claims::claims),
        summary: "shows the messages that were claimed, and nobody has said what became of them" },
    Command { name: "INBOX", usage: "[LIMIT n] [AFTER cursor]|DONE number", access: Access::Read, arity: (0, 4), reach: Reach::Inbox, pace: Pace::Slow, run: Run::Granted(inbox::inbox),
        summary: "shows the messages that a person should look at; DONE, with write access, settles one" },
    Command { name: "STATS", usage: "", access: Access::Read, arity: (0, 0), reach: Reach::Stats, pace: Pace::Slow, run: Run::Store(stats::stats),
        summary: "shows what the daemon counts" },
    Command { name: "CLIENTS", usage: "[LIMIT n] [AFTER cursor]", access: Access::Admin, arity: (0, 4), reach: Reach::Pages, pace: Pace::Slow, run: Run::Store(clients::clients),
        summary: "shows who is connected, the longest first" },
    Command { name: "SETTINGS", usage: "", access: Access::Admin, arity: (0, 0), reach: Reach::Nothing, pace: Pace::Prompt, run: Run::Store(settings::settings),
        summary: "shows what the daemon runs with" },
    Command { name: "PURGE", usage: "PLAN|RUN plan|STATUS|STOP|POLICY|REPORTS", access: Access::Admin, arity: (1, 2), reach: Reach::Purge, pace: Pace::Slow, run: Run::Granted(purge::purge),
        summary: "removes contacts by policy: plans, runs, stops and reports purges" },
    Command { name: "BACKUP", usage: "RUN [name]|STATUS|STOP|LIST|READ name offset|DROP name", access: Access::Admin, arity: (1, 3), reach: Reach::Backup, pace: Pace::Slow, run: Run::Store(backup::backup),
        summary: "makes backups while contactd serves, lists, hands out and removes them" },
    Command { name: "FENCE", usage: "[date]", access: Access::Admin, arity: (0, 1), reach: Reach::All(gather::same), pace: Pace::Slow, run: Run::Granted(fence::fence),
        summary: "fences a store that lacks opt-outs, as one that is as it was then: nobody gets messages until UNFENCE" },
    Command { name: "UNFENCE", usage: "", access: Access::Admin, arity: (0, 0), reach: Reach::Unfence(gather::unfence), pace: Pace::Slow, run: Run::Granted(fence::unfence),
        summary: "ends the fence of a store that may not know who opted out last: messages go out again" },
    Command { name: "VERIFY", usage: "", access: Access::Admin, arity: (0, 0), reach: Reach::All(gather::verify), pace: Pace::Slow, run: Run::Store(verify::verify),
        summary: "compares every index with the records" },
    Command { name: "ECHO", usage: "text", access: Access::Read, arity: (1, 1), reach: Reach::Nothing, pace: Pace::Prompt, run: Run::Session(session::echo),
        summary: "for Redis libraries: answers the text as a bulk string" },
    Command { name: "SELECT", usage: "0", access: Access::Read, arity: (1, 1), reach: Reach::Nothing, pace: Pace::Prompt, run: Run::Session(session::select),
        summary: "for Redis libraries: there is one database, 0" },
    Command { name: "CLIENT", usage: "…", access: Access::Anyone, arity: (1, ANY), reach: Reach::Nothing, pace: Pace::Prompt, run: Run::Session(session::client),
        summary: "for Redis libraries: accepted and ignored" },
    Command { name: "COMMAND", usage: "…", access: Access::Read, arity: (0, ANY), reach: Reach::Nothing, pace: Pace::Prompt, run: Run::Session(session::command),
        summary: "for Redis libraries: counts the commands; HELP describes them" },
    Command { name: "CONFIG", usage: "GET …", access: Access::Read, arity: (1, ANY), reach: Reach::Nothing, pace: Pace::Prompt, run: Run::Session(session::config),
        summary: "for Redis libraries: answers with nothing" },
];

/// The command with a verb, by its place in the table.
pub fn find(verb: &[u8]) -> Result<usize> {
    let verb = arguments::without_mark(verb);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reads_much_or_waits_is_slow() {
        for command in TABLE {
            match command.run {
                Run::Session(_) | Run::Gate(_) => assert_eq!(command.pace, Pace::Prompt, "{}", command.name),
                Run::Follow(_) | Run::Stream(_) => assert_eq!(command.pace, Pace::Slow, "{}", command.name),
                Run::Store(_) | Run::Granted(_) | Run::Write(_) | Run::Forbid(_) => {}
            }
        }
        for slow in ["ERASE", "PURGE", "VERIFY", "COUNT", "FIND", "IMPORT", "LISTS", "WHY", "TRENDS", "CLAIMS", "INBOX"]
        {
            let command = TABLE.iter().find(|command| command.name == slow).expect("a command");
            assert_eq!(command.pace, Pace::Slow, "{slow}");
        }
    }
}
