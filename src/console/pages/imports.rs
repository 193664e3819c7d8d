//! Imports: the form that takes a file, and what became of earlier ones.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use askama::Template;
use axum::extract::multipart::Field;
use axum::extract::{Multipart, Query, State};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::Value;

use super::{Page, error_page, render};
use crate::client::Reply;
use crate::command::Access;
use crate::console::Console;
use crate::console::ask::{parse, text};
use crate::console::frame::{Frame, Section};
use crate::console::imports::{Answers, Import, Stage, Upload, Uploader};
use crate::console::session::Said;
use crate::console::visit::Visit;
use crate::console::words::{self, When, grouped, size};
use crate::error::{Error, Result};
use crate::limits::{DISK_FREE_LOW_BYTES, UPLOAD_BYTES_MAX};
use crate::model::time;

#[derive(Template)]
#[template(path = "imports.html", config = "src/console/askama.toml")]
struct Imports {
    frame: Frame,
    rows: Vec<Row>,
    others: Vec<Other>,
    /// The list that was chosen already; "" for none.
    list: String,
    bytes_max: u64,
    size_max: String,
}

/// An import that the console remembers.
struct Row {
    path: String,
    name: String,
    who: Arc<str>,
    at: When,
    state: &'static str,
    class: &'static str,
    rows: String,
    taken: String,
    kept: String,
    rejected: String,
}

/// An import of which contacts tell, whoever made it.
struct Other {
    id: When,
    source: String,
    who: String,
    contacts: String,
    sample: String,
}

#[derive(Deserialize)]
pub struct Options {
    #[serde(default, deserialize_with = "words::number")]
    list: String,
}

/// Shows them, the newest first.
pub async fn show(State(console): State<Arc<Console>>, Query(options): Query<Options>, mut visit: Visit) -> Page {
    console.tidy();
    let imports = console.imports.all();
    let known: BTreeSet<String> = imports.iter().filter_map(|import| import_id(import)).collect();
    let others = if visit.is_live { Vec::new() } else { others(&mut visit, &known).await? };
    render(&Imports {
        rows: imports.iter().map(|import| row(import)).collect(),
        others,
        list: options.list,
        bytes_max: UPLOAD_BYTES_MAX,
        size_max: size(UPLOAD_BYTES_MAX),
        frame: visit.frame(Section::Imports, "Imports"),
    })
}

fn import_id(import: &Import) -> Option<String> {
    match &*import.stage() {
        Stage::Running(running) if !running.is_trial => Some(time::format(running.began)),
        Stage::Done(outcome) => Some(outcome.report.import_id.clone()),
        _ => None,
    }
}

fn row(import: &Import) -> Row {
    let stage = import.stage();
    let (told, class, report) = match &*stage {
        Stage::Open(_) => ("waits for answers", "warn", None),
        Stage::Running(running) if running.is_trial => ("dry run goes on", "quiet", None),
        Stage::Running(running) => ("goes on", "quiet", Some(running.watch.report())),
        Stage::Done(outcome) if outcome.error.is_some() => ("ended early", "bad", Some(outcome.report.clone())),
        Stage::Done(outcome) => ("done", "good", Some(outcome.report.clone())),
        Stage::Gone => ("discarded", "quiet", None),
    };
    let count = |of: fn(&crate::import::Report) -> u64| report.as_ref().map(|report| grouped(of(report)));
    Row {
        path: format!("/imports/{}", import.id),
        name: import.name.clone(),
        who: Arc::clone(&import.who),
        at: When::new(&time::format(import.at)),
        state: told,
        class,
        rows: count(|report| report.rows).unwrap_or_default(),
        taken: count(|report| report.created + report.updated + report.unchanged + report.duplicate)
            .unwrap_or_default(),
        kept: count(|report| report.kept.values().sum()).unwrap_or_default(),
        rejected: count(crate::import::Report::rejected).unwrap_or_default(),
    }
}

/// Contacts of the newest changes that are asked which import they are from.
const CONTACTS_ASKED: usize = 100;

/// Other imports, of which the contacts that changed last tell: those of a command line, and those before a restart.
async fn others(visit: &mut Visit, known: &BTreeSet<String>) -> Result<Vec<Other>> {
    let Reply::Array(items) = visit.asker.ask(&["FEED", "LAST", "1000"]).await? else { return Ok(Vec::new()) };
    let mut phones = Vec::new();
    for item in items.into_iter().skip(1) {
        let item: Value = parse(&text(item)?)?;
        let phone = item["phone"].as_str().unwrap_or_default();
        let is_asked =
            matches!(item["cause"].as_str(), Some("subscribe" | "created" | "optout" | "suppress" | "invalid"));
        if is_asked && !phone.is_empty() && !phones.iter().any(|known| known == phone) {
            phones.push(phone.to_owned());
        }
    }
    // Some from all over the newest changes, so that one large import does not hide the others.
    let step = phones.len().div_ceil(CONTACTS_ASKED).max(1);
    let asks: Vec<Vec<String>> = phones
        .into_iter()
        .step_by(step)
        .map(|phone| ["HISTORY", &phone, "LIMIT", "20"].map(str::to_owned).to_vec())
        .collect();
    let mut found = BTreeMap::<String, (Other, BTreeSet<usize>)>::new();
    for (at, reply) in visit.asker.ask_each(&asks).await?.into_iter().enumerate() {
        let Reply::Array(events) = reply else { continue };
        for event in events.into_iter().skip(1) {
            let event: Value = parse(&text(event)?)?;
            let get = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
            let id = get("id");
            if get("how") != "import" || id.is_empty() || known.contains(&id) {
                continue;
            }
            let make = || Other {
                id: When::new(&id),
                source: get("source"),
                who: get("by"),
                contacts: String::new(),
                sample: asks[at][1].clone(),
            };
            found.entry(id.clone()).or_insert_with(|| (make(), BTreeSet::new())).1.insert(at);
        }
    }
    let told = found.into_values().rev().map(|(other, contacts)| {
        let contacts = if step > 1 { format!("{} and more", contacts.len()) } else { contacts.len().to_string() };
        Other { contacts, ..other }
    });
    Ok(told.take(20).collect())
}

/// Takes a file, and leads to the page that asks what its columns are.
pub async fn upload(
    State(console): State<Arc<Console>>,
    visit: Visit,
    headers: HeaderMap,
    mut form: Multipart,
) -> Response {
    if visit.grant.access < Access::Write {
        return reads_only();
    }
    console.tidy();
    let received = match admit(&console, &visit, &headers) {
        Ok(upload) => receive(&mut form, upload).await,
        Err(why) => Err(why),
    };
    let added = received.and_then(|(upload, name, answers)| {
        let now = time::parse(visit.now())?;
        let by = Uploader { who: &visit.grant.name, session: &visit.session, now };
        // It reads the whole file.
        tokio::task::block_in_place(|| console.imports.add(upload, &name, answers, &by))
    });
    match added {
        Ok(import) => Redirect::to(&format!("/imports/{}", import.id)).into_response(),
        Err(why) => {
            swallow(&mut form).await;
            visit.session.say(Said::bad(format!("Not taken: {}.", why.message)));
            Redirect::to("/imports").into_response()
        }
    }
}

/// Looks whether there is room for a file.
fn admit(console: &Console, visit: &Visit, headers: &HeaderMap) -> Result<Upload> {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let length = length.unwrap_or(UPLOAD_BYTES_MAX);
    if length > UPLOAD_BYTES_MAX + super::super::UPLOAD_BYTES_BESIDES as u64 {
        return Err(too_large());
    }
    // The rejected rows may be as many as the file has.
    let free = visit.stats().number("disk_free_bytes");
    if free > 0 && free < DISK_FREE_LOW_BYTES + 2 * length {
        return Err(Error::bad_arg("the disk of contactd has too little room for this file"));
    }
    console.imports.begin()
}

/// Writes the file of a form to the disk, piece by piece.
async fn receive(form: &mut Multipart, upload: Upload) -> Result<(Upload, String, Answers)> {
    let mut answers = Answers::default();
    let mut name = None;
    while let Some(mut field) = form.next_field().await.map_err(|why| refused(&why))? {
        match field.name() {
            Some("list") => answers.list = short(field).await?,
            Some("file") if name.is_none() => {
                name = Some(field.file_name().unwrap_or_default().to_owned());
                let mut bytes = 0;
                while let Some(piece) = field.chunk().await.map_err(|why| refused(&why))? {
                    bytes += piece.len() as u64;
                    if bytes > UPLOAD_BYTES_MAX {
                        return Err(too_large());
                    }
                    tokio::task::block_in_place(|| upload.file.add(&piece))?;
                }
            }
            _ => return Err(Error::bad_arg("this form is not one of ours")),
        }
    }
    match name {
        Some(name) if !name.is_empty() && upload.file.bytes() > 0 => Ok((upload, name, answers)),
        Some(name) if !name.is_empty() => Err(Error::bad_arg("the file is empty")),
        _ => Err(Error::bad_arg("choose a file first")),
    }
}

/// A field that is no file.
async fn short(mut field: Field<'_>) -> Result<String> {
    let mut told = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(|why| refused(&why))? {
        told.extend_from_slice(&piece);
        if told.len() > 64 {
            return Err(Error::bad_arg("this form is not one of ours"));
        }
    }
    Ok(String::from_utf8_lossy(&told).trim().to_owned())
}

/// A browser reads no answer before it has sent all: what is too long is read on for a while.
async fn swallow(form: &mut Multipart) {
    let mut bytes = 0;
    while let Ok(Some(mut field)) = form.next_field().await {
        while let Ok(Some(piece)) = field.chunk().await {
            bytes += piece.len() as u64;
            if bytes > UPLOAD_BYTES_MAX {
                return;
            }
        }
    }
}

fn too_large() -> Error {
    Error::bad_arg(format!(
        "a file may have at most {}: import it in parts, or with contactd import",
        size(UPLOAD_BYTES_MAX)
    ))
}

fn refused(why: &axum::extract::multipart::MultipartError) -> Error {
    if why.status() == StatusCode::PAYLOAD_TOO_LARGE { too_large() } else { Error::bad_arg(why.body_text()) }
}

/// For whose token may read only.
pub fn reads_only() -> Response {
    error_page(StatusCode::FORBIDDEN, "Your token does not allow this", "An import needs a token that may write.")
}
