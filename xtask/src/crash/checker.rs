//! The checker: reads what producers, sink, nemesis and Tenon recorded, each by itself, and says where they
//! cannot all be true (the checks of measure.md). It never talks to a running Tenon; a check is a function of
//! evidence, and each has a test in which it fails.

mod clocks;
mod delivery;
mod effects;
mod families;
mod lanes;
mod listening;
mod occurrences;
mod polled;
mod replay;
mod surprise;
#[cfg(test)]
mod synthetic;
mod timers;
mod variables;

use super::flows::{self, Flow, Way};
use super::history::{History, Job};
use super::record::{
    Acknowledgement, Answer, Arrival, Fault, Mended, Polled, Produced, Remedy, Replied, Rotated, Sending,
    Sunk,
};
use super::source::POLLERS;
use super::timetable::{self, OWN};
use clocks::Clocks;
use std::collections::{BTreeMap, HashMap};

/// The checks, in order.
pub(crate) const CHECKS: &[(&str, &str)] = &[
    ("C1", "every acknowledged event has exactly one terminal job per workflow"),
    ("C2", "an event whose acknowledgement was never seen has none or one"),
    ("C3", "one dedup key, one event, one job"),
    ("C4", "nothing unexpected"),
    ("C5", "no attempt after its outcome was recorded"),
    ("C6", "in order, one at a time, for each key"),
    ("C8", "no timer early, none later than its bound"),
    ("C9", "the backlog drains once faults stop"),
    ("C10", "every trace complete, every replay gives the stored result"),
    ("C11", "every child once, and ended before its parent goes on"),
    ("C12", "every event that is listened for taken once, by one job, in order"),
    ("C13", "every call has the variables of its time, and no secret is kept"),
    ("C14", "every item that was offered to a poller is one event, and none is skipped"),
    (
        "C15",
        "every occurrence once, none early, none lost, queues and sequences in order, what is passed over noted",
    ),
];

/// All logs of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    pub(crate) produced: Vec<Produced>,
    pub(crate) sunk: Vec<Sunk>,
    pub(crate) replied: Vec<Replied>,
    pub(crate) rotated: Vec<Rotated>,
    pub(crate) polled: Vec<Polled>,
    pub(crate) mended: Vec<Mended>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) history: History,
    /// Files of Tenon's that have a secret in the clear.
    pub(crate) spilled: Vec<String>,
}

/// Something that must never be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// `C1` …
    pub(crate) check: &'static str,
    pub(crate) what: String,
    /// Lines of the logs that show it.
    pub(crate) evidence: Vec<String>,
}

/// Runs every check.
pub(crate) fn check(evidence: &Evidence) -> Vec<Violation> {
    let (told, strange) = clocks::on_one_clock(evidence);
    let index = Index::new(&told, evidence);
    let checks = [
        delivery::check,
        surprise::check,
        effects::check,
        lanes::check,
        timers::check,
        drained,
        replay::check,
        families::check,
        listening::check,
        variables::check,
        polled::check,
        occurrences::check,
    ];
    strange.into_iter().chain(checks.iter().flat_map(|check| check(&index))).collect()
}

/// C9.
fn drained(index: &Index<'_>) -> Vec<Violation> {
    let last = index.evidence.faults.iter().rev().find(|fault| matches!(fault, Fault::Drained { .. }));
    let what = match last {
        Some(Fault::Drained { open: 0, .. }) => return Vec::new(),
        Some(fault) => format!("jobs were left when the time to drain was over: {fault:?}"),
        None => "nothing says that the backlog drained".to_owned(),
    };
    vec![Violation { check: "C9", what, evidence: Vec::new() }]
}

/// Evidence, put where the checks look for it.
struct Index<'a> {
    evidence: &'a Evidence,
    /// What Tenon's own clock showed. All moments here but those of occurrences are of the run's clock.
    clocks: Clocks,
    keys: BTreeMap<&'a str, Key<'a>>,
    /// Which workflow each item of the source belongs to, by the token that a poller gives it.
    items: HashMap<String, &'static Flow>,
    /// Parked jobs that somebody gave up; whether Tenon said that it is done.
    given_up: HashMap<&'a str, bool>,
    by_id: HashMap<&'a str, &'a Job>,
    /// The same, with the moments that Tenon recorded, by whatever clock it had.
    recorded: HashMap<&'a str, &'a Job>,
    /// By token, then by workflow.
    jobs: HashMap<&'a str, HashMap<&'a str, Vec<&'a Job>>>,
    /// By the job's id, in order of time.
    arrivals: HashMap<&'a str, Vec<&'a Arrival>>,
    /// By request.
    answers: HashMap<u64, Answer>,
    /// When SIGKILL was sent and when the process was gone.
    kills: Vec<(i64, i64)>,
    /// When the process was started.
    launches: Vec<i64>,
    /// From ready to killed.
    lives: Vec<(i64, i64)>,
    /// When the machine itself stood still, the process was stopped, or could not write.
    stalls: Vec<(i64, i64)>,
    /// When the disk was full.
    filled: Vec<(i64, i64)>,
}

/// What producers know of one dedup key.
struct Key<'a> {
    key: &'a str,
    flow: &'static Flow,
    way: Way,
    lane: Option<(&'a str, u64)>,
    acknowledgements: Vec<&'a Acknowledgement>,
    /// All its records, for evidence.
    records: Vec<&'a Produced>,
}

impl<'a> Index<'a> {
    /// From evidence with all moments on the run's clock, and from the same as it was recorded.
    fn new(evidence: &'a Evidence, recorded: &'a Evidence) -> Self {
        let mut jobs: HashMap<&str, HashMap<&str, Vec<&Job>>> = HashMap::new();
        for job in &evidence.history.jobs {
            let token = job.token.as_deref().unwrap_or_default();
            jobs.entry(token).or_default().entry(&job.workflow).or_default().push(job);
        }
        let by_id =
            |evidence: &'a Evidence| evidence.history.jobs.iter().map(|job| (job.id.as_str(), job)).collect();
        let (by_id, recorded) = (by_id(evidence), by_id(recorded));
        let (arrivals, answers) = sunk(&evidence.sunk);
        let (kills, lives) = lives(&evidence.faults);
        let (launches, stalls) = (launches(&evidence.faults), stalls(&evidence.faults));
        let filled = filled(&evidence.faults);
        let (keys, items) = (keys(&evidence.produced), items(&evidence.polled));
        let given_up = given_up(&evidence.mended);
        Self {
            evidence,
            clocks: Clocks::new(&evidence.faults),
            keys,
            items,
            given_up,
            by_id,
            recorded,
            jobs,
            arrivals,
            answers,
            kills,
            launches,
            lives,
            stalls,
            filled,
        }
    }

    /// The workflow that a token was meant for.
    fn meant_for(&self, token: &str) -> Option<&'static Flow> {
        let sent = self.keys.get(token).map(|key| key.flow).or_else(|| self.items.get(token).copied());
        let timed = || timetable::occurrence(token).and_then(|(timed, _)| flows::flow(timed.name));
        // Who starts itself has no other token than its id.
        let own = || {
            self.by_id.get(token).filter(|job| job.workflow == OWN.name).and_then(|_| flows::flow(OWN.name))
        };
        sent.or_else(timed).or_else(own)
    }

    /// Jobs of a workflow that carry a token; reruns are not counted.
    fn jobs(&self, token: &str, workflow: &str) -> Vec<&'a Job> {
        let jobs = self.jobs.get(token).and_then(|workflows| workflows.get(workflow));
        jobs.into_iter().flatten().filter(|job| job.rerun_of.is_none()).copied().collect()
    }

    /// A job with the moments that Tenon recorded.
    fn recorded<'b>(&'b self, job: &'b Job) -> &'b Job {
        self.recorded.get(job.id.as_str()).copied().unwrap_or(job)
    }

    fn arrivals(&self, job: &str) -> &[&'a Arrival] {
        self.arrivals.get(job).map_or(&[], Vec::as_slice)
    }

    /// Whether Tenon was killed after `from` and before `to`.
    fn killed_between(&self, from: i64, to: i64) -> bool {
        self.kills.iter().any(|(at, gone)| *gone >= from && *at <= to)
    }

    /// How long it stood still between two moments, in microseconds.
    fn still_between(&self, from: i64, to: i64) -> i64 {
        overlap(&self.stalls, from, to)
    }

    /// How long Tenon was ready between two moments, in microseconds, while the machine was not standing still.
    fn ready_between(&self, from: i64, to: i64) -> i64 {
        self.ready_since(i64::MIN, (from, to))
    }

    /// The same, but only while its clock showed that something is due.
    fn ready_since(&self, due: i64, (from, to): (i64, i64)) -> i64 {
        let parts = self.lives.iter().map(|(begin, end)| {
            let due = due.saturating_sub(self.clocks.ahead(*begin));
            (from.max(*begin).max(due), to.min(*end))
        });
        parts.filter(|(from, to)| from < to).map(|(from, to)| to - from - self.still_between(from, to)).sum()
    }

    /// How long Tenon was ready while its clock showed what lies between two readings, in microseconds.
    fn ready_while_shown(&self, from: i64, to: i64) -> i64 {
        let parts = self.lives.iter().map(|(begin, end)| {
            let ahead = self.clocks.ahead(*begin);
            ((from - ahead).max(*begin), (to - ahead).min(*end))
        });
        parts.filter(|(from, to)| from < to).map(|(from, to)| to - from - self.still_between(from, to)).sum()
    }
}

impl Key<'_> {
    fn evidence(&self) -> Vec<String> {
        self.records.iter().map(|record| format!("{record:?}")).collect()
    }
}

type Arrivals<'a> = HashMap<&'a str, Vec<&'a Arrival>>;

fn sunk(sunk: &[Sunk]) -> (Arrivals<'_>, HashMap<u64, Answer>) {
    let mut arrivals: Arrivals<'_> = HashMap::new();
    let mut answers = HashMap::new();
    for record in sunk {
        match record {
            Sunk::Arrived(arrival) => arrivals.entry(job_of(&arrival.key)).or_default().push(arrival),
            Sunk::Answered { request, how, .. } => drop(answers.insert(*request, *how)),
            Sunk::Strange { .. } => {}
        }
    }
    for arrivals in arrivals.values_mut() {
        arrivals.sort_by_key(|arrival| arrival.at);
    }
    (arrivals, answers)
}

fn keys(produced: &[Produced]) -> BTreeMap<&str, Key<'_>> {
    let mut keys: BTreeMap<&str, Key<'_>> = BTreeMap::new();
    for record in produced {
        let Some(flow) = flows::flow(&record.flow) else { continue };
        let key = keys.entry(&record.key).or_insert_with(|| Key {
            key: &record.key,
            flow,
            way: record.way,
            lane: record.lane.as_ref().map(|(lane, number)| (lane.as_str(), *number)),
            acknowledgements: Vec::new(),
            records: Vec::new(),
        });
        key.records.push(record);
        if let Sending::Acknowledged(acknowledgement) = &record.step {
            key.acknowledgements.push(acknowledgement);
        }
    }
    keys
}

fn given_up(mended: &[Mended]) -> HashMap<&str, bool> {
    let mut given_up = HashMap::new();
    for record in mended.iter().filter(|record| record.remedy == Remedy::Skip) {
        *given_up.entry(record.job.as_str()).or_default() |= record.is_done;
    }
    given_up
}

fn items(polled: &[Polled]) -> HashMap<String, &'static Flow> {
    let mut items = HashMap::new();
    for record in polled {
        if let Polled::Offered { number, .. } = record {
            items.extend(
                POLLERS.iter().filter_map(|poller| Some((poller.token(*number), flows::flow(poller.name)?))),
            );
        }
    }
    items
}

/// `Idempotency-Key` is `<job>.<effect>`.
fn job_of(key: &str) -> &str {
    key.split_once('.').map_or(key, |(job, _)| job)
}

type Spans = Vec<(i64, i64)>;

fn overlap(spans: &[(i64, i64)], from: i64, to: i64) -> i64 {
    spans.iter().map(|(begin, end)| (to.min(*end) - from.max(*begin)).max(0)).sum()
}

fn launches(faults: &[Fault]) -> Vec<i64> {
    let launch = |fault: &Fault| match fault {
        Fault::Launched { at, .. } => Some(*at),
        _ => None,
    };
    faults.iter().filter_map(launch).collect()
}

/// Spans that do not overlap.
fn stalls(faults: &[Fault]) -> Spans {
    let stall = |fault: &Fault| match fault {
        Fault::Stalled { from, to } | Fault::Stopped { from, to } | Fault::Filled { from, to } => {
            Some((*from, *to))
        }
        _ => None,
    };
    let mut all: Spans = faults.iter().filter_map(stall).collect();
    all.sort_unstable();
    let mut spans = Spans::new();
    for (from, to) in all {
        match spans.last_mut().filter(|(_, end)| from <= *end) {
            Some((_, end)) => *end = to.max(*end),
            None => spans.push((from, to)),
        }
    }
    spans
}

fn filled(faults: &[Fault]) -> Spans {
    let filled = |fault: &Fault| match fault {
        Fault::Filled { from, to } => Some((*from, *to)),
        _ => None,
    };
    faults.iter().filter_map(filled).collect()
}

fn lives(faults: &[Fault]) -> (Spans, Spans) {
    let (mut kills, mut lives, mut ready) = (Vec::new(), Vec::new(), None);
    for fault in faults {
        match fault {
            Fault::Launched { .. } => ready = None,
            Fault::Ready { at } => ready = Some(*at),
            Fault::Killed { at, gone, .. } => {
                kills.push((*at, *gone));
                lives.extend(ready.take().map(|ready| (ready, *at)));
            }
            Fault::Drained { at, .. } => lives.extend(ready.take().map(|ready| (ready, *at))),
            _ => {}
        }
    }
    (kills, lives)
}

#[cfg(test)]
mod tests {
    use super::super::record::Surroundings;
    use super::synthetic::Story;
    use super::*;

    #[test]
    fn a_good_run_has_no_violation() {
        assert_eq!(check(&Story::good().evidence), []);
    }

    #[test]
    fn a_backlog_that_stays_is_c9() {
        let mut story = Story::good();
        story.evidence.faults.pop();
        story.expect("C9", "nothing says");
        story.evidence.faults.push(Fault::Drained { at: 9_000_000, took_us: 1, open: 3 });
        story.expect("C9", "jobs were left");
    }

    fn launched(at: i64) -> Fault {
        Fault::Launched { at, surroundings: Surroundings::default() }
    }

    #[test]
    fn time_is_only_counted_while_tenon_was_ready() {
        let faults = [
            launched(0),
            Fault::Ready { at: 10 },
            Fault::Killed { at: 20, gone: 21, moment: super::super::record::Moment::Time },
            launched(22),
            Fault::Ready { at: 40 },
            Fault::Stalled { from: 60, to: 70 },
            Fault::Stopped { from: 65, to: 75 },
            Fault::Drained { at: 100, took_us: 1, open: 0 },
        ];
        let evidence = Evidence { faults: faults.to_vec(), ..Evidence::default() };
        let index = Index::new(&evidence, &evidence);
        assert_eq!(index.ready_between(0, 50), 20);
        assert_eq!(index.ready_between(15, 30), 5);
        assert_eq!(index.ready_between(50, 70), 10);
        assert!(index.killed_between(0, 20) && index.killed_between(21, 30));
        assert!(!index.killed_between(0, 19) && !index.killed_between(22, 100));
    }
}
