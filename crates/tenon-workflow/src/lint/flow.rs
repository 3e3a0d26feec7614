//! Where flow goes, where it cannot go, and where it goes round for ever.

use std::collections::HashSet;

use super::{Edit, Linter};
use crate::codes;
use crate::diagnostic::quote;
use crate::document::Content;
use crate::outline::{Block, Kind, Outline, Role, Task};
use crate::program::Then;

impl Linter<'_> {
    /// Tasks that no way leads to.
    pub(super) fn unreachable_tasks(&mut self) {
        let outline = self.outline;
        for block in outline.blocks.iter().filter(|block| block.role != Role::Branches) {
            let reached = reached(outline, block);
            for task in outline.tasks_of(block).filter(|task| !reached.contains(&task.position)) {
                let message = format!("nothing leads to the task `{}`", quote(task.name));
                self.report(task.node, codes::LINT_UNREACHABLE, message, "remove it, or name it in a `then`");
            }
        }
    }

    /// A target of one case that goes on into the target of another.
    pub(super) fn cases_that_run_into_each_other(&mut self) {
        let outline = self.outline;
        let mut told = HashSet::new();
        for task in outline.tasks.iter().filter(|task| task.kind == Kind::Switch) {
            let block = outline.block_of(task.block);
            let targets: HashSet<usize> =
                outline.cases(task).iter().filter_map(|(_, _, then)| jump(*then)).collect();
            let mut sorted: Vec<usize> = targets.iter().copied().collect();
            sorted.sort_unstable();
            for target in sorted {
                let (Some(first), Some(next)) = (block.tasks.get(target), block.tasks.get(target + 1)) else {
                    continue;
                };
                let (first, next) = (outline.task(*first), outline.task(*next));
                let goes_on =
                    outline.at(first, &["then"]).is_none() && exits(outline, first).contains(&Then::Continue);
                if !goes_on
                    || first.no == task.no
                    || !targets.contains(&(target + 1))
                    || !told.insert(first.no)
                {
                    continue;
                }
                let message = format!(
                    "after `{}` flow runs into `{}`, the target of another case of `{}`",
                    quote(first.name),
                    quote(next.name),
                    quote(task.name)
                );
                let hint = format!(
                    "say where to go: `then: exit`, or `then: {}` if that is meant",
                    quote(next.name)
                );
                self.report(first.node, codes::LINT_FALL_INTO, message, hint);
            }
        }
    }

    /// Rounds through `then` that nothing leads out of.
    pub(super) fn endless_loops(&mut self) {
        let outline = self.outline;
        for block in outline.blocks.iter().filter(|block| block.role != Role::Branches) {
            let stuck = stuck(outline, block);
            let Some(first) = stuck.first() else { continue };
            let names: Vec<String> =
                stuck.iter().take(4).map(|task| format!("`{}`", quote(task.name))).collect();
            let more = if stuck.len() > names.len() { ", …" } else { "" };
            let names = names.join(", ");
            if stuck.iter().all(|task| is_pure(outline, task)) {
                let message =
                    format!("the loop of {names}{more} never ends, and nothing in it waits or acts");
                let hint = "lead out of it: a case with `then: exit`, or another task";
                self.report(first.node, codes::LINT_BUSY_LOOP, message, hint);
            } else {
                let message = format!("nothing but an error leads out of the loop of {names}{more}");
                let hint = "lead out of it with a case, or start a new job with `emit` for the next round";
                self.report(first.node, codes::LINT_ENDLESS_LOOP, message, hint);
            }
        }
    }

    /// Directions that say nothing.
    pub(super) fn directions(&mut self) {
        let outline = self.outline;
        for task in &outline.tasks {
            let Some(then) = outline.at(task, &["then"]) else { continue };
            if self.document.text(then) == Some("continue") {
                let message = "`then: continue` is what happens anyway".to_owned();
                let edit = Edit::Remove(then);
                self.report_with_edit((then, codes::LINT_THEN_CONTINUE), message, "remove it", edit);
            } else if task.kind == Kind::Raise {
                let message = format!("flow never gets past `{}`, so this has no effect", quote(task.name));
                let hint = "remove it; where the error goes is said by the `catch` around it";
                self.report(then, codes::LINT_THEN_AFTER_RAISE, message, hint);
            }
        }
    }

    pub(super) fn empty_blocks(&mut self) {
        for block in &self.outline.blocks {
            let is_list = matches!(self.document.content(block.node), Content::List(_));
            if is_list && block.tasks.is_empty() {
                let message = "an empty list of tasks does nothing".to_owned();
                self.report(
                    block.node,
                    codes::LINT_EMPTY_BLOCK,
                    message,
                    "add a task, or remove what it belongs to",
                );
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

/// Every direction that flow can take after a task, errors aside.
pub(super) fn exits(outline: &Outline<'_>, task: &Task<'_>) -> Vec<Then> {
    let mut exits = Vec::new();
    match task.kind {
        Kind::Raise => {}
        Kind::Switch => {
            let cases = outline.cases(task);
            exits.extend(cases.iter().map(|(_, _, then)| *then));
            if cases.iter().all(|(_, case, _)| outline.document.get(*case, "when").is_some()) {
                exits.push(outline.then(task));
            }
        }
        _ => exits.push(outline.then(task)),
    }
    if let Some(then) = outline.text_at(task, &["catch", "then"]) {
        exits.push(outline.direction(task.block, then));
    }
    if outline.at(task, &["if"]).is_some() {
        // Skipped: `then` does not apply.
        exits.push(Then::Continue);
    }
    exits
}

/// The positions that flow can go to right after a task; those outside of the block are left out.
pub(super) fn successors(outline: &Outline<'_>, block: &Block<'_>, position: usize) -> Vec<usize> {
    let exits = exits(outline, outline.task(block.tasks[position]));
    let inside = exits.into_iter().filter_map(|then| match then {
        Then::Continue => Some(position + 1),
        Then::Jump(target) => Some(target),
        Then::Exit | Then::End => None,
    });
    inside.filter(|position| *position < block.tasks.len()).collect()
}

fn reached(outline: &Outline<'_>, block: &Block<'_>) -> HashSet<usize> {
    let mut reached = HashSet::new();
    let mut open = if block.tasks.is_empty() { Vec::new() } else { vec![0] };
    while let Some(position) = open.pop() {
        if reached.insert(position) {
            open.extend(successors(outline, block, position));
        }
    }
    reached
}

/// Tasks that flow reaches and cannot leave any more.
fn stuck<'o, 'd>(outline: &'o Outline<'d>, block: &'o Block<'d>) -> Vec<&'o Task<'d>> {
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); block.tasks.len()];
    let mut open = Vec::new();
    for (position, task) in block.tasks.iter().enumerate() {
        let task = outline.task(*task);
        let next = successors(outline, block, position);
        let all = exits(outline, task);
        if next.len() < all.len() || all.is_empty() || ends_inside(outline, task) {
            open.push(position);
        }
        for next in next {
            before[next].push(position);
        }
    }
    let mut leaves = vec![false; block.tasks.len()];
    while let Some(position) = open.pop() {
        if !std::mem::replace(&mut leaves[position], true) {
            open.extend(&before[position]);
        }
    }
    if leaves.iter().all(|leaves| *leaves) {
        return Vec::new();
    }
    let reached = reached(outline, block);
    outline
        .tasks_of(block)
        .filter(|task| !leaves[task.position] && reached.contains(&task.position))
        .collect()
}

/// Whether something inside a task ends the workflow or raises an error.
fn ends_inside(outline: &Outline<'_>, task: &Task<'_>) -> bool {
    let ends = |task: &Task<'_>| task.kind == Kind::Raise || exits(outline, task).contains(&Then::End);
    task.inner.iter().any(|block| outline.tasks_below(*block).into_iter().any(ends))
}

/// Whether a task neither acts nor waits.
fn is_pure(outline: &Outline<'_>, task: &Task<'_>) -> bool {
    let pure = |task: &Task<'_>| {
        matches!(task.kind, Kind::Set | Kind::Switch | Kind::Do | Kind::For | Kind::Try | Kind::Raise)
            && outline.at(task, &["catch", "retry"]).is_none()
    };
    pure(task) && task.inner.iter().all(|block| outline.tasks_below(*block).into_iter().all(pure))
}
