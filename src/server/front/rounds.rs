//! Requests of a client that need more than one round with the partitions: a page, a position, a list that is to go.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::conversation::{Conversation, decode};
use super::follow::{self, Feed};
use super::inbox::Cursor;
use super::page::PageRequest;
use crate::command::{self, FOREIGN, NO_POSITION, Reach, Run, TABLE};
use crate::error::{Code, Error, Result};
use crate::limits::{PAGE_ITEMS_MAX, REPLY_BYTES_UNSENT_MAX, REQUEST_BYTES_MAX};
use crate::model::phone::ListNumber;
use crate::model::transition::list::has_members;
use crate::store::backup_file::name_of;
use crate::wire::{Args, Decoded, Decoder, Reply, Request, begins_stream, ends_stream, is_error, write_request};

/// Requests that say who the client is and how it is answered: a connection to a partition begins with them. Of more than so
/// many the oldest say nothing any more.
const GREETINGS_MAX: usize = 8;

impl<S: AsyncRead + AsyncWrite + Unpin> Conversation<'_, S> {
    /// Asks each partition something of its own, and waits for all.
    pub(super) async fn ask_each(&mut self, requests: Vec<Bytes>) -> Result<Vec<Reply>> {
        self.answers_of_each(requests).await.into_iter().collect()
    }

    /// The same, with what each says that answers, whatever becomes of the others.
    pub(super) async fn answers_of_each(&mut self, requests: Vec<Bytes>) -> Vec<Result<Reply>> {
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
        answers
    }

    pub(super) async fn ask_all(&mut self, request: &[u8]) -> Result<Vec<Reply>> {
        let request = Bytes::copy_from_slice(request);
        self.ask_each(vec![request; self.front.len()]).await
    }

    /// Asks one partition.
    pub(super) async fn ask(&mut self, place: usize, request: Vec<u8>) -> Result<Bytes> {
        self.send(place, request.into()).await?;
        self.raw_reply(place, &mut vec![None; self.front.len()]).await
    }

    /// Runs a request that needs several rounds.
    pub(super) async fn alone(&mut self, reach: Reach, raw: &[u8]) -> io::Result<()> {
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
                if let Some((place, words)) = command::backup_of_one(request.args, self.front.len()) {
                    return self.tell_of(place, &words).await;
                }
                let now = (self.server.shared.clock)();
                self.split(command::split_backup(request.args, self.front.len(), || name_of(now))).await
            }
            Reach::Contact(at) if at > 0 => match self.without_list(request).await {
                Ok(false) => self.by_reading(raw).await,
                done => done.map(|_| ()),
            },
            Reach::Contact(_) | Reach::Row => self.by_reading(raw).await,
            Reach::Nothing | Reach::Partition | Reach::Contacts | Reach::All(_) => Ok(()),
        };
        if let Err(error) = done {
            self.replies.error(&error);
        }
        Ok(())
    }

    /// Phones alone, of which the first is no list but a contact: the list was forgotten, and what forbids counts for all. Only the
    /// partition of the first knows that, so that of the second gets a list that cannot be read. False: it is another request.
    async fn without_list(&mut self, request: Request<'_>) -> Result<bool> {
        let forbids = command::find(request.verb).is_ok_and(|found| matches!(TABLE[found].run, Run::Forbid(_)));
        let Some(phones) = command::phones_alone(request.args).filter(|_| forbids) else { return Ok(false) };
        let (first, second) = (phones[0], phones[1]);
        let known = self.ask(self.front.place(first), format!("GET {first}\n").into_bytes()).await?;
        let is_contact = matches!(decode(&known)?, Reply::Text(_));
        // The other way round, they are a phone and its list.
        let list = self.ask(0, format!("LISTS {second}\n").into_bytes()).await?;
        if !is_contact || matches!(decode(&list)?, Reply::Array(_)) {
            return Ok(false);
        }
        let mut words = vec![request.verb.to_vec(), b"?".to_vec()];
        words.extend(phones[1..].iter().map(|phone| phone.to_string().into_bytes()));
        let mut stricter = Vec::new();
        write_request(&mut stricter, &words);
        let answer = decode(&self.ask(self.front.place(second), stricter).await?)?;
        let taken = match &answer {
            Reply::Error(why) => why.strip_prefix(Code::BadArg.word()).and_then(|why| why.split_once("; ")),
            _ => None,
        };
        match taken {
            Some((taken, _)) => {
                let why = command::list_forgotten(first.into()).message;
                Err(Error::bad_arg(format!("{}; {why}", taken.trim_start())))
            }
            None => {
                self.replies.again(&answer);
                Ok(true)
            }
        }
    }

    /// A contact that is not where it belongs in its request: the first partition reads it, and says whose it is.
    async fn by_reading(&mut self, raw: &[u8]) -> Result<()> {
        let mut place = 0;
        // Each reads it by the lists and contacts that it has.
        for _ in 0..=self.front.len() {
            let reply = self.ask(place, raw.to_vec()).await?;
            match moved_to(&reply).filter(|next| *next < self.front.len()) {
                Some(next) => place = next,
                None => {
                    self.replies.raw(&reply);
                    return Ok(());
                }
            }
        }
        Err(Error::bad_arg("the number is read in another way in each partition: write it as +14155552671"))
    }

    /// HELLO and AUTH: what one partition accepts the others are told as well, and those that come later.
    async fn greet(&mut self, request: Request<'_>, raw: &[u8]) -> Result<()> {
        let greeting = Bytes::copy_from_slice(raw);
        let reply = self.ask(0, raw.to_vec()).await?;
        self.replies.raw(&reply);
        if is_error(&reply) {
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
        let (mut place, mut after) =
            page.begin(self.front.len()).map(|(place, after)| (place, after.map(str::to_owned)))?;
        let mut items: Vec<Reply> = Vec::new();
        let next = loop {
            let request = page.of(page.limit - items.len(), after.as_deref());
            let reply = decode(&self.ask(place, request).await?)?;
            let Reply::Array(mut found) = reply else {
                self.replies.again(&reply);
                return Ok(());
            };
            let next = if found.is_empty() { Reply::Text("0".to_owned()) } else { found.remove(0) };
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
        for item in &items {
            self.replies.again(item);
        }
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
        self.told(&answers, |answers, replies| {
            let (next, messages) = begins.merge(answers, page.limit)?;
            replies.array(messages.len() + 1);
            replies.text(&next);
            for message in &messages {
                replies.text(message);
            }
            Ok(())
        })
    }

    /// EXPORT: the contacts of one partition after those of the one before, piece by piece.
    async fn export(&mut self, request: Request<'_>, raw: &[u8]) -> io::Result<()> {
        if matches!(request.args, Args::Array(_)) {
            let reply = self.ask(0, raw.to_vec()).await;
            self.tell(reply);
            return Ok(());
        }
        for place in 0..self.front.len() {
            match self.ask(place, raw.to_vec()).await {
                Ok(head) if begins_stream(&head) => {
                    if place == 0 {
                        self.replies.raw(&head);
                    }
                }
                refused => {
                    self.tell(refused);
                    if place > 0 {
                        self.replies.end_stream();
                    }
                    return Ok(());
                }
            }
            let mut failed = vec![None; self.front.len()];
            loop {
                match self.raw_reply(place, &mut failed).await {
                    Ok(end) if ends_stream(&end) => break,
                    Ok(item) => self.replies.raw(&item),
                    Err(why) => {
                        self.refuse(&why);
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

    /// Answers with what a partition said, and counts it if it is an error.
    fn tell(&mut self, reply: Result<Bytes>) {
        let begin = self.replies.len();
        match reply {
            Ok(reply) => self.replies.raw(&reply),
            Err(why) => self.replies.error(&why),
        }
        self.count_error(begin);
    }

    /// FEED: the changes of all partitions.
    async fn follow(&mut self, request: Request<'_>) -> Result<()> {
        let feed = Feed::read(request.args, self.front.len())?;
        let mut behind = match feed {
            Feed::Now => {
                let answers = self.ask_all(b"FEED\n").await?;
                return self.told(&answers, follow::now);
            }
            Feed::Last(number) => {
                let mut asked = number;
                let answers = loop {
                    let answers = self.ask_all(format!("FEED LAST {asked}\n").as_bytes()).await?;
                    if asked >= PAGE_ITEMS_MAX || !follow::is_short(&answers, asked, number) {
                        break answers;
                    }
                    asked = (2 * asked).min(PAGE_ITEMS_MAX);
                };
                return self.told(&answers, |answers, replies| follow::last(answers, number, replies));
            }
            Feed::Unknown(position) => return self.lost_position(&position, FOREIGN).await,
            Feed::Behind(behind) => behind,
        };
        let until = Instant::now() + behind.wait;
        loop {
            // None waits yet.
            let asked = (0..self.front.len()).map(|place| behind.request(place, Duration::ZERO).into()).collect();
            let answers = self.ask_each(asked).await?;
            if let Some(why) = follow::lost(&answers) {
                return self.lost_position(&behind.word(), why).await;
            }
            if let Some(refused) = answers.iter().find(|answer| matches!(answer, Reply::Error(_))) {
                self.replies.again(refused);
                return Ok(());
            }
            // A page without items means that there are none: it goes on behind those that are not told.
            if behind.take(&answers)? {
                continue;
            }
            let left = until.saturating_duration_since(Instant::now());
            if !behind.is_empty() || left.is_zero() || self.server.stop.is_cancelled() {
                behind.tell(&mut self.replies);
                return Ok(());
            }
            self.wait_for_news(&behind, left).await?;
        }
    }

    /// Answers a position that is not there with the oldest one that is.
    async fn lost_position(&mut self, position: &str, why: &str) -> Result<()> {
        let answers = self.ask_all(format!("FEED {NO_POSITION}\n").as_bytes()).await?;
        follow::oldest(&answers, position, why, &mut self.replies)
    }

    /// Waits until a partition says anything, or so long, over connections that are given up then. What it says may be of no
    /// interest: it is passed over then, and waited for what comes behind it.
    async fn wait_for_news(&mut self, behind: &follow::Behind, left: Duration) -> Result<()> {
        let mut waiting = JoinSet::new();
        for place in 0..self.front.len() {
            let mut link = self.connect(place).await?;
            link.send(behind.request(place, left).into());
            waiting.spawn(async move { link.reply().await });
        }
        let news = waiting.join_next();
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
            biased;
            _ = news => Ok(()),
            // Nothing is read any more then, as from a client that has left.
            () = self.server.stop.cancelled() => Ok(()),
            () = left_by_client => Err(Error::new(Code::Draining, "the client has gone")),
        }
    }

    /// UNLIST: none goes while one of them has contacts on the list, unless it is forced.
    async fn unlist(&mut self, request: Request<'_>, raw: &[u8]) -> Result<()> {
        let mut args = request.args;
        let list = args.next().and_then(ListNumber::parse);
        // Who may not do it hears nothing of the list: without a list, one who may is told how it is said.
        let refused = decode(&self.ask(0, b"UNLIST\n".to_vec()).await?)?;
        if !matches!(&refused, Reply::Error(why) if why.starts_with(Code::Err.word())) {
            self.replies.again(&refused);
            return Ok(());
        }
        if let Some(list) = list.filter(|_| args.is_empty()) {
            // What was asked before is answered: nothing of it is on its way.
            let answers = self.ask_all(format!("LISTS {list}\n").as_bytes()).await?;
            let members: u64 = answers.iter().map(members).sum();
            if members > 0 {
                return Err(has_members(list, members));
            }
        }
        let answers = self.ask_all(raw).await?;
        self.merge(command::same, raw, &answers)
    }

    /// Asks one partition, and tells what it says.
    async fn tell_of(&mut self, place: usize, words: &[Vec<u8>]) -> io::Result<()> {
        let mut request = Vec::new();
        write_request(&mut request, words);
        match self.ask(place, request).await {
            Ok(reply) => self.replies.raw(&reply),
            Err(why) => self.replies.error(&why),
        }
        Ok(())
    }

    async fn split(&mut self, split: Result<command::Split>) -> Result<()> {
        let split = split?;
        let request = |words: &Vec<Vec<u8>>| {
            let mut request = Vec::new();
            write_request(&mut request, words);
            request
        };
        let mut answers =
            self.answers_of_each(split.requests.iter().map(|words| request(words).into()).collect()).await;
        let has_begun = |answer: &Result<Reply>| !matches!(answer, Ok(Reply::Error(_)) | Err(_));
        if let Some(undo) = split.undo.filter(|_| !answers.iter().all(has_begun)) {
            for place in (0..answers.len()).filter(|place| has_begun(&answers[*place])) {
                // One that has gone meanwhile has ended what it was at.
                let _ = self.ask(place, request(&undo)).await;
            }
        }
        if let Some(done) = split.done.filter(|_| answers.iter().any(has_begun)) {
            answers.retain(|answer| !matches!(answer, Ok(Reply::Error(why)) if why.contains(done)));
        }
        let answers = answers.into_iter().collect::<Result<Vec<Reply>>>()?;
        self.merge(split.merge, b"", &answers)
    }
}

/// Where a partition says that a contact is.
fn moved_to(reply: &[u8]) -> Option<usize> {
    match decode(reply) {
        Ok(Reply::Error(why)) => why.strip_prefix(Code::Moved.word())?.trim().parse().ok(),
        _ => None,
    }
}

/// How many contacts keep the list of a reply to LISTS.
fn members(reply: &Reply) -> u64 {
    let Reply::Array(items) = reply else { return 0 };
    let count = |item: &Reply| match item {
        Reply::Text(item) => {
            let item: Value = serde_json::from_str(item).unwrap_or_default();
            ["active", "suppressed"].iter().filter_map(|status| item[*status].as_u64()).sum()
        }
        _ => 0,
    };
    items.iter().map(count).sum()
}
