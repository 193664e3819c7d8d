//! The providers whose webhooks are read: each has a file that knows how it signs, and what it says.

use axum::http::Method;

use super::fact::Fact;
use super::post::Post;
use super::signature::Unsigned;
use super::{bandwidth, plivo, telnyx, twilio, vonage};
use crate::model::time::Millis;

/// The fewest bytes of a key: fewer can be guessed.
const KEY_BYTES_MIN: usize = 8;

/// A provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Twilio.
    Twilio,
    /// `SignalWire`.
    SignalWire,
    /// Telnyx.
    Telnyx,
    /// Vonage, formerly Nexmo.
    Vonage,
    /// Plivo.
    Plivo,
    /// Bandwidth.
    Bandwidth,
}

impl Provider {
    /// Every one.
    pub const ALL: [Provider; 6] = [
        Provider::Twilio,
        Provider::SignalWire,
        Provider::Telnyx,
        Provider::Vonage,
        Provider::Plivo,
        Provider::Bandwidth,
    ];

    /// Its word: in addresses, in the secrets file, and as the `provider` of FAILED.
    pub fn word(self) -> &'static str {
        match self {
            Provider::Twilio => "twilio",
            Provider::SignalWire => "signalwire",
            Provider::Telnyx => "telnyx",
            Provider::Vonage => "vonage",
            Provider::Plivo => "plivo",
            Provider::Bandwidth => "bandwidth",
        }
    }

    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Provider::Twilio => "Twilio",
            Provider::SignalWire => "SignalWire",
            Provider::Telnyx => "Telnyx",
            Provider::Vonage => "Vonage",
            Provider::Plivo => "Plivo",
            Provider::Bandwidth => "Bandwidth",
        }
    }

    /// The provider of a word.
    pub fn of(word: &str) -> Option<Provider> {
        Provider::ALL.into_iter().find(|provider| provider.word() == word)
    }

    /// What follows its word in the secrets file.
    pub fn key_form(self) -> &'static str {
        match self {
            Provider::Twilio | Provider::Plivo => "AUTH_TOKEN",
            Provider::SignalWire => "SIGNING_KEY",
            Provider::Telnyx => "PUBLIC_KEY",
            Provider::Vonage => "SIGNATURE_SECRET",
            Provider::Bandwidth => "NAME PASSWORD",
        }
    }

    /// The key that words of the secrets file are.
    pub fn key(self, words: &[&str]) -> Option<String> {
        match (self, words) {
            (Provider::Bandwidth, [name, password]) => {
                (password.len() >= KEY_BYTES_MIN && !name.contains(':')).then(|| format!("{name}:{password}"))
            }
            (Provider::Bandwidth, _) => None,
            (Provider::Telnyx, [key]) => telnyx::key(key).is_some().then(|| (*key).to_owned()),
            (_, [key]) => (key.len() >= KEY_BYTES_MIN).then(|| (*key).to_owned()),
            _ => None,
        }
    }

    /// Whether it sends requests of this kind.
    pub fn uses(self, method: &Method) -> bool {
        method == Method::POST || self == Provider::Vonage && method == Method::GET
    }

    /// How long an answer may take. Each waits longer than this: Telnyx for two seconds, `SignalWire` for five.
    pub fn patience_ms(self) -> u64 {
        if self == Provider::Telnyx { 1_500 } else { 4_000 }
    }

    /// Whether a request is the provider's own.
    pub fn verify(self, post: &Post, keys: &[String], now: Millis) -> Result<(), Unsigned> {
        match self {
            Provider::Twilio => twilio::verify(post, keys),
            Provider::SignalWire => twilio::verify_signalwire(post, keys),
            Provider::Telnyx => telnyx::verify(post, keys, now),
            Provider::Vonage => vonage::verify(post, keys, now),
            Provider::Plivo => plivo::verify(post, keys),
            Provider::Bandwidth => bandwidth::verify(post, keys),
        }
    }

    /// What a request says. Nothing: an event that tells nothing yet, or of another kind. An error says what is wrong with it.
    pub fn read(self, post: &Post) -> Result<Vec<Fact>, &'static str> {
        match self {
            Provider::Twilio => twilio::read(post, self.word(), twilio::LATE_MS_MAX),
            Provider::SignalWire => twilio::read(post, self.word(), twilio::SIGNALWIRE_LATE_MS_MAX),
            Provider::Telnyx => telnyx::read(post),
            Provider::Vonage => vonage::read(post),
            Provider::Plivo => plivo::read(post),
            Provider::Bandwidth => bandwidth::read(post),
        }
    }
}
