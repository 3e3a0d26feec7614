//! Ordered lanes, oldest head first. The index of lanes holds only jobs that have not ended; it is gone through lane
//! by lane, and a page is what is oldest in it. Bounded: after so many jobs the answer says that it is not complete.

use std::collections::BinaryHeap;

use rusqlite::{Connection, OptionalExtension as _, Row};
use tenon_store::{Error, JobId, LaneFilter, LaneRecord, Lanes, ResourceId, WorkspaceId};

use super::OrPort as _;
use crate::codec::{Columns as _, state, state_number};

const ALL: &str = "SELECT workflow, lane, place, id FROM job INDEXED BY job_lane
    WHERE lane IS NOT NULL AND state < 4 AND workspace = ?1 AND (?2 IS NULL OR workflow = ?2)
    AND (?3 IS NULL OR lane = ?3) ORDER BY workflow, lane, place";
const OF_WORKFLOW: &str = "SELECT workflow, lane, place, id FROM job INDEXED BY job_lane
    WHERE lane IS NOT NULL AND state < 4 AND workspace = ?1 AND workflow = ?2
    AND (?3 IS NULL OR lane = ?3) ORDER BY workflow, lane, place";
const HEAD: &str = "SELECT j.state, j.captured_at, j.wake_at, r.name
    FROM job j LEFT JOIN resource r ON r.id = j.workflow WHERE j.id = ?1";
const STATE: &str = "SELECT state FROM job WHERE id = ?1";

/// Jobs that are gone through for one page at most: about half a second.
const STEPS: u32 = 1_000_000;
/// Looking at a row costs about as much as this many steps through the index.
const ROW_STEPS: u32 = 4;
/// Lanes of one page at most.
const ITEMS: u32 = 1000;

/// Which page of which lanes.
pub(crate) struct Request<'a> {
    /// Whose.
    pub(crate) workspace: WorkspaceId,
    /// Which.
    pub(crate) filter: &'a LaneFilter,
    /// After the lane whose head has this place.
    pub(crate) cursor: Option<u64>,
    /// How many.
    pub(crate) limit: u32,
}

/// A lane as the index has it. Compared by the place of its head first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    place: i64,
    head: i64,
    workflow: i64,
    key: String,
    length: u64,
}

/// The oldest lanes so far.
struct Oldest {
    /// The youngest of them on top. One more than a page, which says that there is another.
    lanes: BinaryHeap<Found>,
    limit: usize,
}

/// See `Store::lanes`.
pub(crate) fn lanes(connection: &Connection, request: &Request<'_>) -> Result<Lanes, Error> {
    let limit = request.limit.clamp(1, ITEMS) as usize;
    let mut oldest = Oldest { lanes: BinaryHeap::with_capacity(limit + 2), limit };
    let is_complete = walk(connection, request, &mut oldest)?;
    let mut found = oldest.lanes.into_sorted_vec();
    let is_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| is_more).map(|lane| lane.place as u64);
    let items = found.into_iter().map(|lane| whole(connection, lane)).collect::<Result<_, _>>()?;
    Ok(Lanes { items, next, is_complete })
}

/// Goes through all lanes; false if it stopped before the end.
fn walk(connection: &Connection, request: &Request<'_>, oldest: &mut Oldest) -> Result<bool, Error> {
    let filter = request.filter;
    let sql = if filter.workflow.is_some() { OF_WORKFLOW } else { ALL };
    let mut statement = connection.prepare_cached(sql).or_port()?;
    let columns = (request.workspace.0, filter.workflow.map(|workflow| workflow.0), &filter.key);
    let mut rows = statement.query(columns).or_port()?;
    let mut open: Option<Found> = None;
    let mut steps = 0;
    while let Some(row) = rows.next().or_port()? {
        steps += 1;
        let (workflow, key) = (row.get(0).or_port()?, row.get_ref(1).or_port()?);
        let key = key.as_str().map_err(|error| Error::Damaged(format!("a lane: {error}")))?;
        match &mut open {
            Some(lane) if lane.workflow == workflow && lane.key == key => lane.length += 1,
            _ => {
                let (place, head) = (row.get(2).or_port()?, row.get(3).or_port()?);
                let next = Found { place, head, workflow, key: key.to_owned(), length: 1 };
                steps += ROW_STEPS;
                if let Some(done) = open.replace(next) {
                    oldest.take(connection, request, done)?;
                }
            }
        }
        if steps >= STEPS {
            return Ok(false);
        }
    }
    if let Some(done) = open {
        oldest.take(connection, request, done)?;
    }
    Ok(true)
}

fn whole(connection: &Connection, lane: Found) -> Result<LaneRecord, Error> {
    let columns = |row: &Row<'_>| {
        Ok(LaneRecord {
            workflow: ResourceId(lane.workflow),
            workflow_name: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
            key: lane.key,
            length: lane.length,
            head: JobId(lane.head as u64),
            head_state: state(row.get(0)?),
            since: row.time(1)?,
            wake_at: row.wake_time(2)?,
        })
    };
    connection
        .prepare_cached(HEAD)
        .and_then(|mut statement| statement.query_row([lane.head], columns))
        .or_port()
}

// === impl Oldest ===

impl Oldest {
    /// Keeps a lane if it belongs to the page.
    fn take(&mut self, connection: &Connection, request: &Request<'_>, lane: Found) -> Result<(), Error> {
        let is_before = request.cursor.is_some_and(|cursor| lane.place as u64 <= cursor);
        let is_younger = self.lanes.len() > self.limit && self.lanes.peek().is_some_and(|last| *last < lane);
        if is_before || is_younger || !is_wanted(connection, request, &lane)? {
            return Ok(());
        }
        self.lanes.push(lane);
        if self.lanes.len() > self.limit + 1 {
            self.lanes.pop();
        }
        Ok(())
    }
}

fn is_wanted(connection: &Connection, request: &Request<'_>, lane: &Found) -> Result<bool, Error> {
    let states = &request.filter.states;
    if states.is_empty() {
        return Ok(true);
    }
    let found: Option<i64> = connection
        .prepare_cached(STATE)
        .and_then(|mut statement| statement.query_row([lane.head], |row| row.get(0)).optional())
        .or_port()?;
    Ok(found.is_some_and(|found| states.iter().any(|state| state_number(*state) == found)))
}
