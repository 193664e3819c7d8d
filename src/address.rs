//! Where to listen, or whom to call.

use std::fmt;
use std::net::ToSocketAddrs;
use std::path::PathBuf;
use std::str::FromStr;

/// A TCP address, plain or encrypted, or a Unix socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `host:port`.
    Tcp(String),
    /// `tls:host:port`.
    Tls(String),
    /// `unix:/path`.
    Unix(PathBuf),
}

impl Address {
    /// Whether only this machine reaches it.
    pub fn is_local(&self) -> bool {
        match self {
            Address::Unix(_) => true,
            Address::Tcp(host) | Address::Tls(host) => host
                .to_socket_addrs()
                .is_ok_and(|mut found| found.all(|address| address.ip().to_canonical().is_loopback())),
        }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Address, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() { Err("unix: needs a path".into()) } else { Ok(Address::Unix(path.into())) };
        }
        let (kind, at): (fn(String) -> Address, &str) = match text.strip_prefix("tls:") {
            Some(at) => (Address::Tls, at),
            None => (Address::Tcp, text),
        };
        match at.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(kind(at.to_owned())),
            _ => Err(format!("'{text}' is not an address: write host:port, [ipv6]:port, tls:host:port, or unix:/path")),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(address) => f.write_str(address),
            Address::Tls(address) => write!(f, "tls:{address}"),
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let local = [
            "127.0.0.1:7164",
            "[::1]:7164",
            "localhost:0",
            "unix:/tmp/contactd.sock",
            "tls:127.0.0.1:7165",
            "tls:[::1]:1",
        ];
        for text in local {
            let address: Address = text.parse().expect(text);
            assert_eq!(address.to_string(), text);
            assert!(address.is_local(), "{text}");
        }
        for text in ["0.0.0.0:7164", "tls:0.0.0.0:7165"] {
            assert!(!text.parse::<Address>().expect("an address").is_local(), "{text}");
        }
        for text in ["", "7164", ":7164", "host:port", "unix:", "tls:", "tls:7164", "tls::7164"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
