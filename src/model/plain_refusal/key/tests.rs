use super::*;

/// 2026-11-29.
const NOW: Millis = 1_795_910_400_000;

fn label_refuses(key: &str, value: &str) -> bool {
    super::label_refuses(key, value, NOW)
}

#[test]
fn a_label_refuses_by_its_key_and_its_answer() {
    for (key, value) in [
        ("do_not_phone", "true"),
        ("kein_anruf", "ja"),
        ("requests_no_phone", "1"),
        ("objects", "yes"),
        ("opt", "out"),
        ("texts", "none"),
        ("gdpr", "erased"),
        ("suppressed", "true"),
        ("invalid_number", "yes"),
        ("is_bounced", "1"),
        ("optin", "false"),
        ("consent", "no"),
        ("sms_ok", "no"),
        ("accepts_sms", "false"),
        ("wants_texts", "0"),
        ("unsubscribed", "x"),
        ("unsubscribed_at", "2024-01-01"),
        ("opted_out_date", "2024-01-01"),
        ("zgoda", "nie"),
        ("souhlas", "ne"),
        ("einwilligung", "nein"),
        ("consentement", "non"),
        ("consentimiento", "no"),
        ("aceita_sms", "nao"),
        ("werbung", "nein"),
        ("toestemming", "nee"),
        ("samtykke", "nei"),
        ("onay", "RET"),
        ("error_code", "21610"),
        ("last_error", "21610"),
        ("sms_enabled", "no"),
        ("sms_allowed", "false"),
        ("can_text", "0"),
        ("receives_sms", "N"),
        ("sms_consent", "never"),
        ("is_subscribed", "inactive"),
        ("subscription_status", "never"),
        ("unsubscribed_at", "yes"),
        ("stop_at", "1"),
        ("blacklist", "yes"),
        ("do_not_call_list", "true"),
        ("abgemeldet_am", "2024-03-03"),
        ("fecha_de_baja", "2024-03-03"),
        ("zustimmung", "abgelehnt"),
        ("sms_ok", "nope"),
        ("sms_allowed", "❌"),
        ("can_text", "✗"),
        ("contactable", "no"),
        ("gdpr", "refused"),
        ("tcpa", "no"),
        ("Unsubscribe Reason", "moved to Ohio"),
        ("UNSUB_CAMPAIGN_TITLE", "Spring sale"),
        ("Opt_Out_Dt", "1"),
        ("Unsub Dt", "2024-03-03"),
        ("opt_out_source", "web form"),
        ("Suppressed by", "Ann"),
        ("Motivo de baja", "ya no vive aqui"),
        ("Sperrgrund", "Anruf"),
        ("退订原因", "太多"),
        ("Ayrılma nedeni", "fiyat"),
        ("Hold reason", "asked"),
        ("cancellation_reason", "price"),
    ] {
        assert!(label_refuses(key, value), "{key}: {value}");
    }
    for (key, value) in [
        ("state", "CA"),
        ("optin", "true"),
        ("unsubscribed", "no"),
        ("unsubscribed", ""),
        ("unsubscribed_at", ""),
        ("vip", "no"),
        ("created_at", "2024-01-01"),
        ("accepts_sms", ""),
        ("zgoda", "tak"),
        ("onay", "evet"),
        ("zgoda", ""),
        ("error_code", "0"),
        ("zip_code", "21610"),
        ("unsubscribed", "nein"),
        ("email_opt_in", "no"),
        ("email_enabled", "no"),
        ("unsubscribed_at", "0"),
        ("unsubscribed_at", "0000-00-00"),
        ("cancelled_orders", "1"),
        ("cancelled_at", "2024-03-03"),
        ("email_bounced", "yes"),
        ("vip_enabled", "no"),
        ("unsubscribe_reason", ""),
        ("unsubscribe_reason", "no"),
        ("unsubscribe_url", "https://example.com/u/1"),
        ("reason", "moved to Ohio"),
        ("bus_stop", "Main Street"),
        ("cancelled_by_date", ""),
        ("email_unsubscribe_reason", "too many"),
    ] {
        assert!(!label_refuses(key, value), "{key}: {value}");
    }
}

#[test]
fn a_no_to_a_question_of_consent_refuses() {
    for (key, value) in [
        ("notes", "❌"),
        ("customer_comments", "✗"),
        ("allow_sms", "no"),
        ("may_text", "false"),
        ("okay_to_text", "0"),
        ("express_consent", "refused"),
        ("autorizacion", "no"),
        ("sms_alerts", "off"),
        ("zgoda_marketingowa", "nie"),
    ] {
        assert!(label_refuses(key, value), "{key}: {value}");
    }
    for (key, value) in [
        ("vip", "❌"),
        ("texts_sent", "0"),
        ("sms_count", "0"),
        ("text_color", "no"),
        ("allow_backorder", "no"),
        ("allow_sms", "yes"),
        ("has_subscription", "no"),
    ] {
        assert!(!label_refuses(key, value), "{key}: {value}");
    }
}

#[test]
fn headings_of_a_consent_and_of_its_end_are_known() {
    for heading in ["Mkt OK", "Send?", "On list?", "Allow", "PEWC", "Acepta", "Подписан", "مشترك", "Đồng ý", "광고수신"]
    {
        for no in ["No", "N"] {
            assert!(label_refuses(heading, no), "{heading} {no}");
        }
        assert!(!label_refuses(heading, "Yes"), "{heading}");
    }
    let ends = [
        "Consent Expiry",
        "Consent End",
        "OO Date",
        "Rejected",
        "Date de sortie",
        "Fecha salida",
        "Recesso",
        "Opsagt",
        "Tolak",
    ];
    for heading in ends.into_iter().chain(["Lemondás", "Törölve", "Șters", "Silindi", "Einwilligung Ende"]) {
        for end in ["2024-03-05", "yes"] {
            assert!(label_refuses(heading, end), "{heading} {end}");
        }
        assert!(!label_refuses(heading, "") && !label_refuses(heading, "no"), "{heading}");
    }
    for heading in ["Newsletter design", "Send date", "Allowance", "Optician"] {
        assert!(!label_refuses(heading, "No"), "{heading}");
    }
    for heading in ["rejected offer", "Weekend", "Fine print", "Food date", "Sortie préférée"] {
        assert!(!label_refuses(heading, "yes") && !label_refuses(heading, "2024-03-05"), "{heading}");
    }
}

/// Of headings that ask for consent, in whatever wording.
#[test]
fn a_no_to_any_wording_of_consent_refuses() {
    for heading in [
        "Samtycke",
        "Acord",
        "Suscrito",
        "Subscribed?",
        "Contactable",
        "Autorisation",
        "Autorisé",
        "Authorized",
        "Erlaubnis",
        "Kontakterlaubnis",
        "Marketingzustimmung",
        "Markkinointilupa",
        "SMS ja/nein",
        "Consent (yes/no)",
        "Opt In Y/N",
        "Consent given",
        "Consent on file",
        "Signed up",
        "Receives promos",
        "Veut des messages",
        "Accepte",
        "Inscrit",
        "Aceptación",
        "Permissão",
        "Permesso",
        "Iscritta",
        "Abbonato",
        "Ingeschreven",
        "Abonnent",
        "Tilmeldt",
        "Påmeldt",
        "Prenumererar",
        "Tilladelse",
        "Zapisana",
        "Subskrybent",
        "Povolení",
        "Engedély",
        "Açık Rıza",
        "Подписка",
        "Подписчик",
        "Разрешено",
        "Підписник",
        "Абонат",
        "اشتراك",
        "الموافقة",
        "अनुमति",
        "อนุญาต",
        "Cho phép",
        "是否同意",
        "允许",
        "配信可",
        "受信許可",
        "수신여부",
        "Comms ok",
        "Comms?",
    ] {
        assert!(label_refuses(heading, "No") && label_refuses(heading, "N"), "{heading}");
        assert!(!label_refuses(heading, "Yes") && !label_refuses(heading, ""), "{heading}");
    }
    for heading in [
        "Alerts",
        "Member",
        "VIP",
        "Registered",
        "Confirmed",
        "OK",
        "Y/N",
        "Yes/No",
        "Privacy",
        "Include?",
        "Active",
        "Newsletter",
        "Has subscription",
        "Abonnements",
        "Povolání",
        "Подпись",
        "Parking permit",
        "Offer received",
        "Channel",
        "Mobile",
        "Inscription fee",
        "May",
        "Accordion",
        "Abode",
        "Optics",
        "Messages sent",
    ] {
        assert!(!label_refuses(heading, "No"), "{heading}");
    }
    assert!(label_refuses("Messages", "no") && !label_refuses("Messages", "0"), "they may be counted");
}

#[test]
fn a_consent_is_one_up_to_its_end() {
    for heading in
        ["Consent Expires", "consent_expiry", "Consent End Date", "Opt-in valid until", "Einwilligung gültig bis"]
    {
        for past in ["2024-03-05", "2026-11-28", "5.3.2024", "3/5/24", "expired", "yes", "1"] {
            assert!(label_refuses(heading, past), "{heading} {past}");
        }
        for later in ["2027-03-05", "31.12.2027", "12/31/2027", "2030", "never", "no", "", "n/a", "24 months"] {
            assert!(!label_refuses(heading, later), "{heading} {later}");
        }
    }
    assert!(label_refuses("Consent Expired", "2025-03-05") && label_refuses("Consent Revoked", "2027-03-05"));
}

#[test]
fn what_is_all_right_or_hidden_and_what_notes_say_in_a_word_refuses() {
    for (key, value) in [
        ("cell_ok", "No"),
        ("home_ok", "no"),
        ("phone_ok", "false"),
        ("text_ok", "N"),
        ("hide", "yes"),
        ("hide_from_campaigns", "Yes"),
        ("skip", "true"),
        ("exclude", "Yes"),
        ("notes", "out"),
        ("comments", "-> no"),
        ("notes", "invalid"),
        ("bemerkung", "gekündigt"),
        ("mark", "out"),
        ("", "no"),
        ("", "out"),
    ] {
        assert!(label_refuses(key, value), "{key}: {value}");
    }
    for (key, value) in [
        ("cell_ok", "yes"),
        ("home_ok", ""),
        ("hide", "no"),
        ("inspection", "passed"),
        ("coupon", "invalid"),
        ("severity", "minor"),
        ("contact_method", "fax"),
        ("credit", "denied"),
        ("notes", "no"),
        ("notes", "old customer"),
        ("notes", "passed the exam"),
        ("notes", "minor repairs"),
        ("", "0"),
        ("", "F"),
        ("", "Reno"),
    ] {
        assert!(!label_refuses(key, value), "{key}: {value}");
    }
}

#[test]
fn a_note_that_would_opt_out_as_a_message_refuses() {
    for (key, note) in [
        ("Anything else?", "Please take me off everything"),
        ("notes", "cust wants no further communication"),
        ("Comments", "no me manden más mensajes por favor"),
    ] {
        assert!(label_refuses(key, note), "{key}: {note}");
    }
    for (key, note) in [
        ("notes", "stop by after five please"),
        ("Anything else?", "please take off the onions"),
        ("Comments", "wants to cancel her appointment"),
        ("notes", "remove the old carpet first"),
        ("City", "Please take me off everything"),
    ] {
        assert!(!label_refuses(key, note), "{key}: {note}");
    }
}
