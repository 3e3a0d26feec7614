//! C6: jobs of one ordering key run one after the other, in the order of their events, without gaps.

use super::{Index, Key, Violation};
use crate::crash::history::Job;
use std::collections::BTreeMap;

pub(super) fn check(index: &Index<'_>) -> Vec<Violation> {
    let mut lanes: BTreeMap<&str, BTreeMap<u64, &Key<'_>>> = BTreeMap::new();
    for key in index.keys.values() {
        if let Some((lane, number)) = key.lane {
            lanes.entry(lane).or_default().insert(number, key);
        }
    }
    lanes.iter().flat_map(|(lane, keys)| lane_violations(index, lane, keys)).collect()
}

fn lane_violations(index: &Index<'_>, lane: &str, keys: &BTreeMap<u64, &Key<'_>>) -> Vec<Violation> {
    let jobs: Vec<(u64, &Job)> = keys
        .iter()
        .filter_map(|(number, key)| Some((*number, *index.jobs(key.key, key.flow.name).first()?)))
        .collect();
    let mut violations = Vec::new();
    for pair in jobs.windows(2) {
        let [(number, before), (next, after)] = pair else { continue };
        let what = if *next != number + 1 {
            Some("but there is none between")
        } else if before.ended_at.zip(after.started_at).is_none_or(|(ended, started)| ended > started) {
            Some("but it started before the other had ended")
        } else if seen_out_of_order(index, before, after) {
            Some("but the sink saw it before the other's last call")
        } else {
            None
        };
        if let Some(what) = what {
            let what = format!("lane {lane}: job {next} follows job {number}, {what}");
            let evidence = vec![format!("{before:?}"), format!("{after:?}")];
            violations.push(Violation { check: "C6", what, evidence });
        }
    }
    violations
}

fn seen_out_of_order(index: &Index<'_>, before: &Job, after: &Job) -> bool {
    let (Some(last), Some(first)) = (index.arrivals(&before.id).last(), index.arrivals(&after.id).first())
    else {
        return false;
    };
    first.at < last.at
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::Story;

    #[test]
    fn a_job_that_starts_before_the_other_ended_is_c6() {
        let mut story = Story::good();
        let ended = story.job("job_first").ended_at;
        story.job("job_second").started_at = ended.map(|ended| ended - 1);
        story.expect("C6", "started before the other had ended");
    }

    #[test]
    fn calls_out_of_order_are_c6() {
        let mut story = Story::good();
        let started = story.job("job_second").started_at.unwrap();
        story.kill(started);
        story.again("job_first", 1, started + 500_000);
        story.expect("C6", "the sink saw it before the other's last call");
    }

    #[test]
    fn a_job_that_starts_while_the_one_before_is_parked_is_c6() {
        let mut story = Story::good();
        let ended = story.job("job_given-up").ended_at.unwrap();
        story.job("job_after").started_at = Some(ended - 1);
        story.expect("C6", "started before the other had ended");
        let mut story = Story::good();
        story.job("job_given-up").ended_at = None;
        story.expect("C6", "started before the other had ended");
    }

    #[test]
    fn a_call_while_the_job_before_waits_is_c6() {
        let mut story = Story::good();
        let pause = story.job("job_first").journal[0].clone();
        story.call("job_second", "ordered", pause.started_at + 1);
        story.expect("C6", "the sink saw it before the other's last call");
    }

    #[test]
    fn a_gap_is_c6() {
        let mut story = Story::good();
        for record in &mut story.evidence.produced {
            if let Some((_, number)) = record.lane.as_mut().filter(|(_, number)| *number == 2) {
                *number = 3;
            }
        }
        story.expect("C6", "but there is none between");
    }
}
