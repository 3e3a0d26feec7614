//! What schedules and pollers count about themselves, as Prometheus text, by workspace and trigger.
//!
//! Each has lines of its own, up to [`MAX_SERIES`] of a kind; those beyond share one line without a name, so that a
//! server with very many triggers does not flood whoever reads this. What is deleted or disabled has no line.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tenon_capture::{CaptureService, Counter};
use tenon_store::{ResourceId, Timestamp, WorkspaceId};

/// Schedules, or pollers, that have a line of their own.
const MAX_SERIES: usize = 500;

/// Of all triggers. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Counts(Arc<Inner>);

#[derive(Default)]
struct Inner {
    polls: Table<PollCounts>,
    schedules: Table<ScheduleCounts>,
}

/// Of all of one kind.
pub(crate) struct Table<C> {
    named: Mutex<HashMap<Place, Arc<Named<C>>>>,
    others: Arc<Named<C>>,
}

pub(crate) type Place = (WorkspaceId, ResourceId);

/// Of one, or of all that have no line of their own.
pub(crate) struct Named<C> {
    /// Workspace and trigger; none of the others.
    name: Option<(String, String)>,
    pub(crate) counts: C,
}

/// Of a poller.
pub(crate) struct PollCounts {
    /// Answers that were captured to their end.
    pub(crate) captured: Counter,
    /// Calls, answers or items that could not be used.
    pub(crate) failed: Counter,
    /// Nothing of it counts, since somebody else was at work.
    pub(crate) conflicts: Counter,
    /// Items that became events.
    pub(crate) events: Counter,
    /// Items that were known.
    pub(crate) repeats: Counter,
    /// When an answer was captured last; of one that never was, when it was first seen.
    last: AtomicI64,
}

/// Of a schedule.
pub(crate) struct ScheduleCounts {
    pub(crate) started: Counter,
    pub(crate) missed: Counter,
    pub(crate) skipped: Counter,
    /// Starts that were not possible, and sequences that ended early.
    pub(crate) failed: Counter,
    /// The oldest occurrence that nothing has become of; it may lie ahead.
    next: AtomicI64,
}

/// One family of lines.
struct Family<C> {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    /// `outcome="…"`, or nothing, and the number.
    values: Vec<(&'static str, Value<C>)>,
}

enum Value<C> {
    Count(fn(&C) -> &Counter),
    /// Seconds, as of a moment; only of those that have a name.
    Age(fn(&C, Timestamp) -> Duration),
}

// === impl Counts ===

impl Counts {
    pub(crate) fn polls(&self) -> &Table<PollCounts> {
        &self.0.polls
    }

    pub(crate) fn schedules(&self) -> &Table<ScheduleCounts> {
        &self.0.schedules
    }

    /// Shows them with the server's other metrics.
    pub(crate) fn show(&self, capture: &CaptureService) {
        let (counts, clock) = (self.clone(), capture.ports().clock.clone());
        capture.ports().metrics.others.add(move |text| {
            let now = clock.now();
            counts.0.polls.render(&poll_families(), now, text);
            counts.0.schedules.render(&schedule_families(), now, text);
        });
    }
}

// === impl Table ===

impl<C: Default> Default for Table<C> {
    fn default() -> Self {
        Self { named: Mutex::default(), others: Arc::new(Named { name: None, counts: C::default() }) }
    }
}

impl<C: Default> Table<C> {
    /// The counts of a trigger.
    pub(crate) fn of(&self, place: Place, workspace: &str, trigger: &str) -> Arc<Named<C>> {
        let mut named = self.lock();
        if let Some(known) = named.get(&place) {
            return Arc::clone(known);
        }
        if named.len() >= MAX_SERIES {
            return Arc::clone(&self.others);
        }
        let name = Some((workspace.to_owned(), trigger.to_owned()));
        let new = Arc::new(Named { name, counts: C::default() });
        named.insert(place, Arc::clone(&new));
        new
    }

    /// The counts of a trigger that was told of, else those of the others.
    pub(crate) fn find(&self, place: Place) -> Arc<Named<C>> {
        Arc::clone(self.lock().get(&place).unwrap_or(&self.others))
    }

    /// It is gone.
    pub(crate) fn remove(&self, place: Place) {
        self.lock().remove(&place);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Place, Arc<Named<C>>>> {
        self.named.lock().expect("no holder of this lock panics")
    }

    fn render(&self, families: &[Family<C>], now: Timestamp, text: &mut String) {
        let mut all: Vec<Arc<Named<C>>> = self.lock().values().map(Arc::clone).collect();
        if all.is_empty() {
            return;
        }
        all.sort_by(|one, other| one.name.cmp(&other.name));
        if all.len() >= MAX_SERIES {
            all.push(Arc::clone(&self.others));
        }
        for Family { name, kind, help, values } in families {
            writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}").expect(WRITES);
            for named in &all {
                let (workspace, trigger) =
                    named.name.as_ref().map_or(("", ""), |(workspace, trigger)| (workspace, trigger));
                for (label, value) in values {
                    let value = match value {
                        Value::Count(count) => count(&named.counts).get().to_string(),
                        Value::Age(age) if named.name.is_some() => {
                            age(&named.counts, now).as_secs_f64().to_string()
                        }
                        Value::Age(_) => continue,
                    };
                    let comma = if label.is_empty() { "" } else { "," };
                    writeln!(
                        text,
                        "{name}{{workspace=\"{workspace}\",trigger=\"{trigger}\"{comma}{label}}} {value}"
                    )
                    .expect(WRITES);
                }
            }
        }
    }
}

const WRITES: &str = "writing to a string cannot fail";

fn poll_families() -> [Family<PollCounts>; 3] {
    [
        Family {
            name: "tenon_polls_total",
            kind: "counter",
            help: "answers that pollers asked for",
            values: vec![
                ("outcome=\"captured\"", Value::Count(|counts| &counts.captured)),
                ("outcome=\"failed\"", Value::Count(|counts| &counts.failed)),
                ("outcome=\"conflict\"", Value::Count(|counts| &counts.conflicts)),
            ],
        },
        Family {
            name: "tenon_poll_items_total",
            kind: "counter",
            help: "items of those that were captured",
            values: vec![
                ("outcome=\"captured\"", Value::Count(|counts| &counts.events)),
                ("outcome=\"duplicate\"", Value::Count(|counts| &counts.repeats)),
            ],
        },
        Family {
            name: "tenon_poll_age_seconds",
            kind: "gauge",
            help: "since the last answer was captured",
            values: vec![("", Value::Age(PollCounts::age))],
        },
    ]
}

fn schedule_families() -> [Family<ScheduleCounts>; 2] {
    [
        Family {
            name: "tenon_schedule_occurrences_total",
            kind: "counter",
            help: "what became of the occurrences of schedules",
            values: vec![
                ("outcome=\"started\"", Value::Count(|counts| &counts.started)),
                ("outcome=\"missed\"", Value::Count(|counts| &counts.missed)),
                ("outcome=\"skipped\"", Value::Count(|counts| &counts.skipped)),
                ("outcome=\"failed\"", Value::Count(|counts| &counts.failed)),
            ],
        },
        Family {
            name: "tenon_schedule_lag_seconds",
            kind: "gauge",
            help: "age of the oldest occurrence that is due and has not started",
            values: vec![("", Value::Age(ScheduleCounts::lag))],
        },
    ]
}

// === impl PollCounts ===

impl Default for PollCounts {
    fn default() -> Self {
        Self {
            captured: Counter::default(),
            failed: Counter::default(),
            conflicts: Counter::default(),
            events: Counter::default(),
            repeats: Counter::default(),
            last: AtomicI64::new(0),
        }
    }
}

impl PollCounts {
    /// The poller is there. A new revision of it changes nothing.
    pub(crate) fn begins(&self, at: Timestamp) {
        let _known = self.last.compare_exchange(0, at.0, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// An answer was captured.
    pub(crate) fn brought(&self, at: Timestamp) {
        self.last.store(at.0, Ordering::Relaxed);
    }

    fn age(&self, now: Timestamp) -> Duration {
        match self.last.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            last => now.since(Timestamp(last)),
        }
    }
}

// === impl ScheduleCounts ===

impl Default for ScheduleCounts {
    fn default() -> Self {
        Self {
            started: Counter::default(),
            missed: Counter::default(),
            skipped: Counter::default(),
            failed: Counter::default(),
            next: AtomicI64::new(i64::MAX),
        }
    }
}

impl ScheduleCounts {
    /// What comes next, or waits.
    pub(crate) fn comes(&self, next: Option<Timestamp>) {
        self.next.store(next.map_or(i64::MAX, |next| next.0), Ordering::Relaxed);
    }

    fn lag(&self, now: Timestamp) -> Duration {
        now.since(Timestamp(self.next.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded() {
        let table = Table::<PollCounts>::default();
        let place = |number: usize| (WorkspaceId(1), ResourceId(number as i64));
        for number in 0..MAX_SERIES + 10 {
            let named = table.of(place(number), "default", &format!("t{number:03}"));
            named.counts.captured.increment();
        }
        let text = || {
            let mut text = String::new();
            table.render(&poll_families(), Timestamp(5_000_000), &mut text);
            text
        };
        let captured = |text: &str| text.lines().filter(|line| line.contains("polls_total{")).count();
        assert_eq!(captured(&text()), 3 * (MAX_SERIES + 1));
        let others = "tenon_polls_total{workspace=\"\",trigger=\"\",outcome=\"captured\"} 10";
        assert!(text().lines().any(|line| line == others));
        table.remove(place(7));
        assert!(!text().contains("\"t007\""), "what is gone has no line");
    }

    #[test]
    fn ages_are_those_of_the_moment() {
        let (polls, schedules) = (PollCounts::default(), ScheduleCounts::default());
        let now = Timestamp(10_000_000);
        assert_eq!((polls.age(now), schedules.lag(now)), (Duration::ZERO, Duration::ZERO));
        polls.begins(Timestamp(3_000_000));
        polls.brought(Timestamp(4_000_000));
        polls.begins(Timestamp(9_000_000));
        assert_eq!(polls.age(now), Duration::from_secs(6));
        for (next, lag) in [(Some(7_000_000), 3), (Some(11_000_000), 0), (None, 0)] {
            schedules.comes(next.map(Timestamp));
            assert_eq!(schedules.lag(now), Duration::from_secs(lag));
        }
    }
}
