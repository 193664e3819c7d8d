//! The file of a person's answers, beside the file that they are about.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::import::Mapping;

/// Writes the answers: over the mapping file that was given, which they complete, else into a new file beside the one that
/// is imported. Gives its path.
pub fn write(mapping: &Mapping, file: &Path, given: Option<&Path>) -> Result<PathBuf> {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let failed = |path: &Path, why: &std::io::Error| Error::internal(format!("cannot write {}: {why}", path.display()));
    let (path, mut out) = match given {
        Some(path) => (path.to_owned(), File::create(path).map_err(|why| failed(path, &why))?),
        None => create(file, &name).map_err(|(path, why)| failed(&path, &why))?,
    };
    out.write_all(mapping.render(&name).as_bytes()).and_then(|()| out.sync_all()).map_err(|why| failed(&path, &why))?;
    Ok(path)
}

/// A new file: somebody else's answers stay.
fn create(file: &Path, name: &str) -> std::result::Result<(PathBuf, File), (PathBuf, std::io::Error)> {
    for number in 1..1000 {
        let number = if number == 1 { String::new() } else { format!("-{number}") };
        let path = file.with_file_name(format!("{name}.mapping{number}.toml"));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(out) => return Ok((path, out)),
            Err(why) if why.kind() == ErrorKind::AlreadyExists => {}
            Err(why) => return Err((path, why)),
        }
    }
    Err((file.to_owned(), ErrorKind::AlreadyExists.into()))
}
