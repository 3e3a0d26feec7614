//! C12: what jobs listen for. Each event that was acknowledged is there, and is taken once, by the job that it is
//! for, in the order in which it was sent.

use super::{Index, Violation};
use crate::crash::flows;
use crate::crash::history::{Event, Job};
use crate::crash::record::{Acknowledgement, Replied, Sending};
use std::collections::{BTreeMap, HashMap};

type Events<'a> = HashMap<&'a str, &'a Event>;

pub(super) fn check(index: &Index<'_>) -> Vec<Violation> {
    let events: Events<'_> =
        index.evidence.history.events.iter().map(|event| (event.id.as_str(), event)).collect();
    let mut violations = promises(&index.evidence.replied, &events);
    let mut takers: HashMap<&str, &Job> = HashMap::new();
    for job in &index.evidence.history.jobs {
        violations.extend(taken(job, &events, &mut takers));
    }
    violations
}

fn violation(what: String, evidence: Vec<String>) -> Violation {
    Violation { check: "C12", what, evidence }
}

/// Every event that was acknowledged is kept, once, whatever repeats there were.
fn promises(replied: &[Replied], events: &Events<'_>) -> Vec<Violation> {
    let mut promises: BTreeMap<(&str, &str, usize), Vec<&Replied>> = BTreeMap::new();
    for record in replied {
        promises.entry((&record.token, &record.kind, record.number)).or_default().push(record);
    }
    let wrong = promises.into_iter().filter_map(|((token, kind, number), records)| {
        let what = promise(&records, events)?;
        let evidence = records.iter().map(|record| format!("{record:?}")).collect();
        Some(violation(format!("{kind} {number} for {token}: {what}"), evidence))
    });
    wrong.collect()
}

/// What is wrong with the answers to one event's sendings.
fn promise(records: &[&Replied], events: &Events<'_>) -> Option<String> {
    let acknowledged: Vec<&Acknowledgement> = records
        .iter()
        .filter_map(|record| match &record.step {
            Sending::Acknowledged(promise) => Some(promise),
            _ => None,
        })
        .collect();
    let refused = records.iter().find(|record| matches!(record.step, Sending::Refused(..)));
    let first = acknowledged.first()?.event.as_deref();
    if let Some(refused) = refused {
        return Some(format!("a good event was refused: {refused:?}"));
    }
    if acknowledged.iter().any(|promise| promise.event.as_deref() != first) {
        return Some("acknowledgements name different events".to_owned());
    }
    if acknowledged.iter().skip(1).any(|promise| !promise.duplicate) {
        return Some("a repeat was not answered as a duplicate".to_owned());
    }
    let is_there = first.is_some_and(|id| events.contains_key(id));
    (!is_there).then(|| format!("{first:?}, which was acknowledged, does not exist"))
}

/// What is wrong with the events that a job has taken.
fn taken<'a>(job: &'a Job, events: &Events<'a>, takers: &mut HashMap<&'a str, &'a Job>) -> Option<Violation> {
    let taken: Vec<&str> = job
        .journal
        .iter()
        .filter(|entry| entry.outcome == "received")
        .filter_map(|entry| entry.about.as_deref())
        .collect();
    let describe = |what: String| {
        let shown = taken.iter().map(|id| format!("{:?}", events.get(id)));
        let journal = job.journal.iter().map(|entry| format!("{entry:?}"));
        let what = format!("{} ({}): {what}", job.id, job.workflow);
        Some(violation(what, shown.chain(journal).collect()))
    };
    let mut numbers = Vec::new();
    for id in &taken {
        let Some(event) = events.get(id) else {
            return describe(format!("it has taken {id}, which does not exist"));
        };
        if let Some(other) = takers.insert(event.id.as_str(), job) {
            return describe(format!("it has taken {id}, which {} has taken", other.id));
        }
        if event.subject != job.token {
            return describe(format!("it has taken {id}, which is for {:?}", event.subject));
        }
        numbers.push(event.number());
    }
    let hears = flows::flow(&job.workflow)?.hears.as_ref();
    let expected: Vec<usize> = hears.map(|hears| (1..=hears.says.len()).collect()).unwrap_or_default();
    let may_be_none = numbers.is_empty() && hears.is_some_and(|hears| !hears.is_certain);
    if job.state == "completed" && numbers != expected && !may_be_none {
        return describe(format!("it has taken the events {numbers:?} instead of {expected:?}"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::Story;
    use crate::crash::record::{Acknowledgement, Sending};

    #[test]
    fn an_acknowledged_event_that_is_gone_is_c12() {
        let mut story = Story::good();
        story.evidence.history.events.retain(|event| event.kind != "crash.reply");
        story
            .expect("C12", "crash.reply 1 for ask-key: Some(\"ev_ask-1\"), which was acknowledged, does not");
        story.expect("C12", "it has taken ev_ask-1, which does not exist");
    }

    #[test]
    fn a_repeat_must_be_answered_like_the_first() {
        let again = |event: &str, duplicate| {
            Sending::Acknowledged(Acknowledgement {
                event: Some(event.to_owned()),
                jobs: Vec::new(),
                duplicate,
            })
        };
        let mut story = Story::good();
        story.replied("ask-key", "crash.reply", again("ev_ask-1", true));
        story.passes();
        story.replied("ask-key", "crash.reply", again("ev_ask-1", false));
        story.expect("C12", "a repeat was not answered as a duplicate");
        let mut story = Story::good();
        story.replied("ask-key", "crash.reply", again("ev_other", true));
        story.expect("C12", "acknowledgements name different events");
        let mut story = Story::good();
        story.replied("ask-key", "crash.reply", Sending::Refused(500, "oops".to_owned()));
        story.expect("C12", "a good event was refused");
    }

    #[test]
    fn an_event_that_is_taken_twice_is_c12() {
        let mut story = Story::good();
        let journal = &mut story.job("job_ask").journal;
        let entry = journal[1].clone();
        journal.push(entry);
        story.expect("C12", "it has taken ev_ask-1, which job_ask has taken");
        let mut story = Story::good();
        let entry = story.job("job_ask").journal[1].clone();
        story.job("job_set").journal.push(entry);
        story.expect("C12", "it has taken ev_ask-1, which");
    }

    #[test]
    fn an_event_that_comes_too_late_is_taken_by_nobody() {
        let mut story = Story::good();
        story.job("job_patience").journal.remove(1);
        story.lacks("C12");
        let entry = story.job("job_ask").journal[1].clone();
        story.job("job_patience").journal.push(entry);
        story.expect("C12", "it has taken ev_ask-1, which");
    }

    #[test]
    fn an_event_for_another_is_c12() {
        let mut story = Story::good();
        story.event_of("crash.reply", 1).subject = Some("series-key".to_owned());
        story.expect("C12", "it has taken ev_ask-1, which is for Some(\"series-key\")");
    }

    #[test]
    fn events_that_are_not_taken_or_out_of_order_are_c12() {
        let mut story = Story::good();
        story.job("job_series").journal.retain(|entry| entry.about.as_deref() != Some("ev_series-2"));
        story.expect("C12", "it has taken the events [1, 3] instead of [1, 2, 3]");
        let mut story = Story::good();
        for entry in &mut story.job("job_series").journal {
            entry.about = entry.about.take().map(|id| match id.as_str() {
                "ev_series-1" => "ev_series-2".to_owned(),
                "ev_series-2" => "ev_series-1".to_owned(),
                _ => id,
            });
        }
        story.expect("C12", "it has taken the events [2, 1, 3] instead of [1, 2, 3]");
    }
}
