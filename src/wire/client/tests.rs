//! Whatever pieces a stream comes in, a client reads the same from it; and each side reads what the other one writes.

use proptest::prelude::*;

use super::*;
use crate::error::Code;
use crate::wire::{Decoded, Decoder, Replies};

/// Decodes a stream in pieces of a size: the replies, and why no more can be read, if so.
fn decoded(stream: &[u8], piece: usize) -> (Vec<Reply>, Option<Error>) {
    let mut decoder = ReplyDecoder::default();
    let mut replies = Vec::new();
    for piece in stream.chunks(piece) {
        decoder.feed(piece);
        loop {
            match decoder.take() {
                Ok(Some(reply)) => replies.push(reply),
                Ok(None) => break,
                Err(why) => {
                    decoder.feed(b"+more\r\n");
                    assert_eq!(decoder.take(), Err(why.clone()), "it stays the answer");
                    return (replies, Some(why));
                }
            }
        }
    }
    (replies, None)
}

/// The requests that the daemon reads from a stream in pieces of a size.
fn requests(stream: &[u8], piece: usize) -> Vec<Vec<Vec<u8>>> {
    let mut decoder = Decoder::default();
    let (mut buffer, mut requests) = (Vec::new(), Vec::new());
    for piece in stream.chunks(piece) {
        buffer.extend_from_slice(piece);
        loop {
            let taken = match decoder.step(&buffer) {
                Decoded::Incomplete => break,
                Decoded::Skip(taken) => taken,
                Decoded::Request(request, taken) => {
                    let words = std::iter::once(request.verb).chain(request.args);
                    requests.push(words.map(<[u8]>::to_vec).collect());
                    taken
                }
                Decoded::Refused(error, _) | Decoded::Broken(error) => panic!("{error}"),
            };
            buffer.drain(..taken);
        }
    }
    requests
}

/// A reply as the daemon gives it.
#[derive(Clone, Debug)]
enum Given {
    Text(String),
    Bulk(String),
    Error(Code, String),
    Integer(u64),
    Nil,
    Array(Vec<Given>),
    Map(Vec<(Given, Given)>),
    Stream(Vec<Given>),
}

impl Given {
    fn write(&self, replies: &mut Replies) {
        match self {
            Given::Text(text) => replies.text(text),
            Given::Bulk(text) => replies.bulk(text.as_bytes()),
            Given::Error(code, message) => replies.error(&Error::new(*code, message.as_str())),
            Given::Integer(number) => replies.integer(*number),
            Given::Nil => replies.nil(),
            Given::Array(items) => {
                replies.array(items.len());
                for item in items {
                    item.write(replies);
                }
            }
            Given::Map(pairs) => {
                replies.map(pairs.len());
                for (key, value) in pairs {
                    key.write(replies);
                    value.write(replies);
                }
            }
            Given::Stream(items) => {
                replies.stream();
                for item in items {
                    item.write(replies);
                }
                replies.end_stream();
            }
        }
    }

    /// What a client should read of it.
    fn read(&self) -> Vec<Reply> {
        let all = |items: &[Given]| items.iter().flat_map(Given::read).collect::<Vec<_>>();
        vec![match self {
            Given::Text(text) | Given::Bulk(text) => Reply::Text(text.clone()),
            Given::Error(code, message) => Reply::Error(format!("{} {message}", code.word())),
            Given::Integer(number) => Reply::Integer(number.cast_signed()),
            Given::Nil => Reply::Nil,
            Given::Array(items) => Reply::Array(all(items)),
            Given::Map(pairs) => {
                Reply::Array(pairs.iter().flat_map(|(key, value)| [key.read(), value.read()].concat()).collect())
            }
            Given::Stream(items) => return [vec![Reply::Stream], all(items), vec![Reply::StreamEnd]].concat(),
        }]
    }
}

fn any_given() -> impl Strategy<Value = Given> {
    let leaf = prop_oneof![
        "[^\r\n]{0,9}".prop_map(Given::Text),
        "(?s:.{0,9})".prop_map(Given::Bulk),
        (proptest::sample::select(&Code::ALL[..]), "[ -~]{0,9}").prop_map(|(code, text)| Given::Error(code, text)),
        (0..1_u64 << 63).prop_map(Given::Integer),
        Just(Given::Nil),
    ];
    let nested = leaf.prop_recursive(3, 20, 4, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Given::Array),
            prop::collection::vec(pair, 0..3).prop_map(Given::Map),
        ]
    });
    prop_oneof![
        6 => nested.clone(),
        1 => prop::collection::vec(nested, 0..4).prop_map(Given::Stream),
    ]
}

/// Bytes that look like the protocol often enough to get far into the decoder.
fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        proptest::sample::select(vec!["\r\n", "\n", "\r", "*", "$", "%", "+", "-1", ":", "_", ".", "*?", "+yes\r\n"])
            .prop_map(|word| word.as_bytes().to_vec()),
        proptest::sample::select(vec!["*2\r\n", "%1\r\n", "$3\r\n", "$0\r\n\r\n", "*-1\r\n", "99999999999999999999"])
            .prop_map(|word| word.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(word, 0..12).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_client_reads_what_the_daemon_replies(given in prop::collection::vec(any_given(), 0..5), resp3: bool) {
        let mut replies = Replies::default();
        replies.set_resp3(resp3);
        for given in &given {
            given.write(&mut replies);
        }
        let expected: Vec<Reply> = given.iter().flat_map(Given::read).collect();
        let stream = replies.as_bytes();
        for piece in 1..=stream.len() {
            prop_assert_eq!(&decoded(stream, piece), &(expected.clone(), None), "in pieces of {}", piece);
        }
    }

    #[test]
    fn any_bytes_read_the_same_in_any_pieces(stream in any_bytes()) {
        let whole = decoded(&stream, stream.len().max(1));
        for piece in 1..stream.len() {
            prop_assert_eq!(&decoded(&stream, piece), &whole, "in pieces of {}", piece);
        }
    }

    #[test]
    fn the_daemon_reads_what_a_client_requests(
        asked in prop::collection::vec(prop::collection::vec(prop::collection::vec(any::<u8>(), 0..6), 1..4), 0..4),
    ) {
        let mut stream = Vec::new();
        for words in &asked {
            write_request(&mut stream, words);
        }
        for piece in 1..=stream.len() {
            prop_assert_eq!(&requests(&stream, piece), &asked, "in pieces of {}", piece);
        }
    }
}

#[test]
fn arrays_and_lines_share_a_stream() {
    let mut stream = Vec::new();
    write_request(&mut stream, &["GET", "+14155550101"]);
    stream.extend_from_slice(b"CHECK 12345 +14155550101");
    end_line(&mut stream);
    assert_eq!(stream, b"*2\r\n$3\r\nGET\r\n$12\r\n+14155550101\r\nCHECK 12345 +14155550101\n");
    let words = |line: &str| line.split(' ').map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>();
    assert_eq!(requests(&stream, stream.len()), [words("GET +14155550101"), words("CHECK 12345 +14155550101")]);
}

#[test]
fn replies_are_shown_as_they_stand_on_the_wire() {
    let stream = b"+yes\r\n-NOLIST none\r\n:7\r\n_\r\n$-1\r\n*3\r\n+a\r\n$3\r\nb\nc\r\n*0\r\n%1\r\n+k\r\n:1\r\n*?\r\n+x\r\n.\r\n";
    let (replies, error) = decoded(stream, 1);
    let shown: Vec<String> = replies.iter().map(ToString::to_string).collect();
    let expected = ["+yes", "-NOLIST none", ":7", "$-1", "$-1", "*3\n+a\n+b\nc\n*0", "*2\n+k\n:1", "*?", "+x", "."]
        .map(str::to_owned);
    assert_eq!((shown, error), (expected.to_vec(), None));
}

#[test]
fn what_is_not_a_reply_is_said() {
    for (stream, told) in [
        ("HTTP/1.1 400 Bad Request\r\n", "'HTTP/1.1 400 Bad Request' is not a reply of contactd"),
        ("\r\n", "'' is not a reply"),
        (":seven\r\n", "a number was expected"),
        ("$x\r\n", "a number was expected"),
        ("*-2\r\n", "a number was expected"),
        ("%99999999999999999999\r\n", "a number was expected"),
        ("$2\r\nyes\r\n", "no line end follows"),
        ("$99999999999\r\n", "it is too long"),
        (".rest\r\n", "none of the protocol's marks"),
    ] {
        let (replies, error) = decoded(stream.as_bytes(), 1);
        let message = error.unwrap_or_else(|| panic!("{stream:?} was read as {replies:?}")).message;
        assert!(message.contains(told), "{stream:?}: {message}");
    }
}

#[test]
fn a_reply_has_limits() {
    let deepest = [&b"*1\r\n".repeat(REPLY_DEPTH_MAX)[..], b"+in\r\n"].concat();
    assert_eq!(decoded(&deepest, 7).0.len(), 1);
    let deeper = [b"*1\r\n", &deepest[..]].concat();
    assert!(decoded(&deeper, 7).1.is_some_and(|why| why.message.contains("inside each other")));

    // A line that never ends, and an array whose items never end.
    let piece = vec![b'x'; 1024 * 1024];
    for (head, piece) in [(&b"+"[..], &piece[..]), (b"*9999999\r\n", &[b"+", &piece[..], b"\r\n"].concat())] {
        let mut decoder = ReplyDecoder::default();
        decoder.feed(head);
        let fed = (0_usize..).take_while(|_| {
            decoder.feed(piece);
            decoder.take() == Ok(None)
        });
        let fed = fed.count();
        assert_eq!(fed, REPLY_BYTES_MAX / piece.len() - usize::from(head == b"+"), "behind {head:?}");
    }
}
