//! What forms do: each becomes one request of the protocol.
//!
//! What forbids is one click. What permits says when its page was made, so that a newer fact stands. What cannot be undone
//! wants its name typed.

use std::collections::HashMap;

use axum::Form;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::answer;
use super::pages::login::is_ours;
use super::session::Said;
use super::visit::Visit;
use super::words::url_encode;
use crate::error::{Error, Result};

/// Who reports what a person does here, until the daemon knows the name of the token.
pub const SOURCE: &str = "console";

/// The fields of a form.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Fields(HashMap<String, String>);

impl Fields {
    /// A field without blanks around it; "" where there is none.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map(|value| value.trim()).unwrap_or_default()
    }

    /// Fills a field.
    pub fn set(&mut self, name: &str, value: String) {
        self.0.insert(name.to_owned(), value);
    }

    /// A field that has to be filled.
    fn need(&self, name: &str, label: &str) -> Result<&str> {
        match self.get(name) {
            "" => Err(Error::bad_arg(format!("fill in: {label}"))),
            value => Ok(value),
        }
    }

    /// Something that cannot be undone: `words` have to be typed.
    fn typed(&self, words: &str) -> Result<()> {
        if self.get("typed") == words {
            return Ok(());
        }
        Err(Error::bad_arg(format!("to do this, type {words}")))
    }

    /// Who says so, and why.
    fn fact(&self) -> Value {
        let mut fact = json!({ "source": SOURCE });
        if !self.get("reason").is_empty() {
            fact["reason"] = self.get("reason").into();
        }
        fact
    }

    /// The same for what permits: as of when the page was made.
    fn permission(&self) -> Result<Value> {
        let mut fact = self.fact();
        fact["at"] = self.need("now", "when this page was made")?.into();
        Ok(fact)
    }
}

/// Does what a form says, and leads back to its page: what was not done, to the page on which it was said.
pub async fn act(Path(what): Path<String>, mut visit: Visit, Form(fields): Form<Fields>) -> Response {
    let done = done(&what, &fields, &mut visit).await;
    let to = match (&done, fields.get("to")) {
        (Ok(_), to) if !to.is_empty() => to.to_owned(),
        // What somebody typed stays.
        (Err(_), _) if what == "list-new" => {
            format!("/lists?number={}&name={}#new", url_encode(fields.get("list")), url_encode(fields.get("name")))
        }
        _ => fields.get("here").to_owned(),
    };
    let bad = |why: &Error| Said::bad(format!("Not done: {}.", why.message.trim_end_matches('.')));
    visit.session.say(done.unwrap_or_else(|why| bad(&why)));
    Redirect::to(if is_ours(&to) { &to } else { "/" }).into_response()
}

async fn done(what: &str, fields: &Fields, visit: &mut Visit) -> Result<Said> {
    let (words, done) = match what {
        "list-new" => {
            let list = visit.list_number(fields.need("list", "the number")?).await?;
            let json = json!({ "name": fields.get("name") });
            (vec!["LIST".to_owned(), list, json.to_string()], "The list is there.")
        }
        _ => request(what, fields)?,
    };
    let reply = visit.asker.ask(&words).await?;
    answer(visit, &words, &reply, done).await
}

/// The request of a form, and what to say when it is done.
fn request(what: &str, fields: &Fields) -> Result<(Vec<String>, &'static str)> {
    let list = || fields.need("list", "the list");
    let phone = || fields.need("phone", "the number");
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<String>>();
    Ok(match what {
        "list-name" => {
            let json = json!({ "name": fields.get("name") });
            (words(&["LIST", list()?, &json.to_string()]), "The list is there.")
        }
        "list-pause" => {
            (words(&["LIST", list()?, r#"{"paused":true}"#]), "The list is paused: nobody gets a message from it.")
        }
        "list-go-on" => (words(&["LIST", list()?, r#"{"paused":false}"#]), "The list is in use again."),
        "list-remove" => {
            fields.typed(list()?)?;
            (words(&["UNLIST", list()?, "FORCE"]), "The list is removed. Its opt-outs stay.")
        }
        "optout" => {
            let list = if fields.get("list").is_empty() { "*" } else { fields.get("list") };
            // Of a message that somebody has read, the date on which it came: then the person wanted out.
            let mut fact = fields.fact();
            if !fields.get("at").is_empty() {
                fact["at"] = fields.get("at").into();
            }
            (words(&["OPTOUT", list, phone()?, &fact.to_string()]), "")
        }
        "optin" => {
            let at = fields.need("at", "when the person agreed")?;
            let evidence = fields.need("evidence", "what proves it")?;
            let json = json!({ "at": at, "evidence": evidence, "source": SOURCE });
            (words(&["OPTIN", list()?, phone()?, &json.to_string()]), "")
        }
        "suppress" => (on_list("SUPPRESS", fields, &fields.fact())?, "The contact is held back."),
        "release" => (on_list("RELEASE", fields, &fields.permission()?)?, "The contact is released."),
        "invalid" => {
            (words(&["INVALID", phone()?, &fields.fact().to_string()]), "The number counts as one that does not exist.")
        }
        "valid" => {
            (words(&["VALID", phone()?, &fields.permission()?.to_string()]), "The number counts as one that exists.")
        }
        "label" => {
            let value = match fields.get("value") {
                "" => Value::Null,
                value => value.into(),
            };
            let json = json!({ "labels": { fields.need("key", "the label")?: value } });
            (words(&["PUT", phone()?, &json.to_string()]), "The labels are changed.")
        }
        "erase" => {
            fields.typed(phone()?)?;
            (words(&["ERASE", phone()?]), "The contact is erased, and its number opted out of all lists.")
        }
        "review" => (
            words(&["INBOX", "DONE", fields.need("number", "the message")?]),
            "The message is settled: the contact stays.",
        ),
        "purge-run" => {
            fields.typed(fields.need("words", "the plan")?)?;
            (words(&["PURGE", "RUN", fields.need("plan", "the plan")?]), "The purge runs.")
        }
        "purge-stop" => (words(&["PURGE", "STOP"]), "The purge stops after its current step."),
        "unfence" => {
            fields.typed("send again")?;
            (words(&["UNFENCE"]), "Messages go out again.")
        }
        "verify" => (words(&["VERIFY"]), ""),
        "backup" => (words(&["BACKUP", "RUN"]), "The backup is being made: it is in the list once it is whole."),
        _ => return Err(Error::bad_arg("there is no such form")),
    })
}

/// SUPPRESS or RELEASE, of a list or of the contact.
fn on_list(verb: &str, fields: &Fields, json: &Value) -> Result<Vec<String>> {
    let mut words = vec![verb.to_owned()];
    if !fields.get("list").is_empty() {
        words.push(fields.get("list").to_owned());
    }
    words.push(fields.need("phone", "the number")?.to_owned());
    words.push(json.to_string());
    Ok(words)
}
