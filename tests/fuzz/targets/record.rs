//! What stands on disk: whatever bytes a value or a key has, it is read or refused; and what was read reads as the same once it
//! is written again. So nothing that damage makes of a value changes a second time, and no length in it is believed.

use std::borrow::Cow;
use std::fmt::Debug;

use contactd::error::Result;
use contactd::limits::{GATE_CHUNK_IDS, POSTING_CHUNK_IDS};
use contactd::store::Changes;
use contactd::store::engine::Batch;
use contactd::store::format::chunk::Chunk;
use contactd::store::format::{block, codec, compressed, keys};
use contactd::store::term::Term;

use super::chosen;

/// The kinds of values, in the order of the first byte of an input, which never changes: the corpus depends on it.
pub const KINDS: [fn(&[u8]); 22] = [
    |value| again(value, codec::decode_record, codec::encode_record),
    |value| again(value, codec::decode_entries, |entries| codec::encode_entries(entries)),
    |value| again(value, codec::decode_feed, |entries| codec::encode_feed(entries)),
    |value| again(value, codec::decode_tombstone, codec::encode_tombstone),
    |value| again(value, codec::decode_list, codec::encode_list),
    |value| again(value, codec::decode_list_event, codec::encode_list_event),
    |value| again(value, codec::decode_tally, |tally| codec::encode_tally(*tally)),
    |value| again(value, codec::decode_plan, codec::encode_plan),
    |value| again(value, codec::decode_waiting, codec::encode_waiting),
    |value| again(value, codec::decode_fence, codec::encode_fence),
    |value| again(value, codec::decode_erasing, codec::encode_erasing),
    |value| again(value, codec::decode_next_ids, codec::encode_next_ids),
    |value| again(value, codec::decode_numbers, |numbers| Ok(codec::encode_numbers(numbers))),
    |value| again(value, |value| Ok(codec::decode_scope(value)), |scope| Ok(codec::encode_scope(*scope))),
    |value| again(value, |value| Chunk::decode(GATE_CHUNK_IDS, value), |chunk| Ok(chunk.encode())),
    |value| again(value, |value| Chunk::decode(POSTING_CHUNK_IDS, value), |chunk| Ok(chunk.encode())),
    blocks,
    |value| again(value, journal, |changes| Ok(journal_of(changes))),
    batch,
    compress,
    term,
    posting,
];

pub fn run(input: &[u8]) {
    let (kind, value) = chosen(input);
    KINDS[kind % KINDS.len()](value);
}

/// What is read, written again, reads as the same, and is written in the same way.
fn again<T: PartialEq + Debug>(
    value: &[u8],
    decode: impl Fn(&[u8]) -> Result<T>,
    encode: impl Fn(&T) -> Result<Vec<u8>>,
) {
    let Ok(read) = decode(value) else { return };
    // Some damage says more than a value has room for.
    let Ok(written) = encode(&read) else { return };
    let same = decode(&written).expect("what was written can be read");
    assert_eq!(encode(&same).expect("it has room"), written);
    if written.len() <= value.len() {
        // What is longer may have had to leave something out.
        assert_eq!(same, read);
    }
}

/// The changes of postings that a value of the journal has, in their order.
type Postings = Vec<(Vec<u8>, Vec<(u32, bool)>)>;

fn journal(value: &[u8]) -> Result<Postings> {
    let changes = Changes::decode(value)?;
    let mut all: Postings = changes.iter().map(|(key, of)| (key.to_vec(), of.collect())).collect();
    all.sort();
    Ok(all)
}

fn journal_of(changes: &Postings) -> Vec<u8> {
    let mut value = vec![codec::V1];
    for (key, of) in changes {
        value.extend((key.len() as u16).to_be_bytes());
        value.extend_from_slice(key);
        value.extend((of.len() as u16).to_be_bytes());
        value.extend(of.iter().flat_map(|&(offset, has)| (offset as u16 | u16::from(has) << 15).to_be_bytes()));
    }
    value
}

/// A block of records: one of them changes, the others stay as they are.
fn blocks(value: &[u8]) {
    let Ok(slots) = block::slots(value) else { return };
    let changed = value.len() % slots.len();
    let packed = block::pack(Some(value), &[(changed, Some(vec![1, 2, 3]))]).expect("packed");
    let packed = packed.value.expect("it has one record at least");
    for (at, slot) in block::slots(&packed).expect("a block").iter().enumerate() {
        assert_eq!(*slot, if at == changed { block::Slot::Here(&[1, 2, 3]) } else { slots[at] });
    }
}

fn batch(bytes: &[u8]) {
    let Ok(batch) = Batch::decode(bytes.to_vec()) else { return };
    assert_eq!(batch.as_bytes(), bytes);
    assert_eq!(batch.entries().count(), batch.len());
    let mut again = Batch::new(batch.number());
    batch.entries().for_each(|(key, value)| again.push(key, value));
    assert_eq!(again.as_bytes(), bytes);
    for (key, _) in batch.entries() {
        let _ = keys::described(key);
    }
}

fn compress(value: &[u8]) {
    let expanded = compressed::expand(value).map(Cow::into_owned);
    // What begins as if it were compressed is never compressed itself: all values begin with their version.
    for plain in [Ok([&[codec::V1], value].concat()), expanded].into_iter().flatten() {
        if plain.first() == Some(&codec::V1) && plain.len() <= contactd::limits::VALUE_BYTES_MAX {
            let small = compressed::compress(plain.clone());
            assert!(small.len() <= plain.len());
            assert_eq!(compressed::expand(&small).expect("a value"), plain);
        }
    }
}

fn term(key: &[u8]) {
    let Some(term) = Term::read_key(key) else { return };
    let mut again = Vec::new();
    term.write_key(&mut again);
    assert_eq!(again, key);
}

fn posting(key: &[u8]) {
    let _ = (keys::described(key), keys::parse_tally(key), keys::is_gate_posting(key));
    let Some((term, first)) = keys::parse_posting(key) else { return };
    assert_eq!(keys::parse_posting(&keys::posting(term, first)), Some((term, first)));
}
