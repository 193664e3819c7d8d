//! What each reason of a verdict means, and what ends it: one table of words. `protocol.md` prints it, WHY answers with it,
//! and whatever shows a verdict to a person takes its words from here.

use super::verdict::Reason;

/// The words of one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReasonWords {
    /// When it holds, as `protocol.md` says it.
    pub meaning: &'static str,
    /// What ends it, as `protocol.md` says it.
    pub ended_by: &'static str,
    /// A sentence without its full stop. `{phone}` and `{list}` stand for the numbers, `{of}` for what an opt-out is of,
    /// `{fact}` for when and how it came to be; see [`ReasonWords::fill`].
    pub sentence: &'static str,
    /// What to do about it, in the same form.
    pub remedy: &'static str,
}

impl Reason {
    /// Its words.
    pub fn words(self) -> ReasonWords {
        match self {
            Reason::Fenced => ReasonWords {
                meaning: "the store may not know who opted out last: it was restored from a backup, lacks a file that tells \
                          whether it is whole, is older than its trail, or somebody said FENCE",
                ended_by: "UNFENCE",
                sentence: "{phone} gets nothing, nor does anybody: contactd may not know who opted out last{fact}",
                remedy: "Bring back what the store does not know, then UNFENCE ends it",
            },
            Reason::UnknownList => ReasonWords {
                meaning: "the number to send from is not a list, or is not one any more",
                ended_by: "LIST",
                sentence: "{list} is not a sending list{fact}",
                remedy: "LIST {list} makes it one",
            },
            Reason::ListPaused => ReasonWords {
                meaning: "the list is paused",
                ended_by: "LIST with paused false",
                sentence: "{list} is paused{fact}",
                remedy: "Only LIST {list} with paused false ends it",
            },
            Reason::Invalid => ReasonWords {
                meaning: "the contact's number does not exist",
                ended_by: "a newer VALID, or a newer inbound message from the number",
                sentence: "{phone} was reported not to exist{fact}",
                remedy: "A newer VALID {phone} ends it, and so does any newer message from the phone",
            },
            Reason::Suppressed => ReasonWords {
                meaning: "the contact is suppressed everywhere",
                ended_by: "a newer RELEASE without a list",
                sentence: "{phone} was suppressed everywhere{fact}",
                remedy: "Only a newer RELEASE {phone} ends it",
            },
            Reason::OptedOut => ReasonWords {
                meaning: "the contact opted out of all lists",
                ended_by: "a newer opt-in; it permits its own list alone",
                sentence: "{phone} opted out of all lists{fact}",
                remedy: "Only a newer opt-in from the person ends it, for its own list alone: OPTIN {list} {phone} with the \
                         date of consent, or START from the phone",
            },
            Reason::NotSubscribed => ReasonWords {
                meaning: "the contact never subscribed to this list, or is unknown",
                ended_by: "OPTIN, START, IMPORT",
                sentence: "{phone} is not subscribed to {list}",
                remedy: "OPTIN, START from the phone, or an import subscribes it",
            },
            Reason::ListSuppressed => ReasonWords {
                meaning: "the contact is suppressed on this list",
                ended_by: "a newer RELEASE with this list",
                sentence: "{phone} was suppressed on {list}{fact}",
                remedy: "Only a newer RELEASE {list} {phone} ends it",
            },
            Reason::ListOptedOut => ReasonWords {
                meaning: "the contact opted out of this list, or opted out of all lists and came back on another list only",
                ended_by: "a newer OPTIN or START",
                sentence: "{phone} opted out of {of}{fact}",
                remedy: "Only a newer opt-in from the person ends it: OPTIN {list} {phone} with the date of consent, or \
                         START from the phone",
            },
            Reason::HeldForReview => ReasonWords {
                meaning: "the contact may want out of this list, and nobody has looked at its message yet (--maybe-optout hold)",
                ended_by: "INBOX DONE, or an opt-in that is newer than the message",
                sentence: "{phone} may want out of {list}: its message waits in the INBOX",
                remedy: "INBOX shows the message. If the person wants out, OPTOUT {list} {phone}; if not, INBOX DONE",
            },
        }
    }
}

impl ReasonWords {
    /// A sentence or a remedy with what its names stand for.
    pub fn fill(template: &str, names: &[(&str, &str)]) -> String {
        let mut text = String::new();
        let mut rest = template;
        while let Some((before, (name, after))) =
            rest.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
        {
            text.push_str(before);
            text.push_str(names.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value));
            rest = after;
        }
        text + rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_a_template_is_filled_in_once() {
        let names = [("phone", "{list}"), ("list", "L"), ("of", "O"), ("fact", " on a day")];
        assert_eq!(ReasonWords::fill("{phone} and {list}{fact}.", &names), "{list} and L on a day.");
        for reason in Reason::ALL {
            let words = reason.words();
            for template in [words.sentence, words.remedy] {
                let parts = template.split('{').skip(1).filter_map(|part| part.split_once('}'));
                assert!(parts.map(|(name, _)| name).all(|name| names.iter().any(|(known, _)| *known == name)));
                assert!(!template.ends_with('.'), "{template}");
            }
            assert!(words.sentence.starts_with('{') && !words.ended_by.is_empty() && !words.meaning.is_empty());
        }
    }
}
