//! Commands: what the writer thread applies. One command, one file; a command is data and an `apply`.
//!
//! `apply` must decide before it writes: [`Failure::Refused`] promises that the command wrote nothing, so that
//! no savepoint is needed. A failure of SQLite itself rolls the whole batch back, and the writer then applies
//! its commands one by one. For that, `apply` must be repeatable: it takes `&self`.

pub(crate) mod acquire;
pub(crate) mod add_data_key;
pub(crate) mod audit;
pub(crate) mod capture;
pub(crate) mod capture_chunk;
pub(crate) mod change_master_key;
pub(crate) mod change_resource;
pub(crate) mod create_workspace;
pub(crate) mod delete_variable;
#[cfg(feature = "mutant-marks-apart")]
pub(crate) mod mark_apart;
pub(crate) mod prune;
pub(crate) mod purge;
pub(crate) mod put_resource;
pub(crate) mod put_trigger_state;
pub(crate) mod put_variable;
pub(crate) mod put_workspace_settings;
pub(crate) mod reseal;
pub(crate) mod write;

use rusqlite::Connection;
use tenon_store::Error;
use tokio::sync::oneshot;

use crate::failure::Failure;
use crate::writer::effects::Effects;
use crate::writer::state::State;
use crate::writer::{Share, Whose};

/// What a command works on.
pub(crate) struct Context<'a> {
    /// Within the batch's transaction.
    pub(crate) connection: &'a Connection,
    /// As it will be after the batch; reloaded if the batch is rolled back.
    pub(crate) state: &'a mut State,
    /// What happens after the commit.
    pub(crate) effects: &'a mut Effects,
}

/// Whether a command may go on when the disk is nearly full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// It brings something new; refused below the low-water mark.
    Room,
    /// It records what has happened already, or makes room; always tried.
    Nothing,
}

/// Something to write.
pub(crate) trait Command: Send + 'static {
    /// What the caller gets.
    type Output: Send + 'static;

    /// About how many bytes it holds, for the budgets of queue and batch.
    fn size(&self) -> usize;

    /// What it needs of the disk.
    fn need(&self) -> Need;

    /// Whose turn it takes; the node's own, unless it says otherwise.
    fn workspace(&self) -> Whose {
        None
    }

    /// Writes it.
    fn apply(&self, context: &mut Context<'_>) -> Result<Self::Output, Failure>;
}

/// A command with whoever waits for it.
pub(crate) struct Pending<C: Command> {
    command: C,
    outcome: Option<Result<C::Output, Error>>,
    reply: oneshot::Sender<Result<C::Output, Error>>,
    /// Given back when it is answered.
    _share: Share,
}

// === impl Pending ===

impl<C: Command> Pending<C> {
    /// A command for the queue.
    pub(crate) fn new(command: C, reply: oneshot::Sender<Result<C::Output, Error>>, share: Share) -> Self {
        Self { command, outcome: None, reply, _share: share }
    }
}

/// A [`Pending`] command, whatever it is.
pub(crate) trait AnyPending: Send {
    /// See [`Command::size`].
    fn size(&self) -> usize;
    /// See [`Command::need`].
    fn need(&self) -> Need;
    /// See [`Command::workspace`].
    fn workspace(&self) -> Whose;
    /// Applies it and keeps its outcome; an error is SQLite's.
    fn apply(&mut self, context: &mut Context<'_>) -> rusqlite::Result<()>;
    /// Its outcome is this error.
    fn fail(&mut self, error: Error);
    /// Tells the caller the outcome.
    fn answer(self: Box<Self>);
}

impl<C: Command> AnyPending for Pending<C> {
    fn size(&self) -> usize {
        self.command.size()
    }

    fn need(&self) -> Need {
        self.command.need()
    }

    fn workspace(&self) -> Whose {
        self.command.workspace()
    }

    fn apply(&mut self, context: &mut Context<'_>) -> rusqlite::Result<()> {
        let connection = context.connection;
        let before = connection.total_changes();
        match self.command.apply(context) {
            Ok(output) => self.outcome = Some(Ok(output)),
            Err(Failure::Refused(error)) => {
                assert_eq!(before, connection.total_changes(), "a refused command must not write: {error}");
                self.outcome = Some(Err(error));
            }
            Err(Failure::Sqlite(error)) => return Err(error),
        }
        Ok(())
    }

    fn fail(&mut self, error: Error) {
        self.outcome = Some(Err(error));
    }

    fn answer(self: Box<Self>) {
        let outcome = self.outcome.unwrap_or(Err(Error::Closed));
        // Whoever asked may have gone; what was written stays.
        let _ = self.reply.send(outcome);
    }
}
