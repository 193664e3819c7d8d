//! The data directory, which nobody else can read.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// Makes a directory that is for its owner alone, if there is none: phone numbers will stand in it.
pub fn make_private(dir: &Path) -> io::Result<()> {
    if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(dir) {
        Err(_) if dir.is_dir() => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_new_directory_is_for_its_owner_and_one_that_is_there_stays_as_it_is() {
        let place = tempfile::tempdir().expect("a directory");
        let mode = |dir: &Path| fs::metadata(dir).expect("it is there").permissions().mode() & 0o777;
        let dir = place.path().join("above/data");
        make_private(&dir).expect("made");
        assert_eq!(mode(&dir), 0o700);
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o750)).expect("set");
        make_private(&dir).expect("it is there");
        assert_eq!(mode(&dir), 0o750);
    }
}
