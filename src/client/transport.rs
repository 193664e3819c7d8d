//! What carries a blocking client's bytes.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;

use super::encrypted::Encrypted;
use crate::address::Address;
use crate::error::{Error, Result};
use crate::tls::{Trust, server_name};

/// A connection that one thread reads while another one writes. Both go through `&self`, since not every connection can be
/// cloned. A read that waits must not hold a write up, nor the other way round: a daemon whose replies are not read stops
/// reading requests.
pub enum Transport {
    Tcp(TcpStream),
    Tls(Box<Encrypted>),
    Unix(UnixStream),
}

impl Transport {
    pub fn connect(address: &Address, trust: &Trust) -> Result<Transport> {
        let unreachable = |why: io::Error| {
            Error::internal(format!("cannot reach contactd on {address}: {why}; is it running? (contactd serve)"))
        };
        match address {
            Address::Tcp(to) => tcp(to).map(Transport::Tcp).map_err(unreachable),
            Address::Tls(to) => {
                let (config, name) = (trust.load()?, server_name(to)?);
                let socket = tcp(to).map_err(unreachable)?;
                let connected = Encrypted::connect(socket, config, name);
                connected
                    .map(Box::new)
                    .map(Transport::Tls)
                    .map_err(|why| Error::internal(format!("no TLS with {address}: {why}")))
            }
            Address::Unix(path) => UnixStream::connect(path).map(Transport::Unix).map_err(unreachable),
        }
    }

    /// Waits for bytes and gives how many came; 0 at the end.
    pub fn read(&self, piece: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match self {
                Transport::Tcp(stream) => (&*stream).read(piece),
                Transport::Tls(stream) => stream.read(piece),
                Transport::Unix(stream) => (&*stream).read(piece),
            };
            match read {
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }

    pub fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Transport::Tcp(stream) => (&*stream).write_all(bytes),
            Transport::Tls(stream) => stream.write_all(bytes),
            Transport::Unix(stream) => (&*stream).write_all(bytes),
        }
    }

    /// Ends the connection: a thread that waits in `read` or `write_all` waits no longer.
    pub fn hang_up(&self) {
        // Fails when it has ended already.
        let _ = match self {
            Transport::Tcp(stream) => stream.shutdown(Shutdown::Both),
            Transport::Tls(stream) => stream.hang_up(),
            Transport::Unix(stream) => stream.shutdown(Shutdown::Both),
        };
    }
}

fn tcp(to: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(to)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
