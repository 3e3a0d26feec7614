//! What a trigger brings: events, its state, notes; all of it or nothing.
//!
//! What an event changes may make a later one stale, so not everything can be decided before the first write. A
//! savepoint undoes the rows; what the writer has in memory is undone here.

use rusqlite::{Connection, OptionalExtension as _};
use tenon_store::{
    Captured, Chunk, Chunked, Error, GatherLimits, MAX_NOTES, MAX_STATE_BYTES, NewState, ResourceId,
    Timestamp, TriggerNote, WorkspaceId,
};
use tenon_vault::Sealer;

use super::capture::{Repeats, SealedCapture};
use super::{Command, Context, Need};
use crate::failure::Failure;
use crate::trigger::{kind_number, note_place, state_place};
use crate::writer::Whose;
use crate::writer::effects::Effects;

const IS_LIVE: &str =
    "SELECT 1 FROM resource WHERE id = ?1 AND workspace = ?2 AND enabled = 1 AND deleted = 0";
pub(super) const VERSION: &str = "SELECT version FROM trigger_state WHERE resource = ?1";
pub(super) const STATE: &str = "INSERT INTO trigger_state (resource, workspace, version, at, value)
    VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (resource) DO UPDATE SET version = excluded.version, at = excluded.at, value = excluded.value";
const NEWEST_NOTE: &str = "SELECT coalesce(max(number), 0) FROM trigger_note WHERE resource = ?1";
const NOTE: &str = "INSERT INTO trigger_note (resource, number, workspace, at, kind, detail)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const FORGET_NOTES: &str = "DELETE FROM trigger_note WHERE resource = ?1 AND number <= ?2";

/// See `Store::capture_chunk`.
pub(crate) struct SealedChunk {
    workspace: WorkspaceId,
    resource: ResourceId,
    captures: Vec<SealedCapture>,
    state: Option<SealedState>,
    notes: Vec<SealedNote>,
    at: Timestamp,
}

pub(super) struct SealedState {
    pub(super) expected: u64,
    pub(super) value: Vec<u8>,
}

struct SealedNote {
    note: TriggerNote,
    detail: Vec<u8>,
}

/// Why nothing of it is to be written.
enum Undone {
    Stale { generation: u64 },
    Failed(Failure),
}

// === impl SealedChunk ===

impl SealedChunk {
    /// Seals what is going to the disk; done in the caller's task.
    pub(crate) fn new(sealer: &Sealer, chunk: Chunk, limits: GatherLimits) -> Result<Self, Error> {
        let Chunk { workspace, resource, captures, state, mut notes, at } = chunk;
        if captures.iter().any(|capture| capture.event.workspace != workspace) {
            return Err(Error::Conflict("a chunk brings events of its own workspace".to_owned()));
        }
        let seal = |state: NewState| seal_state(sealer, workspace, resource, state);
        let state = state.map(seal).transpose()?;
        // The others would go at once.
        notes.drain(..notes.len().saturating_sub(MAX_NOTES as usize));
        let notes = notes.into_iter().map(|note| {
            let detail = sealer.seal(note_place(workspace, resource, note.kind), &note.detail);
            SealedNote { note, detail }
        });
        let notes = notes.collect();
        let captures = captures.into_iter().map(|capture| SealedCapture::new(sealer, capture, limits));
        Ok(Self { workspace, resource, captures: captures.collect(), state, notes, at })
    }

    /// Whether the trigger is there and nobody wrote its state meanwhile.
    fn is_expected(&self, connection: &Connection) -> rusqlite::Result<bool> {
        if !connection.prepare_cached(IS_LIVE)?.exists((self.resource.0, self.workspace.0))? {
            return Ok(false);
        }
        let Some(state) = &self.state else { return Ok(true) };
        let version: Option<i64> =
            connection.prepare_cached(VERSION)?.query_row([self.resource.0], |row| row.get(0)).optional()?;
        Ok(version.unwrap_or(0) as u64 == state.expected)
    }

    fn write(&self, context: &mut Context<'_>) -> Result<Vec<Captured>, Undone> {
        let mut answers = Vec::with_capacity(self.captures.len());
        for capture in &self.captures {
            // Those before may have changed what it was decided on.
            if let Some(Captured::Stale { generation }) = capture.check(context)? {
                return Err(Undone::Stale { generation });
            }
            answers.push(capture.write(context, Repeats::Renew)?);
        }
        self.write_state(context.connection)?;
        self.write_notes(context.connection)?;
        Ok(answers)
    }

    fn write_state(&self, connection: &Connection) -> rusqlite::Result<()> {
        let Some(state) = &self.state else { return Ok(()) };
        let version = state.expected as i64 + 1;
        let columns = (self.resource.0, self.workspace.0, version, self.at.0, &state.value);
        connection.prepare_cached(STATE)?.execute(columns)?;
        Ok(())
    }

    fn write_notes(&self, connection: &Connection) -> rusqlite::Result<()> {
        if self.notes.is_empty() {
            return Ok(());
        }
        let newest =
            connection.prepare_cached(NEWEST_NOTE)?.query_row([self.resource.0], |row| row.get(0))?;
        let mut number: i64 = newest;
        let mut insert = connection.prepare_cached(NOTE)?;
        for SealedNote { note, detail } in &self.notes {
            number += 1;
            let kind = kind_number(note.kind);
            insert.execute((self.resource.0, number, self.workspace.0, note.at.0, kind, detail))?;
        }
        let forgotten = number - i64::from(MAX_NOTES);
        connection.prepare_cached(FORGET_NOTES)?.execute((self.resource.0, forgotten))?;
        Ok(())
    }
}

impl Command for SealedChunk {
    type Output = Chunked;

    fn size(&self) -> usize {
        let captures: usize = self.captures.iter().map(Command::size).sum();
        let notes: usize = self.notes.iter().map(|note| 128 + note.detail.len()).sum();
        512 + captures + notes + self.state.as_ref().map_or(0, |state| 2 * state.value.len())
    }

    fn need(&self) -> Need {
        // What a trigger remembers is small, and can be written to the last: so that it can be stopped.
        if self.captures.is_empty() { Need::Nothing } else { Need::Room }
    }

    fn workspace(&self) -> Whose {
        Some(self.workspace)
    }

    fn apply(&self, context: &mut Context<'_>) -> Result<Chunked, Failure> {
        context.state.generation(self.workspace)?;
        if !self.is_expected(context.connection)? {
            return Ok(Chunked::Conflict);
        }
        for capture in &self.captures {
            // What is refused is refused before anything is written.
            if let Some(Captured::Stale { generation }) = capture.check(context)? {
                return Ok(Chunked::Stale { generation });
            }
        }
        all_or_nothing(context, |part| self.write(part))
    }
}

/// Rows, effects and memory of a part of the batch: all of it, or none.
fn all_or_nothing(
    context: &mut Context<'_>,
    write: impl FnOnce(&mut Context<'_>) -> Result<Vec<Captured>, Undone>,
) -> Result<Chunked, Failure> {
    let connection = context.connection;
    let (counters, waiters) = (context.state.counters, context.state.waiters.mark());
    let mut effects = Effects::default();
    connection.prepare_cached("SAVEPOINT part")?.execute([])?;
    match write(&mut Context { connection, state: context.state, effects: &mut effects }) {
        Ok(answers) => {
            connection.prepare_cached("RELEASE part")?.execute([])?;
            context.effects.absorb(effects);
            Ok(Chunked::Done(answers))
        }
        Err(Undone::Stale { generation }) => {
            connection.prepare_cached("ROLLBACK TO part")?.execute([])?;
            connection.prepare_cached("RELEASE part")?.execute([])?;
            context.state.counters = counters;
            context.state.waiters.revert_to(waiters);
            Ok(Chunked::Stale { generation })
        }
        // The whole batch is rolled back.
        Err(Undone::Failed(failure)) => Err(failure),
    }
}

pub(super) fn seal_state(
    sealer: &Sealer,
    workspace: WorkspaceId,
    resource: ResourceId,
    state: NewState,
) -> Result<SealedState, Error> {
    let NewState { resource: of, expected, value } = state;
    if of != resource {
        return Err(Error::Conflict("a chunk changes the state of its own trigger only".to_owned()));
    }
    if value.len() > MAX_STATE_BYTES {
        let (bytes, most) = (value.len(), MAX_STATE_BYTES);
        return Err(Error::Conflict(format!(
            "the state of a trigger has {bytes} bytes, more than {most}: keep less in it"
        )));
    }
    let value = sealer.seal(state_place(workspace, resource, expected + 1), &value);
    Ok(SealedState { expected, value })
}

// === impl Undone ===

impl From<Failure> for Undone {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<rusqlite::Error> for Undone {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.into())
    }
}
