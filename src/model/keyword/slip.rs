//! Slips of the pen: a word that is one letter beside an opt-out word.

/// The words whose slips are looked for. Shorter ones, like END, have too many neighbours that people mean.
pub const SLIPS_OF: [&str; 6] = ["STOP", "UNSUBSCRIBE", "STOPALL", "OPTOUT", "CANCEL", "REMOVE"];
/// A word of so many letters may have two slips.
const LONG_LETTERS: usize = 8;

/// The word that was meant, if a word is a slip of one.
pub fn meant(word: &str) -> Option<&'static str> {
    let letters: Vec<char> = word.chars().collect();
    SLIPS_OF.into_iter().find(|meant| {
        let meant: Vec<char> = meant.chars().collect();
        let most = if meant.len() >= LONG_LETTERS { 2 } else { 1 };
        if letters.len().abs_diff(meant.len()) > most {
            return false;
        }
        (1..=most).contains(&distance(&letters, &meant))
    })
}

/// How many letters have to be put in, left out, changed or swapped with their neighbour to make one word the other.
fn distance(from: &[char], to: &[char]) -> usize {
    let width = to.len() + 1;
    let mut rows = vec![(0..width).collect::<Vec<usize>>()];
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let changed = rows[i][j] + usize::from(a != b);
            let mut best = changed.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_letter_beside_is_a_slip() {
        for (word, is) in [
            ("SOTP", Some("STOP")),
            ("STOPP", Some("STOP")),
            ("ST0P", Some("STOP")),
            ("STP", Some("STOP")),
            ("TSOP", Some("STOP")),
            ("UNSUSCRIBE", Some("UNSUBSCRIBE")),
            ("UNSUBCIBE", Some("UNSUBSCRIBE")),
            ("STOP", None),
            ("SPOT", None),
            ("POST", None),
            ("STOCK", None),
            ("END", None),
            ("ENDS", None),
            ("", None),
        ] {
            assert_eq!(meant(word), is, "{word}");
        }
    }
}
