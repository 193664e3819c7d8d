//! Metrics: everything that is counted, read at the moment of a scrape and written as Prometheus and `OpenMetrics` want it.
//!
//! Nothing here is kept between two scrapes. A line of STATS becomes a metric by itself ([`stats`]); the other files have
//! what STATS does not tell. No phone number, value of a label or message id is ever in a metric.

mod daemon;
mod family;
mod lists;
mod process;
mod stats;

use std::sync::Arc;

use prometheus_client::encoding::{prometheus_text, text};
use prometheus_client::registry::Registry;

use crate::command::{Context, Counters};
use crate::error::{Error, Result};
use crate::webhooks::Counts;
use family::Families;

/// How metrics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The text format of Prometheus, version 0.0.4.
    Prometheus,
    /// `OpenMetrics` 1.0.0.
    OpenMetrics,
}

impl Format {
    /// The format that a scraper's `Accept` asks for.
    pub fn accepted(accept: &str) -> Format {
        let wants_open = accept.split(',').any(|kind| {
            kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/openmetrics-text"))
        });
        if wants_open { Format::OpenMetrics } else { Format::Prometheus }
    }

    /// What the `Content-Type` of a reply says.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Prometheus => prometheus_text::CONTENT_TYPE,
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// What the server knows of itself.
#[derive(Clone, Copy)]
pub struct ServerState<'a> {
    /// It has loaded the store and does not drain.
    pub ready: bool,
    /// Connections that wait for news of the feed.
    pub feed_followers: usize,
    /// How many webhooks came, if they are taken.
    pub webhooks: Option<&'a Counts>,
}

/// What is open in a daemon.
pub enum Open {
    /// Nothing: the store is being loaded, or another daemon has it. There are few metrics then.
    Nothing,
    /// A store.
    Store(Arc<Context>),
    /// Partitions of a store, by their places. What the daemon itself counts comes with them.
    Partitions(Vec<(usize, Arc<Context>)>, Arc<Counters>),
}

/// All metrics as they are now. Lists with ids from `lists_max` on are summed. Those of a partition have its place in a label.
pub fn scrape(open: &Open, server: ServerState<'_>, lists_max: usize, format: Format) -> Result<String> {
    let mut families = Families::default();
    process::collect(&mut families);
    daemon::collect_server(&mut families, server);
    match open {
        Open::Nothing => {}
        Open::Store(context) => {
            collect(&mut families, context, lists_max)?;
            daemon::files(&mut families, &context.reloads, context.store.now());
        }
        Open::Partitions(partitions, counters) => {
            if let Some((_, any)) = partitions.first() {
                // The files of a daemon are those of all its partitions.
                stats::collect_daemon(&mut families, counters, &any.reloads);
                daemon::errors(&mut families, counters);
                daemon::files(&mut families, &any.reloads, any.store.now());
            }
            let mut joined = Families::default();
            for (place, context) in partitions {
                let mut own = Families::default();
                collect(&mut own, context, lists_max)?;
                joined.join(own, "partition", &place.to_string(), &families);
            }
            families.append(joined);
        }
    }
    let mut registry = Registry::default();
    registry.register_collector(Box::new(families));
    let mut page = String::new();
    match format {
        Format::Prometheus => prometheus_text::encode(&mut page, &registry),
        Format::OpenMetrics => text::encode(&mut page, &registry),
    }
    .map_err(|why| Error::internal(format!("cannot write the metrics: {why}")))?;
    Ok(page)
}

/// Those of one store.
fn collect(families: &mut Families, context: &Context, lists_max: usize) -> Result<()> {
    stats::collect(families, context);
    daemon::collect(families, context)?;
    lists::collect(families, &context.store, lists_max);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_the_one_that_is_asked_for() {
        for (accept, format) in [
            ("", Format::Prometheus),
            ("text/plain", Format::Prometheus),
            ("*/*", Format::Prometheus),
            ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", Format::Prometheus),
            ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.2", Format::OpenMetrics),
            ("text/plain, Application/OpenMetrics-Text", Format::OpenMetrics),
        ] {
            assert_eq!(Format::accepted(accept), format, "{accept}");
        }
    }
}
