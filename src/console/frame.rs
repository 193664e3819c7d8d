//! What every page has around it: the way to the others, who is logged in, what is wrong, and what the page asked.

use super::ask::Asked;
use super::session::Said;
use super::visit::Visit;
use super::words::grouped;
use super::{assets, words};
use crate::command::Access;

/// A page of the navigation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Overview,
    Lists,
    Contacts,
    Imports,
    Inbox,
    Activity,
    Clean,
    System,
}

impl Section {
    const ALL: [(Section, &'static str, &'static str); 8] = [
        (Section::Overview, "/", "Overview"),
        (Section::Lists, "/lists", "Sending Lists"),
        (Section::Contacts, "/contacts", "Contacts"),
        (Section::Imports, "/imports", "Imports"),
        (Section::Inbox, "/inbox", "Inbox"),
        (Section::Activity, "/activity", "Activity"),
        (Section::Clean, "/clean", "Clean"),
        (Section::System, "/system", "System"),
    ];
}

/// A link of the navigation.
pub struct Link {
    pub path: &'static str,
    pub name: &'static str,
    pub is_here: bool,
    /// A number behind it; "" for none.
    pub count: String,
}

/// What every page has around it.
pub struct Frame {
    pub title: String,
    pub links: Vec<Link>,
    /// Whose token it is; "" where nobody says.
    pub who: String,
    /// What the visitor may do, in words.
    pub may: &'static str,
    pub may_write: bool,
    pub may_admin: bool,
    /// Whether there is a login to leave.
    pub has_login: bool,
    /// What is wrong with the daemon.
    pub alarms: Vec<String>,
    pub said: Option<Said>,
    pub asked: Vec<Asked>,
    /// Where a form leads back to.
    pub here: String,
    /// When the page was begun, by the daemon's clock.
    pub now: String,
    pub style: String,
    pub script: String,
}

impl Frame {
    pub(super) fn new(visit: Visit, section: Section, title: String) -> Frame {
        let stats = visit.stats();
        let mut alarms = Vec::new();
        if stats.get("read_only") == "true" {
            alarms.push(
                "Nothing can be written: the disk is full or fails. Opt-outs hold in memory until a restart.".into(),
            );
        }
        if stats.get("fenced") == "true" {
            alarms.push(
                "Nobody gets messages: contactd may not know who opted out last. System says why, and ends that."
                    .into(),
            );
        }
        let unwritten = stats.number("forbidden_in_memory_only");
        if unwritten > 0 {
            alarms.push(format!("{} facts that forbid are in memory alone: a restart loses them.", grouped(unwritten)));
        }
        let waiting = stats.number("inbox_messages");
        let links = Section::ALL.iter().map(|(of, path, name)| Link {
            path,
            name,
            is_here: *of == section,
            count: if *of == Section::Inbox && waiting > 0 { grouped(waiting) } else { String::new() },
        });
        Frame {
            title,
            links: links.collect(),
            who: visit.grant.name.to_string(),
            may: words::access(visit.grant.access),
            may_write: visit.grant.access >= Access::Write,
            may_admin: visit.grant.access >= Access::Admin,
            has_login: visit.session.token.is_some(),
            alarms,
            said: if visit.is_live { None } else { visit.session.take_said() },
            now: visit.now().to_owned(),
            here: visit.here,
            asked: visit.asker.into_asked(),
            style: assets::style(),
            script: assets::script(),
        }
    }
}
