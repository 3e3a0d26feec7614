//! C11: a job has each of its children once, knows of it, and has seen its end before it goes on past it.

use super::effects::ANSWERED_SLACK_US;
use super::{Index, Violation};
use crate::crash::flows::{self, Child};
use crate::crash::history::Job;
use std::collections::HashMap;

pub(super) fn check(index: &Index<'_>) -> Vec<Violation> {
    let jobs = &index.evidence.history.jobs;
    let mut known: HashMap<&str, &Job> = HashMap::new();
    let mut violations = Vec::new();
    for parent in jobs {
        violations.extend(starts(index, parent, &mut known));
    }
    for job in jobs {
        violations.extend(orphan(index, job, &known));
        violations.extend(ends(index, job));
    }
    violations
}

fn violation(what: String, jobs: &[&Job]) -> Violation {
    Violation { check: "C11", what, evidence: jobs.iter().map(|job| format!("{job:?}")).collect() }
}

/// What is wrong with the children that a job's journal names.
fn starts<'a>(
    index: &Index<'a>,
    parent: &'a Job,
    known: &mut HashMap<&'a str, &'a Job>,
) -> Option<Violation> {
    let started = parent.journal.iter().filter(|entry| entry.outcome == "started");
    let mut children = started.filter_map(|entry| entry.about.as_deref());
    children.find_map(|id| {
        let what = match (index.by_id.get(id), known.insert(id, parent)) {
            (None, _) => format!("{} has started {id}, which does not exist", parent.id),
            (_, Some(other)) => format!("{id} was started by {} and by {}", other.id, parent.id),
            (Some(child), None) if child.parent.as_ref() != Some(&parent.id) => {
                format!("{} has started {id}, whose parent is {:?}", parent.id, child.parent)
            }
            _ => return None,
        };
        Some(violation(what, &[parent]))
    })
}

/// What is wrong with a job, if its parent does not know it, or it is left over.
fn orphan(index: &Index<'_>, child: &Job, known: &HashMap<&str, &Job>) -> Option<Violation> {
    let parent = child.parent.as_deref()?;
    let Some(parent) = index.by_id.get(parent) else {
        return Some(violation(format!("{} has a parent that does not exist", child.id), &[child]));
    };
    // One that is cancelled may have started it a moment before; it is enough that it has ended too.
    let has_gone_on = parent.is_final() && parent.state != "cancelled";
    let what = if parent.is_final() && !child.is_final() {
        format!("{} is {}, and its parent {} is {}", child.id, child.state, parent.id, parent.state)
    } else if has_gone_on && !known.contains_key(child.id.as_str()) {
        format!("{} is a child that {} knows nothing of", child.id, parent.id)
    } else {
        return None;
    };
    Some(violation(what, &[child, parent]))
}

/// What is wrong with the ends of a job's children.
fn ends(index: &Index<'_>, parent: &Job) -> Option<Violation> {
    let flow = flows::flow(&parent.workflow)?;
    let token = parent.token.as_deref().unwrap_or_default();
    flow.children.iter().filter(|_| parent.is_final()).find_map(|expected| {
        let jobs = index.jobs(token, expected.workflow);
        let children: Vec<&Job> =
            jobs.into_iter().filter(|job| job.parent.as_ref() == Some(&parent.id)).collect();
        if children.is_empty() && !expected.is_certain {
            return None;
        }
        let [child] = children.as_slice() else {
            let what = format!(
                "{} has {} children of workflow {} instead of one",
                parent.id,
                children.len(),
                expected.workflow
            );
            return Some(violation(what, &children));
        };
        let what = if expected.is_awaited { went_on(index, (parent, child), expected) } else { None }?;
        Some(violation(what, &[parent, child]))
    })
}

/// Whether a job went on before a child that it awaited had ended.
fn went_on(index: &Index<'_>, (parent, child): (&Job, &Job), expected: &Child) -> Option<String> {
    let ended_at = child.ended_at?;
    if parent.ended_at.is_some_and(|parent| parent < ended_at) {
        return Some(format!("{} has ended before its child {}", parent.id, child.id));
    }
    let is_early = |at: i64| at < ended_at - ANSWERED_SLACK_US;
    let mut seen = index.arrivals(&parent.id).iter().filter(|arrival| arrival.part == expected.until);
    let early = seen.find(|arrival| is_early(arrival.at))?;
    Some(format!(
        "{} went on to {} {} us before its child {} had ended",
        parent.id,
        expected.until,
        ended_at - early.at,
        child.id
    ))
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::Story;

    #[test]
    fn a_child_that_was_started_twice_is_c11() {
        let mut story = Story::good();
        story.repeat_job("job_child-family", "job_again");
        story.expect("C11", "job_again is a child that job_family knows nothing of");
        story.expect("C11", "job_family has 2 children of workflow child instead of one");
    }

    #[test]
    fn a_child_that_is_not_there_is_c11() {
        let mut story = Story::good();
        story.evidence.history.jobs.retain(|job| job.id != "job_child-family");
        story.expect("C11", "job_family has started job_child-family, which does not exist");
        story.expect("C11", "job_family has 0 children of workflow child");
    }

    #[test]
    fn a_child_of_two_is_c11() {
        let mut story = Story::good();
        let entry = story.job("job_family").journal[0].clone();
        story.job("job_race").journal.push(entry);
        story.expect("C11", "job_child-family was started by");
        let mut story = Story::good();
        story.job("job_child-family").parent = None;
        story.expect("C11", "job_family has started job_child-family, whose parent is None");
    }

    #[test]
    fn a_child_that_outlives_its_parent_is_c11() {
        let mut story = Story::good();
        story.job("job_loser-race").state = "waiting".to_owned();
        story.expect("C11", "job_loser-race is waiting, and its parent job_race is completed");
        let mut story = Story::good();
        let ended = story.job("job_race").ended_at;
        story.job("job_loser-race").ended_at = ended.map(|ended| ended + 1);
        story.expect("C11", "job_race has ended before its child job_loser-race");
    }

    #[test]
    fn what_is_called_off_may_have_no_child_but_not_leave_one() {
        let mut story = Story::good();
        let without = |id: &str| story.evidence.history.jobs.iter().position(|job| job.id == id).unwrap();
        let leaf = without("job_leaf-loser-race");
        story.job("job_loser-race").journal.retain(|entry| entry.outcome != "started");
        story.lacks("C11");
        story.evidence.history.jobs.remove(leaf);
        for check in ["C1", "C2", "C11"] {
            story.lacks(check);
        }
        let mut story = Story::good();
        story.job("job_leaf-loser-race").state = "waiting".to_owned();
        story.expect("C11", "job_leaf-loser-race is waiting, and its parent job_loser-race is cancelled");
        let mut story = Story::good();
        story.repeat_job("job_leaf-loser-race", "job_again");
        story.expect("C11", "job_loser-race has 2 children of workflow leaf");
    }

    #[test]
    fn a_parent_that_goes_on_before_its_child_has_ended_is_c11() {
        let mut story = Story::good();
        let ended = story.job("job_race").ended_at.unwrap();
        story.job("job_race").ended_at = Some(ended + 60_000);
        story.job("job_loser-race").ended_at = Some(ended + 50_000);
        story.expect("C11", "job_race went on to race-after");
    }

    #[test]
    fn a_parent_that_is_gone_is_c11() {
        let mut story = Story::good();
        story.job("job_free-family").parent = Some("job_unknown".to_owned());
        story.expect("C11", "job_free-family has a parent that does not exist");
    }
}
