//! Who has logged in. Sessions are in memory: a restart logs everybody out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::plan::PlanInMaking;
use crate::command::TokenId;
use crate::error::{Error, Result};
use crate::limits::{SESSION_IDLE_MS_MAX, SESSION_MS_MAX, SESSIONS_MAX};

/// Somebody who has logged in.
pub struct Session {
    /// The token; None where nobody needs one.
    pub token: Option<TokenId>,
    since: Instant,
    seen: Mutex<Instant>,
    said: Mutex<Option<Said>>,
    /// The plan of a purge that it waits for.
    pub plan: PlanInMaking,
}

/// What an act has come to, for the next page.
pub struct Said {
    /// The class of its banner.
    pub class: &'static str,
    pub sign: &'static str,
    pub text: String,
}

impl Said {
    /// It is done.
    pub fn good(text: impl Into<String>) -> Said {
        Said { class: "good", sign: "✓", text: text.into() }
    }

    /// It changed nothing, or not all that somebody may think.
    pub fn warn(text: impl Into<String>) -> Said {
        Said { class: "warn", sign: "!", text: text.into() }
    }

    /// It is not done.
    pub fn bad(text: impl Into<String>) -> Said {
        Said { class: "bad", sign: "▲", text: text.into() }
    }
}

/// All sessions, by the SHA-256 of what their cookies say: whoever reads the memory cannot log in with it.
#[derive(Default)]
pub struct Sessions(Mutex<HashMap<[u8; 32], Arc<Session>>>);

impl Sessions {
    /// Begins a session; gives what its cookie says. The one that was idle longest leaves where there are too many.
    pub fn begin(&self, token: Option<TokenId>, now: Instant) -> Result<(String, Arc<Session>)> {
        let mut secret = [0; 32];
        rustix::rand::getrandom(&mut secret, rustix::rand::GetRandomFlags::empty()).map_err(Error::internal)?;
        let secret = HEXLOWER.encode(&secret);
        let session = Arc::new(Session {
            token,
            since: now,
            seen: Mutex::new(now),
            said: Mutex::default(),
            plan: PlanInMaking::default(),
        });
        let mut sessions = lock(&self.0);
        sessions.retain(|_, session| !session.is_over(now));
        if sessions.len() >= SESSIONS_MAX {
            let idlest = sessions.iter().min_by_key(|(_, session)| *lock(&session.seen)).map(|(key, _)| *key);
            idlest.and_then(|key| sessions.remove(&key));
        }
        sessions.insert(key(&secret), Arc::clone(&session));
        Ok((secret, session))
    }

    /// The session of a cookie. It has just been used, unless nobody did: a page that keeps itself up to date is not somebody.
    pub fn get(&self, secret: &str, is_used: bool, now: Instant) -> Option<Arc<Session>> {
        let key = key(secret);
        let mut sessions = lock(&self.0);
        let session = Arc::clone(sessions.get(&key)?);
        if session.is_over(now) {
            sessions.remove(&key);
            return None;
        }
        if is_used {
            *lock(&session.seen) = now;
        }
        Some(session)
    }

    /// Drops those that are over.
    pub fn tidy(&self, now: Instant) {
        lock(&self.0).retain(|_, session| !session.is_over(now));
    }

    /// Ends the session of a cookie.
    pub fn end(&self, secret: &str) {
        lock(&self.0).remove(&key(secret));
    }
}

impl Session {
    /// Leaves something to say on the next page.
    pub fn say(&self, said: Said) {
        *lock(&self.said) = Some(said);
    }

    /// What is to be said.
    pub fn take_said(&self) -> Option<Said> {
        lock(&self.said).take()
    }

    fn is_over(&self, now: Instant) -> bool {
        let idle = now.saturating_duration_since(*lock(&self.seen));
        let age = now.saturating_duration_since(self.since);
        idle > Duration::from_millis(SESSION_IDLE_MS_MAX) || age > Duration::from_millis(SESSION_MS_MAX)
    }
}

fn key(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_when_it_is_idle_or_old_or_told_to() {
        let sessions = Sessions::default();
        let start = Instant::now();
        let after = |ms: u64| start + Duration::from_millis(ms);
        let (secret, _) = sessions.begin(None, start).expect("random bytes");
        assert!(sessions.get("another", true, start).is_none());
        assert!(sessions.get(&secret, true, after(SESSION_IDLE_MS_MAX)).is_some());
        assert!(sessions.get(&secret, true, after(2 * SESSION_IDLE_MS_MAX)).is_some(), "it was used meanwhile");
        assert!(sessions.get(&secret, false, after(3 * SESSION_IDLE_MS_MAX)).is_some());
        assert!(sessions.get(&secret, true, after(3 * SESSION_IDLE_MS_MAX + 1)).is_none());
        let (secret, _) = sessions.begin(None, start).expect("random bytes");
        for ms in (0..=SESSION_MS_MAX).step_by(SESSION_IDLE_MS_MAX as usize) {
            assert!(sessions.get(&secret, true, after(ms)).is_some());
        }
        assert!(sessions.get(&secret, true, after(SESSION_MS_MAX + 1)).is_none(), "however busy it is");
        let (secret, _) = sessions.begin(None, start).expect("random bytes");
        sessions.end(&secret);
        assert!(sessions.get(&secret, true, start).is_none());
    }

    #[test]
    fn of_too_many_sessions_the_idlest_leaves() {
        let sessions = Sessions::default();
        let start = Instant::now();
        let (first, _) = sessions.begin(None, start).expect("random bytes");
        let (second, _) = sessions.begin(None, start + Duration::from_millis(1)).expect("random bytes");
        for _ in 2..=SESSIONS_MAX {
            sessions.begin(None, start + Duration::from_millis(2)).expect("random bytes");
        }
        assert!(sessions.get(&first, true, start).is_none());
        assert!(sessions.get(&second, true, start).is_some());
    }
}
