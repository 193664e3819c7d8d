//! Stores of earlier versions: each is checked in with questions and the answers it gave, and every later version must
//! open it and answer the same. A version may add keys to an answer's JSON; it may not change or drop one.
//!
//! `store-1` was written by `cargo test --test suite fixture -- --ignored`, before there was a release.

use std::fs;
use std::path::{Path, PathBuf};

use contactd::model::time::DAY_MS;
use contactd::model::verdict::StopScope;
use serde_json::Value;

use crate::support::{House, Removal};

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

/// What is asked of the store, besides CHECK, GET and HISTORY of every number.
const QUESTIONS: [&str; 14] = [
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
    "VERIFY",
];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn phones() -> impl Iterator<Item = String> {
    (101..=120).map(|n| format!("+14155550{n}"))
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
    let house = House::on(unpack(&fixture("store-1.pack")), StopScope::List, ASKED_AT, Removal::default());
    let answers = fs::read_to_string(fixture("store-1.answers")).expect("the answers");
    let mut wire = house.connect();
    let mut asked = 0;
    for answered in answers.split("> ").skip(1) {
        let (question, before) = answered.split_once('\n').expect("a question");
        let now = wire.call(question);
        assert!(says_as_before(before.trim_end(), &now), "{question}\nbefore: {before}\nnow:    {now}");
        asked += 1;
    }
    assert!(asked > 100, "{asked} questions");
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

/// Writes the store and its answers. Never again: what is checked in is what people have.
#[test]
#[ignore = "writes the fixture"]
fn write_the_store() {
    let house = House::start(StopScope::List, NOON);
    let mut wire = house.connect();
    for (n, line) in STORY.trim().lines().enumerate() {
        house.set_clock(NOON + n.cast_signed() as i64);
        let reply = wire.call(line);
        assert!(!reply.starts_with('-'), "{line}: {reply}");
    }
    while !wire.call("PURGE STATUS").contains("idle") {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    house.set_clock(ASKED_AT);
    let answers = questions().iter().fold(String::new(), |all, line| format!("{all}> {line}\n{}\n", wire.call(line)));
    fs::create_dir_all(fixture("")).expect("a directory");
    fs::write(fixture("store-1.answers"), answers).expect("written");
    drop(wire);
    fs::write(fixture("store-1.pack"), pack(&house.close().path().join("data"))).expect("written");
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

/// The data directory that [`pack`] packed.
fn unpack(pack: &Path) -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().expect("a directory");
    let all = lz4_flex::block::decompress_size_prepended(&fs::read(pack).expect("the pack")).expect("a pack");
    let mut rest = all.as_slice();
    let mut part = || {
        let (length, behind) = rest.split_first_chunk::<8>()?;
        let (part, behind) = behind.split_at(u64::from_be_bytes(*length) as usize);
        rest = behind;
        Some(part)
    };
    while let Some(name) = part() {
        let path = dir.path().join("data").join(std::str::from_utf8(name).expect("a name"));
        fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        fs::write(&path, part().expect("contents")).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
    }
    dir
}
