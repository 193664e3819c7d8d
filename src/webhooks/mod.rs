//! Webhooks: what providers report of messages, over HTTP.
//!
//! They are a client of the protocol: what a provider reports becomes INBOUND, SENT or FAILED over a connection inside the
//! daemon, by the name of `webhook:twilio`. The order of things:
//!
//! 1. The body is read, at most so long, and kept byte for byte ([`post`]).
//! 2. The provider's signature is checked ([`signature`], and the file of the [`provider`]): 403 if it is wrong. Until then
//!    nothing of the request is believed.
//! 3. The provider's file reads it into [`fact`]s.
//! 4. The facts are handed over ([`handover`]). A 2xx says that they are on disk, or can never be. 503: the provider should
//!    deliver the request again, which changes nothing where a part of it was recorded.
//! 5. The phone is answered ([`answer`]) where the provider has not answered it.

mod accounts;
mod answer;
mod bandwidth;
mod counts;
#[doc(hidden)]
pub mod fact;
mod handover;
mod parts;
mod plivo;
#[doc(hidden)]
pub mod post;
mod provider;
mod signature;
mod telnyx;
mod twilio;
mod vonage;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::any;
use tokio::io::DuplexStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

pub use accounts::Accounts;
pub use counts::{Counts, Fate};
pub use provider::Provider;

use crate::client::AsyncClient;
use crate::command::{Access, Grant};
use crate::limits::{WEBHOOK_BODY_BYTES_MAX, WEBHOOK_READ_MS_MAX, WEBHOOKS_MAX};
use crate::model::keyword::{Keywords, Meaning, unread};
use crate::model::time::Millis;
use crate::rarely::Rarely;
use crate::reloadable::Reloadable;
use fact::{Fact, Inbound};
use handover::Handover;
use parts::Parts;
use post::{Form, Post};
use signature::Unsigned;

/// Opens a connection inside the daemon that may do what the grant says.
pub type Connect = Box<dyn Fn(Grant) -> DuplexStream + Send + Sync>;

/// The daemon's clock.
pub type Now = Box<dyn Fn() -> Millis + Send + Sync>;

/// How webhooks are set up.
#[derive(Clone)]
pub struct WebhookSetup {
    /// The address by which providers call: without a slash at its end.
    pub public_url: String,
    /// What the secrets file says.
    pub accounts: Arc<Reloadable<Accounts>>,
}

/// What all requests of providers share.
pub struct Webhooks {
    setup: WebhookSetup,
    connect: Connect,
    keywords: Arc<Keywords>,
    now: Now,
    places: Semaphore,
    counts: Counts,
    parts: Parts,
    /// What anybody can cause is told rarely.
    log: Rarely,
}

/// An address to paste into a provider's own settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookAddress {
    /// The provider.
    pub provider: Provider,
    /// The address.
    pub url: String,
}

/// A request that ends early.
struct Refusal {
    fate: Fate,
    answer: Response,
}

/// The thread that makes what messages are read with.
const THREAD_NAME: &str = "contactd-words";

impl Webhooks {
    /// Webhooks that are recorded over `connect`.
    pub fn new(setup: WebhookSetup, connect: Connect, keywords: Arc<Keywords>, now: Now) -> Webhooks {
        // What messages are read with is made when the first one is. That is this one, for whom no provider waits. Where there is no
        // thread for it, the first message waits.
        let first = Arc::clone(&keywords);
        let _ = thread::Builder::new()
            .name(THREAD_NAME.to_owned())
            .spawn(move || first.meaning("when are you open tomorrow?"));
        let places = Semaphore::new(WEBHOOKS_MAX);
        let (counts, parts, log) = (Counts::default(), Parts::default(), Rarely::default());
        Webhooks { setup, connect, keywords, now, places, counts, parts, log }
    }

    /// What serves them.
    pub fn router(self: Arc<Webhooks>) -> Router {
        Router::new()
            .route("/webhooks/{provider}", any(receive))
            .fallback(|| async { answer::refused(StatusCode::NOT_FOUND, "there is /webhooks/PROVIDER") })
            .with_state(self)
    }

    /// The file with the keys.
    pub fn accounts(&self) -> &Reloadable<Accounts> {
        &self.setup.accounts
    }

    /// How many came.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The address of each provider that has a key.
    pub fn addresses(&self) -> Vec<WebhookAddress> {
        let accounts = self.setup.accounts.get();
        let known = Provider::ALL.into_iter().filter(|provider| !accounts.keys(*provider).is_empty());
        known
            .map(|provider| {
                let url = format!("{}/webhooks/{}", self.setup.public_url, provider.word());
                WebhookAddress { provider, url }
            })
            .collect()
    }

    async fn answer(&self, provider: Provider, request: Request) -> Result<(Fate, Response), Refusal> {
        let accounts = self.setup.accounts.get();
        let keys = accounts.keys(provider);
        if keys.is_empty() {
            let (word, form) = (provider.word(), provider.key_form());
            let why = format!("{word} is not set up: put '{word} {form}' into the file of --webhook-secrets");
            return Err(self.refuse(provider, Fate::NoKey, StatusCode::NOT_FOUND, &why));
        }
        let post = self.read(provider, request).await?;
        if let Err(why) = provider.verify(&post, &keys, (self.now)()) {
            let refuse = |why| self.refuse(provider, Fate::Unsigned, StatusCode::FORBIDDEN, why);
            return Err(match why {
                Unsigned::Unasked => Refusal {
                    fate: Fate::Asked,
                    answer: answer::refused(StatusCode::UNAUTHORIZED, "show the name and the password"),
                },
                Unsigned::Wrong(why) => refuse(why),
                Unsigned::Old => refuse("it was signed too long ago, or a clock is wrong"),
            });
        }
        let facts = match provider.read(&post) {
            Ok(facts) => facts,
            // It would be no better the next time.
            Err(why) => {
                tracing::error!("{}: not recorded: {why}", provider.word());
                return Ok((Fate::Refused, answer::taken(provider, None, "")));
            }
        };
        let later = |why: &str| self.refuse(provider, Fate::Later, StatusCode::SERVICE_UNAVAILABLE, why);
        let Ok(_place) = self.places.try_acquire() else { return Err(later("too many webhooks at once")) };
        let patience = Duration::from_millis(provider.patience_ms());
        match timeout(patience, self.record(provider, &accounts, &facts)).await {
            Ok(Ok(recorded)) => Ok(recorded),
            Ok(Err(why)) => Err(later(&why.to_string())),
            Err(_) => Err(later("it waits too long for the disk")),
        }
    }

    /// Reads a request to its end.
    async fn read(&self, provider: Provider, request: Request) -> Result<Post, Refusal> {
        let refuse = |status, why| self.refuse(provider, Fate::Malformed, status, why);
        let (head, body) = request.into_parts();
        if !provider.uses(&head.method) {
            return Err(refuse(StatusCode::METHOD_NOT_ALLOWED, "webhooks are posted"));
        }
        let body = timeout(Duration::from_millis(WEBHOOK_READ_MS_MAX), to_bytes(body, WEBHOOK_BODY_BYTES_MAX)).await;
        let body = match body {
            Ok(Ok(body)) => body,
            Ok(Err(_)) => return Err(refuse(StatusCode::PAYLOAD_TOO_LARGE, "the body broke off, or is too long")),
            Err(_) => return Err(refuse(StatusCode::REQUEST_TIMEOUT, "the body takes too long")),
        };
        let called = head.uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Post {
            method: head.method,
            url: format!("{}{called}", self.setup.public_url),
            query: Form::parse(head.uri.query().unwrap_or_default().as_bytes()),
            headers: head.headers,
            body,
        })
    }

    /// Records what a request says.
    async fn record(
        &self,
        provider: Provider,
        accounts: &Accounts,
        facts: &[Fact],
    ) -> crate::error::Result<(Fate, Response)> {
        let grant = Grant { access: Access::Write, name: format!("webhook:{}", provider.word()).into() };
        let client = AsyncClient::new((self.connect)(grant));
        let (keywords, now) = (&*self.keywords, (self.now)());
        let mut handover = Handover { provider, accounts, keywords, now, client };
        let (mut fate, mut text, mut inbound): (Fate, String, Option<&Inbound>) = (Fate::Ignored, String::new(), None);
        for fact in facts {
            let whole = self.whole(fact, now);
            let told = handover.hand_over(whole.as_ref().unwrap_or(fact)).await?;
            // Of several, what has to be looked at counts.
            if fate != Fate::Refused && told.fate != Fate::Ignored {
                fate = told.fate;
            }
            if let Fact::Inbound(one) = fact {
                (inbound, text) = (Some(one), told.text);
            }
        }
        Ok((fate, answer::taken(provider, inbound, &text)))
    }

    /// A part of a message as it is to be recorded, if that is not as it came: with the text of all, where it was the last that
    /// was missing. Alone it permits nothing: `START` may be the end of anything.
    fn whole(&self, fact: &Fact, now: Millis) -> Option<Fact> {
        let Fact::Inbound(inbound) = fact else { return None };
        inbound.part.as_ref()?;
        let permits = || matches!(self.keywords.meaning(&inbound.text), Meaning::In | Meaning::InIfKnown);
        let text = match self.parts.whole(inbound, now) {
            Some(text) => text,
            None if permits() => format!("{}{}", inbound.text, unread::MARK),
            None => return None,
        };
        Some(Fact::Inbound(Inbound { text, ..inbound.clone() }))
    }

    fn refuse(&self, provider: Provider, fate: Fate, status: StatusCode, why: &str) -> Refusal {
        if self.log.is_due() {
            tracing::warn!("{}: a webhook was answered {}: {why}", provider.word(), status.as_u16());
        }
        Refusal { fate, answer: answer::refused(status, why) }
    }
}

async fn receive(State(webhooks): State<Arc<Webhooks>>, Path(word): Path<String>, request: Request) -> Response {
    let Some(provider) = Provider::of(&word) else {
        return answer::refused(StatusCode::NOT_FOUND, "this provider is not known");
    };
    let (fate, answer) = match webhooks.answer(provider, request).await {
        Ok(answered) => answered,
        Err(Refusal { fate, answer }) => (fate, answer),
    };
    webhooks.counts.add(provider, fate);
    answer
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const PASSWORD: &str = "Basic bmFtZTpwYXNzd29yZA==";

    /// Webhooks of Bandwidth into a daemon that has one reply to everything; "" for none at all.
    fn webhooks(reply: &'static str) -> Arc<Webhooks> {
        let connect = move |_: Grant| {
            let (mut inside, outside) = tokio::io::duplex(64 * 1024);
            tokio::spawn(async move {
                let mut request = [0; 8 * 1024];
                while inside.read(&mut request).await.is_ok_and(|read| read > 0) {
                    if inside.write_all(reply.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
            outside
        };
        let accounts = Accounts::parse("bandwidth name password").map_err(|why| why.message).expect("a file");
        let accounts = Arc::new(Reloadable::fixed(accounts));
        let setup = WebhookSetup { public_url: "https://sms.example.com".into(), accounts };
        Arc::new(Webhooks::new(setup, Box::new(connect), Arc::default(), Box::new(|| 1_780_000_000_000)))
    }

    fn request() -> Request {
        let event = r#"[{"type":"message-received","to":"+14155550100","message":{"id":"1","from":"+14155550123","text":"Stop"}}]"#;
        let request = Request::post("/webhooks/bandwidth").header("authorization", PASSWORD).body(event.into());
        request.expect("a request")
    }

    async fn status(webhooks: &Webhooks) -> (Fate, u16) {
        match webhooks.answer(Provider::Bandwidth, request()).await {
            Ok((fate, answer)) | Err(Refusal { fate, answer }) => (fate, answer.status().as_u16()),
        }
    }

    #[tokio::test]
    async fn the_provider_comes_again_if_it_helps() {
        for (reply, told) in [
            ("+message\r\n", (Fate::Recorded, 204)),
            ("-READONLY disk full\r\n", (Fate::Later, 503)),
            ("-BUSY too many clients\r\n", (Fate::Later, 503)),
            ("-LOADING wait\r\n", (Fate::Later, 503)),
            ("-DRAINING stopping\r\n", (Fate::Later, 503)),
            ("-INTERNAL defect\r\n", (Fate::Later, 503)),
            ("-READONLY taken +14155550123 opted out; disk full\r\n", (Fate::Later, 503)),
            ("-BADARG taken +14155550123 opted out; what\r\n", (Fate::Recorded, 204)),
            ("-BADARG what\r\n", (Fate::Refused, 204)),
            ("-LIMIT too long\r\n", (Fate::Refused, 204)),
        ] {
            assert_eq!(status(&webhooks(reply)).await, told, "{reply}");
        }
    }

    #[tokio::test]
    async fn no_more_than_so_many_wait_for_the_disk() {
        let webhooks = webhooks("");
        let waiting: Vec<_> = (0..WEBHOOKS_MAX)
            .map(|_| {
                let webhooks = Arc::clone(&webhooks);
                tokio::spawn(async move { status(&webhooks).await })
            })
            .collect();
        while webhooks.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(status(&webhooks).await, (Fate::Later, 503));
        waiting.iter().for_each(tokio::task::JoinHandle::abort);
        while webhooks.places.available_permits() < WEBHOOKS_MAX {
            tokio::task::yield_now().await;
        }
    }
}
