//! `engine.md` on every engine.

use std::path::Path;
use std::sync::Arc;

use contactd::store::engine::{Batch, DiskEngine, Engine, MemoryEngine, Wholeness};

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
