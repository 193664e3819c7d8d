//! The floors of the crate, kept by a test, so that nobody has to remember them: who may use whom, who may know sled,
//! who may be async, and how long a file may get.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What each floor may use besides itself. `server` and `cli` stand on top of all of these.
const MAY_USE: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("limits", &[]),
    ("model", &["error", "limits"]),
    ("wire", &["error", "limits", "model"]),
    ("store", &["error", "limits", "model"]),
    ("command", &["error", "limits", "model", "wire", "store"]),
];

/// The floors that may wait for the network.
const ASYNC: &[&str] = &["server", "cli"];

const FILE_LINES_MAX: usize = 500;

/// Longer files, each with its reason.
const LONG_FILES: &[(&str, &str)] =
    &[("server/connection.rs", "the one state machine of a connection, whose order of steps is its meaning")];

/// A source file: its floor, where it is, and its lines without comments and without its tests.
struct Source {
    floor: String,
    path: String,
    lines: usize,
    code: Vec<(usize, String)>,
}

impl Source {
    fn read(root: &Path, file: &Path) -> Source {
        let path = file.strip_prefix(root).expect("below src").to_string_lossy().into_owned();
        let floor = path.split('/').next().expect("a part").trim_end_matches(".rs").to_owned();
        let text = std::fs::read_to_string(file).expect("a source");
        let all: Vec<&str> = text.lines().collect();
        let is_test = path.ends_with("tests.rs") || path.contains("/tests/");
        let tests =
            all.windows(2).position(|pair| pair[0].trim() == "#[cfg(test)]" && pair[1].starts_with("mod tests {"));
        let end = if is_test { 0 } else { tests.unwrap_or(all.len()) };
        let code = (1..).zip(&all[..end]).filter(|(_, line)| !line.trim_start().starts_with("//"));
        let code = code.map(|(number, line)| (number, (*line).to_owned())).collect();
        Source { floor, path, lines: all.len(), code }
    }

    /// The floors that `crate::…` paths of the code lead to.
    fn uses(&self) -> BTreeSet<String> {
        let code: String = self.code.iter().fold(String::new(), |code, (_, line)| code + line + "\n");
        let mut used = BTreeSet::new();
        for (at, _) in code.match_indices("crate::") {
            let rest = &code[at + "crate::".len()..];
            if let Some(group) = rest.strip_prefix('{') {
                used.extend(heads(group));
            } else {
                used.insert(word(rest));
            }
        }
        used
    }

    fn lines_with<'a>(&'a self, needle: &'a str) -> impl Iterator<Item = String> + 'a {
        let found = self.code.iter().filter(move |(_, line)| line.contains(needle));
        found.map(move |(number, line)| format!("src/{}:{number}: {}", self.path, line.trim()))
    }
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The first words of the items of `{error::Error, model::{a, b}}`, behind its brace.
fn heads(group: &str) -> Vec<String> {
    let (mut depth, mut item, mut found) = (0, String::new(), Vec::new());
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => found.push(word(std::mem::take(&mut item).trim())),
            _ if depth == 0 => item.push(c),
            _ => {}
        }
    }
    found.push(word(item.trim()));
    found.retain(|head| !head.is_empty());
    found
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut dirs, mut files): (Vec<PathBuf>, Vec<PathBuf>) = (vec![root.clone()], Vec::new());
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    assert!(files.len() > 30, "the sources are where this test looks");
    files.iter().map(|file| Source::read(&root, file)).collect()
}

fn assert_none(rule: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}

#[test]
fn each_floor_uses_only_those_below() {
    let mut broken = Vec::new();
    for source in sources() {
        let Some((_, below)) = MAY_USE.iter().find(|(floor, _)| *floor == source.floor) else { continue };
        for used in source.uses() {
            if used != source.floor && !below.contains(&used.as_str()) {
                broken.push(format!("src/{} uses crate::{used}; it may use {below:?}", source.path));
            }
        }
    }
    assert_none("a floor uses what is not below it", &broken);
}

#[test]
fn wire_and_store_never_meet() {
    let mut broken = Vec::new();
    for source in sources() {
        let other = match source.floor.as_str() {
            "wire" => "store::",
            "store" => "wire::",
            _ => continue,
        };
        broken.extend(source.lines_with(other));
    }
    assert_none("wire and store know nothing of each other", &broken);
}

#[test]
fn only_store_knows_sled() {
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| source.floor != "store") {
        for needle in ["sled::", "use sled", "extern crate sled"] {
            broken.extend(source.lines_with(needle));
        }
    }
    assert_none("only store knows sled", &broken);
}

#[test]
fn only_the_server_is_async() {
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| !ASYNC.contains(&source.floor.as_str())) {
        for needle in ["tokio", "async fn", "async move", "async {", ".await"] {
            broken.extend(source.lines_with(needle));
        }
    }
    assert_none("only server, and the commands that run one, are async", &broken);
}

#[test]
fn nothing_unwraps() {
    let broken: Vec<_> =
        sources().iter().flat_map(|source| source.lines_with(".unwrap()").collect::<Vec<_>>()).collect();
    assert_none("say with expect why it cannot fail, or return an error", &broken);
}

#[test]
fn long_files_have_a_reason() {
    let broken: Vec<_> = sources()
        .iter()
        .filter(|source| source.lines > FILE_LINES_MAX && LONG_FILES.iter().all(|(path, _)| *path != source.path))
        .map(|source| format!("src/{} has {} lines", source.path, source.lines))
        .collect();
    assert_none(&format!("one noun a file; over {FILE_LINES_MAX} lines only with a reason in LONG_FILES"), &broken);
}

#[test]
fn the_scan_sees_what_it_should() {
    let told = |text: &str| {
        let code = vec![(1, text.to_owned())];
        Source { floor: "x".into(), path: "x.rs".into(), lines: 1, code }
            .uses()
            .into_iter()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(told("use crate::error::{Error, Result};"), "error");
    assert_eq!(told("use crate::{error::Error, model::{a, b::{c, d}}, wire};"), "error model wire");
    assert_eq!(told("fn f() -> crate::store::Store { crate::server::x() }"), "server store");
    assert_eq!(heads("a, b::{c, d}, e}; f, g"), ["a", "b", "e"]);
}
