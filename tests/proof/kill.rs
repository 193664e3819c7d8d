//! SIGKILL at random moments: while eight connections write, and while contactd purges, is fed by an import, starts, or
//! rewrites its store.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::crowd::{Crowd, Promise, wait_for_answers};
use crate::daemon::{Process, program};
use crate::plain::facts::Scope;
use crate::prove::{Random, Round, prove};
use crate::wire::Wire;

/// Kills of one store.
const KILLS: usize = 5;
const LIST: &str = "24365";

/// Contacts that nobody of the crowd writes to, and what CHECK may say of each.
#[derive(Default)]
struct Others {
    verdicts: BTreeMap<String, [&'static str; 2]>,
    numbers: usize,
}

impl Others {
    fn phones(&mut self, n: usize) -> Vec<String> {
        let first = self.numbers;
        self.numbers += n;
        (first..self.numbers).map(|n| format!("+1415{:07}", 8_500_000 + n)).collect()
    }

    /// Has a purge begin of contacts that sent nothing for years, some of whom are opted out.
    fn purge(&mut self, wire: &mut Wire) {
        let phones = self.phones(200);
        let row = |(n, phone): (usize, &String)| {
            let out = if n % 2 == 0 { r#","status":"opted_out","opted_out_at":"2021-01-01""# } else { "" };
            format!(
                r#"IMPORT {LIST} {{"phone":"{phone}","created_at":"2020-01-01","subscribed_at":"2020-01-01"{out}}}"#
            )
        };
        let told = wire.call_all(&phones.iter().enumerate().map(row).collect::<Vec<_>>());
        assert!(told.iter().all(|told| told.starts_with("+created")), "{told:?}");
        let plan = wire.call("PURGE PLAN");
        let plan = plan.split("\"plan\":").nth(1).and_then(|plan| plan.split([',', '}']).next()).expect("a plan");
        let told = wire.call(&format!("PURGE RUN {plan}"));
        // One that a kill cut off goes on with the next start.
        assert!(told == "+started" || told.contains("is running"), "{told}");
        for (n, phone) in phones.into_iter().enumerate() {
            let there = if n % 2 == 0 { "+no list_opted_out" } else { "+yes" };
            self.verdicts.insert(phone, [there, "+no not_subscribed"]);
        }
    }

    /// Has `contactd import` begin, with a file of which every third row is an opt-out.
    fn import(&mut self, address: &Path, dir: &Path) -> Child {
        let phones = self.phones(600);
        let mut rows = "phone,status\n".to_owned();
        for (n, phone) in phones.into_iter().enumerate() {
            let _ = writeln!(rows, "{phone},{}", if n % 3 == 0 { "opted_out" } else { "active" });
            let there = if n % 3 == 0 { "+no list_opted_out" } else { "+yes" };
            self.verdicts.insert(phone, [there, "+no not_subscribed"]);
        }
        let file = dir.join("rows.csv");
        fs::write(&file, rows).expect("written");
        Command::new(program())
            .args(["import", "--list", LIST, "--server", &format!("unix:{}", address.display())])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts")
    }

    /// A contact is there as a whole or not at all; and one that comes back after a purge is as it was opted out.
    fn compare(&mut self, wire: &mut Wire) {
        let phones: Vec<&String> = self.verdicts.keys().collect();
        let checks: Vec<String> = phones.iter().map(|phone| format!("CHECK {LIST} {phone}")).collect();
        let mut gone = Vec::new();
        for (phone, told) in phones.iter().zip(wire.call_all(&checks)) {
            let [there, not_there] = self.verdicts[*phone];
            assert!(told == there || told == not_there, "{phone}: {told}, neither {there} nor {not_there}");
            if told == not_there && there != "+yes" {
                gone.push((*phone).clone());
            }
        }
        // Of these the import says the row once more, which brings back what a tombstone kept.
        for phone in gone.into_iter().step_by(5) {
            wire.call(&format!(r#"IMPORT {LIST} {{"phone":"{phone}"}}"#));
            let told = wire.call(&format!("CHECK {LIST} {phone}"));
            assert!(told == "+no list_opted_out" || told == "+yes", "{phone}: {told}");
            self.verdicts.remove(&phone);
        }
    }
}

/// Kills so many starts, or rewritings, each after a while.
fn killed(random: &mut Random, most: usize, mut spawn: impl FnMut() -> Child) -> usize {
    let times = random.below(most + 1);
    let killed = (0..times).filter(|_| {
        let mut child = spawn();
        thread::sleep(random.wait(0, 80));
        let _ = child.kill();
        child.wait().expect("it ends").code().is_none()
    });
    killed.count()
}

fn rewrite(data: &Path) -> Child {
    let mut command = Command::new(program());
    command.args(["rewrite", "--data-dir"]).arg(data);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts")
}

#[test]
fn what_was_answered_is_there_after_kill_9() {
    prove("kill", 2, |round: &mut Round<'_>| {
        let data = round.dir().join("data");
        let (promise, mut arguments) = (Promise::Everything, Vec::new());
        let scope = if round.random.one_in(3) { Scope::All } else { Scope::List };
        if scope == Scope::All {
            arguments.extend(["--stop-scope", "all"]);
        }
        // Under `--fsync interval` what was answered and does not forbid may not have left the process.
        let promise = if round.random.one_in(4) { Promise::WhatForbids } else { promise };
        if promise == Promise::WhatForbids {
            arguments.extend(["--fsync", "interval"]);
        }
        let mut process = Process::start(&data, &arguments);
        let mut wire = process.connect();
        let mut crowd = Crowd::begin(&mut wire, scope, promise, &mut round.random);
        // Only a list that records clicks has contacts that are not engaged.
        assert_eq!(wire.call(&format!("CLICK {LIST} +14159999998")), ":1");
        let mut others = Others::default();
        for _ in 0..KILLS {
            let mut children = Vec::new();
            if round.random.one_in(3) {
                others.purge(&mut process.connect());
                round.count("kills in a purge", 1);
            }
            if round.random.one_in(3) {
                children.push(others.import(&process.address, round.dir()));
                round.count("kills in an import", 1);
            }
            let (address, wait) = (process.address.clone(), round.random.wait(5, 300));
            // Some kills come before anything is answered, most while a busy machine answers.
            let answers = if round.random.one_in(4) { 0 } else { round.random.below(100) };
            crowd.write(&address, |acknowledged| {
                wait_for_answers(acknowledged, answers);
                thread::sleep(wait);
                process.kill();
            });
            for mut child in children {
                child.wait().expect("it ends");
            }
            round.count("acknowledged writes", crowd.acknowledged().iter().sum());
            round.count("kills", 1);
            if round.random.one_in(3) {
                let n = killed(&mut round.random, 2, || rewrite(&data));
                round.count("kills in a rewriting", n);
            }
            if round.random.one_in(2) {
                let n = killed(&mut round.random, 2, || Process::spawn(&data, &arguments, &[]).into_child());
                round.count("kills in a start", n);
            }
            process = Process::start(&data, &arguments);
            let compared = crowd.settle(&process.address).unwrap_or_else(|why| panic!("{why}"));
            others.compare(&mut process.connect());
            round.count("contacts compared", compared + others.verdicts.len());
        }
        round.count("feed items", crowd.feed_items());
    });
}
