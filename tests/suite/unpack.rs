//! Stores of earlier versions, as they are checked in. The proofs open them, too.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

/// A directory with the data directory in it that was packed.
pub fn unpack(pack: &Path) -> TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let all = lz4_flex::block::decompress_size_prepended(&fs::read(pack).expect("the pack")).expect("a pack");
    let mut rest = all.as_slice();
    let mut part = || {
        let (length, behind) = rest.split_first_chunk::<8>()?;
        let (part, behind) = behind.split_at(u64::from_be_bytes(*length) as usize);
        rest = behind;
        Some(part)
    };
    while let Some(name) = part() {
        let path = dir.path().join("data").join(std::str::from_utf8(name).expect("a name"));
        fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        fs::write(&path, part().expect("contents")).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
    }
    dir
}
