//! `contactd compact`: the former name of `contactd purge`, and with `--rewrite` of `contactd rewrite`. It goes on working.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::purge::Purge;
use super::rewrite::rewrite;
use crate::error::Result;

/// The former name of `contactd purge`, and with --rewrite of `contactd rewrite`
///
/// Exit code 0, 1 or 2, as these have.
#[derive(Args)]
pub struct Compact {
    #[command(flatten)]
    purge: Purge,
    /// Do what `contactd rewrite` does
    #[arg(long, requires = "data_dir", conflicts_with = "dry_run")]
    rewrite: bool,
    /// The data directory of --rewrite
    #[arg(long, value_name = "DIR", requires = "rewrite")]
    data_dir: Option<PathBuf>,
}

impl Compact {
    pub fn run(self) -> Result<ExitCode> {
        match &self.data_dir {
            Some(dir) => rewrite(dir),
            None => self.purge.run(),
        }
    }
}
