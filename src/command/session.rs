//! What concerns the connection: PING, HELLO, AUTH, HELP, QUIT, and what Redis libraries send on their own.

use subtle::ConstantTimeEq;

use super::{Access, Command, Context, TABLE, find};
use crate::error::{Code, Error, Result, excerpt};
use crate::wire::{Args, Replies};

/// What a connection is at.
#[derive(Debug)]
pub struct Session {
    /// What it may do.
    pub access: Access,
    /// Whether it is closed after the replies.
    pub closing: bool,
}

impl Session {
    /// A new connection: with tokens in use it may do nothing yet.
    pub fn new(tokens: &Tokens) -> Session {
        Session { access: if tokens.is_empty() { Access::Admin } else { Access::Anyone }, closing: false }
    }

    /// Whether it may use a command.
    #[inline]
    pub fn check(&self, command: &Command) -> Result<()> {
        if self.access >= command.access {
            return Ok(());
        }
        Err(match self.access {
            Access::Anyone => Error::new(Code::NoAuth, "give a token first: AUTH token"),
            _ => Error::new(
                Code::NoPerm,
                format!("{} needs a token with {} access", command.name, command.access.word()),
            ),
        })
    }

    fn give(&mut self, tokens: &Tokens, token: &[u8]) -> Result<()> {
        self.access = tokens.access(token).ok_or_else(|| {
            Error::new(Code::NoAuth, "the token is not known: contactd's operator has a file of those that are")
        })?;
        Ok(())
    }
}

/// Who may do what.
#[derive(Default)]
pub struct Tokens(Vec<(Access, String)>);

impl Tokens {
    /// The fewest bytes of a token: fewer can be guessed.
    const BYTES_MIN: usize = 16;

    /// Reads a tokens file: a line each, `read`, `write` or `admin`, then the token. Blank lines and lines that start
    /// with `#` are skipped.
    pub fn parse(text: &str) -> Result<Tokens> {
        let mut tokens = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            // The line itself is never shown: it holds a secret.
            let wrong = |what: &str| Error::bad_arg(format!("line {} {what}", number + 1));
            let (access, token) = line
                .split_once(char::is_whitespace)
                .ok_or_else(|| wrong("should be: read, write or admin, a blank, and the token"))?;
            let access = Access::ALL[1..]
                .iter()
                .find(|known| known.word() == access)
                .ok_or_else(|| wrong("should begin with read, write or admin"))?;
            let token = token.trim();
            if token.len() < Tokens::BYTES_MIN || token.contains(char::is_whitespace) {
                return Err(wrong("has a token of fewer than 16 characters, or with a blank in it"));
            }
            tokens.push((*access, token.to_owned()));
        }
        if tokens.is_empty() {
            return Err(Error::bad_arg("there is no token in it"));
        }
        Ok(Tokens(tokens))
    }

    /// Whether none are in use.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What a token allows. Takes the same time wherever a wrong token differs.
    fn access(&self, token: &[u8]) -> Option<Access> {
        let mut found = None;
        for (access, known) in &self.0 {
            if bool::from(known.as_bytes().ct_eq(token)) {
                found = found.max(Some(*access));
            }
        }
        found
    }
}

pub fn ping(_: &Context, _: &mut Session, mut args: Args<'_>, replies: &mut Replies) -> Result<()> {
    match args.next() {
        None => replies.text("PONG"),
        Some(text) => replies.text(&excerpt(text)),
    }
    Ok(())
}

pub fn echo(_: &Context, _: &mut Session, mut args: Args<'_>, replies: &mut Replies) -> Result<()> {
    replies.bulk(args.next().unwrap_or_default());
    Ok(())
}

pub fn quit(_: &Context, session: &mut Session, _: Args<'_>, replies: &mut Replies) -> Result<()> {
    session.closing = true;
    replies.text("OK");
    Ok(())
}

pub fn auth(context: &Context, session: &mut Session, args: Args<'_>, replies: &mut Replies) -> Result<()> {
    if context.tokens.is_empty() {
        return Err(Error::new(Code::NoAuth, "this daemon has no tokens: no AUTH is needed"));
    }
    session.give(&context.tokens, args.last().unwrap_or_default())?;
    replies.text("OK");
    Ok(())
}

pub fn hello(context: &Context, session: &mut Session, mut args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let resp3 = match args.next() {
        None => replies.is_resp3(),
        Some(b"2") => false,
        Some(b"3") => true,
        Some(_) => return Err(Error::new(Code::NoProto, "the protocols spoken are 2 and 3")),
    };
    while let Some(option) = args.next() {
        if option.eq_ignore_ascii_case(b"AUTH") {
            let (_user, token) = (args.next(), args.next());
            // Redis libraries with a password set send it; a daemon without tokens lets everybody in.
            if !context.tokens.is_empty() {
                session.give(&context.tokens, token.unwrap_or_default())?;
            }
        } else if option.eq_ignore_ascii_case(b"SETNAME") {
            args.next();
        } else {
            return Err(Error::bad_arg(format!("'{}' should be AUTH or SETNAME", excerpt(option))));
        }
    }
    if session.access == Access::Anyone {
        return Err(Error::new(Code::NoAuth, "give a token: HELLO 2 AUTH default token, or AUTH token"));
    }
    replies.set_resp3(resp3);
    replies.map(3);
    replies.text("server");
    replies.text("contactd");
    replies.text("version");
    replies.text(env!("CARGO_PKG_VERSION"));
    replies.text("proto");
    replies.integer(if resp3 { 3 } else { 2 });
    Ok(())
}

pub fn help(_: &Context, _: &mut Session, mut args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let line = |command: &Command| {
        let usage = format!("{} {}", command.name, command.usage);
        format!("{} — {}", usage.trim_end(), command.summary)
    };
    match args.next() {
        Some(verb) => {
            let command = &TABLE[find(verb)?];
            replies.text(&format!("{} [{}]", line(command), command.access.word()));
        }
        None => {
            replies.array(TABLE.len());
            for command in TABLE {
                replies.text(&line(command));
            }
        }
    }
    Ok(())
}

pub fn select(_: &Context, _: &mut Session, mut args: Args<'_>, replies: &mut Replies) -> Result<()> {
    match args.next() {
        Some(b"0") => replies.text("OK"),
        _ => return Err(Error::bad_arg("there is one database, 0")),
    }
    Ok(())
}

pub fn client(_: &Context, _: &mut Session, _: Args<'_>, replies: &mut Replies) -> Result<()> {
    replies.text("OK");
    Ok(())
}

pub fn command(_: &Context, _: &mut Session, mut args: Args<'_>, replies: &mut Replies) -> Result<()> {
    match args.next() {
        Some(word) if word.eq_ignore_ascii_case(b"COUNT") => replies.integer(TABLE.len() as u64),
        Some(word) if word.eq_ignore_ascii_case(b"DOCS") => replies.map(0),
        _ => replies.array(0),
    }
    Ok(())
}

pub fn config(_: &Context, _: &mut Session, mut args: Args<'_>, replies: &mut Replies) -> Result<()> {
    match args.next() {
        Some(word) if word.eq_ignore_ascii_case(b"GET") => replies.map(0),
        _ => return Err(Error::bad_arg("only CONFIG GET is answered; contactd is configured when it is started")),
    }
    Ok(())
}
