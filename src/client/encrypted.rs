//! A TLS connection that one thread reads while another one writes.
//!
//! rustls keeps both directions in one session, which cannot be taken apart. So the session is under a lock that is held
//! while bytes are encrypted or decrypted, and never while one waits for the network.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::ClientConnection;
use rustls_pki_types::ServerName;

use crate::limits::HANDSHAKE_MS_MAX;
use crate::tls::ClientConfig;

/// How much is received from the network at a time: a record of TLS is somewhat longer than 16 KiB at most.
const RECEIVED_BYTES: usize = 32 * 1024;

/// A TCP connection that is encrypted. Locks are taken in the order of the fields.
pub struct Encrypted {
    /// The thread that reads holds this while it waits.
    received: Mutex<Received>,
    /// What is encrypted and not sent yet. The thread that writes holds it while it waits, so that what was encrypted first
    /// is sent first.
    unsent: Mutex<Vec<u8>>,
    session: Mutex<ClientConnection>,
    socket: TcpStream,
}

/// What came and is not decrypted yet: `piece[from..to]`.
struct Received {
    piece: Box<[u8]>,
    from: usize,
    to: usize,
}

impl Encrypted {
    /// Shakes hands over a connection, with a daemon of this name.
    pub fn connect(
        mut socket: TcpStream,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> io::Result<Encrypted> {
        let mut session = ClientConnection::new(config, name).map_err(io::Error::other)?;
        let patience = Some(Duration::from_millis(HANDSHAKE_MS_MAX));
        socket.set_read_timeout(patience)?;
        socket.set_write_timeout(patience)?;
        while session.is_handshaking() {
            session.complete_io(&mut socket).map_err(|why| match why.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                    io::Error::new(ErrorKind::TimedOut, "it does not answer in TLS")
                }
                ErrorKind::UnexpectedEof => {
                    io::Error::new(why.kind(), "it ended the connection instead of speaking TLS")
                }
                _ => why,
            })?;
        }
        socket.set_read_timeout(None)?;
        socket.set_write_timeout(None)?;
        let received = Received { piece: vec![0; RECEIVED_BYTES].into(), from: 0, to: 0 };
        let (received, session) = (Mutex::new(received), Mutex::new(session));
        Ok(Encrypted { received, unsent: Mutex::default(), session, socket })
    }

    /// Waits for bytes and gives how many came; 0 at the end.
    pub fn read(&self, piece: &mut [u8]) -> io::Result<usize> {
        let mut received = lock(&self.received);
        loop {
            match self.decrypt(&mut received, piece) {
                Err(why) if why.kind() == ErrorKind::WouldBlock => {}
                // The daemon, or somebody between, has cut the connection off: there are no more replies.
                Err(why) if why.kind() == ErrorKind::UnexpectedEof => return Ok(0),
                read => return read,
            }
            match (&self.socket).read(&mut received.piece) {
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                // The session is told of the end, so that it can say whether something was cut off.
                Ok(0) => lock(&self.session).read_tls(&mut io::empty()).map(|_| ())?,
                Ok(more) => (received.from, received.to) = (0, more),
                Err(why) => return Err(why),
            }
        }
    }

    /// Decrypts what came, and takes what comes out of it. `WouldBlock`: nothing yet. What the session has to say itself
    /// leaves with the next request.
    fn decrypt(&self, received: &mut Received, piece: &mut [u8]) -> io::Result<usize> {
        let mut session = lock(&self.session);
        loop {
            match session.reader().read(piece) {
                Err(why) if why.kind() == ErrorKind::WouldBlock && received.from < received.to => {}
                read => return read,
            }
            received.from += session.read_tls(&mut &received.piece[received.from..received.to])?;
            session.process_new_packets().map_err(|why| io::Error::new(ErrorKind::InvalidData, why))?;
        }
    }

    pub fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        let mut unsent = lock(&self.unsent);
        while !bytes.is_empty() {
            let mut session = lock(&self.session);
            let taken = session.writer().write(bytes)?;
            bytes = &bytes[taken..];
            while session.wants_write() {
                session.write_tls(&mut *unsent)?;
            }
            drop(session);
            (&self.socket).write_all(&unsent)?;
            unsent.clear();
        }
        Ok(())
    }

    /// Ends the connection: a thread that waits in `read` or `write_all` waits no longer.
    pub fn hang_up(&self) -> io::Result<()> {
        self.socket.shutdown(Shutdown::Both)
    }
}

impl Drop for Encrypted {
    /// Tells the daemon that nothing was cut off, if that needs no wait.
    fn drop(&mut self) {
        let mut session = lock(&self.session);
        session.send_close_notify();
        if self.socket.set_nonblocking(true).is_ok() {
            // Whoever has gone already need not be told.
            let _ = session.write_tls(&mut &self.socket);
        }
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
