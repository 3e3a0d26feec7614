//! Payloads that go before their job: what it ran on, what it recorded, what came out. Its row stays.
//!
//! The envelope of an event goes when none of its jobs has payloads any more and nobody may look for the event: one in
//! the inbox stays, because a job may listen for it, and so does one in a set that is open or of a job that has its
//! payloads.

use rusqlite::{Connection, OptionalExtension as _, Row};
use tenon_store::{EventId, JobId, Timestamp};

use crate::body;
use crate::codec::{Columns as _, unpack};
use crate::command::Context;
use crate::retention::{over, remove_journal};
use crate::writer::effects::Expiring;

const FIND: &str = concat!(
    "SELECT event, CASE length(input) WHEN 8 THEN input END, CASE length(result) WHEN 8 THEN result END,
        gathering, ",
    over!(),
    " FROM job WHERE id = ?1 AND payloads_gone IS NULL"
);
const CLEAR: &str = "UPDATE job SET input = NULL, result = NULL, payloads_gone = 1 WHERE id = ?1";
const EVENTS: &str = "SELECT g.event FROM job j
    JOIN gathered g ON g.workspace = j.workspace AND g.gathering = j.gathering WHERE j.id = ?1";
const EVENT: &str = "SELECT jobs, CASE length(envelope) WHEN 8 THEN envelope END FROM event
    WHERE id = ?1 AND place IS NULL AND length(envelope) > 0";
const OF_JOB: &str = "SELECT payloads_gone FROM job WHERE id = ?1";
const IN_SETS: &str = "SELECT
        max(s.gatherer IS NOT NULL
            OR EXISTS (SELECT 1 FROM job WHERE job.gathering = s.id AND job.payloads_gone IS NULL)),
        max(EXISTS (SELECT 1 FROM job WHERE job.gathering = s.id AND job.payloads_gone = 1))
    FROM gathered g JOIN gathering s ON s.id = g.gathering WHERE g.event = ?1";
const EMPTY: &str = "UPDATE event SET envelope = ?2 WHERE id = ?1";

/// What became of a job's payloads.
pub(crate) enum Payloads {
    /// They are gone, now or before, or there is no such job. How many things were removed.
    Gone(u64),
    /// Its parent may still look up how it ended.
    StillNeeded,
}

struct Found {
    event: EventId,
    bodies: [Option<Vec<u8>>; 2],
    gathering: Option<i64>,
    is_over: bool,
}

/// Removes them, if nothing needs them any more.
pub(crate) fn remove_of_job(
    context: &mut Context<'_>,
    job: JobId,
    now: Timestamp,
) -> rusqlite::Result<Payloads> {
    let connection = context.connection;
    let id = job.0 as i64;
    let found = connection.prepare_cached(FIND)?.query_row([id], Found::parse).optional()?;
    let Some(found) = found else { return Ok(Payloads::Gone(0)) };
    if !found.is_over {
        return Ok(Payloads::StillNeeded);
    }
    for body in found.bodies.iter().flatten() {
        body::remove(connection, body)?;
    }
    connection.prepare_cached(CLEAR)?.execute([id])?;
    remove_journal(context, job, now)?;
    if found.gathering.is_some() {
        let mut statement = connection.prepare_cached(EVENTS)?;
        let mut rows = statement.query([id])?;
        while let Some(row) = rows.next()? {
            // They may be many: each is a piece of work of its own.
            context.effects.expire(Expiring::Envelope(row.event_id(0)?), now);
        }
    }
    Ok(Payloads::Gone(1 + remove_envelope(connection, found.event)?))
}

/// Removes what an event brought, if one of its jobs lost its payloads and nobody else needs it. How many things were
/// removed.
pub(crate) fn remove_envelope(connection: &Connection, event: EventId) -> rusqlite::Result<u64> {
    let id = event.0 as i64;
    let found = connection
        .prepare_cached(EVENT)?
        .query_row([id], |row| Ok((unpack(&row.get::<_, Vec<u8>>(0)?), row.get::<_, Option<Vec<u8>>>(1)?)))
        .optional()?;
    let Some((jobs, body)) = found else { return Ok(0) };
    let (is_held, mut is_unwanted) = connection.prepare_cached(IN_SETS)?.query_row([id], |row| {
        let [held, unwanted]: [Option<bool>; 2] = [row.get(0)?, row.get(1)?];
        Ok((held.unwrap_or(false), unwanted.unwrap_or(false)))
    })?;
    if is_held {
        return Ok(0);
    }
    for job in jobs {
        let gone: Option<Option<bool>> =
            connection.prepare_cached(OF_JOB)?.query_row([job.0 as i64], |row| row.get(0)).optional()?;
        match gone {
            // It went with all that it had.
            None => {}
            Some(Some(true)) => is_unwanted = true,
            Some(_) => return Ok(0),
        }
    }
    // Nobody gave the payloads of this event a time of their own.
    if !is_unwanted {
        return Ok(0);
    }
    if let Some(body) = body {
        body::remove(connection, &body)?;
    }
    connection.prepare_cached(EMPTY)?.execute((id, body::GONE))?;
    Ok(1)
}

// === impl Found ===

impl Found {
    fn parse(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            event: row.event_id(0)?,
            bodies: [row.get(1)?, row.get(2)?],
            gathering: row.get(3)?,
            is_over: row.get(4)?,
        })
    }
}
