//! What a `listen` looks through: the inbox from a place on, oldest first, in bounded answers.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _};
use tenon_store::{Candidate, CandidateQuery, Candidates, Error, EventId, Timestamp, WorkspaceId};
use tenon_vault::Sealer;

use super::OrPort as _;
use super::bisect::SLACK_MICROS;
use crate::body;
use crate::codec::Columns as _;
use crate::writer::state::Counters;

/// Items of one answer at most.
const ITEMS: u32 = 1000;
/// Rows of the inbox that one query goes back through, at most.
const ROWS: u32 = 100_000;
/// Bytes of envelopes in one answer, about, at most; one may be larger.
const BYTES: usize = 8 << 20;

const OF_TYPE: &str = "SELECT place, event, captured_at FROM inbox
    WHERE workspace = ?1 AND type = ?2 AND place > ?3 ORDER BY place DESC";
const OF_SUBJECT: &str = "SELECT place, event, captured_at FROM inbox INDEXED BY inbox_subject
    WHERE workspace = ?1 AND type = ?2 AND place > ?3 AND subject = ?4 ORDER BY place DESC";
const LISTENED: &str = "SELECT type FROM listened WHERE workspace = ?1 ORDER BY type";
const ENVELOPE: &str = "SELECT envelope FROM event WHERE id = ?1 AND workspace = ?2";

struct Found {
    place: u64,
    event: EventId,
    captured_at: Timestamp,
}

/// See `Store::candidates`.
pub(crate) fn candidates(
    connection: &Connection,
    sealer: &Sealer,
    query: &CandidateQuery,
) -> Result<Candidates, Error> {
    let newest_place = Counters::load(connection).or_port()?.place as u64;
    let newest = query.newest.min(ROWS) as usize;
    let mut found = Vec::new();
    for r#type in &query.types {
        of_type(connection, query, r#type, &mut found).or_port()?;
        // However many types there are, no more is kept than can be wanted.
        keep_newest(&mut found, newest);
    }
    let more = found.len();
    found.truncate(query.limit.clamp(1, ITEMS) as usize);
    let mut items = Vec::with_capacity(found.len());
    let mut bytes = 0;
    for found in found {
        let envelope = envelope(connection, sealer, query, &found)?;
        bytes += envelope.len();
        let Found { place, event, captured_at } = found;
        items.push(Candidate { place, event, captured_at, envelope });
        if bytes >= BYTES {
            break;
        }
    }
    let looked_to = match items.last() {
        Some(last) if items.len() < more => last.place,
        _ => newest_place.max(query.after),
    };
    Ok(Candidates { items, looked_to })
}

/// In order; an event is there under its own type and under `*`.
fn keep_newest(found: &mut Vec<Found>, newest: usize) {
    found.sort_unstable_by_key(|found| found.place);
    found.dedup_by_key(|found| found.place);
    found.drain(..found.len().saturating_sub(newest));
}

/// See `Store::listened`.
pub(crate) fn listened(connection: &Connection, workspace: WorkspaceId) -> Result<Vec<String>, Error> {
    let mut statement = connection.prepare_cached(LISTENED).or_port()?;
    let rows = statement.query_map([workspace.0], |row| row.get(0)).or_port()?;
    rows.collect::<rusqlite::Result<_>>().or_port()
}

/// Rows of one type, newest first, as many as can be wanted.
fn of_type(
    connection: &Connection,
    query: &CandidateQuery,
    r#type: &str,
    found: &mut Vec<Found>,
) -> rusqlite::Result<()> {
    let after = i64::try_from(query.after).unwrap_or(i64::MAX);
    let of_subject = query.subject.is_some();
    let mut statement = connection.prepare_cached(if of_subject { OF_SUBJECT } else { OF_TYPE })?;
    let mut rows = match &query.subject {
        Some(subject) => statement.query((query.workspace.0, r#type, after, subject))?,
        None => statement.query((query.workspace.0, r#type, after))?,
    };
    // Captures commit a little out of the order of their moments.
    let long_before = query.since.0.saturating_sub(SLACK_MICROS);
    let mut wanted = query.newest.min(ROWS);
    while wanted > 0 {
        let Some(row) = rows.next()? else { break };
        let captured_at = row.time(2)?;
        if captured_at.0 < long_before {
            break;
        }
        if captured_at >= query.since {
            found.push(Found { place: row.get::<_, i64>(0)? as u64, event: row.event_id(1)?, captured_at });
            wanted -= 1;
        }
    }
    Ok(())
}

fn envelope(
    connection: &Connection,
    sealer: &Sealer,
    query: &CandidateQuery,
    found: &Found,
) -> Result<Bytes, Error> {
    let workspace = query.workspace.0;
    let column: Option<Vec<u8>> = connection
        .prepare_cached(ENVELOPE)
        .and_then(|mut statement| {
            statement.query_row((found.event.0 as i64, workspace), |row| row.get(0)).optional()
        })
        .or_port()?;
    let column = column.ok_or_else(|| Error::Damaged(format!("{} of the inbox is gone", found.event)))?;
    let place = body::envelope_place(workspace, found.event.0);
    Ok(Bytes::from(body::open(connection, sealer, place, &column)?))
}
