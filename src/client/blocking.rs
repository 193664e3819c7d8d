//! A client that blocks its thread, and its two halves for a pipeline on two threads.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use super::transport::Transport;
use super::{Reply, lost};
use crate::address::Address;
use crate::error::{Error, Result};
use crate::tls::Trust;
use crate::wire::{ReplyDecoder, end_line, write_request};

/// How much is sent or received at a time.
const PIECE_BYTES: usize = 64 * 1024;

/// A connection to a daemon. [`Client::split`] takes it apart for a pipeline that sends and receives at once.
pub struct Client {
    requests: RequestSender,
    replies: ReplyReceiver,
}

/// The sending half of a connection.
pub struct RequestSender {
    transport: Arc<Transport>,
    unsent: Vec<u8>,
}

/// The receiving half of a connection.
pub struct ReplyReceiver {
    transport: Arc<Transport>,
    decoder: ReplyDecoder,
    piece: Box<[u8]>,
}

impl Client {
    /// Connects, and gives the token if there is one. Over TLS it trusts whom the system trusts.
    pub fn connect(address: &Address, token: Option<&str>) -> Result<Client> {
        Client::connect_trusting(address, &Trust::default(), token)
    }

    /// The same for TLS with other authorities, or with a certificate of one's own.
    pub fn connect_trusting(address: &Address, trust: &Trust, token: Option<&str>) -> Result<Client> {
        let transport = Transport::connect(address, trust)?;
        let mut client = Client::over(transport);
        if let Some(token) = token
            && let Reply::Error(why) = client.call(&["AUTH", token])?
            && !why.contains("no AUTH is needed")
        {
            return Err(Error::internal(format!("{address} refuses CONTACTD_TOKEN: {why}")));
        }
        Ok(client)
    }

    /// A client over a socket that is connected, as from inside the daemon.
    pub fn over_socket(socket: UnixStream) -> Client {
        Client::over(Transport::Unix(socket))
    }

    fn over(transport: Transport) -> Client {
        let transport = Arc::new(transport);
        Client {
            requests: RequestSender { transport: Arc::clone(&transport), unsent: Vec::new() },
            replies: ReplyReceiver { transport, decoder: ReplyDecoder::default(), piece: vec![0; PIECE_BYTES].into() },
        }
    }

    /// The two halves, for two threads. The sending one must flush: the receiving one never does.
    pub fn split(self) -> (RequestSender, ReplyReceiver) {
        (self.requests, self.replies)
    }

    /// Sends one request, word by word, and waits for its reply.
    pub fn call<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Result<Reply> {
        self.requests.send(words)?;
        self.receive()
    }

    /// Sends a line as it is and waits for its reply.
    pub fn line(&mut self, line: &str) -> Result<Reply> {
        let mut request = line.as_bytes().to_vec();
        end_line(&mut request);
        self.requests.write(&request)?;
        self.receive()
    }

    /// Sends a line that is answered with a stream, and hands on each item.
    pub fn stream(&mut self, line: &str, mut item: impl FnMut(&str) -> Result<()>) -> Result<()> {
        match self.line(line)? {
            Reply::Stream => {}
            Reply::Error(why) => return Err(Error::bad_arg(why)),
            other => return Err(Error::internal(format!("an unexpected reply: {other}"))),
        }
        loop {
            match self.replies.receive()? {
                Reply::Text(text) => item(&text)?,
                Reply::StreamEnd => return Ok(()),
                other => return Err(Error::internal(format!("the stream ended with an error: {other}"))),
            }
        }
    }

    fn receive(&mut self) -> Result<Reply> {
        self.requests.flush()?;
        self.replies.receive()
    }
}

impl RequestSender {
    /// Puts one request into the pipeline, word by word.
    pub fn send<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Result<()> {
        write_request(&mut self.unsent, words);
        if self.unsent.len() < PIECE_BYTES { Ok(()) } else { self.flush() }
    }

    /// Puts requests into the pipeline that are written out already.
    pub fn write(&mut self, requests: &[u8]) -> Result<()> {
        if self.unsent.len() + requests.len() < PIECE_BYTES {
            self.unsent.extend_from_slice(requests);
            return Ok(());
        }
        self.flush()?;
        self.transport.write_all(requests).map_err(lost)
    }

    /// Sends what is in the pipeline.
    pub fn flush(&mut self) -> Result<()> {
        if self.unsent.is_empty() {
            return Ok(());
        }
        let sent = self.transport.write_all(&self.unsent).map_err(lost);
        self.unsent.clear();
        sent
    }

    /// Ends the connection, so that the other half does not wait for ever.
    pub fn hang_up(&self) {
        self.transport.hang_up();
    }
}

impl ReplyReceiver {
    /// The next reply of the pipeline.
    pub fn receive(&mut self) -> Result<Reply> {
        loop {
            if let Some(reply) = self.decoder.take()? {
                return Ok(reply);
            }
            match self.transport.read(&mut self.piece).map_err(lost)? {
                0 => return Err(lost(io::ErrorKind::UnexpectedEof.into())),
                read => self.decoder.feed(&self.piece[..read]),
            }
        }
    }

    /// Ends the connection, so that the other half does not wait for ever.
    pub fn hang_up(&self) {
        self.transport.hang_up();
    }
}
