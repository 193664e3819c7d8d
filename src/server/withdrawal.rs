//! Telling connections that their token was withdrawn.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::Server;
use crate::command::{TokenId, Tokens};

/// For each token that a connection has given: what tells its connections to end.
#[derive(Default)]
pub(super) struct Withdrawals(Mutex<HashMap<TokenId, CancellationToken>>);

/// Tells one connection to end. It waits once for that: to begin anew with each read would put it into a list that all connections
/// share, and out again.
pub(super) struct Ending {
    token: CancellationToken,
    told: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Ending {
    pub(super) fn new(token: CancellationToken) -> Ending {
        Ending { told: Box::pin(token.clone().cancelled_owned()), token }
    }

    /// Whether the connection has to end.
    pub(super) fn is_told(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Waits until the connection has to end.
    pub(super) fn told(&mut self) -> impl Future<Output = ()> + '_ {
        self.told.as_mut()
    }
}

impl Server {
    /// What tells a connection with this token to end, be it that the server drains. To miss no withdrawal, a connection asks
    /// first and looks the token up then.
    pub(super) fn ending(&self, token: TokenId) -> Ending {
        let mut known = self.withdrawals.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ending::new(known.entry(token).or_insert_with(|| self.stop.child_token()).clone())
    }

    /// Ends the connections whose token is not among these any more. Says how many tokens those had.
    pub(super) fn withdraw_all_but(&self, tokens: &Tokens) -> usize {
        if let Some(front) = self.front.get() {
            return front.servers().map(|server| server.withdraw_all_but(tokens)).max().unwrap_or(0);
        }
        let mut known = self.withdrawals.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known.len();
        known.retain(|token, ending| {
            let stays = tokens.grant(*token).is_some();
            if !stays {
                ending.cancel();
            }
            stays
        });
        before - known.len()
    }
}
