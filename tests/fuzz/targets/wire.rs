//! Requests: a stream in pieces of any length gives what it gives in one piece, the decoder holds no more than a request,
//! and what was read is read again from how a client would write it.

use contactd::wire::{Decoded, Decoder, write_request};

use super::{chosen, pieces};

/// How long a request may be. With short ones the limits are reached.
const LIMITS: [usize; 4] = [64 * 1024, 64 * 1024, 256, 24];
/// A length that is cut off, and a line end.
const AHEAD_BYTES_MAX: usize = 16;

/// What came out of a stream.
#[derive(Debug, PartialEq)]
enum Told {
    Request(Vec<Vec<u8>>),
    Refused(String),
    Closed(String),
}

pub fn run(input: &[u8]) {
    let (choice, stream) = chosen(input);
    let limit = LIMITS[choice % LIMITS.len()];
    let told = decode(limit, [stream].into_iter());
    assert_eq!(told, decode(limit, pieces(stream)), "in pieces");
    for request in &told {
        if let Told::Request(words) = request {
            let mut again = Vec::new();
            write_request(&mut again, words);
            if again.len() <= LIMITS[0] {
                assert_eq!(
                    &decode(LIMITS[0], [&again[..]].into_iter()),
                    &[Told::Request(words.clone())],
                    "written again"
                );
            }
        }
    }
}

fn decode<'p>(limit: usize, pieces: impl Iterator<Item = &'p [u8]>) -> Vec<Told> {
    let mut decoder = Decoder::default();
    decoder.limit_requests(limit);
    let (mut buffer, mut told) = (Vec::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        let mut at = 0;
        loop {
            let taken = match decoder.step(&buffer[at..]) {
                Decoded::Incomplete => break,
                Decoded::Skip(taken) => taken,
                Decoded::Request(request, taken) => {
                    let words = std::iter::once(request.verb).chain(request.args);
                    told.push(Told::Request(words.map(<[u8]>::to_vec).collect()));
                    taken
                }
                Decoded::Refused(why, taken) => {
                    told.push(Told::Refused(why.to_string()));
                    taken
                }
                Decoded::Broken(why) => {
                    told.push(Told::Closed(why.to_string()));
                    return told;
                }
            };
            assert!((1..=buffer.len() - at).contains(&taken), "a step takes something that is there");
            at += taken;
        }
        buffer.drain(..at);
        assert!(buffer.len() <= limit + AHEAD_BYTES_MAX, "{} bytes wait, and {limit} are allowed", buffer.len());
    }
    told
}
