//! Renumberings: numbers that are written in two ways, and the one way in which contactd holds them.
//!
//! When a country changes its numbers, the old ones live on in spreadsheets, in lists of opt-outs and in what providers send.
//! An opt-out under the old number must count for the new one. So each number is made canonical where it enters, and
//! nothing behind that point knows that there were two.
//!
//! What the table holds:
//! * numbers that can get a text message, in two spellings that live side by side, or changed since people have lists of them;
//! * changes by a rule and of all numbers at once. Where people changed one by one, as from Korea's 011 to 010, the number that
//!   the rule makes can be somebody else's;
//! * old numbers that no subscriber has as a number of their own today. A test walks all numbering plans to see that.
//!   Kosovo's old numbers under +377 44, +377 45 and +386 43 are left as they are: Monaco and Slovenia list these as their own.

/// The version of the spellings that are known, of this table and of `trunk.rs`. A store that was opened with an older one is looked through when it is opened: raise it with
/// every row.
pub const RENUMBERINGS_VERSION: u8 = 4;

/// Consecutive old numbers, which became as many consecutive new ones.
#[derive(Clone, Copy)]
pub(super) struct Move {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) to: u64,
}

/// Mexico, since 2019-08-03: mobile numbers lost the 1 before them. Carriers still deliver it.
/// Source: Instituto Federal de Telecomunicaciones, Plan Técnico Fundamental de Numeración (Diario Oficial, May 2018).
const MEXICO: [Move; 1] = [moved("521", "521", "52", 10)];

/// Argentina, both at once: calls from abroad need a 9 before area code and mobile number, text messages go without it. Both
/// mean the same: area code and number are ten digits, fixed and mobile lines share them, and no ten are given twice.
/// So contactd holds the ten: it never makes of a fixed line what cannot be dialled.
/// Sources: Plan Fundamental de Numeración Nacional of 1997, as in force; Wikipedia, Telephone numbers in Argentina, "Inbound";
/// the metadata, whose mobile numbers are a 9 and the fixed-line numbers (a test compares them).
const ARGENTINA: [Move; 1] = [moved("5491", "5493", "541", 9)];

/// Benin, since 2024-11-30: 01 before the numbers of subscribers. (Those with 81 and 857 kept their eight digits.)
/// Source: ARCEP Bénin, Plan National de Numérotation à dix chiffres; the metadata for what stayed.
const BENIN: [Move; 3] =
    [moved("2292", "2292", "229012", 7), moved("2294", "2296", "229014", 7), moved("2299", "2299", "229019", 7)];

/// Kosovo, since 2016-12-15: +383 instead of other countries' codes; IPKO's numbers kept their digits.
/// Sources: ITU, List of E.164 assigned country codes (Operational Bulletin 1114); Wikipedia, Telephone numbers in Kosovo.
const KOSOVO: [Move; 1] = [moved("38649", "38649", "38349", 6)];

/// Mauritius, since 2013-09-01: a 5 before mobile numbers. (Those with 8 are left: some fixed lines begin so.)
/// Source: ICTA, National Numbering Plan; the metadata for what stayed.
const MAURITIUS: [Move; 2] = [moved("2307", "2307", "23057", 6), moved("23090", "23098", "230590", 5)];

/// Costa Rica, since 2008-03-20: an 8 before mobile numbers.
/// Source: SUTEL, Plan Nacional de Numeración; rows as in google/libphonenumber, migrator/src/data/recipes.csv.
const COSTA_RICA: [Move; 2] = [moved("5063", "5063", "50683", 6), moved("5068", "5068", "50688", 6)];

/// France's overseas departments: their mobile numbers are dialled as French ones from France (06 90, 06 96), and have codes of
/// their own from abroad. Metropolitan France has none of these ranges.
/// Source: ARCEP, Plan national de numérotation (décision 2018-0881), the ranges of Guadeloupe, Guiana, Martinique, Réunion and
/// Mayotte.
const FRANCE_OVERSEAS: [Move; 5] = [
    moved("33639", "33639", "262639", 6),
    moved("33690", "33691", "590690", 6),
    moved("33692", "33693", "262692", 6),
    moved("33694", "33694", "594694", 6),
    moved("33696", "33697", "596696", 6),
];

/// Montenegro, since 2007-10-01: +382 instead of Serbia's code; the numbers kept their digits. (Serbia has numbers of its own under
/// 68 and 69.) Source: ITU, Operational Bulletin 888; EKIP, Plan numeracije.
const MONTENEGRO: [Move; 1] = [moved("38167", "38167", "38267", 6)];

/// Italy, since 1998-12-29: the 0 of Milan's and Rome's numbers is part of them, and is dialled from abroad, too.
/// Source: Ministero delle Comunicazioni, Piano di numerazione nazionale (DM 27 February 1998).
const ITALY_FIXED: [Move; 2] = [moved("392", "392", "3902", 8), moved("396", "396", "3906", 8)];

/// Italy, since 2001: mobile numbers have no 0 any more, which many lists still have. Where an area code begins so, as Varese's
/// 0332 does, the number is a fixed line, and stays.
/// Source: AGCOM, Delibera 6/00/CIR; the metadata for the area codes.
const ITALY_MOBILE: [Move; 11] = [
    moved("390320", "390320", "39320", 7),
    moved("390325", "390329", "39325", 7),
    moved("390330", "390330", "39330", 7),
    moved("390333", "390339", "39333", 7),
    moved("390340", "390340", "39340", 7),
    moved("390347", "390349", "39347", 7),
    moved("390360", "390361", "39360", 7),
    moved("390366", "390368", "39366", 7),
    moved("390370", "390370", "39370", 7),
    moved("390380", "390380", "39380", 7),
    moved("390388", "390389", "39388", 7),
];

/// Panama, since 2005-03-01: a 6 before mobile numbers. Source: ASEP, Plan Nacional de Numeración.
const PANAMA: [Move; 1] = [moved("5076", "5076", "50766", 6)];

/// Cameroon, since 2014-11-21: a 6 before mobile numbers. Source: ART, Plan national de numérotation à neuf chiffres.
const CAMEROON: [Move; 2] = [moved("2377", "2377", "23767", 7), moved("2379", "2379", "23769", 7)];

/// Palestine, both at once: Israel's plan gives 056 and 059 to the Palestinian operators, who are reached under both codes.
/// Sources: Wikipedia, Telephone numbers in the State of Palestine; google/libphonenumber, issue 1134.
const PALESTINE: [Move; 2] = [moved("97256", "97256", "97056", 7), moved("97259", "97259", "97059", 7)];

/// Ivory Coast, since 2021-01-31: 01 before the mobile numbers of Moov, 05 of MTN, 07 of Orange.
/// Source: ARTCI to the ITU, as in E.129 (Operational Bulletin of 2020-08-01).
const IVORY_COAST: [Move; 18] = [
    moved("22501", "22503", "2250101", 6),
    moved("22504", "22506", "2250504", 6),
    moved("22507", "22509", "2250707", 6),
    moved("22540", "22543", "2250140", 6),
    moved("22544", "22546", "2250544", 6),
    moved("22547", "22549", "2250747", 6),
    moved("22550", "22553", "2250150", 6),
    moved("22554", "22556", "2250554", 6),
    moved("22557", "22559", "2250757", 6),
    moved("22564", "22566", "2250564", 6),
    moved("22567", "22569", "2250767", 6),
    moved("22570", "22573", "2250170", 6),
    moved("22574", "22576", "2250574", 6),
    moved("22577", "22579", "2250777", 6),
    moved("22584", "22586", "2250584", 6),
    moved("22587", "22589", "2250787", 6),
    moved("22594", "22596", "2250594", 6),
    moved("22597", "22598", "2250797", 6),
];

/// Vietnam, since 2018-09-15: mobile numbers of eleven digits became ten. Source: Ministry of Information and Communications;
/// rows as in google/libphonenumber, migrator/src/data/recipes.csv.
const VIETNAM: [Move; 12] = [
    moved("84120", "84120", "8470", 7),
    moved("84121", "84121", "8479", 7),
    moved("84122", "84122", "8477", 7),
    moved("84123", "84125", "8483", 7),
    moved("84126", "84126", "8476", 7),
    moved("84127", "84127", "8481", 7),
    moved("84128", "84128", "8478", 7),
    moved("84129", "84129", "8482", 7),
    moved("84162", "84169", "8432", 7),
    moved("84186", "84186", "8456", 7),
    moved("84188", "84188", "8458", 7),
    moved("84199", "84199", "8459", 7),
];

/// Gabon, since 2019-11-15 (the old ones ended on 2024-04-06): a digit between the two that named the operator, and no 0 from
/// abroad. Source: ARCEP Gabon; rows as in google/libphonenumber, migrator/src/data/recipes.csv.
const GABON: [Move; 5] = [
    moved("24101", "24101", "24111", 6),
    moved("24102", "24102", "24162", 6),
    moved("24104", "24104", "24174", 6),
    moved("24105", "24106", "24165", 6),
    moved("24107", "24107", "24177", 6),
];

/// The same old numbers, where somebody had left the 0 out already.
const GABON_WITHOUT_ZERO: [Move; 4] = [
    moved("2412", "2412", "24162", 6),
    moved("2414", "2414", "24174", 6),
    moved("2415", "2416", "24165", 6),
    moved("2417", "2417", "24177", 6),
];

/// Brazil's area codes, as runs of consecutive ones (Anatel, Plano Geral de Códigos Nacionais).
const BRAZIL_AREAS: [(u64, u64); 16] = [
    (11, 19),
    (21, 22),
    (24, 24),
    (27, 28),
    (31, 35),
    (37, 38),
    (41, 49),
    (51, 51),
    (53, 55),
    (61, 69),
    (71, 71),
    (73, 75),
    (77, 77),
    (79, 79),
    (81, 89),
    (91, 99),
];

/// Brazil, area code by area code from 2012-07-29 to 2016-11-06: a 9 before mobile numbers, which had eight digits and began with
/// 6, 8 or 9. (7 is trunked radio, which kept its eight digits; 2 to 5 are fixed lines.)
/// Source: Anatel, Resolução 553/2010; rows as in google/libphonenumber, migrator/src/data/recipes.csv.
const BRAZIL: [Move; 134] = {
    const SEVEN_DIGITS: u64 = 10_000_000;
    let mut moves = [Move { first: 0, last: 0, to: 0 }; 134];
    let (mut run, mut count) = (0, 0);
    while run < BRAZIL_AREAS.len() {
        let (mut area, last) = BRAZIL_AREAS[run];
        while area <= last {
            let (old, new) = ((5_500 + area) * 10 * SEVEN_DIGITS, (5_500 + area) * 100 * SEVEN_DIGITS);
            moves[count] =
                Move { first: old + 6 * SEVEN_DIGITS, last: old + 7 * SEVEN_DIGITS - 1, to: new + 96 * SEVEN_DIGITS };
            moves[count + 1] =
                Move { first: old + 8 * SEVEN_DIGITS, last: old + 10 * SEVEN_DIGITS - 1, to: new + 98 * SEVEN_DIGITS };
            (area, count) = (area + 1, count + 2);
        }
        run += 1;
    }
    assert!(count == moves.len(), "every place is filled");
    moves
};

/// Old numbers: the digits from `first` to `last`, and `more` digits behind them. New: those from `to` on, and the same behind.
const fn moved(first: &str, last: &str, to: &str, more: u32) -> Move {
    let size = 10_u64.pow(more);
    Move { first: value(first) * size, last: value(last) * size + size - 1, to: value(to) * size }
}

const fn value(digits: &str) -> u64 {
    let (digits, mut value, mut at) = (digits.as_bytes(), 0, 0);
    while at < digits.len() {
        value = value * 10 + (digits[at] - b'0') as u64;
        at += 1;
    }
    value
}

/// What changed in one country, and the first and the last of its old numbers: between them, no other country has any.
pub(super) struct Renumbering {
    first: u64,
    last: u64,
    pub(super) moves: &'static [Move],
}

/// All renumberings, by their old numbers.
pub(super) static RENUMBERINGS: [Renumbering; 18] = sorted([
    Renumbering::of(&MAURITIUS),
    Renumbering::of(&GABON_WITHOUT_ZERO),
    Renumbering::of(&COSTA_RICA),
    Renumbering::of(&PANAMA),
    Renumbering::of(&IVORY_COAST),
    Renumbering::of(&BENIN),
    Renumbering::of(&CAMEROON),
    Renumbering::of(&GABON),
    Renumbering::of(&FRANCE_OVERSEAS),
    Renumbering::of(&MONTENEGRO),
    Renumbering::of(&KOSOVO),
    Renumbering::of(&ITALY_FIXED),
    Renumbering::of(&BRAZIL),
    Renumbering::of(&VIETNAM),
    Renumbering::of(&PALESTINE),
    Renumbering::of(&ITALY_MOBILE),
    Renumbering::of(&MEXICO),
    Renumbering::of(&ARGENTINA),
]);

const fn sorted(all: [Renumbering; 18]) -> [Renumbering; 18] {
    let mut at = 1;
    while at < all.len() {
        assert!(all[at - 1].last < all[at].first, "renumberings are sorted and apart");
        at += 1;
    }
    all
}

impl Renumbering {
    const fn of(moves: &'static [Move]) -> Self {
        let mut at = 1;
        while at < moves.len() {
            assert!(moves[at - 1].last < moves[at].first, "moves are sorted and apart");
            at += 1;
        }
        Self { first: moves[0].first, last: moves[at - 1].last, moves }
    }

    fn canonical(&self, value: u64) -> u64 {
        let at = self.moves.partition_point(|one| one.last < value);
        match self.moves.get(at) {
            Some(one) if one.first <= value => one.to + (value - one.first),
            _ => value,
        }
    }
}

/// The number's canonical value: the new number of an old one, itself otherwise.
///
/// Every CHECK asks this. It costs a few comparisons: numbers with fewer digits are smaller, so the search mostly ends early.
#[inline]
pub(super) fn canonical(value: u64) -> u64 {
    for renumbering in &RENUMBERINGS {
        if value < renumbering.first {
            break;
        }
        if value <= renumbering.last {
            return renumbering.canonical(value);
        }
    }
    value
}

/// Whether a number has another spelling that is held in its place.
pub(super) fn is_old(value: u64) -> bool {
    canonical(value) != value
}

/// The values of the other spellings of a canonical number.
pub(super) fn spellings(canonical: u64) -> impl Iterator<Item = u64> {
    let moves = RENUMBERINGS.iter().flat_map(|renumbering| renumbering.moves);
    moves.filter_map(move |one| {
        let at = canonical.checked_sub(one.to)?;
        (at <= one.last - one.first).then_some(one.first + at)
    })
}

#[cfg(test)]
mod tests;
