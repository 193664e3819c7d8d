//! Dates like 4/3/2026: whether the day or the month stands first, a person says, and nobody guesses.

use super::survey::Held;

/// What stands first in the dates of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayOrder {
    /// 4/3/2026 is the third of April.
    MonthFirst,
    /// 4/3/2026 is the fourth of March.
    DayFirst,
}

/// The dates of this kind that a column holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlashedDates {
    pub many: u64,
    /// In how many of them the first number is no month, and in how many the second is none.
    first_over_12: u64,
    second_over_12: u64,
}

impl DayOrder {
    pub const ALL: [DayOrder; 2] = [DayOrder::MonthFirst, DayOrder::DayFirst];

    /// The word behind a field: `subscribed_at:mdy`.
    pub fn word(self) -> &'static str {
        match self {
            DayOrder::MonthFirst => "mdy",
            DayOrder::DayFirst => "dmy",
        }
    }

    /// Reads such a word.
    pub fn parse(word: &str) -> Option<DayOrder> {
        DayOrder::ALL.into_iter().find(|order| order.word() == word)
    }

    /// For people.
    pub fn told(self) -> &'static str {
        match self {
            DayOrder::MonthFirst => "month/day/year",
            DayOrder::DayFirst => "day/month/year",
        }
    }

    /// A date of this kind as one that everybody reads alike, with what stands behind it; none for any other text.
    pub fn read(self, text: &str) -> Option<String> {
        let (first, second, year, rest) = slashed(text)?;
        let (month, day) = match self {
            DayOrder::MonthFirst => (first, second),
            DayOrder::DayFirst => (second, first),
        };
        Some(format!("{year:04}-{month:02}-{day:02}{rest}"))
    }

    /// Takes the word off a field: `subscribed_at:mdy`.
    pub fn split(word: &str) -> (&str, Option<DayOrder>) {
        let found = word.rsplit_once(':').and_then(|(field, order)| Some((field, DayOrder::parse(order)?)));
        found.map_or((word, None), |(field, order)| (field, Some(order)))
    }
}

impl SlashedDates {
    /// Looks at a cell.
    pub fn see(&mut self, cell: &str) {
        let Some((first, second, ..)) = slashed(cell) else { return };
        self.many += 1;
        self.first_over_12 += u64::from(first > 12);
        self.second_over_12 += u64::from(second > 12);
    }

    /// What the dates say themselves: in how many of them one of the two numbers is no month, if that is always the same one.
    pub fn found(&self) -> Option<(DayOrder, u64)> {
        match (self.first_over_12, self.second_over_12) {
            (0, 0) => None,
            (0, many) => Some((DayOrder::MonthFirst, many)),
            (many, 0) => Some((DayOrder::DayFirst, many)),
            _ => None,
        }
    }
}

impl Held {
    /// What to say of the dates of a column before somebody decides; none where it has none of this kind.
    pub fn of_days(&self) -> Option<String> {
        let dates = &self.days;
        let which = match dates.found() {
            Some((order, many)) => {
                let place = if order == DayOrder::MonthFirst { "second" } else { "first" };
                format!("in {many} of them the {place} number is over 12, so they look like {}", order.told())
            }
            None if dates.first_over_12 > 0 => "some begin with the day, and some with the month".to_owned(),
            None => "they do not say which".to_owned(),
        };
        (dates.many > 0).then(|| format!("{} dates like 4/3/2026: {which}", dates.many))
    }
}

/// The three numbers of a date like 4/3/2026, and what stands behind them.
fn slashed(text: &str) -> Option<(u32, u32, u32, &str)> {
    let (date, rest) = text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '/').unwrap_or(text.len()));
    let mut numbers = date.split('/');
    let mut next = |lengths: std::ops::RangeInclusive<usize>| -> Option<u32> {
        let number = numbers.next().filter(|number| lengths.contains(&number.len()))?;
        number.parse().ok()
    };
    let (first, second, year) = (next(1..=2)?, next(1..=2)?, next(4..=4)?);
    let is_date = numbers.next().is_none() && (rest.is_empty() || rest.starts_with([' ', 'T', ',']));
    is_date.then(|| (first, second, year, rest.trim_start_matches(',')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_read_as_a_person_said() {
        for (text, month_first, day_first) in [
            ("4/3/2026", "2026-04-03", "2026-03-04"),
            ("04/03/2026 15:04", "2026-04-03 15:04", "2026-03-04 15:04"),
            ("1/31/2026", "2026-01-31", "2026-31-01"),
        ] {
            assert_eq!(DayOrder::MonthFirst.read(text).as_deref(), Some(month_first));
            assert_eq!(DayOrder::DayFirst.read(text).as_deref(), Some(day_first));
        }
        for other in ["2026-04-03", "4/3/26", "4/3", "4/3/2026x", "2026/04/03", "", "1/2/3/2026", "N/A"] {
            assert_eq!(DayOrder::DayFirst.read(other), None, "{other}");
        }
        assert_eq!(DayOrder::split("subscribed_at:mdy"), ("subscribed_at", Some(DayOrder::MonthFirst)));
        assert_eq!(DayOrder::split("label.a:b"), ("label.a:b", None));
    }

    #[test]
    fn a_number_over_twelve_says_which_is_which() {
        let found = |cells: &[&str]| {
            let mut dates = SlashedDates::default();
            for cell in cells {
                dates.see(cell);
            }
            (dates.many, dates.found())
        };
        assert_eq!(found(&["4/3/2026", "x"]), (1, None));
        assert_eq!(found(&["4/3/2026", "4/30/2026"]), (2, Some((DayOrder::MonthFirst, 1))));
        assert_eq!(found(&["30/4/2026", "4/3/2026"]), (2, Some((DayOrder::DayFirst, 1))));
        assert_eq!(found(&["30/4/2026", "4/30/2026"]), (2, None), "a column of two kinds");
    }
}
