//! What would go wrong if a rule were left out. Daemons of a debug build leave it out when they are told to; the crowd that
//! finds nothing elsewhere must find something here.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::crowd::Crowd;
use crate::house::House;

/// Longer than the lease, and than a client needs to find the new owner after that.
const LONG: Duration = Duration::from_secs(6);

/// Long enough to ask a few thousand times.
const SHORT: Duration = Duration::from_millis(800);

/// Does something to the owner while everybody writes and asks, a few times, until the crowd has found something.
fn must_find(flaw: &'static str, more: &[&str], fault: impl Fn(&mut House, &Crowd, usize)) {
    let Some(mut house) = House::start(Some(flaw), more) else { return };
    let crowd = Crowd::gather(&house.ports());
    for _ in 0..6 {
        let owner = house.owner();
        crowd.come_back();
        crowd.meanwhile(|| {
            sleep(Duration::from_millis(400));
            fault(&mut house, &crowd, owner);
            sleep(Duration::from_millis(800));
        });
        if !crowd.wrongs().is_empty() {
            println!("{flaw}: found {}", crowd.wrongs().len());
            return;
        }
        let noticed = ["does not follow what this copy has", "has lost row", "was set back to an earlier time"];
        if house.nodes.iter().any(|node| noticed.iter().any(|noticed| node.log().contains(noticed))) {
            println!("{flaw}: a daemon noticed");
            return;
        }
        house.owner();
    }
    panic!(
        "nobody noticed that the daemons have the flaw '{flaw}':\n{}\n{}",
        house.nodes[0].log(),
        house.nodes[1].log()
    );
}

/// Cuts the owner off from the database; somebody opts out as soon as there is another one.
fn cut_off(house: &mut House, crowd: &Crowd, owner: usize) {
    house.proxies[owner].iter().for_each(|proxy| proxy.hold(true));
    let since = Instant::now();
    while house.owner() == owner {
        assert!(since.elapsed() < 2 * LONG, "nobody takes over");
    }
    crowd.leave(house.nodes[1 - owner].port);
    sleep(SHORT);
    house.proxies[owner].iter().for_each(|proxy| proxy.hold(false));
}

#[test]
fn an_owner_that_answers_without_a_lease_is_found() {
    must_find("ignores-lease", &[], cut_off);
}

/// What a CHECK rests on then is the ledger alone: without leases, and so whatever clocks do, nobody gets a wrong yes.
#[test]
fn an_owner_without_a_lease_whose_checks_are_confirmed_says_no_wrong_yes() {
    let Some(mut house) = House::start(Some("ignores-lease"), &["--check", "confirmed"]) else { return };
    let crowd = Crowd::gather(&house.ports());
    for _ in 0..3 {
        let owner = house.owner();
        crowd.come_back();
        crowd.meanwhile(|| {
            sleep(Duration::from_millis(400));
            cut_off(&mut house, &crowd, owner);
            sleep(Duration::from_millis(800));
        });
        let wrongs = crowd.wrongs();
        assert!(wrongs.is_empty(), "{wrongs:#?}\n{}\n{}", house.nodes[0].log(), house.nodes[1].log());
        house.owner();
    }
    println!("{} answered CHECKs, none wrong", crowd.seen.checks.load(std::sync::atomic::Ordering::SeqCst));
}

#[test]
fn a_take_over_before_the_end_of_the_lease_is_found() {
    must_find("takes-early", &[], cut_off);
}

#[test]
fn an_append_without_a_fence_is_found() {
    must_find("no-fence", &[], |house, _, owner| {
        house.nodes[owner].signal("-STOP");
        sleep(LONG);
        house.nodes[owner].signal("-CONT");
        sleep(LONG);
    });
}

#[test]
fn a_database_that_waits_for_nobody_is_found() {
    must_find("one-copy", &["--ledger-copies", "1"], |house, _, _| {
        house.postgres.wait_for_nobody();
        house.postgres.silence_standby(true);
        sleep(Duration::from_millis(700));
        house.postgres.fail_over();
        sleep(LONG);
        house.postgres.heal();
    });
}
