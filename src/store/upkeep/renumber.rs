//! Renumberings of a store that was written before contactd knew that two spellings are one number: at the open, contacts,
//! lists and tombstones are brought under the canonical spelling, and what is known under two spellings becomes one.
//!
//! What forbade under the old spelling then forbids under the new one.

use super::Upkeep;
use crate::counted::counted;
use crate::error::Result;
use crate::limits::RENUMBER_STEP;
use crate::model::list::{ListId, Lists};
use crate::model::phone::{Phone, RENUMBERINGS_VERSION};
use crate::store::format::keys;

impl Upkeep {
    /// Whether the store knows every renumbering that this contactd knows.
    pub fn is_renumbered(&self) -> Result<bool> {
        Ok(self.state.engine.get(keys::RENUMBERED)?.as_deref() == Some(&[RENUMBERINGS_VERSION]))
    }

    /// Whether a renumbering changes a contact or a list.
    pub fn renumbers(&self) -> Result<bool> {
        if !twice(self.state.memory.gate().lists()).is_empty() {
            return Ok(true);
        }
        for id in 0..self.ids_end() {
            if self.is_due(id)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Does what is still to be done for the renumberings that this contactd knows. A crash in between does no harm: it is
    /// done again.
    pub fn renumber(&self) -> Result<()> {
        let lists = self.renumber_lists()?;
        let contacts = self.renumber_contacts()?;
        if lists + contacts > 0 {
            let (contacts, lists) = (counted(contacts as u64, "contact"), counted(lists as u64, "list"));
            tracing::info!("the new spelling of their numbers is that of {contacts} and {lists} from now on");
        }
        self.on_writer(|writer| writer.commit_values(vec![(keys::RENUMBERED, Some(vec![RENUMBERINGS_VERSION]))]))
    }

    /// Brings the members of lists with one number together, and removes the older lists.
    fn renumber_lists(&self) -> Result<usize> {
        let twice = twice(self.state.memory.gate().lists());
        for &(old, current) in &twice {
            let mut from = 0;
            while from < self.ids_end() {
                let until = from.saturating_add(RENUMBER_STEP);
                let due = (from..until).filter(|&id| self.is_on(id, old).unwrap_or(true)).collect::<Vec<u32>>();
                self.on_writer(move |writer| {
                    writer.commit_alone(|overlay| due.iter().try_for_each(|&id| overlay.move_to_list(id, old, current)))
                })?;
                from = until;
            }
            self.on_writer(move |writer| writer.commit_alone(|overlay| overlay.merge_lists(old, current)))?;
        }
        Ok(twice.len())
    }

    fn is_on(&self, id: u32, list: ListId) -> Result<bool> {
        Ok(self.state.record(id)?.is_some_and(|record| record.contact.on(list).is_some()))
    }

    /// Brings contacts under the canonical spelling, and tombstones that were made under another one to their contacts.
    fn renumber_contacts(&self) -> Result<usize> {
        let mut from = 0;
        let mut count = 0;
        while from < self.ids_end() {
            let until = from.saturating_add(RENUMBER_STEP);
            let mut due = Vec::new();
            for id in from..until {
                if let Some(is_old) = self.is_due(id)? {
                    due.push(id);
                    count += usize::from(is_old);
                }
            }
            if !due.is_empty() {
                self.on_writer(move |writer| {
                    writer.commit_alone(|overlay| due.iter().try_for_each(|&id| overlay.renumber(id)))
                })?;
            }
            from = until;
        }
        Ok(count)
    }

    /// Whether a contact stands under another spelling of its number; none if there is nothing to be done for it.
    fn is_due(&self, id: u32) -> Result<Option<bool>> {
        let number = self.state.memory.gate().directory.number(id);
        let Some(phone) = Phone::from_u64(number) else { return Ok(None) };
        let is_old = phone.as_u64() != number;
        let is_due = is_old || phone.spellings().next().is_some() && !self.state.tombstones_of(phone)?.is_empty();
        Ok(is_due.then_some(is_old))
    }

    fn ids_end(&self) -> u32 {
        self.state.memory.gate().directory.ids_end()
    }
}

/// Lists that have the number of a later one, each with that.
fn twice(lists: &Lists) -> Vec<(ListId, ListId)> {
    let standing = lists.iter().filter(|(_, list)| list.removed_at == 0);
    standing.filter_map(|(id, list)| Some((id, lists.id(list.number)?))).filter(|(id, current)| id != current).collect()
}
