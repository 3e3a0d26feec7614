//! C8: no timer fires early, by Tenon's own clock; how late it fires is bounded, counting only the time in which Tenon
//! was ready and its clock showed that the timer is due.

use super::{Index, Violation};
use crate::crash::flows::{self, Since};
use crate::crash::history::Job;
use crate::crash::record::Arrival;

/// Entries are stamped in whole microseconds, delays may be rounded to milliseconds.
const EARLY_SLACK_US: i64 = 1_000;
/// How late, in microseconds of readiness: a restart loads what is open, and two cores do everything here.
pub(super) const LATE_US: i64 = 5_000_000;

pub(super) fn check(index: &Index<'_>) -> Vec<Violation> {
    index.evidence.history.jobs.iter().filter_map(|job| job_violation(index, job)).collect()
}

fn job_violation(index: &Index<'_>, job: &Job) -> Option<Violation> {
    let timer = flows::flow(&job.workflow)?.timer.as_ref()?;
    // The journal's newest outcome, at first the capture, is what Tenon takes for now; by the clock that it had.
    let recorded = index.recorded(job);
    let (mut begun, mut before) = (job.created_at, recorded.created_at);
    let mut what = None;
    for (entry, recorded) in job.journal.iter().zip(&recorded.journal) {
        let (after, due) = (begun.max(entry.at - timer.delay_us), before + timer.delay_us);
        let ready = index.ready_since(due, (begun, entry.at));
        if timer.since == Since::Outcome {
            (begun, before) = (entry.at, recorded.at);
        }
        if entry.outcome != "fired" {
            continue;
        }
        // What is made again after the clock was set back comes when the timer has long fired.
        let before_it = after..entry.at;
        let next = index.arrivals(&job.id).iter().filter(|arrival| before_it.contains(&arrival.at));
        let next = next.map(|arrival| shown_to(index, arrival)).min();
        let fired = recorded.at;
        if fired < due - EARLY_SLACK_US {
            what = Some(format!("timer {} fired {} us early", entry.effect, due - fired));
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

/// What the clock of its sender can have shown, at most.
fn shown_to(index: &Index<'_>, arrival: &Arrival) -> i64 {
    if arrival.is_orphan { index.clocks.shown_to_sender(arrival.at) } else { index.clocks.shown(arrival.at) }
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
    fn a_timer_is_judged_by_the_clock_that_tenon_had() {
        // An hour back while it waits, and no hour more: it waits for the moment that it was told.
        let mut story = Story::good();
        let (created, fired) = (story.job("job_wait").created_at, story.job("job_wait").journal[0].at);
        story.jump(created + 1_000, -1);
        story.expect("C8", "fired");
        // Nor is it late while the clock shows what it showed before.
        let (before, late) = (created + 1_000, fired + LATE_US + 2_000_000);
        let mut story = Story::good();
        story.job("job_wait").journal[0].at = late;
        story.expect("C8", "in which Tenon was ready");
        story.jump(before, -1);
        story.jump(late - 1_000, 0);
        story.lacks("C8");
        // An hour forth: it may fire at once, but not be late.
        let mut story = Story::good();
        story.job("job_wait").journal[0].at = created + 10_000;
        story.expect("C8", "us early");
        story.jump(created + 5_000, 1);
        story.lacks("C8");
        let mut story = Story::good();
        story.job("job_wait").journal[0].at = created + 5_000 + LATE_US + 1_000;
        story.jump(created + 5_000, 1);
        story.expect("C8", "in which Tenon was ready");
    }

    #[test]
    fn what_follows_a_timer_may_be_made_again_after_an_hour_back() {
        let mut story = Story::good();
        let after = story.job("job_wait").journal[1].started_at;
        story.jump(after + 50, -1);
        story.lacks("C8");
    }

    #[test]
    fn a_wait_that_never_waited_is_c8() {
        let mut story = Story::good();
        story.job("job_wait").journal.remove(0);
        story.expect("C8", "it never waited");
    }
}
