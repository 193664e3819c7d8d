//! Kinds of messages that end, and who wants no part, whatever stands beside it; and what is sent once, which is no kind of messages.

use super::Keywords;
use super::stems::{passed, shown};

/// A link, a code or a sound is nothing that one subscribes to.
#[test]
fn what_is_sent_once_opts_nobody_out() {
    let keywords = Keywords::default();
    let out: Vec<String> =
        ["Don't send the", "cancel the", "disable the", "no more", "turn off the", "Can you turn off"]
            .iter()
            .flat_map(|verb| {
                [
                    "link",
                    "links",
                    "code",
                    "codes",
                    "receipt",
                    "invoice",
                    "photo",
                    "picture",
                    "form",
                    "file",
                    "survey",
                    "poll",
                    "update",
                    "notification sound",
                    "text tone",
                    "message preview",
                ]
                .map(|noun| format!("{verb} {noun} please"))
            })
            .filter(|text| keywords.meaning(text).is_out())
            .collect();
    assert!(out.is_empty(), "{out:#?}");
    let missed = passed(&["no more links please", "do not send me links", "stop sending me links"]);
    assert!(missed.is_empty(), "{missed:#?}");
}

/// Whatever stands before "texts", it is a kind of messages.
#[test]
fn any_kind_of_messages_may_end() {
    let mut texts = Vec::new();
    for verb in [
        "please turn off the",
        "Please cancel the",
        "how do I disable",
        "block",
        "shut off my",
        "end the",
        "leave me out of the",
    ] {
        for kind in
            ["group texts", "newsletter", "school alerts", "birthday reminders", "pizza coupons", "store offers"]
        {
            texts.push(format!("{verb} {kind}"));
        }
    }
    for kind in ["group texts", "reminders", "reminder texts", "coupons", "notifications", "pizza deals"] {
        texts.push(format!("no {kind} please"));
    }
    let mut texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    texts.extend([
        "no other texts",
        "Please cancel these",
        "How do I disable these",
        "Turn the weather alerts off",
        "Don't send me the newsletter",
        "Please don't send it to my phone",
        "I'm done with birthday texts",
        "desactiven las alertas",
        "no más promos",
        "désactiver les alertes",
        "pas de promotions",
        "Benachrichtigungen ausschalten",
        "disattivate le notifiche",
        "desativar mensagens",
        "reklam yok",
        "без рекламы",
    ]);
    let missed = passed(&texts);
    assert!(missed.is_empty(), "{missed:#?}");
    let taken = shown(&[
        "cancel my appointment",
        "cancel the delivery, I got no updates",
        "turn off the porch light",
        "please don't turn off my alerts",
        "turn my order notifications back on",
        "I have no new messages",
        "no deal",
        "no I got the messages",
        "when does the deal end",
        "I'm done with the form",
        "my phone blocks pictures",
        "don't send me the large one",
        "don't send my package there",
        "no más cebolla",
        "pas de sucre",
        "без лука",
    ]);
    assert!(taken.is_empty(), "{taken:#?}");
}

#[test]
fn not_interested_is_shown_beside_anything() {
    let missed = passed(&[
        "Not interested and please don't follow up",
        "not interested in your candidate",
        "Not interested in a loan",
        "not interested rn",
        "not interested already have insurance",
        "I love you guys but not interested",
        "We're definitely not interested",
        "Not at all interested",
        "my husband is not interested",
        "No interest in this",
        "I have no interest in golf",
        "Aint interested in this mess",
        "No me interesa vender mi casa",
        "não tenho interesse em vender",
        "Je ne suis pas intéressé par votre offre",
        "ça m'intéresse pas",
        "Kein Interesse an Ihrem Angebot",
        "non sono interessato all'offerta",
        "меня не интересует ваше предложение",
        "我不需要贷款",
        "对贷款不感兴趣",
        "مو مهتم بالعرض",
    ]);
    assert!(missed.is_empty(), "{missed:#?}");
    let taken = shown(&[
        "I'm interested",
        "not sure if I'm interested yet",
        "not now, interested later",
        "not interested in the blue one",
        "not interested in the red but the blue yes",
        "no interest for 12 months?",
        "is there no interest if paid early",
        "me interesa",
        "interessiert mich",
    ]);
    assert!(taken.is_empty(), "{taken:#?}");
}

#[test]
fn who_wants_no_part_is_shown() {
    let missed = passed(&[
        "don't add me",
        "Do not add my number to anything",
        "don't sign me up for anything",
        "do not enroll me",
        "don't include me in this group",
        "I don't want to be a part of this group",
        "I do not wish to participate",
        "I don't want to be included",
        "keep me out of this",
        "leave me off this",
        "Leave my name off",
        "unjoin me",
        "un-sign me up",
        "Please don't follow up",
        "no further outreach",
        "Who put me on this list",
        "How did I get on this list",
        "why am I on this",
        "no me agregue a su lista",
        "no quiero participar",
        "salirme del grupo",
        "no les di permiso",
        "não me adicione",
        "ne m'ajoutez pas",
        "Je ne veux pas participer",
        "Ich möchte nicht teilnehmen",
        "wer hat mich hinzugefügt",
        "non aggiungetemi",
        "не добавляйте меня",
        "不要加我",
        "追加しないで",
    ]);
    assert!(missed.is_empty(), "{missed:#?}");
    let taken = shown(&[
        "don't add onions",
        "I can't participate on Saturday",
        "don't sign me up yet",
        "please put me on hold",
        "put me on the list",
        "who put the box there",
        "who signed for the package",
        "how did I get charged twice",
        "why am I on hold",
        "nobody followed up with me",
        "please don't forget to follow up",
        "no me agregue cebolla",
        "no puedo participar el sábado",
        "не добавляйте лук",
    ]);
    assert!(taken.is_empty(), "{taken:#?}");
}

#[test]
fn a_phone_of_somebody_else_is_shown_in_any_frame() {
    let missed = passed(&[
        "We don't have a Karen",
        "There's no Karen",
        "ain't no Karen here",
        "nobody here called Karen",
        "nobody lives here by that name",
        "Karen isn't here anymore",
        "my name's not Karen",
        "I'm a different Karen",
        "karen changed numbers",
        "karen got a new phone",
        "I get Karen's messages",
        "texts for Mrs. Nguyen again",
        "no Mrs. Nguyen here sorry",
        "I've never heard of Karen",
        "I found this phone",
        "i think u have the wrong #",
        "wrg number",
        "i think this was for someone else",
        "This was meant for my sister",
        "I don't think this was for me",
        "you have my old number",
        "this number has been changed",
        "Karen is a minor",
        "we lost mom in may",
        "nadie aquí se llama Karen",
        "personne ne s'appelle Karen ici",
        "hier gibt es keine Karen",
        "qui non c'è nessuna Karen",
        "не туда",
        "numarayı karıştırdınız",
    ]);
    assert!(missed.is_empty(), "{missed:#?}");
    let taken = shown(&[
        "There's no parking at Costco",
        "we have a Karen in sales too",
        "Karen isn't here right now",
        "This is Karen",
        "my new number is 415-555-0111",
        "this gift is for someone else",
        "I think this is for table 4",
        "the coupon no longer works",
        "I found this phone case at your store",
        "the wrong door",
        "he's passed his exam",
        "we lost power",
        "nobody called me",
        "aquí no hay nadie",
        "hier gibt es keine Parkplätze",
    ]);
    assert!(taken.is_empty(), "{taken:#?}");
}
