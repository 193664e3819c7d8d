//! The archive of a purge: a file a day, as NDJSON, to which contacts go before they are removed.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::{Error, Result};
use crate::json::{contact_json, rows};
use crate::model::contact::Contact;
use crate::model::time;
use crate::store::Store;

/// A directory with a file for each day.
pub struct Archive {
    dir: PathBuf,
    /// The file that was written to last.
    current: Option<(PathBuf, File)>,
}

impl Archive {
    /// The archive in a directory. The first contact makes the directory if it is missing.
    pub fn new(dir: PathBuf) -> Archive {
        Archive { dir, current: None }
    }

    /// Appends contacts to the file of the day. They are on disk when this returns.
    pub fn append<'c>(&mut self, store: &Store, contacts: impl Iterator<Item = &'c Contact>) -> Result<()> {
        let mut text = String::new();
        {
            let gate = store.gate();
            for contact in contacts {
                let json = contact_json(contact, gate.lists(), gate.scope(), store.remember_since(), None);
                for row in rows(&json, None) {
                    text.push_str(&Value::Object(row).to_string());
                    text.push('\n');
                }
            }
        }
        if text.is_empty() {
            return Ok(());
        }
        let path = self.dir.join(format!("purge-{}.ndjson", &time::format(store.now())[..10]));
        self.write(&path, &text)
            .map_err(|why| Error::internal(format!("cannot write the archive {}: {why}", path.display())))
    }

    fn write(&mut self, path: &Path, text: &str) -> io::Result<()> {
        let file = match &mut self.current {
            Some((current, file)) if current == path => file,
            current => &mut current.insert((path.to_owned(), open(&self.dir, path)?)).1,
        };
        file.write_all(text.as_bytes())?;
        file.sync_data()
    }
}

fn open(dir: &Path, path: &Path) -> io::Result<File> {
    std::fs::create_dir_all(dir)?;
    let mut file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
    File::open(dir)?.sync_all()?;
    let mut last = [0];
    if file.seek(SeekFrom::End(-1)).is_ok() {
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            // A crash or a full disk left a part of a line.
            file.write_all(b"\n")?;
        }
    }
    Ok(file)
}
