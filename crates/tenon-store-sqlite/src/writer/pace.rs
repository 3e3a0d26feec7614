//! How many commands a transaction takes: enough that commits are a small part of the work, few enough that
//! whoever comes next does not wait long. Commands are tens of microseconds, commits anything from 50 µs to 50 ms,
//! so both are measured as they go. Where somebody quiet writes beside a crowd, transactions are short, commits half of
//! the work: what the quiet one sends next is to find a short one under way, and few answers before its own.

use std::time::{Duration, Instant};

use super::batch::Size;

/// Commands of one transaction at most.
const MOST: usize = 512;
/// And so many in any case. Who takes fewer has time.
pub(super) const LEAST: usize = 8;
/// A transaction may take this long, or so many times as long as a commit.
const LONG: Span = Span { least: Duration::from_millis(2), commits: 8 };
/// The same beside somebody quiet.
const SHORT: Span = Span { least: Duration::from_micros(250), commits: 1 };
/// So long after its last command somebody quiet is still reckoned with.
const COMPANY: Duration = Duration::from_secs(1);
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
    /// When somebody quiet was seen last.
    quiet: Option<Instant>,
}

// === impl Pace ===

impl Pace {
    /// Before anything was measured.
    pub(crate) fn new() -> Self {
        Self { command: Duration::from_micros(20), commit: Duration::from_micros(500), quiet: None }
    }

    /// How many commands the next transaction takes.
    pub(super) fn size(&self, now: Instant) -> Size {
        let has_company = self.quiet.is_some_and(|seen| now.saturating_duration_since(seen) < COMPANY);
        let span = if has_company { &SHORT } else { &LONG };
        let most = self.count(span.least.max(self.commit * span.commits));
        // What somebody quiet gains by an early end all others pay with a commit.
        let least = self.count(self.commit / 2).min(most);
        Size { least, most }
    }

    /// Somebody quiet wrote beside a crowd.
    pub(crate) fn seen_quiet(&mut self, now: Instant) {
        self.quiet = Some(now);
    }

    /// How many commands take so long.
    fn count(&self, span: Duration) -> usize {
        let count = span.as_nanos() / self.command.as_nanos().max(1);
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

    fn after(command: Duration, commit: Duration) -> Pace {
        let mut pace = Pace::new();
        for _ in 0..100 {
            pace.measured(100, command * 100, commit);
        }
        pace
    }

    #[test]
    fn a_transaction_is_as_long_as_its_commit_is_worth() {
        let (micro, milli) = (Duration::from_micros, Duration::from_millis);
        let check = |command, commit, (least, short, long): (usize, usize, usize)| {
            let mut pace = after(command, commit);
            let about = format!("{command:?} each, {commit:?} the commit");
            assert_eq!(pace.size(now()), Size { least, most: long }, "{about}");
            pace.seen_quiet(now());
            assert_eq!(pace.size(now()), Size { least, most: short }, "{about}");
        };
        check(micro(20), micro(100), (LEAST, 12, 100));
        check(micro(20), milli(1), (24, 49, 399));
        check(micro(20), milli(20), (499, MOST, MOST));
        check(milli(1), micro(100), (LEAST, LEAST, LEAST));
    }

    #[test]
    fn it_is_short_while_somebody_quiet_is_about() {
        let mut pace = after(Duration::from_micros(20), Duration::from_micros(100));
        let seen = now();
        pace.seen_quiet(seen);
        assert_eq!(pace.size(seen).most, 12);
        assert_eq!(pace.size(seen + COMPANY / 2).most, 12);
        assert_eq!(pace.size(seen + COMPANY).most, 100);
    }
}
