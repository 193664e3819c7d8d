//! What is looked for in the cells of a column that says nothing of who wants messages, as far as anybody knows.
//!
//! A column is judged by the rows that were looked at beforehand. What a later row has there, and none of these had, nobody has
//! seen: neither `'*'` nor a name like `label.tier` covers it.

use super::Why;
use super::channel::{is_another, is_of_wishes, is_other_wish};
use super::names;
use super::survey::{Held, is_answer};
use crate::import::send::country::{Evidence, is_of_flag, may_be_no_country};
use crate::import::send::numbers::refuses_in_another_phone;
use crate::import::send::refusal::Refusal;
use crate::import::title::{self, begins_with_a_date};
use crate::model::blank::is_blank;
use crate::model::failure::Failure;
use crate::model::keyword::is_unspaced;
use crate::model::plain_refusal::answer::{is_no, is_of_codes};
use crate::model::plain_refusal::expiry::is_of_an_end_of_consent;
use crate::model::plain_refusal::key::Asks;
use crate::model::plain_refusal::reply::{is_of_replies, is_word_of_refusal, reply_refuses};
use crate::model::plain_refusal::title::{group_speaks_of_an_end, heading_speaks_of_an_end};
use crate::model::plain_refusal::{note_resembles, wish};
use crate::model::time::Millis;
use crate::model::verdict::Reason;

/// What is looked for in the cells of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    /// A refusal counts although the column is ignored: contactd does not know by itself what stands there.
    pub hears_refusals: bool,
    /// Whether what stands there is a country, which may contradict what is said of the row's.
    pub countries: Countries,
    /// Its heading is not one under which nobody writes who wants messages.
    pub may_refuse: bool,
    beside: Beside,
    says: Says,
    late: Late,
}

/// What else a column tells of what its cells mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Beside {
    /// Which answers are refusals: to its heading, whatever the label is called, and to the key of the label.
    asks: [Asks; 2],
    /// People wrote there what they liked: a word with which one refuses messages is one.
    is_free: bool,
    written: Written,
    /// What stands there is the channel of the row's consent.
    is_of_channels: bool,
    /// What stands there is the channel that the person wishes.
    is_of_wishes: bool,
}

/// What people write in a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Written {
    #[default]
    Anything,
    /// How somebody wants to be reached.
    Wishes,
    /// Phones, and words in the place of one.
    Phones,
}

/// Whether the cells of a column are countries or calling codes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Countries {
    #[default]
    None,
    Named,
    /// Two letters, under a heading that says nothing of it.
    Perhaps,
}

/// What the cells of a column say besides their words, as its heading tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Says {
    #[default]
    Words,
    /// Codes of failures.
    Codes,
    /// What people wrote back.
    Replies,
    /// Lists and groups that somebody is on.
    Groups,
    /// The same where the cells of several rows were one: what stands there is said of the blank ones below it, too.
    Merged,
    /// Yes and no, as the heading asks who wants messages, if of another channel: nothing else is an answer.
    Answers,
    /// Nearly always yes and no, to another question.
    OtherAnswers,
    /// Who left, and when, as the heading says.
    Ends,
    /// What contactd said of each row when it wrote it.
    Verdicts,
}

/// Verdicts of which nothing else in an export tells: somebody may have refused, and is active there.
const DOUBTS: [Reason; 2] = [Reason::Fenced, Reason::HeldForReview];

/// Parts of headings of lists and groups, folded.
const GROUPS: [&str; 7] = ["group", "grupp", "grupo", "segment", "audience", "cohort", "list"];
/// Parts of other headings under which the cells of several rows are made one, folded.
const SECTIONS: [&str; 15] = [
    "tab",
    "sheet",
    "section",
    "categor",
    "kategor",
    "bucket",
    "folder",
    "type",
    "block",
    "class",
    "リスト",
    "グループ",
    "组",
    "組",
    "列表",
];

/// Parts of headings of countries, folded. Under another heading two letters are a state or a language.
const COUNTRY: [&str; 24] = [
    "country",
    "countries",
    "land",
    "pais",
    "pays",
    "iso",
    "nation",
    "nazione",
    "paese",
    "ulke",
    "orszag",
    "drzav",
    "kraj",
    "negara",
    "quocgia",
    "страна",
    "країн",
    "χωρα",
    "देश",
    "ประเทศ",
    "국가",
    "国",
    "國",
    "البلد",
];
/// The same where more letters make another word: a status, a shop.
const COUNTRY_NAMES: [&str; 13] =
    ["tara", "zeme", "stat", "staat", "maa", "ctry", "cntry", "cc", "geoip", "residence", "valsts", "salis", "מדינה"];

/// Parts of headings of countries in which no phone is dialled: of those that somebody is of, was born in or travels to. Who calls such
/// a column a label has said so; calling codes in it stay what they are.
const OF_SOMETHING_ELSE: [&str; 36] = [
    "nationali",
    "nacional",
    "nazional",
    "staatsang",
    "staatsburg",
    "burgerschap",
    "citizen",
    "ciudadan",
    "cidadan",
    "cittadin",
    "citoyen",
    "medborgar",
    "statsborger",
    "kansalais",
    "obywatel",
    "obcanstv",
    "narodnost",
    "uyruk",
    "гражданств",
    "громадянств",
    "национальн",
    "国籍",
    "國籍",
    "국적",
    "جنسية",
    "birth",
    "geburt",
    "naissance",
    "nacimiento",
    "nascita",
    "nascimento",
    "passport",
    "origin",
    "herkunft",
    "destination",
    "travel",
];

/// Fewer answers make no column of them.
const ANSWERS_MIN: u64 = 3;

/// What a later row cannot have there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Late {
    #[default]
    Nothing,
    /// A yes or a no, since there was none.
    Answers,
    /// Whatever it is, since nothing stood there.
    All,
}

impl Guard {
    /// What is looked for in a column that is read for this reason. `is_whole` says that all rows were looked at.
    pub fn of(held: &Held, why: Why, is_whole: bool) -> Guard {
        let late = match why {
            _ if is_whole || names::is_harmless(&held.name) => Late::Nothing,
            Why::AllLabels | Why::AllIgnored if held.spoken == 0 => Late::All,
            Why::AllLabels | Why::AllIgnored | Why::LabelName if held.answers == 0 => Late::Answers,
            _ => Late::Nothing,
        };
        let is_said = matches!(why, Why::Map | Why::Mapping);
        let name = names::fold(&held.name);
        let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
        let asks = || {
            title::speaks_of_consent(&held.name)
                && (title::is_about_mail(&held.name)
                    || names::known(&held.name).is_some_and(|(field, _)| field.has_words()))
        };
        let says = match () {
            () if held.answers > 0 && held.answers * 2 >= held.spoken && asks() => Says::Answers,
            // A date of the end of a consent is one of a consent until it comes.
            () if heading_speaks_of_an_end(&held.name)
                && !title::is_about_mail(&held.name)
                && !is_of_an_end_of_consent(&held.name)
                && held.are_marks() =>
            {
                Says::Ends
            }
            () if (is_of_groups(&held.name) || held.are_statuses()) && held.are_merged() => Says::Merged,
            () if is_of_replies(&held.name) => Says::Replies,
            () if has(&GROUPS) => Says::Groups,
            () if is_of_codes(&name) => Says::Codes,
            () if held.answers >= ANSWERS_MIN && held.answers * 5 >= held.spoken * 4 => Says::OtherAnswers,
            () => Says::Words,
        };
        let may_refuse = !names::is_harmless(&held.name);
        let asked = Asks::of(&held.name);
        Guard {
            may_refuse,
            hears_refusals: matches!(why, Why::AllIgnored | Why::Map | Why::Mapping),
            beside: Beside {
                asks: [if may_refuse && held.are_names() { asked.and_of_people() } else { asked }, Asks::default()],
                is_free: may_refuse && held.are_phrases(),
                written: match () {
                    () if wish::is_of_a_channel(&held.name) => Written::Wishes,
                    () if held.spoken > 0 && held.are_phones() => Written::Phones,
                    () => Written::Anything,
                },
                is_of_channels: false,
                is_of_wishes: is_of_wishes(&held.name),
            },
            // What else two letters are, a person has said; a country stays one, whatever the column is called.
            countries: match countries(held) {
                Countries::Perhaps if is_said => Countries::None,
                Countries::Named if is_said && are_of_something_else(held) => Countries::None,
                countries => countries,
            },
            says,
            late,
        }
    }

    /// The same of the verdicts of contactd's own export.
    pub fn of_verdicts(self) -> Guard {
        Guard { says: Says::Verdicts, ..self }
    }

    /// The same where the heading is known to ask who wants messages.
    pub fn of_consents(self) -> Guard {
        let [_, key] = self.beside.asks;
        Guard { beside: Beside { asks: [Asks::of("consent"), key], ..self.beside }, ..self }
    }

    /// The same where the cells are labels of this key.
    pub fn of_labels(self, key: &str) -> Guard {
        let [heading, _] = self.beside.asks;
        let key = Some(Asks::of(key)).filter(|key| *key != heading).unwrap_or_default();
        Guard { beside: Beside { asks: [heading, key], ..self.beside }, ..self }
    }

    /// The same of the channels of consents.
    pub fn of_channels(self) -> Guard {
        Guard { beside: Beside { is_of_channels: true, ..self.beside }, ..self }
    }

    /// Whether a cell says that the row is about another channel.
    fn is_of_another_channel(self, cell: &str) -> bool {
        self.beside.is_of_channels && (is_another(cell) || self.beside.is_of_wishes && is_other_wish(cell))
    }

    /// Whether a cell is a verdict of contactd's own export that leaves open whether somebody has refused.
    pub fn doubts(self, cell: &str) -> bool {
        self.says == Says::Verdicts && DOUBTS.iter().any(|doubt| doubt.word() == cell.trim())
    }

    /// Whether a cell names a list of people who want no messages, has the code of a message that failed for good, or is a mark or a
    /// date of one who left.
    pub fn hears(self, cell: &str, now: Millis) -> bool {
        let Beside { asks: [of_heading, of_key], is_free, written, .. } = self.beside;
        // What people write under both is asked once: whether a note resembles those that refuse messages takes the longest.
        let key_says =
            if of_key.is_written_as(of_heading) { of_key.is_answered_by(cell, now) } else { of_key.refuses(cell, now) };
        // A name is no word.
        let is_word = || !of_heading.is_of_people() && is_word_of_refusal(cell);
        // What is a note has been compared, and a name is none; wishes and phones are read as what they are.
        let is_compared = of_heading.is_of_notes() || of_key.is_of_notes();
        let may_be_said = is_free || self.may_refuse && written == Written::Anything && !of_heading.is_of_people();
        if key_says
            || of_heading.refuses(cell, now)
            || written == Written::Wishes && wish::refuses(cell)
            || written == Written::Phones && refuses_in_another_phone(cell)
            || is_free && is_word()
            || may_be_said && !is_compared && is_sentence(cell) && note_resembles(cell)
        {
            return true;
        }
        match self.says {
            Says::Words | Says::Answers | Says::OtherAnswers | Says::Verdicts => false,
            Says::Replies => reply_refuses(cell),
            Says::Codes => Failure::of("", cell.trim(), None).forbids(),
            Says::Ends => !is_blank(cell) && !is_no(cell),
            Says::Groups | Says::Merged => cell.split([',', ';', '|', '\n']).any(group_speaks_of_an_end),
        }
    }

    /// Whether a cell is one that the column can have, if it says nothing of who wants messages.
    ///
    /// # Errors
    /// It is not.
    pub fn check(self, cell: &str) -> Result<(), Refusal> {
        match () {
            () if self.refuses(cell) => Err(Refusal::UnknownColumn),
            () if self.is_out_of_place(cell) => Err(Refusal::Shifted),
            () if self.is_of_another_channel(cell) => Err(Refusal::OtherChannel),
            () => Ok(()),
        }
    }

    /// Whether what stands in a cell is said of the blank ones below it, too.
    pub fn is_merged(self) -> bool {
        self.says == Says::Merged
    }

    /// Whether a cell has no answer where each row has one, or nothing.
    pub fn is_out_of_place(self, cell: &str) -> bool {
        self.says == Says::Answers && !is_blank(cell) && !is_answer(cell) && !begins_with_a_date(cell)
    }

    /// Whether a cell stands where each row has an answer, and is none: a comma in a cell before it may have moved it there.
    pub fn lacks_an_answer(self, cell: &str) -> bool {
        self.says == Says::OtherAnswers && !is_blank(cell) && !is_answer(cell)
    }

    /// Whether two cells beside each other may have been one number: `1,200` without its quotes.
    pub fn may_be_one_number(before: &str, cell: &str) -> bool {
        let before = before.trim().trim_start_matches(['$', '€', '£', '-']);
        let (thousands, rest) = cell.trim().split_once('.').unwrap_or((cell.trim(), ""));
        let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        (1..=3).contains(&before.len())
            && thousands.len() == 3
            && [before, thousands, rest].into_iter().all(are_digits)
            && !before.starts_with('0')
    }

    /// Whether a cell is an answer where rows have none: it may have moved there.
    pub fn has_a_strange_answer(self, cell: &str) -> bool {
        !matches!(self.says, Says::Answers | Says::OtherAnswers | Says::Ends) && is_answer(cell)
    }

    /// Whether a cell has what nobody has seen.
    fn refuses(self, cell: &str) -> bool {
        match self.late {
            Late::Nothing => false,
            Late::Answers => is_answer(cell),
            Late::All => !is_blank(cell),
        }
    }
}

/// Names have no more words, and in scripts that put no blanks between words no more letters.
const NAME_WORDS_MAX: usize = 2;
const NAME_LETTERS_MAX: usize = 4;

/// Whether a cell has more words than a name, and one that does not begin as those of names do; or two words that neither do.
fn is_sentence(cell: &str) -> bool {
    if cell.contains(is_unspaced) {
        return cell.chars().filter(|char| is_unspaced(*char)).count() > NAME_LETTERS_MAX;
    }
    let is_small = |word: &str| word.starts_with(|char: char| char.is_alphabetic() && !char.is_uppercase());
    let mut words = cell.split(|char: char| char.is_whitespace() || char == '_').filter(|word| !word.is_empty());
    // "yes, always", "sms, email": answers are listed, too.
    let are_small = !cell.contains(',') && words.clone().nth(1).is_some() && words.clone().all(is_small);
    are_small || words.clone().nth(NAME_WORDS_MAX).is_some() && words.any(is_small)
}

/// Whether groups of rows may be named under a heading, or it has none.
pub fn is_of_groups(heading: &str) -> bool {
    let name = names::fold(heading);
    name.is_empty() || GROUPS.iter().chain(&SECTIONS).any(|part| name.contains(part))
}

/// Whether the heading of a column of countries says that they are of something else than phones, and no cell is a calling code.
fn are_of_something_else(held: &Held) -> bool {
    let name = names::fold(&held.name);
    let is_code = |value: &str| matches!(Evidence::read(value), Some(Evidence::Code(_)));
    OF_SOMETHING_ELSE.iter().any(|part| name.contains(part))
        && held.values().is_some_and(|values| !values.into_iter().any(|(value, _)| is_code(value)))
}

/// Whether most cells of a column are countries or calling codes: one that is none, like `Other`, says nothing of the others.
fn countries(held: &Held) -> Countries {
    let name = names::fold(&held.name);
    let is_said = COUNTRY.iter().any(|part| name.contains(part)) || COUNTRY_NAMES.contains(&name.as_str());
    if !is_said && names::is_harmless(&held.name) {
        return Countries::None;
    }
    let (mut all, mut named, mut two_letters, mut others) = (0, 0, 0, 0);
    let values = held.values().unwrap_or_default();
    for (value, count) in values.into_iter().filter(|(value, _)| !is_blank(value)) {
        all += count;
        if !matches!(Evidence::read(value), Some(Evidence::Region(_) | Evidence::Code(_))) {
            continue;
        }
        let is_code = value.starts_with(['+', '0', '(']);
        let has_name = value.chars().count() > 2 || !value.is_ascii();
        if is_said || is_code || has_name && value.contains(|c: char| c.is_alphabetic() || is_of_flag(c)) {
            named += count;
        } else if value.chars().all(char::is_alphabetic) {
            two_letters += count;
            others += if may_be_no_country(value) { count } else { 0 };
        }
    }
    match () {
        () if named * 2 > all => Countries::Named,
        () if (named + two_letters) * 2 > all && others * 2 <= two_letters => Countries::Perhaps,
        () => Countries::None,
    }
}
