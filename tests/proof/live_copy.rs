//! Copies of the data directory, made while it is written to: whoever opens one has every write that was acknowledged before
//! the copying began, or is told that it is a copy.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::crowd::{Acknowledged, Crowd, Promise, wait_for_answers};
use crate::daemon::{Process, program};
use crate::plain::facts::Scope;
use crate::prove::{Random, prove};
use crate::wire::Wire;

/// Copies of one store.
const COPIES: usize = 6;

/// Enough that a copy takes a while, and that the store cleans up meanwhile: contacts that are changed again and again.
fn fill(wire: &mut Wire, contacts: usize, changes: usize) {
    for change in 0..changes {
        let label = format!("{change}").repeat(1_000);
        let row = |n| format!("PUT +14159{:06} {{\"labels\":{{\"text\":\"{label}\"}}}}", 500_000 + n);
        let told = wire.call_all(&(0..contacts).map(row).collect::<Vec<_>>());
        assert!(told.iter().all(|told| told == "+created" || told == "+updated"), "{told:?}");
    }
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// As `cp -a`, or file by file in any order, with pauses.
fn copy(data: &Path, to: &Path, random: &mut Random) {
    if random.one_in(3) {
        let status = Command::new("cp").arg("-a").arg(data).arg(to).status().expect("cp runs");
        // A file that has gone meanwhile.
        assert!(status.success() || to.join("store/db").exists());
        return;
    }
    let mut all = Vec::new();
    files(data, &mut all);
    while !all.is_empty() {
        let from = all.swap_remove(random.below(all.len()));
        let to = to.join(from.strip_prefix(data).expect("below it"));
        fs::create_dir_all(to.parent().expect("a directory")).expect("made");
        let Ok(mut from) = File::open(&from) else { continue };
        let mode = from.metadata().expect("its mode").permissions();
        let mut to = File::create(to).expect("made");
        to.set_permissions(mode).expect("set");
        let mut piece = vec![0; 1 << (12 + random.below(9))];
        loop {
            let length = from.read(&mut piece).expect("read");
            if length == 0 {
                break;
            }
            to.write_all(&piece[..length]).expect("written");
            if random.one_in(4) {
                thread::sleep(random.wait(0, 10));
            }
        }
    }
}

#[test]
fn a_copy_of_a_live_directory_has_everything_or_is_refused() {
    prove("live_copy", 1, |round| {
        let data = round.dir().join("data");
        let mut process = Process::start(&data, &[]);
        let mut wire = process.connect();
        let mut crowd = Crowd::begin(&mut wire, Scope::List, Promise::Everything, &mut round.random);
        fill(&mut wire, if round.is_long { 2_000 } else { 300 }, 2);
        let address = process.address.clone();
        let (random, dir) = (&mut Random::new(round.random.next()), round.dir().to_owned());
        let copies: Vec<(PathBuf, Acknowledged)> = crowd.write(&address, |acknowledged| {
            let one = |n| {
                thread::sleep(random.wait(0, 100));
                let (to, before) = (dir.join(format!("copy-{n}")), acknowledged());
                copy(&data, &to, random);
                (to, before)
            };
            (0..COPIES).map(one).collect()
        });
        round.count("acknowledged writes", crowd.acknowledged().iter().sum());
        process.kill();
        for (copy, acknowledged) in copies {
            round.count("copies", 1);
            let mut process = Process::spawn(&copy, &[], &[]);
            match process.wait_until_up() {
                Err(ended) => {
                    assert_eq!(ended.code(), Some(2), "{}", process.log());
                    assert!(process.log().starts_with("contactd: "), "{}", process.log());
                    round.count("copies refused", 1);
                }
                Ok(()) => {
                    let compared = crowd.compare(&mut process.connect(), &acknowledged);
                    let compared = compared.unwrap_or_else(|why| panic!("{}: {why}", copy.display()));
                    round.count("contacts compared", compared.0);
                }
            }
        }
        // The original is as whole as ever.
        let mut process = Process::start(&data, &[]);
        crowd.settle(&process.address).unwrap_or_else(|why| panic!("{why}"));
        around_a_start_and_a_stop(&data, &mut process, &mut crowd, round.dir());
        round.count("copies around a start and a stop", 2);

        let everything = crowd.acknowledged();
        let copy = copy_whole(&data, &round.dir().join("copy-of-a-stopped-one"));
        let process = Process::start(&copy, &[]);
        let compared = crowd.compare(&mut process.connect(), &everything).unwrap_or_else(|why| panic!("{why}"));
        round.count("copies of a stopped store", 1);
        round.count("contacts compared", compared.0);
        drop(process);
        put_back(&data, &mut crowd, &dir, &mut Random::new(round.random.next()));
        round.count("copies put back in place", 1);
    });
}

/// A copy of a live directory is put where the original is, file by file: the files are the same, and what they say is older.
fn put_back(data: &Path, crowd: &mut Crowd, dir: &Path, random: &mut Random) {
    let mut process = Process::start(data, &[]);
    if random.one_in(2) {
        crowd.write(&process.address, |acknowledged| wait_for_answers(acknowledged, 1));
    }
    let copy = copy_whole(data, &dir.join("copy-of-a-live-one"));
    thread::sleep(random.wait(0, 1_000));
    crowd.write(&process.address, |acknowledged| wait_for_answers(acknowledged, 1));
    // So long the store may be what it was before, as far as its files tell.
    thread::sleep(Duration::from_millis(1_500));
    if random.one_in(2) {
        process.kill();
    } else {
        assert!(process.terminate().success(), "{}", process.log());
    }
    let arguments: &[&str] = if random.one_in(2) { &["-r"] } else { &["-a"] };
    let copied = Command::new("cp").args(arguments).arg(copy.join(".")).arg(data).status().expect("cp runs");
    assert!(copied.success());
    let mut process = Process::spawn(data, &[], &[]);
    assert_eq!(process.wait_until_up().map_err(|ended| ended.code()), Err(Some(2)), "{}", process.log());
    assert!(process.log().contains("was put back in its place"), "{}", process.log());
}

/// Copies of which one was begun before a start, and one ended behind a stop. Ends the daemon.
fn around_a_start_and_a_stop(data: &Path, process: &mut Process, crowd: &mut Crowd, dir: &Path) {
    const STORE: &str = "store/db";
    let write = |crowd: &mut Crowd, address: &Path| {
        crowd.write(address, |acknowledged| wait_for_answers(acknowledged, 1));
    };
    assert!(process.terminate().success(), "{}", process.log());
    let before = crowd.acknowledged();
    let begun = copy_whole(data, &dir.join("copy-begun-before-a-start"));
    *process = Process::start(data, &[]);
    write(crowd, &process.address.clone());
    fs::copy(data.join(STORE), begun.join(STORE)).expect("copied");

    let early = fs::read(data.join(STORE)).expect("the store");
    write(crowd, &process.address.clone());
    assert!(process.terminate().success(), "{}", process.log());
    let ended = copy_whole(data, &dir.join("copy-ended-behind-a-stop"));
    fs::write(ended.join(STORE), early).expect("written");
    for copy in [&begun, &ended] {
        let mut process = Process::spawn(copy, &[], &[]);
        if process.wait_until_up().is_ok() {
            // Its own file had nothing new yet: it is a copy of the stopped store.
            assert_eq!(copy, &begun, "{} is served", copy.display());
            crowd.compare(&mut process.connect(), &before).unwrap_or_else(|why| panic!("{why}"));
            continue;
        }
        for arguments in [["verify", "--data-dir"], ["rewrite", "--data-dir"]] {
            let output = Command::new(program()).args(arguments).arg(copy).output().expect("it runs");
            let told = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{arguments:?} {}: {told}", copy.display());
            assert!(told.contains("opt-outs") || told.contains("orrupt"), "{told}");
        }
    }
}

/// A copy of what nobody has open.
fn copy_whole(data: &Path, to: &Path) -> PathBuf {
    let copied = Command::new("cp").arg("-a").arg(data).arg(to).status().expect("cp runs");
    assert!(copied.success());
    to.to_owned()
}
