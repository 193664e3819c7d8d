//! A contact, as GET and EXPORT tell it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{amount_json, date, put_text};
use crate::model::contact::{Contact, ListContact};
use crate::model::fact::{Fact, Toggle};
use crate::model::list::Lists;
use crate::model::phone::ListNumber;
use crate::model::time::Millis;
use crate::model::verdict::{self, Reason, StopScope, Verdict};

/// What in memory alone forbids messages from a list.
pub type Against<'a> = &'a dyn Fn(ListNumber) -> (Option<Reason>, bool);

/// Everything known of a contact. Ids that were seen before `remember_since` are forgotten. With `against` each list has
/// the verdict of CHECK; a contact that is gone or going has none.
pub fn contact_json(
    contact: &Contact,
    lists: &Lists,
    scope: StopScope,
    remember_since: Millis,
    against: Option<Against<'_>>,
) -> Value {
    let engagement = &contact.engagement;
    let labels: BTreeMap<&str, &str> = contact.labels.iter().collect();
    let mut on: Vec<&ListContact> = contact.lists.iter().collect();
    on.sort_by_key(|on| lists.number(on.list));
    let mut json = json!({
        "phone_number": contact.phone.to_string(),
        "status": contact.status().word(),
        "labels": labels,
        "created_at": date(contact.created_at),
        "total_sends": engagement.sends,
        "total_clicks": engagement.clicks,
        "total_bot_clicks": engagement.bot_clicks,
        "total_conversions": engagement.conversions,
        "total_revenue": amount_json(engagement.revenue_micros),
        "last_sent": date(engagement.last_sent),
        "last_clicked": date(engagement.last_clicked),
        "last_engaged": date(engagement.last_engaged),
        "last_inbound": date(engagement.last_inbound),
        "sends_since_engaged": engagement.sends_since_engaged,
        "soft_failures": contact.remembered.soft_failures(engagement.last_inbound, remember_since),
        "lists": on.into_iter().map(|on| list_json(contact, on, lists, scope, against)).collect::<Vec<_>>(),
    });
    if let Some(fields) = json.as_object_mut() {
        put_fact(fields, "opted_out_all", contact.opted_out_all.as_ref());
        put_facts(fields, ["suppressed", "released"], &contact.suppression);
        put_facts(fields, ["invalid", "valid"], &contact.invalidity);
    }
    json
}

fn list_json(
    contact: &Contact,
    on: &ListContact,
    lists: &Lists,
    scope: StopScope,
    against: Option<Against<'_>>,
) -> Value {
    let status = contact.list_status(on, scope);
    let subscription = on.subscription();
    let mut json = json!({
        "list": lists.number(on.list).map(|number| number.to_string()),
        "status": status.word(),
        "how": subscription.map(|fact| fact.how.word()),
        "subscribed_at": date(subscription.map_or(0, |fact| fact.at)),
        "source": subscription.map(|fact| fact.source.as_str()),
    });
    let Some(fields) = json.as_object_mut() else { return json };
    put_text(fields, "by", subscription.map_or("", |fact| &fact.by));
    if contact.is_opted_out(on, scope)
        && let Some(out) = contact.opt_out_of(on, scope)
    {
        fields.insert("opted_out_at".into(), date(out.at));
        fields.insert("opted_out_how".into(), out.how.word().into());
        put_text(fields, "opted_out_source", &out.source);
        put_text(fields, "opted_out_reason", &out.reason);
        put_text(fields, "opted_out_by", &out.by);
    }
    put_facts(fields, ["suppressed", "released"], &on.suppression);
    let Some(list) = lists.get(on.list) else { return json };
    if list.removed_at > 0 {
        fields.insert("list_removed_at".into(), date(list.removed_at));
    } else if let Some(against) = against {
        let (unwritten, is_held) = against(list.number);
        let verdict = verdict::decide(lists.state_of(Some(list)), unwritten, Some(contact.status()), status, is_held);
        let word = if let Verdict::No(reason) = verdict { reason.word() } else { "yes" };
        fields.insert("verdict".into(), word.into());
    }
    json
}

/// `<name>_at`, `<name>_how` and so on, when the fact is there.
fn put_fact(fields: &mut Map<String, Value>, name: &str, fact: Option<&Fact>) {
    let Some(fact) = fact else { return };
    fields.insert(format!("{name}_at"), date(fact.at));
    fields.insert(format!("{name}_how"), fact.how.word().into());
    put_text(fields, &format!("{name}_source"), &fact.source);
    put_text(fields, &format!("{name}_reason"), &fact.reason);
    put_text(fields, &format!("{name}_by"), &fact.by);
}

/// The fact that set something and the one that lifted it.
fn put_facts(fields: &mut Map<String, Value>, [set, lifted]: [&str; 2], facts: &Toggle) {
    put_fact(fields, set, facts.set.as_ref());
    put_fact(fields, lifted, facts.lifted.as_ref());
}
