//! What a stored resource says about its schedule.

use std::sync::Arc;

use tenon_capture::trigger::Trigger;
use tenon_capture::trigger::schedule::{RunOrder, Schedule as TriggerSchedule};
use tenon_capture::{CaptureService, Deployed};
use tenon_store::{Kind, Resource, ResourceId, RevisionId, Timestamp, WorkspaceId};
use tenon_workflow::Schedule;

use super::plan::Rules;

/// Something with a schedule.
pub(crate) struct Definition {
    pub(crate) workspace: WorkspaceId,
    pub(crate) resource: ResourceId,
    pub(crate) revision: RevisionId,
    /// The trigger's name, or `namespace/name`.
    pub(crate) name: String,
    pub(crate) what: What,
}

/// What an occurrence starts.
pub(crate) enum What {
    /// The workflow whose schedule it is.
    Workflow(Arc<Deployed>),
    /// What a trigger says.
    Trigger(Box<TriggerSchedule>),
}

// === impl Definition ===

impl Definition {
    /// `None`: it has no schedule, or cannot be read by this version.
    pub(crate) fn of(capture: &CaptureService, resource: &Resource) -> Option<Self> {
        let what = match resource.kind {
            Kind::Workflow => {
                let deployed = capture.ports().programs.get_or_compile(resource);
                let deployed = deployed.inspect_err(|error| unreadable(resource, error)).ok()?;
                deployed.program.schedule.as_ref()?;
                What::Workflow(deployed)
            }
            Kind::Trigger => match Trigger::parse(&resource.document) {
                Ok(Trigger::Schedule(schedule)) => What::Trigger(schedule),
                Ok(_) => return None,
                Err(findings) => {
                    let first = findings.first().map(ToString::to_string).unwrap_or_default();
                    unreadable(resource, &first);
                    return None;
                }
            },
        };
        Some(Self {
            workspace: resource.workspace,
            resource: resource.revision.resource,
            revision: resource.revision.id,
            name: resource.name.clone(),
            what,
        })
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.what {
            What::Workflow(_) => Kind::Workflow,
            What::Trigger(_) => Kind::Trigger,
        }
    }

    pub(crate) fn schedule(&self) -> &Schedule {
        match &self.what {
            What::Workflow(deployed) => deployed
                .program
                .schedule
                .as_ref()
                .expect("a definition is made only of a workflow that has one"),
            What::Trigger(trigger) => &trigger.times,
        }
    }

    pub(crate) fn rules(&self, up_since: Timestamp) -> Rules<'_> {
        let steps = match &self.what {
            What::Trigger(trigger) if trigger.order == RunOrder::Sequence && trigger.run.len() > 1 => {
                trigger.run.len()
            }
            What::Trigger(_) | What::Workflow(_) => 0,
        };
        Rules { schedule: self.schedule(), steps, up_since }
    }
}

fn unreadable(resource: &Resource, reason: &dyn std::fmt::Display) {
    tracing::warn!(name = resource.name, %reason, "a schedule cannot be read by this version and does not fire");
}
