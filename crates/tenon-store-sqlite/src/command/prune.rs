//! Retention: a bounded piece of work on what has expired.
//!
//! An item in `expiry` is a hint; the row itself decides. An event stays as long as one of its jobs does, and
//! then goes with its last job; one that is in a set stays as long as the set. A job stays as long as its parent is
//! open: until then its end may be looked up.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _};
use tenon_store::{JobId, Timestamp, WorkspaceId};

use super::{Command, Context, Need};
use crate::body;
use crate::codec::{Columns as _, unpack};
use crate::failure::Failure;
use crate::writer::effects::Expiring;
use crate::{gather, inbox};

/// Items that one command looks at: a few milliseconds of the writer.
const ITEMS: usize = 256;
/// Journal entries that are removed with a job at once; the rest comes as an item of its own.
const ENTRIES: u32 = 1000;

/// After which a job that stays because of its parent is looked at again.
const PARENT_IS_OPEN: Duration = Duration::from_hours(1);

const NEXT: &str =
    "SELECT moment, sequence, kind, items FROM expiry WHERE moment <= ?1 ORDER BY moment, sequence LIMIT 1";
const DONE: &str = "DELETE FROM expiry WHERE moment = ?1 AND sequence = ?2";
const REST: &str = "UPDATE expiry SET items = ?3 WHERE moment = ?1 AND sequence = ?2";
const MARK: &str = "DELETE FROM mark WHERE hash = ?1 AND expires <= ?2";
const JOB: &str = "DELETE FROM job WHERE id = ?1 AND state >= 4 AND expires <= ?2
    AND NOT EXISTS (SELECT 1 FROM job parent WHERE parent.id = job.parent AND parent.state < 4)
    RETURNING event, CASE length(input) WHEN 8 THEN input END, CASE length(result) WHEN 8 THEN result END,
        gathering";
const JOB_STAYS: &str = "SELECT 1 FROM job WHERE id = ?1 AND state >= 4 AND expires <= ?2";
const JOB_EXISTS: &str = "SELECT 1 FROM job WHERE id = ?1";
const EVENT: &str = "SELECT jobs, CASE length(envelope) WHEN 8 THEN envelope END, place, workspace, type
    FROM event WHERE id = ?1 AND expires <= ?2";
const DELETE_EVENT: &str = "DELETE FROM event WHERE id = ?1";
const FIRST_ENTRY: &str = "SELECT min(sequence) FROM journal WHERE job = ?1";
const ENTRY_BODIES: &str =
    "SELECT outcome FROM journal WHERE job = ?1 AND sequence < ?2 AND length(outcome) = 8";
const DELETE_ENTRIES: &str = "DELETE FROM journal WHERE job = ?1 AND sequence < ?2";
const MORE_ENTRIES: &str = "SELECT 1 FROM journal WHERE job = ?1";

/// One piece of `Store::prune`.
pub(crate) struct Prune {
    /// What expires at or before this.
    pub(crate) now: Timestamp,
    /// Things to remove at most.
    pub(crate) limit: u64,
}

/// What one piece did.
pub(crate) struct Pruned {
    /// Things removed.
    pub(crate) removed: u64,
    /// Whether there may be more.
    pub(crate) more: bool,
}

/// An event that may be about to go.
struct Leaving {
    jobs: Vec<JobId>,
    body: Option<Vec<u8>>,
    place: Option<i64>,
    workspace: WorkspaceId,
    r#type: String,
}

struct Batch {
    moment: i64,
    sequence: i64,
    kind: i64,
    items: Vec<u8>,
}

impl Command for Prune {
    type Output = Pruned;

    fn size(&self) -> usize {
        64
    }

    fn need(&self) -> Need {
        Need::Nothing
    }

    fn apply(&self, context: &mut Context<'_>) -> Result<Pruned, Failure> {
        let mut removed = 0;
        let mut looked_at = 0;
        while looked_at < ITEMS && removed < self.limit {
            let Some(batch) = self.next(context.connection)? else {
                let more = context.effects.has_due(self.now);
                return Ok(Pruned { removed, more });
            };
            let mut rest = batch.items.as_slice();
            while looked_at < ITEMS && removed < self.limit {
                let Some((item, remaining)) = Expiring::parse(batch.kind, rest) else { break };
                rest = remaining;
                looked_at += 1;
                removed += self.remove(context, item)?;
            }
            if Expiring::parse(batch.kind, rest).is_none() {
                context.connection.prepare_cached(DONE)?.execute((batch.moment, batch.sequence))?;
            } else {
                context.connection.prepare_cached(REST)?.execute((batch.moment, batch.sequence, rest))?;
            }
        }
        Ok(Pruned { removed, more: true })
    }
}

// === impl Prune ===

impl Prune {
    fn next(&self, connection: &Connection) -> rusqlite::Result<Option<Batch>> {
        connection
            .prepare_cached(NEXT)?
            .query_row([self.now.0], |row| {
                Ok(Batch {
                    moment: row.get(0)?,
                    sequence: row.get(1)?,
                    kind: row.get(2)?,
                    items: row.get(3)?,
                })
            })
            .optional()
    }

    fn remove(&self, context: &mut Context<'_>, item: Expiring) -> rusqlite::Result<u64> {
        match item {
            Expiring::Event(event) => self.remove_event(context, event.0 as i64),
            Expiring::Job(job) => self.remove_job(context, job),
            Expiring::Journal(job) => remove_journal(context, job, self.now),
            Expiring::Gathering(set) => gather::release(context, set, self.now).map(|()| 0),
            Expiring::Gatherer(gatherer) => gather::release_all(context, gatherer, self.now).map(|()| 0),
            Expiring::Mark(hash) => {
                let removed = context.connection.prepare_cached(MARK)?.execute((hash, self.now.0))?;
                Ok(removed as u64)
            }
        }
    }

    fn remove_job(&self, context: &mut Context<'_>, job: JobId) -> rusqlite::Result<u64> {
        let connection = context.connection;
        let removed = connection
            .prepare_cached(JOB)?
            .query_row((job.0 as i64, self.now.0), |row| {
                let bodies: [Option<Vec<u8>>; 2] = [row.get(1)?, row.get(2)?];
                Ok((row.event_id(0)?, bodies, row.get::<_, Option<i64>>(3)?))
            })
            .optional()?;
        let Some((event, bodies, gathering)) = removed else {
            if connection.prepare_cached(JOB_STAYS)?.exists((job.0 as i64, self.now.0))? {
                let later = self.now.after(PARENT_IS_OPEN);
                // At the end of time there is no later; this piece of work must end.
                if later > self.now {
                    context.effects.expire(Expiring::Job(job), later);
                }
            }
            return Ok(0);
        };
        for body in bodies.iter().flatten() {
            body::remove(connection, body)?;
        }
        context.state.counters.jobs -= 1;
        remove_journal(context, job, self.now)?;
        if let Some(gathering) = gathering {
            gather::release(context, gathering, self.now)?;
        }
        Ok(1 + self.remove_event(context, event.0 as i64)?)
    }

    fn remove_event(&self, context: &mut Context<'_>, event: i64) -> rusqlite::Result<u64> {
        let connection = context.connection;
        let found = connection
            .prepare_cached(EVENT)?
            .query_row((event, self.now.0), |row| {
                Ok(Leaving {
                    jobs: unpack(&row.get::<_, Vec<u8>>(0)?),
                    body: row.get(1)?,
                    place: row.get(2)?,
                    workspace: WorkspaceId(row.get(3)?),
                    r#type: row.get(4)?,
                })
            })
            .optional()?;
        let Some(Leaving { jobs, body, place, workspace, r#type }) = found else { return Ok(0) };
        // Whoever lets go of it has it looked at again.
        if gather::is_held(connection, event)? {
            return Ok(0);
        }
        for job in jobs {
            if connection.prepare_cached(JOB_EXISTS)?.exists([job.0 as i64])? {
                return Ok(0);
            }
        }
        if let Some(body) = body {
            body::remove(connection, &body)?;
        }
        if let Some(place) = place {
            inbox::remove(connection, workspace, &r#type, place)?;
        }
        connection.prepare_cached(DELETE_EVENT)?.execute([event])?;
        context.state.counters.events -= 1;
        Ok(1)
    }
}

/// Removes a piece of a journal whose job is gone, and remembers the rest. Counts as nothing: the job counted.
fn remove_journal(context: &mut Context<'_>, job: JobId, now: Timestamp) -> rusqlite::Result<u64> {
    let connection = context.connection;
    let id = job.0 as i64;
    let first: Option<u32> = connection.prepare_cached(FIRST_ENTRY)?.query_row([id], |row| row.get(0))?;
    let Some(first) = first else { return Ok(0) };
    let end = first.saturating_add(ENTRIES);
    let bodies: Vec<Vec<u8>> = connection
        .prepare_cached(ENTRY_BODIES)?
        .query_map((id, end), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for body in &bodies {
        body::remove(connection, body)?;
    }
    connection.prepare_cached(DELETE_ENTRIES)?.execute((id, end))?;
    if connection.prepare_cached(MORE_ENTRIES)?.exists([id])? {
        context.effects.expire(Expiring::Journal(job), now);
    }
    Ok(0)
}
