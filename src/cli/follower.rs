//! The files that `contactd feed --append` keeps: the trail, or that of each partition, and up to where the feed was read.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::model::phone::Phone;
use crate::model::slot::{partition, partition_name};
use crate::model::time::Millis;
use crate::model::trail::{TrailLine, TrailMark};
use crate::store::engine::replace_line;
use crate::store::trail::Trail;

/// A trail on another machine: a file, or `FILE.p0`, `FILE.p1` … of a store in partitions, each of which is restored with its own.
pub struct Follower {
    trails: Vec<Trail>,
    position: PathBuf,
}

/// Up to where the feed was read.
pub struct Known {
    /// A position of FEED.
    pub position: String,
    /// How long each file was then.
    bytes: Vec<u64>,
}

impl Known {
    /// What stands beside a file, if it was written before.
    pub fn read(file: &Path) -> Result<Option<Known>> {
        let path = beside(file);
        match fs::read_to_string(&path) {
            Ok(text) => {
                let mut words = text.split_ascii_whitespace();
                let position = words.next().unwrap_or_default().to_owned();
                Ok(Some(Known { position, bytes: words.map(|word| word.parse().unwrap_or(0)).collect() }))
            }
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(why) => Err(Error::internal(format!("cannot read {}: {why}", path.display()))),
        }
    }
}

impl Follower {
    /// Opens the files of a store of so many partitions. Refuses those that are shorter than they were.
    pub fn open(file: &Path, partitions: usize, known: Option<&Known>) -> Result<Follower> {
        let position = beside(file);
        let mut trails = Vec::with_capacity(partitions);
        for place in 0..partitions {
            let path = if partitions > 1 { suffixed(file, &partition_name(place as u16)) } else { file.to_owned() };
            let trail = Trail::open(&path)?;
            let bytes = known.and_then(|known| known.bytes.get(place)).copied().unwrap_or(0);
            if trail.bytes()? < bytes {
                return Err(shorter(&path, &position));
            }
            trails.push(trail);
        }
        Ok(Follower { trails, position })
    }

    /// Says in one file that something may be missing from before a date.
    pub fn lacks(&mut self, place: usize, before: Millis) -> Result<()> {
        match self.trails.get_mut(place) {
            Some(trail) => trail.append(&[TrailLine::gap(before, &TrailMark::default())]),
            None => Ok(()),
        }
    }

    /// Adds lines, each to the file of its contact, and then that everything before a position was read. Of whom one is that names
    /// nobody is not known: all files have it.
    pub fn add(&mut self, lines: &[TrailLine], next: &str) -> Result<()> {
        let partitions = self.trails.len() as u16;
        let place = |line: &TrailLine| Phone::parse(line.phone.as_bytes()).map(|phone| partition(phone, partitions));
        for (here, trail) in (0..).zip(&mut self.trails) {
            let own: Vec<TrailLine> =
                lines.iter().filter(|line| place(line).is_none_or(|place| place == here)).cloned().collect();
            if !own.is_empty() {
                trail.append(&own)?;
            }
        }
        let bytes = self.trails.iter().map(Trail::bytes).collect::<Result<Vec<u64>>>()?;
        write(&self.position, next, &bytes)
    }
}

/// Where the position stands.
fn beside(file: &Path) -> PathBuf {
    suffixed(file, "position")
}

fn suffixed(file: &Path, end: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(".");
    path.push(end);
    path.into()
}

/// Lines are missing, and nobody would find out before they are wanted.
fn shorter(file: &Path, position: &Path) -> Error {
    Error::bad_arg(format!(
        "{} LACKS LINES: it is shorter than when it was written last, or another one. Put it back. If it is lost, delete {}: the trail \
         then begins anew with the oldest change that the daemon has",
        file.display(),
        position.display()
    ))
}

/// Whatever was read before is in the trail and synced: a crash leaves the position before this one, or this one.
fn write(path: &Path, position: &str, bytes: &[u64]) -> Result<()> {
    let words: Vec<String> = std::iter::once(position.to_owned()).chain(bytes.iter().map(u64::to_string)).collect();
    let written = replace_line(path, &words.join(" "));
    written.map_err(|why| Error::internal(format!("cannot write {}: {why}", path.display())))
}
