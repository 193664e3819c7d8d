//! One connection: reads once, runs every complete request in the buffer, writes once.
//!
//! This is the loop, and everything that touches the socket. [`super::burst`] runs the requests, [`super::pipeline`] has the
//! writes that are not answered yet.

use std::future::{pending, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::task::{block_in_place, yield_now};
use tokio::time::{Instant, sleep, timeout_at};

use super::Server;
use super::burst::{Dialogue, Pause, no_owner};
use crate::command::{Grant, Pace, Peer};
use crate::limits::{
    REPLY_BYTES_UNSENT_MAX, REQUEST_BYTES_MAX, UNAUTHENTICATED_MS_MAX, WRITE_STALL_MS_MAX, WRONG_TOKEN_MS,
};

/// A client that sends nothing keeps this much.
const INPUT_BYTES_IDLE: usize = 1024;

struct Connection<'s, S> {
    server: &'s Server,
    stream: S,
    input: BytesMut,
    /// How much is read at a time.
    read_bytes: usize,
    /// How often it was read, to look for the drain now and then.
    reads: u8,
    /// Until when the client must have given its token, if one is wanted.
    deadline: Instant,
    dialogue: Dialogue<'s>,
}

/// What a wait has brought.
enum Waited {
    /// There may be something to do.
    Ready,
    /// The client has gone, or sends no more.
    End,
    /// The server drains.
    Drain,
}

/// Serves one client until it leaves, misbehaves, or the server drains. `grant` is what it may do, if that does not depend on a
/// token.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    server: &Server,
    grant: Option<Grant>,
    peer: Peer,
) {
    let connection = Connection {
        server,
        stream,
        input: BytesMut::new(),
        read_bytes: INPUT_BYTES_IDLE,
        reads: 0,
        deadline: Instant::now() + Duration::from_millis(UNAUTHENTICATED_MS_MAX),
        dialogue: Dialogue::new(server, grant, peer),
    };
    // The client is gone or was told why: there is nobody left to tell.
    let _ = connection.run().await;
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<'_, S> {
    async fn run(mut self) -> io::Result<()> {
        let mut pace = Pace::Prompt;
        let mut draining = false;
        loop {
            let Connection { dialogue, input, .. } = &mut self;
            let pause = match pace {
                Pace::Prompt => dialogue.burst(input, pace),
                Pace::Slow => block_in_place(|| dialogue.burst(input, pace)),
            };
            pace = if pause == Pause::Slow { Pace::Slow } else { Pace::Prompt };
            match pause {
                Pause::Slow => {}
                Pause::Input => {
                    self.hand_over().await?;
                    if draining {
                        return self.finish().await;
                    }
                    if !self.dialogue.pipeline.has_jobs() {
                        self.flush().await?;
                    }
                    match self.wait().await? {
                        Waited::Ready => {}
                        Waited::End => return self.finish().await,
                        Waited::Drain => draining = true,
                    }
                }
                Pause::Job => self.hand_over().await?,
                Pause::Order => self.await_writes().await,
                Pause::Turn => {
                    self.await_writes().await;
                    self.flush().await?;
                    yield_now().await;
                }
                Pause::Confirm => {
                    self.flush().await?;
                    if !self.confirm().await {
                        return self.flush().await;
                    }
                }
                Pause::News => {
                    self.flush().await?;
                    self.await_news().await?;
                }
                Pause::Stream => self.export().await?,
                Pause::WrongToken => {
                    self.delay().await;
                    self.flush().await?;
                }
                Pause::Close => return self.flush().await,
            }
        }
    }

    /// Hands pending writes to the writer, and waits until another job may follow.
    async fn hand_over(&mut self) -> io::Result<()> {
        let Dialogue { pipeline, replies, .. } = &mut self.dialogue;
        pipeline.hand_over().await;
        pipeline.await_capacity(replies).await;
        let rest = pipeline.courtesy(replies).await;
        if !rest.is_zero() {
            self.flush().await?;
            sleep(rest).await;
        }
        if self.dialogue.replies.len() >= REPLY_BYTES_UNSENT_MAX {
            self.flush().await?;
        }
        Ok(())
    }

    /// Waits until every write so far is answered.
    async fn await_writes(&mut self) {
        let Dialogue { pipeline, replies, .. } = &mut self.dialogue;
        pipeline.hand_over().await;
        pipeline.await_writes(replies).await;
    }

    /// Answers everything, and ends.
    async fn finish(&mut self) -> io::Result<()> {
        self.await_writes().await;
        self.flush().await
    }

    /// Sends a stream piece by piece, each once the client has taken the one before, so that it costs no more memory than
    /// a piece, and others get their turn.
    async fn export(&mut self) -> io::Result<()> {
        let (Some(mut export), Some(context)) = (self.dialogue.export.take(), self.dialogue.context()) else {
            return Ok(());
        };
        while block_in_place(|| export.next(context, &mut self.dialogue.replies)) {
            self.flush().await?;
            if self.dialogue.is_withdrawn() || !context.may_answer() {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            yield_now().await;
        }
        self.flush().await
    }

    /// Waits until the ledger has said that this daemon is still the owner, for whatever has come by now. False: it is not, and
    /// the client is told so.
    async fn confirm(&mut self) -> bool {
        let Connection { dialogue, input, .. } = self;
        let come = input.len();
        let Some(reign) = dialogue.context().and_then(|context| context.reign.as_ref()) else { return true };
        if !reign.confirmed().await {
            dialogue.replies.error(&no_owner());
            return false;
        }
        dialogue.confirmed = come;
        true
    }

    /// Slows one down that guesses tokens.
    async fn delay(&self) {
        tokio::select! {
            () = sleep(Duration::from_millis(WRONG_TOKEN_MS)) => {}
            () = self.server.stop.cancelled() => {}
        }
    }

    /// Waits until a request that waits for news is to be run again.
    async fn await_news(&mut self) -> io::Result<()> {
        let Connection { stream, input, dialogue, .. } = self;
        let Some(wait) = &mut dialogue.feed_wait else { return Ok(()) };
        let read = async {
            if input.len() >= REQUEST_BYTES_MAX {
                return pending().await;
            }
            input.reserve(INPUT_BYTES_IDLE);
            stream.read_buf(input).await
        };
        wait.wait(&mut dialogue.ending, read).await
    }

    /// Waits for more requests, for the oldest job, or for the end.
    async fn wait(&mut self) -> io::Result<Waited> {
        let has_jobs = self.dialogue.pipeline.has_jobs();
        if !has_jobs && self.input.is_empty() && self.input.capacity() > self.read_bytes {
            self.input = BytesMut::new();
        }
        self.input.reserve(self.read_bytes);
        let unauthenticated = self.dialogue.is_unauthenticated();
        // A read that is always ready would never meet its timeout.
        if unauthenticated && Instant::now() >= self.deadline {
            return Ok(Waited::End);
        }
        let Connection { server, stream, input, deadline, dialogue, .. } = self;
        let Dialogue { pipeline, replies, ending, .. } = dialogue;
        let read = async {
            if unauthenticated {
                timeout_at(*deadline, stream.read_buf(input)).await.unwrap_or(Ok(0))
            } else {
                stream.read_buf(input).await
            }
        };
        let read = tokio::select! {
            biased;
            outcomes = pipeline.oldest_outcomes(), if has_jobs => {
                pipeline.render(outcomes, replies);
                if !pipeline.has_jobs() || replies.len() >= REPLY_BYTES_UNSENT_MAX {
                    self.flush().await?;
                }
                return Ok(Waited::Ready);
            }
            read = read => read?,
            () = ending.told(), if !has_jobs => {
                // Where only the token was withdrawn, the next burst ends the connection.
                return Ok(if server.stop.is_cancelled() { Waited::Drain } else { Waited::Ready });
            }
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
    async fn flush(&mut self) -> io::Result<()> {
        let stall = Duration::from_millis(WRITE_STALL_MS_MAX);
        let replies = &mut self.dialogue.replies;
        let mut sent = 0;
        while sent < replies.len() {
            let rest = &replies.as_bytes()[sent..];
            let some = async {
                let written = self.stream.write(rest).await?;
                // What encrypts keeps the last bytes back until it is told.
                if written == rest.len() {
                    self.stream.flush().await?;
                }
                Ok::<usize, io::Error>(written)
            };
            sent += match within(stall, some).await {
                Some(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Some(written) => written?,
                None => return Err(io::ErrorKind::TimedOut.into()),
            };
        }
        replies.clear();
        Ok(())
    }
}

/// What comes out of some work, if it need not wait for longer. The clock is read, and a timer set, where it has to wait at all.
async fn within<T>(longest: Duration, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut timer = None;
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => timer.get_or_insert_with(|| Box::pin(sleep(longest))).as_mut().poll(context).map(|()| None),
    })
    .await
}
