//! What is said of all rows of a file.

use crate::import::options::AllAre;
use crate::model::fact::How;
use crate::model::phone::Region;

/// What every row says that does not say otherwise itself.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// `--list`: a list's number, or `*` for the contact itself.
    pub list: Option<String>,
    pub region: Option<Region>,
    pub source: String,
    /// The id of this import, which the events of its rows keep.
    pub import_id: String,
    pub how: Option<How>,
    /// `--as`.
    pub all_are: Option<AllAre>,
    /// `--no-sections`: no line that is no row says who wants messages.
    pub no_sections: bool,
    /// `--dry-run`: asks how numbers are read, and changes nothing.
    pub dry_run: bool,
}

impl Defaults {
    /// Whether nobody in the file gets messages.
    pub fn forbid(&self) -> bool {
        self.all_are.is_some_and(AllAre::forbids)
    }

    /// Whether a row like a title says nothing of the rows below it.
    pub fn has_no_sections(&self) -> bool {
        self.no_sections || self.forbid()
    }
}
