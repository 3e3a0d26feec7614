//! Jobs that are not final, as their shard's owner needs them.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _, Row};
use tenon_store::{Error, JobId, JobPayload, OpenJob, ResourceId, RevisionId, Shard, Timestamp, WorkspaceId};

use super::{OrPort as _, gathered};
use crate::body;
use crate::codec::{Columns as _, origin, rank, state};
use crate::workspaces::Workspaces;

/// The columns that [`parse`] reads.
macro_rules! columns {
    () => {
        "id, workspace, workflow, revision, semantics, event, shard, lane, place, priority, state, wake_at,
         captured_at, started_at, origin, journal_length, parent, looked_to"
    };
}
pub(crate) use columns;

const OPEN: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM job INDEXED BY job_open WHERE state IN (0, 1, 3) AND place > ?2 AND shard = ?1 ORDER BY place LIMIT ?3"
);
const OPEN_OF: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM job INDEXED BY job_open
      WHERE state IN (0, 1, 3) AND place > ?2 AND shard = ?1 AND workspace = ?4 ORDER BY place LIMIT ?3"
);
const WAITING: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM job INDEXED BY job_waiting WHERE state = 2 AND shard = ?1 AND wake_at <= ?2
      ORDER BY wake_at, id LIMIT ?3"
);
const ONE: &str = concat!("SELECT ", columns!(), ", input, gathering FROM job WHERE id = ?1 AND state < 4");
const ENVELOPE: &str = "SELECT envelope FROM event WHERE id = ?1 AND workspace = ?2";
const INPUT: usize = 18;
const GATHERING: usize = 19;

/// See `Store::open_jobs`.
pub(crate) fn open_jobs(
    connection: &Connection,
    shard: Shard,
    after: u64,
    limit: u32,
) -> Result<Vec<OpenJob>, Error> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(OPEN).or_port()?;
    let rows = statement.query_map((shard.0, after, limit), parse).or_port()?;
    rows.collect::<rusqlite::Result<_>>().or_port()
}

/// See `Store::open_jobs_of`.
pub(crate) fn open_jobs_of(
    connection: &Connection,
    (shard, workspace): (Shard, WorkspaceId),
    after: u64,
    limit: u32,
) -> Result<Vec<OpenJob>, Error> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(OPEN_OF).or_port()?;
    let rows = statement.query_map((shard.0, after, limit, workspace.0), parse).or_port()?;
    rows.collect::<rusqlite::Result<_>>().or_port()
}

/// See `Store::waiting_jobs`.
pub(crate) fn waiting_jobs(
    connection: &Connection,
    shard: Shard,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<OpenJob>, Error> {
    let mut statement = connection.prepare_cached(WAITING).or_port()?;
    let rows = statement.query_map((shard.0, until.0, limit), parse).or_port()?;
    rows.collect::<rusqlite::Result<_>>().or_port()
}

/// See `Store::open_job`.
pub(crate) fn open_job(
    connection: &Connection,
    workspaces: &Workspaces,
    id: JobId,
) -> Result<Option<OpenJob>, Error> {
    let found = connection
        .prepare_cached(ONE)
        .and_then(|mut statement| {
            let columns = |row: &Row<'_>| {
                let gathering: Option<i64> = row.get(GATHERING)?;
                Ok((parse(row)?, row.get::<_, Option<Vec<u8>>>(INPUT)?, gathering))
            };
            statement.query_row([id.0 as i64], columns).optional()
        })
        .or_port()?;
    let Some((mut job, input, gathering)) = found else { return Ok(None) };
    let workspace = job.workspace.0;
    let sealer = &workspaces.get(job.workspace)?.sealer;
    let envelope: Vec<u8> = connection
        .prepare_cached(ENVELOPE)
        .and_then(|mut statement| {
            statement.query_row((job.event.0 as i64, workspace), |row| row.get(0)).optional()
        })
        .or_port()?
        .ok_or_else(|| Error::Damaged(format!("{} of {id} is gone", job.event)))?;
    let place = body::envelope_place(workspace, job.event.0);
    let envelope = Bytes::from(body::open(connection, sealer, place, &envelope)?);
    let place = body::input_place(workspace, id.0);
    let input = input.map(|column| body::open(connection, sealer, place, &column)).transpose()?;
    let gathered = match gathering {
        Some(gathering) => gathered::events(connection, sealer, job.workspace, gathering)?,
        None => Vec::new(),
    };
    let gathered = gathered.into_iter().map(|gathered| gathered.envelope).collect();
    job.payload = Some(JobPayload { envelope, input: input.map(Bytes::from), gathered });
    Ok(Some(job))
}

/// A job outside any lane has no shard; whoever moves it on does so from shard 0.
pub(crate) fn parse(row: &Row<'_>) -> rusqlite::Result<OpenJob> {
    let (priority, is_bulk) = rank(row.get(9)?);
    Ok(OpenJob {
        id: row.job_id(0)?,
        workspace: WorkspaceId(row.get(1)?),
        workflow: ResourceId(row.get(2)?),
        revision: RevisionId(row.get(3)?),
        semantics: row.get(4)?,
        event: row.event_id(5)?,
        shard: row.optional_shard(6)?.unwrap_or(Shard(0)),
        lane: row.get(7)?,
        place: row.get::<_, i64>(8)? as u64,
        priority,
        is_bulk,
        state: state(row.get(10)?),
        wake_at: row.wake_time(11)?,
        captured_at: row.time(12)?,
        started_at: row.optional_time(13)?,
        origin: origin(row.get(14)?),
        journal_length: row.get(15)?,
        parent: row.optional_job_id(16)?,
        looked_to: row.get::<_, Option<i64>>(17)?.map(|place| place as u64),
        payload: None,
    })
}
