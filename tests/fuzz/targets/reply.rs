//! Replies: a stream in pieces of any length gives what it gives in one piece, and a reply that was read is read again from
//! how the daemon would write it.

use contactd::client::{Reply, refusal};
use contactd::wire::{Replies, ReplyDecoder};

use super::pieces;

pub fn run(input: &[u8]) {
    let told = decode([input].into_iter());
    assert_eq!(told, decode(pieces(input)), "in pieces");
    for reply in &told.0 {
        for is_resp3 in [false, true] {
            let mut replies = Replies::default();
            replies.set_resp3(is_resp3);
            if write(reply, &mut replies) {
                assert_eq!(decode([replies.as_bytes()].into_iter()), (vec![reply.clone()], true), "written again");
            }
        }
    }
}

/// The replies of a stream, and whether all of it made sense.
fn decode<'p>(pieces: impl Iterator<Item = &'p [u8]>) -> (Vec<Reply>, bool) {
    let mut decoder = ReplyDecoder::default();
    let mut told = Vec::new();
    for piece in pieces {
        decoder.feed(piece);
        loop {
            match decoder.take() {
                Ok(Some(reply)) => told.push(reply),
                Ok(None) => break,
                Err(why) => {
                    assert_eq!(decoder.take(), Err(why), "nothing behind an error can be trusted");
                    return (told, false);
                }
            }
        }
    }
    (told, true)
}

/// Writes a reply as the daemon does. Not all that can be read is ever written.
fn write(reply: &Reply, to: &mut Replies) -> bool {
    match reply {
        Reply::Text(text) if text.contains(['\r', '\n']) => to.bulk(text.as_bytes()),
        Reply::Text(text) => to.text(text),
        Reply::Error(text) => {
            let error = refusal(text);
            if error.to_string() != *text || text.contains(|c: char| c.is_ascii_control()) {
                return false;
            }
            to.error(&error);
        }
        Reply::Integer(number) => match u64::try_from(*number) {
            Ok(number) => to.integer(number),
            Err(_) => return false,
        },
        Reply::Nil => to.nil(),
        Reply::Array(items) => {
            to.array(items.len());
            return items.iter().all(|item| write(item, to));
        }
        Reply::Stream => to.stream(),
        Reply::StreamEnd => to.end_stream(),
    }
    true
}
