//! What is on people's disks, byte by byte.

use super::*;
use crate::limits::{
    CONTACT_LISTS_MAX, GATE_CHUNK_IDS, LABELS_MAX, POSTING_CHUNK_IDS, REMEMBERED_IDS_MAX, REMEMBERED_IDS_MIN,
    SOURCE_BYTES_MAX,
};
use crate::model::contact::{Contact, Engagement, ListContact};
use crate::model::event::{Event, EventKind};
use crate::model::fact::{Fact, How, Toggle};
use crate::model::failure::Failure;
use crate::model::filter::DayOf;
use crate::model::keyword::InboundKind;
use crate::model::label::Labels;
use crate::model::list::{List, ListId};
use crate::model::list_event::{ListEvent, ListEventKind};
use crate::model::phone::{ListNumber, Phone};
use crate::model::plan::{Plan, Progress};
use crate::model::purge::{Policy, PurgeReason};
use crate::model::remembered::{IdUse, Item, Remembered};
use crate::model::tally::Tally;
use crate::model::time::Day;
use crate::model::tombstone::Tombstone;
use crate::model::verdict::{ContactStatus, ListStatus};
use crate::store::format::code::Coded;
use crate::store::format::keys;
use crate::store::format::position::{Log, Newest};
use crate::store::format::term::Term;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

fn fact(at: Millis, how: How, source: &str, reason: &str) -> Fact {
    Fact { at, how, source: source.into(), reason: reason.into(), by: String::new(), claimed_at: 0 }
}

fn record() -> Record {
    let mut contact = Contact::new(Phone::from_u64(14_155_552_671).expect("in range"), 1_777_636_800_000);
    contact.labels = Labels::from_stored(vec![("state".into(), "CA".into())]);
    contact.engagement =
        Engagement { sends: 300, revenue_micros: -5, last_sent: 1_777_636_800_001, ..Engagement::default() };
    let claimed_at = 1_777_636_803_602;
    contact.opted_out_all = Some(Fact { claimed_at, ..fact(1_777_636_800_002, How::Keyword, "", "STOPALL") });
    contact.invalidity.set = Some(fact(1_777_636_800_003, How::Api, "carrier", "30005"));
    let mut on = ListContact::new(ListId(7));
    on.opted_in = Some(fact(1_777_636_800_004, How::Journey, "spring", ""));
    on.imported = Some(fact(1_777_636_800_005, How::Import, "a.csv", ""));
    contact.lists = vec![on];
    let item = Item {
        fingerprint: 0x0102_0304,
        list: ListId(7),
        what: IdUse::Claimed,
        at: 1_777_636_800_006,
        seen_at: 1_777_636_800_007,
    };
    contact.remembered = Remembered::from_stored(vec![item], 1_777_636_800_000);
    Record { contact, newest: Newest { consent: 513, activity: 0 } }
}

fn stored_tombstone() -> StoredTombstone {
    StoredTombstone {
        phone: [7; 16],
        tombstone: Tombstone::of_purged(record().contact, PurgeReason::NonEngaged, 1_777_636_800_009, ""),
    }
}

fn plan() -> Plan {
    Plan {
        made_at: 1_777_636_800_000,
        policy: Policy { idle_max: None, ..Policy::default() },
        selected: [1, 300, 0],
        lists: vec![(ListId(7), 301)],
        kept: 2,
        unmeasured: 3,
        bytes: 70_000,
        run: Some(Progress { started_at: 1_777_636_800_001, next_id: 16, purged: [1, 2, 0], ..Progress::default() }),
    }
}

/// What is on people's disks. A change of these bytes needs a new version.
#[test]
fn golden_bytes() {
    let list = List {
        number: ListNumber::parse(b"12345").expect("a short code"),
        name: "Sale".into(),
        paused: true,
        created_at: 1_777_636_800_000,
        removed_at: 0,
    };
    let event = Event {
        kind: EventKind::Inbound(InboundKind::OptOut),
        at: 1_777_636_800_000,
        seen_at: 1_777_636_800_001,
        sent_at: Some(1_777_636_900_000),
        list: Some(ListId(7)),
        id: "SM1".into(),
        how: How::Keyword,
        source: String::new(),
        reason: String::new(),
        text: "Stop.".into(),
        message: "m-1".into(),
        amount: -5,
        by: String::new(),
    };
    let entries = [
        Entry { contact: 7, order: 0, previous: 0, event: Some(event) },
        Entry { contact: 300, order: 1, previous: 513, event: None },
    ];
    let mut events = vec![V1];
    for entry in &entries {
        append_entry(&mut events, entry).expect("encoded");
    }
    let feed = [
        FeedEntry::Contact { at: 1.into(), phone: 14_155_552_671, cause: 2, status: 3, lists: vec![(7, 1)] },
        FeedEntry::Imported { at: 2.into(), first: 10, count: 200, list: 7 },
        FeedEntry::List { at: 3.into(), list: 7, number: 12345, known: true, paused: false },
        FeedEntry::Scope { at: 4.into(), all: true },
    ];
    let next = NextIds {
        next_contact: 1_000_000,
        next_feed: 5,
        epoch: 1_777_636_800_000,
        next_event: 700,
        next_journal: 3,
        next_tombstone: 9,
        batches: 11,
    };
    let golden = [
        (
            encode_record(&record()),
            "01fd9f97bc4b03000000019de368f6000105737461746502434101fb2c01000009019de368f601000000000000000000000000000000000000000001019de368f602fb03e1000753544f50414c4c000001019de368f60300076361727269657205333030303500010701019de368f6040206737072696e670001019de368f6050105612e63737600000000fb0102000900010203040f010701019de368f600",
        ),
        (encode_list(&list), "01fd39300000000000800453616c6501019de368f600000000000000"),
        (
            Ok(events.clone()),
            "010700000109019de368f6000201fd40f9d4c63b030000010703534d310300000553746f702e036d2d3109fb2c0101fb010200",
        ),
        (
            encode_feed(&feed),
            "010400000000000001fd9f97bc4b030000000203010701010000000000020ac8070200000000000307fb393001000300000000000401",
        ),
        (encode_tally(Tally { sends: 300, unresolved: -1, ..Tally::default() }), "01fb58020100000000000000"),
        (encode_next_ids(&next), "01fc40420f0005fd00f668e39d010000fbbc0203090b"),
        (
            encode_tombstone(&stored_tombstone()),
            "0107070707070707070707070707070707019de368f60902019de368f60000000000000001019de368f602fb03e1000753544f50414c4c000001019de368f60300076361727269657205333030303500010701019de368f6040206737072696e670001019de368f6050105612e637376000000000900010203040f010701019de368f600",
        ),
        (
            encode_erasing(&Erasing { phone: 14_155_552_671, feed_end: 7, events: 2, ..Erasing::default() }),
            "01fd9f97bc4b03000000000000070200",
        ),
        (
            encode_plan(&plan()),
            "01019de368f60001fd0090fd340100000001fd0060f13d070000000a0001fb2c01000107fb2d010203fc7011010001019de368f601000000000000001001020000000000000000",
        ),
        (Ok(encode_numbers(&[0, 14_155_552_671])), "010000000000000000000000034bbc979f"),
    ];
    for (value, bytes) in golden {
        assert_eq!(hex(&value.expect("within limits")), bytes);
    }
    assert_eq!(decode_record(&encode_record(&record()).expect("encoded")), Ok(record()));
    assert_eq!(decode_list(&encode_list(&list).expect("encoded")), Ok(list));
    assert_eq!(decode_entries(&events), Ok(entries.to_vec()));
    assert_eq!(decode_feed(&encode_feed(&feed).expect("encoded")), Ok(feed.to_vec()));
    assert_eq!(decode_tombstone(&encode_tombstone(&stored_tombstone()).expect("encoded")), Ok(stored_tombstone()));
    assert_eq!(decode_plan(&encode_plan(&plan()).expect("encoded")), Ok(plan()));
    let tally = Tally { revenue_micros: -5, replies: 7, ..Tally::default() };
    assert_eq!(decode_tally(&encode_tally(tally).expect("encoded")), Ok(tally));
    assert_eq!(decode_next_ids(&encode_next_ids(&next).expect("encoded")), Ok(next));
    assert_eq!(decode_numbers(&encode_numbers(&[0, 5])), Ok(vec![0, 5]));
}

/// A name follows what it is about, and changes no other byte than the one with the bit that says so.
#[test]
fn golden_names() {
    let event = |by: &str| Event {
        how: How::Keyword,
        text: "STOP".into(),
        by: by.into(),
        ..Event::new(EventKind::OptOut, 1_777_636_800_000)
    };
    let entries = |by: &str| [Entry { contact: 7, order: 0, previous: 0, event: Some(event(by)) }];
    let events = |by: &str| encode_entries(&entries(by)).expect("encoded");
    assert_eq!(hex(&events("")), "010700000102019de368f6000000000003000004535 44f500000".replace(' ', ""));
    assert_eq!(
        hex(&events("shop")),
        "01070000010 2019de368f600000000000b0000045354 4f5000000473686f70".replace(' ', "")
    );
    let several = [entries("shop"), entries(""), entries("ann")].concat();
    assert_eq!(decode_entries(&encode_entries(&several).expect("encoded")), Ok(several));

    let bare = encode_record(&record()).expect("encoded");
    let mut named = record();
    let out = named.contact.opted_out_all.as_mut().expect("a fact");
    out.by = "shop".into();
    let with_name = encode_record(&named).expect("encoded");
    assert_eq!(with_name.len(), bare.len() + "shop".len() + 1);
    assert_eq!(decode_record(&with_name), Ok(named));

    let paused = |by: &str| ListEvent {
        at: 1_777_636_800_000,
        list: Some(ListId(7)),
        kind: ListEventKind::Paused,
        by: by.into(),
    };
    let told = |by: &str| encode_list_event(&paused(by)).expect("encoded");
    assert_eq!(
        (hex(&told("")), hex(&told("ann"))),
        ("01019de368f60001070300".into(), "01019de368f6000107830003616e6e".into())
    );
    assert_eq!(decode_list_event(&told("ann")), Ok(paused("ann")));
    assert!(decode_list_event(&told("ann")[..told("ann").len() - 1]).is_err());

    let tombstone = |by: &str| {
        let mut stored = stored_tombstone();
        stored.tombstone.by = by.into();
        stored
    };
    let bytes = |by: &str| encode_tombstone(&tombstone(by)).expect("encoded");
    // Behind the version and the HMAC stands the date, and behind that why it went.
    assert_eq!((bytes("")[23], bytes("ann")[23], bytes("ann").len()), (2, 0x82, bytes("").len() + 4));
    assert_eq!(decode_tombstone(&bytes("ann")), Ok(tombstone("ann")));

    let mut run = plan();
    let bare = encode_plan(&run).expect("encoded");
    run.run.as_mut().expect("a run").by = "ann".into();
    let named = encode_plan(&run).expect("encoded");
    assert_eq!((bare[0], named[0], &named[1..bare.len()]), (1, 2, &bare[1..]));
    assert_eq!((named.len(), decode_plan(&named)), (bare.len() + 4, Ok(run)));
}

/// Every key that a store has: a change of these bytes would hide what is stored under the old ones.
#[test]
fn golden_keys() {
    let list = ListId(0x0102);
    let (contact, first) = (0x0001_0203, 3 * POSTING_CHUNK_IDS + GATE_CHUNK_IDS);
    let day = |of| keys::posting(Term::Day(of, Day(20_575)), 0);
    let golden: [(&[u8], &str); 36] = [
        (keys::FORMAT, "00666f726d6174"),
        (keys::NEXT_IDS, "006865616473"),
        (keys::SECRET, "00736563726574"),
        (keys::SCOPE, "0073636f7065"),
        (keys::PRINTED, "007072696e746564"),
        (&keys::list(list), "0100000102"),
        (&keys::tally(list, Day(20_575)), "020000505f00000102"),
        (&keys::erasing(contact), "0300010203"),
        (&keys::directory(contact), "0800010203"),
        (&keys::block(contact), "1000004080"),
        (&keys::apart(contact), "1800010203"),
        (&keys::journal(7), "280000000000000007"),
        (&Log::Consent.key(7), "300000000000000007"),
        (&Log::Activity.key(7), "380000000000000007"),
        (&keys::feed(7), "400000000000000007"),
        (&keys::tombstones(contact), "4800004080"),
        (&keys::tombstone_apart(contact), "5000010203"),
        (&keys::tombstone_directory(contact), "5800010203"),
        (&keys::plan(3), "6000000003"),
        (&keys::plan_ids(3, 7), "680000000300000007"),
        (&keys::posting(Term::Contact(ContactStatus::Invalid), first), "2000000003010001"),
        (&keys::posting(Term::Contact(ContactStatus::Suppressed), first), "2000000003010101"),
        (&keys::posting(Term::Contact(ContactStatus::OptedOut), first), "2000000003010201"),
        (&keys::posting(Term::Contact(ContactStatus::Active), first), "2000000003010301"),
        (&keys::posting(Term::List(list, ListStatus::Suppressed), 0), "200000000002000001020000"),
        (&keys::posting(Term::List(list, ListStatus::OptedOut), 0), "200000000002000001020100"),
        (&keys::posting(Term::List(list, ListStatus::Active), 0), "200000000002000001020200"),
        (&keys::posting(Term::StoppedElsewhere(list), 0), "2000000000030000010200"),
        (&day(DayOf::Created), "200000000010000000505f"),
        (&day(DayOf::Engaged), "200000000010010000505f"),
        (&day(DayOf::Idle), "200000000010020000505f"),
        (&day(DayOf::Invalid), "200000000010030000505f"),
        (&keys::posting(Term::HasLabel("tier"), 0), "20000000002074696572"),
        (&keys::posting(Term::Label("tier", "gold"), 0), "2000000000217469657200676f6c64"),
        (&keys::posting(Term::Print("tier", 0x81), 0), "200000000022746965720081"),
        (&keys::common("tier", "gold"), "787469657200676f6c64"),
    ];
    for (key, bytes) in golden {
        assert_eq!(hex(key), bytes);
    }
}

/// The bytes of all kinds of events, and of all statuses in the feed.
#[test]
fn golden_kinds() {
    let classes = [
        InboundKind::OptOut,
        InboundKind::OptOutAll,
        InboundKind::OptIn,
        InboundKind::Help,
        InboundKind::Message,
        InboundKind::MaybeOptOut,
    ];
    let kinds = [
        EventKind::OptIn,
        EventKind::OptOut,
        EventKind::OptOutAll,
        EventKind::Suppress,
        EventKind::Release,
        EventKind::Invalid,
        EventKind::Valid,
        EventKind::Subscribe,
    ]
    .into_iter()
    .chain(classes.map(EventKind::Inbound))
    .chain([
        EventKind::Created,
        EventKind::Claimed,
        EventKind::Sent,
        EventKind::Click,
        EventKind::BotClick,
        EventKind::Conversion,
    ])
    .chain([EventKind::Purged, EventKind::Erased, EventKind::Renumbered, EventKind::Reviewed]);
    assert_eq!(kinds.map(kind_code).collect::<Vec<u8>>(), (1..=24).collect::<Vec<u8>>());
    let failures = (0..8).map(|bits| kind_code(EventKind::Failed(Failure::from_bits(bits))));
    assert_eq!(failures.collect::<Vec<u8>>(), (0x40..0x48).collect::<Vec<u8>>());
    let entry = |status: u8, lists| {
        let entry = FeedEntry::Contact { at: 1.into(), phone: 5, cause: 2, status, lists };
        hex(&encode_feed(&[entry]).expect("encoded"))
    };
    let lists: Vec<_> = ListStatus::ALL.iter().map(|status| (7, status.code())).collect();
    assert_eq!(
        entry(ContactStatus::Active.code(), lists),
        "0101000000000000010502030407000701070207 03".replace(' ', "")
    );
    assert_eq!(entry(NO_STATUS, Vec::new()), "010100000000000001 0502ff00".replace(' ', ""));
}

/// The largest contact that the limits allow must be storable: an opt-out is never refused.
#[test]
fn every_contact_within_the_limits_fits() {
    let mut record = record();
    let value = "v".repeat(crate::limits::LABELS_BYTES_MAX / LABELS_MAX - 2);
    record.contact.labels = Labels::from_stored((0..LABELS_MAX).map(|n| (format!("{n:02}"), value.clone())).collect());
    let text = "x".repeat(SOURCE_BYTES_MAX);
    let by = "b".repeat(crate::limits::NAME_OF_TOKEN_BYTES_MAX);
    let full = |at| Some(Fact { by: by.clone(), ..fact(at, How::Api, &text, &text) });
    let toggle = |at| Toggle { set: full(at), lifted: full(at + 1) };
    record.contact.opted_out_all = full(1);
    record.contact.suppression = toggle(2);
    record.contact.invalidity = toggle(3);
    record.contact.lists = (0..CONTACT_LISTS_MAX as u32)
        .map(|list| ListContact {
            list: ListId(60_000 + list),
            opted_in: full(10),
            imported: full(11),
            // With a name, too, not even the newest one would keep its words.
            opted_out: Some(fact(Millis::from(list) + 100, How::Api, &text, &text)),
            suppression: toggle(13),
        })
        .collect();
    let item = |n: u64| Item { fingerprint: n, list: ListId(60_000), what: IdUse::Sent, at: 9, seen_at: 9 };
    record.contact.remembered = Remembered::from_stored((0..REMEMBERED_IDS_MAX as u64).map(item).collect(), 0);
    let stored = decode_record(&encode_record(&record).expect("it fits")).expect("it reads");
    assert_eq!(stored.contact.lists.len(), CONTACT_LISTS_MAX);
    let dates =
        |contact: &Contact| contact.lists.iter().map(|on| on.opted_out.as_ref().map(|out| out.at)).collect::<Vec<_>>();
    assert_eq!(dates(&stored.contact), dates(&record.contact));
    assert_eq!(stored.contact.lists[63].opted_out, record.contact.lists[63].opted_out, "the newest keeps its text");
    assert_eq!(stored.contact.remembered.items().len(), REMEMBERED_IDS_MIN);
    let tombstone = Tombstone::of_purged(record.contact.clone(), PurgeReason::Idle, 1, "");
    let kept = decode_tombstone(&encode_tombstone(&StoredTombstone { phone: [0; 16], tombstone }).expect("it fits"))
        .expect("it reads");
    assert_eq!(kept.tombstone.lists.len(), CONTACT_LISTS_MAX);
}

#[test]
fn damage_and_the_future_are_told() {
    for value in [&[][..], &[2, 0, 0], &[V1], &[V1, 0xff, 0xff, 0xff, 0xff, 0xff]] {
        assert!(decode_record(value).is_err());
    }
    assert!([&[][..], &[2], &[V1, 7], &[V1, 7, 0, 0, 1]].into_iter().all(|value| decode_entries(value).is_err()));
    let mut trailing = encode_record(&record()).expect("encoded");
    trailing.push(0);
    assert!(decode_record(&trailing).is_err());
}
