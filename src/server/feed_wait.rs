//! A FEED that waits for news.

use std::io;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::Server;
use super::withdrawal::Ending;

/// A request that waits for news of the feed. It is run again when there is news, and when its time is over.
pub(super) struct FeedWait {
    news: watch::Receiver<u64>,
    is_new: bool,
    until: Instant,
    /// Its time is over, or nobody waits any more.
    pub(super) is_over: bool,
}

impl FeedWait {
    /// Begins to listen for news.
    pub(super) fn new(server: &Server, wait_ms: u64) -> FeedWait {
        FeedWait {
            news: server.feed.subscribe(),
            is_new: true,
            until: Instant::now() + Duration::from_millis(wait_ms),
            is_over: false,
        }
    }

    /// Waits for news, for the end of its time, until the connection has to end, or until the client leaves. `read` reads
    /// what the client sends meanwhile.
    pub(super) async fn wait(
        &mut self,
        ending: &mut Ending,
        read: impl Future<Output = io::Result<usize>>,
    ) -> io::Result<()> {
        // News may have come after the request was run and before this began to listen: it is run once more at once.
        if std::mem::take(&mut self.is_new) {
            return Ok(());
        }
        tokio::select! {
            _ = self.news.changed() => {}
            () = sleep_until(self.until) => self.is_over = true,
            () = ending.told() => self.is_over = true,
            read = read => self.is_over = read? == 0,
        }
        Ok(())
    }
}
