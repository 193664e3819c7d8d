//! The daemon's side: its certificate, and which certificates of clients it takes.

use std::path::PathBuf;
use std::sync::Arc;

use super::{pem, provider, validity};
use crate::error::{Error, Result};
use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;

/// The files from which the daemon's side is made.
#[derive(Clone, Debug)]
pub struct ServerFiles {
    /// The daemon's certificate, and those between it and an authority that clients know.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Whether clients show a certificate.
    pub clients: ClientCertificates,
}

/// The daemon's side of TLS, as its files are now.
pub struct ServerTls {
    /// How it is spoken.
    pub config: Arc<ServerConfig>,
    /// When the first of the certificates ends that are shown, as a Unix time in seconds.
    pub certificate_ends: Option<i64>,
}

/// Whether clients show a certificate, and whose they may be: a file of authorities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientCertificates {
    /// They are not asked for one.
    Off,
    /// One that is shown must be of these authorities.
    Optional(PathBuf),
    /// Each client must show one of these authorities.
    Required(PathBuf),
}

impl ServerFiles {
    /// All of them.
    pub fn paths(&self) -> Vec<PathBuf> {
        let mut paths = vec![self.certificate.clone(), self.key.clone()];
        paths.extend(self.authorities().cloned());
        paths
    }

    /// Reads them, and checks that they fit each other. The errors name the file, and never what a key is.
    pub fn load(&self) -> Result<ServerTls> {
        let certificates = pem::certificates(&self.certificate)?;
        let certificate_ends = validity::first_end(&certificates);
        let key = pem::private_key(&self.key)?;
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(Error::internal)?;
        let config = match self.authorities() {
            None => config.with_no_client_auth(),
            Some(path) => {
                let roots = Arc::new(pem::authorities(path)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
                let verifier = match self.clients {
                    ClientCertificates::Required(_) => verifier,
                    _ => verifier.allow_unauthenticated(),
                };
                config.with_client_cert_verifier(verifier.build().map_err(|why| pem::in_file(path, &why.to_string()))?)
            }
        };
        let config = config.with_single_cert(certificates, key).map_err(|why| match why {
            rustls::Error::InconsistentKeys(_) => Error::bad_arg(format!(
                "the key in {} is not that of the first certificate in {}",
                self.key.display(),
                self.certificate.display()
            )),
            why => Error::bad_arg(format!(
                "{} and {} cannot be used: {why}",
                self.certificate.display(),
                self.key.display()
            )),
        })?;
        Ok(ServerTls { config: Arc::new(config), certificate_ends })
    }

    fn authorities(&self) -> Option<&PathBuf> {
        match &self.clients {
            ClientCertificates::Off => None,
            ClientCertificates::Optional(path) | ClientCertificates::Required(path) => Some(path),
        }
    }
}
