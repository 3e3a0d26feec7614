//! C14: every item that the source offered is one event of each poller, with its job; a cursor never goes back.

use super::{Index, Violation};
use crate::crash::record::{Fault, Polled};
use crate::crash::source::{POLLERS, Poller};
use std::collections::HashMap;

pub(super) fn check(index: &Index<'_>) -> Vec<Violation> {
    let mut events: HashMap<&str, Vec<&str>> = HashMap::new();
    for event in &index.evidence.history.events {
        if let Some(subject) = event.subject.as_deref() {
            events.entry(subject).or_default().push(&event.id);
        }
    }
    let mut violations: Vec<Violation> = settled(index).into_iter().collect();
    for poller in POLLERS {
        let offered = index.evidence.polled.iter().filter_map(|record| match record {
            Polled::Offered { number, .. } => Some(*number),
            _ => None,
        });
        violations.extend(offered.filter_map(|number| item(index, poller, number, &events)));
        violations.extend(went_back(index, poller));
    }
    let strange = index.evidence.polled.iter().filter(|record| matches!(record, Polled::Strange { .. }));
    violations.extend(strange.map(|record| violation(format!("the source got {record:?}"), Vec::new())));
    violations
}

fn violation(what: String, evidence: Vec<String>) -> Violation {
    Violation { check: "C14", what, evidence }
}

/// Every poller has to reach the end once nothing is in its way.
fn settled(index: &Index<'_>) -> Option<Violation> {
    let settled = index.evidence.faults.iter().rev().find_map(|fault| match fault {
        Fault::Settled { is_settled, .. } => Some(*is_settled),
        _ => None,
    });
    let what = match settled {
        Some(true) => return None,
        Some(false) => "a poller did not reach the end of the source",
        None => "nothing says that pollers have seen all",
    };
    Some(violation(what.to_owned(), Vec::new()))
}

/// What is wrong with what became of an item.
fn item(
    index: &Index<'_>,
    poller: &Poller,
    number: u64,
    events: &HashMap<&str, Vec<&str>>,
) -> Option<Violation> {
    let token = poller.token(number);
    let events = events.get(token.as_str()).map_or(&[][..], Vec::as_slice);
    let jobs = index.jobs(&token, poller.name);
    let what = match (events, jobs.as_slice()) {
        ([], _) => "has no event".to_owned(),
        ([_], []) => "has an event and no job".to_owned(),
        ([_], [job]) if job.is_final() => return None,
        ([_], [job]) => format!("has a job that is {}", job.state),
        ([_], jobs) => format!("has an event and {} jobs", jobs.len()),
        (events, _) => format!("has {} events: {}", events.len(), events.join(", ")),
    };
    let shown = |record: &&Polled| match record {
        Polled::Offered { number: offered, .. } => *offered == number,
        Polled::Asked { poller: asked, numbers, .. } => asked == poller.name && numbers.contains(&number),
        Polled::Strange { .. } => false,
    };
    let mut evidence: Vec<String> =
        index.evidence.polled.iter().filter(shown).map(|record| format!("{record:?}")).collect();
    evidence.extend(jobs.iter().map(|job| format!("{job:?}")));
    Some(violation(format!("item {number} of poller {} {what}", poller.name), evidence))
}

/// The first request that stands behind one before it. What a dead process sent may be read late.
fn went_back(index: &Index<'_>, poller: &Poller) -> Option<Violation> {
    let mut highest = (0, 0);
    for record in &index.evidence.polled {
        let Polled::Asked { at, poller: asked, since, is_orphan, .. } = record else { continue };
        if asked != poller.name || *is_orphan {
            continue;
        }
        if *since < highest.0 {
            let what = format!(
                "the cursor of {} went back from {} (asked for at {}) to {since}",
                poller.name, highest.0, highest.1
            );
            return Some(violation(what, vec![format!("{record:?}")]));
        }
        highest = (*since, *at);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::Story;
    use super::*;

    #[test]
    fn an_item_that_was_skipped_is_c14() {
        let mut story = Story::good();
        let events = &mut story.evidence.history.events;
        events.retain(|event| event.subject.as_deref() != Some("paged-item-2"));
        story.expect("C14", "item 2 of poller paged has no event");
    }

    #[test]
    fn an_item_that_came_twice_is_c14() {
        let mut story = Story::good();
        let mut event = story.event_of("crash.keyed", 1).clone();
        event.id = "ev_again".to_owned();
        story.evidence.history.events.push(event);
        story.expect("C14", "item 1 of poller keyed has 2 events");
    }

    #[test]
    fn an_item_without_its_job_is_c14() {
        let mut story = Story::good();
        story.evidence.history.jobs.retain(|job| job.id != "job_paged-item-1");
        story.expect("C14", "item 1 of poller paged has an event and no job");
        let mut story = Story::good();
        story.repeat_job("job_paged-item-1", "job_again");
        story.expect("C14", "has an event and 2 jobs");
        let mut story = Story::good();
        story.job("job_keyed-item-2").state = "running".to_owned();
        story.expect("C14", "has a job that is running");
    }

    #[test]
    fn what_was_never_offered_is_c4() {
        let mut story = Story::good();
        story.evidence.polled.retain(|record| !matches!(record, Polled::Offered { number: 2, .. }));
        story.expect("C4", "nobody sent its token");
        story.expect("C4", "nobody sent Event");
    }

    #[test]
    fn a_cursor_that_goes_back_is_c14_unless_a_dead_process_asked() {
        let mut story = Story::good();
        story.asked("paged", 1, false);
        story.expect("C14", "the cursor of paged went back from 2");
        let mut story = Story::good();
        story.asked("paged", 1, true);
        story.passes();
    }

    #[test]
    fn pollers_must_get_to_the_end() {
        let mut story = Story::good();
        for fault in &mut story.evidence.faults {
            if let Fault::Settled { is_settled, .. } = fault {
                *is_settled = false;
            }
        }
        story.expect("C14", "did not reach the end");
        story.evidence.faults.retain(|fault| !matches!(fault, Fault::Settled { .. }));
        story.expect("C14", "nothing says");
    }

    #[test]
    fn a_strange_request_at_the_source_is_c14() {
        let mut story = Story::good();
        story.evidence.polled.push(Polled::Strange { at: 1, head: "GET /".to_owned() });
        story.expect("C14", "the source got");
    }
}
