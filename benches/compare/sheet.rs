//! A spreadsheet as people type it: six formats of numbers, three labels that many share, a name and an e-mail address.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::Path;

const AREAS: [u64; 40] = [
    201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228, 229, 231, 234,
    239, 240, 248, 251, 252, 253, 254, 256, 260, 262, 267, 269, 270, 276, 281, 301, 302,
];
pub const STATES: [&str; 10] = ["CA", "NY", "TX", "FL", "WA", "OR", "NV", "AZ", "IL", "MA"];
pub const TIERS: [&str; 3] = ["gold", "silver", "bronze"];
const FIRST_NAMES: [&str; 8] = ["Ada", "Ben", "Kim", "Joy", "Max", "Zoe", "Eli", "Mia"];
const LAST_NAMES: [&str; 8] = ["Abe", "Bell", "Cole", "Diaz", "Egan", "Ford", "Gray", "Hale"];
/// What makes a name that nobody else has. A number in it would be none that people have, and may be a carrier's code of a failure.
const SYLLABLES: [&str; 20] = [
    "ba", "ke", "li", "mo", "nu", "ra", "se", "ti", "vo", "za", "da", "fe", "gi", "ho", "ju", "ka", "le", "mi", "pe",
    "ru",
];
const NAME_SYLLABLES: u32 = 5;

/// Writes distinct numbers in no order, the same ones at every run, each with a name and an address that nobody else has.
pub fn write(path: &Path, rows: usize) {
    write_from(path, 0, rows);
}

/// The same, of other numbers: those from a row on.
pub fn write_from(path: &Path, first: usize, rows: usize) {
    write_with(path, first..first + rows, ",name,email", |row| {
        let (first, last) = (FIRST_NAMES[(row % 8) as usize], own_name(row / 8));
        let (initial, rest) = last.split_at(1);
        format!(",{first} {}{rest},{}.{last}@example.com", initial.to_uppercase(), first.to_lowercase())
    });
}

/// The same, where every second contact has come from another system and has not answered for years.
pub fn write_half_idle(path: &Path, rows: usize) {
    write_with(path, 0..rows, ",created_at,subscribed_at,sends_since_engaged,status", |row| {
        if row % 2 == 0 { ",2021-02-01,2021-02-01,12,active" } else { ",,,,active" }.to_owned()
    });
}

/// The same with a name, the day on which the contact came, and that of its last sign of life: both on any day of some years.
pub fn write_with_lives(path: &Path, rows: usize) {
    write_with(path, 0..rows, ",name,created_at,subscribed_at,last_engaged", |row| {
        let day = |days: u64| {
            let (year, month) = (2023 + days / 336, 1 + days / 28 % 12);
            format!("{year}-{month:02}-{:02}", 1 + days % 28)
        };
        let came = row.wrapping_mul(7_919) % 1_000;
        let engaged = came + row.wrapping_mul(104_729) % (1_200 - came);
        let (first, last) = (FIRST_NAMES[(row % 8) as usize], LAST_NAMES[(row / 8 % 8) as usize]);
        format!(",{first} {last} {},{},{},{}", row / 64 % 1_000, day(came), day(came), day(engaged))
    });
}

/// The number of a row, in E.164.
pub fn number(row: u64) -> String {
    let (area, b, c) = parts(row);
    format!("+1{area}{b}{c}")
}

/// A name of its own for each number, in small letters.
fn own_name(number: u64) -> String {
    let many = SYLLABLES.len() as u64;
    (0..NAME_SYLLABLES).map(|at| SYLLABLES[(number / many.pow(at) % many) as usize]).collect()
}

fn write_with(path: &Path, rows: Range<usize>, more_columns: &str, more: impl Fn(u64) -> String) {
    let mut file = BufWriter::new(File::create(path).expect("a file"));
    writeln!(file, "phone,state,tier,campaign{more_columns}").expect("written");
    for row in rows.start as u64..rows.end as u64 {
        let (area, b, c) = parts(row);
        let phone = match row % 6 {
            0 => format!("({area}) {b}-{c}"),
            1 => format!("{area}.{b}.{c}"),
            2 => format!("{area}-{b}-{c}"),
            3 => format!("+1 {area} {b} {c}"),
            4 => format!("1-{area}-{b}-{c}"),
            _ => format!("{area}{b}{c}"),
        };
        let mix = row.wrapping_mul(0xD6E8_FEB8_6659_FD93) >> 40;
        let (state, tier) = (STATES[(mix % 10) as usize], TIERS[(mix / 10 % 3) as usize]);
        writeln!(file, "\"{phone}\",{state},{tier},c{:03}{}", mix / 30 % 1_000, more(row)).expect("written");
    }
}

/// Area, exchange and line. There are 16 million.
fn parts(row: u64) -> (u64, u64, u64) {
    // A multiplication by an odd number permutes the numbers below a power of two.
    let n = row.wrapping_mul(0x9E37_79B1) % (1 << 24);
    let (area, rest) = (AREAS[(n % 40) as usize], n / 40);
    (area, 220 + rest / 9_000, 1_000 + rest % 9_000)
}
