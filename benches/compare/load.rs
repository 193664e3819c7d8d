//! What loads a server: one thread with 50 connections, which sends requests that were written down before.
//!
//! It takes as little of the processors as it can, so that a rate tells of the server: two system calls for the requests of one
//! connection, and nothing that waits for several connections at once.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::machine::LOAD_LIST;

const CONNECTIONS: usize = 50;
/// Requests that are written down; more than these are the same again.
const WRITTEN_MAX: usize = 500_000;

/// What a server has answered.
pub struct Answered {
    /// Requests a second.
    pub per_second: f64,
    /// From sending some requests until all replies to them were read: 99 of 100 times at most this.
    pub p99: Duration,
}

/// Sends so many requests, `depth` of them ahead on each connection. Each `{}` in the words is another number below `rows` at random,
/// of twelve digits.
pub fn load(port: u16, depth: usize, requests: usize, rows: usize, words: &[&str]) -> Answered {
    let turns = Turns::write(depth, requests.min(WRITTEN_MAX), rows, words);
    let mut connections: Vec<Connection> = (0..CONNECTIONS).map(|_| Connection::open(port)).collect();
    let all = requests / depth;
    let mut took = Vec::with_capacity(all);
    let started = Instant::now();
    for (turn, connection) in connections.iter_mut().enumerate() {
        connection.send(turns.get(turn));
    }
    for turn in CONNECTIONS..all + CONNECTIONS {
        let connection = &mut connections[turn % CONNECTIONS];
        took.push(connection.read(depth));
        if turn < all {
            connection.send(turns.get(turn));
        }
    }
    let per_second = (all * depth) as f64 / started.elapsed().as_secs_f64();
    took.sort();
    Answered { per_second, p99: took[took.len() * 99 / 100] }
}

/// CHECKs a second of numbers below `rows`, which a daemon has opted in.
pub fn checks(port: u16, depth: usize, rows: usize) -> f64 {
    load(port, depth, reads(depth), rows, &["CHECK", LOAD_LIST, "+4{}"]).per_second
}

/// How many reads are enough for a figure.
pub fn reads(depth: usize) -> usize {
    if depth < 4 { 200_000 } else { 2_000_000 }
}

/// Requests as they are sent, some at a time.
struct Turns {
    bytes: Vec<u8>,
    /// Where each turn begins, and where the last one ends.
    bounds: Vec<usize>,
}

impl Turns {
    fn write(depth: usize, requests: usize, rows: usize, words: &[&str]) -> Turns {
        let mut random = Random::new();
        let mut turns = Turns { bytes: Vec::new(), bounds: vec![0] };
        for n in 1..=requests {
            write!(turns.bytes, "*{}\r\n", words.len()).expect("memory");
            for word in words {
                let word = word.replace("{}", &format!("{:012}", random.below(rows as u64)));
                write!(turns.bytes, "${}\r\n{word}\r\n", word.len()).expect("memory");
            }
            if n % depth == 0 {
                turns.bounds.push(turns.bytes.len());
            }
        }
        turns
    }

    fn get(&self, turn: usize) -> &[u8] {
        let turn = turn % (self.bounds.len() - 1);
        &self.bytes[self.bounds[turn]..self.bounds[turn + 1]]
    }
}

struct Connection {
    stream: TcpStream,
    sent: Instant,
    replies: Vec<u8>,
}

impl Connection {
    fn open(port: u16) -> Connection {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        Connection { stream, sent: Instant::now(), replies: vec![0; 1 << 16] }
    }

    fn send(&mut self, requests: &[u8]) {
        self.sent = Instant::now();
        self.stream.write_all(requests).expect("sent");
    }

    /// Reads so many replies of one line each. Says how long they took.
    fn read(&mut self, lines: usize) -> Duration {
        let mut left = lines;
        while left > 0 {
            let read = self.stream.read(&mut self.replies).expect("replies");
            let replies = &self.replies[..read];
            assert!(!replies.is_empty() && replies[0] != b'-', "{}", String::from_utf8_lossy(replies));
            left -= memchr::memchr_iter(b'\n', replies).count();
        }
        self.sent.elapsed()
    }
}

/// xorshift64*: the same numbers in each run of the benchmark, and others in each load of it.
struct Random(u64);

impl Random {
    fn new() -> Random {
        static LOADS: AtomicU64 = AtomicU64::new(1);
        Random(LOADS.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % end
    }
}
