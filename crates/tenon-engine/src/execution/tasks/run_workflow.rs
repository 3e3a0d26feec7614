//! `run: workflow`: a child job (rule 21). One effect starts it; if it is awaited, a second one is its end, so
//! that the job sleeps meanwhile.

use std::sync::Arc;

use tenon_workflow::{ErrorType, RunWorkflow, Task};

use super::emit::MAX_HOPS;
use crate::Error;
use crate::effect::{ChildEnd, ChildRequest, EffectAction, request};
use crate::execution::effects::Purpose;
use crate::execution::machine::{Machine, Next, Signal};

impl Machine {
    pub(super) fn run_workflow(&mut self, task: &Task, run: &RunWorkflow) -> Next {
        if self.job.hops >= MAX_HOPS {
            let detail = format!("{MAX_HOPS} jobs have caused one another; this looks like a loop");
            return Err(Error::standard(ErrorType::Runtime, &task.pointer, detail));
        }
        let input = self.evaluated(task, |arguments| request::child_input(run, arguments))?;
        let child = ChildRequest {
            namespace: run.namespace.clone(),
            name: run.name.clone(),
            version: run.version.clone(),
            input,
            is_awaited: run.is_awaited,
            deferred: self.deferral(task),
        };
        let id = Arc::clone(&self.top_task().expect("the run is on top").address);
        self.issue(id, EffectAction::StartChild(Box::new(child)), Purpose::Work);
        Ok(Signal::Await)
    }

    /// The child of the task on top exists.
    pub(super) fn child_started(&mut self, run: &RunWorkflow, job: String) -> Signal {
        let frame = self.top_task().expect("the run is on top");
        if !run.is_awaited {
            return Signal::Produced { output: Arc::clone(&frame.input), then: None };
        }
        let id = format!("{}/child", frame.address).into();
        self.issue(id, EffectAction::AwaitChild { job }, Purpose::Work);
        Signal::Await
    }
}

/// What becomes of the task when its child has ended.
pub(super) fn child_ended(task: &Task, end: ChildEnd) -> Next {
    match end {
        ChildEnd::Completed { output } => Ok(Signal::Produced { output: Arc::new(output), then: None }),
        ChildEnd::Faulted { error } => Err(Error { instance: task.pointer.clone(), ..error }),
        ChildEnd::Cancelled => {
            let detail = "the job of the other workflow was cancelled";
            Err(Error::standard(ErrorType::Runtime, &task.pointer, detail))
        }
    }
}
