//! Counts of very many things in little memory: about how often each was added. A count may be too high, if many others share
//! its places, and never too low, but for what was halved.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;

/// The counts. They end at [`u8::MAX`].
pub struct Sketch {
    rows: [Vec<u8>; 2],
    hasher: RandomState,
    /// How many were added since the last halving.
    added: u32,
    /// After how many all counts are halved: what was often once need not be so now.
    halve_every: u32,
}

impl Sketch {
    /// With so many places, a power of two.
    pub fn new(places: usize, halve_every: u32) -> Sketch {
        Sketch { rows: [vec![0; places], vec![0; places]], hasher: RandomState::default(), added: 0, halve_every }
    }

    /// Adds a thing so many times. Gives its count before, and now.
    pub fn add(&mut self, key: &str, value: &str, times: u8) -> (u8, u8) {
        if self.added == self.halve_every {
            self.added = 0;
            self.rows.iter_mut().flatten().for_each(|count| *count /= 2);
        }
        self.added = self.added.saturating_add(1);
        let places = self.places(key, value);
        let before = self.least(places);
        let now = before.saturating_add(times);
        // Others that share a place need not count more than they must.
        for (row, place) in self.rows.iter_mut().zip(places) {
            row[place] = row[place].max(now);
        }
        (before, now)
    }

    /// About how often a thing was added.
    pub fn count(&self, key: &str, value: &str) -> u8 {
        self.least(self.places(key, value))
    }

    fn least(&self, [one, other]: [usize; 2]) -> u8 {
        self.rows[0][one].min(self.rows[1][other])
    }

    fn places(&self, key: &str, value: &str) -> [usize; 2] {
        let hash = self.hasher.hash_one((key, value));
        let mask = self.rows[0].len() - 1;
        [hash as usize & mask, (hash >> 32) as usize & mask]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_often_is_told_from_what_is_once() {
        let mut sketch = Sketch::new(1 << 12, u32::MAX);
        for n in 0..4000 {
            sketch.add("email", &n.to_string(), 1);
            if n % 40 == 0 {
                let (before, now) = sketch.add("state", "CA", 1);
                assert_eq!(now, before + 1);
            }
        }
        assert!(sketch.count("state", "CA") >= 100);
        let high = (0..4000).filter(|n| sketch.count("email", &n.to_string()) > 8).count();
        assert!(high < 40, "{high} of 4000 that were once count for more than 8");
        assert_eq!(sketch.add("state", "CA", 255).1, 255);
        assert_eq!(sketch.add("state", "CA", 1), (255, 255));
    }

    #[test]
    fn what_was_often_once_is_forgotten() {
        let mut sketch = Sketch::new(64, 100);
        assert_eq!(sketch.add("state", "CA", 40), (0, 40));
        for _ in 0..99 {
            sketch.add("tier", "gold", 0);
        }
        assert_eq!(sketch.add("state", "CA", 0), (20, 20));
    }
}
