//! C10: journals without gaps, traces without open ends, replays that give the stored result.

use super::{Index, Violation};
use crate::crash::history::Job;

pub(super) fn check(index: &Index<'_>) -> Vec<Violation> {
    let jobs = index.evidence.history.jobs.iter().filter(|job| job.is_final());
    jobs.filter_map(|job| {
        let what = gap(job)
            .or_else(|| job.trace_lacks.as_ref().map(|lacks| format!("its trace is not complete: {lacks}")))
            .or_else(|| job.replay_differs.as_ref().map(|why| format!("its replay does not match: {why}")))?;
        let evidence = job.journal.iter().map(|entry| format!("{entry:?}")).collect();
        Some(Violation { check: "C10", what: format!("{} ({}): {what}", job.id, job.workflow), evidence })
    })
    .collect()
}

fn gap(job: &Job) -> Option<String> {
    let wrong = job.journal.iter().zip(0..).find(|(entry, sequence)| entry.sequence != *sequence);
    if let Some((entry, sequence)) = wrong {
        return Some(format!("its journal has entry {} where {sequence} belongs", entry.sequence));
    }
    let back = job.journal.windows(2).find(|pair| pair[0].at > pair[1].at)?;
    Some(format!("time goes back in its journal after entry {}", back[0].sequence))
}

#[cfg(test)]
mod tests {
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
