//! What a form has come to, in words: what the daemon replied, and what holds now where the reply alone does not say it.

use super::ask::parse;
use super::pages::contacts::ContactReply;
use super::pages::system::verified;
use super::session::Said;
use super::visit::Visit;
use super::why::why;
use crate::client::Reply;
use crate::error::Result;

/// Says what a request of a form has come to; `done` is what it does where it changes something.
pub async fn answer(visit: &mut Visit, words: &[String], reply: &Reply, done: &str) -> Result<Said> {
    let is_changed = *reply != Reply::Integer(0);
    let word = |at: usize| words.get(at).map(String::as_str).unwrap_or_default();
    Ok(match word(0) {
        "VERIFY" => Said::good(verified(reply)),
        "OPTIN" => opted_in(visit, word(1), word(2), is_changed).await?,
        "OPTOUT" if word(1) == "*" => opted_out_of_all(visit, word(2), is_changed).await?,
        "OPTOUT" => opted_out(visit, word(1), word(2), is_changed).await?,
        _ if is_changed => Said::good(done),
        "RELEASE" | "VALID" => {
            Said::warn("Nothing changed: something newer stands against it, or there was nothing to lift.")
        }
        "INBOX" => Said::warn("Somebody has settled this message already."),
        "SUPPRESS" | "INVALID" => Said::warn("Nothing changed: it was so already."),
        _ => Said::good(done),
    })
}

async fn opted_in(visit: &mut Visit, list: &str, phone: &str, is_changed: bool) -> Result<Said> {
    let (name, why) = (visit.called(list).await?, why(visit, list, phone).await?);
    Ok(match why.opt_out {
        Some(out) => Said::warn(format!(
            "Nothing changed: {phone} {out}, and this opt-in is not newer. Only a newer one permits messages from {name}.",
            out = out.replace("this list", &name)
        )),
        None if !why.verdict.is_yes => {
            Said::warn(format!("The opt-in to {name} is recorded, but {phone} gets no message from it. {}", why.text))
        }
        None if is_changed => Said::good(format!("The opt-in is recorded: {phone} may get messages from {name}.")),
        None => Said::warn(format!("Nothing changed: {phone} is on {name} already, and may get messages.")),
    })
}

async fn opted_out(visit: &mut Visit, list: &str, phone: &str, is_changed: bool) -> Result<Said> {
    let (name, why) = (visit.called(list).await?, why(visit, list, phone).await?);
    Ok(match why.opt_out {
        Some(_) if is_changed => Said::good(format!("{phone} is opted out of {name}.")),
        Some(out) => Said::warn(format!("Nothing changed: {phone} {}.", out.replace("this list", &name))),
        None => Said::warn(format!("Nothing changed: {phone} opted in to {name} later. {}", why.text)),
    })
}

async fn opted_out_of_all(visit: &mut Visit, phone: &str, is_changed: bool) -> Result<Said> {
    let contact = match visit.asker.ask(&["GET", phone]).await? {
        Reply::Text(contact) => Some(parse::<ContactReply>(&contact)?),
        _ => None,
    };
    let on = contact.iter().flat_map(|contact| &contact.lists).filter(|on| on.status == "active");
    let mut still = Vec::new();
    for list in on.filter_map(|on| on.list.as_deref()) {
        still.push(visit.called(list).await?);
    }
    let what = if is_changed { "is opted out of all lists" } else { "was opted out of all lists already" };
    Ok(match still.as_slice() {
        [] if is_changed => Said::good(format!("{phone} {what}.")),
        [] => Said::warn(format!("Nothing changed: {phone} {what}.")),
        still => Said::warn(format!(
            "{phone} is opted out of all lists but {}: it opted in there later. To end that, opt it out there.",
            still.join(" and ")
        )),
    })
}
