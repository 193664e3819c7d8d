//! `contactd ledger`: the database that daemons share a store through.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use indicatif::{HumanBytes, HumanCount};

use super::say;
use super::serve::now;
use crate::error::{Error, Result};
use crate::ledger::{self, Finding, LedgerStatus, PartStatus, Url};
use crate::model::slot::{PARTITIONS_MAX, partition_name};
use crate::server::partitions_in;
use crate::store::Secret;
use crate::tls::Trust;

/// Make or look at the ledger that daemons share a store through
///
/// Exit code 0: it is done, or well; 1: something endangers what was acknowledged, or a promise is broken; 2: an error.
#[derive(Args)]
pub struct Ledger {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a new ledger in a database
    Init(Init),
    /// Split each partition of a ledger into two or more, while no daemon runs
    ///
    /// Everything is copied within the database, and needs room there for all that the store has once more. A crash before the end
    /// changes nothing: begin again. Afterwards every daemon is started with the new number, and who follows FEED begins again.
    Split(Split),
    /// Show who the owner is, how long the ledger is, and what endangers it
    Status(Place),
    /// Try whether a database does what a ledger asks of it
    ///
    /// For a database that is not `PostgreSQL`, a new version of it, or a pooler in front of it. Daemons may run meanwhile: it
    /// makes the tables if they are not there, and a partition of its own, which it removes. What the database does when it
    /// loses its primary cannot be tried like this.
    Check(Place),
}

/// How a ledger begins.
#[derive(Args)]
struct Init {
    #[command(flatten)]
    place: Place,
    /// Begin with the store in this data directory, which no daemon may have open; from then on it is opened with the ledger alone
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Into how many partitions the store is split, which several daemons share. With --data-dir as many as it has, unless a multiple
    /// of that is said; else 1
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=i64::from(PARTITIONS_MAX)))]
    partitions: Option<u16>,
    /// The store in --data-dir is a copy of a ledger that is lost, or was set back to an earlier time: begin with what this copy has.
    /// Stop all daemons before, and take the copy with the most rows: whoever opted out behind its last row would be forgotten
    #[arg(long, requires = "data_dir")]
    ledger_is_lost: bool,
    /// Make the secret that all daemons of the ledger need in this file, unless it is there
    #[arg(long, env = "CONTACTD_TOMBSTONE_KEY", value_name = "FILE")]
    tombstone_key: Option<PathBuf>,
}

/// How a ledger is split.
#[derive(Args)]
struct Split {
    #[command(flatten)]
    place: Place,
    /// How many partitions there are to be: a multiple of those that there are
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(2..=i64::from(PARTITIONS_MAX)))]
    partitions: u16,
    /// A directory with room for a copy of the largest partition, instead of that for temporary files
    #[arg(long, value_name = "DIR")]
    work_dir: Option<PathBuf>,
}

/// Where a ledger is.
#[derive(Args)]
struct Place {
    /// The database, like `postgres://contactd@db1,db2/contactd`
    #[arg(value_name = "URL", env = "CONTACTD_LEDGER")]
    url: String,
    /// The authorities of the certificate that the database shows, as PEM, instead of those that the system trusts
    #[arg(long, env = "CONTACTD_LEDGER_CA_CERT_FILE", value_name = "FILE")]
    ca_cert_file: Option<PathBuf>,
}

impl Place {
    fn url(&self) -> Result<Url> {
        Url::parse(&self.url, &Trust { ca_file: self.ca_cert_file.clone(), ..Trust::default() })
    }
}

impl Ledger {
    pub fn run(self) -> Result<ExitCode> {
        match self.command {
            Command::Init(init) => init.run(),
            Command::Split(split) => split.run(),
            Command::Status(place) => show(&ledger::status(&place.url()?)?),
            Command::Check(place) => {
                let all_hold = ledger::check(&place.url()?, &mut |Finding { promise, broken }| match broken {
                    None => say(&format_args!("ok      {promise}")),
                    Some(why) => say(&format_args!("broken  {promise}: {why}")),
                })?;
                Ok(if all_hold { ExitCode::SUCCESS } else { ExitCode::FAILURE })
            }
        }
    }
}

impl Init {
    fn run(self) -> Result<ExitCode> {
        let url = self.place.url()?;
        let stores = self.data_dir.as_deref().map(stores_in).transpose()?.unwrap_or_default();
        let partitions = self.partitions.unwrap_or_else(|| stores.len().max(1) as u16);
        if !usize::from(partitions).is_multiple_of(stores.len().max(1)) {
            return Err(Error::bad_arg(format!(
                "--partitions {partitions}: the store has {}, and each can become two or more: say a multiple of that",
                stores.len()
            )));
        }
        let first = ledger::init(&url, partitions, &stores, self.ledger_is_lost, now())?;
        if let Some(key) = self.tombstone_key.filter(|_| stores.is_empty()) {
            Secret::open(Path::new("."), Some(&key), None)?;
        }
        let what = match &self.data_dir {
            None => "an empty ledger".to_owned(),
            Some(dir) => format!("a ledger, which begins with row {first} and a copy of {},", dir.display()),
        };
        let of = if partitions == 1 { String::new() } else { format!(" of {partitions} partitions") };
        let with = if partitions == 1 { String::new() } else { format!(", --partitions {partitions}") };
        say(&format_args!(
            "{url} has {what}{of} now. Start daemons with --ledger and this address{with}. All of them need the same tombstone.key."
        ));
        warn_of(&ledger::status(&url)?);
        Ok(ExitCode::SUCCESS)
    }
}

/// The directories of the partitions of a store, or its own.
fn stores_in(dir: &Path) -> Result<Vec<PathBuf>> {
    match partitions_in(dir)? {
        None | Some(1) => Ok(vec![dir.to_owned()]),
        Some(partitions) => Ok((0..partitions).map(|place| dir.join(partition_name(place))).collect()),
    }
}

impl Split {
    fn run(self) -> Result<ExitCode> {
        let url = self.place.url()?;
        let room = self.work_dir.unwrap_or_else(std::env::temp_dir);
        let before = ledger::split(&url, self.partitions, &room, now())?;
        let partitions = self.partitions;
        say(&format_args!(
            "{url} has {partitions} partitions now, and had {before}. Start all daemons with --partitions {partitions}; one that is started \
             with {before} ends. Whoever follows FEED begins again with FEED and EXPORT. Make a backup: those of before are of other \
             partitions."
        ));
        warn_of(&ledger::status(&url)?);
        Ok(ExitCode::SUCCESS)
    }
}

fn show(status: &LedgerStatus) -> Result<ExitCode> {
    for (place, partition) in status.partitions.iter().enumerate() {
        if status.partitions.len() > 1 {
            say(&format_args!("partition  {place} of {}", status.partitions.len()));
        }
        show_partition(partition);
    }
    let is_safe = warn_of(status);
    Ok(if is_safe { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show_partition(status: &PartStatus) {
    let PartStatus { owner, reign, lease, newest, acked, base, sizes } = status;
    match lease {
        Some(lease) => {
            say(&format_args!("owner      {owner}, in reign {reign}, with a lease of {} s", lease.as_secs()));
        }
        None => say(&"owner      nobody; the next daemon takes over at once"),
    }
    say(&format_args!(
        "rows       {} in all; {} acknowledged at the last renewal",
        HumanCount(*newest),
        HumanCount(*acked)
    ));
    say(&format_args!(
        "copy       ends with row {}, {}; {} of rows behind it",
        HumanCount(*base),
        HumanBytes(sizes.1),
        HumanBytes(sizes.0)
    ));
}

/// Says what endangers what was acknowledged, and whether nothing does.
fn warn_of(status: &LedgerStatus) -> bool {
    if status.copies < 2 {
        say(
            &"danger     the database keeps one copy alone: synchronous_standby_names is empty, so a failover may lose opt-outs",
        );
    }
    for danger in &status.dangers {
        say(&format_args!("danger     {danger}"));
    }
    status.copies >= 2 && status.dangers.is_empty()
}
