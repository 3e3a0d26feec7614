//! `switch`: the first case that matches, else the one without `when`, else the task's own `then` (rule 11).

use std::sync::Arc;

use tenon_workflow::{Case, Task};

use crate::execution::expression::condition;
use crate::execution::machine::{Machine, Next, Signal};

impl Machine {
    pub(super) fn switch(&mut self, task: &Task, cases: &[Case]) -> Next {
        let (input, view) = self.here();
        let mut chosen = cases.iter().find(|case| case.when.is_none());
        for case in cases {
            let Some(when) = &case.when else { continue };
            if condition(when, input, &view, &task.pointer)? {
                chosen = Some(case);
                break;
            }
        }
        Ok(Signal::Produced { output: Arc::clone(input), then: chosen.map(|case| case.then) })
    }
}
