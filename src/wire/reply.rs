//! Replies: RESP2 in which every item is one line.

use super::client::Reply;
use crate::error::Error;
use crate::model::phone::Phone;
use crate::model::verdict::{Reason, Verdict};

/// The replies of one connection that are not sent yet.
#[derive(Debug, Default)]
pub struct Replies {
    bytes: Vec<u8>,
    resp3: bool,
    /// What CHECK said since this was last taken, by [`Verdict::index`].
    checks: [u64; Verdict::COUNT],
}

impl Replies {
    /// Whether the client asked for protocol 3.
    pub fn is_resp3(&self) -> bool {
        self.resp3
    }

    /// Speaks RESP 3 (nil is `_`, HELLO answers with a map) from the next reply on, or 2 again.
    pub fn set_resp3(&mut self, resp3: bool) {
        self.resp3 = resp3;
    }

    /// What is to be sent.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How much is to be sent.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is nothing to be sent.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Forgets what was sent. Keeps no more memory than a busy connection needs.
    pub fn clear(&mut self) {
        const KEPT_BYTES_MAX: usize = 64 * 1024;
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES_MAX);
    }

    /// `+text`. The text is one line: our own words, or JSON.
    #[inline]
    pub fn text(&mut self, text: &str) {
        debug_assert!(!text.contains(['\r', '\n']), "a reply is one line");
        self.bytes.push(b'+');
        self.bytes.extend_from_slice(text.as_bytes());
        self.end();
    }

    /// `-CODE message`.
    pub fn error(&mut self, error: &Error) {
        self.bytes.push(b'-');
        self.bytes.extend_from_slice(error.code.word().as_bytes());
        self.bytes.push(b' ');
        let line = error.message.bytes().map(|byte| if byte.is_ascii_control() { b' ' } else { byte });
        self.bytes.extend(line);
        self.end();
    }

    /// `:integer`.
    pub fn integer(&mut self, value: u64) {
        self.bytes.push(b':');
        self.bytes.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        self.end();
    }

    /// Nothing there.
    pub fn nil(&mut self) {
        self.bytes.extend_from_slice(if self.resp3 { b"_" } else { b"$-1" });
        self.end();
    }

    /// A phone number, which keeps its own plus: `++1415…`.
    pub fn phone(&mut self, phone: Phone) {
        self.bytes.push(b'+');
        phone.write_to(&mut self.bytes);
        self.end();
    }

    /// The head of a stream of replies, whose number is not known yet.
    pub fn stream(&mut self) {
        self.bytes.extend_from_slice(b"*?");
        self.end();
    }

    /// The end of a stream.
    pub fn end_stream(&mut self) {
        self.bytes.push(b'.');
        self.end();
    }

    /// A reply that came from elsewhere. A bulk string is a text by now, and a map an array.
    pub fn again(&mut self, reply: &Reply) {
        match reply {
            Reply::Text(text) => self.text(text),
            Reply::Error(text) => {
                self.bytes.push(b'-');
                self.bytes.extend_from_slice(text.as_bytes());
                self.end();
            }
            Reply::Integer(number) => {
                self.bytes.push(b':');
                self.bytes.extend_from_slice(itoa::Buffer::new().format(*number).as_bytes());
                self.end();
            }
            Reply::Nil => self.nil(),
            Reply::Stream => self.stream(),
            Reply::StreamEnd => self.end_stream(),
            Reply::Array(items) => {
                self.array(items.len());
                for item in items {
                    self.again(item);
                }
            }
        }
    }

    /// Replies as they came from elsewhere, byte for byte.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The head of an array of `items` replies.
    pub fn array(&mut self, items: usize) {
        self.head(b'*', items);
    }

    /// The head of a map of `pairs`: under RESP 2 an array of keys and values.
    pub fn map(&mut self, pairs: usize) {
        if self.resp3 { self.head(b'%', pairs) } else { self.head(b'*', 2 * pairs) }
    }

    /// A bulk string, whatever bytes it has. Only ECHO needs one.
    pub fn bulk(&mut self, bytes: &[u8]) {
        self.head(b'$', bytes.len());
        self.bytes.extend_from_slice(bytes);
        self.end();
    }

    /// A verdict of CHECK, which is counted. Nothing is shared here: a burst hands over what it counted at its end.
    #[inline]
    pub fn checked(&mut self, verdict: Verdict) {
        self.checks[verdict.index()] += 1;
        self.verdict(verdict);
    }

    /// What CHECK said since this was last asked, by [`Verdict::index`].
    pub fn take_checks(&mut self) -> [u64; Verdict::COUNT] {
        std::mem::take(&mut self.checks)
    }

    /// A verdict: `+yes` or `+no reason`.
    #[inline]
    pub fn verdict(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Yes => self.bytes.extend_from_slice(b"+yes\r\n"),
            Verdict::No(reason) => self.bytes.extend_from_slice(refusal(reason)),
        }
    }

    fn head(&mut self, type_byte: u8, number: usize) {
        write_head(&mut self.bytes, type_byte, number);
    }

    fn end(&mut self) {
        self.bytes.extend_from_slice(b"\r\n");
    }
}

/// Appends `*3` or `$5` and a line end.
pub(super) fn write_head(bytes: &mut Vec<u8>, type_byte: u8, number: usize) {
    bytes.push(type_byte);
    bytes.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    bytes.extend_from_slice(b"\r\n");
}

fn refusal(reason: Reason) -> &'static [u8] {
    match reason {
        Reason::Fenced => b"+no fenced\r\n",
        Reason::UnknownList => b"+no unknown_list\r\n",
        Reason::ListPaused => b"+no list_paused\r\n",
        Reason::Invalid => b"+no invalid\r\n",
        Reason::Suppressed => b"+no suppressed\r\n",
        Reason::OptedOut => b"+no opted_out\r\n",
        Reason::NotSubscribed => b"+no not_subscribed\r\n",
        Reason::ListSuppressed => b"+no list_suppressed\r\n",
        Reason::ListOptedOut => b"+no list_opted_out\r\n",
        Reason::HeldForReview => b"+no held_for_review\r\n",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reply_is_one_line() {
        let mut replies = Replies::default();
        replies.text("PONG");
        replies.error(&Error::bad_arg("two\r\nlines"));
        replies.integer(42);
        replies.nil();
        replies.array(2);
        replies.map(2);
        replies.set_resp3(true);
        replies.nil();
        replies.map(2);
        replies.bulk(b"a\nb");
        let sent = String::from_utf8_lossy(replies.as_bytes()).into_owned();
        assert_eq!(sent, "+PONG\r\n-BADARG two  lines\r\n:42\r\n$-1\r\n*2\r\n*4\r\n_\r\n%2\r\n$3\r\na\nb\r\n");
    }

    #[test]
    fn verdicts_are_words() {
        let mut replies = Replies::default();
        replies.checked(Verdict::Yes);
        assert_eq!(replies.as_bytes(), b"+yes\r\n");
        assert_eq!(replies.take_checks()[Verdict::Yes.index()], 1);
        for (at, reason) in Reason::ALL.into_iter().enumerate() {
            let mut replies = Replies::default();
            replies.checked(Verdict::No(reason));
            assert_eq!(replies.as_bytes(), format!("+no {}\r\n", reason.word()).as_bytes());
            let checks = replies.take_checks();
            assert!(checks[at] == 1 && checks.iter().sum::<u64>() == 1 && replies.take_checks() == [0; Verdict::COUNT]);
        }
    }
}
