//! Words of letters and digits as a tree, so that a text is looked up letter by letter and given up at the first that no word has.

use std::collections::BTreeMap;

/// Letters from A to Z and digits, each by its place.
pub const LETTERS: u8 = 36;

/// What is known of a word.
pub type Marks = u16;

/// The words.
#[derive(Debug, Default)]
pub struct Tree(Vec<Node>);

/// What has been read so far begins a word.
#[derive(Clone, Copy, Debug, Default)]
struct Node {
    /// With which letters words go on.
    next: u64,
    /// The place of the first of these; the others follow it.
    first: u32,
    marks: Marks,
}

/// What has been read so far of a word.
pub type Place = u32;

impl Tree {
    /// Where nothing has been read.
    pub const ROOT: Place = 0;

    /// Of words with their marks. What has other letters is left out.
    pub fn of<'w>(words: impl IntoIterator<Item = (&'w str, Marks)>) -> Tree {
        let mut sorted: BTreeMap<Vec<u8>, Marks> = BTreeMap::new();
        for (word, marks) in words {
            if let Some(letters) = word.bytes().map(letter).collect() {
                *sorted.entry(letters).or_default() |= marks;
            }
        }
        let words: Vec<(Vec<u8>, Marks)> = sorted.into_iter().collect();
        let mut tree = Tree(vec![Node::default()]);
        tree.grow(0, 0, &words);
        tree
    }

    /// Adds what goes on behind a node: all of the words, which are sorted, begin with the same letters.
    fn grow(&mut self, node: usize, len: usize, words: &[(Vec<u8>, Marks)]) {
        let (own, longer) = words.split_at(usize::from(words.first().is_some_and(|(word, _)| word.len() == len)));
        let runs: Vec<_> = longer.chunk_by(|(a, _), (b, _)| a[len] == b[len]).collect();
        let first = self.0.len();
        self.0[node] = Node {
            next: runs.iter().fold(0, |next, run| next | 1 << run[0].0[len]),
            first: first as u32,
            marks: own.iter().fold(0, |marks, (_, own)| marks | own),
        };
        self.0.resize(first + runs.len(), Node::default());
        for (at, run) in runs.into_iter().enumerate() {
            self.grow(first + at, len + 1, run);
        }
    }

    /// The place behind one more letter, and the marks of the word that ends there; none where no word goes on so.
    pub fn step(&self, from: Place, letter: u8) -> Option<(Place, Marks)> {
        let node = &self.0[from as usize];
        let bit = 1_u64 << letter;
        if node.next & bit == 0 {
            return None;
        }
        let place = node.first + (node.next & (bit - 1)).count_ones();
        Some((place, self.0[place as usize].marks))
    }
}

/// The place of a letter or a digit, large or small.
pub const fn letter(byte: u8) -> Option<u8> {
    match byte {
        b'a'..=b'z' => Some(byte - b'a'),
        b'A'..=b'Z' => Some(byte - b'A'),
        b'0'..=b'9' => Some(byte - b'0' + 26),
        _ => None,
    }
}
