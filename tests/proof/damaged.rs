//! Files of a stopped contactd that are not as it left them: a bit, a page, the end of a file, a file that is gone, or one
//! of an earlier day. Whoever starts on them is told, or is served, and never gets a yes that an opt-out forbids. The same
//! of backups, none of which is taken as whole.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::crowd::{Crowd, Promise, wait_for_answers};
use crate::daemon::{Process, program};
use crate::plain::facts::Scope;
use crate::prove::{Random, Round, prove};
use crate::wire::Wire;

/// Damaged copies of one store, and of one backup.
const COPIES: usize = 12;
const BACKUPS: usize = 20;
/// Parts of a file that disks lose as a whole.
const SECTORS: [usize; 3] = [1, 512, 4096];
/// What a start reads lies at the ends of files: their heads, and what was written last.
const END_BYTES: usize = 8 * 1024;

/// The files of a directory by their paths below it.
type Files = BTreeMap<PathBuf, Vec<u8>>;

fn read(dir: &Path) -> Files {
    fn walk(dir: &Path, below: &Path, files: &mut Files) {
        for entry in fs::read_dir(dir).expect("a directory").flatten() {
            let (path, name) = (entry.path(), below.join(entry.file_name()));
            if path.is_dir() {
                walk(&path, &name, files);
            } else {
                files.insert(name, fs::read(&path).expect("a file"));
            }
        }
    }
    let mut files = Files::new();
    walk(dir, Path::new(""), &mut files);
    files
}

/// Makes a directory have these files. Those that it has already stay the same files, so that it is no copy.
fn write(dir: &Path, files: &Files) {
    for name in read(dir).keys().filter(|name| !files.contains_key(*name)) {
        fs::remove_file(dir.join(name)).expect("removed");
    }
    for (name, bytes) in files {
        fs::create_dir_all(dir.join(name).parent().expect("a directory")).expect("made");
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(dir.join(name));
        file.and_then(|mut file| file.write_all(bytes)).expect("written");
    }
}

/// One damage, and what is said of it.
enum Damage {
    Bytes { what: &'static str, at: usize, length: usize },
    Cut { length: usize },
    Deleted,
    Older,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Damage::Bytes { what, at, length } => write!(f, "{length} bytes at {at}: {what}"),
            Damage::Cut { length } => write!(f, "cut to {length} bytes"),
            Damage::Deleted => f.write_str("deleted"),
            Damage::Older => f.write_str("an older version"),
        }
    }
}

/// Somewhere in a file, as often near its ends as elsewhere.
fn place(length: usize, random: &mut Random) -> usize {
    match random.below(4) {
        0 => random.below(length.min(END_BYTES)),
        1 => length - 1 - random.below(length.min(END_BYTES)),
        _ => random.below(length),
    }
}

/// Changes bytes, and says how. None if they stay as they are.
fn change(bytes: &mut Vec<u8>, random: &mut Random) -> Option<Damage> {
    if bytes.is_empty() {
        return None;
    }
    let before = bytes.clone();
    let at = place(bytes.len(), random);
    let damage = match random.below(8) {
        0..3 => {
            bytes[at] ^= 1 << random.below(8);
            Damage::Bytes { what: "a bit", at, length: 1 }
        }
        kind @ 3..7 => {
            let size = *random.pick(&SECTORS);
            let at = at / size * size;
            let end = bytes.len().min(at + size);
            let other = place(bytes.len(), random) / size * size;
            let what = match kind {
                3 => {
                    bytes[at..end].fill(0);
                    "zeros"
                }
                4 => {
                    bytes[at..end].fill(0xff);
                    "ones"
                }
                5 => {
                    bytes[at..end].fill_with(|| random.next().to_le_bytes()[0]);
                    "random"
                }
                _ => {
                    let length = (end - at).min(bytes.len() - other);
                    let (one, two) = (bytes[at..at + length].to_vec(), bytes[other..other + length].to_vec());
                    bytes[at..at + length].copy_from_slice(&two);
                    bytes[other..other + length].copy_from_slice(&one);
                    "exchanged with others"
                }
            };
            Damage::Bytes { what, at, length: end - at }
        }
        _ => {
            let length = if random.one_in(6) { 0 } else { at };
            bytes.truncate(length);
            Damage::Cut { length }
        }
    };
    (*bytes != before).then_some(damage)
}

/// Damages one of the files, of which some have an older version.
fn damage(files: &mut Files, older: &Files, random: &mut Random) -> (PathBuf, Damage) {
    let names: Vec<PathBuf> = files.keys().cloned().collect();
    loop {
        // The log of the store is by far the largest.
        let log = PathBuf::from("store/db");
        let name = if random.one_in(2) { log } else { random.pick(&names).clone() };
        let found = match random.below(12) {
            0 => files.remove(&name).map(|_| Damage::Deleted),
            1 => older.get(&name).filter(|bytes| files[&name] != **bytes).map(|bytes| {
                files.insert(name.clone(), bytes.clone());
                Damage::Older
            }),
            _ => change(files.get_mut(&name).expect("it is there"), random),
        };
        if let Some(found) = found {
            return (name, found);
        }
    }
}

/// So much that sled has begun several of its segments since the start.
fn fill(wire: &mut Wire, megabytes: usize, random: &mut Random) {
    for _ in 0..megabytes {
        let rows: Vec<String> = (0..400)
            .map(|n| {
                let label = [(); 160].map(|()| format!("{:016x}", random.next())).concat();
                format!("PUT +14159{:06} {{\"labels\":{{\"text\":\"{label}\"}}}}", 500_000 + n)
            })
            .collect();
        let told = wire.call_all(&rows);
        assert!(told.iter().all(|told| told == "+created" || told == "+updated"), "{told:?}");
    }
}

/// A store that was written to in two runs, the second of which was longer than what sled looks at as an end that a power
/// cut may have torn, with the files as they were between the two.
fn filled(data: &Path, round: &mut Round<'_>) -> (Crowd, Files) {
    let mut process = Process::start(data, &[]);
    let mut wire = process.connect();
    let mut crowd = Crowd::begin(&mut wire, Scope::List, Promise::Everything, &mut round.random);
    crowd.write(&process.address.clone(), |acknowledged| wait_for_answers(acknowledged, 500));
    assert!(process.terminate().success(), "{}", process.log());
    let older = read(data);

    let mut process = Process::start(data, &[]);
    let mut wire = process.connect();
    for _ in 0..3 {
        crowd.write(&process.address.clone(), |acknowledged| wait_for_answers(acknowledged, 500));
        fill(&mut wire, if round.is_long { 8 } else { 3 }, &mut round.random);
    }
    crowd.write(&process.address.clone(), |acknowledged| wait_for_answers(acknowledged, 200));
    crowd.settle(&process.address).unwrap_or_else(|why| panic!("{why}"));
    assert!(process.terminate().success(), "{}", process.log());
    (crowd, older)
}

/// What was said: by an end with a message, or in the log.
fn start_on(data: &Path, crowd: &Crowd, round: &mut Round<'_>) -> Result<(), String> {
    let log = data.with_extension("log");
    let _ = fs::remove_file(&log);
    let mut process = Process::spawn(data, &[], &[]);
    if let Err(ended) = process.wait_until_up() {
        round.count("refused", 1);
        let told = process.log();
        if ended.code() != Some(2)
            || !told.lines().any(|line| line.starts_with("contactd: "))
            || told.contains("panicked")
        {
            return Err(format!("it ended ({ended}) and said:\n{told}"));
        }
        return Ok(());
    }
    let mut wire = process.connect();
    let compared = crowd.compare(&mut wire, &crowd.acknowledged());
    // It may have ended because it could not read, and said so.
    let asked = wire_yes(crowd, &process)?;
    let told = process.log();
    match (compared, asked) {
        (Ok((compared, _)), true) => {
            round.count("served whole", 1);
            round.count("contacts compared", compared);
            Ok(())
        }
        (Err(_), false) if process.ended().is_some_and(|ended| ended.code().is_some_and(|code| code != 0)) => {
            round.count("ended with a message while they served", 1);
            if told.contains("contactd: ") { Ok(()) } else { Err(format!("it ended and said:\n{told}")) }
        }
        (Err(why), _) => {
            let verified = process.connect().try_call_all(&["VERIFY"]).map_or(String::new(), |mut told| told.remove(0));
            if verified.starts_with("+ok") && !told.contains("WARN") && !told.contains("ERROR") {
                return Err(format!("nobody was told: {why}"));
            }
            round.count("served, and told what is wrong", 1);
            Ok(())
        }
        (Ok(_), false) => Err(format!("it is gone:\n{told}")),
    }
}

/// Whether all was answered.
fn wire_yes(crowd: &Crowd, process: &Process) -> Result<bool, String> {
    match Wire::try_connect(&process.address).and_then(|mut wire| crowd.wrong_yes(&mut wire)) {
        Some(Ok(_)) => Ok(true),
        Some(Err(yes)) => Err(format!("A WRONG YES: {yes}\n{}", process.log())),
        None => Ok(false),
    }
}

#[test]
fn a_damaged_store_is_refused_or_says_no_wrong_yes() {
    prove("damaged", 1, |round| {
        let data = round.dir().join("data");
        let (crowd, older) = filled(&data, round);
        let whole = read(&data);
        for _ in 0..if round.is_long { 16 * COPIES } else { COPIES } {
            let mut files = whole.clone();
            let (name, damage) = damage(&mut files, &older, &mut round.random);
            write(&data, &files);
            round.count("copies", 1);
            let started = start_on(&data, &crowd, round);
            started.unwrap_or_else(|why| panic!("{}: {damage}: {why}", name.display()));
        }
        backups(&data, &whole, round);
    });
}

fn contactd(arguments: &[&str]) -> Output {
    Command::new(program()).args(arguments).output().expect("it runs")
}

/// Damaged copies of a backup of a store.
fn backups(data: &Path, whole: &Files, round: &mut Round<'_>) {
    write(data, whole);
    let process = Process::start(data, &[]);
    let dir = round.dir().join("backups");
    fs::create_dir(&dir).expect("made");
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let address = format!("unix:{}", process.address.display());
    let made = contactd(&["backup", "--server", &address, &text(&dir)]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let file = fs::read_dir(&dir).expect("a directory").flatten().next().expect("a backup").path();
    let backup = fs::read(&file).expect("a backup");
    for n in 0..if round.is_long { 10 * BACKUPS } else { BACKUPS } {
        let mut bytes = backup.clone();
        let Some(damage) = change(&mut bytes, &mut round.random) else { continue };
        fs::write(&file, bytes).expect("written");
        let to = round.dir().join("restored");
        let told = match n % 4 {
            0 => contactd(&["restore", &text(&file), "--data-dir", &text(&to)]),
            _ => contactd(&["backup", "--check", &text(&file)]),
        };
        let said = String::from_utf8_lossy(&told.stderr);
        assert_eq!(told.status.code(), Some(2), "{damage}: {said}");
        assert!(said.starts_with("contactd: ") && !said.contains("panicked"), "{damage}: {said}");
        assert!(!to.exists(), "{damage}: something was restored");
        round.count("damaged backups", 1);
    }
}
