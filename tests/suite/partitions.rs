//! A store in partitions: one daemon to its clients. `CONTACTD_TEST_LEDGER=partitions cargo test --test suite` runs the other tests
//! on such stores, too. There those fail that look into a store's files, name positions and numbers, or want an order among what
//! has one date.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::metrics::Page;
use crate::pair::only_alone;
use crate::support::{Daemon, PATIENCE, Wire, free_address, partitions, program};

const LIST: &str = "24365";

/// One whose store is split, be it that all of this run are.
fn split(more: &[&str]) -> Daemon {
    if partitions() > 1 { Daemon::start(more) } else { Daemon::start(&[&["--partitions", "4"], more].concat()) }
}

/// Contacts on a list, enough that every partition has some.
fn fill(wire: &mut Wire) -> Vec<String> {
    assert_eq!(wire.call(&format!("LIST {LIST}")), "+created");
    let phones: Vec<String> = (0..40).map(|number| format!("+1415555{:04}", 2000 + number)).collect();
    let lines: Vec<String> =
        phones.iter().map(|phone| format!("OPTIN {LIST} {phone} {{\"at\":\"2026-01-01\"}}")).collect();
    assert!(wire.call_all(&lines).iter().all(|reply| reply == ":1"));
    phones
}

fn items(reply: &str) -> Vec<Value> {
    reply
        .lines()
        .filter_map(|line| serde_json::from_str(line.strip_prefix('+')?).ok())
        .filter(Value::is_object)
        .collect()
}

#[test]
fn each_partition_has_its_contacts_and_all_answer_as_one() {
    let mut daemon = split(&[]);
    let mut wire = daemon.connect();
    let phones = fill(&mut wire);
    assert_eq!(wire.call(&format!("OPTOUT {LIST} {}", phones[7])), ":1");
    let all = wire.call(&format!("CHECK {LIST} {} 415-555-0124 nobody", phones.join(" ")));
    let all: Vec<&str> = all.lines().collect();
    assert_eq!(all[0], "*42");
    let expected = |at: usize| if at == 7 { "+no list_opted_out" } else { "+yes" };
    assert!((0..40).all(|at| all[at + 1] == expected(at)), "{all:?}");
    assert!(all[41..].iter().all(|wrong| wrong.starts_with("-BADARG")), "{all:?}");
    assert_eq!(wire.call("COUNT"), ":40");
    assert_eq!(wire.call("VERIFY").split(' ').take(2).collect::<Vec<_>>(), ["+ok", "40"]);
    // What is killed comes back, each part of it.
    drop(wire);
    daemon.kill();
    daemon.restart();
    let mut wire = daemon.connect();
    assert_eq!(wire.call("COUNT"), ":40");
    assert_eq!(wire.call(&format!("CHECK {LIST} {}", phones[7])), "+no list_opted_out");
    let stores = (0..4).filter(|place| daemon.data_dir().join(format!("p{place}/store")).is_dir()).count();
    assert_eq!(stores, 4);
}

#[test]
fn pages_lead_through_all_partitions() {
    let daemon = split(&[]);
    let mut wire = daemon.connect();
    let phones = fill(&mut wire);
    let (mut found, mut after) = (Vec::new(), "0".to_owned());
    loop {
        let page = wire.call(&format!("FIND list={LIST} LIMIT 7 AFTER {after}"));
        let mut lines = page.lines().skip(1).map(|line| line[1..].to_owned());
        after = lines.next().expect("a cursor");
        let page: Vec<String> = lines.collect();
        assert!(page.len() == 7 || after == "0", "a page is full but for the last: {page:?}");
        found.extend(page);
        if after == "0" {
            break;
        }
    }
    found.sort();
    assert_eq!(found, phones);
    assert!(wire.call("FIND AFTER 7").starts_with("-BADARG '7' is not a cursor of this store"));
    wire.send("EXPORT\n");
    let exported = std::iter::repeat_with(|| wire.reply()).take_while(|line| line != ".").count();
    assert_eq!(exported, 41, "its head, and each contact");
}

/// Each partition has the lists, and the first one tells of them.
#[test]
fn a_page_of_the_feed_is_empty_only_at_its_end() {
    let daemon = split(&[]);
    let mut wire = daemon.connect();
    let mut position = wire.call("FEED").lines().nth(1).expect("a position")[1..].to_owned();
    let phones = fill(&mut wire);
    wire.call("LIST +14155550177 {\"name\":\"another\"}");
    for phone in &phones {
        assert_eq!(wire.call(&format!("OPTOUT {LIST} {phone}")).as_bytes()[0], b':');
    }
    let mut out = BTreeSet::new();
    loop {
        let page = wire.call(&format!("FEED {position} LIMIT 1"));
        let mut lines = page.lines().skip(1).map(|line| line[1..].to_owned());
        position = lines.next().expect("a position");
        let Some(item) = lines.next() else { break };
        let item: Value = serde_json::from_str(&item).expect("JSON");
        let lists = item["lists"].as_array().into_iter().flatten();
        if lists.clone().any(|on| on["status"] == "opted_out") {
            out.extend(item["phone"].as_str().map(str::to_owned));
        }
    }
    assert_eq!(out.into_iter().collect::<Vec<_>>(), phones);
}

/// All that a feed tells behind a position, in pages of so many.
fn feed_from(wire: &mut Wire, position: &str, limit: usize) -> Vec<Value> {
    let (mut told, mut position) = (Vec::new(), position.to_owned());
    loop {
        let page = wire.call(&format!("FEED {position} LIMIT {limit}"));
        page.lines().nth(1).expect("a position")[1..].clone_into(&mut position);
        let page = items(&page);
        assert!(page.len() <= limit);
        if page.is_empty() {
            return told;
        }
        told.extend(page);
    }
}

/// Whatever the pages, and from whichever end: the same items at the same positions. The changes of lists, which every partition has
/// and the first one tells, are among them, and are the newest.
#[test]
fn the_newest_of_the_feed_are_its_end_the_other_way_round() {
    let daemon = split(&[]);
    let mut wire = daemon.connect();
    let begin = wire.call("FEED").lines().nth(1).expect("a position")[1..].to_owned();
    let phones = fill(&mut wire);
    let pause = |wire: &mut Wire, turn: usize| {
        let paused = turn.is_multiple_of(2);
        assert_eq!(wire.call(&format!("LIST {LIST} {{\"paused\":{paused}}}")), "+updated");
    };
    for (turn, some) in phones.chunks(5).enumerate() {
        pause(&mut wire, turn);
        for phone in some {
            assert_eq!(wire.call(&format!("OPTOUT {LIST} {phone}")), ":1");
        }
    }
    (0..12).for_each(|turn| pause(&mut wire, turn));
    let all = feed_from(&mut wire, &begin, 1000);
    assert_eq!(all.len(), 1 + 40 + 8 + 40 + 12);
    for limit in [1, 2, 7] {
        assert_eq!(feed_from(&mut wire, &begin, limit), all, "in pages of {limit}");
    }
    let dates: Vec<&str> = all.iter().map(|item| item["at"].as_str().expect("a date")).collect();
    assert!(dates.is_sorted(), "{dates:?}");
    let now = wire.call("FEED").lines().nth(1).expect("a position").to_owned();
    for number in [1, 2, 11, 12, 13, 40, all.len(), 1000] {
        let reply = wire.call(&format!("FEED LAST {number}"));
        assert_eq!(reply.lines().nth(1), Some(now.as_str()));
        let mut last = items(&reply);
        last.reverse();
        assert_eq!(last, all[all.len().saturating_sub(number)..], "LAST {number}");
    }
    for (place, item) in all.iter().enumerate() {
        let position = item["position"].as_str().expect("a position");
        assert_eq!(items(&wire.call(&format!("FEED {position} LIMIT 1"))), all[place..=place]);
        assert_eq!(items(&wire.call(&format!("FEED {position} LIMIT 3"))), all[place..all.len().min(place + 3)]);
    }
    assert!(wire.call("FEED LAST 0").starts_with("-BADARG LAST expects a number from 1 to 1000"));
    assert_eq!(wire.call("FEED LAST 1001"), "-LIMIT LAST is at most 1000");
}

/// A change of a list is written to each partition, and the first one tells of it: to one who waits the others say nothing of it, and
/// what comes behind it is news all the same.
#[test]
fn one_who_waits_hears_at_once_what_comes_behind_a_change_of_a_list() {
    let daemon = split(&[]);
    let mut wire = daemon.connect();
    let phones = fill(&mut wire);
    let begin = wire.call("FEED").lines().nth(1).expect("a position")[1..].to_owned();
    let (heard, news) = std::sync::mpsc::channel();
    let mut reader = daemon.connect();
    std::thread::spawn(move || {
        let mut position = begin;
        loop {
            reader.send(format!("FEED {position} WAIT 50000\n"));
            let page = reader.reply();
            let Some(next) = page.lines().nth(1) else { return };
            next[1..].clone_into(&mut position);
            if items(&page).into_iter().any(|item| heard.send(item).is_err()) {
                return;
            }
        }
    });
    for (turn, phone) in phones.iter().take(20).enumerate() {
        let paused = turn.is_multiple_of(2);
        assert_eq!(wire.call(&format!("LIST {LIST} {{\"paused\":{paused}}}")), "+updated");
        sleep(Duration::from_millis(20));
        assert_eq!(wire.call(&format!("OPTOUT {LIST} {phone}")), ":1");
        let asked = Instant::now();
        loop {
            let item = news.recv_timeout(Duration::from_secs(30)).expect("news");
            if item["phone"].as_str() == Some(phone) {
                break;
            }
        }
        assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
    }
}

#[test]
fn the_feed_of_all_is_followed_by_one_position() {
    let daemon = split(&[]);
    let mut wire = daemon.connect();
    let begin = wire.call("FEED").lines().nth(1).expect("a position")[1..].to_owned();
    let phones = fill(&mut wire);
    let told = feed_from(&mut wire, &begin, 7);
    let position = wire.call("FEED").lines().nth(1).expect("a position")[1..].to_owned();
    let lists = told.iter().filter(|item| item["kind"] == "list").count();
    let mut of_phones: Vec<&str> = told.iter().filter_map(|item| item["phone"].as_str()).collect();
    of_phones.sort_unstable();
    assert_eq!((lists, of_phones), (1, phones.iter().map(String::as_str).collect()), "each once");
    // From the position of an item it is told again, with all behind it.
    let fifth = told[5]["position"].as_str().expect("a position");
    assert_eq!(items(&wire.call(&format!("FEED {fifth} LIMIT 1000"))), told[5..]);
    assert!(wire.call("FEED 19de368f600-1").starts_with("-LIMIT the position '19de368f600-1' does not belong"));
    // One who waits is told as soon as any partition has news.
    let mut waits = daemon.connect();
    waits.send(format!("FEED {position} WAIT 30000\n"));
    assert_eq!(wire.call(&format!("OPTOUT {LIST} {}", phones[3])), ":1");
    let news = items(&waits.reply());
    assert_eq!(news.len(), 1);
    assert_eq!((news[0]["phone"].as_str(), news[0]["cause"].as_str()), (Some(phones[3].as_str()), Some("optout")));
}

#[test]
fn a_message_of_any_partition_is_settled_by_its_number() {
    let daemon = split(&[]);
    let mut wire = daemon.connect();
    let phones = fill(&mut wire);
    for phone in &phones[..9] {
        assert_eq!(
            wire.call(&format!("INBOUND {LIST} {phone} {{\"text\":\"wrong number?\"}}")),
            "+message maybe_optout"
        );
    }
    let (mut waiting, mut after) = (Vec::new(), "0".to_owned());
    loop {
        let page = wire.call(&format!("INBOX LIMIT 4 AFTER {after}"));
        after = page.lines().nth(1).expect("a cursor")[1..].to_owned();
        waiting.extend(items(&page));
        if after == "0" {
            break;
        }
    }
    let dates: Vec<&str> = waiting.iter().map(|message| message["seen_at"].as_str().expect("a date")).collect();
    assert!(dates.is_sorted_by(|one, other| one >= other), "the newest first: {dates:?}");
    assert_eq!(waiting.len(), 9);
    for message in &waiting {
        assert_eq!(wire.call(&format!("INBOX DONE {}", message["number"])), ":1");
        assert_eq!(wire.call(&format!("INBOX DONE {}", message["number"])), ":0");
    }
    assert_eq!(wire.call("INBOX"), "*1\n+0");
}

#[test]
fn a_list_is_one_in_all_partitions() {
    let daemon = split(&[]);
    let mut wire = daemon.connect();
    let phones = fill(&mut wire);
    assert_eq!(wire.call(&format!("LIST {LIST} {{\"paused\":true}}")), "+updated");
    let verdicts = wire.call(&format!("CHECK {LIST} {}", phones.join(" ")));
    assert!(verdicts.lines().skip(1).all(|verdict| verdict == "+no list_paused"), "{verdicts}");
    assert_eq!(items(&wire.call("LISTS"))[0]["active"], 40);
    let refused = wire.call(&format!("UNLIST {LIST}"));
    assert!(refused.starts_with("-BADARG 40 active or suppressed contacts on 24365"), "{refused}");
    assert_eq!(items(&wire.call(&format!("LISTS {LIST} {LIST}"))).len(), 2);
    assert_eq!(wire.call(&format!("UNLIST {LIST} FORCE")), "+removed");
    assert_eq!(wire.call("LISTS"), "*0");
}

#[test]
fn a_purge_runs_in_all_partitions() {
    let daemon = split(&[]);
    let mut wire = daemon.connect();
    let phones = fill(&mut wire);
    for phone in &phones[..20] {
        assert_eq!(wire.call(&format!("INVALID {phone} {{\"at\":\"2026-01-01\"}}")), ":1");
    }
    let told = Command::new(program()).args(["purge", "--server", &daemon.address]).output().expect("it runs");
    let text = String::from_utf8_lossy(&told.stdout);
    assert!(told.status.success() && text.contains("20 contacts"), "{text}{}", String::from_utf8_lossy(&told.stderr));
    assert_eq!(wire.call("COUNT"), ":20");
}

#[test]
fn a_store_keeps_its_number_of_partitions() {
    let daemon = split(&[]);
    let dir = daemon.data_dir();
    let other = Command::new(program())
        .args(["serve", "--listen", "127.0.0.1:0", "--http", "off", "--partitions", "2", "--data-dir"])
        .arg(&dir)
        .output()
        .expect("it runs");
    let told = String::from_utf8_lossy(&other.stderr);
    assert!(!other.status.success() && told.contains("has 4, and keeps them"), "{told}");
}

#[test]
fn metrics_tell_of_each_partition_and_once_of_the_daemon() {
    let scraped = free_address();
    let daemon = split(&["--metrics", &scraped]);
    let mut wire = daemon.connect();
    fill(&mut wire);
    let wrong = [
        "NOSUCH",
        "COUNT x",
        "CHECK",
        "OPTOUT 24365 nobody",
        "INBOX AFTER x",
        "FEED x",
        "EXPORT x",
        "PURGE RUN 1",
        "UNLIST x",
    ];
    for request in wrong {
        let told = wire.call(request);
        assert!(told.starts_with('-'), "{request}: {told}");
    }
    assert!(wire.call("STATS").contains(&format!("\n+errors {}\n", wrong.len())), "each once, whoever says it");
    let page = Page::get(&scraped, "/metrics", "").body;
    let errors = page.lines().filter_map(|line| line.strip_prefix("contactd_errors_total{code=\"")?.split_once("\"} "));
    assert_eq!(errors.map(|(_, count)| count.parse::<usize>().expect("a number")).sum::<usize>(), wrong.len());
    let sample = |name: &str| -> u64 {
        let mut lines = page.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let value = lines.next().and_then(|value| value.parse().ok());
        value.unwrap_or_else(|| panic!("{name} is not told:\n{page}"))
    };
    let active = |place| sample(&format!("contactd_contacts{{partition=\"{place}\",status=\"active\"}}"));
    assert_eq!((0..4).map(active).sum::<u64>(), 40);
    assert_eq!(sample("contactd_clients"), 1);
    assert_eq!(sample("contactd_requests_total{verb=\"optin\"}"), 40);
    for family in page.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        assert_eq!(page.matches(&format!("# TYPE {family}\n")).count(), 1, "{family}");
    }
}

/// What a start that fails says, with how it was told.
fn refused(dir: &Path, more: &[&str]) -> String {
    let start = ["serve", "--listen", "127.0.0.1:0", "--http", "off", "--data-dir"];
    let other = Command::new("timeout").arg("60").arg(program()).args(start).arg(dir).args(more).output();
    let other = other.expect("it runs");
    let told = String::from_utf8_lossy(&other.stderr).into_owned();
    assert_eq!(other.status.code(), Some(2), "{more:?}: {told}");
    told
}

/// One file of each, under one name, over the network: all of them, or none.
#[test]
fn a_backup_of_partitions_is_fetched_and_clients_are_told_of_all() {
    let daemon = split(&[]);
    let mut wire = daemon.connect();
    let phones = fill(&mut wire);
    let to = tempfile::tempdir().expect("a directory");
    let fetch = |to: &str| {
        let done = Command::new(program()).args(["backup", to, "--server", &daemon.address]).output().expect("it runs");
        (done.status.success(), String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned())
    };
    let (is_done, said) = fetch("-");
    assert!(!is_done && said.contains("a file of each: give a directory"), "{said}");
    let (is_done, said) = fetch(to.path().to_str().expect("UTF-8"));
    assert!(is_done, "{said}");
    let facts: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let contacts: u64 = facts.iter().map(|facts| facts["contacts"].as_u64().expect("a number")).sum();
    assert_eq!((facts.len(), contacts), (4, phones.len() as u64));
    let names: Vec<_> = facts.iter().map(|facts| Path::new(facts["backup"].as_str().expect("a file"))).collect();
    assert!((0..4).all(|place| names[place].starts_with(to.path().join(format!("p{place}")))), "{names:?}");
    assert!(names.iter().all(|name| name.file_name() == names[0].file_name() && name.is_file()), "{names:?}");
    assert_eq!(wire.call("BACKUP LIST"), "*0", "nothing is left there");
    assert!(wire.call("BACKUP READ night 0").starts_with("-ERR a store in partitions has one file of each"));
    assert!(wire.call("BACKUP READ p3/night 0").starts_with("-BADARG there is no backup 'night'"));
    assert!(wire.call("BACKUP READ p4/night 0").starts_with("-ERR "));

    // Who has asked nothing but one partition is told of, too, on the page of that one.
    let mut other = daemon.connect();
    assert_eq!(other.call(&format!("CHECK {LIST} {}", phones[0])), "+yes");
    let walk = |wire: &mut Wire| {
        let (mut told, mut page) = (Vec::new(), wire.call("CLIENTS LIMIT 1"));
        loop {
            told.extend(items(&page));
            let next = page.lines().nth(1).expect("a cursor").trim_start_matches('+').to_owned();
            if next == "0" {
                return told;
            }
            page = wire.call(&format!("CLIENTS LIMIT 1 AFTER {next}"));
        }
    };
    // Whoever fetched the backup is still leaving.
    let since = Instant::now();
    loop {
        let (whole, walked) = (items(&wire.call("CLIENTS")), walk(&mut wire));
        assert!(whole.len() >= 5, "the first one has asked all: {whole:?}");
        if walked.len() == whole.len() {
            break;
        }
        assert!(since.elapsed() < PATIENCE, "{whole:?}, page by page {walked:?}");
        sleep(Duration::from_millis(20));
    }
}

/// It is of all, or of none: one that is not told of by BACKUP LIST takes room, and has the secret.
#[test]
fn a_backup_that_one_partition_refuses_leaves_nothing_in_the_others() {
    let daemon = split(&[]);
    let mut wire = daemon.connect();
    fill(&mut wire);
    let backups = |place: u16| daemon.data_dir().join(format!("p{place}/backups"));
    fs::create_dir_all(backups(2)).expect("made");
    fs::write(backups(2).join("night.backup"), "of before").expect("written");
    let wait = |wire: &mut Wire| {
        let since = Instant::now();
        while items(&wire.call("BACKUP STATUS"))[0]["state"] != "idle" {
            assert!(since.elapsed() < PATIENCE, "{}", daemon.log());
            sleep(Duration::from_millis(20));
        }
    };
    let files = |place: u16| -> Vec<_> {
        let files = fs::read_dir(backups(place)).into_iter().flatten().flatten();
        files.map(|file| file.file_name().into_string().expect("UTF-8")).collect()
    };
    let refused = wire.call("BACKUP RUN night");
    assert!(refused.starts_with("-BADARG there is a backup 'night' already"), "{refused}");
    wait(&mut wire);
    assert_eq!([0, 1, 2, 3].map(files), [vec![], vec![], vec!["night.backup".to_owned()], vec![]]);
    assert!(wire.call("BACKUP RUN night again").starts_with("-ERR usage: BACKUP RUN"));
    assert_eq!(wire.call("BACKUP RUN morning"), "+started");
    wait(&mut wire);
    assert!((0..4).all(|place| files(place).contains(&"morning.backup".to_owned())));
}

/// Whoever said STOP in it would be unknown, and the next import would make him a contact.
#[test]
fn a_store_that_lost_a_partition_is_refused_until_that_is_restored() {
    if only_alone("the store of a ledger is opened with it") {
        return;
    }
    let mut daemon = split(&[]);
    let mut wire = daemon.connect();
    let phones = fill(&mut wire);
    let out: Vec<String> = phones.iter().map(|phone| format!("OPTOUT {LIST} {phone}")).collect();
    assert!(wire.call_all(&out).iter().all(|reply| reply == ":1"));
    assert!(wire.call("BACKUP RUN").starts_with('+'), "a backup of each");
    let dir = daemon.data_dir();
    let partition = |place: u16| dir.join(format!("p{place}"));
    let backup = |place: u16| {
        let written = fs::read_dir(partition(place).join("backups")).into_iter().flatten().flatten();
        written.map(|entry| entry.path()).find(|path| path.extension().is_some_and(|end| end == "backup"))
    };
    let since = Instant::now();
    while !(0..4).all(|place| backup(place).is_some()) && since.elapsed() < PATIENCE {
        sleep(Duration::from_millis(50));
    }
    drop(wire);
    assert_eq!(daemon.terminate(), Some(0));
    let place = tempfile::tempdir().expect("a directory");
    let aside = place.path().join("aside");
    for gone in [3, 0] {
        let kept = backup(gone).map(|file| {
            let kept = place.path().join(format!("p{gone}.backup"));
            fs::copy(file, &kept).expect("copied");
            kept
        });
        fs::rename(partition(gone), &aside).expect("lost");
        for (more, is_there) in [
            (&["--partitions", "4"][..], false),
            (&["--partitions", "3"], false),
            (&[], false),
            (&["--partitions", "4"], true),
            (&[], true),
        ] {
            if is_there {
                fs::create_dir_all(partition(gone)).expect("made");
            }
            let told = refused(&dir, more);
            assert!(told.contains(&format!("p{gone} is gone")) && told.contains("contactd restore FILE"), "{told}");
        }
        let restore = |to: u16| {
            let _ = fs::remove_dir_all(partition(to));
            let restored = Command::new(program())
                .arg("restore")
                .arg(kept.as_ref().expect("a backup"))
                .arg("--data-dir")
                .arg(partition(to))
                .output()
                .expect("it runs");
            assert!(restored.status.success(), "{restored:?}");
        };
        restore(gone);
        daemon.restart();
        let mut wire = daemon.connect();
        let all = wire.call(&format!("CHECK {LIST} {}", phones.join(" ")));
        assert!(all.contains("+no fenced") && all.contains("+no list_opted_out") && !all.contains("yes"), "{all}");
        assert!(wire.call("UNFENCE").contains("backup_at"));
        let all = wire.call(&format!("CHECK {LIST} {}", phones.join(" ")));
        assert!(all.lines().skip(1).all(|verdict| verdict == "+no list_opted_out"), "{all}");
        drop(wire);
        assert_eq!(daemon.terminate(), Some(0));
        fs::remove_dir_all(&aside).expect("removed");
        // The backup of one in the place of another.
        fs::rename(partition(1), &aside).expect("lost");
        restore(1);
        let told = refused(&dir, &[]);
        assert!(told.contains("contacts that are not of partition 1 of 4"), "{told}");
        fs::remove_dir_all(partition(1)).expect("removed");
        fs::rename(&aside, partition(1)).expect("back");
    }
}

/// A partition that cannot be opened ends the start; it would answer `-LOADING` for ever.
#[test]
fn partitions_without_their_secret_do_not_start() {
    if only_alone("the store of a ledger is opened with it") {
        return;
    }
    let mut daemon = split(&[]);
    fill(&mut daemon.connect());
    assert_eq!(daemon.terminate(), Some(0));
    let dir = daemon.data_dir();
    let (key, restored) = (dir.join("tombstone.key"), dir.join("p2/tombstone.key"));
    let secret = fs::read_to_string(&key).expect("the secret");
    fs::remove_file(&key).expect("removed");
    let told = refused(&dir, &[]);
    assert!(told.contains("gives it back") && !key.exists(), "{told}");
    fs::copy(dir.join("p2/partition"), &restored).expect("made");
    fs::set_permissions(&restored, fs::Permissions::from_mode(0o600)).expect("set");
    fs::write(&restored, &secret).expect("written");
    let told = refused(&dir, &[]);
    assert!(told.contains("move it from there") && told.contains("p2/tombstone.key"), "{told}");
    let other: String = secret.trim().chars().rev().collect();
    fs::rename(&restored, &key).expect("moved");
    fs::write(&key, &other).expect("written");
    let told = refused(&dir, &[]);
    assert!(told.contains("belongs to another store"), "{told}");
    fs::write(&key, &secret).expect("written");
    daemon.restart();
    assert_eq!(daemon.connect().call("COUNT"), ":40");
}
