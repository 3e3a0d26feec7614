//! A project on disk: one resource a file; the file's folder says its kind. Reads and names; sends nothing.
//! What this version does not know is an error with a hint, never passed over.

mod difference;
mod memory;
mod plan;
mod variable;

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::failure::{Exit, Failure};

pub(crate) use memory::{Applied, Memory};
pub(crate) use plan::{Change, Item, Plan};

/// What a file declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    // Applied in this order: whatever a job of a workflow reads should be there before it can start.
    Variable,
    Workflow,
    Trigger,
}

/// Folders and their kinds. A new kind is one line here and its address in [`ResourceFile::address`].
const FOLDERS: &[(&str, Kind)] =
    &[("variables", Kind::Variable), ("workflows", Kind::Workflow), ("triggers", Kind::Trigger)];

/// Folders of the project layout that a later version reads.
const LATER: &[&str] = &["functions", "clients", "apis", "connections", "tests"];

/// The largest file, in bytes; the server takes no more either.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// One resource as its file says it.
#[derive(Debug, Clone)]
pub(crate) struct ResourceFile {
    pub(crate) kind: Kind,
    /// `namespace/name` of a workflow, the file's stem of anything else.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) document: Value,
}

/// Why a project cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot read {}: {reason}", path.display())]
    Read { path: PathBuf, reason: String },
    #[error("{}: {reason}", path.display())]
    Syntax { path: PathBuf, reason: String },
    #[error("{}: {}", path.display(), reason)]
    Unexpected { path: PathBuf, reason: &'static str, hint: String },
    #[error("{}: {reason}", path.display())]
    Refused { path: PathBuf, reason: String, hint: String },
    #[error("{} and {} both declare the {kind} {name}", first.display(), second.display())]
    Twice { kind: Kind, name: String, first: PathBuf, second: PathBuf },
    #[error("there is nothing to apply in {}", path.display())]
    Empty { path: PathBuf },
}

/// Reads all resources of directories and files, kind by kind in the order of [`Kind`], each by name.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Vec<ResourceFile>, Error> {
    let here = [PathBuf::from(".")];
    let paths = if paths.is_empty() { &here[..] } else { paths };
    let mut resources = Vec::new();
    for path in paths {
        if path.is_dir() {
            resources.extend(directory(path)?);
        } else {
            resources.push(ResourceFile::read(path, kind_of_file(path))?);
        }
    }
    resources.sort_by(|left, right| (left.kind, &left.name).cmp(&(right.kind, &right.name)));
    for pair in resources.windows(2) {
        if pair[0].kind == pair[1].kind && pair[0].name == pair[1].name && pair[0].path != pair[1].path {
            let (kind, name) = (pair[0].kind, pair[0].name.clone());
            return Err(Error::Twice {
                kind,
                name,
                first: pair[0].path.clone(),
                second: pair[1].path.clone(),
            });
        }
    }
    // The same file named twice is one file.
    resources.dedup_by(|left, right| left.kind == right.kind && left.name == right.name);
    Ok(resources)
}

/// Where the search for `tenon.yaml` begins: the first path's directory.
pub(crate) fn start(paths: &[PathBuf]) -> PathBuf {
    let Some(first) = paths.first() else { return PathBuf::from(".") };
    if first.is_dir() {
        return first.clone();
    }
    match first.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// A project directory, or one of its folders (`tenon apply workflows`).
fn directory(path: &Path) -> Result<Vec<ResourceFile>, Error> {
    if let Some(kind) = kind_of_folder(path) {
        return folder(path, kind);
    }
    let mut resources = Vec::new();
    for entry in entries(path)? {
        let name = file_name(&entry);
        if entry.is_dir() {
            match FOLDERS.iter().find(|(folder, _)| *folder == name) {
                Some((_, kind)) => resources.extend(folder(&entry, *kind)?),
                None => check_other_folder(&entry, &name)?,
            }
        } else if is_resource(&entry) && name != "tenon.yaml" {
            let hint = "one resource a file, in the folder of its kind: variables/, workflows/ or triggers/"
                .to_owned();
            return Err(Error::Unexpected {
                path: entry,
                reason: "a resource outside of the project's folders",
                hint,
            });
        }
    }
    if resources.is_empty() {
        return Err(Error::Empty { path: path.to_owned() });
    }
    Ok(resources)
}

/// Other folders are somebody else's (`docs/`, `src/`), unless they look like one of ours.
fn check_other_folder(path: &Path, name: &str) -> Result<(), Error> {
    if LATER.contains(&name) {
        let hint = "this version knows variables/, workflows/ and triggers/; move the folder away to go on without it";
        return Err(Error::Unexpected {
            path: path.to_owned(),
            reason: "not supported in this version",
            hint: hint.to_owned(),
        });
    }
    match FOLDERS.iter().find(|(folder, _)| strsim::damerau_levenshtein(name, folder) <= 2) {
        Some((folder, _)) => Err(Error::Unexpected {
            path: path.to_owned(),
            reason: "unknown folder",
            hint: format!("did you mean {folder}/?"),
        }),
        None => Ok(()),
    }
}

fn folder(path: &Path, kind: Kind) -> Result<Vec<ResourceFile>, Error> {
    let mut resources = Vec::new();
    for entry in entries(path)? {
        if entry.is_dir() {
            let hint = format!("put the files directly into {}", path.display());
            return Err(Error::Unexpected {
                path: entry,
                reason: "a folder inside a folder of resources",
                hint,
            });
        }
        if is_note(&entry) {
            continue;
        }
        if !is_resource(&entry) {
            let hint = "resources are .yaml files; notes are .md files".to_owned();
            return Err(Error::Unexpected { path: entry, reason: "unknown kind of file", hint });
        }
        resources.push(ResourceFile::read(&entry, Some(kind))?);
    }
    Ok(resources)
}

/// Sorted; without what begins with a dot.
fn entries(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |error: std::io::Error| Error::Read { path: path.to_owned(), reason: error.to_string() };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if !name.to_string_lossy().starts_with('.') {
            // `./x` would be told to people as `./x`.
            entries.push(if path == Path::new(".") { PathBuf::from(name) } else { path.join(name) });
        }
    }
    entries.sort();
    Ok(entries)
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn is_resource(path: &Path) -> bool {
    matches!(extension(path), "yaml" | "yml")
}

fn is_note(path: &Path) -> bool {
    extension(path) == "md"
}

fn extension(path: &Path) -> &str {
    path.extension().and_then(std::ffi::OsStr::to_str).unwrap_or_default()
}

fn kind_of_folder(path: &Path) -> Option<Kind> {
    let name = std::path::absolute(path).ok().map(|path| file_name(&path))?;
    FOLDERS.iter().find(|(folder, _)| *folder == name).map(|(_, kind)| *kind)
}

fn kind_of_file(path: &Path) -> Option<Kind> {
    kind_of_folder(std::path::absolute(path).ok()?.parent()?)
}

// === impl ResourceFile ===

impl ResourceFile {
    /// Without a folder that says the kind, the content does.
    fn read(path: &Path, kind: Option<Kind>) -> Result<Self, Error> {
        let text = read_text(path)?;
        let document = tenon_workflow::Document::parse(&text)
            .map_err(|findings| Error::Syntax { path: path.to_owned(), reason: syntax(&findings) })?
            .value();
        let kind = kind.or_else(|| guess(&document)).ok_or_else(|| Error::Unexpected {
            path: path.to_owned(),
            reason: "neither a workflow nor a trigger nor a variable",
            hint: "put the file into variables/, workflows/ or triggers/, so that its folder says what it is"
                .to_owned(),
        })?;
        let name = match kind {
            Kind::Variable => variable::name(path, &document)?,
            Kind::Workflow => workflow_name(path, &document)?,
            Kind::Trigger => {
                path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
            }
        };
        Ok(Self { kind, name, path: path.to_owned(), text, document })
    }

    /// Segments of its address below `/api/v1`.
    pub(crate) fn address(&self) -> Vec<&str> {
        match self.kind {
            Kind::Workflow => {
                let (namespace, name) = self.name.split_once('/').expect("made of both");
                vec!["workflows", namespace, name]
            }
            Kind::Trigger => vec!["triggers", &self.name],
            Kind::Variable => vec!["variables", &self.name],
        }
    }

    /// What the server is sent: content type and body.
    pub(crate) fn body(&self) -> (&'static str, String) {
        match self.kind {
            Kind::Workflow | Kind::Trigger => ("application/yaml", self.text.clone()),
            Kind::Variable => ("application/json", variable::body(&self.document)),
        }
    }
}

/// The text of one document file, bounded.
pub(crate) fn read_text(path: &Path) -> Result<String, Error> {
    let failed = |reason: String| Error::Read { path: path.to_owned(), reason };
    let length = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
    if length > MAX_FILE_BYTES {
        return Err(failed(format!("it has {length} bytes; at most {MAX_FILE_BYTES} are read")));
    }
    std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))
}

fn syntax(findings: &[tenon_workflow::Diagnostic]) -> String {
    findings.first().map_or_else(
        || "not readable".to_owned(),
        |finding| format!("line {}: {} ({})", finding.line, finding.message, finding.code),
    )
}

fn guess(document: &Value) -> Option<Kind> {
    match document["kind"].as_str() {
        Some(_) if variable::is_variable(document) => Some(Kind::Variable),
        Some(_) => Some(Kind::Trigger),
        None => document.get("document").map(|_| Kind::Workflow),
    }
}

fn workflow_name(path: &Path, document: &Value) -> Result<String, Error> {
    let member = |name: &str| document["document"][name].as_str().filter(|text| !text.is_empty());
    match (member("namespace"), member("name")) {
        (Some(namespace), Some(name)) if !namespace.contains('/') => Ok(format!("{namespace}/{name}")),
        _ => Err(Error::Unexpected {
            path: path.to_owned(),
            reason: "the workflow has no name",
            hint: "give `document.namespace` and `document.name`".to_owned(),
        }),
    }
}

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Workflow => "workflow",
            Self::Trigger => "trigger",
            Self::Variable => "variable",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Read { .. } => Self::new(Exit::Usage, message),
            Error::Syntax { path, .. } => Self::new(Exit::Failed, message)
                .hint(format!("`tenon workflow lint {}` says more", path.display())),
            Error::Unexpected { hint, .. } | Error::Refused { hint, .. } => {
                Self::new(Exit::Failed, message).hint(hint)
            }
            Error::Twice { .. } => Self::new(Exit::Failed, message).hint("rename one, or remove it"),
            Error::Empty { .. } => Self::new(Exit::Usage, message).hint(
                "a project has variables/*.yaml, workflows/*.yaml and triggers/*.yaml; name its directory: tenon apply DIR",
            ),
        }
    }
}
