//! Why an expression was refused at deploy or failed at run time.

/// An expression, template or URI that cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", self.hint.as_deref().map(|h| format!(" ({h})")).unwrap_or_default())]
pub struct CompileError {
    /// What is wrong, lowercase, without the hint.
    pub message: String,
    /// Byte offset into the source as given to `compile`.
    pub offset: usize,
    /// How to mend it, e.g. "did you mean `$steps`?".
    pub hint: Option<String>,
}

impl CompileError {
    pub(crate) fn new(message: impl Into<String>, offset: usize) -> Self {
        Self { message: message.into(), offset, hint: None }
    }

    pub(crate) fn hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }
}

/// An expression inside a JSON value that cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct TemplateError {
    /// JSON Pointer of the string, within the value given to `compile`; empty if it is the value itself.
    pub pointer: String,
    /// What is wrong with it. `offset` counts from the start of the string at `pointer`.
    pub error: CompileError,
}

/// Why an evaluation gave no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// The expression gave no result at all, as `empty` does.
    #[error("the expression gave no value: it must give exactly one (add `// null`, or collect with `[…]`)")]
    None,
    /// The expression gave more than one result.
    #[error(
        "the expression gave several values: it must give exactly one (collect with `[…]`, or take `first(…)`)"
    )]
    Several,
    /// [`Limits::steps`](crate::Limits::steps) were used up.
    #[error("the expression needs more than {limit} steps: make it finite, or give it less data to work on")]
    Steps {
        /// The limit that was reached.
        limit: u64,
    },
    /// [`Limits::bytes`](crate::Limits::bytes) were used up.
    #[error(
        "the expression needs more than {limit} bytes of memory: build smaller values, or select before combining"
    )]
    Bytes {
        /// The limit that was reached.
        limit: usize,
    },
    /// [`Limits::depth`](crate::Limits::depth) was reached by nested calls.
    #[error(
        "the expression nests more than {limit} levels deep: use `reduce`, `until` or `recurse` instead of calling a definition from itself"
    )]
    Depth {
        /// The limit that was reached.
        limit: usize,
    },
    /// A value would nest deeper than [`MAX_VALUE_DEPTH`](crate::MAX_VALUE_DEPTH).
    #[error("the expression builds a value nested more than {limit} levels deep: make it flatter")]
    ValueDepth {
        /// The limit that was reached.
        limit: usize,
    },
    /// A variable that the scope does not give here.
    #[error("undefined variable `${name}`: it has no value at this point of the workflow")]
    Undefined {
        /// Its name, without `$`.
        name: String,
    },
    /// jq's own errors, and `error(…)`.
    #[error("{0}")]
    Raised(String),
    /// A URI template names a member that its input does not have.
    #[error(
        "the URI needs `{name}`, which the task's input does not have: set it, or let `input.from` provide it"
    )]
    MissingName {
        /// The name between the braces.
        name: String,
    },
    /// A URI expression or a `{name}` in one gave something that cannot be part of a URI.
    #[error("{what} must be {expected}, but it is {found}")]
    WrongType {
        /// What was evaluated, e.g. "`{id}` in the URI".
        what: String,
        /// What it may be.
        expected: &'static str,
        /// What it was.
        found: &'static str,
    },
}
