//! Lets something be told once a second: what others can cause as often as they like must not fill the log.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Lets something be told once a second.
#[derive(Default)]
pub struct Rarely(Mutex<Option<Instant>>);

impl Rarely {
    /// Whether it is time again.
    pub fn is_due(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| last.elapsed() >= Duration::from_secs(1));
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }
}
