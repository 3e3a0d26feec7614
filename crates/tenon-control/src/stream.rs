//! `/stream`: jobs and steps as they happen, as server-sent events. Lossy: a slow listener is told how much
//! it missed and reads the truth elsewhere.

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream, StreamExt as _};
use serde_json::json;
use tenon_capture::{JobEvent, rfc3339};
use tenon_gateway::{App, Caller, Problem, Workspace};
use tenon_store::{JobId, WorkspaceId};
use tokio::sync::broadcast::error::RecvError;

use crate::page::{Parameters, bad};

const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(crate) async fn stream(
    State(app): State<App>,
    _: Caller,
    workspace: Workspace,
    given: Query<HashMap<String, String>>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let parameters = Parameters::new(given, &["job"])?;
    let job: Option<JobId> =
        parameters.get("job").map(str::parse).transpose().map_err(|error| bad(format!("{error}")))?;
    let receiver = app.capture().ports().live.subscribe();
    let news = stream::unfold(receiver, move |mut receiver| async move {
        loop {
            match receiver.recv().await {
                Ok(event) => {
                    if let Some(event) = shown(&event, workspace.id, job) {
                        return Some((Ok(event), receiver));
                    }
                }
                Err(RecvError::Lagged(missed)) => {
                    let event = Event::default().event("missed").data(missed.to_string());
                    return Some((Ok(event), receiver));
                }
                Err(RecvError::Closed) => return None,
            }
        }
    });
    // A server that is about to stop does not wait for those who only look on.
    let draining = async move { app.readiness().draining().await };
    let news = news.take_until(Box::pin(draining));
    Ok(Sse::new(news).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// `None`: not for this listener.
fn shown(event: &JobEvent, of: WorkspaceId, wanted: Option<JobId>) -> Option<Event> {
    let is_wanted =
        |workspace: WorkspaceId, job: JobId| workspace == of && wanted.is_none_or(|wanted| wanted == job);
    let (name, data) = match event {
        JobEvent::Job { workspace, job, state, workflow, event, at } if is_wanted(*workspace, *job) => {
            let data = json!({
                "job": job, "state": state, "workflow": workflow.as_ref(), "event": event, "at": rfc3339(*at),
            });
            ("job", data)
        }
        JobEvent::Step { workspace, job, effect, attempt, state, at } if is_wanted(*workspace, *job) => {
            let data = json!({
                "job": job, "effect": effect.as_ref(), "attempt": attempt, "state": state, "at": rfc3339(*at),
            });
            ("step", data)
        }
        _ => return None,
    };
    Some(Event::default().event(name).data(data.to_string()))
}
