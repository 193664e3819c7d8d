//! `engine.md` on every engine, and the one on disk against a map.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use contactd::store::engine::{Batch, DiskEngine, Engine, MemoryEngine, Wholeness};
use proptest::prelude::*;

/// An engine, and what opens it again.
type Reopen<'a> = Box<dyn FnMut(Option<Arc<dyn Engine>>) -> Arc<dyn Engine> + 'a>;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// One command of the page, and its answer.
fn answer(engine: &dyn Engine, newest: &mut u64, command: &str) -> Option<String> {
    let words: Vec<&str> = command.split(' ').collect();
    let range = |words: &[&str]| words[0].as_bytes().to_vec()..words[1].as_bytes().to_vec();
    let row = |(key, value): (Vec<u8>, Vec<u8>)| format!("{}={}", text(&key), text(&value));
    Some(match words[0] {
        "apply" => {
            *newest += 1;
            let mut batch = Batch::new(*newest);
            for pair in words[1..].chunks(2) {
                match (pair[0], pair[1].split_once('=')) {
                    ("put", Some((key, value))) => batch.put(key.as_bytes(), value.as_bytes()),
                    ("remove", None) => batch.remove(pair[1].as_bytes()),
                    _ => panic!("{command}"),
                }
            }
            engine.apply(&batch).expect("applied");
            return None;
        }
        "sync" => {
            engine.sync(*newest).expect("synced");
            return None;
        }
        "get" => match engine.get(words[1].as_bytes()).expect("read") {
            None => "none".into(),
            Some(value) if value.is_empty() => "empty".into(),
            Some(value) => text(&value),
        },
        "scan" => {
            let rows = engine.scan(&range(&words[1..]), words[3].parse().expect("a number")).expect("read");
            let rows: Vec<String> = rows.into_iter().map(row).collect();
            if rows.is_empty() { "nothing".into() } else { rows.join(" ") }
        }
        "last" => engine.last(&range(&words[1..])).expect("read").map_or("none".into(), row),
        "complete" => match engine.check_complete(words[1].parse().expect("a number")) {
            Ok(Wholeness::Known) => "known".into(),
            Ok(_) => "unknown".into(),
            Err(_) => "refused".into(),
        },
        _ => panic!("{command} is not a command"),
    })
}

/// The page with what an engine really answers.
fn perform(page: &str, mut fresh: impl FnMut() -> Reopen<'static>) -> String {
    let mut reopen = fresh();
    let mut engine = reopen(None);
    let mut real = String::new();
    let mut is_script = false;
    let mut newest = 0;
    for line in page.lines() {
        if line.starts_with("## ") {
            drop(engine);
            reopen = fresh();
            engine = reopen(None);
            newest = 0;
        }
        if line.starts_with("```") {
            is_script = line == "```engine";
        } else if is_script && !line.starts_with("> ") {
            continue;
        }
        real.push_str(line);
        real.push('\n');
        if is_script && let Some(command) = line.strip_prefix("> ") {
            if command == "reopen" {
                engine = reopen(Some(engine));
            } else if let Some(answer) = answer(&*engine, &mut newest, command) {
                real.push_str(&answer);
                real.push('\n');
            }
        }
    }
    real
}

#[test]
fn every_engine_does_what_the_page_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/store/engine.md");
    let page = std::fs::read_to_string(&path).expect("the page");
    let memory = perform(&page, || {
        let engine: Arc<dyn Engine> = Arc::<MemoryEngine>::default();
        Box::new(move |closed| {
            drop(closed);
            Arc::clone(&engine)
        })
    });
    let disk = perform(&page, || {
        let dir = tempfile::tempdir().expect("a directory");
        Box::new(move |closed| {
            let is_new = closed.is_none();
            drop(closed);
            let engine = DiskEngine::open(dir.path()).expect("opened");
            if is_new {
                engine.mark_open(0).expect("marked");
            }
            Arc::new(engine)
        })
    });
    if std::env::var_os("CONTACTD_RECORD").is_some() {
        std::fs::write(&path, &disk).expect("written");
    }
    assert_eq!(disk, memory, "the engines differ");
    assert_eq!(disk, page, "the page differs");
}

/// What may happen to an engine.
#[derive(Clone, Debug)]
enum Step {
    /// A batch of keys, each with a value or removed; durable or not.
    Write(Vec<(u8, Option<u8>)>, bool),
    Sync,
    Get(u8),
    Scan(u8, u8),
    Last(u8, u8),
    Reopen,
}

fn any_step() -> impl Strategy<Value = Step> {
    let key = || 0..40_u8;
    let entries = || proptest::collection::vec((key(), proptest::option::of(any::<u8>())), 1..12);
    prop_oneof![
        12 => (entries(), proptest::bool::weighted(0.8)).prop_map(|(entries, durable)| Step::Write(entries, durable)),
        1 => Just(Step::Sync),
        6 => key().prop_map(Step::Get),
        2 => (key(), key()).prop_map(|(from, to)| Step::Scan(from, to)),
        2 => (key(), key()).prop_map(|(from, to)| Step::Last(from, to)),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// What was written is read at once, whether the engine's own file has it or not.
    #[test]
    fn the_engine_on_disk_is_a_map(steps in proptest::collection::vec(any_step(), 1..300)) {
        let dir = tempfile::tempdir().expect("a directory");
        let open = || DiskEngine::open(dir.path()).expect("opened");
        let key = |n: u8| vec![b'k', n];
        // Values are large enough for the log to turn to its other file now and then.
        let value = |n: u8| vec![n; 1_000 + usize::from(n)];
        let mut engine = open();
        engine.mark_open(0).expect("marked");
        let (mut model, mut newest) = (BTreeMap::<Vec<u8>, Vec<u8>>::new(), 0);
        for step in steps {
            match step {
                Step::Write(entries, is_durable) => {
                    newest += 1;
                    let mut batch = Batch::new(newest);
                    for (n, written) in entries {
                        let written = written.map(value);
                        batch.push(&key(n), written.as_deref());
                        match written {
                            Some(written) => drop(model.insert(key(n), written)),
                            None => drop(model.remove(&key(n))),
                        }
                    }
                    if is_durable { engine.commit(&batch) } else { engine.apply(&batch) }.expect("written");
                }
                Step::Sync => engine.sync(newest).expect("synced"),
                Step::Get(n) => prop_assert_eq!(engine.get(&key(n)).expect("read"), model.get(&key(n)).cloned()),
                Step::Scan(from, to) => {
                    let rows = engine.scan(&(key(from)..key(to)), 15).expect("read");
                    let all = model.iter().filter(|(at, _)| (key(from)..key(to)).contains(*at)).take(15);
                    prop_assert_eq!(rows, all.map(|(at, value)| (at.clone(), value.clone())).collect::<Vec<_>>());
                }
                Step::Last(from, to) => {
                    let row = engine.last(&(key(from)..key(to))).expect("read");
                    let last = model.iter().rfind(|(at, _)| (key(from)..key(to)).contains(*at));
                    prop_assert_eq!(row, last.map(|(at, value)| (at.clone(), value.clone())));
                }
                Step::Reopen => {
                    engine.sync(newest).expect("synced");
                    drop(engine);
                    engine = open();
                    engine.check_complete(newest).expect("complete");
                    engine.mark_open(newest).expect("marked");
                }
            }
        }
    }
}
