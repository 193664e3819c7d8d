//! What a page asks: requests of the protocol over a connection inside the daemon, remembered for the foot of the page.

use serde::de::DeserializeOwned;
use tokio::io::DuplexStream;

use super::pages::ROWS;
use crate::client::{AsyncClient, Reply, refusal};
use crate::error::{Error, Result};

/// A connection for one page.
pub struct Asker {
    client: AsyncClient<DuplexStream>,
    asked: Vec<Asked>,
}

/// Requests of one verb, one after the other.
pub struct Asked {
    /// The first of them, as a line.
    pub line: String,
    /// How many there were.
    pub times: usize,
}

/// A page of a reply that comes in pages.
pub struct Paged<T> {
    /// Where the next page begins; None on the last one.
    pub next: Option<String>,
    pub items: Vec<T>,
}

impl Asker {
    pub fn new(pipe: DuplexStream) -> Asker {
        Asker { client: AsyncClient::new(pipe), asked: Vec::new() }
    }

    /// What was asked so far.
    pub fn into_asked(self) -> Vec<Asked> {
        self.asked
    }

    /// Asks, and waits for the reply. An error of the daemon is an error here.
    pub async fn ask<W: AsRef<str>>(&mut self, words: &[W]) -> Result<Reply> {
        self.remember(words, 1);
        self.send(words);
        self.receive().await
    }

    /// Asks a line as it is: a filter is the rest of its line.
    pub async fn ask_line(&mut self, line: &str) -> Result<Reply> {
        let line = line.replace(char::is_control, " ");
        self.client.send_line(&line);
        self.asked.push(Asked { line, times: 1 });
        self.receive().await
    }

    /// Asks many of one kind at once.
    pub async fn ask_each<R: AsRef<[W]>, W: AsRef<str>>(&mut self, requests: &[R]) -> Result<Vec<Reply>> {
        let Some(first) = requests.first() else { return Ok(Vec::new()) };
        self.remember(first.as_ref(), requests.len());
        for words in requests {
            self.send(words.as_ref());
        }
        let mut replies = Vec::with_capacity(requests.len());
        for _ in requests {
            replies.push(self.receive().await?);
        }
        Ok(replies)
    }

    /// Asks for JSON; None where there is nothing.
    pub async fn json<T: DeserializeOwned, W: AsRef<str>>(&mut self, words: &[W]) -> Result<Option<T>> {
        match self.ask(words).await? {
            Reply::Nil => Ok(None),
            reply => parse(&text(reply)?).map(Some),
        }
    }

    /// Counts the contacts that match a filter.
    pub async fn count(&mut self, filter: &str) -> Result<i64> {
        number(self.ask_line(&format!("COUNT {filter}")).await?)
    }

    /// Finds the contacts that match a filter, the newest first: a page of them, behind a cursor if there is one.
    pub async fn find(&mut self, filter: &str, after: &str) -> Result<Paged<String>> {
        let after = if after.is_empty() { String::new() } else { format!(" AFTER {after}") };
        paged(self.ask_line(&format!("FIND {filter} NEWEST LIMIT {ROWS}{after}")).await?)
    }

    /// Asks for many numbers at once.
    pub async fn count_each<R: AsRef<[W]>, W: AsRef<str>>(&mut self, requests: &[R]) -> Result<Vec<i64>> {
        self.ask_each(requests).await?.into_iter().map(number).collect()
    }

    /// Asks for an array of JSON.
    pub async fn items<T: DeserializeOwned, W: AsRef<str>>(&mut self, words: &[W]) -> Result<Vec<T>> {
        items(self.ask(words).await?)?.iter().map(|item| parse(item)).collect()
    }

    /// Asks for a page of JSON.
    pub async fn page<T: DeserializeOwned, W: AsRef<str>>(&mut self, words: &[W]) -> Result<Paged<T>> {
        let page = paged(self.ask(words).await?)?;
        let items = page.items.iter().map(|item| parse(item)).collect::<Result<_>>()?;
        Ok(Paged { next: page.next, items })
    }

    fn send<W: AsRef<str>>(&mut self, words: &[W]) {
        let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        self.client.send(&words);
    }

    async fn receive(&mut self) -> Result<Reply> {
        match self.client.receive().await? {
            Reply::Error(why) => Err(refusal(&why)),
            reply => Ok(reply),
        }
    }

    /// Notes for the foot of the page what was asked: here, or over another connection for the same page.
    pub fn remember<W: AsRef<str>>(&mut self, words: &[W], times: usize) {
        let line = words.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(" ");
        self.asked.push(Asked { line, times });
    }
}

/// The text of a reply.
pub fn text(reply: Reply) -> Result<String> {
    match reply {
        Reply::Text(text) => Ok(text),
        other => Err(unexpected(&other)),
    }
}

/// The number of a reply.
pub fn number(reply: Reply) -> Result<i64> {
    match reply {
        Reply::Integer(number) => Ok(number),
        other => Err(unexpected(&other)),
    }
}

/// JSON that the daemon wrote.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(Error::internal)
}

/// A page: its cursor, then its items.
fn paged(reply: Reply) -> Result<Paged<String>> {
    let mut items = if reply == Reply::Nil { Vec::new() } else { items(reply)? };
    if items.is_empty() {
        return Ok(Paged { next: None, items });
    }
    let next = Some(items.remove(0)).filter(|next| next != "0");
    Ok(Paged { next, items })
}

fn items(reply: Reply) -> Result<Vec<String>> {
    match reply {
        Reply::Array(items) => items.into_iter().map(text).collect(),
        other => Err(unexpected(&other)),
    }
}

fn unexpected(reply: &Reply) -> Error {
    Error::internal(format!("an unexpected reply: {reply}"))
}
