//! What must not be taken: malformed, oversized, truncated, endless and foreign input. Each piece gets one error of the
//! closed set or ends the connection, changes nothing, and takes nothing from other clients.

use std::fmt::Write as _;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use contactd::error::Code;
use contactd::limits::{CLIENTS_MAX, JOB_WRITES_MAX, REPLY_BYTES_UNSENT_MAX, REQUEST_BYTES_MAX};
use contactd::model::verdict::StopScope;
use proptest::prelude::*;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::pair;
use super::properties::config;
use super::support::{Daemon, House, PATIENCE, Wire};

const LIST: &str = "+14155550100";
const KNOWN: &str = "+14155550101";
const OUT: &str = "+14155550102";
/// No request below names it in a form that may be taken.
const STRANGER: &str = "+14155550103";
/// 2026-06-01.
const NOW: i64 = 1_780_272_000_000;

/// A house with somebody on a list, and somebody who left it.
fn house() -> House {
    let house = House::start(StopScope::List, NOW);
    let mut wire = house.connect();
    assert_eq!(wire.call(&format!("LIST {LIST} {{\"name\":\"Sale\"}}")), "+created");
    assert_eq!(wire.call(&format!("OPTIN {LIST} {KNOWN}")), ":1");
    assert_eq!(wire.call(&format!("OPTIN {LIST} {OUT}")), ":1");
    assert_eq!(wire.call(&format!("OPTOUT {LIST} {OUT}")), ":1");
    house
}

/// All that a request could have changed.
fn state(wire: &mut Wire) -> String {
    let stats = wire.call("STATS");
    let mut told: String = stats
        .lines()
        .filter(|line| {
            ["+contacts", "+lists", "+subscriptions", "+inbound", "+forbidden"]
                .iter()
                .any(|name| line.starts_with(name))
        })
        .fold(String::new(), |told, line| told + line + "\n");
    assert!(told.contains("+contacts "), "STATS counts contacts: {stats}");
    for question in ["LISTS".to_owned(), format!("GET {KNOWN}"), format!("GET {OUT}"), format!("GET {STRANGER}")] {
        let _ = writeln!(told, "{question} {}", wire.call(&question));
    }
    told
}

/// The code of an error reply, which must be of the closed set.
fn code(reply: &str) -> &str {
    let code = reply.strip_prefix('-').and_then(|error| error.split(' ').next()).unwrap_or_default();
    assert!(Code::ALL.iter().any(|known| known.word() == code), "no error of the closed set: '{reply}'");
    code
}

/// Sends requests, each with a PING behind it, and expects one error of a code for each, and no change but what the error says
/// was taken.
fn refused(house: &House, expected: &str, requests: impl IntoIterator<Item = impl AsRef<[u8]>>) {
    let mut wire = house.connect();
    let mut before = state(&mut wire);
    for request in requests {
        let request = request.as_ref();
        wire.send(request);
        wire.send("\nPING\n");
        let shown = String::from_utf8_lossy(&request[..request.len().min(200)]).into_owned();
        let reply = wire.reply();
        assert!(reply.starts_with('-'), "'{shown}' was taken: {reply}");
        assert_eq!(code(&reply), expected, "'{shown}': {reply}");
        assert_eq!(wire.reply(), "+PONG", "'{shown}' gets one reply and leaves the connection in sync");
        if reply.split(' ').nth(1) == Some("taken") {
            let forbids = ["OPTOUT", "SUPPRESS", "INVALID", "FAILED", "INBOUND", "IMPORT"];
            assert!(forbids.iter().any(|verb| shown.trim_start().contains(verb)), "'{shown}' permits: {reply}");
            before = state(&mut wire);
        }
    }
    assert_eq!(state(&mut wire), before, "what is refused changes nothing");
}

/// Every request that names a phone, with one that is wrong.
fn with_phone(phone: &str) -> Vec<String> {
    vec![
        format!("GET {phone}"),
        format!("CHECK {LIST} {phone}"),
        format!("WHY {LIST} {phone}"),
        format!("PUT {phone} {{\"labels\":{{\"a\":\"b\"}}}}"),
        format!("SUPPRESS {LIST} {phone}"),
        format!("RELEASE {LIST} {phone}"),
        format!("INVALID {phone}"),
        format!("VALID {phone}"),
        format!("OPTIN {LIST} {phone}"),
        format!("OPTOUT {LIST} {phone}"),
        format!("OPTOUT * {phone}"),
        format!("INBOUND {LIST} {phone} {{\"text\":\"STOP\"}}"),
    ]
}

/// Every request that takes JSON, up to it.
fn before_json() -> Vec<String> {
    vec![
        format!("LIST {LIST}"),
        format!("PUT {STRANGER}"),
        format!("SUPPRESS {STRANGER}"),
        format!("SUPPRESS {LIST} {STRANGER}"),
        format!("RELEASE {STRANGER}"),
        format!("INVALID {STRANGER}"),
        format!("VALID {STRANGER}"),
        format!("OPTIN {LIST} {STRANGER}"),
        format!("OPTOUT {LIST} {STRANGER}"),
        format!("OPTOUT * {STRANGER}"),
        format!("INBOUND {LIST} {STRANGER}"),
        format!("IMPORT {LIST}"),
    ]
}

#[test]
fn what_is_no_request_is_refused() {
    let house = house();
    refused(
        &house,
        "ERR",
        [
            "FOO",
            "foo bar",
            "CHECK",
            &format!("CHECK {LIST}"),
            "LIST",
            "GET",
            "PUT",
            "OPTIN",
            &format!("OPTIN {LIST}"),
            &format!("GET {KNOWN} {OUT}"),
            "PING a b",
            "QUIT now",
            "AUTH",
            "ECHO",
            "SELECT",
            "STATS x",
            "WHY",
            &format!("WHY {LIST}"),
            &format!("TRENDS {LIST} 7"),
            "CLAIMS x",
            &format!("INBOUND {LIST} {STRANGER}"),
            &format!("IMPORT {LIST}"),
            "IMPORT",
            &format!("PUT{STRANGER}"),
            &format!("put\t{STRANGER}"),
            &format!("PUT\0 {STRANGER}"),
            &"V".repeat(5000),
            "\"PUT\"",
            "{\"verb\":\"PUT\"}",
            "[\"PUT\"]",
            "+OK",
            "-ERR",
            ":1",
            "$4",
            STRANGER,
            "GET / HTTP/1.1",
            "SUBSCRIBE x",
            "MONITOR",
            "PSYNC ? -1",
            "ＰＩＮＧ",
            "\u{1b}[2J",
            ";PING",
            "PING;",
        ],
    );
    // A reply is for a terminal as well: what it repeats is cut and cleaned.
    let mut wire = house.connect();
    wire.send(b"\x1b[2J\xff\xfe\x07evil\n");
    let reply = wire.reply();
    assert!(!reply.chars().any(char::is_control) && reply.contains("evil"), "{reply:?}");
    assert!(wire.call(&"x".repeat(5000)).len() < 300);
}

#[test]
fn wrong_numbers_are_refused() {
    let house = house();
    for phone in [
        "14155550103",
        "+1415555010x",
        "+",
        "+123456",
        "+1234567890123456",
        "++14155550103",
        "+1-415-555-0103",
        "(415)5550103",
        "+１４１５５５５０１０３",
        "+14155550103,",
        "+14155550103;",
        "'+14155550103'",
        "+1415555\u{200b}0103",
        "tel:+14155550103",
        "+1415555\u{7}0103",
        "NULL",
        "*",
    ] {
        refused(&house, "BADARG", with_phone(phone));
    }
    // Permission needs a number that some country's plan knows; an opt-out does not.
    refused(&house, "BADARG", ["PUT +9990000000", &format!("OPTIN {LIST} +9990000000")]);
    for list in ["12", "123456789", "+123456", "x", "+1415555010x", "-1"] {
        refused(
            &house,
            "BADARG",
            [
                format!("LIST {list}"),
                format!("UNLIST {list}"),
                format!("CHECK {list} {KNOWN}"),
                format!("OPTIN {list} {STRANGER}"),
                format!("OPTOUT {list} {STRANGER}"),
                format!("INBOUND {list} {STRANGER} {{\"text\":\"STOP\"}}"),
                format!("IMPORT {list} {{\"phone\":\"{STRANGER}\"}}"),
                format!("SUPPRESS {list} {STRANGER}"),
            ],
        );
    }
    refused(
        &house,
        "BADARG",
        [format!("UNLIST {LIST} FORCED"), "NORMALIZE XYZ 4155550103".into(), "NORMALIZE US hello".into()],
    );
}

#[test]
fn broken_json_is_refused() {
    let house = house();
    for start in before_json() {
        for json in [
            "{",
            "}",
            "{}}",
            "{} x",
            "{\"",
            "{\"at\"}",
            "{\"at\":}",
            "{\"at\":1,}",
            "{'at':1}",
            "{at:1}",
            "[]",
            "[1]",
            "[\"x\",true]",
            "[{\"a\":\"b\"}]",
            "\"text\"",
            "{\"labels\":[]}",
            "{\"at\":\"yesterday\"}",
            "{\"at\":1e400}",
            "{\"at\":1700000000000.5}",
            "{\"at\":1.7e9}",
            "{\"at\":-0.0}",
            "{\"at\":99999999999999999999}",
            "{\"at\":{}}",
            "{\"text\":\"\\ud800\"}",
            "{\"text\":\"a\tb\"}",
            "{\"\":1}",
            "{\"at\":1}{\"at\":2}",
            "word",
            "null",
        ] {
            refused(&house, "BADARG", [format!("{start} {json}")]);
        }
        refused(&house, "BADARG", [[start.as_bytes(), b" {\"text\":\"\xff\xfe\"}"].concat()]);
        refused(&house, "BADARG", [format!("{start} {}{}", "{\"x\":".repeat(5000), "}".repeat(5000))]);
        refused(&house, "BADARG", [format!("{start} {}", "[".repeat(60_000))]);
    }
}

/// Somebody counts on every option that he gives.
#[test]
fn an_option_that_a_command_does_not_have_is_named() {
    let house = house();
    let mut wire = house.connect();
    let position = wire.call("FEED").replace("*1\n+", "");
    for (request, command, option) in [
        (format!("FEED {position} AFTER 1-1"), "FEED", "AFTER"),
        (format!("feed {position} after 0 LIMIT 1"), "FEED", "AFTER"),
        ("FEED AFTER 1-1".into(), "FEED", "AFTER"),
        (format!("HISTORY {KNOWN} WAIT 5"), "HISTORY", "WAIT"),
        (format!("HISTORY {KNOWN} KIND optin WAIT 5 LIMIT 1"), "HISTORY", "WAIT"),
        ("FIND WAIT 5".into(), "FIND", "WAIT"),
        ("FIND status=active wait 5".into(), "FIND", "WAIT"),
        ("LABELS WAIT 5".into(), "LABELS", "WAIT"),
    ] {
        refused(&house, "BADARG", [&request]);
        let told = wire.call(&request);
        assert!(told.starts_with(&format!("-BADARG {command} has no option {option}: ")), "{request}: {told}");
    }
    // Without a position there is nothing to page or to wait for.
    refused(&house, "ERR", ["FEED LIMIT 5", "FEED WAIT 5"]);
    refused(&house, "BADARG", ["COUNT LIMIT 5", "EXPORT LIMIT 5"]);
}

#[test]
fn a_key_given_twice_is_named() {
    let house = house();
    for (request, key) in [
        (format!(r#"OPTOUT {LIST} {STRANGER} {{"at":"2026-05-01","at":"2026-05-02"}}"#), "`at`"),
        (format!(r#"PUT {STRANGER} {{"labels":{{"a":"b"}},"labels":{{"c":"d"}}}}"#), "`labels`"),
        (format!(r#"PUT {STRANGER} {{"labels":{{"a":"1","b":"2","a":"1"}}}}"#), "`a`"),
        (format!(r#"PUT {STRANGER} {{"labels":{{"a":"1","\u0061":null}}}}"#), "`a`"),
        (format!(r#"IMPORT {LIST} {{"phone":"{STRANGER}","labels":{{"a":null,"a":"1"}}}}"#), "`a`"),
    ] {
        refused(&house, "BADARG", [&request]);
        let told = house.connect().call(&request);
        let why = told.rsplit("; ").next().unwrap_or_default().trim_start_matches("-BADARG ");
        assert!(why.starts_with(&format!("in the JSON: duplicate field {key}")), "{request}: {told}");
    }
}

#[test]
fn an_unknown_key_is_named() {
    let house = house();
    for start in before_json() {
        let required = match start.split(' ').next() {
            Some("INBOUND") => "\"text\":\"STOP\",",
            Some("IMPORT") => "\"phone\":\"+14155550103\",",
            _ => "",
        };
        let request = format!("{start} {{{required}\"opted_out_ta\":\"2026-05-01T00:00:00Z\"}}");
        refused(&house, "BADARG", [&request]);
        let told = house.connect().call(&request);
        assert!(told.contains("opted_out_ta"), "the misspelt key is named: {told}");
    }
    // Known, but to another command.
    refused(
        &house,
        "BADARG",
        [
            format!("OPTOUT {LIST} {STRANGER} {{\"evidence\":\"x\"}}"),
            format!("OPTIN {LIST} {STRANGER} {{\"reason\":\"x\"}}"),
            format!("SUPPRESS {STRANGER} {{\"how\":\"api\"}}"),
            format!("OPTIN {LIST} {STRANGER} {{\"how\":\"telepathy\"}}"),
            format!("IMPORT {LIST} {{\"phone\":\"{STRANGER}\",\"status\":\"fine\"}}"),
            format!("PUT {STRANGER} {{\"labels\":{{\"A B\":\"c\"}}}}"),
            format!("PUT {STRANGER} {{\"labels\":{{\"a\":1}}}}"),
        ],
    );
}

/// A forgotten id must not swallow the JSON behind it: what that says would be lost, and the reply would not tell.
#[test]
fn a_message_id_that_begins_like_json_is_refused() {
    let house = house();
    let array = |verb: &str, json: &str| {
        [verb, LIST, KNOWN, json]
            .iter()
            .fold("*4\r\n".to_owned(), |array, argument| format!("{array}${}\r\n{argument}\r\n", argument.len()))
    };
    for verb in ["CLAIM", "SENT", "FAILED"] {
        for json in [r#"{"code":30005}"#, r#"{"at":"2026-01-01"}"#, "{", "[x", r#""q""#, r#"" {"code":30005}"#] {
            refused(&house, "BADARG", [format!("{verb} {LIST} {KNOWN} {json}"), array(verb, json)]);
        }
    }
    // Elsewhere in a word they are like any other byte.
    assert_eq!(house.connect().call(&format!("VALID {KNOWN}")), ":1", "30005 was taken without its message");
    assert_eq!(house.connect().call(&format!("CLAIM {LIST} {KNOWN} a{{1}}[\"")), "+yes");
}

#[test]
fn what_is_too_large_is_refused() {
    let house = house();
    let labels: String = (0..65).fold(String::new(), |labels, n| labels + &format!("\"k{n}\":\"v\","));
    let phones = format!(" {KNOWN}").repeat(1001);
    refused(
        &house,
        "LIMIT",
        [
            format!("PUT {STRANGER} {{\"labels\":{{{}}}}}", labels.trim_end_matches(',')),
            format!("PUT {STRANGER} {{\"labels\":{{\"a\":\"{}\"}}}}", "x".repeat(3100)),
            format!("OPTIN {LIST} {STRANGER} {{\"source\":\"{}\"}}", "x".repeat(129)),
            format!("OPTIN {LIST} {STRANGER} {{\"evidence\":\"{}\"}}", "x".repeat(513)),
            format!("OPTIN {LIST} {STRANGER} {{\"id\":\"{}\"}}", "x".repeat(65)),
            format!("LIST {LIST} {{\"name\":\"{}\"}}", "x".repeat(129)),
            format!("CHECK {LIST}{phones}"),
            "PING ".to_owned() + &"x".repeat(REQUEST_BYTES_MAX),
            format!("PUT {STRANGER} {{\"labels\":{{\"a\":\"{}\"}}}}", "x".repeat(3 * REQUEST_BYTES_MAX)),
        ],
    );
    // In an array as well: swallowed up to its declared end, whatever its pieces look like.
    let array = |argument: &str| {
        format!("*3\r\n$3\r\nPUT\r\n${}\r\n{STRANGER}\r\n${}\r\n{argument}\r\n", STRANGER.len(), argument.len())
    };
    refused(&house, "LIMIT", [array(&"x".repeat(100_000)), array(&format!("\r\nPUT {STRANGER}\r\n").repeat(20_000))]);
    let many = format!("*20000\r\n{}", "$3\r\nPUT\r\n".repeat(20_000));
    refused(&house, "LIMIT", [many]);
}

#[test]
fn a_long_request_in_small_pieces_is_answered_once() {
    let house = house();
    let mut wire = house.connect();
    let line = "y".repeat(4 * REQUEST_BYTES_MAX) + "\n";
    let array = format!("*2\r\n$4\r\nPING\r\n$300000\r\n{}\r\n", "z".repeat(300_000));
    for request in [line, array] {
        for piece in request.as_bytes().chunks(8191) {
            wire.send(piece);
        }
        wire.send("PING\n");
        assert_eq!(code(&wire.reply()), "LIMIT");
        assert_eq!(wire.reply(), "+PONG");
    }
}

#[test]
fn what_cannot_be_trusted_closes_the_connection() {
    let house = house();
    let put = format!("PUT {STRANGER}\r\n");
    for start in [
        "*1000000\r\n",
        "*1000000\r\n$3\r\nPUT\r\n",
        "*99999999999999999999\r\n",
        "*-1\r\n",
        "*x\r\n",
        "*\r\n",
        "*1\n",
        "*1\r\n:1\r\n",
        "*1\r\n$-1\r\n",
        "*1\r\n$4\r\nPINGxx",
        "*2\r\n$4\r\nPING\r\n$9999999999\r\n",
        "*1\r\n*1\r\n$4\r\nPING\r\n",
        "*1\r\nPING\r\n",
        "*1\r\n$00000000000000004\r\nPING\r\n",
    ] {
        let mut wire = house.connect();
        let before = state(&mut wire);
        wire.send(format!("PING\r\n{start}{put}{put}"));
        assert_eq!(wire.reply(), "+PONG", "{start:?}: what came before it is answered");
        assert_eq!(code(&wire.reply()), "ERR", "{start:?}");
        assert_eq!(wire.reply(), "", "{start:?}: nothing behind it is run");
        assert_eq!(state(&mut house.connect()), before, "{start:?}");
    }
}

#[test]
fn http_is_closed_and_nothing_of_it_is_run() {
    let house = house();
    let body = format!("LIST 12345\r\nOPTIN {LIST} {STRANGER}\r\nOPTOUT * {KNOWN}\r\n");
    let before = state(&mut house.connect());
    for head in [
        "POST / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\n",
        "PUT /x HTTP/1.1\r\n",
        "DELETE /x HTTP/1.1\r\n",
        "OPTIONS * HTTP/1.1\r\n",
        "PATCH /x HTTP/1.0\r\n",
        "",
    ] {
        let mut wire = house.connect();
        wire.send(format!(
            "{head}Host: 127.0.0.1:7164\r\nContent-Type: text/plain\r\nContent-Length: 99\r\n\r\n{body}"
        ));
        let replies = String::from_utf8(wire.finish()).expect("text");
        assert!(
            (1..=2).contains(&replies.lines().count()) && replies.lines().all(|line| code(line) != "INTERNAL"),
            "{head:?}: {replies}"
        );
        assert_eq!(state(&mut house.connect()), before, "{head:?}");
    }
    // The first line alone already ends a POST: its body may come in another packet.
    let mut wire = house.connect();
    wire.send("POST / HTTP/1.1\r\n");
    assert_eq!(code(&wire.reply()), "ERR");
    assert_eq!(wire.reply(), "");
}

#[test]
fn a_truncated_request_is_never_run() {
    let house = house();
    let line = format!("PUT {STRANGER} {{\"labels\":{{\"a\":\"b\"}}}}");
    let array = format!("*2\r\n$3\r\nPUT\r\n${}\r\n{STRANGER}\r\n", STRANGER.len());
    let before = state(&mut house.connect());
    for request in [format!("{line}\n"), array] {
        for end in 0..request.len() {
            let mut wire = house.connect();
            wire.send(&request[..end]);
            let replies = wire.finish();
            assert!(replies.is_empty(), "{:?} was answered: {}", &request[..end], String::from_utf8_lossy(&replies));
        }
    }
    assert_eq!(state(&mut house.connect()), before);
    let mut wire = house.connect();
    wire.send(format!("PING\nOPTIN {LIST} {STRANGER}"));
    assert_eq!(wire.finish(), b"+PONG\r\n");
    assert_eq!(state(&mut house.connect()), before, "an unterminated last line is never run");
}

/// Bytes at random, and pieces of requests put together at random.
fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..40),
        1 => prop::collection::vec(any::<u8>(), 0..3000),
        3 => prop::sample::select(vec![
            "CHECK", "GET", "HELLO 3", "HELLO", "PING", "ECHO", "HELP", "LISTS", "NORMALIZE US", " ", "\r\n", "\n", "\r", "{", "}", "\"", "#",
            "*1\r\n$4\r\nPING\r\n", "*2\r\n$4\r\n", "$3\r\n", "*", "$", "*0\r\n", LIST, KNOWN, "OPTIN ", "PUT ", "IMPORT ",
        ])
        .prop_map(|piece| piece.as_bytes().to_vec()),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Reads replies off the front until nothing is left; panics where something is no reply.
fn well_formed(mut bytes: &[u8]) -> Vec<String> {
    let mut replies = Vec::new();
    while !bytes.is_empty() {
        let end = bytes.windows(2).position(|end| end == b"\r\n").expect("a reply ends with CRLF");
        let line = String::from_utf8(bytes[..end].to_vec()).expect("a reply is UTF-8");
        bytes = &bytes[end + 2..];
        match line.as_bytes().first() {
            Some(b'-') => drop(code(&line)),
            Some(b'+') => assert!(!line.contains('\r') && !line.contains('\n')),
            Some(b'$') if line == "$-1" => {}
            Some(b'$') => {
                let length: usize = line[1..].parse().expect("a length");
                assert_eq!(&bytes[length..length + 2], b"\r\n");
                bytes = &bytes[length + 2..];
            }
            Some(b':' | b'*' | b'%') => drop(line[1..].parse::<u64>().expect("a number")),
            _ => assert_eq!(line, "_", "a reply"),
        }
        replies.push(line);
    }
    replies
}

/// One house for all cases: what one leaves behind the next would notice.
fn shared_house() -> &'static House {
    static HOUSE: OnceLock<House> = OnceLock::new();
    HOUSE.get_or_init(house)
}

proptest! {
    #![proptest_config(config(500))]

    #[test]
    fn garbage_is_answered_and_changes_nothing(garbage in garbage()) {
        let house = shared_house();
        let before = state(&mut house.connect());
        let mut wire = house.connect();
        wire.send([&garbage[..], b"\nPING\n"].concat());
        let replies = well_formed(&wire.finish());
        let lines = || garbage.split(|byte| *byte == b'\n');
        let framed = lines().any(|line| line.first() == Some(&b'*'));
        let tls = lines().any(|line| line.starts_with(b"\x16\x03"));
        let upper = garbage.to_ascii_uppercase();
        let http = [&b"POST"[..], b"HOST:", b"OPTIONS", b"PUT/"].iter().any(|word| upper.windows(word.len()).any(|at| at == *word));
        if !framed && !http && !tls {
            prop_assert_eq!(replies.last().map(String::as_str), Some("+PONG"));
        }
        // Pieces can make a whole request of a verb that writes: then it is answered as one.
        let wrote = replies.iter().any(|reply| ["+created", "+updated", ":1"].contains(&reply.as_str()));
        let writes = [&b"PUT"[..], b"OPTIN", b"IMPORT"].iter().any(|verb| upper.windows(verb.len()).any(|at| at == *verb));
        prop_assert!(writes || !wrote, "{:?}", replies);
        if !wrote {
            prop_assert_eq!(state(&mut house.connect()), before);
        }
    }
}

/// Says the same to two houses, to one request by request and to the other in bursts.
#[test]
fn bursts_are_answered_in_order_as_if_one_by_one() {
    let (slow, fast) = (House::start(StopScope::List, NOW), House::start(StopScope::List, NOW));
    let script = script();
    let mut wire = slow.connect();
    let expected: Vec<String> = script.iter().map(|request| wire.call(request)).collect();
    // Less than the buffers of a socket hold: the daemon need not be read from meanwhile.
    let mut wire = fast.connect();
    wire.send(script.join("\n") + "\n");
    for (request, expected) in script.iter().zip(&expected) {
        assert_eq!(&wire.reply(), expected, "{request}");
    }
    let counts = |house: &House| {
        let stats = house.connect().call("STATS");
        stats
            .lines()
            .filter(|line| line.starts_with("+requests_") || line.starts_with("+errors"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(counts(&fast), counts(&slow), "each request is counted once, however it came");
}

/// Reads, writes that permit, writes that forbid, misses and mistakes, in runs of all lengths.
fn script() -> Vec<String> {
    let mut script: Vec<String> = (0..3).map(|n| format!("LIST +1415555020{n}")).collect();
    let mut random = 42_u64;
    let mut pick = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    while script.len() < 4000 {
        let run = if pick(40) == 0 { JOB_WRITES_MAX as u64 + pick(3) } else { 1 + pick(4) };
        let kind = pick(12);
        for _ in 0..run {
            let (list, phone) = (format!("+1415555020{}", pick(3)), format!("+141555503{:02}", pick(40)));
            script.push(match kind {
                0 | 1 => format!("CHECK {list} {phone}"),
                2 => format!("PUT {phone} {{\"labels\":{{\"n\":\"{}\"}}}}", pick(1000)),
                3 => format!("OPTIN {list} {phone}"),
                4 => format!("OPTOUT {list} {phone}"),
                5 => format!("INBOUND {list} {phone} {{\"text\":\"Stop\"}}"),
                6 => format!("GET {phone}"),
                7 => format!("IMPORT {list} {{\"phone\":\"{phone}\"}}"),
                8 => "NOSUCH verb".to_owned(),
                9 => format!("PUT {phone} {{\"label\":{{}}}}"),
                10 => format!("OPTIN {list} {phone} {{\"at\":\"2026-06-02T00:00:00Z\"}}"),
                _ => format!("CHECK {list} {phone} x {phone}"),
            });
        }
    }
    script
}

#[test]
fn a_check_right_behind_an_optout_sees_it() {
    let house = house();
    let mut wire = house.connect();
    for round in 0..100 {
        let phone = format!("+1415555{:04}", 1000 + round);
        wire.send(format!("OPTIN {LIST} {phone}\nCHECK {LIST} {phone}\nOPTOUT {LIST} {phone}\nCHECK {LIST} {phone}\n"));
        let replies: Vec<String> = (0..4).map(|_| wire.reply()).collect();
        assert_eq!(replies, [":1", "+yes", ":1", "+no list_opted_out"], "{phone}");
    }
}

/// Resident memory in bytes: now, or at its highest.
fn memory(daemon: &Daemon, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.pid())).expect("a status");
    let line = status.lines().find(|line| line.starts_with(field)).expect("the field");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") * 1024
}

#[test]
fn ten_thousand_idle_clients_and_the_next_is_told_busy() {
    // Of the clients' open files and of the daemon's own.
    const FILES_SPARE: u64 = 500;
    const CLIENT_BYTES_MAX: u64 = 16 * 1024;
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("to raise it to what is allowed");
    // One that hands clients on has two for each.
    let files_each = if pair::is_asked() { 2 } else { 1 };
    let clients =
        maximum.map_or(CLIENTS_MAX, |files| CLIENTS_MAX.min((files.saturating_sub(FILES_SPARE) / files_each) as usize));
    let daemon = Daemon::start(&[]);
    let mut first = daemon.connect();
    wait_for(&mut first, "+clients 1");
    let before = memory(&daemon, "VmRSS");
    let mut idle = Vec::with_capacity(clients);
    while idle.len() < clients - 1 {
        let mut client = TcpStream::connect(&daemon.address).expect("a connection");
        if idle.len() % 500 == 0 {
            // The queue of connections to accept is short: wait until it is empty.
            client.write_all(b"PING\n").expect("sent");
            client.read_exact(&mut [0; 7]).expect("a reply");
        }
        idle.push(client);
    }
    wait_for(&mut first, &format!("+clients {clients}"));
    let grown = memory(&daemon, "VmRSS").saturating_sub(before);
    assert!(grown < clients as u64 * CLIENT_BYTES_MAX, "{clients} idle clients take {grown} bytes");
    if clients == CLIENTS_MAX {
        for _ in 0..3 {
            let mut refused = daemon.connect();
            assert_eq!(code(&refused.reply()), "BUSY");
            assert_eq!(refused.reply(), "");
        }
    } else {
        eprintln!("only {clients} clients: the limit of open files allows no more, so none is told -BUSY");
    }
    assert_eq!(first.call(&format!("LIST {LIST}")), "+created", "those who are connected are served");
    // One leaves, one may come.
    drop(idle.pop());
    wait_for(&mut first, &format!("+clients {}", clients - 1));
    assert_eq!(daemon.connect().call("PING"), "+PONG");
    drop(idle);
    wait_for(&mut first, "+clients 1");
}

/// Waits until STATS says a line.
fn wait_for(wire: &mut Wire, line: &str) {
    let started = Instant::now();
    loop {
        let stats = wire.call("STATS");
        if stats.lines().any(|stat| stat == line) {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "STATS never says {line}:\n{stats}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_client_that_never_reads_is_dropped_and_hurts_nobody() {
    // Replies of a megabyte, as much again while they grow, and what the allocator keeps.
    const GROWTH_BYTES_MAX: u64 = 64 * REPLY_BYTES_UNSENT_MAX as u64;
    let daemon = Daemon::start(&[]);
    let mut other = daemon.connect();
    assert_eq!(other.call(&format!("LIST {LIST}")), "+created");
    let before = memory(&daemon, "VmRSS");
    let mut deaf = TcpStream::connect(&daemon.address).expect("a connection");
    deaf.set_write_timeout(Some(Duration::from_millis(100))).expect("a timeout");
    let burst = format!("HELP\nPUT {KNOWN}\nCHECK {LIST} {KNOWN}\n").repeat(1000);
    let started = Instant::now();
    let mut stalled = false;
    let ended = loop {
        match deaf.write(burst.as_bytes()) {
            Ok(_) => {}
            Err(why) if matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => stalled = true,
            Err(why) => break why.kind(),
        }
        assert_eq!(other.call(&format!("CHECK {LIST} {OUT}")), "+no not_subscribed", "others are served");
        assert!(started.elapsed() < PATIENCE, "a client that never reads is dropped");
    };
    assert!(stalled, "its requests are no longer read");
    assert!(matches!(ended, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{ended}");
    let grown = memory(&daemon, "VmHWM").saturating_sub(before);
    assert!(grown < GROWTH_BYTES_MAX, "the daemon grew by {grown} bytes");
    wait_for(&mut other, "+clients 1");
}

#[test]
fn a_client_that_never_stops_sending_cannot_hold_up_a_drain() {
    let mut daemon = Daemon::start(&[]);
    let mut sender = TcpStream::connect(&daemon.address).expect("a connection");
    let mut receiver = sender.try_clone().expect("a clone");
    let reading = std::thread::spawn(move || std::io::copy(&mut receiver, &mut std::io::sink()));
    let sending = std::thread::spawn(move || {
        let burst = "PING\n".repeat(10_000);
        while sender.write_all(burst.as_bytes()).is_ok() {}
    });
    let mut wire = daemon.connect();
    assert_eq!(wire.call("PING"), "+PONG");
    assert_eq!(daemon.terminate(), Some(0));
    sending.join().expect("no panic");
    let _ = reading.join().expect("no panic");
}
