//! Stores of earlier versions: each is checked in with questions and the answers it gave, and every later version must
//! open it and answer the same. A version may add keys to an answer's JSON; it may not change or drop one.
//!
//! `store-1` is that of 0.1.0, which was never published. The others have the name of their version, and were written by
//! `cargo test --test suite fixture -- --ignored` just before it was published: a version that changes what is stored adds one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use contactd::model::inbox::MaybeOptOut;
use contactd::model::time::DAY_MS;
use contactd::model::verdict::StopScope;
use contactd::store::backup_file::name_of;
use contactd::store::{Options, Store};
use serde_json::Value;
use tempfile::TempDir;

use crate::pair::{has_ledger, is_split, only_alone, only_whole};
use crate::purge_cli::contactd;
use crate::support::{Daemon, House, Removal, Wire};
use crate::unpack::unpack;

/// 2026-05-01T12:00:00Z.
const NOON: i64 = 1_777_636_800_000;
/// A day later: when the questions are asked.
const ASKED_AT: i64 = NOON + DAY_MS;

/// One contact for each thing that can be stored of one.
const STORY: &str = r#"
LIST 24365 {"name":"Sale"}
LIST 24366 {"name":"News","paused":true}
LIST 24367
OPTIN 24365 +14155550101 {"how":"journey","source":"spring","evidence":"form","id":"o-1"}
OPTIN 24365 +14155550102
INBOUND 24365 +14155550102 {"text":"Stop.","id":"in-1"}
OPTIN 24365 +14155550103 {"at":"2026-01-01"}
OPTOUT 24365 +14155550103 {"at":"2026-02-01","how":"journey","source":"page","reason":"clicked"}
OPTIN 24365 +14155550103 {"at":"2026-03-01"}
OPTOUT * +14155550104 {"source":"desk"}
SUPPRESS +14155550105 {"source":"ops","reason":"complaint"}
OPTIN 24365 +14155550106
SUPPRESS 24365 +14155550106
RELEASE 24365 +14155550106
INVALID +14155550107 {"reason":"30005"}
INVALID +14155550108
VALID +14155550108
IMPORT 24365 {"phone":"+14155550109","labels":{"state":"CA","tier":"gold"},"source":"a.csv","subscribed_at":"2025-01-01","created_at":"2024-01-01","total_sends":12,"total_revenue":19.99,"last_sent":"2025-02-20"}
IMPORT 24365 {"phone":"+14155550110","labels":{"state":"NY","tier":"gold"},"source":"a.csv"}
IMPORT 24365 {"phone":"+14155550111","labels":{"state":"NY"},"source":"a.csv"}
IMPORT 24365 {"phone":"+14155550112","status":"opted_out","opted_out_at":"2026-04-01"}
IMPORT 24365 {"phone":"+14155550101","labels":{"tier":"silver"},"source":"b.csv"}
CLAIM 24365 +14155550101 m-1
CLAIM 24365 +14155550101 m-2
SENT 24365 +14155550101 m-2
CLAIM 24365 +14155550101 m-3
FAILED 24365 +14155550101 m-3 {"code":"30003"}
CLICK 24365 +14155550101 {"id":"c-1","message":"m-2","url":"https://example.com/a"}
CLICK 24365 +14155550101 {"bot":true}
CONVERT 24365 +14155550101 12.50 {"id":"v-1","message":"m-2"}
CONVERT 24365 +14155550101 -2.50
SENT 24365 +14155550110 n-1
FAILED 24365 +14155550110 n-1 {"code":"21610"}
INBOUND 24365 +14155550111 {"text":"wrong number"}
INBOUND 24365 +14155550111 {"text":"who is this?"}
INBOUND 24365 +14155550113 {"text":"START"}
INBOUND 24365 +14155550113 {"text":"HELP"}
PUT +14155550114 {"labels":{"city":"São Paulo","note":"say \"hi\""}}
OPTOUT 24399 +14155550115
OPTIN 24367 +14155550116
UNLIST 24367 FORCE
IMPORT * {"phone":"+14155550117","invalid_at":"2026-01-01","created_at":"2020-01-01"}
IMPORT 24365 {"phone":"+14155550118","created_at":"2020-01-01","subscribed_at":"2020-01-01","total_sends":50,"sends_since_engaged":50,"last_sent":"2026-04-01"}
OPTIN 24365 +14155550119
ERASE +14155550119
PURGE PLAN
PURGE RUN 1
"#;

/// What 0.2.0 keeps besides: messages that wait for a person and hold contacts back, one that was settled, a number with two
/// spellings, and an opt-out that came twice.
const STORY_2: &str = r#"
OPTIN 24365 +14155550121
INBOUND 24365 +14155550121 {"text":"wrong number","id":"in-2"}
OPTIN 24365 +14155550122
INBOUND 24365 +14155550122 {"text":"sotp"}
INBOX DONE NEWEST
OPTOUT 24365 +14155550123 {"at":"2026-01-01","source":"page"}
OPTOUT 24365 +14155550123 {"at":"2026-02-01","source":"desk"}
FAILED 24365 +14155550124 n-2 {"code":"9","provider":"vonage"}
OPTIN 24366 +5491123456789
LIST 24366 {"paused":false}
SUPPRESS +14155550125 {"source":"ops"}
RELEASE +14155550125
"#;

/// A store that is checked in.
struct Fixture {
    name: &'static str,
    asked_at: i64,
    maybe_optout: MaybeOptOut,
}

const FIXTURES: [Fixture; 3] = [
    Fixture { name: "store-1", asked_at: ASKED_AT, maybe_optout: MaybeOptOut::Show },
    Fixture { name: "store-0.2.0", asked_at: ASKED_AT, maybe_optout: MaybeOptOut::Hold },
    // The same behind the fence of a restore, which has format 2. It was restored in November.
    Fixture { name: "store-0.2.0-restored", asked_at: NOON + 220 * DAY_MS, maybe_optout: MaybeOptOut::Hold },
];

impl Fixture {
    fn path(&self, kind: &str) -> PathBuf {
        fixture(&format!("{}.{kind}", self.name))
    }

    fn house(&self, dir: TempDir) -> House {
        let removal = Removal { maybe_optout: self.maybe_optout, ..Removal::default() };
        House::on(dir, StopScope::List, self.asked_at, removal)
    }

    /// Writes the answers, and the store as it is then.
    fn write(&self, house: House) -> TempDir {
        let mut wire = house.connect();
        house.set_clock(self.asked_at);
        let answers =
            questions().iter().fold(String::new(), |all, line| format!("{all}> {line}\n{}\n", wire.call(line)));
        fs::write(self.path("answers"), answers).expect("written");
        drop(wire);
        let dir = house.close();
        fs::write(self.path("pack"), pack(&dir.path().join("data"))).expect("written");
        dir
    }
}

/// What is asked of the store, besides CHECK, GET and HISTORY of every number.
const QUESTIONS: [&str; 17] = [
    "LISTS",
    "COUNT",
    "COUNT eligible=24365",
    "COUNT label.tier=gold OR label.state=NY",
    "COUNT created<2025-01-01",
    "COUNT engaged>=2026-05-01",
    "FIND list=24365/opted_out",
    "FIND status=suppressed OR status=invalid OR status=opted_out",
    "LABELS",
    "LABELS state",
    "FEED",
    "FEED 1 LIMIT 1000",
    "PURGE REPORTS",
    "INBOX",
    "INBOX LIMIT 1",
    "HISTORY *",
    "VERIFY",
];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn phones() -> impl Iterator<Item = String> {
    (101..=125).map(|n| format!("+14155550{n}"))
}

fn questions() -> Vec<String> {
    let of_phones = phones().flat_map(|phone| {
        let checks = [24365, 24366, 24367, 24399].map(|list| format!("CHECK {list} {phone}"));
        checks.into_iter().chain([format!("GET {phone}"), format!("HISTORY {phone} LIMIT 100")])
    });
    of_phones.chain(QUESTIONS.map(str::to_owned)).collect()
}

/// Whether an answer says all that it said before. The words behind an error's code may change.
fn says_as_before(before: &str, now: &str) -> bool {
    let json = |line: &str| line.strip_prefix('+').and_then(|text| serde_json::from_str::<Value>(text).ok());
    let lines = || before.lines().zip(now.lines());
    before.lines().count() == now.lines().count()
        && lines().all(|(before, now)| match (json(before), json(now)) {
            (Some(before), Some(now)) => holds(&before, &now),
            _ if before.starts_with('-') => before.split(' ').next() == now.split(' ').next(),
            _ => before == now,
        })
}

/// The same of a store that became the partitions of a ledger: among these there is no order, positions and numbers are others, all
/// have all tombstones, and reports of purges are gone.
fn says_as_before_from_partitions(question: &str, before: &str, now: &str) -> bool {
    let lines = |answer: &str| -> BTreeSet<String> { answer.lines().map(str::to_owned).collect() };
    match question.split(' ').next() {
        Some("FIND") => lines(before) == lines(now),
        Some("INBOX") => before.lines().count() == now.lines().count(),
        Some("HISTORY") if question == "HISTORY *" => before.lines().count() == now.lines().count(),
        Some("VERIFY") => before.split(' ').take(2).eq(now.split(' ').take(2)),
        Some("FEED" | "PURGE") => before.starts_with('-') == now.starts_with('-'),
        _ => says_as_before(before, now),
    }
}

/// `+ok 16 contacts 25 postings 3 tombstones` without the 25.
fn without_postings(verified: &str) -> Vec<&str> {
    verified.split(' ').enumerate().filter(|(at, _)| *at != 3).map(|(_, word)| word).collect()
}

fn holds(before: &Value, now: &Value) -> bool {
    match (before, now) {
        (Value::Object(before), Value::Object(now)) => {
            before.iter().all(|(key, value)| now.get(key).is_some_and(|now| holds(value, now)))
        }
        (Value::Array(before), Value::Array(now)) => {
            before.len() == now.len() && before.iter().zip(now).all(|(before, now)| holds(before, now))
        }
        _ => before == now,
    }
}

#[test]
fn a_store_of_an_earlier_version_answers_as_it_did() {
    for stored in FIXTURES {
        let house = stored.house(unpack(&stored.path("pack")));
        let answers = fs::read_to_string(stored.path("answers")).expect("the answers");
        let mut wire = house.connect();
        let mut asked = 0;
        for answered in answers.split("> ").skip(1) {
            let (question, before) = answered.split_once('\n').expect("a question");
            let (before, now) = (before.trim_end(), wire.call(question));
            // How many postings there are is not the same in every format.
            let is_same = match question {
                _ if is_split() && has_ledger() => says_as_before_from_partitions(question, before, &now),
                "VERIFY" => without_postings(before) == without_postings(&now),
                _ => says_as_before(before, &now),
            };
            assert!(is_same, "{}: {question}\nbefore: {before}\nnow:    {now}", stored.name);
            asked += 1;
        }
        assert!(asked > 100, "{asked} questions");
    }
}

/// Every spelling is one number since renumberings are known. This store was written before that, by hand, with both spellings
/// of some Argentine numbers: what forbade under the old one forbids under the new one.
#[test]
fn a_store_with_old_spellings_is_brought_under_the_new_ones_when_it_is_opened() {
    let dir = unpack(&fixture("spellings-1.pack"));
    // After the store was written.
    let house = House::on(dir, StopScope::List, NOON + 211 * DAY_MS, Removal::default());
    let assert_merged = |house: &House| {
        let mut wire = house.connect();
        for (question, answer) in [
            // Active under the new spelling, opted out under the old one.
            ("CHECK 24365 +541123456789", "+no list_opted_out"),
            ("CHECK 24365 +5491123456789", "+no list_opted_out"),
            // Held under the old spelling alone.
            ("CHECK 24365 +541123456788", "+yes"),
            ("CLAIM 24365 +541123456788 m1", "+dup claimed"),
            ("COUNT label.city=Rosario", ":1"),
            ("CHECK 24365 +541123456787", "+no suppressed"),
            // Erased under the old spelling, and opted in under the new one before that.
            ("CHECK 24365 +541123456786", "+no opted_out"),
            ("CHECK 24365 +541123456785", "+no not_subscribed"),
            ("OPTIN 24365 +541123456785 {\"at\":\"2026-03-01\"}", ":0"),
            ("CHECK 24365 +541123456785", "+no opted_out"),
            // Benin's old numbers, of which one had opted out.
            ("CHECK 24365 +2290197123458", "+no list_opted_out"),
            // One list under two spellings.
            ("CHECK +541123456700 +14155550123", "+no list_opted_out"),
            ("CHECK +5491123456700 +14155550124", "+yes"),
            ("COUNT", ":9"),
        ] {
            assert_eq!(wire.call(question), answer, "{question}");
        }
        let lists = wire.call("LISTS");
        assert!(lists.starts_with("*2\n") && lists.contains(r#""list":"+541123456700""#), "{lists}");
        let history = wire.call("HISTORY +541123456789 KIND renumber,optin,optout");
        assert!(history.starts_with("*5\n") && history.contains(r#""reason":"+5491123456789""#), "{history}");
        assert!(wire.call("VERIFY").starts_with("+ok "), "{}", wire.call("VERIFY"));
    };
    assert_merged(&house);
    // It is done once.
    let feed = house.connect().call("FEED");
    let house = house.reopen(StopScope::List);
    assert_eq!(house.connect().call("FEED"), feed);
    let mut wire = house.connect();
    assert_eq!(wire.call("CHECK 24365 +541123456789"), "+no list_opted_out");
    assert!(wire.call("VERIFY").starts_with("+ok "));
}

/// An earlier contactd cannot read what this one makes of the index: whoever has to go back restores the backup.
#[test]
fn a_store_is_backed_up_before_it_gets_another_format() {
    if only_alone("a backup is a file of the machine that made it") {
        return;
    }
    let mut daemon = Daemon::on(unpack(&fixture("store-1.pack")), &[]);
    for _ in 0..2 {
        let made = fs::read_dir(daemon.data_dir().join("backups")).expect("made").count();
        assert_eq!(made, 1, "it is done once:\n{}", daemon.log());
        assert_eq!(daemon.connect().call("COUNT label.state=NY"), ":2");
        assert!(daemon.connect().call("VERIFY").starts_with("+ok "));
        daemon.kill();
        daemon.restart();
    }
}

/// What is changed for good is kept before: whoever has to go back restores that.
#[test]
fn a_store_is_backed_up_before_its_spellings_are_changed() {
    if has_ledger() && only_whole("a backup has a file of each partition") {
        return;
    }
    let place = tempfile::tempdir().expect("a directory");
    let backups = place.path().join("backups");
    let into = ["--backup-dir", backups.to_str().expect("UTF-8")];
    let mut daemon = Daemon::on(unpack(&fixture("spellings-1.pack")), &into);
    let files = || -> Vec<PathBuf> {
        fs::read_dir(&backups).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    };
    let made = files();
    assert!(made.len() == 1 && daemon.log().contains(made[0].to_str().expect("UTF-8")), "{made:?}\n{}", daemon.log());
    assert_eq!(daemon.connect().call("COUNT"), ":8");
    // It is done once.
    daemon.kill();
    daemon.restart();
    assert_eq!(files(), made);

    let run = |words: &[&str]| {
        let output = contactd(words).output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).expect("JSON")
    };
    let file = made[0].to_str().expect("UTF-8");
    let before = run(&["backup", "--check", file])["contacts"].as_u64().expect("a number");
    assert!(before > 8, "{before} under all spellings");
    // It restores, and that is brought under the new spellings without another backup.
    let restored = place.path().join("data");
    run(&["restore", file, "--data-dir", restored.to_str().expect("UTF-8")]);
    let again = tempfile::tempdir().expect("a directory");
    fs::rename(&restored, again.path().join("data")).expect("moved");
    let again = Daemon::on(again, &into);
    assert_eq!(files(), made);
    let mut wire = again.connect();
    wire.call("UNFENCE");
    for (question, answer) in [
        ("CHECK 24365 +541123456789", "+no list_opted_out"),
        ("CHECK 24365 +541123456787", "+no suppressed"),
        ("CHECK 24365 +2290197123458", "+no list_opted_out"),
        ("COUNT", ":8"),
    ] {
        assert_eq!(wire.call(question), answer, "{question}");
    }
}

/// A start that was cut off may be begun again within the same second. The first backup alone is of the store as it was.
#[test]
fn a_backup_before_a_change_takes_the_place_of_no_other() {
    let dir = unpack(&fixture("spellings-1.pack"));
    let (data, backups) = (dir.path().join("data"), dir.path().join("backups"));
    let now = NOON + 211 * DAY_MS;
    let first = backups.join(format!("{}.backup", name_of(now)));
    fs::create_dir(&backups).expect("made");
    fs::write(&first, "the first").expect("written");
    let options = Options { backups: Some(backups.clone()), ..Options::new(data, Arc::new(move || now)) };
    drop(Store::open(options).expect("opened"));
    assert_eq!(fs::read_to_string(&first).expect("read"), "the first");
    assert_eq!(fs::read_dir(&backups).expect("a directory").count(), 2);
}

#[test]
fn no_backup_is_made_of_what_does_not_change_or_where_nobody_wants_one() {
    let mut daemons = [
        Daemon::on(unpack(&fixture("spellings-1.pack")), &["--no-backup"]),
        Daemon::on(tempfile::tempdir().expect("a directory"), &[]),
    ];
    for daemon in &mut daemons {
        let reply = daemon.connect().call(r#"PUT +14155550199 {"labels":{"state":"CA"}}"#);
        assert!(!reply.starts_with('-'), "{reply}");
        daemon.kill();
        daemon.restart();
        assert!(daemon.stores().iter().all(|store| !store.join("backups").exists()), "{}", daemon.log());
    }
    // Without a place for one it does not start, and nothing has changed.
    let dir = unpack(&fixture("spellings-1.pack"));
    let data = dir.path().join("data");
    let words =
        ["serve", "--listen", "127.0.0.1:0", "--http", "off", "--backup-dir", "/dev/null/backups", "--data-dir"];
    for _ in 0..2 {
        let refused = contactd(&words).arg(&data).output().expect("it runs");
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(
            refused.status.code() == Some(2) && said.contains("--backup-dir with room for one, or --no-backup"),
            "{said}"
        );
    }
    let daemon = Daemon::on(dir, &[]);
    for store in daemon.stores() {
        assert_eq!(fs::read_dir(store.join("backups")).expect("made").count(), 1);
    }
    assert_eq!(daemon.connect().call("COUNT"), ":8");
}

/// Every released version has a store.
#[test]
fn this_version_has_its_store() {
    assert!(fixture(&format!("store-{}.pack", env!("CARGO_PKG_VERSION"))).is_file());
}

/// Writes the stores of this version, and their answers. Never again once it is published: what is checked in is what people have.
#[test]
#[ignore = "writes the fixtures"]
fn write_the_stores() {
    let [_, stored, restored] = FIXTURES;
    let house = House::start(StopScope::List, NOON).holding();
    let mut wire = house.connect();
    for (n, line) in STORY.trim().lines().chain(STORY_2.trim().lines()).enumerate() {
        house.set_clock(NOON + n.cast_signed() as i64);
        let line =
            if line == "INBOX DONE NEWEST" { format!("INBOX DONE {}", newest(&mut wire)) } else { line.to_owned() };
        let reply = wire.call(&line);
        assert!(!reply.starts_with('-'), "{line}: {reply}");
        while !wire.call("PURGE STATUS").contains("idle") {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
    drop(wire);
    let dir = stored.write(house);

    let place = tempfile::tempdir().expect("a directory");
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let (backups, data) = (place.path().join("backups"), place.path().join("data"));
    let run = |words: &[&str]| assert!(contactd(words).status().expect("it runs").success(), "{words:?}");
    run(&["backup", &text(&backups), "--data-dir", &text(&dir.path().join("data"))]);
    let file = fs::read_dir(&backups).expect("made").flatten().next().expect("a backup").path();
    run(&["restore", &text(&file), "--data-dir", &text(&data)]);
    fs::remove_dir_all(&backups).expect("gone");
    restored.write(restored.house(place));
}

/// The number of the newest message that waits.
fn newest(wire: &mut Wire) -> Value {
    let inbox = wire.call("INBOX LIMIT 1");
    let message = inbox.lines().last().and_then(|line| line.strip_prefix('+')).expect("a message");
    serde_json::from_str::<Value>(message).expect("JSON")["number"].clone()
}

/// All files of a directory as one LZ4 block: for each its name and its contents, with their lengths.
fn pack(dir: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for name in ["store/db", "store/conf", "synced", "tombstone.key"] {
        let contents = fs::read(dir.join(name)).expect("a file");
        for part in [name.as_bytes(), &contents] {
            all.extend((part.len() as u64).to_be_bytes());
            all.extend(part);
        }
    }
    lz4_flex::block::compress_prepend_size(&all)
}
