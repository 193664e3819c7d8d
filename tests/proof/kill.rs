//! SIGKILL at random moments: while eight connections write, in a purge, an import, a start and a rewriting.

use crate::crowd::{Crowd, Promise};
use crate::daemon::Process;
use crate::plain::facts::Scope;
use crate::prove::prove;

#[test]
fn what_was_answered_is_there_after_kill_9() {
    prove("kill", 2, |round| {
        let data = round.dir().join("data");
        let mut process = Process::start(&data, &[]);
        let mut crowd = Crowd::begin(&mut process.connect(), Scope::List, Promise::Everything, &mut round.random);
        for _ in 0..6 {
            let wait = round.random.wait(5, 300);
            let address = process.address.clone();
            crowd.write(&address, |_| {
                std::thread::sleep(wait);
                process.kill();
            });
            round.count("acknowledged writes", crowd.acknowledged().iter().sum());
            process = Process::start(&data, &[]);
            let compared = crowd.settle(&process.address).unwrap_or_else(|why| panic!("{why}"));
            round.count("contacts compared", compared);
            round.count("kills while writing", 1);
        }
        round.count("feed items", crowd.feed_items());
    });
}
