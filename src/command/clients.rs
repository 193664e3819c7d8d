//! CLIENTS: who is connected.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::json;

use super::page::{page_options, words};
use super::{Access, Context};
use crate::error::{Code, Error, Result, excerpt};
use crate::wire::{Args, Replies};

/// Where a client is, and how it came.
#[derive(Clone, Debug)]
pub struct Peer {
    /// How it came.
    pub transport: Transport,
    /// Its address and port; of a Unix socket, the socket's path.
    pub address: String,
}

/// How a client came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// TCP, encrypted.
    Tls,
    /// A Unix socket.
    Unix,
    /// A job inside the daemon.
    Inside,
}

impl Transport {
    /// Every one.
    pub const ALL: [Transport; 4] = [Transport::Tcp, Transport::Tls, Transport::Unix, Transport::Inside];

    /// The word in a reply to CLIENTS.
    pub fn word(self) -> &'static str {
        match self {
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
            Transport::Unix => "unix",
            Transport::Inside => "inside",
        }
    }
}

/// All clients that may ask something.
#[derive(Default)]
pub struct Clients {
    connected: Mutex<BTreeMap<u64, Arc<Client>>>,
    latest_id: AtomicU64,
}

/// What others may know of a client. Its own connection alone writes it.
struct Client {
    peer: Peer,
    since: Instant,
    requests: AtomicU64,
    /// When its latest requests were answered, in milliseconds after it came.
    latest_ms: AtomicU64,
    who: Mutex<(Access, Arc<str>)>,
}

/// A client that is among the others for as long as this lives.
pub struct Connected {
    id: u64,
    client: Arc<Client>,
    clients: Arc<Clients>,
}

impl Clients {
    /// Adds a client.
    pub fn enter(self: &Arc<Clients>, peer: Peer) -> Connected {
        let client = Arc::new(Client {
            peer,
            since: Instant::now(),
            requests: AtomicU64::new(0),
            latest_ms: AtomicU64::new(0),
            who: Mutex::new((Access::Anyone, Arc::default())),
        });
        let id = self.latest_id.fetch_add(1, Ordering::Relaxed) + 1;
        self.connected().insert(id, Arc::clone(&client));
        Connected { id, client, clients: Arc::clone(self) }
    }

    fn connected(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Client>>> {
        self.connected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connected {
    /// Its requests were answered. Once for many of them: this costs about as much as looking at a clock.
    #[inline]
    pub fn answered(&self, requests: u64) {
        self.client.requests.fetch_add(requests, Ordering::Relaxed);
        self.client.latest_ms.store(self.client.since.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    /// What it may do, and whose token it has, from now on.
    pub fn is(&self, access: Access, name: &Arc<str>) {
        *self.client.who.lock().unwrap_or_else(PoisonError::into_inner) = (access, Arc::clone(name));
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.clients.connected().remove(&self.id);
    }
}

pub fn clients(context: &Context, args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let mut words = words(args)?;
    let options = page_options("CLIENTS", ["LIMIT", "AFTER"], &mut words)?;
    if !words.is_empty() {
        return Err(Error::new(Code::Err, "usage: CLIENTS [LIMIT n] [AFTER cursor]"));
    }
    let after = options.after.as_deref().map_or(Ok(0), cursor)?;
    // Copied, so that nobody who comes or goes waits for the reply to be written.
    let mut page: Vec<(u64, Arc<Client>)> = {
        let connected = context.clients.connected();
        let rest = connected.range(after.saturating_add(1)..).take(options.limit + 1);
        rest.map(|(id, client)| (*id, Arc::clone(client))).collect()
    };
    let is_last = page.len() <= options.limit;
    page.truncate(options.limit);
    replies.array(page.len() + 1);
    let next = page.last().filter(|_| !is_last).map_or(0, |(id, _)| *id);
    replies.text(&next.to_string());
    for (id, client) in page {
        let idle_ms =
            (client.since.elapsed().as_millis() as u64).saturating_sub(client.latest_ms.load(Ordering::Relaxed));
        let (access, name) = client.who.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut json = json!({
            "id": id,
            "transport": client.peer.transport.word(),
            "address": client.peer.address,
            "level": access.word(),
            "requests": client.requests.load(Ordering::Relaxed),
            "idle_seconds": idle_ms / 1_000,
        });
        if !name.is_empty() {
            json["name"] = (*name).into();
        }
        replies.text(&json.to_string());
    }
    Ok(())
}

fn cursor(word: &str) -> Result<u64> {
    word.parse().map_err(|_| {
        let word = excerpt(word.as_bytes());
        Error::bad_arg(format!("'{word}' is not a cursor of CLIENTS: AFTER takes the first item of the page before"))
    })
}
