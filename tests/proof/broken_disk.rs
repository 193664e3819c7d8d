//! A disk that fails: the n-th write or sync of the daemon gets EIO or ENOSPC. It says so, by READONLY or by its end; it
//! says no wrong yes while it runs on, takes what forbids in memory, and nothing that was answered is lost afterwards.

use std::thread;
use std::time::{Duration, Instant};

use crate::crowd::{Crowd, Promise};
use crate::daemon::Process;
use crate::disk::{environment, library};
use crate::plain::facts::Scope;
use crate::prove::{Random, prove};

/// Faults of one store.
const FAULTS: usize = 5;

/// Which call fails, how, and whether all later ones do, too. Most are among the first hundred, so that starts have some.
fn any_fault(random: &mut Random) -> String {
    let call = random.pick(&["write", "sync"]);
    let most = [4, 20, 120, 400][random.below(4)];
    // EIO, ENOSPC.
    let errno = random.pick(&[5, 28]);
    format!("{call}:{}:{errno}{}", 1 + random.below(most), random.pick(&["", ":on"]))
}

/// What a person reads who looks why it ended: the words of the system.
fn says_why(log: &str) -> bool {
    ["Input/output error", "No space left on device"].iter().any(|words| log.contains(words))
}

#[test]
fn a_failing_disk_is_told_and_loses_nothing_that_was_answered() {
    let Some(library) = library() else { return };
    prove("broken_disk", 2, |round| {
        let data = round.dir().join("data");
        let mut process = Process::start(&data, &[]);
        let mut crowd = Crowd::begin(&mut process.connect(), Scope::List, Promise::Everything, &mut round.random);
        crowd.disk_fails();
        process.terminate();
        for _ in 0..FAULTS {
            let fault = any_fault(&mut round.random);
            let logged = process.log().len();
            process = Process::spawn(&data, &[], &environment(library, &data, None, Some(&fault)));
            let told = |process: &Process| process.log()[logged..].to_owned();
            match process.wait_until_up() {
                Err(ended) => {
                    assert!(!ended.success() && says_why(&told(&process)), "{fault}: {}", told(&process));
                    round.count("starts that failed", 1);
                }
                Ok(()) => {
                    let address = process.address.clone();
                    // Until it ends, or nobody is answered any more: who was refused asks for nothing.
                    crowd.write(&address, |acknowledged| {
                        let started = Instant::now();
                        let mut last = (acknowledged(), Instant::now());
                        while process.ended().is_none()
                            && last.1.elapsed() < Duration::from_millis(150)
                            && started.elapsed() < Duration::from_millis(600)
                        {
                            thread::sleep(Duration::from_millis(5));
                            if acknowledged() != last.0 {
                                last = (acknowledged(), Instant::now());
                            }
                        }
                    });
                    let is_refused = crowd.refusals().next().is_some();
                    if let Some(ended) = process.ended() {
                        assert!(!ended.success() && says_why(&told(&process)), "{fault}: {}", told(&process));
                        round.count("daemons that ended", 1);
                    } else if is_refused {
                        let told = told(&process);
                        assert!(told.contains("nothing is written any more"), "{fault}: {told}");
                        crowd.assert_no_wrong_yes(&mut process.connect());
                        round.count("daemons that were READONLY", 1);
                    } else {
                        // It does not hang: an answer of whatever kind comes.
                        process.connect().call("OPTOUT 24365 +14159999997");
                        round.count("faults that did not come", 1);
                    }
                    process.kill();
                }
            }
            round.count("faults", 1);
            round.count("acknowledged writes", crowd.acknowledged().iter().sum());
            process = Process::start(&data, &[]);
            let compared = crowd.settle(&process.address).unwrap_or_else(|why| panic!("{fault}: {why}"));
            round.count("contacts compared", compared);
            process.kill();
        }
    });
}
