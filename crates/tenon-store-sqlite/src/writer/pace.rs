//! How many commands a transaction takes: enough that commits are a small part of the work, few enough that
//! whoever comes next does not wait long, nor a workspace that has all of its commands in it. Commands are tens of
//! microseconds, commits anything from 50 µs to 50 ms, so both are measured as they go.

use std::time::{Duration, Instant};

/// Commands of one transaction at most.
const MOST: usize = 512;
/// And so many in any case.
const LEAST: usize = 16;
/// A transaction may take this long, or so many times as long as a commit.
const LONG: Span = Span { least: Duration::from_millis(2), commits: 8 };
/// The same when somebody whose commands are all in it waits for the rest.
const SHORT: Span = Span { least: Duration::from_micros(500), commits: 2 };
/// What a new measurement counts for, one part in so many.
const WEIGHT: u32 = 8;

/// How long a transaction is.
struct Span {
    least: Duration,
    commits: u32,
}

/// Moving averages.
pub(crate) struct Pace {
    command: Duration,
    commit: Duration,
}

// === impl Pace ===

impl Pace {
    /// Before anything was measured.
    pub(crate) fn new() -> Self {
        Self { command: Duration::from_micros(20), commit: Duration::from_micros(500) }
    }

    /// How many commands the next transaction takes.
    pub(crate) fn long(&self) -> usize {
        self.count(&LONG)
    }

    /// How many it takes at least, though somebody waits for its end only.
    pub(crate) fn short(&self) -> usize {
        self.count(&SHORT)
    }

    fn count(&self, span: &Span) -> usize {
        let span = span.least.max(self.commit * span.commits).as_nanos();
        let count = span / self.command.as_nanos().max(1);
        usize::try_from(count).unwrap_or(MOST).clamp(LEAST, MOST)
    }

    /// So many commands took so long, and so long their commit.
    pub(crate) fn measured(&mut self, commands: usize, applied: Duration, commit: Duration) {
        let commands = u32::try_from(commands).unwrap_or(u32::MAX).max(1);
        self.command = averaged(self.command, applied / commands);
        self.commit = averaged(self.commit, commit);
    }
}

fn averaged(before: Duration, now: Duration) -> Duration {
    (before * (WEIGHT - 1) + now) / WEIGHT
}

#[expect(
    clippy::disallowed_methods,
    reason = "the writer is a shell; its clock measures, it decides nothing that lasts"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(command: Duration, commit: Duration) -> (usize, usize) {
        let mut pace = Pace::new();
        for _ in 0..100 {
            pace.measured(100, command * 100, commit);
        }
        (pace.short(), pace.long())
    }

    #[test]
    fn a_transaction_is_as_long_as_its_commit_is_worth() {
        let (micro, milli) = (Duration::from_micros, Duration::from_millis);
        assert_eq!(after(micro(20), micro(100)), (25, 100), "half a millisecond, and two");
        let (short, long) = after(micro(20), milli(1));
        assert!(
            (97..=100).contains(&short) && (390..=400).contains(&long),
            "{short}: two commits, {long}: eight"
        );
        assert_eq!(after(micro(20), milli(20)), (MOST, MOST));
        assert_eq!(after(milli(1), micro(100)), (LEAST, LEAST));
    }
}
