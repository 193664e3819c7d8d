//! The trail of the real program: nothing is taken out of it, what it lacks is found out and added, and what cannot be added is said.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::backup::{LIST, filled, health, phone, text};
use crate::purge::json;
use crate::purge_cli::contactd;
use crate::support::{Daemon, PATIENCE, Wire};

fn stop(wire: &mut Wire, n: usize) {
    assert_eq!(wire.call(&format!("INBOUND {LIST} {} {{\"text\":\"STOP\"}}", phone(n))), "+optout");
}

fn read(trail: &Path) -> String {
    String::from_utf8_lossy(&fs::read(trail).unwrap_or_default()).into_owned()
}

/// Waits until a trail has a number.
fn wait_for(trail: &Path, n: usize) {
    let since = Instant::now();
    while !read(trail).contains(&phone(n)) {
        assert!(since.elapsed() < PATIENCE, "{}", read(trail));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// How often a number stands in a trail.
fn times(trail: &Path, n: usize) -> usize {
    read(trail).matches(&phone(n)).count()
}

/// A daemon with a trail, and 10 who are opted out.
fn started(place: &Path) -> (Daemon, PathBuf) {
    let trail = place.join("trail");
    let daemon = Daemon::start(&["--trail", text(&trail)]);
    filled(&mut daemon.connect(), 30);
    assert_eq!(read(&trail).lines().count(), 10);
    (daemon, trail)
}

#[test]
fn what_came_while_nobody_kept_the_trail_is_in_it_after_the_next_start() {
    let place = tempfile::tempdir().expect("made");
    let (mut daemon, trail) = started(place.path());
    for n in [1, 2] {
        let with = ["--trail", text(&trail)];
        let ended = |daemon: &mut Daemon| {
            if n == 1 {
                daemon.kill();
            } else {
                daemon.terminate();
            }
        };
        ended(&mut daemon);
        daemon.restart_with(&[]);
        let mut wire = daemon.connect();
        stop(&mut wire, n);
        wire.call(&format!("ERASE {}", phone(n + 10)));
        drop(wire);
        ended(&mut daemon);
        assert_eq!(times(&trail, n), 0);
        daemon.restart_with(&with);
        assert_eq!(times(&trail, n), 1, "{}", read(&trail));
        assert_eq!(read(&trail).matches("\"ERASE\"").count(), 2 * n - 1, "somebody was erased, nobody knows who");
        assert_eq!(health(&daemon), "all is well\n");
        // Once is enough, and whoever is erased now is named.
        daemon.connect().call(&format!("ERASE {}", phone(n + 20)));
        let before = read(&trail);
        daemon.kill();
        daemon.restart();
        assert_eq!(read(&trail), before);
    }
}

#[test]
fn a_trail_that_is_gone_or_another_one_at_a_start_has_everything_again() {
    let place = tempfile::tempdir().expect("made");
    let (mut daemon, trail) = started(place.path());
    stop(&mut daemon.connect(), 1);
    let old = read(&trail);
    let moved = place.path().join("moved");
    for what in ["removed", "moved", "cut short", "another one", "cut in front"] {
        daemon.terminate();
        match what {
            "removed" => fs::remove_file(&trail),
            "moved" => fs::rename(&trail, &moved),
            "cut short" => fs::write(&trail, old.split_inclusive('\n').take(3).collect::<String>()),
            "cut in front" => fs::write(&trail, old.split_inclusive('\n').skip(3).collect::<String>()),
            _ => fs::write(&trail, "{\"phone\":\"+14155569999\",\"list\":\"*\",\"opted_out_at\":\"2020-01-01\"}\n"),
        }
        .expect("done");
        daemon.restart();
        for n in [0, 3, 27, 1] {
            assert_eq!(times(&trail, n), 1, "{what}, {n}: {}", read(&trail));
        }
        // The feed of this store reaches back to its beginning.
        assert!(!read(&trail).contains("GAP"), "{what}: {}", read(&trail));
        if what == "another one" {
            daemon.connect().call("UNFENCE");
        }
        assert_eq!(health(&daemon), "all is well\n", "{what}");
    }
}

#[test]
fn what_could_not_be_written_follows_by_itself_also_after_a_restart() {
    let place = tempfile::tempdir().expect("made");
    let (mut daemon, trail) = started(place.path());
    // Nobody can write where a directory is.
    let spoil = |daemon: &Daemon, n: usize| {
        let moved = place.path().join(format!("moved-{n}"));
        fs::rename(&trail, &moved).expect("moved");
        fs::create_dir(&trail).expect("made");
        stop(&mut daemon.connect(), n);
        assert!(health(daemon).contains("trail_failed"), "{}", health(daemon));
        moved
    };
    let moved = spoil(&daemon, 1);
    assert_eq!(times(&moved, 1), 0);
    fs::remove_dir(&trail).expect("mended");
    wait_for(&trail, 1);
    assert!(read(&trail).contains("GAP"), "it says that there is another one: {}", read(&trail));
    stop(&mut daemon.connect(), 2);
    assert_eq!(health(&daemon), "all is well\n");
    let moved = spoil(&daemon, 4);
    daemon.kill();
    fs::remove_dir(&trail).expect("mended");
    fs::rename(&moved, &trail).expect("put back");
    daemon.restart();
    assert_eq!((times(&trail, 4), times(&trail, 2), times(&trail, 1)), (1, 1, 1), "{}", read(&trail));
    assert_eq!(health(&daemon), "all is well\n");
    // A file that somebody has removed is told when the next line comes, and then has all again.
    fs::remove_file(&trail).expect("removed");
    stop(&mut daemon.connect(), 5);
    wait_for(&trail, 4);
    assert_eq!((times(&trail, 0), times(&trail, 5)), (1, 1), "{}", read(&trail));
}

#[test]
fn what_cannot_be_added_any_more_is_said_until_there_is_a_backup() {
    let place = tempfile::tempdir().expect("made");
    let (mut daemon, trail) = started(place.path());
    daemon.terminate();
    fs::remove_file(&trail).expect("removed");
    // Nothing is kept of the feed: what forbids cannot be read there.
    daemon.restart_with(&["--keep-feed", "1s"]);
    std::thread::sleep(Duration::from_millis(1_100));
    let mut wire = daemon.connect();
    let plan = json(&wire.call("PURGE PLAN"))["plan"].clone();
    wire.call(&format!("PURGE RUN {plan}"));
    while json(&wire.call("PURGE STATUS"))["state"] != "idle" {
        std::thread::yield_now();
    }
    drop(wire);
    daemon.terminate();
    daemon.restart_with(&["--trail", text(&trail)]);
    for _ in 0..2 {
        assert!(read(&trail).matches("GAP").count() == 1, "{}", read(&trail));
        let said = health(&daemon);
        assert!(said.contains("trail_lacks") && said.contains("make one"), "{said}");
        daemon.kill();
        daemon.restart();
    }
    let words = ["backup", "--server", &daemon.address, text(place.path())];
    assert!(contactd(&words).output().expect("it runs").status.success());
    for _ in 0..2 {
        assert_eq!(health(&daemon), "all is well\n");
        daemon.kill();
        daemon.restart();
    }
}
