//! Arguments of effects, as the core evaluates them: with secrets and configuration by name.

use std::sync::Arc;

use tenon_workflow::Task;

use super::machine::Machine;
use crate::effect::arguments::{Arguments, Problem};
use crate::effect::policy;
use crate::{Deferred, Error};

impl Machine {
    /// What is made of the arguments of the task on top.
    pub(super) fn evaluated<T>(
        &self,
        task: &Task,
        make: impl FnOnce(&Arguments<'_>) -> Result<T, Problem>,
    ) -> Result<T, Error> {
        let (input, view) = self.here();
        let arguments = Arguments {
            program: &self.job.program,
            input,
            scope: &view,
            authenticates: policy(&task.action).is_some(),
            resolved: None,
        };
        make(&arguments).map_err(|problem| problem.at(&task.pointer))
    }

    /// What completes the effect of the task on top, if the core cannot.
    pub(super) fn deferral(&self, task: &Task) -> Option<Arc<Deferred>> {
        let (input, view) = self.here();
        Deferred::of(&self.job.program, task, input, &view)
    }
}
