//! Holds a document against the table of shapes and collects everything that is wrong with it.
//!
//! One walk does it all: structure, names, literal values, expressions. What it compiles on the way (expressions,
//! templates, schemas, filters) is kept, so that lowering never compiles anything twice. What is valid but not
//! executable is collected apart. The walk goes as deep as the document, which the parser bounds.

mod expression;
mod file;
mod filter;
mod function;
mod literal;
mod object;
mod schedule;
mod schema;
mod secret;
mod task;
mod variable;

use std::collections::{BTreeSet, HashMap, HashSet};

use tenon_expr::{Expr, Template, UriTemplate};

use crate::codes;
use crate::diagnostic::{Diagnostic, MAX_DIAGNOSTICS, Severity, quote, suggest};
use crate::document::{Content, Document, NodeId};
use crate::program::{FileReference, Match, Schema};
use crate::shape::{Later, Section, Shape, WORKFLOW};
pub(crate) use filter::is_pattern;
use function::Functions;
pub(crate) use literal::METHODS;
use task::Siblings;

/// Everything that is wrong with a document; nothing if it is valid. What is valid but not executable in this
/// version is found by [`compile`](crate::compile).
pub fn check(document: &Document) -> Vec<Diagnostic> {
    examine(document).findings
}

/// The files that a valid document refers to, one for each reference, in the order of the text.
pub fn references(document: &Document) -> Vec<FileReference> {
    examine(document).files
}

/// A document that was walked.
pub(crate) struct Checked {
    /// Why it is refused, in the order of the text.
    pub(crate) findings: Vec<Diagnostic>,
    /// What is valid but cannot be executed yet.
    pub(crate) later: Vec<Diagnostic>,
    pub(crate) compiled: Compiled,
    /// Files that it refers to, in the order of the walk.
    pub(crate) files: Vec<FileReference>,
    /// Names of configuration variables that it reads.
    pub(crate) variables: BTreeSet<String>,
}

/// What was compiled, by the reference through which it was reached (or the root) and its node.
pub(crate) type Compiled = HashMap<(NodeId, NodeId), Piece>;

/// One compiled part of a document.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    Expr(Expr),
    Template(Template),
    Uri(UriTemplate),
    Schema(Schema),
    Match(Match),
}

pub(crate) fn examine(document: &Document) -> Checked {
    let mut checker = Checker {
        document,
        findings: Vec::new(),
        later: Vec::new(),
        seen: HashSet::new(),
        compiled: Compiled::new(),
        site: document.root(),
        locals: Vec::new(),
        siblings: Vec::new(),
        functions: Functions::of(document),
        files: Vec::new(),
        variables: BTreeSet::new(),
        addresses: HashSet::new(),
        expressions: 0,
        patterns: 0,
        text_bytes: 0,
        pointer_bytes: 0,
        no_expressions: false,
        inside_later: 0,
        exempt: None,
        used: HashSet::new(),
        unused: Vec::new(),
    };
    match document.content(document.root()) {
        Content::Map(_) => checker.object(document.root(), &WORKFLOW),
        _ => checker.wrong_type(document.root(), "an object"),
    }
    checker.check_unused_definitions();
    checker.check_function_calls();
    checker.check_extension_count();
    checker.check_times();
    checker.check_gathering();
    let Checker { mut findings, mut later, compiled, files, variables, .. } = checker;
    findings.sort_by_key(|finding| (finding.line, finding.column));
    later.sort_by_key(|finding| (finding.line, finding.column));
    Checked { findings, later, compiled, files, variables }
}

struct Checker<'d> {
    document: &'d Document,
    findings: Vec<Diagnostic>,
    later: Vec<Diagnostic>,
    /// What was said already: a definition is walked once for each place that uses it.
    seen: HashSet<(NodeId, String)>,
    compiled: Compiled,
    /// The reference through which the walk came here, or the root.
    site: NodeId,
    /// Loop and catch variables in scope, innermost last.
    locals: Vec<&'d str>,
    /// The task lists around this place, innermost last.
    siblings: Vec<Siblings<'d>>,
    functions: Functions<'d>,
    files: Vec<FileReference>,
    variables: BTreeSet<String>,
    /// Texts in templates that are addresses in which `{name}` is filled in.
    addresses: HashSet<NodeId>,
    expressions: usize,
    patterns: usize,
    /// Bytes of text in templates, counted where they are used.
    text_bytes: usize,
    /// Bytes of the JSON Pointers of tasks.
    pointer_bytes: usize,
    /// Set inside of definitions, whose expressions are checked where they are used.
    no_expressions: bool,
    /// How many constructs around this place are not executable yet.
    inside_later: usize,
    /// A node that another one makes meaningless.
    exempt: Option<NodeId>,
    used: HashSet<(Section, NodeId)>,
    unused: Vec<(Section, NodeId, &'static Shape)>,
}

// === impl Checker ===

impl Checker<'_> {
    fn shape(&mut self, id: NodeId, shape: &'static Shape) {
        if self.exempt == Some(id) || self.is_full() {
            return;
        }
        if !accepts(shape, self.document.content(id)) {
            return self.wrong_type(id, &describe(shape));
        }
        if let Some(name) = self.variable_of(id)
            && let Some(place) = variable::place_of(shape)
        {
            return self.variable_argument(id, name, (shape, place));
        }
        match shape {
            Shape::Anything | Shape::Boolean => {}
            Shape::Data(place) | Shape::Array(place) => self.template(id, *place),
            Shape::DataObject(place, least) => self.data_object(id, *place, *least),
            Shape::Strings { place, lists } => self.strings(id, *place, *lists),
            Shape::Expression(place) => self.expression(id, *place),
            Shape::Transform(place) => self.transform(id, *place),
            Shape::Computed(place) => self.computed(id, *place),
            Shape::Text(literal) => self.text(id, *literal),
            Shape::TextOr(literal, place) => self.text_or(id, *literal, *place),
            Shape::Part(literal) => self.part(id, *literal),
            Shape::PartUri { web } => self.part_uri(id, *web),
            Shape::Uri { place, web } => self.uri(id, *place, *web),
            Shape::Integer(least, most) => self.integer(id, *least, *most),
            Shape::IntegerOr(least, most, place) => self.integer_or(id, (*least, *most), *place),
            Shape::Choice(choices) => self.choice(id, choices),
            Shape::Duration(place) => self.duration(id, *place),
            Shape::VariableName => self.variable_name(id),
            Shape::Flow => self.flow(id),
            Shape::Reference(section, shape) => self.reference(id, *section, shape),
            Shape::Definitions(section, shape) => self.definitions(id, *section, shape),
            Shape::JsonSchema => self.json_schema(id),
            Shape::Match(place) => self.matcher(id, *place),
            Shape::MatchData(place) => self.match_data(id, *place),
            Shape::Object(object) => self.object(id, object),
            Shape::List(shape, least) => self.list(id, shape, *least),
            Shape::Map(shape) => self.map(id, shape),
            Shape::Named(shape, least) => self.named(id, shape, *least),
            Shape::File(kind) => self.file(id, *kind),
            Shape::FunctionName => self.function_name(id),
            Shape::Functions => self.functions(id),
            Shape::Tasks => self.tasks(id),
            Shape::Branches => self.branches(id),
            Shape::Task => self.task(id),
            Shape::Either(alternatives) => {
                let content = self.document.content(id);
                let fitting = alternatives.iter().find(|alternative| accepts(alternative, content));
                self.shape(id, fitting.expect("one of them accepts it, since the whole does"));
            }
        }
    }

    // --- findings ---

    /// Nothing more will be reported, so nothing more needs to be looked at.
    fn is_full(&self) -> bool {
        self.findings.len() >= MAX_DIAGNOSTICS
    }

    fn report(&mut self, id: NodeId, code: &'static str, message: String) {
        self.report_with(id, code, message, None);
    }

    fn report_with(&mut self, id: NodeId, code: &'static str, message: String, hint: Option<String>) {
        if !self.is_full() && self.seen.insert((id, message.clone())) {
            self.findings.push(self.diagnostic(id, code, message, hint));
        }
    }

    fn diagnostic(
        &self,
        id: NodeId,
        code: &'static str,
        message: String,
        hint: Option<String>,
    ) -> Diagnostic {
        let (line, column) = self.document.place(id);
        let pointer = self.document.pointer(id);
        let hint = hint.or_else(|| codes::explanation(code));
        Diagnostic { code, severity: Severity::Error, pointer, line, column, message, hint }
    }

    fn report_later(&mut self, id: NodeId, later: &'static Later) {
        if self.inside_later > 0 || self.later.len() >= MAX_DIAGNOSTICS {
            return;
        }
        let message = later.reason.to_owned();
        if self.seen.insert((id, message.clone())) {
            self.later.push(self.diagnostic(id, later.code, message, Some(later.hint.to_owned())));
        }
    }

    fn wrong_type(&mut self, id: NodeId, wanted: &str) {
        let content = self.document.content(id);
        let message = format!("must be {wanted}, not {}", kind(content));
        let hint = match content {
            Content::Number { written, .. } if wanted.contains("text") => {
                Some(format!("put it into quotes to make it text: \"{}\"", quote(written)))
            }
            Content::Null => Some("give it a value, or remove the field".to_owned()),
            _ if wanted.starts_with("a list") => {
                Some("write `[first, second]`, or one line for each item, which starts with `-`".to_owned())
            }
            _ if wanted.starts_with("an object") => {
                Some("write one line for each member, `name: value`, indented below".to_owned())
            }
            _ => Some(format!("replace it by {wanted}")),
        };
        self.report_with(id, codes::WRONG_TYPE, message, hint);
    }

    /// Keeps what lowering will need.
    fn keep(&mut self, id: NodeId, piece: Piece) {
        if self.inside_later == 0 {
            self.compiled.insert((self.site, id), piece);
        }
    }

    // --- collections ---

    fn list(&mut self, id: NodeId, shape: &'static Shape, least: usize) {
        let items = self.document.items(id);
        self.at_least(id, items.len(), least);
        for item in items {
            self.shape(*item, shape);
        }
    }

    fn map(&mut self, id: NodeId, shape: &'static Shape) {
        for entry in self.document.entries(id) {
            self.shape(entry.value, shape);
        }
    }

    fn at_least(&mut self, id: NodeId, found: usize, least: usize) {
        if found < least {
            self.report(id, codes::RANGE, format!("must have at least {least} member, but has {found}"));
        }
    }

    // --- definitions under `use` ---

    fn definitions(&mut self, id: NodeId, section: Section, shape: &'static Shape) {
        let outer = std::mem::replace(&mut self.no_expressions, true);
        for entry in self.document.entries(id) {
            self.shape(entry.value, shape);
            self.unused.push((section, entry.value, shape));
        }
        self.no_expressions = outer;
    }

    fn reference(&mut self, id: NodeId, section: Section, shape: &'static Shape) {
        let document = self.document;
        let name = document.text(id).expect("a reference is text");
        let defined = document.at(document.root(), &["use", section.key()]);
        let found = defined.and_then(|defined| match document.content(defined) {
            Content::List(items) => items.iter().find(|item| document.text(**item) == Some(name)).copied(),
            _ => document.get(defined, name),
        });
        let Some(found) = found else {
            return self.not_defined(id, section, name);
        };
        self.used.insert((section, found));
        if matches!(shape, Shape::Anything) {
            return;
        }
        let outer = std::mem::replace(&mut self.site, id);
        self.shape(found, shape);
        self.site = outer;
    }

    /// Reports a name that this section of `use` does not have.
    fn not_defined(&mut self, id: NodeId, section: Section, name: &str) {
        let document = self.document;
        let key = section.key();
        let defined = document.at(document.root(), &["use", key]);
        let names: Vec<&str> = defined.map_or_else(Vec::new, |defined| match document.content(defined) {
            Content::List(items) => items.iter().filter_map(|item| document.text(*item)).collect(),
            _ => document.entries(defined).iter().map(|entry| &*entry.key).collect(),
        });
        let hint = suggest(name, names).unwrap_or_else(|| format!("define it under `use.{key}`"));
        let message = format!("`use.{key}` does not define `{}`", quote(name));
        self.report_with(id, codes::REFERENCE, message, Some(hint));
    }

    /// Definitions that nothing uses would have their expressions checked nowhere.
    fn check_unused_definitions(&mut self) {
        self.locals.push("error");
        for (section, id, shape) in std::mem::take(&mut self.unused) {
            if !self.used.contains(&(section, id)) {
                self.shape(id, shape);
            }
        }
        self.locals.pop();
    }
}

/// Whether a value of this type can be meant by this shape.
pub(crate) fn accepts(shape: &Shape, content: &Content) -> bool {
    if variable::place_of(shape).is_some() && variable::is_variable(content) {
        return true;
    }
    match shape {
        Shape::Anything | Shape::Data(_) | Shape::MatchData(_) => true,
        Shape::Expression(_)
        | Shape::Transform(_)
        | Shape::Computed(_)
        | Shape::Text(_)
        | Shape::TextOr(..)
        | Shape::Part(_)
        | Shape::PartUri { .. }
        | Shape::Uri { .. }
        | Shape::File(_)
        | Shape::FunctionName
        | Shape::Choice(_)
        | Shape::VariableName
        | Shape::Flow
        | Shape::Reference(..) => matches!(content, Content::Text(_)),
        Shape::DataObject(..)
        | Shape::Strings { .. }
        | Shape::Object(_)
        | Shape::Map(_)
        | Shape::Definitions(..)
        | Shape::Functions
        | Shape::Task => matches!(content, Content::Map(_)),
        Shape::Array(_) | Shape::List(..) | Shape::Named(..) | Shape::Tasks | Shape::Branches => {
            matches!(content, Content::List(_))
        }
        Shape::Integer(..) => matches!(content, Content::Number { .. }),
        Shape::IntegerOr(..) => matches!(content, Content::Number { .. } | Content::Text(_)),
        Shape::Boolean => matches!(content, Content::Bool(_)),
        Shape::Duration(_) => matches!(content, Content::Text(_) | Content::Map(_)),
        Shape::JsonSchema => matches!(content, Content::Map(_) | Content::Bool(_)),
        Shape::Match(_) => matches!(content, Content::Text(_) | Content::Number { .. } | Content::Bool(_)),
        Shape::Either(alternatives) => alternatives.iter().any(|alternative| accepts(alternative, content)),
    }
}

fn describe(shape: &Shape) -> String {
    match shape {
        Shape::Expression(_) | Shape::Transform(_) => "an expression (text)".to_owned(),
        Shape::Computed(_) => "`${ … }` (text)".to_owned(),
        Shape::Integer(..) => "a whole number".to_owned(),
        Shape::IntegerOr(..) => "a whole number or `${ … }`".to_owned(),
        Shape::Boolean => "true or false".to_owned(),
        Shape::Duration(_) => "a duration (text or an object)".to_owned(),
        Shape::Tasks | Shape::Branches => "a list of tasks".to_owned(),
        Shape::Object(object) => format!("an object ({})", object.title),
        Shape::Match(_) => "text, a number or a boolean".to_owned(),
        Shape::JsonSchema => "a JSON Schema (an object)".to_owned(),
        Shape::DataObject(..)
        | Shape::Strings { .. }
        | Shape::Map(_)
        | Shape::Definitions(..)
        | Shape::Functions
        | Shape::Task => "an object".to_owned(),
        Shape::Array(_) | Shape::List(..) | Shape::Named(..) => "a list".to_owned(),
        Shape::Anything | Shape::Data(_) | Shape::MatchData(_) => "a value".to_owned(),
        Shape::Either(alternatives) => {
            alternatives.iter().map(|alternative| describe(alternative)).collect::<Vec<_>>().join(" or ")
        }
        _ => "text".to_owned(),
    }
}

fn kind(content: &Content) -> &'static str {
    match content {
        Content::Null => "empty",
        Content::Bool(_) => "a boolean",
        Content::Number { .. } => "a number",
        Content::Text(_) => "text",
        Content::List(_) => "a list",
        Content::Map(_) => "an object",
    }
}
