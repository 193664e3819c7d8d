//! The front of a store in partitions: one connection of the protocol, whichever partition has what is asked.
//!
//! A client talks to the front, and the front to the partitions, each of which is a server of its own. [`route`] says whom a
//! request concerns, [`conversation`] asks them and keeps the order of the replies, [`rounds`] has what is asked more than once, [`crate::command`] knows how the replies of
//! several become one. The front decides nothing about contacts, and keeps nothing: a partition does what it would do for a client.

mod conversation;
mod follow;
mod inbox;
mod link;
mod page;
mod rounds;
mod route;

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use super::Server;
use super::partitions::Door;
use crate::command::{Context, Grant, Health, Peer};
use crate::error::{Code, Error, Result};
use crate::model::phone::Phone;
use crate::model::slot::partition;
use crate::store::OptOutWarning;
use conversation::Conversation;
use link::Link;

/// The partitions of a store, as its clients reach them.
pub(super) struct Front {
    partitions: Vec<Arc<Door>>,
    warning: OptOutWarning,
}

/// Who talks to the front.
#[derive(Clone)]
pub(super) struct Caller {
    /// What it may do, if that does not depend on a token.
    pub grant: Option<Grant>,
    /// Where it is.
    pub peer: Peer,
}

impl Front {
    /// One for these partitions, in their order.
    pub fn new(partitions: Vec<Arc<Door>>, warning: OptOutWarning) -> Front {
        Front { partitions, warning }
    }

    /// Serves one client until it leaves, misbehaves, or the server drains.
    pub async fn serve<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S, server: &Server, caller: Caller) {
        // The client is gone or was told why: there is nobody left to tell.
        let _ = Conversation::new(self, server, stream, caller).run().await;
    }

    /// How many partitions there are.
    fn len(&self) -> usize {
        self.partitions.len()
    }

    /// What the commands of one partition work with, whichever is open: settings are the same in all.
    fn context(&self) -> Option<Arc<Context>> {
        self.contexts().next()
    }

    /// What the commands of those partitions work with that are open here.
    fn contexts(&self) -> impl Iterator<Item = Arc<Context>> {
        self.servers().filter_map(|server| server.context().cloned())
    }

    /// The servers of all partitions.
    pub fn servers(&self) -> impl Iterator<Item = Arc<Server>> {
        self.partitions.iter().map(|door| door.server())
    }

    /// Whether requests are answered: in all partitions, by whomever.
    pub fn health(&self) -> Health {
        let mut ready = Health::Loading { contacts: 0, of: 0 };
        for server in self.servers() {
            match server.health() {
                here @ (Health::Ready { read_only: Some(_), .. } | Health::Draining) => return here,
                // One that nobody has keeps all from being ready.
                not_ready if !not_ready.is_ready() => return not_ready,
                here @ Health::Ready { .. } => ready = here,
                elsewhere => {
                    if !matches!(ready, Health::Ready { .. }) {
                        ready = elsewhere;
                    }
                }
            }
        }
        ready
    }

    /// Which partition has a contact.
    fn place(&self, phone: Phone) -> usize {
        usize::from(partition(phone, self.partitions.len() as u16))
    }

    /// Connects a client to a partition.
    fn connect(&self, place: usize, caller: &Caller) -> Result<Link> {
        let partition =
            self.partitions.get(place).ok_or_else(|| Error::internal("there is no such partition"))?.server();
        if partition.context().is_none() {
            return Err(Error::new(Code::Loading, "the store is being loaded: try again in a moment"));
        }
        Ok(Link::new(Box::new(partition.connect_for(caller.grant.clone(), caller.peer.clone()))))
    }
}
