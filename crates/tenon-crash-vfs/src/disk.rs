//! What a disk may hold when the power fails.
//!
//! What was synced is there. Of what came after, anything may be: nothing, all, the first part, some of it, the
//! last write torn. Files do not know of each other. The one thing that cannot be is a write to a new file of a
//! name whose old file is still there.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::Operation;

/// A write is torn at a multiple of this many bytes.
const SECTOR: usize = 512;

/// What becomes of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is gone.
    Nothing,
    /// It is there, as after a `kill -9`.
    Everything,
    /// The first part of it, chosen by a seed; the last write of that may be torn.
    FirstPart(u64),
    /// Any part of it, chosen by a seed.
    AnyPart(u64),
}

/// The files of a directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    /// Content by name.
    pub files: BTreeMap<Arc<str>, Vec<u8>>,
}

/// A disk to which recorded operations are applied one by one.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    files: BTreeMap<Arc<str>, File>,
}

#[derive(Debug, Clone, Default)]
struct File {
    /// `None`: not there.
    synced: Option<Vec<u8>>,
    pending: Vec<Operation>,
}

// === impl Image ===

impl Image {
    /// Writes the files into a directory, which must be there.
    pub fn write_to(&self, directory: &Path) -> std::io::Result<()> {
        for (name, content) in &self.files {
            std::fs::write(directory.join(&**name), content)?;
        }
        Ok(())
    }
}

// === impl Disk ===

impl Disk {
    /// The next operation is done.
    pub fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::Mark(_) => {}
            Operation::Sync { file } => {
                let file = self.files.entry(Arc::clone(file)).or_default();
                let pending = std::mem::take(&mut file.pending);
                for operation in &pending {
                    change(&mut file.synced, operation, None);
                }
                // A file that was made and synced empty is there.
                file.synced.get_or_insert_default();
            }
            Operation::SyncDirectory => self.files.values_mut().for_each(File::sync_name),
            Operation::Write { file, .. } | Operation::Truncate { file, .. } | Operation::Delete { file } => {
                self.files.entry(Arc::clone(file)).or_default().pending.push(operation.clone());
            }
        }
    }

    /// What is there if the power fails now.
    pub fn image(&self, kept: Kept) -> Image {
        let files = self.files.iter().enumerate().filter_map(|(number, (name, file))| {
            let content = file.content(kept, number as u64)?;
            Some((Arc::clone(name), content))
        });
        Image { files: files.collect() }
    }
}

// === impl File ===

impl File {
    /// What was deleted is gone for good; what was written since into a new file of the name may still be lost.
    fn sync_name(&mut self) {
        let deleted = |operation: &Operation| matches!(operation, Operation::Delete { .. });
        if let Some(last) = self.pending.iter().rposition(deleted) {
            self.pending.drain(..=last);
            self.synced = None;
        }
    }

    fn content(&self, kept: Kept, number: u64) -> Option<Vec<u8>> {
        let mut content = self.synced.clone();
        let mut choice = match kept {
            Kept::FirstPart(seed) | Kept::AnyPart(seed) => Choice(seed ^ (number << 32)),
            Kept::Nothing | Kept::Everything => Choice(0),
        };
        let first_part = choice.below(self.pending.len() + 1);
        for (index, operation) in self.pending.iter().enumerate() {
            let mut torn_at = None;
            let keep = match kept {
                Kept::Nothing => false,
                Kept::Everything => true,
                Kept::FirstPart(_) if index == first_part => {
                    torn_at = torn(operation, &mut choice);
                    torn_at.is_some()
                }
                Kept::FirstPart(_) => index < first_part,
                Kept::AnyPart(_) => choice.below(2) == 0,
            };
            if keep {
                change(&mut content, operation, torn_at);
            } else if matches!(operation, Operation::Delete { .. }) {
                // What comes later is in another file, of which nothing knows the name.
                break;
            }
        }
        content
    }
}

/// Where a write is torn, if it can be.
fn torn(operation: &Operation, choice: &mut Choice) -> Option<usize> {
    let Operation::Write { bytes, .. } = operation else { return None };
    let sectors = bytes.len() / SECTOR;
    (sectors > 0).then(|| choice.below(sectors) * SECTOR)
}

fn change(content: &mut Option<Vec<u8>>, operation: &Operation, torn_at: Option<usize>) {
    match operation {
        Operation::Write { offset, bytes, .. } => {
            let bytes = &bytes[..torn_at.unwrap_or(bytes.len())];
            let content = content.get_or_insert_default();
            let end = *offset as usize + bytes.len();
            if content.len() < end {
                content.resize(end, 0);
            }
            content[*offset as usize..end].copy_from_slice(bytes);
        }
        Operation::Truncate { size, .. } => content.get_or_insert_default().resize(*size as usize, 0),
        Operation::Delete { .. } => *content = None,
        Operation::Sync { .. } | Operation::SyncDirectory | Operation::Mark(_) => {}
    }
}

/// SplitMix64.
struct Choice(u64);

impl Choice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit.max(1) as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn write(file: &str, offset: u64, bytes: &[u8]) -> Operation {
        Operation::Write { file: file.into(), offset, bytes: bytes.into() }
    }

    fn disk(operations: &[Operation]) -> Disk {
        let mut disk = Disk::default();
        for operation in operations {
            disk.apply(operation);
        }
        disk
    }

    fn content(disk: &Disk, file: &str, kept: Kept) -> Option<Vec<u8>> {
        disk.image(kept).files.get(file).cloned()
    }

    #[test]
    fn what_was_synced_stays_and_the_rest_may_go() {
        let sync = Operation::Sync { file: "a".into() };
        let disk = disk(&[write("a", 0, b"one"), sync, write("a", 3, b"two"), write("b", 0, b"new")]);
        assert_eq!(content(&disk, "a", Kept::Nothing).unwrap(), b"one");
        assert_eq!(content(&disk, "a", Kept::Everything).unwrap(), b"onetwo");
        assert_eq!(content(&disk, "b", Kept::Nothing), None);
    }

    #[test]
    fn seeds_choose_different_parts() {
        let page = [7; 4096];
        let disk = disk(&[write("a", 0, &page), write("a", 4096, &page), write("a", 8192, &page)]);
        let lengths = |kept: fn(u64) -> Kept| -> BTreeSet<usize> {
            (0..50).map(|seed| content(&disk, "a", kept(seed)).map_or(0, |content| content.len())).collect()
        };
        assert!(lengths(Kept::FirstPart).len() > 4, "{:?}", lengths(Kept::FirstPart));
        assert!(lengths(Kept::AnyPart).len() > 3);
        let holes = (0..50).filter_map(|seed| content(&disk, "a", Kept::AnyPart(seed)));
        assert!(
            holes.into_iter().any(|content| content[0] == 0 && content.contains(&7)),
            "a hole is possible"
        );
    }

    #[test]
    fn a_new_file_is_not_written_into_the_old_one_of_its_name() {
        let sync = Operation::Sync { file: "a".into() };
        let delete = Operation::Delete { file: "a".into() };
        let disk = disk(&[write("a", 0, b"old!"), sync.clone(), delete, write("a", 0, b"n")]);
        assert_eq!(content(&disk, "a", Kept::Nothing).unwrap(), b"old!");
        for seed in 0..50 {
            let found = content(&disk, "a", Kept::AnyPart(seed));
            assert!(matches!(found.as_deref(), None | Some(b"old!" | b"n")), "{found:?}");
        }
    }

    #[test]
    fn a_deleted_file_may_come_back_until_its_directory_is_synced() {
        let sync = Operation::Sync { file: "a".into() };
        let delete = Operation::Delete { file: "a".into() };
        let mut disk = disk(&[write("a", 0, b"old"), sync, delete]);
        assert_eq!(content(&disk, "a", Kept::Nothing).unwrap(), b"old");
        disk.apply(&Operation::SyncDirectory);
        assert_eq!(content(&disk, "a", Kept::Nothing), None);
    }

    #[test]
    fn an_image_becomes_files() {
        let directory = tempfile::tempdir().unwrap();
        disk(&[write("a", 2, b"x")]).image(Kept::Everything).write_to(directory.path()).unwrap();
        assert_eq!(std::fs::read(directory.path().join("a")).unwrap(), b"\0\0x");
    }
}
