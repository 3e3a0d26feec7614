//! Loop and catch variables: declared and never read, or hiding another one.

use std::collections::HashSet;

use tenon_expr::tree::Tree;

use super::Linter;
use crate::codes;
use crate::diagnostic::quote;
use crate::document::NodeId;
use crate::outline::{Kind, Outline, Task, TaskNo};

/// A variable that a task declares.
#[derive(Debug)]
pub(super) struct Declared<'d> {
    pub(super) name: &'d str,
    /// Where its name is written; a default name is not.
    pub(super) written: Option<NodeId>,
    pub(super) is_index: bool,
    /// Whether it may stay unread without a word: an error or an index.
    pub(super) is_by_the_way: bool,
}

/// Kind of task, where the name is written, its default, whether it is an index.
const DECLARATIONS: [(Kind, &[&str], &str, bool); 7] = [
    (Kind::For, &["for", "each"], "item", false),
    (Kind::For, &["for", "at"], "index", true),
    (Kind::Try, &["catch", "as"], "error", false),
    (Kind::Listen, &["foreach", "item"], "item", false),
    (Kind::Listen, &["foreach", "at"], "index", true),
    (Kind::Call, &["with", "subscription", "foreach", "item"], "item", false),
    (Kind::Call, &["with", "subscription", "foreach", "at"], "index", true),
];

/// The variables that a task declares for what is inside it.
pub(super) fn declared<'d>(outline: &Outline<'d>, task: &Task<'_>) -> Vec<Declared<'d>> {
    let own = DECLARATIONS.iter().filter(|(kind, ..)| *kind == task.kind);
    let all = own.filter_map(|(_, path, default, is_index)| {
        let inside = path.split_last().is_none_or(|(_, owner)| outline.at(task, owner).is_some());
        let written = outline.at(task, path);
        let name = written.and_then(|id| outline.document.text(id)).unwrap_or(default);
        let is_by_the_way = *is_index || task.kind == Kind::Try;
        inside.then_some(Declared { name, written, is_index: *is_index, is_by_the_way })
    });
    all.collect()
}

impl<'a> Linter<'a> {
    pub(super) fn loop_variables(&mut self) {
        let read = self.variables_read();
        let outline = self.outline;
        for task in &outline.tasks {
            for own in declared(outline, task) {
                let Some(written) = own.written else { continue };
                self.shadowing(task, own.name, written);
                if !own.is_by_the_way && !read.contains(&(task.no, own.name)) {
                    let message = format!("nothing in `{}` reads `${}`", quote(task.name), own.name);
                    let hint = format!("read it, e.g. `${{ ${} }}`, or leave it out", own.name);
                    self.report(written, codes::LINT_VARIABLE_UNUSED, message, hint);
                }
            }
        }
    }

    /// Which declared variables some expression reads: the innermost of a name.
    fn variables_read(&self) -> HashSet<(TaskNo, &'a str)> {
        let outline = self.outline;
        let mut read = HashSet::new();
        for site in self.sites {
            let Some(task) = site.task else { continue };
            let mut names = HashSet::new();
            names_in(&site.tree, &mut names);
            for name in names {
                let around = std::iter::once(outline.task(task)).chain(outline.around(task));
                let declaring = around
                    .flat_map(|task| declared(outline, task).into_iter().map(move |own| (task.no, own)));
                let found = declaring.into_iter().find(|(_, own)| own.name == name);
                read.extend(found.map(|(task, own)| (task, own.name)));
            }
        }
        read
    }

    fn shadowing(&mut self, task: &Task<'_>, name: &str, written: NodeId) {
        let outline = self.outline;
        let hint = "give it a name of its own";
        let outer =
            outline.around(task.no).find(|outer| declared(outline, outer).iter().any(|own| own.name == name));
        if let Some(outer) = outer {
            let message = format!("`${name}` hides the `${name}` of `{}`", quote(outer.name));
            return self.report(written, codes::LINT_VARIABLE_HIDES, message, hint);
        }
        let root = self.document.root();
        let hides = match name {
            "steps" => Some("the outputs of earlier tasks"),
            "event" if self.document.at(root, &["schedule", "on"]).is_some() => {
                Some("the event that started the job")
            }
            _ => None,
        };
        if let Some(hides) = hides {
            let message = format!("`${name}` hides `${name}` of Tenon: {hides}");
            self.report(written, codes::LINT_VARIABLE_HIDES, message, hint);
        }
    }
}

/// The names of all variables in a term.
pub(super) fn names_in<'t>(tree: &'t Tree, names: &mut HashSet<&'t str>) {
    if let Tree::Variable(name) = tree {
        names.insert(name);
    }
    for child in tree.children() {
        names_in(child, names);
    }
}
