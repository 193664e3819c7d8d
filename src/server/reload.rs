//! Reading tokens, certificates and the secrets of webhooks again, because the operator asks for it or because their files have changed.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Server;
use crate::error::Result;
use crate::limits::RELOAD_LOOK_MS;
use crate::reloadable::Reloadable;

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
        let tokens = server.reload_tokens(read);
        let certificates = server.reload_certificates(read);
        let secrets = server.reload_webhook_secrets(read);
        if read == Read::Always && !tokens && !certificates && !secrets {
            tracing::info!(
                "no file is read again: there are no tokens, certificates or webhook secrets; settings are read at the start"
            );
        }
    });
    if let Err(why) = done.await {
        tracing::error!("files could not be read again: {why}");
    }
}

impl Server {
    /// Says whether there is a file.
    fn reload_tokens(&self, read: Read) -> bool {
        let Some(context) = self.context() else { return false };
        let tokens = &context.tokens;
        let read = read.of(tokens);
        if let Ok(true) = read {
            let withdrawn = self.withdraw_all_but(&tokens.get());
            tracing::info!("read {} again; connections of {withdrawn} tokens are closed", names(tokens.files()));
        }
        self.told(tokens, read)
    }

    fn reload_certificates(&self, read: Read) -> bool {
        let Some(tls) = &self.tls else { return false };
        let read = read.of(tls);
        if let Ok(true) = read {
            tracing::info!("read {} again; new connections get this certificate", names(tls.files()));
        }
        self.told(tls, read)
    }

    fn reload_webhook_secrets(&self, read: Read) -> bool {
        let Some(webhooks) = self.webhooks.get() else { return false };
        let accounts = webhooks.accounts();
        let read = read.of(accounts);
        if let Ok(true) = read {
            tracing::info!("read {} again; webhooks are checked by its keys", names(accounts.files()));
        }
        self.told(accounts, read)
    }

    fn told<T>(&self, what: &Reloadable<T>, read: Result<bool>) -> bool {
        if let Err(why) = read {
            tracing::error!("{}; what was read before stays in use", why.message);
            if let Some(context) = self.context() {
                context.counters.reloads_failed.fetch_add(1, Ordering::Relaxed);
            }
        }
        !what.files().is_empty()
    }
}

fn names(files: &[PathBuf]) -> String {
    files.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
