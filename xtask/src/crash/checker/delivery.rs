//! C1, C2, C3: what became of every dedup key.

use super::{Index, Key, Violation};
use crate::crash::flows::Way;
use crate::crash::history::Job;
use crate::crash::record::{Produced, Sending};
use std::collections::{HashMap, HashSet};

pub(super) fn check(index: &Index<'_>) -> Vec<Violation> {
    let events: HashSet<&str> = index.evidence.history.events.iter().map(|event| event.id.as_str()).collect();
    let mut violations = Vec::new();
    for key in index.keys.values() {
        violations.extend(jobs(index, key));
        violations.extend(promises(index, key, &events));
        violations.extend(same_promise(key));
    }
    violations.extend(one_event(index));
    violations
}

/// How many jobs there must be of each workflow, and there are.
fn jobs(index: &Index<'_>, key: &Key<'_>) -> Vec<Violation> {
    let acknowledged = !key.acknowledgements.is_empty();
    // Once its own job exists, what that one starts must exist too, acknowledged or not.
    let expected = acknowledged || !index.jobs(key.key, key.flow.name).is_empty();
    let mut violations = Vec::new();
    for (workflow, least, most) in key.flow.jobs() {
        let found = index.jobs(key.key, workflow);
        let missing = if acknowledged { "C1" } else { "C2" };
        let open = found.iter().find(|job| !job.is_final());
        let verdict = match (found.len(), open) {
            (0, _) if expected && least > 0 => Some((missing, "no job".to_owned())),
            (0, _) => None,
            (several, _) if several > most => {
                Some((if acknowledged { "C3" } else { "C2" }, format!("{several} jobs")))
            }
            (_, Some(job)) => Some((missing, format!("a job that is {}", job.state))),
            (few, None) if few < least => Some((missing, format!("only {few} jobs"))),
            _ => None,
        };
        if let Some((check, what)) = verdict {
            let word = if acknowledged { "acknowledged" } else { "never acknowledged" };
            let what = format!("key {} ({word}) has {what} of workflow {workflow}", key.key);
            let mut evidence = key.evidence();
            evidence.extend(found.iter().map(|job| summary(job)));
            violations.push(Violation { check, what, evidence });
        }
    }
    violations
}

/// Everything that an acknowledgement names exists.
fn promises(index: &Index<'_>, key: &Key<'_>, events: &HashSet<&str>) -> Vec<Violation> {
    let own: Vec<&str> = index.jobs(key.key, key.flow.name).iter().map(|job| job.id.as_str()).collect();
    let mut violations = Vec::new();
    for promise in &key.acknowledgements {
        let lost_event = promise.event.as_deref().filter(|event| !events.contains(event));
        let lost_job = promise.jobs.iter().find(|job| !own.contains(&job.as_str()));
        let missing = lost_event.or(lost_job.map(String::as_str));
        if let Some(missing) = missing {
            let what = format!("{missing}, acknowledged for key {}, does not exist", key.key);
            violations.push(Violation { check: "C1", what, evidence: key.evidence() });
            break;
        }
    }
    violations
}

/// Every acknowledgement of a key promises the same, and a repeat says that it is one.
fn same_promise(key: &Key<'_>) -> Option<Violation> {
    let first = key.acknowledgements.first()?;
    let other = key
        .acknowledgements
        .iter()
        .find(|promise| promise.event != first.event || promise.jobs != first.jobs);
    let what = if other.is_some() {
        format!("acknowledgements of key {} name different events or jobs", key.key)
    } else if key.way != Way::Call && repeat_is_silent(key) {
        format!("a repeat of key {} was not answered as a duplicate", key.key)
    } else {
        return None;
    };
    Some(Violation { check: "C3", what, evidence: key.evidence() })
}

/// Whether an answer does not say that it is one of a repeat, and should. Of sendings that were under way together
/// any may have been the first.
fn repeat_is_silent(key: &Key<'_>) -> bool {
    let is_sent = |record: &&Produced| matches!(record.step, Sending::Sent);
    let first = key.records.iter().position(|record| matches!(record.step, Sending::Acknowledged(_)));
    let before = &key.records[..first.unwrap_or(0)];
    let sent = before.iter().copied().filter(is_sent).count();
    let is_raced = sent > before.len() - sent + 1;
    let answers = key.records.iter().filter_map(|record| match &record.step {
        Sending::Acknowledged(promise) => Some(promise.duplicate),
        _ => None,
    });
    let firsts = answers.clone().filter(|duplicate| !duplicate).count();
    firsts > 1 || !is_raced && answers.skip(1).any(|duplicate| !duplicate)
}

/// No two events carry one key.
fn one_event(index: &Index<'_>) -> Vec<Violation> {
    let mut seen: HashMap<(&str, &str, &str), &str> = HashMap::new();
    let mut violations = Vec::new();
    for event in &index.evidence.history.events {
        let Some(subject) = event.subject.as_deref() else { continue };
        if let Some(first) = seen.insert((subject, &event.kind, &event.source), &event.id) {
            let what =
                format!("key {subject} has two events of type {}: {first} and {}", event.kind, event.id);
            let evidence = index.keys.get(subject).map(Key::evidence).unwrap_or_default();
            violations.push(Violation { check: "C3", what, evidence });
        }
    }
    violations
}

fn summary(job: &Job) -> String {
    format!(
        "{} of {}: {}, event {:?}, created {}",
        job.id, job.workflow, job.state, job.event, job.created_at
    )
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::Story;
    use crate::crash::record::{Acknowledgement, Sending};

    #[test]
    fn an_acknowledged_event_without_job_is_c1() {
        let mut story = Story::good();
        story.evidence.history.jobs.retain(|job| job.id != "job_five");
        story.expect("C1", "key five-key (acknowledged) has no job of workflow five");
        story.expect("C1", "job_five, acknowledged for key five-key, does not exist");
    }

    #[test]
    fn an_acknowledged_event_that_is_gone_is_c1() {
        let mut story = Story::good();
        story.evidence.history.events.clear();
        story.expect("C1", "ev_five, acknowledged for key five-key, does not exist");
    }

    #[test]
    fn a_job_that_did_not_end_is_c1() {
        let mut story = Story::good();
        story.job("job_five").state = "running".to_owned();
        story.expect("C1", "a job that is running");
    }

    #[test]
    fn an_emitted_event_that_reached_one_of_two_workflows_is_c1() {
        let mut story = Story::good();
        story.evidence.history.jobs.retain(|job| job.id != "job_left");
        story.expect("C1", "no job of workflow left");
    }

    #[test]
    fn of_several_jobs_none_may_be_missing() {
        let mut story = Story::good();
        story.evidence.history.jobs.retain(|job| job.id != "job_gather-2");
        story.expect("C1", "only 2 jobs of workflow gather");
        let mut story = Story::good();
        story.repeat_job("job_gather-2", "job_again");
        story.expect("C3", "4 jobs of workflow gather");
    }

    #[test]
    fn events_that_start_one_job_together_start_it_once() {
        let mut story = Story::good();
        story.evidence.history.jobs.retain(|job| job.id != "job_joined");
        story.expect("C1", "no job of workflow joined");
        let mut story = Story::good();
        story.repeat_job("job_heap", "job_again");
        story.expect("C3", "2 jobs of workflow heap");
        let mut story = Story::good();
        story.event_of("crash.twin-a", 1).jobs.clear();
        story.expect("C4", "started 0 jobs instead of 1");
    }

    #[test]
    fn an_unacknowledged_event_may_have_no_job_but_not_two() {
        let mut story = Story::good();
        story.unacknowledged("set-key");
        story.passes();
        story.evidence.history.jobs.retain(|job| job.id != "job_set");
        story.evidence.history.events.retain(|event| event.id != "ev_set");
        story.passes();
        let mut story = Story::good();
        story.unacknowledged("set-key");
        story.repeat_job("job_set", "job_again");
        story.expect("C2", "2 jobs");
    }

    #[test]
    fn an_unacknowledged_event_must_be_whole() {
        let mut story = Story::good();
        story.unacknowledged("chain-key");
        story.evidence.history.jobs.retain(|job| job.id != "job_left");
        story.expect("C2", "no job of workflow left");
    }

    #[test]
    fn two_jobs_for_one_key_are_c3() {
        let mut story = Story::good();
        story.repeat_job("job_set", "job_again");
        story.expect("C3", "2 jobs of workflow set");
    }

    #[test]
    fn two_events_for_one_key_are_c3() {
        let mut story = Story::good();
        let mut event = story.evidence.history.events[0].clone();
        event.id = "ev_again".to_owned();
        story.evidence.history.events.push(event);
        story.expect("C3", "has two events of type");
    }

    #[test]
    fn a_repeat_must_be_answered_like_the_first() {
        let mut story = Story::good();
        let first =
            Acknowledgement { event: Some("ev_set".into()), jobs: vec!["job_set".into()], duplicate: true };
        story.produced("set", Sending::Acknowledged(first.clone()));
        story.passes();
        story.produced("set", Sending::Acknowledged(Acknowledgement { duplicate: false, ..first.clone() }));
        story.expect("C3", "was not answered as a duplicate");
        let mut raced = Story::good();
        raced.unacknowledged("set-key");
        raced.produced("set", Sending::Sent);
        raced.produced("set", Sending::Sent);
        raced.produced("set", Sending::Acknowledged(first.clone()));
        raced.produced("set", Sending::Acknowledged(Acknowledgement { duplicate: false, ..first.clone() }));
        raced.passes();
        raced.produced("set", Sending::Acknowledged(Acknowledgement { duplicate: false, ..first.clone() }));
        raced.expect("C3", "was not answered as a duplicate");
        let other = Acknowledgement { event: Some("ev_five".into()), ..first };
        story.produced("set", Sending::Acknowledged(other));
        story.expect("C3", "name different events or jobs");
    }
}
