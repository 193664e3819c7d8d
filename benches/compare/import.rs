//! What an import costs others while it goes on.

use std::path::Path;

use crate::beside::tell_costs;
use crate::machine::Daemon;
use crate::{LIST, sheet};

pub fn run(dir: &Path, rows: usize) {
    let (daemon, file) = Daemon::with_contacts(dir, "import", rows);
    let mut first = 0;
    tell_costs(&daemon, "an import", |work| {
        // A contact that is there already costs less than a new one.
        first += rows;
        sheet::write_from(&file, first, rows);
        daemon.beside_import(&file, LIST, work)
    });
}
