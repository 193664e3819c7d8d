//! What became of the newest reading of each file that contactd reads again while it runs, for those who ask.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::time::{self, Millis};

/// What is read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The TOML file. It is only looked through: settings count from the start.
    Settings,
    /// Who may do what.
    Tokens,
    /// The certificate, its key, and the authorities of clients.
    Certificate,
    /// The keys of providers.
    WebhookSecrets,
}

impl Source {
    /// All of them.
    pub const ALL: [Source; 4] = [Source::Settings, Source::Tokens, Source::Certificate, Source::WebhookSecrets];

    /// The word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Source::Settings => "settings",
            Source::Tokens => "tokens",
            Source::Certificate => "certificate",
            Source::WebhookSecrets => "webhook_secrets",
        }
    }
}

/// From when until when the certificates are good that clients are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateDates {
    /// The first moment.
    pub starts: Millis,
    /// The last one.
    pub ends: Millis,
}

/// Which files could not be used when they were read last, and until when the certificates are good.
#[derive(Debug, Default)]
pub struct Reloads(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    refused: [Option<String>; Source::ALL.len()],
    certificate: Option<CertificateDates>,
}

impl Reloads {
    /// A file could not be used: what was read before stays in use.
    pub fn refuse(&self, source: Source, at: Millis, why: &str) {
        // A line: what stands in a file name or in an error of TOML may be several.
        let why: Vec<&str> =
            why.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
        self.state().refused[source as usize] = Some(format!("{} {}", time::format(at), why.join(" ")));
    }

    /// A file is in use as it is.
    pub fn take(&self, source: Source) {
        self.state().refused[source as usize] = None;
    }

    /// When the newest reading of a file failed and why, in one line, if it did.
    pub fn refused(&self, source: Source) -> Option<String> {
        self.state().refused[source as usize].clone()
    }

    /// What is refused now.
    pub fn all_refused(&self) -> Vec<Source> {
        let state = self.state();
        Source::ALL.into_iter().filter(|&source| state.refused[source as usize].is_some()).collect()
    }

    /// Sets until when the certificates are good that clients are shown.
    pub fn set_certificate(&self, dates: Option<CertificateDates>) {
        self.state().certificate = dates;
    }

    /// Until when they are good. None: there are none.
    pub fn certificate(&self) -> Option<CertificateDates> {
        self.state().certificate
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_lasts_until_the_file_is_taken() {
        let reloads = Reloads::default();
        assert_eq!(reloads.all_refused(), []);
        reloads.refuse(Source::Tokens, 0, "in /etc/contactd/\ttok\u{1b}ens:\n  line 3");
        reloads.refuse(Source::Certificate, 0, "cut off");
        assert_eq!(
            reloads.refused(Source::Tokens).as_deref(),
            Some("1970-01-01T00:00:00.000Z in /etc/contactd/ tok ens: line 3")
        );
        assert_eq!(reloads.all_refused(), [Source::Tokens, Source::Certificate]);
        reloads.take(Source::Tokens);
        assert_eq!((reloads.refused(Source::Tokens), reloads.all_refused()), (None, vec![Source::Certificate]));
    }
}
