//! Texting: words as people shorten them on phones, each language in its own way: `msg mt kro` is `message mat karo`, and `nn
//! quero` is `não quero`.
//!
//! One fold of each word, before the words are looked up, stands for all wordings that have it. What it makes of an ordinary
//! message of another language asks for nothing; what asks is shown to a person, and no more, since somebody else may have meant
//! the letters.

use std::collections::HashMap;
use std::sync::LazyLock;

use foldhash::fast::RandomState;

/// What a word may be: the place of its language, and what it is there.
type Folds = Vec<(usize, String)>;

static FOLDS: LazyLock<HashMap<&'static str, Folds, RandomState>> =
    LazyLock::new(|| parsed(include_str!("texting.txt")));

/// Longer texts are written out, and so are longer words.
const BYTES_MAX: usize = 160;
const WORD_BYTES_MAX: usize = 32;

fn parsed(text: &'static str) -> HashMap<&'static str, Folds, RandomState> {
    let mut folds: HashMap<&str, Folds, RandomState> = HashMap::default();
    let lines = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(": "));
    for (language, (_, words)) in lines.enumerate() {
        for (word, meant) in words.split_whitespace().filter_map(|fold| fold.split_once('=')) {
            folds.entry(word).or_default().push((language, meant.replace('_', " ")));
        }
    }
    folds
}

/// What a text may say in the languages that shorten its words so.
pub fn meant(text: &str) -> Vec<String> {
    if text.len() > BYTES_MAX {
        return Vec::new();
    }
    let words: Vec<(&str, Option<&Folds>)> = text.split_whitespace().map(|word| (word, folds(word))).collect();
    let mut languages: Vec<usize> = words.iter().filter_map(|(_, folds)| *folds).flatten().map(|(at, _)| *at).collect();
    languages.sort_unstable();
    languages.dedup();
    let of = |language: usize| {
        let meant = |(word, folds): &(&str, Option<&Folds>)| {
            let fold = folds.and_then(|folds| folds.iter().find(|(at, _)| *at == language));
            fold.map_or_else(|| (*word).to_owned(), |(_, meant)| meant.clone())
        };
        words.iter().map(meant).collect::<Vec<_>>().join(" ")
    };
    languages.into_iter().map(of).collect()
}

fn folds(word: &str) -> Option<&'static Folds> {
    let plain = word.trim_end_matches(['.', ',', '!', '?']);
    if plain.len() > WORD_BYTES_MAX {
        return None;
    }
    FOLDS.get(plain).or_else(|| FOLDS.get(plain.to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::super::{Keywords, Meaning};
    use super::*;

    #[test]
    fn each_language_has_its_own_folds() {
        assert_eq!(
            meant("msg mt kro"),
            [
                "msg mat karo",
                "mensagem mt kro",
                "mensajes mt kro",
                "messages mt kro",
                "messaggi mt kro",
                "nachrichten mt kro"
            ]
        );
        assert_eq!(meant("rock and roll"), Vec::<String>::new());
    }

    #[test]
    fn what_is_texted_is_read_as_what_is_written_out() {
        let keywords = Keywords::default();
        for text in [
            "msg mt kro",
            "msg mt bhejo",
            "mujhe msg mt karo",
            "msg band krdo",
            "sms bnd kro",
            "message bhejna rok do",
            "mera number hta do",
            "mera no htao",
            "nn quero mais receber",
            "nn me mande mais nada",
            "naum quero msg",
            "ñ me manda mais msg",
            "n me mande mais nada",
            "n mande mais",
            "n tenho interesse",
            "schick nix mehr",
            "nix mehr schicken",
            "x favor no me escrivan",
            "enleve mon num",
            "مابدي رسائل",
            "الغو اشتراكي",
            "بطلو تبعتو",
        ] {
            assert!(keywords.meaning(text).strictness() > 0, "{text}");
        }
        for text in [
            "me n you at 5",
            "rock n roll",
            "ok k",
            "no prob",
            "kya kr rhe ho",
            "shop band h kya",
            "mt everest",
            "q tal",
            "x favor me escriban",
            "n sei",
            "manda mais msg",
            "ko sao",
            "nix los heute",
        ] {
            assert_eq!(keywords.meaning(text), Meaning::Message, "{text}");
        }
    }
}
