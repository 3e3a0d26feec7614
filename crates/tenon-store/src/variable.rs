//! Variables: named values of a workspace, `config` or `secret`, read at the moment of use.
//!
//! Only the newest value is kept. Its version counts up by one with every value that differs, and goes on after a
//! variable was deleted and made again, so that a version in a trace always means one value.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{Timestamp, WorkspaceId};

/// The longest name, bytes.
pub const MAX_VARIABLE_NAME_BYTES: usize = 128;
/// The largest value, bytes of JSON.
pub const MAX_VARIABLE_BYTES: usize = 64 << 10;
/// The most variables of one workspace. As many deleted names are remembered besides, for their versions.
pub const MAX_VARIABLES: u32 = 10_000;

/// The kinds of variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VariableKind {
    /// People may read it.
    Config,
    /// Nobody may read it: it is only used.
    Secret,
}

// === impl VariableKind ===

impl VariableKind {
    /// As it is written in files and answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Secret => "secret",
        }
    }
}

/// Whether a text may be a variable's name: 1 to 128 letters, digits, `-`, `_` and `.`.
pub fn is_variable_name(text: &str) -> bool {
    let well_formed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=MAX_VARIABLE_NAME_BYTES).contains(&text.len()) && text.bytes().all(well_formed)
}

/// What must hold for a change to be made (`If-Match`, `If-None-Match`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expected {
    /// Nothing.
    #[default]
    Any,
    /// There is no such variable.
    Absent,
    /// It is at this version.
    Version(u32),
}

/// Give a variable a value.
#[derive(Clone)]
pub struct PutVariable {
    /// Where.
    pub workspace: WorkspaceId,
    /// Its name; see [`is_variable_name`].
    pub name: String,
    /// Its kind, which an existing variable keeps.
    pub kind: VariableKind,
    /// JSON of at most [`MAX_VARIABLE_BYTES`]; equal bytes are the same value.
    pub value: Bytes,
    /// What must hold.
    pub expected: Expected,
    /// When.
    pub at: Timestamp,
    /// Who, for the audit record.
    pub actor: String,
}

/// What `put_variable` did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SavedVariable {
    /// It has a new version.
    Written(Variable),
    /// It has this value already.
    Unchanged(Variable),
    /// Nothing: there is one of this name and another kind.
    OtherKind(Variable),
    /// Nothing: the workspace has as many as it may have.
    TooMany,
}

/// A variable without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: VariableKind,
    /// The version of its value: 1, 2, 3 …
    pub version: u32,
    /// When it got this value.
    pub at: Timestamp,
}

/// A variable with its value.
#[derive(Clone, PartialEq, Eq)]
pub struct VariableValue {
    /// Which.
    pub variable: Variable,
    /// JSON.
    pub value: Bytes,
}

/// Remove a variable.
#[derive(Debug, Clone)]
pub struct DeleteVariable {
    /// Where.
    pub workspace: WorkspaceId,
    /// Which.
    pub name: String,
    /// What must hold.
    pub expected: Expected,
    /// When.
    pub at: Timestamp,
    /// Who, for the audit record.
    pub actor: String,
}

/// A value has no place in a log.
impl std::fmt::Debug for PutVariable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PutVariable")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for VariableValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VariableValue").field("variable", &self.variable).finish_non_exhaustive()
    }
}
