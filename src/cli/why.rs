//! `contactd why`: the verdict in words.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::terminal::safe;
use super::{Target, say};
use crate::client::Reply;
use crate::error::{Error, Result};

/// Say in words whether messages may be sent, why, and what ends it
///
/// Names the fact behind the verdict: when, how, who and why.
///
/// Exit code 0: yes; 1: no; 2: an error.
#[derive(Args)]
pub struct Why {
    #[command(flatten)]
    target: Target,
    /// Print the reply to WHY as it came
    #[arg(long)]
    json: bool,
    /// The number that would send
    #[arg(value_name = "LIST", allow_hyphen_values = true)]
    list: String,
    /// The number that would get the message
    #[arg(value_name = "PHONE", allow_hyphen_values = true)]
    phone: String,
}

impl Why {
    pub fn run(self) -> Result<ExitCode> {
        let mut client = self.target.connect()?;
        let why = json(client.call(&["WHY", &self.list, &self.phone])?)?;
        if self.json {
            say(&why);
        } else {
            say(&safe(why["text"].as_str().unwrap_or_default()));
        }
        Ok(if why["verdict"] == "yes" { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// A reply that is one line of JSON. An error of the daemon is the error.
pub fn json(reply: Reply) -> Result<Value> {
    match reply {
        Reply::Text(text) => serde_json::from_str(&text).map_err(Error::internal),
        other => Err(Error::internal(other)),
    }
}
