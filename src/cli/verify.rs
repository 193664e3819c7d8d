//! `contactd verify`: every index against the records, of a running daemon or of a store that nobody has open.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::{Target, say};
use crate::client::Reply;
use crate::counted::counted;
use crate::error::{Error, Result};
use crate::model::verdict::StopScope;
use crate::store::{Options, Store, Verified};

/// Compare every index with the records
///
/// Exit code 0: all agree; 1: something differs; 2: an error, which says nothing about the store.
#[derive(Args)]
pub struct Verify {
    #[command(flatten)]
    target: Target,
    /// Check this data directory instead of a running daemon; no daemon may have it open
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Overwrite what differs with what the records say
    #[arg(long, requires = "data_dir")]
    repair: bool,
}

impl Verify {
    pub fn run(self) -> Result<ExitCode> {
        let Some(dir) = self.data_dir else {
            let reply = self.target.connect()?.call(&["VERIFY"])?;
            if let Reply::Error(why) = reply {
                return Err(Error::bad_arg(why));
            }
            say(&reply);
            return Ok(ExitCode::from(u8::from(!matches!(reply, Reply::Text(_)))));
        };
        if !Store::is_in(&dir) {
            return Err(Error::bad_arg(format!("{} is not a contactd store", dir.display())));
        }
        let open = || {
            let scope = Store::scope_of(&dir)?.unwrap_or(StopScope::List);
            let clock = Arc::new(super::serve::now);
            Store::open(Options { scope, ..Options::new(dir.clone(), clock) })
        };
        let mut found = open()?.verify(self.repair)?;
        report(&found);
        if self.repair && found.differing > 0 {
            say(&"repaired; checking again");
            found = open()?.verify(false)?;
            report(&found);
        }
        Ok(ExitCode::from(u8::from(found.differing > 0)))
    }
}

fn report(found: &Verified) {
    for difference in &found.differences {
        say(difference);
    }
    say(&format_args!(
        "{}, {}, {}, {}",
        counted(found.contacts, "contact"),
        counted(found.postings, "posting"),
        counted(found.tombstones, "tombstone"),
        counted(found.differing, "difference")
    ));
}
