//! C4: nothing that nobody asked for, and nothing but what was asked for.

use super::{Index, Violation};
use crate::crash::flows::{self, Flow};
use crate::crash::history::{Entry, Job};
use crate::crash::record::{Answer, Arrival, Sending, Sunk};
use crate::crash::timetable::{self, Timed};
use std::collections::{BTreeMap, HashSet};

/// How long Tenon may go on to say that the disk is full when it is not any more: it looks ten times a second.
const FULL_FOR_US: i64 = 3_000_000;
/// How long Tenon may find that jobs have waited too long, if its clock was set forth: until they have had their turn.
const BUSY_FOR_US: i64 = 5_000_000;

pub(super) fn check(index: &Index<'_>) -> Vec<Violation> {
    let mut violations = refusals(index);
    violations.extend(strange_requests(index));
    violations.extend(index.evidence.history.jobs.iter().filter_map(|job| job_surprise(index, job)));
    violations.extend(event_surprises(index));
    violations.extend(sink_surprises(index));
    violations
}

fn violation(what: String, evidence: Vec<String>) -> Violation {
    Violation { check: "C4", what, evidence }
}

/// Every good request was accepted, or could not be answered.
fn refusals(index: &Index<'_>) -> Vec<Violation> {
    let refused = index.evidence.produced.iter().filter(|record| matches!(record.step, Sending::Refused(..)));
    let refused =
        refused.map(|record| violation(format!("a good request was refused: {record:?}"), Vec::new()));
    let full = index.evidence.produced.iter().filter(|record| matches!(record.step, Sending::Full));
    let is_due = |at: i64| index.filled.iter().any(|(from, to)| (*from..to + FULL_FOR_US).contains(&at));
    let full = full.filter(|record| !is_due(record.at));
    let full = full.map(|record| violation(format!("the disk was not full, but: {record:?}"), Vec::new()));
    let busy = index.evidence.produced.iter().filter(|record| matches!(record.step, Sending::Busy));
    let busy = busy.filter(|record| !may_be_busy(index, record.at));
    let busy = busy.map(|record| violation(format!("nothing waits for long, but: {record:?}"), Vec::new()));
    refused.chain(full).chain(busy).collect()
}

/// Whether what waits may seem to have waited for an hour.
fn may_be_busy(index: &Index<'_>, at: i64) -> bool {
    let mut set_forth = index.clocks.set_forth().filter(|set| *set <= at);
    set_forth.any(|set| index.ready_between(set, at) < BUSY_FOR_US)
}

fn strange_requests(index: &Index<'_>) -> Vec<Violation> {
    let strange = index.evidence.sunk.iter().filter(|record| matches!(record, Sunk::Strange { .. }));
    strange.map(|record| violation(format!("the sink got {record:?}"), Vec::new())).collect()
}

/// What is wrong with a job, if anything.
fn job_surprise(index: &Index<'_>, job: &Job) -> Option<Violation> {
    let describe = |what: String| {
        let seen = index.arrivals(&job.id).iter().map(|arrival| format!("{arrival:?}"));
        let entries = job.journal.iter().map(|entry| format!("{entry:?}"));
        let what = format!("{} of workflow {} (token {:?}): {what}", job.id, job.workflow, job.token);
        Some(violation(what, entries.chain(seen).collect()))
    };
    let token = job.token.as_deref().unwrap_or_default();
    let Some(meant) = index.meant_for(token) else { return describe("nobody sent its token".to_owned()) };
    let follower = timetable::timed(meant.name).and_then(Timed::follower);
    let is_due = follower == Some(job.workflow.as_str())
        || meant.jobs().iter().any(|(name, ..)| *name == job.workflow);
    let Some(flow) = flows::flow(&job.workflow).filter(|_| is_due) else {
        return describe(format!("its token was sent to {}", meant.name));
    };
    if job.rerun_of.is_some() {
        return describe("nobody asked for a rerun".to_owned());
    }
    if !job.is_final() {
        // C1, C2 and C9 say so.
        return None;
    }
    match (index.given_up.get(job.id.as_str()), job.state.as_str()) {
        (Some(_), "faulted") => return None,
        (Some(true), state) => return describe(format!("it was given up, and is {state}")),
        _ => {}
    }
    if job.state != flow.ends {
        return describe(format!("it is {}: {}", job.state, job.error));
    }
    let outputs = flow.outputs(token);
    if job.state == "completed" && !outputs.contains(&job.output) {
        return describe(format!("its output is {} instead of {outputs:?}", job.output));
    }
    effects(index, job, flow).and_then(describe)
}

/// A finished job has had its effects: each answered once in its journal, and by the sink.
fn effects(index: &Index<'_>, job: &Job, flow: &Flow) -> Option<String> {
    let answered: Vec<&Entry> = job.journal.iter().filter(|entry| entry.outcome == "answered").collect();
    let (least, most) = flow.answered;
    if answered.len() < least || answered.len() > most {
        return Some(format!("{} effects were answered instead of {least}", answered.len()));
    }
    let good =
        |request| matches!(index.answers.get(&request), Some(Answer::Ok | Answer::Slow | Answer::Twice));
    let mut done = HashSet::new();
    for entry in answered {
        let key = format!("{}.{}", job.id, entry.effect);
        let is_it = |arrival: &&&Arrival| arrival.key == key && arrival.attempt == entry.attempt;
        let Some(arrival) = index.arrivals(&job.id).iter().filter(is_it).find(|it| good(it.request)) else {
            return Some(format!("the sink never answered its effect {}", entry.effect));
        };
        if !done.insert(arrival.part.as_str()) {
            return Some(format!("its effect {} was answered twice", arrival.part));
        }
    }
    None
}

/// Every event that bears a subject is one that was sent or emitted, and starts what is subscribed to it.
fn event_surprises(index: &Index<'_>) -> Vec<Violation> {
    let events = index.evidence.history.events.iter().filter(|event| event.subject.is_some());
    let mut violations = Vec::new();
    for event in events {
        let subject = event.subject.as_deref().unwrap_or_default();
        let expected = index.meant_for(subject).and_then(|flow| flow.events(&event.kind));
        match expected.filter(|(count, _)| event.number() <= *count) {
            None => violations.push(violation(format!("nobody sent {event:?}"), Vec::new())),
            Some((_, jobs)) if event.jobs.len() != jobs => {
                let what = format!("{} started {} jobs instead of {jobs}", event.id, event.jobs.len());
                violations.push(violation(what, vec![format!("{event:?}")]));
            }
            Some(_) => {}
        }
    }
    violations
}

/// Every request at the sink belongs to an effect of a job.
fn sink_surprises(index: &Index<'_>) -> Vec<Violation> {
    let mut violations = BTreeMap::new();
    for (id, arrivals) in &index.arrivals {
        let Some(job) = index.by_id.get(id) else {
            let what = format!("the sink was called by {id}, which does not exist");
            violations
                .insert(*id, violation(what, arrivals.iter().map(|seen| format!("{seen:?}")).collect()));
            continue;
        };
        let flow = flows::flow(&job.workflow);
        let (parts, rivals) = flow.map_or((&[][..], &[][..]), |flow| (flow.parts, flow.rivals));
        let journaled: HashSet<(String, u32)> =
            job.journal.iter().map(|entry| (format!("{id}.{}", entry.effect), entry.attempt)).collect();
        for seen in arrivals {
            // What is called off has no outcome.
            let may_be_cut = job.state == "cancelled" || rivals.contains(&seen.part.as_str());
            let is_journaled = may_be_cut || journaled.contains(&(seen.key.clone(), seen.attempt));
            let what = if Some(&seen.token) != job.token.as_ref() || !parts.contains(&seen.part.as_str()) {
                "called the sink with what is not its own"
            } else if job.is_final() && !is_journaled {
                "called the sink for an effect that its journal does not have"
            } else {
                continue;
            };
            violations.insert(*id, violation(format!("{id} {what}"), vec![format!("{seen:?}")]));
        }
    }
    violations.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::Story;
    use crate::crash::history::Entry;
    use crate::crash::record::{Fault, Sending, Sunk};
    use serde_json::json;

    #[test]
    fn a_refused_request_is_c4() {
        let mut story = Story::good();
        story.produced("set", Sending::Refused(500, "oops".to_owned()));
        story.expect("C4", "a good request was refused");
    }

    #[test]
    fn a_disk_that_is_called_full_and_is_not_is_c4() {
        let mut story = Story::good();
        story.produced("set", Sending::Full);
        story.expect("C4", "the disk was not full, but");
        let at = story.tick();
        story.fault(Fault::Filled { from: at - 10_000, to: at });
        story.passes();
    }

    #[test]
    fn a_tenon_that_calls_itself_busy_is_c4_unless_its_clock_was_set_forth() {
        let mut story = Story::good();
        story.produced("set", Sending::Busy);
        story.expect("C4", "nothing waits for long, but");
        let at = story.tick();
        story.jump(at - 10_000, 1);
        story.lacks_saying("C4", "nothing waits for long");
        let mut story = Story::good();
        story.produced("set", Sending::Busy);
        story.jump(at - 10_000, -1);
        story.expect("C4", "nothing waits for long, but");
    }

    #[test]
    fn a_request_without_keys_at_the_sink_is_c4() {
        let mut story = Story::good();
        story.evidence.sunk.push(Sunk::Strange { at: 1, head: "GET /".to_owned() });
        story.expect("C4", "the sink got");
    }

    #[test]
    fn a_job_that_nobody_asked_for_is_c4() {
        let mut story = Story::good();
        story.job("job_set").token = Some("unknown".to_owned());
        story.expect("C4", "nobody sent its token");
        let mut story = Story::good();
        story.job("job_set").token = Some("five-key".to_owned());
        story.expect("C4", "its token was sent to five");
        let mut story = Story::good();
        story.job("job_set").rerun_of = Some("job_five".to_owned());
        story.expect("C4", "nobody asked for a rerun");
    }

    #[test]
    fn a_job_that_ended_otherwise_is_c4() {
        let mut story = Story::good();
        story.job("job_five").state = "faulted".to_owned();
        story.expect("C4", "it is faulted");
        let mut story = Story::good();
        story.job("job_five").output = json!({ "token": "five-key", "part": "five-4" });
        story.expect("C4", "its output is");
    }

    #[test]
    fn a_parked_job_ends_as_somebody_wanted_it_to() {
        let mut story = Story::good();
        story.evidence.mended.clear();
        story.expect("C4", "it is faulted");
        let mut story = Story::good();
        story.job("job_given-up").state = "completed".to_owned();
        story.expect("C4", "it was given up, and is completed");
        let mut story = Story::good();
        story.evidence.mended.retain(|record| !record.is_done);
        story.passes();
    }

    #[test]
    fn an_effect_that_did_not_happen_is_c4() {
        let mut story = Story::good();
        story.job("job_five").journal.pop();
        story.expect("C4", "4 effects were answered instead of 5");
        story.expect("C4", "for an effect that its journal does not have");
        let mut story = Story::good();
        let lost = |record: &Sunk| matches!(record, Sunk::Arrived(arrival) if arrival.part == "five-3");
        story.evidence.sunk.retain(|record| !lost(record));
        story.expect("C4", "never answered its effect do.five-3");
        let mut story = Story::good();
        for record in &mut story.evidence.sunk {
            if let Sunk::Arrived(arrival) = record
                && arrival.part == "item-2"
            {
                arrival.part = "item-1".to_owned();
            }
        }
        story.expect("C4", "its effect item-1 was answered twice");
    }

    #[test]
    fn only_what_was_called_off_may_be_without_outcome() {
        let mut story = Story::good();
        let raced = |entry: &Entry| entry.effect != "do.race-after";
        story.job("job_race").journal.retain(raced);
        story.expect("C4", "for an effect that its journal does not have");
        let mut story = Story::good();
        story.job("job_race").journal.retain(|entry| entry.effect != "do.race-fast");
        story.expect("C4", "1 effects were answered instead of 2");
        let mut story = Story::good();
        story.job("job_loser-race").journal.clear();
        story.lacks("C4");
    }

    #[test]
    fn a_job_that_should_have_been_called_off_is_c4() {
        let mut story = Story::good();
        story.job("job_loser-race").state = "completed".to_owned();
        story.expect("C4", "it is completed");
    }

    #[test]
    fn an_event_that_nobody_sent_is_c4() {
        let mut story = Story::good();
        story.evidence.history.events[0].kind = "crash.other".to_owned();
        story.expect("C4", "nobody sent Event");
        let mut story = Story::good();
        story.evidence.history.events[0].jobs.push("job_more".to_owned());
        story.expect("C4", "started 2 jobs instead of 1");
        let mut story = Story::good();
        story.event_of("crash.item", 3).source = "https://crash.test/crash.item/4".to_owned();
        story.expect("C4", "nobody sent Event");
    }

    #[test]
    fn a_call_that_no_job_has_made_is_c4() {
        let mut story = Story::good();
        story.arrival("job_unknown", "a", 1, 5_000_000);
        story.expect("C4", "job_unknown, which does not exist");
        let mut story = Story::good();
        story.arrival("job_set", "a", 1, 5_000_000);
        story.expect("C4", "with what is not its own");
    }
}
