//! A number of things, in words.

/// `1 token`, `2 tokens`: a number and what it counts, told by the word for one of them. Words whose plural is not made with
/// an `s` are not for it.
pub fn counted(number: u64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one() {
        assert_eq!([0, 1, 2].map(|number| counted(number, "opt-out")), ["0 opt-outs", "1 opt-out", "2 opt-outs"]);
    }
}
