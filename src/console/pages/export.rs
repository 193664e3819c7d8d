//! A segment as a file for spreadsheets.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::contacts::Segment;
use super::{Page, error_page};
use crate::client::Client;
use crate::console::Console;
use crate::console::streamed::download;
use crate::console::visit::Visit;
use crate::error::Error;
use crate::export::{Format, export};

#[derive(Deserialize)]
pub struct Options {
    /// The list whose rows are wanted; "" for those of all.
    #[serde(default, deserialize_with = "crate::console::words::number")]
    list: String,
    #[serde(flatten)]
    filter: Segment,
}

/// Gives the file, while it is written.
pub async fn show(State(console): State<Arc<Console>>, Query(options): Query<Options>, mut visit: Visit) -> Page {
    let Ok(place) = Arc::clone(&console.exports).try_acquire_owned() else {
        let text = "Other exports go on. Try again when one of them is done.";
        return Ok(error_page(StatusCode::SERVICE_UNAVAILABLE, "Too many exports at once", text));
    };
    if visit.stats().get("fenced") == "true" {
        let text = "It does not know who opted out last: rows would say active of people who may have refused. End the fence first.";
        return Ok(error_page(StatusCode::CONFLICT, "This store is fenced", text));
    }
    let filter = options.filter.words().replace(char::is_control, " ");
    // Of those that a list can reach, each has one row: the one for that list.
    let list = [options.list, options.filter.can_receive].into_iter().find(|list| !list.is_empty());
    // A wrong filter is told on a page, not in the file.
    visit.asker.count(&filter).await?;
    let mut what = "contacts".to_owned();
    if let Some(list) = &list {
        let Some(found) = visit.list(list).await? else {
            return Err(Error::new(crate::error::Code::NoList, format!("{list} is not a sending list")));
        };
        what = format!("{} {list}", found.name);
    }
    let day = visit.now().get(..10).unwrap_or_default().to_owned();
    let name = format!("{}-{day}.csv", file_name(&what));
    let socket = console.inside.socket(visit.grant.clone()).map_err(Error::internal)?;
    download(&name, "text/csv; charset=utf-8", move |out| {
        let _place = place;
        export(&mut Client::over_socket(socket), &filter, list.as_deref(), Format::Csv, out)
    })
}

/// A text as every system takes it for the name of a file.
fn file_name(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_a_list_is_one_of_a_file() {
        for (text, name) in
            [("Spring sale +14155550100", "spring-sale-14155550100"), (" 24365", "24365"), ("../\"", "")]
        {
            assert_eq!(file_name(text), name);
        }
    }
}
