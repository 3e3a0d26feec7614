//! `$steps.x`: no such task, one that cannot have run, or more than one.

use std::collections::HashMap;

use tenon_expr::tree::{Part, Step, Tree};

use super::Linter;
use super::order::{Hidden, Moment, Order};
use super::site::Site;
use super::variables::declared;
use crate::codes;
use crate::diagnostic::{nearest, quote};
use crate::outline::{Kind, TaskNo};

/// Of more tasks with one name than this nothing is said.
const MAX_OF_ONE_NAME: usize = 50;

impl Linter<'_> {
    pub(super) fn step_names(&mut self) {
        let outline = self.outline;
        let mut by_name: HashMap<&str, Vec<TaskNo>> = HashMap::new();
        for task in &outline.tasks {
            by_name.entry(task.name).or_default().push(task.no);
        }
        let order = Order::new(outline);
        for site in self.sites {
            let mut names = Vec::new();
            step_names(&site.tree, &mut names);
            names.sort_unstable();
            names.dedup();
            if names.is_empty() || self.hides_steps(site) {
                continue;
            }
            for name in names {
                match by_name.get(name).map(Vec::as_slice) {
                    None => self.no_such_step(site, name, &by_name),
                    Some(tasks) if tasks.len() <= MAX_OF_ONE_NAME => self.step(site, name, tasks, &order),
                    Some(_) => {}
                }
            }
        }
    }

    /// A loop variable may be called `steps`.
    fn hides_steps(&self, site: &Site<'_>) -> bool {
        let Some(task) = site.task else { return false };
        let around = std::iter::once(self.outline.task(task)).chain(self.outline.around(task));
        around.into_iter().any(|task| declared(self.outline, task).iter().any(|own| own.name == "steps"))
    }

    fn no_such_step(&mut self, site: &Site<'_>, name: &str, known: &HashMap<&str, Vec<TaskNo>>) {
        let message = format!("`$steps.{}` is always null: there is no task of this name", quote(name));
        let mut names: Vec<&str> = known.keys().copied().collect();
        names.sort_unstable();
        let hint = match nearest(name, names) {
            Some(near) => format!("did you mean `{}`?", quote(near)),
            None => "name a task that runs before".to_owned(),
        };
        self.report(site.id, codes::LINT_STEP_NAME, message, hint);
    }

    fn step(&mut self, site: &Site<'_>, name: &str, tasks: &[TaskNo], order: &Order<'_, '_>) {
        let Some(task) = site.task else { return };
        let moment = match site.field {
            "output" | "export" | "while" => Moment::After,
            "catch" => Moment::Caught,
            _ => Moment::Before,
        };
        let seen: Vec<Result<TaskNo, Hidden>> =
            tasks.iter().map(|other| order.can_precede(*other, (task, moment)).map(|()| *other)).collect();
        let visible: Vec<TaskNo> = seen.iter().filter_map(|seen| seen.ok()).collect();
        match (visible.as_slice(), seen.first()) {
            ([], Some(Err(hidden))) => {
                let reason = match hidden {
                    Hidden::Later => "it runs only later",
                    Hidden::Itself => "it has not finished here",
                    Hidden::OtherBranch => "it runs in another branch of the `fork`, at the same time",
                    Hidden::FailedTry => "nothing is left of a `try` whose error was caught",
                    Hidden::Apart => "it is in another function or extension",
                };
                let message = format!("`$steps.{}` is always null: {reason}", quote(name));
                self.report(site.id, codes::LINT_STEP_NAME, message, "name a task that has finished by then");
            }
            ([only], _) if self.outline.task(*only).kind == Kind::Raise => {
                let message = format!("`$steps.{}` is always null: `raise` never finishes", quote(name));
                self.report(site.id, codes::LINT_STEP_NAME, message, "name a task that gives something");
            }
            (visible, _) => self.ambiguity(site, name, (task, visible), order),
        }
    }

    /// The innermost name wins; of several that become visible in the same list, the newest.
    fn ambiguity(
        &mut self,
        site: &Site<'_>,
        name: &str,
        (task, visible): (TaskNo, &[TaskNo]),
        order: &Order<'_, '_>,
    ) {
        let blocks: Vec<_> = visible.iter().map(|other| order.common_block(task, *other)).collect();
        let depth = |block: &Option<crate::outline::BlockNo>| {
            block
                .and_then(|block| self.outline.block_of(block).owner)
                .map_or(0, |owner| self.outline.around(owner).count() + 1)
        };
        let Some(innermost) = blocks.iter().map(depth).max() else { return };
        let rivals: Vec<TaskNo> = visible
            .iter()
            .zip(&blocks)
            .filter(|(_, block)| depth(block) == innermost)
            .map(|(task, _)| *task)
            .collect();
        let own = rivals.iter().any(|rival| blocks.contains(&Some(self.outline.task(*rival).block)));
        // A task of the list itself goes before those of lists inside it.
        if rivals.len() < 2 || own {
            return;
        }
        let lines: Vec<String> = rivals
            .iter()
            .take(4)
            .map(|task| self.document.place(self.outline.task(*task).node).0.to_string())
            .collect();
        let message = format!(
            "`$steps.{}` can be either of {} tasks (lines {})",
            quote(name),
            rivals.len(),
            lines.join(", ")
        );
        self.report(site.id, codes::LINT_STEP_AMBIGUOUS, message, "give the tasks different names");
    }
}

/// The names after `$steps.`; other ways of reading `$steps` are not followed.
fn step_names<'t>(tree: &'t Tree, names: &mut Vec<&'t str>) {
    match tree {
        Tree::Bind(_, bound, _) | Tree::Fold(_, bound, _) if bound.iter().any(|name| name == "steps") => {
            return;
        }
        Tree::Path(head, steps) => {
            if let (Tree::Variable(variable), Some(Step { part: Part::Member(name), .. })) =
                (&**head, steps.first())
                && variable == "steps"
            {
                names.push(name);
            }
        }
        _ => {}
    }
    for child in tree.children() {
        step_names(child, names);
    }
}
