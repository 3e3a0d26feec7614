//! How a job leaves the worker: what is written, and who is told.

use std::sync::Arc;

use bytes::Bytes;
use tenon_capture::{Deployed, JobEnd, JobEvent};
use tenon_engine::Finished;
use tenon_store::{Expiry, OpenJob, Timestamp, Transition, WorkspaceId};

use crate::Context;

/// The final state of a finished job, with its result and how long it is kept.
pub(crate) fn transition(
    context: &Context,
    deployed: &Deployed,
    finished: &Finished,
    at: Timestamp,
) -> Transition {
    let expires = expiry(context, (deployed.workspace, Some(deployed)), at);
    let result = Bytes::from(finished.encode().unwrap_or_default());
    match finished {
        Finished::Completed(_) => Transition::Completed { output: result, expires },
        Finished::Faulted(_) => Transition::Faulted { error: result, expires },
        Finished::Cancelled => Transition::Cancelled { expires },
    }
}

/// How long what a job leaves is kept: as its workflow says, if that is known, else as its workspace does, else as the
/// server is configured.
pub(crate) fn expiry(
    context: &Context,
    (workspace, deployed): (WorkspaceId, Option<&Deployed>),
    at: Timestamp,
) -> Expiry {
    // One that is not there says nothing.
    let whole = context.store.workspace_settings(workspace).unwrap_or_default();
    let own = deployed.map(|deployed| &deployed.program.settings);
    let jobs = own.and_then(|own| own.keep_jobs).or(whole.keep_jobs).unwrap_or(context.keep_jobs);
    let payloads = own.and_then(|own| own.keep_payloads).or(whole.keep_payloads).or(context.keep_payloads);
    Expiry { job: at.after(jobs), payloads: payloads.map(|payloads| at.after(payloads)) }
}

/// Tells everyone who wants to know that a write is durable.
pub(crate) fn announce(context: &Context, job: &OpenJob, workflow: &Arc<str>, transition: &Transition) {
    let ports = context.capture.ports();
    let state = transition.state();
    ports.live.publish(|| JobEvent::Job {
        workspace: job.workspace,
        job: job.id,
        state,
        workflow: Arc::clone(workflow),
        event: job.event,
        at: ports.clock.now(),
    });
    if !state.is_final() {
        return;
    }
    ports.metrics.job_finished(state);
    let result = match transition {
        Transition::Completed { output, .. } => Some(output.clone()),
        Transition::Faulted { error, .. } => Some(error.clone()),
        _ => None,
    };
    ports.watch.finished(JobEnd { job: job.id, state, result });
}

/// RFC 7807 of a suspension, for `job show`.
pub(crate) fn reason(title: &str, detail: &str) -> Bytes {
    let reason = serde_json::json!({
        "type": "https://open-workflow-specification.org/spec/1.0.0/errors/runtime",
        "status": 500,
        "title": title,
        "detail": detail,
        "instance": "",
    });
    Bytes::from(reason.to_string())
}
