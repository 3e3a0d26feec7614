//! What takes the room, whose it is, and what goes next. Bounded: none of it gets slower with the years.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _};
use tenon_store::{DiskDetail, Error, NextRemoval, Timestamp, WorkflowUse, WorkspaceId};

use super::{OrPort as _, disk_parts};
use crate::codec::Columns as _;
use crate::disk::BALLAST;
use crate::writer::effects::{EVENT, JOB, MARK, PAYLOADS};

/// Jobs whose workflows are counted, of all workspaces together: the newest, from an index that is some bytes a job.
const JOBS: usize = 100_000;
/// Of each workflow that is told, so many jobs are weighed …
const WEIGHED: usize = 30;
/// … with so many entries of their journals.
const ENTRIES: u32 = 100;
/// Rows of retention's list that are looked through.
const EXPIRIES: u32 = 2_000;
const DAY_MICROS: i64 = 86_400_000_000;

const OLDEST_JOB: &str = "SELECT captured_at FROM job ORDER BY id LIMIT 1";
const OLDEST_EVENT: &str = "SELECT captured_at FROM event ORDER BY id LIMIT 1";
const NEXT: &str = "SELECT moment, kind, length(items) FROM expiry ORDER BY moment LIMIT ?1";
const NEWEST: &str =
    "SELECT id, workflow FROM job INDEXED BY job_list WHERE workspace = ?1 ORDER BY id DESC LIMIT ?2";
const NAME: &str = "SELECT name FROM resource WHERE id = ?1";
const WEIGHT: &str = "SELECT j.input, j.result, e.envelope FROM job j LEFT JOIN event e ON e.id = j.event
    WHERE j.id = ?1";
const JOURNAL: &str = "SELECT outcome FROM journal WHERE job = ?1 LIMIT ?2";
const BODY: &str = "SELECT length(data) FROM body WHERE id = ?1";

/// Jobs of a workflow.
#[derive(Default)]
struct Counted {
    jobs: u64,
    newest: Vec<i64>,
}

/// See `Store::disk_detail`.
pub(crate) fn disk_detail(
    connection: &Connection,
    directory: &Path,
    workspaces: &[WorkspaceId],
) -> Result<DiskDetail, Error> {
    let size = |name| std::fs::metadata(directory.join(name)).map_or(0, |metadata| metadata.len());
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let unused = pragma("freelist_count").and_then(|pages| Ok(pages * pragma("page_size")?)).or_port()?;
    let most = JOBS / workspaces.len().max(1);
    let mut workflows = Vec::new();
    for &workspace in workspaces {
        workflows.extend(self::workflows(connection, workspace, most).or_port()?);
    }
    Ok(DiskDetail {
        parts: disk_parts::parts(connection).or_port()?,
        log: size("tenon.db-wal"),
        unused: unused as u64,
        ballast: size(BALLAST),
        workflows,
        oldest_job: oldest(connection, OLDEST_JOB).or_port()?,
        oldest_event: oldest(connection, OLDEST_EVENT).or_port()?,
        next: next(connection).or_port()?,
    })
}

fn oldest(connection: &Connection, sql: &str) -> rusqlite::Result<Option<Timestamp>> {
    connection.prepare_cached(sql)?.query_row([], |row| row.time(0)).optional()
}

/// The first day of what retention will look at.
fn next(connection: &Connection) -> rusqlite::Result<Option<NextRemoval>> {
    let mut statement = connection.prepare_cached(NEXT)?;
    let mut rows = statement.query([EXPIRIES])?;
    let mut next: Option<NextRemoval> = None;
    while let Some(row) = rows.next()? {
        let (moment, kind, bytes) = (row.time(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)? as u64);
        let none = NextRemoval { from: moment, until: moment, jobs: 0, payloads: 0, events: 0, marks: 0 };
        let next = next.get_or_insert(none);
        if moment.0.saturating_sub(next.from.0) > DAY_MICROS {
            break;
        }
        next.until = moment;
        match kind {
            JOB => next.jobs += bytes / 8,
            PAYLOADS => next.payloads += bytes / 8,
            EVENT => next.events += bytes / 8,
            MARK => next.marks += bytes / 16,
            _ => {}
        }
    }
    Ok(next)
}

/// Those with the most of the newest jobs.
fn workflows(
    connection: &Connection,
    workspace: WorkspaceId,
    most: usize,
) -> rusqlite::Result<Vec<WorkflowUse>> {
    let mut counted: HashMap<i64, Counted> = HashMap::new();
    let mut statement = connection.prepare_cached(NEWEST)?;
    let mut rows = statement.query((workspace.0, most as i64))?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        count += 1;
        let of = counted.entry(row.get(1)?).or_default();
        of.jobs += 1;
        if of.newest.len() < WEIGHED {
            of.newest.push(row.get(0)?);
        }
    }
    let mut counted: Vec<(i64, Counted)> = counted.into_iter().collect();
    counted.sort_by(|(a_id, a), (b_id, b)| b.jobs.cmp(&a.jobs).then(a_id.cmp(b_id)));
    counted.truncate(DiskDetail::WORKFLOWS);
    let told = counted.into_iter().map(|(workflow, Counted { jobs, newest })| {
        let name: Option<String> =
            connection.prepare_cached(NAME)?.query_row([workflow], |row| row.get(0)).optional()?;
        let mut bytes = 0;
        for &job in &newest {
            bytes += weight(connection, job)?;
        }
        let bytes = bytes * jobs / newest.len().max(1) as u64;
        Ok(WorkflowUse { workspace, name: name.unwrap_or_default(), jobs, is_estimate: count == most, bytes })
    });
    told.collect()
}

/// Bytes of what a job ran on, recorded and gave. An event of several jobs counts with each of them.
fn weight(connection: &Connection, job: i64) -> rusqlite::Result<u64> {
    let columns: Option<[Option<Vec<u8>>; 3]> = connection
        .prepare_cached(WEIGHT)?
        .query_row([job], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))
        .optional()?;
    let mut bytes = 0;
    for column in columns.iter().flatten().flatten() {
        bytes += value(connection, column)?;
    }
    let mut statement = connection.prepare_cached(JOURNAL)?;
    let mut rows = statement.query((job, ENTRIES))?;
    while let Some(row) = rows.next()? {
        bytes += value(connection, &row.get::<_, Vec<u8>>(0)?)?;
    }
    Ok(bytes)
}

fn value(connection: &Connection, column: &[u8]) -> rusqlite::Result<u64> {
    let Some(id) = crate::body::reference(column) else { return Ok(column.len() as u64) };
    let bytes: Option<i64> = connection.prepare_cached(BODY)?.query_row([id], |row| row.get(0)).optional()?;
    Ok(bytes.unwrap_or(0) as u64)
}
