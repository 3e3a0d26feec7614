//! Remembers operations in order, over all files of a VFS.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{Operation, shim};

/// Whether syncs reach the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syncs {
    /// As they should.
    Honoured,
    /// Never: as with `synchronous=OFF`, or a disk that lies.
    Ignored,
}

/// What was done to the files of one registered VFS. Lives as long as the process, as the VFS does.
#[derive(Debug)]
pub struct Recorder {
    syncs: Syncs,
    operations: Mutex<Vec<Operation>>,
}

// === impl Recorder ===

impl Recorder {
    /// Registers a VFS under this name, which must be new in the process.
    pub fn register(name: &str, syncs: Syncs) -> &'static Self {
        let recorder = Box::leak(Box::new(Self { syncs, operations: Mutex::default() }));
        shim::register(name, recorder);
        recorder
    }

    /// Remembers that the test was promised something just now.
    pub fn mark(&self, number: usize) {
        self.push(Operation::Mark(number));
    }

    /// Everything so far.
    pub fn operations(&self) -> Vec<Operation> {
        self.operations.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn write(&self, file: &Arc<str>, offset: u64, bytes: &[u8]) {
        self.push(Operation::Write { file: Arc::clone(file), offset, bytes: bytes.into() });
    }

    pub(crate) fn truncate(&self, file: &Arc<str>, size: u64) {
        self.push(Operation::Truncate { file: Arc::clone(file), size });
    }

    pub(crate) fn sync(&self, file: &Arc<str>) {
        if self.syncs == Syncs::Honoured {
            self.push(Operation::Sync { file: Arc::clone(file) });
        }
    }

    pub(crate) fn sync_directory(&self) {
        if self.syncs == Syncs::Honoured {
            self.push(Operation::SyncDirectory);
        }
    }

    pub(crate) fn delete(&self, file: Arc<str>) {
        self.push(Operation::Delete { file });
    }

    fn push(&self, operation: Operation) {
        self.operations.lock().unwrap_or_else(PoisonError::into_inner).push(operation);
    }
}
