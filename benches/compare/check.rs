//! CHECK, beside Redis that asks whether a set has a member, and beside PING, for which the same threads look nothing up.

use std::path::Path;

use crate::load::{load, reads};
use crate::machine::{Daemon, LOAD_LIST, Redis, Worked, has};
use crate::{middle, tell};

const ROUNDS: usize = 5;
const CHECK: &[&str] = &["CHECK", LOAD_LIST, "+4{}"];
const SISMEMBER: &[&str] = &["SISMEMBER", "numbers", "+4{}"];
const PING: &[&str] = &["PING"];

pub fn run(dir: &Path, rows: usize) {
    let daemon = Daemon::start(&dir.join("check"));
    daemon.load(rows);
    beside_redis(&daemon, dir, rows);
}

/// The numbers that were loaded are asked for in no order.
pub fn beside_redis(daemon: &Daemon, dir: &Path, rows: usize) {
    if !has("redis-server") {
        println!("Redis is not installed: skipped");
        return;
    }
    let redis = Redis::start(dir);
    redis.load(rows);
    for pipeline in [1, 16, 64] {
        let asked = |port, worked: &dyn Fn() -> Worked, words| {
            let before = worked();
            let per_second = load(port, pipeline, reads(pipeline), rows, words).per_second;
            (per_second, worked().since(before).each(reads(pipeline)))
        };
        let rounds: Vec<_> = (0..ROUNDS)
            .map(|_| {
                let theirs = asked(redis.port(), &|| redis.worked(), SISMEMBER);
                let of_daemon = |words| asked(daemon.port(), &|| daemon.worked_by_kind(), words);
                [of_daemon(CHECK), theirs, of_daemon(PING)]
            })
            .collect();
        let of = |at: usize| middle(rounds.iter().map(|round| round[at].0).collect());
        let to = |at: usize| middle(rounds.iter().map(|round| round[0].0 / round[at].0).collect());
        tell(
            &format!("CHECK, pipeline {pipeline}"),
            &format!(
                "{:.0}/s, Redis SISMEMBER {:.0}/s: median ratio {:.2}; {:.2} of PING's {:.0}/s",
                of(0),
                of(1),
                to(1),
                to(2),
                of(2)
            ),
        );
        let cost = |at: usize| {
            let part = |part: usize| middle(rounds.iter().map(|round| round[at].1[part]).collect());
            format!("{:.2} + {:.2}", part(0), part(1))
        };
        tell("us of a processor, own + system", &format!("CHECK {}, SISMEMBER {}, PING {}", cost(0), cost(1), cost(2)));
    }
}
