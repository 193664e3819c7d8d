//! What the writers ask for, and what must be there once they were answered.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::plain::commands::Command;
use crate::plain::compare::same_reply;
use crate::plain::model::Model;
use crate::plain::text::{InboundKind, classify};

/// A request.
#[derive(Clone, Debug)]
pub enum Ask {
    Plain(Command),
    /// The model has none.
    Erase(String),
}

/// What a store must have: the model, and who was erased. Of those a tombstone is left, which only the verdicts tell.
#[derive(Clone, Debug)]
pub struct State {
    pub model: Model,
    pub erased: BTreeSet<String>,
    /// When the model carried out the newest request. It never stands still: requests that are carried out once more, all
    /// in one millisecond, were not so in the daemon.
    pub clock: i64,
}

impl Ask {
    /// Whether it is a message that a person has to look at.
    pub fn may_want_out(&self) -> bool {
        let Ask::Plain(Command::Inbound { text, .. }) = self else { return false };
        classify(text) == InboundKind::MaybeOut
    }

    pub fn line(&self) -> String {
        match self {
            Ask::Plain(command) => command.line(),
            Ask::Erase(phone) => format!("ERASE {phone}"),
        }
    }

    /// Carries it out on a model. Says whether the reply is the right one.
    pub fn run(&self, state: &mut State, reply: Option<&str>) -> Result<(), String> {
        state.clock = now().max(state.clock + 1);
        let is_right = match self {
            Ask::Plain(command) => {
                let expected = state.model.run(command, state.clock);
                match reply.filter(|reply| !same_reply(&expected, reply)) {
                    Some(_) => Err(expected),
                    None => Ok(()),
                }
            }
            Ask::Erase(phone) => {
                state.model.contacts.remove(phone);
                state.erased.insert(phone.clone());
                match reply.filter(|reply| *reply != "$-1" && !reply.starts_with("+erased ")) {
                    Some(_) => Err("+erased".to_owned()),
                    None => Ok(()),
                }
            }
        };
        is_right.map_err(|expected| format!("{}: {}, not {expected}", self.line(), reply.unwrap_or_default()))
    }

    /// Whether it does nothing but forbid, so that it counts in memory where it cannot be written.
    pub fn only_forbids(&self) -> bool {
        match self {
            Ask::Erase(_) => true,
            Ask::Plain(Command::Inbound { text, .. }) => {
                matches!(classify(text), InboundKind::Out | InboundKind::OutAll)
            }
            Ask::Plain(command) => matches!(
                command,
                Command::OptOut { .. }
                    | Command::Suppress { .. }
                    | Command::Invalid { .. }
                    | Command::Failed { .. }
                    | Command::List { paused: Some(true), .. }
            ),
        }
    }

    /// What can take a yes away, and every CLAIM, is on disk before its reply whatever `--fsync` says.
    pub fn is_always_synced(&self) -> bool {
        self.only_forbids() || matches!(self, Ask::Plain(Command::Inbound { .. } | Command::Claim { .. }))
    }

    /// The contact that it is about; none: a list.
    pub fn phone(&self) -> Option<&str> {
        match self {
            Ask::Erase(phone) => Some(phone),
            Ask::Plain(command) => match command {
                Command::Put { phone, .. }
                | Command::Suppress { phone, .. }
                | Command::Release { phone, .. }
                | Command::Invalid { phone, .. }
                | Command::Valid { phone, .. }
                | Command::OptIn { phone, .. }
                | Command::OptOut { phone, .. }
                | Command::Inbound { phone, .. }
                | Command::Import { phone, .. }
                | Command::Check { phone, .. }
                | Command::Claim { phone, .. }
                | Command::Sent { phone, .. }
                | Command::Failed { phone, .. }
                | Command::Click { phone, .. }
                | Command::Convert { phone, .. } => Some(phone),
                _ => None,
            },
        }
    }
}

pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis()).try_into().expect("a date")
}
