//! The floors of the crate, kept by a test, so that nobody has to remember them: who may use whom, who may know sled,
//! who may be async, and how long a file may get.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What each floor may use besides itself. A floor that is not here fails the test.
const MAY_USE: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("limits", &[]),
    ("histogram", &[]),
    ("counted", &[]),
    ("lately", &[]),
    ("address", &[]),
    ("rarely", &[]),
    ("reloadable", &["error"]),
    ("tls", &["error"]),
    ("model", &["counted", "error", "lately", "limits"]),
    ("json", &["error", "limits", "model"]),
    ("wire", &["error", "limits", "model"]),
    ("client", &["error", "limits", "address", "tls", "wire"]),
    ("store", &["counted", "error", "limits", "histogram", "model"]),
    ("lease", &[]),
    ("ledger", &["address", "error", "lease", "model", "store", "tls"]),
    ("jobs", &["counted", "error", "limits", "model", "store", "json"]),
    ("command", &["error", "ledger", "limits", "reloadable", "model", "json", "wire", "store", "jobs"]),
    ("webhooks", &["error", "limits", "rarely", "reloadable", "model", "client", "command"]),
    (
        "console",
        &["error", "limits", "reloadable", "model", "json", "client", "command", "webhooks", "import", "export"],
    ),
    ("import", &["counted", "error", "lately", "limits", "model", "json", "wire", "client"]),
    ("export", &["error", "json", "client"]),
    ("metrics", &["error", "limits", "histogram", "model", "json", "store", "jobs", "command", "webhooks"]),
    (
        "server",
        &[
            "counted",
            "error",
            "limits",
            "rarely",
            "address",
            "reloadable",
            "tls",
            "model",
            "wire",
            "store",
            "ledger",
            "jobs",
            "command",
            "metrics",
            "client",
            "webhooks",
            "console",
        ],
    ),
    (
        "config",
        &[
            "error",
            "limits",
            "address",
            "reloadable",
            "tls",
            "model",
            "store",
            "ledger",
            "jobs",
            "command",
            "webhooks",
            "server",
        ],
    ),
    (
        "cli",
        &[
            "counted", "error", "limits", "address", "tls", "model", "json", "wire", "store", "ledger", "jobs",
            "command", "webhooks", "client", "import", "export", "server", "config",
        ],
    ),
    ("lib", &[]),
    ("main", &["cli"]),
];

/// The rooms of the store, from the bottom up. Each uses only rooms before it; `store/mod.rs` stands on top.
const STORE_ROOMS: &[&str] = &[
    "engine", "options", "format", "backup", "ledger", "secret", "remains", "trail", "memory", "state", "read",
    "write", "upkeep", "load", "share", "replica", "founder",
];

/// The files outside of `tls` that know rustls.
const KNOW_RUSTLS: &[&str] = &["ledger/sql.rs", "server/handshake.rs", "server/splice.rs", "client/encrypted.rs"];

/// The floors that may wait for the network.
const ASYNC: &[&str] = &["client", "ledger", "webhooks", "console", "server", "cli"];

/// What a source has that makes or reads a byte of the protocol: the marks of arrays, bulk strings and maps, and (see
/// [`is_framed`]) a text with the protocol's line end. A `+`, `-` or `:` alone is anything.
const PROTOCOL_BYTES: &[&str] = &["b'*'", "b'$'", "b'%'", "b\"*", "b\"$", "\"*?\"", "\"$-1", "\"*{", "\"${"];

/// Lines that have such bytes and mean something else.
const NOT_PROTOCOL: &[(&str, &str)] = &[
    ("model/phone/region.rs", "the end of a regular expression"),
    ("model/plain_refusal/silence.rs", "signs that may hide a letter of a word"),
    ("webhooks/post.rs", "the percent sign of a form"),
    ("server/web.rs", "a reply of HTTP"),
    ("command/arguments.rs", "the argument `*`, which stands for the contact itself"),
];

const FILE_LINES_MAX: usize = 500;

/// Longer files, each with its reason. An entry that no longer applies fails the test.
const LONG_FILES: &[(&str, &str)] =
    &[("store/mod.rs", "the face of the whole store, of a few lines for each thing that it does")];

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

    /// The modules of the store that its own paths lead to, each as `room/file`, or as `room` where the path ends there.
    /// Both `crate::store::…` and `super::…` are followed.
    fn uses_in_store(&self) -> BTreeSet<String> {
        let module = self.path.trim_end_matches(".rs").trim_end_matches("/mod");
        let module: Vec<&str> = module.split('/').collect();
        let code: String = self.code.iter().fold(String::new(), |code, (_, line)| code + line + "\n");
        let mut used = BTreeSet::new();
        let mut follow = |base: &[&str], rest: &str| {
            let heads = rest.strip_prefix('{').map_or_else(|| vec![word(rest)], heads);
            for head in heads {
                let next = rest.strip_prefix(head.as_str()).and_then(|rest| rest.strip_prefix("::")).map(word);
                let path: Vec<&str> = base.iter().copied().chain([head.as_str()]).chain(next.as_deref()).collect();
                if path[0] == "store" {
                    let modules = path[1..].iter().take_while(|part| part.starts_with(|c: char| c.is_lowercase()));
                    used.insert(modules.take(2).copied().collect::<Vec<_>>().join("/"));
                }
            }
        };
        for (at, found) in code.match_indices("crate::store::") {
            follow(&["store"], &code[at + found.len()..]);
        }
        for (at, _) in code.match_indices("super::").filter(|(at, _)| !code[..*at].ends_with("super::")) {
            let rest = &code[at..];
            let up = rest.split("super::").take_while(|part| part.is_empty()).count();
            let base = &module[..module.len().saturating_sub(up)];
            follow(base, &rest[up * "super::".len()..]);
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
        let Some((_, below)) = MAY_USE.iter().find(|(floor, _)| *floor == source.floor) else {
            broken.push(format!("src/{} is on no floor of MAY_USE", source.path));
            continue;
        };
        for used in source.uses() {
            if used != source.floor && !below.contains(&used.as_str()) {
                broken.push(format!("src/{} uses crate::{used}; it may use {below:?}", source.path));
            }
        }
    }
    assert_none("a floor uses what is not below it", &broken);
}

#[test]
fn each_room_of_the_store_uses_only_those_below() {
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| source.floor == "store" && source.path != "store/mod.rs") {
        let room = source.path["store/".len()..].split('/').next().expect("a part").trim_end_matches(".rs");
        let height = |room: &str| STORE_ROOMS.iter().position(|known| *known == room);
        let own = height(room).unwrap_or_else(|| panic!("src/{} is in no room of STORE_ROOMS", source.path));
        for used in source.uses_in_store() {
            let used_room = used.split('/').next().expect("a part");
            if used_room != room && height(used_room).is_none_or(|used| used > own) {
                broken.push(format!("src/{} uses {used_room} of the store, which is not below {room}", source.path));
            }
        }
    }
    assert_none("a room of the store uses what is not below it", &broken);
}

/// A circle could not be read in any order. A folder within a room counts as one file.
#[test]
fn no_files_of_the_store_use_each_other_in_a_circle() {
    let mut uses = BTreeMap::<String, BTreeSet<String>>::new();
    for source in sources().iter().filter(|source| source.floor == "store" && source.path != "store/mod.rs") {
        let path = source.path["store/".len()..].trim_end_matches(".rs").trim_end_matches("/mod");
        let file: String = path.split('/').take(2).collect::<Vec<_>>().join("/");
        let others = source.uses_in_store().into_iter().filter(|other| *other != file).collect::<Vec<_>>();
        uses.entry(file).or_default().extend(others);
    }
    // Whatever uses nothing that is left can be read next.
    loop {
        let files: BTreeSet<String> = uses.keys().cloned().collect();
        let before = uses.len();
        uses.retain(|_, others| others.iter().any(|other| files.contains(other)));
        if uses.len() == before {
            break;
        }
    }
    let circle: Vec<String> = uses.iter().map(|(file, others)| format!("store/{file} uses {others:?}")).collect();
    assert_none("files of the store use each other in a circle", &circle);
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
fn one_file_knows_sled() {
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| source.path != "store/engine/sled.rs") {
        for needle in ["sled::", "use sled", "extern crate sled"] {
            // The module of that one file is called after it.
            broken.extend(source.lines_with(needle).filter(|line| !line.contains("self::sled::")));
        }
    }
    assert_none("only store/engine/sled.rs knows sled", &broken);
}

#[test]
fn few_files_know_rustls() {
    let knows = |path: &str| path.starts_with("tls/") || KNOW_RUSTLS.contains(&path);
    let rustls = |source: &Source| {
        ["rustls::", "use rustls"]
            .into_iter()
            .flat_map(|word| source.lines_with(word).collect::<Vec<_>>())
            .collect::<Vec<_>>()
    };
    let sources = sources();
    let broken: Vec<String> = sources.iter().filter(|source| !knows(&source.path)).flat_map(rustls).collect();
    assert_none("only src/tls, and the two that speak TLS, know rustls", &broken);
    for path in KNOW_RUSTLS {
        let source = sources.iter().find(|source| source.path == *path);
        assert!(source.is_some_and(|source| !rustls(source).is_empty()), "{path} needs no exception any more");
    }
}

#[test]
fn only_the_server_is_async() {
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| !ASYNC.contains(&source.floor.as_str())) {
        for needle in ["tokio", "async fn", "async move", "async {", ".await"] {
            broken.extend(source.lines_with(needle));
        }
    }
    assert_none("only server, and those who run or call one, are async", &broken);
}

#[test]
fn only_wire_knows_the_bytes_of_the_protocol() {
    let (mut broken, mut excused) = (Vec::new(), BTreeSet::new());
    for source in sources().iter().filter(|source| source.floor != "wire") {
        let mut found: Vec<String> = PROTOCOL_BYTES.iter().flat_map(|needle| source.lines_with(needle)).collect();
        found.extend(source.lines_with("\\r\\n").filter(|line| is_framed(line)));
        if !found.is_empty() && NOT_PROTOCOL.iter().any(|(path, _)| *path == source.path) {
            excused.insert(source.path.clone());
        } else {
            broken.extend(found);
        }
    }
    assert_none("wire writes requests and replies, and reads them", &broken);
    let outdated = NOT_PROTOCOL.iter().map(|(path, _)| *path).filter(|path| !excused.contains(*path));
    let outdated: Vec<String> = outdated.map(str::to_owned).collect();
    assert_none("these need no exception in NOT_PROTOCOL any more", &outdated);
}

/// Whether a line of code ends a text with `\r\n`, as the protocol does. A text that is nothing but a line end is one of any
/// file.
fn is_framed(line: &str) -> bool {
    line.match_indices("\\r\\n").any(|(at, _)| !line[..at].ends_with('"'))
}

#[test]
fn nothing_unwraps() {
    let broken: Vec<_> =
        sources().iter().flat_map(|source| source.lines_with(".unwrap()").collect::<Vec<_>>()).collect();
    assert_none("say with expect why it cannot fail, or return an error", &broken);
}

/// What is wrong with the lengths of files: each is their path and lines.
fn wrong_lengths(files: &[(&str, usize)], exceptions: &[(&str, &str)]) -> Vec<String> {
    let is_long = |path: &str| files.iter().any(|(known, lines)| *known == path && *lines > FILE_LINES_MAX);
    let has_reason = |path: &str| exceptions.iter().any(|(known, _)| *known == path);
    let unexplained = files.iter().filter(|(path, _)| is_long(path) && !has_reason(path));
    let outdated = exceptions.iter().filter(|(path, _)| !is_long(path));
    unexplained
        .map(|(path, lines)| format!("src/{path} has {lines} lines and no reason in LONG_FILES"))
        .chain(outdated.map(|(path, _)| format!("src/{path} is not long any more: take it out of LONG_FILES")))
        .collect()
}

#[test]
fn long_files_have_a_reason() {
    let sources = sources();
    let files: Vec<_> = sources.iter().map(|source| (source.path.as_str(), source.lines)).collect();
    let rule = format!("one noun a file; over {FILE_LINES_MAX} lines only with a reason in LONG_FILES");
    assert_none(&rule, &wrong_lengths(&files, LONG_FILES));

    let files = [("a.rs", FILE_LINES_MAX), ("b.rs", FILE_LINES_MAX + 1), ("c.rs", FILE_LINES_MAX + 1)];
    let wrong = wrong_lengths(&files, &[("a.rs", "short"), ("c.rs", "a reason"), ("gone.rs", "a reason")]);
    assert_eq!(
        wrong.iter().map(|wrong| wrong.split(' ').next().expect("a path")).collect::<Vec<_>>(),
        ["src/b.rs", "src/a.rs", "src/gone.rs"]
    );
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
    // What stood outside of wire once.
    let framed =
        [r#"write!(self.0, "*{}\r\n", 3)"#, r#"b"-BUSY too many clients\r\n""#, r#""*3\r\n$9\r\nNORMALIZE\r\n""#];
    assert!(framed.into_iter().all(is_framed) && !is_framed(r#"header.ends_with("\r\n") { b"\r\n" }"#));
}
