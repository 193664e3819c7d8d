//! A plain blocking client of the protocol, for the subcommands.

use std::fmt;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use crate::error::{Error, Result};
use crate::server::Address;

/// A connection to a daemon.
pub struct Client {
    replies: BufReader<Box<dyn Read + Send>>,
    requests: BufWriter<Box<dyn Write + Send>>,
}

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
    /// `*n` and the items.
    Array(Vec<Reply>),
}

impl Client {
    /// Connects, and gives the token if there is one.
    pub fn connect(address: &Address, token: Option<&str>) -> Result<Client> {
        let failed = |why: io::Error| {
            Error::internal(format!("cannot reach contactd on {address}: {why}; is it running? (contactd serve)"))
        };
        let mut client = match address {
            Address::Tcp(to) => {
                let stream = TcpStream::connect(to).map_err(failed)?;
                stream.set_nodelay(true).map_err(failed)?;
                Client::over(stream.try_clone().map_err(failed)?, stream)
            }
            Address::Unix(path) => {
                let stream = UnixStream::connect(path).map_err(failed)?;
                Client::over(stream.try_clone().map_err(failed)?, stream)
            }
        };
        if let Some(token) = token
            && let Reply::Error(why) = client.call(&["AUTH", token])?
            && !why.contains("no AUTH is needed")
        {
            return Err(Error::internal(format!("{address} refuses CONTACTD_TOKEN: {why}")));
        }
        Ok(client)
    }

    fn over(read: impl Read + Send + 'static, write: impl Write + Send + 'static) -> Client {
        const BUFFER_BYTES: usize = 64 * 1024;
        Client {
            replies: BufReader::with_capacity(BUFFER_BYTES, Box::new(read)),
            requests: BufWriter::with_capacity(BUFFER_BYTES, Box::new(write)),
        }
    }

    /// Sends one request, word by word, and waits for its reply.
    pub fn call<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Result<Reply> {
        self.send(words)?;
        self.receive()
    }

    /// Sends a line as it is and waits for its reply.
    pub fn line(&mut self, line: &str) -> Result<Reply> {
        self.requests.write_all(line.as_bytes()).and_then(|()| self.requests.write_all(b"\n")).map_err(lost)?;
        self.receive()
    }

    /// Puts one request into the pipeline.
    pub fn send<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Result<()> {
        let mut write = || -> io::Result<()> {
            write!(self.requests, "*{}\r\n", words.len())?;
            for word in words {
                write!(self.requests, "${}\r\n", word.as_ref().len())?;
                self.requests.write_all(word.as_ref())?;
                self.requests.write_all(b"\r\n")?;
            }
            Ok(())
        };
        write().map_err(lost)
    }

    /// The next reply of the pipeline.
    pub fn receive(&mut self) -> Result<Reply> {
        if self.replies.buffer().is_empty() {
            self.requests.flush().map_err(lost)?;
        }
        read_reply(&mut self.replies).map_err(lost)
    }
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
        Some(b'*') => {
            let items = (0..number()?).map(|_| read_reply(from));
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
            Reply::Array(items) => {
                write!(f, "*{}", items.len())?;
                items.iter().try_for_each(|item| write!(f, "\n{item}"))
            }
        }
    }
}
