//! What a workflow reads and the workspace does not have: advice when it is deployed, since a variable may come later.

use serde_json::Value;
use tenon_gateway::{App, Problem, Workspace};
use tenon_store::{Variable, VariableKind, is_variable_name};
use tenon_workflow::{Diagnostic, Document, Severity};

use crate::deploy::Checked;

const MISSING: &str = "TN0050";
const OTHER_KIND: &str = "TN0051";

/// `(code, title, explanation)` of the findings of this crate.
pub const CODES: &[(&str, &str, &str)] = &[
    (
        MISSING,
        "a workflow reads a variable that does not exist",
        "The workflow is deployed, but a call that reads the variable would fail with a configuration error. Set it: `tenon variable set NAME VALUE`, or `tenon variable set NAME --secret` for a secret. Nothing has to be deployed again.",
    ),
    (
        OTHER_KIND,
        "a workflow reads a variable of another kind",
        "`$secrets.NAME` reads only variables of kind `secret`, `{\"$variable\": \"NAME\"}` only those of kind `config`, so a call that reads it would fail with a configuration error. Read it the other way, or delete the variable and set it anew with the kind that is needed.",
    ),
    (
        crate::files::UNUSABLE,
        "a file that a workflow refers to is missing or cannot be used",
        "Files are fetched once, when the workflow is applied, and pinned with its revision. The workflow is deployed, but a call that needs the file would fail with a configuration error. Mend the file, its address or its host, and apply again.",
    ),
    (
        crate::files::OLD_COPY,
        "a file that a workflow refers to could not be fetched again",
        "The copy that was pinned with the revision before is used, so nothing has changed. Apply again when the file's host answers.",
    ),
    (
        crate::waking::NOT_WOKEN,
        "a poller is woken by a webhook that does not exist",
        "The poller is deployed and asks as often as `every` says, but no enabled webhook of the workspace has a path that `wokenBy` names. Apply the webhook, whose `path` must be written the same, or correct `wokenBy`. The poller does not have to be applied again.",
    ),
];

/// What a document reads: kinds and names.
pub(crate) fn wanted(checked: &Checked) -> Vec<(VariableKind, String)> {
    let secrets = checked.secrets.iter().map(|name| (VariableKind::Secret, name.clone()));
    let variables = checked.variables.iter().map(|name| (VariableKind::Config, name.clone()));
    secrets.chain(variables).collect()
}

/// A finding for each name that cannot be resolved now.
pub(crate) async fn findings(
    app: &App,
    workspace: &Workspace,
    wanted: Vec<(VariableKind, String)>,
    source: &str,
) -> Result<Vec<Diagnostic>, Problem> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let asked: Vec<&str> = wanted.iter().map(|(_, name)| name.as_str()).collect();
    let found = app.store().variables_named(workspace.id, &asked).await?;
    let document = Document::parse(source).ok();
    let findings = wanted.iter().filter_map(|(kind, name)| {
        let found = found.iter().find(|variable| variable.name == *name);
        finding(*kind, name, found).map(|finding| placed(document.as_ref(), *kind, name, finding))
    });
    Ok(findings.collect())
}

fn finding(kind: VariableKind, name: &str, found: Option<&Variable>) -> Option<Diagnostic> {
    let (code, message, hint) = match found {
        Some(found) if found.kind == kind => return None,
        Some(found) => (
            OTHER_KIND,
            format!("variable `{name}` is of kind {}, read here as {}", found.kind.word(), kind.word()),
            match kind {
                VariableKind::Secret => format!("read it as {{\"$variable\": \"{name}\"}}"),
                VariableKind::Config => {
                    format!("read it as $secrets, after naming `{name}` in `use.secrets`")
                }
            },
        ),
        None => (
            MISSING,
            format!("there is no {} `{name}` in this workspace", word(kind)),
            match kind {
                _ if !is_variable_name(name) => {
                    "no variable can have this name: use letters, digits, `-`, `_` and `.`".to_owned()
                }
                VariableKind::Secret => format!("set it with `tenon variable set {name} --secret`"),
                VariableKind::Config => format!("set it with `tenon variable set {name} VALUE`"),
            },
        ),
    };
    Some(Diagnostic {
        code,
        severity: Severity::Warning,
        pointer: String::new(),
        line: 0,
        column: 0,
        message,
        hint: Some(hint),
    })
}

fn word(kind: VariableKind) -> &'static str {
    match kind {
        VariableKind::Secret => "secret",
        VariableKind::Config => "variable",
    }
}

/// With the place where the document says that it reads the name.
fn placed(document: Option<&Document>, kind: VariableKind, name: &str, finding: Diagnostic) -> Diagnostic {
    let Some(document) = document else { return finding };
    let value = document.value();
    let pointer = match kind {
        VariableKind::Secret => declared(&value, name),
        VariableKind::Config => read_in(&value, name, ""),
    };
    let pointer = pointer.unwrap_or_default();
    let (line, column) = document.place_of(&pointer);
    Diagnostic { pointer, line, column, ..finding }
}

fn declared(document: &Value, name: &str) -> Option<String> {
    let declared = document.pointer("/use/secrets")?.as_array()?;
    let index = declared.iter().position(|declared| declared == name)?;
    Some(format!("/use/secrets/{index}"))
}

/// The first `{"$variable": name}`. Documents nest 100 levels at most.
fn read_in(value: &Value, name: &str, pointer: &str) -> Option<String> {
    match value {
        Value::Object(members)
            if members.len() == 1 && members.get("$variable").is_some_and(|v| v == name) =>
        {
            Some(pointer.to_owned())
        }
        Value::Object(members) => members.iter().find_map(|(key, value)| {
            let key = key.replace('~', "~0").replace('/', "~1");
            read_in(value, name, &format!("{pointer}/{key}"))
        }),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| read_in(item, name, &format!("{pointer}/{index}"))),
        _ => None,
    }
}
