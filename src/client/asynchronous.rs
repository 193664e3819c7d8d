//! A client that waits as a task, over any stream of bytes.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};

use super::{Reply, lost};
use crate::error::Result;
use crate::wire::{ReplyDecoder, end_line, write_request};

/// How much is received at a time: a daemon has many of these clients.
const PIECE_BYTES: usize = 8 * 1024;

/// A connection to a daemon: over a pipe in memory, a socket, or what encrypts one.
pub struct AsyncClient<S> {
    replies: ReadHalf<S>,
    requests: WriteHalf<S>,
    unsent: Vec<u8>,
    /// How much of that was sent.
    sent: usize,
    /// Whether all that was sent has left the stream's own buffer.
    is_flushed: bool,
    decoder: ReplyDecoder,
    piece: Box<[u8]>,
}

impl<S: AsyncRead + AsyncWrite> AsyncClient<S> {
    /// A client over a stream that is connected.
    pub fn new(stream: S) -> AsyncClient<S> {
        let (replies, requests) = tokio::io::split(stream);
        let decoder = ReplyDecoder::default();
        let piece = vec![0; PIECE_BYTES].into();
        AsyncClient { replies, requests, unsent: Vec::new(), sent: 0, is_flushed: true, decoder, piece }
    }

    /// Puts one request into the pipeline, word by word. It is sent when a reply is awaited.
    pub fn send<W: AsRef<[u8]>>(&mut self, words: &[W]) {
        write_request(&mut self.unsent, words);
        self.is_flushed = false;
    }

    /// The same for a line as it is. EXPORT, whose reply is a stream, is taken as a line only.
    pub fn send_line(&mut self, line: &str) {
        self.unsent.extend_from_slice(line.as_bytes());
        end_line(&mut self.unsent);
        self.is_flushed = false;
    }

    /// Sends one request, word by word, and waits for its reply. No other one may be awaited.
    pub async fn call<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Result<Reply> {
        self.send(words);
        self.receive().await
    }

    /// Sends what is in the pipeline, and waits for the next reply. Nothing is lost when it is cancelled.
    pub async fn receive(&mut self) -> Result<Reply> {
        loop {
            if let Some(reply) = self.decoder.take()? {
                return Ok(reply);
            }
            self.exchange().await.map_err(lost)?;
        }
    }

    /// Sends or receives, whatever can be done first: a daemon whose replies are not read stops reading requests.
    async fn exchange(&mut self) -> io::Result<()> {
        let AsyncClient { replies, requests, unsent, sent, is_flushed, decoder, piece } = self;
        let is_sending = !*is_flushed;
        tokio::select! {
            more = send_some(requests, &unsent[*sent..]), if is_sending => {
                let more = more?;
                *sent += more;
                if more == 0 {
                    *is_flushed = true;
                    *sent = 0;
                    unsent.clear();
                }
            }
            read = replies.read(piece) => match read? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => decoder.feed(&piece[..read]),
            },
        }
        Ok(())
    }
}

/// Sends some of the bytes and says how many. If there are none, flushes the stream.
async fn send_some<W: AsyncWrite + Unpin>(requests: &mut W, bytes: &[u8]) -> io::Result<usize> {
    if bytes.is_empty() {
        return requests.flush().await.map(|()| 0);
    }
    match requests.write(bytes).await? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        sent => Ok(sent),
    }
}
