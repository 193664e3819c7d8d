//! What concerns the connection: PING, HELLO, AUTH, HELP, QUIT, and what Redis libraries send on their own.

use std::sync::Arc;

use super::clients::Connected;
use super::{Access, Command, Context, Grant, Peer, TABLE, TokenId, Tokens, find};
use crate::error::{Code, Error, Result, excerpt};
use crate::reloadable::Reloadable;
use crate::wire::{Args, Replies};

/// What a connection is at.
pub struct Session {
    /// What it may do.
    pub access: Access,
    /// Whether it is closed after the replies.
    pub closing: bool,
    /// Whose token it has given. Empty where nobody says.
    pub name: Arc<str>,
    gave_wrong_token: bool,
    /// The token to which it owes its access, and the generation of the tokens in which that was looked up last.
    token: Option<(TokenId, u64)>,
    connected: Connected,
}

impl Context {
    /// What a token allows. A token that nobody knows is counted.
    pub fn grant(&self, token: TokenId) -> Result<Grant> {
        self.tokens.get().grant(token).cloned().ok_or_else(|| {
            self.counters.count_wrong_token();
            Error::new(Code::NoAuth, "the token is not known: ask contactd's operator for one")
        })
    }
}

impl Session {
    /// A new connection. Where it does not say what the client may do, it may do nothing yet if tokens are in use.
    pub fn new(context: &Context, grant: Option<Grant>, peer: Peer) -> Session {
        let Grant { access, name } = grant.unwrap_or_else(|| {
            let is_open = context.tokens.get().is_empty();
            Grant::unnamed(if is_open { Access::Admin } else { Access::Anyone })
        });
        let connected = context.clients.enter(peer);
        connected.is(access, &name);
        Session { access, closing: false, name, gave_wrong_token: false, token: None, connected }
    }

    /// So many requests were answered.
    #[inline]
    pub fn answered(&self, requests: u64) {
        self.connected.answered(requests);
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

    /// The token to which it owes its access.
    pub fn token(&self) -> Option<TokenId> {
        self.token.map(|(token, _)| token)
    }

    /// Whether the tokens are others than when its own was looked up.
    #[inline]
    pub fn is_outdated(&self, tokens: &Reloadable<Tokens>) -> bool {
        self.token.is_some_and(|(_, generation)| generation != tokens.generation())
    }

    /// Whether its token was withdrawn.
    #[inline]
    pub fn is_withdrawn(&self) -> bool {
        self.token.is_some() && self.access == Access::Anyone
    }

    /// Looks its token up again. If the token was withdrawn, the session may do nothing more and ends.
    pub fn renew(&mut self, tokens: &Reloadable<Tokens>) {
        if let Some((token, known)) = &mut self.token {
            *known = tokens.generation();
            // Whose token it was stays: what is pending is still theirs.
            match tokens.get().grant(*token) {
                Some(grant) => (self.access, self.name) = (grant.access, Arc::clone(&grant.name)),
                None => self.access = Access::Anyone,
            }
            self.connected.is(self.access, &self.name);
        }
        self.closing |= self.is_withdrawn();
    }

    /// Whether its latest token was wrong. Says so once.
    pub fn gave_wrong_token(&mut self) -> bool {
        std::mem::take(&mut self.gave_wrong_token)
    }

    fn give(&mut self, context: &Context, token: &[u8]) -> Result<()> {
        let (generation, token) = (context.tokens.generation(), TokenId::of(token));
        let Grant { access, name } = context.grant(token).inspect_err(|_| self.gave_wrong_token = true)?;
        (self.access, self.name) = (access, name);
        self.connected.is(self.access, &self.name);
        self.token = Some((token, generation));
        Ok(())
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

/// A store in partitions answers it before it comes here.
pub fn partition(_: &Context, _: &mut Session, _: Args<'_>, _: &mut Replies) -> Result<()> {
    Err(Error::new(Code::Err, "the store of this contactd has no partitions"))
}

pub fn auth(context: &Context, session: &mut Session, args: Args<'_>, replies: &mut Replies) -> Result<()> {
    if context.tokens.get().is_empty() {
        return Err(Error::new(Code::NoAuth, "contactd runs without tokens: no AUTH is needed"));
    }
    session.give(context, args.last().unwrap_or_default())?;
    replies.text("OK");
    Ok(())
}

pub fn hello(context: &Context, session: &mut Session, mut args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let resp3 = match args.next() {
        None => replies.is_resp3(),
        Some(b"2") => false,
        Some(b"3") => true,
        Some(_) => return Err(Error::new(Code::NoProto, "contactd speaks protocol 2 and protocol 3")),
    };
    while let Some(option) = args.next() {
        if option.eq_ignore_ascii_case(b"AUTH") {
            let (_user, token) = (args.next(), args.next());
            // Redis libraries with a password set send it; a daemon without tokens lets everybody in.
            if !context.tokens.get().is_empty() {
                session.give(context, token.unwrap_or_default())?;
            }
        } else if option.eq_ignore_ascii_case(b"SETNAME") {
            args.next();
        } else {
            return Err(Error::bad_arg(format!("expected AUTH or SETNAME, not '{}'", excerpt(option))));
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
        _ => return Err(Error::bad_arg("there is only one database, 0")),
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
        _ => return Err(Error::bad_arg("only CONFIG GET is supported: contactd gets its settings when it is started")),
    }
    Ok(())
}
