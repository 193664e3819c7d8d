//! The words of failures.

/// What begins the names of lists of those who want nothing.
pub const LISTS: [&str; 28] = [
    "blacklist",
    "blacklst",
    "blocklist",
    "blockedlist",
    "denylist",
    "suppressionlist",
    "sperrliste",
    "schwarzeliste",
    "stoplist",
    "stopplist",
    "listanegra",
    "listanera",
    "listenoire",
    "zwartelijst",
    "черномсписке",
    "черныйсписок",
    "optout",
    "optedout",
    "dnd",
    "ndnc",
    "ncpr",
    // "violates a blacklist rule", "due to an existing block rule"
    "blacklistrule",
    "blockrule",
    "abonelikten",
    "karaliste",
    // Where people refuse all advertising: of Germany and Spain, of France, of the United Kingdom.
    "robinsonlist",
    "listarobinson",
    "bloctel",
];
/// Words for it in scripts that put no blanks between words.
pub const OUT_WITHIN: [&str; 8] = ["退订", "退訂", "黑名单", "黑名單", "拒收", "受信拒否", "수신거부", "着信拒否"];
/// Whose agreement may be missing or have ended.
pub const CONSENT: [&str; 7] =
    ["consent", "consented", "subscription", "suscripcion", "assinatura", "inscricao", "iscrizione"];
/// That it has ended, in a few more languages than senders' notes are read in.
pub const ENDED: [&str; 9] =
    ["cancelo", "cancelou", "annullato", "annulle", "resilie", "gekundigt", "failed", "fail", "failure"];
/// What says that an agreement is not there, and what was given or not.
pub const LACKS: [&str; 5] = ["lack", "lacks", "lacking", "missing", "without"];
/// The person, for certain.
pub const PERSON: [&str; 18] = [
    "recipient",
    "receiver",
    "user",
    "subscriber",
    "customer",
    "consumer",
    "member",
    "person",
    "enduser",
    "empfanger",
    "destinataire",
    "destinatario",
    "usuario",
    // Whose the phone is.
    "handsetowner",
    "phoneowner",
    "deviceowner",
    "numberowner",
    // The register of Turkey, in which people refuse.
    "iys",
];
/// The sender, or what it sends: both may be on a list, too, and be invalid.
pub const OF_THE_SENDER: [&str; 18] = [
    "sender",
    "senderid",
    "source",
    "originator",
    "origin",
    "from",
    "url",
    "link",
    "domain",
    "host",
    "website",
    "ip",
    "content",
    "template",
    "parameter",
    "account",
    "webhook",
    "plan",
];
/// Of what a message lacks, such as a way to opt out.
pub const OF_THE_TEXT: [&str; 13] = [
    "missing",
    "lacks",
    "lack",
    "lacking",
    "without",
    "language",
    "instruction",
    "instructions",
    "link",
    "template",
    "content",
    "required",
    "rate",
];
/// What a person refuses, and in what words.
pub const REFUSES: [&str; 12] = [
    "refused",
    "refuses",
    "declined",
    "declines",
    "rejected",
    "rejects",
    "denied",
    "deactivated",
    "disabled",
    "stopped",
    "excluded",
    "excludes",
];
/// What only who gets messages cancels to be left alone: a user, and a customer of a provider, also cancels what is to be sent.
pub const CANCELS: [&str; 6] = ["cancelled", "canceled", "cancels", "quit", "left", "ended"];
pub const GETS: [&str; 7] =
    ["recipient", "receiver", "subscriber", "consumer", "enduser", "destinataire", "destinatario"];
/// Somebody who has a number, in the words for who does not or no longer.
pub const OWNER: [&str; 4] = ["owner", "holder", "inhaber", "proprietaire"];
/// What stands beside the owner that a number did not have before, and what such a one has done to get it.
pub const OTHER: [&str; 6] = ["new", "other", "another", "different", "someone", "somebody"];
pub const BELONGS: [&str; 6] = ["belongs", "belong", "ported", "transferred", "moved", "given"];
/// What is said of a person who is gone for good.
pub const GONE: [&str; 4] = ["deceased", "died", "verstorben", "fallecido"];
/// The telephone preference services of the United Kingdom, and what stands beside them that is no limit of a program.
pub const PREFERENCE_SERVICES: [&str; 2] = ["tps", "ctps"];
pub const REGISTERED: [&str; 4] = ["registered", "register", "registry", "listed"];
/// What says it alone, and nobody else could.
pub const REFUSES_ALONE: [&str; 3] = ["stopped", "revoked", "unsubscribed"];
/// What a provider calls the state of a message that was not sent: `REJECTED_STOPPED`.
pub const STATES: [&str; 3] = ["rejected", "failed", "undeliverable"];
/// What a person begins who wants none of it.
pub const BLOCKS: [&str; 4] = ["block", "blocking", "optout", "stop"];
/// By what, or by whose wish, data are erased.
pub const ERASED_BY: [&str; 4] = ["gdpr", "ccpa", "request", "requested"];
/// So many words may stand before what is refused: "deactivated all promotional messages".
pub const REFUSED_WITHIN: usize = 3;
/// What does not want messages has these behind a "not".
pub const WANTS: [&str; 4] = ["want", "wish", "wants", "accept"];
/// What a person does who wants none of it: "asked not to be contacted".
pub const ASKS: [&str; 8] = ["asked", "asks", "requested", "requests", "demanded", "wants", "wishes", "prefers"];
/// So many words behind a refusal stands what was refused.
pub const ASKED_WITHIN: usize = 4;
/// So near before a "from" stands what somebody is out of: "opted out of messages from this account".
pub const LEFT_WITHIN: usize = 3;
/// Who complains calls it so.
pub const JUNK: [&str; 2] = ["spam", "junk"];
/// Who is no person.
pub const NETWORK: [&str; 4] = ["carrier", "operator", "network", "filter"];
/// What says of a message that a word stands in it, and what says that the message is a person's.
pub const CONTAINS: [&str; 4] = ["contains", "containing", "includes", "word"];
pub const ANSWERS: [&str; 8] = ["reply", "replied", "inbound", "incoming", "response", "responded", "received", "sent"];
/// What a person does to a sender.
pub const BLOCKED: [&str; 9] =
    ["blocked", "stopped", "barred", "gesperrt", "blockiert", "geblockt", "bloque", "bloqueado", "bloccato"];
/// By whom.
pub const BY: [&str; 7] = ["by", "durch", "vom", "von", "par", "por", "da"];
pub const SENDER: [&str; 4] = ["sender", "originator", "you", "us"];
pub const MESSAGES: [&str; 9] =
    ["message", "messages", "messaging", "sms", "text", "texts", "marketing", "contact", "communication"];
/// A person for whom "blocked" without more is what the person did. A subscriber is blocked by the network.
pub const BLOCKING: [&str; 6] = ["recipient", "receiver", "user", "consumer", "person", "enduser"];
/// What begins the word for what is held back because somebody asked for it, and what else may be held back.
pub const SUPPRESSED: &str = "suppress";
pub const NOT_OF_PEOPLE: [&str; 7] = ["duplicate", "receipt", "receipts", "message", "messages", "sms", "text"];
/// What may stand between a word and the one that it belongs to.
pub const BETWEEN: [&str; 34] = [
    "el",
    "den",
    "dem",
    "a",
    "an",
    "the",
    "this",
    "that",
    "your",
    "to",
    "is",
    "was",
    "are",
    "be",
    "been",
    "has",
    "have",
    "does",
    "do",
    "did",
    "on",
    "in",
    "you",
    "longer",
    "dialed",
    "permanently",
    "permanent",
    "le",
    "die",
    "est",
    "nest",
    "ist",
    "es",
    "length",
];
/// Words for the number.
pub const NUMBER: [&str; 28] = [
    "numero",
    "nummer",
    "rufnummer",
    "numer",
    "teilnehmer",
    "abonne",
    "abonado",
    "assinante",
    "utente",
    "номер",
    "абонент",
    "number",
    "numbers",
    "msisdn",
    "subscriber",
    "handset",
    "destination",
    "recipient",
    "phone",
    "mobile",
    "line",
    "address",
    "numara",
    "hlr",
    "imsi",
    // What a number has that gets messages.
    "teleservice",
    "nomor",
    "num",
];
/// States of a number that do not pass.
pub const DEAD: [&str; 45] = [
    "unknown",
    "unidentified",
    "invalid",
    "bad",
    "wrong",
    "vacant",
    // Somebody else has it now.
    "reassigned",
    "recycled",
    "terminated",
    "unallocated",
    "unassigned",
    "nonexistent",
    "nonexisting",
    "deactivated",
    "inexistant",
    "inexistente",
    "inesistente",
    "nexiste",
    "invalide",
    "invalido",
    "ungultig",
    "ongeldig",
    "unbekannt",
    "onbekend",
    "inconnu",
    "desconocido",
    "desconhecido",
    "sconosciuto",
    "nieznany",
    "несуществующий",
    "недействителен",
    "неверный",
    "gecersiz",
    "inactive",
    "incorrect",
    "desactive",
    "desativad",
    "desactivad",
    "disattivat",
    "nieprawidlow",
    "nieistniejac",
    "неправильн",
    "неизвестн",
    "недействительн",
    "salah",
];
/// The same where nothing else is said.
pub const DEAD_ALONE: [&str; 7] =
    ["deactivated", "disconnected", "vacant", "reassigned", "recycled", "nonexistent", "deceased"];
/// A word of so many letters has its endings: "invalidnumber", "ungültige".
pub const STEM_LETTERS_MIN: usize = 7;
/// The same in scripts that put no blanks between words.
pub const DEAD_WITHIN: [&str; 19] = [
    "停机",
    "空号",
    "空號",
    "号码不存在",
    "號碼不存在",
    "无效号码",
    "號碼無效",
    "号码无效",
    "欠番",
    "使われておりません",
    "결번",
    "없는번호",
    "無効な番号",
    "無効な電話番号",
    "存在しない番号",
    "잘못된번호",
    "号码错误",
    "sốkhôngtồntại",
    "sốkhônghợplệ",
];
/// What a person blocks messages with.
pub const PHONE: [&str; 3] = ["phone", "handset", "device"];
/// What is dead with its number.
pub const LINE: [&str; 3] = ["line", "phone", "subscriber"];
/// What gets messages, and a dead number is not.
pub const MOBILE: [&str; 4] = ["mobile", "wireless", "cellular", "cell"];
/// What does pass unless it is said not to.
pub const ABSENT: [&str; 3] = ["absent", "unavailable", "unreachable"];
pub const FOR_GOOD: [&str; 2] = ["permanent", "permanently"];
/// What such a number is not.
pub const LIVES: [&str; 24] = [
    "provisioned",
    "exist",
    "exists",
    "existing",
    "found",
    "valid",
    "assigned",
    "allocated",
    "existent",
    "attribue",
    "existe",
    "existiert",
    "vergeben",
    "gultig",
    "asignado",
    "atribuido",
    "valido",
    "esiste",
    "esistente",
    "istnieje",
    "bestaat",
    "существует",
    "обслуживается",
    "valide",
];
/// What may stand beside one of these and "in service" where no number is named: "disconnected or no longer in service".
pub const OF_A_DEAD_NUMBER: [&str; 9] =
    ["disconnected", "or", "and", "no", "not", "longer", "in", "service", "working"];
/// What passes, or may be so.
pub const PASSING: [&str; 16] = [
    "temporarily",
    "temporary",
    "currently",
    "unreachable",
    "unavailable",
    "absent",
    "busy",
    "roaming",
    "retry",
    "again",
    "later",
    "off",
    "moment",
    "may",
    "might",
    "error",
];
/// What people choose: who blocks by it was asked.
pub const PREFERENCE: [&str; 2] = ["preference", "preferences"];
/// The short code to which people report what they do not want.
pub const REPORTED_TO: &str = "7726";
/// What begins words for a refusal in Russian, and who refuses.
pub const REFUSAL_RU: [&str; 2] = ["отказ", "запрет"];
pub const PERSON_RU: &str = "абонент";
/// The register of Turkey and the consents in it, and what says that there is none.
pub const CONSENT_TR: [&str; 4] = ["iys", "izin", "izni", "izinsiz"];
pub const NONE_TR: [&str; 6] = ["yok", "ret", "red", "rejected", "izinsiz", "reddedildi"];
/// What a person does who sends an opt-out word.
pub const SENDS: [&str; 6] = ["de", "envio", "mando", "escribio", "respondio", "contesto"];
/// Who is the wrong one.
pub const WRONG_ONE: [&str; 4] = ["person", "party", "recipient", "owner"];
