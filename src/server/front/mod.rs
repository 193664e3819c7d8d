//! The front of a store in partitions: one connection of the protocol, whichever partition has what is asked.
//!
//! A client talks to the front, and the front to the partitions, each of which is a server of its own, here or in another daemon
//! that is told who the client is ([`introduction`]). [`route`] says whom a request concerns, [`conversation`] asks them and keeps the
//! order of the replies, [`rounds`] has what is asked more than once, [`crate::command`] knows how the replies of several become one.
//! The front decides nothing about contacts, and keeps nothing: a partition does what it would do for a client.

mod conversation;
mod follow;
mod inbox;
mod introduction;
mod link;
mod page;
mod rounds;
mod route;
mod until;

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Duration, Instant, timeout};

use super::Server;
use super::partitions::Door;
use super::splice::call;
use crate::command::{Context, Grant, Health, Peer};
use crate::error::{Code, Error, Result};
use crate::model::phone::Phone;
use crate::model::slot::{Partition, partition};
use crate::store::{OptOutWarning, Secret};
use crate::wire::Reply;
use conversation::{Conversation, decode};
use link::Link;
use until::Until;

/// For how long a partition is waited for that nobody has just now: one that is handed over is back sooner.
const REACH_PATIENCE: Duration = Duration::from_secs(1);
/// Before it is tried again.
const REACH_PAUSE: Duration = Duration::from_millis(20);
/// How long another daemon may take to answer.
const ANSWER_PATIENCE: Duration = Duration::from_secs(2);

/// The partitions of a store, as its clients reach them.
pub(super) struct Front {
    partitions: Vec<Arc<Door>>,
    warning: OptOutWarning,
    /// By it the daemons of the store know each other.
    secret: Secret,
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
    pub fn new(partitions: Vec<Arc<Door>>, warning: OptOutWarning, secret: Secret) -> Front {
        Front { partitions, warning, secret }
    }

    /// Serves one client until it leaves, misbehaves, or the server drains.
    pub async fn serve<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S, server: &Server, caller: Caller) {
        let stream = Until::new(stream, server.stop.clone());
        // The client is gone or was told why: there is nobody left to tell.
        let _ = Conversation::new(self, server, stream, caller).run().await;
    }

    /// How many partitions there are.
    fn len(&self) -> usize {
        self.partitions.len()
    }

    /// What the commands of one partition work with, whichever is open: settings are the same in all.
    fn context(&self) -> Option<Arc<Context>> {
        self.servers().find_map(|server| server.context().cloned())
    }

    /// What the commands of those partitions work with that are open here, each with its place.
    pub fn open(&self) -> Vec<(usize, Arc<Context>)> {
        let open = self.servers().enumerate();
        open.filter_map(|(place, server)| Some((place, Arc::clone(server.context()?)))).collect()
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

    /// Connects a client to a partition, whoever has it.
    async fn connect(&self, place: usize, caller: &Caller) -> Result<Link> {
        let door = self.partitions.get(place).ok_or_else(|| Error::internal("there is no such partition"))?;
        let until = Instant::now() + REACH_PATIENCE;
        loop {
            let server = door.server();
            let reached = if server.is_open() {
                return Ok(Link::new(Box::new(server.connect_for(caller.grant.clone(), caller.peer.clone()))));
            } else if let Some(owner) = door.elsewhere() {
                self.introduce(place, owner, caller).await
            } else if server.ledger.is_some() {
                Err(Error::new(Code::Standby, format!("nobody has partition {place} yet: try again in a moment")))
            } else {
                return Err(Error::new(Code::Loading, "the store is being loaded: try again in a moment"));
            };
            match reached {
                Err(_) if Instant::now() < until => tokio::time::sleep(REACH_PAUSE).await,
                reached => return reached,
            }
        }
    }

    /// Introduces a client to another daemon that has a partition.
    async fn introduce(&self, place: usize, owner: String, caller: &Caller) -> Result<Link> {
        let door = &self.partitions[place];
        let server = door.server();
        let Some(sharing) = &server.ledger else { return Err(Error::internal("there is no other daemon")) };
        let failed = |why: &dyn std::fmt::Display| {
            let message = format!("partition {place}, which {owner} has, is not reached: {why}; try again in a moment");
            Error::new(Code::Standby, message)
        };
        let stream = call(&owner, sharing).await.map_err(|why| failed(&why))?;
        let mut link = Link::to(stream, Arc::clone(door), owner.clone());
        let here = Partition { place: place as u16, of: self.len() as u16 };
        let introduced = async {
            link.send(introduction::ask(here).into());
            let nonce = decode(&link.reply().await?)?;
            let Reply::Text(nonce) = nonce else { return Ok(nonce) };
            link.send(introduction::introduce(here, caller, &nonce, &self.secret).into());
            decode(&link.reply().await?)
        };
        match timeout(ANSWER_PATIENCE, introduced).await {
            Ok(Ok(Reply::Text(_))) => Ok(link),
            Ok(Ok(Reply::Error(why))) => Err(failed(&why)),
            Ok(Ok(_)) => Err(failed(&"it answers something else")),
            Ok(Err(why)) => Err(failed(&why.message)),
            Err(_) => Err(failed(&"it does not answer")),
        }
    }
}
