//! Gathered events: of a set that is decided on, of a job, and the jobs of an event.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _, Row};
use tenon_store::{Error, EventId, GatherLimits, Gathered, JobId, OpenSet, SetQuery, WorkspaceId};
use tenon_vault::Sealer;

use super::OrPort as _;
use crate::body;
use crate::codec::Columns as _;
use crate::gather;

const EVENTS: &str = "SELECT g.event, e.envelope FROM gathered g
    LEFT JOIN event e ON e.id = g.event AND e.workspace = g.workspace
    WHERE g.workspace = ?1 AND g.gathering = ?2 ORDER BY g.number";
const IDS: &str =
    "SELECT g.event FROM job j JOIN gathered g ON g.workspace = j.workspace AND g.gathering = j.gathering
    WHERE j.id = ?1 AND j.workspace = ?2 ORDER BY g.number";
const GATHERING: &str = "SELECT gathering FROM job WHERE id = ?1 AND workspace = ?2";
/// Reruns have an event of their own.
const JOBS: &str =
    "SELECT j.id FROM gathered g JOIN job j ON j.gathering = g.gathering AND j.workspace = g.workspace
    WHERE g.event = ?1 AND j.rerun_of IS NULL ORDER BY j.id";

/// See `Store::open_set`.
pub(crate) fn open_set(
    connection: &Connection,
    sealer: &Sealer,
    query: &SetQuery,
    limits: &GatherLimits,
) -> Result<OpenSet, Error> {
    let nothing = OpenSet { limits: *limits, ..OpenSet::default() };
    let found = gather::find(connection, query.workspace, query.workflow).or_port()?;
    let Some(gatherer) = found.filter(|found| found.is_for(query.strategy)) else { return Ok(nothing) };
    let key = gather::key(sealer, query.workspace, query.workflow, &query.key);
    let Some(set) = gather::of_key(connection, &gatherer, &key, 0).or_port()? else { return Ok(nothing) };
    let mut events = Vec::new();
    if !set.is_full(limits) {
        events = self::events(connection, sealer, query.workspace, set.id)?;
    }
    let events = events.into_iter().map(|gathered| gathered.envelope).collect();
    Ok(OpenSet { version: Some(set.version()), events, ..nothing })
}

/// See `Store::gathered`.
pub(crate) fn of_job(
    connection: &Connection,
    sealer: &Sealer,
    workspace: WorkspaceId,
    job: JobId,
) -> Result<Vec<Gathered>, Error> {
    let found: Option<Option<i64>> = connection
        .prepare_cached(GATHERING)
        .and_then(|mut statement| {
            statement.query_row((job.0 as i64, workspace.0), |row| row.get(0)).optional()
        })
        .or_port()?;
    match found.flatten() {
        Some(gathering) => events(connection, sealer, workspace, gathering),
        None => Ok(Vec::new()),
    }
}

/// The events of a set, in order of capture, without those whose envelopes retention has removed.
pub(crate) fn events(
    connection: &Connection,
    sealer: &Sealer,
    workspace: WorkspaceId,
    set: i64,
) -> Result<Vec<Gathered>, Error> {
    let mut statement = connection.prepare_cached(EVENTS).or_port()?;
    let columns = |row: &Row<'_>| Ok((row.event_id(0)?, row.get::<_, Option<Vec<u8>>>(1)?));
    let rows = statement.query_map((workspace.0, set), columns).or_port()?;
    let mut events = Vec::new();
    for row in rows {
        let (event, column) = row.or_port()?;
        let column = column.ok_or_else(|| Error::Damaged(format!("{event}, which was gathered, is gone")))?;
        if body::is_gone(&column) {
            continue;
        }
        let place = body::envelope_place(workspace.0, event.0);
        let envelope = Bytes::from(body::open(connection, sealer, place, &column)?);
        events.push(Gathered { event, envelope });
    }
    Ok(events)
}

/// The ids of the events that a job was gathered from.
pub(crate) fn ids(
    connection: &Connection,
    workspace: WorkspaceId,
    job: JobId,
) -> rusqlite::Result<Vec<EventId>> {
    let mut statement = connection.prepare_cached(IDS)?;
    let rows = statement.query_map((job.0 as i64, workspace.0), |row| row.event_id(0))?;
    rows.collect()
}

/// Adds the jobs that were gathered from an event to those that it started.
pub(crate) fn add_jobs(
    connection: &Connection,
    event: EventId,
    jobs: &mut Vec<JobId>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(JOBS)?;
    let mut rows = statement.query([event.0 as i64])?;
    while let Some(row) = rows.next()? {
        let job = row.job_id(0)?;
        if !jobs.contains(&job) {
            jobs.push(job);
        }
    }
    Ok(())
}
