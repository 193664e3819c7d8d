//! A stream that ends when it is told to: whoever reads it finishes what has come.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// So often more is read than has come at once, from somebody who never stops sending.
const READS_AFTER_MAX: u8 = u8::MAX;

/// A stream that has an end once a token says so, behind what has come by then. It can be written to all the same.
pub struct Until<S> {
    stream: S,
    told: Pin<Box<WaitForCancellationFutureOwned>>,
    reads_left: u8,
}

impl<S> Until<S> {
    pub fn new(stream: S, told: CancellationToken) -> Until<S> {
        Until { stream, told: Box::pin(told.cancelled_owned()), reads_left: READS_AFTER_MAX }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Until<S> {
    fn poll_read(mut self: Pin<&mut Self>, task: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let is_told = self.told.as_mut().poll(task).is_ready();
        if is_told && self.reads_left == 0 {
            return Poll::Ready(Ok(()));
        }
        match Pin::new(&mut self.stream).poll_read(task, to) {
            Poll::Pending if is_told => Poll::Ready(Ok(())),
            read => {
                self.reads_left -= u8::from(is_told);
                read
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Until<S> {
    fn poll_write(mut self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(task, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(task)
    }
}
