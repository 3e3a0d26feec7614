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
/// So many or fewer are gone through at the end of a stretch that has more than [`MAX_COUNTED`].
const MAX_AT_END: usize = 4 * MAX_CATCH_UP;
/// The shortest end that is tried, microseconds: nothing happens more often than once a second.
const FIRST_SPAN: i64 = MAX_CATCH_UP as i64 * 1_000_000;
/// The longest stretch of time there is, halved so often, is a microsecond.
const MAX_HALVINGS: usize = 128;

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
            cursor = self.walk(self.near_the_end(at, late_before), &mut due, late_before);
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

    /// The occurrence from which on there are enough late ones for all policies, and few enough to go through them;
    /// `reached` if there are not so many left. Found by halving the time before now, because occurrences may be
    /// anything but even: every second of one day in the year.
    fn near_the_end(&self, reached: Timestamp, late_before: Timestamp) -> Timestamp {
        let whole = self.now.0.saturating_sub(reached.0);
        // Microseconds before now, with too few and too many occurrences.
        let (mut few, mut many) = (0, None);
        for _ in 0..MAX_HALVINGS {
            let span = match many {
                Some(many) => i64::midpoint(few, many),
                None => whole.min(few.saturating_mul(2).max(FIRST_SPAN)),
            };
            let start = if span == whole { Some(reached) } else { self.after(Timestamp(self.now.0 - span)) };
            let count = start.map_or(0, |start| self.count_late(start, late_before));
            match start {
                Some(start) if count <= MAX_AT_END && (count > MAX_CATCH_UP || span == whole) => {
                    return start;
                }
                _ if count > MAX_AT_END => many = Some(span),
                _ => few = span,
            }
        }
        // Not reached: the bounds meet only where thousands happen within a second. What is left comes with the next plan.
        reached
    }

    /// How many late ones there are, `from` among them; counted a little beyond [`MAX_AT_END`]. Those that are on time
    /// are made up for besides.
    fn count_late(&self, from: Timestamp, late_before: Timestamp) -> usize {
        let later = |at: &Timestamp| self.after(*at);
        let all = std::iter::successors(Some(from), later).take_while(|at| *at < late_before);
        all.take(MAX_AT_END + 1).count()
    }
}

#[cfg(test)]
mod tests {
    use tenon_capture::parse_rfc3339;
    use tenon_workflow::{Cron, Zone};

    use super::*;

    fn at(text: &str) -> Timestamp {
        parse_rfc3339(text).expect("a moment")
    }

    /// Which one is made up for after a downtime from 2027 on, and what comes next.
    #[track_caller]
    fn check(cron: &str, now: &str, latest: &str, next: &str) {
        let cron = Cron::parse(cron, Zone::utc()).expect("a cron expression");
        let timing = Timing::Cron(Box::new(cron));
        let start = at("2027-01-01T00:00:00Z");
        let first = Timestamp(timing.next_after(start.0, start.0 - 1).expect("it happens"));
        let now = at(now);
        let question = Question { timing: &timing, anchor: start, next: first, now, up_since: now };
        let due = question.decide(Missed::Latest);
        assert_eq!(due.chosen, [at(latest)], "{timing:?}");
        assert_eq!(due.next, Some(at(next)), "{timing:?}");
        let (newest, oldest) = (due.missed.back().expect("more"), due.missed.front().expect("more"));
        assert_eq!(timing.next_after(start.0, newest.0), Some(at(latest).0), "none between them");
        let listed = due.missed.iter().zip(due.missed.iter().skip(1));
        assert!(listed.into_iter().all(|(one, other)| timing.next_after(0, one.0) == Some(other.0)));
        assert_eq!(due.missed.len(), MAX_CATCH_UP - 1, "the newest thousand, with the latest");
        let older = due.older.expect("there were more");
        assert_eq!(older.from, first);
        assert_eq!(timing.next_after(start.0, older.to.0), Some(oldest.0));
        assert!(older.count > MAX_COUNTED - MAX_CATCH_UP);
    }

    #[test]
    fn what_is_on_time_is_beside_the_thousand() {
        // Two thousand seconds before now, the first stretch with enough of them, has 997 late ones and five on time.
        let timing = Timing::Every(Duration::from_millis(1_995));
        let (start, now) = (at("2027-01-01T00:00:00Z"), at("2027-01-03T00:00:00Z"));
        let first = Timestamp(timing.first(start.0).expect("it happens"));
        let question = Question { timing: &timing, anchor: start, next: first, now, up_since: start };
        let chosen = question.decide(Missed::All).chosen;
        let pairs = chosen.iter().zip(&chosen[1..]);
        assert!(pairs.into_iter().all(|(one, other)| other.since(*one).as_millis() == 1_995), "the newest");
        let late_before = Timestamp(now.0 - ON_TIME.as_micros() as i64);
        let (late, on_time): (Vec<Timestamp>, Vec<Timestamp>) =
            chosen.into_iter().partition(|occurrence| *occurrence < late_before);
        assert_eq!((late.len(), on_time.len()), (MAX_CATCH_UP, 5));
    }

    #[test]
    fn the_latest_is_the_latest_however_uneven() {
        // Even.
        check("* * * * *", "2028-01-01T12:00:30Z", "2028-01-01T12:00:00Z", "2028-01-01T12:01:00Z");
        check("* * * * * *", "2037-05-01T00:00:00.5Z", "2037-05-01T00:00:00Z", "2037-05-01T00:00:01Z");
        // All at the beginning, all at the end, a rare one after a crowd.
        check("* * * 1 *", "2027-07-01T00:00:00Z", "2027-01-31T23:59:00Z", "2028-01-01T00:00:00Z");
        check("* * * * * 6", "2030-03-04T00:00:00Z", "2030-03-02T23:59:59Z", "2030-03-09T00:00:00Z");
        check("* * 0 1 1 *", "2040-12-31T00:00:00Z", "2040-01-01T00:59:59Z", "2041-01-01T00:00:00Z");
        check("* * * 1,12 *", "2027-12-01T00:00:30Z", "2027-12-01T00:00:00Z", "2027-12-01T00:01:00Z");
    }
}
