//! From a document in a request to a checked document with its name and keys.

use std::sync::Arc;

use tenon_capture::trigger::{SCHEDULE_KEY, Trigger};
use tenon_gateway::{Problem, codes};
use tenon_outbound::HttpClient;
use tenon_store::{Kind, MASK_KEY, PinnedFile};
use tenon_workflow::{
    Action, Diagnostic, Document, EventTypes, Files, Listen, ListenFilter, Program, Severity, Strategy,
    Subscription, Until,
};

use crate::files::{self, Pinned};

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
    /// Types of events that its jobs may listen for.
    pub(crate) listens: Vec<String>,
    /// The strategy for which it gathers events, if several start a job.
    pub(crate) gathers: Option<u64>,
    /// Whether it refers to files.
    pub(crate) has_files: bool,
    /// The secrets that it may read.
    pub(crate) secrets: Vec<String>,
    /// The configuration variables that it reads.
    pub(crate) variables: Vec<String>,
    /// Warnings.
    pub(crate) warnings: Vec<Diagnostic>,
}

/// Checks a document of a kind completely.
pub(crate) fn check(kind: Kind, source: &str) -> Result<Checked, Vec<Diagnostic>> {
    match kind {
        Kind::Workflow => {
            check_workflow(&Document::parse(source)?, &Files::new()).map(|(checked, _)| checked)
        }
        Kind::Trigger => Ok(check_trigger(&Trigger::parse(source)?)),
    }
}

fn check_trigger(trigger: &Trigger) -> Checked {
    let program = match trigger {
        Trigger::Poll(poll) => Some(poll.program()),
        Trigger::Webhook(_) | Trigger::Schedule(_) => None,
    };
    Checked {
        name: None,
        version: String::new(),
        keys: trigger.keys(),
        listens: Vec::new(),
        gathers: None,
        has_files: !trigger.references().is_empty(),
        secrets: trigger.secrets(),
        variables: program.map(|program| program.variables.clone()).unwrap_or_default(),
        warnings: Vec::new(),
    }
}

/// Fetches the files that a document refers to, and checks it again with them; `before` are those of the revision
/// before.
pub(crate) async fn pin(
    http: &HttpClient,
    kind: Kind,
    source: &str,
    before: &[PinnedFile],
) -> Result<(Checked, Pinned), Vec<Diagnostic>> {
    let document = Document::parse(source)?;
    let references = match kind {
        Kind::Workflow => tenon_workflow::references(&document),
        Kind::Trigger => Trigger::parse(source)?.references().to_vec(),
    };
    let pinned = files::fetch(http, &document, &references, before).await;
    let (mut checked, program) = match kind {
        Kind::Workflow => {
            let (checked, program) = check_workflow(&document, &pinned.contents())?;
            (checked, Arc::new(program))
        }
        Kind::Trigger => {
            let trigger = Trigger::parse_with(source, &pinned.contents())?;
            let checked = check_trigger(&trigger);
            let Trigger::Poll(poll) = trigger else { return Ok((checked, pinned)) };
            (checked, Arc::clone(poll.program()))
        }
    };
    checked.warnings.extend(pinned.warnings.iter().cloned());
    let unusable = files::unusable(http, (&document, &program), &references, &pinned);
    checked.warnings.extend(unusable.await);
    Ok((checked, pinned))
}

fn check_workflow(document: &Document, files: &Files) -> Result<(Checked, Program), Vec<Diagnostic>> {
    let program = tenon_workflow::compile_with(document, files)?;
    let warnings = advice(document)?;
    let checked = Checked {
        name: Some(format!("{}/{}", program.name.namespace, program.name.name)),
        version: program.name.version.clone(),
        keys: keys(&program),
        listens: listens(&program),
        gathers: program.subscription.as_ref().filter(|it| it.gathers()).map(|it| it.digest),
        has_files: !tenon_workflow::references(document).is_empty(),
        secrets: program.secrets.clone(),
        variables: program.variables.clone(),
        warnings,
    };
    Ok((checked, program))
}

/// What the linter says. Its errors stop a deploy; what is merely worth knowing is not said each time.
fn advice(document: &Document) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let mut found = tenon_workflow::lint(document);
    found.retain(|finding| finding.severity != Severity::Information);
    if found.iter().any(|finding| finding.severity == Severity::Error) {
        found.retain(|finding| finding.severity == Severity::Error);
        return Err(found);
    }
    Ok(found)
}

fn keys(program: &Program) -> Vec<String> {
    let filters = program.subscription.iter().flat_map(Subscription::filters);
    let mut keys = sorted(filters.map(|filter| filter.filter.event_types()));
    keys.extend(program.schedule.iter().map(|_| SCHEDULE_KEY.to_owned()));
    if !program.settings.mask.is_empty() {
        keys.extend(listens(program).into_iter().map(|r#type| format!("{MASK_KEY}{type}")));
    }
    keys
}

fn listens(program: &Program) -> Vec<String> {
    let listens = program.tasks.iter().filter_map(|task| match &task.action {
        Action::Listen(listen) => Some(&**listen),
        _ => None,
    });
    sorted(listens.flat_map(types_of))
}

fn types_of(listen: &Listen) -> Vec<EventTypes> {
    let until = match &listen.until {
        Some(Until::Consumed(strategy)) => Some(strategy),
        Some(Until::Condition(_)) | None => None,
    };
    let of_strategy = |strategy: &Strategy| match strategy {
        Strategy::Any(filters) if filters.is_empty() => vec![EventTypes::Any],
        Strategy::All(filters) | Strategy::Any(filters) => {
            filters.iter().map(|filter: &ListenFilter| filter.filter.event_types()).collect::<Vec<_>>()
        }
        Strategy::One(filter) => vec![filter.filter.event_types()],
    };
    std::iter::once(&listen.to).chain(until).flat_map(of_strategy).collect()
}

/// Each once.
fn sorted(types: impl Iterator<Item = EventTypes>) -> Vec<String> {
    let mut names: Vec<String> = types
        .map(|types| match types {
            EventTypes::Exact(name) => name,
            EventTypes::Any => ANY_TYPE.to_owned(),
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The refusal of a document.
pub(crate) fn refused(findings: &[Diagnostic]) -> Problem {
    let detail = findings.first().map_or_else(|| "the document has errors".to_owned(), ToString::to_string);
    Problem::new(&codes::DOCUMENT_REFUSED, detail).with("diagnostics", crate::show::diagnostics(findings))
}
