//! What reports say, and what they do not.

use super::*;

mod who;

#[test]
fn a_report_that_somebody_opted_out_is_understood() {
    for text in [
        "user replied STOP",
        "blocked due to STOP message",
        "The recipient texted STOP",
        "source number blocked by STOP from destination number",
        "STOP",
        "STOP received",
        "stop list",
        "Destinataire désinscrit",
        "Der Empfänger hat sich abgemeldet",
        "Абонент отписался",
        "consent withdrawn",
        "Recipient has revoked consent",
        "NO_CONSENT",
        "NoConsent",
        "blocklisted",
        "denylisted",
        "Number is on the blacklist",
        "Attempt to send to unsubscribed recipient",
        "Message not delivered: recipient opted out",
        "sender blacklisted by recipient",
        "UserOptedOut",
        "blocked by the recipient",
        "Recipient has blocked the sender",
        "DND-NUMB",
        "Do not contact",
        "please don't text me again",
        "remove me from your list",
        "Not opted in",
        "recipient has not opted-in",
        "User is not opted in to this sender",
        "Receiver on block list",
        "number is on our deny list",
        "user refused messages",
        "Customer declined marketing",
        "the recipient has rejected SMS",
        "person called and wants no more texts",
        "customer says no further messages",
        "stopped by user",
        "User stopped",
        "Recipient is on the suppression list",
        "recipient blocked sender",
        "Barred by user",
        "Consent not given",
        "consent was not granted",
        "lack of consent",
        "missing consent",
        "consent missing",
        "spam complaint",
        "user reported spam",
        "marked as spam by the recipient",
        "Destinatario dado de baja",
        "Subscriber deactivated promotional messages",
    ] {
        assert_eq!(said(text), OPTED_OUT, "{text}");
    }
    for text in [
        "sender blacklisted",
        "URL is on a blocklist",
        "not opted out",
        "opted out: no",
        "is not on the blacklist",
        "unsubscribe link missing",
        "message lacks unsubscribe text",
        "opt-out rate too high",
        "sent without opt-out wording",
        "unsubscribe rate above the limit",
        "Lack of STOP keyword in the campaign",
        "opted in",
        "sender on block list",
        "carrier refused messages",
        "user declined the call",
        "Content rejected: STOP language is missing",
        "stop sending so fast",
        "blocked",
        "SMS blocked as spam",
        "blocked by carrier",
        "subscriber blocked",
        "message rejected by carrier",
        "declined",
        "permission denied",
        "queue stopped",
        "stopped by carrier",
        "sender on the suppression list",
        "carrier reported spam",
        "spam complaint rate too high",
        "missing consent language",
        "consent given",
        "handset blocked sender lookup",
        "canceled",
        "delivered",
        "UNDELIV",
        "",
    ] {
        assert_eq!(said(text), Failure::default(), "{text}");
    }
}

/// However a provider names it: an account, a state, what a person began.
#[test]
fn an_opt_out_in_a_providers_own_terms_is_understood() {
    for text in [
        "AccountUnsubscribed",
        "REJECTED_STOPPED",
        "rejected by handset owner",
        "User-initiated block",
        "GDPR erasure",
        "чёрный список",
        "Номер в чёрном списке",
    ] {
        assert_eq!(said(text), OPTED_OUT, "{text}");
    }
    for text in [
        "account suspended",
        "account not found",
        "rejected",
        "REJECTED_OTHER",
        "carrier-initiated block",
        "erasure code failed",
    ] {
        assert_eq!(said(text), Failure::default(), "{text}");
    }
}

#[test]
fn who_blocks_asks_or_stands_on_a_list_wants_none_of_it() {
    for text in [
        "Destination is on a blocked list",
        "Phone has blocked SMS",
        "User asked not to be contacted",
        "requested no further messages",
        "account-level opt out",
        "blocked by end user",
        "recipient blocked you",
        "reported as junk",
        "用户已退订",
        "用户黑名单",
        "Empfänger auf Sperrliste",
        "DNDNUMB",
        "BLACKLST",
        "Inbound message contains STOP keyword",
    ] {
        assert_eq!(said(text), OPTED_OUT, "{text}");
    }
    for text in [
        "stop word in message",
        "Message contains STOP keyword",
        "account blocked",
        "reported as spam by carrier",
        "用户未退订",
        "carrier asked for no retries",
    ] {
        assert_eq!(said(text), Failure::default(), "{text}");
    }
}

#[test]
fn only_what_does_not_pass_and_is_about_the_number_makes_it_invalid() {
    for text in [
        "number does not exist",
        "numero non esistente",
        "nieistniejący numer",
        "The number +1 415 555 0123 does not exist",
        "Unknown destination handset",
        "UNALLOCATED_NUMBER",
        "EC_UNKNOWN_SUBSCRIBER",
        "unknownSubscriber",
        "INVALID_NUMBER",
        "Invalid 'To' Phone Number",
        "'To' number is not a valid mobile number",
        "The number you dialed is not in service",
        "number is no longer in service",
        "'To' number cannot be a landline",
        "disconnected number",
        "This number has been disconnected",
        "Nonexistent subscriber",
        "no such number",
        "no such subscriber",
        "EC_ILLEGAL_SUBSCRIBER",
        "absent subscriber permanent",
        "ABSENT_SUBSCRIBER_PERMANENTLY",
        "Not a mobile number",
        "disconnected or no longer in service",
        "Destination permanently unavailable",
        "EC_UNIDENTIFIED_SUBSCRIBER",
        "dead number",
        "not SMS capable",
        "Numéro non attribué",
        "Le numéro n'existe pas",
        "空号",
        "Teilnehmer unbekannt",
        "Rufnummer nicht vergeben",
        "El número no existe",
        "número inexistente",
        "абонент не существует",
        "결번",
        "'To' number is not a wireless number",
        "disconnected",
    ] {
        assert_eq!(said(text), PERMANENT, "{text}");
    }
    for text in [
        "phone is switched off",
        "handset unreachable",
        "absent subscriber",
        "EC_ABSENT_SUBSCRIBER",
        "subscriber temporarily not in service",
        "Unknown error",
        "unknown",
        "Invalid number of parts",
        "invalid sender number",
        "Invalid 'From' number",
        "unknown sender address",
        "invalid message body",
        "number is valid",
        "handset disconnected from network",
        "service does not exist",
        "may be a landline",
        "not a landline",
        "delivered to handset",
        "number busy, try again later",
        "absent subscriber, not permanent",
        "no such template",
        "illegal sender number",
        "mobile number",
        "service no longer available",
        "dead link",
        "SMS capable",
        "абонент недоступен",
        "Teilnehmer nicht erreichbar",
    ] {
        assert_eq!(said(text), Failure::default(), "{text}");
    }
}

/// What else says that somebody wants nothing, that the number is another person's now, or that it gets no messages.
#[test]
fn reports_in_other_words_forbid_too() {
    for text in [
        "complaint",
        "abuse complaint",
        "Complained",
        "marked as spam",
        "spam report",
        "suppressed",
        "Suppressed number",
        "Contact suppressed",
        "stoplist",
        "user blocked",
        "Recipient blocked this number",
        "recipient blocked messages",
        "Recipient does not want to receive messages",
        "user does not want messages",
        "Refused by recipient",
        "declined by the user",
        "User declined",
        "Recipient declined to receive",
        "lista negra",
        "En lista negra",
        "lista nera",
        "в черном списке",
        "Usuario canceló la suscripción",
    ] {
        assert_eq!(said(text), OPTED_OUT, "{text}");
    }
    for text in [
        "reassigned number",
        "number reassigned",
        "Recycled number",
        "Number changed",
        "number has changed",
        "Landline or unreachable carrier",
        "terminated subscriber",
        "user does not exist",
        "number not found",
        "Line disconnected",
        "not in service",
        "deactivated",
        "bad number",
        "Wrong number",
        "Vacant number",
        "SMS not supported",
        "Cannot receive SMS",
        "can't receive messages",
        "Destination not SMS enabled",
        "sms incapable",
        "not a mobile",
        "illegal subscriber",
    ] {
        assert_eq!(said(text), PERMANENT, "{text}");
    }
    for text in [
        "domain blacklisted",
        "website on a blocklist",
        "Illegal Number",
        "duplicate suppressed",
        "message suppressed",
        "carrier complaint",
        "complaint rate too high",
        "message flagged as spam",
        "marked as spam by carrier",
        "not suppressed",
        "user blocked: no",
        "subscriber blocked",
        "number changed to another carrier",
        "wrong number of parts",
        "service not found",
        "SMS not supported in this country",
        "temporarily cannot receive SMS",
        "subscription active",
        "user does not answer",
    ] {
        assert_eq!(said(text), Failure::default(), "{text}");
    }
}

/// By stems and senses rather than by whole phrases.
#[test]
fn words_of_lists_lines_and_blocks_forbid() {
    for text in [
        "The message From/To pair violates a blacklist rule.",
        "Message blocked due to an existing block rule",
        "STOPPED",
        "reported spam",
        "revoked",
        "Permission denied by user",
        "opt-in required",
        "NCPR",
        "Rejected by IYS",
        "abonelikten çıktı",
        "gesperrt durch Empfänger",
        "bloqueado por el usuario",
    ] {
        assert_eq!(said(text), OPTED_OUT, "{text}");
    }
    for text in [
        "fixed line",
        "Fixed-line number",
        "Subscriber not provisioned",
        "EC_TELESERVICE_NOT_PROVISIONED",
        "incapable of receiving SMS",
        "SMS not supported by destination",
        "vacant",
        "reassigned",
        "not assigned",
        "HLR: unknown",
        "ungültige Rufnummer",
        "неверный номер",
        "geçersiz numara",
        "停机",
        "Deceased",
    ] {
        assert_eq!(said(text), PERMANENT, "{text}");
    }
    for text in [
        "stop error",
        "Gateway stopped",
        "stopped service",
        "blocked by the carrier",
        "denied by carrier",
        "sender not provisioned",
        "message from short code failed",
        "TPS limit exceeded",
        "SMS not supported by operator",
        "opt-in message required",
        "invalidated session",
        "From number violates a blacklist rule",
    ] {
        assert_eq!(said(text), Failure::default(), "{text}");
    }
}

/// Words of gateways for what a person did, and for numbers that reach nobody.
#[test]
fn reports_of_gateways_in_their_own_words() {
    for text in [
        "Number unsubscribed from this sender ID",
        "to number has unsubscribed from from number",
        "contact unsubscribed from sender",
        "unsubscribed from sender",
        "unsubscribed from list",
        "contact opted out from this list",
        "UNSUB_FROM_SENDER",
        "opted out of messages from this account",
        "Contact unsubscribed from SMS",
        "black listed",
        "Sender on recipient's block list",
        "Blocked by DLT preference",
        "Preference blocked",
        "blocked via handset",
        "CONSENT_FAILED",
        "no marketing consent",
        "spam reported by handset",
        "Reported to 7726",
        "абонент отказался от рассылки",
        "着信拒否",
        "El usuario envió BAJA",
        "kara liste",
        "iys izni yok",
        "IYS_REJECTED",
        "excluded by recipient",
    ] {
        assert_eq!(said(text), OPTED_OUT, "{text}");
    }
    for text in [
        "Number no longer active",
        "Number inactive",
        "inactive subscriber",
        "Permanently disconnected",
        "Deactivated by carrier",
        "Line is dead",
        "Recipient changed number",
        "changed number",
        "Wrong person",
        "incorrect number",
        "number length invalid",
        "land line",
        "fixedline",
        "Not a cell phone",
        "Destination does not support SMS",
        "Nummer existiert nicht",
        "Festnetz",
        "teléfono fijo",
        "numéro non valide",
        "número desativado",
        "неправильный номер",
        "неизвестный абонент",
        "無効な番号",
        "잘못된 번호",
        "号码错误",
        "nomor salah",
        "số không tồn tại",
    ] {
        assert_eq!(said(text), PERMANENT, "{text}");
    }
    for text in [
        "Your number is not in service",
        "your subscription was cancelled",
        "unsubscribed webhook",
        "unsubscribed from webhook",
        "отказ оператора",
        "account inactive",
        "sender number inactive",
        "blocked by phone carrier",
        "land line sender not enabled",
    ] {
        assert_eq!(said(text), Failure::default(), "{text}");
    }
}
