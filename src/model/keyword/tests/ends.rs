//! Wordings of those who want it to be over, and in the letters of another script.

use super::stems::{passed, shown};

/// A consent, a wish or a need that there is no more, and that it is over.
#[test]
fn what_ends_is_heard_in_any_words() {
    let missed = passed(&[
        "I no longer give you permission to text me",
        "I no longer give consent",
        "I no longer wish to subscribe",
        "I have no desire to get texts",
        "I have no interest in receiving these",
        "I have zero interest in these texts",
        "I choose not to receive these",
        "I have decided not to get these",
        "I object to these texts",
        "I'd rather have no texts",
        "I'm not trying to get these texts",
        "no need for these texts",
        "no thank you to texts",
        "messages no thanks",
        "no future messages",
        "no robotexts",
        "put an end to these messages",
        "I better not get another text",
        "this better be the last text",
        "stay out of my phone",
        "get out of my inbox",
        "take mr off",
        "talk me off the list",
        "remove my self",
        "quit using my number",
        "I'm her POA take her off",
        "I DO NOT WANT ANY OF THIS ON MY TELEPHONE",
        "I want nothing from you",
        "Please make it so they don't come anymore. Love, Grandma Jean",
        "keep these texts to yourself",
        "shove your texts",
        "you needn't text me again",
        "This number is no longer mine",
        "I'm changing my number",
        "use my other number 415-555-0111",
        "I bought this phone used",
        "This number is now a business line",
        "this is a work cell, Karen left",
        "wrong numba",
        "you dialed wrong",
        "dads dead",
        "im only 11 yrs old",
        "You're texting an 8 year old",
        "she has dementia",
        "this is my stop",
        "Here's my stop. Edna",
        "consider this my stop, thank you",
        "that's a stop from me",
        "one more: stop",
        "last: stop",
        "do not want STOP",
        "absolutely not STOP",
        "let's stop here",
        "the texts stop here",
        "this stops now",
        "stop by Friday or I call my lawyer",
        "please stop by tomorrow with the texts",
        "stop over and over",
        "stop being a pest",
        "stop lying to me",
    ]);
    assert!(missed.is_empty(), "{missed:#?}");
    let taken = shown(&[
        "stop by Friday",
        "the next stop is mine",
        "that's a stop sign",
        "decided not to get it, thanks",
        "I have no other messages",
        "my son is 5 years old",
        "got your number from Maria",
        "I can't open this on my phone",
        "the show must go on",
        "when will the rain stop",
    ]);
    assert!(taken.is_empty(), "{taken:#?}");
}

/// As they are typed where the keyboard has Latin letters alone.
#[test]
fn other_scripts_are_heard_in_latin_letters() {
    let missed = passed(&[
        "mesh 3ayez rasayel",
        "ma bghit messages",
        "la tez3ejni",
        "elgha2",
        "wa2fo",
        "shilo ra2mi",
        "khalas ba2a",
        "diagrapste me",
        "den thelw mhnymata",
        "payam nadid",
        "nemikham",
        "laghv",
        "tasiru oti",
        "tafsiku",
        "lehasir",
        "bie zai fa le",
        "bu yao fa le",
        "quxiao",
        "yamete kudasai",
        "okuranaide",
        "ne mi pishete",
    ]);
    assert!(missed.is_empty(), "{missed:#?}");
    let taken =
        shown(&["ma said hi", "la torta esta lista", "bla bla bla", "ne me quitte pas", "den er fin", "bas itna hi"]);
    assert!(taken.is_empty(), "{taken:#?}");
}
