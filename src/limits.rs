//! Every limit of contactd, in one place. `protocol.md` prints those a client can meet, and a test compares the two.
//!
//! Sizes are bytes, times are milliseconds, unless the name says otherwise.

/// The longest request, line or array.
pub const REQUEST_BYTES_MAX: usize = 64 * 1024;
/// What an array over [`REQUEST_BYTES_MAX`] may declare and still be swallowed, so that the connection stays in sync.
pub const ARRAY_SWALLOW_BYTES_MAX: usize = 1024 * 1024;
/// The longest request of a client that has not yet given its token.
pub const UNAUTHENTICATED_BYTES_MAX: usize = 1024;
/// How long a client may take to give its token.
pub const UNAUTHENTICATED_MS_MAX: u64 = 5_000;
/// The name of whose token it is.
pub const NAME_OF_TOKEN_BYTES_MAX: usize = 32;
/// How long a client waits for the reply to a wrong token.
pub const WRONG_TOKEN_MS: u64 = 1_000;
/// How long a client may take for the TLS handshake, and a daemon too, as our own clients see it.
pub const HANDSHAKE_MS_MAX: u64 = 10_000;
/// How often the files that are read again are looked at. One that has changed is read at the second look.
pub const RELOAD_LOOK_MS: u64 = 5_000;
/// A certificate ends soon when it has fewer days than this left, ...
pub const CERTIFICATE_SOON_DAYS: i64 = 14;
/// ... and less than this part of its time: those that are good for a week only are renewed in their last days.
pub const CERTIFICATE_SOON_PART: i64 = 5;
/// Connected clients; the next one is told `-BUSY`.
pub const CLIENTS_MAX: usize = 10_000;
/// New clients that one address takes a second, and so many at once behind a quiet second; the rest waits where the system keeps it.
pub const NEW_CLIENTS_A_SECOND_MAX: u32 = 2_000;
/// Scrapers and health checks that are served at a time.
pub const SCRAPERS_MAX: usize = 32;
/// How long one of them may take, from the first byte to the last.
pub const SCRAPE_MS_MAX: u64 = 30_000;
/// How long the head of its request may take.
pub const SCRAPE_HEAD_MS_MAX: u64 = 5_000;
/// The head of its request; hyper takes no smaller limit.
pub const SCRAPE_HEAD_BYTES_MAX: usize = 8 * 1024;
/// Fields in it.
pub const SCRAPE_FIELDS_MAX: usize = 64;
/// Unsent replies at which a client's requests are no longer read.
pub const REPLY_BYTES_UNSENT_MAX: usize = 1024 * 1024;
/// How long one write of replies may stall before the connection is closed.
pub const WRITE_STALL_MS_MAX: u64 = 10_000;
/// Requests of one burst after which other connections get their turn.
pub const BURST_REQUESTS_MAX: usize = 1_000;
/// Requests of browsers that are answered at once; the next one is told to try again.
pub const CONSOLE_REQUESTS_MAX: usize = 64;
/// How long a request of a browser may take to arrive.
pub const CONSOLE_HEAD_MS_MAX: u64 = 10_000;
/// Connections of browsers that are served at a time, and as many of providers; more wait where the system keeps them.
pub const HTTP_CONNECTIONS_MAX: usize = 1_000;
/// Webhooks of providers that are handed over at once; the next one is answered 503, and its provider delivers it again.
pub const WEBHOOKS_MAX: usize = 64;
/// How long the head of a webhook may take to arrive, and then its body.
pub const WEBHOOK_READ_MS_MAX: u64 = 5_000;
/// The body of a webhook. Its text fits a request of the protocol, too, if each of its bytes is escaped there.
pub const WEBHOOK_BODY_BYTES_MAX: usize = 24 * 1024;
/// So many messages are remembered of which a provider has delivered a part.
pub const WEBHOOK_PARTED_MAX: usize = 1_000;
/// How long they are.
pub const WEBHOOK_PARTED_MS_MAX: i64 = 60 * 60 * 1000;
/// A longer part is read by itself: those of an SMS have 153 letters at most.
pub const WEBHOOK_PART_BYTES_MAX: usize = 1024;
/// How long a session of the console lasts without a request.
pub const SESSION_IDLE_MS_MAX: u64 = 60 * 60 * 1000;
/// How long it lasts at most.
pub const SESSION_MS_MAX: u64 = 12 * SESSION_IDLE_MS_MAX;
/// Sessions of the console.
pub const SESSIONS_MAX: usize = 1_000;
/// A file that a browser uploads to be imported: some two million rows.
pub const UPLOAD_BYTES_MAX: u64 = 250_000_000;
/// Uploads that the console has at a time, those on their way in and those that wait for answers.
pub const UPLOADS_MAX: usize = 8;
/// Imports that the console remembers.
pub const IMPORTS_MAX: usize = 100;
/// Exports of browsers that go on at a time.
pub const CONSOLE_EXPORTS_MAX: usize = 4;
/// How often the console looks for what nobody is there for any more: sessions, their uploads, imports of tokens that left.
pub const CONSOLE_TIDY_MS: u64 = 5_000;
/// Phones in one CHECK.
pub const CHECK_PHONES_MAX: usize = 1_000;
/// A reply that our own clients take. The largest is LISTS with [`LISTS_MAX`] lists whose names are long: some 11 MiB.
pub const REPLY_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Arrays inside arrays that our own clients take. contactd replies with one at most.
pub const REPLY_DEPTH_MAX: usize = 8;
/// The longest verb, in letters.
pub const VERB_BYTES_MAX: usize = 16;

/// Labels of one contact.
pub const LABELS_MAX: usize = 64;
/// Label keys and values of one contact together.
pub const LABELS_BYTES_MAX: usize = 3 * 1024;
/// A label key.
pub const LABEL_KEY_BYTES_MAX: usize = 64;
/// Lists a contact can have a relation with.
pub const CONTACT_LISTS_MAX: usize = 64;
/// Messages that wait in the inbox for a person. One more opts out: what nobody would see is not left to chance.
pub const INBOX_MESSAGES_MAX: usize = 100_000;
/// The text of an inbound message, in characters.
pub const TEXT_CHARS_MAX: usize = 1_600;
/// An id of a message or event.
pub const ID_BYTES_MAX: usize = 64;
/// A total that an import brings along: no contact's life is long enough to count on from there to where it would overflow.
pub const IMPORTED_TOTAL_MAX: u64 = 1_000_000_000_000_000;
/// `source` and `reason`.
pub const SOURCE_BYTES_MAX: usize = 128;
/// `evidence` of an opt-in.
pub const EVIDENCE_BYTES_MAX: usize = 512;
/// The link of a click.
pub const URL_BYTES_MAX: usize = 512;
/// Ids of messages, clicks and so on that are remembered of one contact, so that a repetition changes nothing.
pub const REMEMBERED_IDS_MAX: usize = 256;
/// Of these, as many stay even where the record has little room: texts of facts leave first.
pub const REMEMBERED_IDS_MIN: usize = 32;
/// Events that one HISTORY looks at; where few of them are wanted its page is short, and goes on from there.
pub const HISTORY_EVENTS_LOOKED_AT_MAX: usize = 10_000;
/// Events that one CLAIMS looks at, some tens of milliseconds; where few of them are unresolved claims its page is short.
pub const CLAIM_EVENTS_LOOKED_AT_MAX: usize = 50_000;
/// Sums of a list and a day that one TRENDS of all lists adds up: some seconds at most.
pub const TREND_TALLIES_MAX: usize = 1_000_000;
/// Contacts that a plan of a purge shows.
pub const PLAN_SAMPLE: usize = 10;
/// Plans that were run, of which reports are kept.
pub const PLANS_KEPT: usize = 100;
/// Values of a plan's ids that one batch writes.
pub const PLAN_CHUNKS_STEP: usize = 64;
/// Contacts that one step of a purge removes: some milliseconds.
pub const PURGE_CONTACTS_STEP: usize = 32;
/// Values that one step of an erasure looks at or rewrites.
pub const ERASE_VALUES_STEP: usize = 32;
/// Values that one step of housekeeping removes or rewrites.
pub const EXPIRE_VALUES_STEP: usize = 32;
/// Records that one step of housekeeping looks at.
pub const EXPIRE_RECORDS_STEP: usize = 1_000;
/// Contacts that one step of a renumbering looks at, when a store is opened.
pub const RENUMBER_STEP: u32 = 512;
/// Minutes in which a claim may wait to be confirmed or taken back before STATS counts it.
pub const CLAIM_YOUNG_MINUTES: i64 = 5;
/// Days of a list's opt-out rate.
pub const TALLY_WINDOW_DAYS: u32 = 30;
/// How long FEED may be told to wait.
pub const FEED_WAIT_MS_MAX: u64 = 60_000;
/// The name of a sending list.
pub const LIST_NAME_BYTES_MAX: usize = 128;
/// Numbers that have ever been used as a sending list.
pub const LISTS_MAX: usize = 10_000;
/// A phone number as somebody typed it.
pub const RAW_PHONE_BYTES_MAX: usize = 64;

/// A filter.
pub const FILTER_BYTES_MAX: usize = 4 * 1024;
/// Parentheses inside parentheses.
pub const FILTER_DEPTH_MAX: usize = 32;
/// Items of one page of FIND and LABELS.
pub const PAGE_ITEMS_MAX: usize = 1_000;
/// Items of a page when no LIMIT is given.
pub const PAGE_ITEMS_DEFAULT: usize = 100;

/// How far ahead a caller's clock may be for an opt-in to lift an opt-out.
pub const CLOCK_ERROR_MS_MAX: i64 = 5_000;
/// So far ahead may a date be that a wrong clock has made, or local time that was taken for UTC.
pub const CLOCK_AHEAD_MS_MAX: i64 = 24 * 60 * 60 * 1_000;

/// Every stored value. sled splits leaves by count (17 items) and moves one over 128 KiB to a file it never syncs:
/// 17 × 7 KiB stays below.
pub const VALUE_BYTES_MAX: usize = 7 * 1024;
/// Contacts whose records share a key: see [`crate::store`].
pub const BLOCK_CONTACTS: u32 = 4;
/// A record over this has a key of its own, so that its neighbours are not written again with it.
pub const RECORD_BYTES_APART: usize = 512;
/// Where a value that packs events or feed entries is closed, although more would fit: one that is read for one event
/// should not cost much.
pub const PACK_BYTES_CLOSE: usize = 3 * 1024;
/// Events in one value: their place is one byte of their position.
pub const PACK_EVENTS_MAX: usize = 256;

/// Writes waiting for the writer, of each of its queues; a full queue stops reading, it never refuses.
pub const QUEUED_WRITES_MAX: usize = 16_384;
/// Consecutive writes of one pipeline that are queued together.
pub const JOB_WRITES_MAX: usize = 200;
/// Rows of an import that are queued together while others ask: a durable write of theirs waits for them.
pub const JOB_ROWS_BESIDE_OTHERS: usize = 50;
/// How many times as long as it works an import rests then.
pub const IMPORT_REST: u32 = 2;
/// It rests no longer, however long its rows have waited for the writer.
pub const IMPORT_REST_MS_MAX: u64 = 50;
/// Jobs of one connection that may wait for the writer at a time: while one batch of its rows is written, the next one is read.
pub const CONNECTION_JOBS_MAX: usize = 16;
/// Writes committed by one batch and one sync: an opt-out beside them waits for one batch, some milliseconds.
pub const BATCH_WRITES_MAX: usize = 800;
/// Rows of an import that are committed so while nothing else waits: the more there are, the more of them change the same postings.
pub const BATCH_ROWS_MAX: usize = 1_600;
/// Bytes of batches that wait for a backup. The backup fails when there are more: the writer waits for nobody.
pub const TEE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Lines of the trail that wait until its disk takes them.
pub const TRAIL_BYTES_UNWRITTEN_MAX: usize = 16 * 1024 * 1024;
/// The name of a backup.
pub const BACKUP_NAME_BYTES_MAX: usize = 100;
/// Bytes of a backup in one reply.
pub const BACKUP_READ_BYTES: usize = 96 * 1024;
/// How many times as long as it works a backup rests, so that it takes a quarter of one processor.
pub const BACKUP_REST: u32 = 3;
/// Of these, the share kept for writes of each lower urgency, so that a storm of opt-outs does not starve them.
pub const BATCH_SHARE_MIN: usize = 20;
/// How long a write that is not forbidding may stay unsynced under `--fsync interval`.
pub const FSYNC_INTERVAL_MS: u64 = 1_000;
/// Free disk space below which only forbidding writes are taken.
pub const DISK_FREE_LOW_BYTES: u64 = 256 * 1024 * 1024;
/// Free disk space below which nothing is written: sled must never see a full disk.
pub const DISK_FREE_MIN_BYTES: u64 = 64 * 1024 * 1024;
/// Forbidding facts kept in memory alone while nothing can be written.
pub const UNWRITTEN_FORBIDS_MAX: usize = 1_000_000;

/// Ids in one chunk of a posting that the gate keeps in memory: 512 bytes as a bitset, since every opt-out rewrites two.
pub const GATE_CHUNK_IDS: u32 = 4096;
/// Ids in one chunk of any other posting: 2 KiB as a bitset.
pub const POSTING_CHUNK_IDS: u32 = 16_384;
/// For postings of labels that are kept decoded, since somebody counts them, there is so much room at least.
pub const DECODED_BYTES_MIN: usize = 16 * 1024 * 1024;
/// Where that is more, there is so much room for each contact: all of some 30 values of labels.
pub const DECODED_BYTES_A_CONTACT: usize = 4;
/// Filters of which it is known how many contacts of each window match, since somebody counts them.
pub const COUNTED_FILTERS_MAX: usize = 64;
/// Filters of statuses, lists and days of which the contacts are kept that match: at most 8 KiB for 65,536 contacts each.
pub const KEPT_FILTERS_MAX: usize = 16;
/// A value that about so many contacts have got lately as a label has a posting of its own from then on. Tests get there often.
pub const COMMON_LABELS_MIN: u8 = if cfg!(debug_assertions) { 3 } else { 64 };
/// How many rare values are counted before all counts are halved.
pub const COMMON_LABELS_LATELY: u32 = 65_536;
/// Values that get one in one batch: the contacts of each are looked for among all.
pub const COMMON_LABELS_AT_ONCE: usize = 4;
/// Values that wait for one.
pub const COMMON_LABELS_DUE_MAX: usize = 1024;
/// Postings of an older store that are read at a time, when rare values of labels get prints.
pub const PRINT_STEP: usize = if cfg!(debug_assertions) { 16 } else { 1024 };
/// Changes of postings in the journal: a start reads them all, some tenths of a second.
pub const JOURNAL_CHANGES_MAX: u64 = 1024 * 1024;
/// Entries of the journal: each costs memory in sled, and a batch of one write has one.
pub const JOURNAL_ENTRIES_MAX: usize = 8 * 1024;
/// A batch of a ledger that is said to be longer is damage: one has at most [`BATCH_ROWS_MAX`] writes, and what follows from them.
pub const LEDGER_BATCH_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Postings that a batch brings up to date on disk, at least, once the journal is half full.
pub const SETTLED_POSTINGS_MIN: usize = 8;
/// Entries of the journal that a batch cuts off, at most, above twice what it adds.
pub const JOURNAL_CUT_MIN: usize = 8;
/// Ids in one chunk of the directory: 4 KiB of phone numbers.
pub const DIRECTORY_CHUNK_IDS: u32 = 512;
/// sled's page cache is a share of the store as it is at the start, between two bounds. It counts log bytes; the heap it
/// really takes is somewhat more.
pub const CACHE_SHARE: u64 = 3;
/// Its lower bound.
pub const CACHE_BYTES_MIN: u64 = 64 * 1024 * 1024;
/// Its upper bound.
pub const CACHE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// A segment of sled's file. sled frees one when what is left of it was written again elsewhere, each
/// [`CLEAN_EVERY_MS`]: with its own 512 KiB the file would grow under load, since a few bytes that stay keep
/// a whole segment.
pub const SEGMENT_BYTES: usize = 2 * 1024 * 1024;
/// How often sled cleans up segments, for at most half of that time, and syncs its file.
pub const CLEAN_EVERY_MS: u64 = 200;
/// One of the two files of the write-ahead log. While one fills, a checkpoint makes the other one free. Tests turn to the other
/// file often.
pub const WAL_FILE_BYTES: u64 = if cfg!(debug_assertions) { 128 * 1024 } else { 16 * 1024 * 1024 };
/// What such a file grows by, and what is written of it at once.
pub const WAL_GROWTH_BYTES: u64 = WAL_FILE_BYTES / 16;

/// Values that the write-ahead log has and sled has not yet: while there are more, the writer waits.
pub const MEMTABLE_BYTES_MAX: usize = 4 * 1024 * 1024;

const _: () = assert!(2 * RELOAD_LOOK_MS < 60_000);
const _: () = assert!(2 * WEBHOOK_BODY_BYTES_MAX + 4 * 1024 < REQUEST_BYTES_MAX);
const _: () = assert!(POSTING_CHUNK_IDS.is_multiple_of(BLOCK_CONTACTS));
const _: () = assert!(POSTING_CHUNK_IDS.is_multiple_of(DIRECTORY_CHUNK_IDS));
const _: () = assert!(DIRECTORY_CHUNK_IDS as usize * 8 < VALUE_BYTES_MAX);
const _: () = assert!(POSTING_CHUNK_IDS as usize / 8 < VALUE_BYTES_MAX);
const _: () = assert!(POSTING_CHUNK_IDS.is_multiple_of(GATE_CHUNK_IDS) && POSTING_CHUNK_IDS <= 1 << 16);
const _: () = assert!(17 * VALUE_BYTES_MAX < 128 * 1024);
const _: () = assert!(BATCH_ROWS_MAX >= BATCH_WRITES_MAX && CONNECTION_JOBS_MAX * JOB_WRITES_MAX >= 2 * BATCH_ROWS_MAX);
const _: () = assert!(BATCH_WRITES_MAX >= JOB_WRITES_MAX && QUEUED_WRITES_MAX >= JOB_WRITES_MAX);
const _: () = assert!(LISTS_MAX * (6 * LIST_NAME_BYTES_MAX + 400) < REPLY_BYTES_MAX);
