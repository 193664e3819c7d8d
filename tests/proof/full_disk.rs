//! A disk that others fill and empty again: a tmpfs in a mount namespace of its own. contactd says READONLY before its store
//! sees a full disk, what forbids holds meanwhile, and it writes again when there is space.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::crowd::{Crowd, Promise};
use crate::daemon::Process;
use crate::plain::facts::Scope;
use crate::prove::prove;
use crate::wire::{has, skip_unless};

const MIB: u64 = 1024 * 1024;
/// Of the disk. The floors are at 256 and 64 MiB of free space.
const SIZE: u64 = 320 * MIB;
const LIST: &str = "24365";

/// A disk that only those see who enter its namespace.
struct Tmpfs {
    /// Lives as long as its input is open, and the namespace with it.
    holder: Child,
    mounted: PathBuf,
}

impl Tmpfs {
    fn mount(at: &Path) -> Option<Tmpfs> {
        fs::create_dir_all(at).expect("made");
        let script = format!("mount -t tmpfs -o size={SIZE} tmpfs '{}' && echo mounted && exec cat", at.display());
        let mut holder = Command::new("unshare")
            .args(["-rm", "sh", "-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("unshare runs");
        let mut told = String::new();
        let _ = BufReader::new(holder.stdout.as_mut().expect("its output")).read_line(&mut told);
        let tmpfs = Tmpfs { holder, mounted: at.to_owned() };
        skip_unless(told == "mounted\n", "this system does not let a test mount a tmpfs").then_some(tmpfs)
    }

    /// What runs a program that sees it.
    fn enter(&self) -> Vec<String> {
        let holder = self.holder.id().to_string();
        ["nsenter", "--user", "--mount", "--preserve-credentials", "--target", &holder, "--"]
            .map(str::to_owned)
            .to_vec()
    }

    /// As others see it.
    fn path(&self) -> PathBuf {
        let within = self.mounted.strip_prefix("/").expect("a whole path");
        Path::new("/proc").join(self.holder.id().to_string()).join("root").join(within)
    }

    fn free(&self) -> u64 {
        let space = rustix::fs::statvfs(self.path()).expect("its space");
        space.f_bavail * space.f_frsize
    }

    /// Fills it until so much is free, or empties it.
    fn leave(&self, free: u64) {
        let path = self.path().join("ballast");
        let _ = fs::remove_file(&path);
        let zeros = vec![0; MIB as usize];
        let mut ballast = File::create(&path).expect("made");
        while self.free() > free {
            let bytes = (self.free() - free).min(MIB) as usize;
            if ballast.write_all(&zeros[..bytes]).is_err() {
                return;
            }
        }
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

#[test]
fn a_disk_that_fills_and_empties_loses_nothing() {
    if !has("unshare") || !has("nsenter") {
        return;
    }
    prove("full_disk", 1, |round| {
        let Some(disk) = Tmpfs::mount(&round.dir().join("disk")) else { return };
        let (data, outside) = (round.dir().join("disk/data"), round.dir().join("daemon"));
        let start = || {
            let mut process = Process::spawn_by(&disk.enter(), &data, &outside, &[], &[]);
            process.wait_until_up().unwrap_or_else(|ended| panic!("it ended ({ended}): {}", process.log()));
            process
        };
        let mut process = start();
        let mut crowd = Crowd::begin(&mut process.connect(), Scope::List, Promise::Everything, &mut round.random);
        crowd.refusals_are_nowhere();
        for turn in 0..3 {
            // Others fill it while all write, down to where nothing is written, and leave a little.
            let address = process.address.clone();
            let some_mib = MIB * round.random.below(56) as u64;
            crowd.write(&address, |_| {
                thread::sleep(Duration::from_millis(150));
                disk.leave(some_mib + 4 * MIB);
                thread::sleep(Duration::from_millis(100));
            });
            round.count("connections that were told READONLY", crowd.refusals().count());
            crowd.assert_no_wrong_yes(&mut process.connect());

            let mut wire = process.connect();
            let phone = |n: usize| format!("+1415999{:04}", turn * 100 + n);
            // Nothing is left at all: what forbids counts in memory.
            disk.leave(0);
            assert!(wire.call(&format!("OPTIN {LIST} {}", phone(0))).starts_with("-READONLY"));
            for n in 0..20 {
                let told = wire.call(&format!("OPTOUT * {}", phone(n)));
                assert!(told.starts_with("-READONLY"), "{told}");
                assert_eq!(wire.call(&format!("CHECK {LIST} {}", phone(n))), "+no opted_out");
            }
            // A little: only what forbids.
            disk.leave(150 * MIB);
            assert!(wire.call(&format!("OPTIN {LIST} {}", phone(0))).starts_with("-READONLY"));
            for n in 0..10 {
                assert_eq!(wire.call(&format!("OPTOUT * {}", phone(n))), ":1");
            }
            // Enough: everything, without a restart.
            disk.leave(SIZE);
            assert_eq!(wire.call(&format!("OPTIN {LIST} {}", phone(50))), ":1");
            assert_eq!(wire.call(&format!("CHECK {LIST} {}", phone(50))), "+yes");
            assert!(!process.log().contains("nothing is written any more"), "its store saw it: {}", process.log());

            round.count("acknowledged writes", crowd.acknowledged().iter().sum());
            process.kill();
            process = start();
            let compared = crowd.settle(&process.address).unwrap_or_else(|why| panic!("{why}"));
            round.count("contacts compared", compared);
            round.count("times full", 1);
            let mut wire = process.connect();
            for n in 0..10 {
                assert_eq!(wire.call(&format!("OPTIN {LIST} {}", phone(n))).split(' ').next(), Some("-BADARG"));
                assert_eq!(wire.call(&format!("CHECK {LIST} {}", phone(n))), "+no opted_out");
            }
            assert_eq!(wire.call(&format!("CHECK {LIST} {}", phone(50))), "+yes");
        }
    });
}

/// The trail is on another disk, which has room: it has what the store of a full disk refused, and the next start takes it from there.
#[test]
fn what_a_full_disk_refuses_holds_after_a_kill_if_the_trail_can_be_written() {
    if !has("unshare") || !has("nsenter") {
        return;
    }
    prove("full_disk_and_trail", 1, |round| {
        let Some(disk) = Tmpfs::mount(&round.dir().join("disk")) else { return };
        let (data, outside) = (round.dir().join("disk/data"), round.dir().join("daemon"));
        let trail = round.dir().join("trail").to_str().expect("UTF-8").to_owned();
        let start = || {
            let mut process = Process::spawn_by(&disk.enter(), &data, &outside, &["--trail", &trail], &[]);
            process.wait_until_up().unwrap_or_else(|ended| panic!("it ended ({ended}): {}", process.log()));
            process
        };
        let phone = |n: usize| format!("+1415888{n:04}");
        let mut process = start();
        let mut wire = process.connect();
        wire.call(&format!("LIST {LIST}"));
        let mut out = BTreeSet::new();
        for turn in 0..3 {
            let (first, refused) = (turn * 100, 1 + round.random.below(60));
            for n in first..first + 80 {
                assert_eq!(wire.call(&format!("OPTIN {LIST} {}", phone(n))), ":1");
            }
            disk.leave(0);
            for n in first..first + refused {
                let told = wire.call(&format!("INBOUND {LIST} {} {{\"text\":\"STOP\"}}", phone(n)));
                assert!(told.starts_with("-READONLY"), "{told}");
            }
            // Some of them come again, and others write, before the kill.
            let again = round.random.below(2) * round.random.below(refused);
            if again > 0 {
                disk.leave(SIZE);
                for n in first..first + again {
                    assert_eq!(wire.call(&format!("INBOUND {LIST} {} {{\"text\":\"STOP\"}}", phone(n))), "+optout");
                }
                assert_eq!(wire.call(&format!("OPTOUT {LIST} {}", phone(first + 79))), ":1");
            }
            process.kill();
            disk.leave(SIZE);
            process = start();
            wire = process.connect();
            out.extend(first..first + refused);
            for n in (0..first + 80).filter(|n| n % 100 < 79) {
                let told = wire.call(&format!("CHECK {LIST} {}", phone(n)));
                assert_eq!(told, if out.contains(&n) { "+no list_opted_out" } else { "+yes" }, "{n}");
            }
            round.count("opt-outs that a full disk refused", refused);
        }
        assert!(wire.call("VERIFY").starts_with("+ok"));
    });
}
