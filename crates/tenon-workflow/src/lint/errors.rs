//! Errors: caught and forgotten, waited for in vain, of a type that does not exist.

use super::{Edit, Linter};
use crate::codes;
use crate::diagnostic::{nearest, quote};
use crate::document::{Content, NodeId};
use crate::outline::{Kind, Task};
use crate::program::{ErrorType, error_type_called, same_error_type, standard_error_type};

/// Hosts of the specification, now and before.
const HOSTS: [&str; 2] = ["https://open-workflow-specification.org/", "https://serverlessworkflow.io/"];

/// What can go wrong inside a `try`.
#[derive(Debug, Default)]
struct Faults<'d> {
    /// Types and statuses that are raised; a status that is computed is none.
    raised: Vec<(&'d str, Option<u64>)>,
    /// Something may raise anything.
    is_open: bool,
    /// Standard errors that may come of what is done, besides those that anything can give.
    standard: Vec<ErrorType>,
}

const OF_CALLS: [ErrorType; 4] =
    [ErrorType::Communication, ErrorType::Authentication, ErrorType::Authorization, ErrorType::Timeout];

impl<'d> Linter<'d> {
    pub(super) fn catches(&mut self) {
        let outline = self.outline;
        for task in outline.tasks.iter().filter(|task| task.kind == Kind::Try) {
            let Some(catch) = outline.at(task, &["catch"]) else { continue };
            self.silent_catch(task, catch);
            if let Some(with) = self.document.at(catch, &["errors", "with"]) {
                self.vain_catch(task, with);
            }
        }
    }

    fn silent_catch(&mut self, task: &Task<'_>, catch: NodeId) {
        let has = |key: &str| self.document.get(catch, key).is_some();
        let handles =
            self.document.get(catch, "do").is_some_and(|list| !self.document.items(list).is_empty());
        let leads_on =
            self.document.get(catch, "then").and_then(|then| self.document.text(then)) != Some("continue");
        if handles
            || has("errors")
            || has("when")
            || has("exceptWhen")
            || has("retry")
            || (has("then") && leads_on)
        {
            return;
        }
        let message = format!("every error of `{}` is caught and nobody is told", quote(task.name));
        let hint = "say which with `errors.with`, or handle them with `do`";
        self.report(catch, codes::LINT_CATCH_SILENT, message, hint);
    }

    /// A filter for errors that nothing inside can raise.
    fn vain_catch(&mut self, task: &Task<'_>, with: NodeId) {
        let kind = self.document.get(with, "type");
        let Some((node, wanted)) = kind.and_then(|id| Some((id, self.document.text(id)?))) else { return };
        let faults = self.faults(task);
        let raised: Vec<Option<u64>> = faults
            .raised
            .iter()
            .filter(|(raised, _)| same_error_type(raised, wanted))
            .map(|(_, status)| *status)
            .collect();
        let status = self.document.get(with, "status");
        let wanted_status = status.and_then(|id| self.document.value_of(id).as_u64());
        if faults.is_open || raised.contains(&None) {
            return;
        }
        let standard = standard_error_type(wanted).map(|(standard, _)| standard);
        let possible = standard.is_some_and(|standard| faults.can_be(standard));
        if raised.is_empty() && !possible {
            // A type that does not exist is said by `error_types`.
            if standard.is_some() || called_like_standard(wanted).is_none() {
                let message = format!("nothing in `{}` raises this error", quote(task.name));
                let hint = "mend the type, or remove the filter";
                self.report(node, codes::LINT_CATCH_NEVER, message, hint);
            }
            return;
        }
        let (Some(status), Some(wanted_status)) = (status, wanted_status) else { return };
        let fixed = standard.filter(|standard| possible && *standard != ErrorType::Communication);
        let is_possible = raised.contains(&Some(wanted_status))
            || fixed.map_or(possible, |standard| u64::from(standard.status()) == wanted_status);
        if !is_possible {
            let known = fixed.map_or_else(
                || raised.iter().flatten().map(u64::to_string).collect::<Vec<_>>().join(" or "),
                |standard| standard.status().to_string(),
            );
            let message = format!("errors of this type have the status {known}, so nothing is caught");
            self.report(status, codes::LINT_ERROR_STATUS, message, "mend the status, or leave it out");
        }
    }

    fn faults(&self, task: &Task<'_>) -> Faults<'d> {
        let outline = self.outline;
        let mut faults = Faults { is_open: !outline.extensions().is_empty(), ..Faults::default() };
        if let Some(body) = task.inner.first() {
            for inner in outline.tasks_below(*body) {
                self.faults_of(inner, &mut faults);
            }
        }
        faults
    }

    fn faults_of(&self, task: &Task<'_>, faults: &mut Faults<'d>) {
        let outline = self.outline;
        let has = |path: &[&str]| outline.at(task, path).is_some();
        if has(&["timeout"]) {
            faults.standard.push(ErrorType::Timeout);
        }
        if ["input", "output", "export"].iter().any(|part| has(&[part, "schema"])) {
            faults.standard.push(ErrorType::Validation);
        }
        match task.kind {
            Kind::Raise => self.raised(task, faults),
            Kind::Call if outline.called(task) == Some("http") => faults.standard.extend(OF_CALLS),
            // A function or another workflow may do anything; other protocols check what they send.
            Kind::Call | Kind::Run => faults.is_open = true,
            _ => {}
        }
    }

    fn raised(&self, task: &Task<'_>, faults: &mut Faults<'d>) {
        let document = self.document;
        let error = self.outline.at(task, &["raise", "error"]);
        let error = error.and_then(|error| self.outline.resolve("errors", error));
        let kind = error.and_then(|error| document.text(document.get(error, "type")?));
        match kind.filter(|kind| tenon_expr::runtime_expression(kind).is_none()) {
            Some(kind) => {
                let status = error.and_then(|error| document.get(error, "status"));
                faults.raised.push((kind, status.and_then(|status| document.value_of(status).as_u64())));
            }
            None => faults.is_open = true,
        }
    }

    // --- types ---

    pub(super) fn error_types(&mut self) {
        let (document, outline) = (self.document, self.outline);
        let mut raised = Vec::new();
        if let Some(defined) = document.at(document.root(), &["use", "errors"]) {
            raised.extend(document.entries(defined).iter().map(|entry| entry.value));
        }
        for task in &outline.tasks {
            let inline = outline.at(task, &["raise", "error"]);
            raised.extend(inline.filter(|error| matches!(document.content(*error), Content::Map(_))));
            if let Some(kind) = outline.at(task, &["catch", "errors", "with", "type"]) {
                self.error_type(kind, true);
            }
        }
        for error in raised {
            if let Some(kind) = document.get(error, "type") {
                self.error_type(kind, false);
                self.raised_status(kind, error);
            }
        }
    }

    fn error_type(&mut self, node: NodeId, is_filter: bool) {
        let Some(uri) = self.document.text(node) else { return };
        if let Some((standard, is_own)) = standard_error_type(uri) {
            if !is_own {
                let message = format!("`{}` is an older name of a standard error", quote(uri));
                let hint = format!("write `{}`", standard.uri());
                if is_filter {
                    let edit = Edit::Text(node, standard.uri().to_owned());
                    self.report_with_edit((node, codes::LINT_ERROR_TYPE_OLD), message, &hint, edit);
                } else {
                    self.report(node, codes::LINT_ERROR_TYPE_OLD, message, hint);
                }
            }
            return;
        }
        if let Some(meant) = called_like_standard(uri) {
            let message = format!("`{}` is no standard error, so no filter for one fits it", quote(uri));
            self.report(node, codes::LINT_ERROR_TYPE, message, format!("did you mean `{}`?", meant.uri()));
        }
    }

    fn raised_status(&mut self, kind: NodeId, error: NodeId) {
        let document = self.document;
        let standard = document.text(kind).and_then(standard_error_type).map(|(standard, _)| standard);
        let Some(standard) = standard.filter(|standard| *standard != ErrorType::Communication) else {
            return;
        };
        let Some(status) = document.get(error, "status") else { return };
        let Some(found) = document.value_of(status).as_u64() else { return };
        if found != u64::from(standard.status()) {
            let message = format!("this standard error has the status {}, not {found}", standard.status());
            let hint = "mend the status, or raise a type of your own";
            self.report(status, codes::LINT_ERROR_STATUS, message, hint);
        }
    }
}

// === impl Faults ===

impl Faults<'_> {
    fn can_be(&self, standard: ErrorType) -> bool {
        let anywhere = [ErrorType::Configuration, ErrorType::Expression, ErrorType::Runtime];
        anywhere.contains(&standard) || self.standard.contains(&standard)
    }
}

/// The standard type that a URI was probably meant to be: the bare name, or a name at a host of the specification.
fn called_like_standard(uri: &str) -> Option<ErrorType> {
    if let Some(standard) = error_type_called(uri) {
        return Some(standard);
    }
    let path = HOSTS.iter().find_map(|host| uri.strip_prefix(host))?;
    let (folder, name) = path.rsplit_once('/')?;
    let names = [
        "configuration",
        "validation",
        "expression",
        "authentication",
        "authorization",
        "timeout",
        "communication",
        "runtime",
    ];
    let is_folder_of_errors = folder.ends_with("errors") || folder.ends_with("errors/types");
    let near = nearest(name, names).filter(|near| *near == name || folder == "spec/1.0.0/errors")?;
    is_folder_of_errors.then(|| error_type_called(near)).flatten()
}
