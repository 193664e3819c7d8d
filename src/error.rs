//! What can go wrong, as a caller sees it: a closed set of codes for programs, and a sentence for people.

use std::fmt;

/// The codes of protocol 1. None is ever renamed or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The request is not understood: unknown command, wrong number of arguments, broken framing.
    Err,
    /// An argument is wrong; the message names it.
    BadArg,
    /// The sending list does not exist.
    NoList,
    /// Something is over a limit, and a smaller request would do.
    Limit,
    /// A token is wanted, or the one given is wrong.
    NoAuth,
    /// The token does not allow this command.
    NoPerm,
    /// The protocol version asked for is not spoken.
    NoProto,
    /// Too many clients.
    Busy,
    /// The store is still being loaded.
    Loading,
    /// The daemon is shutting down.
    Draining,
    /// Another daemon is the owner of the store, or nobody is.
    Standby,
    /// Another partition has the contact: its place follows. Daemons say it to each other.
    Moved,
    /// Nothing can be written; reads go on.
    ReadOnly,
    /// A defect or a failing disk; whether the request took effect is not known.
    Internal,
}

/// What a caller should do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same request will fail again: the caller must change it.
    Never,
    /// The same request may be sent again after a pause.
    Later,
    /// Writes may be sent again once an operator has helped; reads work now.
    WhenMended,
    /// The effect is unknown. Requests that carry `at` and `id` may be repeated safely.
    IfIdempotent,
}

impl Code {
    /// Every code, in the order of `protocol.md`.
    pub const ALL: [Code; 14] = [
        Code::Err,
        Code::BadArg,
        Code::NoList,
        Code::Limit,
        Code::NoAuth,
        Code::NoPerm,
        Code::NoProto,
        Code::Busy,
        Code::Loading,
        Code::Draining,
        Code::Standby,
        Code::Moved,
        Code::ReadOnly,
        Code::Internal,
    ];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Code::Err => "ERR",
            Code::BadArg => "BADARG",
            Code::NoList => "NOLIST",
            Code::Limit => "LIMIT",
            Code::NoAuth => "NOAUTH",
            Code::NoPerm => "NOPERM",
            Code::NoProto => "NOPROTO",
            Code::Busy => "BUSY",
            Code::Loading => "LOADING",
            Code::Draining => "DRAINING",
            Code::Standby => "STANDBY",
            Code::Moved => "MOVED",
            Code::ReadOnly => "READONLY",
            Code::Internal => "INTERNAL",
        }
    }

    /// The code of a word on the wire.
    pub fn read(word: &[u8]) -> Option<Code> {
        Code::ALL.into_iter().find(|code| code.word().as_bytes() == word)
    }

    /// Whether a retry helps.
    pub fn retry(self) -> Retry {
        match self {
            // The request itself is at fault.
            Code::Err | Code::BadArg | Code::NoList | Code::Limit | Code::NoAuth | Code::NoPerm | Code::NoProto => {
                Retry::Never
            }
            // Refused before anything was done.
            Code::Busy | Code::Loading | Code::Draining | Code::Moved => Retry::Later,
            Code::ReadOnly => Retry::WhenMended,
            // The batch may or may not have reached the disk, or the ledger.
            Code::Standby | Code::Internal => Retry::IfIdempotent,
        }
    }
}

/// An error: its code and a sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// For programs.
    pub code: Code,
    /// For people.
    pub message: String,
}

/// Results of contactd.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of any code.
    pub fn new(code: Code, message: impl Into<String>) -> Error {
        Error { code, message: message.into() }
    }

    /// `-BADARG`, by far the commonest.
    pub fn bad_arg(message: impl Into<String>) -> Error {
        Error::new(Code::BadArg, message)
    }

    /// `-LIMIT`.
    pub fn limit(message: impl Into<String>) -> Error {
        Error::new(Code::Limit, message)
    }

    /// `-INTERNAL`.
    pub fn internal(message: impl fmt::Display) -> Error {
        Error::new(Code::Internal, message.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code.word(), self.message)
    }
}

impl std::error::Error for Error {}

/// A piece of somebody's input that is safe to show: cut to 40 characters, everything unprintable replaced.
pub fn excerpt(input: &[u8]) -> String {
    printable(input, 40)
}

/// The same of what a person must read to its end, such as a title: cut to 200 characters.
pub fn long_excerpt(input: &[u8]) -> String {
    printable(input, 200)
}

fn printable(input: &[u8], chars_max: usize) -> String {
    let text = String::from_utf8_lossy(&input[..input.len().min(4 * chars_max)]);
    let mut clean: String =
        text.chars().take(chars_max).map(|c| if c.is_control() || is_direction_mark(c) { '?' } else { c }).collect();
    if text.chars().nth(chars_max).is_some() || input.len() > 4 * chars_max {
        clean.push('…');
    }
    clean
}

/// Marks that reorder text on a terminal, and line separators.
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}
