//! `contactd call`: one request, one reply.

use std::process::ExitCode;

use clap::Args;

use super::{Target, say};
use crate::client::Reply;
use crate::error::Result;

/// Send one request to a running daemon and print the reply
///
/// Prints the reply without its first byte: text on standard output, errors on standard error. Each word is sent as it is,
/// so quote only for the shell: contactd call COUNT 'label.city=New York'. Options stand before the verb: what stands behind it
/// belongs to the request.
///
/// Exit code 0; 1: nil; 2: an error.
#[derive(Args)]
pub struct Call {
    #[command(flatten)]
    target: Target,
    /// The verb and its arguments, like: CHECK +14155550100 +14155550101
    #[arg(required = true, value_name = "WORD", trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

impl Call {
    pub fn run(self) -> Result<ExitCode> {
        Ok(print(&self.target.connect()?.call(&self.words)?))
    }
}

fn print(reply: &Reply) -> ExitCode {
    match reply {
        Reply::Text(text) => say(text),
        Reply::Integer(number) => say(number),
        Reply::Stream | Reply::StreamEnd | Reply::Nil => return ExitCode::from(1),
        Reply::Error(why) => {
            eprintln!("{why}");
            return ExitCode::from(2);
        }
        Reply::Array(items) => {
            return items
                .iter()
                .map(print)
                .fold(ExitCode::SUCCESS, |worst, code| if code == ExitCode::SUCCESS { worst } else { code });
        }
    }
    ExitCode::SUCCESS
}
