//! What a heading alone says of its column: that it is about consent, so that nobody may pass over it or turn it round.

use super::field::Field;
use super::names;
use super::survey::Held;
use crate::error::{Error, Result, excerpt};
use crate::import::title;
use crate::model::plain_refusal::denial::{Denial, denies};
use crate::model::plain_refusal::is_plain_refusal;
use crate::model::plain_refusal::question::asks_for_consent;
use crate::model::plain_refusal::title::{heading_speaks_of_an_end, unanswered};

/// Whether `'*'` may mean a column: who says so has looked at the columns, and still sees no opt-out in a `no` without its
/// question. A column of phones, of yes and no, or with a heading that speaks of refusals must be named; and so must one of few
/// values or of dates, unless its heading is known to be harmless. That somebody wants no e-mail forbids nothing here.
pub fn is_for_all(held: &Held) -> bool {
    if speaks_of_consent(&held.name) || held.are_phones() {
        return false;
    }
    let speaks = title::speaks_of_consent(&held.name);
    if title::is_about_mail(&held.name) && speaks {
        return true;
    }
    // "Texts?", "Offers chahiye?": what stands below a question are its answers.
    let asks = held.name.trim_end().ends_with(['?', '？']);
    let may_be_answers = || speaks && asks || (speaks || asks) && held.may_be_answers() || held.has_shape_of_answers();
    !(held.are_answers() || !names::is_harmless(&held.name) && may_be_answers())
}

/// Headings of yes and no that speak of something else than messages, folded.
const OTHER_QUESTIONS: [&str; 54] = [
    "vip",
    "paid",
    "member",
    "ismember",
    "loyaltymember",
    "employee",
    "staff",
    "manager",
    "admin",
    "student",
    "senior",
    "veteran",
    "adult",
    "married",
    "smoker",
    "parent",
    "kids",
    "children",
    "haskids",
    "haschildren",
    "pets",
    "haspets",
    "dog",
    "cat",
    "homeowner",
    "owner",
    "insured",
    "wholesale",
    "taxexempt",
    "taxfree",
    "returning",
    "returningcustomer",
    "new",
    "newcustomer",
    "firsttime",
    "firstvisit",
    "newpatient",
    "test",
    "istest",
    "gift",
    "coupon",
    "discount",
    "business",
    "isbusiness",
    "stammkunde",
    "mitglied",
    "clientevip",
    "socio",
    "note",
    "notes",
    "comment",
    "comments",
    "remarks",
    "tags",
];

/// Whether what stands in a column are answers, and its heading does not say to what: to a question of consent, a no is a refusal.
/// Whoever lists it among labels may not have seen that; `--map COLUMN=label.KEY` says it of this very column.
pub fn is_open_question(held: &Held) -> bool {
    let name = names::fold(&held.name);
    held.are_yes_or_no()
        && !title::is_about_mail(&held.name)
        && !names::is_harmless(&held.name)
        && !OTHER_QUESTIONS.contains(&name.as_str())
        // There a yes, or a no, is heard as it is meant.
        && !heading_speaks_of_an_end(&held.name)
        && !asks_for_consent(&held.name)
}

/// Whether a heading, or the last key of a path of them, is known to say who wants messages, or speaks of those who want none.
pub fn speaks_of_consent(heading: &str) -> bool {
    let key = heading.rsplit('.').next().unwrap_or_default();
    let is_known = || names::known(key).is_some_and(|(field, _)| field.says_consent());
    let is_prohibition = || Denial::of(key) == Some(Denial::Prohibition);
    !title::is_about_mail(heading) && (is_known() || title::speaks_of_an_end(heading) || is_prohibition())
}

/// Whether a column would say the opposite of its heading, or nothing, where the heading is of those who want no messages.
pub fn turns_round(heading: &str, field: &Field) -> bool {
    let forbids = || {
        let heading = names::label_prefix(heading).unwrap_or_else(|| heading.to_owned());
        names::known(&heading).is_some_and(|(field, _)| field.only_forbids())
            || is_plain_refusal(&unanswered(&heading)) && !title::is_of_an_opt_in(&heading)
            || Denial::of(&heading) == Some(Denial::Prohibition)
    };
    // To what a heading denies, a yes is a no.
    let speaks_of_an_end = || title::speaks_of_an_end(heading) || denies(heading);
    // As a label it is no lie, and a yes or a date under it rejects its row.
    let permits = matches!(field, Field::Consent | Field::Date("subscribed_at") | Field::OtherPhone);
    let may_be = field.only_forbids()
        || matches!(field, Field::Status | Field::Phone | Field::Reason | Field::Unclear)
        || field.is_unused();
    !may_be && (forbids() || permits && speaks_of_an_end() && !title::is_about_mail(heading))
}

/// What nobody can say of a column.
pub fn may_be(option: &str, heading: &str, field: &Field) -> Result<()> {
    if !turns_round(heading, field) {
        return Ok(());
    }
    Err(Error::bad_arg(format!(
        "{option}: the heading '{}' says who wants no messages, so the column can be opted_out, opted_out_at, status, \
         ignore or unread, and never {}; if the heading is wrong, correct it in the file",
        excerpt(heading.as_bytes()),
        field.told()
    )))
}
