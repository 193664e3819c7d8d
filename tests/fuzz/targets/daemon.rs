//! What an import asks of a daemon, and who is subscribed in the end: a daemon of one list that keeps nothing else.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;

use contactd::client::Client;
use contactd::model::phone::{Phone, Region, Unusable, normalize};
use contactd::wire::{Decoded, Decoder, Request};
use serde_json::{Map, Value};

/// What was asked, and what became of it.
#[derive(Debug, Default, PartialEq)]
pub struct Asked {
    /// All requests, word by word.
    pub requests: Vec<Vec<String>>,
    /// Whether a phone is subscribed that was told of.
    pub subscribed: BTreeMap<Phone, bool>,
    /// By which imports, and onto which lists.
    by_import: BTreeMap<Phone, Vec<(String, String)>>,
}

/// A client of such a daemon. The daemon ends when the client hangs up, and then says what it was asked.
pub fn client() -> (Client, JoinHandle<Asked>) {
    let (inside, outside) = UnixStream::pair().expect("a pair of sockets");
    (Client::over_socket(outside), std::thread::spawn(move || serve(inside)))
}

fn serve(mut socket: UnixStream) -> Asked {
    let (mut asked, mut decoder) = (Asked::default(), Decoder::default());
    let (mut buffer, mut piece) = (Vec::new(), vec![0; 64 * 1024]);
    while let Ok(read @ 1..) = socket.read(&mut piece) {
        buffer.extend_from_slice(&piece[..read]);
        let (mut at, mut replies) = (0, Vec::new());
        loop {
            at += match decoder.step(&buffer[at..]) {
                Decoded::Incomplete => break,
                Decoded::Skip(taken) => taken,
                Decoded::Request(request, taken) => {
                    replies.push(asked.answer(&request));
                    taken
                }
                Decoded::Refused(why, taken) => {
                    replies.push(format!("-{why}"));
                    taken
                }
                Decoded::Broken(why) => panic!("an import writes what is no request: {why}"),
            };
        }
        buffer.drain(..at);
        if !replies.is_empty() && socket.write_all((replies.join("\r\n") + "\r\n").as_bytes()).is_err() {
            break;
        }
    }
    asked
}

impl Asked {
    fn answer(&mut self, request: &Request<'_>) -> String {
        let words = std::iter::once(request.verb).chain(request.args);
        let words: Vec<String> = words.map(|word| String::from_utf8(word.to_vec()).expect("UTF-8")).collect();
        let told: Vec<&str> = words.iter().map(String::as_str).collect();
        let reply = match told[..] {
            ["IMPORT", list, row] => {
                let row: Map<String, Value> = serde_json::from_str(row).expect("JSON");
                self.import(list, &row)
            }
            ["NORMALIZE", region, raw] => phone(raw, region).map(|phone| format!("+{phone}")),
            ["OPTOUT", _, phone, _] | ["SUPPRESS" | "INVALID", phone, _] => {
                let phone = Phone::parse(phone.as_bytes()).expect("a phone in E.164");
                self.subscribed.insert(phone, false);
                Ok("+ok".to_owned())
            }
            ["HISTORY", phone, "KIND", "subscribe"] => {
                let phone = Phone::parse(phone.as_bytes()).expect("a phone in E.164");
                let event = |(list, id): &(String, String)| serde_json::json!({ "list": list, "id": id });
                let events = self.by_import.get(&phone).into_iter().flatten().map(event);
                let items: Vec<String> = events.map(|event| format!("+{event}")).collect();
                Ok(format!("*{}{}{}", items.len(), if items.is_empty() { "" } else { "\r\n" }, items.join("\r\n")))
            }
            _ => panic!("an import asks {told:?}"),
        };
        self.requests.push(words);
        reply.unwrap_or_else(|why| format!("-BADARG {}: no number", why.code()))
    }

    fn import(&mut self, list: &str, row: &Map<String, Value>) -> Result<String, Unusable> {
        let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default();
        let phone = phone(text("phone"), text("region"))?;
        let forbids = !matches!(text("status"), "" | "active")
            || ["opted_out_at", "suppressed_at", "invalid_at"].iter().any(|key| row.contains_key(*key));
        // Where a row opts out and another one does not, the strictest counts.
        let subscribed = self.subscribed.entry(phone).or_insert(true);
        *subscribed &= !forbids;
        if !forbids {
            self.by_import.entry(phone).or_default().push((list.to_owned(), text("import_id").to_owned()));
        }
        Ok(format!("+created {phone}"))
    }
}

fn phone(raw: &str, region: &str) -> Result<Phone, Unusable> {
    normalize(raw, Region::parse(region).or(Region::parse("US")))
}
