//! An answer that a thread writes while the browser reads it: no faster than that, and no longer.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::Response;
use hyper::body::Frame;
use tokio::sync::mpsc;

use crate::error::{Error, Result};

/// How much is handed over at a time.
const PIECE_BYTES: usize = 64 * 1024;
/// Pieces that wait for the browser.
const PIECES_MAX: usize = 4;

/// What the browser reads.
struct Streamed(mpsc::Receiver<io::Result<Bytes>>);

/// Where the thread writes.
struct Pieces(mpsc::Sender<io::Result<Bytes>>);

impl hyper::body::Body for Streamed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0.poll_recv(task).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = Bytes::copy_from_slice(bytes);
        self.0.blocking_send(Ok(piece)).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file for the browser to keep, which `write` writes. Where it fails, the browser says that the file is not complete.
pub fn download(
    name: &str,
    kind: &'static str,
    write: impl FnOnce(&mut dyn Write) -> Result<()> + Send + 'static,
) -> Result<Response> {
    let (pieces, streamed) = mpsc::channel(PIECES_MAX);
    tokio::task::spawn_blocking(move || {
        let mut out = io::BufWriter::with_capacity(PIECE_BYTES, Pieces(pieces.clone()));
        let written = write(&mut out).and_then(|()| out.flush().map_err(Error::internal));
        if let Err(why) = written {
            // Nobody may be there any more to be told.
            let _ = pieces.blocking_send(Err(io::Error::other(why.message)));
        }
    });
    let mut response = Response::new(Body::new(Streamed(streamed)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    let name = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")).map_err(Error::internal)?;
    headers.insert(CONTENT_DISPOSITION, name);
    Ok(response)
}
