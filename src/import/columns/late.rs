//! Columns that turn up late: the keys of objects behind those that were looked at beforehand.

use super::field::Field;
use super::guard::Guard;
use super::heading::{speaks_of_consent, turns_round};
use super::mapping::Mapping;
use super::survey::Held;
use super::{Columns, Why, names};

impl Columns {
    /// A column that turns up later, as the keys of objects may. Gives its place. Nobody was asked about it, so its rows are
    /// rejected unless its name is known or somebody named it; `'*'` covers a harmless name alone.
    pub fn add(&mut self, name: &str) -> usize {
        let said = self.said_later(name);
        let (field, why) = match said.or_else(|| self.known_later(name)) {
            Some(found) => found,
            None if self.forbids() || names::is_harmless(name) => self.rest(&Held::new(name)),
            None => (Field::Unclear, Why::Nobody),
        };
        self.names.push(name.to_owned());
        let column = self.wishes.mapping.iter().flat_map(Mapping::columns).find(|column| column.name == name);
        let mut words = column.and_then(|column| column.words().ok()).unwrap_or_default();
        for (_, said) in self.wishes.blank.iter().filter(|(column, _)| column == name && field.can_explain("")) {
            // Nothing that stands there means the opposite.
            let _ = words.explain(&field, "", *said);
        }
        // Nobody has looked at what it holds.
        words.look_at(&Held::new(name), false);
        let at = self.len();
        if field.must_speak() {
            self.asking.push(at);
        }
        let is_label = matches!(field, Field::Label(_));
        self.fields.push(field);
        self.whys.push(why);
        self.words.push(words);
        if is_label {
            self.name_labels(at);
        }
        let guard = Guard::of(&Held::new(name), why, false);
        self.guards.push(if let Field::Label(key) = &self.fields[at] { guard.of_labels(key) } else { guard });
        at
    }

    fn said_later(&self, name: &str) -> Option<(Field, Why)> {
        let column = self.wishes.mapping.iter().flat_map(Mapping::columns).find(|column| column.name == name)?;
        let is_free = (column.field.may_repeat() || !self.has(&column.field)) && !turns_round(name, &column.field);
        Some(if is_free { (column.field.clone(), Why::Mapping) } else { (Field::Unclear, Why::Nobody) })
    }

    fn known_later(&self, name: &str) -> Option<(Field, Why)> {
        if let Some(key) = names::label_prefix(name) {
            let is_known = !speaks_of_consent(name);
            return Some(if is_known { (Field::Label(key), Why::LabelName) } else { (Field::Unclear, Why::Nobody) });
        }
        if names::is_of_trail(name) {
            return Some((Field::Ignore, Why::KnownName));
        }
        let field = match names::known(name)? {
            (Field::Phone, rank) if names::is_own(rank) => Field::OtherPhone,
            (Field::Phone, _) => return None,
            // As in `resolve`.
            (Field::Ignore, _) if !self.has(&Field::Status) => return None,
            (field, _) => field,
        };
        (field.may_repeat() || !self.has(&field)).then_some((field, Why::KnownName))
    }
}
