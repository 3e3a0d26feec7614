//! Lifecycle events: their types, and which of them somebody in a workspace wants.
//!
//! They are captured like any other event, but only where somebody subscribes (`schedule.on`) or may listen, so
//! that nobody else pays for them. Who makes them is the worker.

use tenon_workflow::{EventFilter, Match};

/// The extension attribute of lifecycle events. Jobs that they start, and all that these start, have none of
/// their own: else one workflow that wants them would never be done.
pub const LIFECYCLE: &str = "tenonlifecycle";

/// What `source` of every lifecycle event starts with.
const SOURCE: &str = "/jobs/";

/// The types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LifecycleType {
    /// A workflow has started.
    WorkflowStarted,
    /// A workflow waits for a person.
    WorkflowSuspended,
    /// It goes on.
    WorkflowResumed,
    /// It was cancelled.
    WorkflowCancelled,
    /// It has an error.
    WorkflowFaulted,
    /// It has an output.
    WorkflowCompleted,
    /// A task is there.
    TaskCreated,
    /// It runs.
    TaskStarted,
    /// It is tried again.
    TaskRetried,
    /// It was ended from outside.
    TaskCancelled,
    /// It has an error.
    TaskFaulted,
    /// It has an output.
    TaskCompleted,
}

/// Some of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LifecycleTypes(u16);

// === impl LifecycleType ===

impl LifecycleType {
    /// All.
    pub const ALL: [Self; 12] = [
        Self::WorkflowStarted,
        Self::WorkflowSuspended,
        Self::WorkflowResumed,
        Self::WorkflowCancelled,
        Self::WorkflowFaulted,
        Self::WorkflowCompleted,
        Self::TaskCreated,
        Self::TaskStarted,
        Self::TaskRetried,
        Self::TaskCancelled,
        Self::TaskFaulted,
        Self::TaskCompleted,
    ];

    /// The event's `type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::WorkflowStarted => "io.serverlessworkflow.workflow.started.v1",
            Self::WorkflowSuspended => "io.serverlessworkflow.workflow.suspended.v1",
            Self::WorkflowResumed => "io.serverlessworkflow.workflow.resumed.v1",
            Self::WorkflowCancelled => "io.serverlessworkflow.workflow.cancelled.v1",
            Self::WorkflowFaulted => "io.serverlessworkflow.workflow.faulted.v1",
            Self::WorkflowCompleted => "io.serverlessworkflow.workflow.completed.v1",
            Self::TaskCreated => "io.serverlessworkflow.task.created.v1",
            Self::TaskStarted => "io.serverlessworkflow.task.started.v1",
            Self::TaskRetried => "io.serverlessworkflow.task.retried.v1",
            Self::TaskCancelled => "io.serverlessworkflow.task.cancelled.v1",
            Self::TaskFaulted => "io.serverlessworkflow.task.faulted.v1",
            Self::TaskCompleted => "io.serverlessworkflow.task.completed.v1",
        }
    }
}

// === impl LifecycleTypes ===

impl LifecycleTypes {
    const TASKS: Self = Self(0b1111_1100_0000);

    /// Those that a subscription's filter may let through.
    pub(crate) fn of_filter(filter: &EventFilter) -> Self {
        Self::those(|r#type| may_pass(filter, r#type))
    }

    /// Those that a `listen` may want, by the types that workflows have declared (`*`: any).
    pub(crate) fn of_declared(declared: &[String]) -> Self {
        Self::those(|r#type| declared.iter().any(|declared| declared == "*" || declared == r#type.name()))
    }

    fn those(wanted: impl Fn(LifecycleType) -> bool) -> Self {
        let all = LifecycleType::ALL.into_iter().filter(|r#type| wanted(*r#type));
        Self(all.fold(0, |bits, r#type| bits | 1 << r#type as u16))
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether this one is among them.
    pub fn contains(self, r#type: LifecycleType) -> bool {
        self.0 & (1 << r#type as u16) != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether some are about tasks.
    pub fn has_tasks(self) -> bool {
        self.0 & Self::TASKS.0 != 0
    }
}

/// Whether a lifecycle event of this type might pass; what only an event can tell is taken to pass.
fn may_pass(filter: &EventFilter, r#type: LifecycleType) -> bool {
    filter.attributes.iter().all(|(name, wanted)| match (name.as_str(), wanted) {
        ("type", Match::Equals(wanted)) => wanted.as_str() == Some(r#type.name()),
        ("type", Match::Pattern(text, regex)) => text == r#type.name() || regex.is_match(r#type.name()),
        ("source", Match::Equals(wanted)) => wanted.as_str().is_some_and(|text| text.starts_with(SOURCE)),
        _ => true,
    })
}
