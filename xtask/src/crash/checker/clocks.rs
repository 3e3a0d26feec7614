//! What Tenon's clock showed, and when that was. The clock may be set between two lives; then what Tenon recorded says
//! when things happened only if one knows by which clock. Hours lie between the clocks of a run, so each moment that
//! was recorded can be of one of them only.

use super::{Evidence, Violation};
use crate::crash::history::Job;
use crate::crash::record::Fault;
use std::borrow::Cow;

/// How far the run's own clock and the machine's may be apart at a restart, in microseconds.
const SLACK_US: i64 = 5_000;
/// The last life, which nothing ends, is not longer: less than what clocks are apart.
const LAST_LIFE_US: i64 = 1_800_000_000;

/// The clocks of all lives.
pub(super) struct Clocks(Vec<Life>);

/// From one start to the next.
struct Life {
    from: i64,
    to: i64,
    ahead_us: i64,
}

/// The evidence with every moment of a job on the run's clock, and jobs that have one which no clock showed.
pub(super) fn on_one_clock(evidence: &Evidence) -> (Cow<'_, Evidence>, Vec<Violation>) {
    let clocks = Clocks::new(&evidence.faults);
    if clocks.are_right() {
        return (Cow::Borrowed(evidence), Vec::new());
    }
    let mut evidence = evidence.clone();
    let jobs = evidence.history.jobs.iter_mut();
    let violations = jobs.filter_map(|job| clocks.put_right(job)).collect();
    (Cow::Owned(evidence), violations)
}

// === impl Clocks ===

impl Clocks {
    pub(super) fn new(faults: &[Fault]) -> Self {
        let launches = faults.iter().filter_map(|fault| match fault {
            Fault::Launched { at, surroundings } => Some((*at, surroundings.ahead_us)),
            _ => None,
        });
        let mut lives: Vec<Life> = Vec::new();
        for (at, ahead_us) in launches {
            if let Some(before) = lives.last_mut() {
                before.to = at;
            }
            lives.push(Life { from: at, to: at + LAST_LIFE_US, ahead_us });
        }
        Self(lives)
    }

    /// Whether all of them are.
    pub(super) fn are_right(&self) -> bool {
        self.0.iter().all(|life| life.ahead_us == 0)
    }

    /// How far it was ahead at a moment.
    pub(super) fn ahead(&self, at: i64) -> i64 {
        self.0.iter().rev().find(|life| life.from <= at).map_or(0, |life| life.ahead_us)
    }

    /// What it showed at a moment.
    pub(super) fn shown(&self, at: i64) -> i64 {
        at + self.ahead(at)
    }

    /// The most that it had ever shown at a moment.
    pub(super) fn shown_until(&self, at: i64) -> i64 {
        let lives = self.0.iter().filter(|life| life.from <= at);
        lives.map(|life| at.min(life.to) + life.ahead_us).max().unwrap_or(at)
    }

    /// The most that it can have shown when something was sent that was seen at a moment: the sender may be of the
    /// life before.
    pub(super) fn shown_to_sender(&self, at: i64) -> i64 {
        let started = self.0.iter().rev().skip_while(|life| life.from > at);
        at + started.take(2).map(|life| life.ahead_us).max().unwrap_or(0)
    }

    /// When it was set forth.
    pub(super) fn set_forth(&self) -> impl Iterator<Item = i64> + '_ {
        let forth = self.0.windows(2).filter(|pair| pair[0].ahead_us < pair[1].ahead_us);
        forth.map(|pair| pair[1].from)
    }

    /// When it showed something.
    pub(super) fn when(&self, shown: i64) -> Option<i64> {
        let near = |slack: i64| {
            self.0.iter().find_map(|life| {
                let at = shown - life.ahead_us;
                let is_then = (life.from - slack..life.to + slack).contains(&at);
                is_then.then(|| at.max(life.from).min(life.to - 1))
            })
        };
        near(0).or_else(|| near(SLACK_US))
    }

    /// Puts all moments of a job on the run's clock.
    fn put_right(&self, job: &mut Job) -> Option<Violation> {
        let mut strange = None;
        let mut right = |moment: &mut i64| match self.when(*moment) {
            Some(at) => *moment = at,
            None => strange = Some(*moment),
        };
        [&mut job.created_at]
            .into_iter()
            .chain(&mut job.started_at)
            .chain(&mut job.ended_at)
            .for_each(&mut right);
        for entry in &mut job.journal {
            right(&mut entry.at);
            // A timer "started" when it was due, which is no moment that anybody saw.
            if entry.outcome != "fired" {
                right(&mut entry.started_at);
            }
        }
        let what = strange.map(|strange| {
            format!("{} ({}) has a moment that no clock showed: {strange}", job.id, job.workflow)
        });
        let violation = what.map(|what| Violation { check: "C4", what, evidence: vec![format!("{job:?}")] });
        release(job);
        violation
    }
}

/// A job's own time does not go back: what it records after the clock was set back bears the newest moment of before, and
/// seems to be recorded before it began. Such an entry is put where the next thing happened that bears its own moment.
fn release(job: &mut Job) {
    let mut newest = job.created_at;
    let mut is_held = Vec::new();
    for entry in &job.journal {
        if entry.outcome != "fired" {
            newest = newest.max(entry.started_at);
        }
        is_held.push(entry.at < newest);
        newest = newest.max(entry.at);
    }
    let mut next = job.ended_at.unwrap_or(i64::MAX / 2);
    for (entry, is_held) in job.journal.iter_mut().zip(is_held).rev() {
        if is_held {
            entry.at = next;
        } else {
            next = entry.at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::Story;
    use super::*;
    use crate::crash::record::Surroundings;

    const HOUR_US: i64 = 3_600_000_000;

    fn clocks() -> Clocks {
        let launched = |(at, hours): &(i64, i64)| {
            let surroundings = Surroundings { ahead_us: hours * HOUR_US, sync_ms: 0 };
            Fault::Launched { at: *at, surroundings }
        };
        Clocks::new(&[(0, 0), (1_000_000, 1), (2_000_000, 0), (3_000_000, -1)].map(|life| launched(&life)))
    }

    #[test]
    fn a_moment_is_of_the_clock_that_showed_it() {
        let clocks = clocks();
        assert_eq!(clocks.set_forth().collect::<Vec<_>>(), [1_000_000]);
        for at in [0, 999_999, 1_000_000, 1_500_000, 2_000_000, 2_999_999, 3_000_000, 99_000_000] {
            assert_eq!(clocks.when(clocks.shown(at)), Some(at), "{at}");
        }
        assert_eq!(clocks.shown(1_500_000), 1_500_000 + HOUR_US);
        assert_eq!(clocks.when(1_500_000), None);
        assert_eq!(clocks.when(2_500_000 + HOUR_US), None);
        // A clock that is a little slow.
        assert_eq!(clocks.when(999_000 + HOUR_US), Some(1_000_000));
    }

    #[test]
    fn what_is_recorded_after_an_hour_back_is_not_taken_for_older_than_it_is() {
        let mut story = Story::good();
        let (second, third) = (story.job("job_five").journal[1].clone(), story.job("job_five").journal[2].at);
        // Its second call, and all after it, by a clock that is an hour behind what was recorded before.
        story.jump(second.started_at, -1);
        for check in ["C4", "C5", "C6", "C8", "C10", "C11", "C13"] {
            story.lacks_saying(check, "job_five");
        }
        story.kill(third + 10_000);
        story.again("job_five", 1, third + LAST_LIFE_US / 2);
        story.expect("C5", "job_five (five): attempt 1 of job_five.do.five-2 started");
    }

    #[test]
    fn who_sent_something_may_be_of_the_life_before() {
        let clocks = clocks();
        assert_eq!(clocks.shown_to_sender(500_000), 500_000);
        assert_eq!(clocks.shown_to_sender(1_500_000), 1_500_000 + HOUR_US);
        assert_eq!(clocks.shown_to_sender(2_500_000), 2_500_000 + HOUR_US);
        assert_eq!(clocks.shown_to_sender(3_500_000), 3_500_000);
    }

    #[test]
    fn a_moment_that_no_clock_showed_is_c4() {
        let mut story = Story::good();
        let created = story.job("job_five").created_at;
        story.jump(created, 1);
        story.lacks_saying("C4", "no clock showed");
        // As if the clock had not been set at all.
        let violations = super::super::check(&story.evidence);
        let what = "job_five (five) has a moment that no clock showed";
        assert!(violations.iter().any(|violation| violation.what.contains(what)), "{violations:#?}");
    }
}
