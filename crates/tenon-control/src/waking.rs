//! Webhooks that a poller says it is woken by and that are not there: advice when it is deployed, since a webhook may
//! come later, and the poller asks by itself without it.

use tenon_capture::trigger::{PATTERN_KEY, Trigger};
use tenon_gateway::{App, Problem, Workspace};
use tenon_store::Kind;
use tenon_workflow::{Diagnostic, Document, Severity};

pub(crate) const NOT_WOKEN: &str = "TN0054";

/// A finding for each path of `wokenBy` that no enabled webhook has now.
pub(crate) async fn findings(
    app: &App,
    workspace: &Workspace,
    source: &str,
) -> Result<Vec<Diagnostic>, Problem> {
    let Ok(Trigger::Poll(poll)) = Trigger::parse(source) else { return Ok(Vec::new()) };
    if poll.woken_by.is_empty() {
        return Ok(Vec::new());
    }
    let literal = poll.woken_by.iter().map(String::as_str);
    let keys: Vec<&str> = literal.chain([PATTERN_KEY]).collect();
    let (hooks, _) = app.store().resources_by_key(workspace.id, Kind::Trigger, &keys).await?;
    let there: Vec<String> = hooks
        .iter()
        .filter_map(|hook| match Trigger::parse(&hook.document) {
            Ok(Trigger::Webhook(webhook)) => Some(webhook.path.text().to_owned()),
            Ok(_) | Err(_) => None,
        })
        .collect();
    let document = Document::parse(source).ok();
    let missing = poll.woken_by.iter().filter(|path| !there.contains(path));
    Ok(missing.map(|path| finding(document.as_ref(), path)).collect())
}

fn finding(document: Option<&Document>, path: &str) -> Diagnostic {
    let (pointer, (line, column)) = place(document, path).unwrap_or_default();
    Diagnostic {
        code: NOT_WOKEN,
        severity: Severity::Warning,
        pointer,
        line,
        column,
        message: format!(
            "no enabled webhook of this workspace has the path `{path}`, so nothing wakes the poller"
        ),
        hint: Some(format!("apply a trigger with `kind: webhook` and `path: {path}`, or correct `wokenBy`")),
    }
}

/// Where the document names the path.
fn place(document: Option<&Document>, path: &str) -> Option<(String, (usize, usize))> {
    let document = document?;
    let value = document.value();
    let index = value.pointer("/wokenBy")?.as_array()?.iter().position(|named| named == path)?;
    let pointer = format!("/wokenBy/{index}");
    let place = document.place_of(&pointer);
    Some((pointer, place))
}
