//! Rows out, replies in, at the same time: one thread reads the file and sends, another one receives and counts. Between
//! them stands a short queue of batches, which is all that is kept of a file of any size.

use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use memchr::memchr2;
use serde_json::Value;

use super::fault::Fault;
use super::progress::Progress;
use super::refusal::{Declined, Refusal, Refused};
use super::rejects::{self, Rejected, Rejects};
use super::report::Report;
use super::request;
use super::row::{Asked, Rows};
use super::withheld::{Key, Withheld};
use crate::client::{Client, Reply, ReplyReceiver, RequestSender};
use crate::error::{Error, Result};
use crate::import::read::dialect::{Dialect, has_rows, reader};
use crate::import::read::objects::{self, Keys};
use crate::import::read::records::{Block, Records, lines, lines_before};
use crate::model::phone::Phone;

/// Batches that wait for their replies: some thousands of rows.
const BATCHES_IN_FLIGHT: usize = 12;
/// Requests about phones with a yes and a no that wait for their replies.
const REQUESTS_IN_FLIGHT: usize = 500;
/// What a person should know who imports rejected rows.
const REJECTED_BEFORE: &str = "these rows were rejected before: a blank under a heading of consent is no yes, and a row whose reason \
                               says short_row, as_optout or as_invalid is still that; empty its reason when you have mended it";

/// What a person should know who imports a trail, in a hurry after a loss.
const OF_A_TRAIL: &str = "this is a trail: an import takes what its lines forbid, but does not see whether lines of it are gone or changed, and \
                          a fence does not count what it brings back: compare its newest line with the moment of the loss. contactd \
                          restore --replay, or a start with it as --trail, sees and counts all of that";

/// What is imported, and how it is told.
pub struct Import<P> {
    pub records: Records,
    pub dialect: Dialect,
    pub keys: Keys,
    pub rows: Rows,
    pub rejects: Option<Rejects>,
    pub progress: P,
    /// Of the first rows, shows what was asked and answered.
    pub show: Option<Show>,
}

/// How many of the first rows to show, and how.
#[derive(Clone, Copy)]
pub struct Show {
    /// How many rows it is called for.
    pub rows: usize,
    /// Called with a row's phone and its reply.
    pub print: fn(&str, &Reply),
}

/// A block that was sent, and what of it was asked.
struct Batch {
    block: Block,
    entries: Vec<Entry>,
    shown: Vec<String>,
    /// What one calls the columns that no batch before it had.
    headings: Vec<String>,
}

/// A row of a batch.
struct Entry {
    start: usize,
    end: usize,
    fate: Fate,
}

enum Fate {
    Asked(Asked),
    Refused(Refused),
}

impl<P: Progress> Import<P> {
    /// Sends all rows and waits for all replies. The report is complete up to where an error ended it. Gives the lists
    /// that rows were for.
    pub fn run(self, client: Client, report: &mut Report) -> Result<Vec<String>> {
        let Import { records, dialect, keys, rows, rejects, progress, show } = self;
        report.import_id.clone_from(rows.import_id());
        let (requests, replies) = client.split();
        let (batches, sent) = sync_channel(BATCHES_IN_FLIGHT);
        let unshown = show.map_or(0, |show| show.rows);
        let mut sender =
            Sender { records, dialect, keys, rows, requests, unshown, named: 0, section: None, ended: None };
        let withheld = Withheld::default();
        let mut counter = Counter { replies, dialect, headings: Vec::new(), rejects, progress, report, withheld, show };
        let (received, sending) = std::thread::scope(|scope| {
            let receiving = scope.spawn(|| {
                let received = counter.count_all(sent);
                counter.progress.finish();
                received.and(counter.rejects.take().map_or(Ok(()), Rejects::finish))
            });
            // The queue ends with the sending, so that whoever receives learns that nothing follows.
            let sending = sender.send_all(batches);
            let received = receiving.join().unwrap_or_else(|_| Err(Error::internal("a thread has panicked")));
            (received, sending)
        });
        // Whatever ended the sending, the rows that were answered count.
        let received = received.and_then(|()| counter.take_back(&sender.rows, &mut sender.requests));
        report.columns = sender.rows.columns.told();
        report.warnings.extend(sender.records.warnings());
        report.warnings.extend(sender.rows.columns.warnings());
        if sender.rows.columns.is_rejects {
            report.warnings.push(REJECTED_BEFORE.to_owned());
        }
        if sender.rows.columns.are_of_trail() {
            report.warnings.push(OF_A_TRAIL.to_owned());
        }
        report.finish();
        // When a reply ends it, the sender only sees that nobody is there any more.
        received.and(sending).map(|()| sender.rows.lists().to_vec())
    }
}

/// Reads and sends.
struct Sender {
    records: Records,
    dialect: Dialect,
    keys: Keys,
    rows: Rows,
    requests: RequestSender,
    unshown: usize,
    /// So many columns the batches have told what one calls them.
    named: usize,
    /// The line of a row that may be the title of the rows below it, and the row's refusal.
    section: Option<(u64, Refusal)>,
    /// Why nothing more is sent.
    ended: Option<Error>,
}

impl Sender {
    fn send_all(&mut self, batches: SyncSender<Batch>) -> Result<()> {
        let mut requests = Vec::new();
        while let Some(block) = self.records.next()? {
            requests.clear();
            let batch = self.batch(block, &mut requests);
            if batches.send(batch).is_err() {
                return Ok(());
            }
            let sent = self.requests.write(&requests).and_then(|()| self.requests.flush());
            if sent.is_err() {
                self.requests.hang_up();
                return sent;
            }
            if let Some(why) = self.ended.take() {
                return Err(why);
            }
        }
        Ok(())
    }

    /// Makes the requests of a block's rows.
    fn batch(&mut self, block: Block, requests: &mut Vec<u8>) -> Batch {
        let mut batch = Batch { block, entries: Vec::new(), shown: Vec::new(), headings: Vec::new() };
        match self.dialect {
            Dialect::Csv { delimiter } if batch.block.broken => {
                let refused = self.rows.refuse_line(&batch.block.text, delimiter, requests);
                batch.entries.push(Entry { start: 0, end: batch.block.text.len(), fate: Fate::Refused(refused) });
            }
            Dialect::Csv { delimiter } => self.table(delimiter, &mut batch, requests),
            Dialect::Ndjson => self.objects(&mut batch, requests),
        }
        let columns = &self.rows.columns;
        batch.headings.extend((self.named..columns.len()).map(|at| columns.name(at)));
        self.named = columns.len();
        batch
    }

    fn table(&mut self, delimiter: u8, batch: &mut Batch, requests: &mut Vec<u8>) {
        let text = std::mem::take(&mut batch.block.text);
        let mut rows = reader(text.as_bytes(), delimiter);
        let mut row = csv::StringRecord::new();
        let place = |rows: &csv::Reader<&[u8]>| rows.position().byte() as usize;
        loop {
            let start = place(&rows);
            match rows.read_record(&mut row) {
                Ok(true) => {}
                // The text is UTF-8 and in memory, and rows may have any number of cells.
                Ok(false) | Err(_) => break,
            }
            let (from, end) = (requests.len(), place(&rows));
            let written = match opened_by_mistake(&row, &text[start..end], delimiter) {
                Some(line) => {
                    let why = Refusal::RowsInQuotes(batch.block.first_line + lines(&text[..start]) + line);
                    Err(self.rows.refuse_lines(why, &text[start..end], delimiter, requests))
                }
                None => {
                    self.rows.is_strange = batch.block.is_strange(start..end);
                    self.rows.write(row.iter().enumerate(), None, requests)
                }
            };
            if let Err(Refused { why: why @ Refusal::Section(_), .. }) = &written
                && self.section.is_none()
            {
                self.section = Some((batch.block.first_line + lines_before(&text, start), why.clone()));
            } else if let (Ok(Some(_)), Some((line, why))) = (&written, &self.section) {
                self.ended = Some(Error::bad_arg(format!("line {line}: {}", why.advice())));
                requests.truncate(from);
                break;
            }
            self.enter(start..end, written, &requests[from..], batch);
        }
        batch.block.text = text;
    }

    fn objects(&mut self, batch: &mut Batch, requests: &mut Vec<u8>) {
        let mut cells = Vec::new();
        let mut start = 0;
        let text = std::mem::take(&mut batch.block.text);
        for line in text.split_inclusive('\n') {
            let end = start + line.len();
            let (rows, wrong) = if line.trim().is_empty() { (Vec::new(), None) } else { objects::rows(line) };
            if let Some(why) = wrong.as_ref().filter(|_| rows.is_empty()) {
                self.enter(start..end, Err(why.clone().into()), &[], batch);
            }
            for row in rows {
                let from = requests.len();
                let wrong = wrong.clone().or_else(|| self.held_before(&row));
                self.keys.cells(&row, &mut self.rows.columns, &mut cells);
                let cells = cells.iter().map(|(at, cell)| (*at, cell.as_str()));
                self.rows.is_strange = batch.block.is_strange(start..end);
                let written = self.rows.write(cells, wrong, requests);
                self.enter(start..end, written, &requests[from..], batch);
            }
            start = end;
        }
        batch.block.text = text;
    }

    /// What holds of an earlier refusal of an object.
    fn held_before(&self, object: &[(String, Value)]) -> Option<Refusal> {
        if !self.rows.columns.is_rejects {
            return None;
        }
        rejects::still_holds(rejects::old_reason(object)?, self.rows.forbid())
    }

    fn enter(
        &mut self,
        Range { start, end }: Range<usize>,
        written: std::result::Result<Option<Asked>, Refused>,
        request: &[u8],
        batch: &mut Batch,
    ) {
        let fate = match written {
            Ok(None) => return,
            Ok(Some(asked)) => Fate::Asked(asked),
            Err(why) => Fate::Refused(why),
        };
        if self.unshown > 0 && matches!(fate, Fate::Asked(_)) {
            self.unshown -= 1;
            batch.shown.push(String::from_utf8_lossy(request.trim_ascii_end()).into_owned());
        }
        batch.entries.push(Entry { start, end, fate });
    }
}

/// How many lines into the text of a record a quote is opened that has swallowed rows.
fn opened_by_mistake(row: &csv::StringRecord, text: &str, delimiter: u8) -> Option<u64> {
    // Few rows have several lines.
    memchr2(b'\n', b'\r', text.trim_ascii().as_bytes())?;
    let at = row.iter().position(|cell| has_rows(cell, delimiter))?;
    let before = text.len() - text.trim_start_matches(['\r', '\n']).len();
    Some(lines(&text[..before]) + row.iter().take(at).map(lines).sum::<u64>())
}

/// Receives and counts.
struct Counter<'r, P> {
    replies: ReplyReceiver,
    dialect: Dialect,
    headings: Vec<String>,
    rejects: Option<Rejects>,
    progress: P,
    report: &'r mut Report,
    withheld: Withheld,
    show: Option<Show>,
}

impl<P: Progress> Counter<'_, P> {
    fn count_all(&mut self, batches: Receiver<Batch>) -> Result<()> {
        for mut batch in &batches {
            self.headings.append(&mut batch.headings);
            if let Err(why) = self.count_batch(&batch) {
                // A sender that waits for room in the connection learns of it, too.
                self.replies.hang_up();
                return Err(why);
            }
            self.progress.update(self.report);
        }
        Ok(())
    }

    fn count_batch(&mut self, batch: &Batch) -> Result<()> {
        let Block { text, first_line, broken, .. } = &batch.block;
        let mut shown = batch.shown.iter();
        let (mut at, mut line) = (0, *first_line);
        for entry in &batch.entries {
            self.report.rows += 1;
            let fault = match &entry.fate {
                Fate::Refused(refused) => {
                    let refusals = self.refusals(refused.asked)?;
                    self.refusals(refused.tried)?;
                    let taken = refused.taken && refusals.is_none();
                    self.report.taken += u64::from(taken);
                    self.report.lost += u64::from(refused.forbids && !taken);
                    let declined = refused.declined.map(|declined| self.decline(declined)).transpose()?;
                    let why = declined.flatten().unwrap_or_else(|| refused.why.clone());
                    Some(Fault { why, column: refused.column })
                }
                Fate::Asked(asked @ Asked { phone_at, others, .. }) => {
                    let reply = self.replies.receive()?;
                    if let (Some(show), Some(request)) = (self.show, shown.next()) {
                        (show.print)(request, &reply);
                    }
                    match (self.refusals(*others)?, &reply) {
                        // It is taken from the phone, and not from another one of the row.
                        (Some(why), Reply::Text(_)) => {
                            self.report.taken += 1;
                            Some(why.into())
                        }
                        _ => self
                            .count(reply, asked)?
                            .map(|why| Fault { column: phone_at.filter(|_| why.is_of_phone()), why }),
                    }
                }
            };
            let Some(fault) = fault else { continue };
            // A record may begin with the end of the line before it.
            let start = entry.start + text[entry.start..].bytes().take_while(|b| matches!(b, b'\r' | b'\n')).count();
            let row = &text[start..entry.end];
            let heading = fault.column.and_then(|at| self.headings.get(at));
            self.report.reject(&fault, || self.dialect.cell(row, fault.column?, heading?));
            if let Some(rejects) = &mut self.rejects {
                line += lines(&text[at..start]);
                at = start;
                let (code, column) = (fault.why.code(), heading.map(String::as_str));
                rejects.add(&Rejected { text: row, line, code, column, broken: *broken })?;
            }
        }
        Ok(())
    }

    /// Receives so many replies to what forbids alone. Gives why one of them was not taken, if one was not.
    fn refusals(&mut self, many: usize) -> Result<Option<Refusal>> {
        let mut first = None;
        for _ in 0..many {
            if let Reply::Error(error) = self.replies.receive()? {
                let (why, taken) = Refusal::of_reply(&error).ok_or_else(|| ended(&error))?;
                first = first.or(Some(why).filter(|_| !taken));
            }
        }
        Ok(first)
    }

    /// Notes that no other row may subscribe phones. Gives the row's refusal, if another row says something else of one of them.
    fn decline(&mut self, Declined { doubt, list, asked }: Declined) -> Result<Option<Refusal>> {
        let mut is_both = false;
        for _ in 0..asked {
            match self.replies.receive()? {
                Reply::Text(phone) => {
                    let key = Phone::parse(phone.as_bytes()).map(|phone| Key::new(phone, list));
                    is_both |= key.is_some_and(|key| self.withheld.doubt(key, doubt));
                }
                Reply::Error(error) => drop(Refusal::of_reply(&error).ok_or_else(|| ended(&error))?),
                other => return Err(Error::internal(format!("an unexpected reply to a phone: {other}"))),
            }
        }
        self.report.taken += u64::from(is_both);
        Ok(is_both.then_some(Refusal::YesAndNo))
    }

    /// Opts out the phones of which one row says no and another one something else; where nobody knows whether a refused row says
    /// no, those that this import has put on the list.
    fn take_back(&mut self, rows: &Rows, requests: &mut RequestSender) -> Result<()> {
        if self.report.dry_run {
            return Ok(());
        }
        let both = std::mem::take(&mut self.withheld.both);
        self.opt_out(&both, "one row says no, and another one does not", rows, requests)?;
        let perhaps = std::mem::take(&mut self.withheld.perhaps);
        for some in perhaps.chunks(REQUESTS_IN_FLIGHT) {
            let subscribed = self.subscribed_here(some, rows, requests)?;
            self.opt_out(&subscribed, "another row was refused, and may say no", rows, requests)?;
        }
        Ok(())
    }

    fn opt_out(&mut self, keys: &[Key], why: &str, rows: &Rows, requests: &mut RequestSender) -> Result<()> {
        for some in keys.chunks(REQUESTS_IN_FLIGHT) {
            let mut bytes = Vec::new();
            for key in some {
                if let Some(phone) = key.phone() {
                    rows.write_opt_out(key.list(), phone, why, &mut bytes);
                }
            }
            requests.write(&bytes).and_then(|()| requests.flush())?;
            if let Some(why) = self.refusals(some.len())? {
                return Err(Error::internal(why.advice()));
            }
        }
        Ok(())
    }

    /// Of some phones, those that this import has subscribed.
    fn subscribed_here(&mut self, keys: &[Key], rows: &Rows, requests: &mut RequestSender) -> Result<Vec<Key>> {
        let mut bytes = Vec::new();
        for phone in keys.iter().filter_map(|key| key.phone()) {
            request::ask_subscriptions(phone, &mut bytes);
        }
        requests.write(&bytes).and_then(|()| requests.flush())?;
        let mut subscribed = Vec::new();
        for key in keys {
            let is_here = match self.replies.receive()? {
                Reply::Array(items) => {
                    let list = &rows.lists()[usize::from(key.list())];
                    let is_one = |item: &Reply| matches!(item, Reply::Text(item) if request::is_subscription(item, list, rows.import_id()));
                    items.iter().any(is_one)
                }
                Reply::Error(error) => return Err(ended(&error)),
                _ => false,
            };
            subscribed.extend(is_here.then_some(*key));
        }
        Ok(subscribed)
    }

    /// Counts what became of a row; gives why it was refused, if it was.
    fn count(&mut self, reply: Reply, asked: &Asked) -> Result<Option<Refusal>> {
        let text = match reply {
            Reply::Text(text) => text,
            Reply::Error(error) => {
                let (why, taken) = Refusal::of_reply(&error).ok_or_else(|| ended(&error))?;
                self.report.taken += u64::from(taken);
                self.report.lost += u64::from(asked.forbids && !taken);
                return Ok(Some(why));
            }
            other => return Err(Error::internal(format!("an unexpected reply to a row: {other}"))),
        };
        let mut words = text.split(' ');
        let word = words.next().unwrap_or_default();
        let phone = if self.report.dry_run { Some(word) } else { words.next() };
        let phone = phone.and_then(|phone| Phone::parse(phone.as_bytes()));
        let key = phone.map(|phone| Key::new(phone, asked.list));
        let is_new = key.is_none_or(|key| self.withheld.see(key));
        if let Some(why) = key.filter(|_| !asked.forbids).and_then(|key| self.withheld.keeps(key, is_new)) {
            self.report.taken += u64::from(why == Refusal::YesAndNo);
            return Ok(Some(why));
        }
        let report = &mut *self.report;
        match word {
            _ if !is_new => report.duplicate += 1,
            _ if report.dry_run => report.readable += 1,
            "created" => report.created += 1,
            "updated" => report.updated += 1,
            "unchanged" => report.unchanged += 1,
            "kept" => *report.kept.entry(words.next().unwrap_or_default().to_owned()).or_default() += 1,
            _ => return Err(Error::internal(format!("an unexpected reply to a row: {text}"))),
        }
        Ok(None)
    }
}

/// An error that ends the import: what to do about it.
pub fn ended(error: &str) -> Error {
    let advice = match error.split(' ').next().unwrap_or_default() {
        "NOAUTH" | "NOPERM" => "put a token for writing into CONTACTD_TOKEN",
        "READONLY" => "the daemon's disk is full: free space there",
        "BUSY" | "LOADING" | "DRAINING" | "STANDBY" => "the daemon is not ready: wait a moment",
        _ => "see the daemon's log",
    };
    Error::internal(format!("{error}; {advice}"))
}
