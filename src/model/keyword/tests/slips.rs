//! Slips of the pen in words of any language.

use super::*;

#[test]
fn slips_of_long_words_are_shown_in_any_language() {
    let keywords = Keywords::default();
    for text in [
        "je ne veux plus recevior de messages",
        "désabnner",
        "désabbonnez moi",
        "abemlden",
        "bitte abbestelen",
        "auufhören",
        "ya no me escrbian",
        "ya no quiero menajes",
        "basta messagi",
        "cancllami",
        "desadastrar",
        "не отпавляйте мне смс",
        "не беспкоойте",
        "прекртите",
        "afmedlen",
        "uitscrhijven",
        "mesaj istemiyourm",
        "jangan kiirm pesan lagi",
        "odlhásit",
        "opirti",
        "afmedlen\nMaria",
    ] {
        assert_eq!(keywords.meaning(text), Meaning::MaybeOut, "{text}");
    }
    for text in [
        "je veux recevoir mes messages",
        "quiero mensajes",
        "پیام بفرستید",
        "మెసేజ్ పంపండి",
        "Terminal",
        "отправляйте",
        "habe keine SMS bekommen",
        "mesaj istiyorum",
        "posílejte",
    ] {
        assert_eq!(keywords.meaning(text), Meaning::Message, "{text}");
    }
}
