//! `run: workflow`

use super::{CHECKED, Lowering};
use crate::document::NodeId;
use crate::program::{Action, RunWorkflow};

impl Lowering<'_> {
    pub(super) fn run(&mut self, task: NodeId) -> Action {
        let run = self.document.get(task, "run").expect(CHECKED);
        let workflow = self.document.get(run, "workflow").expect(CHECKED);
        let part = |key: &str| self.text(workflow, key).expect(CHECKED);
        Action::RunWorkflow(RunWorkflow {
            namespace: part("namespace"),
            name: part("name"),
            version: part("version"),
            input: self.template(workflow, "input"),
            is_awaited: self.document.get(run, "await").is_none() || self.flag(run, "await"),
        })
    }
}
