//! `fork` and `run: workflow`.

use tenon_expr::Template;

use super::BlockId;

/// `fork`.
#[derive(Debug)]
pub struct Fork {
    /// In declaration order; each is a block of one task.
    pub branches: Vec<BlockId>,
    /// Whether the first one to end wins.
    pub compete: bool,
}

/// `run: workflow`.
#[derive(Debug)]
pub struct RunWorkflow {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `document.version`, or `latest`.
    pub version: String,
    /// Gives its input; without it, an empty object.
    pub input: Option<Template>,
    /// Whether to wait for its end. If not, the task's raw output is its input.
    pub is_awaited: bool,
}
