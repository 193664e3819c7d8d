//! The seeds of a target, and the words that mean something to it: the files that cargo-fuzz uses, too.

use std::fs;
use std::path::{Path, PathBuf};

/// What a target begins with.
pub struct Corpus {
    /// Inputs by the names of their files, in the order of these.
    pub seeds: Vec<(String, Vec<u8>)>,
    /// Words that are put into inputs.
    pub words: Vec<Vec<u8>>,
}

/// The folder of all that cargo-fuzz needs.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

impl Corpus {
    /// Reads `fuzz/corpus/NAME` and `fuzz/dictionaries/NAME.dict`.
    pub fn of(target: &str) -> Corpus {
        let files = fs::read_dir(folder().join("corpus").join(target)).expect("a corpus");
        let mut seeds: Vec<(String, Vec<u8>)> = files
            .map(|file| {
                let file = file.expect("a file");
                let name = file.file_name().to_string_lossy().into_owned();
                (name, fs::read(file.path()).expect("a seed"))
            })
            .collect();
        seeds.sort();
        assert!(!seeds.is_empty(), "{target} has no corpus");
        let words = fs::read_to_string(folder().join("dictionaries").join(format!("{target}.dict"))).expect("words");
        let words = words.lines().filter(|line| line.starts_with('"')).map(word).collect();
        Corpus { seeds, words }
    }
}

/// The word of a line of a dictionary: in quotes, with `\\`, `\"` and `\xAB`.
fn word(line: &str) -> Vec<u8> {
    let quoted = line.trim_end().strip_prefix('"').and_then(|line| line.strip_suffix('"')).expect("a word in quotes");
    let (mut word, mut left) = (Vec::new(), quoted.as_bytes());
    while let [first, rest @ ..] = left {
        left = match (first, rest) {
            (b'\\', [b'x', high, low, rest @ ..]) => {
                let digits = [*high, *low];
                let digits = std::str::from_utf8(&digits).expect("two digits");
                word.push(u8::from_str_radix(digits, 16).expect("hexadecimal digits"));
                rest
            }
            (b'\\', [other, rest @ ..]) => {
                word.push(*other);
                rest
            }
            _ => {
                word.push(*first);
                rest
            }
        };
    }
    word
}

#[test]
fn words_are_read_as_cargo_fuzz_reads_them() {
    assert_eq!(word(r#""a\\b\"c\x0d\x0A""#), b"a\\b\"c\r\n");
}

/// The corpus is in every clone and every package of the source.
#[test]
fn the_corpus_is_small() {
    let targets = fs::read_dir(folder().join("corpus")).expect("the corpus");
    let bytes: usize = targets
        .map(|target| target.expect("a target").file_name().to_string_lossy().into_owned())
        .flat_map(|target| Corpus::of(&target).seeds)
        .map(|(_, seed)| seed.len())
        .sum();
    assert!(bytes <= 300 * 1024, "{bytes} bytes");
}
