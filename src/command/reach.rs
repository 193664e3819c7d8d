//! What of a store in partitions a command concerns: whom to ask, and what becomes of the answers.

use super::Merge;

/// What of a store in partitions a command concerns.
#[derive(Clone, Copy)]
pub enum Reach {
    /// No contact and no list: every partition answers the same, and the first one does.
    Nothing,
    /// What a client may do: every partition must know.
    Session,
    /// This connection: another daemon wants it to be one to a partition.
    Partition,
    /// One contact, whose number is this argument (0 for the first) where nothing is left out. `*` in its place means the lists,
    /// whose history the first partition tells.
    Contact(usize),
    /// One contact, whose number is in JSON, as somebody typed it.
    Row,
    /// Contacts, one argument each behind the list.
    Contacts,
    /// Every partition. The replies become one.
    All(Merge),
    /// Every partition, page by page: those of one behind those of the one before.
    Pages,
    /// The same of messages with numbers, which must be others in each partition.
    Inbox,
    /// Every partition, in one stream.
    Stream,
    /// The changes of every partition, and where each was read up to.
    Follow,
    /// Every partition, if none has a contact that keeps the list.
    Unlist,
    /// Every partition, and the one before them, which counts requests.
    Stats,
    /// Every partition, of which some may refuse.
    Unfence(Merge),
    /// Every partition makes its own plan, and runs it.
    Purge,
    /// Every partition makes a backup of its own.
    Backup,
}
