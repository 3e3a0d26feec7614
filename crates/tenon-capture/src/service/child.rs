//! A child job: a workflow that another job starts by name.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::Value;
use tenon_store::{DedupMark, JobId, Origin, ResourceId, WorkspaceId};

use super::draft::{Draft, check_size};
use super::{CaptureService, Stay, Target};
use crate::key::bounded_key;
use crate::plan::Envelope;
use crate::{Data, Error, Event, HOPS, LIFECYCLE, MASKED_BY, MAX_HOPS};

/// The type of the event that starts a child. No workflow can subscribe to it.
pub const CHILD_TYPE: &str = "io.tenon.child";
/// The extension attribute of that event which says that the parent waits for the child's end.
pub const AWAITED: &str = "tenonawaited";
/// `version` of a child that runs the newest revision.
const LATEST: &str = "latest";

/// How long a repeated start is recognised: as long as the parent may have been down.
const MARK: Duration = Duration::from_hours(30 * 24);

/// Start a child job.
#[derive(Debug, Clone)]
pub struct Child {
    /// Where.
    pub workspace: WorkspaceId,
    /// `namespace/name`.
    pub workflow: String,
    /// `document.version`, or `latest`.
    pub version: String,
    /// Its input.
    pub input: Value,
    /// Who starts it.
    pub parent: JobId,
    /// Whether the parent waits for its end.
    pub is_awaited: bool,
    /// A repeat with the same key gives the first job again.
    pub key: String,
    /// One more than the parent's.
    pub hops: u32,
    /// Whether a lifecycle event started it, by whatever number of steps.
    pub is_lifecycle: bool,
    /// Whether the parent has values that nobody is shown.
    pub is_masked: bool,
    /// Lanes (workflow and ordering key) in which it would wait for one who waits for it.
    pub held: Vec<(ResourceId, String)>,
}

// === impl CaptureService ===

impl CaptureService {
    /// Starts a child. `Ok`: durable.
    pub async fn child(&self, child: Child) -> Result<JobId, Error> {
        if u64::from(child.hops) > MAX_HOPS {
            return Err(Error::TooManyHops(u64::from(child.hops)));
        }
        let ports = self.ports();
        let (at, id) = (ports.clock.now(), ports.ids.event());
        let mut event = Event {
            source: format!("/jobs/{}", child.parent),
            r#type: CHILD_TYPE.to_owned(),
            datacontenttype: Some("application/json".to_owned()),
            data: Data::Value(child.input),
            ..Event::default()
        };
        event.extensions.insert(HOPS.to_owned(), child.hops.into());
        for (name, holds) in [(AWAITED, child.is_awaited), (LIFECYCLE, child.is_lifecycle)] {
            if holds {
                event.extensions.insert(name.to_owned(), true.into());
            }
        }
        if child.is_masked {
            event.extensions.insert(MASKED_BY.to_owned(), child.parent.to_string().into());
        }
        event.check()?;
        let text = event.envelope(id, at);
        check_size(text.len(), self.options().max_input_bytes)?;
        let key = bounded_key(Cow::Owned(child.key)).into_owned();
        let mark = DedupMark { scope: "child".to_owned(), key, expires: at.after(MARK) };
        let draft = Draft {
            workspace: child.workspace,
            id,
            origin: Origin::Call,
            source: event.source,
            r#type: event.r#type,
            subject: None,
            at,
            envelope: Envelope::new(text),
            mark: Some(mark).filter(|_| !cfg!(feature = "mutant-child-without-mark")),
            delivery: None,
            generation: None,
        };
        let target = Target::Child {
            name: child.workflow,
            version: Some(child.version).filter(|version| version != LATEST),
            parent: child.parent,
            held: child.held,
        };
        let (accepted, _) = self.commit(&draft, &target, Stay::Leave).await?;
        accepted.jobs.first().copied().ok_or(Error::PayloadGone)
    }
}
