//! protocol.md cannot lie: its transcripts are run against a real server, and its tables are compared with the code.
//!
//! ````text
//! ```contactd                 a daemon with a clock that stands at the beginning of the chapter's day
//! @ 2026-05-02T09:00:00Z      sets the clock
//! > CHECK 24365 +14155550123  is sent; so is an array, or what a browser sends, over several lines
//! +no unknown_list            what must come back; … stands for anything, alone in a line for any lines
//! ```
//! ````
//!
//! Each block is a connection, each `## ` chapter a fresh daemon. `contactd stop-scope=all` reopens the chapter's daemon
//! under that scope, `contactd purged` waits until a purge has ended, `contactd tokens` is a daemon of its own with tokens, `contactd loading` one that never gets ready.
//! `CONTACTD_RECORD=1` writes what really came back into the document. `tests/golden/*.md` are transcripts, too.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use contactd::command::TABLE;
use contactd::command::stats::{self, Stat};
use contactd::error::{Code, Retry};
use contactd::limits::{
    ARRAY_SWALLOW_BYTES_MAX, BURST_REQUESTS_MAX, CHECK_PHONES_MAX, CLIENTS_MAX, CLOCK_AHEAD_MS_MAX, CLOCK_ERROR_MS_MAX,
    CONTACT_LISTS_MAX, DISK_FREE_LOW_BYTES, DISK_FREE_MIN_BYTES, EVIDENCE_BYTES_MAX, FEED_WAIT_MS_MAX,
    FILTER_BYTES_MAX, FILTER_DEPTH_MAX, FSYNC_INTERVAL_MS, HANDSHAKE_MS_MAX, ID_BYTES_MAX, IMPORTED_TOTAL_MAX,
    INBOX_MESSAGES_MAX, LABEL_KEY_BYTES_MAX, LABELS_BYTES_MAX, LABELS_MAX, LIST_NAME_BYTES_MAX, LISTS_MAX,
    NEW_CLIENTS_A_SECOND_MAX, PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX, QUEUED_WRITES_MAX, RAW_PHONE_BYTES_MAX,
    REMEMBERED_IDS_MAX, REPLY_BYTES_UNSENT_MAX, REQUEST_BYTES_MAX, SOURCE_BYTES_MAX, TEXT_CHARS_MAX,
    UNAUTHENTICATED_BYTES_MAX, UNAUTHENTICATED_MS_MAX, UNWRITTEN_FORBIDS_MAX, URL_BYTES_MAX, WRITE_STALL_MS_MAX,
    WRONG_TOKEN_MS,
};
use contactd::model::change::{self, Change, Failed, Inbound, Sent, Statement};
use contactd::model::fact::How;
use contactd::model::failure::Failure;
use contactd::model::keyword::Keywords;
use contactd::model::phone::{ListNumber, Unusable};
use contactd::model::time;
use contactd::model::verdict::{ContactStatus, ListStatus, Reason, StopScope};
use contactd::server::{Address, Listener, Server};

use super::pair::{self, Daemons, only_whole};
use super::support::{Daemon, House, Wire, partitions};

/// When every chapter begins: 2026-05-01T12:00:00Z.
const NOON: i64 = 1_777_636_800_000;
/// Sent behind the requests of a group, to know where their replies end.
const END: &str = "that-was-all";
/// Codes that no transcript can provoke: ten thousand clients, a shutdown at the right moment, another daemon, a full disk, a
/// defect.
const NOT_PROVOKED: [Code; 6] =
    [Code::Busy, Code::Draining, Code::Standby, Code::Moved, Code::ReadOnly, Code::Internal];

// ---------------------------------------------------------------------------------------------------- transcripts

#[test]
fn every_transcript_is_true() {
    let mut wrong = String::new();
    for path in documents() {
        let written = read(&path);
        let real = perform(&written);
        if std::env::var_os("CONTACTD_RECORD").is_some() {
            std::fs::write(&path, &real).expect("to record");
        } else if written != real {
            wrong.push_str(&difference(&path, &written, &real));
        }
    }
    assert!(wrong.is_empty(), "not what the daemon says (CONTACTD_RECORD=1 writes it down):\n{wrong}");
}

#[test]
fn every_command_and_every_error_is_shown() {
    let written = read(&protocol());
    let shown: BTreeSet<String> = requests(&written).into_iter().map(|(verb, _)| verb.to_ascii_uppercase()).collect();
    let missing: Vec<_> = TABLE.iter().map(|command| command.name).filter(|&name| !shown.contains(name)).collect();
    assert!(missing.is_empty(), "no transcript shows {missing:?}");

    let lines: Vec<&str> = transcript_lines(&written).collect();
    for code in Code::ALL {
        let shown = lines.iter().any(|line| line.starts_with(&format!("-{} ", code.word())));
        assert_eq!(shown, !NOT_PROVOKED.contains(&code), "-{} in a transcript", code.word());
    }
    let missing: Vec<_> =
        Reason::ALL.into_iter().filter(|reason| !lines.contains(&&*format!("+no {}", reason.word()))).collect();
    // No transcript has a store that was restored.
    assert_eq!(missing, [Reason::Fenced], "not shown");
    let replies = codes(&table(&written, "### `INBOUND list phone json`", "reply"));
    let missing: Vec<_> = replies.iter().filter(|reply| !lines.contains(&reply.as_str())).collect();
    assert!(missing.is_empty(), "no transcript shows {missing:?}");
}

/// protocol.md and the golden transcripts.
fn documents() -> Vec<PathBuf> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let files = std::fs::read_dir(golden).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut all: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect();
    all.push(protocol());
    all.sort();
    all
}

fn protocol() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("protocol.md")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// The document with what the daemon really says.
fn perform(document: &str) -> String {
    let mut stage = None;
    let mut real = String::new();
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        real.push_str(line);
        real.push('\n');
        if line.starts_with("## ") {
            stage = None;
        }
        if let Some(play) = line.strip_prefix("```contactd") {
            let block: Vec<&str> = lines.by_ref().take_while(|&line| line != "```").collect();
            let told = run(&mut stage, play.trim(), &block);
            // Positions, cursors and numbers are others in a store in partitions, and so is what is asked with them.
            let told = if partitions() > 1 && block.iter().any(|line| says_where(line)) {
                block.iter().map(|line| (*line).to_owned()).collect()
            } else {
                told
            };
            for line in told {
                real.push_str(&line);
                real.push('\n');
            }
            real.push_str("```\n");
        }
    }
    real
}

/// Whether a request asks for a place in what there is, or gets one.
fn says_where(line: &str) -> bool {
    let Some(request) = line.strip_prefix("> ") else { return false };
    ["FEED", "INBOX", "STATS", "PURGE", "PARTITION"].iter().any(|verb| request.starts_with(verb))
        || request.contains(" LIMIT ")
}

/// Until no purge runs any more.
fn wait_for_purge(house: &House) {
    let mut wire = house.connect();
    while wire.call("PURGE STATUS") != r#"+{"state":"idle"}"# {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// Runs one block.
fn run(stage: &mut Option<(House, StopScope)>, play: &str, block: &[&str]) -> Vec<String> {
    let scope = match play {
        "" => StopScope::List,
        "stop-scope=all" => StopScope::All,
        "tokens" => {
            let daemon = with_tokens();
            return converse(block, &|| daemon.connect(), true, &|_| panic!("its clock is the system's"));
        }
        "purged" => {
            wait_for_purge(stage.as_ref().map(|(house, _)| house).expect("a house in which a purge runs"));
            StopScope::List
        }
        "loading" => {
            let (_runtime, _server, address) = loading();
            return converse(block, &|| Wire::connect(&address), false, &|_| ());
        }
        "maybe-optout=hold" => {
            let (house, scope) = stage.take().expect("a house in which a message waits");
            *stage = Some((house.holding(), scope));
            StopScope::List
        }
        other => panic!("unknown kind of transcript: {other}"),
    };
    let house = match stage.take() {
        Some((house, held)) if held == scope => house,
        Some((house, _)) => house.reopen(scope),
        None => House::start(scope, NOON),
    };
    let told = converse(block, &|| house.connect(), true, &|now| house.set_clock(now));
    *stage = Some((house, scope));
    told
}

/// Sends the requests of a block and puts what comes back in the place of what was written.
fn converse(block: &[&str], connect: &dyn Fn() -> Wire, is_up: bool, set_clock: &dyn Fn(i64)) -> Vec<String> {
    let mut wire = connect();
    let mut told: Vec<String> = Vec::new();
    let mut at = 0;
    while at < block.len() {
        let line = block[at];
        if let Some(now) = line.strip_prefix("@ ") {
            set_clock(time::parse(now).expect("a time"));
        }
        told.push(line.to_owned());
        at += 1;
        if !line.starts_with('>') {
            continue;
        }
        let mut request = format!("{}\r\n", text_of(line));
        for line in block[at..].iter().take(further_lines(line)).take_while(|line| line.starts_with('>')) {
            request.push_str(text_of(line));
            request.push_str("\r\n");
            told.push((*line).to_owned());
            at += 1;
        }
        let expected: Vec<&str> =
            block[at..].iter().copied().take_while(|line| !line.starts_with(['>', '@'])).collect();
        at += expected.len();
        let real: Vec<String> = ask(&mut wire, &request, is_up).into_iter().map(as_if_alone).collect();
        if real.last().is_some_and(|line| line == "(closed)") {
            wire = connect();
        }
        if matches(&expected, &real) || is_of_partitions(line) {
            told.extend(expected.into_iter().map(ToOwned::to_owned));
        } else {
            told.extend(real);
        }
    }
    told
}

/// How many more lines belong to the request that a line begins: to an array, to what a browser sends.
fn further_lines(line: &str) -> usize {
    if let Some(items) = line.strip_prefix("> *") {
        return 2 * items.parse::<usize>().expect("an array");
    }
    if line.ends_with(" HTTP/1.1") { usize::MAX } else { 0 }
}

/// What is sent of a line with `>`.
fn text_of(line: &str) -> &str {
    let text = line.strip_prefix('>').unwrap_or(line);
    text.strip_prefix(' ').unwrap_or(text)
}

/// The lines that come back.
fn ask(wire: &mut Wire, request: &str, is_up: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if !is_up {
        return vec![wire.call(request.trim_end())];
    }
    wire.send(format!("{request}PING {END}\r\n"));
    loop {
        let reply = wire.reply();
        if reply.is_empty() {
            lines.push("(closed)".to_owned());
            return lines;
        }
        if reply.strip_prefix('+') == Some(END) {
            return lines;
        }
        lines.extend(reply.lines().map(ToOwned::to_owned));
    }
}

/// A setting of a pair, or of a store in partitions, as that of a daemon that is alone.
fn as_if_alone(line: String) -> String {
    let alone: &[&str] = match pair::asked() {
        Daemons::Alone => &[],
        Daemons::Pairs => &["+ledger", "+advertise", "+lease 15s", "+ledger-copies 2", "+tombstone-key"],
        Daemons::Split => &["+partitions 1"],
        Daemons::SplitLedger => {
            &["+ledger", "+advertise", "+lease 15s", "+ledger-copies 2", "+tombstone-key", "+partitions 1"]
        }
    };
    let is_it = |setting: &&&str| line.split(' ').next() == setting.split(' ').next();
    let found = alone.iter().find(is_it);
    found.map(|setting| (*setting).to_owned()).unwrap_or(line)
}

/// Whether a store in partitions answers a request in its own way, as docs/scale.md tells.
fn is_of_partitions(request: &str) -> bool {
    let is_one = |begin: &&str| text_of(request).starts_with(*begin);
    pair::is_split() && ["CLIENTS AFTER", "BACKUP READ", "VERIFY"].iter().any(is_one)
}

/// Whether what came back is what is written, where `…` stands for anything.
fn matches(written: &[&str], real: &[String]) -> bool {
    match written.split_first() {
        None => real.is_empty(),
        Some((&"…", rest)) => (0..=real.len()).any(|skipped| matches(rest, &real[skipped..])),
        Some((line, rest)) => real.split_first().is_some_and(|(told, real)| is_like(line, told) && matches(rest, real)),
    }
}

fn is_like(written: &str, real: &str) -> bool {
    if written == real {
        return true;
    }
    let Some((before, after)) = written.split_once('…') else { return false };
    let Some(rest) = real.strip_prefix(before) else { return false };
    rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| is_like(after, &rest[at..]))
}

/// A daemon that wants a token.
fn with_tokens() -> Daemon {
    let tokens = tempfile::NamedTempFile::new().expect("a file");
    let line = |(may, name)| format!("{may} {may}-0123456789abcdef {name}\n");
    let lines = [("read", "desk"), ("write", "shop"), ("admin", "ann")].map(line).concat();
    std::fs::write(tokens.path(), lines).expect("tokens");
    Daemon::start(&["--tokens", &tokens.path().display().to_string()])
}

/// A server whose store is never loaded.
fn loading() -> (tokio::runtime::Runtime, Arc<Server>, String) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let server = Arc::new(Server::default());
    let address = runtime.block_on(async {
        let any: Address = "127.0.0.1:0".parse().expect("an address");
        let listener = Listener::bind(&any).await.expect("to listen");
        let address = listener.address().expect("an address").to_string();
        server.listen(listener);
        address
    });
    (runtime, server, address)
}

/// The lines that differ, with their places, and the lines before them that say what was asked.
fn difference(path: &Path, written: &str, real: &str) -> String {
    let (written, real): (Vec<&str>, Vec<&str>) = (written.lines().collect(), real.lines().collect());
    // Longest common subsequence, from the end.
    let mut common = vec![vec![0_usize; real.len() + 1]; written.len() + 1];
    for w in (0..written.len()).rev() {
        for r in (0..real.len()).rev() {
            common[w][r] =
                if written[w] == real[r] { common[w + 1][r + 1] + 1 } else { common[w + 1][r].max(common[w][r + 1]) };
        }
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut told = String::new();
    let (mut w, mut r, mut asked) = (0, 0, None);
    while w < written.len() || r < real.len() {
        if w < written.len() && r < real.len() && written[w] == real[r] {
            if written[w].starts_with('>') {
                asked = Some(w);
            }
            (w, r) = (w + 1, r + 1);
            continue;
        }
        if let Some(asked) = asked.take() {
            let _ = writeln!(told, "{name}:{}\n    {}", asked + 1, written[asked]);
        }
        if r >= real.len() || (w < written.len() && common[w + 1][r] >= common[w][r + 1]) {
            let _ = writeln!(told, "  - {}", written[w]);
            w += 1;
        } else {
            let _ = writeln!(told, "  + {}", real[r]);
            r += 1;
        }
    }
    told
}

/// All lines of transcripts.
fn transcript_lines(document: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    document.lines().filter(move |line| {
        if line.starts_with("```") {
            inside = line.starts_with("```contactd");
            return false;
        }
        inside
    })
}

/// Verb and line of every request in transcripts.
fn requests(document: &str) -> Vec<(String, String)> {
    let lines = transcript_lines(document).filter(|line| line.starts_with('>')).map(text_of);
    lines.filter_map(|line| Some((line.split_whitespace().next()?.to_owned(), line.to_owned()))).collect()
}

// --------------------------------------------------------------------------------------------------------- tables

#[test]
fn commands_are_those_of_the_table() {
    let document = read(&protocol());
    let told: Vec<(String, String)> = table(&document, "## Commands", "command")
        .into_iter()
        .map(|row| (codes(std::slice::from_ref(&row)).concat(), row[1].clone()))
        .collect();
    let usage = |name: &str, usage: &str| format!("{name} {usage}").trim_end().to_owned();
    let real: Vec<(String, String)> =
        TABLE.iter().map(|command| (usage(command.name, command.usage), command.access.word().to_owned())).collect();
    assert_eq!(told, real, "the table of commands");
    let chapters: Vec<String> = document
        .lines()
        .filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`').map(ToOwned::to_owned))
        .collect();
    let real: Vec<String> = real.into_iter().map(|(usage, _)| usage).collect();
    assert_eq!(chapters, real, "the chapters of commands");
}

#[test]
fn errors_are_those_of_the_code() {
    let document = read(&protocol());
    let told: Vec<(String, String)> = table(&document, "## Errors", "code")
        .into_iter()
        .map(|row| (codes(std::slice::from_ref(&row)).concat(), row[3].clone()))
        .collect();
    let again = |code: Code| match code.retry() {
        Retry::Never => "no",
        Retry::Later => "after a pause",
        Retry::WhenMended => "once mended",
        Retry::IfIdempotent => "if it carries `at` and `id`",
    };
    let real: Vec<(String, String)> =
        Code::ALL.into_iter().map(|code| (code.word().to_owned(), again(code).to_owned())).collect();
    assert_eq!(told, real);
}

#[test]
fn words_are_those_of_the_model() {
    let document = read(&protocol());
    let told = |chapter, head| codes(&table(&document, chapter, head));
    let mut verdicts: Vec<String> = Reason::ALL.iter().map(|reason| format!("no {}", reason.word())).collect();
    verdicts.push("yes".to_owned());
    assert_eq!(told("## The verdict", "verdict"), verdicts);
    let words: Vec<[String; 2]> = table(&document, "## The verdict", "verdict")
        .into_iter()
        .map(|row| [row[1].replace('`', ""), row[2].replace('`', "")])
        .collect();
    let mut real =
        Reason::ALL.map(|reason| [reason.words().meaning, reason.words().ended_by].map(str::to_owned)).to_vec();
    real.push(["none of these".to_owned(), String::new()]);
    assert_eq!(words, real, "what a reason means, and what ends it");
    assert_eq!(told("## Words", "contact status"), ContactStatus::ALL.map(ContactStatus::word));
    let [suppressed, opted_out, active] = ListStatus::KEPT.map(ListStatus::word);
    assert_eq!(told("## Words", "list status"), [suppressed, opted_out, active, ListStatus::None.word()]);
    assert_eq!(told("## Words", "how"), How::ALL.map(How::word));
    assert_eq!(told("### `NORMALIZE region raw…`", "reason"), Unusable::ALL.map(Unusable::code));
}

/// What protocol.md calls a limit, and what it is.
fn limits_of_clients() -> Vec<(&'static str, &'static str, String)> {
    let bytes = |bytes: usize| match bytes {
        big if big % (1024 * 1024) == 0 => format!("{} MiB", big / 1024 / 1024),
        big if big % 1024 == 0 => format!("{} KiB", big / 1024),
        small => format!("{small} bytes"),
    };
    let seconds = |ms: u64| format!("{} s", ms / 1000);
    vec![
        ("REQUEST_BYTES_MAX", "a request, line or array", bytes(REQUEST_BYTES_MAX)),
        ("ARRAY_SWALLOW_BYTES_MAX", "a longer array that contactd still skips", bytes(ARRAY_SWALLOW_BYTES_MAX)),
        (
            "UNAUTHENTICATED_BYTES_MAX",
            "a request before the token, where one is needed",
            bytes(UNAUTHENTICATED_BYTES_MAX),
        ),
        ("UNAUTHENTICATED_MS_MAX", "time to give the token", seconds(UNAUTHENTICATED_MS_MAX)),
        ("WRONG_TOKEN_MS", "time until the reply to a wrong token", seconds(WRONG_TOKEN_MS)),
        ("HANDSHAKE_MS_MAX", "time for the TLS handshake", seconds(HANDSHAKE_MS_MAX)),
        ("CLIENTS_MAX", "clients", thousands(CLIENTS_MAX)),
        (
            "NEW_CLIENTS_A_SECOND_MAX",
            "new clients of one address in a second",
            thousands(NEW_CLIENTS_A_SECOND_MAX as usize),
        ),
        ("REPLY_BYTES_UNSENT_MAX", "replies that the client has not read", bytes(REPLY_BYTES_UNSENT_MAX)),
        ("WRITE_STALL_MS_MAX", "time in which a client takes no reply", seconds(WRITE_STALL_MS_MAX)),
        ("BURST_REQUESTS_MAX", "requests of one connection that run in one go", thousands(BURST_REQUESTS_MAX)),
        ("CHECK_PHONES_MAX", "phones in one CHECK", thousands(CHECK_PHONES_MAX)),
        ("LABELS_MAX", "labels of a contact", thousands(LABELS_MAX)),
        ("LABELS_BYTES_MAX", "label keys and values of a contact together", bytes(LABELS_BYTES_MAX)),
        ("LABEL_KEY_BYTES_MAX", "a label key", bytes(LABEL_KEY_BYTES_MAX)),
        ("INBOX_MESSAGES_MAX", "messages that wait in the INBOX", thousands(INBOX_MESSAGES_MAX)),
        ("CONTACT_LISTS_MAX", "ListContacts of one contact", thousands(CONTACT_LISTS_MAX)),
        ("LISTS_MAX", "lists in the store, removed ones included", thousands(LISTS_MAX)),
        ("LIST_NAME_BYTES_MAX", "the name of a list", bytes(LIST_NAME_BYTES_MAX)),
        ("TEXT_CHARS_MAX", "the text of an inbound message", format!("{} characters", thousands(TEXT_CHARS_MAX))),
        ("ID_BYTES_MAX", "an `id`, a `msg-id`, a `message`, a `code`", bytes(ID_BYTES_MAX)),
        ("FILTER_BYTES_MAX", "a filter", bytes(FILTER_BYTES_MAX)),
        ("FILTER_DEPTH_MAX", "parentheses inside parentheses in a filter", thousands(FILTER_DEPTH_MAX)),
        ("REMEMBERED_IDS_MAX", "ids remembered for one contact", thousands(REMEMBERED_IDS_MAX)),
        ("URL_BYTES_MAX", "the `url` of a click", bytes(URL_BYTES_MAX)),
        ("FEED_WAIT_MS_MAX", "WAIT of FEED", seconds(FEED_WAIT_MS_MAX)),
        ("PAGE_ITEMS_MAX", "items of one page, lists named in LISTS, days of TRENDS", thousands(PAGE_ITEMS_MAX)),
        ("PAGE_ITEMS_DEFAULT", "items of a page without LIMIT", thousands(PAGE_ITEMS_DEFAULT)),
        ("SOURCE_BYTES_MAX", "a `source`, a `reason`", bytes(SOURCE_BYTES_MAX)),
        ("EVIDENCE_BYTES_MAX", "the `evidence` of an opt-in", bytes(EVIDENCE_BYTES_MAX)),
        ("IMPORTED_TOTAL_MAX", "a total in IMPORT", thousands(usize::try_from(IMPORTED_TOTAL_MAX).expect("a number"))),
        ("RAW_PHONE_BYTES_MAX", "a phone number in NORMALIZE and IMPORT, as it is written", bytes(RAW_PHONE_BYTES_MAX)),
        (
            "CLOCK_ERROR_MS_MAX",
            "how far ahead of contactd's clock a date may be for OPTIN to lift an opt-out",
            seconds(CLOCK_ERROR_MS_MAX.unsigned_abs()),
        ),
        (
            "CLOCK_AHEAD_MS_MAX",
            "how far ahead it may be for START, RELEASE or VALID to lift anything",
            format!("{} s", thousands(usize::try_from(CLOCK_AHEAD_MS_MAX / 1_000).expect("a span"))),
        ),
        ("QUEUED_WRITES_MAX", "waiting writes, in each of the three queues", thousands(QUEUED_WRITES_MAX)),
        (
            "FSYNC_INTERVAL_MS",
            "time until a write that does not forbid is on disk, with `--fsync interval`",
            seconds(FSYNC_INTERVAL_MS),
        ),
        (
            "DISK_FREE_LOW_BYTES",
            "free disk space for writes that do not forbid",
            bytes(usize::try_from(DISK_FREE_LOW_BYTES).expect("a size")),
        ),
        (
            "DISK_FREE_MIN_BYTES",
            "free disk space for any write",
            bytes(usize::try_from(DISK_FREE_MIN_BYTES).expect("a size")),
        ),
        ("UNWRITTEN_FORBIDS_MAX", "facts that forbid in memory only", thousands(UNWRITTEN_FORBIDS_MAX)),
    ]
}

/// Limits that no client of the protocol can meet.
const LIMITS_INSIDE: [&str; 86] = [
    "JOB_ROWS_BESIDE_OTHERS",
    "IMPORT_REST",
    "IMPORT_REST_MS_MAX",
    "MEMTABLE_BYTES_MAX",
    "COMMON_LABELS_MIN",
    "COMMON_LABELS_LATELY",
    "COMMON_LABELS_AT_ONCE",
    "COMMON_LABELS_DUE_MAX",
    "PRINT_STEP",
    "TRAIL_BYTES_UNWRITTEN_MAX",
    "BACKUP_NAME_BYTES_MAX",
    "BACKUP_READ_BYTES",
    "TEE_BYTES_MAX",
    "BACKUP_REST",
    "CERTIFICATE_SOON_DAYS",
    "CERTIFICATE_SOON_PART",
    "NAME_OF_TOKEN_BYTES_MAX",
    "CLAIM_EVENTS_LOOKED_AT_MAX",
    "TREND_TALLIES_MAX",
    "RELOAD_LOOK_MS",
    "SCRAPERS_MAX",
    "SCRAPE_MS_MAX",
    "SCRAPE_HEAD_MS_MAX",
    "SCRAPE_HEAD_BYTES_MAX",
    "SCRAPE_FIELDS_MAX",
    "REPLY_BYTES_MAX",
    "REPLY_DEPTH_MAX",
    "VERB_BYTES_MAX",
    "REMEMBERED_IDS_MIN",
    "HISTORY_EVENTS_LOOKED_AT_MAX",
    "CLAIM_YOUNG_MINUTES",
    "TALLY_WINDOW_DAYS",
    "VALUE_BYTES_MAX",
    "BLOCK_CONTACTS",
    "RECORD_BYTES_APART",
    "PACK_EVENTS_MAX",
    "PACK_BYTES_CLOSE",
    "JOB_WRITES_MAX",
    "CONNECTION_JOBS_MAX",
    "BATCH_ROWS_MAX",
    "BATCH_WRITES_MAX",
    "BATCH_SHARE_MIN",
    "GATE_CHUNK_IDS",
    "POSTING_CHUNK_IDS",
    "JOURNAL_CHANGES_MAX",
    "JOURNAL_ENTRIES_MAX",
    "CONSOLE_HEAD_MS_MAX",
    "CONSOLE_REQUESTS_MAX",
    "HTTP_CONNECTIONS_MAX",
    "WEBHOOKS_MAX",
    "WEBHOOK_READ_MS_MAX",
    "WEBHOOK_BODY_BYTES_MAX",
    "SESSION_IDLE_MS_MAX",
    "SESSION_MS_MAX",
    "SESSIONS_MAX",
    "UPLOAD_BYTES_MAX",
    "UPLOADS_MAX",
    "IMPORTS_MAX",
    "CONSOLE_EXPORTS_MAX",
    "CONSOLE_TIDY_MS",
    "LEDGER_BATCH_BYTES_MAX",
    "JOURNAL_CUT_MIN",
    "SETTLED_POSTINGS_MIN",
    "DECODED_BYTES_A_CONTACT",
    "DECODED_BYTES_MIN",
    "COUNTED_FILTERS_MAX",
    "KEPT_FILTERS_MAX",
    "DIRECTORY_CHUNK_IDS",
    "PLAN_SAMPLE",
    "PLANS_KEPT",
    "PLAN_CHUNKS_STEP",
    "RENUMBER_STEP",
    "PURGE_CONTACTS_STEP",
    "ERASE_VALUES_STEP",
    "EXPIRE_VALUES_STEP",
    "EXPIRE_RECORDS_STEP",
    "CACHE_SHARE",
    "CACHE_BYTES_MIN",
    "CACHE_BYTES_MAX",
    "SEGMENT_BYTES",
    "CLEAN_EVERY_MS",
    "WAL_FILE_BYTES",
    "WAL_GROWTH_BYTES",
    "WEBHOOK_PARTED_MAX",
    "WEBHOOK_PARTED_MS_MAX",
    "WEBHOOK_PART_BYTES_MAX",
];

#[test]
fn limits_are_those_of_the_code() {
    let document = read(&protocol());
    let told: Vec<(String, String)> =
        table(&document, "## Limits", "limit").into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let limits = limits_of_clients();
    let real: Vec<(String, String)> =
        limits.iter().map(|(_, name, value)| ((*name).to_owned(), value.clone())).collect();
    assert_eq!(told, real);

    let source = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/limits.rs"));
    let all: BTreeSet<&str> =
        source.lines().filter_map(|line| Some(line.strip_prefix("pub const ")?.split_once(':')?.0)).collect();
    let known: BTreeSet<&str> = limits.iter().map(|(name, ..)| *name).chain(LIMITS_INSIDE).collect();
    let unknown: Vec<_> = all.difference(&known).collect();
    assert!(unknown.is_empty(), "can a client meet them? Then protocol.md tells it: {unknown:?}");
    let gone: Vec<_> = known.difference(&all).collect();
    assert!(gone.is_empty(), "no such limits: {gone:?}");
}

fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

// ------------------------------------------------------------------------------------------------- keys and words

#[test]
fn json_keys_are_those_that_are_taken() {
    let document = read(&protocol());
    let house = House::start(StopScope::List, NOON);
    let mut wire = house.connect();
    let told = |verb: &str| -> BTreeSet<String> {
        let is_of =
            |head: &str| head.strip_prefix("JSON key of ").is_some_and(|verbs| verbs.split(", ").any(|of| of == verb));
        codes(&tables(&document).into_iter().filter(|(_, head, _)| is_of(head)).flat_map(|t| t.2).collect::<Vec<_>>())
            .into_iter()
            .collect()
    };
    let with_json: Vec<_> = TABLE.iter().filter(|command| command.usage.contains("json")).collect();
    let mut call = |name: &str, usage: &str, json: &str| {
        let word = |word: &str| {
            match word {
                "list" | "list|*" => "24365",
                "phone" => "+14155550123",
                "msg-id" | "amount" => "1",
                "json" | "[json]" => json,
                "[list]" => "",
                other => panic!("what is {other}?"),
            }
            .to_owned()
        };
        wire.call(&format!("{name} {}", usage.split(' ').map(word).collect::<Vec<_>>().join(" ")))
    };
    // Every key that is told of any command, and every field that stands in the commands' sources.
    let mut candidates: BTreeSet<String> = with_json.iter().flat_map(|command| told(command.name)).collect();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/command");
    let entries = std::fs::read_dir(sources).expect("the commands").map(|entry| entry.expect("a file").path());
    for source in entries.filter(|path| path.is_file()) {
        let source = read(&source);
        let fields = source.lines().filter_map(|line| line.trim().trim_start_matches("pub ").split_once(": "));
        candidates.extend(fields.map(|(name, _)| name.to_owned()).filter(|name| is_key(name)));
    }
    for command in with_json {
        let mut taken = BTreeSet::new();
        for key in &candidates {
            let reply = call(command.name, command.usage, &format!(r#"{{"{key}":"x"}}"#));
            if !reply.contains("unknown field") && !reply.contains("unknown key") {
                taken.insert(key.clone());
            }
        }
        assert_eq!(told(command.name), taken, "the JSON keys of {}", command.name);
    }
}

fn is_key(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

#[test]
fn keys_of_replies_are_those_that_come() {
    let document = read(&protocol());
    let told = |head: &str| -> BTreeSet<String> {
        codes(&tables(&document).into_iter().filter(|table| table.1 == head).flat_map(|t| t.2).collect::<Vec<_>>())
            .into_iter()
            .collect()
    };
    let (mut contact, mut list) = (BTreeSet::new(), BTreeSet::new());
    let (mut lists, mut labels) = (BTreeSet::new(), BTreeSet::new());
    let (mut history, mut list_history, mut feed) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let (mut tombstone, mut plan, mut policy) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let (mut why, mut why_fact, mut unfence) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let daemon = with_tokens();
    let mut wire = daemon.connect();
    wire.call("AUTH admin-0123456789abcdef");
    let mut clients = BTreeSet::new();
    let (mut trends, mut claims, mut inbox) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let keys = |json: &serde_json::Value| -> Vec<String> {
        json.as_object().into_iter().flat_map(|fields| fields.keys().cloned()).collect()
    };
    for line in wire.call("CLIENTS").lines().filter(|line| line.starts_with("+{")) {
        clients.extend(keys(&serde_json::from_str(&line[1..]).expect("JSON")));
    }
    assert_eq!(told("key of a reply to CLIENTS"), clients, "CLIENTS");
    for path in documents() {
        let document = read(&path);
        for line in transcript_lines(&document).filter(|line| line.starts_with("+{")) {
            // An ellipsis may stand within a value, or for more than that.
            let json: serde_json::Value = match serde_json::from_str(&line[1..]) {
                Ok(json) => json,
                Err(why) => {
                    assert!(line.contains('…'), "{why}: {line}");
                    continue;
                }
            };
            if json.get("verdict").is_some() {
                why.extend(keys(&json));
                let behind = json["behind"].as_array().into_iter().flatten();
                behind.clone().for_each(|ground| why.extend(keys(ground)));
                behind.chain([&json]).for_each(|ground| why_fact.extend(keys(&ground["fact"])));
            } else if json.get("day").is_some() {
                trends.extend(keys(&json));
            } else if json.get("number").is_some() {
                inbox.extend(keys(&json));
            } else if json.get("id").is_some() && json.get("kind").is_none() {
                claims.extend(keys(&json));
            } else if json.get("change").is_some()
                || json.get("kind").is_some_and(|kind| kind == "scope") && json.get("position").is_none()
            {
                list_history.extend(keys(&json));
            } else if json.get("kind").is_some() {
                if json.get("position").is_some() { &mut feed } else { &mut history }.extend(keys(&json));
            } else if json.get("restored_at").is_some() {
                unfence.extend(keys(&json));
            } else if json.get("sample").is_some() {
                plan.extend(keys(&json));
            } else if json.get("keep_label").is_some() {
                policy.extend(keys(&json));
            } else if json.get("newest").is_some() {
                // BACKUP STATUS, whose row tells its keys.
            } else if json.get("state").is_some() {
                assert!(told("key of a reply to PURGE STATUS").is_superset(&keys(&json).into_iter().collect()));
            } else if json.get("phone_number").is_some() {
                let (gone, known) =
                    keys(&json).into_iter().partition(|key| key.starts_with("purged_") || key.starts_with("erased_"));
                tombstone.extend::<Vec<_>>(gone);
                contact.extend::<Vec<_>>(known);
                json["lists"].as_array().into_iter().flatten().for_each(|on| list.extend(keys(on)));
            } else if json.get("list").is_some() {
                lists.extend(keys(&json));
            } else {
                labels.extend(keys(&json));
            }
        }
    }
    assert_eq!(told("key of a reply to GET"), contact, "GET");
    assert_eq!(told("key of a list in a reply to GET"), list, "lists of GET");
    assert_eq!(told("key of a reply to LISTS"), lists, "LISTS");
    assert_eq!(told("key of a reply to LABELS"), labels, "LABELS");
    assert_eq!(told("key of a reply to HISTORY"), history, "HISTORY");
    assert_eq!(told("key of a reply to UNFENCE"), unfence, "UNFENCE");
    // No transcript has a store that was restored.
    list_history.insert("backup_at".to_owned());
    feed.insert("fenced".to_owned());
    assert_eq!(told("key of a reply to HISTORY *"), list_history, "HISTORY *");
    assert_eq!(told("key of a reply to FEED"), feed, "FEED");
    // No transcript has a purge that somebody with a name runs.
    tombstone.insert("purged_by".to_owned());
    assert_eq!(told("key of a reply to GET of a tombstone"), tombstone, "GET of a tombstone");
    assert_eq!(told("key of a reply to TRENDS"), trends, "TRENDS");
    assert_eq!(told("key of a reply to CLAIMS"), claims, "CLAIMS");
    assert_eq!(told("key of a reply to INBOX"), inbox, "INBOX");
    // No transcript has a disk that is full.
    why.insert("memory_only".to_owned());
    assert_eq!(told("key of a reply to WHY"), why, "WHY");
    assert_eq!(told("key of a fact in a reply to WHY"), why_fact, "the facts of WHY");
    assert_eq!(told("key of a reply to PURGE PLAN"), plan, "PURGE PLAN");
    assert_eq!(told("key of a reply to PURGE POLICY"), policy, "PURGE POLICY");
}

#[test]
fn stats_are_those_of_the_code() {
    if only_whole("STATS are the sums of all, and each partition has its own") {
        return;
    }
    let house = House::start(StopScope::List, NOON);
    let mut wire = house.connect();
    wire.call("CHECK 24365 +14155550123");
    let stats = stats::gather(&house.context()).expect("statistics");
    let row = |stat: &Stat| {
        let more = if stat.name.starts_with("requests_") { " …" } else { "" };
        [format!("`{}`{more}", stat.name), stat.value.kind().to_owned(), stat.help.to_string()]
    };
    let real: Vec<[String; 3]> = stats.iter().map(row).collect();
    let told = table(&read(&protocol()), "### `STATS`", "name");
    let rows = || real.iter().fold(String::new(), |text, row| text + &format!("| {} |\n", row.join(" | ")));
    assert!(told == real, "the table of STATS in protocol.md should be\n{}", rows());

    // Nothing has happened since but time, and others use the disk.
    let moving = ["+store_bytes ", "+uptime_seconds ", "+memory_bytes ", "+disk_free_bytes ", "+ledger_lease_seconds "];
    let moves = |line: &str| moving.iter().any(|name| line.starts_with(name));
    let expected: Vec<String> = stats.iter().map(|stat| format!("+{} {}", stat.name, stat.value)).collect();
    let reply = wire.call("STATS");
    let lines: Vec<&str> = reply.lines().skip(1).collect();
    assert_eq!(lines.len(), expected.len(), "{reply}");
    assert!(lines.iter().zip(&expected).all(|(line, expected)| line == expected || moves(line)), "{reply}");
}

#[test]
fn keywords_mean_what_is_told() {
    let document = read(&protocol());
    let house = House::start(StopScope::List, NOON);
    let mut wire = house.connect();
    wire.call("LIST 24365");
    for (n, row) in table(&document, "## Keywords", "a text").iter().enumerate() {
        let replies = codes(&[vec![row[2].clone()]]);
        for (m, word) in codes(std::slice::from_ref(row)).iter().enumerate() {
            let phone = format!("+1415555{:04}", 1000 + 100 * n + m);
            // A contact that was on the list is one that YES brings back; of a stranger it is a message.
            wire.call(&format!("OPTIN 24365 {phone}"));
            if row[1].starts_with("in") {
                wire.call(&format!("OPTOUT 24365 {phone}"));
            }
            let told = wire.call(&format!(r#"INBOUND 24365 {phone} {{"text":"{word}"}}"#));
            assert_eq!(Some(&told), replies.first(), "{word}");
        }
    }
}

/// What is taken when little disk is left, and from a number of no numbering plan.
#[test]
fn what_forbids_is_what_is_told() {
    let document = read(&protocol());
    let words = table(&document, "## Words", "word");
    let told = &words.iter().find(|row| row[0] == "to forbid").expect("the word")[1];
    let told: BTreeSet<&str> = told.split(|c: char| !c.is_ascii_uppercase()).filter(|word| word.len() > 1).collect();
    let claim = Statement::default;
    let meaning = Keywords::default().meaning("start");
    let [code, reason, source] = [const { String::new() }; 3];
    let failed = Failed { id: String::new(), at: None, failure: Failure::default(), code, reason, source };
    let changes = [
        ("PUT", Change::Put(Vec::new())),
        ("IMPORT", Change::Import(Box::default())),
        ("OPTIN", Change::OptIn(claim())),
        ("OPTOUT", Change::OptOut(claim())),
        ("SUPPRESS", Change::Suppress(claim())),
        ("RELEASE", Change::Release(claim())),
        ("INVALID", Change::Invalid(claim())),
        ("VALID", Change::Valid(claim())),
        (
            "INBOUND",
            Change::Inbound(Inbound {
                at: None,
                given: None,
                undated: false,
                id: String::new(),
                text: String::new(),
                meaning,
            }),
        ),
        ("CLAIM", Change::Claim(String::new())),
        ("SENT", Change::Sent(Sent { id: String::new(), at: None })),
        ("FAILED", Change::Failed(failed)),
    ];
    let mut real: BTreeSet<&str> =
        changes.iter().filter(|(_, change)| change.forbids()).map(|(verb, _)| *verb).collect();
    // A pause; and an erasure, which opts out and is no write that waits.
    let number = ListNumber::parse(b"24365").expect("a list");
    let pause = |paused| change::Write::List { number, name: None, paused: Some(paused) };
    assert!(pause(true).forbids() && !pause(false).forbids());
    real.extend(["LIST", "ERASE"]);
    assert_eq!(told, real);
}

/// The rows of the table under a heading that begins with a head, without the head.
fn table(document: &str, heading: &str, head: &str) -> Vec<Vec<String>> {
    let found = tables(document).into_iter().find(|table| table.0 == heading && table.1 == head);
    found.unwrap_or_else(|| panic!("no table '{head}' under '{heading}'")).2
}

/// Every table: the heading it stands under, its first head, its rows.
fn tables(document: &str) -> Vec<(String, String, Vec<Vec<String>>)> {
    let mut found: Vec<(String, String, Vec<Vec<String>>)> = Vec::new();
    let (mut heading, mut inside, mut code) = ("", false, false);
    for line in document.lines() {
        code ^= line.starts_with("```");
        if code {
            continue;
        }
        if line.starts_with('#') {
            heading = line;
        }
        let Some(cells) = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')) else {
            inside = false;
            continue;
        };
        let cells: Vec<String> =
            cells.replace("\\|", "\0").split('|').map(|cell| cell.trim().replace('\0', "|")).collect();
        if !inside {
            found.push((heading.to_owned(), cells[0].clone(), Vec::new()));
            inside = true;
        } else if cells[0].chars().any(|c| c != '-')
            && let Some(table) = found.last_mut()
        {
            table.2.push(cells);
        }
    }
    found
}

/// What stands in backticks in the first cells of rows.
fn codes(rows: &[Vec<String>]) -> Vec<String> {
    rows.iter().flat_map(|row| row[0].split('`').skip(1).step_by(2).map(ToOwned::to_owned)).collect()
}
