//! Cells in which nothing stands, however the program that wrote the file says so.

/// Words that stand where nothing is known.
const WORDS: [&str; 9] = ["null", "na", "n/a", "nan", "nil", "none", "unknown", "undefined", "\\n"];

/// Whether nothing stands in a cell: no letter and no digit, or a word for nothing.
pub fn is_blank(cell: &str) -> bool {
    let cell = cell.trim();
    // Nearly every cell begins with what it says.
    if cell.starts_with(|first: char| first.is_ascii_digit()) {
        return false;
    }
    !cell.contains(char::is_alphanumeric) || WORDS.iter().any(|word| cell.eq_ignore_ascii_case(word))
}

/// Whether a cell under the heading of a date has none: it is blank, or has zeros alone, as some databases write it.
pub fn is_no_date(cell: &str) -> bool {
    let has_zeros_alone = || cell.contains('0') && !cell.contains(|char: char| char.is_alphanumeric() && char != '0');
    is_blank(cell) || has_zeros_alone() || cell.trim_start().starts_with("0000-00-00")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_in_many_ways() {
        for cell in ["", " ", "-", "--", "—", "N/A", "n/a", "NA", "NULL", "None", "nil", "NaN", "\\N", "?", "unknown"]
        {
            assert!(is_blank(cell) && is_no_date(cell), "{cell}");
        }
        for cell in ["0000-00-00", "0000-00-00 00:00:00", "0000-00-00T00:00:00Z", "0", "00/00/0000"] {
            assert!(is_no_date(cell) && !is_blank(cell), "{cell}");
        }
        for cell in ["1/2/2024", "2024-01-02", "44927", "no", "x", "yes", "退订", "000-00-01"] {
            assert!(!is_no_date(cell) && !is_blank(cell), "{cell}");
        }
    }
}
