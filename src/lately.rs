//! Short texts that were asked about lately, and what the answer was. The few values of a label stand in many rows, and what was said of
//! one is said again.

use std::cell::RefCell;
use std::thread::LocalKey;

/// Longer texts are asked about each time.
const BYTES_MAX: usize = 15;
/// How many texts are kept: 16 KiB, so that they stay in the processor's first cache.
const TEXTS: usize = 1 << TEXTS_BITS;
const TEXTS_BITS: u32 = 10;
/// Set in a text of which the answer is yes.
const YES: u128 = 1 << 127;
/// 2⁶⁴ by the golden ratio: it spreads what differs in few bits (Knuth, The Art of Computer Programming 3, 6.4).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// The texts, each in its own place: its bytes, how many they are, and the answer. What comes to a place takes it.
pub struct Lately(Box<[u128]>);

impl Lately {
    /// Nothing was asked. Of an empty text the answer is no.
    pub fn new() -> RefCell<Lately> {
        RefCell::new(Lately(vec![0; TEXTS].into()))
    }

    /// What `ask` says of a text, or has said lately on this thread. It must always say the same.
    pub fn asked(lately: &'static LocalKey<RefCell<Lately>>, text: &str, ask: impl FnOnce(&str) -> bool) -> bool {
        let Some(key) = key(text) else { return ask(text) };
        let place = ((key as u64 ^ (key >> 64) as u64).wrapping_mul(SPREAD) >> (u64::BITS - TEXTS_BITS)) as usize;
        let known = lately.with_borrow(|lately| lately.0[place]);
        if known & !YES == key {
            return known & YES != 0;
        }
        let is_so = ask(text);
        lately.with_borrow_mut(|lately| lately.0[place] = if is_so { key | YES } else { key });
        is_so
    }
}

/// A short text as a number.
fn key(text: &str) -> Option<u128> {
    let mut bytes = [0; BYTES_MAX + 1];
    bytes[..BYTES_MAX].get_mut(..text.len())?.copy_from_slice(text.as_bytes());
    bytes[BYTES_MAX] = text.len() as u8;
    Some(u128::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    thread_local! {
        static LATELY: RefCell<Lately> = Lately::new();
    }

    #[test]
    fn a_short_text_is_asked_about_once_and_gets_its_own_answer() {
        let times = std::cell::Cell::new(0);
        let asked = |text: &str| {
            Lately::asked(&LATELY, text, |text| {
                times.set(times.get() + 1);
                text.contains("no")
            })
        };
        for text in ["gold", "no sms", "15 bytes, and no", "", "a\0", "a"] {
            assert_eq!((asked(text), asked(text)), (text.contains("no"), text.contains("no")), "{text}");
        }
        assert_eq!(times.get(), 4 + 2, "a long one is asked about again, and an empty one never");
        for text in (0..10 * TEXTS).map(|text| format!("{text}{}", if text % 3 == 0 { "no" } else { "" })) {
            assert!(asked(&text) == text.contains("no") && asked(&text) == text.contains("no"), "{text}");
        }
    }
}
