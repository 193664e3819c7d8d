//! Faults of daemons, of the network and of the database, each followed by a take-over by force. Nothing that was acknowledged
//! is lost, and nobody gets a wrong yes.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::crowd::Crowd;
use crate::house::House;

/// What is done while everybody writes and asks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// SIGKILL of the owner.
    Kill,
    /// The owner stands still for longer than its lease, and goes on.
    Freeze,
    /// Nothing goes between the owner and the database for longer than its lease; nothing is closed.
    CutOff,
    /// What the database answers the owner does not arrive, for less than the lease.
    LostReplies,
    /// The primary is killed, and its standby takes its place.
    FailOver,
    /// The same while the owner stands still.
    Both,
    /// The standby of the database is silent, and somebody cancels whoever waits for it.
    CancelledWait,
    /// The primary crashes and comes back.
    Crash,
    /// SIGTERM of the owner.
    HandOver,
}

const FAULTS: [Fault; 9] = [
    Fault::Kill,
    Fault::Freeze,
    Fault::CutOff,
    Fault::LostReplies,
    Fault::FailOver,
    Fault::Both,
    Fault::CancelledWait,
    Fault::Crash,
    Fault::HandOver,
];

/// Longer than the lease, and than what those who wait for its end wait.
const LONG: Duration = Duration::from_millis(3200);
const SHORT: Duration = Duration::from_millis(600);

impl Fault {
    fn happen(self, house: &mut House, owner: usize) {
        match self {
            Fault::Kill => {
                house.nodes[owner].kill();
                sleep(LONG);
                house.nodes[owner].start();
            }
            Fault::Freeze => {
                house.nodes[owner].signal("-STOP");
                sleep(LONG);
                house.nodes[owner].signal("-CONT");
            }
            Fault::CutOff => {
                house.proxies[owner].iter().for_each(|proxy| proxy.hold(true));
                sleep(LONG);
                house.proxies[owner].iter().for_each(|proxy| proxy.hold(false));
            }
            Fault::LostReplies => {
                house.proxies[owner].iter().for_each(|proxy| proxy.hold_replies(true));
                sleep(SHORT);
                house.proxies[owner].iter().for_each(|proxy| proxy.hold_replies(false));
            }
            Fault::FailOver => {
                house.postgres.fail_over();
                sleep(SHORT);
                house.postgres.heal();
            }
            Fault::Both => {
                house.nodes[owner].signal("-STOP");
                house.postgres.fail_over();
                sleep(LONG);
                house.nodes[owner].signal("-CONT");
                house.postgres.heal();
            }
            Fault::CancelledWait => {
                house.postgres.silence_standby(true);
                sleep(Duration::from_millis(200));
                house
                    .postgres
                    .on_primary("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
                sleep(SHORT);
                house.postgres.silence_standby(false);
            }
            Fault::Crash => {
                house.postgres.silence_standby(true);
                sleep(Duration::from_millis(200));
                // What waits now is on the primary alone.
                house.postgres.crash();
                house.postgres.recover();
                house.postgres.silence_standby(false);
            }
            Fault::HandOver => {
                assert!(house.nodes[owner].terminate().success(), "{}", house.nodes[owner].log());
                sleep(SHORT);
                house.nodes[owner].start();
            }
        }
    }
}

pub fn soak() -> Option<Duration> {
    let minutes = std::env::var("CONTACTD_SOAK").ok()?.parse::<f64>().ok()?;
    Some(Duration::from_secs_f64(minutes * 60.0))
}

#[test]
fn whatever_fails_nothing_is_lost_and_nobody_gets_a_wrong_yes() {
    let Some(mut house) = House::start(None, &[]) else { return };
    let crowd = Crowd::gather(&house.ports());
    let since = Instant::now();
    let mut rounds = 0;
    loop {
        for fault in FAULTS {
            let owner = house.owner();
            let before = crowd.seen.acknowledged.load(std::sync::atomic::Ordering::SeqCst);
            *crowd.seen.silence.lock().expect("nobody panicked") = (None, Duration::ZERO);
            crowd.meanwhile(|| {
                sleep(SHORT);
                fault.happen(&mut house, owner);
                house.owner();
                sleep(SHORT);
            });
            house.take_over_by_force(&crowd);
            rounds += 1;
            let written = crowd.seen.acknowledged.load(std::sync::atomic::Ordering::SeqCst) - before;
            let silence = crowd.seen.silence.lock().expect("nobody panicked").1;
            println!(
                "{fault:?}: {written} acknowledged writes, {} ms without an answered CHECK at most",
                silence.as_millis()
            );
            assert!(written > 0, "nobody could write");
            let wrongs = crowd.wrongs();
            assert!(wrongs.is_empty(), "{fault:?}: {wrongs:#?}\n{}\n{}", house.nodes[0].log(), house.nodes[1].log());
        }
        if soak().is_none_or(|soak| since.elapsed() > soak) {
            break;
        }
    }
    println!(
        "{rounds} rounds: {} acknowledged writes, {} answered CHECKs, none lost, none wrong",
        crowd.seen.acknowledged.load(std::sync::atomic::Ordering::SeqCst),
        crowd.seen.checks.load(std::sync::atomic::Ordering::SeqCst)
    );
}
