//! Short cells that were asked about lately. The few values of a label stand in many rows, and what was said of one is said again.

use std::cell::RefCell;

/// Longer cells are asked about each time.
const BYTES_MAX: usize = 15;
/// How many cells a thread remembers: 16 KiB, so that they stay in the processor's first cache.
const CELLS: usize = 1 << CELLS_BITS;
const CELLS_BITS: u32 = 10;
/// Set in a cell that refuses.
const REFUSES: u128 = 1 << 127;
/// 2⁶⁴ by the golden ratio: it spreads what differs in few bits (Knuth, The Art of Computer Programming 3, 6.4).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

thread_local! {
    /// Each in its own place: its bytes, how many they are, and whether it refuses. An empty cell refuses nothing.
    static CELLS_ASKED: RefCell<Box<[u128]>> = RefCell::new(vec![0; CELLS].into());
}

/// What `ask` says of a cell, or has said lately.
pub fn asked(cell: &str, ask: impl FnOnce(&str) -> bool) -> bool {
    let Some(key) = key(cell) else { return ask(cell) };
    let place = ((key as u64 ^ (key >> 64) as u64).wrapping_mul(SPREAD) >> (u64::BITS - CELLS_BITS)) as usize;
    let known = CELLS_ASKED.with_borrow(|cells| cells[place]);
    if known & !REFUSES == key {
        return known & REFUSES != 0;
    }
    let refuses = ask(cell);
    CELLS_ASKED.with_borrow_mut(|cells| cells[place] = if refuses { key | REFUSES } else { key });
    refuses
}

/// A short cell as a number.
fn key(cell: &str) -> Option<u128> {
    let mut bytes = [0; BYTES_MAX + 1];
    bytes[..BYTES_MAX].get_mut(..cell.len())?.copy_from_slice(cell.as_bytes());
    bytes[BYTES_MAX] = cell.len() as u8;
    Some(u128::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_cell_is_asked_about_once_and_gets_its_own_answer() {
        let times = std::cell::Cell::new(0);
        let ask = |cell: &str| {
            times.set(times.get() + 1);
            cell.contains("no")
        };
        for cell in ["gold", "no sms", "15 bytes and no.", "", "a\0", "a"] {
            assert_eq!((asked(cell, ask), asked(cell, ask)), (cell.contains("no"), cell.contains("no")), "{cell}");
        }
        assert_eq!(times.get(), 4 + 2, "a long one is asked about again, and an empty one never");
        for cell in (0..10 * CELLS).map(|cell| format!("{cell}{}", if cell % 3 == 0 { "no" } else { "" })) {
            assert!(asked(&cell, ask) == cell.contains("no") && asked(&cell, ask) == cell.contains("no"), "{cell}");
        }
    }
}
