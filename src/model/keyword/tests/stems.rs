//! Wordings that no rule names, and what harmless messages have the same stems.

use super::*;

/// Those of some texts that are no more than ordinary.
pub(super) fn passed<'t>(texts: &[&'t str]) -> Vec<&'t str> {
    let keywords = Keywords::default();
    texts.iter().copied().filter(|text| keywords.meaning(text).strictness() == 0).collect()
}

/// Those that opt nobody out.
fn no_opt_outs<'t>(texts: &[&'t str]) -> Vec<&'t str> {
    let keywords = Keywords::default();
    texts.iter().copied().filter(|text| !keywords.meaning(text).is_out()).collect()
}

/// The same for what is shown, or worse.
pub(super) fn shown<'t>(texts: &[&'t str]) -> Vec<&'t str> {
    let keywords = Keywords::default();
    texts.iter().copied().filter(|text| keywords.meaning(text).strictness() > 0).collect()
}

/// What stands behind STOP may say when, where and why; only where somebody halts, and what for, is something else.
#[test]
fn a_bare_stop_is_heard_whatever_word_follows() {
    let missed = passed(&[
        "STOP for the third time",
        "STOP FOR THE SECOND TIME",
        "please stop for the 10th time",
        "STOP at this point",
        "Please stop at your earliest convenience",
        "stop at all hours",
        "please stop at work",
        "STOP on 4155551212",
        "STOP at 4155551212",
        "STOP on all my numbers",
        "STOP for both numbers",
        "STOP for christ sake",
        "STOP for my sanity",
        "STOP with the nonsense",
        "stop with the bs",
        "STOP and stay away",
        "Please stop by taking me off your list",
        "please stop on behalf of my mother",
        "stop on every line I have",
        "stop for once in your lives",
        "STOP by order of my wife",
        "Here is my STOP",
        "stop through all channels",
        "just stop out of respect",
        "please stop in general",
        "do not text me at 415-555-1212",
        "do not text me on all my numbers",
        "do not text me after today",
        "do not text me at night",
        "please do not text me after 9pm",
        "do not text me when you get this",
        "do not text me and stay gone",
    ]);
    assert!(missed.is_empty(), "{missed:#?}");
    let taken = shown(&[
        "stop by the store",
        "stop by whenever",
        "please stop by later",
        "stop at the gate",
        "please stop at my house",
        "stop at Walmart",
        "stop for gas",
        "stop in tomorrow",
        "tell him to stop at gate 2",
        "stop for a coffee?",
        "stop on the way",
        "stop on Monday",
        "stop and get milk",
        "stop and smell the roses",
        "I can stop at 5",
        "don't text me back",
    ]);
    assert!(taken.is_empty(), "{taken:#?}");
}

/// The polite form of Italian, in which a shop is spoken to.
#[test]
fn the_polite_form_of_italian_opts_out() {
    let missed = no_opt_outs(&[
        "Non mi scriva più",
        "non mi mandi più messaggi",
        "non mi contatti più",
        "La prego, non mi disturbi più",
        "non mandi più sms",
        "non mi invii più messaggi",
        "mi cancelli dalla lista",
        "mi tolga dalla lista",
        "la smetta",
        "mi lasci in pace",
        "cancelli i miei dati",
        "chiedo la cancellazione dei miei dati",
        "non mi mandi sms",
    ]);
    assert!(missed.is_empty(), "{missed:#?}");
    let missed = passed(&["mi cancelli", "non mi faccia avere messaggi", "vorrei essere cancellato", "la finisca"]);
    assert!(missed.is_empty(), "{missed:#?}");
    let taken = shown(&["non mi chiami ora", "grazie, mi chiami domani", "la scrivo più tardi", "mi mandi il listino"]);
    assert!(taken.is_empty(), "{taken:#?}");
}

/// What is sent has many names.
#[test]
fn what_is_sent_may_have_another_name() {
    let missed = no_opt_outs(&[
        "no more updates",
        "do not send me updates",
        "no more campaign texts",
        "No more fundraising texts please",
        "do not send me donation requests",
        "no more polls",
        "no more job alerts",
        "do not send me appointment reminders",
        "stop sending me surveys",
        "cancel campaign texts",
    ]);
    assert!(missed.is_empty(), "{missed:#?}");
    let missed = passed(&[
        "I do not want emails and texts from you",
        "please take me off your emails and texts",
        "no more bulletins",
        "enough polls",
        "I do not want videos from you",
    ]);
    assert!(missed.is_empty(), "{missed:#?}");
    let taken = shown(&[
        "no more questions",
        "no more room?",
        "we have no more forms",
        "I don't need a bag",
        "don't send me the small one",
        "any updates?",
    ]);
    assert!(taken.is_empty(), "{taken:#?}");
}

/// Nobody wrote a rule for these: a stem in them is enough.
#[test]
fn a_wording_that_nobody_thought_of_is_shown() {
    let missed = passed(&[
        "I no longer give you permission to text me",
        "I no longer accept texts",
        "I have no desire to get texts",
        "I choose not to receive these",
        "no to texts",
        "no future messages",
        "put an end to these messages",
        "stay out of my phone",
        "can i b taken off",
        "This number is no longer mine",
        "I recently acquired this number",
        "My number is changing to 415-555-0199",
        "Please stop order updates",
        "I want to stop order notifications",
        "stop payment texts",
        "stop order updates to this number",
        "turn off my shipping notifications",
        "turn off delivery alerts please",
        "Do not text me unless I ask",
        "DO NOT TEXT ME UNTIL I SAY SO",
        "don't message us until after the election",
        "I'd like to not receive these texts anymore",
        "I'd like not to receive texts",
        "I don't ever want to hear from you again",
        "I would appreciate being removed",
        "please email me instead of texting me",
        "call me instead of texting",
        "why haven't you stopped texting me",
        "Why have you not removed me from your list",
        "Why am I still on your list",
        "Why not just remove me from your list",
        "still getting texts",
        "already opted out",
        "don't make me tell you to stop again",
        "you never stop",
        "do you not know what stop means",
        "enough already with the messages",
        "take my # off",
        "Taken off list please",
        "Exit list",
        "disenroll",
        "rescind",
        "leave this number alone",
        "leave me and my family alone",
        "please remove the above number",
        "please remove both of my numbers",
        "This number is on the federal DNC list",
        "You are costing me money with these texts stop it",
        "dont evr text me agen",
        "Ok listen lady stop ok thanks bye",
        "I am on oxygen stop lol",
        "All I want is for you to stop ASAP!!!",
        "3rd time!! stop Who is this anyway",
        "New baby, no time. stop you creeps",
        "You people need to stop because I pay per text",
        "Honestly it would be lovely to never get another of those texts",
        "Could whoever it is quit with all the political texts",
        "my thumb hurts from deleting your messages, desist",
        "there will be trouble if this number is texted, we do not consent to texts",
        "I texted you to stop and you continue. shame",
        "I asked you to stop in March",
        "I replied stop on monday",
        "you were asked to stop by my lawyer",
        "dont wanna be on here",
        "no one wants your texts",
        "is there a way to get off this",
        "I never got the code. Also why am I still on your list",
        "delete that last text, and exit list",
        "a lot of us would rather you removed our household",
    ]);
    assert!(missed.is_empty(), "{missed:#?}");
    let taken = shown(&[
        "Should I stop taking the pills?",
        "the doctor told me to stop eating bread",
        "I stopped getting the deals",
        "the bus never stops here",
        "it won't stop raining",
        "I never got the text with the code",
        "I didn't get any texts",
        "please keep sending these",
        "delete that last text, meant for my wife",
        "visit www.stop.com. Bye",
        "not opted out",
        "take the coke off my order",
        "what is your cancellation policy",
        "Can you call instead of texting?",
        "Liked \u{201c}Reply STOP to opt out of messages\u{201d}",
    ]);
    assert!(taken.is_empty(), "{taken:#?}");
}

#[test]
fn somebody_elses_phone_is_shown_in_other_wordings() {
    let missed = passed(&[
        "The owner of this phone has died",
        "Mom passed Friday",
        "kevin passed",
        "She's no longer alive",
        "He succumbed to covid",
        "he didn't make it",
        "Kevin hasn't had this number in years",
        "This number used to belong to Kevin",
        "This hasn't been Kevin's number since 2020",
        "this was his number",
        "this is his old number",
        "Kevin's not at this number",
        "these texts are for Kevin",
        "I keep getting Kevin's texts",
        "U got the wrong one",
        "thats not my name",
        "new number 415-555-2222 don't use this one",
        "I have changed my number. My new number is 415-555-2222",
        "this is my daughters phone she is 7",
        "I'm a minor",
        "the number you are texting is no longer in use",
        "Your number has been blocked by the recipient",
        "Recipient has opted out",
        "não conheço essa pessoa",
        "die Nummer gehört nicht mehr Klaus",
        "dit is zijn nummer niet meer",
        "我不是张三",
        "号码换人了",
        "mẹ tôi mất rồi",
        "คุณแม่เสียแล้ว",
        "रॉंग नंबर",
        "my grandfather sadly passed",
    ]);
    assert!(missed.is_empty(), "{missed:#?}");
    let taken = shown(&[
        "He passed the test!",
        "she passed out at practice",
        "my phone died",
        "I changed my number",
        "use my cell not my office line",
        "wrong color",
        "Tom no longer needs a ride Friday",
    ]);
    assert!(taken.is_empty(), "{taken:#?}");
}

#[test]
fn what_may_be_about_something_else_opts_nobody_out() {
    let keywords = Keywords::default();
    for (text, meaning) in [
        ("off", Meaning::MaybeOut),
        ("please stop emailing me, text is fine", Meaning::Message),
        ("don't email me, just text me", Meaning::Message),
        ("stop emailing me", Meaning::Out),
    ] {
        assert_eq!(keywords.meaning(text), meaning, "{text}");
    }
}

/// By stems again, in other words than anybody had listed.
#[test]
fn plain_requests_in_other_stems_are_shown() {
    let missed = passed(&[
        "I want to be left alone",
        "kick me off this list",
        "come off the list please",
        "415-555-1212 remove",
        "get rid of these texts",
        "mute these messages",
        "spare me the texts",
        "no thanks to these texts",
        "hold off on the texts",
        "do you mind not sending these",
        "no need to send these to me",
        "send me nothing more",
        "I want my data deleted",
        "please process removal",
        "I resign from this list",
        "i dont want this list",
        "this number is off limits",
        "Please honor my request",
        "de-list me",
        "disconnect my number",
        "release me",
        "no communication",
        "yank my number",
        "cut me loose",
        "My number needs to come off",
        "calm down with the texts",
        "someone signed me up",
        "quiero que paren",
        "no deseo continuar",
        "n quero mais",
        "me esquece",
        "droit à l'oubli",
        "cessez ces envois",
        "bitte streichen",
        "fermate tutto",
        "nie chcę więcej",
        "прекращайте",
        "мне это не нужно",
        "hatao mera number",
        "消してください",
        "받기 싫어요",
        "udah cukup",
        "inga fler",
        "停短信",
    ]);
    assert!(missed.is_empty(), "{missed:#?}");
    let missed = passed(&[
        "new owner",
        "she gave you the wrong number",
        "this number is mine now",
        "previous owner",
        "text sent in error",
        "misdirected text",
        "wasn't meant for me",
        "She has a different number",
        "this is grandmas phone",
        "ben Ahmet değilim",
        "номер теперь мой",
        "este chip es nuevo",
        "habe die Nummer neu",
        "dit is niet van Jan",
        "本人ではありません",
    ]);
    assert!(missed.is_empty(), "{missed:#?}");
    let taken = shown(&[
        "please remove the pickles",
        "I left my phone alone",
        "the previous order",
        "how do I get rid of ants",
        "is it possible to not add onions",
        "ya no paran los trenes",
        "can I stop by today",
        "I cut my hair",
    ]);
    assert!(taken.is_empty(), "{taken:#?}");
}

/// Who did not get something, or wants no call but a text, asks nobody to stop.
#[test]
fn who_waits_for_a_message_is_not_opted_out() {
    let taken = shown(&[
        "ik heb de code niet ontvangen",
        "pakket niet ontvangen",
        "ik heb nog niets ontvangen",
        "Ich habe den Code nicht erhalten",
        "ich habe nichts bekommen",
        "ich habe die SMS nicht erhalten",
        "no me llames, escríbeme",
        "no me llame por favor, mande mensaje",
        "ne m'appelez pas, envoyez un sms",
        "nicht anrufen, bitte schreiben",
        "take me off the schedule for Monday",
        "remove my name from the reservation",
        "no more deliveries this week",
        "не звоните в дверь",
    ]);
    assert!(taken.is_empty(), "{taken:#?}");
    let keywords = Keywords::default();
    for (text, is_out) in [
        ("I don't want any more sauce", false),
        ("不要打电话,发短信", false),
        ("I don't want any more of these", true),
        ("don't send me any more please", true),
        ("ik wil niets meer ontvangen", true),
        ("ich möchte nichts mehr bekommen", true),
        ("no me llamen", true),
        ("nicht mehr anrufen", true),
    ] {
        assert_eq!(keywords.meaning(text).is_out(), is_out, "{text}");
    }
}
