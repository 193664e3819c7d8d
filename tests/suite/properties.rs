//! Properties: random commands, on a clock that jumps, against a plain model of the rules and against themselves.
//!
//! The same cases run every time ([`config`]). `PROPTEST_CASES=2000 PROPTEST_RNG_SEED=$RANDOM`
//! runs as many, and other ones.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use contactd::model::inbox::MaybeOptOut;
use contactd::model::keyword::{Keywords, Meaning};
use contactd::model::verdict::StopScope;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::RngSeed;
use serde_json::Value;

use crate::plain::commands::{
    AFTER_MS, Command, LISTS, PHONES, START_MS, Step, dated_events_permuted, known, mixed, mixed_with_clock_steps,
    mostly_inbox_with_clock_steps, mostly_sending_with_clock_steps, probes,
};
use crate::plain::compare::same_reply;
use crate::plain::facts::Scope;
use crate::plain::model::Model;
use crate::plain::text::{InboundKind, TEXTS, classify, folded};
use crate::support::{House, Removal, Wire, partitions};

/// A few cases, always the same, so that none fails by chance in a change that has nothing to do with it.
/// `PROPTEST_CASES` and `PROPTEST_RNG_SEED` ask for more and for others.
pub fn config(cases: u32) -> ProptestConfig {
    let is_asked = |name| std::env::var_os(name).is_some();
    let default = ProptestConfig { failure_persistence: None, max_shrink_iters: 400, ..ProptestConfig::default() };
    match (is_asked("PROPTEST_CASES"), is_asked("PROPTEST_RNG_SEED")) {
        (true, _) => default,
        (false, true) => ProptestConfig { cases, ..default },
        (false, false) => ProptestConfig { cases, rng_seed: RngSeed::Fixed(7164), ..default },
    }
}

pub fn scope() -> impl Strategy<Value = Scope> {
    prop_oneof![Just(Scope::List), Just(Scope::All)]
}

pub fn house(scope: Scope, now: i64) -> House {
    House::start(stop_scope(scope), now)
}

/// The same, with `--maybe-optout hold` or without.
pub fn house_that(holds: bool, scope: Scope, now: i64) -> House {
    let maybe_optout = if holds { MaybeOptOut::Hold } else { MaybeOptOut::Show };
    House::removing(stop_scope(scope), now, Removal { maybe_optout, ..Removal::default() })
}

pub fn stop_scope(scope: Scope) -> StopScope {
    match scope {
        Scope::List => StopScope::List,
        Scope::All => StopScope::All,
    }
}

/// Whether a reply is the model's. A number that is no list, and of which something is kept all the same, is known to those
/// partitions alone that keep it: the others have nothing to release.
fn agrees(expected: &str, told: &str) -> bool {
    same_reply(expected, told) || partitions() > 1 && expected == ":0" && told.starts_with("-NOLIST")
}

fn other(scope: Scope) -> Scope {
    match scope {
        Scope::List => Scope::All,
        Scope::All => Scope::List,
    }
}

/// Sends all, then reads all.
pub fn ask(wire: &mut Wire, commands: &[Command]) -> Vec<String> {
    let lines: Vec<String> = commands.iter().map(|command| command.line() + "\n").collect();
    wire.send(lines.concat());
    commands.iter().map(|_| wire.reply()).collect()
}

/// What INBOX shows: the numbers of the messages, and the messages without them.
fn inbox(wire: &mut Wire) -> (Vec<u64>, Vec<Value>) {
    let reply = wire.call("INBOX LIMIT 1000");
    let messages = reply.lines().skip(2).map(|line| {
        let mut message: Value = serde_json::from_str(&line[1..]).expect("JSON");
        let number = message.as_object_mut().and_then(|message| message.remove("number"));
        (number.and_then(|number| number.as_u64()).expect("a number"), message)
    });
    messages.unzip()
}

/// All that can be seen of the universe: the daemon's against the model's.
fn seen_alike(model: &mut Model, house: &House, now: i64, when: &str) -> Result<(), TestCaseError> {
    let probes = probes();
    for (probe, told) in probes.iter().zip(ask(&mut house.connect(), &probes)) {
        let expected = model.run(probe, now);
        if let Some(contact) = told.strip_prefix("+{").map(|rest| format!("{{{rest}")) {
            let contact: Value = serde_json::from_str(&contact).expect("JSON");
            let phone = contact["phone_number"].as_str().unwrap_or_default();
            for on in contact["lists"].as_array().into_iter().flatten().filter(|on| on["list_removed_at"].is_null()) {
                let check = model.check(on["list"].as_str().unwrap_or_default(), phone);
                prop_assert_eq!(on["verdict"].as_str(), Some(check.trim_start_matches("no ")), "{} {}", when, contact);
            }
        }
        prop_assert!(
            same_reply(&expected, &told),
            "{}: {}\n  expected {}\n  told     {}",
            when,
            probe.line(),
            expected,
            told
        );
    }
    prop_assert_eq!(model.inbox(), inbox(&mut house.connect()).1, "{}: INBOX", when);
    Ok(())
}

/// Every reply to a sequence, and then all that can be seen: at its end, after a restart, after one under the other
/// scope, and when a person has looked at every other message of the inbox.
pub fn agrees_with_the_model(steps: &[Step], scope: Scope, holds: bool) -> Result<(), TestCaseError> {
    let mut model = Model::new(scope).holding(holds);
    let mut now = START_MS;
    let house = house_that(holds, scope, now);
    let mut wire = house.connect();
    let mut log = Vec::new();
    for step in steps {
        now += step.wait_ms;
        house.set_clock(now);
        let (expected, told) = (model.run(&step.command, now), wire.call(&step.command.line()));
        log.push(format!("{now} {} -> {told}", step.command.line()));
        prop_assert!(agrees(&expected, &told), "expected {}\n{}", expected, log.join("\n"));
    }
    let log = log.join("\n");
    seen_alike(&mut model, &house, now, &format!("{log}\nat the end"))?;
    let house = house.reopen(stop_scope(scope));
    seen_alike(&mut model, &house, now, &format!("{log}\nafter a restart"))?;
    model.scope = other(scope);
    let house = house.reopen(stop_scope(model.scope));
    seen_alike(&mut model, &house, now, &format!("{log}\nafter a restart under the other scope"))?;
    let mut wire = house.connect();
    let (numbers, _) = inbox(&mut wire);
    // From the oldest on, so that the places of the others stay.
    for (place, number) in numbers.iter().enumerate().step_by(2).collect::<Vec<_>>().into_iter().rev() {
        prop_assert_eq!(wire.call(&format!("INBOX DONE {number}")), ":1");
        prop_assert_eq!(wire.call(&format!("INBOX DONE {number}")), ":0");
        model.review(place);
    }
    seen_alike(&mut model, &house, now, &format!("{log}\nafter a look at the inbox"))
}

proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn every_reply_agrees_with_the_model(steps in mixed_with_clock_steps(60), scope in scope(), holds in any::<bool>()) {
        agrees_with_the_model(&steps, scope, holds)?;
    }
}

proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn dated_events_in_any_order_and_any_of_them_twice_come_to_the_same(
        (events, permuted) in dated_events_permuted(20),
        scope in scope(),
        holds in any::<bool>(),
    ) {
        let seen = [&events, &permuted].map(|events| {
            let house = house_that(holds, scope, AFTER_MS);
            let mut wire = house.connect();
            ask(&mut wire, &known());
            ask(&mut wire, events);
            ask(&mut wire, &probes())
        });
        let lines = |events: &[Command]| events.iter().map(Command::line).collect::<Vec<_>>().join("\n");
        let told = |seen: &[String]| seen.join("\n");
        prop_assert!(
            seen[0] == seen[1],
            "{}\n  come to\n{}\n  and\n{}\n  to\n{}",
            lines(&events),
            told(&seen[0]),
            lines(&permuted),
            told(&seen[1])
        );
    }
}

const OPT_OUT_CODES: [&str; 2] = ["21610", "40300"];

/// What one request says of consent, told by its words alone: closed and opened pairs of list and phone.
#[derive(Default)]
struct Stops {
    /// The pairs that an opt-out closed, and the clock when it came.
    closed: BTreeMap<(String, String), i64>,
    heard: BTreeSet<(String, String, String, String)>,
    /// Every message, with the date that came with it.
    messages: Vec<Heard>,
}

/// A message: list, phone, id, text and date.
type Heard = (String, String, Option<String>, String, Option<i64>);

impl Stops {
    fn take(&mut self, command: &Command, reply: &str, scope: Scope, now: i64) {
        let taken = reply.contains(" taken ");
        if reply.starts_with('-') && !taken {
            return;
        }
        match command {
            // Whatever else was refused, it is out as of now.
            Command::Import { list, phone, .. }
                if taken && reply.contains("opted out of") && reply.contains("as of now") =>
            {
                self.close(list.as_deref(), phone, scope, now);
            }
            Command::OptOut { list, phone, .. } if taken => self.close(list.as_deref(), phone, scope, now),
            Command::Failed { list, phone, .. } if taken && reply.contains("opted out of") => {
                self.close(Some(list), phone, scope, now);
            }
            Command::OptOut { list, phone, at } if at.is_none_or(|at| at.ms >= now) => {
                self.close(list.as_deref(), phone, scope, now);
            }
            // What a provider's code says of the person is an opt-out like any other.
            Command::Failed { list, phone, at, code: Some(code), .. }
                if OPT_OUT_CODES.contains(&code.said.as_str()) && reply == ":1" && at.is_none_or(|at| at.ms >= now) =>
            {
                self.close(Some(list), phone, scope, now);
            }
            Command::OptIn { list, phone, at: Some(at), .. } => self.open(list, phone, at.ms),
            Command::Inbound { list, phone, text, at, id } => {
                let kind = classify(text);
                // Only what may permit is no news under an id that has come before: a START in capitals or not.
                let permits = matches!(kind, InboundKind::In | InboundKind::Yes);
                let message = |id: &String| (list.clone(), phone.clone(), id.clone(), folded(text));
                if permits && id.as_ref().is_some_and(|id| !self.heard.insert(message(id))) {
                    return;
                }
                let is_same =
                    |stop: &Heard| stop == &(list.clone(), phone.clone(), id.clone(), text.clone(), at.map(|at| at.ms));
                let is_repeated = id.is_some() && !reply.ends_with(" undated") && self.messages.iter().any(is_same);
                self.messages.push((list.clone(), phone.clone(), id.clone(), text.clone(), at.map(|at| at.ms)));
                let now_or_later = (at.is_none_or(|at| at.ms >= now) || reply.ends_with(" undated")) && !is_repeated;
                match kind {
                    InboundKind::Out if now_or_later => self.close(Some(list), phone, scope, now),
                    InboundKind::OutAll if now_or_later => self.close(None, phone, scope, now),
                    InboundKind::In | InboundKind::Yes => self.open(list, phone, at.map_or(i64::MAX, |at| at.ms)),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, list: Option<&str>, phone: &str, scope: Scope, now: i64) {
        let reaches = |on: &&str| list.is_none_or(|list| scope == Scope::All || list == *on);
        for list in LISTS.iter().filter(|list| reaches(list)) {
            let since = self.closed.entry(((*list).to_owned(), phone.to_owned())).or_insert(now);
            *since = now.max(*since);
        }
    }

    /// A consent of before the opt-out opens nothing.
    fn open(&mut self, list: &str, phone: &str, at: i64) {
        let pair = (list.to_owned(), phone.to_owned());
        if self.closed.get(&pair).is_some_and(|&since| at > since) {
            self.closed.remove(&pair);
        }
    }

    fn is_closed(&self, list: &str, phone: &str) -> bool {
        self.closed.contains_key(&(list.to_owned(), phone.to_owned()))
    }

    /// CHECK, and CLAIM of a message that nobody was ever granted.
    fn checks(&self) -> Vec<Command> {
        let pairs = self.closed.keys().cloned();
        pairs
            .flat_map(|(list, phone)| {
                let id = "never-granted".to_owned();
                let claim = Command::Claim { list: list.clone(), phone: phone.clone(), id };
                [Command::Check { list, phone }, claim]
            })
            .collect()
    }
}

/// Sequences in which every third request is an earlier one, sent again.
fn with_retries(len_max: usize) -> impl Strategy<Value = Vec<Step>> {
    let again = prop::collection::vec((any::<bool>(), any::<bool>(), any::<Index>()), len_max + 2);
    (mixed_with_clock_steps(len_max), again).prop_map(|(steps, again)| {
        let mut all: Vec<Step> = Vec::new();
        for (step, (first, second, earlier)) in steps.into_iter().zip(again) {
            all.push(step);
            if first && second {
                let command = all[earlier.index(all.len())].command.clone();
                all.push(Step { wait_ms: 0, command });
            }
        }
        all
    })
}

proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn after_a_stop_no_check_and_no_claim_says_yes_until_a_newer_opt_in(steps in with_retries(50), scope in scope()) {
        let mut now = START_MS;
        let house = house(scope, now);
        let mut wire = house.connect();
        let mut stops = Stops::default();
        let mut log = Vec::new();
        for step in &steps {
            now += step.wait_ms;
            house.set_clock(now);
            let reply = wire.call(&step.command.line());
            log.push(format!("{now} {} -> {reply}", step.command.line()));
            if let Command::Claim { list, phone, .. } = &step.command {
                prop_assert!(reply != "+yes" || !stops.is_closed(list, phone), "{}", log.join("\n"));
            }
            stops.take(&step.command, &reply, scope, now);
            let checks = stops.checks();
            for (check, told) in checks.iter().zip(ask(&mut wire, &checks)) {
                prop_assert!(told.starts_with("+no "), "{}: {} after\n{}", check.line(), told, log.join("\n"));
            }
        }
        drop(wire);
        let house = house.reopen(stop_scope(scope));
        let checks = stops.checks();
        for (check, told) in checks.iter().zip(ask(&mut house.connect(), &checks)) {
            prop_assert!(told.starts_with("+no "), "after a restart {}: {}", check.line(), told);
        }
    }
}

/// A request as a Redis library sends it.
fn array(line: &str) -> String {
    let json = line.find('{').unwrap_or(line.len());
    let words = line[..json].split_whitespace().chain(Some(&line[json..]).filter(|json| !json.is_empty()));
    let words: Vec<String> = words.map(|word| format!("${}\r\n{word}\r\n", word.len())).collect();
    format!("*{}\r\n{}", words.len(), words.concat())
}

/// A stream of requests, each a line or an array, with what has no reply and what is wrong between them.
fn stream(commands: &[Command], forms: &[u8]) -> (String, Vec<Option<Command>>) {
    let (mut bytes, mut asked) = (String::new(), Vec::new());
    for (command, form) in commands.iter().zip(forms) {
        match form % 8 {
            0 => bytes.push_str("\r\n# a remark\n"),
            1 => {
                bytes.push_str("CHECK nobody\n");
                asked.push(None);
            }
            2 => {
                bytes.push_str("NO-VERB ");
                bytes.push_str(&"x".repeat(100));
                bytes.push('\n');
                asked.push(None);
            }
            _ => {}
        }
        let line = command.line();
        match form % 3 {
            0 => bytes.push_str(&array(&line)),
            1 => bytes.push_str(&(line + "\r\n")),
            _ => bytes.push_str(&(line + "\n")),
        }
        asked.push(Some(command.clone()));
    }
    (bytes, asked)
}

fn answered(house: &House, pieces: &[&[u8]]) -> String {
    let mut wire = house.connect();
    for piece in pieces {
        wire.send(piece);
        if pieces.len() > 1 {
            std::thread::sleep(Duration::from_micros(200));
        }
    }
    String::from_utf8(wire.finish()).expect("replies in UTF-8")
}

proptest! {
    #![proptest_config(config(30))]

    #[test]
    fn a_stream_in_any_pieces_gives_the_same_replies(
        steps in mixed(60),
        forms in prop::collection::vec(any::<u8>(), 64),
        cuts in prop::collection::vec(any::<Index>(), 1..60),
        scope in scope(),
    ) {
        let commands: Vec<Command> = steps.into_iter().map(|step| step.command).collect();
        let (bytes, asked) = stream(&commands, &forms);
        let bytes = bytes.as_bytes();
        let whole = answered(&house(scope, START_MS), &[bytes]);

        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
        prop_assert_eq!(&whole, &answered(&house(scope, START_MS), &pieces));

        // And they are those of one request after the other.
        let mut model = Model::new(scope);
        let replies: Vec<&str> = whole.lines().collect();
        prop_assert_eq!(replies.len(), asked.len());
        for (command, told) in asked.iter().zip(replies) {
            let Some(command) = command else {
                prop_assert!(told.starts_with('-'), "{}", told);
                continue;
            };
            let expected = model.run(command, START_MS);
            prop_assert!(agrees(&expected, told), "{}\n  expected {}\n  told     {}", command.line(), expected, told);
        }
    }
}

/// Opt-out words alone, in any case, and what may stand between words.
fn opt_out_words() -> impl Strategy<Value = String> {
    let word = prop::sample::select(&["stop", "STOP", "Quit", "unsubscribe", "opt-out", "End", "revoke", "StopAll"]);
    let between = prop::sample::select(&[" ", "  ", ".", "-", "/", "\n", "!", ", ", "...", "\u{a0}", "\u{2014}"]);
    prop::collection::vec((word, between), 1..5)
        .prop_map(|pieces| pieces.into_iter().flat_map(|(word, between)| [word, between]).collect())
}

/// Words of all kinds, parted by blanks.
fn words() -> impl Strategy<Value = Vec<&'static str>> {
    let word = prop::sample::select(&[
        "stop", "STOP", "start", "START", "yes", "unstop", "help", "info", "please", "me", "texting", "don't", "all",
        "end", "thanks", "s", "t", "o", "p", "é", "7", "🛑", "退订",
    ]);
    prop::collection::vec(word, 0..7)
}

proptest! {
    #![proptest_config(config(3_000))]

    #[test]
    fn opt_out_words_alone_are_an_opt_out(text in opt_out_words()) {
        let meaning = Keywords::default().meaning(&text);
        let all = text.to_lowercase().contains("stopall");
        prop_assert_eq!(meaning, if all { Meaning::OutOfAll } else { Meaning::Out });
    }

    #[test]
    fn nobody_is_opted_in_who_says_stop(words in words()) {
        let meaning = Keywords::default().meaning(&words.join(" "));
        let opts_in = matches!(meaning, Meaning::In | Meaning::InIfKnown);
        let says_stop = words.iter().any(|word| matches!(*word, "stop" | "STOP" | "end" | "🛑" | "退订"));
        prop_assert!(!(opts_in && says_stop), "{:?}", meaning);
    }

    #[test]
    fn a_text_in_capitals_is_no_less_an_opt_out(words in words()) {
        let text = words.join(" ");
        if matches!(Keywords::default().meaning(&text), Meaning::Out | Meaning::OutOfAll) {
            let meaning = Keywords::default().meaning(&text.to_uppercase());
            prop_assert!(matches!(meaning, Meaning::Out | Meaning::OutOfAll), "{:?}", meaning);
        }
    }
}

/// The texts of the stories are what the daemon takes them for.
#[test]
fn the_texts_of_the_stories_mean_what_is_told() {
    for (text, kind) in TEXTS {
        let meaning = match kind {
            InboundKind::Out => Meaning::Out,
            InboundKind::OutAll => Meaning::OutOfAll,
            InboundKind::In => Meaning::In,
            InboundKind::Yes => Meaning::InIfKnown,
            InboundKind::Help => Meaning::Help,
            InboundKind::MaybeOut => Meaning::MaybeOut,
            InboundKind::Message => Meaning::Message,
        };
        assert_eq!(Keywords::default().meaning(text), meaning, "{text}");
    }
}

proptest! {
    #![proptest_config(config(2_000))]

    #[test]
    fn the_rules_themselves_make_dated_events_come_to_the_same(
        (events, permuted) in dated_events_permuted(20),
        scope in scope(),
        holds in any::<bool>(),
    ) {
        let seen = [&events, &permuted].map(|events| {
            let mut model = Model::new(scope).holding(holds);
            known().iter().chain(events).for_each(|command| drop(model.run(command, AFTER_MS)));
            probes().iter().map(|probe| model.run(probe, AFTER_MS)).collect::<Vec<_>>().join("\n")
        });
        prop_assert!(seen[0] == seen[1], "{:#?}\n{}\n{:#?}\n{}", events, seen[0], permuted, seen[1]);
    }
}

/// What the sequences are worth: the model, and so the daemon, meets every verdict and every word.
#[test]
fn the_sequences_meet_every_verdict_and_reply() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut met = BTreeSet::new();
    for number in 0..1_200 {
        let steps = prop_oneof![
            mixed_with_clock_steps(60),
            mostly_sending_with_clock_steps(60),
            mostly_inbox_with_clock_steps(60)
        ];
        let steps = steps.new_tree(&mut runner).expect("a sequence").current();
        let mut model = Model::new(if number % 2 == 0 { Scope::List } else { Scope::All }).holding(number % 4 < 2);
        let mut now = START_MS;
        for step in &steps {
            now += step.wait_ms;
            let line = step.command.line();
            let reply = model.run(&step.command, now);
            let words = reply.split(' ').filter(|word| !PHONES.contains(word));
            let said: Vec<&str> = words.take(if reply.starts_with('-') { 2 } else { 3 }).collect();
            let said = if reply.starts_with('-') && said[1..] != ["taken"] { &said[..1] } else { &said[..] };
            let said = if reply.starts_with("+{") { "+{".to_owned() } else { said.join(" ") };
            met.insert(format!("{} {said}", line.split(' ').next().unwrap_or_default()));
        }
    }
    for wanted in [
        "CHECK +yes|CHECK +no unknown_list|CHECK +no list_paused|CHECK +no invalid|CHECK +no suppressed",
        "CHECK +no held_for_review|CLAIM +no held_for_review",
        "CHECK +no opted_out|CHECK +no not_subscribed|CHECK +no list_suppressed|CHECK +no list_opted_out",
        "IMPORT +kept invalid|IMPORT +kept suppressed|IMPORT +kept opted_out|IMPORT +kept list_suppressed",
        "IMPORT +kept list_opted_out|IMPORT +created|IMPORT +updated|IMPORT +unchanged|IMPORT -NOLIST|IMPORT -BADARG",
        "OPTIN :0|OPTIN :1|OPTIN -BADARG|OPTIN -NOLIST|OPTOUT :0|OPTOUT :1|OPTOUT -BADARG taken",
        "IMPORT -BADARG taken|IMPORT -NOLIST taken|SUPPRESS -BADARG taken|INVALID -BADARG taken|FAILED -BADARG taken",
        "INBOUND +optout undated|INBOUND +message undated|INBOUND +help undated|INBOUND +optout again undated",
        "LIST +created|LIST +updated|LIST +unchanged|UNLIST +removed|UNLIST -BADARG|UNLIST -NOLIST",
        "INBOUND +optout|INBOUND +optout again|INBOUND +optout late|INBOUND +optin|INBOUND +optin again",
        "INBOUND +optin late|INBOUND +help|INBOUND +message|INBOUND +message maybe_optout|INBOUND -BADARG",
        "SUPPRESS :0|SUPPRESS :1|RELEASE :0|RELEASE :1|RELEASE -NOLIST|INVALID :0|INVALID :1|VALID :0|VALID :1",
        "PUT +created|PUT +updated|PUT +unchanged|GET $-1|GET +{",
        "CLAIM +yes|CLAIM +dup claimed|CLAIM +dup sent|CLAIM +dup failed|CLAIM +no unknown_list|CLAIM +no list_paused",
        "CLAIM +no invalid|CLAIM +no suppressed|CLAIM +no opted_out|CLAIM +no not_subscribed",
        "CLAIM +no list_suppressed|CLAIM +no list_opted_out|SENT :1|SENT :0|SENT -NOLIST|SENT -BADARG",
        "FAILED :1|FAILED :0|FAILED -BADARG|CLICK :1|CLICK :0|CLICK -NOLIST|CLICK -BADARG",
        "CONVERT :1|CONVERT :0|CONVERT -NOLIST|CONVERT -BADARG",
    ] {
        for wanted in wanted.split('|') {
            assert!(met.contains(wanted), "never met: {wanted}; met: {met:#?}");
        }
    }
}
