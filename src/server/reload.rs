//! Reading tokens, certificates and the secrets of webhooks again, and looking the settings through, because the operator asks
//! for it or because their files have changed.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Server, Shared};
use crate::command::{CertificateDates, Reloads, Source};
use crate::counted::counted;
use crate::error::Result;
use crate::limits::RELOAD_LOOK_MS;
use crate::reloadable::Reloadable;
use crate::tls::{ServerTls, Validity};

/// Looks at the files now and then until the server drains.
pub(super) fn start(server: &Arc<Server>) {
    let server = Arc::clone(server);
    server.connections.clone().spawn(async move {
        loop {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(RELOAD_LOOK_MS)) => {}
                () = server.stop.cancelled() => return,
            }
            read_again(&server, Read::IfChanged).await;
        }
    });
}

/// Reads all files, however they look.
pub(super) async fn now(server: &Arc<Server>) {
    read_again(server, Read::Always).await;
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Read {
    Always,
    IfChanged,
}

impl Read {
    fn of<T>(self, what: &Reloadable<T>) -> Result<bool> {
        match self {
            Read::Always => what.reload(),
            Read::IfChanged => what.reload_if_changed(),
        }
    }
}

/// Files are read where nobody waits for others: they may be on a slow disk.
async fn read_again(server: &Arc<Server>, read: Read) {
    let server = Arc::clone(server);
    let done = tokio::task::spawn_blocking(move || {
        // One at a time: whom a withdrawal ends was decided by the tokens that were read before it.
        let _guard = server.reloading.lock();
        let settings = server.reload_settings(read);
        let tokens = server.reload_tokens(read);
        let certificates = server.reload_certificates(read);
        let secrets = server.reload_webhook_secrets(read);
        if read == Read::Always && ![settings, tokens, certificates, secrets].contains(&true) {
            tracing::info!(
                "no file is read again: there are no tokens, certificates or webhook secrets; settings are read at the start"
            );
        }
    });
    if let Err(why) = done.await {
        tracing::error!("files could not be read again: {why}");
    }
}

/// Tells whoever asks until when the certificates are good, and warns if they are not.
pub(super) fn tell_of(tls: &ServerTls, reloads: &Reloads) {
    let dates = |validity: Validity| CertificateDates { starts: validity.starts * 1_000, ends: validity.ends * 1_000 };
    reloads.set_certificate(tls.validity.map(dates));
    if let Some(warning) = tls.warning() {
        tracing::warn!("{warning}");
    }
}

impl Server {
    /// Says whether there is a file.
    fn reload_settings(&self, read: Read) -> bool {
        self.note(Source::Settings, &self.shared.settings, read, |files| {
            tracing::info!("looked {files} through; what has changed in it counts from the next start on");
        })
    }

    fn reload_tokens(&self, read: Read) -> bool {
        let tokens = &self.shared.tokens;
        self.note(Source::Tokens, tokens, read, |files| {
            let withdrawn = counted(self.withdraw_all_but(&tokens.get()) as u64, "token");
            tracing::info!("read {files} again; connections of {withdrawn} are closed");
        })
    }

    fn reload_certificates(&self, read: Read) -> bool {
        let Some(tls) = &self.shared.tls else { return false };
        self.note(Source::Certificate, tls, read, |files| {
            tell_of(&tls.get(), &self.shared.reloads);
            tracing::info!("read {files} again; new connections get this certificate");
        })
    }

    fn reload_webhook_secrets(&self, read: Read) -> bool {
        let Some(webhooks) = self.webhooks.get() else { return false };
        self.note(Source::WebhookSecrets, webhooks.accounts(), read, |files| {
            tracing::info!("read {files} again; webhooks are checked by its keys");
        })
    }

    /// Reads again, and keeps what became of it for those who ask, before the log tells. `taken` tells of a success.
    fn note<T>(&self, source: Source, what: &Reloadable<T>, read: Read, taken: impl FnOnce(&str)) -> bool {
        let Shared { reloads, counters, clock, .. } = &*self.shared;
        match read.of(what) {
            Ok(false) => {}
            Ok(true) => {
                reloads.take(source);
                taken(&names(what.files()));
            }
            Err(why) => {
                counters.reloads_failed.fetch_add(1, Ordering::Relaxed);
                reloads.refuse(source, clock(), &why.message);
                let then = match source {
                    Source::Settings => "contactd will not start with it",
                    _ => "what was read before stays in use",
                };
                tracing::error!("{}; {then}", why.message);
            }
        }
        !what.files().is_empty()
    }
}

fn names(files: &[PathBuf]) -> String {
    files.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
