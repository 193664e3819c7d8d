//! Contacts by a number or by a filter: search, and the segments of a sender.

use askama::Template;
use axum::extract::Query;
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;

use super::list::on_list;
use super::{Page, find, render};
use crate::client::Reply;
use crate::console::ask::{parse, text};
use crate::console::frame::{Frame, Section};
use crate::console::visit::Visit;
use crate::console::words::{self, Verdict, When, counted, grouped, url_encode};
use crate::error::Result;

#[derive(Template)]
#[template(path = "contacts.html", config = "src/console/askama.toml")]
struct Contacts {
    frame: Frame,
    filter: Segment,
    /// The filter in the words of the protocol.
    written: String,
    rows: Vec<ContactRow>,
    columns: Vec<String>,
    found: String,
    next: String,
    is_first: bool,
    wrong: String,
    /// That nothing was found for what somebody typed into the search field; "" otherwise.
    nothing: String,
    label_fields: Vec<LabelField>,
    keys: Vec<LabelReply>,
    lists: Vec<(String, String)>,
}

/// What a person chose in the builder of filters.
#[derive(Clone, Default, Deserialize)]
pub struct Segment {
    /// In the words of the protocol.
    #[serde(default)]
    pub filter: String,
    #[serde(default)]
    pub label: String,
    #[serde(default)]
    pub value: String,
    #[serde(default)]
    pub label2: String,
    #[serde(default)]
    pub value2: String,
    #[serde(default)]
    pub label3: String,
    #[serde(default)]
    pub value3: String,
    #[serde(default, deserialize_with = "words::number")]
    pub can_receive: String,
    #[serde(default)]
    pub status: String,
    #[serde(default)]
    pub created_from: String,
    #[serde(default)]
    pub created_before: String,
    #[serde(default)]
    pub engaged_before: String,
    #[serde(default)]
    pub engaged_from: String,
}

impl Segment {
    /// It all in the words of the protocol.
    pub fn words(&self) -> String {
        let mut all = Vec::new();
        for (key, value) in self.labels() {
            match (key.trim(), value.trim()) {
                ("", _) => {}
                (key, "") => all.push(format!("label.{key}")),
                (key, value) => all.push(format!("label.{key}={}", quoted(value))),
            }
        }
        for (condition, value) in [
            ("eligible=", &self.can_receive),
            ("status=", &self.status),
            ("created>=", &self.created_from),
            ("created<", &self.created_before),
            ("last_engaged>=", &self.engaged_from),
            ("last_engaged<", &self.engaged_before),
        ] {
            if !value.trim().is_empty() {
                all.push(format!("{condition}{}", value.trim()));
            }
        }
        match (self.filter.trim(), all.is_empty()) {
            ("", _) => {}
            (filter, true) => all.push(filter.to_owned()),
            (filter, false) => all.push(format!("({filter})")),
        }
        all.join(" ")
    }

    fn labels(&self) -> [(&str, &str); 3] {
        [(&self.label, &self.value), (&self.label2, &self.value2), (&self.label3, &self.value3)]
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The labels as fields of a form: those that are chosen, and an empty one as long as there is room.
    pub fn label_fields(&self) -> Vec<LabelField> {
        let all = self.labels();
        let chosen = all.iter().rposition(|(key, _)| !key.is_empty()).map_or(0, |last| last + 1);
        let fields = all.iter().zip(["", "2", "3"]).take(chosen + 1);
        fields.map(|((key, value), number)| LabelField { number, key: (*key).into(), value: (*value).into() }).collect()
    }

    /// The same as a part of an address.
    pub fn query(&self) -> String {
        let pairs = [
            ("filter", &self.filter),
            ("label", &self.label),
            ("value", &self.value),
            ("label2", &self.label2),
            ("value2", &self.value2),
            ("label3", &self.label3),
            ("value3", &self.value3),
            ("can_receive", &self.can_receive),
            ("status", &self.status),
            ("created_from", &self.created_from),
            ("created_before", &self.created_before),
            ("engaged_from", &self.engaged_from),
            ("engaged_before", &self.engaged_before),
        ];
        let said = pairs.iter().filter(|(_, value)| !value.is_empty());
        said.map(|(name, value)| format!("{name}={}", url_encode(value))).collect::<Vec<_>>().join("&")
    }
}

/// A label of a segment, as two fields of a form.
pub struct LabelField {
    /// What stands behind the names of its fields.
    pub number: &'static str,
    pub key: String,
    pub value: String,
}

/// A value as a filter writes it.
pub fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A contact, as GET shows it, as far as pages use it.
#[derive(Deserialize)]
pub struct ContactReply {
    pub phone_number: String,
    pub status: String,
    #[serde(default)]
    pub labels: std::collections::BTreeMap<String, String>,
    pub created_at: Option<String>,
    pub total_sends: u64,
    pub total_clicks: u64,
    pub total_bot_clicks: u64,
    pub total_conversions: u64,
    pub total_revenue: serde_json::Number,
    pub last_sent: Option<String>,
    pub last_clicked: Option<String>,
    pub last_engaged: Option<String>,
    pub last_inbound: Option<String>,
    pub sends_since_engaged: u64,
    pub lists: Vec<OnListReply>,
    pub purged_at: Option<String>,
    pub purged_reason: Option<String>,
    pub erased_at: Option<String>,
}

/// A `ListContact`, as GET shows it.
#[derive(Deserialize)]
pub struct OnListReply {
    pub list: Option<String>,
    pub status: String,
    pub how: Option<String>,
    pub subscribed_at: Option<String>,
    pub source: Option<String>,
    pub opted_out_at: Option<String>,
    pub opted_out_how: Option<String>,
    pub opted_out_source: Option<String>,
    pub opted_out_reason: Option<String>,
    pub suppressed_at: Option<String>,
    pub suppressed_source: Option<String>,
    pub suppressed_reason: Option<String>,
    pub list_removed_at: Option<String>,
}

#[derive(Deserialize)]
pub struct LabelReply {
    pub key: String,
    pub contacts: u64,
}

/// A contact, as a row of a table.
pub struct ContactRow {
    pub path: String,
    pub phone: String,
    pub verdict: Option<Verdict>,
    pub status: &'static str,
    pub lists: String,
    pub subscribed_at: When,
    pub subscribed_how: &'static str,
    pub source: String,
    pub out_at: When,
    pub out_how: String,
    /// What somebody wrote to opt out, where a page asks for it.
    pub reply: String,
    pub last_sent: When,
    pub last_clicked: When,
    pub in_vain: String,
    /// The labels of the table's columns.
    pub labels: Vec<String>,
    pub created_at: When,
}

#[derive(Deserialize)]
pub struct Options {
    /// What somebody typed into the search field.
    #[serde(default)]
    q: String,
    #[serde(default)]
    after: String,
    #[serde(flatten)]
    filter: Segment,
}

/// Shows the contacts that match; a number leads to its contact.
pub async fn show(Query(options): Query<Options>, mut visit: Visit) -> Page {
    let typed = options.q.trim();
    let mut filter = options.filter;
    let mut nothing = String::new();
    if !typed.is_empty() {
        match visit.number(typed).await {
            Ok(Some(phone)) => return Ok(Redirect::to(&format!("/contacts/{phone}")).into_response()),
            Ok(None) if is_filter(typed) => typed.clone_into(&mut filter.filter),
            Ok(None) => match find::by_labels(&mut visit, typed).await? {
                Some(found) => filter.filter = found,
                None => nothing = format!("Nothing is found for “{typed}”."),
            },
            Err(why) => {
                // The code of the reason is for programs.
                let why = why.message.split_once(": ").map_or(why.message.as_str(), |(_, why)| why);
                nothing = format!("“{typed}” is not a number that contactd can look for: {why}.");
            }
        }
    }
    let written = filter.words();
    let found = match visit.asker.count(&written).await {
        Ok(found) => Ok(grouped(found.unsigned_abs())),
        Err(why) => Err(in_words(&why.message)),
    };
    let mut next = String::new();
    let (mut rows, mut columns) = (Vec::new(), Vec::new());
    if found.is_ok() {
        let page = visit.asker.find(&written, &options.after).await?;
        (rows, columns) = contact_rows(&mut visit, &page.items, None).await?;
        if let Some(after) = page.next {
            next = format!("?{}&after={}", filter.query(), url_encode(&after));
        }
    }
    let keys = visit.asker.page(&["LABELS", "LIMIT", "200"]).await?.items;
    let lists: Vec<crate::console::visit::ListReply> = visit.asker.items(&["LISTS", "LIMIT", "200"]).await?;
    render(&Contacts {
        written,
        nothing,
        label_fields: filter.label_fields(),
        rows,
        columns,
        wrong: found.as_ref().err().cloned().unwrap_or_default(),
        found: found.unwrap_or_default(),
        next,
        is_first: options.after.is_empty(),
        keys,
        lists: lists.into_iter().map(|list| (list.list, list.name)).collect(),
        filter,
        frame: visit.frame(Section::Contacts, "Contacts"),
    })
}

/// Whether what somebody typed into the search field is meant as a filter.
fn is_filter(typed: &str) -> bool {
    typed.contains(['=', '<', '>']) || typed.contains("label.")
}

/// What is wrong with a filter, for whoever has not read how one is written.
fn in_words(told: &str) -> String {
    let told = told.strip_prefix("in column ").and_then(|told| Some(told.split_once(": ")?.1)).unwrap_or(told);
    match told.split_once("' is not a condition") {
        Some((condition, _)) => format!(
            "“{}” is not a condition. A condition says what it looks at, like label.city=Oakland, status=active, \
             list=+14155550100 or created>=2026-05-01",
            condition.trim_start_matches('\'')
        ),
        None => told.to_owned(),
    }
}

/// Counts the contacts that match, for whoever is still choosing.
pub async fn count(Query(filter): Query<Segment>, mut visit: Visit) -> String {
    match visit.asker.count(&filter.words()).await {
        Ok(found) => counted(found.unsigned_abs(), "contact"),
        Err(why) => format!("The filter is not right: {}", in_words(&why.message)),
    }
}

/// How many columns of labels a table has.
const LABEL_COLUMNS: usize = 4;

/// Rows of these contacts, and the labels that have columns. On a list, each row has the verdict for it.
pub async fn contact_rows(
    visit: &mut Visit,
    phones: &[String],
    list: Option<&str>,
) -> Result<(Vec<ContactRow>, Vec<String>)> {
    let gets: Vec<Vec<String>> = phones.iter().map(|phone| vec!["GET".to_owned(), phone.clone()]).collect();
    let mut contacts: Vec<ContactReply> = Vec::with_capacity(phones.len());
    for reply in visit.asker.ask_each(&gets).await? {
        // One that was removed a moment ago is not there.
        if let Reply::Text(contact) = reply {
            contacts.push(parse(&contact)?);
        }
    }
    let mut verdicts = Vec::new();
    if let (Some(list), false) = (list, contacts.is_empty()) {
        let mut words = vec!["CHECK".to_owned(), list.to_owned()];
        words.extend(contacts.iter().map(|contact| contact.phone_number.clone()));
        verdicts = match visit.asker.ask(&words).await? {
            Reply::Array(replies) => replies.into_iter().map(text).collect::<Result<_>>()?,
            reply => vec![text(reply)?],
        };
    }
    let mut used = std::collections::BTreeMap::<&String, usize>::new();
    for key in contacts.iter().flat_map(|contact| contact.labels.keys()) {
        *used.entry(key).or_default() += 1;
    }
    let mut columns: Vec<(&String, usize)> = used.into_iter().collect();
    columns.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut columns: Vec<String> = columns.into_iter().take(LABEL_COLUMNS).map(|(key, _)| key.clone()).collect();
    columns.sort();
    let mut said = verdicts.iter();
    let rows = contacts.iter().map(|contact| row(contact, list, &columns, said.next().map(|said| Verdict::new(said))));
    Ok((rows.collect(), columns))
}

fn row(contact: &ContactReply, list: Option<&str>, columns: &[String], verdict: Option<Verdict>) -> ContactRow {
    let on = list.and_then(|list| on_list(contact, list));
    let get = |of: fn(&OnListReply) -> &Option<String>| on.and_then(|on| of(on).clone()).unwrap_or_default();
    let how = get(|on| &on.how);
    ContactRow {
        path: format!("/contacts/{}", contact.phone_number),
        phone: contact.phone_number.clone(),
        verdict,
        status: words::status(&contact.status),
        lists: contact.lists.iter().filter_map(|on| on.list.as_deref()).collect::<Vec<_>>().join(", "),
        subscribed_at: When::new(&get(|on| &on.subscribed_at)),
        subscribed_how: words::how(&how),
        source: get(|on| &on.source),
        out_at: When::new(&get(|on| &on.opted_out_at)),
        out_how: words::how(&get(|on| &on.opted_out_how)).to_owned(),
        reply: String::new(),
        last_sent: When::maybe(contact.last_sent.as_deref()),
        last_clicked: When::maybe(contact.last_clicked.as_deref()),
        in_vain: grouped(contact.sends_since_engaged),
        labels: columns.iter().map(|key| contact.labels.get(key).cloned().unwrap_or_default()).collect(),
        created_at: When::maybe(contact.created_at.as_deref()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_become_a_filter() {
        let filter = Segment {
            label: "city".into(),
            value: "New \"York\\".into(),
            can_receive: "24365".into(),
            created_from: "2026-05-01".into(),
            filter: "label.a OR label.b".into(),
            ..Segment::default()
        };
        assert_eq!(
            filter.words(),
            r#"label.city="New \"York\\" eligible=24365 created>=2026-05-01 (label.a OR label.b)"#
        );
        assert_eq!(Segment { label: "vip".into(), ..Segment::default() }.words(), "label.vip");
        assert_eq!(Segment { filter: "label.a OR label.b".into(), ..Segment::default() }.words(), "label.a OR label.b");
        assert_eq!(Segment::default().words(), "");
    }
}
