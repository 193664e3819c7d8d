//! `contactd completions`: what a shell needs to complete contactd's commands and flags.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::{Arguments, Out};
use crate::error::{Error, Result};

/// Print the completions for a shell
#[derive(Args)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Prints them.
    pub fn run(self) -> Result<ExitCode> {
        let mut script = Vec::new();
        generate(self.shell, &mut Arguments::command(), "contactd", &mut script);
        Out::new().write_all(&script).map_err(Error::internal)?;
        Ok(ExitCode::SUCCESS)
    }
}
