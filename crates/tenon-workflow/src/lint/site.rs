//! Every expression of a document, with where it stands and what it says.

use tenon_expr::runtime_expression;
use tenon_expr::tree::Tree;

use crate::check::accepts;
use crate::document::{Content, Document, NodeId};
use crate::outline::{Outline, TaskNo};
use crate::shape::{Object, Shape, WORKFLOW};

/// An expression.
#[derive(Debug)]
pub(super) struct Site<'d> {
    /// The text that holds it.
    pub(super) id: NodeId,
    pub(super) tree: Tree,
    /// The task that it belongs to; none in the document's other parts.
    pub(super) task: Option<TaskNo>,
    /// The field of the task, or of the document, that it is below.
    pub(super) field: &'d str,
    /// The key that it stands under.
    pub(super) key: &'d str,
    /// Whether it decides something: only whether its value is true counts.
    pub(super) is_condition: bool,
    /// Whether `.` is something else than the task's data: an event, or what was consumed so far.
    pub(super) is_foreign: bool,
}

/// All expressions, those of the tasks in the order of the outline.
pub(super) fn sites<'d>(outline: &Outline<'d>) -> Vec<Site<'d>> {
    let document = outline.document;
    let mut walk = Walk::new(document);
    walk.object(document.root(), &WORKFLOW);
    for task in &outline.tasks {
        walk.task = Some(task.no);
        walk.object(task.node, outline.shape(task));
    }
    walk.sites
}

struct Walk<'d> {
    document: &'d Document,
    task: Option<TaskNo>,
    /// Keys from the task (or the document) down to here.
    keys: Vec<&'d str>,
    sites: Vec<Site<'d>>,
}

/// Below these keys `.` is not the task's data.
const FOREIGN: [&str; 4] = ["to", "on", "subscription", "foreach"];
const CONDITIONS: [&str; 5] = ["if", "when", "exceptWhen", "while", "until"];

// === impl Walk ===

impl<'d> Walk<'d> {
    fn new(document: &'d Document) -> Self {
        Self { document, task: None, keys: Vec::new(), sites: Vec::new() }
    }

    fn object(&mut self, id: NodeId, object: &Object) {
        if object.whole.is_some() {
            return self.template(id);
        }
        for entry in self.document.entries(id) {
            let shape = object.field(&entry.key).map(|field| field.shape).or(object.open);
            if let Some(shape) = shape {
                self.keys.push(&entry.key);
                self.shape(entry.value, shape);
                self.keys.pop();
            }
        }
    }

    fn shape(&mut self, id: NodeId, shape: &Shape) {
        let document = self.document;
        match shape {
            Shape::Data(_) | Shape::Array(_) | Shape::DataObject(..) | Shape::Strings { .. } => {
                self.template(id);
            }
            Shape::Expression(_) => {
                let key = self.keys.last().copied().unwrap_or_default();
                let is_setting = self.keys.contains(&"metadata");
                self.bare(id, CONDITIONS.contains(&key) && !is_setting);
            }
            Shape::Transform(_) => self.bare(id, false),
            Shape::MatchData(_) => match document.content(id) {
                Content::Text(_) => self.bare(id, true),
                _ => self.template(id),
            },
            Shape::Object(object) => self.object(id, object),
            Shape::List(shape, _) => {
                document.items(id).iter().for_each(|item| self.shape(*item, shape));
            }
            Shape::Map(shape) | Shape::Definitions(_, shape) => self.members(id, shape),
            Shape::Named(shape, _) => {
                document.items(id).iter().for_each(|item| self.members(*item, shape));
            }
            Shape::Either(alternatives) => {
                let content = document.content(id);
                if let Some(shape) = alternatives.iter().find(|shape| accepts(shape, content)) {
                    self.shape(id, shape);
                }
            }
            Shape::Anything | Shape::JsonSchema => {}
            // Lists of tasks are in the outline; all else is text, and an expression only if it is wrapped.
            other => {
                if takes_expression(other) {
                    self.wrapped(id);
                }
            }
        }
    }

    fn members(&mut self, id: NodeId, shape: &Shape) {
        if matches!(shape, Shape::Task) {
            return;
        }
        for entry in self.document.entries(id) {
            self.shape(entry.value, shape);
        }
    }

    /// As deep as the document, which the parser bounds.
    fn template(&mut self, id: NodeId) {
        match self.document.content(id) {
            Content::List(items) => items.iter().for_each(|item| self.template(*item)),
            Content::Map(entries) => {
                for entry in entries {
                    self.keys.push(&entry.key);
                    self.template(entry.value);
                    self.keys.pop();
                }
            }
            _ => self.wrapped(id),
        }
    }

    fn wrapped(&mut self, id: NodeId) {
        if let Some(source) = self.document.text(id).and_then(runtime_expression) {
            self.add(id, source, false);
        }
    }

    fn bare(&mut self, id: NodeId, is_condition: bool) {
        if let Some(text) = self.document.text(id) {
            self.add(id, runtime_expression(text).unwrap_or(text), is_condition);
        }
    }

    fn add(&mut self, id: NodeId, source: &'d str, is_condition: bool) {
        // What does not parse is not for the linter to say.
        let Ok(tree) = Tree::parse(source) else { return };
        let key = self.keys.last().copied().unwrap_or_default();
        let field = self.keys.first().copied().unwrap_or_default();
        let is_foreign = self.keys.iter().any(|key| FOREIGN.contains(key));
        self.sites.push(Site { id, tree, task: self.task, field, key, is_condition, is_foreign });
    }
}

/// Whether a text of this shape may be `${ … }`.
fn takes_expression(shape: &Shape) -> bool {
    matches!(
        shape,
        Shape::Computed(_)
            | Shape::TextOr(..)
            | Shape::Uri { .. }
            | Shape::IntegerOr(..)
            | Shape::Match(_)
            | Shape::Duration(Some(_))
    )
}
