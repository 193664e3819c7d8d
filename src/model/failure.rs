//! Why a message did not arrive: what the providers' codes say of the number.
//!
//! A code means something with its provider's name only: 9 is an opt-out with Vonage, and nothing elsewhere. A row is
//! here if the provider's own page says it without doubt; where one code stands for several causes, it has no row.

mod words;

use std::borrow::Cow;

use super::phone::decimal;

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

const PERMANENT: Failure = Failure { permanent: true, opted_out: false, soft: false };
const OPTED_OUT: Failure = Failure { permanent: false, opted_out: true, soft: false };
const TEMPORARY: Failure = Failure { permanent: false, opted_out: false, soft: true };

/// A provider's codes, and what each says.
type Codes = &'static [(&'static str, Failure)];

/// <https://www.twilio.com/docs/api/errors>, a page for each.
const TWILIO: Codes = &[
    ("21211", PERMANENT), // invalid 'To' phone number
    ("21610", OPTED_OUT), // attempt to send to unsubscribed recipient
    ("21614", PERMANENT), // 'To' number is not a valid mobile number
    ("21635", PERMANENT), // 'To' number cannot be a landline
    ("30003", TEMPORARY), // unreachable destination handset: powered off, no service, temporarily unreachable
    ("30005", PERMANENT), // unknown destination handset
    ("30006", PERMANENT), // landline or unreachable carrier
];

/// <https://developer.signalwire.com/rest/compatibility-api/overview/error-codes>
const SIGNALWIRE: Codes = &[
    ("21217", PERMANENT), // sent to a destination which does not represent a valid phone number
    ("21610", OPTED_OUT), // attempt to send to unsubscribed recipient
    ("30003", TEMPORARY), // unreachable destination handset
    ("30004", OPTED_OUT), // message blocked or opted out: of the two, what forbids
    ("30005", PERMANENT), // unknown destination handset
    ("30006", PERMANENT), // landline or unreachable carrier
];

/// <https://developers.telnyx.com/docs/messaging/messages/error-codes>. 40012 has no row: the number may be dead, or its
/// owner out of credit.
const TELNYX: Codes = &[
    ("40001", PERMANENT), // not routable: a landline or a non-routable number
    ("40006", TEMPORARY), // recipient unavailable: try again
    ("40300", OPTED_OUT), // blocked due to STOP message
    ("40310", PERMANENT), // invalid 'to' address
];

/// The `err-code` of delivery receipts, not the `status` of the answer to a send, where 9 is a lack of credit:
/// <https://api.support.vonage.com/hc/en-us/articles/204014733>. Of 9 also
/// <https://developer.vonage.com/en/opt-out-assist/guides/messaging-opted-out-numbers>.
const VONAGE: Codes = &[
    ("2", TEMPORARY), // absent subscriber, temporary
    ("3", PERMANENT), // absent subscriber, permanent: remove the number
    ("4", PERMANENT), // call barred by user: permanent, remove the number
    ("7", TEMPORARY), // handset busy
    ("9", OPTED_OUT), // illegal number: the user has asked not to receive messages from a service
];

/// <https://www.plivo.com/docs/messaging/troubleshooting/error-codes>. Of 200 also
/// <https://support.plivo.com/support/solutions/articles/17000089602>.
const PLIVO: Codes = &[
    ("50", PERMANENT),  // invalid destination number
    ("70", PERMANENT),  // destination permanently unavailable
    ("80", TEMPORARY),  // destination temporarily unavailable
    ("200", OPTED_OUT), // source number blocked by STOP from destination number
];

/// <https://github.com/Bandwidth/api-docs/blob/main/site/docs/messaging/errors.mdx>
const BANDWIDTH: Codes = &[
    ("4303", PERMANENT), // malformed 'to' number: routable to no carrier
    ("4404", PERMANENT), // messaging forbidden on 'to' number: not active, or not enabled for messages
    ("4406", PERMANENT), // unallocated 'to' number
    ("4702", TEMPORARY), // destination subscriber unavailable: switched off, out of reach
    ("4720", PERMANENT), // invalid destination address: no number, or a landline
    ("4721", PERMANENT), // number on deactivation list
    ("4775", OPTED_OUT), // carrier rejected due to user opt-out
];

/// <https://developers.sinch.com/docs/sms/smpp/10dlc-errors>; of 257
/// <https://community.sinch.com/t5/Toll-Free-Numbers-TFN/How-does-STOP-work-on-a-Toll-Free-number/ta-p/15313>; of 404
/// <https://developers.sinch.com/docs/sms/api-reference/sms/tag/Delivery-reports>.
const SINCH: Codes = &[
    ("152", PERMANENT), // teleservice not provisioned
    ("257", OPTED_OUT), // user opted out (STOP)
    ("300", PERMANENT), // invalid destination address
    ("404", TEMPORARY), // temporary delivery failure
];

const PROVIDERS: [(&str, Codes); 7] = [
    ("twilio", TWILIO),
    ("signalwire", SIGNALWIRE),
    ("telnyx", TELNYX),
    ("vonage", VONAGE),
    ("plivo", PLIVO),
    ("bandwidth", BANDWIDTH),
    ("sinch", SINCH),
];

/// What codes mean that come without a provider, or with one that is not here: Twilio's, and Telnyx's for an opt-out. No
/// provider above means something else by them.
const UNNAMED: [Codes; 2] = [TWILIO, &[("40300", OPTED_OUT)]];

impl Failure {
    /// What a code means with a provider, whose name is "" where it is not known. `permanent` is the caller's own word on
    /// whether the number exists: one that does is out of reach, whatever its code.
    pub fn of(provider: &str, code: &str, permanent: Option<bool>) -> Failure {
        let said = look_up(provider, code);
        Failure {
            permanent: permanent.unwrap_or(said.permanent),
            opted_out: said.opted_out,
            soft: permanent.map_or(said.soft, |permanent| !permanent),
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

/// What a text with codes says: all that any of them forbids.
fn look_up(provider: &str, text: &str) -> Failure {
    let tables = tables(provider);
    let in_tables = |code: &str| {
        // Some systems write 009.
        let code = code.trim_start_matches('0');
        let rows = tables.iter().flat_map(|codes| codes.iter());
        rows.filter(|(known, _)| *known == code).map(|(_, said)| *said).reduce(Failure::with)
    };
    let text = plain(text);
    let said = in_tables(&text).or_else(|| numbers(&text).filter_map(in_tables).reduce(Failure::with));
    let said = said.or_else(|| grouped(&text).filter_map(|number| in_tables(&number)).reduce(Failure::with));
    said.unwrap_or_default().with(words::said(&text))
}

/// The tables that a provider's codes stand in. Its name may have more in it, as in `Twilio (EU)`. Where it is spelt wrong, no opt-out
/// must be lost.
fn tables(provider: &str) -> Vec<Codes> {
    let letters: String = provider.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase()).collect();
    // Vonage's name until 2020; its addresses still have it.
    let letters = letters.replace("nexmo", "vonage");
    let named: Vec<Codes> =
        PROVIDERS.iter().filter(|(name, _)| letters.contains(name)).map(|(_, codes)| *codes).collect();
    if named.is_empty() { UNNAMED.to_vec() } else { named }
}

/// The numbers in a text, as in `ERR_21610` and `21610 / 30005`. Beside letters, one of few digits could mean anything.
fn numbers(text: &str) -> impl Iterator<Item = &str> {
    const DIGITS_MIN: usize = 4;
    let fewest = if text.contains(char::is_alphabetic) { DIGITS_MIN } else { 1 };
    // A fraction is not a code.
    let numbers = text.split(|c: char| !c.is_ascii_digit() && c != '.').map(|number| number.trim_matches('.'));
    numbers.filter(move |number| number.len() >= fewest && !number.contains('.'))
}

/// The numbers whose digits stand in groups of three: `21,610` and `error 21-610` have 21610.
fn grouped(text: &str) -> impl Iterator<Item = String> {
    let runs = text.split(|c: char| !c.is_ascii_digit() && !",.-_'’ ".contains(c));
    runs.filter_map(|run| {
        let groups: Vec<&str> =
            run.trim_matches(|c: char| !c.is_ascii_digit()).split(|c: char| !c.is_ascii_digit()).collect();
        let (first, more) = groups.split_first()?;
        let is_number = (1..=3).contains(&first.len()) && !more.is_empty() && more.iter().all(|group| group.len() == 3);
        is_number.then(|| groups.concat())
    })
}

/// A code without what spreadsheets and programs that know floats alone make of it: `21610.0`, `2.161E+04` and `'21610`
/// are 21610.
pub fn plain(code: &str) -> Cow<'_, str> {
    /// 2^53: up to here floats have every integer.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let code = code.trim();
    let code = code.strip_prefix('\'').unwrap_or(code).trim();
    if !code.is_ascii() {
        // Digits of other scripts, and full-width ones, are digits.
        let digit = |c: char| decimal(c).map_or(c, char::from);
        let folded: String = code.chars().map(digit).collect();
        return if folded == code { Cow::Borrowed(code) } else { Cow::Owned(plain(&folded).into_owned()) };
    }
    if code.starts_with(|c: char| c.is_ascii_digit())
        && code.contains(['.', 'e', 'E'])
        && let Ok(number) = code.parse::<f64>()
        && number.fract() == 0.0
        && number <= EXACT_MAX
    {
        return Cow::Owned(format!("{number:.0}"));
    }
    Cow::Borrowed(code)
}

/// Every row: provider, code, and what it means.
pub fn rows() -> impl Iterator<Item = (&'static str, &'static str, Failure)> {
    PROVIDERS.into_iter().flat_map(|(provider, codes)| codes.iter().map(move |&(code, said)| (provider, code, said)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Failure = Failure { permanent: true, opted_out: true, soft: false };

    #[test]
    fn codes_mean_what_the_providers_say() {
        for (code, permanent, [is_permanent, opted_out, soft]) in [
            ("30005", None, [true, false, false]),
            ("30003", None, [false, false, true]),
            ("21610", None, [false, true, false]),
            ("40300", None, [false, true, false]),
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
            for provider in ["", "no such provider", " "] {
                assert_eq!(Failure::of(provider, code, permanent), failure, "{provider:?} {code} {permanent:?}");
            }
            assert_eq!(Failure::from_bits(failure.bits()), failure);
        }
    }

    #[test]
    fn a_code_is_its_providers() {
        for (provider, code, said) in [
            ("vonage", "9", OPTED_OUT),
            ("Nexmo", "9", OPTED_OUT),
            (" VONAGE ", "009", OPTED_OUT),
            ("plivo", "9", Failure::default()),
            ("plivo", "200", OPTED_OUT),
            ("vonage", "200", Failure::default()),
            ("twilio", "200", Failure::default()),
            ("vonage", "21610", Failure::default()),
            ("twilio", "40300", Failure::default()),
            ("telnyx", "40300", OPTED_OUT),
            ("telnyx", "40001", PERMANENT),
            ("bandwidth", "4775", OPTED_OUT),
            ("sinch", "257", OPTED_OUT),
            ("signalwire", "21610", OPTED_OUT),
            ("twilio", "30004", Failure::default()),
            ("", "9", Failure::default()),
            ("", "200", Failure::default()),
            ("", "40001", Failure::default()),
            ("twillio", "21610", OPTED_OUT),
            ("", "ERR_21610", OPTED_OUT),
            ("twilio", "30005x", PERMANENT),
            ("bandwidth", "code-4775", OPTED_OUT),
            ("plivo", "HTTP 200", Failure::default()),
            ("", "21610-30005", BOTH),
            ("", "21,610", OPTED_OUT),
            ("", "21-610", OPTED_OUT),
            ("", "21.610", OPTED_OUT),
            ("", "error 30,005", PERMANENT),
            ("", "Error 21610", OPTED_OUT),
            ("", "30005 Unknown destination handset", PERMANENT),
            ("vonage", "4,009", BOTH),
            ("odd", "User replied STOP", OPTED_OUT),
            ("odd", "UNALLOCATED_NUMBER", PERMANENT),
            ("", "21610 / 30005", BOTH),
            ("", "30003, 21610", Failure { soft: true, ..OPTED_OUT }),
            ("vonage", "4/9", BOTH),
            ("vonage", "error 9", Failure::default()),
            ("", "２１６１０", OPTED_OUT),
            ("", "٢١٦١٠", OPTED_OUT),
            ("Twilio (EU)", "21610", OPTED_OUT),
            ("vonage-eu-1", "9", OPTED_OUT),
            ("", "Unsubscribed recipient", OPTED_OUT),
            ("odd", "blacklisted", OPTED_OUT),
            ("odd", "EC_DEST_ADDRESS_BLACKLISTED", OPTED_OUT),
            ("odd", "RECIPIENT_OPTED_OUT", OPTED_OUT),
            ("odd", "DND-NUMB", OPTED_OUT),
            ("odd", "Do not disturb", OPTED_OUT),
            ("odd", "sender blacklisted", Failure::default()),
            ("odd", "not opted out", Failure::default()),
            ("odd", "unsubscribe link missing", Failure::default()),
            ("odd", "UNDELIV", Failure::default()),
        ] {
            assert_eq!(Failure::of(provider, code, None), said, "{provider:?} {code}");
        }
        for (provider, code, said) in rows() {
            assert_eq!(Failure::of(provider, code, None), said, "{provider} {code}");
            assert!(said != Failure::default());
        }
    }

    #[test]
    fn no_other_provider_means_something_else_by_a_code_without_a_name() {
        for (code, said) in UNNAMED.into_iter().flatten() {
            for (provider, other, theirs) in rows() {
                assert!(other != *code || theirs == *said, "{provider} {code}");
            }
        }
    }

    #[test]
    fn numbers_as_spreadsheets_write_them() {
        for code in ["21610", "21610.0", "21610.00", "21610.", "2.161E+04", "2.161e4", "'21610", " 21610 ", "' 21610.0"]
        {
            assert_eq!(plain(code), "21610", "{code}");
            assert!(Failure::of("", code, None).opted_out, "{code}");
        }
        for code in ["21610.5", "21610a", "E1", "1e999", "e", "0x10.0", "-1.0", "inf", "1.2.3", "", "spam.0"] {
            assert_eq!(plain(code), code);
        }
    }
}
