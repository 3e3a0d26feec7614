//! What starts by itself, every second: triggers of every policy, and a workflow with a schedule of its own.
//!
//! Each occurrence names itself in what it starts, so that the checker can tell which it was.

use super::record::Pace;
use jiff::Timestamp;

/// Between two occurrences, in microseconds, unless they come slowly.
pub(crate) const STEP_US: i64 = 1_000_000;
const SLOW_STEP_US: i64 = 600 * STEP_US;
/// How documents say so, and how they say it of what comes slowly.
const STEPS: [(&str, &str); 2] = [("PT1S", "PT10M"), ("'* * * * * *'", "'0 */10 * * * *'")];
/// How long a job of `alone` waits, so that the next occurrence comes too early, in microseconds.
pub(crate) const ALONE_US: i64 = 1_200_000;
/// The workflow with a schedule of its own. What was missed is made up for. Its jobs do not know their occurrence;
/// notes say which it was.
pub(crate) const OWN: Timed = Timed { name: "own", has_all: true, starts: Starts::Workflow, rules: "" };

/// A schedule, and the workflow of the same name that it starts.
pub(crate) struct Timed {
    pub(crate) name: &'static str,
    /// Whether every occurrence starts something. Else it may be passed over, but only with a note.
    pub(crate) has_all: bool,
    pub(crate) starts: Starts,
    rules: &'static str,
}

/// What an occurrence starts, and how.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Starts {
    /// The workflow, by an event.
    Event,
    /// The workflow, by its name.
    Workflow,
    /// The same, but not before the occurrence before it has ended; in order.
    Queued,
    /// The workflow, and when it has completed, this one.
    Sequence(&'static str),
}

/// All triggers.
pub(crate) const TIMETABLE: &[Timed] = &[
    Timed { name: "every-all", has_all: true, starts: Starts::Event, rules: "every: PT1S\nmissed: all" },
    Timed {
        name: "cron-latest",
        has_all: false,
        starts: Starts::Event,
        rules: "cron: '* * * * * *'\nmissed: latest",
    },
    Timed {
        name: "every-skip",
        has_all: false,
        starts: Starts::Workflow,
        rules: "every: PT1S\nmissed: skip",
    },
    Timed {
        name: "alone",
        has_all: false,
        starts: Starts::Workflow,
        rules: "every: PT1S\nmissed: skip\noverlap: skip",
    },
    // What is made up for waits; the more so, the longer nobody was there.
    Timed {
        name: "queue",
        has_all: true,
        starts: Starts::Queued,
        rules: "every: PT1S\nmissed: all\noverlap: queue",
    },
    // Not a whole number of hours from UTC.
    Timed {
        name: "sequence",
        has_all: true,
        starts: Starts::Sequence("sequence-then"),
        rules: "cron: '* * * * * *'\ntimeZone: Asia/Kathmandu\nmissed: all\norder: sequence",
    },
];

/// The trigger of a name.
pub(crate) fn timed(name: &str) -> Option<&'static Timed> {
    TIMETABLE.iter().find(|timed| timed.name == name)
}

/// Whether a workflow starts by itself.
pub(crate) fn is_timed(workflow: &str) -> bool {
    let follows = |timed: &Timed| timed.follower() == Some(workflow);
    workflow == OWN.name || timed(workflow).is_some() || TIMETABLE.iter().any(follows)
}

/// Which schedule's occurrence gave a job its token, and when that was, in microseconds since 1970.
pub(crate) fn occurrence(token: &str) -> Option<(&'static Timed, i64)> {
    let (trigger, moment) = token.split_once('@')?;
    let timed = timed(trigger.strip_prefix("crash-")?)?;
    let moment: Timestamp = moment.parse().ok()?;
    Some((timed, moment.as_microsecond()))
}

/// Between two occurrences, in microseconds.
pub(crate) fn step_us(pace: Pace) -> i64 {
    match pace {
        Pace::Brisk => STEP_US,
        Pace::Slow => SLOW_STEP_US,
    }
}

/// A document that says "every second", at another pace.
pub(crate) fn at_pace(pace: Pace, document: String) -> String {
    match pace {
        Pace::Brisk => document,
        Pace::Slow => STEPS.iter().fold(document, |document, (brisk, slow)| document.replace(brisk, slow)),
    }
}

// === impl Timed ===

impl Timed {
    /// The trigger's name.
    pub(crate) fn trigger(&self) -> String {
        format!("crash-{}", self.name)
    }

    /// Where its notes are.
    pub(crate) fn notes(&self) -> String {
        if self.name == OWN.name {
            return format!("/api/v1/workflows/crash/{}/notes", self.name);
        }
        format!("{}/notes", self.path())
    }

    /// Where it is shown.
    pub(crate) fn path(&self) -> String {
        format!("/api/v1/triggers/{}", self.trigger())
    }

    /// The workflow that is started when the one of its own name has completed.
    pub(crate) fn follower(&self) -> Option<&'static str> {
        match self.starts {
            Starts::Sequence(then) => Some(then),
            _ => None,
        }
    }

    pub(crate) fn document(&self, pace: Pace) -> String {
        let Self { name, rules, .. } = self;
        let rules = at_pace(pace, (*rules).to_owned());
        let token = "'${ .trigger + \"@\" + .occurrence }'";
        let starts = match self.starts {
            Starts::Event => format!("emits: {{ type: crash.{name}, subject: {token} }}"),
            Starts::Workflow | Starts::Queued => format!("run: [ {{ workflow: crash/{name} }} ]"),
            Starts::Sequence(then) => {
                format!("run: [ {{ workflow: crash/{name} }}, {{ workflow: crash/{then} }} ]")
            }
        };
        format!("kind: schedule\n{rules}\n{starts}\ndata: {{ token: {token} }}\n")
    }

    /// What an occurrence is called by what it starts.
    #[cfg(test)]
    pub(crate) fn token(&self, at: i64) -> String {
        let moment = Timestamp::from_microsecond(at).expect("no test is so far away");
        format!("{}@{moment}", self.trigger())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_can_come_slowly() {
        for timed in TIMETABLE {
            let [brisk, slow] = [Pace::Brisk, Pace::Slow].map(|pace| timed.document(pace));
            let says = |document: &str, (brisk, slow): (usize, usize)| {
                let (mut has_brisk, mut has_slow) = (0, 0);
                for (brisk, slow) in STEPS {
                    has_brisk += document.matches(brisk).count();
                    has_slow += document.matches(slow).count();
                }
                assert_eq!((has_brisk, has_slow), (brisk, slow), "{document}");
            };
            says(&brisk, (1, 0));
            says(&slow, (0, 1));
        }
        assert_eq!([Pace::Brisk, Pace::Slow].map(step_us), [1_000_000, 600_000_000]);
        let own = at_pace(Pace::Slow, "schedule: { every: PT1S }".to_owned());
        assert_eq!(own, "schedule: { every: PT10M }");
    }

    #[test]
    fn an_occurrence_is_known_by_its_token() {
        for timed in TIMETABLE {
            let (found, at) = occurrence(&timed.token(1_500_000)).unwrap();
            assert_eq!((found.name, at), (timed.name, 1_500_000));
        }
        for other in ["mixed0-1", "crash-unknown@1970-01-01T00:00:01Z", "crash-alone@soon"] {
            assert!(occurrence(other).is_none(), "{other}");
        }
    }
}
