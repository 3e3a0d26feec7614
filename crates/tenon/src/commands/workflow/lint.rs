//! `tenon workflow lint`: what is wrong with documents, where, and how to mend it. Needs no server: the language's own
//! crate is asked, as the server does at deploy.

use std::path::Path;

use serde_json::{Value, json};
use tenon_workflow::{Diagnostic, Document, Severity};

use crate::cli::LintArgs;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::project;

pub(super) fn run(args: &LintArgs, output: &mut Output) -> Result<(), Failure> {
    let mut files = Vec::new();
    for path in &args.files {
        files.push((path, findings(&project::read_text(path)?)));
    }
    let items: Vec<Value> =
        files.iter().flat_map(|(path, found)| found.iter().map(|finding| value(path, finding))).collect();
    let document = json!({ "items": items });
    output.value(&document, |_| {
        items
            .iter()
            .flat_map(|item| lines(item["file"].as_str().unwrap_or_default(), item))
            .collect::<Vec<_>>()
            .join("\n")
    })?;
    verdict(&files, output)
}

/// Everything there is to say about a document, in the order of its text.
fn findings(text: &str) -> Vec<Diagnostic> {
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(findings) => return findings,
    };
    match tenon_workflow::compile(&document) {
        Ok(program) => tenon_workflow::lint(&document, &program),
        Err(findings) => findings,
    }
}

fn verdict(files: &[(&std::path::PathBuf, Vec<Diagnostic>)], output: &mut Output) -> Result<(), Failure> {
    let all = || files.iter().flat_map(|(_, findings)| findings);
    let errors = all().filter(|finding| finding.severity == Severity::Error).count();
    let warnings = all().count() - errors;
    let plural =
        |count: usize, word: &str| if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") };
    let counts = format!("{}, {}", plural(errors, "error"), plural(warnings, "warning"));
    if errors == 0 {
        output.note(&format!("{}: {counts}", plural(files.len(), "file")));
        return Ok(());
    }
    let first =
        all().find(|finding| finding.severity == Severity::Error).map_or("CODE", |finding| finding.code);
    Err(Failure::new(Exit::Failed, format!("{}: {counts}", plural(files.len(), "file")))
        .hint(format!("`tenon explain {first}` says more about a code")))
}

/// The shape the server uses, with the file.
fn value(path: &Path, finding: &Diagnostic) -> Value {
    json!({
        "file": path.display().to_string(),
        "code": finding.code,
        "severity": match finding.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "pointer": finding.pointer,
        "line": finding.line,
        "column": finding.column,
        "message": finding.message,
        "hint": finding.hint,
    })
}

/// `workflows/orders.yaml:12:7: error: …` and its hint; for one finding as the server writes it.
fn lines(file: &str, finding: &Value) -> Vec<String> {
    let text = |member: &str| finding[member].as_str().unwrap_or_default();
    let number = |member: &str| finding[member].as_u64().unwrap_or_default();
    let place = match (number("line"), number("column")) {
        (0, _) => file.to_owned(),
        (line, 0) => format!("{file}:{line}"),
        (line, column) => format!("{file}:{line}:{column}"),
    };
    let pointer = if text("pointer").is_empty() { String::new() } else { format!(" at {}", text("pointer")) };
    let severity = if text("severity").is_empty() { "error" } else { text("severity") };
    let code = if text("code").is_empty() { String::new() } else { format!(" ({})", text("code")) };
    let mut lines = vec![format!("{place}: {severity}: {}{pointer}{code}", text("message"))];
    // Some messages end with their hint.
    if !text("message").contains(text("hint")) {
        lines.push(format!("  hint: {}", text("hint")));
    }
    lines
}

/// What a server said about a file: `diagnostics` and `violations` of its answer.
pub(in crate::commands) fn finding_lines(path: &Path, answer: &Value) -> Vec<String> {
    let file = path.display().to_string();
    ["diagnostics", "violations"]
        .into_iter()
        .flat_map(|member| answer[member].as_array().map_or(&[][..], Vec::as_slice))
        .flat_map(|finding| lines(&file, finding))
        .collect()
}
