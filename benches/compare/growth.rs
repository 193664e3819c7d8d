//! What changes with the depth of the pipeline, and with the number of contacts, as plots for docs/numbers.md.

use std::path::Path;

use crate::load::{Answered, load, reads};
use crate::machine::{self, Daemon, LOAD_LIST, Redis, has};
use crate::plot::{self, Line, Panel};
use crate::{LIST, counts, middle, sheet};

const DEPTHS: [usize; 8] = [1, 2, 4, 8, 16, 32, 64, 128];
const ROUNDS: usize = 3;
/// Numbers that are asked for, in both programs.
const ASKED: usize = 1_000_000;

/// Draws both. The numbers of contacts are powers of ten from 10,000 up to `rows`, and to ten million at most.
pub fn run(dir: &Path, rows: usize) {
    let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/images");
    if has("redis-server") {
        depth(&dir.join("depth"), &images.join("depth.svg"));
    } else {
        println!("Redis is not installed: skipped");
    }
    growth(dir, &images.join("growth.svg"), rows);
}

fn depth(dir: &Path, image: &Path) {
    std::fs::create_dir_all(dir).expect("a directory");
    let daemon = Daemon::start(dir);
    daemon.load(ASKED);
    let redis = Redis::start(dir);
    redis.load(ASKED);
    let measured = |port: u16, words: &[&str]| -> [Vec<(f64, f64)>; 2] {
        let of = |depth: usize| {
            let rounds: Vec<Answered> = (0..ROUNDS).map(|_| load(port, depth, reads(depth), ASKED, words)).collect();
            let median = |of: fn(&Answered) -> f64| middle(rounds.iter().map(of).collect());
            (depth as f64, median(|round| round.per_second), median(|round| round.p99.as_secs_f64() * 1e3))
        };
        let all = DEPTHS.map(of);
        [
            all.iter().map(|(depth, rate, _)| (*depth, *rate)).collect(),
            all.iter().map(|(depth, _, p99)| (*depth, *p99)).collect(),
        ]
    };
    let [our_rate, our_p99] = measured(daemon.port(), &["CHECK", LOAD_LIST, "+4{}"]);
    let [their_rate, their_p99] = measured(redis.port(), &["SISMEMBER", "numbers", "+4{}"]);
    for ((ours, theirs), (p99, their_p99)) in our_rate.iter().zip(&their_rate).zip(our_p99.iter().zip(&their_p99)) {
        println!(
            "depth {:>3}: CHECK {:.0}/s, p99 {:.2} ms; Redis {:.0}/s, p99 {:.2} ms; ratio {:.2}",
            ours.0,
            ours.1,
            p99.1,
            theirs.1,
            their_p99.1,
            ours.1 / theirs.1
        );
    }
    let lines = |ours, theirs| {
        vec![Line { name: "contactd CHECK", points: ours }, Line { name: "Redis SISMEMBER", points: theirs }]
    };
    plot::write(
        image,
        &[
            Panel {
                title: "answers a second",
                below: "requests ahead, 50 connections",
                lines: lines(our_rate, their_rate),
            },
            Panel { title: "p99, ms", below: "requests ahead, 50 connections", lines: lines(our_p99, their_p99) },
        ],
    );
}

fn growth(dir: &Path, image: &Path, rows: usize) {
    let sizes: Vec<usize> = (4..=7).map(|power| 10_usize.pow(power)).filter(|size| *size <= rows).collect();
    let mut found: [Vec<(f64, f64)>; 6] = Default::default();
    for size in sizes {
        let dir = dir.join(format!("growth-{size}"));
        std::fs::create_dir_all(&dir).expect("a directory");
        let sheet = dir.join("contacts.csv");
        sheet::write(&sheet, size);
        let mut daemon = Daemon::start(&dir);
        daemon.call(&format!("LIST {LIST}"));
        let import = daemon.import(&sheet, LIST).as_secs_f64();
        let disk = daemon.stat("store_bytes");
        let restart = daemon.restart(LIST).as_secs_f64();
        let memory = daemon.stat("memory_bytes");
        let [_, count, again] = counts(&daemon).map(|time| time.as_secs_f64());
        let numbers: Vec<String> = (0..size as u64).step_by((size / 10_000).max(1)).map(sheet::number).collect();
        let rate = daemon.checks(LIST, &numbers);
        let many = size as f64;
        println!(
            "{size} contacts: import {import:.1} s, memory {:.0} MB, disk {:.0} B each, restart {restart:.2} s, COUNT {:.2} ms, again {:.2} ms, CHECK {rate:.0}/s",
            memory as f64 / 1e6,
            disk as f64 / many,
            count * 1e3,
            again * 1e3
        );
        let values = [import / many * 1e6, memory as f64 / 1e6, disk as f64 / many, restart, count * 1e3, rate];
        for (line, value) in found.iter_mut().zip(values) {
            line.push((many, value));
        }
        drop(daemon);
        let _ = std::fs::remove_dir_all(&dir);
    }
    let titles = [
        "import, µs a contact",
        "memory after a restart, MB",
        "disk, bytes a contact",
        "restart, s",
        "COUNT of three terms, ms",
        "CHECK, 1,000 ahead, a second",
    ];
    let panels: Vec<Panel> = titles
        .into_iter()
        .zip(found)
        .map(|(title, points)| Panel { title, below: "contacts", lines: vec![Line { name: "contactd", points }] })
        .collect();
    println!("{} processors", machine::processors());
    plot::write(image, &panels);
}
