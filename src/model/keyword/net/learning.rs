//! How the net learns: each text that it would judge wrongly, or too narrowly, pulls the weights of its features its way, until
//! few do; what counts is the average on the way (an averaged perceptron). It needs no more than adding up, and is the same in
//! each build. Besides, each text is learned as a whole: where it comes again it is known.

use std::collections::{BTreeMap, HashMap};

use super::super::folding::{self, Word};
use super::features::{Features, LEARNED, UNIT};

/// How often all texts are gone through: more changed nothing.
const ROUNDS: usize = 8;
/// How far a text should be on its side: half of it or twice as much, with the score from which a text is shown, did no better.
const MARGIN: f64 = 1.0;
/// A feature of fewer texts says nothing, since all of that text is known.
const TEXTS_MIN: usize = 2;

/// The words of each message of a file: a line each, but for those that begin with `# `. `\n` is a line break.
pub fn texts(file: &str) -> impl Iterator<Item = Vec<Word>> {
    let lines = file.lines().filter(|line| !line.is_empty() && !line.starts_with("# "));
    lines.map(|line| folding::words(&line.replace("\\n", "\n")))
}

/// The weights of features, by the features: above 0 for a request.
pub fn learn(requests: &[Features], ordinary: &[Features]) -> Vec<(u32, i16)> {
    let mut counts: HashMap<u32, usize> = HashMap::new();
    let all = || requests.iter().chain(ordinary);
    all().flat_map(|text| &text.each).for_each(|&feature| *counts.entry(feature).or_default() += 1);
    let tells = |&(_, &count): &(&u32, &usize)| count >= TEXTS_MIN;
    let mut features: Vec<u32> = counts.iter().filter(tells).map(|(&feature, _)| feature).collect();
    features.sort_unstable();
    let known = |text: &Features| text.each.iter().filter_map(|feature| features.binary_search(feature).ok()).collect();
    let signed = |texts: &[Features], sign: f64| texts.iter().map(|text| (known(text), sign)).collect::<Vec<_>>();
    let mut texts: Vec<(Vec<usize>, f64)> = signed(requests, 1.0);
    texts.extend(signed(ordinary, -1.0));
    texts.retain(|(text, _)| !text.is_empty());
    // Requests and ordinary replies take turns, in an order that says nothing.
    texts.sort_by_key(|(text, _)| text.iter().fold(0u32, |sum, &at| (sum ^ features[at]).wrapping_mul(0x0100_0193)));

    let (mut weights, mut early) = (vec![0.0; features.len()], vec![0.0; features.len()]);
    let mut step = 1.0;
    for _ in 0..ROUNDS {
        for (text, sign) in &texts {
            let share = 1.0 / (text.len() as f64).sqrt();
            let score: f64 = text.iter().map(|&at| weights[at]).sum::<f64>() * share;
            if score * sign < MARGIN {
                for &at in text {
                    weights[at] += sign * share;
                    early[at] += sign * share * step;
                }
            }
            step += 1.0;
        }
    }
    let average = |at: usize| {
        ((weights[at] - early[at] / step) / UNIT).clamp(1.0 - f64::from(LEARNED), f64::from(LEARNED) - 1.0) as i16
    };
    let parts =
        features.iter().enumerate().map(|(at, &feature)| (feature, average(at))).filter(|(_, weight)| *weight != 0);
    let wholes =
        ordinary.iter().map(|text| (text.whole, -LEARNED)).chain(requests.iter().map(|text| (text.whole, LEARNED)));
    parts.chain(wholes).collect::<BTreeMap<u32, i16>>().into_iter().collect()
}
