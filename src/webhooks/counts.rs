//! How many webhooks came, by provider and by what became of them.

use std::sync::atomic::{AtomicU64, Ordering};

use super::provider::Provider;

/// What became of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is recorded.
    Recorded,
    /// It says nothing that has to be recorded.
    Ignored,
    /// It can never be recorded; the log says why.
    Refused,
    /// It could not be recorded now: the provider was told to deliver it again.
    Later,
    /// The provider was asked for its name and password, and then sends it again with them.
    Asked,
    /// It is not the provider's, or it is too old.
    Unsigned,
    /// The provider has no key in the secrets file.
    NoKey,
    /// It took too long to arrive, is too long, or is no request of the provider's.
    Malformed,
}

impl Fate {
    /// Every one.
    pub const ALL: [Fate; 8] = [
        Fate::Recorded,
        Fate::Ignored,
        Fate::Refused,
        Fate::Later,
        Fate::Asked,
        Fate::Unsigned,
        Fate::NoKey,
        Fate::Malformed,
    ];

    /// Its word in metrics.
    pub fn word(self) -> &'static str {
        match self {
            Fate::Recorded => "recorded",
            Fate::Ignored => "ignored",
            Fate::Refused => "refused",
            Fate::Later => "later",
            Fate::Asked => "asked",
            Fate::Unsigned => "unsigned",
            Fate::NoKey => "no_key",
            Fate::Malformed => "malformed",
        }
    }
}

/// How many webhooks came since the start.
#[derive(Default)]
pub struct Counts([[AtomicU64; Fate::ALL.len()]; Provider::ALL.len()]);

impl Counts {
    /// Counts one.
    pub fn add(&self, provider: Provider, fate: Fate) {
        self.0[provider as usize][fate as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many of a provider had this fate.
    pub fn of(&self, provider: Provider, fate: Fate) -> u64 {
        self.0[provider as usize][fate as usize].load(Ordering::Relaxed)
    }
}
