//! The daemon's side: its certificate, and which certificates of clients it takes.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Validity, pem, provider};
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
    /// When all of the certificates are good that are shown.
    pub validity: Option<Validity>,
    /// When the daemon's own one is.
    own: Option<Validity>,
    /// The file of both.
    file: PathBuf,
}

impl ServerTls {
    /// What is wrong with the certificates now, if anything is: clients may refuse them.
    pub fn warning(&self) -> Option<String> {
        let invalid = self.validity?.invalid_now()?;
        Some(format!("a certificate in {} {invalid}: clients refuse it", self.file.display()))
    }

    fn is_good(&self) -> bool {
        self.own.is_some_and(|own| own.invalid_now().is_none())
    }
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
    ///
    /// A certificate that has ended is taken at the start, since plain addresses are served all the same, and the clock may be
    /// wrong. In the place of one that is good it is refused: no client would connect any more, and nobody wants that.
    pub fn load(&self, present: Option<&ServerTls>) -> Result<ServerTls> {
        let certificates = pem::certificates(&self.certificate)?;
        let (own, validity) = (certificates.first().and_then(Validity::of), Validity::of_all(&certificates));
        if present.is_some_and(ServerTls::is_good)
            && let Some(invalid) = own.and_then(Validity::invalid_now)
        {
            let why = format!("the certificate {invalid}, and the one that is in use is good");
            return Err(pem::in_file(&self.certificate, &why));
        }
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
        Ok(ServerTls { config: Arc::new(config), validity, own, file: self.certificate.clone() })
    }

    fn authorities(&self) -> Option<&PathBuf> {
        match &self.clients {
            ClientCertificates::Off => None,
            ClientCertificates::Optional(path) | ClientCertificates::Required(path) => Some(path),
        }
    }
}
