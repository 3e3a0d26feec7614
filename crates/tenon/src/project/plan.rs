//! What apply would do: each file held against the server's answer to a dry run, and against what was applied last.

use serde_json::{Value, json};

use super::difference::{self, Difference, Operation};
use super::memory::Applied;
use super::{Kind, Memory, ResourceFile};
use crate::output::{Paint, Shade, cut, plain};

/// All files of a project and what becomes of them.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) items: Vec<Item>,
}

/// One file and what becomes of it.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) resource: ResourceFile,
    pub(crate) change: Change,
    /// The server's revision and digest as the plan saw them.
    pub(crate) current: Option<Applied>,
    /// Set where the server holds something else than was last applied from here.
    pub(crate) drift: Option<Applied>,
    /// The revision the server made of it.
    pub(crate) applied: Option<u64>,
    /// What the server has to say about it as it is planned.
    pub(crate) findings: Value,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Change {
    Create,
    /// Empty: only comments or layout differ.
    Update(Vec<Difference>),
    None,
    /// A secret without a value: a file cannot give it one.
    Missing,
}

impl Item {
    /// `answer` is the server's to a dry run.
    pub(crate) fn new(resource: ResourceFile, answer: &Value, memory: &Memory) -> Self {
        let current = current(&answer["current"]);
        let change = match answer["change"].as_str() {
            Some("none") => Change::None,
            Some("create") => Change::Create,
            Some("missing") => Change::Missing,
            _ if current.is_none() => Change::Create,
            _ => Change::Update(differences(&answer["current"]["document"], &resource.document)),
        };
        let last = memory.recall(&resource);
        let drifted = matches!(change, Change::Update(_))
            && last.zip(current.as_ref()).is_some_and(|(last, current)| last.digest != current.digest);
        let drift = last.filter(|_| drifted).cloned();
        let findings = json!({ "diagnostics": answer["diagnostics"] });
        Self { resource, change, current, drift, applied: None, findings }
    }

    pub(crate) fn title(&self) -> String {
        format!("{} {}", self.resource.kind, self.resource.name)
    }
}

fn current(value: &Value) -> Option<Applied> {
    let revision = value["revision"].as_u64()?;
    Some(Applied { revision, digest: plain(&value["digest"]) })
}

/// The server keeps the document as it was sent: YAML or JSON text.
fn differences(stored: &Value, new: &Value) -> Vec<Difference> {
    let Some(text) = stored.as_str() else { return difference::between(stored, new) };
    tenon_workflow::Document::parse(text)
        .map(|old| difference::between(&old.value(), new))
        .unwrap_or_default()
}

impl Plan {
    pub(crate) fn count(&self, wanted: fn(&Change) -> bool) -> usize {
        self.items.iter().filter(|item| wanted(&item.change)).count()
    }

    pub(crate) fn drifted(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| item.drift.is_some())
    }

    /// `1 to create, 2 to change, 3 unchanged`, in the words given.
    pub(crate) fn summary(&self, create: &str, update: &str) -> String {
        let missing = match self.count(|change| *change == Change::Missing) {
            0 => String::new(),
            count => format!(", {count} without a value"),
        };
        format!(
            "{} {create}, {} {update}, {} unchanged{missing}",
            self.count(|change| *change == Change::Create),
            self.count(|change| matches!(change, Change::Update(_))),
            self.count(|change| *change == Change::None),
        )
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let items = self.items.iter().map(|item| {
            json!({
                "kind": item.resource.kind.word(),
                "name": item.resource.name,
                "file": item.resource.path.display().to_string(),
                "change": item.change.word(),
                "revision": item.applied.or_else(|| item.current.as_ref().map(|current| current.revision)),
                "drift": item.drift.is_some(),
                "differences": item.change.differences().iter().map(Difference::json).collect::<Vec<_>>(),
            })
        });
        json!({ "items": items.collect::<Vec<_>>() })
    }

    /// For people; `create` and `update` are the words for what happens or happened.
    pub(crate) fn table(&self, paint: Paint, width: usize, create: &str, update: &str) -> String {
        let titles: Vec<String> = self.items.iter().map(Item::title).collect();
        let widest = titles.iter().map(|title| title.chars().count()).max().unwrap_or(0);
        let mut lines = Vec::new();
        for (item, title) in self.items.iter().zip(&titles) {
            let (sign, shade, word) = match item.change {
                Change::Create => ("+", Shade::Green, create),
                Change::Update(_) => ("~", Shade::Yellow, update),
                Change::None => ("=", Shade::Dim, "unchanged"),
                Change::Missing => ("!", Shade::Yellow, "has no value"),
            };
            let revision = item.applied.map(|revision| format!(", revision {revision}")).unwrap_or_default();
            lines.push(format!("{} {title:<widest$}  {word}{revision}", paint.apply(shade, sign)));
            lines.extend(item.drift.iter().map(|last| item.drift_line(last, paint)));
            lines.extend(item.change.lines(paint, width));
        }
        lines.push(String::new());
        lines.push(self.summary(create, update));
        lines.join("\n")
    }
}

impl Plan {
    /// The secrets that have no value yet.
    pub(crate) fn missing(&self) -> impl Iterator<Item = &str> {
        let missing = self.items.iter().filter(|item| item.change == Change::Missing);
        missing.map(|item| item.resource.name.as_str())
    }

    /// The paths of webhooks that the files make.
    pub(crate) fn hooks(&self) -> Vec<String> {
        let documents =
            self.items.iter().map(|item| &item.resource).filter(|file| file.kind == Kind::Trigger);
        let hooks = documents.map(|file| &file.document).filter(|document| document["kind"] == "webhook");
        hooks.filter_map(|document| document["path"].as_str().map(str::to_owned)).collect()
    }

    /// Whether applying the plan makes a variable of this name.
    pub(crate) fn makes_variable(&self, name: &str) -> bool {
        self.items.iter().any(|item| {
            item.change == Change::Create
                && item.resource.kind == Kind::Variable
                && item.resource.name == name
        })
    }
}

impl Item {
    fn drift_line(&self, last: &Applied, paint: Paint) -> String {
        let now = self.current.as_ref().map_or(0, |current| current.revision);
        let text =
            format!("drift: the server is at revision {now}, last applied from here was {}", last.revision);
        format!("    {}", paint.apply(Shade::Red, &text))
    }
}

impl Change {
    fn word(&self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update(_) => "update",
            Self::None => "none",
            Self::Missing => "missing",
        }
    }

    fn differences(&self) -> &[Difference] {
        match self {
            Self::Update(differences) => differences,
            Self::Create | Self::None | Self::Missing => &[],
        }
    }

    fn lines(&self, paint: Paint, width: usize) -> Vec<String> {
        let Self::Update(differences) = self else { return Vec::new() };
        if differences.is_empty() {
            return vec![format!("    {}", paint.apply(Shade::Dim, "only comments or layout"))];
        }
        differences.iter().map(|difference| difference.line(paint, width)).collect()
    }
}

impl Difference {
    fn json(&self) -> Value {
        json!({ "operation": self.operation.sign(), "pointer": self.pointer, "from": self.from, "to": self.to })
    }

    fn line(&self, paint: Paint, width: usize) -> String {
        let shade = match self.operation {
            Operation::Added => Shade::Green,
            Operation::Removed => Shade::Red,
            Operation::Changed => Shade::Yellow,
        };
        let values: Vec<String> =
            [&self.from, &self.to].into_iter().flatten().map(ToString::to_string).collect();
        let head = format!(
            "    {} {}",
            self.operation.sign(),
            if self.pointer.is_empty() { "/" } else { &self.pointer }
        );
        // At least a few words of the value, however long its pointer is.
        let room = width.saturating_sub(head.chars().count() + 2).max(20);
        let rest = cut(&values.join(" → "), room);
        format!("    {} {}: {rest}", paint.apply(shade, self.operation.sign()), &head[6..])
    }
}
