//! Retention: a bounded piece of work on what has expired. An item in `expiry` is a hint; the row itself decides.

use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension as _};
use tenon_store::{JobId, Timestamp};

use super::{Command, Context, Need};
use crate::codec::Columns as _;
use crate::failure::Failure;
use crate::gather;
use crate::payloads::{self, Payloads};
use crate::retention::{self, Why};
use crate::writer::effects::Expiring;

/// Items that one command looks at, at most.
const ITEMS: usize = 256;
/// And for how long: captures that share its transaction wait for it, so it must be no more than what they wait for
/// their sync anyway. Items differ a thousandfold (a mark, a job with a long journal), so a number alone bounds nothing.
const BITE: Duration = Duration::from_millis(2);

/// After which a job that stays because of its parent is looked at again.
const PARENT_IS_OPEN: Duration = Duration::from_hours(1);

const NEXT: &str =
    "SELECT moment, sequence, kind, items FROM expiry WHERE moment <= ?1 ORDER BY moment, sequence LIMIT 1";
const DONE: &str = "DELETE FROM expiry WHERE moment = ?1 AND sequence = ?2";
const REST: &str = "UPDATE expiry SET items = ?3 WHERE moment = ?1 AND sequence = ?2";
const MARK: &str = "DELETE FROM mark WHERE hash = ?1 AND expires <= ?2";
const MARK_STAYS: &str = "SELECT expires FROM mark WHERE hash = ?1";
const JOB_STAYS: &str = "SELECT 1 FROM job WHERE id = ?1 AND state >= 4 AND expires <= ?2";

/// One piece of `Store::prune`.
pub(crate) struct Prune {
    /// What expires at or before this.
    pub(crate) now: Timestamp,
    /// Things to remove at most.
    pub(crate) limit: u64,
}

/// What one piece did.
pub(crate) struct Pruned {
    /// Things removed.
    pub(crate) removed: u64,
    /// Whether there may be more.
    pub(crate) more: bool,
}

struct Batch {
    moment: i64,
    sequence: i64,
    kind: i64,
    items: Vec<u8>,
}

impl Command for Prune {
    type Output = Pruned;

    fn size(&self) -> usize {
        64
    }

    fn need(&self) -> Need {
        Need::Nothing
    }

    fn apply(&self, context: &mut Context<'_>) -> Result<Pruned, Failure> {
        let mut removed = 0;
        let mut looked_at = 0;
        let began = now();
        while looked_at < ITEMS && removed < self.limit && began.elapsed() < BITE {
            let Some(batch) = self.next(context.connection)? else {
                let more = context.effects.has_due(self.now);
                return Ok(Pruned { removed, more });
            };
            let mut rest = batch.items.as_slice();
            while looked_at < ITEMS && removed < self.limit && (looked_at == 0 || began.elapsed() < BITE) {
                let Some((item, remaining)) = Expiring::parse(batch.kind, rest) else { break };
                rest = remaining;
                looked_at += 1;
                removed += self.remove(context, item)?;
            }
            if Expiring::parse(batch.kind, rest).is_none() {
                context.connection.prepare_cached(DONE)?.execute((batch.moment, batch.sequence))?;
            } else {
                context.connection.prepare_cached(REST)?.execute((batch.moment, batch.sequence, rest))?;
            }
        }
        Ok(Pruned { removed, more: true })
    }
}

// === impl Prune ===

impl Prune {
    fn next(&self, connection: &Connection) -> rusqlite::Result<Option<Batch>> {
        connection
            .prepare_cached(NEXT)?
            .query_row([self.now.0], |row| {
                Ok(Batch {
                    moment: row.get(0)?,
                    sequence: row.get(1)?,
                    kind: row.get(2)?,
                    items: row.get(3)?,
                })
            })
            .optional()
    }

    fn remove(&self, context: &mut Context<'_>, item: Expiring) -> rusqlite::Result<u64> {
        match item {
            Expiring::Event(event) => retention::remove_event(context, event, (self.now, Why::Expired)),
            Expiring::PurgedEvent(event) => retention::remove_event(context, event, (self.now, Why::Purged)),
            Expiring::Job(job) => self.remove_job(context, job),
            // It counts as nothing: its job counted.
            Expiring::Journal(job) => retention::remove_journal(context, job, self.now).map(|()| 0),
            Expiring::Gathering(set) => gather::release(context, set, (self.now, Why::Expired)).map(|()| 0),
            Expiring::PurgedGathering(set) => {
                gather::release(context, set, (self.now, Why::Purged)).map(|()| 0)
            }
            Expiring::Gatherer(gatherer) => gather::release_all(context, gatherer, self.now).map(|()| 0),
            Expiring::Mark(hash) => self.remove_mark(context, hash),
            Expiring::Payloads(job) => self.remove_payloads(context, job),
            Expiring::Envelope(event) => payloads::remove_envelope(context.connection, event),
        }
    }

    fn remove_payloads(&self, context: &mut Context<'_>, job: JobId) -> rusqlite::Result<u64> {
        match payloads::remove_of_job(context, job, self.now)? {
            Payloads::Gone(count) => Ok(count),
            Payloads::StillNeeded => {
                self.look_again(context, Expiring::Payloads(job), self.now.after(PARENT_IS_OPEN));
                Ok(0)
            }
        }
    }

    fn remove_job(&self, context: &mut Context<'_>, job: JobId) -> rusqlite::Result<u64> {
        if let Some(removed) = retention::remove_expired_job(context, job, self.now)? {
            return Ok(removed);
        }
        if context.connection.prepare_cached(JOB_STAYS)?.exists((job.0 as i64, self.now.0))? {
            self.look_again(context, Expiring::Job(job), self.now.after(PARENT_IS_OPEN));
        }
        Ok(0)
    }

    /// One that was renewed has its time later, of which nothing was noted then.
    fn remove_mark(&self, context: &mut Context<'_>, hash: [u8; 16]) -> rusqlite::Result<u64> {
        if context.connection.prepare_cached(MARK)?.execute((hash, self.now.0))? == 1 {
            return Ok(1);
        }
        let expires =
            context.connection.prepare_cached(MARK_STAYS)?.query_row([hash], |row| row.time(0)).optional()?;
        if let Some(expires) = expires {
            self.look_again(context, Expiring::Mark(hash), expires);
        }
        Ok(0)
    }

    fn look_again(&self, context: &mut Context<'_>, item: Expiring, later: Timestamp) {
        // At the end of time there is no later; this piece of work must end.
        if later > self.now {
            context.effects.expire(item, later);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "only bounds how much is done at once")]
fn now() -> Instant {
    Instant::now()
}
