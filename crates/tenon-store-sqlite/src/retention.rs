//! How things go: jobs with their journals, events, what is out of line. Who is to go is decided by commands
//! (`prune.rs`, `purge.rs`); whether somebody still needs it, here.
//!
//! An event stays as long as one of its jobs does, and then goes with its last job: if its time has come, or if the job
//! was purged and no `listen` may look for the event. One that is in a set stays as long as the set. A job stays as long as its parent is open: until then its end may be looked up.

use rusqlite::{Connection, OptionalExtension as _, Row};
use tenon_store::{EventId, JobId, Timestamp, WorkspaceId};

use crate::codec::{Columns as _, unpack};
use crate::command::Context;
use crate::writer::effects::Expiring;
use crate::{body, gather, inbox, payloads};

/// Journal entries that are removed with a job at once, a millisecond or so; the rest comes as an item of its own.
const ENTRIES: u32 = 250;

/// A job that nothing needs any more.
macro_rules! over {
    () => {
        "state >= 4
            AND NOT EXISTS (SELECT 1 FROM job parent WHERE parent.id = job.parent AND parent.state < 4)"
    };
}
pub(crate) use over;

/// What goes with a job.
macro_rules! leaving {
    () => {
        " RETURNING event, CASE length(input) WHEN 8 THEN input END, CASE length(result) WHEN 8 THEN result END,
            gathering"
    };
}

const EXPIRED: &str = concat!("DELETE FROM job WHERE id = ?1 AND expires <= ?2 AND ", over!(), leaving!());
const UNWANTED: &str = concat!("DELETE FROM job WHERE id = ?1 AND workspace = ?2 AND ", over!(), leaving!());
const JOB_EXISTS: &str = "SELECT 1 FROM job WHERE id = ?1";
const EVENT: &str = "SELECT jobs, CASE length(envelope) WHEN 8 THEN envelope END, place, workspace, type
    FROM event WHERE id = ?1 AND (expires <= ?2 OR ?3 AND place IS NULL)";
const DELETE_EVENT: &str = "DELETE FROM event WHERE id = ?1";
const FIRST_ENTRY: &str = "SELECT min(sequence) FROM journal WHERE job = ?1";
const ENTRY_BODIES: &str =
    "SELECT outcome FROM journal WHERE job = ?1 AND sequence < ?2 AND length(outcome) = 8";
const DELETE_ENTRIES: &str = "DELETE FROM journal WHERE job = ?1 AND sequence < ?2";
const MORE_ENTRIES: &str = "SELECT 1 FROM journal WHERE job = ?1";

/// Why something goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// Its time has come, or will.
    Expired,
    /// Somebody wants it to be gone.
    Purged,
}

/// A job whose row is gone.
struct Left {
    event: EventId,
    bodies: [Option<Vec<u8>>; 2],
    gathering: Option<i64>,
}

/// An event that may be about to go.
struct Leaving {
    jobs: Vec<JobId>,
    body: Option<Vec<u8>>,
    place: Option<i64>,
    workspace: WorkspaceId,
    r#type: String,
}

/// Removes a job whose time has come, and its event if that is due, too. `None`: it stays.
pub(crate) fn remove_expired_job(
    context: &mut Context<'_>,
    job: JobId,
    now: Timestamp,
) -> rusqlite::Result<Option<u64>> {
    let mut statement = context.connection.prepare_cached(EXPIRED)?;
    let left = statement.query_row((job.0 as i64, now.0), Left::parse).optional()?;
    left.map(|left| left.follow(context, job, (now, Why::Expired))).transpose()
}

/// Removes a job that somebody wants to be gone, and its event if nothing else needs that. `None`: it stays.
pub(crate) fn remove_unwanted_job(
    context: &mut Context<'_>,
    (workspace, job): (WorkspaceId, JobId),
    now: Timestamp,
) -> rusqlite::Result<Option<u64>> {
    let mut statement = context.connection.prepare_cached(UNWANTED)?;
    let left = statement.query_row((job.0 as i64, workspace.0), Left::parse).optional()?;
    left.map(|left| left.follow(context, job, (now, Why::Purged))).transpose()
}

/// Removes an event whose time has come, or one of a purged job, if nobody needs it. How many things are gone.
pub(crate) fn remove_event(
    context: &mut Context<'_>,
    event: EventId,
    (now, why): (Timestamp, Why),
) -> rusqlite::Result<u64> {
    let connection = context.connection;
    let id = event.0 as i64;
    let columns = (id, now.0, why == Why::Purged);
    let found = connection.prepare_cached(EVENT)?.query_row(columns, Leaving::parse).optional()?;
    let Some(Leaving { jobs, body, place, workspace, r#type }) = found else { return Ok(0) };
    // Whoever lets go of it has it looked at again.
    if gather::is_held(connection, id)? {
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
    connection.prepare_cached(DELETE_EVENT)?.execute([id])?;
    context.state.counters.events -= 1;
    Ok(1)
}

/// Removes a piece of a journal that nobody needs, and remembers the rest.
pub(crate) fn remove_journal(context: &mut Context<'_>, job: JobId, now: Timestamp) -> rusqlite::Result<()> {
    let connection = context.connection;
    let id = job.0 as i64;
    let first: Option<u32> = connection.prepare_cached(FIRST_ENTRY)?.query_row([id], |row| row.get(0))?;
    let Some(first) = first else { return Ok(()) };
    let end = first.saturating_add(ENTRIES);
    remove_bodies(connection, (id, end))?;
    connection.prepare_cached(DELETE_ENTRIES)?.execute((id, end))?;
    if connection.prepare_cached(MORE_ENTRIES)?.exists([id])? {
        context.effects.expire(Expiring::Journal(job), now);
    }
    Ok(())
}

fn remove_bodies(connection: &Connection, piece: (i64, u32)) -> rusqlite::Result<()> {
    let bodies: Vec<Vec<u8>> = connection
        .prepare_cached(ENTRY_BODIES)?
        .query_map(piece, |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    bodies.iter().try_for_each(|body| body::remove(connection, body))
}

// === impl Why ===

impl Why {
    /// The first of what expired, the second of what was purged.
    pub(crate) fn choose<T>(self, expired: T, purged: T) -> T {
        match self {
            Self::Expired => expired,
            Self::Purged => purged,
        }
    }
}

// === impl Left ===

impl Left {
    fn parse(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { event: row.event_id(0)?, bodies: [row.get(1)?, row.get(2)?], gathering: row.get(3)? })
    }

    /// What only the job needed goes with it. How many things are gone.
    fn follow(
        self,
        context: &mut Context<'_>,
        job: JobId,
        (now, why): (Timestamp, Why),
    ) -> rusqlite::Result<u64> {
        for body in self.bodies.iter().flatten() {
            body::remove(context.connection, body)?;
        }
        context.state.counters.jobs -= 1;
        remove_journal(context, job, now)?;
        if let Some(gathering) = self.gathering {
            gather::release(context, gathering, (now, why))?;
        }
        let removed = remove_event(context, self.event, (now, why))?;
        if removed == 0 {
            // It may have been the only one that needed what the event brought.
            payloads::remove_envelope(context.connection, self.event)?;
        }
        Ok(1 + removed)
    }
}

// === impl Leaving ===

impl Leaving {
    fn parse(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            jobs: unpack(&row.get::<_, Vec<u8>>(0)?),
            body: row.get(1)?,
            place: row.get(2)?,
            workspace: WorkspaceId(row.get(3)?),
            r#type: row.get(4)?,
        })
    }
}
