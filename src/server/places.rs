//! Which partition of how many each directory of a split store has. Without that a store that lost one would be served as one that
//! never had it: whoever opted out there would be unknown.
//!
//! Each directory `p0`, `p1` … has a file that says it: `3 of 4`, and behind that ` new` until all of them have been open at once.
//! Nobody is served before.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::Setup;
use crate::error::{Error, Result};
use crate::model::slot::{PARTITIONS_MAX, Partition, partition_name};
use crate::store::engine::{make_private, replace_line};
use crate::store::{SECRET_FILE, Store};

/// The file in the directory of a partition.
const NAME: &str = "partition";
/// What it says, at its end, of a store that nobody was served from yet.
const UNSERVED: &str = " new";

/// Of so many contacts of a partition one may be of another one.
const STRANGE_SHARE: u64 = 4;

/// What the directory of a partition says of itself.
#[derive(Clone, Copy)]
struct Said {
    place: Partition,
    was_served: bool,
}

/// In how many partitions the store of a directory is; none if there is no store. Refuses one that lacks a partition.
pub fn partitions_in(dir: &Path) -> Result<Option<u16>> {
    let here: BTreeSet<u16> = (0..PARTITIONS_MAX).filter(|place| of(dir, *place).is_dir()).collect();
    let with_store: BTreeSet<u16> = here.iter().copied().filter(|place| Store::is_in(&of(dir, *place))).collect();
    if Store::is_in(dir) {
        return match with_store.first() {
            None => Ok(Some(1)),
            Some(place) => Err(Error::internal(format!(
                "{} has a store that is not split, and partitions of one that is ({}): move aside the one that is not meant",
                dir.display(),
                of(dir, *place).display()
            ))),
        };
    }
    let mut said = Vec::new();
    for place in &here {
        let found = read(&of(dir, *place))?;
        if let Some(found) = found.filter(|found| found.place.place != *place) {
            return Err(Error::internal(format!(
                "{} has partition {} of another place: give each directory its name again",
                of(dir, *place).display(),
                found.place
            )));
        }
        said.extend(found);
    }
    let numbers: BTreeSet<u16> = said.iter().map(|said| said.place.of).collect();
    let all = match (numbers.first(), numbers.last()) {
        (Some(one), Some(other)) if one != other => {
            return Err(Error::internal(format!(
                "the partitions in {} are of different stores: some are of {one}, some of {other}",
                dir.display()
            )));
        }
        (Some(all), _) => *all,
        // An older contactd did not say. One that a crash has ended in its first start may have left some without a store.
        _ if with_store.is_empty() => return Ok(None),
        _ => here.last().map_or(0, |last| last + 1).max(2),
    };
    let is_unserved = !said.is_empty() && said.iter().all(|said| !said.was_served);
    let missing: Vec<u16> = (0..all).filter(|place| !with_store.contains(place)).collect();
    if let Some(extra) = here.iter().find(|place| **place >= all) {
        return Err(Error::internal(format!(
            "the store in {} has {all} partitions, and {} is none of them: move it aside",
            dir.display(),
            of(dir, *extra).display()
        )));
    }
    match missing.first() {
        Some(first) if !is_unserved => Err(lost(dir, all, &missing, *first)),
        _ => Ok(Some(all)),
    }
}

/// The refusal of a store that lacks partitions.
fn lost(dir: &Path, all: u16, missing: &[u16], first: u16) -> Error {
    let names: Vec<String> = missing.iter().map(|place| partition_name(*place)).collect();
    Error::internal(format!(
        "of the {all} partitions of the store in {}, {} {} gone: whoever opted out there would be unknown, and get messages. Restore \
         the newest backup of each, as in `contactd restore FILE --data-dir {} --replay TRAIL.p{first}`; its contacts are behind a \
         fence then",
        dir.display(),
        names.join(", "),
        if missing.len() == 1 { "is" } else { "are" },
        of(dir, first).display()
    ))
}

/// Makes the directories of a store that is new, each of which says which it is. What is there stays as it is.
pub fn prepare(dir: &Path, partitions: u16) -> Result<()> {
    let found = partitions_in(dir)?;
    if let Some(found) = found.filter(|found| *found != partitions) {
        return Err(Error::bad_arg(format!("the store in {} has {found} partitions, and keeps them", dir.display())));
    }
    let is_new = found.is_none() || read(&of(dir, 0))?.is_some_and(|said| !said.was_served);
    for place in all(partitions).filter(|_| is_new) {
        let own = of(dir, place.place);
        let written = make_private(&own).and_then(|()| write(&own, &format!("{place}{UNSERVED}")));
        written.map_err(|why| failed("write", &own, &why))?;
    }
    Ok(())
}

/// All partitions are open: from now on one that is gone is missed. Comes before anybody is served.
pub fn settle(dir: &Path, partitions: u16) -> Result<()> {
    for place in all(partitions) {
        let own = of(dir, place.place);
        if !read(&own)?.is_some_and(|said| said.was_served) {
            write(&own, &place.to_string()).map_err(|why| failed("write", &own, &why))?;
        }
    }
    Ok(())
}

/// Refuses to make a secret for partitions that have one: under another one nobody's opt-out of a contact that is gone is known.
pub fn refuse_new_secret(setup: &Setup, key: &Path) -> Result<()> {
    let places = || all(setup.partitions).map(|place| of(&setup.data_dir, place.place));
    if key.exists() || !places().any(|own| Store::is_in(&own)) {
        return Ok(());
    }
    let restored = places().map(|own| own.join(SECRET_FILE)).find(|own| own.exists());
    Err(Error::internal(match restored {
        Some(own) => format!(
            "the secret {} of the partitions is gone; a restore has put it into {}: move it from there",
            key.display(),
            own.display()
        ),
        None => format!(
            "the secret {} of the partitions is gone: without it no opt-out of a purged number is known. `contactd restore` of a backup \
             of any partition into another directory gives it back",
            key.display()
        ),
    }))
}

/// Refuses a store whose contacts are those of another partition, such as the backup of one that was restored in the place of
/// another. A number that was spelt otherwise when it was added may be in any.
pub fn check(here: Partition, store: &Store) -> Result<()> {
    let gate = store.gate();
    let phones = (0..gate.directory.ids_end()).filter_map(|id| gate.directory.phone(id));
    let strange = phones.filter(|phone| !here.has(*phone)).count() as u64;
    if strange * STRANGE_SHARE <= gate.directory.len() {
        return Ok(());
    }
    Err(Error::internal(format!(
        "its store has contacts that are not of partition {here}: it is another partition, or of a store with another number of \
         them. Restore a backup of this one"
    )))
}

fn all(partitions: u16) -> impl Iterator<Item = Partition> {
    (0..partitions).map(move |place| Partition { place, of: partitions })
}

/// The directory of a partition.
fn of(dir: &Path, place: u16) -> PathBuf {
    dir.join(partition_name(place))
}

fn read(own: &Path) -> Result<Option<Said>> {
    match fs::read_to_string(own.join(NAME)) {
        Ok(text) => match parse(&text) {
            Some(said) => Ok(Some(said)),
            None => Err(failed("use", own, &"it is damaged")),
        },
        Err(why) if why.kind() == ErrorKind::NotFound => Ok(None),
        Err(why) => Err(failed("read", own, &why)),
    }
}

fn parse(text: &str) -> Option<Said> {
    let text = text.strip_suffix('\n')?;
    let (text, was_served) = text.strip_suffix(UNSERVED).map_or((text, true), |text| (text, false));
    let (place, of) = text.split_once(" of ")?;
    let place = Partition { place: place.parse().ok()?, of: of.parse().ok()? };
    Some(Said { place, was_served }).filter(|_| (2..=PARTITIONS_MAX).contains(&place.of) && place.place < place.of)
}

/// The directory may be new.
fn write(own: &Path, text: &str) -> io::Result<()> {
    replace_line(&own.join(NAME), text)?;
    own.parent().map_or(Ok(()), |above| File::open(above)?.sync_all())
}

fn failed(what: &str, own: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::internal(format!("cannot {what} {}: {why}", own.join(NAME).display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A store of 4 partitions, of which each is as it is said: nothing, an empty directory, one with a store, and what it says.
    fn made(places: &[(u16, bool, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a directory");
        for (place, has_store, says) in places {
            let own = of(dir.path(), *place);
            fs::create_dir_all(if *has_store { own.join("store") } else { own.clone() }).expect("made");
            if !says.is_empty() {
                fs::write(own.join(NAME), format!("{says}\n")).expect("written");
            }
        }
        dir
    }

    #[test]
    fn a_partition_that_is_gone_is_missed() {
        let found = |places: &[(u16, bool, &str)]| partitions_in(made(places).path()).map_err(|why| why.message);
        let [p0, p1, p2, p3] = ["0 of 4", "1 of 4", "2 of 4", "3 of 4"].map(str::to_owned);
        let (p0, p1, p2, p3) = ((0, true, &*p0), (1, true, &*p1), (2, true, &*p2), (3, true, &*p3));
        assert_eq!(found(&[]), Ok(None));
        assert_eq!(found(&[p0, p1, p2, p3]), Ok(Some(4)));
        // Restored, or opened by an older contactd.
        assert_eq!(found(&[p0, p1, p2, (3, true, "")]), Ok(Some(4)));
        assert_eq!(found(&[(0, true, ""), (1, true, ""), (2, true, "")]), Ok(Some(3)));
        for (places, gone) in [
            (&[p0, p1, p2][..], "p3 is gone"),
            (&[p1, p2, p3], "p0 is gone"),
            (&[p2], "p0, p1, p3 are gone"),
            (&[p0, p1, p2, (3, false, "")], "p3 is gone"),
            (&[p0, p1, p2, (3, false, "3 of 4")], "p3 is gone"),
            (&[p0, p1, p2, (3, false, "3 of 4 new")], "p3 is gone"),
            (&[(0, false, "0 of 4"), (1, false, "1 of 4")], "p0, p1, p2, p3 are gone"),
            (&[(1, true, ""), (2, true, "")], "p0 is gone"),
            (&[(0, true, ""), (2, true, "")], "p1 is gone"),
            (&[(0, true, ""), (1, true, ""), (2, false, "")], "p2 is gone"),
            (&[(0, true, "")], "p1 is gone"),
        ] {
            let told = found(places);
            assert!(told.as_ref().is_err_and(|told| told.contains(gone)), "{gone}: {told:?}");
        }
        for (places, wrong) in [
            (&[p0, p1, p2, (3, true, "1 of 4")][..], "partition 1 of 4 of another place"),
            (&[p0, p1, p2, (3, true, "3 of 8")], "some are of 4, some of 8"),
            (&[p0, p1, p2, p3, (4, true, "")], "p4 is none of them"),
            (&[p0, p1, p2, (3, true, "3 o")], "is damaged"),
        ] {
            let told = found(places);
            assert!(told.as_ref().is_err_and(|told| told.contains(wrong)), "{wrong}: {told:?}");
        }
    }

    #[test]
    fn a_first_start_that_was_cut_off_is_begun_again() {
        let dir = made(&[]);
        prepare(dir.path(), 3).expect("made");
        assert_eq!(partitions_in(dir.path()), Ok(Some(3)));
        fs::create_dir(of(dir.path(), 1).join("store")).expect("made");
        fs::remove_dir_all(of(dir.path(), 2)).expect("a power cut");
        prepare(dir.path(), 3).expect("made again");
        assert!(prepare(dir.path(), 4).is_err(), "it is of three");
        assert_eq!(partitions_in(dir.path()), Ok(Some(3)));
        (0..3).for_each(|place| fs::create_dir_all(of(dir.path(), place).join("store")).expect("made"));
        settle(dir.path(), 3).expect("written");
        assert_eq!(partitions_in(dir.path()), Ok(Some(3)));
        fs::remove_dir_all(of(dir.path(), 2)).expect("lost");
        assert!(partitions_in(dir.path()).is_err());
        assert!(prepare(dir.path(), 3).is_err());
    }
}
