//! Who reaches the daemon: its addresses, its tokens and its certificate, which have to fit each other.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde::Deserialize;

use super::{ADDRESS, in_file, read};
use crate::address::Address;
use crate::command::Tokens;
use crate::error::{Error, Result};
use crate::reloadable::Reloadable;
use crate::tls::{ClientCertificates, ServerFiles, ServerTls};

/// Whether clients show a certificate.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum AuthClients {
    /// They are not asked for one.
    #[default]
    Off,
    /// One that is shown is checked.
    Optional,
    /// Each client must show one.
    Required,
}

/// Where browsers find the console unless something else is said.
pub const CONSOLE_ADDRESS: &str = "127.0.0.1:7165";

/// Where browsers find the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleAddress {
    /// Where to listen.
    pub address: Address,
    /// Whether somebody said so, and it is not the default.
    pub is_said: bool,
    /// The names, besides this machine's own, under which browsers may call.
    pub hosts: Vec<String>,
}

impl ConsoleAddress {
    /// Reads `--http`. None: there is no console.
    pub fn parse(said: Option<String>, hosts: Vec<String>) -> Result<Option<ConsoleAddress>> {
        let is_said = said.is_some();
        let text = said.unwrap_or_else(|| CONSOLE_ADDRESS.to_owned());
        if text == "off" {
            return Ok(None);
        }
        let address: Address = text.parse().map_err(Error::bad_arg)?;
        match address {
            Address::Unix(_) => Err(Error::bad_arg("--http is for browsers: give host:port, tls:host:port or off")),
            Address::Tcp(_) if !address.is_local() => Err(Error::bad_arg(format!(
                "{address} can be reached from other machines, and whoever is between would read the tokens of the console: \
                 give --http tls:HOST:PORT, or listen on {CONSOLE_ADDRESS} behind a proxy that speaks TLS"
            ))),
            address => Ok(Some(ConsoleAddress { address, is_said, hosts })),
        }
    }
}

/// The settings that say who reaches the daemon.
pub struct Access {
    /// Where to listen.
    pub listen: Vec<Address>,
    /// Where browsers are served, if they are.
    pub console: Option<Address>,
    /// Where providers post, if they do. They need no tokens: they sign what they post.
    pub webhooks: Option<Address>,
    /// The tokens file.
    pub tokens: Option<PathBuf>,
    /// The certificate.
    pub tls_cert_file: Option<PathBuf>,
    /// Its key.
    pub tls_key_file: Option<PathBuf>,
    /// Whose certificates clients may show.
    pub tls_ca_cert_file: Option<PathBuf>,
    /// Whether they show one.
    pub tls_auth_clients: AuthClients,
}

/// What is wrong with an address that others can reach while everybody may do everything.
pub fn needs_tokens(public: &Address) -> Error {
    Error::bad_arg(format!("{public} can be reached from other machines: give --tokens FILE, or listen on {ADDRESS}"))
}

/// What is wrong with settings for TLS where nothing speaks it.
pub fn speaks_no_tls() -> Error {
    Error::bad_arg("there are settings for TLS, and no address speaks it: give --listen tls:HOST:PORT")
}

/// Where metrics are served. They show how much is sent from which list, so that an address that others reach needs tokens.
pub fn metrics_address(text: String, tokens: &Tokens) -> Result<String> {
    let address = text.parse::<Address>().map_err(|why| Error::bad_arg(format!("--metrics: {why}")))?;
    if !matches!(address, Address::Tcp(_)) {
        return Err(Error::bad_arg(format!("--metrics {text}: write host:port, like 127.0.0.1:7166")));
    }
    if tokens.is_empty() && !address.is_local() {
        return Err(Error::bad_arg(format!(
            "--metrics {text} can be reached from other machines: give --tokens FILE, or write 127.0.0.1:7166"
        )));
    }
    Ok(text)
}

impl Access {
    /// Reads the tokens. An address that other machines reach needs them.
    pub fn tokens(&self) -> Result<Reloadable<Tokens>> {
        if let Some(path) = self.tokens.clone() {
            return Reloadable::load(vec![path.clone()], move |_| tokens_in(&path));
        }
        match self.addresses().find(|address| !address.is_local()) {
            None => Ok(Reloadable::default()),
            Some(public) => Err(needs_tokens(public)),
        }
    }

    /// Reads the certificate, if there is one or an address wants one.
    pub fn tls(&self) -> Result<Option<Reloadable<ServerTls>>> {
        let encrypted = self.addresses().chain(&self.webhooks).find(|address| matches!(address, Address::Tls(_)));
        let is_set_up =
            [&self.tls_cert_file, &self.tls_key_file, &self.tls_ca_cert_file].into_iter().any(Option::is_some)
                || self.tls_auth_clients != AuthClients::Off;
        let files = match (encrypted, &self.tls_cert_file, &self.tls_key_file) {
            // Whether a socket that is open already speaks TLS is known later.
            (_, Some(certificate), Some(key)) => {
                ServerFiles { certificate: certificate.clone(), key: key.clone(), clients: self.client_certificates()? }
            }
            (None, ..) if is_set_up => return Err(speaks_no_tls()),
            (None, ..) => return Ok(None),
            (Some(address), ..) => {
                return Err(Error::bad_arg(format!("{address} needs --tls-cert-file FILE and --tls-key-file FILE")));
            }
        };
        Reloadable::load(files.paths(), move |present| files.load(present)).map(Some)
    }

    /// All addresses that whoever reaches them may use, unless there are tokens.
    fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.listen.iter().chain(&self.console)
    }

    /// The plain addresses over which tokens travel for others to read.
    pub fn readable_by_others(listen: &[Address], tokens: &Tokens) -> Vec<String> {
        let is_readable = |address: &&Address| matches!(address, Address::Tcp(_)) && !address.is_local();
        let found = listen.iter().filter(is_readable).filter(|_| !tokens.is_empty());
        found.map(ToString::to_string).collect()
    }

    fn client_certificates(&self) -> Result<ClientCertificates> {
        match (self.tls_auth_clients, self.tls_ca_cert_file.clone()) {
            (AuthClients::Off, None) => Ok(ClientCertificates::Off),
            (AuthClients::Optional, Some(authorities)) => Ok(ClientCertificates::Optional(authorities)),
            (AuthClients::Required, Some(authorities)) => Ok(ClientCertificates::Required(authorities)),
            (AuthClients::Off, Some(_)) => Err(Error::bad_arg(
                "--tls-ca-cert-file is for the certificates of clients: give --tls-auth-clients optional or required",
            )),
            (_, None) => Err(Error::bad_arg(
                "--tls-auth-clients needs --tls-ca-cert-file FILE, the authorities of those certificates",
            )),
        }
    }
}

fn tokens_in(path: &Path) -> Result<Tokens> {
    Tokens::parse(&read(path)?).map_err(|why| in_file(path, &why.message))
}
