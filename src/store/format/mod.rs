//! What stands on disk: keys and values, from and to bytes, without I/O. `docs/format.md` draws it.

pub mod block;
pub mod chunk;
pub mod code;
pub mod codec;
pub mod compressed;
pub mod keys;
pub mod position;
pub mod term;
