//! What an import costs others while it goes on.

use std::path::Path;

use crate::beside::{OTHERS, tell_costs};
use crate::machine::Daemon;
use crate::{LIST, sheet};

pub fn run(dir: &Path, rows: usize) {
    let dir = dir.join("import");
    std::fs::create_dir_all(&dir).expect("a directory");
    let file = dir.join("contacts.csv");
    sheet::write(&file, rows);
    let daemon = Daemon::start(&dir);
    daemon.call(&format!("LIST {LIST}"));
    daemon.import(&file, LIST);
    daemon.load(OTHERS);
    let mut first = 0;
    tell_costs(&daemon, "an import", |work| {
        // A contact that is there already costs less than a new one.
        first += rows;
        sheet::write_from(&file, first, rows);
        daemon.beside_import(&file, LIST, work)
    });
}
