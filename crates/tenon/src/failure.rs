//! How a command fails: an exit code, one line, hints. Everything that goes wrong ends up as one [`Failure`].
//! Modules have their own `Error`s; they say here what those mean to a person at a terminal.

use crate::output::Output;

/// The exit codes of interface.md. They are part of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Ok = 0,
    /// The request failed.
    Failed = 1,
    /// The command was not understood.
    Usage = 2,
    /// The key is missing, wrong or may not.
    NotAllowed = 3,
    NotFound = 4,
    /// A conflict, or the server's state drifted.
    Conflict = 5,
    /// The server does not answer.
    Unreachable = 6,
    /// `tenon up` could not start.
    CannotStart = 7,
    Bug = 70,
}

/// Why a command ends without success.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// One line.
    pub(crate) message: String,
    /// How to mend it, one line each.
    pub(crate) hints: Vec<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: one_line(&message.into()), hints: Vec::new() }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(one_line(&hint.into()));
        self
    }

    /// The panic itself was printed by the panic hook.
    pub(crate) fn bug() -> Self {
        Self::new(Exit::Bug, "this is a bug in tenon")
            .hint("report it with the lines above and the command that was run")
    }

    /// Nobody reads our output any more (`tenon job list | head -1`): end, and say nothing.
    pub(crate) fn reader_gone() -> Self {
        Self { exit: Exit::Ok, message: String::new(), hints: Vec::new() }
    }

    /// `error: …`, then the `hint:` lines, to standard error.
    pub(crate) fn report(&self, output: &mut Output) {
        if self.exit == Exit::Ok {
            return;
        }
        output.error(&self.message);
        for hint in &self.hints {
            output.hint(hint);
        }
    }
}

/// Folds line breaks, and begins with a small letter unless the first word is an acronym or a name in capitals.
fn one_line(text: &str) -> String {
    let folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut letters = folded.chars();
    let (Some(first), second) = (letters.next(), letters.next()) else { return folded };
    if second.is_some_and(|second| second.is_uppercase() || second == '_') {
        return folded;
    }
    first.to_lowercase().chain(folded.chars().skip(1)).collect()
}
