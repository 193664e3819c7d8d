//! The bytes of requests: an import of a row, or what forbids alone.

use std::io::Write;

use serde_json::Value;

use super::country::Number;
use super::row::Defaults;
use super::told::{FORBIDDING, Told};
use crate::model::change::RowStatus;
use crate::model::phone::Phone;
use crate::model::time;
use crate::wire::{end_line, write_request};

/// Whose opt-out a row is.
pub enum Subject<'c> {
    /// A number as IMPORT takes it.
    Planned(Number<'c>),
    /// A number that no plan knows: OPTOUT takes it.
    Unplanned(Phone),
}

/// Begins an IMPORT: the list, the phone, and where the row comes from.
pub fn begin_import(list: &str, number: Number<'_>, told: &Told<'_>, defaults: &Defaults, out: &mut Vec<u8>) {
    put_parts(out, ["IMPORT ", list, " {\"phone\":"]);
    match number {
        Number::Written(raw, region) => {
            put_text(out, raw);
            if let Some(region) = region {
                put_parts(out, [",\"region\":\"", region.as_str(), "\""]);
            }
        }
        Number::Known(phone) => put(out, format_args!("\"{phone}\"")),
    }
    let source = told.source.as_deref().unwrap_or(&defaults.source);
    if !source.is_empty() {
        out.extend_from_slice(b",\"source\":");
        put_text(out, source);
    }
    if !defaults.import_id.is_empty() {
        out.extend_from_slice(b",\"import_id\":");
        put_text(out, &defaults.import_id);
    }
    if let Some(how) = told.how.or(defaults.how) {
        put_parts(out, [",\"how\":\"", how.word(), "\""]);
    }
}

/// Ends an IMPORT with its labels, each after a comma.
pub fn end_import(labels: &[u8], out: &mut Vec<u8>) {
    if !labels.is_empty() {
        out.extend_from_slice(b",\"labels\":{");
        out.extend_from_slice(&labels[1..]);
        out.push(b'}');
    }
    out.push(b'}');
    end_line(out);
}

/// An IMPORT that opts a phone out of a list.
pub fn opt_out(list: &str, phone: Phone, reason: &str, defaults: &Defaults, out: &mut Vec<u8>) {
    begin_import(list, Number::Known(phone), &Told::default(), defaults, out);
    out.extend_from_slice(b",\"status\":\"opted_out\",\"reason\":");
    put_text(out, reason);
    end_import(&[], out);
}

/// Writes all that a row forbids to a number that no plan knows. Gives the number of requests.
pub fn forbid(list: &str, phone: Phone, told: &Told<'_>, defaults: &Defaults, out: &mut Vec<u8>) -> usize {
    let mut requests = 0;
    for (at, date) in told.forbidden() {
        match FORBIDDING[at].0 {
            RowStatus::Suppressed => put(out, format_args!("SUPPRESS {phone} {{\"source\":")),
            RowStatus::Invalid => put(out, format_args!("INVALID {phone} {{\"source\":")),
            _ => put(out, format_args!("OPTOUT {list} {phone} {{\"how\":\"import\",\"source\":")),
        }
        put_text(out, told.source.as_deref().unwrap_or(&defaults.source));
        if let Some(reason) = &told.reason {
            out.extend_from_slice(b",\"reason\":");
            put_text(out, reason);
        }
        if let Some(date) = date {
            put(out, format_args!(",\"at\":\"{}\"", time::format(date)));
        }
        out.push(b'}');
        end_line(out);
        requests += 1;
    }
    requests
}

/// Asks how a number is read, and changes nothing.
pub fn write_question(number: Number<'_>, requests: &mut Vec<u8>) {
    match number {
        Number::Written(raw, region) => {
            let region = region.map_or("-".into(), |region| region.to_string());
            write_request(requests, &["NORMALIZE", &region, raw]);
        }
        Number::Known(phone) => write_request(requests, &["NORMALIZE", "-", &phone.to_string()]),
    }
}

/// Asks how a phone was subscribed by imports, the newest first.
pub fn ask_subscriptions(phone: Phone, requests: &mut Vec<u8>) {
    write_request(requests, &["HISTORY", &phone.to_string(), "KIND", "subscribe"]);
}

/// Whether an item of HISTORY is a subscription to a list by an import.
pub fn is_subscription(item: &str, list: &str, import_id: &str) -> bool {
    let item: Value = serde_json::from_str(item).unwrap_or_default();
    item["list"] == list && item["id"] == import_id
}

pub fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    let _ = out.write_fmt(text);
}

/// The same of texts alone, for what stands in each row: to format takes longer than to copy.
pub fn put_parts<const N: usize>(out: &mut Vec<u8>, parts: [&str; N]) {
    for part in parts {
        out.extend_from_slice(part.as_bytes());
    }
}

pub fn put_text(out: &mut Vec<u8>, text: &str) {
    let _ = serde_json::to_writer(out, text);
}
