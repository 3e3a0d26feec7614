//! `/workspaces`: which there are, a new one, and what one says for itself. There is no way back yet: nothing here
//! deletes.

pub(crate) mod settings;

use axum::body::Body;
use axum::extract::{FromRequestParts, Path, State};
use axum::{Extension, Json};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tenon_capture::JsonText;
use tenon_gateway::{App, Caller, Content, Problem, Workspace, codes, read_body};
use tenon_store::{AuditRecord, Error, PutWorkspaceSettings, WorkspaceId, WorkspaceSettings};

use crate::Control;
use crate::page::bad;
use settings::Given;

/// Longest name.
const MAX_NAME: usize = 63;
const MAX_BODY_BYTES: usize = 64 << 10;
/// How often settings are changed again because somebody else did meanwhile.
const ATTEMPTS: u32 = 8;

pub(crate) async fn list(State(app): State<App>, _: Caller) -> Result<Json<Value>, Problem> {
    let store = app.store();
    let mut items = Vec::new();
    for (id, name) in store.workspaces().await? {
        items.push(settings::brief(&name, store.workspace_settings(id)?));
    }
    Ok(Json(json!({ "items": items, "next": null })))
}

pub(crate) async fn show(target: Target) -> Result<Json<Value>, Problem> {
    let workspace = Workspace::find(&target.app, &target.name).await?;
    Ok(Json(target.shown(target.app.store().workspace_settings(workspace.id)?)))
}

/// Creates it, or finds it, and changes what the body names: the same request again changes nothing.
pub(crate) async fn put(
    target: Target,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    check(&target.name)?;
    let given = target.given(&headers, body).await?;
    let found = target.app.workspace(&target.name).await?;
    let (status, workspace) = if let Some(workspace) = found {
        (StatusCode::OK, workspace)
    } else {
        // A refused body makes no workspace.
        given.onto(WorkspaceSettings::default(), target.control.worker.defaults())?;
        (StatusCode::CREATED, target.create().await?)
    };
    let settings = target.change(workspace, &given).await?;
    Ok((status, Json(target.shown(settings))))
}

/// Which workspace a request is about, by its path.
pub(crate) struct Target {
    app: App,
    control: Control,
    caller: Caller,
    name: String,
}

// === impl Target ===

impl FromRequestParts<App> for Target {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let control = Extension::<Control>::from_request_parts(parts, app).await;
        let Extension(control) = control.map_err(|error| Problem::internal("routes", &error))?;
        let path = Path::<String>::from_request_parts(parts, app).await;
        let Path(name) = path.map_err(|error| bad(error.to_string()))?;
        Ok(Self { app: app.clone(), control, caller, name })
    }
}

impl Target {
    async fn given(&self, headers: &HeaderMap, body: Body) -> Result<Given, Problem> {
        let bytes = read_body(headers, body, MAX_BODY_BYTES, self.app.limits()).await?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Given::default());
        }
        if !matches!(Content::of(headers), Content::Json | Content::Unknown) {
            return Err(Problem::new(&codes::CONTENT_TYPE, "this takes JSON"));
        }
        let text = JsonText::parse(bytes).map_err(|error| {
            Problem::new(&codes::MALFORMED_JSON, format!("the body is not JSON: {error}"))
        })?;
        Given::read(text.value())
    }

    async fn create(&self) -> Result<WorkspaceId, Problem> {
        let workspace = self.app.store().create_workspace(&self.name).await?;
        self.app.store().audit(self.audit(workspace, "workspace.create")).await?;
        Ok(workspace)
    }

    /// What is named is changed, whatever others change meanwhile.
    async fn change(&self, workspace: WorkspaceId, given: &Given) -> Result<WorkspaceSettings, Problem> {
        let store = self.app.store();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let expected = store.workspace_settings(workspace)?;
            let settings = given.onto(expected, self.control.worker.defaults())?;
            if settings == expected {
                return Ok(settings);
            }
            let audit = self.audit(workspace, "workspace.set");
            match store.put_workspace_settings(PutWorkspaceSettings { settings, expected, audit }).await {
                Ok(()) => return Ok(settings),
                Err(Error::Conflict(_)) if attempts < ATTEMPTS => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn audit(&self, workspace: WorkspaceId, action: &str) -> AuditRecord {
        AuditRecord {
            workspace,
            actor: self.caller.actor.to_string(),
            action: action.to_owned(),
            subject: self.name.clone(),
            at: self.app.capture().ports().clock.now(),
        }
    }

    fn shown(&self, own: WorkspaceSettings) -> Value {
        settings::shown(&self.name, own, self.control.worker.defaults())
    }
}

fn check(name: &str) -> Result<(), Problem> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let edge = |byte: Option<&u8>| byte.is_some_and(|byte| *byte != b'-');
    let bytes = name.as_bytes();
    if bytes.len() <= MAX_NAME
        && bytes.iter().copied().all(is_plain)
        && edge(bytes.first())
        && edge(bytes.last())
    {
        return Ok(());
    }
    let shown: String = name.chars().take(MAX_NAME).collect();
    Err(Problem::new(&codes::BAD_REQUEST, format!("`{shown}` is no name of a workspace"))
        .with_hint(format!("1 to {MAX_NAME} lower case letters, digits and `-`, e.g. `shop-test`")))
}
