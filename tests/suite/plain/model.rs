//! contactd's rules as one reads them: nothing merged, nothing cached, every answer worked out from every fact.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::commands::{Command, Row, Stamp, time};
use super::facts::{Contact, Fact, Kind, ListStatus, Scope, removed};
use super::inbox::Waiting;
use super::sending::{Deed, Failure, IdUse, Message, Report, Told, micros};
use super::text::{InboundKind, classify, folded};

const LISTS_PER_CONTACT_MAX: usize = 64;
/// 1990: an earlier date is taken for seconds where milliseconds are meant.
const DATE_MIN: i64 = 631_152_000_000;
/// How far ahead of the clock a date may be and still prove consent.
const AHEAD_MS_MAX: i64 = 5_000;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    pub name: Option<String>,
    pub paused: bool,
}

#[derive(Clone, Debug)]
pub struct Model {
    pub scope: Scope,
    pub lists: BTreeMap<String, List>,
    /// Numbers of which something was told since they last were no list, lists among them.
    pub told_of: BTreeSet<String>,
    pub contacts: BTreeMap<String, Contact>,
    /// Messages that wait for a person, in the order in which they came.
    pub waiting: Vec<Waiting>,
    /// Contacts whose messages wait are held back.
    pub holds: bool,
}

/// Since when something is so that a row says: a date, one that cannot be read, or the row does not say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Since {
    Date(i64),
    Unread,
    Unknown,
}

/// A dated statement: about which list of which phone, and since when.
struct Statement<'a> {
    list: Option<&'a str>,
    phone: &'a str,
    at: Option<i64>,
    now: i64,
}

/// What a FAILED says of its contact.
fn failure(command: &Command) -> Option<Failure> {
    match command {
        Command::Failed { code, permanent, .. } => {
            Some(Failure::of(code.as_ref().map(|code| code.said.as_str()), *permanent))
        }
        _ => None,
    }
}

impl Model {
    pub fn new(scope: Scope) -> Model {
        let (lists, told_of, contacts) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        Model { scope, lists, told_of, contacts, waiting: Vec::new(), holds: false }
    }

    /// The same, of a daemon with `--maybe-optout hold` or without.
    pub fn holding(self, holds: bool) -> Model {
        Model { holds, ..self }
    }

    /// Carries out one command at `now` (ms) and gives the reply line, without its line end. Of an error only the code
    /// is meant to be compared.
    pub fn run(&mut self, command: &Command, now: i64) -> String {
        let reply = self.carry_out(command, now);
        self.settle_decided();
        reply
    }

    fn carry_out(&mut self, command: &Command, now: i64) -> String {
        let unread = command.stamps().iter().any(|stamp| stamp.ms < DATE_MIN);
        if unread {
            return self.run_unread(command, now);
        }
        let claim = |list, phone, at| Statement { list, phone, at: ms(at), now };
        match command {
            Command::List { list, name, paused } => self.list(list, name.as_ref(), *paused),
            Command::Unlist { list, force } => self.unlist(list, *force),
            Command::Put { phone, labels } => self.put(phone, labels),
            Command::Get { phone } => self.get(phone, now).map_or("$-1".to_owned(), |contact| format!("+{contact}")),
            Command::Suppress { list, phone, at } => self.forbid(Kind::Suppressed, &claim(list.as_deref(), phone, *at)),
            Command::Release { list, phone, at } => self.lift(Kind::Released, &claim(list.as_deref(), phone, *at)),
            Command::Invalid { phone, at } => self.forbid(Kind::Invalid, &claim(None, phone, *at)),
            Command::Valid { phone, at } => self.lift(Kind::Valid, &claim(None, phone, *at)),
            Command::OptIn { list, phone, how, source, at } => {
                let (how, source) = (how.as_deref().unwrap_or("api"), source.as_deref().unwrap_or_default());
                self.opt_in(list, phone, (how, source), ms(*at), now)
            }
            Command::OptOut { list, phone, at } => self.forbid(Kind::OptedOut, &claim(list.as_deref(), phone, *at)),
            Command::Inbound { list, phone, text, at, id } => {
                self.inbound(list, phone, text, (ms(*at), false), id.as_deref(), now)
            }
            Command::Import { list, phone, row } => self.import(list.as_deref(), phone, row, now),
            Command::Check { list, phone } => format!("+{}", self.check(list, phone)),
            Command::Claim { list, phone, id } => self.claim(list, phone, id, now),
            Command::Sent { list, phone, id, at } => self.sent(&claim(Some(list), phone, *at), id),
            Command::Failed { list, phone, id, at, code, permanent } => {
                let failure = Failure::of(code.as_ref().map(|code| code.said.as_str()), *permanent);
                self.failed(&claim(Some(list), phone, *at), id, failure)
            }
            Command::Click { list, phone, at, id, message, bot } => {
                let what = IdUse::Click { bot: bot.unwrap_or(false) };
                self.deed(what, &claim(Some(list), phone, *at), id.as_deref(), message.as_deref())
            }
            Command::Convert { list, phone, amount, at, id, message } => {
                let Some(micros) = micros(amount) else { return "-BADARG no amount".to_owned() };
                let what = IdUse::Conversion { micros };
                self.deed(what, &claim(Some(list), phone, *at), id.as_deref(), message.as_deref())
            }
        }
    }

    /// The same, of a command with a date that cannot be read. What forbids is taken as of now, and of a row what it
    /// forbids; an inbound message is taken unless it opts in. Everything else is refused.
    fn run_unread(&mut self, command: &Command, now: i64) -> String {
        let taken = |phone: &str, what: String| format!("-BADARG taken {phone} {what} as of now; before 1990");
        let out_of = |list: Option<&str>| format!("opted out of {}", list.unwrap_or("all lists"));
        let dateless = |list, phone| Statement { list, phone, at: None, now };
        match command {
            Command::OptOut { list, phone, .. } => {
                self.forbid(Kind::OptedOut, &dateless(list.as_deref(), phone));
                taken(phone, out_of(list.as_deref()))
            }
            Command::Suppress { list, phone, .. } => {
                self.forbid(Kind::Suppressed, &dateless(list.as_deref(), phone));
                taken(
                    phone,
                    list.as_ref().map_or("suppressed everywhere".into(), |list| format!("suppressed on {list}")),
                )
            }
            Command::Invalid { phone, .. } => {
                self.forbid(Kind::Invalid, &dateless(None, phone));
                taken(phone, "invalid".into())
            }
            Command::Failed { list, phone, id, .. } => {
                let failure = failure(command).unwrap_or_default();
                if !failure.invalid && !failure.out {
                    return "-BADARG before 1990".to_owned();
                }
                self.failed(&dateless(Some(list), phone), id, failure);
                let out = failure.out.then(|| out_of(Some(list)));
                let invalid = failure.invalid.then(|| "invalid".to_owned());
                let what: Vec<String> = [out, invalid].into_iter().flatten().collect();
                taken(phone, what.join(" as of now and "))
            }
            Command::Inbound { list, phone, text, id, .. }
                if !matches!(classify(text), InboundKind::In | InboundKind::Yes) =>
            {
                self.inbound(list, phone, text, (None, true), id.as_deref(), now) + " undated"
            }
            Command::Import { list, phone, row } => self.only_what_forbids("BADARG", list.as_deref(), phone, row, now),
            _ => "-BADARG before 1990".to_owned(),
        }
    }

    /// `yes`, or `no` and why.
    pub fn check(&self, list: &str, phone: &str) -> String {
        let Some(known) = self.lists.get(list) else { return "no unknown_list".to_owned() };
        if known.paused {
            return "no list_paused".to_owned();
        }
        let Some(contact) = self.contacts.get(phone) else { return "no not_subscribed".to_owned() };
        if contact.status() != "active" {
            return format!("no {}", contact.status());
        }
        match contact.list_status(list, self.scope) {
            ListStatus::None => "no not_subscribed".to_owned(),
            ListStatus::Suppressed => "no list_suppressed".to_owned(),
            ListStatus::OptedOut => "no list_opted_out".to_owned(),
            ListStatus::Active if self.is_held(list, phone) => "no held_for_review".to_owned(),
            ListStatus::Active => "yes".to_owned(),
        }
    }

    /// The contact as GET shows it, as far as the rules fix it.
    pub fn get(&self, phone: &str, now: i64) -> Option<Value> {
        let contact = self.contacts.get(phone)?;
        let lists: Vec<Value> = contact
            .lists()
            .iter()
            .filter(|list| self.told_of.contains(*list))
            .map(|list| {
                let subscription = contact.subscription(list);
                let out = Some(contact.out_date(list, self.scope)).filter(|_| contact.out_of(list, self.scope));
                json!({
                    "list": list,
                    "status": match contact.list_status(list, self.scope) {
                        ListStatus::Suppressed => "suppressed",
                        ListStatus::OptedOut => "opted_out",
                        ListStatus::Active => "active",
                        ListStatus::None => "none",
                    },
                    "how": subscription.map(|fact| &fact.how),
                    "source": subscription.map(|fact| &fact.source),
                    "subscribed_at": subscription.map(|fact| time(fact.at)),
                    "opted_out_at": out.map(time),
                })
            })
            .collect();
        let (sending, engaged) = (&contact.sending, contact.last_engaged());
        Some(json!({
            "phone_number": phone,
            "status": contact.status(),
            "labels": contact.labels,
            "total_sends": sending.total_sends(),
            "total_clicks": sending.clicks(false),
            "total_bot_clicks": sending.clicks(true),
            "total_conversions": sending.conversions(),
            "total_revenue": decimal(sending.revenue()),
            "last_sent": sending.last_sent().map(time),
            "last_clicked": sending.last_clicked().map(time),
            "last_engaged": engaged.map(time),
            "last_inbound": Some(contact.last_inbound).filter(|at| *at > 0).map(time),
            "sends_since_engaged": sending.sends_after(engaged.unwrap_or(0)),
            "soft_failures": sending.soft_failures(contact.last_inbound, now),
            "lists": lists,
        }))
    }

    fn list(&mut self, list: &str, name: Option<&String>, paused: Option<bool>) -> String {
        let known = self.lists.get(list).cloned();
        let mut wanted = known.clone().unwrap_or_default();
        wanted.name = name.cloned().or(wanted.name);
        wanted.paused = paused.unwrap_or(wanted.paused);
        self.lists.insert(list.to_owned(), wanted.clone());
        self.told_of.insert(list.to_owned());
        match known {
            None => "+created",
            Some(known) if known != wanted => "+updated",
            Some(_) => "+unchanged",
        }
        .to_owned()
    }

    fn unlist(&mut self, list: &str, force: bool) -> String {
        if !self.lists.contains_key(list) {
            return "-NOLIST no such list".to_owned();
        }
        // By what is stored: a subscription that another list's STOP overrides under one scope comes back under the other.
        let on_it = |contact: &Contact| {
            matches!(contact.list_status(list, Scope::List), ListStatus::Active | ListStatus::Suppressed)
        };
        if !force && self.contacts.values().any(on_it) {
            return "-BADARG contacts are on this list: FORCE".to_owned();
        }
        self.lists.remove(list);
        self.told_of.remove(list);
        for contact in self.contacts.values_mut() {
            contact.end(list);
        }
        "+removed".to_owned()
    }

    fn put(&mut self, phone: &str, labels: &[(String, Option<String>)]) -> String {
        let created = !self.contacts.contains_key(phone);
        let contact = self.contacts.entry(phone.to_owned()).or_default();
        let before = contact.labels.clone();
        merge_labels(contact, labels);
        let updated = contact.labels != before;
        let answer = match (created, updated) {
            (true, _) => "+created",
            (false, true) => "+updated",
            (false, false) => "+unchanged",
        };
        answer.to_owned()
    }

    /// OPTOUT, SUPPRESS, INVALID: taken of any phone and list, known or not; of all lists where one more would be too
    /// many.
    fn forbid(&mut self, kind: Kind, claim: &Statement<'_>) -> String {
        self.told_of.extend(claim.list.map(str::to_owned));
        let place = claim.list.filter(|list| !self.full(claim.phone, list));
        let before = self.contacts.get(claim.phone).cloned().unwrap_or_default();
        let at = match kind {
            Kind::OptedOut => opt_out_date(&before, claim.at, claim.now, claim.list),
            Kind::Suppressed => suppression_date(&before, claim.at, claim.now, claim.list),
            _ => invalid_date(&before, claim.at, claim.now),
        };
        let contact = self.contacts.entry(claim.phone.to_owned()).or_default();
        contact.tell(Fact::new(kind, place, at, "api", "").told(claim.at));
        self.changed_since(&before, claim.phone, claim.list)
    }

    /// RELEASE, VALID. A number that nobody ever spoke of is no list to release on.
    fn lift(&mut self, kind: Kind, claim: &Statement<'_>) -> String {
        if claim.list.is_some_and(|list| !self.told_of.contains(list)) {
            return "-NOLIST no such list".to_owned();
        }
        let before = self.contacts.get(claim.phone).cloned().unwrap_or_default();
        let stands = if kind == Kind::Valid { before.invalid() } else { before.suppressed(claim.list) };
        let too_many = claim.list.is_some_and(|list| self.full(claim.phone, list));
        if too_many || claim.at.is_none() && !stands {
            return ":0".to_owned();
        }
        let at = permitting_date(&before, claim.at, claim.now, |fact| match kind {
            Kind::Valid => matches!(fact.kind, Kind::Invalid | Kind::Valid),
            _ => Contact::is_suppression_of(fact, claim.list),
        });
        let contact = self.contacts.entry(claim.phone.to_owned()).or_default();
        contact.tell(Fact::new(kind, claim.list, at, "api", "").told(claim.at));
        self.changed_since(&before, claim.phone, claim.list)
    }

    fn opt_in(&mut self, list: &str, phone: &str, (how, source): (&str, &str), at: Option<i64>, now: i64) -> String {
        if !self.lists.contains_key(list) {
            return "-NOLIST no such list".to_owned();
        }
        let before = self.contacts.get(phone).cloned().unwrap_or_default();
        let says_when = at.is_some_and(|at| at <= now + AHEAD_MS_MAX);
        if before.out_of(list, self.scope) && !says_when {
            let out = time(before.out_date(list, self.scope));
            return format!("-BADARG opted out on {out}: give \"at\", when consent was given");
        }
        if at.is_none() && before.subscribed(list) {
            return ":0".to_owned();
        }
        if self.has_waiting(list, phone) && !says_when {
            return "-BADARG a message waits that may want out".to_owned();
        }
        if self.full(phone, list) {
            return "-LIMIT too many lists".to_owned();
        }
        let told = at;
        let at = permitting_date(&before, told, now, |fact| Contact::is_consent_of(fact, list, self.scope));
        let contact = self.contacts.entry(phone.to_owned()).or_default();
        contact.tell(Fact::new(Kind::OptedIn, Some(list), at, how, source).told(told));
        contact.engaged.push(at);
        self.changed_since(&before, phone, Some(list))
    }

    /// A date that cannot be read leaves a message `undated`: it proves nothing of the number.
    fn inbound(
        &mut self,
        list: &str,
        phone: &str,
        text: &str,
        (at, undated): (Option<i64>, bool),
        id: Option<&str>,
        now: i64,
    ) -> String {
        self.told_of.insert(list.to_owned());
        let mut contact = self.contacts.get(phone).cloned().unwrap_or_default();
        // What may forbid is a repetition only of the same text with the same date; case and punctuation make no other START.
        let kind = classify(text);
        let may_forbid = matches!(kind, InboundKind::Out | InboundKind::OutAll | InboundKind::MaybeOut);
        let key = |at: Option<i64>| {
            let said = match kind {
                InboundKind::In | InboundKind::Yes => folded(text),
                _ if may_forbid => format!("{text} at {at:?}"),
                _ => text.to_owned(),
            };
            id.filter(|_| !(may_forbid && undated)).map(|id| (list.to_owned(), id.to_owned(), said))
        };
        if let Some(answer) = key(at).and_then(|key| contact.seen.get(&key)) {
            let again = matches!(answer.as_str(), "+optout" | "+optin");
            return if again { format!("{answer} again") } else { answer.clone() };
        }

        let known_to_list = contact.lists().contains(list) || contact.out_of(list, self.scope);
        let full = self.full(phone, list);
        let class = match kind {
            InboundKind::Yes if known_to_list && self.has_waiting(list, phone) => InboundKind::MaybeOut,
            InboundKind::Yes if known_to_list && !full => InboundKind::In,
            InboundKind::Yes => InboundKind::Message,
            InboundKind::In if full => InboundKind::Message,
            class => class,
        };
        let opts_out = matches!(class, InboundKind::Out | InboundKind::OutAll);
        let told = at;
        let is_related = |fact: &Fact| class == InboundKind::In && Contact::is_consent_of(fact, list, self.scope);
        let at = if opts_out {
            opt_out_date(&contact, told, now, Some(list).filter(|_| class == InboundKind::Out))
        } else {
            permitting_date(&contact, told, now, is_related)
        };

        // A message proves the number; what it says is judged after that, so that `again` speaks of consent alone.
        if !undated && class != InboundKind::MaybeOut {
            contact.last_inbound = contact.last_inbound.max(at);
        }
        let before = contact.clone();
        let said = |kind, list| Fact::new(kind, list, at, "keyword", "").told(told);
        match class {
            InboundKind::Out if !full => contact.tell(said(Kind::OptedOut, Some(list))),
            InboundKind::Out | InboundKind::OutAll => contact.tell(said(Kind::OptedOut, None)),
            InboundKind::In => contact.tell(said(Kind::OptedIn, Some(list))),
            InboundKind::Yes | InboundKind::Help | InboundKind::MaybeOut | InboundKind::Message => {}
        }
        if !opts_out {
            contact.engaged.push(at);
        }
        if class == InboundKind::MaybeOut {
            let (phone, list, text) = (phone.to_owned(), list.to_owned(), text.to_owned());
            self.waiting.push(Waiting { phone, list, text, id: id.map(str::to_owned), at, seen_at: now });
        }
        let answer = match class {
            InboundKind::Out | InboundKind::OutAll => "+optout",
            InboundKind::In => "+optin",
            InboundKind::Help => "+help",
            InboundKind::MaybeOut => "+message maybe_optout",
            InboundKind::Yes | InboundKind::Message => "+message",
        };
        // What had no date, and what counts as of now, may come again with the date as which it counts, or without one.
        let was_last_word = at >= now && told.is_none_or(|told| told == at);
        for key in [key(told.or(Some(at))), key(None).filter(|_| was_last_word)].into_iter().flatten() {
            contact.seen.insert(key, answer.to_owned());
        }
        let out_after = contact.out_of(list, self.scope);
        self.contacts.insert(phone.to_owned(), contact);
        if !opts_out && class != InboundKind::In || self.changed_since(&before, phone, Some(list)) == ":1" {
            return answer.to_owned();
        }
        // It came to nothing: it was so before, or something newer stands against it.
        format!("{answer} {}", if out_after == opts_out { "again" } else { "late" })
    }

    /// With no list the row speaks of the contact itself.
    fn import(&mut self, list: Option<&str>, phone: &str, row: &Row, now: i64) -> String {
        if list.is_some_and(|list| !self.lists.contains_key(list)) {
            return self.only_what_forbids("NOLIST", list, phone, row, now);
        }
        if list.is_some_and(|list| self.full(phone, list)) {
            return self.only_what_forbids("LIMIT", list, phone, row, now);
        }
        let created = !self.contacts.contains_key(phone);
        let before = self.contacts.get(phone).cloned().unwrap_or_default();
        let mut contact = before.clone();
        merge_labels(&mut contact, &row.labels);

        let how = row.how.as_deref().unwrap_or("import");
        let source = row.source.as_deref().unwrap_or_default();
        let status = row.status.as_deref();
        let subscribed_at = ms(row.subscribed_at);
        // How the contact subscribed is not how it left.
        let forbidden = forbidden(row, now);
        tell_forbidden(&mut contact, list, &forbidden, (source, now));

        // What is stored does not depend on the scope, so that it can be switched.
        // Beside what the row forbids, a dated subscription is kept as history.
        let wants_in = forbidden.is_empty() && matches!(status, None | Some("active"));
        if let Some(list) = list
            && (subscribed_at.is_some() || wants_in && !before.subscribed(list))
            && !before.out_of(list, Scope::List)
        {
            let at = subscribed_at.map_or_else(|| permitting_date(&before, None, now, |_| false), |at| at.min(now));
            contact.tell(Fact::new(Kind::Imported, Some(list), at, how, source));
        }

        let updated = contact.essence() != before.essence();
        let kept = list.filter(|_| wants_in).and_then(|list| contact.forbids(list, self.scope));
        self.contacts.insert(phone.to_owned(), contact);
        match kept {
            Some(why) => format!("+kept {phone} {why}"),
            None if created => format!("+created {phone}"),
            None if updated => format!("+updated {phone}"),
            None => format!("+unchanged {phone}"),
        }
    }

    /// A row that is refused: what it forbids is taken, also for what is no list.
    fn only_what_forbids(&mut self, code: &str, list: Option<&str>, phone: &str, row: &Row, now: i64) -> String {
        let forbidden = forbidden(row, now);
        if forbidden.is_empty() {
            return format!("-{code} refused");
        }
        self.told_of.extend(list.map(str::to_owned));
        // Of a contact that has no room for another list, it counts for all.
        let place = list.filter(|list| !self.full(phone, list));
        let mut contact = self.contacts.get(phone).cloned().unwrap_or_default();
        tell_forbidden(&mut contact, place, &forbidden, (row.source.as_deref().unwrap_or_default(), now));
        self.contacts.insert(phone.to_owned(), contact);
        let words = |&(kind, since): &(Kind, Since)| {
            let what = match (kind, list) {
                (Kind::OptedOut, _) => format!("opted out of {}", list.unwrap_or("all lists")),
                (Kind::Suppressed, Some(list)) => format!("suppressed on {list}"),
                (Kind::Suppressed, None) => "suppressed everywhere".to_owned(),
                _ => "invalid".to_owned(),
            };
            if since == Since::Unread { what + " as of now" } else { what }
        };
        format!("-{code} taken {phone} {}; refused", forbidden.iter().map(words).collect::<Vec<_>>().join(" and "))
    }

    /// A repeated id is told its state, whatever the verdict would be now.
    fn claim(&mut self, list: &str, phone: &str, id: &str, now: i64) -> String {
        let contact = self.contacts.get(phone).cloned().unwrap_or_default();
        if let Some(message) = contact.sending.message(list, id, now) {
            return format!("+dup {}", message.state());
        }
        let verdict = self.check(list, phone);
        if verdict == "yes" {
            self.tell(phone, list, id, Told { report: Report::Claimed, at: now, seen_at: now });
        }
        format!("+{verdict}")
    }

    /// Without a CLAIM it happened all the same. Of a message that had failed before the date is still news.
    fn sent(&mut self, claim: &Statement<'_>, id: &str) -> String {
        let list = claim.list.unwrap_or_default();
        if !self.lists.contains_key(list) {
            return "-NOLIST no such list".to_owned();
        }
        let contact = self.contacts.get(claim.phone).cloned().unwrap_or_default();
        let state = contact.sending.message(list, id, claim.now).map(Message::state);
        let at = deed_date(claim);
        if state != Some("sent") {
            self.tell(claim.phone, list, id, Told { report: Report::Sent, at, seen_at: claim.now });
        }
        (if matches!(state, None | Some("claimed")) { ":1" } else { ":0" }).to_owned()
    }

    /// Of any phone and list, known or not. A repeated one forbids what none before it forbade, and nothing else. What it
    /// forbids is newer than all that is known where it has no date; the failure itself is of when it was told.
    fn failed(&mut self, claim: &Statement<'_>, id: &str, failure: Failure) -> String {
        let list = claim.list.unwrap_or_default();
        let before = self.contacts.get(claim.phone).cloned().unwrap_or_default();
        let message = before.sending.message(list, id, claim.now);
        let said = message.map(Message::said).unwrap_or_default();
        let known = message.is_some_and(|message| message.state() == "failed");
        let place = Some(list).filter(|list| !self.full(claim.phone, list));

        let forbids = failure.invalid && !said.invalid || failure.out && !said.out;
        let told = Told { report: Report::Failed(failure), at: deed_date(claim), seen_at: claim.now };
        self.tell(claim.phone, list, id, told);
        let invalid_at = invalid_date(&before, claim.at, claim.now);
        let out_at = opt_out_date(&before, claim.at, claim.now, Some(list));
        let contact = self.contacts.entry(claim.phone.to_owned()).or_default();
        if failure.invalid && !said.invalid {
            contact.tell(Fact::new(Kind::Invalid, None, invalid_at, "api", "").told(claim.at));
        }
        if failure.out && !said.out {
            contact.tell(Fact::new(Kind::OptedOut, place, out_at, "api", "").told(claim.at));
        }
        self.told_of.insert(list.to_owned());
        (if known && !forbids { ":0" } else { ":1" }).to_owned()
    }

    fn tell(&mut self, phone: &str, list: &str, id: &str, told: Told) {
        self.contacts.entry(phone.to_owned()).or_default().sending.tell(list, id, told);
    }

    /// CLICK, CONVERT.
    fn deed(&mut self, what: IdUse, claim: &Statement<'_>, id: Option<&str>, message: Option<&str>) -> String {
        let list = claim.list.unwrap_or_default();
        if !self.lists.contains_key(list) {
            return "-NOLIST no such list".to_owned();
        }
        let contact = self.contacts.entry(claim.phone.to_owned()).or_default();
        if id.is_some_and(|id| contact.sending.knows(what, id, claim.now)) {
            return ":0".to_owned();
        }
        let of_message = message.and_then(|message| contact.sending.list_of(message, list, claim.now));
        let deed = Deed {
            what,
            list: of_message.unwrap_or(list).to_owned(),
            id: id.map(str::to_owned),
            message: message.map(str::to_owned),
            at: deed_date(claim),
            seen_at: claim.now,
        };
        contact.sending.deeds.push(deed);
        ":1".to_owned()
    }

    /// The contact is on as many lists as it may be, and this is not one of them.
    fn full(&self, phone: &str, list: &str) -> bool {
        self.contacts.get(phone).is_some_and(|contact| !contact.has_room_for(list, LISTS_PER_CONTACT_MAX))
    }

    /// `:1` if something that stands for or against the contact, on any list it has a relation to or on the one that
    /// was spoken of, is other than before.
    fn changed_since(&self, before: &Contact, phone: &str, list: Option<&str>) -> String {
        let after = &self.contacts[phone];
        let of_contact = |contact: &Contact| (contact.invalid(), contact.suppressed(None), contact.opted_out());
        let on_list = |contact: &Contact, list: &str| {
            let out = contact.out_of(list, self.scope);
            (contact.suppressed(Some(list)), out, !out && contact.subscribed(list))
        };
        let mut lists = after.lists();
        lists.extend(list.map(str::to_owned));
        let changed =
            of_contact(before) != of_contact(after) || lists.iter().any(|l| on_list(before, l) != on_list(after, l));
        (if changed { ":1" } else { ":0" }).to_owned()
    }
}

/// What a row forbids, each with its date if that can be read. An opt-out does not count if the row says that the contact
/// is active by a subscription that is newer than it, and not ahead of the clock.
fn forbidden(row: &Row, now: i64) -> Vec<(Kind, Since)> {
    let read = |at: Option<Stamp>| ms(at).filter(|&at| at >= DATE_MIN);
    let resubscribed = row.status.as_deref() == Some("active")
        && read(row.opted_out_at).is_some_and(|out| read(row.subscribed_at).is_some_and(|sub| sub <= now && sub > out));
    let facts = [
        (Kind::OptedOut, "opted_out", row.opted_out_at.filter(|_| !resubscribed)),
        (Kind::Suppressed, "suppressed", row.suppressed_at),
        (Kind::Invalid, "invalid", row.invalid_at),
    ];
    let said = |&(_, word, at): &(Kind, &str, Option<Stamp>)| at.is_some() || row.status.as_deref() == Some(word);
    let since = |at: Option<Stamp>| match (at, read(at)) {
        (None, _) => Since::Unknown,
        (Some(_), None) => Since::Unread,
        (Some(_), Some(at)) => Since::Date(at),
    };
    facts.into_iter().filter(said).map(|(kind, _, at)| (kind, since(at))).collect()
}

/// Without a date a row says that it is so, not since when: nothing new where it is so. The first of its facts about a list
/// brings back what a removed list of the number left behind, and the next ones find it.
fn tell_forbidden(contact: &mut Contact, list: Option<&str>, forbidden: &[(Kind, Since)], (source, now): (&str, i64)) {
    for &(kind, since) in forbidden {
        let related = |list: &str| contact.lists().contains(list);
        let is_so = match (kind, list) {
            (Kind::OptedOut, None) => contact.opted_out(),
            (Kind::OptedOut, Some(list)) => {
                let out = contact.date(Kind::OptedOut, Some(list));
                related(list) && out > 0 && out >= contact.date(Kind::OptedIn, Some(list))
            }
            (Kind::Suppressed, _) => contact.suppressed(list) && list.is_none_or(related),
            _ => contact.invalid(),
        };
        if since != Since::Unknown || !is_so {
            let told = if let Since::Date(at) = since { Some(at) } else { None };
            let at = match kind {
                Kind::OptedOut => opt_out_date(contact, told, now, list),
                Kind::Suppressed => suppression_date(contact, told, now, list),
                _ => invalid_date(contact, told, now),
            };
            let place = list.filter(|_| kind != Kind::Invalid);
            contact.tell(Fact::new(kind, place, at, "import", source).told(told));
        }
    }
}

fn ms(at: Option<Stamp>) -> Option<i64> {
    at.map(|at| at.ms)
}

/// The date of an opt-out, a suppression or an invalid: newer than all that is known where it has none, where it lies in
/// the future, and where the record is ahead of the clock.
fn forbidding_date(contact: &Contact, at: Option<i64>, now: i64) -> i64 {
    let newest = contact.newest_date();
    match at {
        Some(at) if at <= now && newest <= now => at,
        _ => now.max(newest + 1),
    }
}

/// The same, unless it says something new and what would stand against it came with a date that is ahead: that was before.
fn date_behind(contact: &Contact, at: Option<i64>, now: i64, known: i64, is_beaten: impl Fn(i64) -> bool) -> i64 {
    match at {
        Some(at) if at > known && is_beaten(at) => now.max(contact.newest_date() + 1),
        at => forbidding_date(contact, at, now),
    }
}

/// The newest fact of a kind about a list, or what a removed list of its number left behind.
fn known(contact: &Contact, kind: Kind, list: Option<&str>) -> i64 {
    let left = list.map(removed);
    match &left {
        Some(left) => contact.date(kind, list).max(contact.date(kind, Some(left))),
        None => contact.date(kind, None),
    }
}

fn opt_out_date(contact: &Contact, at: Option<i64>, now: i64, list: Option<&str>) -> i64 {
    let known = known(contact, Kind::OptedOut, list);
    date_behind(contact, at, now, known, |at| contact.beats_by_a_fast_clock(at, |f| f.kind == Kind::OptedIn))
}

fn suppression_date(contact: &Contact, at: Option<i64>, now: i64, list: Option<&str>) -> i64 {
    let known = known(contact, Kind::Suppressed, list);
    let lifts = |f: &Fact| f.kind == Kind::Released && Contact::is_suppression_of(f, list);
    date_behind(contact, at, now, known, |at| contact.beats_by_a_fast_clock(at, lifts))
}

fn invalid_date(contact: &Contact, at: Option<i64>, now: i64) -> i64 {
    let known = contact.date(Kind::Invalid, None);
    date_behind(contact, at, now, known, |at| contact.beats_by_a_fast_clock(at, |f| f.kind == Kind::Valid))
}

/// The date of a permission: one in the future is now, none is newer than all that is known. It is no newer than what is
/// related and came before with that date or a later one.
fn permitting_date(contact: &Contact, at: Option<i64>, now: i64, is_related: impl Fn(&Fact) -> bool) -> i64 {
    let Some(at) = at else { return now.max(contact.newest_date() + 1) };
    at.min(now).min(contact.counted_since(at, now, is_related).unwrap_or(now))
}

/// The date of what is no consent and no status: one in the future is now, and so is none.
fn deed_date(claim: &Statement<'_>) -> i64 {
    claim.at.map_or(claim.now, |at| at.min(claim.now))
}

/// Millionths as a JSON number.
fn decimal(micros: i64) -> Value {
    let (sign, micros) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
    let text = format!("{sign}{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    serde_json::from_str(&text).expect("a number")
}

fn merge_labels(contact: &mut Contact, labels: &[(String, Option<String>)]) {
    for (key, value) in labels {
        match value {
            Some(value) => contact.labels.insert(key.clone(), value.clone()),
            None => contact.labels.remove(key),
        };
    }
}
