//! Other inputs, made of those that there are.

use crate::corpus::Corpus;
use crate::prove::Random;

/// No input is longer.
const BYTES_MAX: usize = 4 * 1024;
/// Where numbers go wrong.
const EDGES: [u64; 14] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    1 << 32,
    1 << 48,
    i64::MAX as u64,
    u64::MAX,
];

/// An input that is like one of the corpus.
pub fn mutated(corpus: &Corpus, random: &mut Random) -> Vec<u8> {
    let mut input = random.pick(&corpus.seeds).1.clone();
    // Most go a little way from what makes sense, some far.
    let far = random.below(5);
    for _ in 0..=random.below(1 << far) {
        change(&mut input, corpus, random);
    }
    input.truncate(BYTES_MAX);
    input
}

fn change(input: &mut Vec<u8>, corpus: &Corpus, random: &mut Random) {
    let at = random.below(input.len() + 1);
    let end = (at + random.below(1 << 7)).min(input.len());
    match random.below(12) {
        0 | 1 if at < input.len() => input[at] ^= 1 << random.below(8),
        2 if at < input.len() => input[at] = random.next() as u8,
        3 => input.insert(at, random.next() as u8),
        4 => drop(input.drain(at..end)),
        5 => input.truncate(at),
        // Once more, what is there.
        6 => {
            let again = input[at..end].to_vec();
            let to = random.below(input.len() + 1);
            input.splice(to..to, again);
        }
        // A part of another one, in between or instead.
        7 => {
            let other = &random.pick(&corpus.seeds).1;
            let from = random.below(other.len() + 1);
            let to = from + random.below(other.len() - from + 1);
            let behind = if random.one_in(2) { at } else { end };
            input.splice(at..behind, other[from..to].iter().copied());
        }
        8 | 9 if !corpus.words.is_empty() => {
            let behind = if random.one_in(2) { at } else { end };
            input.splice(at..behind, random.pick(&corpus.words).iter().copied());
        }
        10 => {
            let edge = random.pick(&EDGES).wrapping_add(random.next() % 3).wrapping_sub(1);
            input.splice(at..end, edge.to_string().into_bytes());
        }
        11 => {
            let edge = *random.pick(&EDGES);
            let bytes = 1 << random.below(4);
            let number = if random.one_in(2) {
                edge.to_be_bytes()[8 - bytes..].to_vec()
            } else {
                edge.to_le_bytes()[..bytes].to_vec()
            };
            let behind = (at + bytes).min(input.len());
            input.splice(at..behind, number);
        }
        _ => input.push(random.next() as u8),
    }
}
