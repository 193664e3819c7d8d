//! BACKUP: backups of the store, made while it serves. The run itself is a background job, [`crate::jobs::Backup`].

use data_encoding::BASE64;
use serde_json::{Value, json};

use super::Context;
use crate::error::{Code, Error, Result};
use crate::jobs::{BackupRun, Made, Status};
use crate::json::date;
use crate::wire::{Args, Replies};

pub fn backup(context: &Context, mut args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let word = args.next().unwrap_or_default().to_ascii_uppercase();
    let (name, offset) = (args.next(), args.next());
    let job = &context.jobs.backup;
    match (word.as_slice(), name, offset) {
        (b"RUN", name, None) => {
            job.begin(name.map(text).transpose()?)?;
            replies.text("started");
        }
        (b"STATUS", None, None) => {
            replies.text(&status_json(&job.status(), job.work().newest().as_ref()).to_string());
        }
        (b"STOP", None, None) => replies.text(if job.stop() { "stopping" } else { "idle" }),
        (b"LIST", None, None) => {
            let files = job.work().files()?;
            replies.array(files.len());
            for file in files {
                let json = json!({"name": file.name, "bytes": file.bytes, "made_at": date(file.made_at)});
                replies.text(&json.to_string());
            }
        }
        (b"READ", Some(name), Some(offset)) => {
            let offset = text(offset)?.parse().map_err(|_| Error::bad_arg("an offset is a number of bytes"))?;
            replies.text(&BASE64.encode(&job.work().read(&text(name)?, offset)?));
        }
        (b"DROP", Some(name), None) => {
            job.work().remove(&text(name)?)?;
            replies.text("dropped");
        }
        _ => return Err(Error::new(Code::Err, "usage: BACKUP RUN [name]|STATUS|STOP|LIST|READ name offset|DROP name")),
    }
    Ok(())
}

fn text(word: &[u8]) -> Result<String> {
    String::from_utf8(word.to_vec()).map_err(|_| Error::bad_arg("a backup's name has letters, digits, -, _ and dots"))
}

fn status_json(status: &Status<BackupRun>, newest: Option<&Made>) -> Value {
    let run = |state: &str, run: &BackupRun| {
        json!({
            "state": state,
            "name": run.name,
            "started_at": date(run.started_at),
            "rows": run.progress.rows,
            "bytes": run.progress.bytes,
        })
    };
    let mut json = match status {
        Status::Idle => json!({ "state": "idle" }),
        Status::BrokeOff(run, why) => json!({ "state": "idle", "name": run.name, "broke_off": why.message }),
        Status::Running(running) => run("running", running),
        Status::Stopping(running) => run("stopping", running),
    };
    json["newest"] = newest.map_or(Value::Null, |made| {
        json!({
            "name": made.name,
            "bytes": made.bytes,
            "took_ms": made.took_ms,
            "closed_at": date(made.end.closed_at),
            "contacts": made.end.contacts,
            "lists": made.end.lists,
            "tombstones": made.end.tombstones,
        })
    });
    json
}
