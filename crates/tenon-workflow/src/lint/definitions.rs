//! Definitions under `use` that nothing refers to.

use std::collections::HashSet;

use tenon_expr::tree::{Part, Step, Tree};

use super::{Edit, Linter};
use crate::codes;
use crate::diagnostic::quote;
use crate::document::{Content, Document, NodeId};
use crate::outline::{Kind, Role, TaskNo};

/// A section of `use`, and the key under which its names are used.
const SECTIONS: [(&str, &str); 4] =
    [("errors", "error"), ("functions", "call"), ("retries", "retry"), ("timeouts", "timeout")];
const SCHEMES: [&str; 5] = ["basic", "bearer", "digest", "oauth2", "oidc"];

impl<'a> Linter<'a> {
    pub(super) fn unused_definitions(&mut self) {
        let document = self.document;
        let Some(used) = document.get(document.root(), "use") else { return };
        let named = self.names();
        for (section, key) in SECTIONS.into_iter().chain([("authentications", "use")]) {
            let Some(defined) = document.get(used, section) else { continue };
            for entry in document.entries(defined) {
                if !named.contains(&(key, &*entry.key)) {
                    self.unused(entry.value, &entry.key);
                }
            }
        }
        self.unused_secrets(used);
        self.unused_extensions();
    }

    fn unused(&mut self, node: NodeId, name: &str) {
        let message = format!("nothing uses `{}`", quote(name));
        let hint = "remove it, or refer to it by its name";
        self.report_with_edit((node, codes::LINT_UNUSED), message, hint, Edit::Remove(node));
    }

    /// Texts that may be names of definitions, with the key they stand under. A text in data may be among them:
    /// then a definition is taken for used.
    fn names(&self) -> HashSet<(&'a str, &'a str)> {
        let document = self.document;
        let mut named = HashSet::new();
        visit(document, &mut |keys, id| {
            let [.., key] = keys else { return };
            if let Some(text) = document.text(id)
                && matches!(*key, "call" | "error" | "retry" | "timeout" | "use")
            {
                named.insert((*key, text));
            }
        });
        named
    }

    fn unused_secrets(&mut self, used: NodeId) {
        let document = self.document;
        let Some(list) = document.get(used, "secrets") else { return };
        let mut named = HashSet::new();
        visit(document, &mut |keys, id| {
            if let [.., scheme, "use"] = keys
                && SCHEMES.contains(scheme)
            {
                named.extend(document.text(id));
            }
        });
        for site in self.sites {
            if !secrets_in(&site.tree, &mut named) {
                // One is read by a name that is computed: it may be any of them.
                return;
            }
        }
        for item in document.items(list) {
            let name = document.text(*item).unwrap_or_default();
            if !named.contains(name) {
                self.unused(*item, name);
            }
        }
    }

    /// Extensions of a kind of task that the document does not have. Tasks of extensions are not extended.
    fn unused_extensions(&mut self) {
        let outline = self.outline;
        let mut inside: HashSet<TaskNo> = HashSet::new();
        for (no, block) in outline.all_blocks() {
            if matches!(block.role, Role::Before | Role::After) {
                inside.extend(outline.tasks_below(no).iter().map(|task| task.no));
            }
        }
        let kinds: Vec<Kind> =
            outline.tasks.iter().filter(|task| !inside.contains(&task.no)).map(|task| task.kind).collect();
        for (name, node) in outline.extensions() {
            let Some(extend) = self.document.get(node, "extend") else { continue };
            let kind = self.document.text(extend).unwrap_or_default();
            if !kinds.iter().any(|own| extends(kind, *own)) {
                let message =
                    format!("the extension `{}` extends nothing: there is no `{kind}` task", quote(name));
                self.report(extend, codes::LINT_UNUSED, message, "remove it, or extend another kind of task");
            }
        }
    }
}

fn extends(extend: &str, kind: Kind) -> bool {
    match kind {
        _ if extend == "all" => true,
        Kind::Call => extend == "call",
        Kind::Do | Kind::Fork => extend == "composite",
        Kind::Emit => extend == "emit",
        Kind::For => extend == "for",
        Kind::Listen => extend == "listen",
        Kind::Raise => extend == "raise",
        Kind::Run => extend == "run",
        Kind::Set => extend == "set",
        Kind::Switch => extend == "switch",
        Kind::Try => extend == "try",
        Kind::Wait => extend == "wait",
    }
}

/// Collects the names after `$secrets.`; false if `$secrets` is read in another way.
fn secrets_in<'t>(tree: &'t Tree, names: &mut HashSet<&'t str>) -> bool {
    if let Tree::Path(head, steps) = tree
        && let (Tree::Variable(variable), [Step { part: Part::Member(name), .. }, ..]) =
            (&**head, steps.as_slice())
        && variable == "secrets"
    {
        names.insert(name);
        let indexes = tree.children().into_iter().skip(1);
        return indexes.into_iter().all(|child| secrets_in(child, names));
    }
    if matches!(tree, Tree::Variable(variable) if variable == "secrets") {
        return false;
    }
    tree.children().into_iter().all(|child| secrets_in(child, names))
}

/// Looks at every value with the keys that it stands under, `metadata` and schemas aside. Items of a list stand under
/// the list's key.
pub(super) fn visit<'d>(document: &'d Document, look: &mut impl FnMut(&[&'d str], NodeId)) {
    descend(document, document.root(), &mut Vec::new(), look);
}

/// As deep as the document, which the parser bounds.
fn descend<'d>(
    document: &'d Document,
    id: NodeId,
    keys: &mut Vec<&'d str>,
    look: &mut impl FnMut(&[&'d str], NodeId),
) {
    look(keys, id);
    match document.content(id) {
        Content::List(items) => items.iter().for_each(|item| descend(document, *item, keys, look)),
        Content::Map(entries) => {
            for entry in entries.iter().filter(|entry| !matches!(&*entry.key, "metadata" | "schema")) {
                keys.push(&entry.key);
                descend(document, entry.value, keys, look);
                keys.pop();
            }
        }
        _ => {}
    }
}
