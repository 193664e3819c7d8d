//! Any bytes, where bytes come in from outside or from disk. `cargo test --test fuzz` runs the corpus, and then so many
//! mutations of it, the same each time. `CONTACTD_SOAK=minutes cargo test --release --test fuzz NAME -- --nocapture` runs others,
//! on all cores, and tells how many. `cargo fuzz run NAME`, where there is a nightly compiler, finds its way by the code that
//! an input reaches. All of them share the targets and the corpus.
//!
//! In reading order: `targets` (what must hold), `corpus` (seeds and words), `mutate` (other inputs), `drive` (how many).

mod targets;
mod corpus;
mod mutate;
mod drive;

#[path = "../proof/prove.rs"]
#[allow(dead_code, reason = "its random numbers are used here")]
mod prove;

use drive::fuzz;

#[test]
fn wire() {
    fuzz("wire", 30_000, targets::wire::run);
}

#[test]
fn reply() {
    fuzz("reply", 30_000, targets::reply::run);
}

#[test]
fn filter() {
    fuzz("filter", 30_000, targets::filter::run);
}

#[test]
fn phone() {
    fuzz("phone", 20_000, targets::phone::run);
}

#[test]
fn text() {
    fuzz("text", 1_000, targets::text::run);
}

#[test]
fn date() {
    fuzz("date", 20_000, targets::date::run);
}

#[test]
fn json() {
    fuzz("json", 30_000, targets::json::run);
}

#[test]
fn webhook() {
    fuzz("webhook", 20_000, targets::webhook::run);
}

#[test]
fn sheet() {
    fuzz("sheet", 1_000, targets::sheet::run);
}

#[test]
fn record() {
    fuzz("record", 50_000, targets::record::run);
}

#[test]
fn backup() {
    fuzz("backup", 10_000, targets::backup::run);
}
