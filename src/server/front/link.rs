//! One client's connection to one partition: requests go in, replies come out, byte for byte.

use std::io;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::error::{Code, Error, Result};
use crate::server::partitions::Door;
use crate::server::splice::Stream;
use crate::wire::reply_length;

/// How much is read at a time.
const PIECE_BYTES: usize = 16 * 1024;
/// So many pieces wait for the client at most: the partition waits, too, when it does not take its replies.
const PIECES: usize = 8;
/// How often who waits for a reply looks whether the partition is still where it was.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A connection to one partition. A task of its own reads and writes at the same time: a partition whose replies nobody reads
/// takes no more requests.
pub struct Link {
    requests: mpsc::UnboundedSender<Bytes>,
    pieces: mpsc::Receiver<Bytes>,
    /// Replies that are not complete yet, or not asked for.
    arrived: BytesMut,
    /// The partition has gone.
    is_over: bool,
    /// Of one to another daemon: the partition, and who has it.
    owner: Option<(Arc<Door>, String)>,
}

impl Link {
    /// One over a stream that is connected.
    pub fn new(stream: Box<dyn Stream>) -> Link {
        let (requests, taken) = mpsc::unbounded_channel();
        let (given, pieces) = mpsc::channel(PIECES);
        // It ends with either end.
        tokio::spawn(async move { carry(stream, taken, given).await });
        Link { requests, pieces, arrived: BytesMut::new(), is_over: false, owner: None }
    }

    /// One to another daemon. It is over as soon as that one has the partition no more, be it that it says so or is silent.
    pub fn to(stream: Box<dyn Stream>, partition: Arc<Door>, owner: String) -> Link {
        Link { owner: Some((partition, owner)), ..Link::new(stream) }
    }

    /// Whether another daemon has the partition now than the one that this leads to.
    fn is_of_another(&self) -> bool {
        self.owner.as_ref().is_some_and(|(partition, owner)| partition.elsewhere().as_ref() != Some(owner))
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
            match timeout(LOOK_EVERY, self.pieces.recv()).await {
                Ok(Some(piece)) => self.arrived.extend_from_slice(&piece),
                Err(_) if !self.is_of_another() => {}
                _ => {
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
        self.is_over || self.pieces.is_closed() && self.pieces.is_empty() || self.is_of_another()
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
