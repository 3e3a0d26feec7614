//! Files that a workflow refers to: fetched when it is applied, under the same address rules as calls, and pinned
//! with its revision. One that cannot be fetched does not stop the deploy; where the revision before has a copy,
//! that is kept, so that applying twice while its host is down changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _, stream};
use tenon_outbound::{HttpClient, Request};
use tenon_store::PinnedFile;
use tenon_workflow::{
    Action, Diagnostic, Document, FileKind, FileReference, Files, Program, Schema, Severity,
};
use tokio::time::Instant;

use crate::resources::hash;

/// Largest file, bytes.
const MAX_FILE_BYTES: usize = 8 << 20;
/// All files of a document, bytes.
const MAX_BYTES_OF_ALL: usize = 64 << 20;
/// Fetched at once.
const AT_ONCE: usize = 4;
/// What one file may take.
const TIME: Duration = Duration::from_secs(30);
/// What all of them may take.
const TIME_OF_ALL: Duration = Duration::from_mins(1);

/// A file is missing or of no use.
pub(crate) const UNUSABLE: &str = "TN0052";
/// An older copy is used.
pub(crate) const OLD_COPY: &str = "TN0053";

/// The files of a document.
#[derive(Default)]
pub(crate) struct Pinned {
    /// By address, each once.
    pub(crate) files: Vec<PinnedFile>,
    /// What could not be had.
    pub(crate) warnings: Vec<Diagnostic>,
}

// === impl Pinned ===

impl Pinned {
    /// As the compiler takes them.
    pub(crate) fn contents(&self) -> Files {
        let content = |file: &PinnedFile| file.content.clone().map(Arc::from);
        self.files.iter().map(|file| (file.uri.clone(), content(file))).collect()
    }

    /// What the document is, with what it refers to. Why a file is missing makes no difference.
    pub(crate) fn digest(&self, source: &str) -> String {
        let mut whole = source.as_bytes().to_vec();
        for file in &self.files {
            let content = file.content.as_ref().map_or_else(|_| String::new(), |text| hash(text.as_bytes()));
            whole.extend_from_slice(format!("\0{}\0{content}", file.uri).as_bytes());
        }
        hash(&whole)
    }
}

/// Fetches what is referred to; `before` are the files of the revision before.
pub(crate) async fn fetch(
    http: &HttpClient,
    document: &Document,
    references: &[FileReference],
    before: &[PinnedFile],
) -> Pinned {
    let mut wanted: BTreeMap<&str, &FileReference> = BTreeMap::new();
    for reference in references {
        wanted.entry(&reference.uri).or_insert(reference);
    }
    let deadline = Instant::now() + TIME_OF_ALL;
    let fetches: Vec<_> =
        wanted.keys().map(|uri| fetch_one(http.clone(), (*uri).to_owned(), deadline).boxed()).collect();
    let mut fetched = stream::iter(fetches).buffered(AT_ONCE);
    let mut room = Room { left: MAX_BYTES_OF_ALL, limit: MAX_BYTES_OF_ALL };
    let mut pinned = Pinned::default();
    for (uri, reference) in wanted {
        let content = if room.is_left() {
            room.take(fetched.next().await.expect("as many are fetched as there are addresses"))
        } else {
            room.refuse()
        };
        let old = before.iter().find(|old| old.uri == uri).filter(|_| content.is_err());
        let old = old.and_then(|old| room.take(old.content.clone()).ok());
        let content = match (content, old) {
            (Err(reason), Some(old)) => {
                let message =
                    format!("`{uri}` cannot be fetched: {reason}; the copy of the revision before is used");
                pinned.warnings.push(finding(document, &reference.pointer, (OLD_COPY, message)));
                Ok(old)
            }
            (Err(reason), None) => {
                let message = format!("`{uri}` cannot be fetched: {reason}");
                pinned.warnings.push(finding(document, &reference.pointer, (UNUSABLE, message)));
                Err(reason)
            }
            (content, _) => content,
        };
        pinned.files.push(PinnedFile { uri: uri.to_owned(), content });
    }
    pinned
}

/// What files may still take, in the order of their addresses. Once one does not fit, the rest is not fetched.
struct Room {
    left: usize,
    limit: usize,
}

// === impl Room ===

impl Room {
    fn is_left(&self) -> bool {
        self.left > 0
    }

    fn take(&mut self, content: Result<String, String>) -> Result<String, String> {
        let content = content?;
        match self.left.checked_sub(content.len()) {
            Some(left) => {
                self.left = left;
                Ok(content)
            }
            None => self.refuse(),
        }
    }

    fn refuse(&mut self) -> Result<String, String> {
        self.left = 0;
        Err(format!("the document's files have more than {} MiB together", self.limit >> 20))
    }
}

async fn fetch_one(http: HttpClient, uri: String, deadline: Instant) -> Result<String, String> {
    let request = Request { timeout: Some(TIME), ..Request::new("GET", uri) };
    let sent = tokio::time::timeout_at(deadline, http.send_within(request, MAX_FILE_BYTES)).await;
    let sent = sent.map_err(|_| "all files together took too long".to_owned())?;
    let response = sent.map_err(|failure| failure.to_string())?;
    if !(200..=299).contains(&response.status) {
        return Err(format!("its host answered {}", response.status));
    }
    String::from_utf8(response.body.into()).map_err(|_| "it is not UTF-8 text".to_owned())
}

/// What was fetched and cannot be used. Tasks that need it end in configuration errors that say the same.
pub(crate) async fn unusable(
    http: &HttpClient,
    (document, program): (&Document, &Program),
    references: &[FileReference],
    pinned: &Pinned,
) -> Vec<Diagnostic> {
    let contents = pinned.contents();
    let mut findings = Vec::new();
    // Each file is large and is read once, however often it is referred to.
    let mut known: BTreeMap<&str, Vec<(FileKind, Option<String>)>> = BTreeMap::new();
    for reference in references {
        let Some(Ok(text)) = contents.get(&reference.uri) else { continue };
        let known = known.entry(&reference.uri).or_default();
        let reason = if let Some((_, reason)) = known.iter().find(|(kind, _)| *kind == reference.kind) {
            reason.clone()
        } else {
            let reason = unusable_as(http, program, (reference, text)).await;
            known.push((reference.kind, reason.clone()));
            reason
        };
        if let Some(reason) = reason {
            findings.push(finding(document, &reference.pointer, (UNUSABLE, reason)));
        }
    }
    findings
}

async fn unusable_as(
    http: &HttpClient,
    program: &Program,
    (reference, text): (&FileReference, &Arc<str>),
) -> Option<String> {
    match reference.kind {
        FileKind::OpenApi => openapi_reason(program, &reference.uri),
        FileKind::Schema => {
            let refused = Schema::parse(text).err();
            refused.map(|reason| format!("the schema {} cannot be used: {reason}", reference.uri))
        }
        FileKind::Proto => {
            let client = tenon_outbound::grpc::Client::new(http.clone());
            let refused = client.check_definition(text).await.err();
            refused.map(|failure| format!("{}: {failure}", reference.uri))
        }
    }
}

fn openapi_reason(program: &Program, uri: &str) -> Option<String> {
    program.tasks.iter().find_map(|task| match &task.action {
        Action::CallOpenApi(call) if call.document == uri => call.api.as_ref().err().cloned(),
        _ => None,
    })
}

fn finding(document: &Document, pointer: &str, (code, message): (&'static str, String)) -> Diagnostic {
    let (line, column) = document.place_of(pointer);
    let hint = match code {
        OLD_COPY => "apply again when its host answers".to_owned(),
        _ => {
            "calls that need it fail with a configuration error; mend the file or its address and apply again"
                .to_owned()
        }
    };
    let severity = Severity::Warning;
    Diagnostic { code, severity, pointer: pointer.to_owned(), line, column, message, hint: Some(hint) }
}

#[cfg(test)]
mod tests {
    use super::Room;

    #[test]
    fn files_that_are_too_large_together_are_refused_from_the_first_on_that_does_not_fit() {
        let mut room = Room { left: 5, limit: 5 };
        let mut take = |content: Result<&str, &str>| {
            let content = content.map(str::to_owned).map_err(str::to_owned);
            (room.take(content).ok(), room.is_left())
        };
        assert_eq!(take(Ok("abc")), (Some("abc".to_owned()), true));
        assert_eq!(take(Err("its host is down")), (None, true));
        assert_eq!(take(Ok("def")), (None, false));
    }
}
