//! One client of the front: its requests go to the partitions, and the replies come back in the order of the requests.
//!
//! What stands in the buffer is sent to the partitions at once, then answered one by one. A request that needs more than one
//! round (a page, a position, a list that is to go) waits until all before it are answered.

use std::future::poll_fn;
use std::io;
use std::task::Poll;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use super::link::Link;
use super::route::{Route, route};
use super::{Caller, Front, introduction};
use crate::command::{self, Gathered, Merge, Reach, TABLE};
use crate::error::{Code, Error, Result};
use crate::limits::{
    BURST_REQUESTS_MAX, REPLY_BYTES_UNSENT_MAX, REQUEST_BYTES_MAX, UNAUTHENTICATED_BYTES_MAX, UNAUTHENTICATED_MS_MAX,
    WRITE_STALL_MS_MAX,
};
use crate::server::Server;
use crate::server::burst::is_http;
use crate::server::connection;
use crate::wire::{Args, Decoded, Decoder, Replies, Reply, ReplyDecoder, Request, is_error, write_request};

/// One client of the front.
pub struct Conversation<'f, S> {
    pub(super) front: &'f Front,
    pub(super) server: &'f Server,
    caller: Caller,
    pub(super) stream: S,
    pub(super) input: BytesMut,
    pub(super) decoder: Decoder,
    pub(super) links: Vec<Option<Link>>,
    pub(super) greetings: Vec<Bytes>,
    /// What was asked in this burst, by partition.
    unsent: Vec<BytesMut>,
    /// What will be answered in this burst, in order.
    expected: Vec<Expected>,
    pub(super) replies: Replies,
    /// Until when the client must have given its token, if one is wanted.
    pub(super) deadline: Option<Instant>,
    /// The word that another daemon was given to introduce a client by.
    nonce: Option<String>,
}

/// What a reply will be.
enum Expected {
    /// That of a partition, as it is.
    Of(usize),
    /// Verdicts, each the next one of its partition.
    Verdicts(Vec<usize>),
    /// One made of those of all. The request is kept for its arguments.
    Merged(Merge, Bytes),
    /// An error of the front.
    Refused(Error),
}

/// Why a burst stopped.
enum Pause {
    /// All complete requests are on their way.
    Input,
    /// Others get their turn.
    Turn,
    /// This request has to be alone. So many bytes of the buffer are it.
    Alone(Reach, usize),
    /// The connection ends after the replies.
    Close,
}

impl<'f, S: AsyncRead + AsyncWrite + Unpin> Conversation<'f, S> {
    pub fn new(front: &'f Front, server: &'f Server, stream: S, caller: Caller) -> Conversation<'f, S> {
        let wants_token = caller.grant.is_none() && !server.shared.tokens.get().is_empty();
        let mut decoder = Decoder::default();
        if wants_token {
            decoder.limit_requests(UNAUTHENTICATED_BYTES_MAX);
        }
        Conversation {
            front,
            server,
            caller,
            stream,
            input: BytesMut::new(),
            decoder,
            links: (0..front.len()).map(|_| None).collect(),
            greetings: Vec::new(),
            unsent: vec![BytesMut::new(); front.len()],
            expected: Vec::new(),
            replies: Replies::default(),
            deadline: wants_token.then(|| Instant::now() + Duration::from_millis(UNAUTHENTICATED_MS_MAX)),
            nonce: None,
        }
    }

    pub async fn run(mut self) -> io::Result<()> {
        loop {
            let pause = self.burst();
            self.answer().await?;
            match pause {
                Pause::Input => {
                    self.flush().await?;
                    if !self.read().await? {
                        return Ok(());
                    }
                }
                Pause::Turn => {
                    self.flush().await?;
                    tokio::task::yield_now().await;
                }
                Pause::Alone(Reach::Partition, bytes) => {
                    let request = self.input.split_to(bytes).freeze();
                    match self.introduced(&request) {
                        Ok(Some((place, client))) => return self.pass_on(place, client).await,
                        Ok(None) => {}
                        Err(error) => self.refuse(&error),
                    }
                    self.flush().await?;
                }
                Pause::Alone(reach, bytes) => {
                    let request = self.input.split_to(bytes).freeze();
                    let begin = self.replies.len();
                    self.alone(reach, &request).await?;
                    // A stream may have been sent by now.
                    if !matches!(reach, Reach::Stream) {
                        self.count_error(begin);
                    }
                    self.flush().await?;
                }
                Pause::Close => return self.flush().await,
            }
        }
    }

    /// Takes the introduction of a client by another daemon. None: that one has its word now.
    fn introduced(&mut self, request: &[u8]) -> Result<Option<(usize, Caller)>> {
        let nonce = self.nonce.take();
        let secret = &self.front.secret;
        match introduction::read(args_of(request), self.front.len() as u16, nonce.as_deref(), secret)? {
            (place, Some(client)) => Ok(Some((usize::from(place), client))),
            (_, None) => {
                let nonce = introduction::nonce()?;
                self.replies.text(&nonce);
                self.nonce = Some(nonce);
                Ok(None)
            }
        }
    }

    /// From now on this is the connection of a client to one partition, if that is open here.
    async fn pass_on(mut self, place: usize, client: Caller) -> io::Result<()> {
        let partition = self.front.partitions[place].server();
        if !partition.is_open() {
            self.replies.error(&Error::new(Code::Standby, format!("partition {place} is not here")));
            return self.flush().await;
        }
        self.replies.text("OK");
        self.flush().await?;
        // This daemon waits for it before it closes its partitions.
        let talk = connection::serve(self.stream, &partition, client.grant, client.peer);
        partition.connections.track_future(talk).await;
        Ok(())
    }

    /// Sorts the complete requests of the buffer to the partitions.
    fn burst(&mut self) -> Pause {
        let mut taken = 0;
        let pause = loop {
            if self.expected.len() >= BURST_REQUESTS_MAX {
                break Pause::Turn;
            }
            let (request, bytes) = match self.decoder.step(&self.input[taken..]) {
                Decoded::Incomplete => break Pause::Input,
                Decoded::Skip(bytes) => {
                    taken += bytes;
                    continue;
                }
                Decoded::Refused(error, bytes) => {
                    taken += bytes;
                    self.expected.push(Expected::Refused(error));
                    continue;
                }
                Decoded::Broken(error) => {
                    self.expected.push(Expected::Refused(error));
                    break Pause::Close;
                }
                Decoded::Request(request, bytes) => (request, bytes),
            };
            let (raw, is_http) = (&self.input[taken..taken + bytes], is_http(request.verb));
            let routed = route(self.front, request);
            if let Ok((command, _)) = &routed {
                self.server.shared.counters.count(*command, 1);
            }
            match routed {
                Err(error) => {
                    self.expected.push(Expected::Refused(error));
                    taken += bytes;
                    if is_http {
                        break Pause::Close;
                    }
                }
                Ok((command, Route::One(place))) => {
                    self.unsent[place].extend_from_slice(raw);
                    self.expected.push(Expected::Of(place));
                    taken += bytes;
                    // With an argument it is none.
                    if TABLE[command].name == "QUIT" && request.args.is_empty() {
                        break Pause::Close;
                    }
                }
                Ok((_, Route::Checks(places))) => {
                    split_check(request, &places, &mut self.unsent);
                    self.expected.push(Expected::Verdicts(places));
                    taken += bytes;
                }
                Ok((_, Route::Many(Reach::All(merge)))) => {
                    for unsent in &mut self.unsent {
                        unsent.extend_from_slice(raw);
                    }
                    let raw = Bytes::copy_from_slice(raw);
                    self.expected.push(Expected::Merged(merge, raw));
                    taken += bytes;
                }
                Ok((_, Route::Many(reach))) => {
                    self.input.advance(taken);
                    return Pause::Alone(reach, bytes);
                }
            }
        };
        self.input.advance(taken);
        pause
    }

    /// Sends what a burst has collected, and answers it.
    async fn answer(&mut self) -> io::Result<()> {
        let mut failed: Vec<Option<Error>> = vec![None; self.front.len()];
        for (place, failed) in failed.iter_mut().enumerate() {
            let requests = self.unsent[place].split().freeze();
            if !requests.is_empty() {
                *failed = self.send(place, requests).await.err();
            }
        }
        for expected in std::mem::take(&mut self.expected) {
            let begin = self.replies.len();
            let answered = match &expected {
                Expected::Of(place) => self.raw_reply(*place, &mut failed).await.map(|reply| self.replies.raw(&reply)),
                Expected::Verdicts(places) => self.verdicts(places, &mut failed).await,
                Expected::Merged(merge, request) => {
                    let mut answers = Vec::with_capacity(self.front.len());
                    // Each must be taken, whatever another one said.
                    for place in 0..self.front.len() {
                        answers.push(self.reply(place, &mut failed).await);
                    }
                    answers
                        .into_iter()
                        .collect::<Result<Vec<Reply>>>()
                        .and_then(|all| self.merge(*merge, request, &all))
                }
                Expected::Refused(error) => Err(error.clone()),
            };
            if let Err(error) = answered {
                self.replies.error(&error);
            }
            self.count_error(begin);
            if self.replies.len() >= REPLY_BYTES_UNSENT_MAX {
                self.flush().await?;
            }
        }
        for link in &mut self.links {
            drop(link.take_if(|link| link.is_over()));
        }
        Ok(())
    }

    /// Answers with an error.
    pub(super) fn refuse(&mut self, error: &Error) {
        self.replies.error(error);
        self.server.shared.counters.count_error(error);
    }

    /// Counts the reply that begins here, if it is an error. It may come from all partitions, and is one.
    pub(super) fn count_error(&self, begin: usize) {
        let Some(line) = self.replies.as_bytes().get(begin..).and_then(|reply| reply.strip_prefix(b"-")) else {
            return;
        };
        if let Some(code) = line.split(u8::is_ascii_whitespace).next().and_then(Code::read) {
            self.server.shared.counters.count_code(code);
        }
    }

    /// Sends requests to a partition, over a connection that knows who asks.
    pub(super) async fn send(&mut self, place: usize, requests: Bytes) -> Result<()> {
        if self.links[place].as_ref().is_none_or(Link::is_over) {
            let link = self.connect(place).await?;
            self.links[place] = Some(link);
        }
        if let Some(link) = &mut self.links[place] {
            link.send(requests);
        }
        Ok(())
    }

    /// A connection to a partition that knows who asks.
    pub(super) async fn connect(&self, place: usize) -> Result<Link> {
        let mut link = self.front.connect(place, &self.caller).await?;
        for greeting in &self.greetings {
            link.send(greeting.clone());
            let reply = link.reply().await?;
            if is_error(&reply) {
                return Err(Error::new(
                    Code::NoAuth,
                    "the token was withdrawn: ask contactd's operator for another one",
                ));
            }
        }
        Ok(link)
    }

    /// The next reply of a partition. One that has failed once has nothing more in this burst.
    pub(super) async fn raw_reply(&mut self, place: usize, failed: &mut [Option<Error>]) -> Result<Bytes> {
        if let Some(why) = &failed[place] {
            return Err(why.clone());
        }
        let gone = || Error::new(Code::Standby, "the partition has gone: send it again");
        let link = self.links[place].as_mut().ok_or_else(gone)?;
        let reply = link.reply().await;
        if let Err(why) = &reply {
            failed[place] = Some(why.clone());
            // What else may come over it belongs to nobody.
            self.links[place] = None;
        }
        reply
    }

    pub(super) async fn reply(&mut self, place: usize, failed: &mut [Option<Error>]) -> Result<Reply> {
        decode(&self.raw_reply(place, failed).await?)
    }

    /// Puts verdicts that several partitions gave into the order in which they were asked for.
    async fn verdicts(&mut self, places: &[usize], failed: &mut [Option<Error>]) -> Result<()> {
        let mut given: Vec<std::vec::IntoIter<Reply>> = Vec::with_capacity(self.front.len());
        let mut wrong = None;
        for place in 0..self.front.len() {
            if !places.contains(&place) {
                given.push(Vec::new().into_iter());
                continue;
            }
            match self.reply(place, failed).await {
                Ok(Reply::Array(verdicts)) => given.push(verdicts.into_iter()),
                Ok(verdict) => given.push(vec![verdict].into_iter()),
                Err(why) => {
                    wrong.get_or_insert(why);
                    given.push(Vec::new().into_iter());
                }
            }
        }
        if let Some(wrong) = wrong {
            return Err(wrong);
        }
        // One who may not ask, or asks wrongly, hears the same of all.
        let firsts: Vec<&Reply> = given.iter().filter_map(|given| given.as_slice().first()).collect();
        if let Some(refused @ Reply::Error(_)) = firsts.first().copied()
            && firsts.iter().all(|first| *first == refused)
        {
            self.replies.again(refused);
            return Ok(());
        }
        self.replies.array(places.len());
        for &place in places {
            let missing = || Error::internal("a verdict is missing");
            self.replies.again(&given[place].next().ok_or_else(missing)?);
        }
        Ok(())
    }

    /// STATS: requests are counted where they come in.
    pub(super) fn stats(&mut self, answers: &[Reply]) -> Result<()> {
        let counters = &self.server.shared.counters;
        self.told(answers, |answers, replies| command::gather_stats(answers, counters, replies))
    }

    /// Makes one reply of those of all partitions.
    pub(super) fn merge(&mut self, merge: Merge, request: &[u8], answers: &[Reply]) -> Result<()> {
        let (args, warning) = (args_of(request), self.front.warning);
        self.told(answers, |replies_of_all, replies| {
            merge(Gathered { args, replies: replies_of_all, warning }, replies)
        })
    }

    /// The same where an error is an answer, too.
    pub(super) fn put_together(&mut self, merge: Merge, request: &[u8], answers: &[Reply]) -> Result<()> {
        let args = args_of(request);
        merge(Gathered { args, replies: answers, warning: self.front.warning }, &mut self.replies)
    }

    /// Answers with what becomes of the answers of all partitions. An error of one is an error of all.
    pub(super) fn told(
        &mut self,
        answers: &[Reply],
        tell: impl FnOnce(&[Reply], &mut Replies) -> Result<()>,
    ) -> Result<()> {
        match answers.iter().find(|answer| matches!(answer, Reply::Error(_))) {
            Some(error) => self.replies.again(error),
            None => tell(answers, &mut self.replies)?,
        }
        Ok(())
    }

    /// Reads more. False: the client has gone, or is to go.
    async fn read(&mut self) -> io::Result<bool> {
        if self.input.is_empty() && self.input.capacity() > REQUEST_BYTES_MAX {
            self.input = BytesMut::new();
        }
        loop {
            self.input.reserve(1024);
            let Conversation { stream, input, deadline, links, .. } = self;
            let read = async {
                match *deadline {
                    Some(deadline) => timeout_at(deadline, stream.read_buf(input)).await.unwrap_or(Ok(0)),
                    None => stream.read_buf(input).await,
                }
            };
            // A partition lets a client go whose token was withdrawn, and one of which it is not the owner any more.
            let gone = poll_fn(|context| {
                let over = links.iter_mut().flatten().any(|link| link.poll_over(context).is_ready());
                if over { Poll::Ready(()) } else { Poll::Pending }
            });
            tokio::select! {
                biased;
                read = read => return Ok(read? > 0),
                () = gone => {}
            }
            for link in &mut self.links {
                drop(link.take_if(|link| link.is_over()));
            }
            let may_stay = self.greetings.is_empty() || self.connect(0).await.is_ok();
            if !may_stay {
                return Ok(false);
            }
        }
    }

    /// Sends all replies. A client that takes none of them for too long is let go.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        if self.replies.is_empty() {
            return Ok(());
        }
        let sent = async {
            self.stream.write_all(self.replies.as_bytes()).await?;
            self.stream.flush().await
        };
        timeout(Duration::from_millis(WRITE_STALL_MS_MAX), sent)
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
        self.replies.clear();
        Ok(())
    }
}

/// A reply as it is on the wire.
pub(super) fn decode(raw: &[u8]) -> Result<Reply> {
    let mut decoder = ReplyDecoder::default();
    decoder.feed(raw);
    decoder.take()?.ok_or_else(|| Error::internal("a reply breaks off"))
}

/// The arguments of a request that was decoded before.
fn args_of(raw: &[u8]) -> Args<'_> {
    match Decoder::default().step(raw) {
        Decoded::Request(request, _) => request.args,
        _ => Args::Line(b""),
    }
}

/// Sends each partition the contacts of a CHECK that are its own.
fn split_check(request: Request<'_>, places: &[usize], unsent: &mut [BytesMut]) {
    let mut args = request.args;
    let list = args.next().unwrap_or_default();
    let phones: Vec<&[u8]> = args.collect();
    for (place, unsent) in unsent.iter_mut().enumerate() {
        let own = phones.iter().zip(places).filter(|(_, of)| **of == place).map(|(phone, _)| *phone);
        let words: Vec<&[u8]> = [&b"CHECK"[..], list].into_iter().chain(own).collect();
        if words.len() > 2 {
            let mut request = Vec::new();
            write_request(&mut request, &words);
            unsent.extend_from_slice(&request);
        }
    }
}
