//! A job that begins where another one came to a task: with a copy of the journal up to there, made by the job's own
//! machine, so that the copy is its own journal from the first entry on (its id, its times, its arguments).

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;

use super::{Diverged, Execution, Job, NoticeKind, Progress, Recorded, again};
use crate::trace::{self, Step, StepState};
use crate::{ChildEnd, Outcome};

/// A task that a job has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The task's address in the job.
    pub address: String,
    /// The task's JSON Pointer in the document.
    pub reference: String,
    /// How many entries the journal had when the job first came to it.
    pub entries: u32,
}

/// All tasks that a job has come to, in order; the first 100,000 things that happened are looked at.
pub fn places(job: Job, journal: &[Recorded]) -> Result<Vec<Place>, Diverged> {
    let mut execution = begun(job, journal);
    let (mut places, mut known) = (Vec::new(), HashSet::new());
    let mut look = |execution: &mut Execution, entries| {
        for notice in execution.take_notices() {
            if notice.kind == NoticeKind::Created && known.insert(Arc::clone(&notice.address)) {
                let address = notice.address.to_string();
                places.push(Place { address, reference: notice.reference, entries });
            }
        }
    };
    look(&mut execution, 0);
    for recorded in journal {
        execution.replay(recorded)?;
        look(&mut execution, recorded.sequence + 1);
    }
    Ok(places)
}

/// The task that made a job fault: the one whose attempt failed last, if nothing has got over that; else the
/// innermost one that faulted.
pub fn failed<'a>(job: Job, journal: &[Recorded], places: &'a [Place]) -> Option<&'a Place> {
    let (steps, _) = trace::steps(job, journal);
    let newest = journal.iter().rev().find(|recorded| !recorded.is_resumption());
    let at = |address: &str| places.iter().find(|place| place.address == address);
    let effect = newest.and_then(failed_task).and_then(at);
    effect.filter(|place| led_on(&steps, &place.address)).or_else(|| at(innermost(&steps)?))
}

/// The journal with which a job begins at a task that another job came to: `was`, with the program that recorded it.
/// First, under the other's identity, whether the program agrees with what is recorded: give it as `now`, if it is not
/// the one that recorded it.
pub fn begin_at(
    job: Job,
    (was, now): (Job, Option<Job>),
    journal: &[Recorded],
    (place, input): (&Place, Option<Value>),
) -> Result<Vec<Recorded>, Diverged> {
    let length = journal.len().min(place.entries as usize);
    let (prefix, rest) = journal.split_at(length);
    let prefix = &without_open_children(was, prefix)?;
    if let Some(other) = now {
        let mut execution = begun(other, prefix);
        for recorded in prefix {
            execution.replay(recorded)?;
        }
        has_come_to(&mut execution, place)?;
    }
    // An input that the other job was given for the task stays, unless there is a newer one.
    let given = input.or_else(|| rest.iter().find_map(|recorded| input_of(recorded, &place.address)));
    let next = (u32::try_from(prefix.len()).expect("no longer than the journal"), job.captured_at);
    let input = given.map(|input| again::replacement(&place.address, input, next));
    let whole: Vec<_> = prefix.iter().chain(&input).cloned().collect();
    let mut execution = begun(job, &whole);
    let mut adopted = Vec::with_capacity(whole.len());
    for recorded in prefix {
        adopted.push(execution.machine.adopt(recorded)?);
        while execution.resume() == Progress::Yielded {}
    }
    has_come_to(&mut execution, place)?;
    if let Some(input) = input {
        adopted.push(execution.machine.adopt(&input)?);
    }
    Ok(adopted)
}

/// What was recorded, but for starts of children whose end is still awaited: those are the other job's, and end with
/// it. Who awaited one starts one of its own. Nothing that comes after such a start depends on it, since who awaits a
/// child does nothing else.
fn without_open_children(was: Job, prefix: &[Recorded]) -> Result<Vec<Recorded>, Diverged> {
    let mut execution = begun(was, prefix);
    for recorded in prefix {
        execution.replay(recorded)?;
    }
    let mut open: HashSet<&str> = execution.machine.effects.children().filter_map(started_at).collect();
    // The newest start of each: a `try` may have started others before.
    let mut own: Vec<_> =
        prefix.iter().rev().filter(|recorded| !open.remove(&*recorded.effect)).cloned().collect();
    own.reverse();
    for (recorded, sequence) in own.iter_mut().zip(0..) {
        recorded.sequence = sequence;
    }
    Ok(own)
}

/// The effect that started a child, of the one that is its end.
fn started_at(end: &str) -> Option<&str> {
    end.strip_suffix("/child")
}

fn begun(job: Job, journal: &[Recorded]) -> Execution {
    let mut execution = Execution::new(job);
    execution.prepare(journal);
    execution.observe();
    while execution.resume() == Progress::Yielded {}
    execution
}

fn has_come_to(execution: &mut Execution, place: &Place) -> Result<(), Diverged> {
    let notices = execution.take_notices();
    if notices.iter().any(|notice| notice.kind == NoticeKind::Created && *notice.address == place.address) {
        return Ok(());
    }
    Err(Diverged {
        sequence: place.entries,
        effect: place.address.clone(),
        reason: "the job does not come to this task after what was recorded before it".to_owned(),
    })
}

fn input_of(recorded: &Recorded, address: &str) -> Option<Value> {
    if &*recorded.effect != again::INPUT {
        return None;
    }
    match Outcome::decode(&recorded.outcome) {
        Ok(Outcome::Replaced { address: known, input }) if known == address => Some(input),
        _ => None,
    }
}

/// The address of the task whose failure an entry may be.
fn failed_task(recorded: &Recorded) -> Option<&str> {
    let effect = &*recorded.effect;
    match Outcome::decode(&recorded.outcome).ok()? {
        Outcome::Failed(_) => Some(effect),
        Outcome::Ended(ChildEnd::Faulted { .. } | ChildEnd::Cancelled) => started_at(effect),
        Outcome::Fired => effect.strip_suffix("/timeout").or_else(|| effect.strip_suffix("/attempt")),
        _ => None,
    }
}

/// Whether a step's failure went on up to the top: nothing around it has completed.
fn led_on(steps: &[Step], address: &str) -> bool {
    steps.iter().any(|step| {
        matches!(step.state, StepState::Faulted | StepState::Cancelled)
            && (step.id == address || led_on(&step.children, address))
    })
}

/// The innermost of the steps that faulted last.
fn innermost(steps: &[Step]) -> Option<&str> {
    let step = steps.iter().rev().find(|step| step.state == StepState::Faulted)?;
    innermost(&step.children).or(Some(&step.id))
}
