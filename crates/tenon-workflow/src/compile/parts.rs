//! What several kinds of tasks have: expressions, templates, schemas, durations, directions, references.

use std::sync::Arc;
use std::time::Duration;

use tenon_expr::{Expr, Template, UriTemplate};

use super::{CHECKED, Lowering, Piece, Spot};
use crate::document::NodeId;
use crate::program::{Export, Input, Output, Schema, Span, Then, parse_duration};
use crate::shape::Section;

impl Lowering<'_> {
    pub(super) fn text(&self, parent: NodeId, key: &str) -> Option<String> {
        self.document.get(parent, key).and_then(|id| self.document.text(id)).map(str::to_owned)
    }

    pub(super) fn number(&self, parent: NodeId, key: &str) -> Option<u64> {
        self.document.value_of(self.document.get(parent, key)?).as_u64()
    }

    /// Whether a member is `true`.
    pub(super) fn flag(&self, parent: NodeId, key: &str) -> bool {
        let id = self.document.get(parent, key);
        id.is_some_and(|id| self.document.value_of(id) == serde_json::Value::Bool(true))
    }

    pub(super) fn expr(&mut self, parent: NodeId, key: &str) -> Option<Expr> {
        let id = self.document.get(parent, key)?;
        match self.take(id) {
            Some(Piece::Expr(expr)) => Some(expr),
            _ => unreachable!("{CHECKED}"),
        }
    }

    pub(super) fn template(&mut self, parent: NodeId, key: &str) -> Option<Template> {
        let id = self.document.get(parent, key)?;
        Some(self.template_of(id))
    }

    pub(super) fn template_of(&mut self, id: NodeId) -> Template {
        match self.take(id) {
            Some(Piece::Template(template)) => template,
            _ => unreachable!("{CHECKED}"),
        }
    }

    pub(super) fn uri_of(&mut self, id: NodeId) -> UriTemplate {
        match self.take(id) {
            Some(Piece::Uri(uri)) => uri,
            _ => unreachable!("{CHECKED}"),
        }
    }

    fn schema(&mut self, parent: NodeId) -> Option<Schema> {
        let schema = self.document.get(parent, "schema")?;
        let Some(id) = self.document.get(schema, "document") else {
            return Some(self.external_schema(schema));
        };
        match self.take(id) {
            Some(Piece::Schema(schema)) => Some(schema),
            _ => unreachable!("{CHECKED}"),
        }
    }

    fn external_schema(&self, schema: NodeId) -> Schema {
        let uri = self.file_at(schema, "resource");
        let compiled = self.content_of(&uri).and_then(|text| {
            Schema::parse(&text).map_err(|reason| format!("the schema {uri} cannot be used: {reason}"))
        });
        compiled.unwrap_or_else(|reason| Schema::unavailable(&reason))
    }

    // --- files ---

    /// The address of an external resource.
    pub(super) fn file_at(&self, parent: NodeId, key: &str) -> String {
        let resource = self.document.get(parent, key).expect(CHECKED);
        let endpoint = self.document.get(resource, "endpoint").expect(CHECKED);
        let uri = self.document.get(endpoint, "uri").unwrap_or(endpoint);
        self.document.text(uri).expect(CHECKED).to_owned()
    }

    /// Its content as pinned, or why there is none.
    pub(super) fn content_of(&self, uri: &str) -> Result<Arc<str>, String> {
        let applied_again = "apply the workflow again once it can";
        match self.files.get(uri) {
            Some(Ok(content)) => Ok(Arc::clone(content)),
            Some(Err(reason)) => Err(format!(
                "{uri} could not be fetched when the workflow was applied ({reason}); {applied_again}"
            )),
            None => Err(format!("{uri} was not fetched when the workflow was applied; {applied_again}")),
        }
    }

    pub(super) fn input(&mut self, owner: NodeId) -> Input {
        let Some(id) = self.document.get(owner, "input") else { return Input::default() };
        Input { schema: self.schema(id), from: self.template(id, "from") }
    }

    pub(super) fn output(&mut self, owner: NodeId) -> Output {
        let Some(id) = self.document.get(owner, "output") else { return Output::default() };
        Output { r#as: self.template(id, "as"), schema: self.schema(id) }
    }

    pub(super) fn export(&mut self, owner: NodeId) -> Option<Export> {
        let id = self.document.get(owner, "export")?;
        Some(Export { r#as: self.template(id, "as"), schema: self.schema(id) })
    }

    pub(super) fn timeout(&mut self, owner: NodeId) -> Option<Span> {
        let id = self.document.get(owner, "timeout")?;
        self.resolved(id, Section::Timeouts, |lowering, timeout| lowering.span(timeout, "after"))
    }

    pub(super) fn span(&mut self, parent: NodeId, key: &str) -> Option<Span> {
        let id = self.document.get(parent, key)?;
        if let Some(Piece::Template(template)) = self.take(id) {
            return Some(Span::Computed(template));
        }
        Some(Span::Fixed(self.fixed(id)))
    }

    /// A literal duration.
    pub(super) fn fixed(&self, id: NodeId) -> Duration {
        parse_duration(&self.document.value_of(id)).expect("the checker has parsed every literal duration")
    }

    pub(super) fn then(&self, owner: NodeId, spot: &Spot<'_>) -> Option<Then> {
        let id = self.document.get(owner, "then")?;
        Some(match self.document.text(id)? {
            "continue" => Then::Continue,
            "exit" => Then::Exit,
            "end" => Then::End,
            name => Then::Jump(*spot.names.get(name).expect("the checker knows the names of each list")),
        })
    }

    /// Lowers a definition that stands here or is named here.
    pub(super) fn resolved<T>(
        &mut self,
        id: NodeId,
        section: Section,
        lower: impl FnOnce(&mut Self, NodeId) -> T,
    ) -> T {
        let Some(name) = self.document.text(id) else { return lower(self, id) };
        let path = ["use", section.key(), name];
        let definition =
            self.document.at(self.document.root(), &path).expect("the checker found every reference");
        let outer = std::mem::replace(&mut self.site, id);
        let lowered = lower(self, definition);
        self.site = outer;
        lowered
    }
}
