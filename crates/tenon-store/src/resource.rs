//! Workflows and triggers: named, versioned, immutable per revision.

use serde::{Deserialize, Serialize};

use crate::{NewState, ResourceId, RevisionId, Timestamp, WorkspaceId};

/// What stands before an event type in keys of workflows that listen for it and mask something. Nobody subscribes by them;
/// they find a workflow also while it is disabled, because its jobs go on.
pub const MASK_KEY: &str = "@mask/";

/// The kinds of resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A workflow; its name is `namespace/name`; its keys are event types (`*` = any type).
    Workflow,
    /// A trigger; its name is its file's name; a webhook's key is its path.
    Trigger,
}

/// Store new content for a resource.
#[derive(Debug, Clone)]
pub struct PutResource {
    /// Where.
    pub workspace: WorkspaceId,
    /// What kind.
    pub kind: Kind,
    /// Unique per workspace and kind.
    pub name: String,
    /// `document.version` for workflows, empty for triggers.
    pub version: String,
    /// Hash of `document`; equal to the newest revision's: nothing is written, but for keys that differ.
    pub digest: String,
    /// The document as it was sent.
    pub document: String,
    /// What it is looked up by; replaces the keys of the revision before.
    pub keys: Vec<String>,
    /// Event types that jobs of it may listen for (`*`: any): from now on events of these types are kept in the
    /// workspace's inbox, where a `listen` finds them.
    pub listens: Vec<String>,
    /// The strategy for which it gathers events ([`Gather::strategy`](crate::Gather)); sets of any other one are
    /// dropped (with an audit record).
    pub gathers: Option<u64>,
    /// The files that the document refers to, as fetched. They live and go with the revision.
    pub files: Vec<PinnedFile>,
    /// Write only if the newest revision is this one (`If-Match`).
    pub expected: Option<RevisionId>,
    /// When.
    pub at: Timestamp,
    /// Who, for the audit record.
    pub actor: String,
}

/// A file that a document refers to, as it was when it was deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedFile {
    /// Where it came from.
    pub uri: String,
    /// Its text; or why there is none.
    pub content: Result<String, String>,
}

/// What `put_resource` did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saved {
    /// The first revision, or a new one.
    Written(Revision),
    /// The newest revision has the same digest.
    Unchanged(Revision),
}

/// Which revision of which resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The resource.
    pub resource: ResourceId,
    /// The revision.
    pub id: RevisionId,
    /// 1, 2, 3 … per resource.
    pub number: u32,
}

/// A resource with one of its revisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Where.
    pub workspace: WorkspaceId,
    /// What kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The revision.
    pub revision: Revision,
    /// `document.version`.
    pub version: String,
    /// Hash of the document.
    pub digest: String,
    /// The document; empty in lists.
    pub document: String,
    /// Its files; empty in lists.
    pub files: Vec<PinnedFile>,
    /// Disabled resources start nothing.
    pub enabled: bool,
    /// When this revision was written.
    pub at: Timestamp,
}

/// A change of a resource that is not new content.
#[derive(Debug, Clone)]
pub struct ChangeResource {
    /// Where.
    pub workspace: WorkspaceId,
    /// What kind.
    pub kind: Kind,
    /// Which.
    pub name: String,
    /// What to do.
    pub change: Change,
    /// What the resource remembers from then on, as a trigger; `None`: what it remembered. The version must be the
    /// expected one: else the change is a [`Conflict`](crate::Error::Conflict), and nothing of it is written.
    pub state: Option<NewState>,
    /// Who, for the audit record.
    pub actor: String,
    /// When.
    pub at: Timestamp,
}

/// What to do with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Let it start things again.
    Enable,
    /// It starts nothing.
    Disable,
    /// It is gone, with the events that it has gathered; a later put of the same name goes on with its revision
    /// numbers.
    Delete,
}

/// Who did what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Where.
    pub workspace: WorkspaceId,
    /// Who: the key's name.
    pub actor: String,
    /// What: `workflow.put`, `job.cancel`, …
    pub action: String,
    /// On what.
    pub subject: String,
    /// When.
    pub at: Timestamp,
}
