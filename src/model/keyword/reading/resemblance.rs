//! What no rule knows: whether it reads like the requests that the net has learned.

use super::Reading;
use crate::model::keyword::net::Net;

impl Reading<'_> {
    /// Whether one of its sentences resembles requests. One that has a reading that is known to be harmless does not, unless it is
    /// one word for word.
    pub fn resembles_request(&self, net: &Net) -> bool {
        let is_covered = self.covered();
        let resembles = |(from, last): (usize, usize)| {
            let sentence = &self.words[from..=last];
            let is_explained = is_covered[from..=last].contains(&true);
            let is_quoted = self.is_quoted(from, last + 1);
            !is_quoted && if is_explained { net.knows(sentence) } else { net.shows(sentence) }
        };
        // Before its reason a sentence is as short as what was learned.
        let before_reason = |(from, last): (usize, usize)| {
            (from + 1..=last).find(|&at| self.gives_reason(at)).map(|reason| (from, reason - 1))
        };
        self.each_sentence().any(|sentence| resembles(sentence) || before_reason(sentence).is_some_and(&resembles))
    }
}
