//! What workflows and triggers have in common: put, list, show, versions, enable, disable, delete.

use std::collections::HashMap;

use axum::body::Body;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use tenon_capture::trigger::Trigger;
use tenon_gateway::{App, Caller, Problem, Workspace, codes, read_body};
use tenon_store::{Change, ChangeResource, Error, Kind, PutResource, Resource, Saved};

use crate::deploy::{self, Checked};
use crate::files::Pinned;
use crate::page::{Parameters, bad, page};
use crate::{Control, cursor, firing, missing, show, waking};

/// Largest document, bytes.
const MAX_DOCUMENT_BYTES: usize = 4 << 20;
/// Longest namespace or name, bytes.
const MAX_NAME_BYTES: usize = 100;
/// How often something is disabled again because its schedule has fired meanwhile.
const MAX_TRIES: u32 = 100;

const WORKFLOWS: &str = "/api/v1/workflows";

fn is_name(text: &str) -> bool {
    let well_formed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=MAX_NAME_BYTES).contains(&text.len()) && text.bytes().all(well_formed)
}

/// The kind that an address is about.
fn kind_of(uri: &Uri) -> Kind {
    if uri.path().starts_with(WORKFLOWS) { Kind::Workflow } else { Kind::Trigger }
}

type Given = Query<HashMap<String, String>>;

pub(crate) async fn list(
    State(app): State<App>,
    _: Caller,
    workspace: Workspace,
    uri: Uri,
    given: Given,
) -> Result<Json<Value>, Problem> {
    let parameters = Parameters::new(given, &["limit", "cursor"])?;
    let (limit, after) = (parameters.limit()?, parameters.get("cursor").unwrap_or(""));
    let kind = kind_of(&uri);
    let mut resources = app.store().resources(workspace.id, kind, after, limit).await?;
    if kind == Kind::Trigger {
        // What a trigger is and where it is called stands in its document.
        for resource in &mut resources {
            let whole = app.store().revision(workspace.id, resource.revision.id).await?;
            resource.document = whole.map(|whole| whole.document).unwrap_or_default();
        }
    }
    let is_full = resources.len() == limit as usize;
    let next = resources.last().filter(|_| is_full).map(|last| last.name.clone());
    Ok(page(resources.iter().map(|resource| shown(kind, &workspace, resource)).collect(), next))
}

pub(crate) async fn show(target: Target, given: Given) -> Result<Response, Problem> {
    target.show(&Parameters::new(given, &["revision"])?).await
}

pub(crate) async fn versions(target: Target) -> Result<Json<Value>, Problem> {
    target.versions().await
}

pub(crate) async fn put(
    target: Target,
    given: Given,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    target.put(&headers, body, &Parameters::new(given, &["dryRun"])?).await
}

pub(crate) async fn put_cursor(
    target: Target,
    given: Given,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    Parameters::new(given, &[])?;
    target.put_cursor(&headers, body).await
}

pub(crate) async fn enable(target: Target) -> Result<Response, Problem> {
    target.change(Change::Enable).await
}

pub(crate) async fn disable(target: Target) -> Result<Response, Problem> {
    target.change(Change::Disable).await
}

pub(crate) async fn delete(target: Target) -> Result<Response, Problem> {
    target.change(Change::Delete).await
}

/// Which resource a request is about.
pub(crate) struct Target {
    pub(crate) app: App,
    pub(crate) control: Control,
    pub(crate) caller: Caller,
    pub(crate) workspace: Workspace,
    kind: Kind,
    pub(crate) name: String,
}

/// The document in a body.
pub(crate) async fn document(app: &App, headers: &HeaderMap, body: Body) -> Result<String, Problem> {
    let bytes = read_body(headers, body, MAX_DOCUMENT_BYTES, app.limits()).await?;
    String::from_utf8(bytes.into()).map_err(|_| bad("the document is not UTF-8"))
}

fn shown(kind: Kind, workspace: &Workspace, resource: &Resource) -> Value {
    let mut value = show::resource(resource);
    match kind {
        Kind::Workflow => {
            let (namespace, name) = resource.name.split_once('/').unwrap_or(("", &resource.name));
            value["namespace"] = namespace.into();
            value["name"] = name.into();
            value["version"] = resource.version.as_str().into();
        }
        Kind::Trigger => {
            if let Ok(trigger) = Trigger::parse(&resource.document) {
                value["kind"] = trigger.kind().into();
                value["url"] = trigger.url(&workspace.name).into();
            }
        }
    }
    value
}

// === impl Target ===

impl FromRequestParts<App> for Target {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let workspace = Workspace::from_request_parts(parts, app).await?;
        let control = Extension::<Control>::from_request_parts(parts, app).await;
        let Extension(control) = control.map_err(|error| Problem::internal("routes", &error))?;
        let path = Path::<Vec<(String, String)>>::from_request_parts(parts, app).await;
        let Path(segments) = path.map_err(|error| bad(error.to_string()))?;
        let segments: Vec<String> = segments.into_iter().map(|(_, segment)| segment).collect();
        if !segments.iter().all(|segment| is_name(segment)) {
            let allowed = format!("a name has letters, digits, `.`, `_` and `-`, at most {MAX_NAME_BYTES}");
            return Err(bad(allowed));
        }
        let name = segments.join("/");
        Ok(Self { app: app.clone(), control, caller, workspace, kind: kind_of(&parts.uri), name })
    }
}

impl Target {
    async fn current(&self) -> Result<Option<Resource>, Problem> {
        Ok(self.app.store().resource(self.workspace.id, self.kind, &self.name).await?)
    }

    pub(crate) async fn existing(&self) -> Result<Resource, Problem> {
        self.current().await?.ok_or_else(|| self.missing())
    }

    /// What its kind is called in audit records.
    pub(crate) fn word(&self) -> &'static str {
        match self.kind {
            Kind::Workflow => "workflow",
            Kind::Trigger => "trigger",
        }
    }

    fn missing(&self) -> Problem {
        match self.kind {
            Kind::Workflow => {
                let detail = format!("there is no workflow `{}`", self.name);
                Problem::new(&codes::WORKFLOW_NOT_FOUND, detail)
            }
            Kind::Trigger => Problem::new(&codes::NOT_FOUND, format!("there is no trigger `{}`", self.name))
                .with_hint("`tenon trigger list` shows those there are"),
        }
    }

    /// One resource with its document; `revision=N` gives an older one.
    async fn show(&self, parameters: &Parameters) -> Result<Response, Problem> {
        let newest = self.existing().await?;
        let resource = match parameters.get("revision") {
            None => newest,
            Some(number) => self.older(&newest, number).await?,
        };
        let mut value = shown(self.kind, &self.workspace, &resource);
        value["document"] = resource.document.as_str().into();
        let next = firing::next(&self.app, &resource).await?;
        if self.kind == Kind::Trigger || !next.is_null() {
            value["next"] = next;
            value["state"] = cursor::state(&self.app, &self.workspace, resource.revision.resource).await?;
        }
        Ok((etag(resource.revision.number), Json(value)).into_response())
    }

    async fn older(&self, newest: &Resource, number: &str) -> Result<Resource, Problem> {
        let number: u32 = number.parse().map_err(|_| bad("`revision` must be a whole number"))?;
        let store = self.app.store();
        let revisions = store.revisions(self.workspace.id, newest.revision.resource).await?;
        let wanted = revisions.into_iter().find(|revision| revision.revision.number == number);
        let found = match wanted {
            Some(wanted) => store.revision(self.workspace.id, wanted.revision.id).await?,
            None => None,
        };
        found.ok_or_else(|| {
            Problem::new(&codes::NOT_FOUND, format!("`{}` has no revision {number}", self.name))
        })
    }

    /// All revisions, newest first.
    async fn versions(&self) -> Result<Json<Value>, Problem> {
        let newest = self.existing().await?;
        let revisions = self.app.store().revisions(self.workspace.id, newest.revision.resource).await?;
        let items = revisions.iter().map(|revision| shown(self.kind, &self.workspace, revision)).collect();
        Ok(page(items, None))
    }

    /// New content, or (dry run) what it would change.
    async fn put(
        &self,
        headers: &HeaderMap,
        body: Body,
        parameters: &Parameters,
    ) -> Result<Response, Problem> {
        let source = document(&self.app, headers, body).await?;
        let mut checked = deploy::check(self.kind, &source).map_err(|findings| deploy::refused(&findings))?;
        if let Some(own) = &checked.name
            && *own != self.name
        {
            return Err(bad(format!("the address names `{}`, the document is `{own}`", self.name)));
        }
        if self.kind == Kind::Trigger {
            self.check_address(&source, &checked.keys).await?;
        }
        let pinned = self.pin(&source, &mut checked).await?;
        let wanted = missing::wanted(&checked);
        checked.warnings.extend(missing::findings(&self.app, &self.workspace, wanted, &source).await?);
        if self.kind == Kind::Trigger {
            checked.warnings.extend(waking::findings(&self.app, &self.workspace, &source).await?);
        }
        let digest = pinned.digest(&source);
        if parameters.is_true("dryRun")? {
            return self.planned(&checked, &digest).await;
        }
        let expected = self.expected(headers).await?;
        let ports = self.app.capture().ports();
        let put = PutResource {
            workspace: self.workspace.id,
            kind: self.kind,
            name: self.name.clone(),
            version: checked.version.clone(),
            digest: digest.clone(),
            document: source,
            keys: checked.keys.clone(),
            listens: checked.listens.clone(),
            gathers: checked.gathers,
            files: pinned.files,
            expected,
            at: ports.clock.now(),
            actor: self.caller.actor.to_string(),
        };
        let saved = self.app.store().put_resource(put).await?;
        self.app.capture().refresh(self.workspace.id).await?;
        let (revision, is_unchanged) = match saved {
            Saved::Written(revision) => (revision, false),
            Saved::Unchanged(revision) => (revision, true),
        };
        let status = if revision.number == 1 && !is_unchanged { StatusCode::CREATED } else { StatusCode::OK };
        let mut value = json!({
            "name": self.name,
            "version": checked.version,
            "revision": revision.number,
            "digest": digest,
            "unchanged": is_unchanged,
            "diagnostics": show::diagnostics(&checked.warnings),
        });
        if let Some((namespace, name)) = self.name.split_once('/') {
            value["namespace"] = namespace.into();
            value["name"] = name.into();
        }
        Ok((status, etag(revision.number), Json(value)).into_response())
    }

    /// The cursor of a poller, set by whoever calls.
    async fn put_cursor(&self, headers: &HeaderMap, body: Body) -> Result<Response, Problem> {
        let existing = self.existing().await?;
        let change =
            cursor::Change { workspace: &self.workspace, resource: &existing, actor: &self.caller.actor };
        change.put(&self.app, headers, body).await
    }

    /// Fetches what a document refers to; what can be said with it replaces what was said without.
    async fn pin(&self, source: &str, checked: &mut Checked) -> Result<Pinned, Problem> {
        if !checked.has_files {
            return Ok(Pinned::default());
        }
        let before = self.current().await?.map(|current| current.files).unwrap_or_default();
        let pinned = deploy::pin(&self.control.http, self.kind, source, &before).await;
        let (complete, pinned) = pinned.map_err(|findings| deploy::refused(&findings))?;
        *checked = complete;
        Ok(pinned)
    }

    /// Two webhooks must not answer the same requests.
    async fn check_address(&self, source: &str, keys: &[String]) -> Result<(), Problem> {
        let Ok(Trigger::Webhook(webhook)) = Trigger::parse(source) else { return Ok(()) };
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let (others, _) = self.app.store().resources_by_key(self.workspace.id, self.kind, &keys).await?;
        for other in others.iter().filter(|other| other.name != self.name) {
            let Ok(Trigger::Webhook(theirs)) = Trigger::parse(&other.document) else { continue };
            // Patterns have a key in common; other names of parameters do not make another place.
            if theirs.path.shape() != webhook.path.shape() {
                continue;
            }
            if let Some(method) = webhook.methods.iter().find(|method| theirs.methods.contains(method)) {
                let detail =
                    format!("trigger `{}` answers {method} on `{}` already", other.name, theirs.path);
                let problem = Problem::new(&codes::CONFLICT, detail);
                return Err(problem.with_hint("choose another path or method, or delete the other trigger"));
            }
        }
        Ok(())
    }

    async fn planned(&self, checked: &Checked, digest: &str) -> Result<Response, Problem> {
        let current = self.current().await?;
        let change = match &current {
            None => "create",
            Some(current) if current.digest == digest => "none",
            Some(_) => "update",
        };
        let current = current.map(|current| {
            json!({
                "revision": current.revision.number,
                "digest": current.digest,
                "document": current.document,
            })
        });
        let diagnostics = show::diagnostics(&checked.warnings);
        Ok(Json(json!({ "change": change, "current": current, "diagnostics": diagnostics })).into_response())
    }

    /// `If-Match: "<revision>"`; the write fails if the newest revision is another one.
    /// `If-None-Match: *`: it fails if there is one.
    async fn expected(&self, headers: &HeaderMap) -> Result<Option<tenon_store::RevisionId>, Problem> {
        if headers.get(IF_NONE_MATCH).is_some_and(|given| given == "*") && self.current().await?.is_some() {
            return Err(Problem::new(&codes::CONFLICT, format!("`{}` exists already", self.name)));
        }
        let Some(given) = headers.get(IF_MATCH) else { return Ok(None) };
        let given = given.to_str().unwrap_or_default().trim_matches('"').to_owned();
        let wanted: u32 =
            given.parse().map_err(|_| bad("`If-Match` must be the revision number in quotes"))?;
        match self.current().await? {
            Some(current) if current.revision.number == wanted => Ok(Some(current.revision.id)),
            Some(current) => {
                let found = current.revision.number;
                let detail = format!("`{}` is at revision {found}, not {wanted}", self.name);
                Err(Problem::new(&codes::CONFLICT, detail))
            }
            None => Err(Problem::new(&codes::CONFLICT, format!("`{}` does not exist any more", self.name))),
        }
    }

    /// What does not come while something is disabled is not made up for, and what comes afterwards is: so its schedule
    /// is paused or resumed in the same transaction; again if it was at work at that moment.
    async fn commit(&self, change: Change, mut existing: Resource) -> Result<(), Problem> {
        let mut tries = 0;
        loop {
            tries += 1;
            let state = match change {
                Change::Enable => tenon_trigger::resumed(self.app.capture(), &existing).await?,
                Change::Disable | Change::Delete => {
                    tenon_trigger::paused(self.app.capture(), &existing).await?
                }
            };
            let change_resource = ChangeResource {
                workspace: self.workspace.id,
                kind: self.kind,
                name: self.name.clone(),
                change,
                state,
                actor: self.caller.actor.to_string(),
                at: self.app.capture().ports().clock.now(),
            };
            match self.app.store().change_resource(change_resource).await {
                Err(Error::Conflict(_)) if tries < MAX_TRIES => existing = self.existing().await?,
                changed => return Ok(changed?),
            }
        }
    }

    /// Enable, disable or delete.
    async fn change(&self, change: Change) -> Result<Response, Problem> {
        let existing = self.existing().await?;
        if self.kind == Kind::Trigger && change == Change::Enable {
            let keys = Trigger::parse(&existing.document).map(|trigger| trigger.keys()).unwrap_or_default();
            self.check_address(&existing.document, &keys).await?;
        }
        self.commit(change, existing).await?;
        self.app.capture().refresh(self.workspace.id).await?;
        if change == Change::Delete {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        let resource = self.existing().await?;
        Ok(Json(shown(self.kind, &self.workspace, &resource)).into_response())
    }
}

/// SHA-256 in hexadecimal.
pub(crate) fn hash(source: &[u8]) -> String {
    digest(&SHA256, source).as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(nibble), 16).expect("a nibble is a hexadecimal digit"));
        }
        text
    })
}

/// A revision or version as an entity tag.
pub(crate) fn etag(revision: u32) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let value =
        HeaderValue::from_str(&format!("\"{revision}\"")).expect("digits in quotes are a header value");
    headers.insert(ETAG, value);
    headers
}
