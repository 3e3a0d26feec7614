//! `schedule.every|cron|after` and the same of triggers: when something starts by itself.
//!
//! Only the calendar: what comes next after a moment. What becomes of occurrences that were missed or overlap is
//! said here and done by whoever fires. Moments are microseconds since 1970.

use std::time::Duration;

use super::cron::Cron;

/// Shorter intervals and pauses are refused.
pub const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// When something starts by itself, and what becomes of the times at which that is not possible.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// When.
    pub timing: Timing,
    /// What becomes of times at which nobody could fire.
    pub missed: Missed,
    /// What becomes of times at which the run before is still at work.
    pub overlap: Overlap,
}

/// When.
#[derive(Debug, Clone)]
pub enum Timing {
    /// At the times of a cron expression.
    Cron(Box<Cron>),
    /// Each time this has passed since the schedule was first seen.
    Every(Duration),
    /// At once, and again so long after the run before has ended.
    After(Duration),
    /// Once.
    At(i64),
}

/// What becomes of occurrences during downtime.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Missed {
    /// They are passed over.
    Skip,
    /// The newest one is made up for, unless the next one is due already.
    #[default]
    Latest,
    /// They are made up for, in order.
    All,
}

/// What becomes of an occurrence while a run before it is still at work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Overlap {
    /// It starts beside it.
    #[default]
    Allow,
    /// It is left out.
    Skip,
    /// It waits for its end.
    Queue,
}

// === impl Missed ===

impl Missed {
    /// As documents say it.
    pub const NAMES: &[&str] = &["skip", "latest", "all"];

    /// One of [`Self::NAMES`]; anything else is the default.
    pub fn named(name: &str) -> Self {
        match name {
            "skip" => Self::Skip,
            "all" => Self::All,
            _ => Self::Latest,
        }
    }
}

// === impl Overlap ===

impl Overlap {
    /// As documents say it.
    pub const NAMES: &[&str] = &["allow", "skip", "queue"];

    /// One of [`Self::NAMES`]; anything else is the default.
    pub fn named(name: &str) -> Self {
        match name {
            "skip" => Self::Skip,
            "queue" => Self::Queue,
            _ => Self::Allow,
        }
    }
}

// === impl Timing ===

impl Timing {
    /// What tells this timing from any other: as long as the text is the same, a schedule goes on where it was.
    pub fn text(&self) -> String {
        match self {
            Self::Cron(cron) => format!("cron {} {}", cron.text(), cron.zone()),
            Self::Every(interval) => format!("every {}", seconds(*interval)),
            Self::After(pause) => format!("after {}", seconds(*pause)),
            Self::At(moment) => format!("at {moment}"),
        }
    }

    /// The first occurrence of a schedule that is first seen at `anchor`.
    pub fn first(&self, anchor: i64) -> Option<i64> {
        match self {
            Self::After(_) => Some(anchor),
            Self::At(moment) => (*moment >= anchor).then_some(*moment),
            Self::Cron(_) | Self::Every(_) => self.next_after(anchor, anchor),
        }
    }

    /// The first occurrence later than `moment`. `anchor`: when the schedule was first seen. What depends on the end
    /// of a run, or happens once, has none.
    pub fn next_after(&self, anchor: i64, moment: i64) -> Option<i64> {
        match self {
            Self::Cron(cron) => cron.next_after(moment),
            Self::Every(interval) => {
                let step = micros(*interval).max(1);
                let passed = (moment.saturating_sub(anchor)).div_euclid(step).max(0);
                anchor.checked_add(passed.checked_add(1)?.checked_mul(step)?)
            }
            Self::After(_) | Self::At(_) => None,
        }
    }

    /// When it starts again after a run that ended at this moment.
    pub fn again_after(&self, end: i64) -> Option<i64> {
        match self {
            Self::After(pause) => Some(end.saturating_add(micros(*pause))),
            _ => None,
        }
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn seconds(duration: Duration) -> String {
    format!("{}.{:06}", duration.as_secs(), duration.subsec_micros())
}
