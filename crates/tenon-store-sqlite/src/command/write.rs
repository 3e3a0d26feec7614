//! Outcomes and a job's new state.
//!
//! One `UPDATE` both checks and changes the row, because that is all a healthy write needs; only when it finds
//! nothing to change is the reason looked up.

use rusqlite::{Connection, OptionalExtension as _};
use tenon_store::{Entry, Error, JobState, Shard, Transition, Write};
use tenon_vault::Sealer;

use super::{Command, Context, Need};
use crate::body;
use crate::codec::{Columns as _, state_number};
use crate::failure::Failure;
use crate::writer::effects::Expiring;

/// A result that lives in `body` is left to the slow path, which removes the body.
const MOVE: &str =
    "UPDATE job SET state = ?3, wake_at = ?4, started_at = coalesce(started_at, ?5), ended_at = ?6,
        expires = ?7, result = ?8, journal_length = journal_length + ?9, shard = coalesce(shard, ?10)
    WHERE id = ?1 AND workspace = ?2 AND state < 4 AND (?11 IS NULL OR journal_length = ?11)
        AND (shard IS NULL OR shard = ?12) AND (result IS NULL OR length(result) <> 8)";
const STANDS: &str = "SELECT state, journal_length, shard, CASE length(result) WHEN 8 THEN result END
    FROM job WHERE id = ?1 AND workspace = ?2";
const DROP_RESULT: &str = "UPDATE job SET result = NULL WHERE id = ?1";
const ENTRY: &str = "INSERT INTO journal (job, sequence, effect, attempt, arguments, started_at, at, outcome)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// See `Store::write`.
pub(crate) struct SealedWrite {
    write: Write,
    outcomes: Vec<Vec<u8>>,
    result: Option<Vec<u8>>,
}

/// How a job stands before the write.
struct Standing {
    state: i64,
    journal_length: u32,
    shard: Option<Shard>,
    large_result: Option<Vec<u8>>,
}

// === impl SealedWrite ===

impl SealedWrite {
    /// Seals what is going to the disk; done in the caller's task. The sequence within the write is checked here.
    pub(crate) fn new(sealer: &Sealer, write: Write) -> Result<Self, Error> {
        let (workspace, job) = (write.workspace.0, write.job.0);
        if write.entries.windows(2).any(|pair| pair[1].sequence != pair[0].sequence + 1) {
            return Err(Error::Conflict(format!("the entries for {} are not in sequence", write.job)));
        }
        let seal =
            |entry: &Entry| sealer.seal(body::outcome_place(workspace, job, entry.sequence), &entry.outcome);
        let outcomes = write.entries.iter().map(seal).collect();
        let result = match &write.transition {
            Transition::Completed { output: plain, .. }
            | Transition::Faulted { error: plain, .. }
            | Transition::Suspended { reason: plain } => Some(plain),
            Transition::Running
            | Transition::Waiting { .. }
            | Transition::Cancelled { .. }
            | Transition::Pending => None,
        };
        let result = result.map(|plain| sealer.seal(body::result_place(workspace, job), plain));
        Ok(Self { write, outcomes, result })
    }

    fn has_large_result(&self) -> bool {
        self.result.as_ref().is_some_and(|result| result.len() > body::INLINE_BYTES)
    }

    /// Refuses what may not be written; else says how the job stands.
    fn check(&self, connection: &Connection) -> Result<Standing, Failure> {
        let write = &self.write;
        let standing = connection
            .prepare_cached(STANDS)?
            .query_row((write.job.0 as i64, write.workspace.0), |row| {
                Ok(Standing {
                    state: row.get(0)?,
                    journal_length: row.get(1)?,
                    shard: row.optional_shard(2)?,
                    large_result: row.get(3)?,
                })
            })
            .optional()?
            .ok_or(Error::NotFound("job"))?;
        if standing.shard.is_some_and(|shard| shard != write.fence.shard) {
            return Err(Error::Fenced.into());
        }
        if standing.state >= state_number(JobState::Completed) {
            return Err(Error::Conflict(format!("{} is final", write.job)).into());
        }
        let first = write.entries.first().map_or(standing.journal_length, |entry| entry.sequence);
        if first != standing.journal_length {
            let next = standing.journal_length;
            return Err(Error::Conflict(format!("{}: entry {first} where {next} is next", write.job)).into());
        }
        Ok(standing)
    }

    fn move_job(&self, connection: &Connection) -> rusqlite::Result<bool> {
        let write = &self.write;
        let state = write.transition.state();
        // A job outside any lane that goes on takes one of its own in the shard of whoever moved it.
        let goes_on = matches!(state, JobState::Pending | JobState::Running | JobState::Waiting);
        let result = self.result.as_deref().map(|sealed| body::store(connection, sealed)).transpose()?;
        let changed = connection.prepare_cached(MOVE)?.execute(rusqlite::params![
            write.job.0 as i64,
            write.workspace.0,
            state_number(state),
            wake_at(&write.transition),
            write.started_at.0,
            state.is_final().then_some(write.at.0),
            expires(&write.transition),
            result,
            write.entries.len() as i64,
            goes_on.then_some(write.fence.shard.0),
            write.entries.first().map(|entry| entry.sequence),
            write.fence.shard.0,
        ])?;
        Ok(changed == 1)
    }

    fn append(&self, connection: &Connection) -> rusqlite::Result<()> {
        let mut insert = connection.prepare_cached(ENTRY)?;
        for (entry, outcome) in self.write.entries.iter().zip(&self.outcomes) {
            insert.execute((
                self.write.job.0 as i64,
                entry.sequence,
                &entry.effect,
                entry.attempt,
                entry.arguments as i64,
                entry.started_at.0,
                entry.at.0,
                body::store(connection, outcome)?,
            ))?;
        }
        Ok(())
    }
}

impl Command for SealedWrite {
    type Output = ();

    fn size(&self) -> usize {
        let outcomes: usize = self.outcomes.iter().map(|outcome| 128 + 2 * outcome.len()).sum();
        256 + outcomes + 2 * self.result.as_ref().map_or(0, Vec::len)
    }

    fn need(&self) -> Need {
        Need::Nothing
    }

    fn apply(&self, context: &mut Context<'_>) -> Result<(), Failure> {
        let connection = context.connection;
        let fence = self.write.fence;
        if fence.epoch != context.state.epoch(fence.shard) {
            return Err(Error::Fenced.into());
        }
        if self.has_large_result() {
            // Its body is written before the row, so the row is checked before the body.
            self.check(connection)?;
        }
        if self.has_large_result() || !self.move_job(connection)? {
            let standing = self.check(connection)?;
            if let Some(column) = standing.large_result {
                body::remove(connection, &column)?;
                connection.prepare_cached(DROP_RESULT)?.execute([self.write.job.0 as i64])?;
            }
            let moved = self.move_job(connection)?;
            assert!(moved, "a job that was checked in this transaction moves");
        }
        self.append(connection)?;
        if let Some(expires) = expires(&self.write.transition) {
            context.state.counters.open_jobs -= 1;
            context.effects.expire(Expiring::Job(self.write.job), tenon_store::Timestamp(expires));
        }
        Ok(())
    }
}

fn wake_at(transition: &Transition) -> Option<i64> {
    match transition {
        Transition::Waiting { wake_at } => Some(wake_at.0),
        _ => None,
    }
}

fn expires(transition: &Transition) -> Option<i64> {
    match transition {
        Transition::Completed { expires, .. }
        | Transition::Faulted { expires, .. }
        | Transition::Cancelled { expires } => Some(expires.0),
        _ => None,
    }
}
