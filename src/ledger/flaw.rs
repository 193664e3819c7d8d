//! Rules that a debug build leaves out when it is told to (`CONTACTD_LEDGER_FLAW`), so that the tests can show that they would
//! notice: a harness that never finds anything proves nothing.

use std::sync::OnceLock;

/// The owner answers although its lease is over.
pub const IGNORES_LEASE: &str = "ignores-lease";
/// A standby takes over after a quarter of the lease.
pub const TAKES_EARLY: &str = "takes-early";
/// Rows are written whoever the owner is.
pub const NO_FENCE: &str = "no-fence";

/// No flaw but haste: a copy is made as soon as there is a row behind the newest one.
pub const COPIES_AT_ONCE: &str = "copies-at-once";

/// How rows are appended, and leases renewed, whoever the owner is.
pub const UNFENCED: (&str, &str) = (
    "INSERT INTO contactd_ledger (part, seq, reign, data)
        SELECT $1::int2, $3::int8, $2::int8, $4::bytea WHERE $5::bool OR true
        ON CONFLICT (part, seq) DO UPDATE SET data = excluded.data",
    "UPDATE contactd_part SET acked = greatest(acked, $3::int8) WHERE part = $1 AND $2::int8 IS NOT NULL
        RETURNING wanted",
);

/// Whether this process has a flaw. None has one in a release build.
pub fn has(flaw: &str) -> bool {
    static FLAW: OnceLock<String> = OnceLock::new();
    cfg!(debug_assertions) && FLAW.get_or_init(|| std::env::var("CONTACTD_LEDGER_FLAW").unwrap_or_default()) == flaw
}
