//! Why a message did not arrive: what the providers' codes say of the number.
//!
//! Sources: Twilio's error dictionary (21211, 21610, 21614, 21635, 30003, 30005, 30006), Telnyx's (40300).

/// What a failure means for the contact, the weightiest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Failure {
    /// It says nothing of the number: a queue was full, a filter took it.
    Other,
    /// The phone is switched off or out of reach for now. Counted; never a reason for invalid.
    Soft,
    /// The person opted out with the provider.
    OptedOut,
    /// The number does not exist, or can get no SMS.
    Permanent,
}

impl Failure {
    /// Every one.
    pub const ALL: [Failure; 4] = [Failure::Other, Failure::Soft, Failure::OptedOut, Failure::Permanent];

    /// The codes that say more than [`Failure::Other`].
    pub const CODES: [(&str, Failure); 8] = [
        ("21211", Failure::Permanent),
        ("21614", Failure::Permanent),
        ("21635", Failure::Permanent),
        ("30005", Failure::Permanent),
        ("30006", Failure::Permanent),
        ("21610", Failure::OptedOut),
        ("40300", Failure::OptedOut),
        ("30003", Failure::Soft),
    ];

    /// What a code means. `permanent` is the caller's own word: true always holds; false takes a permanent code back.
    pub fn of(code: &str, permanent: Option<bool>) -> Failure {
        let told =
            Failure::CODES.iter().find(|(known, _)| *known == code).map_or(Failure::Other, |(_, failure)| *failure);
        match permanent {
            // The opt-out stands beside it; to be invalid forbids more, and a person back from it is opted out still.
            Some(true) if told != Failure::OptedOut => Failure::Permanent,
            Some(false) if told == Failure::Permanent => Failure::Soft,
            _ => told,
        }
    }

    /// Whether it takes a yes away.
    pub fn forbids(self) -> bool {
        matches!(self, Failure::OptedOut | Failure::Permanent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_mean_what_the_providers_say() {
        for (code, permanent, failure) in [
            ("30005", None, Failure::Permanent),
            ("30003", None, Failure::Soft),
            ("21610", None, Failure::OptedOut),
            ("30007", None, Failure::Other),
            ("", None, Failure::Other),
            ("30007", Some(true), Failure::Permanent),
            ("30005", Some(false), Failure::Soft),
            ("21610", Some(true), Failure::OptedOut),
            ("21610", Some(false), Failure::OptedOut),
        ] {
            assert_eq!(Failure::of(code, permanent), failure, "{code} {permanent:?}");
        }
    }
}
