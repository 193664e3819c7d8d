use super::*;

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

/// What people write of somebody, a sign for it, and what a program made of its letters.

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
