//! C8: no timer fires early; how late it fires is bounded, counting only the time in which Tenon was ready.

use super::{Index, Violation};
use crate::crash::flows::{self, Since};
use crate::crash::history::Job;

/// Entries are stamped in whole microseconds, delays may be rounded to milliseconds.
const EARLY_SLACK_US: i64 = 1_000;
/// How late, in microseconds of readiness: a restart loads what is open, and two cores do everything here.
pub(super) const LATE_US: i64 = 5_000_000;

pub(super) fn check(index: &Index<'_>) -> Vec<Violation> {
    index.evidence.history.jobs.iter().filter_map(|job| job_violation(index, job)).collect()
}

fn job_violation(index: &Index<'_>, job: &Job) -> Option<Violation> {
    let timer = flows::flow(&job.workflow)?.timer.as_ref()?;
    // The journal's newest outcome, at first the capture, is what Tenon takes for now.
    let mut before = job.created_at;
    let mut what = None;
    for entry in &job.journal {
        let due = before + timer.delay_us;
        if timer.since == Since::Outcome {
            before = entry.at;
        }
        if entry.outcome != "fired" {
            continue;
        }
        let seen_at = index.arrivals(&job.id).iter().map(|arrival| arrival.at);
        let next = seen_at.filter(|at| *at >= entry.at - timer.delay_us).min();
        let ready = index.ready_between(due, entry.at);
        if entry.at < due - EARLY_SLACK_US {
            what = Some(format!("timer {} fired {} us early", entry.effect, due - entry.at));
        } else if ready > LATE_US {
            what = Some(format!("timer {} fired after {ready} us in which Tenon was ready", entry.effect));
        } else if timer.is_certain && next.is_some_and(|at| at < due - EARLY_SLACK_US) {
            what = Some(format!("the effect after timer {} was seen before it was due", entry.effect));
        }
    }
    let has_fired = job.journal.iter().any(|entry| entry.outcome == "fired");
    if timer.is_certain && job.state == "completed" && !has_fired {
        what = Some("it never waited".to_owned());
    }
    let mut evidence: Vec<String> = job.journal.iter().map(|entry| format!("{entry:?}")).collect();
    evidence.extend(index.arrivals(&job.id).iter().map(|arrival| format!("{arrival:?}")));
    what.map(|what| Violation {
        check: "C8",
        what: format!("{} ({}): {what}", job.id, job.workflow),
        evidence,
    })
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::Story;
    use super::LATE_US;
    use crate::crash::flows::{PAUSE_US, TIMEOUT_US};

    #[test]
    fn an_early_timer_is_c8() {
        let mut story = Story::good();
        let job = story.job("job_wait");
        job.journal[0].at = job.created_at + PAUSE_US - 2_000;
        story.expect("C8", "fired 2000 us early");
    }

    #[test]
    fn an_effect_before_its_timer_is_c8() {
        let mut story = Story::good();
        let created = story.job("job_wait").created_at;
        story.again("job_wait", 1, created + PAUSE_US - 50_000);
        story.expect("C8", "was seen before it was due");
    }

    #[test]
    fn a_timer_that_fires_much_too_late_is_c8_unless_tenon_was_down() {
        let mut story = Story::good();
        let created = story.job("job_wait").created_at;
        let late = created + PAUSE_US + LATE_US + 1_000;
        story.job("job_wait").journal[0].at = late;
        story.expect("C8", "in which Tenon was ready");
        story.down(created, late - 1_000);
        story.lacks("C8");
    }

    #[test]
    fn a_timeout_counts_from_when_its_task_began() {
        let mut story = Story::good();
        let job = story.job("job_deadline");
        let fired = job.journal.iter_mut().find(|entry| entry.outcome == "fired").unwrap();
        fired.at = job.created_at + TIMEOUT_US - 2_000;
        story.expect("C8", "fired 2000 us early");
    }

    #[test]
    fn a_wait_that_never_waited_is_c8() {
        let mut story = Story::good();
        story.job("job_wait").journal.remove(0);
        story.expect("C8", "it never waited");
    }
}
