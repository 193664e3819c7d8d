//! `contactd rewrite`: the store of a stopped daemon in a new file, without the free space of the old one.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use indicatif::{HumanBytes, HumanCount};

use super::say;
use crate::error::{Error, Result};
use crate::store::Store;

/// Copy the store of a stopped daemon into a new file, without the free space of the old one
///
/// The two are compared before the new one takes the old one's place. Meanwhile the disk holds both. Where next to nothing is
/// free, the new file may be a little larger.
///
/// Exit code 0: it is done; 2: an error.
#[derive(Args)]
pub struct Rewrite {
    /// The data directory, which no daemon may have open
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
}

impl Rewrite {
    pub fn run(self) -> Result<ExitCode> {
        rewrite(&self.data_dir)
    }
}

/// Rewrites the store in a data directory.
pub fn rewrite(dir: &Path) -> Result<ExitCode> {
    if !Store::is_in(dir) {
        return Err(Error::bad_arg(format!("{} is not a contactd store", dir.display())));
    }
    let done = Store::rewrite(dir)?;
    say(&format_args!(
        "{} values copied and compared: {} before, {} now.",
        HumanCount(done.values),
        HumanBytes(done.bytes_before),
        HumanBytes(done.bytes_after)
    ));
    Ok(ExitCode::SUCCESS)
}
