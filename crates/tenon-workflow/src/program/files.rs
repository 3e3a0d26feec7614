//! Files that a document refers to: fetched at deploy, pinned with the revision.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Their contents by address; or why one could not be fetched.
pub type Files = BTreeMap<String, Result<Arc<str>, String>>;

/// A file that a document refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileReference {
    /// Where it is: absolute, literal, http or https.
    pub uri: String,
    /// JSON Pointer of the reference in the document.
    pub pointer: String,
    /// What it is.
    pub kind: FileKind,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// Of a `call: openapi`.
    OpenApi,
    /// Of a `call: grpc`.
    Proto,
    /// Of an `input`, `output` or `export`.
    Schema,
}
