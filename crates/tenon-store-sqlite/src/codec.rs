//! The port's values as the columns of the schema hold them.

use std::time::Duration;

use rusqlite::Row;
use tenon_store::{EventId, JobId, JobState, Kind, Origin, Shard, Timestamp, WorkspaceSettings};

/// What a job of many has on its priority.
const BULK: i64 = 16;

/// A state's number; final ones are 4 and above, which the schema's indexes rely on.
pub(crate) fn state_number(state: JobState) -> i64 {
    match state {
        JobState::Pending => 0,
        JobState::Running => 1,
        JobState::Waiting => 2,
        JobState::Suspended => 3,
        JobState::Completed => 4,
        JobState::Faulted => 5,
        JobState::Cancelled => 6,
    }
}

/// Back from its number.
pub(crate) fn state(number: i64) -> JobState {
    match number {
        0 => JobState::Pending,
        1 => JobState::Running,
        2 => JobState::Waiting,
        3 => JobState::Suspended,
        4 => JobState::Completed,
        5 => JobState::Faulted,
        _ => JobState::Cancelled,
    }
}

/// A job's priority, and 16 more if it is one of many.
pub(crate) fn rank_number(priority: u8, is_bulk: bool) -> i64 {
    i64::from(priority) + if is_bulk { BULK } else { 0 }
}

/// Back from its number.
pub(crate) fn rank(number: i64) -> (u8, bool) {
    ((number % BULK) as u8, number >= BULK)
}

/// An origin's number.
pub(crate) fn origin_number(origin: Origin) -> i64 {
    match origin {
        Origin::Event => 0,
        Origin::Call => 1,
    }
}

/// Back from its number.
pub(crate) fn origin(number: i64) -> Origin {
    if number == 0 { Origin::Event } else { Origin::Call }
}

/// A kind's number.
pub(crate) fn kind_number(kind: Kind) -> i64 {
    match kind {
        Kind::Workflow => 0,
        Kind::Trigger => 1,
    }
}

/// Back from its number.
pub(crate) fn kind(number: i64) -> Kind {
    if number == 0 { Kind::Workflow } else { Kind::Trigger }
}

/// Job ids as a column: 8 bytes each.
pub(crate) fn pack(jobs: &[JobId]) -> Vec<u8> {
    jobs.iter().flat_map(|job| job.0.to_be_bytes()).collect()
}

/// Back from the column.
pub(crate) fn unpack(bytes: &[u8]) -> Vec<JobId> {
    let (ids, _) = bytes.as_chunks::<8>();
    ids.iter().map(|id| JobId(u64::from_be_bytes(*id))).collect()
}

/// `keep_jobs`, `keep_payloads` and `concurrency`, from this column on.
pub(crate) fn settings(row: &Row<'_>, column: usize) -> rusqlite::Result<WorkspaceSettings> {
    let time = |micros: Option<i64>| micros.map(|micros| Duration::from_micros(micros.max(0) as u64));
    Ok(WorkspaceSettings {
        keep_jobs: time(row.get(column)?),
        keep_payloads: time(row.get(column + 1)?),
        concurrency: row.get(column + 2)?,
    })
}

/// Columns of the port's own types.
pub(crate) trait Columns {
    /// A moment.
    fn time(&self, column: usize) -> rusqlite::Result<Timestamp>;
    /// A moment that may be absent.
    fn optional_time(&self, column: usize) -> rusqlite::Result<Option<Timestamp>>;
    /// When a waiting job goes on; absent also if no moment wakes it.
    fn wake_time(&self, column: usize) -> rusqlite::Result<Option<Timestamp>>;
    /// A job's id.
    fn job_id(&self, column: usize) -> rusqlite::Result<JobId>;
    /// A job's id that may be absent.
    fn optional_job_id(&self, column: usize) -> rusqlite::Result<Option<JobId>>;
    /// An event's id.
    fn event_id(&self, column: usize) -> rusqlite::Result<EventId>;
    /// A shard that may be absent.
    fn optional_shard(&self, column: usize) -> rusqlite::Result<Option<Shard>>;
}

impl Columns for Row<'_> {
    fn time(&self, column: usize) -> rusqlite::Result<Timestamp> {
        self.get(column).map(Timestamp)
    }

    fn optional_time(&self, column: usize) -> rusqlite::Result<Option<Timestamp>> {
        Ok(self.get::<_, Option<i64>>(column)?.map(Timestamp))
    }

    fn wake_time(&self, column: usize) -> rusqlite::Result<Option<Timestamp>> {
        Ok(self.optional_time(column)?.filter(|moment| *moment != Timestamp::NEVER))
    }

    fn job_id(&self, column: usize) -> rusqlite::Result<JobId> {
        Ok(JobId(self.get::<_, i64>(column)? as u64))
    }

    fn optional_job_id(&self, column: usize) -> rusqlite::Result<Option<JobId>> {
        Ok(self.get::<_, Option<i64>>(column)?.map(|id| JobId(id as u64)))
    }

    fn event_id(&self, column: usize) -> rusqlite::Result<EventId> {
        Ok(EventId(self.get::<_, i64>(column)? as u64))
    }

    fn optional_shard(&self, column: usize) -> rusqlite::Result<Option<Shard>> {
        Ok(self.get::<_, Option<u16>>(column)?.map(Shard))
    }
}
