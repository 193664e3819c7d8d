//! `kill -9` while contactd brings a store of an older release to what it knows: the next start goes on, nothing is lost or
//! there by half, and the backup of how it was before is whole.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::daemon::{Process, program};
use crate::prove::{Random, Round, prove};
use crate::unpack::unpack;
use crate::wire::Wire;

/// All of them get another format, behind a backup; of the first, numbers change, too.
const STORES: [&str; 3] = ["spellings-1", "store-1", "store-0.2.0"];
const LISTS: [&str; 6] = ["24365", "24366", "24367", "24399", "+541123456700", "+5491123456700"];
const KILLS_MAX: usize = 6;

/// A store of an older release in a directory of its own, and where its backups go.
struct Old {
    dir: TempDir,
}

impl Old {
    fn new(name: &str) -> Old {
        let packs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        Old { dir: unpack(&packs.join(format!("{name}.pack"))) }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn backups(&self) -> PathBuf {
        self.dir.path().join("backups")
    }

    fn arguments(&self) -> [String; 4] {
        let backups = self.backups().to_str().expect("UTF-8").to_owned();
        ["--backup-dir".to_owned(), backups, "--purge-every".to_owned(), "never".to_owned()]
    }

    fn spawn(&self) -> Process {
        let arguments = self.arguments();
        Process::spawn(&self.data(), &arguments.each_ref().map(String::as_str), &[])
    }

    fn start(&self) -> Process {
        let mut process = self.spawn();
        process.wait_until_up().unwrap_or_else(|ended| panic!("it ended ({ended}):\n{}", process.log()));
        process
    }

    /// How many whole backups there are.
    fn whole(&self) -> usize {
        self.made().iter().filter(|path| path.extension().is_some_and(|end| end == "backup")).count()
    }

    /// The files in the directory of backups, the oldest first.
    fn made(&self) -> Vec<PathBuf> {
        let made = fs::read_dir(self.backups()).into_iter().flatten().flatten();
        let mut made: Vec<_> =
            made.map(|file| (file.metadata().and_then(|about| about.modified()).ok(), file.path())).collect();
        made.sort();
        made.into_iter().map(|(_, path)| path).collect()
    }
}

/// What is known of everybody, by question.
fn answers(wire: &mut Wire) -> BTreeMap<String, Vec<String>> {
    let phones = (101..=125).map(|n| format!("+14155550{n}"));
    let of_old = (785..=789).flat_map(|n| [format!("+541123456{n}"), format!("+5491123456{n}")]);
    let benin = (450..=460).flat_map(|n| [format!("+22997123{n}"), format!("+2290197123{n}")]);
    let phones: Vec<String> = phones.chain(of_old).chain(benin).collect();
    let checks = phones.iter().flat_map(|phone| LISTS.map(|list| format!("CHECK {list} {phone}")));
    let gets = phones.iter().map(|phone| format!("GET {phone}"));
    let others = [
        "COUNT",
        "COUNT status=active",
        "COUNT status=opted_out OR status=invalid",
        "FIND status=suppressed",
        "LISTS",
        "INBOX",
    ];
    let questions = checks.chain(gets).chain(others.map(str::to_owned));
    questions
        .map(|question| {
            assert!(wire.send(&format!("{question}\n")), "{question}");
            let answer = wire.reply().expect("an answer");
            (question, answer)
        })
        .collect()
}

fn contactd(words: &[&str]) -> Output {
    Command::new(program()).args(words).output().expect("it runs")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// How many contacts a backup has. It is whole.
fn contacts(backup: &Path) -> u64 {
    let checked = contactd(&["backup", "--check", text(backup)]);
    assert!(checked.status.success(), "{}: {}", backup.display(), String::from_utf8_lossy(&checked.stderr));
    let json: serde_json::Value = serde_json::from_slice(&checked.stdout).expect("JSON");
    json["contacts"].as_u64().expect("a number")
}

/// What becomes of a store that nothing interrupts.
struct Expected {
    name: &'static str,
    answers: BTreeMap<String, Vec<String>>,
    /// How many contacts its backup has.
    contacts_before: Option<u64>,
    /// How long its start took.
    took: Duration,
}

fn uninterrupted(name: &'static str) -> Expected {
    let old = Old::new(name);
    let started = Instant::now();
    let process = old.start();
    let took = started.elapsed();
    let contacts_before = old.made().first().map(|backup| contacts(backup));
    Expected { name, answers: answers(&mut process.connect()), contacts_before, took }
}

fn killed_and_started_again(expected: &Expected, round: &mut Round<'_>) {
    let &Expected { name, answers: ref expected, contacts_before, took } = expected;
    let old = Old::new(name);
    let most = 1 + round.random.below(KILLS_MAX);
    let random: &mut Random = &mut round.random;
    let (mut kills, mut kills_behind_backup) = (0, 0);
    for _ in 0..most {
        let mut process = old.spawn();
        // What changes contacts comes behind the backup, and takes some milliseconds.
        let is_late = contacts_before.is_some() && !random.one_in(4);
        let (began, before) = (Instant::now(), old.whole());
        while is_late && old.whole() == before && began.elapsed() < took {
            thread::sleep(Duration::from_micros(50));
        }
        thread::sleep(random.wait(0, if is_late { 1 } else { took.as_millis() as usize }));
        kills_behind_backup += usize::from(old.whole() > before);
        assert!(process.ended().is_none(), "{name}: it ended by itself:\n{}", process.log());
        process.kill();
        kills += 1;
    }
    round.count("kills", kills);
    round.count("kills behind the backup", kills_behind_backup);
    let mut process = old.start();
    let mut wire = process.connect();
    compare(name, expected, &answers(&mut wire));
    let verified = wire.call("VERIFY");
    assert!(verified.starts_with("+ok"), "{name}: {verified}");
    assert!(process.terminate().success(), "{}", process.log());

    // Whoever has to go back restores the oldest backup: it is of the store as it was.
    let made = old.made();
    assert!(
        made.iter().all(|path| path.extension().is_some_and(|end| end == "backup")),
        "half of one is left: {made:?}"
    );
    assert_eq!(made.first().map(|oldest| contacts(oldest)), contacts_before, "{name}: {made:?}");
    let all_whole = made.iter().filter(|backup| contacts(backup) > 0);
    round.count("backups", all_whole.count());
    if let Some(oldest) = made.first() {
        let again = Old { dir: tempfile::tempdir().expect("a directory") };
        let restored = contactd(&["restore", text(oldest), "--data-dir", text(&again.data())]);
        assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
        let process = again.start();
        let mut wire = process.connect();
        assert!(wire.call("UNFENCE").starts_with('+'));
        compare(name, expected, &answers(&mut wire));
    }
    round.count("answers compared", expected.len());
}

fn compare(name: &str, expected: &BTreeMap<String, Vec<String>>, found: &BTreeMap<String, Vec<String>>) {
    for (question, before) in expected {
        assert_eq!(&found[question], before, "{name}: {question}");
    }
}

#[test]
fn a_migration_that_was_killed_is_ended_by_the_next_start() {
    let all = STORES.map(uninterrupted);
    prove("migration", 2, |round| {
        for expected in &all {
            (0..4).for_each(|_| killed_and_started_again(expected, round));
        }
    });
}
