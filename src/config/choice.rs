//! Settings that are one of a few words.

use clap::ValueEnum;
use serde::Deserialize;

/// When a write is answered.
#[derive(Clone, Copy, Debug, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum FsyncSetting {
    /// When it is on disk.
    Always,
    /// What forbids when it is on disk, the rest at once.
    Interval,
}

/// What a CHECK of a daemon with a ledger rests on.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum CheckSetting {
    /// On the lease.
    Leased,
    /// On word from the ledger.
    Confirmed,
}

/// How far a STOP reaches.
#[derive(Clone, Copy, Debug, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum ScopeSetting {
    /// To its list.
    List,
    /// To all lists.
    All,
}

/// What is done with a contact that may want out.
#[derive(Clone, Copy, Debug, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum MaybeSetting {
    /// Its message is shown.
    Show,
    /// It is held back as well.
    Hold,
}

/// How to log.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Human,
    /// A JSON object a line.
    Json,
}
