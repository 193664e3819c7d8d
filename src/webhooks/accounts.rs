//! The secrets file: the accounts with providers, the numbers that belong together there, and what phones are answered.

use std::collections::BTreeMap;

use super::provider::Provider;
use crate::error::{Error, Result};
use crate::model::phone::ListNumber;

/// What the secrets file says.
#[derive(Default)]
pub struct Accounts {
    keys: Vec<(Provider, String)>,
    services: BTreeMap<String, Vec<String>>,
    /// What phones are answered.
    pub answers: Answers,
}

/// What phones are answered, where the provider has not answered them. Empty: nothing.
pub struct Answers {
    /// To an opt-out of one list.
    pub out: String,
    /// To an opt-out of all lists.
    pub out_of_all: String,
    /// To an opt-in.
    pub optin: String,
    /// To a call for help.
    pub help: String,
}

impl Default for Answers {
    fn default() -> Answers {
        Answers {
            out: "You are unsubscribed and will get no more messages from this number. Reply START to subscribe again."
                .into(),
            out_of_all: "You are unsubscribed and will get no more messages from us. Reply START to subscribe again."
                .into(),
            optin: String::new(),
            help: "Reply STOP to unsubscribe. Message and data rates may apply.".into(),
        }
    }
}

impl Accounts {
    /// Reads a secrets file. Blank lines and lines that start with `#` are skipped. The others are
    ///
    /// * `twilio AUTH_TOKEN` and so on: a provider and its key; two lines for the time in which a key is changed;
    /// * `service ID = NUMBER,NUMBER`: the lists that a service of a provider sends for;
    /// * `answer out TEXT`, `out-all`, `in` or `help`: what a phone is answered; without TEXT nothing.
    pub fn parse(text: &str) -> Result<Accounts> {
        let mut accounts = Accounts::default();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            // The line itself is never shown: it holds a secret.
            let wrong = |what: &str| Error::bad_arg(format!("line {} {what}", number + 1));
            let (kind, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            match (kind, Provider::of(kind)) {
                (_, Some(provider)) => {
                    let words: Vec<&str> = rest.split_whitespace().collect();
                    let form = format!("is not like: {} {}", provider.word(), provider.key_form());
                    accounts.keys.push((provider, provider.key(&words).ok_or_else(|| wrong(&form))?));
                }
                ("service", _) => accounts.add_service(rest).map_err(wrong)?,
                ("answer", _) => accounts.set_answer(rest.trim()).map_err(wrong)?,
                _ => {
                    let providers = Provider::ALL.map(Provider::word).join(", ");
                    return Err(wrong(&format!("should begin with service, answer or a provider: {providers}")));
                }
            }
        }
        if accounts.keys.is_empty() {
            return Err(Error::bad_arg("the file has no key of a provider, like: twilio AUTH_TOKEN"));
        }
        Ok(accounts)
    }

    fn add_service(&mut self, text: &str) -> std::result::Result<(), &'static str> {
        const FORM: &str = "is not like: service MG0123 = +14155550100,+14155550101";
        let (id, numbers) = text.split_once('=').ok_or(FORM)?;
        let id = id.trim();
        if id.is_empty() || id.contains(char::is_whitespace) {
            return Err(FORM);
        }
        let lists = self.services.entry(id.to_owned()).or_default();
        for number in numbers.split(',') {
            let list = ListNumber::parse(number.trim().as_bytes()).ok_or(FORM)?.to_string();
            if !lists.contains(&list) {
                lists.push(list);
            }
        }
        Ok(())
    }

    fn set_answer(&mut self, text: &str) -> std::result::Result<(), &'static str> {
        let (to, text) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let answer = match to {
            "out" => &mut self.answers.out,
            "out-all" => &mut self.answers.out_of_all,
            "in" => &mut self.answers.optin,
            "help" => &mut self.answers.help,
            _ => return Err("should answer out, out-all, in or help, like: answer out You will get no more messages."),
        };
        text.trim().clone_into(answer);
        Ok(())
    }

    /// The keys of a provider; none: its webhooks are not taken.
    pub fn keys(&self, provider: Provider) -> Vec<String> {
        self.keys.iter().filter(|(of, _)| *of == provider).map(|(_, key)| key.clone()).collect()
    }

    /// The lists that a service sends for: the one that the provider names, or else the one that the list belongs to.
    pub fn service(&self, id: &str, list: &str) -> &[String] {
        let of_list = || self.services.values().find(|lists| lists.iter().any(|known| known == list));
        self.services.get(id).or_else(of_list).map(Vec::as_slice).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_keys_services_and_answers() {
        let text = "# ours\n\ntwilio 0123456789abcdef\r\n twilio  fedcba9876543210\nbandwidth user pass-word\n\
                    service MG1=+14155550100, +14155550101\nservice MG1 = 24365\nanswer help Call +1 415 555 0100.\nanswer out";
        let accounts = Accounts::parse(text).map_err(|why| why.message).expect("a file");
        assert_eq!(accounts.keys(Provider::Twilio), ["0123456789abcdef", "fedcba9876543210"]);
        assert_eq!(accounts.keys(Provider::Bandwidth), ["user:pass-word"]);
        assert!(accounts.keys(Provider::Plivo).is_empty());
        let lists = ["+14155550100", "+14155550101", "24365"];
        assert_eq!(accounts.service("MG1", ""), lists);
        assert_eq!(accounts.service("", "24365"), lists);
        assert!(accounts.service("MG2", "+14155550199").is_empty());
        assert_eq!((&*accounts.answers.help, &*accounts.answers.out), ("Call +1 415 555 0100.", ""));
    }

    #[test]
    fn what_is_wrong_is_told_and_the_secret_is_not() {
        for (line, told) in [
            ("twilio", "twilio AUTH_TOKEN"),
            ("twilio secret-0 secret-1", "twilio AUTH_TOKEN"),
            ("twilio secret", "twilio AUTH_TOKEN"),
            ("telnyx secret-0123456789", "telnyx PUBLIC_KEY"),
            ("bandwidth secret-0123456789", "bandwidth NAME PASSWORD"),
            ("secret-0123456789", "should begin with"),
            ("service MG1 +14155550100", "service MG0123 ="),
            ("service MG1 = secret", "service MG0123 ="),
            ("answer stop secret", "out, out-all, in or help"),
        ] {
            let why = Accounts::parse(&format!("# first\n{line}")).err().expect("refused").message;
            assert!(why.starts_with("line 2 ") && why.contains(told) && !why.contains("secret"), "{why}");
        }
        assert!(Accounts::parse("service MG1 = 24365").err().expect("refused").message.contains("no key"));
    }
}
