//! A file of one line, which is replaced as a whole.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use super::seal::sync;

/// Replaces the line of a file, and puts it on disk. A crash leaves what it said before, or this; behind the end of this, this.
pub fn replace_line(dir: &Path, name: &str, line: &str) -> io::Result<()> {
    let new = dir.join(format!("{name}.new"));
    let mut file = File::create(&new)?;
    writeln!(file, "{line}")?;
    file.sync_all()?;
    fs::rename(&new, dir.join(name))?;
    sync(dir)
}
