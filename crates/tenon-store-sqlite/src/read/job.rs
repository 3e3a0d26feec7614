//! Jobs for readers.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _, Row};
use tenon_store::{
    Error, EventId, JobFilter, JobId, JobRecord, JobState, Page, ResourceId, RevisionId, WorkspaceId,
};
use tenon_vault::Sealer;

use super::bisect::{Table, ids_between};
use super::scan::{Candidates, page};
use super::{OrPort as _, gathered};
use crate::body;
use crate::codec::{Columns as _, origin, state, unpack};

const ONE: &str =
    "SELECT j.id, j.workspace, j.workflow, r.name, v.version, j.revision, v.number, j.semantics, j.event,
        j.origin, j.lane, j.shard, j.state, j.captured_at, j.started_at, j.ended_at, j.wake_at, j.parent,
        j.rerun_of, CASE WHEN ?3 OR j.state IN (3, 5) THEN j.result END, CASE WHEN ?3 THEN j.input END,
        j.payloads_gone IS NOT NULL
    FROM job j LEFT JOIN resource r ON r.id = j.workflow LEFT JOIN revision v ON v.id = j.revision
    WHERE j.id = ?1 AND j.workspace = ?2";
const BRIEF: &str = "SELECT workflow, state, captured_at, parent FROM job WHERE id = ?1 AND workspace = ?2";
const OF_EVENT: &str = "SELECT jobs FROM event WHERE id = ?1 AND workspace = ?2";
const LIST: &str = "SELECT id, workflow FROM job INDEXED BY job_list
    WHERE workspace = ?1 AND id BETWEEN ?2 AND ?3 ORDER BY id DESC";
const ATTENTION: &str = "SELECT id, workflow FROM job INDEXED BY job_attention
    WHERE state IN (3, 5, 6) AND workspace = ?1 AND id BETWEEN ?2 AND ?3 ORDER BY id DESC";
const CHILDREN: &str = "SELECT id, workflow FROM job INDEXED BY job_children
    WHERE parent = ?1 AND id BETWEEN ?2 AND ?3 ORDER BY id DESC";
const RESULT: usize = 19;
const INPUT: usize = 20;
const PAYLOADS_GONE: usize = 21;

/// How much of a job is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// Without payloads, except errors and reasons.
    Listed,
    /// All of it.
    Whole,
}

/// See `Store::job`.
pub(crate) fn job(
    connection: &Connection,
    sealer: &Sealer,
    workspace: WorkspaceId,
    id: JobId,
) -> Result<Option<JobRecord>, Error> {
    read(connection, sealer, (workspace, id), Depth::Whole)
}

/// See `Store::jobs`.
pub(crate) fn jobs(
    connection: &Connection,
    sealer: &Sealer,
    request: &Request<'_>,
) -> Result<Page<JobRecord>, Error> {
    let filter = request.filter;
    let workspace = request.workspace;
    if let Some(event) = filter.event {
        return jobs_of_event(connection, sealer, request, event);
    }
    let (first, last) = ids_between(connection, Table::Job, filter.since, filter.until)?;
    let (sql, of) = match filter.parent {
        // Whose they are is looked at with each row.
        Some(parent) => (CHILDREN, parent.0 as i64),
        None if needs_attention(&filter.states) => (ATTENTION, workspace.0),
        None => (LIST, workspace.0),
    };
    let mut candidates = Candidates { sql, of, first, last }.before(request.cursor);
    if let Some(ids) = &filter.ids {
        candidates = candidates.within(ids.start().0, ids.end().0);
    }
    let of_workflow = |workflow| filter.workflow.is_none_or(|wanted| wanted.0 == workflow);
    page(connection, &candidates, request.limit, of_workflow, |id| {
        look(connection, sealer, request, JobId(id as u64))
    })
}

/// Which page of which jobs.
pub(crate) struct Request<'a> {
    /// Whose.
    pub(crate) workspace: WorkspaceId,
    /// Which.
    pub(crate) filter: &'a JobFilter,
    /// After which.
    pub(crate) cursor: Option<u64>,
    /// How many.
    pub(crate) limit: u32,
}

/// An event's jobs are in its row, those that it started with others beside it; they are as many as there are
/// subscribed workflows.
fn jobs_of_event(
    connection: &Connection,
    sealer: &Sealer,
    request: &Request<'_>,
    event: EventId,
) -> Result<Page<JobRecord>, Error> {
    let key = (event.0 as i64, request.workspace.0);
    let packed: Option<Vec<u8>> = connection
        .prepare_cached(OF_EVENT)
        .and_then(|mut statement| statement.query_row(key, |row| row.get(0)).optional())
        .or_port()?;
    let Some(packed) = packed else { return Ok(Page { items: Vec::new(), next: None }) };
    let mut ids = unpack(&packed);
    gathered::add_jobs(connection, event, &mut ids).or_port()?;
    ids.retain(|id| request.cursor.is_none_or(|cursor| id.0 < cursor));
    ids.retain(|id| request.filter.ids.as_ref().is_none_or(|range| range.contains(id)));
    ids.sort_unstable_by(|a, b| b.cmp(a));
    let limit = request.limit.clamp(1, 1000) as usize;
    let mut items: Vec<JobRecord> = Vec::new();
    for id in ids {
        let Some(item) = look(connection, sealer, request, id)? else { continue };
        if items.len() == limit {
            return Ok(Page { next: items.last().map(|item| item.id.0), items });
        }
        items.push(item);
    }
    Ok(Page { items, next: None })
}

/// The job if the whole filter holds: first the cheap part of its row, then the rest.
fn look(
    connection: &Connection,
    sealer: &Sealer,
    request: &Request<'_>,
    id: JobId,
) -> Result<Option<JobRecord>, Error> {
    let filter = request.filter;
    let brief = connection
        .prepare_cached(BRIEF)
        .and_then(|mut statement| {
            let columns = |row: &Row<'_>| {
                Ok((ResourceId(row.get(0)?), state(row.get(1)?), row.time(2)?, row.optional_job_id(3)?))
            };
            statement.query_row((id.0 as i64, request.workspace.0), columns).optional()
        })
        .or_port()?;
    let Some((workflow, state, captured_at, parent)) = brief else { return Ok(None) };
    let wanted = filter.workflow.is_none_or(|wanted| wanted == workflow)
        && (filter.states.is_empty() || filter.states.contains(&state))
        && (filter.parent.is_none() || filter.parent == parent)
        && filter.since.is_none_or(|since| captured_at >= since)
        && filter.until.is_none_or(|until| captured_at < until);
    if !wanted {
        return Ok(None);
    }
    read(connection, sealer, (request.workspace, id), Depth::Listed)
}

fn needs_attention(states: &[JobState]) -> bool {
    let indexed = [JobState::Suspended, JobState::Faulted, JobState::Cancelled];
    !states.is_empty() && states.iter().all(|state| indexed.contains(state))
}

fn read(
    connection: &Connection,
    sealer: &Sealer,
    (workspace, id): (WorkspaceId, JobId),
    depth: Depth,
) -> Result<Option<JobRecord>, Error> {
    let found = connection
        .prepare_cached(ONE)
        .and_then(|mut statement| {
            let columns = |row: &Row<'_>| {
                let payloads: [Option<Vec<u8>>; 2] = [row.get(RESULT)?, row.get(INPUT)?];
                Ok((parse(row)?, payloads))
            };
            statement.query_row((id.0 as i64, workspace.0, depth == Depth::Whole), columns).optional()
        })
        .or_port()?;
    let Some((mut job, [result, input])) = found else { return Ok(None) };
    let open = |place, column: Option<Vec<u8>>| {
        column.map(|column| body::open(connection, sealer, place, &column).map(Bytes::from)).transpose()
    };
    job.result = open(body::result_place(workspace.0, id.0), result)?;
    job.input = open(body::input_place(workspace.0, id.0), input)?;
    if depth == Depth::Whole {
        job.gathered = gathered::ids(connection, workspace, id).or_port()?;
    }
    Ok(Some(job))
}

fn parse(row: &Row<'_>) -> rusqlite::Result<JobRecord> {
    Ok(JobRecord {
        id: row.job_id(0)?,
        workspace: WorkspaceId(row.get(1)?),
        workflow: ResourceId(row.get(2)?),
        workflow_name: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
        version: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
        revision: RevisionId(row.get(5)?),
        revision_number: row.get::<_, Option<u32>>(6)?.unwrap_or_default(),
        semantics: row.get(7)?,
        event: row.event_id(8)?,
        gathered: Vec::new(),
        origin: origin(row.get(9)?),
        lane: row.get(10)?,
        shard: row.optional_shard(11)?,
        state: state(row.get(12)?),
        created_at: row.time(13)?,
        started_at: row.optional_time(14)?,
        ended_at: row.optional_time(15)?,
        wake_at: row.wake_time(16)?,
        parent: row.optional_job_id(17)?,
        rerun_of: row.optional_job_id(18)?,
        input: None,
        result: None,
        payloads_gone: row.get(PAYLOADS_GONE)?,
    })
}
