//! A request: a verb and its arguments, borrowed from the connection's buffer.

use std::borrow::Cow;

use memchr::memchr;

/// One request.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The verb, in whatever case it came.
    pub verb: &'a [u8],
    /// What follows it.
    pub args: Args<'a>,
}

/// The arguments of a request, split one at a time: in a line by blanks, the JSON at its end being one argument; in an
/// array as they were sent.
#[derive(Clone, Copy, Debug)]
pub enum Args<'a> {
    /// The rest of a line.
    Line(&'a [u8]),
    /// What remains of an array: its complete, checked bulk strings.
    Array(&'a [u8]),
}

impl<'a> Args<'a> {
    /// Everything that is left, as one text: for the verbs that take the rest of the line as it is.
    pub fn rest(self) -> Cow<'a, [u8]> {
        match self {
            Args::Line(rest) => Cow::Borrowed(rest.trim_ascii()),
            Args::Array(_) => Cow::Owned(self.collect::<Vec<_>>().join(&b' ')),
        }
    }

    /// Whether nothing is left.
    pub fn is_empty(mut self) -> bool {
        self.next().is_none()
    }

    /// The next argument, without taking it.
    pub fn peek(mut self) -> Option<&'a [u8]> {
        self.next()
    }
}

impl<'a> Iterator for Args<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        match self {
            Args::Line(rest) => {
                let start = rest.iter().position(|&byte| byte != b' ')?;
                let line = &rest[start..];
                if matches!(line[0], b'{' | b'[' | b'"') {
                    *rest = &[];
                    return Some(line.trim_ascii_end());
                }
                let end = memchr(b' ', line).unwrap_or(line.len());
                *rest = &line[end..];
                Some(&line[..end])
            }
            Args::Array(rest) => {
                let (item, after) = bulk(rest)?;
                *rest = after;
                Some(item)
            }
        }
    }
}

/// Takes one checked bulk string, `$5\r\nhello\r\n`, off the front.
#[inline]
fn bulk(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = 0;
    for (at, &byte) in bytes.iter().enumerate().skip(1) {
        if byte == b'\r' {
            let start = at + 2;
            return Some((bytes.get(start..start + length)?, bytes.get(start + length + 2..)?));
        }
        length = length * 10 + usize::from(byte - b'0');
    }
    None
}
