//! Requests beside their reasons, and what people say instead of "stop".

use super::stems::{passed, shown};

/// What stands before a reason is complete, however "because" is written.
#[test]
fn a_reason_takes_nothing_from_a_request() {
    let requests = [
        "I don't want it",
        "please dont send them",
        "no texts needed",
        "no more notices needed",
        "I'd like off",
        "dont ask me nothing",
        "please hold the texts",
        "I'm done",
        "I decline",
        "withdraw me",
        "forget my number",
    ];
    let reasons = [
        "because I keep bees",
        "since I switched to another company",
        "cuz my plan is tiny",
        "coz the screen is cracked",
        "bc my plan is tiny",
        "b/c my plan is tiny",
        "becuz we rent",
        "'cause I work at night",
    ];
    let texts: Vec<String> =
        requests.iter().flat_map(|request| reasons.iter().map(move |reason| format!("{request} {reason}"))).collect();
    let missed = passed(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(missed.is_empty(), "{missed:#?}");
    let missed =
        passed(&["no quiero más mensajes porque trabajo de noche", "ich will das nicht weil ich nachts arbeite"]);
    assert!(missed.is_empty(), "{missed:#?}");
    let taken = shown(&[
        "no onions because I'm allergic",
        "sorry I'm late cuz of the traffic",
        "we live in Vancouver BC",
        "I can't come because the car broke down",
        "it is for a good cause",
        "I have been a member since 1990",
    ]);
    assert!(taken.is_empty(), "{taken:#?}");
}

/// That there is no need, that it is enough, and that somebody leaves.
#[test]
fn what_people_say_instead_of_stop_is_shown() {
    let missed = passed(&[
        "no texts needed",
        "we sold the truck so no texts needed",
        "we sold the truck so hold the texts",
        "my aunt is ill and no reminders needed",
        "we moved, I'd like off",
        "thru with your texts",
        "I would like to withdraw from your messaging program",
        "expunge my number",
        "I decline",
        "decline",
        "out",
        "im done",
        "please no",
        "please hold the texts",
        "im good on the coupons",
        "these go straight to the trash",
        "you're wasting your time with me",
        "not on the PTA anymore",
        "I prefer email over text",
        "please get rid of me",
        "these cost me 10 cents each, stop",
        "❌ texts",
        "🤬",
        "🇸🇹🇴🇵",
    ]);
    assert!(missed.is_empty(), "{missed:#?}");
    let taken = shown(&[
        "I'd like off on Friday",
        "hold the mayo",
        "hold my place please",
        "I'm done, come pick me up",
        "she declined the flu shot",
        "withdraw 200 from savings",
        "the bus at each stop is late",
        "I can't hear, text me",
        "He's deaf, text is best",
        "I like getting these",
        "I never miss your sales",
        "The fridge quit",
        "our furnace died last night",
        "Go USA 🇺🇸",
    ]);
    assert!(taken.is_empty(), "{taken:#?}");
}

/// Who is asked or reminded no more, whose number is to be forgotten, and who has had enough.
#[test]
fn the_same_in_other_languages_is_shown() {
    let missed = passed(&[
        "dejen de preguntarme",
        "ya no me pregunten",
        "parem de perguntar",
        "ne me rappelez plus",
        "fragen Sie mich nicht mehr",
        "nie przypominajcie mi",
        "dość tych przypomnień",
        "artık sormayın",
        "תפסיקו לשאול",
        "别再问了",
        "钱付清了 别提醒我了",
        "もう聞かないで",
        "đừng hỏi nữa",
        "jangan tanya lagi",
        "olvídense de mi número",
        "numaramı unutun",
        "забудьте этот номер",
        "番号を忘れて",
        "quantas vezes tenho que pedir",
        "cuántas veces les tengo que decir",
        "nie chcę tego dostawać",
        "bahut ho gaya",
        "ase",
        "有完没完",
        "saya bukan Budi",
        "tôi không phải Lan",
        "bu telefon çocuğumun",
        "to telefon mojego dziecka",
    ]);
    assert!(missed.is_empty(), "{missed:#?}");
}
