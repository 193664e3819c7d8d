//! Turns the metadata of the crate `phonenumber` (Google's libphonenumber, all countries) into static tables, so that the
//! daemon needs neither the crate nor a regular expression at run time:
//!
//! * `plan.bin`, `plan.rs`: which numbers exist, as one automaton over the digits of E.164 (`plan.rs` here, `plan.rs` there);
//! * `mobile.bin`, `mobile.rs`: the same of mobile numbers alone;
//! * `region.rs`: how people of a region dial (`region.rs` here, `region.rs` there).
//!
//! Only the metadata is used. The crate's parser makes other subscribers' numbers of some spellings.

mod plan;
mod region;
mod steps;

use phonenumber::metadata::{DATABASE, Metadata};
use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo names it"));
    // The database is a hash map: sorted, the same metadata always makes the same tables.
    let mut territories: Vec<&Metadata> = DATABASE.iter().collect();
    territories.sort_by_key(|territory| (territory.country_code(), territory.id()));
    let plan = plan::Plan::of(&territories);
    fs::write(out.join("plan.bin"), plan.bytes())?;
    fs::write(out.join("plan.rs"), plan.source())?;
    let mobile = plan::Plan::of_mobiles(&territories);
    fs::write(out.join("mobile.bin"), mobile.bytes())?;
    fs::write(out.join("mobile.rs"), mobile.ends())?;
    fs::write(out.join("region.rs"), region::source(&territories))
}
