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
    #[serde(default)]
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
    let filter = options.filter.words().replace(char::is_control, " ");
    let list = Some(options.list).filter(|list| !list.is_empty());
    // A wrong filter is told on a page, not in the file.
    visit.asker.count(&filter).await?;
    if let Some(list) = &list
        && visit.list(list).await?.is_none()
    {
        return Err(Error::new(crate::error::Code::NoList, format!("{list} is not a sending list")));
    }
    let socket = console.inside.socket(visit.grant.clone()).map_err(Error::internal)?;
    download("contacts.csv", "text/csv; charset=utf-8", move |out| {
        let _place = place;
        export(&mut Client::over_socket(socket), &filter, list.as_deref(), Format::Csv, out)
    })
}
