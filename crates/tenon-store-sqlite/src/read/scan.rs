//! Lists by id, newest first, in bounded pieces: a filter that matches little must not read millions of rows in
//! one go, so a page may end early, with a cursor to go on from.

use rusqlite::Connection;
use tenon_store::{Error, Page};

use super::OrPort as _;

/// Steps of one page at most: about a tenth of a second.
const STEPS: u32 = 200_000;
/// Looking at a row costs about as much as this many steps through an index.
const ROW_STEPS: u32 = 4;
/// Items of one page at most.
const ITEMS: u32 = 1000;

/// Which candidates a list goes through: `(of, first id, last id)` → `(id, tag)`, newest first.
pub(crate) struct Candidates {
    /// The query.
    pub(crate) sql: &'static str,
    /// Of which workspace, or which parent.
    pub(crate) of: i64,
    /// Inclusive.
    pub(crate) first: i64,
    /// Inclusive.
    pub(crate) last: i64,
}

// === impl Candidates ===

impl Candidates {
    /// Leaves out what a page before has shown.
    pub(crate) fn before(mut self, cursor: Option<u64>) -> Self {
        if let Some(cursor) = cursor {
            let last = i64::try_from(cursor).unwrap_or(i64::MAX).saturating_sub(1);
            self.last = self.last.min(last);
        }
        self
    }

    /// Leaves out ids outside a range.
    pub(crate) fn within(mut self, first: u64, last: u64) -> Self {
        self.first = self.first.max(i64::try_from(first).unwrap_or(i64::MAX));
        self.last = self.last.min(i64::try_from(last).unwrap_or(i64::MAX));
        self
    }
}

/// One page. `wanted` looks at what the index has, `look` reads the row and may still decline it.
pub(crate) fn page<T>(
    connection: &Connection,
    candidates: &Candidates,
    limit: u32,
    wanted: impl Fn(i64) -> bool,
    look: impl Fn(i64) -> Result<Option<T>, Error>,
) -> Result<Page<T>, Error> {
    let limit = limit.clamp(1, ITEMS) as usize;
    let mut statement = connection.prepare_cached(candidates.sql).or_port()?;
    let mut rows = statement.query((candidates.of, candidates.first, candidates.last)).or_port()?;
    let mut items = Vec::new();
    let mut steps = 0;
    let mut last_taken = None;
    while let Some(row) = rows.next().or_port()? {
        let id: i64 = row.get(0).or_port()?;
        steps += 1;
        if wanted(row.get(1).or_port()?) {
            steps += ROW_STEPS;
            if let Some(item) = look(id)? {
                if items.len() == limit {
                    return Ok(Page { items, next: last_taken });
                }
                items.push(item);
                last_taken = Some(id as u64);
            }
        }
        if steps >= STEPS {
            return Ok(Page { items, next: Some(id as u64) });
        }
    }
    Ok(Page { items, next: None })
}
