//! Requests among other words, in other words and in other letters.

use super::*;

/// Where, how and by whom is behind any request, and changes nothing.
#[test]
fn where_a_request_wants_to_be_heard_changes_nothing() {
    let keywords = Keywords::default();
    for text in [
        "Do not contact me at this number",
        "please don't text me at this number",
        "do not text me on this phone",
        "do not contact me on my cell",
        "do not call or text me at this number again",
        "do not contact me by sms",
        "don't text me via text from your company",
        "stop on this number",
        "please stop in future",
        "STOP going forward",
        "no me escriban a este número",
        "ne m'envoyez plus de sms sur ce numéro",
        "keine SMS mehr auf diese Nummer",
    ] {
        assert_eq!(keywords.meaning(text), Meaning::Out, "{text}");
    }
    for text in ["you may contact me at this number", "I can stop by, phone me", "Get my number from the front desk"] {
        assert_eq!(keywords.meaning(text), Meaning::Message, "{text}");
    }
}

/// What a request opts out beside, and what may turn it round.
#[test]
fn a_request_stays_one_beside_words_that_cannot_turn_it_round() {
    let keywords = Keywords::default();
    for text in [
        "I demand that you stop texting me",
        "OMG STOP TEXTING ME",
        "stop texting me weirdo",
        "stop f***ing texting me",
        "Hi this is Bob Jones, please stop texting me",
        "Dear Sir or Madam, please remove my number",
        "I'd be grateful if you could remove my number",
        "I'm a republican stop texting me",
        "stop texting me it's 3 am",
        "Please stop texting me, thank you for your understanding",
        "I don't own a home please stop texting me",
        "can u stop txting me",
        "stop sending me coupons",
        "do not contact me by sms or I sue",
        "Soy Ana López y no me manden mensajes",
        "Ich bin krank, schickt mir keine SMS mehr sonst Anzeige",
        "Я Анна не пишите мне больше",
        "我是王丽 不要再发短信",
    ] {
        assert_eq!(keywords.meaning(text), Meaning::Out, "{text}");
    }
    for text in [
        "I told him stop texting me",
        "my husband says stop texting me",
        "why did you guys stop texting me",
        "if I win stop texting me",
        "stop texting me before 8 am",
        "stop texting me the wrong size",
        "stop texting me pictures of the wrong house",
        "stop texting me so late at night",
        "the song is called stop texting me",
        "remove my number from the Friday class",
        "take me off the list for Saturday",
        "don't text me I'm driving",
        "don't text me jokes",
        "Don't send these, send the blue ones",
        "I asked my sister to stop messaging me",
        "Reply STOP to opt out",
        "Mi esposo dice que no me manden mensajes",
        "no me manden mensajes de noche",
        "si vous ne m'envoyez plus de sms je ne saurai pas l'heure",
        "Warum schickt ihr mir keine SMS mehr",
        "não me mandem mensagens de noite",
        "муж сказал не присылайте мне смс",
        "如果你们不要再发短信我怎么知道",
        "> Reply STOP to opt out\nlooks great, I'll come",
    ] {
        assert!(!keywords.meaning(text).is_out(), "{text}");
    }
}

/// "please stop" asks, whatever it stands beside; but for what it may be about.
#[test]
fn please_stop_is_shown_wherever_it_stands() {
    let keywords = Keywords::default();
    for text in [
        "My name is Ann Lee and please stop thanks",
        "I appreciate it but please stop sorry",
        "Who is this please stop xx",
        "With all due respect, please stop before I call the cops",
        "Tell your boss to please stop ok",
    ] {
        assert!(keywords.meaning(text).strictness() > 0, "{text}");
    }
    for text in
        ["please stop by the store", "please stop smoking", "Please stop at the gate", "please stop the delivery"]
    {
        assert_eq!(keywords.meaning(text), Meaning::Message, "{text}");
    }
}

/// Who complains that a STOP was not obeyed has asked before.
#[test]
fn a_stop_that_was_not_obeyed_opts_out() {
    let keywords = Keywords::default();
    for text in [
        "I texted stop and you still text me",
        "I replied stop and still get texts",
        "I typed STOP and still getting texts",
        "i hit stop and they keep coming",
        "pushed stop nothing happened",
        "I said stop twice and you don't",
        "I unsubscribed yesterday and still get texts",
        "I opted out last week but you keep texting me",
    ] {
        assert_eq!(keywords.meaning(text), Meaning::Out, "{text}");
    }
    for text in [
        "typed stop three times already",
        "I did stop already",
        "your STOP thing is broken",
        "The stop option does not work",
        "asked to stop yesterday",
        "I texted STOP yesterday, how do I get the texts back",
        "I texted stop but I want back in",
    ] {
        assert_eq!(keywords.meaning(text), Meaning::MaybeOut, "{text}");
    }
    for text in [
        "I texted stop by accident",
        "I did stop already at the store",
        "the stop button on the treadmill is broken",
        "The cancel button doesn't work",
    ] {
        assert_eq!(keywords.meaning(text), Meaning::Message, "{text}");
    }
}

/// Who wants no more messages says so in these words, too.
#[test]
fn plain_requests_opt_out_in_whatever_words() {
    let keywords = Keywords::default();
    for text in [
        "I do not want any further communication",
        "do not want any contact",
        "I want no communication from you",
        "I withdraw any consent given",
        "I deny consent",
        "don't you ever text me again",
        "don't you dare text me again",
        "you can't text me anymore",
        "you're not allowed to text me",
        "I don't wanna hear from you again",
        "I would rather you didn't text me",
        "I wish you wouldn't text me",
        "I'd appreciate not being texted",
        "never want another text from you",
        "Please cancel me from your list",
        "take off me from list",
        "I'm leaving this list",
        "sign me off this list",
        "please do not include me in this list",
        "kindly omit me from future mailings",
        "deactivate texts",
        "sms off",
        "count me out of these texts",
        "nix the texts",
        "dont send me nothin else",
        "I sold my car so stop with the service texts",
        "please leave me in peace",
        "lose the number",
        "op out",
        "stopallmessages",
    ] {
        assert!(keywords.meaning(text).is_out(), "{text}");
    }
    for text in [
        "thats enough texting",
        "strike my name",
        "no need send me sms",
        "unsubscription",
        "f*ck off",
        "how do u turn this off",
        "how dare you text me",
        "I never gave you my number",
        "go text someone else",
    ] {
        assert_eq!(keywords.meaning(text), Meaning::MaybeOut, "{text}");
    }
}

/// Who has the number now did not ask for messages, however he writes the name.
#[test]
fn somebody_elses_phone_is_shown() {
    let keywords = Keywords::default();
    for text in [
        "I'm not maria",
        "no maria",
        "not maria",
        "its not maria",
        "maria dont have this phone no more",
        "It's not Maria anymore",
        "My name is Steve, not Maria",
        "I'm not the person you're looking for",
        "You have me confused with someone else",
        "This was meant for someone else",
        "These messages are not intended for me",
        "I am not the intended recipient",
        "not my number",
        "this is my number now",
        "this used to be marias number",
        "This is Steve's phone",
        "Maria passed in March",
        "Please note that Mr. Jones has passed",
        "she went home to be with the Lord",
        "The number you have texted cannot receive messages",
        "Auto-reply: This number is no longer used by John",
        "ông ấy mất rồi",
        "ce n'est pas Jean",
        "equivocado",
        "no soy esa persona",
        "Nummer falsch",
        "Hier ist nicht Klaus",
        "não é o João",
        "номер сменил владельца",
    ] {
        assert_eq!(keywords.meaning(text), Meaning::MaybeOut, "{text}");
    }
    for text in
        ["I'm not sure", "it's not working", "no problem", "not yet", "This is Steve", "no maria is here with me"]
    {
        assert_eq!(keywords.meaning(text), Meaning::Message, "{text}");
    }
}

/// Forms of one request in a language are read alike.
#[test]
fn forms_of_a_request_in_a_language_are_heard() {
    let keywords = Keywords::default();
    for text in [
        "Ich fordere Sie auf, mich nicht mehr zu kontaktieren",
        "unterlassen sie die werbung",
        "nunca mas me escriban",
        "ya no me esten mandando mensajes",
        "dejen de estar mandando",
        "solicito mi baja",
        "quitame d la lista",
        "cessez immédiatement",
        "Ca suffit les sms",
        "merci d'effacer mes coordonnées",
        "ne m'envoyez rien",
        "disiscrivetemi saluti",
        "मुझे मैसेज न करें",
        "送るのやめて",
        "删除我的数据",
        "请停止发送短信",
        "Не надо мне ничего присылать",
        "sluta skriva till mig",
        "houd op",
        "ma 3ad tab3at",
        "mish 3ayez rasayel",
    ] {
        assert!(keywords.meaning(text).is_out(), "{text}");
    }
    for text in [
        "Ich widerspreche",
        "stoppt das",
        "bitte nicht mehr",
        "перестаньте",
        "הפסיקו",
        "நிறுத்துங்கள்",
        "बंद करा",
        "престаните",
        "გაჩერდი",
        "nisimamishe",
        "prekratite",
        "otstante",
        "nie zycze sobie",
    ] {
        assert_eq!(keywords.meaning(text), Meaning::MaybeOut, "{text}");
    }
}

/// STOP on the keyboard of another script.
#[test]
fn what_was_typed_on_another_keyboard_is_heard() {
    let keywords = Keywords::default();
    for text in ["ыещз", "ЫЕЩЗ!", "cnjg", "jngbcfnmcz", "гтыгиыскшиу", "דאםפ", "سفخح", "ㄴ새ㅔ", "หะนย"]
    {
        assert_eq!(keywords.meaning(text), Meaning::Out, "{text}");
    }
    for (text, meaning) in [("ыефке", Meaning::Message), ("START", Meaning::In), ("привет", Meaning::Message)]
    {
        assert_eq!(keywords.meaning(text), meaning, "{text}");
    }
}
