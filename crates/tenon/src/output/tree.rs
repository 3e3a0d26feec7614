//! A job's trace as a tree: one line a step, its data below it. Pure: JSON of the API in, text out.

use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

use super::paint::{self, Paint, Shade};
use super::{cut, plain};
use crate::time;

/// How much of a trace is shown, and where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TraceView {
    pub(crate) paint: Paint,
    /// Columns; values are cut to fit.
    pub(crate) width: usize,
    pub(crate) detail: Detail,
}

/// How much of each value is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// One line a value.
    Cut,
    /// Everything, indented.
    Whole,
}

/// The whole trace: the job's line, then its steps.
pub(crate) fn trace(trace: &Value, view: TraceView) -> String {
    let mut lines = heading(&trace["job"], view);
    let rows = rows(&trace["steps"]);
    let names = rows.iter().map(|row| row.branch.width() + row.name.width()).max().unwrap_or(0);
    let kinds = rows.iter().map(|row| row.kind.width()).max().unwrap_or(0);
    let durations = rows.iter().map(|row| row.duration.width()).max().unwrap_or(0);
    for row in &rows {
        let (sign, shade) = paint::state(&row.state);
        let name_space = " ".repeat(names - row.branch.width() - row.name.width());
        let kind_space = " ".repeat(kinds - row.kind.width());
        let line = format!(
            "{}{} {}{name_space}  {}{kind_space}  {}  {:>durations$}  {}",
            view.paint.apply(Shade::Dim, &row.branch),
            view.paint.apply(shade, sign),
            view.paint.apply(Shade::Bold, &row.name),
            view.paint.apply(Shade::Dim, &row.kind),
            view.paint.apply(shade, &format!("{:<9}", row.state)),
            row.duration,
            row.attempts,
        );
        lines.push(line.trim_end().to_owned());
        for (label, text) in &row.details {
            lines.extend(detail(row, label, text, view));
        }
    }
    lines.extend(ending(&trace["job"], view));
    lines.join("\n")
}

/// One step, ready to be aligned.
struct Row {
    /// `│  ├─ `
    branch: String,
    /// What stands in front of the lines below the step.
    below: String,
    name: String,
    kind: String,
    state: String,
    duration: String,
    attempts: String,
    details: Vec<(String, Value)>,
}

fn rows(steps: &Value) -> Vec<Row> {
    let mut rows = Vec::new();
    collect(steps, "", &mut rows);
    rows
}

fn collect(steps: &Value, prefix: &str, rows: &mut Vec<Row>) {
    let Some(steps) = steps.as_array() else { return };
    for (index, step) in steps.iter().enumerate() {
        let last = index + 1 == steps.len();
        let below = format!("{prefix}{}", if last { "   " } else { "│  " });
        let children = step["children"].as_array().is_some_and(|children| !children.is_empty());
        rows.push(Row {
            branch: format!("{prefix}{}", if last { "└─ " } else { "├─ " }),
            below: format!("{below}{}", if children { "│ " } else { "  " }),
            name: plain(&step["task"]),
            kind: plain(&step["kind"]),
            state: plain(&step["state"]),
            duration: time::between(&step["startedAt"], &step["endedAt"]),
            attempts: attempts(&step["attempts"]),
            details: details(step),
        });
        collect(&step["children"], &below, rows);
    }
}

/// Said only where there was more than one.
fn attempts(attempts: &Value) -> String {
    match attempts.as_array().map_or(0, Vec::len) {
        0 | 1 => String::new(),
        count => format!("{count} attempts"),
    }
}

fn details(step: &Value) -> Vec<(String, Value)> {
    let mut details = Vec::new();
    let whole = step["error"].is_null();
    for member in ["input", "arguments", "output"] {
        if let Some(value) = step.get(member).filter(|value| !value.is_null()) {
            details.push((member.to_owned(), value.clone()));
        }
    }
    let attempts = step["attempts"].as_array().map_or(&[][..], Vec::as_slice);
    // The last failed attempt of a failed step is the step's error; it is not said twice.
    let told = if whole { attempts.len() } else { attempts.len().saturating_sub(1) };
    for attempt in attempts.iter().take(told).filter(|attempt| !attempt["error"].is_null()) {
        let took = time::between(&attempt["startedAt"], &attempt["endedAt"]);
        let text = format!("{} ({took})", error_line(&attempt["error"]));
        details.push((format!("attempt {}", plain(&attempt["number"])), Value::String(text)));
    }
    if !whole {
        details.push(("error".to_owned(), Value::String(error_line(&step["error"]))));
    }
    details
}

/// `communication 500: the CRM is asleep`
pub(crate) fn error_line(error: &Value) -> String {
    if let Some(text) = error.as_str() {
        return text.to_owned();
    }
    // A job's error has a type, which is an address; an attempt's has the type's last word.
    let kind = error["type"]
        .as_str()
        .or(error["error"].as_str())
        .map(|kind| kind.rsplit('/').next().unwrap_or(kind));
    let head = [kind.map(str::to_owned), error["status"].as_u64().map(|status| status.to_string())];
    let head = head.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let said = [error["title"].as_str(), error["detail"].as_str()];
    let said = said.into_iter().flatten().collect::<Vec<_>>().join(": ");
    match (head.is_empty(), said.is_empty()) {
        (false, false) => format!("{head}: {said}"),
        (true, false) => said,
        _ => head,
    }
}

/// Wide enough for `attempt 10`.
const LABEL: usize = 10;

fn detail(row: &Row, label: &str, value: &Value, view: TraceView) -> Vec<String> {
    let shade = if label == "error" || label.starts_with("attempt") { Shade::Red } else { Shade::Dim };
    let lead = view.paint.apply(Shade::Dim, &row.below);
    let labelled = view.paint.apply(shade, &format!("{label:<LABEL$}"));
    if view.detail == Detail::Cut {
        let room = view.width.saturating_sub(row.below.width() + LABEL + 1).max(20);
        let text = if value.is_string() && shade == Shade::Red { plain(value) } else { value.to_string() };
        return vec![format!("{lead}{labelled} {}", cut(&text, room))];
    }
    let text = if value.is_string() && shade == Shade::Red { plain(value) } else { format!("{value:#}") };
    text.lines()
        .enumerate()
        .map(|(index, line)| {
            let label = if index == 0 { labelled.clone() } else { " ".repeat(LABEL) };
            format!("{lead}{label} {line}")
        })
        .collect()
}

fn heading(job: &Value, view: TraceView) -> Vec<String> {
    let state = plain(&job["state"]);
    let (sign, shade) = paint::state(&state);
    let took = time::between(&job["startedAt"], &job["endedAt"]);
    let took = if took == "-" { String::new() } else { format!(" in {took}") };
    let mut lines = vec![format!(
        "{}  {}  {} {}{took}",
        view.paint.apply(Shade::Bold, &plain(&job["id"])),
        workflow(&job["workflow"]),
        view.paint.apply(shade, sign),
        view.paint.apply(shade, &state),
    )];
    let mut origin = format!("created {}", time::shown(&job["createdAt"]));
    if job["event"].is_string() {
        origin = format!("{origin}, event {}", plain(&job["event"]));
    }
    if job["rerunOf"].is_string() {
        origin = format!("{origin}, rerun of {}", plain(&job["rerunOf"]));
    }
    lines.push(view.paint.apply(Shade::Dim, &origin));
    lines
}

fn ending(job: &Value, view: TraceView) -> Vec<String> {
    if job["error"].is_null() {
        return Vec::new();
    }
    let mut line = format!("error: {}", error_line(&job["error"]));
    if let Some(place) = job["error"]["instance"].as_str() {
        line = format!("{line} (at {place})");
    }
    vec![view.paint.apply(Shade::Red, &line)]
}

/// `shop/orders 1.0.0 (revision 3)`
pub(crate) fn workflow(workflow: &Value) -> String {
    let name = format!("{}/{}", plain(&workflow["namespace"]), plain(&workflow["name"]));
    match (workflow["version"].as_str(), workflow["revision"].as_u64()) {
        (Some(version), Some(revision)) => format!("{name} {version} (revision {revision})"),
        (Some(version), None) => format!("{name} {version}"),
        _ => name,
    }
}
