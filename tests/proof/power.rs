//! Power cuts: what the real process did to its files is recorded, and of any moment of it images are made of what a disk
//! may have left. Each is opened by the real program, some of them cut off again while that is under way.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use crate::crowd::{Crowd, Promise, WRITERS, wait_for_answers};
use crate::daemon::{Process, program};
use crate::disk::{Answers, Disk, Records, environment, library};
use crate::plain::facts::Scope;
use crate::prove::{Random, prove};

/// Images of one recording.
const IMAGES: usize = 8;

#[test]
fn what_was_answered_is_there_after_a_power_cut() {
    let Some(library) = library() else { return };
    prove("power", 2, |round| {
        let data = round.dir().join("data");
        let log = round.dir().join("records");
        let promise = if round.random.one_in(3) { Promise::WhatForbids } else { Promise::Everything };
        let scope = if round.random.one_in(3) { Scope::All } else { Scope::List };
        let mut arguments = Vec::new();
        if promise == Promise::WhatForbids {
            arguments.extend(["--fsync", "interval"]);
        }
        if scope == Scope::All {
            arguments.extend(["--stop-scope", "all"]);
        }
        // The first start of a store is recorded, too, or a later one.
        if round.random.one_in(2) {
            Process::start(&data, &arguments).terminate();
        }
        let before = Disk::load(&data);
        let mut process = Process::spawn(&data, &arguments, &environment(library, &data, Some(&log), None));
        process.wait_until_up().expect("it starts");
        let mut crowd = Crowd::begin(&mut process.connect(), scope, promise, &mut round.random);
        let (address, wait) = (process.address.clone(), round.random.wait(5, 300));
        let answers = round.random.below(400);
        crowd.write(&address, |acknowledged| {
            wait_for_answers(acknowledged, answers);
            thread::sleep(wait);
            process.kill();
        });
        round.count("acknowledged writes", crowd.acknowledged().iter().sum());

        let records = Records::read(&log);
        let total = records.iter().count();
        let mut moments: Vec<usize> = (0..IMAGES).map(|_| round.random.below(total + 1)).collect();
        moments.sort_unstable();
        let (mut disk, mut answers, mut all) = (before, Answers::default(), records.iter());
        let mut done = 0;
        for moment in moments {
            for record in all.by_ref().take(moment - done) {
                disk.take(&record);
                answers.take(&record);
            }
            done = moment;
            disk.cut(&data, &mut round.random);
            round.count("images", 1);
            if round.random.one_in(3) {
                cut_again(library, &data, &arguments, &mut round.random);
                round.count("second cuts", 1);
            }
            // Before the connections are greeted nothing is promised but that it starts.
            let acknowledged = answers.have_begun().then(|| answers.of(WRITERS));
            let mut process = Process::start(&data, &arguments);
            if let Some(acknowledged) = &acknowledged {
                let compared = crowd.compare(&mut process.connect(), acknowledged);
                let compared = compared.unwrap_or_else(|why| panic!("cut at {moment} of {total} records: {why}"));
                round.count("contacts compared", compared.0);
            }
            process.kill();
            if round.random.one_in(IMAGES) {
                cut_in_a_rewriting(library, &data, &mut round.random);
                round.count("cuts in a rewriting", 1);
                let process = Process::start(&data, &arguments);
                if let Some(acknowledged) = &acknowledged {
                    let compared = crowd.compare(&mut process.connect(), acknowledged);
                    compared.unwrap_or_else(|why| panic!("cut in a rewriting after {moment} of {total}: {why}"));
                }
            }
        }
    });
}

/// Rewrites a store, and cuts the power in the middle of that.
fn cut_in_a_rewriting(library: &Path, data: &Path, random: &mut Random) {
    let log = data.with_extension("records-of-rewriting");
    let mut disk = Disk::load(data);
    let mut rewrite = Command::new(program());
    rewrite.args(["rewrite", "--data-dir"]).arg(data).envs(environment(library, data, Some(&log), None));
    let told = rewrite.output().expect("it runs");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let records = Records::read(&log);
    // Most of what matters is at its end.
    let total = records.iter().count();
    let moment = if random.one_in(2) { random.below(total + 1) } else { total - random.below(total.min(30)) };
    for record in records.iter().take(moment) {
        disk.take(&record);
    }
    disk.cut(data, random);
}

/// Opens an image, and cuts the power again in the middle of that.
fn cut_again(library: &Path, data: &Path, arguments: &[&str], random: &mut Random) {
    let log = data.with_extension("records-of-recovery");
    let _ = fs::remove_file(&log);
    let mut disk = Disk::load(data);
    let mut process = Process::spawn(data, arguments, &environment(library, data, Some(&log), None));
    if random.one_in(2) {
        process.wait_until_up().expect("the image opens");
    } else {
        thread::sleep(random.wait(0, 80));
    }
    process.kill();
    let records = Records::read(&log);
    let moment = random.below(records.iter().count() + 1);
    for record in records.iter().take(moment) {
        disk.take(&record);
    }
    disk.cut(data, random);
}
