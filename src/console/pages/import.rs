//! One import: what its columns are, what a dry run would do, how far its run is, what it came to.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::imports::reads_only;
use super::{Page, error_page, render};
use crate::command::Access;
use crate::console::Console;
use crate::console::act::Fields;
use crate::console::frame::{Frame, Section};
use crate::console::imports::{Answers, Import, Means, Open, Outcome, Stage, form, words};
use crate::console::session::Said;
use crate::console::streamed::download;
use crate::console::visit::{ListReply, Visit};
use crate::console::words::{When, counted, grouped, size};
use crate::error::{Error, Result};
use crate::import::columns::question::Question;
use crate::import::{AllAre, choices};
use crate::model::time;

#[derive(Template)]
#[template(path = "import_columns.html", config = "src/console/askama.toml")]
struct Asked {
    frame: Frame,
    head: Head,
    answers: Answers,
    lists: Vec<ListReply>,
    is_listless: bool,
    all_are: &'static str,
    kinds: Vec<(&'static str, &'static str)>,
    /// What speaks of people who want no messages; "" where nothing does, or somebody said what the rows are.
    title: String,
    /// Whether a line between the rows may be a title, or somebody has said that none is.
    has_section: bool,
    /// What the form sends for that none is.
    no_sections: &'static str,
    wrong: String,
    rows: String,
    questions: Vec<String>,
    open: usize,
    columns: Vec<form::Column>,
    trial: Option<Told>,
}

#[derive(Template)]
#[template(path = "import_run.html", config = "src/console/askama.toml")]
struct Run {
    frame: Frame,
    head: Head,
    running: Option<Progress>,
    done: Option<Told>,
}

/// What the pages of an import have in common.
struct Head {
    name: String,
    size: String,
    who: Arc<str>,
    at: When,
    path: String,
}

/// How far a run is.
struct Progress {
    is_trial: bool,
    percent: u64,
    rows: String,
    rejected: String,
}

/// What a run came to, in words.
struct Told {
    error: String,
    is_trial: bool,
    began: When,
    ended: When,
    import_id: String,
    rows: String,
    /// The rows in words, as in `1 row`.
    all_rows: String,
    /// How many rows an import would take, and whether these are most of them.
    readable: String,
    is_mostly_taken: bool,
    counts: Vec<(&'static str, String)>,
    kept: Vec<(String, String)>,
    rejected: String,
    refusals: Vec<words::Refused>,
    taken: String,
    has_rejects: bool,
    list: String,
    columns: Vec<(String, String)>,
    warnings: Vec<String>,
}

/// Shows how far it is.
pub async fn show(State(console): State<Arc<Console>>, Path(id): Path<String>, mut visit: Visit) -> Page {
    console.tidy();
    let Some(import) = console.imports.get(&id) else { return Ok(gone()) };
    let is_open = matches!(*import.stage(), Stage::Open(_));
    let is_theirs = is_theirs(&import, &visit);
    if is_open && !is_theirs {
        return Ok(somebody_elses());
    }
    let lists = if is_open { lists(&mut visit, &import).await? } else { Vec::new() };
    let title = format!("Import of {}", import.name);
    let frame = visit.frame(Section::Imports, title);
    page(&import, frame, lists, is_theirs)
}

/// The lists to choose from: the first thousand, and the one that is chosen.
async fn lists(visit: &mut Visit, import: &Import) -> Result<Vec<ListReply>> {
    let mut lists: Vec<ListReply> = visit.asker.items(&["LISTS", "LIMIT", "1000"]).await?;
    let chosen = match &*import.stage() {
        Stage::Open(open) => open.answers.list.clone(),
        _ => String::new(),
    };
    if !matches!(chosen.as_str(), "" | "*") && !lists.iter().any(|list| list.list == chosen) {
        lists.extend(visit.list(&chosen).await?);
    }
    Ok(lists)
}

fn page(import: &Import, frame: Frame, lists: Vec<ListReply>, is_theirs: bool) -> Page {
    let stage = import.stage();
    let head = Head {
        name: import.name.clone(),
        size: size(import.bytes),
        who: Arc::clone(&import.who),
        at: When::new(&time::format(import.at)),
        path: format!("/imports/{}", import.id),
    };
    match &*stage {
        Stage::Open(open) => render(&columns(open, frame, head, lists)),
        Stage::Running(running) => {
            let report = running.watch.report();
            let progress = Progress {
                is_trial: running.is_trial,
                percent: running.percent(import.bytes),
                rows: counted(report.rows, "row"),
                rejected: grouped(report.rejected()),
            };
            render(&Run { frame, head, running: Some(progress), done: None })
        }
        Stage::Done(outcome) => render(&Run { frame, head, running: None, done: Some(told(outcome, is_theirs)) }),
        Stage::Gone => Ok(gone()),
    }
}

fn columns(open: &Open, frame: Frame, head: Head, lists: Vec<ListReply>) -> Asked {
    let mut page = Asked {
        frame,
        head,
        answers: open.answers.clone(),
        lists,
        is_listless: false,
        all_are: open.answers.all_are.map_or("", AllAre::word),
        kinds: choices::ROWS.iter().map(|(_, kind, words)| (kind.word(), *words)).collect(),
        title: String::new(),
        has_section: open.answers.has_no_sections,
        no_sections: form::NO_SECTIONS,
        wrong: String::new(),
        rows: String::new(),
        questions: Vec::new(),
        open: 0,
        columns: Vec::new(),
        trial: open.trial.as_ref().map(|trial| told(trial, true)),
    };
    let sheet = match &open.sheet {
        Ok(sheet) => sheet,
        Err(why) => {
            page.wrong = words::unreadable(&why.message);
            return page;
        }
    };
    let (questions, is_listless) = form::questions(sheet);
    page.is_listless = is_listless;
    page.rows = sheet.describe().rows();
    page.columns = form::columns(sheet, &questions);
    page.open = page.columns.iter().filter(|column| !column.question.is_empty()).count();
    page.questions = questions.iter().filter_map(words::question).collect();
    for question in questions {
        match question {
            Question::Rows(title) => page.title = title,
            Question::Section(..) => page.has_section = true,
            _ => {}
        }
    }
    page
}

/// What a run came to. What stands in the file is for whoever brought it.
fn told(outcome: &Outcome, is_theirs: bool) -> Told {
    let mut report = outcome.report.clone();
    if !is_theirs {
        report.forget_examples();
    }
    let count = |rows: u64, what: &'static str| Some((what, grouped(rows))).filter(|_| rows > 0);
    let counts = [
        count(report.readable, "would be imported"),
        count(report.created, "new, or new on their list"),
        count(report.updated, "changed"),
        count(report.unchanged, "as they were"),
        count(report.duplicate, "numbers that were in the file before"),
    ];
    let kept = report.kept.iter().map(|(reason, rows)| (words::kept(reason).to_owned(), grouped(*rows)));
    Told {
        error: outcome.error.as_deref().map(words::ended).unwrap_or_default(),
        is_trial: report.dry_run,
        began: When::new(&time::format(outcome.began)),
        ended: When::new(&time::format(outcome.ended)),
        import_id: report.import_id.clone(),
        rows: grouped(report.rows),
        all_rows: counted(report.rows, "row"),
        readable: grouped(report.readable + report.duplicate),
        is_mostly_taken: report.rejected() * 2 < report.rows,
        counts: counts.into_iter().flatten().collect(),
        kept: kept.collect(),
        rejected: grouped(report.rejected()),
        refusals: words::refusals(&report),
        taken: if report.taken > 0 { grouped(report.taken) } else { String::new() },
        has_rejects: outcome.rejects.is_some(),
        list: outcome.list.clone(),
        columns: report.columns.clone(),
        warnings: report.warnings.iter().map(|warning| words::warning(warning)).collect(),
    }
}

/// Does what one of the forms says, and leads back to the page.
pub async fn act(
    State(console): State<Arc<Console>>,
    Path(id): Path<String>,
    mut visit: Visit,
    Form(mut fields): Form<Fields>,
) -> Response {
    if visit.grant.access < Access::Write {
        return reads_only();
    }
    console.tidy();
    let Some(import) = console.imports.get(&id) else { return gone() };
    if !is_theirs(&import, &visit) {
        return somebody_elses();
    }
    let created = new_list(&mut fields, &mut visit).await;
    let done = match fields.get("do") {
        _ if created.is_err() => created.map(|()| ""),
        "read" => read(&import, &fields).map(|()| "Read again with your answers."),
        "try" => read(&import, &fields).and_then(|()| run(&console, &import, &visit, true)).map(|()| ""),
        "run" => run(&console, &import, &visit, false).map(|()| ""),
        "stop" => {
            if let Stage::Running(running) = &*import.stage() {
                running.stop();
            }
            Ok("")
        }
        "discard" => {
            let is_running = matches!(*import.stage(), Stage::Running(_));
            if is_running {
                Err(Error::bad_arg("it goes on: stop it first"))
            } else {
                console.imports.forget(&id);
                visit.session.say(Said::good("The file is discarded."));
                return Redirect::to("/imports").into_response();
            }
        }
        _ => Err(Error::bad_arg("there is no such form")),
    };
    match done {
        // A small file is done before the next page is there.
        Ok("") => settled(&import).await,
        Ok(text) => visit.session.say(Said::good(text)),
        Err(why) => {
            visit.session.say(Said::bad(format!("Not done: {}.", why.message.trim_end_matches('.'))));
        }
    }
    Redirect::to(&format!("/imports/{id}")).into_response()
}

/// Waits a moment for a run to end.
async fn settled(import: &Import) {
    for _ in 0..20 {
        if !matches!(*import.stage(), Stage::Running(_)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Makes the list that the form names as a new one, and has it chosen.
async fn new_list(fields: &mut Fields, visit: &mut Visit) -> Result<()> {
    if fields.get("new_list").is_empty() {
        return Ok(());
    }
    let list = visit.list_number(fields.get("new_list")).await?;
    // One that is there keeps its name.
    if visit.list(&list).await?.is_none() {
        let json = serde_json::json!({ "name": fields.get("new_name") });
        visit.asker.ask(&["LIST", &list, &json.to_string()]).await?;
    }
    fields.set("list", list);
    Ok(())
}

/// Takes the answers of the form.
fn read(import: &Import, fields: &Fields) -> Result<()> {
    let answers = form::answers(fields)?;
    // It may read the whole file.
    tokio::task::block_in_place(|| import.read(answers, fields))
}

fn run(console: &Console, import: &Arc<Import>, visit: &Visit, is_trial: bool) -> Result<()> {
    let socket = || console.inside.socket(visit.grant.clone()).map_err(Error::internal);
    let means =
        Means { sockets: [socket()?, socket()?], rejects: console.imports.scratch()?, now: time::parse(visit.now())? };
    import.run(is_trial, means)
}

/// Gives the file of the rows that were rejected.
pub async fn rejects(State(console): State<Arc<Console>>, Path(id): Path<String>, visit: Visit) -> Page {
    console.tidy();
    let Some(import) = console.imports.get(&id) else { return Ok(gone()) };
    if !is_theirs(&import, &visit) {
        return Ok(somebody_elses());
    }
    let outcome = match &*import.stage() {
        Stage::Done(outcome) => outcome.rejects.clone().map(|file| (file, outcome.is_ndjson)),
        Stage::Open(open) => open.trial.as_ref().and_then(|trial| Some((trial.rejects.clone()?, trial.is_ndjson))),
        _ => None,
    };
    let Some((file, is_ndjson)) = outcome else { return Ok(gone()) };
    let (name, kind) = if is_ndjson {
        ("rejected.ndjson", "application/x-ndjson")
    } else {
        ("rejected.csv", "text/csv; charset=utf-8")
    };
    download(name, kind, move |out| std::io::copy(&mut file.reading(), out).map(|_| ()).map_err(Error::internal))
}

/// Whether a visitor has the token that the import came with, and may still write: what a file holds is for nobody else.
fn is_theirs(import: &Import, visit: &Visit) -> bool {
    import.token() == visit.session.token && visit.grant.access >= Access::Write
}

fn gone() -> Response {
    let text = "It is done and forgotten, was discarded, or the session has ended in which its file came. Imports has the \
                newest ones.";
    error_page(StatusCode::NOT_FOUND, "This import is not here any more", text)
}

fn somebody_elses() -> Response {
    let text = "Whoever uploaded the file has to answer for it, with the same token.";
    error_page(StatusCode::FORBIDDEN, "This file is somebody else's", text)
}
