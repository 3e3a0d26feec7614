//! From a document in a request to a checked document with its name and keys.

use tenon_capture::trigger::Trigger;
use tenon_gateway::{Problem, codes};
use tenon_store::Kind;
use tenon_workflow::{Diagnostic, Document, EventTypes, Program};

/// The key of workflows that any event type may start.
const ANY_TYPE: &str = "*";

/// A document that may be deployed.
pub(crate) struct Checked {
    /// The name that it says it has; triggers do not say one.
    pub(crate) name: Option<String>,
    /// `document.version`.
    pub(crate) version: String,
    /// What it is looked up by.
    pub(crate) keys: Vec<String>,
    /// Warnings.
    pub(crate) warnings: Vec<Diagnostic>,
}

/// Checks a document of a kind completely.
pub(crate) fn check(kind: Kind, source: &str) -> Result<Checked, Vec<Diagnostic>> {
    match kind {
        Kind::Workflow => check_workflow(source),
        Kind::Trigger => {
            let trigger = Trigger::parse(source)?;
            Ok(Checked { name: None, version: String::new(), keys: trigger.keys(), warnings: Vec::new() })
        }
    }
}

fn check_workflow(source: &str) -> Result<Checked, Vec<Diagnostic>> {
    let document = Document::parse(source)?;
    let program = tenon_workflow::compile(&document)?;
    let warnings = tenon_workflow::lint(&document, &program);
    Ok(Checked {
        name: Some(format!("{}/{}", program.name.namespace, program.name.name)),
        version: program.name.version.clone(),
        keys: keys(&program),
        warnings,
    })
}

fn keys(program: &Program) -> Vec<String> {
    let filters = program.subscription.iter().flat_map(|subscription| &subscription.filters);
    let mut keys: Vec<String> = filters
        .map(|filter| match filter.event_types() {
            EventTypes::Exact(name) => name,
            EventTypes::Any => ANY_TYPE.to_owned(),
        })
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The refusal of a document.
pub(crate) fn refused(findings: &[Diagnostic]) -> Problem {
    let detail = findings.first().map_or_else(|| "the document has errors".to_owned(), ToString::to_string);
    Problem::new(&codes::DOCUMENT_REFUSED, detail).with("diagnostics", crate::show::diagnostics(findings))
}
