//! The trail of the real program: nothing is taken out of it, what it lacks is found out and added, and what cannot be added is said.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::backup::{LIST, filled, health, phone, restore, text, told, trail_of};
use crate::pair::only_alone;
use crate::purge::{json, number};
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

/// What a daemon is told that keeps its trail in this place.
fn kept_in(place: &Path) -> [String; 2] {
    ["--trail".to_owned(), text(&place.join("trail")).to_owned()]
}

/// A daemon with a trail, and 10 who are opted out; in partitions the trail of the first one, which has them all.
fn started(place: &Path) -> (Daemon, PathBuf) {
    let with = kept_in(place);
    let (daemon, trail) = (Daemon::start(&with.each_ref().map(String::as_str)), trail_of(Path::new(&with[1])));
    filled(&mut daemon.connect(), 30);
    assert_eq!(read(&trail).lines().count(), 10);
    (daemon, trail)
}

#[test]
fn what_came_while_nobody_kept_the_trail_is_in_it_after_the_next_start() {
    let place = tempfile::tempdir().expect("made");
    let (mut daemon, trail) = started(place.path());
    for n in [1, 2] {
        let with = kept_in(place.path());
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
        daemon.restart_with(&with.each_ref().map(String::as_str));
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
            assert!(health(&daemon).starts_with("fenced"), "{}", health(&daemon));
            daemon.connect().call("UNFENCE");
        } else {
            // If the data directory was put back as well, nobody else would know.
            assert!(health(&daemon).starts_with("trail_other: "), "{what}: {}", health(&daemon));
            daemon.kill();
            daemon.restart();
        }
        let rest = health(&daemon).lines().filter(|line| !line.starts_with("unfenced_without: ")).count();
        assert_eq!(rest, usize::from(health(&daemon) == "all is well\n"), "{what}: {}", health(&daemon));
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
    let plan = number(&json(&wire.call("PURGE PLAN")));
    wire.call(&format!("PURGE RUN {plan}"));
    while json(&wire.call("PURGE STATUS"))["state"] != "idle" {
        std::thread::yield_now();
    }
    drop(wire);
    daemon.terminate();
    daemon.restart_with(&kept_in(place.path()).each_ref().map(String::as_str));
    for _ in 0..2 {
        assert!(read(&trail).matches("GAP").count() == 1, "{}", read(&trail));
        let said = health(&daemon);
        assert!(said.contains("trail_lacks") && said.contains("make one"), "{said}");
        daemon.kill();
        daemon.restart();
    }
    let follower = place.path().join("follower");
    let words = ["feed", "--server", &daemon.address, "--forbidding", "--append", text(&follower), "--once"];
    assert!(contactd(&words).output().expect("it runs").status.success());
    assert!(read(&trail_of(&follower)).matches("GAP").count() == 1, "{}", read(&trail_of(&follower)));
    let words = ["backup", "--server", &daemon.address, text(place.path())];
    assert!(contactd(&words).output().expect("it runs").status.success());
    for _ in 0..2 {
        assert_eq!(health(&daemon), "all is well\n");
        daemon.kill();
        daemon.restart();
    }
}

/// What becomes of a trail and of a data directory.
type Spoil = Box<dyn FnOnce(&Path, &Path)>;

/// A store of yesterday and the trail of today; `spoil` gets both, and the daemon is started on them.
fn yesterday_under(spoil: impl FnOnce(&Path, &Path)) -> (tempfile::TempDir, Daemon) {
    let place = tempfile::tempdir().expect("made");
    let (mut daemon, trail) = started(place.path());
    daemon.terminate();
    let yesterday = place.path().join("yesterday");
    let copy = Command::new("cp").args(["-a", text(&daemon.data_dir()), text(&yesterday)]).status().expect("cp");
    assert!(copy.success());
    daemon.restart();
    for n in [1, 2, 4, 5] {
        stop(&mut daemon.connect(), n);
    }
    daemon.terminate();
    fs::remove_dir_all(daemon.data_dir()).expect("gone");
    fs::rename(&yesterday, daemon.data_dir()).expect("put back");
    spoil(&trail, &daemon.data_dir());
    daemon.restart();
    (place, daemon)
}

#[test]
fn a_store_that_is_older_than_a_trail_that_may_not_have_all_is_fenced() {
    if only_alone("a copy of yesterday that is put back follows the ledger to today") {
        return;
    }
    let keep = |trail: &Path, take: &dyn Fn(usize) -> bool| {
        let lines = read(trail);
        let kept = lines.split_inclusive('\n').enumerate().filter(|(nth, _)| take(*nth)).map(|(_, line)| line);
        fs::write(trail, kept.collect::<String>()).expect("written");
    };
    let spoil_byte = |trail: &Path, from_end: usize| {
        let mut bytes = fs::read(trail).expect("read");
        let at = bytes.len() - from_end;
        bytes[at] = 0xff;
        fs::write(trail, bytes).expect("written");
    };
    let whole: fn(&Path, &Path) = |_, _| {};
    let cases: [(&str, Spoil); 7] = [
        ("as it is", Box::new(whole)),
        ("begun anew", Box::new(move |trail, _| keep(trail, &|nth| nth >= 12))),
        ("a gap", Box::new(move |trail, _| keep(trail, &|nth| nth != 3))),
        ("a byte", Box::new(move |trail, _| spoil_byte(trail, 60))),
        (
            "torn",
            Box::new(|trail, _| {
                let bytes = fs::read(trail).expect("read");
                fs::write(trail, &bytes[..bytes.len() - 7]).expect("cut");
            }),
        ),
        ("an empty directory", Box::new(|_, data| fs::remove_dir_all(data).expect("gone"))),
        (
            "no end of the last line",
            Box::new(|trail, _| {
                let bytes = fs::read(trail).expect("read");
                fs::write(trail, &bytes[..bytes.len() - 1]).expect("cut");
            }),
        ),
    ];
    for (what, spoil) in cases {
        let (_place, daemon) = yesterday_under(spoil);
        let is_sure = ["as it is", "no end of the last line"].contains(&what);
        let said = health(&daemon);
        assert_eq!(said.starts_with("fenced"), !is_sure, "{what}: {said}");
        let mut wire = daemon.connect();
        for n in [1, 2, 4, 5] {
            let said = wire.call(&format!("CHECK {LIST} {}", phone(n)));
            assert!(said == if is_sure { "+no list_opted_out" } else { "+no fenced" }, "{what}, {n}: {said}");
        }
        if is_sure {
            assert!(said.starts_with("store_older: ") && said.contains("pause the lists"), "{what}: {said}");
        } else {
            let said = json(&wire.call("UNFENCE"));
            let passed_over = if what == "begun anew" { 12 } else { usize::from(what != "an empty directory") };
            assert_eq!((&said["why"], &said["passed_over"]), (&"trail".into(), &passed_over.into()), "{what}");
        }
        // A line that is spoilt is passed over, and no other.
        assert_ne!(wire.call(&format!("CHECK {LIST} {}", phone(4))), "+yes", "{what}");
        assert!(wire.call("VERIFY").starts_with("+ok"));
    }
}

/// What can be seen of a trail that does not bring everything back is said at the restore, behind the fence and at its end.
#[test]
fn a_trail_that_does_not_reach_back_to_the_backup_is_told() {
    let place = tempfile::tempdir().expect("made");
    let (mut daemon, trail) = started(place.path());
    let words = ["backup", "--server", &daemon.address, text(place.path())];
    let made = contactd(&words).output().expect("it runs");
    let made = told(&made);
    let file = made["backup"].as_str().expect("a path").to_owned();
    let path = |name: &str| place.path().join(name);
    stop(&mut daemon.connect(), 1);
    fs::rename(&trail, path("first")).expect("moved");
    stop(&mut daemon.connect(), 2);
    fs::rename(&trail, path("second")).expect("moved");
    stop(&mut daemon.connect(), 4);
    let first = read(&path("first"));
    let cut = |skip: usize| first.split_inclusive('\n').skip(skip).collect::<String>();
    fs::write(path("tail"), cut(10)).expect("written");
    fs::write(path("headless"), cut(1)).expect("written");
    let mut spoilt = first.clone().into_bytes();
    spoilt[30] = 0xff;
    fs::write(path("spoilt"), spoilt).expect("written");
    daemon.terminate();
    fs::rename(&trail, path("third")).expect("moved");
    let parts = ["first", "second", "third"].map(|part| read(&path(part)));
    fs::write(path("joined"), parts.concat()).expect("written");
    for (nth, (trails, replayed, passed_over, lacks, is_other)) in [
        (&["first", "second", "third"][..], 13, 0, false, false),
        (&["third", "first", "second"], 13, 0, false, false),
        (&["first", "third"], 12, 0, true, false),
        (&["second", "third"], 2, 0, true, true),
        (&["first"], 11, 0, false, false),
        (&["tail"], 1, 10, true, true),
        (&["headless"], 10, 1, false, true),
        (&["joined"], 13, 0, false, false),
        (&["spoilt"], 10, 1, false, false),
    ]
    .into_iter()
    .enumerate()
    {
        let dir = path(&format!("data-{nth}"));
        let mut words = vec!["restore", &file, "--data-dir", text(&dir)];
        let paths: Vec<PathBuf> = trails.iter().map(|trail| path(trail)).collect();
        words.extend(paths.iter().flat_map(|trail| ["--replay", text(trail)]));
        let output = contactd(&words).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{trails:?}: {said}");
        let restored: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(
            (
                &restored["replayed"],
                &restored["passed_over"],
                restored["trail_lacks_before"].is_string(),
                &restored["trail_is_other"]
            ),
            (&replayed.into(), &passed_over.into(), lacks, &is_other.into()),
            "{trails:?}: {restored}"
        );
        assert_eq!(said.contains("DO NOT REACH BACK"), lacks, "{trails:?}: {said}");
        assert!(said.contains("--stop-scope list") && restored["stop_scope"] == "list", "{said}");
        assert_eq!(restored["backup"]["subscriptions_forbidden"], 10, "{restored}");
        assert!(restored["subscriptions_forbidden"].as_u64() >= Some(11), "{restored}");
        if nth == 3 {
            fs::remove_dir_all(daemon.data_dir()).expect("gone");
            let trails: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
            assert!(restore(&file, &daemon.data_dir(), &trails).status.success());
            daemon.restart_with(&[]);
            let said = health(&daemon);
            for step in ["which the trails do not have", "no lines are gone from the trail", "pause the lists"] {
                assert!(said.contains(step), "{said}");
            }
            let told = json(&daemon.connect().call("UNFENCE"));
            assert_eq!(
                (&told["why"], &told["trail_lacks_before"], &told["trail_is_other"]),
                (&"restored".into(), &restored["trail_lacks_before"], &true.into())
            );
            daemon.terminate();
        }
    }
}

/// A daemon with a trail, and 10 who are opted out, and a backup of it.
fn backed_up() -> (tempfile::TempDir, Daemon, PathBuf, String) {
    let place = tempfile::tempdir().expect("made");
    let (daemon, trail) = started(place.path());
    let file = backup(&daemon, place.path());
    (place, daemon, trail, file)
}

fn backup(daemon: &Daemon, dir: &Path) -> String {
    let made = contactd(&["backup", "--server", &daemon.address, text(dir)]).output().expect("it runs");
    told(&made)["backup"].as_str().expect("a path").to_owned()
}

/// What `contactd restore` says: what it has, and its warnings.
fn restored(words: &[&str]) -> (serde_json::Value, String) {
    let output = contactd(&[&["restore"], words].concat()).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words:?}: {said}");
    (serde_json::from_slice(&output.stdout).expect("JSON"), said)
}

/// A restore without `--replay` says nothing of trails: the start that finds one says all the same what it lacks.
#[test]
fn a_start_behind_a_backup_says_what_its_trail_lacks() {
    for what in ["whole", "moved", "empty", "absent", "cut", "replayed before"] {
        let (place, mut daemon, trail, file) = backed_up();
        let moved = place.path().join("moved");
        stop(&mut daemon.connect(), 1);
        if what == "moved" {
            fs::rename(&trail, &moved).expect("moved");
            stop(&mut daemon.connect(), 2);
        }
        daemon.kill();
        fs::remove_dir_all(daemon.data_dir()).expect("gone");
        let dir = daemon.data_dir();
        let replayed: &[&Path] = if what == "replayed before" { &[&trail] } else { &[] };
        let output = restore(&file, &dir, replayed);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{what}: {said}");
        assert_eq!(said.contains("No trail was given"), what != "replayed before", "{what}: {said}");
        assert!(!said.contains("as the store left it"), "{what}: {said}");
        match what {
            "empty" => fs::write(&trail, "").expect("written"),
            "absent" => fs::remove_file(&trail).expect("removed"),
            "cut" => {
                fs::write(&trail, read(&trail).split_inclusive('\n').skip(10).collect::<String>()).expect("written");
            }
            // On the new machine a new one begins.
            "replayed before" => fs::rename(&trail, &moved).expect("moved"),
            _ => {}
        }
        daemon.restart();
        let lacks = !["whole", "replayed before"].contains(&what);
        for _ in 0..2 {
            let said = health(&daemon);
            for step in ["which the trails do not have", "no lines are gone from the trail"] {
                assert_eq!(said.contains(step), lacks, "{what}: {said}");
            }
            let is_compared = said.contains("with the moment of the loss");
            assert_eq!(is_compared, !["empty", "absent"].contains(&what), "{what}: {said}");
            assert!(!said.contains("trail_other"), "{what}: {said}");
            daemon.kill();
            daemon.restart();
        }
        let told = json(&daemon.connect().call("UNFENCE"));
        assert_eq!(
            (told["trail_lacks_before"].is_string(), told["trail_is_other"].as_bool()),
            (lacks, Some(lacks)),
            "{what}: {told}"
        );
        let newest = told["not_replayed"].as_str().unwrap_or_default().contains("if the trails were cut off there");
        assert_eq!(newest, !["empty", "absent"].contains(&what), "{what}: {told}");
        let said = health(&daemon);
        assert!(if lacks { said.starts_with("unfenced_without: ") } else { said == "all is well\n" }, "{what}: {said}");
    }
}

#[test]
fn lines_that_are_gone_from_a_trail_or_changed_are_told() {
    let (place, mut daemon, trail, file) = backed_up();
    for n in [1, 2, 4, 5] {
        stop(&mut daemon.connect(), n);
    }
    daemon.terminate();
    let whole = read(&trail);
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    assert_eq!(lines.len(), 14, "{whole}");
    let digit = lines[11].replace(&phone(2), &phone(29));
    let with = |places: &[usize]| places.iter().map(|at| lines[*at]).collect::<String>();
    let (all, known): (Vec<usize>, Vec<usize>) = ((0..14).collect(), (0..10).collect());
    for (what, found, replayed, passed_over) in [
        ("whole", with(&all), 14, 0),
        ("gone from the middle", with(&[&known[..], &[10, 13]].concat()), 12, 2),
        ("cut at a line's end", with(&all[..13]), 13, 0),
        ("the newest part of a file", with(&[12, 13]), 2, 12),
        ("two that changed places", with(&[&known[..], &[10, 12, 11, 13]].concat()), 14, 3),
        ("a digit", whole.replace(lines[11], &digit), 14, 1),
    ] {
        let trail = place.path().join("half");
        fs::write(&trail, found).expect("written");
        let (json, said) = restored(&[&file, "--drill", "--replay", text(&trail)]);
        assert_eq!(
            (&json["replayed"], &json["passed_over"]),
            (&replayed.into(), &passed_over.into()),
            "{what}: {json}, {said}"
        );
        assert!(said.contains("with the moment of the loss"), "{what}: {said}");
        assert_eq!(said.contains("look for what was said there"), passed_over > 0, "{what}: {said}");
    }
}

#[test]
fn trails_that_have_everything_raise_no_alarm() {
    let place = tempfile::tempdir().expect("made");
    let daemon = Daemon::start(&[]);
    let told_path = place.path().join("follower");
    let follower = trail_of(&told_path);
    let follow = || {
        let words = ["feed", "--server", &daemon.address, "--forbidding", "--append", text(&told_path), "--once"];
        assert!(contactd(&words).output().expect("it runs").status.success());
    };
    let mut wire = daemon.connect();
    for line in [
        format!("LIST {LIST}"),
        format!("OPTIN {LIST} {}", phone(1)),
        format!("OPTIN {LIST} {}", phone(2)),
        format!("ERASE {}", phone(2)),
    ] {
        wire.call(&line);
    }
    let file = backup(&daemon, place.path());
    stop(&mut wire, 1);
    follow();
    let (json, said) = restored(&[&file, "--drill", "--replay", text(&follower)]);
    assert!(!said.contains("DO NOT REACH BACK") && !said.contains("ERASE"), "{said}");
    assert_eq!((&json["replayed"], &json["unnamed_erasures"]), (&1.into(), &0.into()), "{json}");
    // Without a trail nothing is said of trails, and of a file that is none only the first lines.
    let (_, said) = restored(&[&file, "--drill"]);
    assert_eq!(said, "");
    let sheet = place.path().join("sheet");
    fs::write(&sheet, "phone,list\n".repeat(300)).expect("written");
    let output = contactd(&["restore", &file, "--drill", "--replay", text(&sheet)]).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.lines().count() == 12 && said.contains("give the trail's file"), "{said}");
}

#[test]
fn a_trail_that_was_moved_before_a_stop_raises_no_alarm() {
    let place = tempfile::tempdir().expect("made");
    let (mut daemon, trail) = started(place.path());
    fs::rename(&trail, place.path().join("moved")).expect("moved");
    daemon.terminate();
    assert!(read(&trail).contains("GAP"), "{}", read(&trail));
    daemon.restart();
    assert_eq!(health(&daemon), "all is well\n");
    assert_eq!(read(&trail).lines().count(), 1, "{}", read(&trail));
}
