//! What a process did to its files, by the records of disk.c, and what a power cut at some moment leaves of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::UNIX_EPOCH;

use crate::prove::Random;
use crate::wire::has;

/// The store's file, the one that says which file it is, and one that says so of itself.
const STORE: &str = "store/db";
const ORIGIN: &str = "origin";
const PULSE: &str = "pulse";
/// What a disk writes as a whole.
const SECTOR: usize = 512;

/// The library that records and fails. None where there is no C compiler, which is said.
pub fn library() -> Option<&'static Path> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let build = || {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/proof/disk.c");
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("disk.so");
        // Another run of this test may use it just now.
        let new = library.with_extension(std::process::id().to_string());
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&new);
        cc.args([source, "-ldl", "-lpthread"]);
        let built = has("cc").then(|| cc.status().expect("cc runs"));
        built.map(|status| {
            assert!(status.success(), "disk.c does not compile");
            fs::rename(&new, &library).expect("renamed");
            library
        })
    };
    BUILT.get_or_init(build).as_deref()
}

/// The environment of a process whose files in a directory are recorded, or of which a call fails.
pub fn environment(library: &Path, dir: &Path, log: Option<&Path>, fail: Option<&str>) -> Vec<(String, String)> {
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let mut environment = vec![("LD_PRELOAD".to_owned(), text(library)), ("CONTACTD_DISK_DIR".to_owned(), text(dir))];
    environment.extend(log.map(|log| ("CONTACTD_DISK_LOG".to_owned(), text(log))));
    environment.extend(fail.map(|fail| ("CONTACTD_DISK_FAIL".to_owned(), fail.to_owned())));
    environment
}

/// The records of a process.
pub struct Records(Vec<u8>);

/// One of them.
pub struct Record<'a> {
    kind: u8,
    fd: u32,
    at: u64,
    bytes: &'a [u8],
}

impl Records {
    /// None of a process that was killed before it could begin.
    pub fn read(log: &Path) -> Records {
        Records(fs::read(log).unwrap_or_default())
    }

    /// In the order of the calls. The last one may be cut off, of a process that was killed.
    pub fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        const HEADER: usize = 24;
        let mut left = &self.0[..];
        std::iter::from_fn(move || {
            let header = left.get(..HEADER)?;
            let number = |at: usize| u64::from_le_bytes(header[at..at + 8].try_into().expect("eight bytes"));
            let bytes = left.get(HEADER..HEADER + number(16) as usize)?;
            left = &left[HEADER + bytes.len()..];
            let fd = u32::from_le_bytes(header[4..8].try_into().expect("four bytes"));
            Some(Record { kind: header[0], fd, at: number(8), bytes })
        })
    }
}

/// What the connections of a crowd were answered, by the records.
#[derive(Default)]
pub struct Answers {
    /// What has come of a line, and whose it is: a number in the order of the writers.
    sockets: HashMap<u32, (Vec<u8>, Option<usize>)>,
    answered: BTreeMap<usize, usize>,
}

impl Answers {
    pub fn take(&mut self, record: &Record<'_>) {
        if record.kind != b'R' {
            return;
        }
        let (line, writer) = self.sockets.entry(record.fd).or_default();
        for &byte in record.bytes {
            line.push(byte);
            if byte != b'\n' {
                continue;
            }
            let text = String::from_utf8_lossy(line);
            match text.trim_end().strip_prefix("+writer-") {
                // A descriptor is given again to the next one who connects.
                Some(number) => *writer = number.parse().ok(),
                None => {
                    if let Some(writer) = writer {
                        *self.answered.entry(*writer).or_default() += 1;
                    }
                }
            }
            line.clear();
        }
    }

    /// Whether one of the connections was greeted.
    pub fn have_begun(&self) -> bool {
        self.sockets.values().any(|(_, writer)| writer.is_some())
    }

    pub fn of(&self, writers: usize) -> Vec<usize> {
        (0..writers).map(|writer| self.answered.get(&writer).copied().unwrap_or(0)).collect()
    }
}

/// Something that was done to the contents of a file.
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Truncate(usize),
}

/// Something that was done to the names of files.
#[derive(Clone)]
enum Naming {
    Add(String, usize),
    Remove(String),
    Rename(String, String),
}

/// A file: what of it is on disk for sure, and what was done to it since.
#[derive(Default)]
struct File {
    synced: Vec<u8>,
    /// How many changes are in `synced`.
    done: usize,
    pending: Vec<Change>,
}

#[derive(Clone)]
enum Open {
    File(usize),
    Dir(String),
}

/// The files of a directory, as their disk has them.
#[derive(Default)]
pub struct Disk {
    files: Vec<File>,
    dirs: BTreeSet<String>,
    /// The store that was found, or made.
    store: Option<usize>,
    /// The names as the process sees them, and those that are on disk for sure.
    names: BTreeMap<String, usize>,
    synced_names: BTreeMap<String, usize>,
    /// The others, in their order, each with its number.
    pending_names: Vec<(usize, Naming)>,
    namings: usize,
    open: HashMap<u32, Open>,
    /// What a sync that has begun will have put on disk: changes of a file, or names of a directory.
    syncs: HashMap<u64, (Open, usize)>,
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

impl Naming {
    fn dir(&self) -> &str {
        match self {
            Naming::Add(path, _) | Naming::Remove(path) | Naming::Rename(_, path) => parent(path),
        }
    }

    /// A directory takes what is in it along.
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Naming::Add(path, file) => drop(names.insert(path.clone(), *file)),
            Naming::Remove(path) => drop(names.remove(path)),
            Naming::Rename(from, to) => {
                let within = |path: &str| path == from || path.starts_with(&format!("{from}/"));
                let moved: Vec<String> = names.keys().filter(|path| within(path)).cloned().collect();
                for path in moved {
                    let file = names.remove(&path).expect("it is there");
                    names.insert(format!("{to}{}", &path[from.len()..]), file);
                }
            }
        }
    }
}

impl Change {
    /// With a chance to be torn: each of its sectors is there or not.
    fn apply(&self, to: &mut Vec<u8>, mut is_torn: impl FnMut() -> bool) {
        match self {
            Change::Truncate(length) => to.resize(*length, 0),
            Change::Write { at, bytes } => {
                if to.len() < at + bytes.len() {
                    to.resize(at + bytes.len(), 0);
                }
                let mut done = 0;
                while done < bytes.len() {
                    let from = at + done;
                    let length = (SECTOR - from % SECTOR).min(bytes.len() - done);
                    if !is_torn() {
                        to[from..from + length].copy_from_slice(&bytes[done..done + length]);
                    }
                    done += length;
                }
            }
        }
    }
}

impl File {
    fn sync(&mut self, changes: usize) {
        for change in self.pending.drain(..changes.saturating_sub(self.done)) {
            change.apply(&mut self.synced, || false);
        }
        self.done = self.done.max(changes);
    }
}

impl Disk {
    /// All of a directory, on disk for sure.
    pub fn load(dir: &Path) -> Disk {
        let mut disk = Disk::default();
        let mut dirs = vec![dir.to_owned()];
        while let Some(next) = dirs.pop() {
            for entry in fs::read_dir(&next).into_iter().flatten() {
                let path = entry.expect("an entry").path();
                let name = path.strip_prefix(dir).expect("below it").to_str().expect("UTF-8").to_owned();
                if path.is_dir() {
                    disk.dirs.insert(name);
                    dirs.push(path);
                } else {
                    disk.names.insert(name.clone(), disk.files.len());
                    disk.files.push(File { synced: fs::read(&path).expect("a file"), ..File::default() });
                }
            }
        }
        disk.synced_names.clone_from(&disk.names);
        disk.store = disk.names.get(STORE).copied();
        disk
    }

    pub fn take(&mut self, record: &Record<'_>) {
        let path = || String::from_utf8(record.bytes.to_vec()).expect("UTF-8");
        match record.kind {
            b'O' => {
                let path = path();
                if path.is_empty() || self.dirs.contains(&path) {
                    self.open.insert(record.fd, Open::Dir(path));
                    return;
                }
                if record.at & 1 != 0 {
                    let file = self.files.len();
                    self.files.push(File::default());
                    if path == STORE {
                        self.store.get_or_insert(file);
                    }
                    self.name(Naming::Add(path.clone(), file));
                }
                let file = self.names[&path];
                self.open.insert(record.fd, Open::File(file));
                if record.at & 2 != 0 {
                    self.files[file].pending.push(Change::Truncate(0));
                }
            }
            b'X' => drop(self.open.remove(&record.fd)),
            b'W' => {
                let change = Change::Write { at: record.at as usize, bytes: record.bytes.to_vec() };
                self.change(record.fd, change);
            }
            b'T' => self.change(record.fd, Change::Truncate(record.at as usize)),
            b'M' => drop(self.dirs.insert(path())),
            b'D' => drop(self.dirs.remove(&path())),
            b'U' => self.name(Naming::Remove(path())),
            b'N' => {
                let both = path();
                let (from, to) = both.split_once('\n').expect("two paths");
                if self.dirs.remove(from) {
                    self.dirs.insert(to.to_owned());
                }
                self.name(Naming::Rename(from.to_owned(), to.to_owned()));
                // A new store is made beside, and renamed.
                self.store = self.store.or(self.names.get(STORE).copied());
            }
            b'B' => {
                let Some(open) = self.open.get(&record.fd).cloned() else { return };
                let until = match &open {
                    Open::File(file) => self.files[*file].done + self.files[*file].pending.len(),
                    Open::Dir(_) => self.namings,
                };
                self.syncs.insert(record.at, (open, until));
            }
            b'S' => match self.syncs.remove(&record.at) {
                Some((Open::File(file), until)) => self.files[file].sync(until),
                Some((Open::Dir(dir), until)) => {
                    let (synced, pending) = std::mem::take(&mut self.pending_names)
                        .into_iter()
                        .partition(|(number, naming)| *number < until && naming.dir() == dir);
                    self.pending_names = pending;
                    let synced: Vec<(usize, Naming)> = synced;
                    for (_, naming) in &synced {
                        naming.apply(&mut self.synced_names);
                    }
                }
                None => {}
            },
            _ => {}
        }
    }

    fn change(&mut self, fd: u32, change: Change) {
        if let Some(Open::File(file)) = self.open.get(&fd) {
            self.files[*file].pending.push(change);
        }
    }

    fn name(&mut self, naming: Naming) {
        naming.apply(&mut self.names);
        self.pending_names.push((self.namings, naming));
        self.namings += 1;
    }

    /// Makes a directory what a power cut now leaves of it. What was synced is there. Of the rest each write is there, or
    /// not, or torn, and the names are as they were at some moment since.
    pub fn cut(&self, dir: &Path, random: &mut Random) {
        let mut names = self.synced_names.clone();
        let kept = random.below(self.pending_names.len() + 1);
        for (_, naming) in &self.pending_names[..kept] {
            naming.apply(&mut names);
        }
        // Mostly lost, mostly there, all of it there, or anything.
        let lost_of_eight = [7, 1, 0, random.below(9)][random.below(4)];
        let tears = random.one_in(2);
        remove_others(dir, dir, &names);
        for (name, &file) in &names {
            let file = &self.files[file];
            let mut bytes = file.synced.clone();
            for change in &file.pending {
                let is_torn = tears && random.one_in(4);
                if is_torn {
                    change.apply(&mut bytes, || random.one_in(2));
                } else if random.below(8) >= lost_of_eight {
                    change.apply(&mut bytes, || false);
                }
            }
            fs::create_dir_all(dir.join(name).parent().expect("a directory")).expect("made");
            fs::write(dir.join(name), bytes).expect("written");
            // Nobody else may read the key.
            let mode = fs::Permissions::from_mode(0o600);
            fs::set_permissions(dir.join(name), mode).expect("set");
        }
        // On a real disk these are the same files still.
        if self.store.is_some() && names.get(STORE) == self.store.as_ref() && names.contains_key(ORIGIN) {
            restamp(dir, ORIGIN, STORE);
        }
        if names.contains_key(PULSE) {
            restamp(dir, PULSE, PULSE);
        }
    }
}

/// Has a file speak of the file that is there, if it says of which it speaks to the end of its line.
fn restamp(dir: &Path, speaks: &str, of: &str) {
    let text = fs::read(dir.join(speaks)).expect("the file");
    let text = String::from_utf8_lossy(&text);
    let born = fs::metadata(dir.join(of)).expect("the file").created().expect("when it was made");
    let born = born.duration_since(UNIX_EPOCH).expect("a date").as_nanos();
    if let Some((said, behind)) = text.split_once("born ").filter(|_| text.ends_with('\n')) {
        let behind = behind.trim_start_matches(|c: char| c.is_ascii_digit());
        // In place: it is still the file that it is.
        fs::write(dir.join(speaks), format!("{said}born {born}{behind}")).expect("written");
    }
}

/// Removes the files that are not among these.
fn remove_others(root: &Path, dir: &Path, names: &BTreeMap<String, usize>) {
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        let name = path.strip_prefix(root).expect("below it").to_str().expect("UTF-8");
        if path.is_dir() {
            remove_others(root, &path, names);
            // It stays where something is in it.
            let _ = fs::remove_dir(&path);
        } else if !names.contains_key(name) {
            fs::remove_file(&path).expect("removed");
        }
    }
}
