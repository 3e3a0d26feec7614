//! `$context`: what `export` writes into it, loses of it, and what is read of it.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value;
use tenon_expr::tree::{Operator, Part, Step, Tree};

use super::Linter;
use super::order::{Moment, Order};
use super::variables::names_in;
use crate::codes;
use crate::diagnostic::{nearest, quote};
use crate::document::{Content, NodeId};
use crate::outline::{BlockNo, Role, Task, TaskNo};

/// What a task does to `$context`.
#[derive(Debug)]
struct Export {
    task: TaskNo,
    node: NodeId,
    /// The members that it gives; none where that is not known.
    keys: Option<BTreeSet<String>>,
    /// Whether what was there stays.
    keeps: bool,
}

impl Linter<'_> {
    pub(super) fn context(&mut self) {
        let outline = self.outline;
        let exports: Vec<Export> = outline.tasks.iter().filter_map(|task| self.export(task)).collect();
        self.dropped(&exports);
        self.races(&exports);
        self.never_written(&exports);
    }

    fn export(&self, task: &Task<'_>) -> Option<Export> {
        let node = self.outline.at(task, &["export", "as"])?;
        let sites = self.sites_of(task.no).filter(|site| site.field == "export");
        let mut read = HashSet::new();
        sites.for_each(|site| names_in(&site.tree, &mut read));
        let keys = match self.document.content(node) {
            Content::Map(entries) => Some(entries.iter().map(|entry| entry.key.to_string()).collect()),
            _ => self.site_at(node).and_then(|site| keys(&self.sites[site].tree)),
        };
        Some(Export { task: task.no, node, keys, keeps: read.contains("context") })
    }

    /// An export that replaces what others have put there.
    fn dropped(&mut self, exports: &[Export]) {
        let order = Order::new(self.outline);
        // What each could lose is looked for among few: a document has few exports, or is a strange one.
        for export in exports.iter().filter(|export| !export.keeps).take(100) {
            let lost = exports.iter().take(100).find(|other| {
                let is_known = other.keys.as_ref().zip(export.keys.as_ref());
                let covers = is_known.is_some_and(|(other, own)| other.is_subset(own));
                other.task != export.task
                    && !covers
                    && order.can_precede(other.task, (export.task, Moment::After)).is_ok()
            });
            if let Some(lost) = lost {
                let name = quote(self.outline.task(lost.task).name);
                let message = format!("this replaces all of `$context`, also what `{name}` exported");
                let hint = "keep it: `${ $context + {…} }`";
                self.report(export.node, codes::LINT_CONTEXT_DROPPED, message, hint);
            }
        }
    }

    /// The same member from two branches: the later branch wins.
    fn races(&mut self, exports: &[Export]) {
        let outline = self.outline;
        let mut writers: HashMap<(BlockNo, &str), usize> = HashMap::new();
        for export in exports {
            let own = std::iter::once(outline.task(export.task)).chain(outline.around(export.task));
            for branch in own.filter(|task| outline.block_of(task.block).role == Role::Branches) {
                let Some(fork) = outline.block_of(branch.block).owner else { continue };
                for key in export.keys.iter().flatten() {
                    let first = *writers.entry((branch.block, key)).or_insert(branch.position);
                    if first != branch.position {
                        self.race(outline.task(fork), export.node, key);
                    }
                }
            }
        }
    }

    fn race(&mut self, fork: &Task<'_>, export: NodeId, key: &str) {
        let message = format!(
            "`$context.{}` is exported by more than one branch of `{}`; the last branch wins",
            quote(key),
            quote(fork.name)
        );
        let hint = "give each branch a member of its own, or use the fork's output";
        self.report(export, codes::LINT_CONTEXT_RACE, message, hint);
    }

    /// A member that no export gives.
    fn never_written(&mut self, exports: &[Export]) {
        let all: Option<Vec<&BTreeSet<String>>> = exports.iter().map(|export| export.keys.as_ref()).collect();
        let Some(all) = all else { return };
        let written: BTreeSet<&str> = all.into_iter().flatten().map(String::as_str).collect();
        for site in self.sites {
            let mut read = Vec::new();
            members_of_context(&site.tree, &mut read);
            read.retain(|name| !written.contains(name));
            read.dedup();
            for name in read {
                let why = if exports.is_empty() { "no task has an `export`" } else { "no `export` gives it" };
                let message = format!("`$context.{}` is always null: {why}", quote(name));
                let hint = match nearest(name, written.iter().copied()) {
                    Some(near) => format!("did you mean `{}`?", quote(near)),
                    None => format!("export it: `as: '${{ $context + {{{}: …}} }}'`", quote(name)),
                };
                self.report(site.id, codes::LINT_CONTEXT_NEVER, message, hint);
            }
        }
    }
}

/// The members of the object that an expression gives, those of `$context` aside.
fn keys(tree: &Tree) -> Option<BTreeSet<String>> {
    match tree {
        Tree::Variable(name) if name == "context" => Some(BTreeSet::new()),
        Tree::Object(members) => {
            let name = |key: &Tree| match key {
                Tree::Literal(Value::String(name)) => Some(name.clone()),
                _ => None,
            };
            members.iter().map(|(key, _)| name(key)).collect()
        }
        Tree::Pair(Operator::Add | Operator::Multiply, left, right) => {
            let mut all = keys(left)?;
            all.extend(keys(right)?);
            Some(all)
        }
        _ => None,
    }
}

fn members_of_context<'t>(tree: &'t Tree, names: &mut Vec<&'t str>) {
    match tree {
        // A definition may bind the name again.
        Tree::Bind(_, bound, _) | Tree::Fold(_, bound, _) if bound.iter().any(|name| name == "context") => {
            return;
        }
        Tree::Path(head, steps) => {
            if let (Tree::Variable(variable), Some(Step { part: Part::Member(name), .. })) =
                (&**head, steps.first())
                && variable == "context"
            {
                names.push(name);
            }
        }
        _ => {}
    }
    for child in tree.children() {
        members_of_context(child, names);
    }
}
