//! Which occurrences are due, which of them start, and which are passed over: the policies for missed ones.

use std::collections::VecDeque;
use std::time::Duration;

use tenon_store::Timestamp;
use tenon_workflow::{Missed, Timing};

/// An occurrence that is later than this was missed, though the server was up.
pub(crate) const ON_TIME: Duration = Duration::from_secs(10);
/// With `missed: all` the newest so many are made up for.
pub(crate) const MAX_CATCH_UP: usize = 1_000;
/// Occurrences that are counted one by one; beyond that it is only known that there were more.
const MAX_COUNTED: usize = 20_000;

/// What is due.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Due {
    /// To be started, in order.
    pub(crate) chosen: Vec<Timestamp>,
    /// Passed over, in order; the newest.
    pub(crate) missed: VecDeque<Timestamp>,
    /// Passed over before those.
    pub(crate) older: Option<Older>,
    /// The first that is not due yet.
    pub(crate) next: Option<Timestamp>,
}

/// Occurrences that are too many to be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Older {
    /// The oldest.
    pub(crate) from: Timestamp,
    /// The newest.
    pub(crate) to: Timestamp,
    /// How many there were, at least.
    pub(crate) count: usize,
}

/// What is asked.
pub(crate) struct Question<'a> {
    pub(crate) timing: &'a Timing,
    pub(crate) anchor: Timestamp,
    /// The first occurrence that nothing was decided on.
    pub(crate) next: Timestamp,
    pub(crate) now: Timestamp,
    /// Since when somebody was there to fire.
    pub(crate) up_since: Timestamp,
}

// === impl Question ===

impl Question<'_> {
    /// Decides on all occurrences up to now.
    pub(crate) fn decide(&self, missed: Missed) -> Due {
        if let Timing::After(_) = self.timing {
            // There is one at a time, and without it there would never be another.
            return Due { chosen: vec![self.next], ..Due::default() };
        }
        let late_before = self.up_since.max(Timestamp(self.now.0.saturating_sub(ON_TIME.as_micros() as i64)));
        let mut due = Due::default();
        let mut cursor = self.walk(self.next, &mut due, late_before);
        if let Some(at) = cursor.filter(|at| *at <= self.now) {
            cursor = self.walk(self.near_the_end(at), &mut due, late_before);
            if let Some(at) = cursor.filter(|at| *at <= self.now) {
                // Even the end is crowded: what is left is passed over.
                let before = due.older.unwrap_or(Older { from: at, to: at, count: 0 });
                due.older = Some(Older { to: self.now, count: before.count + 1, ..before });
                cursor = self.after(self.now);
            }
        }
        due.next = cursor;
        match missed {
            Missed::All => {
                let mut all: Vec<Timestamp> = due.missed.drain(..).collect();
                all.append(&mut due.chosen);
                due.chosen = all;
            }
            Missed::Latest if due.chosen.is_empty() => due.chosen.extend(due.missed.pop_back()),
            Missed::Latest | Missed::Skip => {}
        }
        due
    }

    fn after(&self, moment: Timestamp) -> Option<Timestamp> {
        self.timing.next_after(self.anchor.0, moment.0).map(Timestamp)
    }

    /// Puts what is on time among the chosen, what is late among the missed. Gives where it stopped.
    fn walk(&self, from: Timestamp, due: &mut Due, late_before: Timestamp) -> Option<Timestamp> {
        let mut at = from;
        for _ in 0..MAX_COUNTED {
            if at > self.now {
                return Some(at);
            }
            if at < late_before {
                due.missed.push_back(at);
            } else {
                due.chosen.push(at);
            }
            if due.missed.len() > MAX_CATCH_UP
                && let Some(out) = due.missed.pop_front()
            {
                let before = due.older.unwrap_or(Older { from: out, to: out, count: 0 });
                due.older = Some(Older { to: out, count: before.count + 1, ..before });
            }
            at = self.after(at)?;
        }
        Some(at)
    }

    /// A place from which it is not far to now, judged by how far it was up to here.
    fn near_the_end(&self, reached: Timestamp) -> Timestamp {
        let step = (reached.0 - self.next.0) / MAX_COUNTED as i64;
        let start = self.now.0.saturating_sub(step.saturating_mul(2 * MAX_CATCH_UP as i64));
        if start <= reached.0 {
            return reached;
        }
        self.after(Timestamp(start)).filter(|at| *at <= self.now).unwrap_or(reached)
    }
}
