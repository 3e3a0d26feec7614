//! `tenon workflow explain`: a document in plain English. A file needs no server; a name is asked for there.

use std::path::Path;

use serde_json::{Value, json};
use tenon_workflow::{Diagnostic, Document, Explanation, ExplanationLine};

use crate::cli::{ExplainWorkflowArgs, WorkflowName};
use crate::client::{Query, path};
use crate::commands::Session;
use crate::failure::{Exit, Failure};
use crate::output::{Format, Output, plain};
use crate::project;

pub(super) async fn run(args: &ExplainWorkflowArgs, session: Session<'_>) -> Result<(), Failure> {
    let Some(name) = deployed(&args.workflow) else {
        if args.revision.is_some() {
            return Err(Failure::usage("a file has no revisions")
                .hint("name a deployed workflow, e.g. `tenon workflow explain shop/orders --revision 3`"));
        }
        let text = project::read_text(Path::new(&args.workflow)).map_err(|error| {
            Failure::from(error).hint("a deployed workflow is named NAMESPACE/NAME, e.g. shop/orders")
        })?;
        let document = read(&args.workflow, &text)?;
        return show(&document, session.output);
    };
    let context = session.context()?;
    let address = path(&["api", "v1", "workflows", &name.namespace, &name.name]);
    let query = Query::default().with("revision", args.revision);
    let workflow = context.client.get(query.after(&address)).await?;
    let document = read(&name.to_string(), &plain(&workflow["document"]))?;
    show(&document, context.output)
}

/// The name, unless this is a file or looks like one.
fn deployed(written: &str) -> Option<WorkflowName> {
    let file = Path::new(written);
    let endings = ["yaml", "yml", "json"];
    let is_file = file.extension().is_some_and(|ending| endings.iter().any(|known| ending == *known));
    if is_file || file.exists() { None } else { written.parse().ok() }
}

/// A valid document. One that this version cannot execute is explained, too.
fn read(title: &str, text: &str) -> Result<Document, Failure> {
    let document = Document::parse(text).map_err(|findings| invalid(title, &findings))?;
    let findings = tenon_workflow::check(&document);
    if findings.is_empty() { Ok(document) } else { Err(invalid(title, &findings)) }
}

fn invalid(title: &str, findings: &[Diagnostic]) -> Failure {
    let what = findings.first().map_or_else(String::new, |first| {
        format!(":{}:{}: {} ({})", first.line, first.column, first.message, first.code)
    });
    let more = match findings.len() {
        0 | 1 => String::new(),
        count => format!(", and {} more", count - 1),
    };
    Failure::new(Exit::Failed, format!("{title}{what}{more}"))
        .hint("`tenon workflow lint FILE` says everything that is wrong with a document")
}

fn show(document: &Document, output: &mut Output) -> Result<(), Failure> {
    let explanation = tenon_workflow::explain(document);
    match output.format() {
        Format::Markdown => output.text(&explanation.markdown()),
        _ => output.value(&value(document, &explanation), |_| explanation.text()),
    }
}

fn value(document: &Document, explanation: &Explanation) -> Value {
    let line = |line: ExplanationLine| json!({ "depth": line.depth, "number": line.number, "pointer": line.pointer, "text": line.text });
    let about = &document.value()["document"];
    json!({
        "namespace": about["namespace"],
        "name": about["name"],
        "version": about["version"],
        "lines": explanation.lines().into_iter().map(line).collect::<Vec<_>>(),
    })
}
