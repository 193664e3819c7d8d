//! Whose number it is, whether there is somebody behind it, and what only who gets messages can have done.

use super::*;

#[test]
fn who_has_a_number_and_who_refuses_is_told_by_who_and_what() {
    for text in [
        "recipient cancelled",
        "cancelled by recipient",
        "cancelled by end user",
        "subscriber canceled",
        "Receiver blocked",
        "Receiver on block list",
        "User preference: no marketing",
        "TPS registered number",
        "registered with CTPS",
        "user deactivated messaging",
        "user not subscribed to this service",
        "Recipient is not subscribed",
        "blocked number",
        "message to blocked number",
        "Robinson list",
        "Robinsonliste",
        "Bloctel",
    ] {
        assert_eq!(said(text), OPTED_OUT, "{text}");
    }
    for text in [
        "new owner",
        "not the owner",
        "number has a new owner",
        "number changed owner",
        "owner changed",
        "number ported to other owner",
        "number now belongs to another person",
        "phone number no longer belongs to customer",
        "subscriber deceased",
        "customer died",
        "user passed away",
        "no such user",
        "User unknown",
        "subscriber barred",
        "Number barred",
        "Call barred",
    ] {
        assert_eq!(said(text), PERMANENT, "{text}");
    }
    for text in [
        "sender not subscribed",
        "account not subscribed to this product",
        "customer not subscribed to API",
        "route cancelled",
        "message canceled by user",
        "recipient cancelled the order",
        "blocked by carrier",
        "carrier blocked number",
        "blocked number range",
        "subscriber barred by operator",
        "sender barred",
        "number belongs to another network",
        "number ported to another carrier",
        "messages transferred to someone else",
        "account owner changed",
        "not the owner of this sender ID",
        "not deceased",
        "new user",
        "no such sender",
        "ESME Receiver Reject Message Error Code",
        "Receiver temporary app error",
        "User preference not found",
        "TPS limit exceeded",
    ] {
        assert_eq!(said(text), Failure::default(), "{text}");
    }
}
