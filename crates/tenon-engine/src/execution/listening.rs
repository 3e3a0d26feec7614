//! Which events a `listen` takes. Pure: asking changes nothing.

use tenon_expr::{Limits, Value};
use tenon_workflow::{Action, Correlation, EventTypes, Listen, ListenFilter, Match, Strategy, TaskId, Until};

use super::Listening;
use super::effects::Pending;
use super::frame::{Frame, TaskFrame, TaskState};
use super::machine::Machine;
use super::scope::{TaskView, View};
use super::tasks::{ListenState, Progress};
use super::threads::Thread;

/// What looking at one event may cost; much less than what a task may, because there may be many.
const LIMITS: Limits = Limits { steps: 100_000, bytes: 16 << 20, depth: 256 };

/// A `listen` that looks at events.
pub(super) struct Hearing<'a> {
    task: TaskId,
    definition: &'a Listen,
    state: &'a ListenState,
    input: &'a Value,
    view: View<'a>,
}

/// What an event is to a `listen` that takes it.
#[derive(Debug)]
pub(super) struct Served {
    /// Whether it helps to end it; else it is one of its items.
    pub(super) until: bool,
    /// Which part of the strategy's progress it is.
    pub(super) part: usize,
    /// The values that it has for the filter's correlations.
    pub(super) correlations: Vec<(String, Value)>,
}

// === impl Machine ===

impl Machine {
    pub(super) fn listening(&self) -> Vec<Listening> {
        let listens = self.effects.listening().filter_map(|pending| {
            let hearing = self.hearing_of(pending)?;
            Some(Listening {
                effect: pending.id.clone(),
                attempt: pending.attempt,
                types: hearing.types(),
                subject: hearing.subject(),
            })
        });
        listens.collect()
    }

    pub(super) fn wants(&self, effect: &str, event: &str, envelope: &Value) -> bool {
        let Some(pending) = self.effects.listening().find(|pending| &*pending.id == effect) else {
            return false;
        };
        let hearing = self.hearing_of(pending);
        hearing.is_some_and(|hearing| {
            let consumed = self.consumed.get(&hearing.task);
            !consumed.is_some_and(|consumed| consumed.contains(event)) && hearing.serves(envelope).is_some()
        })
    }

    /// The `listen` on top.
    pub(super) fn heard(&self) -> Option<Hearing<'_>> {
        let height = self.thread.frames.len().checked_sub(1)?;
        self.hearing(&self.thread, height)
    }

    fn hearing_of(&self, pending: &Pending) -> Option<Hearing<'_>> {
        let owner = pending.owner?;
        self.hearing(self.thread_of(owner.thread), owner.height)
    }

    fn hearing<'a>(&'a self, thread: &'a Thread, height: usize) -> Option<Hearing<'a>> {
        let Frame::Task(frame) = thread.frames.get(height)? else { return None };
        let TaskFrame { raw_input, input, started_at, .. } = &**frame;
        let TaskState::Listen(state) = &frame.state else { return None };
        let task = self.task(frame.task);
        let Action::Listen(definition) = &task.action else { return None };
        let seen =
            TaskView { task, raw_input, input: Some(input), raw_output: None, started_at: *started_at };
        let view = View::of_thread(self, thread, height).with_task(seen).at(&state.context, state.began_at);
        Some(Hearing { task: task.id, definition, state, input, view })
    }
}

// === impl Hearing ===

impl Hearing<'_> {
    /// What this event would be, if it is wanted. What serves `until` is no item.
    pub(super) fn serves(&self, envelope: &Value) -> Option<Served> {
        if let Some(Until::Consumed(strategy)) = &self.definition.until
            && let Some((part, correlations)) = self.part(strategy, &self.state.until, envelope)
        {
            return Some(Served { until: true, part, correlations });
        }
        let (part, correlations) = self.part(&self.definition.to, &self.state.to, envelope)?;
        Some(Served { until: false, part, correlations })
    }

    /// The types of all events that could be wanted.
    pub(super) fn types(&self) -> Vec<EventTypes> {
        let mut types = Vec::new();
        for filter in self.filters() {
            let wanted = filter.map_or(EventTypes::Any, |filter| filter.filter.event_types());
            if !types.contains(&wanted) {
                types.push(wanted);
            }
        }
        if types.contains(&EventTypes::Any) { vec![EventTypes::Any] } else { types }
    }

    /// The subject of all events that could be wanted, if it is one.
    fn subject(&self) -> Option<String> {
        let mut subjects = self.filters().map(|filter| self.subject_of(filter?));
        let first = subjects.next()??;
        subjects.all(|subject| subject.as_ref() == Some(&first)).then_some(first)
    }

    fn subject_of(&self, filter: &ListenFilter) -> Option<String> {
        let (_, wanted) = filter.filter.attributes.iter().find(|(name, _)| name == "subject")?;
        let wanted = match wanted {
            Match::Equals(wanted) => wanted.clone(),
            Match::Computed(wanted) => wanted.evaluate(self.input, &self.view, &LIMITS).ok()?,
            Match::Pattern(..) => return None,
        };
        wanted.as_str().map(str::to_owned)
    }

    /// The filters that still want an event; `None` stands for every event.
    fn filters(&self) -> impl Iterator<Item = Option<&ListenFilter>> {
        let until = match &self.definition.until {
            Some(Until::Consumed(strategy)) => Some((strategy, &self.state.until)),
            Some(Until::Condition(_)) | None => None,
        };
        let both = until.into_iter().chain([(&self.definition.to, &self.state.to)]);
        both.flat_map(|(strategy, progress)| wanting(strategy, progress)).map(|(_, filter)| filter)
    }

    /// Which part of a strategy the event is, with its values for correlations.
    fn part(&self, strategy: &Strategy, progress: &Progress, envelope: &Value) -> Option<Part> {
        wanting(strategy, progress).into_iter().find_map(|(part, filter)| match filter {
            Some(filter) => Some((part, self.passes(filter, envelope)?)),
            None => Some((part, Vec::new())),
        })
    }

    /// The values for its correlations, if the event passes. What fails does not pass.
    fn passes(&self, filter: &ListenFilter, envelope: &Value) -> Option<Vec<(String, Value)>> {
        let passes = filter.filter.matches(envelope, self.input, &self.view, &LIMITS);
        if !passes.unwrap_or(false) {
            return None;
        }
        filter.correlate.iter().map(|correlation| self.correlates(correlation, envelope)).collect()
    }

    fn correlates(&self, correlation: &Correlation, envelope: &Value) -> Option<(String, Value)> {
        let Correlation { name, from, expect } = correlation;
        let value = from.evaluate(envelope, &self.view, &LIMITS).ok().filter(|value| !value.is_null())?;
        let known = || self.state.correlations.iter().find(|(known, _)| known == name);
        let fits = match expect {
            Some(expect) => expect.evaluate(self.input, &self.view, &LIMITS).ok()? == value,
            None => known().is_none_or(|(_, known)| *known == value),
        };
        fits.then(|| (name.clone(), value))
    }
}

/// A part of a strategy's progress, and values for correlations.
type Part = (usize, Vec<(String, Value)>);

/// The filters of a strategy that still want an event, each with the part of the progress that it is.
fn wanting<'a>(strategy: &'a Strategy, progress: &Progress) -> Vec<(usize, Option<&'a ListenFilter>)> {
    match strategy {
        Strategy::All(filters) => {
            let open = filters.iter().enumerate().filter(|(part, _)| !progress.has(*part));
            open.map(|(part, filter)| (part, Some(filter))).collect()
        }
        Strategy::Any(filters) if filters.is_empty() => vec![(0, None)],
        Strategy::Any(filters) => filters.iter().map(|filter| (0, Some(filter))).collect(),
        Strategy::One(filter) => vec![(0, Some(filter))],
    }
}
