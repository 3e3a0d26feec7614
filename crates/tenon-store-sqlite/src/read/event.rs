//! Events for readers.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _, Row};
use tenon_store::{Error, EventFilter, EventId, EventRecord, Page, WorkspaceId};
use tenon_vault::Sealer;

use super::bisect::{Table, ids_between};
use super::scan::{Candidates, page};
use super::{OrPort as _, gathered};
use crate::body;
use crate::codec::{Columns as _, origin, unpack};

const ONE: &str =
    "SELECT id, origin, source, type, subject, captured_at, duplicates, jobs, unwanted, envelope
    FROM event WHERE id = ?1 AND workspace = ?2";
const LISTED: &str = "SELECT id, origin, source, type, subject, captured_at, duplicates, jobs, unwanted
    FROM event WHERE id = ?1";
const UNWANTED: &str = "SELECT id, 0 FROM event INDEXED BY event_unwanted
    WHERE unwanted = 1 AND workspace = ?1 AND id BETWEEN ?2 AND ?3 ORDER BY id DESC";
const LIST: &str = "SELECT id, 0 FROM event INDEXED BY event_list
    WHERE workspace = ?1 AND id BETWEEN ?2 AND ?3 ORDER BY id DESC";
const ENVELOPE: usize = 9;

/// See `Store::event`.
pub(crate) fn event(
    connection: &Connection,
    sealer: &Sealer,
    workspace: WorkspaceId,
    id: EventId,
) -> Result<Option<EventRecord>, Error> {
    let found = connection
        .prepare_cached(ONE)
        .and_then(|mut statement| {
            let columns = |row: &Row<'_>| Ok((parse(row)?, row.get::<_, Vec<u8>>(ENVELOPE)?));
            statement.query_row((id.0 as i64, workspace.0), columns).optional()
        })
        .or_port()?;
    let Some((mut event, column)) = found else { return Ok(None) };
    gathered::add_jobs(connection, id, &mut event.jobs).or_port()?;
    if !body::is_gone(&column) {
        let place = body::envelope_place(workspace.0, id.0);
        event.envelope = Some(Bytes::from(body::open(connection, sealer, place, &column)?));
    }
    Ok(Some(event))
}

/// See `Store::events`.
pub(crate) fn events(
    connection: &Connection,
    workspace: WorkspaceId,
    filter: &EventFilter,
    cursor: Option<u64>,
    limit: u32,
) -> Result<Page<EventRecord>, Error> {
    let (first, last) = ids_between(connection, Table::Event, filter.since, filter.until)?;
    let sql = if filter.is_wanted == Some(false) { UNWANTED } else { LIST };
    let mut candidates = Candidates { sql, of: workspace.0, first, last }.before(cursor);
    if let Some(ids) = &filter.ids {
        candidates = candidates.within(ids.start().0, ids.end().0);
    }
    let mut statement = connection.prepare_cached(LISTED).or_port()?;
    let statement = std::cell::RefCell::new(&mut statement);
    page(
        connection,
        &candidates,
        limit,
        |_| true,
        |id| {
            let mut event = statement.borrow_mut().query_row([id], parse).or_port()?;
            if !matches(filter, &event) {
                return Ok(None);
            }
            gathered::add_jobs(connection, event.id, &mut event.jobs).or_port()?;
            Ok(Some(event))
        },
    )
}

fn matches(filter: &EventFilter, event: &EventRecord) -> bool {
    filter.r#type.as_ref().is_none_or(|wanted| *wanted == event.r#type)
        && filter.is_wanted.is_none_or(|wanted| wanted == event.is_wanted)
        && filter.source.as_ref().is_none_or(|wanted| *wanted == event.source)
        && filter.since.is_none_or(|since| event.captured_at >= since)
        && filter.until.is_none_or(|until| event.captured_at < until)
}

fn parse(row: &Row<'_>) -> rusqlite::Result<EventRecord> {
    Ok(EventRecord {
        id: row.event_id(0)?,
        origin: origin(row.get(1)?),
        source: row.get(2)?,
        r#type: row.get(3)?,
        subject: row.get(4)?,
        captured_at: row.time(5)?,
        duplicates: row.get::<_, i64>(6)? as u64,
        jobs: unpack(&row.get::<_, Vec<u8>>(7)?),
        is_wanted: row.get::<_, Option<i64>>(8)?.is_none(),
        envelope: None,
    })
}
