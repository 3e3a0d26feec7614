//! Where flow goes and where it cannot go.

use std::collections::HashSet;

use super::Linter;
use crate::codes;
use crate::program::{Action, Block, Task, Then};

impl Linter<'_> {
    /// Tasks that no way leads to.
    pub(super) fn unreachable_tasks(&mut self) {
        let program = self.program;
        for block in &program.blocks {
            let reached = self.reached(block);
            for (position, id) in block.tasks.iter().enumerate() {
                if reached.contains(&position) {
                    continue;
                }
                let task = program.task(*id);
                let message = format!("nothing leads to the task `{}`", task.name);
                let node = self.node(&task.pointer);
                self.warn(node, codes::LINT_UNREACHABLE, message, "remove it, or name it in a `then`");
            }
        }
    }

    fn reached(&self, block: &Block) -> HashSet<usize> {
        let mut reached = HashSet::new();
        let mut open = vec![0];
        while let Some(position) = open.pop() {
            let Some(id) = block.tasks.get(position) else { continue };
            if reached.insert(position) {
                let exits = exits(self.program.task(*id));
                open.extend(exits.into_iter().filter_map(|then| successor(then, position)));
            }
        }
        reached
    }

    /// A target of one case that goes on into the target of another.
    pub(super) fn cases_that_run_into_each_other(&mut self) {
        let program = self.program;
        for task in &program.tasks {
            let Action::Switch(cases) = &task.action else { continue };
            let block = program.block(task.block);
            let targets: HashSet<usize> = cases.iter().filter_map(|case| jump(case.then)).collect();
            for target in &targets {
                let Some(id) = block.tasks.get(*target) else { continue };
                let target_task = program.task(*id);
                let goes_on =
                    target_task.then == Then::Continue && !matches!(target_task.action, Action::Raise(_));
                if !goes_on || !targets.contains(&(target + 1)) {
                    continue;
                }
                let next = program.task(block.tasks[target + 1]);
                let message = format!(
                    "after `{}` flow runs into `{}`, the target of another case of `{}`",
                    target_task.name, next.name, task.name
                );
                let node = self.node(&target_task.pointer);
                self.warn(node, codes::LINT_FALL_INTO, message, "add a `then`, e.g. `then: exit`");
            }
        }
    }
}

fn jump(then: Then) -> Option<usize> {
    match then {
        Then::Jump(position) => Some(position),
        _ => None,
    }
}

fn successor(then: Then, position: usize) -> Option<usize> {
    match then {
        Then::Continue => Some(position + 1),
        Then::Jump(target) => Some(target),
        Then::Exit | Then::End => None,
    }
}

/// Every direction that flow can take after a task.
fn exits(task: &Task) -> Vec<Then> {
    let mut exits = Vec::new();
    match &task.action {
        Action::Raise(_) => {}
        Action::Switch(cases) => {
            exits.extend(cases.iter().map(|case| case.then));
            if cases.iter().all(|case| case.when.is_some()) {
                exits.push(task.then);
            }
        }
        Action::Try(guarded) => {
            exits.push(task.then);
            exits.extend(guarded.then);
        }
        _ => exits.push(task.then),
    }
    if task.condition.is_some() {
        // Skipped: `then` does not apply.
        exits.push(Then::Continue);
    }
    exits
}
