//! Runs the complete requests of a connection's buffer, one after the other. Nothing here waits.
//!
//! Order is kept by a simple rule: writes that follow each other are collected; anything else waits until they are answered.
//! So a CHECK behind an OPTOUT sees it.

use std::sync::{Arc, RwLockReadGuard};

use bytes::{Buf, BytesMut};

use super::Server;
use super::feed_wait::FeedWait;
use super::pipeline::{Added, Pipeline};
use super::withdrawal::Ending;
use crate::command::{
    self, Access, Asked, Command, Context, Export, FollowCommand, Grant, Pace, Peer, Run, Session, SessionCommand,
    TABLE,
};
use crate::error::{Code, Error, Result};
use crate::limits::{BURST_REQUESTS_MAX, REPLY_BYTES_UNSENT_MAX, REQUEST_BYTES_MAX, UNAUTHENTICATED_BYTES_MAX};
use crate::store::gate::Gate;
use crate::wire::{Args, Decoded, Decoder, Replies, Request};

/// Why a burst stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    /// All complete requests are done.
    Input,
    /// The next request is slow: it must not run on the thread that serves other connections.
    Slow,
    /// A job is full.
    Job,
    /// The next request must see the outcome of the writes before it.
    Order,
    /// The next request is a CHECK: the ledger must say that this daemon is still the owner.
    Confirm,
    /// There is no news yet: the request is run again when there is, or when its time is over.
    News,
    /// A stream has begun, and goes on once its first piece is out.
    Stream,
    /// The client has given a wrong token, and gets its reply later.
    WrongToken,
    /// Other connections get their turn, or replies must go out first.
    Turn,
    /// The connection ends after the replies.
    Close,
}

/// A connection without its socket: what was asked, and what will be answered.
pub(super) struct Dialogue<'s> {
    server: &'s Server,
    /// None until the store is loaded, and the session with it.
    context: Option<&'s Context>,
    session: Option<Session>,
    /// What the client may do, if that does not depend on a token.
    grant: Option<Grant>,
    peer: Peer,
    decoder: Decoder,
    pub(super) pipeline: Pipeline<'s>,
    pub(super) replies: Replies,
    /// A stream that has begun.
    pub(super) export: Option<Export>,
    pub(super) feed_wait: Option<FeedWait>,
    /// How many bytes of the input had come when the ledger was asked last, with `--check confirmed`.
    pub(super) confirmed: usize,
    /// Told when the connection has to end: the server drains, or the token was withdrawn.
    pub(super) ending: Ending,
}

/// What is counted during a burst.
struct Burst {
    /// Slower commands end it.
    pace: Pace,
    requests: usize,
    /// A CHECK may be answered.
    is_confirmed: bool,
    /// Those of them that need not be looked at again.
    answered: u64,
    /// The last command, and how often it came in a row: counted together.
    last: (usize, u64),
    /// What the latest request added to that count: nothing if its command is unknown.
    counted: u64,
}

/// What whoever asks is told from then on.
pub(super) fn no_owner() -> Error {
    Error::new(Code::Standby, "this daemon is not the owner any more: ask another one")
}

impl<'s> Dialogue<'s> {
    /// One that begins. `grant` is what the client may do without a token, whatever the tokens file says.
    pub(super) fn new(server: &'s Server, grant: Option<Grant>, peer: Peer) -> Dialogue<'s> {
        Dialogue {
            server,
            context: None,
            session: None,
            grant,
            peer,
            decoder: Decoder::default(),
            pipeline: Pipeline::new(server),
            replies: Replies::default(),
            export: None,
            feed_wait: None,
            confirmed: 0,
            ending: Ending::new(server.stop.clone()),
        }
    }

    /// What commands work with, once the store is loaded.
    pub(super) fn context(&self) -> Option<&'s Context> {
        self.context
    }

    /// Whether a token is wanted that the client has not given yet.
    pub(super) fn is_unauthenticated(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.access == Access::Anyone)
    }

    /// Whether the client's token was withdrawn.
    pub(super) fn is_withdrawn(&self) -> bool {
        self.ending.is_told() && !self.server.stop.is_cancelled()
    }

    /// Runs complete requests from the buffer, none that is slower than the pace. Not async: the gate is locked at most once
    /// at a time, and never across an await.
    pub(super) fn burst(&mut self, input: &mut BytesMut, pace: Pace) -> Pause {
        self.begin_session();
        if let Some(pause) = self.renew(input) {
            return pause;
        }
        // What was read while the lease held may be answered, whatever happens meanwhile: nobody else has answered since.
        if self.context.is_some_and(|context| !context.may_answer()) {
            self.replies.error(&no_owner());
            return Pause::Close;
        }
        let mut burst = Burst { pace, requests: 0, is_confirmed: true, answered: 0, last: (usize::MAX, 0), counted: 0 };
        let context = self.context;
        let must_confirm = context.is_some_and(Context::must_confirm);
        let mut gate = None;
        let mut taken = 0;
        let pause = loop {
            if burst.requests >= BURST_REQUESTS_MAX || self.replies.len() >= REPLY_BYTES_UNSENT_MAX {
                break Pause::Turn;
            }
            let (pause, bytes) = match self.decoder.step(&input[taken..]) {
                Decoded::Incomplete => break Pause::Input,
                Decoded::Skip(bytes) => (None, bytes),
                Decoded::Refused(error, bytes) => {
                    self.pipeline.refuse(error);
                    (Some(Pause::Order), bytes)
                }
                Decoded::Broken(_) if !self.pipeline.is_empty() => (Some(Pause::Order), 0),
                Decoded::Broken(error) => {
                    self.replies.error(&error);
                    (Some(Pause::Close), 0)
                }
                Decoded::Request(request, bytes) => match context {
                    Some(context) => {
                        burst.is_confirmed = !must_confirm || taken + bytes <= self.confirmed;
                        match self.request(context, &mut gate, &mut burst, request) {
                            Some(pause @ (Pause::Order | Pause::Slow | Pause::Confirm | Pause::News)) => {
                                burst.uncount();
                                (Some(pause), 0)
                            }
                            pause => {
                                burst.answered += 1;
                                (pause, bytes)
                            }
                        }
                    }
                    None => {
                        let loading = Error::new(Code::Loading, "the store is being loaded: try again in a moment");
                        self.replies.error(&loading);
                        (is_http(request.verb).then_some(Pause::Close), bytes)
                    }
                },
            };
            taken += bytes;
            if let Some(pause) = pause {
                break pause;
            }
        };
        drop(gate);
        if let Some(context) = context {
            if let (command, n @ 1..) = burst.last {
                context.counters.count(command, n);
            }
            context.counters.count_checks(self.replies.take_checks());
            if burst.answered > 0
                && let Some(session) = &self.session
            {
                session.answered(burst.answered);
            }
        }
        input.advance(taken);
        self.confirmed = self.confirmed.saturating_sub(taken);
        pause
    }

    /// Begins the session once the store is loaded.
    fn begin_session(&mut self) {
        if self.session.is_none()
            && let Some(context) = self.server.context()
        {
            let session = Session::new(context, self.grant.clone(), self.peer.clone());
            if session.access == Access::Anyone {
                self.decoder.limit_requests(UNAUTHENTICATED_BYTES_MAX);
            }
            self.pipeline.by = Arc::clone(&session.name);
            self.session = Some(session);
            self.context = Some(context);
        }
    }

    /// Looks the token up again if the tokens are others now. If it was withdrawn, whoever asks something is told so, and the
    /// connection ends.
    #[inline]
    fn renew(&mut self, input: &[u8]) -> Option<Pause> {
        let (session, context) = (self.session.as_mut()?, self.context?);
        if session.is_outdated(&context.tokens) {
            self.follow_token(context);
        }
        if !self.session.as_ref().is_some_and(Session::is_withdrawn) {
            return None;
        }
        if !self.pipeline.is_empty() {
            return Some(Pause::Order);
        }
        if !input.is_empty() {
            let withdrawn = "the token was withdrawn: ask contactd's operator for another one";
            self.replies.error(&Error::new(Code::NoAuth, withdrawn));
        }
        Some(Pause::Close)
    }

    /// Looks the token up among those of now, and listens for its withdrawal: in the other order one could be missed.
    fn follow_token(&mut self, context: &Context) {
        let Some(session) = self.session.as_mut() else { return };
        if let Some(token) = session.token() {
            self.ending = self.server.ending(token);
            session.renew(&context.tokens);
            self.pipeline.by = Arc::clone(&session.name);
        }
    }

    /// Runs one request. [`Pause::Order`], [`Pause::Slow`], [`Pause::Confirm`] and [`Pause::News`] mean that it did not run, and must be looked
    /// at again.
    #[inline]
    fn request<'c>(
        &mut self,
        context: &'c Context,
        gate: &mut Option<RwLockReadGuard<'c, Gate>>,
        burst: &mut Burst,
        request: Request<'_>,
    ) -> Option<Pause> {
        let Some(session) = self.session.as_mut() else { return Some(Pause::Close) };
        let command = burst.choose(request, session, context);
        match command {
            Ok(Command { run: Run::Write(_) | Run::Forbid(_), .. }) => *gate = None,
            _ if !self.pipeline.is_empty() => return Some(Pause::Order),
            _ => {}
        }
        burst.requests += 1;
        if command.as_ref().is_ok_and(|command| command.pace > burst.pace) {
            return Some(Pause::Slow);
        }
        let mut gave_wrong_token = false;
        let done = match command.map(|command| (command, command.run)) {
            Ok((_, Run::Gate(_))) if !burst.is_confirmed => return Some(Pause::Confirm),
            Ok((_, Run::Gate(run))) => {
                let gate = gate.get_or_insert_with(|| context.store.gate());
                run(gate, request.args, &mut self.replies)
            }
            Ok((_, Run::Session(run))) => {
                let done = self.run_session(context, run, request.args);
                gave_wrong_token = self.session.as_mut().is_some_and(Session::gave_wrong_token);
                done
            }
            Ok((_, Run::Store(run))) => {
                *gate = None;
                run(context, request.args, &mut self.replies)
            }
            Ok((_, Run::Granted(run))) => {
                *gate = None;
                match &self.session {
                    Some(session) => run(context, session, request.args, &mut self.replies),
                    None => return Some(Pause::Close),
                }
            }
            Ok((_, Run::Follow(run))) => {
                *gate = None;
                match self.follow(context, run, request.args) {
                    Ok(true) => return Some(Pause::News),
                    answered => answered.map(|_| ()),
                }
            }
            Ok((_, Run::Stream(run))) => match run(request.args, &mut self.replies) {
                Ok(export) => {
                    self.export = Some(export);
                    return Some(Pause::Stream);
                }
                Err(error) => Err(error),
            },
            Ok((_, Run::Write(run))) => return self.collect(context, run(context, request.args).map(Asked::from)),
            Ok((command, Run::Forbid(run))) => {
                return self.collect(context, command::ask(command, run, context, request.args));
            }
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            self.replies.error(&error);
            context.counters.count_error(&error);
        }
        if gave_wrong_token {
            return Some(Pause::WrongToken);
        }
        let closing = self.session.as_ref().is_some_and(|session| session.closing) || is_http(request.verb);
        closing.then_some(Pause::Close)
    }

    /// Runs a command that concerns the connection. After one that gives a token, requests may be longer.
    fn run_session(&mut self, context: &Context, run: SessionCommand, args: Args<'_>) -> Result<()> {
        let Some(session) = self.session.as_mut() else { return Ok(()) };
        let before = session.token();
        let done = run(context, session, args, &mut self.replies);
        if session.access != Access::Anyone {
            self.decoder.limit_requests(REQUEST_BYTES_MAX);
        }
        if session.token() != before {
            self.follow_token(context);
        }
        done
    }

    /// Runs a command that may wait for news. Says whether it waits.
    fn follow(&mut self, context: &Context, run: FollowCommand, args: Args<'_>) -> Result<bool> {
        let is_over = self.feed_wait.as_ref().is_some_and(|wait| wait.is_over);
        match run(context, args, is_over, &mut self.replies) {
            Ok(Some(wait_ms)) => {
                self.feed_wait.get_or_insert_with(|| FeedWait::new(self.server, wait_ms));
                Ok(true)
            }
            answered => {
                self.feed_wait = None;
                answered.map(|_| false)
            }
        }
    }

    /// Adds a write, or the refusal of one, to those that are handed over together.
    fn collect(&mut self, context: &Context, write: Result<Asked>) -> Option<Pause> {
        match self.pipeline.add(write.and_then(|asked| context.own(asked))) {
            Added::Yes => None,
            Added::Full => Some(Pause::Job),
            Added::No => Some(Pause::Order),
        }
    }
}

impl Burst {
    /// Finds the command of a request, trying the last one first, and checks what is checked for every command.
    #[inline]
    fn choose(&mut self, request: Request<'_>, session: &Session, context: &Context) -> Result<&'static Command> {
        let last = TABLE.get(self.last.0);
        self.counted = 0;
        if last.is_some_and(|last| last.name.as_bytes().eq_ignore_ascii_case(request.verb)) {
            self.last.1 += 1;
        } else {
            let found = command::find(request.verb)?;
            if self.last.1 > 0 {
                context.counters.count(self.last.0, self.last.1);
            }
            self.last = (found, 1);
        }
        self.counted = 1;
        let command = &TABLE[self.last.0];
        session.check(command)?;
        if !matches!(command.run, Run::Forbid(_)) {
            command::check_arity(command, request.args)?;
        }
        Ok(command)
    }

    /// The latest request did not run and will be looked at again.
    fn uncount(&mut self) {
        self.last.1 -= std::mem::take(&mut self.counted);
    }
}

/// A browser was made to talk to us: what follows is not meant for us, and must not be run.
pub(super) fn is_http(verb: &[u8]) -> bool {
    [&b"POST"[..], b"HOST:", b"PUT/", b"OPTIONS"].iter().any(|http| http.eq_ignore_ascii_case(verb))
}
