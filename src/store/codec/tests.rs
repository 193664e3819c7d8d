//! What is on people's disks, byte by byte.

use super::super::log::Newest;
use super::super::purge::{Plan, Progress};
use super::*;
use crate::limits::{CONTACT_LISTS_MAX, LABELS_MAX, REMEMBERED_IDS_MAX, REMEMBERED_IDS_MIN, SOURCE_BYTES_MAX};
use crate::model::contact::{Contact, Engagement, ListContact};
use crate::model::event::{Event, Kind};
use crate::model::fact::{Fact, How, Standing};
use crate::model::keyword::Class;
use crate::model::label::Labels;
use crate::model::list::{List, ListId};
use crate::model::phone::{ListNumber, Phone};
use crate::model::purge::{Condemned, Policy};
use crate::model::remembered::{Item, Remembered, What};
use crate::model::tally::Tally;
use crate::model::tombstone::Tombstone;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

fn fact(at: Millis, how: How, source: &str, reason: &str) -> Fact {
    Fact { at, how, source: source.into(), reason: reason.into(), told: 0 }
}

fn record() -> Record {
    let mut contact = Contact::new(Phone::from_u64(14_155_552_671).expect("in range"), 1_777_636_800_000);
    contact.labels = Labels::from_stored(vec![("state".into(), "CA".into())]);
    contact.engagement =
        Engagement { sends: 300, revenue_micros: -5, last_sent: 1_777_636_800_001, ..Engagement::default() };
    let told = 1_777_636_803_602;
    contact.opted_out_all = Some(Fact { told, ..fact(1_777_636_800_002, How::Keyword, "", "STOPALL") });
    contact.invalidity.set = Some(fact(1_777_636_800_003, How::Api, "carrier", "30005"));
    let mut on = ListContact::new(ListId(7));
    on.opted_in = Some(fact(1_777_636_800_004, How::Journey, "spring", ""));
    on.imported = Some(fact(1_777_636_800_005, How::Import, "a.csv", ""));
    contact.lists = vec![on];
    let item = Item {
        print: 0x0102_0304,
        list: ListId(7),
        what: What::Claimed,
        at: 1_777_636_800_006,
        seen_at: 1_777_636_800_007,
    };
    contact.remembered = Remembered::from_stored(vec![item], 1_777_636_800_000);
    Record { contact, newest: Newest { consent: 513, activity: 0 } }
}

fn grave() -> Grave {
    Grave { mark: [7; 16], tombstone: Tombstone::of_purged(record().contact, Condemned::NonEngaged, 1_777_636_800_009) }
}

fn plan() -> Plan {
    Plan {
        made_at: 1_777_636_800_000,
        policy: Policy { idle_max: None, ..Policy::default() },
        condemned: [1, 300, 0],
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
        kind: Kind::Inbound(Class::OptOut),
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
    let heads = Heads {
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
        (encode_heads(&heads), "01fc40420f0005fd00f668e39d010000fbbc0203090b"),
        (
            encode_grave(&grave()),
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
    assert_eq!(decode_grave(&encode_grave(&grave()).expect("encoded")), Ok(grave()));
    assert_eq!(decode_plan(&encode_plan(&plan()).expect("encoded")), Ok(plan()));
    let tally = Tally { revenue_micros: -5, replies: 7, ..Tally::default() };
    assert_eq!(decode_tally(&encode_tally(tally).expect("encoded")), Ok(tally));
    assert_eq!(decode_heads(&encode_heads(&heads).expect("encoded")), Ok(heads));
    assert_eq!(decode_numbers(&encode_numbers(&[0, 5])), Ok(vec![0, 5]));
}

/// The largest contact that the limits allow must be storable: an opt-out is never refused.
#[test]
fn every_contact_within_the_limits_fits() {
    let mut record = record();
    let value = "v".repeat(crate::limits::LABELS_BYTES_MAX / LABELS_MAX - 2);
    record.contact.labels = Labels::from_stored((0..LABELS_MAX).map(|n| (format!("{n:02}"), value.clone())).collect());
    let text = "x".repeat(SOURCE_BYTES_MAX);
    let full = |at| Some(fact(at, How::Api, &text, &text));
    let standing = |at| Standing { set: full(at), lifted: full(at + 1) };
    record.contact.opted_out_all = full(1);
    record.contact.suppression = standing(2);
    record.contact.invalidity = standing(3);
    record.contact.lists = (0..CONTACT_LISTS_MAX as u32)
        .map(|list| ListContact {
            list: ListId(60_000 + list),
            opted_in: full(10),
            imported: full(11),
            opted_out: full(Millis::from(list) + 100),
            suppression: standing(13),
        })
        .collect();
    let item = |n: u64| Item { print: n, list: ListId(60_000), what: What::Sent, at: 9, seen_at: 9 };
    record.contact.remembered = Remembered::from_stored((0..REMEMBERED_IDS_MAX as u64).map(item).collect(), 0);
    let stored = decode_record(&encode_record(&record).expect("it fits")).expect("it reads");
    assert_eq!(stored.contact.lists.len(), CONTACT_LISTS_MAX);
    let dates =
        |contact: &Contact| contact.lists.iter().map(|on| on.opted_out.as_ref().map(|out| out.at)).collect::<Vec<_>>();
    assert_eq!(dates(&stored.contact), dates(&record.contact));
    assert_eq!(stored.contact.lists[63].opted_out, record.contact.lists[63].opted_out, "the newest keeps its text");
    assert_eq!(stored.contact.remembered.items().len(), REMEMBERED_IDS_MIN);
    let tombstone = Tombstone::of_purged(record.contact.clone(), Condemned::Idle, 1);
    let buried = decode_grave(&encode_grave(&Grave { mark: [0; 16], tombstone }).expect("it fits")).expect("it reads");
    assert_eq!(buried.tombstone.lists.len(), CONTACT_LISTS_MAX);
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
