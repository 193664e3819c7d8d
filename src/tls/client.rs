//! A client's side: whom it trusts, and what it shows if it is asked.

use std::path::PathBuf;
use std::sync::Arc;

use rustls_pki_types::ServerName;

use super::{pem, provider};
use crate::error::{Error, Result};
use rustls::{ClientConfig, RootCertStore};

/// Which daemons a client trusts, and the certificate that it shows.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// The authorities, instead of those that the system trusts.
    pub ca_file: Option<PathBuf>,
    /// The client's certificate, for daemons that ask for one.
    pub cert_file: Option<PathBuf>,
    /// Its private key. None: it is in the same file.
    pub key_file: Option<PathBuf>,
}

impl Trust {
    /// Reads the files.
    pub fn load(&self) -> Result<Arc<ClientConfig>> {
        let roots = match &self.ca_file {
            Some(path) => pem::authorities(path)?,
            None => of_the_system()?,
        };
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(Error::internal)?
            .with_root_certificates(roots);
        let config = match &self.cert_file {
            None => config.with_no_client_auth(),
            Some(cert_file) => {
                let key_file = self.key_file.as_ref().unwrap_or(cert_file);
                config
                    .with_client_auth_cert(pem::certificates(cert_file)?, pem::private_key(key_file)?)
                    .map_err(|why| pem::in_file(cert_file, &why.to_string()))?
            }
        };
        Ok(Arc::new(config))
    }
}

/// The name that the certificate of `host:port` must have.
pub fn server_name(address: &str) -> Result<ServerName<'static>> {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
    let wrong = |_| Error::bad_arg(format!("'{host}' is not a name that a certificate can have"));
    ServerName::try_from(host.to_owned()).map_err(wrong)
}

/// What the system trusts. A file that cannot be read there does not matter as long as others can.
fn of_the_system() -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(Error::bad_arg("this system has no list of authorities that it trusts: give --ca-file FILE"));
    }
    Ok(roots)
}
