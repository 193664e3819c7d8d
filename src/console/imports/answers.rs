//! What a person says of a file in the browser, and the file as it is read by that.

use std::io::Read;

use crate::console::scratch::Scratch;
use crate::error::Result;
use crate::import::read::source::Source;
use crate::import::{AllAre, Options, Sheet};
use crate::limits::UPLOAD_BYTES_MAX;
use crate::model::time::Millis;

/// What a person says of a file as a whole. What they say of its columns is in the sheet.
#[derive(Clone, Default, PartialEq)]
pub struct Answers {
    /// The list for rows that do not name one; `*` for none, "" while nobody has said.
    pub list: String,
    /// The country of numbers without a country code.
    pub region: String,
    pub all_are: Option<AllAre>,
    /// No line that is no row says who wants messages.
    pub has_no_sections: bool,
    pub source: String,
    pub encoding: String,
    /// The heading of the phone, where several could be it.
    pub phone: String,
}

impl Answers {
    /// Reads the first rows of a file. `now` begins the import.
    pub fn open(&self, source: Source, name: &str, now: Millis, is_trial: bool) -> Result<Sheet> {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let options = Options {
            list: some(&self.list),
            region: some(&self.region),
            map: some(&self.phone).map(|phone| format!("{phone}=phone")).into_iter().collect(),
            all_are: self.all_are,
            no_sections: self.has_no_sections,
            source: some(&self.source),
            dry_run: is_trial,
            ..Options::default()
        };
        Sheet::open(source, None, &options, name, now)
    }

    /// The file as text.
    pub fn source(&self, file: impl Read + Send + 'static) -> Result<Source> {
        let encoding = Some(self.encoding.as_str()).filter(|encoding| !encoding.is_empty());
        Source::open(Box::new(file), encoding)
    }

    /// Reads all rows, for their columns to be shown.
    pub fn survey(&self, file: &Scratch, name: &str, now: Millis) -> Result<Box<Sheet>> {
        self.open(self.source(file.reading())?, name, now, true)?.survey_all(UPLOAD_BYTES_MAX as usize).map(Box::new)
    }
}
