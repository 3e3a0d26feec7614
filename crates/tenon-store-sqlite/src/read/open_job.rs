//! Jobs that are not final, as their shard's owner needs them.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _, Row};
use tenon_store::{
    Error, JobId, JobPayload, OpenJob, OpenPage, ResourceId, RevisionId, Shard, Timestamp, WorkspaceId,
};

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
      WHERE state IN (0, 1, 3) AND place > ?2 AND place <= ?5 AND shard = ?1 AND workspace = ?4
      ORDER BY place LIMIT ?3"
);
/// Reads the index only.
const HOW_FAR: &str = "SELECT place FROM job INDEXED BY job_open WHERE state IN (0, 1, 3) AND place > ?1
                       ORDER BY place LIMIT 1 OFFSET ?2";
/// Of one moment; a pair is no range of this index for SQLite, and a million jobs may wait for the same moment.
const WAITING_ALIKE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM job INDEXED BY job_waiting WHERE state = 2 AND shard = ?1 AND wake_at = ?2 AND id > ?3
      ORDER BY id LIMIT ?4"
);
const WAITING: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM job INDEXED BY job_waiting WHERE state = 2 AND shard = ?1 AND wake_at > ?2 AND wake_at <= ?3
      ORDER BY wake_at, id LIMIT ?4"
);
/// Open jobs, of everybody and of all shards, that are looked through for those of one workspace: some tens of
/// milliseconds. There is no index by workspace, because that would cost every job two more writes to an index (one
/// when it is captured, one when it ends); whoever reads goes on from where it came to, so each place is looked at
/// once.
const LOOKED_THROUGH: u32 = 50_000;
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
    of: (Shard, WorkspaceId),
    after: u64,
    limit: u32,
) -> Result<OpenPage, Error> {
    look_through(connection, of, after, (limit, LOOKED_THROUGH)).or_port()
}

fn look_through(
    connection: &Connection,
    (shard, workspace): (Shard, WorkspaceId),
    after: u64,
    (limit, most): (u32, u32),
) -> rusqlite::Result<OpenPage> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let mut how_far = connection.prepare_cached(HOW_FAR)?;
    // The last of so many; `None`: there are fewer.
    let end: Option<i64> = how_far.query_row((after, most.saturating_sub(1)), |row| row.get(0)).optional()?;
    let mut statement = connection.prepare_cached(OPEN_OF)?;
    let bounds = (shard.0, after, limit, workspace.0, end.unwrap_or(i64::MAX));
    let jobs = statement.query_map(bounds, parse)?.collect::<rusqlite::Result<Vec<_>>>()?;
    let is_full = jobs.len() >= limit as usize;
    let last = jobs.last().filter(|_| is_full).map(|job| job.place);
    Ok(OpenPage { jobs, read_to: last.or(end.map(|place| place as u64)) })
}

/// See `Store::waiting_jobs`.
pub(crate) fn waiting_jobs(
    connection: &Connection,
    (shard, after): (Shard, Option<(Timestamp, JobId)>),
    until: Timestamp,
    limit: u32,
) -> Result<Vec<OpenJob>, Error> {
    let mut found = Vec::new();
    if let Some((moment, id)) = after {
        let mut statement = connection.prepare_cached(WAITING_ALIKE).or_port()?;
        let rows = statement.query_map((shard.0, moment.0, id.0 as i64, limit), parse).or_port()?;
        found = rows.collect::<rusqlite::Result<_>>().or_port()?;
    }
    let rest = limit.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
    if rest > 0 {
        let moment = after.map_or(i64::MIN, |(moment, _)| moment.0);
        let mut statement = connection.prepare_cached(WAITING).or_port()?;
        let rows = statement.query_map((shard.0, moment, until.0, rest), parse).or_port()?;
        for row in rows {
            found.push(row.or_port()?);
        }
    }
    Ok(found)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::migrate;

    /// Open jobs of workspaces 1 and 2 in turn; 2, 3, 6, 7, 10, 11 are in shard 1.
    fn jobs(count: i64) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        migrate(&connection).unwrap();
        let insert =
            "INSERT INTO job (id, workspace, workflow, state, revision, semantics, event, origin, shard,
                      place, priority, journal_length, captured_at)
                      VALUES (?1, 2 - ?1 % 2, 1, 0, 1, 1, 1, 0, ?1 % 4 / 2, ?1, 5, 0, 1)";
        for id in 1..=count {
            connection.execute(insert, [id]).unwrap();
        }
        connection
    }

    #[track_caller]
    fn check(after: u64, bounds: (u32, u32), (places, read_to): (&[u64], Option<u64>)) {
        let page = look_through(&jobs(12), (Shard(1), WorkspaceId(2)), after, bounds).unwrap();
        let found: Vec<u64> = page.jobs.iter().map(|job| job.place).collect();
        assert_eq!((found.as_slice(), page.read_to), (places, read_to), "{bounds:?}");
    }

    #[test]
    fn those_of_others_are_looked_through_up_to_a_bound() {
        check(0, (9, 100), (&[2, 6, 10], None));
        check(0, (2, 100), (&[2, 6], Some(6)));
        check(0, (9, 8), (&[2, 6], Some(8)));
        check(2, (9, 3), (&[], Some(5)));
        check(5, (9, 3), (&[6], Some(8)));
        check(5, (1, 3), (&[6], Some(6)));
        check(10, (9, 3), (&[], None));
    }
}
