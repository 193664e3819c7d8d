//! Which partition of a store a contact is in.
//!
//! A number has one of 16,384 slots: the CRC-16 of its E.164, as Redis Cluster makes it of a key. A partition has a range of slots.

use super::phone::Phone;

/// Slots.
pub const SLOTS: u16 = 16_384;
/// Partitions that a store may have at most: what a position of its feed says of each must fit into a word.
pub const PARTITIONS_MAX: u16 = 64;

/// One of the partitions of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its place: 0 for the first.
    pub place: u16,
    /// How many there are.
    pub of: u16,
}

impl Partition {
    /// All there is, of a store that is not split.
    pub const WHOLE: Partition = Partition { place: 0, of: 1 };

    /// Whether a number is in it.
    pub fn has(self, phone: Phone) -> bool {
        partition(phone, self.of) == self.place
    }

    /// The first of the partitions that it becomes when a store is split into so many, a multiple of those that there are. They
    /// have its slots, and no others.
    pub fn first_of(self, of: u16) -> u16 {
        self.place * (of / self.of)
    }

    /// The partitions that it becomes.
    pub fn split(self, of: u16) -> impl Iterator<Item = Partition> {
        let first = self.first_of(of);
        (first..first + of / self.of).map(move |place| Partition { place, of })
    }

    /// Whether a number that is in a partition which becomes this one and others goes to this one: by its slot, and if that is
    /// none of theirs, to the nearest.
    pub fn is_nearest_in(self, whole: Partition, phone: Phone) -> bool {
        let first = whole.first_of(self.of);
        partition(phone, self.of).clamp(first, first + self.of / whole.of - 1) == self.place
    }
}

/// What a partition is called where its files are told from those of others: `p3`.
pub fn partition_name(place: u16) -> String {
    format!("p{place}")
}

/// As in `3 of 4`.
impl std::fmt::Display for Partition {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "{} of {}", self.place, self.of)
    }
}

/// The slot of a number.
pub fn slot(phone: Phone) -> u16 {
    let mut spelt = Vec::with_capacity(16);
    phone.write_to(&mut spelt);
    crc16(&spelt) % SLOTS
}

/// The partition, of so many, that has a number.
pub fn partition(phone: Phone, partitions: u16) -> u16 {
    (u32::from(slot(phone)) * u32::from(partitions) / u32::from(SLOTS)) as u16
}

/// CRC-16/XMODEM: polynomial 0x1021, from 0, no bit reversed.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |sum, byte| (sum << 8) ^ TABLE[usize::from((sum >> 8) as u8 ^ byte)])
}

const TABLE: [u16; 256] = table();

const fn table() -> [u16; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut sum = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 0x8000 == 0 { sum << 1 } else { (sum << 1) ^ 0x1021 };
            bit += 1;
        }
        table[byte] = sum;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_redis_cluster() {
        // From the specification of Redis Cluster, and `CLUSTER KEYSLOT`.
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(crc16(b"foo") % SLOTS, 12_182);
    }

    #[test]
    fn a_partition_becomes_those_that_have_its_slots() {
        for (few, many) in [(1, 2), (1, 3), (2, 4), (3, 6), (4, 8), (4, 12), (7, 63), (32, PARTITIONS_MAX), (4, 4)] {
            for place in 0..few {
                let whole = Partition { place, of: few };
                let parts: Vec<Partition> = whole.split(many).collect();
                assert_eq!(parts.len(), usize::from(many / few));
                for number in 0..2_000_u64 {
                    let phone = Phone::from_u64(14_155_000_000 + number).expect("a number");
                    let having = parts.iter().filter(|part| part.has(phone)).count();
                    assert_eq!(having, usize::from(whole.has(phone)), "{whole} to {many}");
                    let nearest: Vec<_> = parts.iter().filter(|part| part.is_nearest_in(whole, phone)).collect();
                    assert_eq!(nearest.len(), 1, "it is lost nowhere, and nowhere twice");
                    assert!(!whole.has(phone) || nearest[0].has(phone));
                }
            }
        }
    }

    #[test]
    fn partitions_have_about_as_many_numbers_each() {
        for partitions in [1, 2, 3, 4, 7, PARTITIONS_MAX] {
            let mut counts = vec![0_u32; usize::from(partitions)];
            for number in 0..64_000_u64 {
                let phone = Phone::from_u64(14_155_000_000 + number).expect("a number");
                counts[usize::from(partition(phone, partitions))] += 1;
            }
            let even = 64_000 / u32::from(partitions);
            assert!(counts.iter().all(|&count| count > even * 8 / 10 && count < even * 12 / 10), "{counts:?}");
        }
    }
}
