//! Outcomes and a job's new state.
//!
//! One `UPDATE` both checks and changes the row, because that is all a healthy write needs; only when it finds
//! nothing to change is the reason looked up.

use rusqlite::{Connection, OptionalExtension as _};
use tenon_store::{
    Entry, Error, EventWait, Expiry, JobId, JobState, Shard, Timestamp, Transition, Waits, Write,
};
use tenon_vault::Sealer;

use super::{Command, Context, Need};
use crate::body;
use crate::codec::{Columns as _, state_number};
use crate::failure::Failure;
use crate::waiting;
use crate::writer::Whose;
use crate::writer::effects::Expiring;

/// A result that lives in `body` is left to the slow path, which removes the body.
const MOVE: &str =
    "UPDATE job SET state = ?3, wake_at = ?4, started_at = coalesce(started_at, ?5), ended_at = ?6,
        expires = ?7, result = ?8, journal_length = journal_length + ?9, shard = coalesce(shard, ?10),
        looked_to = ?13
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
        let outcomes = sealed(sealer, (workspace, job), &write.entries);
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

    fn move_job(&self, connection: &Connection, wake_at: Option<Timestamp>) -> rusqlite::Result<bool> {
        let write = &self.write;
        let state = write.transition.state();
        // A job outside any lane that goes on takes one of its own in the shard of whoever moved it.
        let goes_on = matches!(state, JobState::Pending | JobState::Running | JobState::Waiting);
        let result = self.result.as_deref().map(|sealed| body::store(connection, sealed)).transpose()?;
        let changed = connection.prepare_cached(MOVE)?.execute(rusqlite::params![
            write.job.0 as i64,
            write.workspace.0,
            state_number(state),
            wake_at.map(|moment| moment.0),
            write.started_at.0,
            state.is_final().then_some(write.at.0),
            expiry(&write.transition).map(|expiry| expiry.job.0),
            result,
            write.entries.len() as i64,
            goes_on.then_some(write.fence.shard.0),
            write.entries.first().map(|entry| entry.sequence),
            write.fence.shard.0,
            looked_to(&write.transition).map(|place| place as i64),
        ])?;
        Ok(changed == 1)
    }

    fn wait(&self, connection: &Connection) -> rusqlite::Result<Wait<'_>> {
        let Transition::Waiting { wake_at, waits } = &self.write.transition else { return Ok(Wait::Nothing) };
        let wake_at = *wake_at;
        if waits.events.is_none() && waits.children.is_empty() {
            return Ok(Wait::Moment { wake_at });
        }
        let is_over = waiting::has_come(connection, self.write.workspace, waits)?;
        Ok(if is_over { Wait::Over } else { Wait::More { wake_at, waits } })
    }

    /// What the job waited for before gives way to what it waits for now; who waits for its end is woken.
    fn settle(&self, context: &mut Context<'_>, wait: &Wait<'_>) -> rusqlite::Result<()> {
        let Write { workspace, job, at, .. } = self.write;
        waiting::leave(context, job)?;
        match wait {
            Wait::Nothing | Wait::Moment { .. } => {}
            Wait::More { waits, .. } => waiting::park(context, workspace, job, waits)?,
            Wait::Over => waiting::feed(context, job)?,
        }
        let Some(expiry) = expiry(&self.write.transition) else { return Ok(()) };
        context.state.counters.open_jobs -= 1;
        context.effects.expire(Expiring::Job(job), expiry.job);
        if let Some(payloads) = expiry.payloads.filter(|payloads| *payloads < expiry.job) {
            context.effects.expire(Expiring::Payloads(job), payloads);
        }
        match context.state.waiters.of_end(job).cloned() {
            Some(parents) => waiting::wake(context, &parents, at),
            None => Ok(()),
        }
    }
}

/// What the job waits for after the write.
enum Wait<'a> {
    /// It does not wait.
    Nothing,
    /// A moment only.
    Moment { wake_at: Timestamp },
    /// For more than a moment, and nothing of it has come yet.
    More { wake_at: Timestamp, waits: &'a Waits },
    /// For something that is there already.
    Over,
}

impl Command for SealedWrite {
    type Output = ();

    fn size(&self) -> usize {
        let outcomes: usize = self.outcomes.iter().map(|outcome| 128 + 2 * outcome.len()).sum();
        let waits = match &self.write.transition {
            Transition::Waiting { waits, .. } => waits_size(waits),
            _ => 0,
        };
        256 + outcomes + waits + 2 * self.result.as_ref().map_or(0, Vec::len)
    }

    fn need(&self) -> Need {
        Need::Nothing
    }

    fn workspace(&self) -> Whose {
        Some(self.write.workspace)
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
        let wait = self.wait(connection)?;
        let wake_at = match &wait {
            Wait::Nothing => None,
            Wait::Moment { wake_at } | Wait::More { wake_at, .. } => Some(*wake_at),
            Wait::Over => Some(self.write.at),
        };
        if self.has_large_result() || !self.move_job(connection, wake_at)? {
            let standing = self.check(connection)?;
            if let Some(column) = standing.large_result {
                body::remove(connection, &column)?;
                connection.prepare_cached(DROP_RESULT)?.execute([self.write.job.0 as i64])?;
            }
            let moved = self.move_job(connection, wake_at)?;
            assert!(moved, "a job that was checked in this transaction moves");
        }
        append(connection, self.write.job, (&self.write.entries, &self.outcomes))?;
        self.settle(context, &wait)?;
        Ok(())
    }
}

/// Outcomes as they go to the disk.
pub(super) fn sealed(sealer: &Sealer, (workspace, job): (i64, u64), entries: &[Entry]) -> Vec<Vec<u8>> {
    let seal =
        |entry: &Entry| sealer.seal(body::outcome_place(workspace, job, entry.sequence), &entry.outcome);
    entries.iter().map(seal).collect()
}

/// Journals entries with their sealed outcomes.
pub(super) fn append(
    connection: &Connection,
    job: JobId,
    (entries, outcomes): (&[Entry], &[Vec<u8>]),
) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(ENTRY)?;
    for (entry, outcome) in entries.iter().zip(outcomes) {
        insert.execute((
            job.0 as i64,
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

fn looked_to(transition: &Transition) -> Option<u64> {
    match transition {
        Transition::Waiting { waits, .. } => waits.events.as_ref().map(|events| events.after),
        _ => None,
    }
}

fn expiry(transition: &Transition) -> Option<Expiry> {
    match transition {
        Transition::Completed { expires, .. }
        | Transition::Faulted { expires, .. }
        | Transition::Cancelled { expires } => Some(*expires),
        _ => None,
    }
}

fn waits_size(waits: &Waits) -> usize {
    let of_type = |events: &EventWait| {
        let subject = events.subject.as_ref().map_or(0, String::len);
        events.types.iter().map(|r#type| 128 + r#type.len() + subject).sum::<usize>()
    };
    waits.events.as_ref().map_or(0, of_type) + 64 * waits.children.len()
}
