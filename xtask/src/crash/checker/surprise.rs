//! C4: nothing that nobody asked for, and nothing but what was asked for.

use super::{Index, Violation};
use crate::crash::flows;
use crate::crash::history::Job;
use crate::crash::record::{Answer, Sending, Sunk};
use std::collections::{BTreeMap, HashMap, HashSet};

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
    refused.map(|record| violation(format!("a good request was refused: {record:?}"), Vec::new())).collect()
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
    let Some(key) = index.keys.get(token) else { return describe("nobody sent its token".to_owned()) };
    let Some(flow) = key.flow.jobs().find(|name| *name == job.workflow).and_then(flows::flow) else {
        return describe(format!("its token was sent to {}", key.flow.name));
    };
    if job.rerun_of.is_some() {
        return describe("nobody asked for a rerun".to_owned());
    }
    if !job.is_final() {
        // C1, C2 and C9 say so.
        return None;
    }
    if job.state != "completed" {
        return describe(format!("it is {}: {}", job.state, job.error));
    }
    if job.output != flow.output(token) {
        return describe(format!("its output is {} instead of {}", job.output, flow.output(token)));
    }
    effects(index, job, flow).and_then(describe)
}

/// A finished job has had its effects: each answered once in its journal, and seen by the sink.
fn effects(index: &Index<'_>, job: &Job, flow: &flows::Flow) -> Option<String> {
    let answered = job.journal.iter().filter(|entry| entry.outcome == "answered").count();
    if answered != flow.parts.len() {
        return Some(format!("{answered} effects were answered instead of {}", flow.parts.len()));
    }
    let good =
        |request| matches!(index.answers.get(&request), Some(Answer::Ok | Answer::Slow | Answer::Twice));
    let done: HashSet<&str> = index
        .arrivals(&job.id)
        .iter()
        .filter(|arrival| good(arrival.request))
        .map(|arrival| arrival.part.as_str())
        .collect();
    let missing = flow.parts.iter().find(|part| !done.contains(**part))?;
    Some(format!("the sink never answered its effect {missing}"))
}

/// Every event that bears a subject is one that was sent or emitted, and starts what is subscribed to it.
fn event_surprises(index: &Index<'_>) -> Vec<Violation> {
    let events = index.evidence.history.events.iter().filter(|event| event.subject.is_some());
    let mut violations = Vec::new();
    for event in events {
        let subject = event.subject.as_deref().unwrap_or_default();
        let expected = index.keys.get(subject).map_or(0, |key| {
            let own = format!("crash.{}", key.flow.name);
            match event.kind.as_str() {
                kind if kind == own => 1,
                "crash.fanned" => key.flow.starts.len(),
                _ => 0,
            }
        });
        if expected == 0 {
            violations.push(violation(format!("nobody sent {event:?}"), Vec::new()));
        } else if event.jobs.len() != expected {
            let what = format!("{} started {} jobs instead of {expected}", event.id, event.jobs.len());
            violations.push(violation(what, vec![format!("{event:?}")]));
        }
    }
    violations
}

/// Every request at the sink belongs to an effect of a job.
fn sink_surprises(index: &Index<'_>) -> Vec<Violation> {
    let jobs: HashMap<&str, &Job> =
        index.evidence.history.jobs.iter().map(|job| (job.id.as_str(), job)).collect();
    let mut violations = BTreeMap::new();
    for (id, arrivals) in &index.arrivals {
        let Some(job) = jobs.get(id) else {
            let what = format!("the sink was called by {id}, which does not exist");
            violations
                .insert(*id, violation(what, arrivals.iter().map(|seen| format!("{seen:?}")).collect()));
            continue;
        };
        let parts = flows::flow(&job.workflow).map_or(&[][..], |flow| flow.parts);
        let journaled: HashSet<(String, u32)> =
            job.journal.iter().map(|entry| (format!("{id}.{}", entry.effect), entry.attempt)).collect();
        for seen in arrivals {
            let what = if Some(&seen.token) != job.token.as_ref() || !parts.contains(&seen.part.as_str()) {
                "called the sink with what is not its own"
            } else if job.is_final() && !journaled.contains(&(seen.key.clone(), seen.attempt)) {
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
    use crate::crash::record::{Sending, Sunk};
    use serde_json::json;

    #[test]
    fn a_refused_request_is_c4() {
        let mut story = Story::good();
        story.produced("set", Sending::Refused(500, "oops".to_owned()));
        story.expect("C4", "a good request was refused");
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
    fn an_effect_that_did_not_happen_is_c4() {
        let mut story = Story::good();
        story.job("job_five").journal.pop();
        story.expect("C4", "4 effects were answered instead of 5");
        story.expect("C4", "for an effect that its journal does not have");
        let mut story = Story::good();
        let lost = |record: &Sunk| matches!(record, Sunk::Arrived(arrival) if arrival.part == "five-3");
        story.evidence.sunk.retain(|record| !lost(record));
        story.expect("C4", "never answered its effect five-3");
    }

    #[test]
    fn an_event_that_nobody_sent_is_c4() {
        let mut story = Story::good();
        story.evidence.history.events[0].kind = "crash.other".to_owned();
        story.expect("C4", "nobody sent Event");
        let mut story = Story::good();
        story.evidence.history.events[0].jobs.push("job_more".to_owned());
        story.expect("C4", "started 2 jobs instead of 1");
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
