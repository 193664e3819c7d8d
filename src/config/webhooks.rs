//! Where providers post: an address, the one by which they call it, and the file of their keys.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{in_file, read};
use crate::address::Address;
use crate::error::{Error, Result};
use crate::reloadable::Reloadable;
use crate::webhooks::{Accounts, WebhookSetup};

/// Where providers post.
pub struct WebhookListener {
    /// Where to listen.
    pub address: Address,
    /// What they post there, and how it is signed.
    pub setup: WebhookSetup,
}

impl WebhookListener {
    /// Reads `--webhooks` and what belongs to it. None: no provider posts here.
    pub fn parse(
        listen: Option<String>,
        public_url: Option<String>,
        secrets: Option<PathBuf>,
    ) -> Result<Option<WebhookListener>> {
        let (listen, public_url, secrets) = match (listen, public_url, secrets) {
            (None, None, None) => return Ok(None),
            (None, ..) => {
                return Err(Error::bad_arg(
                    "--public-url and --webhook-secrets are for webhooks: give --webhooks HOST:PORT",
                ));
            }
            (Some(listen), Some(public_url), Some(secrets)) => (listen, public_url, secrets),
            _ => return Err(Error::bad_arg("--webhooks needs --public-url URL and --webhook-secrets FILE")),
        };
        let address: Address = listen.parse().map_err(|why| Error::bad_arg(format!("--webhooks: {why}")))?;
        match address {
            Address::Unix(_) => return Err(Error::bad_arg("--webhooks: give host:port or tls:host:port")),
            Address::Tcp(_) if !address.is_local() => {
                return Err(Error::bad_arg(format!(
                    "{address} can be reached from other machines, and whoever is between would read what people write: \
                     give --webhooks tls:HOST:PORT, or listen on 127.0.0.1 behind a proxy that speaks TLS"
                )));
            }
            _ => {}
        }
        let is_url = ["https://", "http://"].into_iter().any(|scheme| {
            public_url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        });
        if !is_url || public_url.contains(['?', '#', ' ']) {
            return Err(Error::bad_arg(format!("--public-url {public_url}: write it like https://sms.example.com")));
        }
        let public_url = public_url.trim_end_matches('/').to_owned();
        let accounts = Reloadable::load(vec![secrets.clone()], move |_| accounts_in(&secrets))?;
        Ok(Some(WebhookListener { address, setup: WebhookSetup { public_url, accounts: Arc::new(accounts) } }))
    }

    /// The file of the keys.
    pub fn secrets(&self) -> Option<&Path> {
        self.setup.accounts.files().first().map(PathBuf::as_path)
    }
}

fn accounts_in(path: &Path) -> Result<Accounts> {
    Accounts::parse(&read(path)?).map_err(|why| in_file(path, &why.message))
}
