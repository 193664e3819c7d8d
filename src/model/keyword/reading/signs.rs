//! Signs beside a word that lets somebody in: which of them agree with it.

use unicode_normalization::char::is_combining_mark;

/// What may stand beside a word that lets somebody in. A question, or a sign that means something else, lets nobody in.
const PLAIN_MARKS: &str = ".,!;:'\"`’‘“”«»()[]<>*_~-–—…·/|&。、！，．";
/// Signs that agree, and what may follow a sign without another meaning: its look, and the colour of a skin.
const AGREEING_SIGNS: &str =
    "👍👌🙏✅☑✔❤💚💙💛💜🧡😀😃😄😁😊🙂😍🥰😘🎉🥳💯✨⭐🤝🙌👏\u{fe0e}\u{fe0f}\u{200d}🏻🏼🏽🏾🏿";

/// Whether a text has letters, and nothing beside them that could turn their meaning round.
pub(super) fn agree(text: &str) -> bool {
    // With a face made of marks, or a comment of a page, which nobody sees.
    const TURNED: [&str; 3] = [">:", "):", "<!"];
    // Struck out: a tilde before it and one behind it strike out, too.
    let is_struck = |c: char| matches!(c, '\u{334}'..='\u{338}');
    let is_struck_out = text.contains(is_struck) || text.matches('~').count() >= 2;
    if is_struck_out || TURNED.iter().any(|turned| text.contains(turned)) || has_unhappy_face(text) {
        return false;
    }
    let is_invisible = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
    let is_letter = |c: char| c.is_alphanumeric() || c.is_whitespace() || is_combining_mark(c);
    text.chars().all(|c| is_letter(c) || is_invisible(c) || PLAIN_MARKS.contains(c) || AGREEING_SIGNS.contains(c))
}

/// Whether eyes and a mouth that does not smile stand in a text: `:(`, `;-(`, `:/`.
fn has_unhappy_face(text: &str) -> bool {
    let behind_eyes = text.split([':', ';']).skip(1).map(|face| face.trim_start_matches(['-', '\'', '’']));
    behind_eyes.into_iter().any(|mouth| mouth.starts_with(['(', '[', '/', '\\', '|']))
}
