//! From a moment to an id: ids go up with time, so a moment is found by bisection instead of an index.

use rusqlite::Connection;
use tenon_store::{Error, Timestamp};

use super::OrPort as _;

/// Clocks are set back now and then, and captures commit a little out of order; what is found is only used as a
/// bound, and rows within this distance of it are looked at one by one.
pub(crate) const SLACK_MICROS: i64 = 3_600_000_000;

/// Which table.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Table {
    /// Events.
    Event,
    /// Jobs.
    Job,
}

// === impl Table ===

impl Table {
    fn next(self) -> &'static str {
        match self {
            Self::Event => "SELECT id, captured_at FROM event WHERE id >= ?1 ORDER BY id LIMIT 1",
            Self::Job => "SELECT id, captured_at FROM job WHERE id >= ?1 ORDER BY id LIMIT 1",
        }
    }
}

/// Ids that a time range can be in, first and last.
pub(crate) fn ids_between(
    connection: &Connection,
    table: Table,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Result<(i64, i64), Error> {
    let first = match since {
        Some(since) => first_at(connection, table, since.0.saturating_sub(SLACK_MICROS))?,
        None => 0,
    };
    let last = match until {
        Some(until) => first_at(connection, table, until.0.saturating_add(SLACK_MICROS))?,
        None => i64::MAX,
    };
    Ok((first, last))
}

/// The smallest id captured at or after a moment; the greatest number if there is none.
fn first_at(connection: &Connection, table: Table, moment: i64) -> Result<i64, Error> {
    let mut statement = connection.prepare_cached(table.next()).or_port()?;
    let (mut low, mut high) = (0, i64::MAX);
    while low < high {
        let middle = low + (high - low) / 2;
        let mut rows = statement.query([middle]).or_port()?;
        let row = rows.next().or_port()?;
        let found: Option<(i64, i64)> =
            row.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose().or_port()?;
        match found {
            Some((id, captured_at)) if captured_at < moment => low = id.saturating_add(1),
            _ => high = middle,
        }
    }
    Ok(low)
}
