//! `use.extensions`: tasks around other tasks.

use tenon_expr::Expr;

use super::{Action, BlockId};

/// An extension. A task that it surrounds becomes: `before`, the task, `after`. `then: exit` in `before` leaves the
/// extended task with what `before` gave as its raw output, and the task itself does not run.
#[derive(Debug)]
pub struct Extension {
    /// Its name.
    pub name: String,
    /// Which tasks.
    pub extends: Extends,
    /// Only when; evaluated with the extended task's `$task` and its input as `.`.
    pub when: Option<Expr>,
    /// Tasks before it.
    pub before: Option<BlockId>,
    /// Tasks after it.
    pub after: Option<BlockId>,
}

/// Which tasks an extension surrounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extends {
    /// All kinds.
    All,
    /// `call`.
    Call,
    /// `composite`: `do`, and `fork`.
    Composite,
    /// `emit`.
    Emit,
    /// `for`.
    For,
    /// `listen`.
    Listen,
    /// `raise`.
    Raise,
    /// `run`.
    Run,
    /// `set`.
    Set,
    /// `switch`.
    Switch,
    /// `try`.
    Try,
    /// `wait`.
    Wait,
}

// === impl Extends ===

impl Extends {
    /// Whether it means tasks of this kind.
    pub fn includes(self, action: &Action) -> bool {
        let kind = match action {
            Action::CallFunction(_) | Action::CallGrpc(_) | Action::CallHttp(_) | Action::CallOpenApi(_) => {
                Self::Call
            }
            Action::Do(_) | Action::Fork(_) => Self::Composite,
            Action::Emit(_) => Self::Emit,
            Action::For(_) => Self::For,
            Action::Listen(_) => Self::Listen,
            Action::Raise(_) => Self::Raise,
            Action::RunWorkflow(_) => Self::Run,
            Action::Set(_) => Self::Set,
            Action::Switch(_) => Self::Switch,
            Action::Try(_) => Self::Try,
            Action::Wait(_) => Self::Wait,
        };
        self == Self::All || self == kind
    }
}
