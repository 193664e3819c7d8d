//! What a writing command asks for, and the reply to it.
//!
//! **What forbids is taken**, even where the rest of its request cannot be read: the reply is then the error that the request
//! deserves, and begins with what was taken.

use memchr::memchr;

use super::{Command, Context, check_arity};
use crate::error::{Error, Result};
use crate::model::change::{Change, Effectiveness, Outcome, Write};
use crate::model::keyword::InboundKind;
use crate::model::phone::{self, ListNumber, Phone};
use crate::model::taken::taken;
use crate::wire::{Args, Replies};

/// What a command asks for.
#[derive(Debug)]
pub struct Asked {
    /// What is to be changed.
    pub write: Write,
    /// What its reply says besides what became of it.
    pub remark: Remark,
}

/// What a reply says besides what became of a write.
#[derive(Debug)]
pub enum Remark {
    /// Nothing.
    None,
    /// The number that the row of an import means.
    Phone(Phone),
    /// That the date of a message could not be read.
    Undated,
    /// That only what forbids was taken: this error, if it was.
    Taken(Error),
}

impl From<Write> for Asked {
    fn from(write: Write) -> Asked {
        let remark = match &write {
            Write::Contact { phone, change: Change::Import(_), .. } => Remark::Phone(*phone),
            Write::Contact { change: Change::Inbound(inbound), .. } if inbound.undated => Remark::Undated,
            _ => Remark::None,
        };
        Asked { write, remark }
    }
}

impl Asked {
    /// What is asked for if something of the request was refused because of `why`: what forbids for certain, or nothing.
    fn despite(write: Write, context: &Context, why: Error) -> Result<Asked> {
        let Write::Contact { phone, list, change } = &write else { return Err(why) };
        let error = taken(*phone, *list, change, context.store.now(), &why).ok_or(why)?;
        Ok(Asked { write, remark: Remark::Taken(error) })
    }
}

/// What a command that can forbid asks for. More arguments than it has do not lose what it forbids.
pub fn ask(
    command: &Command,
    run: fn(&Context, Args<'_>) -> Result<Asked>,
    context: &Context,
    args: Args<'_>,
) -> Result<Asked> {
    match check_arity(command, args) {
        Ok(()) => run(context, args),
        Err(usage) => match run(context, args) {
            Ok(asked) => Asked::despite(asked.write, context, usage),
            Err(_) => Err(usage),
        },
    }
}

/// What a request that can forbid says, and the first thing in it that could not be read.
#[derive(Default)]
pub struct Reading {
    refused: Option<Error>,
}

impl Reading {
    /// What was read, or else what can be made of it.
    pub fn or<T>(&mut self, read: Result<T>, otherwise: impl FnOnce() -> T) -> T {
        read.unwrap_or_else(|why| {
            self.refuse(why);
            otherwise()
        })
    }

    /// Whether everything so far could be read.
    pub fn is_complete(&self) -> bool {
        self.refused.is_none()
    }

    /// Notes that something could not be read.
    pub fn refuse(&mut self, why: Error) {
        self.refused.get_or_insert(why);
    }

    /// The next argument as a phone. One that is not in E.164 is read as it is meant, for the sake of what forbids.
    pub fn phone(&mut self, args: &mut Args<'_>) -> Result<Phone> {
        let mut again = *args;
        if let Some((phone, rest)) = parted(*args) {
            *args = rest;
            self.refuse(Error::bad_arg(format!("a blank parts the number: write {phone}")));
            return Ok(phone);
        }
        super::arguments::phone(args).or_else(|why| {
            let phone = as_meant(word(&mut again)).ok_or_else(|| why.clone())?;
            *args = again;
            self.refuse(why);
            Ok(phone)
        })
    }

    /// The next argument as a list. One that cannot be read may be any: then what forbids counts for all.
    pub fn list(
        &mut self,
        context: &Context,
        args: &mut Args<'_>,
        read: fn(&mut Args<'_>) -> Result<Option<ListNumber>>,
    ) -> Option<ListNumber> {
        let mut again = *args;
        match read(args) {
            Ok(Some(list)) if is_known(context, list) => Some(list),
            Ok(Some(list)) => match list.without_or_with_plus().filter(|twin| is_known(context, *twin)) {
                Some(twin) => {
                    self.refuse(Error::bad_arg(format!("{list} is not a list, but {twin} is")));
                    Some(twin)
                }
                None => Some(list),
            },
            Ok(None) => None,
            Err(why) => {
                self.refuse(why);
                let list = known_list(context, word(&mut again));
                *args = again;
                list
            }
        }
    }

    /// The next two arguments as a list and a phone. The other way round they are read for the sake of what forbids, where
    /// the second one is a list and the first one is not. Where the list was forgotten, it may be any: what forbids counts for
    /// all.
    pub fn list_and_phone(
        &mut self,
        context: &Context,
        args: &mut Args<'_>,
        read: fn(&mut Args<'_>) -> Result<Option<ListNumber>>,
    ) -> Result<(Option<ListNumber>, Phone)> {
        let (mut again, mut alone) = (*args, *args);
        let list = self.list(context, args, read);
        let phone = self.phone(args);
        if let (None, Some(known), Ok(phone)) = (&self.refused, list, &phone)
            && is_known(context, known)
        {
            // As nearly all are.
            return Ok((list, *phone));
        }
        alone.next();
        let (first, second) = (word(&mut again), word(&mut again));
        if let Some(list) = known_list(context, second)
            && known_list(context, first).is_none()
            && let Some(phone) = as_meant(first)
        {
            self.refuse(Error::bad_arg(format!("{list} is a list and {phone} is not: the list comes first")));
            return Ok((Some(list), phone));
        }
        if let Some(number) = list
            && !number.is_short_code()
            && !is_known(context, number)
        {
            let error = || list_forgotten(number);
            let mut rest = *args;
            match (&phone, Phone::parse(first)) {
                // Phones and nothing else, and the first is a contact: it is hardly a list that nobody has made yet.
                (Ok(phone), Some(first))
                    if is_contact(context, first) && rest.all(|arg| Phone::parse(arg).is_some()) =>
                {
                    self.refuse(error());
                    return Ok((None, *phone));
                }
                (Err(_), Some(phone)) => {
                    self.refuse(error());
                    *args = alone;
                    return Ok((None, phone));
                }
                _ => {}
            }
        }
        Ok((list, phone?))
    }

    /// The refusal of a request that forbids nothing.
    pub fn refused(self) -> Result<Asked> {
        Err(self.refused.unwrap_or_else(|| Error::internal("a request was refused for no reason")))
    }

    /// What is asked for: the write, of which only what it forbids counts if something was refused.
    pub fn asked(self, write: Write, context: &Context) -> Result<Asked> {
        match self.refused {
            None => Ok(write.into()),
            Some(why) => Asked::despite(write, context, why),
        }
    }
}

/// The answer to a request that says no list, where this number stands in its place.
pub fn list_forgotten(number: ListNumber) -> Error {
    Error::bad_arg(format!("{number} is not a list: the list comes first, or * for all lists"))
}

/// The phones of a request that has nothing but two or more of them: its list may have been forgotten.
pub fn phones_alone(args: Args<'_>) -> Option<Vec<Phone>> {
    let phones: Option<Vec<Phone>> = args.map(Phone::parse).collect();
    phones.filter(|phones| phones.len() > 1)
}

/// The next argument without quotes around it. In a line an argument that begins with one runs to the end of the line: what
/// stands behind its closing quote is left.
fn word<'a>(args: &mut Args<'a>) -> &'a [u8] {
    let arg = args.next().unwrap_or_default();
    let Some(quoted) = arg.strip_prefix(b"\"") else { return arg };
    let Some(end) = memchr(b'"', quoted) else { return quoted };
    let rest = &quoted[end + 1..];
    if args.is_empty() && !rest.trim_ascii().is_empty() {
        *args = Args::Line(rest);
    }
    &quoted[..end]
}

/// A number with blanks in it, `+336123456 78`, and what stands behind it. What stands before the first blank is no number of any
/// country, and all of it is one: else the digits behind the blank may be something else.
fn parted(mut args: Args<'_>) -> Option<(Phone, Args<'_>)> {
    let is_part = |arg: &&[u8]| {
        arg.iter().any(u8::is_ascii_digit) && arg.iter().all(|byte| byte.is_ascii_digit() || b"()-./".contains(byte))
    };
    let first = args.next()?;
    // Nearly no request has one.
    args.peek().filter(is_part)?;
    if Phone::parse(first).is_some_and(Phone::is_known) {
        return None;
    }
    let mut whole = first.to_vec();
    while let Some(part) = args.peek().filter(is_part) {
        whole.extend_from_slice(part);
        args.next();
    }
    as_meant(&whole).filter(|phone| phone.is_known()).map(|phone| (phone, args))
}

/// The number that is meant by an argument.
fn as_meant(arg: &[u8]) -> Option<Phone> {
    phone::as_meant(std::str::from_utf8(arg).ok()?)
}

/// The list that is meant by an argument, if there is one.
fn known_list(context: &Context, arg: &[u8]) -> Option<ListNumber> {
    let list = ListNumber::parse(arg).or_else(|| as_meant(arg).map(ListNumber::from))?;
    is_known(context, list).then_some(list)
}

/// Whether a list has this number.
fn is_known(context: &Context, list: ListNumber) -> bool {
    context.store.gate().lists().known(list).is_some()
}

fn is_contact(context: &Context, phone: Phone) -> bool {
    context.store.gate().directory.id(phone).is_some()
}

/// Answers a write. Gives the error, if the answer is one.
pub fn answer<'e>(outcome: &'e Result<Outcome>, remark: &'e Remark, replies: &mut Replies) -> Option<&'e Error> {
    let word = match (outcome, remark) {
        (Err(error) | Ok(Outcome::Taken(error)), _) | (Ok(_), Remark::Taken(error)) => {
            replies.error(error);
            return Some(error);
        }
        (Ok(outcome), _) => outcome,
    };
    let word = match word {
        Outcome::Changed(changed) => {
            replies.integer(u64::from(*changed));
            return None;
        }
        Outcome::Claim(verdict) => {
            replies.verdict(*verdict);
            return None;
        }
        Outcome::Duplicate(state) => {
            replies.text(&format!("dup {}", state.word()));
            return None;
        }
        Outcome::Created => "created",
        Outcome::Updated => "updated",
        Outcome::Unchanged => "unchanged",
        Outcome::Removed => "removed",
        Outcome::Kept(reason) => {
            match remark {
                Remark::Phone(phone) => replies.text(&format!("kept {phone} {}", reason.word())),
                _ => replies.text(&format!("kept {}", reason.word())),
            }
            return None;
        }
        Outcome::Erased => {
            match remark {
                Remark::Phone(phone) => replies.text(&format!("kept {phone} erased")),
                _ => replies.text("kept erased"),
            }
            return None;
        }
        Outcome::Inbound { class, turn } => inbound_words(*class, *turn),
        Outcome::Taken(error) => return Some(error),
    };
    match remark {
        Remark::Phone(phone) => replies.text(&format!("{word} {phone}")),
        Remark::Undated => replies.text(&format!("{word} undated")),
        Remark::None | Remark::Taken(_) => replies.text(word),
    }
    None
}

fn inbound_words(class: InboundKind, turn: Effectiveness) -> &'static str {
    match (class, turn) {
        (InboundKind::OptOut | InboundKind::OptOutAll, Effectiveness::New) => "optout",
        (InboundKind::OptOut | InboundKind::OptOutAll, Effectiveness::Again) => "optout again",
        (InboundKind::OptOut | InboundKind::OptOutAll, Effectiveness::Late) => "optout late",
        (InboundKind::OptIn, Effectiveness::New) => "optin",
        (InboundKind::OptIn, Effectiveness::Again) => "optin again",
        (InboundKind::OptIn, Effectiveness::Late) => "optin late",
        (InboundKind::Help, _) => "help",
        (InboundKind::Message, _) => "message",
        (InboundKind::MaybeOptOut, _) => "message maybe_optout",
    }
}
