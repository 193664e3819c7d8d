//! Titles above a table: reports begin with their name and their date, and the headings follow.

use super::dialect::reader;
use super::records::lines;

/// How far down headings are looked for.
pub const ROWS_MAX: usize = 12;
/// A title has a cell, or a name and a value.
const TITLE_CELLS_MAX: usize = 2;
/// Headings that stand out from such titles.
const HEADINGS_MIN: usize = 4;

/// What stands above the headings.
#[derive(Debug, PartialEq, Eq)]
pub enum Titles {
    None,
    /// So many lines, each with one cell at most: the table of phones begins below them.
    Certain {
        header: u64,
    },
    /// The first line seems to be a title, and so many lines below it are the headings, with these names.
    Likely {
        header: u64,
        names: String,
    },
}

/// Looks for titles: rows with few cells, and below them the first row of a table, which is headings where the row behind it has a
/// phone and it has none itself.
pub fn find(sample: &str, delimiter: u8, is_phone: impl Fn(&str) -> bool) -> Titles {
    let mut rows = reader(sample.as_bytes(), delimiter);
    let mut all = Vec::new();
    let mut row = csv::StringRecord::new();
    while all.len() < ROWS_MAX && matches!(rows.read_record(&mut row), Ok(true)) {
        // A record may begin with blank lines.
        let before = row.position().map_or(0, |position| position.byte() as usize);
        let text = &sample[before..];
        let line = lines(&sample[..sample.len() - text.trim_start_matches(['\r', '\n']).len()]);
        let cells: Vec<String> = row.iter().map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect();
        all.push((line, cells));
    }
    let has_phone = |cells: &[String]| cells.iter().any(|cell| is_phone(cell));
    for (at, (line, cells)) in all.iter().enumerate() {
        let above = all[..at].iter().map(|(_, cells)| cells.len()).max().unwrap_or(0);
        // Between headings of several columns and the first row a title of a section may stand: "Monthly".
        let least = usize::from(cells.len() > TITLE_CELLS_MAX);
        let follows = all[at + 1..].iter().map(|(_, cells)| cells).find(|cells| cells.len() > least);
        let are_headings = !has_phone(cells) && follows.is_some_and(|cells| cells.len() > 1 && has_phone(cells));
        if has_phone(cells) {
            return Titles::None;
        }
        if !are_headings || cells.len() < 2 {
            continue;
        }
        return match above {
            0 => Titles::None,
            1 => Titles::Certain { header: *line },
            ..=TITLE_CELLS_MAX if cells.len() >= HEADINGS_MIN => {
                Titles::Likely { header: *line, names: cells.join(", ") }
            }
            _ => Titles::None,
        };
    }
    Titles::None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(sample: &str) -> Titles {
        find(sample, b',', |cell| cell.starts_with('+'))
    }

    #[test]
    fn titles_are_told_from_headings() {
        for (sample, header) in [
            ("Contacts export,,\nGenerated 2024-01-02,,\n,,\nName,Phone,Status\nAda,+1,active\n", 3),
            ("Contacts\n\nname,phone\nAda,+1\n", 2),
            ("Contacts\r\n\r\n\r\nname,phone\r\nAda,+1\r\n", 3),
            ("Contacts\nphone,name\n+1,Ada\n", 1),
            ("\"Report, of all\"\nphone,name\n\n+1,Ada\n", 1),
            ("Members,,\n,,\nName,Phone,Plan\nMonthly,,\nAda,+1,Monthly\n", 2),
        ] {
            assert_eq!(found(sample), Titles::Certain { header }, "{sample}");
        }
        for sample in [
            "",
            "phone,name\n+1,Ada\n",
            "\n\nphone,name\n+1,Ada\n",
            "phone\n+1\n+2\n",
            "phone,name\n,Ada\n+1,Bob\n",
            "+1,Ada\nphone,name\n+2,Bob\n",
            "name,phone\nAda\nBob,x\n",
            "name,phone,state\nAda,,CA\nBob,+1,NY\n",
            "phone\n+1,Ada\nname,x\n+2,Bob\n",
            "Members\nby,Eve\nMonthly\nAda,+1\n",
        ] {
            assert_eq!(found(sample), Titles::None, "{sample}");
        }
        let likely = Titles::Likely { header: 2, names: "Name,Phone,Status,City".replace(',', ", ") };
        assert_eq!(found("Report:,Contacts,,\nBy:,Eve,,\nName,Phone,Status,City\nAda,+1,active,Rome\n"), likely);
    }
}
