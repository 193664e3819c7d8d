//! Webhooks of providers, posted to a real daemon as each provider posts and signs them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use ring::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY as SHA1, HMAC_SHA256 as SHA256};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Daemon, PATIENCE, Wire, free_address, has};

const PUBLIC_URL: &str = "https://sms.example.com";
const LIST: &str = "+14155550100";
const OTHER_LIST: &str = "+14155550101";
const KEY: &str = "0123456789abcdef0123456789abcdef";
const PROVIDERS: [&str; 7] = ["twilio", "signalwire", "telnyx", "vonage", "vonage_messages", "plivo", "bandwidth"];

/// A daemon that takes webhooks.
struct House {
    daemon: Daemon,
    address: String,
    secrets: PathBuf,
    _dir: tempfile::TempDir,
}

/// What a provider sends.
#[derive(Clone)]
struct Request {
    path: String,
    fields: Vec<(&'static str, String)>,
    body: String,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

fn telnyx_key() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a key")
}

fn secrets() -> String {
    let telnyx = BASE64.encode(telnyx_key().public_key().as_ref());
    format!(
        "twilio an-older-token\ntwilio {KEY}\nsignalwire {KEY}\ntelnyx {telnyx}\nvonage {KEY}\nplivo {KEY}\n\
         bandwidth hook {KEY}\nservice MG1 = {LIST},{OTHER_LIST}\n"
    )
}

impl House {
    fn start() -> House {
        House::with(&secrets(), &[])
    }

    fn with(secrets: &str, more: &[&str]) -> House {
        let dir = tempfile::tempdir().expect("a directory");
        let (file, address) = (dir.path().join("secrets"), free_address());
        std::fs::write(&file, secrets).expect("written");
        let path = file.to_str().expect("a path");
        let hooks = ["--webhooks", &address, "--public-url", PUBLIC_URL, "--webhook-secrets", path];
        let daemon = Daemon::start(&[&hooks[..], more].concat());
        let house = House { daemon, address, secrets: file, _dir: dir };
        house.wait_until_it_listens();
        let mut wire = house.daemon.connect();
        for list in [LIST, OTHER_LIST] {
            assert_eq!(wire.call(&format!("LIST {list}")), "+created");
        }
        house
    }

    fn wait_until_it_listens(&self) {
        let since = Instant::now();
        while TcpStream::connect(&self.address).is_err() {
            assert!(since.elapsed() < PATIENCE, "{}", self.daemon.log());
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    fn send(&self, request: &Request) -> Answer {
        self.talk(&written_out(request))
    }

    fn talk(&self, text: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.write_all(text.as_bytes()).expect("to be sent");
        let mut told = Vec::new();
        stream.read_to_end(&mut told).expect("an answer");
        let told = String::from_utf8(told).expect("UTF-8");
        let (head, body) = told.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Answer { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    /// Sends it, and the provider is content.
    fn take(&self, request: &Request) -> String {
        let answer = self.send(request);
        assert!((200..300).contains(&answer.status), "{} {}: {}", answer.status, answer.body, self.daemon.log());
        answer.body
    }

    fn wire(&self) -> Wire {
        self.daemon.connect()
    }

    fn check(&self, list: &str, phone: &str) -> String {
        self.wire().call(&format!("CHECK {list} {phone}"))
    }

    /// The events of a contact, the newest first.
    fn history(&self, phone: &str, kind: &str) -> Vec<Value> {
        let told = self.wire().call(&format!("HISTORY {phone} KIND {kind}"));
        told.lines().skip(2).map(|line| serde_json::from_str(&line[1..]).expect("JSON")).collect()
    }

    fn opt_in(&self, list: &str, phone: &str) {
        let long_ago = r#"{"at":"2026-01-01"}"#;
        assert_eq!(self.wire().call(&format!("OPTIN {list} {phone} {long_ago}")), ":1");
        assert_eq!(self.check(list, phone), "+yes");
    }
}

/// Pairs as one text.
fn joined<N: AsRef<str>>(pairs: &[(N, String)], written: impl Fn(&str, &str) -> String) -> String {
    pairs.iter().map(|(name, value)| written(name.as_ref(), value)).collect::<Vec<_>>().concat()
}

/// A request as it is sent.
fn written_out(Request { path, fields, body }: &Request) -> String {
    let fields: String = joined(fields, |name, value| format!("{name}: {value}\r\n"));
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nHost: inside\r\n{fields}Content-Length: {length}\r\n");
    format!("{head}Connection: close\r\n\r\n{body}")
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

/// A time as texts have it.
fn written(seconds: u64) -> String {
    contactd::model::time::format(i64::try_from(seconds).expect("a time") * 1_000)
}

fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

fn form(fields: &[(&str, &str)]) -> String {
    fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>().join("&")
}

fn hmac_of(algorithm: hmac::Algorithm, text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithm, KEY.as_bytes()), text.as_bytes()).as_ref().to_vec()
}

fn sorted(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut sorted: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    sorted.sort();
    sorted
}

/// A form of Twilio, or of `SignalWire`.
fn twilio(path: &str, fields: &[(&str, &str)]) -> Request {
    let parameters: String = joined(&sorted(fields), |name, value| format!("{name}{value}"));
    let signature = BASE64.encode(&hmac_of(SHA1, &format!("{PUBLIC_URL}{path}{parameters}")));
    let field = if path.contains("twilio") { "X-Twilio-Signature" } else { "X-SignalWire-Signature" };
    Request { path: path.to_owned(), fields: vec![(field, signature)], body: form(fields) }
}

fn telnyx(path: &str, json: &Value, at: u64) -> Request {
    let body = json.to_string();
    let signature = BASE64.encode(telnyx_key().sign(format!("{at}|{body}").as_bytes()).as_ref());
    let fields = vec![("Telnyx-Timestamp", at.to_string()), ("Telnyx-Signature-Ed25519", signature)];
    Request { path: path.to_owned(), fields, body }
}

fn vonage(path: &str, fields: &[(&str, &str)], at: u64) -> Request {
    let (at, date) = (at.to_string(), written(at).replace('T', " "));
    let all = [fields, &[("timestamp", &*at), ("message-timestamp", &date[..19]), ("nonce", "n-1")]].concat();
    let signed: String = joined(&sorted(&all), |name, value| format!("&{name}={}", value.replace(['&', '='], "_")));
    let sig = HEXLOWER.encode(&hmac_of(SHA256, &signed));
    Request { path: path.to_owned(), fields: Vec::new(), body: form(&[&all[..], &[("sig", &sig)]].concat()) }
}

fn vonage_messages(path: &str, json: &Value, at: u64) -> Request {
    let body = json.to_string();
    let claims = json!({ "iat": at, "payload_hash": HEXLOWER.encode(&Sha256::digest(body.as_bytes())) });
    let part = |json: Value| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
    let signed = format!("{}.{}", part(json!({ "alg": "HS256", "typ": "JWT" })), part(claims));
    let token = format!("Bearer {signed}.{}", BASE64URL_NOPAD.encode(&hmac_of(SHA256, &signed)));
    Request { path: path.to_owned(), fields: vec![("Authorization", token)], body }
}

fn plivo(path: &str, fields: &[(&str, &str)]) -> Request {
    let parameters: String = joined(&sorted(fields), |name, value| format!("{name}{value}"));
    let dot = if path.contains('?') { "." } else { "?" };
    let signature = BASE64.encode(&hmac_of(SHA256, &format!("{PUBLIC_URL}{path}{dot}{parameters}.nonce-1")));
    let fields_of_head = vec![("X-Plivo-Signature-V3", signature), ("X-Plivo-Signature-V3-Nonce", "nonce-1".into())];
    Request { path: path.to_owned(), fields: fields_of_head, body: form(fields) }
}

fn bandwidth(path: &str, json: &Value) -> Request {
    let shown = format!("Basic {}", BASE64.encode(format!("hook:{KEY}").as_bytes()));
    Request { path: path.to_owned(), fields: vec![("Authorization", shown)], body: json.to_string() }
}

fn path_of(provider: &str) -> String {
    format!("/webhooks/{}", provider.split('_').next().expect("a word"))
}

/// A message from a phone, as a provider posts and signs it.
fn inbound(provider: &str, id: &str, phone: &str, list: &str, text: &str) -> Request {
    inbound_at(provider, id, phone, list, text, now())
}

fn inbound_at(provider: &str, id: &str, phone: &str, list: &str, text: &str, at: u64) -> Request {
    let path = path_of(provider);
    let bare = |number: &str| number.trim_start_matches('+').to_owned();
    let (from, to) = (bare(phone), bare(list));
    match provider {
        "twilio" | "signalwire" => {
            let more = [("SmsStatus", "received"), ("NumMedia", "0"), ("From", phone), ("To", list)];
            twilio(&path, &[&more[..], &[("MessageSid", id), ("Body", text)]].concat())
        }
        "telnyx" => {
            let payload = json!({
                "id": id, "text": text, "received_at": written(at), "direction": "inbound",
                "from": { "phone_number": phone }, "to": [{ "phone_number": list, "status": "webhook_delivered" }],
            });
            telnyx(&path, &json!({ "data": { "event_type": "message.received", "payload": payload } }), at)
        }
        "vonage" => {
            vonage(&path, &[("msisdn", &from), ("to", &to), ("messageId", id), ("text", text), ("type", "text")], at)
        }
        "vonage_messages" => {
            let json = json!({
                "message_uuid": id, "from": from, "to": to, "text": text, "channel": "sms", "message_type": "text",
                "timestamp": written(at),
            });
            vonage_messages(&path, &json, at)
        }
        "plivo" => {
            let more = [("Type", "sms"), ("From", &from), ("To", &to)];
            plivo(&path, &[&more[..], &[("MessageUUID", id), ("Text", text)]].concat())
        }
        _ => {
            let message = json!({
                "id": id, "text": text, "time": written(at), "from": phone, "to": [list], "owner": list,
                "applicationId": "a-1", "direction": "in",
            });
            bandwidth(
                &path,
                &json!([{ "type": "message-received", "time": written(at), "to": list, "message": message }]),
            )
        }
    }
}

/// What became of a message, as a provider posts and signs it. `id` is the provider's.
fn status(provider: &str, id: &str, phone: &str, list: &str, word: &str, code: &str) -> Request {
    let (path, at) = (path_of(provider), now());
    let bare = |number: &str| number.trim_start_matches('+').to_owned();
    let (from, to) = (bare(list), bare(phone));
    match provider {
        "twilio" | "signalwire" => {
            let fields =
                [("MessageSid", id), ("MessageStatus", word), ("ErrorCode", code), ("From", list), ("To", phone)];
            twilio(&path, &fields)
        }
        "telnyx" => {
            let errors = if code.is_empty() { json!([]) } else { json!([{ "code": "40999" }, { "code": code }]) };
            let payload = json!({
                "id": id, "errors": errors, "from": { "phone_number": list },
                "to": [{ "phone_number": phone, "status": word }],
            });
            let event = if word == "sent" { "message.sent" } else { "message.finalized" };
            let data = json!({ "event_type": event, "occurred_at": written(at), "payload": payload });
            telnyx(&path, &json!({ "data": data }), at)
        }
        "vonage" => {
            let fields = [("msisdn", &*to), ("to", &from), ("messageId", id), ("status", word), ("err-code", code)];
            vonage(&path, &fields, at)
        }
        "vonage_messages" => {
            let mut json = json!({
                "message_uuid": id, "from": from, "to": to, "status": word, "channel": "sms", "timestamp": written(at),
            });
            if !code.is_empty() {
                json["error"] = json!({ "type": "https://developer.vonage.com/api-errors/messages", "title": code });
            }
            vonage_messages(&path, &json, at)
        }
        "plivo" => {
            let fields = [("MessageUUID", id), ("Status", word), ("ErrorCode", code), ("From", &*from), ("To", &*to)];
            plivo(&path, &fields)
        }
        _ => {
            let mut event = json!({
                "type": word, "time": written(at), "to": phone,
                "message": { "id": id, "owner": list, "from": list, "to": [phone] },
            });
            if !code.is_empty() {
                event["errorCode"] = code.parse::<u64>().expect("a number").into();
            }
            bandwidth(&path, &json!([event]))
        }
    }
}

/// The words of a provider for a message that was sent, for one of which nothing is known yet, and for one that failed; and
/// its code for a person who opted out with it.
fn words(provider: &str) -> (&'static [&'static str], &'static str, &'static [&'static str], &'static str) {
    match provider {
        "twilio" | "signalwire" => (&["sent", "delivered"], "queued", &["failed", "undelivered"], "21610"),
        "telnyx" => {
            (&["sent", "delivered", "delivery_unconfirmed"], "queued", &["sending_failed", "delivery_failed"], "40300")
        }
        "vonage" => (&["delivered", "accepted"], "buffered", &["failed", "rejected", "expired", "deleted"], "9"),
        "vonage_messages" => (&["submitted", "delivered", "read"], "queued", &["rejected", "undeliverable"], "9"),
        "plivo" => (&["sent", "delivered"], "queued", &["failed", "undelivered", "rejected"], "200"),
        _ => (&["message-delivered"], "message-sending", &["message-failed"], "4775"),
    }
}

#[test]
fn each_provider_reports_messages_of_phones() {
    let house = House::start();
    for (place, provider) in PROVIDERS.into_iter().enumerate() {
        let phone = format!("+1415555{:04}", 1_000 + place);
        house.opt_in(LIST, &phone);
        house.take(&inbound(provider, "in-1", &phone, LIST, "See you at 5 & later = never"));
        assert_eq!(house.check(LIST, &phone), "+yes", "{provider}");
        let stop = inbound(provider, "in-2", &phone, LIST, "Stop.");
        house.take(&stop);
        assert_eq!(house.check(LIST, &phone), "+no list_opted_out", "{provider}");
        // Delivered again, and by somebody who has listened.
        house.take(&stop);
        let told = house.history(&phone, "inbound");
        let texts: Vec<&str> = told.iter().map(|event| event["text"].as_str().expect("a text")).collect();
        let (ours, others): (Vec<&Value>, Vec<&Value>) = told.iter().partition(|event| event["list"] == LIST);
        assert_eq!(texts.last(), Some(&"See you at 5 & later = never"), "{provider}");
        assert_eq!((ours.len(), others.len()), (2, 1), "{provider}: {told:?}");
        let by = format!("webhook:{}", provider.split('_').next().expect("a word"));
        assert!(told.iter().all(|event| event["by"] == by.as_str()), "{told:?}");
        // The service of the list has another one.
        assert_eq!(house.check(OTHER_LIST, &phone), "+no list_opted_out", "{provider}");
    }
    assert!(!house.daemon.log().contains("See you"), "what people write is not in the log");
}

#[test]
fn each_provider_reports_what_became_of_messages() {
    let house = House::start();
    for (place, provider) in PROVIDERS.into_iter().enumerate() {
        let phone = format!("+1415555{:04}", 2_000 + place);
        house.opt_in(LIST, &phone);
        let (sent, unknown, failed, opted_out) = words(provider);
        for word in sent {
            house.take(&status(provider, word, &phone, LIST, word, ""));
        }
        house.take(&status(provider, "unknown", &phone, LIST, unknown, ""));
        for word in failed {
            house.take(&status(provider, word, &phone, LIST, word, "7777"));
        }
        let sends = house.history(&phone, "send");
        let of = |state: &str| -> Vec<&str> {
            let found = sends.iter().rev().filter(|event| event["state"] == state);
            found.map(|event| event["id"].as_str().expect("an id")).collect()
        };
        assert_eq!((of("sent"), of("failed")), (sent.to_vec(), failed.to_vec()), "{provider}: {sends:?}");
        assert!(sends.iter().filter(|event| event["state"] == "failed").all(|event| {
            // Telnyx has several: none of them forbids, so that the first is told.
            event["code"] == if provider == "telnyx" { "40999" } else { "7777" }
        }));
        assert_eq!(house.check(LIST, &phone), "+yes", "{provider}");
        let block = status(provider, "m-block", &phone, LIST, failed[0], opted_out);
        house.take(&block);
        assert_eq!(house.check(LIST, &phone), "+no list_opted_out", "{provider}");
        assert_eq!(house.check(OTHER_LIST, &phone), "+no list_opted_out", "a block is the whole service's: {provider}");
        let before = house.history(&phone, "send,optout");
        house.take(&block);
        assert_eq!(house.history(&phone, "send,optout"), before, "{provider}: a repetition changes nothing");
        // A message that was withheld for it may be queued or canceled with the provider.
        let other = format!("+1415555{:04}", 2_100 + place);
        house.opt_in(LIST, &other);
        house.take(&status(provider, "m-held", &other, LIST, unknown, opted_out));
        assert_eq!(house.check(LIST, &other), "+no list_opted_out", "{provider}");
    }
}

#[test]
fn an_event_of_bandwidth_may_come_alone() {
    let house = House::start();
    let phone = "+14155552200";
    house.opt_in(LIST, phone);
    let mut alone = inbound("bandwidth", "alone-1", phone, LIST, "Stop");
    alone.body = alone.body.trim_start_matches('[').trim_end_matches(']').to_owned();
    house.take(&alone);
    assert_eq!(house.check(LIST, phone), "+no list_opted_out");
}

#[test]
fn what_is_not_the_providers_is_refused() {
    let house = House::start();
    let phone = "+14155553000";
    house.opt_in(LIST, phone);
    for provider in PROVIDERS {
        let good = inbound(provider, "f-1", phone, LIST, "Stop");
        let mut changed = good.clone();
        changed.body = changed.body.replace("Stop", "Stay");
        let mut unsigned = good.clone();
        unsigned.fields.clear();
        unsigned.body = unsigned.body.split("&sig=").next().expect("a body").to_owned();
        let mut elsewhere = good.clone();
        elsewhere.path.push_str("?id=other");
        let mut wrong = good.clone();
        for (_, value) in &mut wrong.fields {
            // Its first letter or digit behind what does not change.
            let at = value.find(' ').map_or(0, |blank| blank + 1);
            let other = if value[at..].starts_with('a') { "b" } else { "a" };
            value.replace_range(at..=at, other);
        }
        wrong.body = wrong.body.replace("&sig=", "&sig=00");
        let (is_bandwidth, signs_address) =
            (provider == "bandwidth", ["twilio", "signalwire", "plivo"].contains(&provider));
        assert_eq!(house.send(&wrong).status, 403, "{provider}");
        assert_eq!(house.send(&unsigned).status, if is_bandwidth { 401 } else { 403 }, "{provider}");
        if !is_bandwidth {
            assert_eq!(house.send(&changed).status, 403, "{provider}");
        }
        if signs_address {
            assert_eq!(house.send(&elsewhere).status, 403, "{provider}");
        }
    }
    let unasked = house.send(&Request { path: "/webhooks/bandwidth".into(), fields: Vec::new(), body: "[]".into() });
    assert!(unasked.head.contains("www-authenticate: basic"), "{}", unasked.head);
    assert_eq!(house.check(LIST, phone), "+yes", "nothing was believed");
    assert!(house.history(phone, "inbound").is_empty());
    assert!(!house.daemon.log().contains(KEY), "no secret is in the log");
}

#[test]
fn what_was_signed_long_ago_is_refused() {
    let house = House::start();
    let phone = "+14155553100";
    house.opt_in(LIST, phone);
    let day = 24 * 3_600;
    for (provider, age, is_taken) in [
        ("telnyx", 4 * 60, true),
        ("telnyx", 6 * 60, false),
        // Vonage goes on delivering for a day.
        ("vonage", day, true),
        ("vonage", day + 6 * 60, false),
        ("vonage_messages", day, true),
        ("vonage_messages", day + 6 * 60, false),
    ] {
        let answer = house.send(&inbound_at(provider, &format!("old-{age}"), phone, LIST, "Hello", now() - age));
        assert_eq!(answer.status < 300, is_taken, "{provider} {age}: {}", answer.body);
        assert!(is_taken || answer.status == 403);
    }
    assert_eq!(house.send(&inbound_at("telnyx", "early", phone, LIST, "Hello", now() + 6 * 60)).status, 403);
}

#[test]
fn what_is_delivered_late_lifts_no_newer_opt_out() {
    let house = House::start();
    for (place, provider) in PROVIDERS.into_iter().enumerate() {
        let phone = format!("+1415555{:04}", 3_200 + place);
        house.opt_in(LIST, &phone);
        // It was sent first, and could not be delivered.
        let start = inbound_at(provider, "late-1", &phone, LIST, "START", now() - 2);
        house.take(&inbound(provider, "late-2", &phone, LIST, "STOP"));
        house.take(&start);
        assert_eq!(house.check(LIST, &phone), "+no list_opted_out", "{provider}");
        assert_eq!(house.check(OTHER_LIST, &phone), "+no list_opted_out", "{provider}");
    }
    // Vonage's SMS API may date a message anew when it delivers it again; its Messages API does not.
    for (place, (provider, verdict)) in
        [("vonage", "+no list_opted_out"), ("vonage_messages", "+yes")].iter().enumerate()
    {
        let phone = format!("+1415555{:04}", 3_220 + place);
        house.opt_in(LIST, &phone);
        house.take(&inbound_at(provider, "again-1", &phone, LIST, "STOP", now() - 600));
        house.take(&inbound(provider, "again-2", &phone, LIST, "START"));
        assert_eq!(house.check(LIST, &phone), *verdict, "{provider}");
    }
    // A phone that was out for longer comes back.
    let phone = "+14155553250";
    house.opt_in(LIST, phone);
    assert_eq!(house.wire().call(&format!(r#"OPTOUT {LIST} {phone} {{"at":"2026-02-01"}}"#)), ":1");
    for (id, provider) in [("back-0", "vonage"), ("back-1", "plivo")] {
        house.take(&inbound(provider, id, phone, LIST, "START"));
        assert_eq!(house.check(LIST, phone), "+yes", "{provider}");
    }
    // Somebody who has listened sends it again.
    let start = inbound("twilio", "back-2", phone, LIST, "START");
    house.take(&start);
    house.take(&inbound("twilio", "back-3", phone, LIST, "STOP"));
    house.take(&start);
    assert_eq!(house.check(LIST, phone), "+no list_opted_out");
}

#[test]
fn what_is_too_long_or_means_nothing_is_answered() {
    let house = House::start();
    let phone = "+14155553300";
    for provider in PROVIDERS {
        let long = house.send(&inbound(provider, "long", phone, LIST, &"x".repeat(24 * 1024)));
        assert_eq!(long.status, 413, "{provider}");
    }
    // It is signed, so that it is the provider's; it would be no better the next time.
    for request in [
        twilio("/webhooks/twilio", &[("Body", "Stop"), ("MessageSid", "SM1")]),
        twilio("/webhooks/twilio", &[("From", "ACME"), ("To", LIST), ("Body", "your password is 123")]),
        telnyx("/webhooks/telnyx", &json!({ "data": { "event_type": "call.initiated" } }), now()),
        telnyx("/webhooks/telnyx", &json!([]), now()),
        vonage("/webhooks/vonage", &[("text", "Stop")], now()),
        plivo("/webhooks/plivo", &[("Text", "Stop")]),
        bandwidth("/webhooks/bandwidth", &json!({ "type": "message-received" })),
        bandwidth("/webhooks/bandwidth", &json!([])),
    ] {
        house.take(&request);
    }
    let log = house.daemon.log();
    assert!(log.contains("From is missing") && log.contains("the sender 'ACME' is not a phone"), "{log}");
    assert!(!log.contains("password"), "{log}");
    let get = |path: &str| house.talk(&format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")).status;
    assert_eq!((get("/webhooks/twilio"), get("/webhooks/unknown"), get("/")), (405, 404, 404));
}

#[test]
fn what_was_answered_survives_a_crash() {
    let mut house = House::start();
    let phones: Vec<String> = (0..PROVIDERS.len()).map(|place| format!("+1415555{:04}", 3_400 + place)).collect();
    for (phone, provider) in phones.iter().zip(PROVIDERS) {
        house.opt_in(LIST, phone);
        house.take(&inbound(provider, "c-1", phone, LIST, "STOP"));
        house.daemon.kill();
        house.daemon.restart();
        house.wait_until_it_listens();
        assert_eq!(house.check(LIST, phone), "+no list_opted_out", "{provider}");
    }
}

#[test]
fn phones_are_answered_what_is_true() {
    let answers = "answer in Welcome back <&>!\nanswer out Bye.\nanswer out-all Bye for ever.\n";
    let house = House::with(&format!("twilio {KEY}\nplivo {KEY}\nvonage {KEY}\n{answers}"), &[]);
    let phone = "+14155553500";
    house.opt_in(LIST, phone);
    let say = |id: &str, text: &str| house.take(&inbound("twilio", id, phone, LIST, text));
    let message = |text: &str| {
        let message = if text.is_empty() { String::new() } else { format!("<Message>{text}</Message>") };
        format!(r#"<?xml version="1.0" encoding="UTF-8"?><Response>{message}</Response>"#)
    };
    assert_eq!(say("a-1", "hello"), message(""));
    assert_eq!(say("a-2", "HELP"), message("Reply STOP to unsubscribe. Message and data rates may apply."));
    assert_eq!(say("a-3", "STOP"), message("Bye."));
    assert_eq!(say("a-3", "STOP"), message(""), "a repetition is not answered");
    assert_eq!(say("a-4", "Stop it"), message(""), "nor is one who is out");
    assert_eq!(say("a-5", "STOPALL"), message("Bye for ever."));
    let to_twilio = house.send(&inbound("twilio", "a-6", phone, LIST, "hello"));
    assert!(to_twilio.head.contains("content-type: text/xml"), "{}", to_twilio.head);
    // The provider has answered.
    let marked = |id: &str, phone: &str, text: &str, mark: &str| {
        let fields = [("From", phone), ("To", LIST), ("MessageSid", id), ("Body", text), ("OptOutType", mark)];
        house.take(&twilio("/webhooks/twilio", &fields))
    };
    let other = "+14155553501";
    house.opt_in(LIST, other);
    assert_eq!(marked("b-1", other, "HELP", "HELP"), message(""));
    assert_eq!(marked("b-2", other, "Adieu", "STOP"), message(""), "a word of its own");
    assert_eq!(house.check(LIST, other), "+no list_opted_out");
    let before = house.history(other, "optout");
    assert_eq!(marked("b-2", other, "Adieu", "STOP"), message(""));
    assert_eq!((before.len(), house.history(other, "optout")), (1, before), "a repetition changes nothing");
    let back = "+14155553502";
    house.opt_in(LIST, back);
    assert_eq!(house.wire().call(&format!(r#"OPTOUT {LIST} {back} {{"at":"2026-02-01"}}"#)), ":1");
    assert_eq!(house.take(&inbound("twilio", "d-1", back, LIST, "START")), message("Welcome back &lt;&amp;&gt;!"));
    let plivo = house.take(&inbound("plivo", "d-2", back, LIST, "STOP"));
    assert!(plivo.contains(r#"<Message src="14155550100" dst="14155553502">Bye.</Message>"#), "{plivo}");
    assert_eq!(house.take(&inbound("vonage", "d-3", back, LIST, "HELP")), "", "others take no answer here");
}

#[test]
fn a_word_of_the_providers_own_never_opens_the_gate() {
    let house = House::with(&format!("twilio {KEY}\n"), &[]);
    let phone = "+14155553510";
    house.opt_in(LIST, phone);
    assert_eq!(house.wire().call(&format!(r#"OPTOUT {LIST} {phone} {{"at":"2026-02-01"}}"#)), ":1");
    // Customised, even what contactd takes for an opt-in opts out.
    let fields = [("From", phone), ("To", LIST), ("MessageSid", "o-1"), ("Body", "YES"), ("OptOutType", "STOP")];
    house.take(&twilio("/webhooks/twilio", &fields));
    assert_eq!(house.check(LIST, phone), "+no list_opted_out");
    let events = house.history(phone, "inbound,optout");
    let kinds: Vec<&str> = events.iter().filter_map(|event| event["kind"].as_str()).collect();
    assert_eq!(kinds[..2], ["inbound", "optout"], "the opt-out was there first: {events:?}");
}

/// Words that only the provider takes for an opt-out, in the field of each that says so.
#[test]
fn a_word_that_the_provider_alone_takes_for_an_opt_out_is_one() {
    let house = House::start();
    for (number, (text, took, is_out)) in [
        ("ADIOS", json!("STOP"), true),
        ("salir", json!("STOP"), true),
        ("Hi", json!("HELP"), false),
        ("Hi", json!(null), false),
    ]
    .into_iter()
    .enumerate()
    {
        let phone = format!("+141555535{number:02}");
        house.opt_in(LIST, &phone);
        let payload = json!({
            "id": phone, "text": text, "received_at": written(now()), "autoresponse_type": took,
            "from": { "phone_number": phone }, "to": [{ "phone_number": LIST }],
        });
        house.take(&telnyx(
            "/webhooks/telnyx",
            &json!({ "data": { "event_type": "message.received", "payload": payload } }),
            now(),
        ));
        assert_eq!(house.check(LIST, &phone), if is_out { "+no list_opted_out" } else { "+yes" }, "{text} {took}");
    }
}

#[test]
fn a_message_to_a_group_is_one_to_our_lists_in_it_and_to_no_stranger() {
    let house = House::start();
    let stranger = "+14155558888";
    let group = |phone: &str, to: &[&str], cc: &[&str]| {
        let numbers = |all: &[&str]| all.iter().map(|one| json!({ "phone_number": one })).collect::<Vec<Value>>();
        let payload = json!({
            "id": phone, "text": "STOP", "received_at": written(now()), "from": { "phone_number": phone },
            "to": numbers(to), "cc": numbers(cc),
        });
        telnyx("/webhooks/telnyx", &json!({ "data": { "event_type": "message.received", "payload": payload } }), now())
    };
    for (number, (to, cc)) in [
        (&[stranger, LIST][..], &[][..]),
        (&[stranger][..], &[LIST][..]),
        (&[LIST, stranger][..], &[OTHER_LIST][..]),
        (&[stranger, "+14155558889"][..], &[][..]),
    ]
    .into_iter()
    .enumerate()
    {
        let phone = format!("+141555534{number:02}");
        for list in [LIST, OTHER_LIST] {
            house.opt_in(list, &phone);
        }
        house.take(&group(&phone, to, cc));
        let contact = house.wire().call(&format!("GET {phone}"));
        assert!(!contact.contains("+1415555888"), "a stranger is no list: {contact}");
        for list in [LIST, OTHER_LIST] {
            let all: Vec<&str> = to.iter().chain(cc).copied().collect();
            // The two are one service.
            let is_ours = all.contains(&LIST) || all.contains(&OTHER_LIST);
            assert_eq!(
                house.check(list, &phone),
                if is_ours { "+no list_opted_out" } else { "+no opted_out" },
                "{all:?}"
            );
        }
    }
}

/// Cut inside of a word, neither part asks for anything.
#[test]
fn the_parts_of_a_long_message_are_read_together() {
    let house = House::start();
    let part = |phone: &str, id: &str, place: &str, text: &str| {
        let (from, to) = (phone.trim_start_matches('+').to_owned(), LIST.trim_start_matches('+').to_owned());
        let fields = [
            ("msisdn", from.as_str()),
            ("to", &to),
            ("messageId", id),
            ("text", text),
            ("type", "text"),
            ("concat", "true"),
            ("concat-ref", "17"),
            ("concat-total", "2"),
            ("concat-part", place),
        ];
        vonage("/webhooks/vonage", &fields, now())
    };
    for (phone, order) in [("+14155553301", [0, 1]), ("+14155553302", [1, 0])] {
        house.opt_in(LIST, phone);
        let parts = [("1", "Please st"), ("2", "op texting me")];
        for place in order {
            let (number, text) = parts[place];
            assert_eq!(house.check(LIST, phone), "+yes", "{text}");
            house.take(&part(phone, &format!("{phone}-{number}"), number, text));
        }
        assert_eq!(house.check(LIST, phone), "+no list_opted_out");
    }
    // The end of something is no START.
    let phone = "+14155553303";
    house.opt_in(LIST, phone);
    assert_eq!(house.wire().call(&format!(r#"OPTOUT {LIST} {phone} {{"at":"2026-02-01"}}"#)), ":1");
    house.take(&part(phone, "late", "2", "START"));
    assert_eq!(house.check(LIST, phone), "+no list_opted_out");
}

#[test]
fn conversations_of_twilio_are_read() {
    let house = House::start();
    let event = |phone: &str, kind: &str, more: &[(&str, &str)]| {
        let fields = [
            ("EventType", kind),
            ("Author", phone),
            ("MessageSid", phone),
            ("DateCreated", "2026-05-01T12:00:00.000Z"),
        ];
        twilio("/webhooks/twilio", &[&fields[..], &[("Body", "STOP")], more].concat())
    };
    for (phone, more, told) in [
        ("+14155553201", &[("MessagingBinding.ProxyAddress", LIST)][..], "+no list_opted_out"),
        ("+14155553202", &[("MessagingServiceSid", "MG1")][..], "+no list_opted_out"),
        ("+14155553203", &[][..], "+no opted_out"),
    ] {
        house.opt_in(LIST, phone);
        for kind in ["onMessageUpdated", "onDeliveryUpdated", "onParticipantAdded"] {
            house.take(&event(phone, kind, more));
            assert_eq!(house.check(LIST, phone), "+yes", "{kind}");
        }
        house.take(&event("agent-7", "onMessageAdded", more));
        assert_eq!(house.check(LIST, phone), "+yes");
        let answer = house.send(&event(phone, "onMessageAdded", more));
        assert_eq!((answer.status, answer.body.as_str()), (204, ""));
        assert_eq!(house.check(LIST, phone), told, "{more:?}");
    }
}

#[test]
fn a_service_is_more_than_one_list() {
    let house = House::start();
    let phone = "+14155553600";
    for list in [LIST, OTHER_LIST] {
        house.opt_in(list, phone);
    }
    // The service is named, and the number is none of its lists.
    let fields = [
        ("From", phone),
        ("To", "+14155550177"),
        ("MessageSid", "s-1"),
        ("Body", "STOP"),
        ("MessagingServiceSid", "MG1"),
    ];
    house.take(&twilio("/webhooks/twilio", &fields));
    for list in [LIST, OTHER_LIST] {
        assert_eq!(house.check(list, phone), "+no list_opted_out", "{list}");
    }
    // A callback without a sender: the claim knows its list.
    let other = "+14155553601";
    house.opt_in(OTHER_LIST, other);
    assert_eq!(house.wire().call(&format!("CLAIM {OTHER_LIST} {other} spring-1")), "+yes");
    let fields = [("To", other), ("MessageSid", "SM9"), ("MessageStatus", "delivered"), ("MessagingServiceSid", "MG1")];
    house.take(&twilio("/webhooks/twilio?id=spring-1", &fields));
    let sends = house.history(other, "send");
    assert_eq!((&sends[0]["state"], &sends[0]["list"]), (&json!("sent"), &json!(OTHER_LIST)), "{sends:?}");
    let fields = [("To", other), ("MessageSid", "SM10"), ("MessageStatus", "failed"), ("ErrorCode", "21610")];
    house.take(&twilio("/webhooks/twilio", &fields));
    assert_eq!(house.check(OTHER_LIST, other), "+no opted_out", "of no list that is known: of all");
    // What something else sends from the same account is nothing to tell of.
    let fields = [("To", other), ("From", "+14155550199"), ("MessageSid", "SM12"), ("MessageStatus", "sent")];
    house.take(&twilio("/webhooks/twilio", &fields));
    assert!(!house.daemon.log().contains("SM12"), "{}", house.daemon.log());
    let third = "+14155553602";
    house.opt_in(LIST, third);
    let fields = [("To", third), ("MessageSid", "SM11"), ("MessageStatus", "failed"), ("ErrorCode", "30005")];
    house.take(&twilio("/webhooks/twilio", &fields));
    assert_eq!(house.check(LIST, third), "+no invalid");
}

/// A button that says STOP, the row of a list, the words below a picture, a message over another channel.
#[test]
fn what_was_tapped_counts_as_what_was_said() {
    let house = House::start();
    let bare = |number: &str| number.trim_start_matches('+').to_owned();
    let mut number = 0;
    let mut somebody = || {
        number += 1;
        format!("+1415555{:04}", 3_900 + number)
    };
    let is_out = |request: &Request, phone: &str| {
        house.opt_in(LIST, phone);
        house.take(request);
        assert_eq!(house.check(LIST, phone), "+no list_opted_out", "{}", request.body);
    };
    for said in [
        json!({ "message_type": "button", "button": { "payload": "STOP", "text": "STOP" } }),
        json!({ "message_type": "reply", "reply": { "id": "stop", "title": "STOP" } }),
        json!({ "message_type": "button", "button": { "text": "Unsubscribe" } }),
        json!({ "message_type": "image", "image": { "url": "https://example.com/1", "caption": "STOP" } }),
        json!({ "message_type": "video", "video": { "caption": "stop" } }),
    ] {
        let phone = somebody();
        let mut json =
            json!({ "message_uuid": phone, "from": bare(&phone), "to": bare(LIST), "timestamp": written(now()) });
        json.as_object_mut().expect("an object").extend(said.as_object().expect("an object").clone());
        is_out(&vonage_messages("/webhooks/vonage", &json, now()), &phone);
    }
    for said in [
        &[("type", "binary"), ("data", "53544F50")][..],
        &[("text", ""), ("keyword", "STOP")],
        &[("type", "unicode"), ("text", "STOP"), ("keyword", "STOP")],
    ] {
        let phone = somebody();
        let (from, to) = (bare(&phone), bare(LIST));
        let fields = [&[("msisdn", from.as_str()), ("to", &to), ("messageId", &phone)], said].concat();
        is_out(&vonage("/webhooks/vonage", &fields, now()), &phone);
    }
    for said in [
        json!({ "type": "RCS", "body": { "text": "STOP" } }),
        json!({ "type": "RCS", "body": { "suggestion_response": { "text": "STOP", "postback_data": "stop" } } }),
        json!({ "type": "MMS", "text": "", "subject": "STOP" }),
    ] {
        let phone = somebody();
        let mut payload = json!({
            "id": phone, "received_at": written(now()), "from": { "phone_number": phone }, "to": [{ "phone_number": LIST }],
        });
        payload.as_object_mut().expect("an object").extend(said.as_object().expect("an object").clone());
        let json = json!({ "data": { "event_type": "message.received", "payload": payload } });
        is_out(&telnyx("/webhooks/telnyx", &json, now()), &phone);
    }
    for said in [
        json!({ "content": { "text": "STOP" } }),
        json!({ "content": { "suggestionResponse": { "text": "Stop", "postbackData": "stop" } } }),
    ] {
        let phone = somebody();
        let mut message = json!({ "id": phone, "time": written(now()), "from": phone, "to": [LIST], "owner": LIST });
        message.as_object_mut().expect("an object").extend(said.as_object().expect("an object").clone());
        let event = json!([{ "type": "message-received", "time": written(now()), "to": LIST, "message": message }]);
        is_out(&bandwidth("/webhooks/bandwidth", &event), &phone);
    }
    for (kind, said) in [
        ("suggestion-response", json!({ "suggestionResponse": { "text": "Not now", "postbackData": "U1RPUA==" } })),
        ("message-received", json!({ "suggestionResponse": { "text": "STOP", "postbackData": "U1RPUA==" } })),
        ("suggestion-response", json!({ "content": { "suggestionResponse": { "text": "Stop" } } })),
    ] {
        let phone = somebody();
        let mut message = json!({ "id": phone, "time": written(now()), "from": phone, "to": [LIST], "owner": LIST });
        message.as_object_mut().expect("an object").extend(said.as_object().expect("an object").clone());
        let event = json!([{ "type": kind, "time": written(now()), "to": LIST, "message": message }]);
        is_out(&bandwidth("/webhooks/bandwidth", &event), &phone);
    }
    for content in [json!({ "type": "text", "text": "STOP" }), json!({ "type": "reply", "reply": { "title": "STOP" } })]
    {
        let phone = somebody();
        let party = |number: &str| json!({ "type": "sms", "number": bare(number) });
        let json = json!({
            "message_uuid": phone, "from": party(&phone), "to": party(LIST), "timestamp": written(now()),
            "direction": "inbound", "message": { "content": content },
        });
        is_out(&vonage_messages("/webhooks/vonage", &json, now()), &phone);
    }
    let phone = somebody();
    let (from, to) = (bare(&phone), bare(LIST));
    let fields = [
        ("From", from.as_str()),
        ("To", &to),
        ("MessageUUID", "b-1"),
        ("ContentType", "button"),
        ("ButtonText", "STOP"),
    ];
    is_out(&plivo("/webhooks/plivo", &fields), &phone);
    let phone = somebody();
    let fields =
        [("From", phone.as_str()), ("To", LIST), ("MessageSid", "l-1"), ("Body", ""), ("ListTitle", "Unsubscribe")];
    is_out(&twilio("/webhooks/twilio", &fields), &phone);
    for said in [("Body", "STOP"), ("MessageIntent", "STOP")] {
        let phone = somebody();
        let (from, to) = (bare(&phone), bare(LIST));
        let fields = [("From", from.as_str()), ("To", &to), ("MessageUUID", &phone), ("Text", ""), said];
        is_out(&plivo("/webhooks/plivo", &fields), &phone);
    }
}

#[test]
fn channels_come_off_numbers() {
    let house = House::start();
    let phone = "+14155553700";
    house.opt_in(LIST, phone);
    let fields =
        [("From", "whatsapp:+14155553700"), ("To", "whatsapp:+14155550100"), ("MessageSid", "w-1"), ("Body", "STOP")];
    house.take(&twilio("/webhooks/twilio", &fields));
    assert_eq!(house.check(LIST, phone), "+no list_opted_out");
    // To a sender that has a name: what cannot be read counts for all lists.
    let other = "+14155553701";
    house.opt_in(LIST, other);
    let fields = [("From", other), ("To", "ACME"), ("MessageSid", "w-2"), ("Body", "STOP")];
    house.take(&twilio("/webhooks/twilio", &fields));
    assert_eq!(house.check(LIST, other), "+no opted_out");
}

#[test]
fn vonage_asks_by_get_and_posts_json() {
    let house = House::start();
    let phone = "+14155553800";
    house.opt_in(LIST, phone);
    let form = inbound("vonage", "g-1", phone, LIST, "Hello you").body;
    let answer = house.talk(&format!("GET /webhooks/vonage?{form} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    assert_eq!(answer.status, 204, "{}", answer.body);
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        let mut parts = text.split('%');
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |all, part| {
            let byte = u8::from_str_radix(&part[..2], 16).expect("two digits");
            all + &char::from(byte).to_string() + &part[2..]
        })
    };
    let form = inbound("vonage", "g-2", phone, LIST, "STOP").body;
    let json: serde_json::Map<String, Value> = form
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), decoded(value).into()))
        .collect();
    house.take(&Request { path: "/webhooks/vonage".into(), fields: Vec::new(), body: Value::Object(json).to_string() });
    assert_eq!(house.check(LIST, phone), "+no list_opted_out");
    assert_eq!(house.history(phone, "inbound").last().map(|event| event["text"].clone()), Some(json!("Hello you")));
}

#[test]
fn keys_are_read_again_and_a_provider_without_one_is_not_there() {
    let house = House::with("plivo fedcba9876543210\n", &[]);
    let phone = "+14155553900";
    let message = inbound("twilio", "k-1", phone, LIST, "Hello");
    assert_eq!(house.send(&message).status, 404);
    let log = house.daemon.log();
    assert!(log.contains("twilio is not set up: put 'twilio AUTH_TOKEN' into the file of --webhook-secrets"), "{log}");
    let hang_up = |told: &str| {
        assert!(Command::new("kill").args(["-HUP", &house.daemon.pid().to_string()]).status().expect("kill").success());
        let since = Instant::now();
        while !house.daemon.log().contains(told) {
            assert!(since.elapsed() < PATIENCE, "'{told}' is not in the log:\n{}", house.daemon.log());
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    };
    std::fs::write(&house.secrets, format!("twilio {KEY}\n")).expect("written");
    hang_up("webhooks are checked by its keys");
    house.take(&message);
    assert_eq!(house.send(&inbound("plivo", "k-2", phone, LIST, "Hello")).status, 404);
    std::fs::write(&house.secrets, format!("twillio {KEY}\n")).expect("written");
    hang_up("line 1 should begin with service, answer or a provider");
    house.take(&message);
    assert!(!house.daemon.log().contains(KEY), "{}", house.daemon.log());
    let settings = house.wire().call("SETTINGS");
    for line in [format!("+webhooks {}", house.address), format!("+public-url {PUBLIC_URL}")] {
        assert!(settings.contains(&line), "{settings}");
    }
    assert!(settings.contains("+webhook-secrets /") && !settings.contains(KEY), "{settings}");
}

#[test]
fn they_come_over_tls_too() {
    if !has("openssl") {
        return;
    }
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let dir = tempfile::tempdir().expect("a directory");
    let (certificate, key) = (dir.path().join("server.pem"), dir.path().join("server.key"));
    std::fs::write(&certificate, own.cert.pem()).expect("written");
    std::fs::write(&key, own.signing_key.serialize_pem()).expect("written");
    let (file, address) = (dir.path().join("secrets"), free_address());
    std::fs::write(&file, secrets()).expect("written");
    let text = |path: &PathBuf| path.to_str().expect("a path").to_owned();
    // No other address speaks TLS.
    let daemon = Daemon::start(&[
        "--webhooks",
        &format!("tls:{address}"),
        "--public-url",
        PUBLIC_URL,
        "--webhook-secrets",
        &text(&file),
        "--tls-cert-file",
        &text(&certificate),
        "--tls-key-file",
        &text(&key),
    ]);
    let house = House { daemon, address, secrets: file, _dir: dir };
    house.wait_until_it_listens();
    assert_eq!(house.wire().call(&format!("LIST {LIST}")), "+created");
    let phone = "+14155553960";
    house.opt_in(LIST, phone);
    let stop = inbound("telnyx", "t-1", phone, LIST, "STOP");
    let mut client = Command::new("openssl")
        .args(["s_client", "-quiet", "-ign_eof", "-connect", &house.address])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl");
    client.stdin.take().expect("a pipe").write_all(written_out(&stop).as_bytes()).expect("sent");
    let told = client.wait_with_output().expect("it ends").stdout;
    assert!(told.starts_with(b"HTTP/1.1 204"), "{}", String::from_utf8_lossy(&told));
    assert_eq!(house.check(LIST, phone), "+no list_opted_out");
}

#[test]
fn people_and_programs_see_them() {
    let (console, metrics) = (free_address(), free_address());
    let house = House::with(&secrets(), &["--http", &console, "--metrics", &metrics]);
    house.take(&inbound("twilio", "p-1", "+14155553950", LIST, "Hello"));
    for provider in ["telnyx", "bandwidth"] {
        house.send(&Request { path: path_of(provider), fields: Vec::new(), body: "{}".into() });
    }
    let get = |address: &str, path: &str| {
        let mut stream = TcpStream::connect(address).expect("a connection");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut told = String::new();
        stream.read_to_string(&mut told).expect("an answer");
        told
    };
    let page = get(&metrics, "/metrics");
    for line in [
        r#"contactd_webhooks_total{provider="twilio",outcome="recorded"} 1"#,
        r#"contactd_webhooks_total{provider="telnyx",outcome="unsigned"} 1"#,
        r#"contactd_webhooks_total{provider="bandwidth",outcome="later"} 0"#,
        r#"contactd_webhooks_total{provider="bandwidth",outcome="asked"} 1"#,
    ] {
        assert!(page.contains(line), "{line} is not in\n{page}");
    }
    let page = get(&console, &format!("/lists/{LIST}/settings"));
    assert!(page.contains("<code>https://sms.example.com/webhooks/twilio</code>"), "{page}");
    assert!(!page.contains(KEY));
}
