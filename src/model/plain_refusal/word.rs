//! The words of a note, as [`super::beside`] reads them.

use super::fold::letters;

/// Whether a word is one of several.
pub fn is(word: &str, words: &str) -> bool {
    words.as_bytes().split(|&byte| byte == b' ').any(|one| one == word.as_bytes())
}

/// A word in which each letter that is written twice is written once.
fn undoubled(word: &str) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    letters.dedup();
    letters.into_iter().collect()
}

/// How a word is written.
#[derive(PartialEq, Eq)]
pub enum Case {
    Small,
    /// As a name is.
    Title,
    Capitals,
}

/// A word of a note.
pub struct Word {
    /// Folded.
    pub text: String,
    pub case: Case,
    /// A sign before it ends what stands before.
    pub begins_clause: bool,
    /// That sign stands between a question and its answer.
    pub is_answer: bool,
}

impl Word {
    pub fn all(cell: &str) -> Vec<Word> {
        let mut words: Vec<Word> = Vec::new();
        let (mut written, mut gap) = (String::new(), String::new());
        // A slip beside the apostrophe: "don;t".
        let cell = cell.replace(";t ", "'t ").replace("n,t ", "n't ");
        let cell = cell.replace("w/o ", "without ").replace("W/O ", "WITHOUT ").replace("w/ ", "with ");
        for char in cell.chars().chain([' ']) {
            if char.is_alphanumeric() || matches!(char, '\'' | '’') && !written.is_empty() {
                written.push(char);
                continue;
            }
            if !written.is_empty() {
                let before = if words.is_empty() { "" } else { gap.as_str() };
                words.push(Word::new(&written, before));
                written.clear();
                gap.clear();
            }
            gap.push(char);
        }
        words
    }

    fn new(written: &str, gap: &str) -> Word {
        let is_dash = gap.contains(" -") || gap.contains("- ") || gap.contains(['–', '—']);
        Word {
            text: letters(written).filter(|char| char.is_alphanumeric()).collect(),
            case: match written.contains(char::is_lowercase) {
                false if written.chars().nth(1).is_some() => Case::Capitals,
                true if written.starts_with(char::is_uppercase) => Case::Title,
                _ => Case::Small,
            },
            begins_clause: gap.contains(['.', '!', '?', ';', '\n', '/', '|', ',', '(', ')', '[', ']', ':', '='])
                || is_dash,
            is_answer: gap.contains([':', '=', '?']),
        }
    }

    pub fn is(&self, words: &str) -> bool {
        is(&self.text, words)
    }

    pub fn begins(&self, beginnings: &str) -> bool {
        beginnings.as_bytes().split(|&byte| byte == b' ').any(|begin| self.text.as_bytes().starts_with(begin))
    }

    /// It denies what follows.
    pub fn is_not(&self) -> bool {
        self.is(
            "no not never dont donot doesnt dosent dosnt doesent didnt cant cannot wont wouldnt shouldnt mustnt isnt arent wasnt \
             hasnt havent hadnt without nothing 0 zero",
        ) || self.slip_of_not().is_some()
    }

    /// What is meant by a slip of the pen, where something is denied: the letters of a word for it in another order, or one of them
    /// twice.
    pub fn slip_of_not(&self) -> Option<&'static str> {
        fn sorted(word: &str) -> Vec<u8> {
            let mut letters: Vec<u8> = word.bytes().collect();
            letters.sort_unstable();
            letters
        }
        let may_be = self.text.starts_with('d') && (4..=7).contains(&self.text.len());
        let is_it = |not: &&str| sorted(&undoubled(&self.text)) == sorted(not);
        ["dont", "doesnt", "didnt"].into_iter().find(|not| may_be && is_it(not))
    }

    /// A word for the consent itself.
    pub fn is_consent(&self) -> bool {
        self.is("consent consents consented consenting permission permissions optin optins doi")
    }

    /// What is lacking, or has not come yet, where it stands beside a consent.
    pub fn is_lack(&self) -> bool {
        self.is(
            "lost lacks lacking lack missing pending awaiting awaits await needs needed need required requires outstanding incomplete \
             unconfirmed unverified unobtained unsigned unclear unknown tbd absent expired lapsed withdrawn withdrew revoked rescinded",
        )
    }

    /// A slip of the pen, where "text" is what one denies.
    pub fn is_slip_of_text(&self) -> bool {
        self.is("tex tesxt tect txet tetx texr tezt yext testx market")
            || self.is_doubled("text texts texting message messages")
    }

    /// What contactd sends, or the sending of it.
    pub fn is_text(&self) -> bool {
        self.begins("sms txt msg messag")
            || self.is("text texts texting texted marketing mktg mkt promos promo promotional promotions mms blasts alert alerts textt")
    }

    /// One of several words with a letter written twice.
    fn is_doubled(&self, words: &str) -> bool {
        let plain = undoubled(&self.text);
        plain.len() < self.text.len() && words.split(' ').any(|word| undoubled(word) == plain)
    }

    /// To reach somebody by whatever means.
    pub fn is_contact(&self) -> bool {
        self.is(
            "contact contacts contacted contacting cntact contct conact communication communications correspondence",
        )
    }

    /// The number itself, or what rings.
    pub fn is_number(&self) -> bool {
        self.is("number numbers nr num cell cellphone phone mobile line tel")
    }

    /// Somebody near to the person whose row it is.
    pub fn is_kin(&self) -> bool {
        self.is(
            "ex exs son sons daughter daughters mother mothers mom moms mum mums dad dads father fathers wife wifes wives husband \
             husbands hubby spouse spouses partner partners sister sisters brother brothers parent parents girlfriend \
             girlfriends boyfriend boyfriends friend friends roommate roommates neighbor neighbors neighbour neighbours grandma \
             grandmas grandpa grandpas grandson granddaughter grandmother grandmothers uncle uncles aunt aunts cousin cousins boss bosss \
             coworker coworkers caregiver caretaker carer kid kids child childs childrens else elses",
        )
    }

    /// What such a person has: "wife's", "moms".
    pub fn is_of_kin(&self) -> bool {
        self.is_kin() && self.text.ends_with('s')
    }

    pub fn is_mail(&self) -> bool {
        self.begins("email") || self.is("mail mails mailing newsletter newsletters")
    }

    /// What else one may do to somebody.
    pub fn is_other(&self) -> bool {
        self.is_mail() || self.is("call calls calling phone voicemail voicemails vm fax post letters visits")
    }

    pub fn asks(&self) -> bool {
        self.is(
            "want wants wanted wanting wish wishes wished like ask asked asks asking request requested requests tell told say \
             says said need needs demanded insists insisted prefers called phoned emailed emailing wrote replied replying reply verbal verbally \
             texted txted texting text sent sends texts responded answered hit pressed typed clicked tapped chose selected entered received \
             recd recvd rcvd got came per via",
        )
    }
}
