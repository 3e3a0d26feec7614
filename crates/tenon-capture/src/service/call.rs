//! `/run`: a workflow started by its name, with the call's body as its input.

use std::borrow::Cow;

use tenon_store::{DedupMark, JobId, Origin, WorkspaceId};

use super::draft::{Draft, check_size};
use super::{Accepted, CaptureService, Stay, Target, Watched};
use crate::key::bounded_key;
use crate::plan::Envelope;
use crate::{Data, Error, Event, JsonText};

/// The type of the event that a call makes. No workflow can subscribe to it: calls start only what they name.
pub const CALL_TYPE: &str = "io.tenon.run";

/// Bytes that an envelope may have beside its data.
const ENVELOPE_BYTES: usize = 16 << 10;

/// Start one workflow.
#[derive(Debug, Clone)]
pub struct Call {
    /// Where.
    pub workspace: WorkspaceId,
    /// `namespace/name`.
    pub workflow: String,
    /// Its input.
    pub input: JsonText,
    /// Repeats with the same key give the first job again.
    pub idempotency_key: Option<String>,
    /// The job's id, if the caller has chosen it.
    pub job: Option<JobId>,
}

// === impl CaptureService ===

impl CaptureService {
    /// Starts a workflow. `Ok`: durable.
    pub async fn call(&self, call: Call) -> Result<Accepted, Error> {
        let (accepted, _) = self.start(call, Stay::Leave).await?;
        Ok(accepted)
    }

    /// As [`CaptureService::call`]; the job is watched unless it is a repeat or suspended by a failing key.
    pub async fn call_and_watch(&self, call: Call) -> Result<(Accepted, Option<Watched>), Error> {
        self.start(call, Stay::Wait).await
    }

    async fn start(&self, call: Call, stay: Stay) -> Result<(Accepted, Option<Watched>), Error> {
        let (draft, target) = self.draft_call(call).await?;
        self.commit(&draft, &target, stay).await
    }

    pub(super) async fn draft_call(&self, call: Call) -> Result<(Draft, Target), Error> {
        check_size(call.input.bytes().len(), self.options().max_input_bytes)?;
        let named = self.0.directory.named(call.workspace, &call.workflow).await?;
        let ports = self.ports();
        let (at, id) = (ports.clock.now(), ports.ids.event());
        let event = Event {
            source: format!("/run/{}", call.workflow),
            r#type: CALL_TYPE.to_owned(),
            datacontenttype: Some("application/json".to_owned()),
            data: Data::Json(call.input),
            ..Event::default()
        };
        let text = event.envelope(id, at);
        check_size(text.len(), self.options().max_input_bytes.saturating_add(ENVELOPE_BYTES))?;
        let settings = &named.deployed.program.settings;
        let mark = call.idempotency_key.map(|key| DedupMark {
            scope: format!("run:{}", named.deployed.resource.0),
            key: bounded_key(Cow::Owned(key)).into_owned(),
            expires: at.after(settings.dedup_for),
        });
        let draft = Draft {
            workspace: call.workspace,
            id,
            origin: Origin::Call,
            source: event.source,
            r#type: event.r#type,
            subject: None,
            at,
            envelope: Envelope::new(text),
            mark,
            delivery: None,
            generation: None,
        };
        Ok((draft, Target::Workflow { name: call.workflow, job: call.job }))
    }
}
