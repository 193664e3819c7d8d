//! A plain blocking client of the protocol, for the subcommands.

use std::fmt;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::DuplexStream;
use tokio_util::io::SyncIoBridge;

use crate::error::{Error, Result};
use crate::server::Address;

/// A connection to a daemon. [`Client::split`] takes it apart for a pipeline that sends and receives at once.
pub struct Client {
    requests: Requests,
    replies: Replies,
}

/// The sending half of a connection.
pub struct Requests(BufWriter<Stream>);

/// The receiving half of a connection.
pub struct Replies(BufReader<Stream>);

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// `+text`.
    Text(String),
    /// `-CODE message`.
    Error(String),
    /// `:integer`.
    Integer(i64),
    /// Nothing there.
    Nil,
    /// `*n` and the items; or `%n`, a map, and its keys and values in turn, as before `HELLO 3`.
    Array(Vec<Reply>),
    /// `*?`: items follow until [`Reply::StreamEnd`].
    Stream,
    /// `.`
    StreamEnd,
}

impl Client {
    /// Connects, and gives the token if there is one.
    pub fn connect(address: &Address, token: Option<&str>) -> Result<Client> {
        let failed = |why: io::Error| {
            Error::internal(format!("cannot reach contactd on {address}: {why}; is it running? (contactd serve)"))
        };
        let stream = Stream::connect(address).map_err(failed)?;
        let mut client = Client {
            requests: Requests(BufWriter::with_capacity(BUFFER_BYTES, stream.try_clone().map_err(failed)?)),
            replies: Replies(BufReader::with_capacity(BUFFER_BYTES, stream)),
        };
        if let Some(token) = token
            && let Reply::Error(why) = client.call(&["AUTH", token])?
            && !why.contains("no AUTH is needed")
        {
            return Err(Error::internal(format!("{address} refuses CONTACTD_TOKEN: {why}")));
        }
        Ok(client)
    }

    /// A client of the daemon in whose process it is. It asks and waits in turn, on a thread that may block.
    pub fn inside(pipe: DuplexStream) -> Client {
        let pipe = Arc::new(Mutex::new(SyncIoBridge::new(pipe)));
        Client {
            requests: Requests(BufWriter::new(Stream::Inside(Arc::clone(&pipe)))),
            replies: Replies(BufReader::new(Stream::Inside(pipe))),
        }
    }

    /// The two halves, for two threads. Whoever sends must flush, whoever receives never does.
    pub fn split(self) -> (Requests, Replies) {
        (self.requests, self.replies)
    }

    /// Sends one request, word by word, and waits for its reply.
    pub fn call<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Result<Reply> {
        self.requests.send(words)?;
        self.receive()
    }

    /// Sends a line as it is and waits for its reply.
    pub fn line(&mut self, line: &str) -> Result<Reply> {
        self.requests.write(line.as_bytes())?;
        self.requests.write(b"\n")?;
        self.receive()
    }

    /// Sends a line that is answered with a stream, and hands on each item.
    pub fn stream(&mut self, line: &str, mut item: impl FnMut(&str) -> Result<()>) -> Result<()> {
        match self.line(line)? {
            Reply::Stream => {}
            Reply::Error(why) => return Err(Error::bad_arg(why)),
            other => return Err(Error::internal(format!("a strange reply: {other}"))),
        }
        loop {
            match self.replies.receive()? {
                Reply::Text(text) => item(&text)?,
                Reply::StreamEnd => return Ok(()),
                other => return Err(Error::internal(format!("the stream broke off: {other}"))),
            }
        }
    }

    /// Puts one request into the pipeline, word by word.
    pub fn send<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Result<()> {
        self.requests.send(words)
    }

    /// Sends what is in the pipeline and waits for the next reply.
    pub fn receive(&mut self) -> Result<Reply> {
        self.requests.flush()?;
        self.replies.receive()
    }
}

impl Requests {
    /// Puts one request into the pipeline, word by word.
    pub fn send<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Result<()> {
        let mut write = || -> io::Result<()> {
            write!(self.0, "*{}\r\n", words.len())?;
            for word in words {
                write!(self.0, "${}\r\n", word.as_ref().len())?;
                self.0.write_all(word.as_ref())?;
                self.0.write_all(b"\r\n")?;
            }
            Ok(())
        };
        write().map_err(lost)
    }

    /// Puts requests into the pipeline that are written out already.
    pub fn write(&mut self, requests: &[u8]) -> Result<()> {
        self.0.write_all(requests).map_err(lost)
    }

    /// Sends what is in the pipeline.
    pub fn flush(&mut self) -> Result<()> {
        self.0.flush().map_err(lost)
    }

    /// Ends the connection, so that the other half does not wait for ever.
    pub fn hang_up(&self) {
        self.0.get_ref().hang_up();
    }
}

impl Replies {
    /// The next reply of the pipeline.
    pub fn receive(&mut self) -> Result<Reply> {
        read_reply(&mut self.0).map_err(lost)
    }

    /// Ends the connection, so that the other half does not wait for ever.
    pub fn hang_up(&self) {
        self.0.get_ref().hang_up();
    }
}

const BUFFER_BYTES: usize = 64 * 1024;

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    Inside(Arc<Mutex<SyncIoBridge<DuplexStream>>>),
}

impl Stream {
    fn connect(address: &Address) -> io::Result<Stream> {
        match address {
            Address::Tcp(to) => {
                let stream = TcpStream::connect(to)?;
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
            Address::Unix(path) => UnixStream::connect(path).map(Stream::Unix),
        }
    }

    fn try_clone(&self) -> io::Result<Stream> {
        match self {
            Stream::Tcp(stream) => stream.try_clone().map(Stream::Tcp),
            Stream::Unix(stream) => stream.try_clone().map(Stream::Unix),
            Stream::Inside(pipe) => Ok(Stream::Inside(Arc::clone(pipe))),
        }
    }

    fn hang_up(&self) {
        // Fails when it has ended already.
        let _ = match self {
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Both),
            Stream::Unix(stream) => stream.shutdown(Shutdown::Both),
            Stream::Inside(pipe) => lock(pipe).shutdown(),
        };
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.read(buffer),
            Stream::Unix(stream) => stream.read(buffer),
            Stream::Inside(pipe) => lock(pipe).read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.write(bytes),
            Stream::Unix(stream) => stream.write(bytes),
            Stream::Inside(pipe) => lock(pipe).write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Inside(pipe) => lock(pipe).flush(),
            _ => Ok(()),
        }
    }
}

fn lock(pipe: &Mutex<SyncIoBridge<DuplexStream>>) -> MutexGuard<'_, SyncIoBridge<DuplexStream>> {
    pipe.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lost(why: io::Error) -> Error {
    Error::internal(format!("the connection to contactd was lost: {why}"))
}

fn read_reply(from: &mut impl BufRead) -> io::Result<Reply> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 || !line.ends_with('\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let line = line.trim_end_matches(['\r', '\n']);
    let strange = || io::Error::new(io::ErrorKind::InvalidData, format!("a strange reply: {line}"));
    let number = || line[1..].parse::<i64>().map_err(|_| strange());
    Ok(match line.as_bytes().first() {
        Some(b'+') => Reply::Text(line[1..].to_owned()),
        Some(b'-') => Reply::Error(line[1..].to_owned()),
        Some(b':') => Reply::Integer(number()?),
        Some(b'_') => Reply::Nil,
        Some(b'$') => match number()? {
            -1 => Reply::Nil,
            length => {
                let mut bytes = vec![0; usize::try_from(length).map_err(|_| strange())? + 2];
                from.read_exact(&mut bytes)?;
                bytes.truncate(bytes.len() - 2);
                Reply::Text(String::from_utf8_lossy(&bytes).into_owned())
            }
        },
        Some(b'*') if line == "*?" => Reply::Stream,
        Some(b'.') => Reply::StreamEnd,
        Some(kind @ (b'*' | b'%')) => {
            let items = number()?.saturating_mul(if *kind == b'%' { 2 } else { 1 });
            let items = (0..items).map(|_| read_reply(from));
            Reply::Array(items.collect::<io::Result<_>>()?)
        }
        _ => return Err(strange()),
    })
}

/// As it stands on the wire.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reply::Text(text) => write!(f, "+{text}"),
            Reply::Error(text) => write!(f, "-{text}"),
            Reply::Integer(number) => write!(f, ":{number}"),
            Reply::Nil => write!(f, "$-1"),
            Reply::Stream => write!(f, "*?"),
            Reply::StreamEnd => write!(f, "."),
            Reply::Array(items) => {
                write!(f, "*{}", items.len())?;
                items.iter().try_for_each(|item| write!(f, "\n{item}"))
            }
        }
    }
}
