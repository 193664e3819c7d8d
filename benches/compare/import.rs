//! What an import costs others while it goes on.

use std::path::Path;

use crate::beside::tell_costs;
use crate::machine::Daemon;
use crate::{LIST, middle, sheet, tell, timed};

pub fn run(dir: &Path, rows: usize) {
    let (daemon, file) = Daemon::with_contacts(dir, "import", rows);
    let mut first = 0;
    let mut rates = Vec::new();
    tell_costs(&daemon, "an import", |work| {
        // A contact that is there already costs less than a new one.
        first += rows;
        sheet::write_from(&file, first, rows);
        let before = daemon.stat("contacts");
        let (result, took) = timed(|| daemon.beside_import(&file, LIST, work));
        rates.push((daemon.stat("contacts") - before) as f64 / took.as_secs_f64());
        result
    });
    // The rounds beside each of the three.
    for (what, rates) in
        ["CHECK, pipeline 16", "CHECK, one after the other", "durable writes"].iter().zip(rates.chunks(rates.len() / 3))
    {
        tell(&format!("an import beside {what}"), &format!("{:.0} rows a second", middle(rates.to_vec())));
    }
}
