//! What an inbound text means, read straight from the list of keywords.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Out,
    OutAll,
    In,
    /// YES: an opt-in only from one who is opted out or known to the list.
    Yes,
    Help,
    MaybeOut,
    Message,
}

const OUT: [&str; 9] = ["STOP", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "OPT OUT", "OPT-OUT"];
const OUT_ALL: [&str; 2] = ["STOPALL", "STOP ALL"];
const IN: [&str; 2] = ["START", "UNSTOP"];
const HELP: [&str; 2] = ["HELP", "INFO"];
const NEAR_MISS_WORDS_MAX: usize = 6;

pub fn classify(text: &str) -> Class {
    let words = words(text);
    let is = |keyword: &&str| words == self::words(keyword);
    // "S T O P".
    let spaced_out = |keyword: &&str| words.concat() == self::words(keyword).concat();
    // "STOP STOP", "stop/end".
    let parts: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).collect();
    let out_of_all = |part: &&str| OUT_ALL.iter().any(|keyword| self::words(part) == self::words(keyword));
    let out = |part: &&str| out_of_all(part) || OUT.iter().any(|keyword| self::words(part) == self::words(keyword));
    let only_out = !parts.is_empty() && parts.iter().all(out);
    if OUT_ALL.iter().any(is) {
        Class::OutAll
    } else if OUT.iter().any(is) {
        Class::Out
    } else if IN.iter().any(is) {
        Class::In
    } else if is(&"YES") {
        Class::Yes
    } else if HELP.iter().any(is) {
        Class::Help
    } else if OUT_ALL.iter().any(spaced_out) || only_out && parts.iter().any(out_of_all) {
        Class::OutAll
    } else if OUT.iter().any(spaced_out) || only_out {
        Class::Out
    } else if words.len() <= NEAR_MISS_WORDS_MAX
        && OUT.iter().chain(&OUT_ALL).any(|keyword| {
            let keyword = self::words(keyword);
            words.starts_with(&keyword) || words.ends_with(&keyword)
        })
    {
        Class::MaybeOut
    } else {
        Class::Message
    }
}

/// Upper case, punctuation gone ("S.T.O.P" is STOP, "OPT-OUT" is OPTOUT), split at any white space.
pub fn words(text: &str) -> Vec<String> {
    let kept: String = text.chars().filter(|c| c.is_alphanumeric() || c.is_whitespace()).collect();
    kept.to_uppercase().split_whitespace().map(str::to_owned).collect()
}
