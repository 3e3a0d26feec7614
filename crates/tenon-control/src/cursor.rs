//! What a trigger remembers, shown; and `…/cursor`: where a poller goes on, set by a person.

use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::{ETAG, IF_MATCH};
use serde_json::{Value, json};
use tenon_capture::trigger::Trigger;
use tenon_gateway::{App, Problem, Workspace, codes, json_body};
use tenon_store::{AuditRecord, Error, NewState, PutTriggerState, Resource, ResourceId, TriggerState};
use tenon_trigger::PollState;

use crate::page::bad;

/// A cursor may be sent with more white space and escapes than it is kept with.
const MAX_BODY_BYTES: usize = 256 << 10;
/// How often a cursor is set again because the poller has moved its own meanwhile.
const MAX_TRIES: usize = 8;

/// What a trigger remembers, with its version; null if there is nothing yet.
pub(crate) async fn state(app: &App, workspace: &Workspace, trigger: ResourceId) -> Result<Value, Problem> {
    let stored = app.store().trigger_state(workspace.id, trigger).await?;
    Ok(stored.map_or(Value::Null, |stored| shown(&stored)))
}

fn shown(stored: &TriggerState) -> Value {
    let mut value: Value = serde_json::from_slice(&stored.value).unwrap_or_else(|_| json!({}));
    if let Value::Object(members) = &mut value {
        members.insert("version".to_owned(), stored.version.into());
    }
    value
}

/// A new cursor for a poller.
pub(crate) struct Change<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) resource: &'a Resource,
    pub(crate) actor: &'a str,
}

// === impl Change ===

impl Change<'_> {
    /// Sets it, and wakes the poller. `If-Match: "<version of the state>"` guards against what came in between.
    pub(crate) async fn put(&self, app: &App, headers: &HeaderMap, body: Body) -> Result<Response, Problem> {
        let cursor = given(app, headers, body).await?;
        if !matches!(Trigger::parse(&self.resource.document), Ok(Trigger::Poll(_))) {
            let problem = Problem::new(&codes::CONFLICT, format!("`{}` is no poller", self.resource.name));
            return Err(problem.with_hint("only triggers of `kind: poll` have a cursor"));
        }
        let wanted = expected(headers)?;
        for _ in 0..MAX_TRIES {
            if let Some(answer) = self.try_put(app, &cursor, wanted).await? {
                return Ok(answer);
            }
        }
        let problem = Problem::new(&codes::CONFLICT, "the poller keeps moving its cursor");
        Err(problem.with_hint("disable the trigger, set the cursor, and enable it again"))
    }

    /// Nothing if the state has changed meanwhile.
    async fn try_put(
        &self,
        app: &App,
        cursor: &Value,
        wanted: Option<u64>,
    ) -> Result<Option<Response>, Problem> {
        let (workspace, resource) = (self.workspace.id, self.resource.revision.resource);
        let stored = app.store().trigger_state(workspace, resource).await?;
        let version = stored.as_ref().map_or(0, |stored| stored.version);
        if let Some(wanted) = wanted.filter(|wanted| *wanted != version) {
            let detail =
                format!("the state of `{}` is at version {version}, not {wanted}", self.resource.name);
            return Err(Problem::new(&codes::CONFLICT, detail));
        }
        let state = stored.as_ref().map(|stored| PollState::decode(&stored.value)).transpose();
        let state = state.map_err(|reason| Problem::internal("a poller's state", &reason))?;
        let at = app.capture().ports().clock.now();
        let state = state.unwrap_or_default().with_cursor(cursor.clone(), at);
        let state = state.map_err(|error| bad(error.to_string()))?;
        let value = bytes::Bytes::from(state.encode());
        let put = PutTriggerState {
            workspace,
            state: NewState { resource, expected: version, value: value.clone() },
            audit: AuditRecord {
                workspace,
                actor: self.actor.to_owned(),
                action: "trigger.cursor".to_owned(),
                subject: self.resource.name.clone(),
                at,
            },
        };
        match app.store().put_trigger_state(put).await {
            Ok(()) => {}
            Err(Error::Conflict(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        app.capture().wakes().tell(workspace, resource);
        let version = version + 1;
        let state = shown(&TriggerState { version, value, at });
        let body = json!({ "name": self.resource.name, "state": state });
        Ok(Some(([(ETAG, format!("\"{version}\""))], Json(body)).into_response()))
    }
}

async fn given(app: &App, headers: &HeaderMap, body: Body) -> Result<Value, Problem> {
    let text = json_body(headers, body, MAX_BODY_BYTES, app.limits()).await?;
    let Value::Object(mut fields) = text.value() else {
        return Err(bad("the body is not an object with `cursor`"));
    };
    let cursor = fields.shift_remove("cursor").ok_or_else(|| bad("`cursor` is missing; null begins anew"))?;
    match fields.keys().next() {
        None => Ok(cursor),
        Some(other) => Err(bad(format!("unknown field `{}`; there is `cursor`", other.escape_debug()))),
    }
}

fn expected(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(given) = headers.get(IF_MATCH) else { return Ok(None) };
    let version = given.to_str().unwrap_or_default().trim_matches('"').parse();
    version.map(Some).map_err(|_| bad("`If-Match` must be the version of the trigger's state in quotes"))
}
