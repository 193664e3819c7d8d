//! One client's connection to one partition: requests go in, replies come out, byte for byte.

use std::io;
use std::task::{Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::error::{Code, Error, Result};
use crate::wire::reply_length;

/// How much is read at a time.
const PIECE_BYTES: usize = 16 * 1024;
/// So many pieces wait for the client at most: the partition waits, too, when it does not take its replies.
const PIECES: usize = 8;

/// What a connection to a partition is made of: a pipe to one of this daemon, a socket to one of another.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for S {}

/// A connection to one partition. A task of its own reads and writes at the same time: a partition whose replies nobody reads
/// takes no more requests.
pub struct Link {
    requests: mpsc::UnboundedSender<Bytes>,
    pieces: mpsc::Receiver<Bytes>,
    /// Replies that are not complete yet, or not asked for.
    arrived: BytesMut,
    /// The partition has gone.
    is_over: bool,
}

impl Link {
    /// One over a stream that is connected.
    pub fn new(stream: Box<dyn Stream>) -> Link {
        let (requests, taken) = mpsc::unbounded_channel();
        let (given, pieces) = mpsc::channel(PIECES);
        // It ends with either end.
        tokio::spawn(async move { carry(stream, taken, given).await });
        Link { requests, pieces, arrived: BytesMut::new(), is_over: false }
    }

    /// Sends requests.
    pub fn send(&mut self, requests: Bytes) {
        self.is_over |= self.requests.send(requests).is_err();
    }

    /// The next reply.
    ///
    /// # Errors
    /// The partition has gone: whether the request took effect is not known.
    pub async fn reply(&mut self) -> Result<Bytes> {
        loop {
            if let Some(length) = reply_length(&self.arrived)? {
                return Ok(self.arrived.split_to(length).freeze());
            }
            match self.pieces.recv().await {
                Some(piece) => self.arrived.extend_from_slice(&piece),
                None => {
                    self.is_over = true;
                    let message =
                        "the partition's owner is gone: what was sent may have been done or not, send it again";
                    return Err(Error::new(Code::Standby, message));
                }
            }
        }
    }

    /// Takes what comes in meanwhile, and says once that the partition has gone.
    pub fn poll_over(&mut self, context: &mut std::task::Context<'_>) -> Poll<()> {
        loop {
            match ready!(self.pieces.poll_recv(context)) {
                Some(piece) => self.arrived.extend_from_slice(&piece),
                None => {
                    self.is_over = true;
                    return Poll::Ready(());
                }
            }
        }
    }

    /// Whether nothing comes from it any more.
    pub fn is_over(&self) -> bool {
        self.is_over || self.pieces.is_closed() && self.pieces.is_empty()
    }
}

async fn carry(
    stream: Box<dyn Stream>,
    mut taken: mpsc::UnboundedReceiver<Bytes>,
    given: mpsc::Sender<Bytes>,
) -> io::Result<()> {
    let (mut replies, mut requests) = tokio::io::split(stream);
    let mut unsent = Bytes::new();
    let mut piece = BytesMut::with_capacity(PIECE_BYTES);
    loop {
        let read = async {
            // Nothing is lost when this is cancelled: a place is given back, and a read that was is not done.
            let place = given.reserve().await.map_err(|_| io::ErrorKind::BrokenPipe)?;
            piece.reserve(PIECE_BYTES);
            let read = replies.read_buf(&mut piece).await?;
            io::Result::Ok((place, read))
        };
        tokio::select! {
            more = taken.recv(), if unsent.is_empty() => match more {
                Some(more) => unsent = more,
                None => return requests.shutdown().await,
            },
            sent = requests.write(&unsent), if !unsent.is_empty() => {
                unsent.advance(sent?);
                if unsent.is_empty() {
                    requests.flush().await?;
                }
            }
            read = read => match read? {
                (_, 0) => return Ok(()),
                (place, _) => place.send(piece.split().freeze()),
            },
        }
    }
}
