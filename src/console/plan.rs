//! A plan of a purge, made for a session. It looks at each contact that a rule may apply to, which takes seconds in a large
//! store: its page does not wait for it, and shows it when it is there.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::ask::Asker;
use crate::error::{Error, Result};

/// How long a page waits for a plan: a small store needs less.
const PATIENCE: Duration = Duration::from_millis(100);

/// A plan that is being made, if one is.
#[derive(Default)]
pub struct PlanInMaking(Mutex<Option<JoinHandle<Result<Value>>>>);

impl PlanInMaking {
    /// Gives the plan that is being made; the first call has it made. None: it takes a while, and somebody should ask again.
    pub async fn get(&self, asker: impl FnOnce() -> Asker) -> Option<Result<Value>> {
        let making = self.lock().take();
        let mut making = making.unwrap_or_else(|| {
            let mut asker = asker();
            tokio::spawn(async move { Ok(asker.json(&["PURGE", "PLAN"]).await?.unwrap_or_default()) })
        });
        match timeout(PATIENCE, &mut making).await {
            Ok(made) => Some(made.map_err(Error::internal).flatten()),
            Err(_) => {
                *self.lock() = Some(making);
                None
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<JoinHandle<Result<Value>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
