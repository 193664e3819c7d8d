//! A file of one line, which is replaced as a whole.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::seal::sync;

/// Replaces the line of a file, and puts it on disk. A crash leaves what it said before, or this; behind the end of this, this.
pub fn replace_line(path: &Path, line: &str) -> io::Result<()> {
    replace(path, line, 0o666)
}

/// The same of a file that its owner alone can read, at no moment anybody else.
pub fn replace_private_line(path: &Path, line: &str) -> io::Result<()> {
    replace(path, line, 0o600)
}

fn replace(path: &Path, line: &str, mode: u32) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    // What a crash has left may be open to others.
    match fs::remove_file(&new) {
        Err(why) if why.kind() != ErrorKind::NotFound => return Err(why),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&new)?;
    writeln!(file, "{line}")?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    sync(path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_line_is_replaced_and_a_private_one_is_private_whatever_a_crash_left() {
        let dir = tempfile::tempdir().expect("a directory");
        let (path, left) = (dir.path().join("file"), dir.path().join("file.new"));
        replace_line(&path, "one").expect("written");
        fs::write(&left, "half of").expect("written");
        fs::set_permissions(&left, fs::Permissions::from_mode(0o644)).expect("set");
        replace_private_line(&path, "two").expect("written");
        assert_eq!(fs::read_to_string(&path).expect("read"), "two\n");
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        assert!(!left.exists());
    }
}
