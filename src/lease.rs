//! Until when this process may answer for a store that others may take over.
//!
//! A lease is an interval that its holder and those who wait for its end each count on a clock of their own. That clock is
//! the time since the machine was started, suspension included: nobody sets it, and it does not stand still while a laptop
//! sleeps.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The time since the machine was started, suspension included (`CLOCK_BOOTTIME`).
pub fn boot_time() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    // The clock begins at zero and only grows.
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs() as u32)
}

/// The right to answer, until a moment of [`boot_time`]. It begins as one that does not hold.
#[derive(Debug, Default)]
pub struct Lease {
    /// Nanoseconds of [`boot_time`].
    until: AtomicU64,
    is_over: AtomicBool,
}

impl Lease {
    /// Whether it holds now. Ask after a request was read: what is true then may be answered, however long that takes.
    pub fn holds(&self) -> bool {
        self.left() > Duration::ZERO
    }

    /// How long it will hold.
    pub fn left(&self) -> Duration {
        if self.is_over() {
            return Duration::ZERO;
        }
        Duration::from_nanos(self.until.load(Ordering::Acquire)).saturating_sub(boot_time())
    }

    /// Lets it hold until a moment of [`boot_time`]. One that is over stays over.
    pub fn extend(&self, until: Duration) {
        self.until.store(until.as_nanos() as u64, Ordering::Release);
    }

    /// Lets it not hold until it is extended again.
    pub fn suspend(&self) {
        self.until.store(0, Ordering::Release);
    }

    /// Ends it for good.
    pub fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }

    /// Whether it was ended.
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_holds_until_its_time_or_its_end() {
        let lease = Lease::default();
        assert!(!lease.holds(), "nobody has granted it yet");
        lease.extend(boot_time() + Duration::from_secs(60));
        assert!(lease.holds() && lease.left() > Duration::from_secs(50));
        lease.suspend();
        assert!(!lease.holds());
        lease.extend(boot_time().saturating_sub(Duration::from_nanos(1)));
        assert!(!lease.holds(), "its time is past");
        lease.extend(boot_time() + Duration::from_secs(60));
        lease.end();
        lease.extend(boot_time() + Duration::from_secs(60));
        assert!(!lease.holds() && lease.is_over(), "an end is for good");
    }
}
