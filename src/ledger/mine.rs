//! Which reign this machine had last, so that a daemon that is started again need not wait for the end of its own lease.
//!
//! The lock on the data directory proves that the process of before is dead, if it ran on this machine since it was started, and
//! had this very directory: a copy of it has another inode.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::part::Part;
use crate::error::{Error, Result};

const NAME: &str = "reign";
/// Which start of the machine this is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The reign that this data directory was the owner of.
pub struct Mine {
    path: PathBuf,
    /// What tells this directory, since this start of the machine, from all others.
    here: String,
    noted: Option<(i64, String)>,
}

impl Mine {
    pub fn read(dir: &Path) -> Result<Mine> {
        let failed =
            |what: &Path, why: std::io::Error| Error::internal(format!("cannot read {}: {why}", what.display()));
        let path = dir.join(NAME);
        let boot = fs::read_to_string(BOOT_ID).map_err(|why| failed(Path::new(BOOT_ID), why))?;
        let inode = fs::metadata(dir).map_err(|why| failed(dir, why))?.ino();
        let here = format!("{} {inode}", boot.trim());
        let noted = match fs::read_to_string(&path) {
            Ok(text) => parse(&text, &here),
            Err(why) if why.kind() == ErrorKind::NotFound => None,
            Err(why) => return Err(failed(&path, why)),
        };
        Ok(Mine { path, here, noted })
    }

    /// Whether the partition is still in the reign that was noted here.
    pub fn is(&self, part: &Part) -> bool {
        self.noted.as_ref().is_some_and(|(reign, owner)| part.reign == *reign && part.owner == *owner)
    }

    /// Notes a reign. It need not outlive the machine.
    pub fn note(&mut self, reign: i64, owner: &str) -> Result<()> {
        self.noted = Some((reign, owner.to_owned()));
        fs::write(&self.path, format!("{reign} {owner} {}\n", self.here))
            .map_err(|why| Error::internal(format!("cannot write {}: {why}", self.path.display())))
    }
}

fn parse(text: &str, here: &str) -> Option<(i64, String)> {
    let rest = text.strip_suffix('\n')?.strip_suffix(here)?.trim_end();
    let (reign, owner) = rest.split_once(' ')?;
    Some((reign.parse().ok()?, owner.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_noted_here_since_the_start_counts() {
        assert_eq!(parse("7 name boot 12\n", "boot 12"), Some((7, "name".to_owned())));
        assert_eq!(parse("7 name boot 12\n", "boot 13"), None, "a copy of the directory");
        assert_eq!(parse("7 name boot 12\n", "other 12"), None, "the machine was started again");
        assert_eq!(parse("7 name boot 12", "boot 12"), None, "it was cut off");
    }
}
