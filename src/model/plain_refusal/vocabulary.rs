//! The words in which people refuse messages, of the languages of those who send many.

/// What a word can be in a refusal: some of these.
pub type Sense = u16;

/// Says it alone: "unsubscribed", "stop".
pub const OUT: Sense = 1;
/// Turns round what follows, or as the last word what precedes.
pub const NOT: Sense = 1 << 1;
/// What one may refuse: "text", "call", "subscribed".
pub const ACT: Sense = 1 << 2;
/// An answer may follow it: "SMS: no", "subscribed: no".
pub const ASKED: Sense = 1 << 3;
/// Speaks of a phone, so that it is not about e-mail alone.
pub const PHONE: Sense = 1 << 4;
/// Another channel.
pub const MAIL: Sense = 1 << 5;
/// Ends what is beside it: "consent revoked".
pub const ENDS: Sense = 1 << 6;
/// Opting, out or in.
pub const OPT: Sense = 1 << 7;
/// Away: what makes "opt" an opt-out.
pub const AWAY: Sense = 1 << 8;
/// In: what makes it an opt-in.
pub const IN: Sense = 1 << 9;
/// Means it only where nothing else stands in the cell: "Baja", but not "Baja, California".
pub const ALONE: Sense = 1 << 10;
/// Says nothing, and may stand beside what does.
pub const BESIDE: Sense = 1 << 11;

/// All words, folded and sorted.
static WORDS: &[(&str, Sense)] = &[
    ("a", BESIDE),
    ("abbestellt", OUT),
    ("abgemeldet", OUT),
    ("accepts", BESIDE),
    ("accetta", BESIDE),
    ("aceita", BESIDE),
    ("acepta", BESIDE),
    ("acord", ACT | ASKED),
    ("afgemeld", OUT),
    ("afmeldt", OUT),
    ("afmeldte", OUT),
    ("again", BESIDE),
    ("all", BESIDE),
    ("allowed", ACT),
    ("and", BESIDE),
    ("anrufen", ACT | PHONE),
    ("anschreiben", ACT),
    ("any", BESIDE),
    ("anymore", BESIDE),
    ("appeler", ACT | PHONE),
    ("asked", BESIDE),
    ("ausgeschrieben", OUT),
    ("ausgetragen", OUT),
    ("avanmald", OUT),
    ("avmeld", OUT),
    ("avmeldt", OUT),
    ("avregistrerad", OUT),
    ("baja", OUT | ASKED | ALONE),
    ("be", BESIDE),
    ("been", BESIDE),
    ("bellen", ACT | PHONE),
    ("bitte", BESIDE),
    ("blacklisted", ENDS),
    ("blocked", OUT | ENDS | ALONE),
    ("blocklisted", ENDS),
    ("by", BESIDE),
    ("call", ACT | PHONE),
    ("calling", ACT | PHONE),
    ("calls", ACT | PHONE),
    ("can", BESIDE),
    ("canceled", ENDS),
    ("cancelled", ENDS),
    ("cell", BESIDE | PHONE),
    ("client", BESIDE),
    ("consenso", ACT | ASKED),
    ("consent", ACT | ASKED),
    ("consented", ACT | ASKED),
    ("consentement", ACT | ASKED),
    ("consentimento", ACT | ASKED),
    ("consentimiento", ACT | ASKED),
    ("contact", ACT),
    ("contactable", ACT | ASKED),
    ("contactar", ACT),
    ("contacted", ACT),
    ("contacter", ACT),
    ("contatar", ACT),
    ("contattare", ACT),
    ("customer", BESIDE),
    ("dada", ENDS),
    ("dado", ENDS),
    ("de", BESIDE),
    ("declined", OUT | ENDS | ALONE),
    ("denied", ENDS),
    ("deranger", ACT),
    ("desabonne", OUT),
    ("desabonnee", OUT),
    ("desabonnes", OUT),
    ("descadastrada", OUT),
    ("descadastrado", OUT),
    ("desinscrit", OUT),
    ("desinscrite", OUT),
    ("desinscrits", OUT),
    ("desuscrita", OUT),
    ("desuscrito", OUT),
    ("dezabonat", OUT),
    ("dezabonata", OUT),
    ("disabled", ENDS),
    ("disiscritta", OUT),
    ("disiscritto", OUT),
    ("disturb", ACT | PHONE),
    ("disturbare", ACT | PHONE),
    ("dnc", OUT),
    ("dnd", OUT),
    ("dnt", OUT),
    ("do", BESIDE),
    ("does", BESIDE),
    ("doesnt", NOT),
    ("dont", NOT),
    ("dsgvo", ACT | ASKED),
    ("einwilligung", ACT | ASKED),
    ("email", MAIL),
    ("emailing", MAIL),
    ("emails", MAIL),
    ("enabled", ACT),
    ("entfernen", OUT),
    ("enviar", ACT),
    ("envoyer", ACT),
    ("estetty", OUT),
    ("ever", BESIDE),
    ("false", NOT),
    ("fax", MAIL),
    ("flag", BESIDE),
    ("for", BESIDE),
    ("frameldt", OUT),
    ("from", BESIDE),
    ("further", BESIDE),
    ("gdpr", ACT | ASKED),
    ("geen", NOT),
    ("globally", BESIDE),
    ("has", BESIDE),
    ("hat", BESIDE),
    ("have", BESIDE),
    ("her", BESIDE),
    ("here", BESIDE),
    ("him", BESIDE),
    ("hozzajarulas", ACT | ASKED),
    ("iletisim", ACT),
    ("in", IN),
    ("is", BESIDE),
    ("izin", ACT | ASKED),
    ("kein", NOT),
    ("keine", NOT),
    ("keinen", NOT),
    ("kontaktieren", ACT),
    ("leiratkozott", OUT),
    ("leiratkozva", OUT),
    ("les", BESIDE),
    ("lgpd", ACT | ASKED),
    ("ligar", ACT | PHONE),
    ("list", BESIDE),
    ("llamar", ACT | PHONE),
    ("loschen", OUT),
    ("mail", MAIL),
    ("mailing", MAIL),
    ("mails", MAIL),
    ("marketing", ACT | ASKED),
    ("me", BESIDE),
    ("mensagens", ACT | PHONE),
    ("mensaje", ACT | PHONE),
    ("mensajes", ACT | PHONE),
    ("message", ACT | PHONE),
    ("messaged", ACT | PHONE),
    ("messages", ACT | PHONE),
    ("messaging", ACT | ASKED | PHONE),
    ("mms", ACT | ASKED | PHONE),
    ("mobile", BESIDE | PHONE),
    ("molestar", ACT | PHONE),
    ("more", BESIDE),
    ("msg", ACT | PHONE),
    ("msgs", ACT | PHONE),
    ("my", BESIDE),
    ("nao", NOT),
    ("ndnc", OUT),
    ("ne", NOT),
    ("nein", NOT),
    ("never", NOT),
    ("nicht", NOT),
    ("nie", NOT),
    ("niet", NOT),
    ("no", NOT),
    ("non", NOT),
    ("not", NOT),
    ("number", BESIDE),
    ("nunca", NOT),
    ("odhlasen", OUT),
    ("odhlasena", OUT),
    ("odhlaseny", OUT),
    ("odjavljen", OUT),
    ("odjavljena", OUT),
    ("of", BESIDE),
    ("off", NOT),
    ("ok", BESIDE),
    ("on", BESIDE),
    ("onay", ACT | ASKED),
    ("onayi", ACT | ASKED),
    ("only", BESIDE),
    ("opt", OPT),
    ("opted", OPT),
    ("optedin", ACT | ASKED),
    ("optedout", OUT),
    ("optin", ACT | ASKED),
    ("optout", OUT),
    ("optouts", OUT),
    ("or", BESIDE),
    ("our", BESIDE),
    ("out", AWAY),
    ("pas", NOT),
    ("permanently", BESIDE),
    ("permission", ACT | ASKED),
    ("peruttu", OUT),
    ("peruutettu", OUT),
    ("phone", BESIDE | PHONE),
    ("please", BESIDE),
    ("quer", BESIDE),
    ("receber", ACT),
    ("receive", ACT),
    ("receives", ACT),
    ("recibir", ACT),
    ("refuse", ENDS),
    ("refused", ENDS),
    ("refuses", ENDS),
    ("removal", OUT),
    ("removed", OUT),
    ("replied", BESIDE),
    ("request", BESIDE),
    ("requested", BESIDE),
    ("revoked", OUT | ENDS | ALONE),
    ("rgpd", ACT | ASKED),
    ("said", BESIDE),
    ("samtycke", ACT | ASKED),
    ("samtykke", ACT | ASKED),
    ("says", BESIDE),
    ("send", ACT | PHONE),
    ("sending", ACT | PHONE),
    ("sin", NOT),
    ("sms", ACT | ASKED | PHONE),
    ("solicit", ACT | PHONE),
    ("souhlas", ACT | ASKED),
    ("status", BESIDE),
    ("stop", OUT),
    ("stopall", OUT),
    ("stopped", OUT | ENDS | ALONE),
    ("storen", ACT | PHONE),
    ("subscribe", ACT | ASKED),
    ("subscribed", ACT | ASKED),
    ("suhlas", ACT | ASKED),
    ("suostumus", ACT | ASKED),
    ("suppressed", ENDS),
    ("suscrita", ACT | ASKED),
    ("suscrito", ACT | ASKED),
    ("t", BESIDE),
    ("tcpa", ACT | ASKED),
    ("text", ACT | ASKED | PHONE),
    ("textable", ACT | ASKED | PHONE),
    ("texted", BESIDE),
    ("texting", ACT | ASKED | PHONE),
    ("texts", ACT | ASKED | PHONE),
    ("thank", ACT | ALONE),
    ("thanks", ACT | ALONE),
    ("the", BESIDE),
    ("this", BESIDE),
    ("to", BESIDE),
    ("toestemming", ACT | ASKED),
    ("true", BESIDE),
    ("uitgeschreven", OUT),
    ("uitgeschrevene", OUT),
    ("unsub", OUT),
    ("unsubbed", OUT),
    ("unsubd", OUT),
    ("unsubs", OUT),
    ("unsubscribe", OUT),
    ("unsubscribed", OUT),
    ("unsubscribes", OUT),
    ("us", BESIDE),
    ("user", BESIDE),
    ("via", BESIDE),
    ("want", BESIDE),
    ("wants", BESIDE),
    ("was", BESIDE),
    ("web", BESIDE),
    ("website", BESIDE),
    ("werbung", ACT | ASKED | PHONE),
    ("whatsapp", BESIDE | PHONE),
    ("widerrufen", OUT),
    ("widersprochen", OUT),
    ("wish", BESIDE),
    ("wishes", BESIDE),
    ("withdrawn", OUT | ENDS | ALONE),
    ("withdrew", ENDS),
    ("without", NOT),
    ("wykreslony", OUT),
    ("wypisana", OUT),
    ("wypisany", OUT),
    ("wyrejestrowana", OUT),
    ("wyrejestrowany", OUT),
    ("yes", BESIDE),
    ("you", BESIDE),
    ("zgoda", ACT | ASKED),
    ("zustimmung", ACT | ASKED),
    ("відписався", OUT),
    ("відписана", OUT),
    ("відписаний", OUT),
    ("отписалась", OUT),
    ("отписались", OUT),
    ("отписался", OUT),
    ("отписан", OUT),
    ("отписана", OUT),
    ("отписано", OUT),
    ("отписка", OUT),
    ("согласен", ACT | ASKED),
    ("согласие", ACT | ASKED),
    ("стоп", OUT),
    ("הוסר", OUT),
    ("הסר", OUT),
    ("取消订阅", OUT),
    ("同意", ACT | ASKED),
    ("已取消订阅", OUT),
    ("已退訂", OUT),
    ("已退订", OUT),
    ("拒收", OUT),
    ("退会", OUT),
    ("退会済み", OUT),
    ("退會", OUT),
    ("退订", OUT),
    ("送信不可", OUT),
    ("送信停止", OUT),
    ("配信停止", OUT),
    ("配信停止済み", OUT),
    ("黑名单", OUT),
    ("黑名單", OUT),
    ("거부", OUT),
    ("거부함", OUT),
    ("동의", ACT | ASKED),
    ("수신거부", OUT),
    ("수신거부됨", OUT),
    ("해지됨", OUT),
];

/// The first letters that words begin with: of a million different names most are told apart by two letters.
static BEGINNINGS: [u32; 26] = beginnings();

const fn beginnings() -> [u32; 26] {
    let mut all = [0; 26];
    let mut at = 0;
    while at < WORDS.len() {
        let word = WORDS[at].0.as_bytes();
        if word[0].is_ascii_lowercase() {
            let second = if word.len() > 1 { word[1] - b'a' } else { 31 };
            all[(word[0] - b'a') as usize] |= 1 << second;
        }
        at += 1;
    }
    all
}

/// Whether a word may begin with these letters.
pub fn may_begin(word: &[u8]) -> bool {
    match *word {
        [first @ b'a'..=b'z', second @ b'a'..=b'z', ..] => {
            BEGINNINGS[usize::from(first - b'a')] >> (second - b'a') & 1 == 1
        }
        [first, ..] => !first.is_ascii(),
        [] => false,
    }
}

/// All words and what they can be.
pub fn words() -> impl Iterator<Item = (&'static str, Sense)> {
    WORDS.iter().copied()
}

/// What a word can be in a refusal; none for a word that is not in one.
pub fn sense(word: &str) -> Option<Sense> {
    if !word.is_ascii() {
        return WORDS.binary_search_by(|(known, _)| (*known).cmp(word)).ok().map(|at| WORDS[at].1);
    }
    same_letter(word).iter().find(|(known, _)| *known == word).map(|&(_, sense)| sense)
}

/// The words that a text begins with: what follows each, and its sense.
pub fn beginnings_of(text: &str) -> impl Iterator<Item = (&str, Sense)> {
    same_letter(text).iter().filter_map(|&(known, sense)| Some((text.strip_prefix(known)?, sense)))
}

/// The words that begin with the same letter from `a` to `z`.
fn same_letter(word: &str) -> &'static [(&'static str, Sense)] {
    match word.as_bytes().first() {
        Some(first @ b'a'..=b'z') => {
            let letter = usize::from(first - b'a');
            &WORDS[LETTERS[letter]..LETTERS[letter + 1]]
        }
        _ => &[],
    }
}

/// Where the words of each letter begin, and where those of the last one end.
static LETTERS: [usize; 27] = letters_begin();

const fn letters_begin() -> [usize; 27] {
    let mut begin = [0; 27];
    let mut letter = 0;
    let mut at = 0;
    while letter < 27 {
        while at < WORDS.len() && WORDS[at].0.as_bytes()[0] < b'a' + letter as u8 {
            at += 1;
        }
        begin[letter] = at;
        letter += 1;
    }
    begin
}

#[cfg(test)]
mod tests {
    use super::super::fold::folded;
    use super::*;

    #[test]
    fn words_are_sorted() {
        for pair in WORDS.windows(2) {
            assert!(pair[0].0 < pair[1].0, "{} {}", pair[0].0, pair[1].0);
        }
        for (word, _) in WORDS {
            assert_eq!(folded(word), *word);
        }
    }
}
