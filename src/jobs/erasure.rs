//! Erasures that a crash interrupted: they are finished after the next start.
//!
//! ERASE itself runs on the thread of the connection that sent it. A crash between its first batch, after which nothing
//! answers about the contact any more, and its last leaves events and feed entries that name the contact.

use std::sync::Arc;

use super::{Control, Work};
use crate::error::{Error, Result};
use crate::store::Store;

/// Finishes erasures. It is short: it runs to its end.
pub struct Erasure {
    store: Arc<Store>,
}

impl Erasure {
    /// The job for a store.
    pub fn new(store: Arc<Store>) -> Erasure {
        Erasure { store }
    }
}

impl Work for Erasure {
    type Order = ();
    type State = ();
    const THREAD: &'static str = "contactd-erase";

    fn prepare(&self, (): ()) -> Result<()> {
        Ok(())
    }

    fn busy(&self, (): &()) -> Error {
        Error::bad_arg("interrupted erasures are being finished")
    }

    fn run(&self, (): (), _: &Control<'_, Erasure>) -> Result<()> {
        self.store.finish_erasures()
    }

    fn broke_off(&self, (): &(), why: &Error) {
        tracing::error!(
            "an erasure that a crash interrupted is not finished: {}; the next start of contactd goes on with it",
            why.message
        );
    }
}
