//! Finds requests in a byte stream, and stays in sync whatever comes.

use memchr::memchr;

use super::request::{Args, Request};
use crate::error::{Code, Error};
use crate::limits::{ARRAY_SWALLOW_BYTES_MAX, REQUEST_BYTES_MAX};

/// What stands at the front of the buffer.
#[derive(Debug)]
pub enum Decoded<'a> {
    /// Nothing complete yet.
    Incomplete,
    /// Bytes that need no reply: a blank line, a comment, the rest of a request that was refused.
    Skip(usize),
    /// A request, and how many bytes it took.
    Request(Request<'a>, usize),
    /// Something that gets an error, and how many bytes it took. The stream is in sync behind it.
    Refused(Error, usize),
    /// Something behind which nothing can be trusted: answer, then close.
    Broken(Error),
}

/// The state between two requests.
#[derive(Debug)]
pub struct Decoder {
    skipping: Option<Skipping>,
    request_bytes_max: usize,
}

#[derive(Clone, Copy, Debug)]
enum Skipping {
    /// A line over the limit, up to its end.
    Line,
    /// An array over the limit.
    Array { items_left: usize, bytes_left: usize, swallowed: usize },
}

/// How the front of an array reads.
enum Head {
    Incomplete,
    Broken(&'static str),
    Number(usize, usize),
}

const CRLF_BYTES: usize = 2;
/// `$` or `*`, and the digits of a number that is within the limits.
const HEAD_BYTES_MAX: usize = 12;

/// With this a client begins that wants to speak TLS: a record of the type "handshake", whose
/// version begins with 3 (RFC 8446, section 5.1). What follows may have a line end, and most often has none at its end.
const TLS_HANDSHAKE: [u8; 2] = [0x16, 0x03];

impl Default for Decoder {
    fn default() -> Decoder {
        Decoder { skipping: None, request_bytes_max: REQUEST_BYTES_MAX }
    }
}

impl Decoder {
    /// Changes how long a request may be: shorter before a client has given its token.
    pub fn limit_requests(&mut self, bytes_max: usize) {
        self.request_bytes_max = bytes_max;
    }

    /// Looks at the front of `buffer`. The caller drops the bytes that the step took and calls again.
    #[inline]
    pub fn step<'a>(&mut self, buffer: &'a [u8]) -> Decoded<'a> {
        match self.skipping {
            Some(skipping) => self.skip(skipping, buffer),
            None => match buffer.first() {
                Some(b'*') => self.array(buffer),
                Some(&first) if first == TLS_HANDSHAKE[0] && buffer.starts_with(&TLS_HANDSHAKE) => {
                    Decoded::Broken(Error::new(Code::Err, "this address does not speak TLS: call it without"))
                }
                _ => self.line(buffer),
            },
        }
    }

    #[inline]
    fn line<'a>(&mut self, buffer: &'a [u8]) -> Decoded<'a> {
        let Some(end) = memchr(b'\n', buffer) else {
            if buffer.len() <= self.request_bytes_max {
                return Decoded::Incomplete;
            }
            self.skipping = Some(Skipping::Line);
            return Decoded::Refused(self.too_long("line"), buffer.len());
        };
        let taken = end + 1;
        if end > self.request_bytes_max {
            return Decoded::Refused(self.too_long("line"), taken);
        }
        let mut line = &buffer[..end];
        if let [body @ .., b'\r'] = line {
            line = body;
        }
        while let [b' ', body @ ..] = line {
            line = body;
        }
        if line.is_empty() || line[0] == b'#' {
            return Decoded::Skip(taken);
        }
        let verb = memchr(b' ', line).unwrap_or(line.len());
        Decoded::Request(Request { verb: &line[..verb], args: Args::Line(&line[verb..]) }, taken)
    }

    fn array<'a>(&mut self, buffer: &'a [u8]) -> Decoded<'a> {
        let (items, mut at) = match head(buffer, b'*') {
            Head::Incomplete => return Decoded::Incomplete,
            Head::Broken(why) => return Decoded::Broken(Error::new(Code::Err, why)),
            Head::Number(items, taken) => (items, taken),
        };
        if items == 0 {
            return Decoded::Skip(at);
        }
        // The smallest item is `$0\r\n\r\n`.
        if items > ARRAY_SWALLOW_BYTES_MAX / 6 {
            return Decoded::Broken(too_large());
        }
        let first = at;
        // What is behind the limit decides nothing, or it would matter in which pieces the array comes.
        let looked_at = &buffer[..buffer.len().min(self.request_bytes_max + 1)];
        for item in 0..items {
            let length = match head(looked_at.get(at..).unwrap_or_default(), b'$') {
                Head::Broken(why) => return Decoded::Broken(Error::new(Code::Err, why)),
                Head::Number(length, taken) if at + taken + length <= self.request_bytes_max => {
                    at += taken;
                    length
                }
                Head::Number(length, _) if length > ARRAY_SWALLOW_BYTES_MAX => return Decoded::Broken(too_large()),
                Head::Incomplete if buffer.len() <= self.request_bytes_max => return Decoded::Incomplete,
                _ => {
                    self.skipping = Some(Skipping::Array { items_left: items - item, bytes_left: 0, swallowed: at });
                    return Decoded::Refused(self.too_long("array"), at);
                }
            };
            match buffer.get(at + length..at + length + CRLF_BYTES) {
                Some(b"\r\n") => at += length + CRLF_BYTES,
                Some(_) => {
                    return Decoded::Broken(Error::new(Code::Err, "protocol error: a bulk string must end with CRLF"));
                }
                None => return Decoded::Incomplete,
            }
        }
        let mut args = Args::Array(&buffer[first..at]);
        match args.next() {
            Some(verb) => Decoded::Request(Request { verb, args }, at),
            None => Decoded::Skip(at),
        }
    }

    fn skip<'a>(&mut self, skipping: Skipping, buffer: &'a [u8]) -> Decoded<'a> {
        match skipping {
            Skipping::Line => {
                let Some(end) = memchr(b'\n', buffer) else {
                    return if buffer.is_empty() { Decoded::Incomplete } else { Decoded::Skip(buffer.len()) };
                };
                self.skipping = None;
                Decoded::Skip(end + 1)
            }
            Skipping::Array { mut items_left, mut bytes_left, mut swallowed } => {
                let taken = if bytes_left > 0 {
                    let taken = bytes_left.min(buffer.len());
                    bytes_left -= taken;
                    items_left -= usize::from(bytes_left == 0);
                    taken
                } else {
                    match head(buffer, b'$') {
                        Head::Incomplete => 0,
                        Head::Broken(why) => return Decoded::Broken(Error::new(Code::Err, why)),
                        Head::Number(length, taken) => {
                            bytes_left = length + CRLF_BYTES;
                            swallowed += taken + bytes_left;
                            taken
                        }
                    }
                };
                if swallowed > ARRAY_SWALLOW_BYTES_MAX {
                    return Decoded::Broken(too_large());
                }
                self.skipping = (items_left > 0).then_some(Skipping::Array { items_left, bytes_left, swallowed });
                if taken == 0 { Decoded::Incomplete } else { Decoded::Skip(taken) }
            }
        }
    }

    fn too_long(&self, what: &str) -> Error {
        Error::limit(format!("a request {what} may have at most {} bytes", self.request_bytes_max))
    }
}

fn too_large() -> Error {
    Error::new(Code::Err, format!("protocol error: an array declares more than {ARRAY_SWALLOW_BYTES_MAX} bytes"))
}

/// Reads `*3\r\n` or `$5\r\n`.
#[inline]
fn head(buffer: &[u8], mark: u8) -> Head {
    let mut number = 0;
    for (at, &byte) in buffer.iter().enumerate().take(HEAD_BYTES_MAX) {
        match byte {
            _ if at == 0 => {
                if byte != mark {
                    return Head::Broken("protocol error: expected a bulk string, $length");
                }
            }
            b'0'..=b'9' => number = number * 10 + usize::from(byte - b'0'),
            b'\r' if at > 1 => {
                return match buffer.get(at + 1) {
                    Some(b'\n') => Head::Number(number, at + CRLF_BYTES),
                    Some(_) => Head::Broken("protocol error: a length must end with CRLF"),
                    None => Head::Incomplete,
                };
            }
            _ => return Head::Broken("protocol error: a length must have only digits"),
        }
    }
    if buffer.len() < HEAD_BYTES_MAX { Head::Incomplete } else { Head::Broken("protocol error: a length is too long") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds a stream in pieces and writes down what comes out.
    fn transcript(stream: &[u8], piece: usize) -> Vec<String> {
        let mut decoder = Decoder::default();
        let (mut buffer, mut told) = (Vec::new(), Vec::new());
        for piece in stream.chunks(piece) {
            buffer.extend_from_slice(piece);
            loop {
                let taken = match decoder.step(&buffer) {
                    Decoded::Incomplete => break,
                    Decoded::Skip(taken) => taken,
                    Decoded::Refused(error, taken) => {
                        told.push(error.to_string());
                        taken
                    }
                    Decoded::Broken(error) => {
                        told.push(format!("closed: {error}"));
                        return told;
                    }
                    Decoded::Request(request, taken) => {
                        let mut words = vec![String::from_utf8_lossy(request.verb).into_owned()];
                        words.extend(request.args.map(|arg| String::from_utf8_lossy(arg).into_owned()));
                        told.push(words.join("|"));
                        taken
                    }
                };
                buffer.drain(..taken);
            }
        }
        told
    }

    #[test]
    fn lines_and_arrays_share_a_stream() {
        let stream = b"PING\r\n\n# a comment\n  check  +1415  +1416 \nOPTIN l p {\"a\": \"b c\"} \n*2\r\n$4\r\nPING\r\n$3\r\na b\r\n*0\r\nhalf";
        let told = ["PING", "check|+1415|+1416", "OPTIN|l|p|{\"a\": \"b c\"}", "PING|a b"];
        for piece in 1..stream.len() {
            assert_eq!(transcript(stream, piece), told, "in pieces of {piece}");
        }
    }

    #[test]
    fn a_long_line_is_answered_once_and_skipped() {
        let mut stream = vec![b'x'; 3 * REQUEST_BYTES_MAX];
        stream.extend_from_slice(b"\nPING\n");
        for piece in [1000, 4096, REQUEST_BYTES_MAX * 4] {
            assert_eq!(transcript(&stream, piece), ["LIMIT a request line may have at most 65536 bytes", "PING"]);
        }
    }

    #[test]
    fn a_long_array_is_answered_once_and_swallowed() {
        let long = "x".repeat(100_000);
        let stream = format!("*3\r\n$3\r\nPUT\r\n$100000\r\n{long}\r\n$1\r\ny\r\nPING\n");
        for piece in [1000, 65_530, 65_536, 65_537, 200_000] {
            assert_eq!(
                transcript(stream.as_bytes(), piece),
                ["LIMIT a request array may have at most 65536 bytes", "PING"]
            );
        }
        let many = format!("*20000\r\n{}PING\n", "$1\r\nx\r\n".repeat(20_000));
        for piece in [999, 4096, 200_000] {
            assert_eq!(
                transcript(many.as_bytes(), piece),
                ["LIMIT a request array may have at most 65536 bytes", "PING"]
            );
        }
    }

    #[test]
    fn what_cannot_be_swallowed_closes() {
        for stream in [
            "*1000000\r\n$4\r\nPING\r\n",
            "*2\r\n$4\r\nPING\r\n$99999999\r\n",
            "*1\r\n:1\r\n",
            "*x\r\n",
            "*-1\r\n",
            "*1\r\n$-1\r\n",
            "*1\r\n$4\r\nPINGxx",
            "*99999999999999999999\r\n",
        ] {
            let told = transcript(stream.as_bytes(), stream.len());
            assert!(
                told.last().is_some_and(|told| told.starts_with("closed: ERR")) || told.len() == 1,
                "{stream:?}: {told:?}"
            );
        }
    }

    #[test]
    fn a_client_that_begins_with_tls_is_told() {
        let told = transcript(b"\x16\x03\x01\x02\x00\x01", 100);
        assert!(
            matches!(&told[..], [told] if told.starts_with("closed: ERR this address does not speak TLS")),
            "{told:?}"
        );
        // The first byte alone is no more than a request that nobody understands.
        assert_eq!(transcript(b"\x16 PING", 100), Vec::<String>::new());
    }
}
