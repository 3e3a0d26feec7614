//! An emitted event goes back to capture.

use std::time::Duration;

use serde_json::Value;
use tenon_capture::{Event, Incoming, LIFECYCLE, MASKED_BY};
use tenon_engine::{FailureKind, Outcome};
use tenon_store::DedupMark;

use super::{FULL_DISK_PAUSE, Identity, failed};
use crate::Context;

/// How long an emit is recognised whose outcome was not recorded: as long as a crashed server may stay down.
const EMIT_MARK: Duration = Duration::from_hours(30 * 24);

/// Captures an emitted event. Its dedup mark derives from the effect, so a repeat after a crash is recognised
/// as one.
pub(super) async fn emit(context: &Context, event: &Value, identity: Identity) -> Outcome {
    let Value::Object(members) = event else {
        return failed(FailureKind::Configuration, 400, "the event is not an object".to_owned());
    };
    let mut event = match Event::from_object(members.clone()) {
        Ok(event) => event,
        Err(error) => return failed(FailureKind::Configuration, 400, error.to_string()),
    };
    if identity.is_lifecycle {
        event.extensions.insert(LIFECYCLE.to_owned(), true.into());
    }
    // Never what the document says: an event of somebody else's job would be shown, or nothing of this one.
    event.extensions.shift_remove(MASKED_BY);
    if let Some(job) = identity.masked_by {
        event.extensions.insert(MASKED_BY.to_owned(), job.to_string().into());
    }
    let expires = context.capture.ports().clock.now().after(EMIT_MARK);
    let mark = DedupMark { scope: "emit".to_owned(), key: identity.idempotency_key, expires };
    loop {
        let incoming =
            Incoming { mark: Some(mark.clone()), ..Incoming::new(identity.workspace, event.clone()) };
        match context.capture.event(incoming).await {
            Ok(_) => return Outcome::Emitted,
            Err(tenon_capture::Error::Store(tenon_store::Error::Full) | tenon_capture::Error::Busy) => {
                tokio::time::sleep(FULL_DISK_PAUSE).await;
            }
            Err(tenon_capture::Error::Store(error)) => {
                tracing::warn!(%error, "an emitted event could not be stored; trying again");
                tokio::time::sleep(FULL_DISK_PAUSE).await;
            }
            Err(error) => return failed(FailureKind::Configuration, 400, error.to_string()),
        }
    }
}
