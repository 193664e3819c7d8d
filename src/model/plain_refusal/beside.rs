//! A refusal among other words of a note: `verbally opted out`, `told us not to text him`, `marked as DNC - JS`.
//!
//! There is no end to what people write beside one. What they cannot do without is little: a word that means it (`unsubscribed`,
//! `DNC`, `opted out`), a denial before what contactd sends (`not … text`), a word for an end beside it (`refuses sms`), a STOP
//! that somebody reports, the way off a list. A clause with one of these is a refusal, unless it is known to be harmless: what it
//! names is denied, is about e-mail, or is something else (`a bus stop`, `no reply to my text`).

mod another;
mod beginnings;
mod channel;
mod consent;
mod haste;
mod removal;
mod reported;
mod signs;
mod trouble;

use super::note_refuses;
use super::word::{Case, Word, is};

/// Whole notes: the number is somebody else's, or what was asked was refused. Beside another word it was something else.
const WHOLE: [&str; 15] = [
    "wrong #",
    "bad #",
    "not his #",
    "old #",
    "refused",
    "refuses",
    "objected",
    "objects",
    "21610",
    "no more",
    "c&d",
    "declines",
    "dec'd",
    "decd",
    "dcsd",
];
/// How notes begin that look like a refusal and are none.
const HARMLESS_BEGINNINGS: [&str; 15] = [
    "no", "do", "never", "stop", "dnd", "opt", "uns", "sub", "resub", "rejoin", "rip", "email", "call", "mail", "phone",
];
/// Pictures of what messages come to.
const PHONE_SIGNS: [char; 5] = ['📱', '📲', '💬', '✉', '📩'];
/// Longer notes are somebody's letters.
const NOTE_BYTES_MAX: usize = 2_000;
/// Longer notes have more in them than what makes a short one harmless.
const HARMLESS_BYTES_MAX: usize = 64;
/// So near before a word that means it stands what denies it: "has never really opted out".
const DENIED_WITHIN: usize = 4;
/// So near stand a word for an end and what it ends: "cancelled her subscription to texts".
const ENDED_WITHIN: usize = 4;
/// So near stand what takes somebody off and the list.
const OFF_WITHIN: usize = 3;

/// Whether a note refuses messages in one of its clauses.
pub fn refuses(cell: &str) -> bool {
    // One word alone is read as a label is; but there are many ways to misspell this one.
    let has_words = || {
        cell.bytes().any(|byte| matches!(byte, b' ' | b'#'))
            || cell.get(..4).is_some_and(|begin| begin.eq_ignore_ascii_case("unsu"))
    };
    // "No 📱": nobody denies a picture of another kind.
    if !cell.is_ascii()
        && cell.contains(PHONE_SIGNS)
        && cell.split(' ').next().is_some_and(|first| is(&first.to_lowercase(), "no not 0"))
    {
        return true;
    }
    let trimmed = cell.trim();
    if signs::refuses(cell) || WHOLE.iter().any(|whole| is_written(trimmed, whole)) {
        return true;
    }
    if cell.len() > NOTE_BYTES_MAX || !has_words() || !beginnings::may_refuse(cell.as_bytes()) {
        return false;
    }
    let words = Word::all(cell);
    if haste::spelled_out(&words).is_some_and(|plain| note_refuses(&plain)) {
        return true;
    }
    let has_small = cell.contains(char::is_lowercase);
    let speaks_of_texts = words.iter().any(Word::is_text);
    let ends = |at: usize| at + 1 == words.len() || words[at + 1].begins_clause;
    let mut from = 0;
    for at in 0..words.len() {
        if ends(at) {
            let clause = Clause { words: &words[from..=at], has_small, speaks_of_texts };
            let answer = words.get(at + 1).filter(|next| next.is_answer && ends(at + 1));
            if !answer.is_some_and(|answer| is(&answer.text, "no n false off none 0")) && clause.refuses() {
                return true;
            }
            from = at + 1;
        }
    }
    false
}

/// Whether a note is another one, but for capitals and underscores.
fn is_written(note: &str, other: &str) -> bool {
    let is_same = |(a, b): (u8, u8)| a.eq_ignore_ascii_case(&b) || a == b'_' && b == b' ';
    note.len() == other.len() && note.bytes().zip(other.bytes()).all(is_same)
}

/// Whether a note looks like a refusal and is none: "do not call, text instead", "stop by Tuesday", "DND player".
pub fn is_harmless(cell: &str) -> bool {
    const INVITES: &str = "please pls just text texts sms instead only ok okay prefer prefers her him them me first is better fine use \
                           via by send but do does the phone to";
    let begins = |word: &str| cell.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word));
    if cell.len() > HARMLESS_BYTES_MAX || !HARMLESS_BEGINNINGS.iter().any(|word| begins(word)) {
        return false;
    }
    let words = Word::all(cell);
    if is_mail_alone(&words) || comes_back(&words) || invites_texts(&words) {
        return true;
    }
    let is_at = |at: usize, some: &str| words.get(at).is_some_and(|word| word.is(some));
    let comes_by = is_at(0, "stop stops stopped")
        && words[0].text.len() < cell.len()
        && words[0].case != Case::Capitals
        && is_at(1, "by in")
        && {
            is_at(2, "the store office shop after before at on tomorrow today tonight anytime next later soon this")
                || words.get(2).is_some_and(|day| day.begins("mon tue wed thu fri sat sun"))
        };
    let calls = "call calls calling phone";
    let last_call = words.iter().rposition(|word| word.is(calls));
    let invites = last_call.is_some_and(|last| {
        let (refused, invited) = words.split_at(last + 1);
        refused.iter().all(|word| word.is("no do not dont never please pls phone") || word.is(calls))
            && refused.iter().any(Word::is_not)
            && invited.iter().all(|word| word.is(INVITES))
            && invited.iter().any(|word| word.is("text texts sms"))
            // "No calls, no texts" and "do not call or text" have other words.
            && (invited[0].begins_clause || invited.iter().any(|word| word.is("please pls just instead only prefer prefers")))
    });
    // "STOP sign tattoo", "RIP t-shirt order".
    let is_thing = is_at(0, "stop") && is_at(1, "sign signs light lights watch")
        || is_at(0, "rip") && is_at(1, "t tshirt shirt curl");
    comes_by || invites || is_thing || is_at(0, "dnd") && is_at(1, "player players campaign game group club night fan")
}

/// Whether a note refuses e-mail and asks for texts: `do not email, text only`, `opted out of email only, text ok`.
fn is_mail_alone(words: &[Word]) -> bool {
    let Some(text) = words.iter().position(Word::is_text) else { return false };
    let (before, behind) = words.split_at(text);
    let refuses = before.iter().any(|word| word.is_not() || word.begins("opt unsub"));
    refuses
        && before.iter().any(Word::is_mail)
        && before.iter().all(|word| {
            word.is_mail() || word.is_not() || word.begins("opt unsub") || word.is("do out of from only all our please")
        })
        && (words[text].begins_clause || before.last().is_some_and(|word| word.is("only please")))
        && behind[1..].iter().all(|word| word.is("ok okay only is fine instead good works please welcome her him me"))
        && !behind[0].is("texted texting")
}

/// Whether a note names another channel and then welcomes texts: `email only, texts ok`.
fn invites_texts(words: &[Word]) -> bool {
    let Some(at) = words.iter().position(|word| word.begins_clause) else { return false };
    let (others, invites) = words.split_at(at);
    others.iter().all(|word| word.is_other() || word.is("only ok okay fine preferred please"))
        && invites[0].is_text()
        && invites.len() > 1
        && invites[1..].iter().all(|word| word.is("ok okay is are fine too also welcome good works"))
}

/// Whether somebody came back: `subscribed again after STOP`.
fn comes_back(words: &[Word]) -> bool {
    let is_at = |at: usize, some: &str| words.get(at).is_some_and(|word| word.is(some));
    let is_back = is_at(0, "subscribed opted") && words.iter().take(4).any(|word| word.is("again back"))
        || is_at(0, "resubscribed rejoined reoptin");
    let is_in = is_at(0, "subscribed resubscribed rejoined reoptin") || words.iter().take(4).any(|word| word.is("in"));
    let after = words.iter().position(|word| word.is("after despite"));
    is_back && is_in && after.is_some_and(|after| words[after + 1..].len() <= 3) && !words.iter().any(Word::is_not)
}

/// Some words of a note, up to a sign that ends them.
struct Clause<'w> {
    words: &'w [Word],
    /// Not all of the note is in capitals.
    has_small: bool,
    /// The note has a word for messages.
    speaks_of_texts: bool,
}

impl Clause<'_> {
    fn refuses(&self) -> bool {
        let places = 0..self.words.len();
        places.clone().any(|at| self.is_out(at))
            || self.denies_texts()
            || self.is_another_alone()
            || places.into_iter().any(|at| {
                self.ends_texts(at)
                    || self.prefers_another(at)
                    || self.is_suppressed(at)
                    || self.is_registered(at)
                    || self.threatens(at)
                    || self.is_displeased(at)
                    || self.complains_of_spam(at)
                    || self.leaves_a_program(at)
                    || self.reports_a_stop(at)
                    || self.reports_a_no(at)
                    || self.is_off(at)
                    || self.is_removed(at)
                    || self.is_left_alone(at)
                    || self.is_of_another(at)
                    || self.is_dead(at)
                    || self.is_begged(at)
                    || self.wants_nothing(at)
                    || self.lacks_consent(at)
            })
    }

    fn word(&self, at: usize) -> Option<&Word> {
        self.words.get(at)
    }

    fn is_at(&self, at: usize, words: &str) -> bool {
        self.word(at).is_some_and(|word| word.is(words))
    }

    fn before(&self, at: usize, many: usize) -> &[Word] {
        &self.words[at.saturating_sub(many)..at]
    }

    fn behind(&self, at: usize, many: usize) -> &[Word] {
        &self.words[(at + 1).min(self.words.len())..(at + 1 + many).min(self.words.len())]
    }

    /// Whether a word that means it stands at a place, with as many behind it as belong to it, and is not denied.
    fn is_out(&self, at: usize) -> bool {
        let Some(end) = self.out_until(at) else { return false };
        let is_denied = self.before(at, DENIED_WITHIN).iter().any(Word::is_not) || self.is_at(end, "no off false n");
        // "Opt Out LLC", and the game.
        let is_name = self.is_at(end, "llc inc corp ltd gmbh co company player players campaign game group club night");
        !is_denied && !is_name && !self.is_about_mail(at, end)
    }

    /// Where a word that means it ends.
    fn out_until(&self, at: usize) -> Option<usize> {
        let word = self.word(at)?;
        let next = |at: usize| self.word(at);
        let is_one = word.begins("unsub unsus unsuscr optout optedout optsout unenrol desub")
            // Written as a name is, it may be one.
            || word.is("dnc dnt dncl") && word.case != Case::Title;
        if is_one {
            return Some(at + 1);
        }
        if word.is("un") && next(at + 1).is_some_and(|next| next.begins("sub")) {
            return Some(at + 2);
        }
        if !word.is("opt opts opted opting oped otped optd opped optted") {
            return None;
        }
        let is_self = |word: &Word| word.is("himself herself themselves themself myself itself him her them me us");
        let is_between = |word: &Word| is_self(word) || word.is("back all right fully completely again");
        // "Opt this one out".
        let is_this = self.is_at(at + 1, "this that") && self.is_at(at + 2, "one number contact phone person");
        let between = if is_this { 2 } else { usize::from(next(at + 1).is_some_and(is_between)) };
        let out = at + 1 + between;
        next(out).filter(|out| out.begins("out") || out.is("put ot iut oput oout")).map(|_| out + 1)
    }

    /// Whether what stands from a place on is about e-mail: "opted out of email", "email opt out", and not "opted out by email".
    fn is_about_mail(&self, from: usize, end: usize) -> bool {
        let has_text = self.words.iter().any(Word::is_text);
        let is_object = |at: usize| {
            let small = "the our all any my your this a email emails and newsletter";
            let before = (0..at).rev().find(|&at| !self.is_at(at, small));
            self.words[at].is_mail()
                && !self.words[at].is("emailed emailing")
                && (at + 1 == from || at == end || before.is_some_and(|at| self.is_at(at, "from of to for no")))
        };
        !has_text && (0..self.words.len()).any(is_object)
    }

    /// Whether something denies texts: "does not want to be texted", "text messages not allowed".
    fn denies_texts(&self) -> bool {
        const WISHES: &str = "want wants wanted wanting wish wishes like ok okay allow allowed permit permitted must should may \
                              supposed told asked tell";
        // A denial of something else: that somebody answers, that a text came, that it is a trouble.
        const HEARD: &str = "reply replies replied replying respond responds responded responding response responses answer \
                             answers answered answering get gets got getting receive receives received receiving see sees saw \
                             seen deliver delivered deliverable arrive arrived come came yet sure know knows work works working \
                             worked remember back much often read reads opened issue issues problem problems trouble mind minds \
                             objection objections objecting complain complained complaints miss missed code codes charge fee sent \
                             send sending yet stop stops unsubscribe than upset mad angry annoyed";
        let has_wish = |from: usize, to: usize| self.words[from..to].iter().any(|word| word.is(WISHES));
        // "Do not text before 9am", but not "after complaint".
        let is_hour =
            |word: &Word| word.text.starts_with(|c: char| c.is_ascii_digit()) || word.is("noon work school dark");
        let is_at_times = (1..self.words.len()).any(|at| {
            let (before, word) = (&self.words[at - 1], &self.words[at]);
            before.is("until till") || before.is("before after") && is_hour(word)
        });
        let any_heard = self.words.iter().any(|word| word.is(HEARD));
        let out = (0..self.words.len()).any(|at| self.out_until(at).is_some());
        let nots = (0..self.words.len()).filter(|&at| self.words[at].is_not());
        !out && !is_at_times
            && nots.into_iter().any(|at| {
                let is_strong = self.is_at(at + 1, "to be ok okay")
                    || self.words[at].is("never dont") && self.is_at(at + 1, "send text sms");
                let is_denied = at + 1;
                let is_object = |at: usize| {
                    let word = &self.words[at];
                    let is_slip =
                        || at <= is_denied + 1 && word.is_slip_of_text() && !self.is_at(at - 1, "on the a to");
                    word.is_text()
                        || is_slip()
                        || word.is_contact() && (!word.is("contacted") || self.is_at(at - 1, "be being get"))
                };
                let object = (at + 1..self.words.len()).find(|&at| is_object(at));
                let before = |object: usize| {
                    let between = &self.words[at + 1..object];
                    let is_other =
                        between.iter().any(Word::is_other) && !between.iter().any(|word| word.is("or and nor"));
                    // "No contact info", "not in contacts".
                    let is_noun = self.words[object].is_contact()
                        && (self.words[at].is("no without") && between.iter().any(|word| !word.is("further more"))
                            || self.is_at(
                                object + 1,
                                "info information details number person card lens lenses us husband wife son \
                               daughter mother mom father dad spouse delivery",
                            )
                            || self.words[object].is("contacts"));
                    let is_asked = is_strong || has_wish(at, object) || has_wish(0, at);
                    let is_missed = self.words[at..]
                        .iter()
                        .any(|word| word.is("miss missed mind minds problem problems issue issues"));
                    // "Alerts only, no promos", but not "no calls, only texts".
                    let heard = any_heard || self.words[at..].iter().any(|word| word.is("only"));
                    !is_other && !is_noun && !is_missed && (!heard || is_asked)
                };
                // "Sms not wanted", "texts not ok".
                let behind = || {
                    let near = self.behind(at, 2).iter();
                    let is_denied = near
                        .into_iter()
                        .any(|word| word.is("allowed wanted ok okay permitted welcome desired requested"));
                    is_denied && self.before(at, 3).iter().any(Word::is_text)
                };
                object.is_some_and(before) || behind()
            })
    }

    /// Whether a word for an end stands beside texts, or beside the consent to them: "declined to be texted", "sms prohibited".
    fn ends_texts(&self, at: usize) -> bool {
        const ENDS: &str = "refus declin revok withdr rescind cancel canx cncl cxl terminat prohibit forbid unwanted discontin deactiv unregister \
                            deregister hates dislik detest uninterest";
        let word = &self.words[at];
        let turns_off = word.is("turned turn switched shut") && self.is_at(at + 1, "off");
        let ends = word.begins(ENDS) || word.is("disabled ended paused suspended skip omit exclude excluded");
        if !ends && !turns_off || self.before(at, 2).iter().any(Word::is_not) {
            return false;
        }
        let is_means = |at: usize| at > 0 && self.is_at(at - 1, "by via per through over with");
        let is_small = |word: &Word| {
            word.is(
                "to be being get getting receive receiving the a her his their all any our my more further of from for off \
                 subscription subscriptions permission consent opt in and or contacted",
            )
        };
        let is_ended = |at: usize| {
            self.words[at].is_text()
                && !self.is_at(at + 1, "out her him them me us back later")
                && (!self.words[at].is("texted") || self.is_at(at.saturating_sub(1), "be being get"))
                || self.words[at].is("consent permission optin")
        };
        let found = (at + 1..self.words.len().min(at + 1 + ENDED_WITHIN))
            .find(|&at| !is_small(&self.words[at]) || is_ended(at));
        let behind = found.is_some_and(|at| is_ended(at) && !is_means(at));
        // "Texts declined": right before it.
        let before = at > 0
            && is_ended(at - 1)
            && !is_means(at - 1)
            && !self.words[at - 1].is("texted")
            && self.words.len() == at + 1;
        (behind || before) && !self.is_about_mail(at, at + 1)
    }

    /// Whether somebody reports a STOP: "replied STOP today", "told me to stop", "stop per customer".
    fn reports_a_stop(&self, at: usize) -> bool {
        let word = &self.words[at];
        let next = self.word(at + 1);
        // Somebody may quit other things.
        let quits = word.is("quit quits") && next.is_some_and(Word::is_text);
        if !quits && !word.is("stop stops stopp stpo sotp stoped sropp srop stoop") {
            return false;
        }
        let is_place =
            next.is_some_and(|next| next.is("by in at sign signs light lights over watch loss and gap motion n"));
        let is_named = at > 0
            && self.is_at(
                at - 1,
                "bus non one full dont not never no next last first second pit train tram truck rest cant wont couldnt cannot \
                 doesnt didnt tour whistle short",
            );
        if is_place || is_named || word.case == Case::Title && at > 0 {
            return false;
        }
        let is_texts = |word: &Word| word.is_text() || word.is("sending contacting bothering all");
        let is_open = next.is_none_or(|next| {
            is_texts(next)
                || next.is(
                    "it this that these them now please pls today yesterday again twice request requests requested received recd \
                     recvd rcvd per via on from to we us immediately asap via x2 x3",
                )
                || next.text.starts_with(|c: char| c.is_ascii_digit())
        });
        let is_reported = self.words[..at].iter().any(Word::asks)
            || next.is_some_and(|next| next.is("request requests requested received recd recvd rcvd per via"));
        if word.case == Case::Capitals && self.has_small {
            return self.words.len() > 1;
        }
        let begins = self.words[..at].iter().all(|word| word.is("please pls plz kindly just can could you"));
        // "Stop w/ the texts".
        let stops_with = next.is_some_and(|next| next.is("with all the these those"))
            && self.behind(at + 1, 3).iter().any(Word::is_text);
        // Somebody may want no more bills.
        let is_of_paper = self.is_about_mail(at, at + 1)
            || self.words[at..].iter().any(|word| {
                word.is("invoice invoices bill bills statement statements paper catalog catalogs catalogue flyers letters samples \
                         orders parcels boxes packages magazine newspaper")
            });
        is_reported && is_open || (next.is_some_and(is_texts) || stops_with) && (begins || is_reported) && !is_of_paper
    }

    /// "Doesn't want anything from us", "does not wish to hear from us", "wants no more".
    fn wants_nothing(&self, at: usize) -> bool {
        let is_end = |at: usize| at >= self.words.len();
        let no_more = self.words[at].is("want wants wanted")
            && self.is_at(at + 1, "no")
            && self.is_at(at + 2, "more")
            && (is_end(at + 3) || self.word(at + 3).is_some_and(Word::is_text));
        let of_us =
            |at: usize| self.is_at(at, "hear anything") && self.is_at(at + 1, "from") && self.is_at(at + 2, "us you");
        let denies = || self.before(at, DENIED_WITHIN).iter().any(Word::is_not);
        no_more
            || of_us(at)
                && denies()
                && self.words[..at].iter().any(|word| word.is("want wants wanted wish wishes care like"))
    }

    /// "Wants to be left alone".
    fn is_left_alone(&self, at: usize) -> bool {
        self.words[at].is("alone")
            && self.before(at, 2).iter().any(|word| word.is("left leave"))
            && self.words.iter().any(|word| word.asks() || word.is("leave"))
            // "Please leave her be", "done with us".
            || self.words[at].is("be")
                && self.words.len() == at + 1
                && self.is_at(at.wrapping_sub(2), "leave let")
                && self.is_at(at.wrapping_sub(1), "her him them me us")
            || self.words[at].is("done") && self.is_at(at + 1, "with") && self.is_at(at + 2, "us texts texting sms")
    }
}

#[cfg(test)]
mod tests;
