//! The file as text: whatever its encoding, UTF-8 comes out.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use encoding_rs::{CoderResult, Decoder, Encoding, ISO_8859_15, MACINTOSH, UTF_8, WINDOWS_1252};

use crate::error::{Error, Result, excerpt};

const CHUNK_BYTES: usize = 64 * 1024;
/// Encodings in which any bytes make a text, if one that nobody wrote.
const WESTERN: [&Encoding; 3] = [WINDOWS_1252, ISO_8859_15, MACINTOSH];
/// No word of a Western language has so many accented letters side by side.
const ACCENTS_MAX: usize = 3;
/// So much of a file is looked at to find out whether it is a text.
const LOOKED_AT_BYTES: usize = 1024;

/// Where the text comes from.
pub struct Source {
    input: Box<dyn Read + Send>,
    decoding: Decoding,
    /// Read but not yet decoded.
    raw: Vec<u8>,
    ended: bool,
    bytes_read: Arc<AtomicU64>,
    /// Bytes that made no sense in the encoding.
    strange: u64,
    /// Places that make no sense in the encoding that was named.
    misread: u64,
    /// Where such bytes stand in the text that is not taken yet.
    strange_at: VecDeque<usize>,
    has_mark: bool,
}

enum Decoding {
    /// What is no UTF-8 is taken as Windows-1252, byte by byte: a file in that encoding reads as it should, and so does one
    /// that was pasted together from both.
    Utf8,
    Other(Decoder),
}

impl Source {
    /// Looks at the beginning for a byte order mark, which decides; else the named encoding does, else UTF-8.
    pub fn open(input: Box<dyn Read + Send>, encoding: Option<&str>) -> Result<Source> {
        let named = encoding.map(by_name).transpose()?;
        let mut source = Source {
            input,
            decoding: Decoding::Utf8,
            raw: Vec::new(),
            ended: false,
            bytes_read: Arc::default(),
            strange: 0,
            misread: 0,
            strange_at: VecDeque::new(),
            has_mark: false,
        };
        // However short the pieces are in which a pipe gives it.
        while source.raw.len() < LOOKED_AT_BYTES && !source.ended {
            source.read()?;
        }
        let marked = Encoding::for_bom(&source.raw);
        if let Some((_, bytes)) = marked {
            source.raw.drain(..bytes);
            source.has_mark = true;
        }
        let encoding = marked.map(|(encoding, _)| encoding).or(named).unwrap_or(UTF_8);
        if encoding != UTF_8 {
            source.decoding = Decoding::Other(encoding.new_decoder_without_bom_handling());
        } else if let Some(why) = no_text(&source.raw) {
            return Err(Error::bad_arg(why));
        }
        Ok(source)
    }

    /// Appends some text; says whether more may come.
    pub fn read_into(&mut self, text: &mut String) -> Result<bool> {
        if self.raw.len() < CHUNK_BYTES && !self.ended {
            self.read()?;
        }
        match &mut self.decoding {
            Decoding::Utf8 => {
                self.strange += decode_utf8(&mut self.raw, self.ended, text, |at| self.strange_at.push_back(at));
            }
            Decoding::Other(decoder) => {
                let from = text.len();
                self.strange += decode(decoder, &self.raw, self.ended, text);
                self.raw.clear();
                let is_western = WESTERN.contains(&decoder.encoding());
                let misread = misread(text, from, is_western);
                self.misread += misread.len() as u64;
                self.strange_at.extend(misread);
            }
        }
        Ok(!self.ended)
    }

    /// Takes out where, before `end` of the text, bytes stand that are not UTF-8.
    pub fn take_strange(&mut self, end: usize) -> Vec<usize> {
        let many = self.strange_at.partition_point(|at| *at < end);
        self.strange_at.drain(..many).collect()
    }

    /// Says that the first bytes of the text were dropped.
    pub fn drop_text(&mut self, bytes: usize) {
        self.strange_at.iter_mut().for_each(|at| *at -= bytes);
    }

    /// Counts the bytes read so far, for whoever shows the progress.
    pub fn bytes_read(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.bytes_read)
    }

    /// Whether the text should begin with a byte order mark when it is written again: spreadsheets need it.
    pub fn wants_mark(&self) -> bool {
        self.has_mark || matches!(self.decoding, Decoding::Other(_)) || self.strange > 0
    }

    /// What a person should know about the encoding.
    pub fn warning(&self) -> Option<String> {
        let strange = self.strange.max(self.misread);
        match &self.decoding {
            _ if strange == 0 => None,
            Decoding::Utf8 => Some(format!(
                "{strange} bytes are not UTF-8 and were read as Windows-1252; if names look wrong, give --encoding"
            )),
            Decoding::Other(decoder) => Some(format!(
                "{strange} places cannot be read as {}: give another --encoding",
                decoder.encoding().name()
            )),
        }
    }

    fn read(&mut self) -> Result<()> {
        let old = self.raw.len();
        self.raw.resize(old + CHUNK_BYTES, 0);
        let bytes = loop {
            match self.input.read(&mut self.raw[old..]) {
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                Err(why) => return Err(Error::internal(format!("cannot read the file: {why}"))),
                Ok(bytes) => break bytes,
            }
        };
        self.raw.truncate(old + bytes);
        self.ended = bytes == 0;
        self.bytes_read.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(())
    }
}

fn by_name(name: &str) -> Result<&'static Encoding> {
    Encoding::for_label(name.as_bytes()).ok_or_else(|| {
        Error::bad_arg(format!(
            "'{}' is not an encoding: try utf-8, utf-16le, windows-1252, windows-1251, shift_jis",
            excerpt(name.as_bytes())
        ))
    })
}

/// Files that are no text, and what to do about them.
fn no_text(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\xD0\xCF\x11\xE0") {
        return Some("this is a workbook, not a text file: save it as \"CSV UTF-8\" and import that");
    }
    if bytes.starts_with(b"\x1F\x8B") {
        return Some("this file is compressed: unpack it first, like: gzip -dc FILE | contactd import -");
    }
    let has_zeros = bytes[..bytes.len().min(LOOKED_AT_BYTES)].contains(&0);
    has_zeros.then_some(
        "the file has NUL bytes: if it is UTF-16 without a byte order mark, give --encoding utf-16le (or utf-16be)",
    )
}

/// Where, from a place of a text on, something stands that was hardly written so: what could not be read, and under a Western
/// encoding signs of another script, which are read as many accented letters side by side.
fn misread(text: &str, from: usize, is_western: bool) -> Vec<usize> {
    let mut found = Vec::new();
    let mut run: Vec<char> = Vec::new();
    for (at, char) in text[from..].char_indices() {
        if char.is_ascii() || is_drawn(char) {
            run.clear();
            continue;
        }
        run.push(char);
        let is_script = is_western && run.len() == ACCENTS_MAX + 1 && run.iter().any(|other| *other != run[0]);
        if is_script || char == char::REPLACEMENT_CHARACTER {
            found.push(from + at);
        }
    }
    found
}

/// Signs that people put side by side in any language.
fn is_drawn(char: char) -> bool {
    matches!(char, '\u{a0}' | '–' | '—' | '…' | '•' | '·' | '“' | '”' | '‘' | '’' | '«' | '»' | '€' | '°')
}

/// Moves all complete characters from `raw` to `text`; gives the number of bytes that are no UTF-8, and tells where each
/// of them stands.
fn decode_utf8(raw: &mut Vec<u8>, last: bool, text: &mut String, mut is_strange: impl FnMut(usize)) -> u64 {
    let (mut at, mut strange) = (0, 0);
    while at < raw.len() {
        match std::str::from_utf8(&raw[at..]) {
            Ok(good) => {
                text.push_str(good);
                at = raw.len();
            }
            Err(why) => {
                let end = at + why.valid_up_to();
                if let Ok(good) = std::str::from_utf8(&raw[at..end]) {
                    text.push_str(good);
                }
                at = end;
                let bad = match why.error_len() {
                    Some(bytes) => bytes,
                    None if last => raw.len() - at,
                    None => break,
                };
                is_strange(text.len());
                decode(&mut WINDOWS_1252.new_decoder_without_bom_handling(), &raw[at..at + bad], true, text);
                strange += bad as u64;
                at += bad;
            }
        }
    }
    raw.drain(..at);
    strange
}

/// Appends all of `raw`; gives the number of places that were replaced.
fn decode(decoder: &mut Decoder, mut raw: &[u8], last: bool, text: &mut String) -> u64 {
    let mut replaced = 0;
    let mut part = [0; 4096];
    loop {
        let (result, read, written, had_errors) = decoder.decode_to_utf8(raw, &mut part, last);
        text.push_str(std::str::from_utf8(&part[..written]).unwrap_or_default());
        replaced += u64::from(had_errors);
        raw = &raw[read..];
        if result == CoderResult::InputEmpty {
            return replaced;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One byte at a time, as the slowest pipe would.
    struct Drip(Vec<u8>);

    impl Read for Drip {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            buffer[0] = self.0.remove(0);
            Ok(1)
        }
    }

    fn read(bytes: &[u8], encoding: Option<&str>) -> (String, bool) {
        let mut source = Source::open(Box::new(Drip(bytes.to_vec())), encoding).expect("a source");
        let mut text = String::new();
        while source.read_into(&mut text).expect("text") {}
        (text, source.warning().is_some())
    }

    #[test]
    fn every_encoding_ends_as_utf8() {
        let le: Vec<u8> = "\u{feff}é,😀".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = "\u{feff}é,😀".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (bytes, encoding) in [
            ("é,😀".as_bytes(), None),
            ("\u{feff}é,😀".as_bytes(), None),
            ("\u{feff}é,😀".as_bytes(), Some("windows-1252")),
            (&le, None),
            (&be, None),
            (&le[2..], Some("utf-16le")),
        ] {
            assert_eq!(read(bytes, encoding), ("é,😀".into(), false), "{bytes:x?}");
        }
        assert_eq!(read(b"Jos\xe9 \x80", Some("windows-1252")), ("José €".into(), false));
        assert_eq!(read(b"Jos\xe9 \x80", None), ("José €".into(), true), "by fallback, with a warning");
        assert_eq!(read(b"\xe9", None), ("é".into(), true), "at the very end");
        assert_eq!(read(b"", None), (String::new(), false));
    }

    #[test]
    fn another_script_under_a_western_encoding_is_told() {
        let (cyrillic, ..) = encoding_rs::WINDOWS_1251.encode("отписан");
        let (chinese, ..) = encoding_rs::GBK.encode("退订");
        let (korean, ..) = encoding_rs::EUC_KR.encode("수신거부");
        for bytes in [&*cyrillic, &*chinese, &*korean, "отписан".as_bytes()] {
            assert!(read(bytes, Some("windows-1252")).1, "{bytes:x?}");
        }
        for text in ["Zoë Façade, Ærø", "naïve “été” — ça… «où»", "Œuvre ÀÉÈ", "••••• €€€€", "Ärzte-ÄÖÜ"]
        {
            let (western, ..) = WINDOWS_1252.encode(text);
            assert_eq!(read(&western, Some("windows-1252")), (text.into(), false), "{text}");
        }
    }

    #[test]
    fn what_is_no_text_is_told_so() {
        for bytes in [&b"PK\x03\x04abc"[..], b"\x1f\x8b\x08\x00", b"p\0h\0o\0n\0"] {
            assert!(Source::open(Box::new(Drip(bytes.to_vec())), None).is_err());
        }
        assert!(Source::open(Box::new(Drip(Vec::new())), Some("klingon")).is_err());
    }
}
