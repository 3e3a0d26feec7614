//! `tenon workflow lint`: what is wrong with documents, where, and how to mend it. Needs no server: the language's own
//! crate is asked, as the server does at deploy.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tenon_workflow::{Change, Diagnostic, Document, Severity};

use crate::cli::LintArgs;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::project;

/// A file and what there is to say about it.
struct Linted<'a> {
    path: &'a Path,
    changes: Vec<Change>,
    findings: Vec<Diagnostic>,
}

pub(super) fn run(args: &LintArgs, output: &mut Output) -> Result<(), Failure> {
    let mut files = Vec::new();
    for path in &args.files {
        files.push(if args.fix { fixed(path)? } else { linted(path, Vec::new())? });
    }
    let items: Vec<Value> =
        files.iter().flat_map(|file| file.findings.iter().map(|finding| value(file.path, finding))).collect();
    let mut document = json!({ "items": items });
    let changes: Vec<Value> =
        files.iter().flat_map(|file| file.changes.iter().map(|change| changed(file.path, change))).collect();
    if args.fix {
        document["changes"] = Value::Array(changes.clone());
    }
    output.value(&document, |_| {
        let changes = changes.iter().flat_map(change_lines);
        let findings = items.iter().flat_map(|item| lines(item["file"].as_str().unwrap_or_default(), item));
        changes.chain(findings).collect::<Vec<_>>().join("\n")
    })?;
    verdict(&files, output)
}

fn linted(path: &PathBuf, changes: Vec<Change>) -> Result<Linted<'_>, Failure> {
    Ok(Linted { path, changes, findings: findings(&project::read_text(path)?) })
}

/// Mends the file, then lints what it has become. A document with errors stays as it is.
fn fixed(path: &PathBuf) -> Result<Linted<'_>, Failure> {
    let Ok(fixed) = tenon_workflow::fix(&project::read_text(path)?) else { return linted(path, Vec::new()) };
    if !fixed.changes.is_empty() {
        replace(path, &fixed.source).map_err(|error| {
            Failure::new(Exit::Failed, format!("cannot write {}: {error}", path.display()))
        })?;
    }
    linted(path, fixed.changes)
}

/// Beside the file first, so that a full disk leaves the document as it was. A link stays a link.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let path = path.canonicalize()?;
    let mut beside = path.clone().into_os_string();
    beside.push(format!(".{}.tmp", std::process::id()));
    let done = std::fs::write(&beside, text)
        .and_then(|()| std::fs::metadata(&path))
        .and_then(|before| std::fs::set_permissions(&beside, before.permissions()))
        .and_then(|()| std::fs::rename(&beside, &path));
    if done.is_err() {
        // What is left over is of no use; the error that is told is the first one.
        let _ = std::fs::remove_file(&beside);
    }
    done
}

/// Everything there is to say about a document, in the order of its text.
fn findings(text: &str) -> Vec<Diagnostic> {
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(findings) => return findings,
    };
    let wrong = tenon_workflow::check(&document);
    if !wrong.is_empty() {
        return wrong;
    }
    // What cannot be executed yet is valid, so advice about it is of use.
    let mut findings = tenon_workflow::compile(&document).err().unwrap_or_default();
    findings.extend(tenon_workflow::lint(&document));
    findings.sort_by_key(|finding| (finding.line, finding.column));
    findings
}

fn verdict(files: &[Linted<'_>], output: &mut Output) -> Result<(), Failure> {
    let all = || files.iter().flat_map(|file| &file.findings);
    let count = |severity: Severity| all().filter(|finding| finding.severity == severity).count();
    let errors = count(Severity::Error);
    let mut counts = format!("{}, {}", plural(errors, "error"), plural(count(Severity::Warning), "warning"));
    if count(Severity::Information) > 0 {
        counts = format!("{counts}, {}", plural(count(Severity::Information), "remark"));
    }
    let changes: usize = files.iter().map(|file| file.changes.len()).sum();
    if changes > 0 {
        counts = format!("{counts}; {} made", plural(changes, "change"));
    }
    if errors == 0 {
        output.note(&format!("{}: {counts}", plural(files.len(), "file")));
        return Ok(());
    }
    let first =
        all().find(|finding| finding.severity == Severity::Error).map_or("CODE", |finding| finding.code);
    Err(Failure::new(Exit::Failed, format!("{}: {counts}", plural(files.len(), "file")))
        .hint(format!("`tenon explain {first}` says more about a code")))
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

/// The shape the server uses, with the file.
fn value(path: &Path, finding: &Diagnostic) -> Value {
    json!({
        "file": path.display().to_string(),
        "code": finding.code,
        "severity": finding.severity.name(),
        "pointer": finding.pointer,
        "line": finding.line,
        "column": finding.column,
        "message": finding.message,
        "hint": finding.hint,
    })
}

fn changed(path: &Path, change: &Change) -> Value {
    json!({
        "file": path.display().to_string(),
        "code": change.code,
        "line": change.line,
        "message": change.message,
        "removed": change.removed,
        "added": change.added,
    })
}

/// As a difference of texts is usually shown.
fn change_lines(change: &Value) -> Vec<String> {
    let text = |member: &str| change[member].as_str().unwrap_or_default();
    let each = |member: &str, sign: char| -> Vec<String> {
        let lines = change[member].as_array().map_or(&[][..], Vec::as_slice);
        lines.iter().map(|line| format!("{sign}{}", line.as_str().unwrap_or_default())).collect()
    };
    let head = format!("{}:{}: fixed: {} ({})", text("file"), change["line"], text("message"), text("code"));
    std::iter::once(head).chain(each("removed", '-')).chain(each("added", '+')).collect()
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
