//! One connection: reads once, runs every complete request in the buffer, writes once.
//!
//! Order is kept by a simple rule: consecutive writes of one kind go to the writer in jobs, several at a time;
//! anything else waits until they are answered. So a CHECK behind an OPTOUT sees it.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, RwLockReadGuard};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::Server;
use crate::command::{self, Access, Command, Context, Export, Run, Session, SessionCommand, TABLE};
use crate::error::{Code, Error, Result};
use crate::limits::{
    BURST_REQUESTS_MAX, CONNECTION_JOBS_MAX, JOB_WRITES_MAX, REPLY_BYTES_UNSENT_MAX, REQUEST_BYTES_MAX,
    UNAUTHENTICATED_BYTES_MAX, UNAUTHENTICATED_MS_MAX, WRITE_STALL_MS_MAX,
};
use crate::model::change::{Outcome, Urgency, Write};
use crate::model::phone::Phone;
use crate::store::Job;
use crate::store::gate::Gate;
use crate::wire::{Args, Decoder, Replies, Request, Step};

/// A client that sends nothing keeps this much.
const INPUT_BYTES_IDLE: usize = 1024;

/// Why a burst stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pause {
    /// All complete requests are done.
    Input,
    /// The next request takes long: it must not run on a thread that serves others.
    Slow,
    /// A job is full.
    Job,
    /// The next request must see the outcome of the writes before it.
    Order,
    /// There is nothing to tell yet: the request is looked at again when there is, or when its time is over.
    News,
    /// A stream has begun, and goes on once its first piece is out.
    Stream,
    /// Others get their turn, or replies must go out first.
    Turn,
    /// The connection ends behind the replies.
    Close,
}

/// What a reply will be once the writer has answered.
enum Slot {
    Write(Option<Phone>),
    Refused(Error),
}

/// Writes that wait to be handed over together.
#[derive(Default)]
struct Pending {
    writes: Vec<Write>,
    slots: Vec<Slot>,
}

/// A request that waits for news.
struct Vigil {
    news: watch::Receiver<u64>,
    is_new: bool,
    until: Instant,
    /// Its time is over, or nobody is there any more who waits.
    over: bool,
}

/// A job that the writer has.
struct InFlight {
    outcomes: oneshot::Receiver<Vec<Result<Outcome>>>,
    slots: Vec<Slot>,
}

struct Connection<'s, S> {
    stream: S,
    server: &'s Server,
    context: Option<Arc<Context>>,
    /// What it may do without a token, if that is known.
    access: Option<Access>,
    session: Option<Session>,
    input: BytesMut,
    read_bytes: usize,
    /// How often it was read, to look for the drain now and then.
    reads: u8,
    decoder: Decoder,
    replies: Replies,
    pending: Pending,
    in_flight: VecDeque<InFlight>,
    stream_of: Option<Export>,
    /// What a request that waits for news knows.
    vigil: Option<Vigil>,
    /// Of the writes that are pending or in flight.
    urgency: Urgency,
    deadline: Instant,
}

/// Serves one client until it leaves, misbehaves, or the server drains.
pub async fn serve<S: AsyncRead + AsyncWrite + Unpin>(stream: S, server: &Server) {
    serve_as(stream, server, None).await;
}

/// The same for a client inside the daemon, which may do everything without a token.
pub async fn serve_inside<S: AsyncRead + AsyncWrite + Unpin>(stream: S, server: &Server) {
    serve_as(stream, server, Some(Access::Admin)).await;
}

async fn serve_as<S: AsyncRead + AsyncWrite + Unpin>(stream: S, server: &Server, access: Option<Access>) {
    let connection = Connection {
        stream,
        server,
        context: None,
        access,
        session: None,
        input: BytesMut::new(),
        read_bytes: INPUT_BYTES_IDLE,
        reads: 0,
        decoder: Decoder::default(),
        replies: Replies::default(),
        pending: Pending::default(),
        in_flight: VecDeque::new(),
        stream_of: None,
        vigil: None,
        urgency: Urgency::Prompt,
        deadline: Instant::now() + Duration::from_millis(UNAUTHENTICATED_MS_MAX),
    };
    // The client is gone or was told why: there is nobody left to tell.
    let _ = connection.run().await;
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<'_, S> {
    async fn run(mut self) -> std::io::Result<()> {
        let mut slow = false;
        let mut draining = false;
        loop {
            self.enter();
            let pause = if slow { tokio::task::block_in_place(|| self.burst(true)) } else { self.burst(false) };
            slow = pause == Pause::Slow;
            match pause {
                Pause::Slow => {}
                Pause::Input => {
                    self.hand_over().await;
                    self.make_room().await?;
                    if draining {
                        self.settle().await;
                        return self.flush().await;
                    }
                    if self.in_flight.is_empty() {
                        self.flush().await?;
                    }
                    match self.wait().await? {
                        Waited::Ready => {}
                        Waited::End => {
                            self.settle().await;
                            return self.flush().await;
                        }
                        Waited::Drain => draining = true,
                    }
                }
                Pause::Job => {
                    self.hand_over().await;
                    self.make_room().await?;
                }
                Pause::Order => {
                    self.hand_over().await;
                    self.settle().await;
                }
                Pause::Turn => {
                    self.hand_over().await;
                    self.settle().await;
                    self.flush().await?;
                    tokio::task::yield_now().await;
                }
                Pause::News => {
                    self.flush().await?;
                    self.watch().await?;
                }
                Pause::Stream => self.export().await?,
                Pause::Close => return self.flush().await,
            }
        }
    }

    /// Begins the session once the store is loaded.
    fn enter(&mut self) {
        if self.session.is_none()
            && let Some(context) = self.server.context()
        {
            let mut session = Session::new(&context.tokens);
            session.access = self.access.unwrap_or(session.access);
            if session.access == Access::Anyone {
                self.decoder.limit_requests(UNAUTHENTICATED_BYTES_MAX);
            }
            self.session = Some(session);
            self.context = Some(Arc::clone(context));
        }
    }

    /// Runs complete requests from the buffer. Not async: the gate is locked at most once, and never across an await.
    fn burst(&mut self, may_be_slow: bool) -> Pause {
        let mut input = std::mem::take(&mut self.input);
        let mut burst = Burst { requests: 0, last: (usize::MAX, 0), counted: 0, may_be_slow };
        let context = self.context.clone();
        let mut gate = None;
        let mut taken = 0;
        let pause = loop {
            if burst.requests >= BURST_REQUESTS_MAX || self.replies.len() >= REPLY_BYTES_UNSENT_MAX {
                break Pause::Turn;
            }
            let (pause, bytes) = match self.decoder.step(&input[taken..]) {
                Step::Incomplete => break Pause::Input,
                Step::Skip(bytes) => (None, bytes),
                Step::Refused(error, bytes) => {
                    self.pending.slots.push(Slot::Refused(error));
                    (Some(Pause::Order), bytes)
                }
                Step::Broken(_) if self.is_waiting() => (Some(Pause::Order), 0),
                Step::Broken(error) => {
                    self.replies.error(&error);
                    (Some(Pause::Close), 0)
                }
                Step::Request(request, bytes) => match &context {
                    Some(context) => match self.request(context, &mut gate, &mut burst, request) {
                        Some(pause @ (Pause::Order | Pause::Slow | Pause::News)) => {
                            burst.uncount();
                            (Some(pause), 0)
                        }
                        pause => (pause, bytes),
                    },
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
        if let (Some(context), (command, n @ 1..)) = (&context, burst.last) {
            context.counters.count(command, n);
        }
        input.advance(taken);
        self.input = input;
        pause
    }

    /// Runs one request. [`Pause::Order`], [`Pause::Slow`] and [`Pause::News`] mean that it was not run, and must be
    /// looked at again.
    #[inline]
    fn request<'c>(
        &mut self,
        context: &'c Context,
        gate: &mut Option<RwLockReadGuard<'c, Gate>>,
        burst: &mut Burst,
        request: Request<'_>,
    ) -> Option<Pause> {
        let Some(session) = self.session.as_mut() else { return Some(Pause::Close) };
        let run = burst.choose(request, session, context).map(|command| command.run);
        match run {
            Ok(Run::Write(_) | Run::SlowWrite(_)) => *gate = None,
            _ if self.is_waiting() => return Some(Pause::Order),
            _ => {}
        }
        burst.requests += 1;
        let done = match run {
            Ok(Run::Gate(run)) => {
                let gate = gate.get_or_insert_with(|| context.store.gate());
                run(gate, request.args, &mut self.replies)
            }
            Ok(Run::Session(run)) => self.converse(context, run, request.args),
            Ok(Run::Read(run)) => {
                *gate = None;
                run(context, request.args, &mut self.replies)
            }
            Ok(Run::Scan(_) | Run::Follow(_) | Run::Stream(_) | Run::SlowWrite(_)) if !burst.may_be_slow => {
                return Some(Pause::Slow);
            }
            Ok(Run::Scan(run)) => {
                *gate = None;
                run(context, request.args, &mut self.replies)
            }
            Ok(Run::Follow(run)) => {
                *gate = None;
                let over = self.vigil.as_ref().is_some_and(|vigil| vigil.over);
                match run(context, request.args, over, &mut self.replies) {
                    Ok(Some(wait_ms)) => {
                        self.vigil.get_or_insert_with(|| Vigil {
                            news: self.server.feed.subscribe(),
                            is_new: true,
                            until: Instant::now() + Duration::from_millis(wait_ms),
                            over: false,
                        });
                        return Some(Pause::News);
                    }
                    answered => {
                        self.vigil = None;
                        answered.map(|_| ())
                    }
                }
            }
            Ok(Run::Stream(run)) => match run(request.args, &mut self.replies) {
                Ok(export) => {
                    self.stream_of = Some(export);
                    return Some(Pause::Stream);
                }
                Err(error) => Err(error),
            },
            Ok(Run::Write(run) | Run::SlowWrite(run)) => return self.collect(run(context, request.args)),
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            self.replies.error(&error);
            context.counters.errors.fetch_add(1, Ordering::Relaxed);
        }
        let closing = self.session.as_ref().is_some_and(|session| session.closing) || is_http(request.verb);
        closing.then_some(Pause::Close)
    }

    /// Runs a command that concerns the connection. One that gives a token may send longer requests from then on.
    fn converse(&mut self, context: &Context, run: SessionCommand, args: Args<'_>) -> Result<()> {
        let Some(session) = self.session.as_mut() else { return Ok(()) };
        let done = run(context, session, args, &mut self.replies);
        if session.access != Access::Anyone {
            self.decoder.limit_requests(REQUEST_BYTES_MAX);
        }
        done
    }

    /// Adds a write, or the refusal of one, to those that are handed over together.
    fn collect(&mut self, write: Result<Write>) -> Option<Pause> {
        match write {
            Err(error) => self.pending.slots.push(Slot::Refused(error)),
            Ok(write) => {
                let urgency = write.urgency();
                let alone = self.pending.writes.is_empty() && self.in_flight.is_empty();
                if !alone && self.urgency != urgency {
                    return Some(Pause::Order);
                }
                self.urgency = urgency;
                self.pending.slots.push(Slot::Write(command::echoes(&write)));
                self.pending.writes.push(write);
            }
        }
        (self.pending.slots.len() >= JOB_WRITES_MAX).then_some(Pause::Job)
    }

    /// Whether replies are owed that are not rendered yet.
    fn is_waiting(&self) -> bool {
        !self.pending.slots.is_empty() || !self.in_flight.is_empty()
    }

    /// Hands pending writes to the writer, waiting for room in its queue.
    async fn hand_over(&mut self) {
        if self.pending.slots.is_empty() {
            return;
        }
        let Pending { writes, slots } = std::mem::take(&mut self.pending);
        let (send, outcomes) = oneshot::channel();
        self.in_flight.push_back(InFlight { outcomes, slots });
        let Some(context) = self.context.clone().filter(|_| !writes.is_empty()) else {
            let _ = send.send(Vec::new());
            return;
        };
        let room = self.server.room(self.urgency, writes.len()).await;
        context.store.submit(Job {
            writes,
            done: Box::new(move |outcomes| {
                drop(room);
                let _ = send.send(outcomes);
            }),
        });
    }

    /// Waits for the oldest job and renders its replies.
    async fn settle_one(&mut self) {
        let Some(job) = self.in_flight.front_mut() else { return };
        let outcomes = (&mut job.outcomes).await;
        self.render(outcomes.unwrap_or_default());
    }

    /// Waits until another job may be handed over: a client that does not wait for replies must not pile them up.
    async fn make_room(&mut self) -> std::io::Result<()> {
        while self.in_flight.len() >= CONNECTION_JOBS_MAX {
            self.settle_one().await;
        }
        if self.replies.len() >= REPLY_BYTES_UNSENT_MAX {
            self.flush().await?;
        }
        Ok(())
    }

    async fn settle(&mut self) {
        while !self.in_flight.is_empty() {
            self.settle_one().await;
        }
    }

    fn render(&mut self, outcomes: Vec<Result<Outcome>>) {
        let Some(job) = self.in_flight.pop_front() else { return };
        let mut outcomes = outcomes.into_iter();
        let mut errors = 0;
        for slot in job.slots {
            match slot {
                Slot::Refused(error) => {
                    errors += 1;
                    self.replies.error(&error);
                }
                Slot::Write(echo) => {
                    let lost = || Err(Error::internal("the writer has stopped"));
                    let outcome = outcomes.next().unwrap_or_else(lost);
                    errors += u64::from(outcome.is_err());
                    command::answer(&outcome, echo, &mut self.replies);
                }
            }
        }
        if let Some(context) = &self.context {
            context.counters.errors.fetch_add(errors, Ordering::Relaxed);
        }
    }

    /// Sends a stream piece by piece, each once the client has taken the one before, so that it costs no more memory than
    /// a piece, and others get their turn.
    async fn export(&mut self) -> std::io::Result<()> {
        let (Some(mut export), Some(context)) = (self.stream_of.take(), self.context.clone()) else { return Ok(()) };
        while tokio::task::block_in_place(|| export.next(&context, &mut self.replies)) {
            self.flush().await?;
            tokio::task::yield_now().await;
        }
        self.flush().await
    }

    /// Waits for news, for the end of the time, for the drain, or until nobody is there any more who waits.
    async fn watch(&mut self) -> std::io::Result<()> {
        let Connection { stream, input, vigil: Some(vigil), server, .. } = self else { return Ok(()) };
        // What came between the first look and the subscription is seen by a second one.
        if std::mem::take(&mut vigil.is_new) {
            return Ok(());
        }
        let full = input.len() >= REQUEST_BYTES_MAX;
        input.reserve(INPUT_BYTES_IDLE);
        tokio::select! {
            _ = vigil.news.changed() => {}
            () = sleep_until(vigil.until) => vigil.over = true,
            () = server.stop.cancelled() => vigil.over = true,
            read = stream.read_buf(input), if !full => vigil.over = read? == 0,
        }
        Ok(())
    }

    /// Waits for more requests, for the oldest job, or for the end.
    async fn wait(&mut self) -> std::io::Result<Waited> {
        if self.in_flight.is_empty() && self.input.is_empty() && self.input.capacity() > self.read_bytes {
            self.input = BytesMut::new();
        }
        self.input.reserve(self.read_bytes);
        let unauthenticated = self.session.as_ref().is_some_and(|session| session.access == Access::Anyone);
        // A read that is always ready would never meet its timeout.
        if unauthenticated && Instant::now() >= self.deadline {
            return Ok(Waited::End);
        }
        let Connection { stream, input, in_flight, server, deadline, .. } = self;
        let read = async {
            if unauthenticated {
                timeout_at(*deadline, stream.read_buf(input)).await.unwrap_or(Ok(0))
            } else {
                stream.read_buf(input).await
            }
        };
        if let Some(job) = in_flight.front_mut() {
            tokio::select! {
                biased;
                outcomes = &mut job.outcomes => {
                    self.render(outcomes.unwrap_or_default());
                    if self.in_flight.is_empty() || self.replies.len() >= REPLY_BYTES_UNSENT_MAX {
                        self.flush().await?;
                    }
                    return Ok(Waited::Ready);
                }
                read = read => return Ok(self.arrived(read?)),
            }
        }
        let read = tokio::select! {
            biased;
            read = read => read?,
            () = server.stop.cancelled() => return Ok(Waited::Drain),
        };
        Ok(self.arrived(read))
    }

    /// Reads more at a time from a client that sends much, and less from one that does not.
    fn arrived(&mut self, bytes: usize) -> Waited {
        if bytes == 0 {
            return Waited::End;
        }
        // One that never stops sending would never be told of the drain.
        self.reads = self.reads.wrapping_add(1);
        if self.reads == 0 && self.server.stop.is_cancelled() {
            return Waited::Drain;
        }
        if bytes >= self.read_bytes {
            self.read_bytes = (self.read_bytes * 4).min(REQUEST_BYTES_MAX);
        } else if bytes < self.read_bytes / 16 && self.input.len() == bytes {
            self.read_bytes = (self.read_bytes / 2).max(INPUT_BYTES_IDLE);
        }
        Waited::Ready
    }

    /// Sends all replies. A client that takes none of them for too long is let go.
    async fn flush(&mut self) -> std::io::Result<()> {
        let stall = Duration::from_millis(WRITE_STALL_MS_MAX);
        let mut sent = 0;
        while sent < self.replies.len() {
            sent += match timeout(stall, self.stream.write(&self.replies.as_bytes()[sent..])).await {
                Ok(Ok(0)) => return Err(std::io::ErrorKind::WriteZero.into()),
                Ok(written) => written?,
                Err(_) => return Err(std::io::ErrorKind::TimedOut.into()),
            };
        }
        self.replies.clear();
        Ok(())
    }
}

enum Waited {
    /// There may be something to do.
    Ready,
    /// The client has gone, or sends no more.
    End,
    /// The server drains.
    Drain,
}

/// What one run over the buffer keeps.
struct Burst {
    requests: usize,
    /// The last command, and how often it came in a row: counted together.
    last: (usize, u64),
    /// What the latest request added to that count: nothing if its command is unknown.
    counted: u64,
    may_be_slow: bool,
}

impl Burst {
    /// Finds the command of a request, trying the last one first, and checks what may be checked for all.
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
        command::check_arity(command, request.args)?;
        Ok(command)
    }

    /// The latest request was not run and will be looked at again.
    fn uncount(&mut self) {
        self.last.1 -= std::mem::take(&mut self.counted);
    }
}

/// A browser was made to talk to us: what follows is not meant for us, and must not be run.
fn is_http(verb: &[u8]) -> bool {
    [&b"POST"[..], b"HOST:", b"PUT/", b"OPTIONS"].iter().any(|http| http.eq_ignore_ascii_case(verb))
}
