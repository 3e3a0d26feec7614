//! C10: journals without gaps, traces without open ends, replays that give the stored result.

use super::{Index, Violation};
use crate::crash::history::{Entry, Job};

pub(super) fn check(index: &Index<'_>) -> Vec<Violation> {
    let jobs = index.evidence.history.jobs.iter().filter(|job| job.is_final());
    jobs.filter_map(|job| {
        let what = gap(index, index.recorded(job))
            .or_else(|| job.trace_lacks.as_ref().map(|lacks| format!("its trace is not complete: {lacks}")))
            .or_else(|| job.replay_differs.as_ref().map(|why| format!("its replay does not match: {why}")))?;
        let evidence = job.journal.iter().map(|entry| format!("{entry:?}")).collect();
        Some(Violation { check: "C10", what: format!("{} ({}): {what}", job.id, job.workflow), evidence })
    })
    .collect()
}

fn gap(index: &Index<'_>, job: &Job) -> Option<String> {
    let wrong = job.journal.iter().zip(0..).find(|(entry, sequence)| entry.sequence != *sequence);
    if let Some((entry, sequence)) = wrong {
        return Some(format!("its journal has entry {} where {sequence} belongs", entry.sequence));
    }
    // By a clock that was set back, an earlier moment comes later.
    let when = |entry: &Entry| index.clocks.when(entry.at).unwrap_or(entry.at);
    let goes_back = |pair: &&[Entry]| pair[0].at > pair[1].at && when(&pair[0]) > when(&pair[1]);
    let back = job.journal.windows(2).find(goes_back)?;
    Some(format!("time goes back in its journal after entry {}", back[0].sequence))
}

#[cfg(test)]
mod tests {
    use super::super::Violation;
    use super::super::synthetic::Story;

    #[test]
    fn a_gap_in_a_journal_is_c10() {
        let mut story = Story::good();
        story.job("job_five").journal.remove(1);
        story.expect("C10", "its journal has entry 2 where 1 belongs");
    }

    #[test]
    fn time_that_goes_back_is_c10() {
        let mut story = Story::good();
        let first = story.job("job_five").journal[0].at;
        story.job("job_five").journal[1].at = first - 1;
        story.expect("C10", "time goes back");
    }

    #[test]
    fn an_earlier_moment_of_a_clock_that_was_set_back_is_later() {
        let mut story = Story::good();
        let entry = story.job("job_five").journal[1].clone();
        story.jump(entry.started_at, -1);
        story.lacks("C10");
        let mut evidence = story.recorded();
        let job = evidence.history.jobs.iter_mut().find(|job| job.id == "job_five").unwrap();
        let (first, ahead_us) = (job.journal[0].at, -3_600_000_000);
        // By the clock of the moment, as when a job that is not at work is cancelled.
        job.journal[1].at = entry.at + ahead_us;
        let is_c10 = |violation: &Violation| violation.check == "C10" && violation.what.contains("job_five");
        assert!(!super::super::check(&evidence).iter().any(is_c10));
        // Not one of the clock before.
        let job = evidence.history.jobs.iter_mut().find(|job| job.id == "job_five").unwrap();
        job.journal[1].at = first - 1;
        assert!(super::super::check(&evidence).iter().any(is_c10));
    }

    #[test]
    fn an_incomplete_trace_is_c10() {
        let mut story = Story::good();
        story.job("job_set").trace_lacks = Some("step /do/0 is running".to_owned());
        story.expect("C10", "its trace is not complete: step /do/0 is running");
    }

    #[test]
    fn a_replay_that_gives_something_else_is_c10() {
        let mut story = Story::good();
        story.job("job_set").replay_differs = Some("{\"matches\":false}".to_owned());
        story.expect("C10", "its replay does not match");
    }
}
