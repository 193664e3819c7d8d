//! One client of the front: its requests go to the partitions, and the replies come back in the order of the requests.
//!
//! What stands in the buffer is sent to the partitions at once, then answered one by one. A request that needs more than one
//! round (a page, a position, a list that is to go) waits until all before it are answered.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use super::follow::{self, Feed};
use super::inbox::Cursor;
use super::link::Link;
use super::page::PageRequest;
use super::route::{Route, route};
use super::{Caller, Front};
use crate::command::{self, Context, Gathered, Merge, Reach};
use crate::error::{Code, Error, Result};
use crate::limits::{
    BURST_REQUESTS_MAX, FEED_WAIT_MS_MAX, PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX, REPLY_BYTES_UNSENT_MAX, REQUEST_BYTES_MAX,
    UNAUTHENTICATED_BYTES_MAX, UNAUTHENTICATED_MS_MAX, WRITE_STALL_MS_MAX,
};
use crate::model::phone::ListNumber;
use crate::model::transition::list::has_members;
use crate::server::Server;
use crate::server::burst::is_http;
use crate::wire::{Args, Decoded, Decoder, Replies, Reply, ReplyDecoder, Request, write_request};

/// Requests that say who the client is and how it is answered: a connection to a partition begins with them. Of more than so
/// many the oldest say nothing any more.
const GREETINGS_MAX: usize = 8;

pub struct Conversation<'f, S> {
    front: &'f Front,
    server: &'f Server,
    caller: Caller,
    stream: S,
    input: BytesMut,
    decoder: Decoder,
    links: Vec<Option<Link>>,
    greetings: Vec<Bytes>,
    /// What was asked in this burst, by partition.
    unsent: Vec<BytesMut>,
    /// What will be answered in this burst, in order.
    expected: Vec<Expected>,
    replies: Replies,
    /// Until when the client must have given its token, if one is wanted.
    deadline: Option<Instant>,
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
        let wants_token = caller.grant.is_none() && front.context().is_some_and(|context| !context.tokens.get().is_empty());
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
                Pause::Alone(reach, bytes) => {
                    let request = self.input.split_to(bytes).freeze();
                    self.alone(reach, &request).await?;
                    self.flush().await?;
                }
                Pause::Close => return self.flush().await,
            }
        }
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
                self.server.shared.counters.count(command::index(command), 1);
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
                    if command.name == "QUIT" {
                        break Pause::Close;
                    }
                }
                Ok((_, Route::Checks(places))) => {
                    split_check(request, &places, &mut self.unsent);
                    self.expected.push(Expected::Verdicts(places));
                    taken += bytes;
                }
                Ok((_, Route::Many(Reach::All(merge)))) => {
                    self.unsent.iter_mut().for_each(|unsent| unsent.extend_from_slice(raw));
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
        for place in 0..self.front.len() {
            if !self.unsent[place].is_empty() {
                let requests = self.unsent[place].split().freeze();
                if let Err(why) = self.send(place, requests).await {
                    failed[place] = Some(why);
                }
            }
        }
        for expected in std::mem::take(&mut self.expected) {
            let answered = match &expected {
                Expected::Of(place) => self.raw_reply(*place, &mut failed).await.map(|reply| self.replies.raw(&reply)),
                Expected::Verdicts(places) => self.verdicts(places, &mut failed).await,
                Expected::Merged(merge, request) => {
                    let mut answers = Vec::with_capacity(self.front.len());
                    // Each must be taken, whatever another one said.
                    for place in 0..self.front.len() {
                        answers.push(self.reply(place, &mut failed).await);
                    }
                    self.merge(*merge, request, answers)
                }
                Expected::Refused(error) => Err(error.clone()),
            };
            if let Err(error) = answered {
                self.replies.error(&error);
            }
            if self.replies.len() >= REPLY_BYTES_UNSENT_MAX {
                self.flush().await?;
            }
        }
        self.links.iter_mut().for_each(|link| drop(link.take_if(|link| link.is_over())));
        Ok(())
    }

    /// Sends requests to a partition, over a connection that knows who asks.
    async fn send(&mut self, place: usize, requests: Bytes) -> Result<()> {
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
    async fn connect(&self, place: usize) -> Result<Link> {
        let mut link = self.front.connect(place, &self.caller)?;
        for greeting in &self.greetings {
            link.send(greeting.clone());
            let reply = link.reply().await?;
            if reply.starts_with(b"-") {
                return Err(Error::new(Code::NoAuth, "the token was withdrawn: ask contactd's operator for another one"));
            }
        }
        Ok(link)
    }

    /// The next reply of a partition. One that has failed once has nothing more in this burst.
    async fn raw_reply(&mut self, place: usize, failed: &mut [Option<Error>]) -> Result<Bytes> {
        if let Some(why) = &failed[place] {
            return Err(why.clone());
        }
        let gone = || Error::new(Code::Standby, "the partition has gone: send it again");
        let link = self.links[place].as_mut().ok_or_else(gone)?;
        link.reply().await.inspect_err(|why| failed[place] = Some(why.clone()))
    }

    async fn reply(&mut self, place: usize, failed: &mut [Option<Error>]) -> Result<Reply> {
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
    fn stats(&mut self, answers: &[Reply]) -> Result<()> {
        if let Some(error) = answers.iter().find(|answer| matches!(answer, Reply::Error(_))) {
            self.replies.again(error);
            return Ok(());
        }
        command::gather_stats(answers, &self.server.shared.counters, &mut self.replies)
    }

    /// Makes one reply of those of all partitions. An error of one is an error of all.
    fn merge(&mut self, merge: Merge, request: &[u8], answers: Vec<Result<Reply>>) -> Result<()> {
        let answers = answers.into_iter().collect::<Result<Vec<Reply>>>()?;
        if let Some(error) = answers.iter().find(|answer| matches!(answer, Reply::Error(_))) {
            self.replies.again(error);
            return Ok(());
        }
        self.put_together(merge, request, &answers)
    }

    fn put_together(&mut self, merge: Merge, request: &[u8], answers: &[Reply]) -> Result<()> {
        let args = args_of(request);
        merge(Gathered { args, replies: answers, warning: self.front.warning }, &mut self.replies)
    }

    /// Asks each partition something of its own, and waits for all.
    async fn ask_each(&mut self, requests: Vec<Bytes>) -> Result<Vec<Reply>> {
        let mut failed = vec![None; self.front.len()];
        for (place, request) in requests.into_iter().enumerate() {
            if let Err(why) = self.send(place, request).await {
                failed[place] = Some(why);
            }
        }
        let mut answers = Vec::with_capacity(self.front.len());
        for place in 0..self.front.len() {
            answers.push(self.reply(place, &mut failed).await);
        }
        answers.into_iter().collect()
    }

    async fn ask_all(&mut self, request: &[u8]) -> Result<Vec<Reply>> {
        let request = Bytes::copy_from_slice(request);
        self.ask_each(vec![request; self.front.len()]).await
    }

    /// Asks one partition.
    async fn ask(&mut self, place: usize, request: Vec<u8>) -> Result<Bytes> {
        self.send(place, request.into()).await?;
        self.raw_reply(place, &mut vec![None; self.front.len()]).await
    }

    /// Runs a request that needs several rounds.
    async fn alone(&mut self, reach: Reach, raw: &[u8]) -> io::Result<()> {
        let mut decoder = Decoder::default();
        let Decoded::Request(request, _) = decoder.step(raw) else { return Ok(()) };
        let done = match reach {
            Reach::Session => self.greet(request, raw).await,
            Reach::Pages => self.page(request).await,
            Reach::Inbox => self.inbox(request, raw).await,
            Reach::Stream => return self.export(request, raw).await,
            Reach::Follow => self.follow(request).await,
            Reach::Unlist => self.unlist(request, raw).await,
            Reach::Stats => match self.ask_all(raw).await {
                Ok(answers) => self.stats(&answers),
                Err(why) => Err(why),
            },
            Reach::Unfence(merge) => match self.ask_all(raw).await {
                Ok(answers) => self.put_together(merge, raw, &answers),
                Err(why) => Err(why),
            },
            Reach::Purge => self.split(command::split_purge(request.args, self.front.len())).await,
            Reach::Backup => {
                let now = self.front.context().map_or(0, |context| context.store.now());
                let name = || format!("contactd-{}", now / 1000);
                self.split(command::split_backup(request.args, self.front.len(), name)).await
            }
            Reach::Nothing | Reach::Contact(_) | Reach::Row | Reach::Contacts | Reach::All(_) => Ok(()),
        };
        if let Err(error) = done {
            self.replies.error(&error);
        }
        Ok(())
    }

    /// HELLO and AUTH: what one partition accepts the others are told as well, and those that come later.
    async fn greet(&mut self, request: Request<'_>, raw: &[u8]) -> Result<()> {
        let greeting = Bytes::copy_from_slice(raw);
        let reply = self.ask(0, raw.to_vec()).await?;
        self.replies.raw(&reply);
        if reply.starts_with(b"-") {
            return Ok(());
        }
        for place in 1..self.front.len() {
            if let Some(link) = &mut self.links[place] {
                link.send(greeting.clone());
                if link.reply().await.is_err() {
                    self.links[place] = None;
                }
            }
        }
        if self.greetings.len() == GREETINGS_MAX {
            self.greetings.remove(0);
        }
        self.greetings.push(greeting);
        self.deadline = None;
        self.decoder.limit_requests(REQUEST_BYTES_MAX);
        let mut args = request.args;
        match args.next() {
            Some(b"3") => self.replies.set_resp3(true),
            Some(b"2") => self.replies.set_resp3(false),
            _ => {}
        }
        Ok(())
    }

    /// A page: as much as there is in one partition, then in the next one, until it is full.
    async fn page(&mut self, request: Request<'_>) -> Result<()> {
        let page = PageRequest::read(request.verb, request.args)?;
        let (mut place, mut after) = page.begin(self.front.len()).map(|(place, after)| (place, after.map(str::to_owned)))?;
        let mut items: Vec<Reply> = Vec::new();
        let next = loop {
            let request = page.of(page.limit - items.len(), after.as_deref());
            let reply = decode(&self.ask(place, request).await?)?;
            let Reply::Array(mut found) = reply else {
                self.replies.again(&reply);
                return Ok(());
            };
            let next = match found.is_empty() {
                true => Reply::Text("0".to_owned()),
                false => found.remove(0),
            };
            items.append(&mut found);
            match next {
                Reply::Text(next) if next != "0" => break format!("{place}:{next}"),
                _ if place + 1 == self.front.len() => break "0".to_owned(),
                _ if items.len() >= page.limit => break format!("{}:0", place + 1),
                _ => (place, after) = (place + 1, None),
            }
        };
        self.replies.array(items.len() + 1);
        self.replies.text(&next);
        items.iter().for_each(|item| self.replies.again(item));
        Ok(())
    }

    /// INBOX: the newest messages of all. A number says in which partition it is counted.
    async fn inbox(&mut self, request: Request<'_>, raw: &[u8]) -> Result<()> {
        let partitions = self.front.len() as u64;
        let mut args = request.args;
        if args.next().is_some_and(|word| word.eq_ignore_ascii_case(b"DONE")) {
            let number = args.next().and_then(|word| std::str::from_utf8(word).ok()?.parse::<u64>().ok());
            let Some(number) = number.filter(|_| args.is_empty()) else {
                let reply = self.ask(0, raw.to_vec()).await?;
                self.replies.raw(&reply);
                return Ok(());
            };
            let request = format!("INBOX DONE {}\n", number / partitions);
            let reply = self.ask((number % partitions) as usize, request.into_bytes()).await?;
            self.replies.raw(&reply);
            return Ok(());
        }
        let page = PageRequest::read(request.verb, request.args)?;
        let begins = Cursor::read(page.after.as_deref(), self.front.len())?;
        let requests = begins.0.iter().map(|after| page.of(page.limit, after.as_deref()).into());
        let answers = self.ask_each(requests.collect()).await?;
        if let Some(error) = answers.iter().find(|answer| matches!(answer, Reply::Error(_))) {
            self.replies.again(error);
            return Ok(());
        }
        let (next, messages) = begins.merge(&answers, page.limit)?;
        self.replies.array(messages.len() + 1);
        self.replies.text(&next);
        messages.iter().for_each(|message| self.replies.text(message));
        Ok(())
    }

    /// EXPORT: the contacts of one partition after those of the one before, piece by piece.
    async fn export(&mut self, request: Request<'_>, raw: &[u8]) -> io::Result<()> {
        if matches!(request.args, Args::Array(_)) {
            match self.ask(0, raw.to_vec()).await {
                Ok(reply) => self.replies.raw(&reply),
                Err(why) => self.replies.error(&why),
            }
            return Ok(());
        }
        for place in 0..self.front.len() {
            match self.ask(place, raw.to_vec()).await {
                Ok(head) if head.starts_with(b"*?") => {
                    if place == 0 {
                        self.replies.raw(&head);
                    }
                }
                refused => {
                    match refused {
                        Ok(reply) => self.replies.raw(&reply),
                        Err(why) => self.replies.error(&why),
                    }
                    if place > 0 {
                        self.replies.end_stream();
                    }
                    return Ok(());
                }
            }
            let mut failed = vec![None; self.front.len()];
            loop {
                match self.raw_reply(place, &mut failed).await {
                    Ok(end) if end.starts_with(b".") => break,
                    Ok(item) => self.replies.raw(&item),
                    Err(why) => {
                        self.replies.error(&why);
                        self.replies.end_stream();
                        return Ok(());
                    }
                }
                if self.replies.len() >= REPLY_BYTES_UNSENT_MAX / 8 {
                    self.flush().await?;
                }
            }
        }
        self.replies.end_stream();
        Ok(())
    }

    /// FEED: the changes of all partitions.
    async fn follow(&mut self, request: Request<'_>) -> Result<()> {
        let feed = Feed::read(request.args, self.front.len())?;
        let behind = match feed {
            Feed::Now => {
                let answers = self.ask_all(b"FEED\n").await?;
                return self.told(&answers, |answers, replies| follow::now(answers, replies));
            }
            Feed::Last(number) => {
                let answers = self.ask_all(format!("FEED LAST {number}\n").as_bytes()).await?;
                return self.told(&answers, |answers, replies| follow::last(answers, &number, replies));
            }
            Feed::Behind(behind) => behind,
        };
        // Each partition looks at LIMIT and WAIT; none waits yet.
        let requests = |wait: u64| (0..self.front.len()).map(move |place| (place, wait));
        let wait_ms = behind.wait.as_ref().map(|wait| wait.parse::<u64>().unwrap_or(FEED_WAIT_MS_MAX + 1));
        if let Some(wrong) = behind.wait.as_ref().filter(|_| wait_ms.is_some_and(|ms| ms > FEED_WAIT_MS_MAX)) {
            let reply = self.ask(0, format!("FEED {} WAIT {wrong}\n", behind.positions[0]).into_bytes()).await?;
            self.replies.raw(&reply);
            return Ok(());
        }
        let until = Instant::now() + Duration::from_millis(wait_ms.unwrap_or(0));
        let limit = behind.limit.as_ref().map_or(PAGE_ITEMS_DEFAULT, |limit| limit.parse().unwrap_or(PAGE_ITEMS_MAX));
        loop {
            let asked = requests(0).map(|(place, wait)| Bytes::from(behind.request(place, wait))).collect();
            let answers = self.ask_each(asked).await?;
            let left = until.saturating_duration_since(Instant::now());
            let is_news = answers.iter().enumerate().any(|(place, answer)| {
                matches!(answer, Reply::Error(_)) || follow::has_items(place, answer)
            });
            if is_news || left.is_zero() || self.server.stop.is_cancelled() {
                let positions = behind.positions.clone();
                return self.told(&answers, |answers, replies| follow::behind(answers, positions, limit, replies));
            }
            self.wait_for_news(&behind, left).await?;
        }
    }

    /// Answers with what became of several answers, or with the error among them.
    fn told(&mut self, answers: &[Reply], tell: impl FnOnce(&[Reply], &mut Replies) -> Result<()>) -> Result<()> {
        match answers.iter().find(|answer| matches!(answer, Reply::Error(_))) {
            Some(error) => self.replies.again(error),
            None => tell(answers, &mut self.replies)?,
        }
        Ok(())
    }

    /// Waits until a partition has news, or so long, over connections that are given up then.
    async fn wait_for_news(&mut self, behind: &follow::Behind, left: Duration) -> Result<()> {
        let mut waiting = JoinSet::new();
        for place in 0..self.front.len() {
            let mut link = self.connect(place).await?;
            link.send(behind.request(place, left.as_millis() as u64).into());
            waiting.spawn(async move { link.reply().await.and_then(|reply| decode(&reply)).map(|reply| (place, reply)) });
        }
        let news = async {
            while let Some(Ok(Ok((place, reply)))) = waiting.join_next().await {
                if matches!(reply, Reply::Error(_)) || follow::has_items(place, &reply) {
                    break;
                }
            }
        };
        let (stream, input) = (&mut self.stream, &mut self.input);
        // Somebody who has left waits for nothing.
        let left_by_client = async {
            loop {
                if input.len() >= REQUEST_BYTES_MAX {
                    return std::future::pending().await;
                }
                input.reserve(1024);
                if stream.read_buf(input).await.unwrap_or(0) == 0 {
                    return;
                }
            }
        };
        tokio::select! {
            () = news => Ok(()),
            () = self.server.stop.cancelled() => Ok(()),
            () = left_by_client => Err(Error::new(Code::Draining, "the client has gone")),
        }
    }

    /// UNLIST: none goes while one of them has contacts on the list, unless it is forced.
    async fn unlist(&mut self, request: Request<'_>, raw: &[u8]) -> Result<()> {
        let mut args = request.args;
        let list = args.next().and_then(ListNumber::parse);
        if let Some(list) = list.filter(|_| args.is_empty()) {
            // What was asked before is answered: nothing of it is on its way.
            let members = |context: Arc<Context>| {
                let gate = context.store.gate();
                gate.lists().known(list).map_or(0, |id| gate.members(id))
            };
            let members: u64 = self.front.contexts().map(members).sum();
            if members > 0 {
                return Err(has_members(list, members));
            }
        }
        let answers = self.ask_all(raw).await?;
        self.merge(command::same, raw, answers.into_iter().map(Ok).collect())
    }

    async fn split(&mut self, split: Result<command::Split>) -> Result<()> {
        let split = split?;
        let requests = split.requests.iter().map(|words| {
            let mut request = Vec::new();
            write_request(&mut request, words);
            request.into()
        });
        let answers = self.ask_each(requests.collect()).await?;
        self.merge(split.merge, b"", answers.into_iter().map(Ok).collect())
    }

    /// Reads more. False: the client has gone, or is to go.
    async fn read(&mut self) -> io::Result<bool> {
        if self.input.is_empty() && self.input.capacity() > REQUEST_BYTES_MAX {
            self.input = BytesMut::new();
        }
        self.input.reserve(1024);
        let read = async {
            match self.deadline {
                Some(deadline) => timeout_at(deadline, self.stream.read_buf(&mut self.input)).await.unwrap_or(Ok(0)),
                None => self.stream.read_buf(&mut self.input).await,
            }
        };
        tokio::select! {
            biased;
            () = self.server.stop.cancelled() => Ok(false),
            read = read => Ok(read? > 0),
        }
    }

    /// Sends all replies. A client that takes none of them for too long is let go.
    async fn flush(&mut self) -> io::Result<()> {
        if self.replies.is_empty() {
            return Ok(());
        }
        let sent = async {
            self.stream.write_all(self.replies.as_bytes()).await?;
            self.stream.flush().await
        };
        timeout(Duration::from_millis(WRITE_STALL_MS_MAX), sent).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
        self.replies.clear();
        Ok(())
    }
}

/// A reply as it is on the wire.
fn decode(raw: &[u8]) -> Result<Reply> {
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
