//! How words begin without which no note is a refusal: nearly all cells are given up by them.

/// The first letters of words without which no note is one, in small letters.
const BEGINNINGS: [&[u8]; 55] = [
    b"any", b"hea", b"mor", b"del", b"c&d", b"sel", b"ale", b"opt", b"uns", b"un-", b"dnc", b"dnt", b"dnd", b"sto",
    b"stp", b"sot", b"tex", b"txt", b"sms", b"msg", b"mes", b"con", b"cnt", b"off", b"ope", b"otp", b"rem", b"alo",
    b"mar", b"mkt", b"pro", b"per", b"opp", b"tes", b"tec", b"sro", b"rmv", b"omi", b"sup", b"nev", b"los", b"sue",
    b"sui", b"law", b"att", b"own", b"ref", b"doi", b"ins", b"fcc", b"ftc", b"bbb", b"tps", b"ctp", b"dlt",
];
/// The same of words whose first three letters begin many others, as those of a street do.
const LONG_BEGINNINGS: [&[u8]; 49] = [
    b"only",
    b"solel",
    b"strict",
    b"exclus",
    b"spam",
    b"threat",
    b"sign",
    b"dont",
    b"phone",
    b"number",
    b"cell",
    b"mobile",
    b"belong",
    b"disconnect",
    b"landline",
    b"instead",
    b"rather",
    b"leave ",
    b"done w",
    b"deceased",
    b"passed",
    b"said ",
    b"says ",
    b"say ",
    b"told ",
    b"answered",
    b"replied",
    b"respond",
    b"wrote ",
    b"declin",
    b"denie",
    b"objec",
    b"oppose",
    b"died",
    b"decd",
    b"dec'd",
    b"dcsd",
    b"line ",
    b"fax",
    b"old ",
    b"dead ",
    b"letter",
    b"fake ",
    b"legal",
    b"shared",
    b"borrow",
    b"do not",
    b"communicat",
    b"corresponden",
];

/// Whether a beginning may be one of these, by three letters of five bits: nearly all words of sheets are told at a glance.
static MAY_BEGIN: [bool; 1 << 15] = {
    let mut may = [false; 1 << 15];
    let mut at = 0;
    while at < BEGINNINGS.len() {
        may[glance(BEGINNINGS[at])] = true;
        at += 1;
    }
    at = 0;
    while at < LONG_BEGINNINGS.len() {
        may[glance(LONG_BEGINNINGS[at])] = true;
        at += 1;
    }
    may
};

/// The place of a beginning among all that three letters have. Capitals have those of small letters.
const fn glance(begin: &[u8]) -> usize {
    ((begin[0] & 31) as usize) << 10 | ((begin[1] & 31) as usize) << 5 | (begin[2] & 31) as usize
}

/// Whether some word begins as one of a refusal does: nearly all cells have none.
pub fn may_refuse(cell: &[u8]) -> bool {
    let begins = |at: usize| at == 0 || !cell[at - 1].is_ascii_alphanumeric();
    // "ttext": a slip of a word that is one.
    let is_doubled = |three: &[u8]| three[0].is_ascii_alphabetic() && three[0].eq_ignore_ascii_case(&three[1]);
    // "Doens't": the letters of a denial.
    let is_slip = |at: usize| {
        let is_letter = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'\'';
        let word = cell[at..].split(|byte| !is_letter(byte)).next().unwrap_or_default();
        matches!(word, [b'd' | b'D', .., b't' | b'T']) && (5..=8).contains(&word.len())
    };
    let is_one = |three: &[u8]| BEGINNINGS.iter().any(|begin| three.eq_ignore_ascii_case(begin));
    let is_long = |at: usize| {
        LONG_BEGINNINGS
            .iter()
            .any(|begin| cell.get(at..at + begin.len()).is_some_and(|letters| letters.eq_ignore_ascii_case(begin)))
    };
    cell.windows(3).enumerate().any(|(at, three)| {
        let may_begin = || MAY_BEGIN[glance(three)] && (is_one(three) || is_long(at));
        begins(at) && (may_begin() || is_doubled(three) || is_slip(at))
    })
}
