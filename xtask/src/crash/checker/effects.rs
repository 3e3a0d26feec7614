//! C5: a recorded step never runs again. An attempt may be seen twice only where it was in flight at a kill.
//!
//! Three independent signs, because each alone can be missed: the time of the outcome in the journal, a kill
//! between two sightings, and the order of a job's effects (a later one started, so the earlier one's outcome
//! must have been durable by then).

use super::{Index, Violation};
use crate::crash::flows::{self, Flow};
use crate::crash::history::{Entry, Job};
use crate::crash::record::Arrival;
use std::collections::HashMap;

/// An answer is recorded after the request was seen: causality, so only clocks may differ, in microseconds.
pub(super) const ANSWERED_SLACK_US: i64 = 5_000;
/// A call that failed without an answer (a timeout) may be recorded before the sink got to reading it.
const FAILED_SLACK_US: i64 = 1_000_000;

pub(super) fn check(index: &Index<'_>) -> Vec<Violation> {
    index.evidence.history.jobs.iter().filter_map(|job| job_violation(index, job)).collect()
}

/// The first thing wrong with a job's effects.
fn job_violation(index: &Index<'_>, job: &Job) -> Option<Violation> {
    let arrivals = index.arrivals(&job.id);
    let entries: HashMap<(String, u32), &Entry> = job
        .journal
        .iter()
        .map(|entry| ((format!("{}.{}", job.id, entry.effect), entry.attempt), entry))
        .collect();
    let entry_of = |arrival: &Arrival| entries.get(&(arrival.key.clone(), arrival.attempt)).copied();
    let flow = flows::flow(&job.workflow)?;
    let what = late(index, arrivals, &entry_of)
        .or_else(|| twice(index, arrivals))
        .or_else(|| backwards(flow, arrivals))
        .or_else(|| called_off(index, flow, (job, arrivals)))?;
    let mut evidence: Vec<String> = job.journal.iter().map(|entry| format!("{entry:?}")).collect();
    evidence.extend(arrivals.iter().map(|arrival| format!("{arrival:?}")));
    let (first, last) = (arrivals.first()?.at, arrivals.last()?.at);
    let kills = index.kills.iter().filter(|(at, gone)| *gone >= first && *at <= last);
    evidence.extend(kills.map(|kill| format!("killed {kill:?}")));
    Some(Violation { check: "C5", what: format!("{} ({}): {what}", job.id, job.workflow), evidence })
}

/// An attempt that was seen after its outcome had been recorded.
fn late<'a>(
    index: &Index<'_>,
    arrivals: &[&Arrival],
    entry_of: &impl Fn(&Arrival) -> Option<&'a Entry>,
) -> Option<String> {
    arrivals.iter().find_map(|arrival| {
        let entry = entry_of(arrival)?;
        let slack = if entry.outcome == "answered" { ANSWERED_SLACK_US } else { FAILED_SLACK_US };
        let late = arrival.at - entry.at - index.still_between(entry.at, arrival.at);
        (late > slack).then(|| {
            format!(
                "attempt {} of {} started {late} us after its outcome was recorded",
                arrival.attempt, arrival.key
            )
        })
    })
}

/// An attempt that was seen twice, though no kill lies between. What is read only after its sender's death was
/// sent before the kill.
fn twice(index: &Index<'_>, arrivals: &[&Arrival]) -> Option<String> {
    let mut last: HashMap<(&str, u32), &Arrival> = HashMap::new();
    arrivals.iter().find_map(|arrival| {
        let before = last.insert((&arrival.key, arrival.attempt), arrival)?;
        (!before.is_orphan && !index.killed_between(before.at, arrival.at)).then(|| {
            format!("attempt {} of {} was made twice and no kill lies between", arrival.attempt, arrival.key)
        })
    })
}

/// An attempt that was seen after what comes later in the same job.
fn backwards(flow: &Flow, arrivals: &[&Arrival]) -> Option<String> {
    arrivals.iter().enumerate().filter(|(_, arrival)| !arrival.is_orphan).find_map(|(place, arrival)| {
        let comes_later = |seen: &&&Arrival| {
            let is_retry = seen.key == arrival.key && seen.attempt > arrival.attempt;
            is_retry || flow.comes_before(&arrival.part, &seen.part)
        };
        let later = arrivals[..place].iter().find(comes_later)?;
        Some(format!(
            "attempt {} of {} started after {} had started: what lies between was not durable then",
            arrival.attempt, arrival.key, later.key
        ))
    })
}

/// An attempt that was seen long after it was not wanted any more: another had won, or the job had ended.
fn called_off(index: &Index<'_>, flow: &Flow, (job, arrivals): (&Job, &[&Arrival])) -> Option<String> {
    let won = job.journal.iter().find(|entry| entry.outcome == "answered");
    let won_at = won.filter(|_| !flow.rivals.is_empty()).map(|entry| entry.at);
    arrivals.iter().filter(|arrival| !arrival.is_orphan).find_map(|arrival| {
        let is_rival = flow.rivals.contains(&arrival.part.as_str());
        let over_at = if is_rival { won_at } else { job.ended_at.filter(|_| job.is_final()) }?;
        let late = arrival.at - over_at - index.still_between(over_at, arrival.at);
        (late > FAILED_SLACK_US).then(|| {
            format!(
                "attempt {} of {} started {late} us after it was called off",
                arrival.attempt, arrival.key
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::Story;
    use super::FAILED_SLACK_US;
    use crate::crash::record::{Fault, Sunk};

    #[test]
    fn an_attempt_after_its_outcome_is_c5() {
        let mut story = Story::good();
        let recorded = story.job("job_five").journal[4].at;
        story.kill(recorded + 10_000);
        story.again("job_five", 4, recorded + 20_000);
        story.expect("C5", "us after its outcome was recorded");
    }

    #[test]
    fn an_attempt_made_twice_needs_a_kill_between() {
        let mut story = Story::good();
        let entry = story.job("job_five").journal[4].clone();
        story.again("job_five", 4, entry.at - 100);
        story.expect("C5", "made twice and no kill lies between");
        story.kill(entry.at - 200);
        story.passes();
    }

    #[test]
    fn what_a_dead_process_sent_may_be_read_late() {
        let mut story = Story::good();
        let entry = story.job("job_five").journal[4].clone();
        story.again("job_five", 4, entry.at - 100);
        let first = story.evidence.sunk.iter_mut().find_map(|record| match record {
            Sunk::Arrived(arrival) if arrival.part == "five-5" => Some(arrival),
            _ => None,
        });
        first.unwrap().is_orphan = true;
        story.passes();
    }

    #[test]
    fn an_attempt_after_a_later_effect_is_c5() {
        let mut story = Story::good();
        let later = story.job("job_five").journal[3].started_at;
        // As if the outcome of the first run had not been durable, and a later one was.
        story.kill(later + 110);
        story.again("job_five", 2, later + 120);
        story.job("job_five").journal[2].at = later + 130;
        story.expect("C5", "had started: what lies between was not durable then");
    }

    #[test]
    fn branches_have_no_order_but_what_follows_them_has() {
        let mut story = Story::good();
        let third = story.job("job_spread").journal[3].at;
        story.kill(third - 200);
        story.again("job_spread", 0, third - 100);
        story.job("job_spread").journal[0].at = third;
        story.lacks("C5");
        let after = story.job("job_spread").journal[4].at;
        story.kill(after - 60);
        story.again("job_spread", 0, after - 50);
        story.job("job_spread").journal[0].at = after;
        story.expect("C5", "had started: what lies between was not durable then");
    }

    #[test]
    fn a_rival_that_starts_after_the_race_is_c5() {
        let mut story = Story::good();
        let won = story.job("job_race").journal[1].at;
        story.call("job_race", "race-slow", won + 300);
        story.passes();
        let mut story = Story::good();
        story.call("job_race", "race-slow", won + 5_000);
        story.expect("C5", "had started: what lies between was not durable then");
        let mut story = Story::good();
        story
            .evidence
            .sunk
            .retain(|record| !matches!(record, Sunk::Arrived(arrival) if arrival.part == "race-after"));
        story.call("job_race", "race-slow", won + FAILED_SLACK_US + 1);
        story.expect("C5", "us after it was called off");
    }

    #[test]
    fn a_cancelled_job_that_goes_on_is_c5() {
        let mut story = Story::good();
        let ended = story.job("job_loser-race").ended_at.unwrap();
        story.job("job_loser-race").journal.clear();
        story.kill(ended);
        story.call("job_loser-race", "loser-begin", ended + 300);
        story.passes();
        story.kill(ended + 400);
        story.call("job_loser-race", "loser-begin", ended + FAILED_SLACK_US + 1);
        story.expect("C5", "us after it was called off");
    }

    #[test]
    fn who_was_stopped_is_not_late() {
        let mut story = Story::good();
        let ended = story.job("job_loser-race").ended_at.unwrap();
        story.job("job_loser-race").journal.clear();
        story.kill(ended);
        story.call("job_loser-race", "loser-begin", ended + FAILED_SLACK_US + 1);
        story.expect("C5", "us after it was called off");
        story.fault(Fault::Stopped { from: ended, to: ended + 1_000 });
        story.lacks("C5");
    }
}
