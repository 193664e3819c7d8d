//! Imports: a file in pieces of any length is imported as in one piece, every row is told once, and who stands in it as opted
//! out is subscribed by none of its rows, whatever stands around the row.
//!
//! The lowest bit of an input's first byte chooses what the rest is: a file, or what stands around the row of an opt-out in a
//! file with known headings. The bits above it are what a person says of the file.

use std::collections::BTreeMap;
use std::io::Read;

use contactd::error::Error;
use contactd::import::{AllAre, Options, Report, Sheet, Source};
use contactd::model::phone::Phone;

use super::daemon::{self, Asked};
use super::{chosen, pieces};

/// 2026-05-01T12:00:00Z.
const NOW: i64 = 1_777_636_800_000;
const LIST: &str = "+14155550100";
/// Who opted out.
const OUT: &str = "+14155559876";
const OUT_END: &[u8] = b"9876";
/// How people write that.
const OUT_WORDS: [&str; 12] = [
    "opted_out",
    "Opted Out",
    "OPT-OUT",
    "unsubscribed",
    "Unsubscribe",
    "STOP",
    "stopped",
    "do not text",
    "opt_out",
    " unsubscribed ",
    "\"opted out\"",
    "\"STOP\"",
];
/// A heading under which that may stand, known by its name, and what else may stand beside it.
const HEADINGS: [&str; 6] = [
    "phone,status,first_name",
    "status,phone,first_name",
    "phone,first_name,status",
    "phone,sms status,first_name,last_name",
    "phone,subscription status,consent,first_name",
    "phone,status,opted_out_at,list",
];

pub fn run(input: &[u8]) {
    let (choice, rest) = chosen(input);
    let options = options(choice >> 1);
    if choice % 2 == 0 {
        import(rest, &options);
        return;
    }
    let (kind, rest) = chosen(rest);
    let (place, rest) = chosen(rest);
    let sheet = around(kind, place, rest);
    if let Some(told) = import(&sheet, &options) {
        let out = Phone::parse(OUT.as_bytes()).expect("a phone");
        let is_in = told.asked.subscribed.get(&out);
        // Only a quote that is opened before it can make another thing of the row, which is told then.
        let is_swallowed = rest.contains(&b'"');
        let digits: Vec<u8> = rest.iter().copied().filter(u8::is_ascii_digit).collect();
        let is_there_twice = digits.windows(OUT_END.len()).any(|digits| digits == OUT_END);
        assert!(is_in != Some(&true) || (is_swallowed && is_there_twice), "{}", String::from_utf8_lossy(&sheet));
        if !is_swallowed && !options.dry_run && told.ended.is_none() {
            assert_eq!(is_in, Some(&false), "{}", String::from_utf8_lossy(&sheet));
        }
    }
}

/// What a person says of a file.
fn options(bits: usize) -> Options {
    let is = |bit: usize| bits >> bit & 1 != 0;
    Options {
        list: Some(LIST.to_owned()),
        region: is(3).then(|| "US".to_owned()),
        no_sections: !is(1),
        map: if is(0) { Vec::new() } else { vec!["*=ignore".to_owned()] },
        labels: if is(0) && is(4) { vec!["*".to_owned()] } else { Vec::new() },
        all_are: match bits >> 5 & 3 {
            1 => Some(AllAre::Optout),
            2 => Some(AllAre::Subscribe),
            _ => None,
        },
        dry_run: is(2),
        ..Options::default()
    }
}

/// A file with the row of an opt-out somewhere in it.
fn around(kind: usize, place: usize, around: &[u8]) -> Vec<u8> {
    let (heading, word) = (HEADINGS[kind % HEADINGS.len()], OUT_WORDS[kind / HEADINGS.len() % OUT_WORDS.len()]);
    let cells = heading.split(',').map(|name| match name {
        "phone" => OUT,
        "status" | "sms status" | "subscription status" => word,
        _ => "",
    });
    let row = cells.collect::<Vec<_>>().join(",") + "\n";
    let (before, behind) = around.split_at(place % (around.len() + 1));
    let line_end: &[u8] = if before.is_empty() || before.ends_with(b"\n") { b"" } else { b"\n" };
    [heading.as_bytes(), b"\n", before, line_end, row.as_bytes(), behind].concat()
}

/// How an import ended.
#[derive(Debug, PartialEq)]
struct Told {
    asked: Asked,
    rows: u64,
    fates: [u64; 7],
    rejected: BTreeMap<&'static str, (u64, String)>,
    ended: Option<Error>,
}

/// Imports a file, in one piece and in many; none if a question is open.
fn import(file: &[u8], options: &Options) -> Option<Told> {
    let told = import_pieces(vec![file.to_vec()], options);
    assert_eq!(told, import_pieces(pieces(file).map(<[u8]>::to_vec).collect(), options), "in pieces");
    let asked = &told.as_ref()?.asked;
    assert!(options.all_are != Some(AllAre::Optout) || asked.subscribed.values().all(|is_in| !is_in), "{asked:?}");
    assert!(!options.dry_run || asked.requests.iter().all(|words| words[0] == "NORMALIZE"), "{asked:?}");
    told
}

fn import_pieces(pieces: Vec<Vec<u8>>, options: &Options) -> Option<Told> {
    let source = Source::open(Box::new(Pieces(pieces.into_iter(), Vec::new())), None).ok()?;
    let sheet = Sheet::open(source, None, options, "contacts.csv", NOW).ok()?;
    if !sheet.questions(false).is_empty() {
        return None;
    }
    let (client, daemon) = daemon::client();
    let mut report = Report::new(options.dry_run);
    let ended = sheet.import(client, None, (), None, &mut report).err();
    let asked = daemon.join().expect("the daemon understands what it is asked");
    let kept = report.kept.values().sum();
    let fates =
        [report.created, report.updated, report.unchanged, report.duplicate, kept, report.rejected(), report.readable];
    if let Some(why) = &ended {
        assert!(!why.message.contains("panicked"), "{why}");
    } else {
        assert_eq!(report.rows, fates.iter().sum::<u64>(), "every row is told once");
    }
    let rejected = report.rejected.into_iter().map(|(why, of)| (why, (of.rows, of.advice))).collect();
    Some(Told { asked, rows: report.rows, fates, rejected, ended })
}

/// A file that comes in pieces.
struct Pieces(std::vec::IntoIter<Vec<u8>>, Vec<u8>);

impl Read for Pieces {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        if self.1.is_empty() {
            self.1 = self.0.next().unwrap_or_default();
        }
        let taken = self.1.len().min(to.len());
        to[..taken].copy_from_slice(&self.1[..taken]);
        self.1.drain(..taken);
        Ok(taken)
    }
}
