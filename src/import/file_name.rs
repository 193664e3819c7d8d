//! What the name of a file says of its rows. A list of those who want no messages is often a file of numbers alone.

use super::columns::names::fold;

/// Parts of words that speak of no messages, wherever they stand in a name without its blanks.
const PARTS: [&str; 42] = [
    "optout",
    "optedout",
    "optsout",
    "unsub",
    "blacklist",
    "blocklist",
    "blocked",
    "denylist",
    "exclusion",
    "excluded",
    "donotcall",
    "donotcontact",
    "donottext",
    "donotsms",
    "donotsend",
    "dontcall",
    "dontcontact",
    "donttext",
    "suppress",
    "cleaned",
    "bounce",
    "invalid",
    "undeliver",
    "deactivat",
    "complaint",
    "revoked",
    "abmeld",
    "abgemeldet",
    "sperrliste",
    "robinson",
    "desabonn",
    "desinscri",
    "listenoire",
    "disiscri",
    "listanera",
    "listanegra",
    "descadastr",
    "wypisan",
    "listesiyah",
    "отпис",
    "черныйсписок",
    "чёрныйсписок",
];
/// The same in scripts whose words stand without blanks.
const SIGNS: [&str; 8] = ["退订", "退訂", "黑名单", "黑名單", "拒收", "配信停止", "수신거부", "차단"];
/// Whole words of a name: "stop" is a word of "STOP replies", not of "stopover".
const WORDS: [&str; 17] = [
    "stop",
    "stops",
    "stopped",
    "dnc",
    "dnd",
    "dncl",
    "tps",
    "bad",
    "dead",
    "left",
    "bajas",
    "baja",
    "iptal",
    "ret",
    "rezygnacje",
    "стоп",
    "arret",
];
/// Headings of the file of those whom Mailchimp does not write to any more.
const HEADINGS: [&str; 3] = ["cleantime", "cleancampaigntitle", "cleancampaignid"];

/// The word by which a file's name, or one of its headings, says that its rows may be of people who want no messages, or of
/// numbers that do not exist.
pub fn speaks_of_an_end<'n>(name: &str, mut headings: impl Iterator<Item = &'n str>) -> Option<String> {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let words = words(stem);
    let joined = words.concat();
    let part = PARTS.iter().chain(&SIGNS).find(|part| joined.contains(**part));
    let found = part.or_else(|| WORDS.iter().find(|word| words.iter().any(|of| of == *word)));
    if found.is_some() {
        return Some(name.to_owned());
    }
    headings.find(|heading| HEADINGS.contains(&fold(heading).as_str())).map(str::to_owned)
}

/// The words of a name, folded, however they are joined: `opt_outs`, `OptOuts2024`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_small = false;
    for char in name.chars().filter(|char| !matches!(char, '\'' | '’')) {
        let begins = after_small && char.is_uppercase();
        after_small = char.is_lowercase();
        if !char.is_alphabetic() || begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| char.is_alphabetic()) {
            word.push(char);
        }
    }
    words.retain(|word| !word.is_empty());
    words.iter().map(|word| fold(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_that_are_asked_about() {
        for name in [
            "sms_opt_outs_2024.csv",
            "OptOuts2024.csv",
            "opted-out.ndjson",
            "blacklist.csv",
            "Black List.txt",
            "DNC list.csv",
            "do not call.csv",
            "Don't text.csv",
            "unsubscribed_members_export_ab12.csv",
            "cleaned_members_export_ab12.csv",
            "suppression-list.csv",
            "bounces.csv",
            "STOP replies.csv",
            "Abmeldungen.csv",
            "désabonnés.csv",
            "disiscritti.csv",
            "bajas mayo.csv",
            "descadastrados.csv",
            "wypisani.csv",
            "отписавшиеся.csv",
            "чёрный список.csv",
            "退订名单.csv",
            "수신거부 명단.csv",
        ] {
            assert!(speaks_of_an_end(name, [].into_iter()).is_some(), "{name}");
        }
        for name in [
            "contacts.csv",
            "stopover.csv",
            "Stopford.csv",
            "subscribed_members_export.csv",
            "standard input",
            "optical.csv",
            "",
        ] {
            assert_eq!(speaks_of_an_end(name, ["phone"].into_iter()), None, "{name}");
        }
        let mailchimp = ["SMS Phone", "CLEAN_TIME", "CLEAN_CAMPAIGN_TITLE"];
        assert_eq!(speaks_of_an_end("export.csv", mailchimp.into_iter()).as_deref(), Some("CLEAN_TIME"));
    }
}
