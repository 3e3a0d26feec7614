//! Expressions, templates and addresses: whether they compile, and whether they read only what they may.

use serde_json::Value;
use tenon_expr::{CompileError, Expr, Template, UriTemplate, runtime_expression};

use super::{Checker, Piece};
use crate::codes;
use crate::diagnostic::quote;
use crate::document::{Content, MAX_SOURCE_BYTES, NodeId};
use crate::program::CONFIGURATION;
use crate::shape::{LANGUAGE_VARIABLES, Place};

/// Most expressions of one document, counted where they are used.
const MAX_EXPRESSIONS: usize = 2_000;
/// Most text in templates, counted where it is used.
const MAX_TEXT_BYTES: usize = 2 * MAX_SOURCE_BYTES;
/// What a value counts besides its text.
const VALUE_BYTES: usize = 64;
/// Longest literal address.
const MAX_URI_BYTES: usize = 8 << 10;

/// What a template consists of besides literals.
#[derive(Default)]
struct Inside {
    /// The texts that are expressions.
    texts: Vec<NodeId>,
    /// How many other values become expressions.
    rewritten: usize,
}

impl<'d> Checker<'d> {
    /// Every name that an expression could mean here. Those that this place does not allow are refused
    /// afterwards, with a better message than "undefined".
    fn names(&self) -> Vec<&'d str> {
        let language = LANGUAGE_VARIABLES.iter().copied().filter(|name| !self.locals.contains(name));
        language.chain(self.locals.iter().copied()).collect()
    }

    /// Counts expressions against the budget; false if these are not to be compiled.
    pub(super) fn afford(&mut self, id: NodeId, count: usize) -> bool {
        if self.no_expressions {
            return false;
        }
        self.expressions += count;
        if self.expressions <= MAX_EXPRESSIONS {
            return true;
        }
        let root = self.document.root();
        let message = format!("more than {MAX_EXPRESSIONS} expressions");
        let (line, _) = self.document.place(id);
        self.report_with(root, codes::TOO_MANY_EXPRESSIONS, message, Some(format!("reached on line {line}")));
        false
    }

    /// A text that is an expression, bare or wrapped.
    pub(super) fn expression(&mut self, id: NodeId, place: Place) {
        if let Some(expr) = self.compile_text(id, place) {
            self.keep(id, Piece::Expr(expr));
        }
    }

    fn compile_text(&mut self, id: NodeId, place: Place) -> Option<Expr> {
        let text = self.document.text(id)?;
        let source = runtime_expression(text).unwrap_or(text);
        self.compile_source(id, source, place)
    }

    fn compile_source(&mut self, id: NodeId, source: &str, place: Place) -> Option<Expr> {
        if !self.afford(id, 1) {
            return None;
        }
        match Expr::compile(source, &self.names()) {
            Ok(expr) => self.allows(id, &expr, place).then_some(expr),
            Err(error) => {
                self.refuse(id, source, error);
                None
            }
        }
    }

    fn refuse(&mut self, id: NodeId, source: &str, error: CompileError) {
        let before = source.get(..error.offset).unwrap_or_default();
        let character = before.chars().count() + 1;
        let at = if error.offset == 0 { String::new() } else { format!(" (at character {character})") };
        let message = format!("the expression does not compile: {}{at}", error.message);
        self.report_with(id, codes::EXPRESSION, message, error.hint);
    }

    /// Whether all of these variables may be read here; says which may not.
    fn allows(&mut self, id: NodeId, expr: &Expr, place: Place) -> bool {
        let mut allowed = true;
        for name in expr.variables().iter().map(String::as_str) {
            if self.locals.contains(&name) || place.variables().contains(&name) {
                continue;
            }
            allowed = false;
            if matches!(name, "secrets" | "authorization") {
                self.refuse_secret(id, name, place);
                continue;
            }
            let hint = self.variable_hint(name, place);
            self.report_with(id, codes::VARIABLE, format!("`${name}` has no value here"), Some(hint));
        }
        allowed && self.declares_secrets(id, expr)
    }

    fn variable_hint(&self, name: &str, place: Place) -> String {
        match (name, place) {
            (_, Place::Capture) => "there is no job yet: only the event is there, as `.`".to_owned(),
            (_, Place::Respond) => "only the workflow's output is there, as `.`".to_owned(),
            ("output", _) => "`$output` exists in `export.as` only; in `output.as` it is `.`".to_owned(),
            ("input", Place::TaskInput | Place::WorkflowInput) => "the raw input is `.` here".to_owned(),
            _ => {
                let names = place.variables().iter().chain(&self.locals);
                let names: Vec<String> = names.map(|name| format!("`${name}`")).collect();
                format!("there are {}", names.join(", "))
            }
        }
    }

    // --- templates ---

    /// A value in which every text that is wholly `${ … }` is an expression.
    pub(super) fn template(&mut self, id: NodeId, place: Place) {
        if let Some(template) = self.compile_template(id, place) {
            self.keep(id, Piece::Template(template));
        }
    }

    pub(super) fn compile_template(&mut self, id: NodeId, place: Place) -> Option<Template> {
        let mut inside = Inside::default();
        self.collect(id, place, &mut inside);
        let count = inside.texts.len() + inside.rewritten;
        if !self.afford(id, count) || self.is_too_much_text(id) {
            return None;
        }
        if inside.rewritten > 0 {
            return self.compile_rewritten(id, inside.texts, place);
        }
        match Template::compile(&self.document.value_of(id), &self.names()) {
            Ok(template) if inside.texts.is_empty() => Some(template),
            Ok(template) if self.all_plain(&template.variables(), place) => Some(template),
            // Something is wrong with one or more of its expressions: look at each, to name all of them.
            outcome => {
                if !self.all_compile(inside.texts, place) {
                    return None;
                }
                outcome
                    .map_err(|error| {
                        let text = self.document.descend(id, &error.pointer);
                        self.refuse(text, "", error.error);
                    })
                    .ok()
            }
        }
    }

    /// Looks at the document's own expressions first, since what is written for it may read more than they may.
    fn compile_rewritten(&mut self, id: NodeId, texts: Vec<NodeId>, place: Place) -> Option<Template> {
        if !self.all_compile(texts, place) {
            return None;
        }
        let mut names = self.names();
        names.push(CONFIGURATION);
        match Template::compile(&self.rewritten(id), &names) {
            Ok(template) => Some(template),
            Err(error) => {
                let text = self.document.descend(id, &error.pointer);
                self.refuse(text, "", error.error);
                None
            }
        }
    }

    fn all_compile(&mut self, texts: Vec<NodeId>, place: Place) -> bool {
        let before = self.findings.len();
        for text in texts {
            self.compile_text(text, place);
        }
        self.findings.len() == before && !self.is_full()
    }

    /// A definition is compiled for each place that uses it, so a long text in one could be multiplied.
    fn is_too_much_text(&mut self, id: NodeId) -> bool {
        if self.text_bytes <= MAX_TEXT_BYTES {
            return false;
        }
        let message =
            format!("more than {MAX_TEXT_BYTES} bytes of text and values, counted where they are used");
        self.report(id, codes::TOO_LARGE, message);
        true
    }

    /// Whether all are allowed here and none is a secret.
    fn all_plain(&self, variables: &[String], place: Place) -> bool {
        variables.iter().map(String::as_str).all(|name| {
            let given = place.variables().contains(&name) && !matches!(name, "secrets" | "authorization");
            given || self.locals.contains(&name)
        })
    }

    /// Finds the expressions in a value, and what becomes one.
    fn collect(&mut self, id: NodeId, place: Place, inside: &mut Inside) {
        let document = self.document;
        self.text_bytes += VALUE_BYTES;
        match document.content(id) {
            Content::Text(text) => {
                self.text_bytes += text.len();
                if runtime_expression(text).is_some() {
                    inside.texts.push(id);
                } else if self.addresses.contains(&id) {
                    inside.rewritten += 1;
                }
            }
            Content::List(items) => items.iter().for_each(|item| self.collect(*item, place, inside)),
            Content::Map(entries) => {
                if let Some(name) = document.get(id, "$variable") {
                    inside.rewritten += 1;
                    return self.variable_reference(id, name, place);
                }
                for entry in entries {
                    self.collect(entry.value, place, inside);
                }
            }
            _ => {}
        }
    }

    // --- shapes made of expressions ---

    pub(super) fn data_object(&mut self, id: NodeId, place: Place, least: usize) {
        self.at_least(id, self.document.entries(id).len(), least);
        self.template(id, place);
    }

    pub(super) fn strings(&mut self, id: NodeId, place: Place, lists: bool) {
        let document = self.document;
        for entry in document.entries(id).iter().filter(|entry| &*entry.key != "$variable") {
            match document.content(entry.value) {
                Content::List(items) if lists => {
                    for item in items {
                        if !self.is_scalar(*item) {
                            self.wrong_type(*item, "text, a number or a boolean");
                        }
                    }
                }
                _ if self.is_scalar(entry.value) => {}
                _ if lists => self.wrong_type(entry.value, "text, a number, a boolean or a list"),
                _ => self.wrong_type(entry.value, "text, a number or a boolean"),
            }
        }
        self.template(id, place);
    }

    fn is_scalar(&self, id: NodeId) -> bool {
        match self.document.content(id) {
            Content::Text(_) | Content::Number { .. } | Content::Bool(_) => true,
            _ => self.variable_of(id).is_some(),
        }
    }

    /// A bare expression that stands where a template can stand.
    pub(super) fn transform(&mut self, id: NodeId, place: Place) {
        let Some(expr) = self.compile_text(id, place) else { return };
        let wrapped = Value::String(format!("${{ {} }}", expr.source()));
        match Template::compile(&wrapped, &self.names()) {
            Ok(template) => self.keep(id, Piece::Template(template)),
            Err(error) => self.refuse(id, "", error.error),
        }
    }

    pub(super) fn computed(&mut self, id: NodeId, place: Place) {
        let text = self.document.text(id).unwrap_or_default();
        if runtime_expression(text).is_some() {
            return self.template(id, place);
        }
        let message = format!("must be `${{ … }}` as a whole, not `{}`", quote(text));
        let hint = Some("only a text that is wholly `${ … }` is an expression".to_owned());
        self.report_with(id, codes::EXPRESSION, message, hint);
    }

    pub(super) fn compile_and_keep(&mut self, id: NodeId, source: &str, place: Place) {
        if let Some(expr) = self.compile_source(id, source, place) {
            self.keep(id, Piece::Expr(expr));
        }
    }

    /// jq that gives this value; `${ … }` in it becomes `( … )`.
    pub(super) fn source_of(&self, id: NodeId) -> String {
        let document = self.document;
        match document.content(id) {
            Content::Text(text) => match runtime_expression(text) {
                // The line break ends a comment that the expression may end with.
                Some(source) => format!("({source}\n)"),
                None => Value::String(text.to_string()).to_string(),
            },
            Content::List(items) => {
                let items: Vec<String> = items.iter().map(|item| self.source_of(*item)).collect();
                format!("[{}]", items.join(","))
            }
            Content::Map(entries) => {
                let entries = entries.iter().map(|entry| {
                    format!("{}:{}", Value::String(entry.key.to_string()), self.source_of(entry.value))
                });
                format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
            }
            _ => document.value_of(id).to_string(),
        }
    }

    // --- addresses ---

    /// An address in an object that is compiled as a whole.
    pub(super) fn part_uri(&mut self, id: NodeId, web: bool) {
        let text = self.document.text(id).unwrap_or_default();
        if runtime_expression(text).is_some() {
            return;
        }
        if let Some(wrong) = wrong_address(text, web) {
            return self.report(id, codes::URI, format!("`{}` {wrong}", quote(text)));
        }
        match UriTemplate::compile(text, &[]) {
            Ok(_) if text.contains('{') => {
                self.addresses.insert(id);
            }
            Ok(_) => {}
            Err(error) => self.report_with(id, codes::URI, error.message, error.hint),
        }
    }

    pub(super) fn uri(&mut self, id: NodeId, place: Place, web: bool) {
        let text = self.document.text(id).unwrap_or_default();
        let expression = runtime_expression(text);
        if !self.afford(id, usize::from(expression.is_some())) {
            return;
        }
        if expression.is_none()
            && let Some(wrong) = wrong_address(text, web)
        {
            return self.report(id, codes::URI, format!("`{}` {wrong}", quote(text)));
        }
        match UriTemplate::compile(text, &self.names()) {
            Ok(uri) => {
                let allowed = uri.expression().is_none_or(|expr| self.allows(id, expr, place));
                if allowed {
                    self.keep(id, Piece::Uri(uri));
                }
            }
            Err(error) if expression.is_some() => self.refuse(id, text, error),
            Err(error) => self.report_with(id, codes::URI, error.message, error.hint),
        }
    }
}

pub(super) fn wrong_address(text: &str, web: bool) -> Option<&'static str> {
    if text.len() > MAX_URI_BYTES {
        return Some("is longer than 8 KiB");
    }
    if text.is_empty() || text.contains(char::is_whitespace) {
        return Some("is not a URI: it is empty or contains white space");
    }
    if !web || text.starts_with('{') {
        return None;
    }
    let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
    let rest = match (lower.strip_prefix("https://"), lower.strip_prefix("http://")) {
        (Some(_), _) => &text[8..],
        (_, Some(_)) => &text[7..],
        _ => return Some("does not start with http:// or https://"),
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    host.is_empty().then_some("has no host")
}
