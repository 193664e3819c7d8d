//! Certificates and keys in PEM files.

use std::path::Path;

use rustls_pki_types::pem::{Error as PemError, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::error::{Error, Result};
use rustls::RootCertStore;

/// The certificates of a file, in their order.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let found: std::result::Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    match found {
        Ok(found) if found.is_empty() => Err(in_file(path, "there is no certificate in it")),
        Ok(found) => Ok(found),
        Err(why) => Err(unreadable(path, &why)),
    }
}

/// The private key of a file.
pub fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_file(path).map_err(|why| match why {
        PemError::NoItemsFound => in_file(path, "there is no private key without a password in it"),
        why => unreadable(path, &why),
    })
}

/// The certificates of a file, as authorities that are trusted.
pub fn authorities(path: &Path) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|why| in_file(path, &format!("a certificate is not an authority's: {why}")))?;
    }
    Ok(roots)
}

/// An error that names the file.
pub fn in_file(path: &Path, why: &str) -> Error {
    Error::bad_arg(format!("in {}: {why}", path.display()))
}

fn unreadable(path: &Path, why: &PemError) -> Error {
    match why {
        PemError::Io(why) => Error::bad_arg(format!("cannot read {}: {why}", path.display())),
        // What it tells may repeat a piece of the file, and that may be a key's.
        _ => in_file(path, "it is not a PEM file, or is cut off"),
    }
}
