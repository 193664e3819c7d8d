//! What the texts of the random stories mean, as protocol.md has it and a person would say.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InboundKind {
    Out,
    OutAll,
    In,
    /// YES: an opt-in only from one who is opted out or known to the list.
    Yes,
    Help,
    MaybeOut,
    Message,
}

/// The texts.
pub const TEXTS: [(&str, InboundKind); 40] = [
    ("STOP", InboundKind::Out),
    ("stop!", InboundKind::Out),
    (" Stop. ", InboundKind::Out),
    ("S.T.O.P", InboundKind::Out),
    ("stop\u{1f6d1}", InboundKind::Out),
    ("STOPALL", InboundKind::OutAll),
    ("stop  all", InboundKind::OutAll),
    ("Stop-All", InboundKind::OutAll),
    ("unsubscribe", InboundKind::Out),
    ("OPT OUT", InboundKind::Out),
    ("opt-out", InboundKind::Out),
    ("quit", InboundKind::Out),
    ("START", InboundKind::In),
    ("start.", InboundKind::In),
    ("Unstop", InboundKind::In),
    ("YES", InboundKind::Yes),
    ("yes!", InboundKind::Yes),
    ("HELP", InboundKind::Help),
    ("info?", InboundKind::Help),
    ("stop texting me", InboundKind::Out),
    ("please, opt-out", InboundKind::Out),
    ("please stop sending me these things", InboundKind::Out),
    ("Remove me from your list", InboundKind::Out),
    ("STOP. I have asked three times", InboundKind::Out),
    ("СТОП", InboundKind::Out),
    ("退订", InboundKind::Out),
    ("STOP STOP", InboundKind::Out),
    ("stop/end", InboundKind::Out),
    ("S T O P", InboundKind::Out),
    ("stop, stopall!", InboundKind::OutAll),
    ("sotp", InboundKind::MaybeOut),
    ("wrong number", InboundKind::MaybeOut),
    ("stop it 😂", InboundKind::MaybeOut),
    ("CANCELAR", InboundKind::MaybeOut),
    ("stop start", InboundKind::MaybeOut),
    ("nonstop fun", InboundKind::Message),
    ("hello there", InboundKind::Message),
    ("unstoppable", InboundKind::Message),
    ("don't stop", InboundKind::Message),
    ("when does the sale end", InboundKind::Message),
];

/// A text of the stories by its letters and digits alone.
pub fn folded(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// What a text of the stories means; any other is an ordinary message.
pub fn classify(text: &str) -> InboundKind {
    TEXTS.iter().find(|(known, _)| *known == text).map_or(InboundKind::Message, |(_, kind)| *kind)
}
