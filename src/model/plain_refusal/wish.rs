//! Wishes: how somebody wants to be reached. A wish for nothing, or for something else than messages, refuses messages.

use super::fold::folded;
use super::question::kinds;
use super::reply::reply_refuses;
use super::title::words;
use super::{note_refuses, remark};
use crate::model::blank::is_blank;

/// Longer wishes are somebody's letters.
const WISH_WORDS_MAX: usize = 8;

kinds! {
    "wish.txt":
    wishes,
    channels,
    others,
    own,
    other,
    any,
    none,
}

/// Whether a heading or a key asks how somebody wants to be reached: `Contact pref`, `Preferred channel`, `Best way to reach`.
pub fn is_of_a_channel(heading: &str) -> bool {
    let words = words(heading);
    let Kinds { wishes, channels, others, .. } = &*KINDS;
    wishes.has_any(&words) && channels.has_any(&words) && !others.has_any(&words)
}

/// Whether a wish is that there be nothing: `none`, `don't`, `n/a - no cell`.
pub fn is_for_nothing(wish: &str) -> bool {
    let words = words(wish);
    let Kinds { own, any, none, .. } = &*KINDS;
    let is_open = || any.has_any(&words) || any.has(&words.concat());
    let is_own = own.has_any(&words);
    none.has(&folded(wish))
        || words.first().is_some_and(|first| none.has(first)) && !is_own && !is_open()
        || !is_blank(wish)
            && (1..=WISH_WORDS_MAX).contains(&words.len())
            && !is_open()
            && (note_refuses(wish) || !is_own && words.len() > 1 && reply_refuses(wish))
}

/// Whether a wish is for nothing, or for something else than messages: `mail (USPS)`, `in person`. What names no channel, such as an hour,
/// says nothing.
pub fn refuses(wish: &str) -> bool {
    let words = words(wish);
    let Kinds { own, other, any, .. } = &*KINDS;
    let is_open = || any.has_any(&words) || any.has(&words.concat());
    let says_it = || {
        let is_note = || !is_blank(wish) && !is_open() && remark::rules_refuse(wish);
        let has_channel =
            || words.len() <= WISH_WORDS_MAX && other.has_any(&words) && !own.has_any(&words) && !is_open();
        is_note() || has_channel()
    };
    is_for_nothing(wish) || says_it()
}

#[cfg(test)]
mod tests;
