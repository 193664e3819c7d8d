//! Why a message did not arrive: what the providers' codes say of the number.
//!
//! Sources: Twilio's error dictionary (21211, 21610, 21614, 21635, 30003, 30005, 30006), Telnyx's (40300).

/// What a failure means for the contact, besides that the message did not arrive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Failure {
    /// The number does not exist, or can get no SMS.
    pub permanent: bool,
    /// The person opted out with the provider.
    pub opted_out: bool,
    /// The phone is switched off or out of reach for now. Counted; never a reason for invalid.
    pub soft: bool,
}

const PERMANENT: [&str; 5] = ["21211", "21614", "21635", "30005", "30006"];
const OPTED_OUT: [&str; 2] = ["21610", "40300"];
const SOFT: [&str; 1] = ["30003"];

impl Failure {
    /// What a code means. `permanent` is the caller's own word on whether the number exists: one that does is out of
    /// reach, whatever its code.
    pub fn of(code: &str, permanent: Option<bool>) -> Failure {
        Failure {
            permanent: permanent.unwrap_or(PERMANENT.contains(&code)),
            opted_out: OPTED_OUT.contains(&code),
            soft: permanent.map_or(SOFT.contains(&code), |permanent| !permanent),
        }
    }

    /// What it forbids that `known` does not.
    #[must_use]
    pub fn beyond(self, known: Failure) -> Failure {
        Failure {
            permanent: self.permanent && !known.permanent,
            opted_out: self.opted_out && !known.opted_out,
            soft: false,
        }
    }

    /// Both together: what either forbids, and soft as it was first.
    #[must_use]
    pub fn with(self, more: Failure) -> Failure {
        Failure {
            permanent: self.permanent || more.permanent,
            opted_out: self.opted_out || more.opted_out,
            soft: self.soft,
        }
    }

    /// Whether it takes a yes away.
    pub fn forbids(self) -> bool {
        self.permanent || self.opted_out
    }

    /// Whether it is only soft.
    pub fn is_soft(self) -> bool {
        self.soft && !self.forbids()
    }

    /// The three as bits, for what is stored.
    pub fn bits(self) -> u8 {
        u8::from(self.permanent) | u8::from(self.opted_out) << 1 | u8::from(self.soft) << 2
    }

    /// The opposite of [`Failure::bits`].
    pub fn from_bits(bits: u8) -> Failure {
        Failure { permanent: bits & 1 != 0, opted_out: bits & 2 != 0, soft: bits & 4 != 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_mean_what_the_providers_say() {
        for (code, permanent, [is_permanent, opted_out, soft]) in [
            ("30005", None, [true, false, false]),
            ("30003", None, [false, false, true]),
            ("21610", None, [false, true, false]),
            ("30007", None, [false, false, false]),
            ("", None, [false, false, false]),
            ("30007", Some(true), [true, false, false]),
            ("30005", Some(false), [false, false, true]),
            ("21610", Some(true), [true, true, false]),
            ("30007", Some(false), [false, false, true]),
            ("", Some(false), [false, false, true]),
            ("21610", Some(false), [false, true, true]),
        ] {
            let failure = Failure { permanent: is_permanent, opted_out, soft };
            assert_eq!(Failure::of(code, permanent), failure, "{code} {permanent:?}");
            assert_eq!(Failure::from_bits(failure.bits()), failure);
        }
    }
}
