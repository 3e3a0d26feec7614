//! C8: no timer fires early; how late it fires is bounded, counting only the time in which Tenon was ready.

use super::{Index, Violation};
use crate::crash::flows::{PAUSE_US, RETRY_DELAY_US};
use crate::crash::history::Job;

/// Entries are stamped in whole microseconds, delays may be rounded to milliseconds.
const EARLY_SLACK_US: i64 = 1_000;
/// How late, in microseconds of readiness: a restart loads what is open, and two cores do everything here.
pub(super) const LATE_US: i64 = 5_000_000;

pub(super) fn check(index: &Index<'_>) -> Vec<Violation> {
    index.evidence.history.jobs.iter().filter_map(|job| job_violation(index, job)).collect()
}

fn job_violation(index: &Index<'_>, job: &Job) -> Option<Violation> {
    let delay = match job.workflow.as_str() {
        "wait" => PAUSE_US,
        "retry" => RETRY_DELAY_US,
        _ => return None,
    };
    // A timer counts from the outcome before it; the first from the capture.
    let mut before = job.created_at;
    let mut what = None;
    for entry in &job.journal {
        let due = before + delay;
        before = entry.at;
        if entry.outcome != "fired" {
            continue;
        }
        let next = index.arrivals(&job.id).iter().find(|arrival| arrival.at >= entry.at - delay);
        let ready = index.ready_between(due, entry.at);
        if entry.at < due - EARLY_SLACK_US {
            what = Some(format!("timer {} fired {} us early", entry.effect, due - entry.at));
        } else if ready > LATE_US {
            what = Some(format!("timer {} fired after {ready} us in which Tenon was ready", entry.effect));
        } else if job.workflow == "wait" && next.is_some_and(|arrival| arrival.at < due - EARLY_SLACK_US) {
            what = Some(format!("the effect after timer {} was seen before it was due", entry.effect));
        }
    }
    if job.workflow == "wait"
        && job.state == "completed"
        && job.journal.iter().all(|entry| entry.outcome != "fired")
    {
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
    use super::{LATE_US, PAUSE_US};

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
    fn a_wait_that_never_waited_is_c8() {
        let mut story = Story::good();
        story.job("job_wait").journal.remove(0);
        story.expect("C8", "it never waited");
    }
}
