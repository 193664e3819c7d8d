//! TLS: what each side shows and whom it trusts, from PEM files.
//!
//! Only settings are made here. `server/handshake.rs` and `client/encrypted.rs` speak TLS with them; nobody else knows it.
//! Versions 1.2 and 1.3, with what rustls takes by default.

mod client;
mod pem;
mod server;
mod validity;

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};

pub use client::{Trust, server_name};
pub use rustls::ClientConfig;
pub use server::{ClientCertificates, ServerFiles, ServerTls};
pub use validity::Validity;

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
