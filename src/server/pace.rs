//! How fast an address accepts, so that a storm of connections takes little from those who are connected.
//!
//! What comes faster waits where the system keeps it. Whoever connects beside a storm waits behind it; to tell its connections from others
//! they would have to be accepted, and that is what a storm costs. Each address has a pace of its own: one that only an operator
//! reaches, like a Unix socket, is not held up by another one.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::limits::NEW_CLIENTS_A_SECOND_MAX;

/// Those for whom it is time are accepted together, so often.
const TURN: Duration = Duration::from_millis(10);
/// What was not used for so long may be used at once: whoever restarts has many workers that come back.
const SAVED: Duration = Duration::from_secs(1);

/// Of one address.
pub(super) struct Pace {
    /// When the next one is due. It lies behind by what is saved.
    due: Instant,
}

impl Pace {
    /// Nothing has come for a while.
    pub(super) fn new() -> Pace {
        Pace { due: saved(Instant::now()) }
    }

    /// Waits until one more may be accepted.
    pub(super) async fn next(&mut self) {
        if self.is_early(Instant::now()) {
            sleep(TURN).await;
        }
    }

    /// Counts one more. It is early if those before it have used up what there is.
    fn is_early(&mut self, now: Instant) -> bool {
        self.due = self.due.max(saved(now)) + Duration::from_secs(1) / NEW_CLIENTS_A_SECOND_MAX;
        self.due > now
    }
}

/// As much lies behind as may be saved.
fn saved(now: Instant) -> Instant {
    now.checked_sub(SAVED).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long it takes to accept so many.
    fn takes(pace: &mut Pace, now: &mut Instant, many: u32) -> f64 {
        let started = *now;
        for _ in 0..many {
            if pace.is_early(*now) {
                *now += TURN;
            }
        }
        (*now - started).as_secs_f64()
    }

    #[test]
    fn a_storm_is_accepted_at_its_pace_and_what_was_saved_at_once() {
        let (mut pace, mut now) = (Pace::new(), Instant::now());
        assert!(takes(&mut pace, &mut now, NEW_CLIENTS_A_SECOND_MAX) < 0.02);
        let took = takes(&mut pace, &mut now, 3 * NEW_CLIENTS_A_SECOND_MAX);
        assert!((2.9..3.1).contains(&took), "{took}");
        now += Duration::from_millis(500);
        assert!(takes(&mut pace, &mut now, NEW_CLIENTS_A_SECOND_MAX / 2) < 0.02);
        now += Duration::from_secs(3_600);
        assert!(takes(&mut pace, &mut now, NEW_CLIENTS_A_SECOND_MAX) < 0.02, "no more than a second is saved");
        assert!(takes(&mut pace, &mut now, NEW_CLIENTS_A_SECOND_MAX) > 0.9);
    }
}
