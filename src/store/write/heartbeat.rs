//! The sign of life that the writer gives.

use std::time::{Duration, Instant};

/// Is told now and then, by the writer's own thread, that the writer lives. It must not wait for anything.
pub type OnHeartbeat = Box<dyn Fn() + Send>;

/// Tells at most so often, and about so often while the writer lives, be it busy or idle. A timer on another thread would
/// go on after the writer hangs: so there is none.
pub struct Heartbeat {
    every: Duration,
    tell: OnHeartbeat,
    told: Option<Instant>,
}

impl Heartbeat {
    /// The first one is due at once.
    pub fn new(every: Duration, tell: OnHeartbeat) -> Heartbeat {
        Heartbeat { every, tell, told: None }
    }

    /// How long the writer may wait for work before it has to look again.
    pub fn patience(&self) -> Duration {
        self.every
    }

    /// Tells, if it is time.
    pub fn beat(&mut self) {
        if self.told.is_none_or(|told| told.elapsed() >= self.every) {
            self.told = Some(Instant::now());
            (self.tell)();
        }
    }
}
