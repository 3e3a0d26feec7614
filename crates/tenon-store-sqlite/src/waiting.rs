//! Parking and waking: what a job that waits for events or for other jobs leaves in the database, and what becomes of
//! it when such a thing comes. All of it runs in the writer's transactions, so that nothing comes between a look and
//! a park.

use std::collections::BTreeSet;

use rusqlite::Connection;
use tenon_store::{EventWait, JobId, Timestamp, Waits, WorkspaceId};

use crate::codec::Columns as _;
use crate::command::Context;
use crate::read::open_job::{self, columns};
use crate::writer::waiters::{Waiter, Want};

const ARRIVED: &str = "SELECT 1 FROM inbox WHERE workspace = ?1 AND type = ?2 AND place > ?3 LIMIT 1";
const ARRIVED_FOR: &str = "SELECT 1 FROM inbox INDEXED BY inbox_subject
    WHERE workspace = ?1 AND type = ?2 AND subject = ?4 AND place > ?3 LIMIT 1";
const OPEN: &str = "SELECT 1 FROM job WHERE id = ?1 AND workspace = ?2 AND state < 4";
const INSERT: &str = "INSERT INTO waiter (job, number, workspace, type, subject, child)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const DELETE: &str = "DELETE FROM waiter WHERE job = ?1 RETURNING workspace, type, subject, child";
const WAKE: &str =
    concat!("UPDATE job SET wake_at = min(wake_at, ?2) WHERE id = ?1 AND state = 2 RETURNING ", columns!());
const READ: &str = concat!("SELECT ", columns!(), " FROM job WHERE id = ?1");

/// Whether something that a job is about to wait for is there already.
pub(crate) fn has_come(
    connection: &Connection,
    workspace: WorkspaceId,
    waits: &Waits,
) -> rusqlite::Result<bool> {
    if cfg!(feature = "mutant-park-without-look") {
        return Ok(false);
    }
    if let Some(events) = &waits.events
        && has_arrived(connection, workspace, events)?
    {
        return Ok(true);
    }
    let mut open = connection.prepare_cached(OPEN)?;
    for child in &waits.children {
        if !open.exists((child.0 as i64, workspace.0))? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn has_arrived(
    connection: &Connection,
    workspace: WorkspaceId,
    events: &EventWait,
) -> rusqlite::Result<bool> {
    let after = i64::try_from(events.after).unwrap_or(i64::MAX);
    for r#type in &events.types {
        let found = match &events.subject {
            Some(subject) => {
                connection.prepare_cached(ARRIVED_FOR)?.exists((workspace.0, r#type, after, subject))?
            }
            None => connection.prepare_cached(ARRIVED)?.exists((workspace.0, r#type, after))?,
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Writes down what a job waits for.
pub(crate) fn park(
    context: &mut Context<'_>,
    workspace: WorkspaceId,
    job: JobId,
    waits: &Waits,
) -> rusqlite::Result<()> {
    let wants = wants(waits);
    let connection = context.connection;
    let mut insert = connection.prepare_cached(INSERT)?;
    for (want, number) in wants.iter().zip(0_i64..) {
        let (r#type, subject, child) = match want {
            Want::Event { r#type, subject } => (Some(r#type), subject.as_ref(), None),
            Want::End(child) => (None, None, Some(child.0 as i64)),
        };
        insert.execute((job.0 as i64, number, workspace.0, r#type, subject, child))?;
    }
    context.state.waiters.park(Waiter { job, workspace, wants });
    Ok(())
}

/// Each thing once.
fn wants(waits: &Waits) -> Vec<Want> {
    let mut wants: Vec<Want> = Vec::new();
    if let Some(events) = &waits.events {
        let types: BTreeSet<&String> = events.types.iter().collect();
        let want = |r#type: &String| Want::Event { r#type: r#type.clone(), subject: events.subject.clone() };
        wants.extend(types.into_iter().map(want));
    }
    let children: BTreeSet<JobId> = waits.children.iter().copied().collect();
    wants.extend(children.into_iter().map(Want::End));
    wants
}

/// A job waits no more, if it did. Free for jobs that wait for nothing but a moment.
pub(crate) fn leave(context: &mut Context<'_>, job: JobId) -> rusqlite::Result<()> {
    if !context.state.waiters.has(job) {
        return Ok(());
    }
    let connection = context.connection;
    let mut statement = connection.prepare_cached(DELETE)?;
    let mut rows = statement.query([job.0 as i64])?;
    let mut waiter = Waiter { job, workspace: WorkspaceId(0), wants: Vec::new() };
    while let Some(row) = rows.next()? {
        waiter.workspace = WorkspaceId(row.get(0)?);
        waiter.wants.push(match row.optional_job_id(3)? {
            Some(child) => Want::End(child),
            None => Want::Event { r#type: row.get(1)?, subject: row.get(2)? },
        });
    }
    context.state.waiters.leave(waiter);
    Ok(())
}

/// What parked jobs wait for has come: they are due and wait for nothing more, and the feed hears of them.
pub(crate) fn wake(context: &mut Context<'_>, jobs: &BTreeSet<JobId>, at: Timestamp) -> rusqlite::Result<()> {
    let connection = context.connection;
    for &job in jobs {
        leave(context, job)?;
        let mut statement = connection.prepare_cached(WAKE)?;
        let mut rows = statement.query((job.0 as i64, at.0))?;
        while let Some(row) = rows.next()? {
            context.effects.fed.push(open_job::parse(row)?);
        }
    }
    Ok(())
}

/// The feed hears of a job that parked for something that is there already.
pub(crate) fn feed(context: &mut Context<'_>, job: JobId) -> rusqlite::Result<()> {
    let job = context.connection.prepare_cached(READ)?.query_row([job.0 as i64], open_job::parse)?;
    context.effects.fed.push(job);
    Ok(())
}
