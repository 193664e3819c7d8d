//! contactd: arguments, then the command they name, then an exit code.

use std::process::ExitCode;

use clap::Parser;
use contactd::cli::Arguments;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    contactd::store::abort_on_panic();
    match Arguments::parse().run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("contactd: {}", error.message);
            ExitCode::from(2)
        }
    }
}
