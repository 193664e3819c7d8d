//! What rules match.

use super::*;

fn found(grammar: &Grammar, text: &str) -> Vec<(Kind, usize)> {
    let words: Vec<Known> = folding::words(text).iter().map(|word| grammar.known(&word.text)).collect();
    let mut all = Vec::new();
    grammar.matches(&words, 0, |kind, end| all.push((kind, end)));
    all
}

#[test]
fn rules_match_what_they_say() {
    let rules = "@me = me | my (own) phone\nout: stop [texting | calling] (@me)\npolite: if *\nmaybe: stop";
    let grammar = Grammar::parse(rules).expect("valid");
    assert_eq!(found(&grammar, "Stop calling"), [(Kind::Out, 2), (Kind::Maybe, 1)]);
    assert_eq!(found(&grammar, "stop texting my own phone"), [(Kind::Out, 2), (Kind::Out, 5), (Kind::Maybe, 1)]);
    assert_eq!(found(&grammar, "stop it"), [(Kind::Maybe, 1)]);
    assert_eq!(found(&grammar, "if you please"), [(Kind::Polite, 3)]);
    assert_eq!(found(&grammar, "please stop"), []);
}

#[test]
fn a_stem_is_every_word_that_begins_so() {
    let grammar = Grammar::parse("out: leiratkoz~ (most)\nmaybe: leiratkozás\nout: löschen").expect("valid");
    assert_eq!(found(&grammar, "Leiratkozom most"), [(Kind::Out, 1), (Kind::Out, 2)]);
    assert_eq!(found(&grammar, "leiratkozas"), [(Kind::Maybe, 1), (Kind::Out, 1)]);
    assert_eq!(found(&grammar, "leirat"), []);
    for spelling in ["löschen", "LOSCHEN", "loeschen"] {
        assert_eq!(found(&grammar, spelling), [(Kind::Out, 1)], "{spelling}");
    }
}

#[test]
fn numbers_names_and_ends_are_told_by_how_they_are_written() {
    let grammar = Grammar::parse(
        "out: remove # (#)\nhint: not %\nhint: no &\nmaybe: stop .\nnames: Maria\nslips: forgiven\npolite: please",
    )
    .expect("valid");
    let of = |texts: &[(&str, bool, bool)]| {
        let words: Vec<Known> = texts
            .iter()
            .map(|(text, is_name, ends)| grammar.known(&folding::folded(text)).written(*is_name, *ends))
            .collect();
        let mut all = Vec::new();
        grammar.matches(&words, 0, |kind, end| all.push((kind, end)));
        all
    };
    let plain = |text| (text, false, false);
    assert_eq!(of(&[plain("remove"), plain("415"), plain("x")]), [(Kind::Out, 2)]);
    assert_eq!(of(&[plain("remove"), plain("me")]), []);
    assert_eq!(of(&[plain("not"), ("Ann", true, false)]), [(Kind::Hint, 2)]);
    assert_eq!(of(&[plain("not"), plain("ann")]), []);
    assert_eq!(of(&[plain("not"), plain("maria")]), [(Kind::Hint, 2)]);
    assert_eq!(of(&[plain("no"), plain("maria")]), [(Kind::Hint, 2)]);
    assert_eq!(of(&[plain("no"), ("Ann", true, false)]), []);
    assert_eq!(of(&[("stop", false, true), plain("it")]), [(Kind::Maybe, 1)]);
    assert_eq!(of(&[plain("stop"), plain("it")]), []);
    assert_eq!(grammar.slips("PLEAES"), ["PLEASE"]);
    assert_eq!(grammar.slips("REMOV"), [""; 0], "slips are forgiven from that line on");
}

#[test]
fn no_stem_hides_another() {
    let grammar = Grammar::parse("out: stopp~ | sto~ it\nhint: stop~ | stopp").expect("valid");
    let of = |words: &[&str]| {
        let known: Vec<Known> = words.iter().map(|word| grammar.known(word)).collect();
        let mut found = Vec::new();
        grammar.matches(&known, 0, |kind, end| {
            if !found.contains(&(kind, end)) {
                found.push((kind, end));
            }
        });
        found
    };
    assert_eq!(of(&["STOPPING", "IT"]), [(Kind::Out, 1), (Kind::Out, 2), (Kind::Hint, 1)]);
    assert_eq!(of(&["STORE", "IT"]), [(Kind::Out, 2)]);
    assert_eq!(of(&["STO"]), []);
    assert!(Grammar::parse("out: s~ | st~ | sto~ | stop~").is_err(), "a word would begin with too many");
}

#[test]
fn a_mistake_in_the_rules_is_named() {
    for wrong in ["out: [stop", "out: stop]", "out: @nobody", "never: stop", "stop", "out: stop | "] {
        let why = Grammar::parse(wrong).expect_err(wrong);
        assert!(why.starts_with("line 1: "), "{why}");
    }
}
