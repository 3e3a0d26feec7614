//! `/variables`: list, show, put, delete. Values of secrets come in and never go out: no answer has one, and nothing
//! tells whether a guess is right without replacing what is there.

use std::collections::HashMap;

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};
use tenon_capture::rfc3339;
use tenon_gateway::{App, Caller, Problem, Workspace, codes, json_body};
use tenon_store::{
    DeleteVariable, Expected, MAX_VARIABLE_BYTES, MAX_VARIABLE_NAME_BYTES, MAX_VARIABLES, PutVariable,
    SavedVariable, Variable, VariableKind, is_variable_name,
};

use crate::page::{Parameters, bad, page};
use crate::resources::{etag, hash};

/// A value may be sent with more white space and escapes than it is kept with.
const MAX_BODY_BYTES: usize = 1 << 20;

type Given = Query<HashMap<String, String>>;

pub(crate) async fn list(
    State(app): State<App>,
    _: Caller,
    workspace: Workspace,
    given: Given,
) -> Result<Json<Value>, Problem> {
    let parameters = Parameters::new(given, &["limit", "cursor"])?;
    let (limit, after) = (parameters.limit()?, parameters.get("cursor").unwrap_or(""));
    let variables = app.store().variables(workspace.id, after, limit).await?;
    let configs: Vec<&str> = variables
        .iter()
        .filter(|variable| variable.kind == VariableKind::Config)
        .map(|variable| variable.name.as_str())
        .collect();
    let values = app.store().variable_values(workspace.id, &configs).await?;
    let items = variables.iter().map(|variable| {
        let value = values.iter().find(|value| value.variable.name == variable.name);
        shown(value.map_or(variable, |value| &value.variable), value.map(|value| &value.value))
    });
    let next = variables.last().filter(|_| variables.len() == limit as usize);
    Ok(page(items.collect(), next.map(|last| last.name.clone())))
}

pub(crate) async fn show(target: Target, given: Given) -> Result<Response, Problem> {
    Parameters::new(given, &[])?;
    let (variable, value) = target.current().await?.ok_or_else(|| target.missing())?;
    Ok((etag(variable.version), Json(shown(&variable, value.as_ref()))).into_response())
}

pub(crate) async fn put(
    target: Target,
    given: Given,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let parameters = Parameters::new(given, &["dryRun"])?;
    let text = json_body(&headers, body, MAX_BODY_BYTES, target.app.limits()).await?;
    let given = GivenVariable::read(text.value())?;
    if parameters.is_true("dryRun")? { target.plan(&given).await } else { target.put(&headers, given).await }
}

pub(crate) async fn delete(target: Target, headers: HeaderMap) -> Result<StatusCode, Problem> {
    let delete = DeleteVariable {
        workspace: target.workspace.id,
        name: target.name.clone(),
        expected: expected(&headers)?,
        at: target.app.capture().ports().clock.now(),
        actor: target.caller.actor.to_string(),
    };
    match target.app.store().delete_variable(delete).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(tenon_store::Error::NotFound(_)) => Err(target.missing()),
        Err(error) => Err(error.into()),
    }
}

/// A variable as people see it. Whoever calls gives no value of a secret.
fn shown(variable: &Variable, value: Option<&Bytes>) -> Value {
    let mut shown = json!({
        "name": variable.name,
        "kind": variable.kind,
        "version": variable.version,
        "updatedAt": rfc3339(variable.at),
    });
    if let Some(value) = value.filter(|_| variable.kind == VariableKind::Config) {
        shown["value"] = parsed(value);
    }
    shown
}

fn parsed(value: &Bytes) -> Value {
    serde_json::from_slice(value).unwrap_or(Value::Null)
}

/// `If-Match: "<version>"` or `If-None-Match: *`.
fn expected(headers: &HeaderMap) -> Result<Expected, Problem> {
    if headers.get(IF_NONE_MATCH).is_some_and(|given| given == "*") {
        return Ok(Expected::Absent);
    }
    let Some(given) = headers.get(IF_MATCH) else { return Ok(Expected::Any) };
    let version = given.to_str().unwrap_or_default().trim_matches('"').parse();
    version.map(Expected::Version).map_err(|_| bad("`If-Match` must be the version number in quotes"))
}

fn refused(detail: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::new(&codes::VARIABLE_REFUSED, detail)
}

/// What a body says. In a plan a secret has no value.
struct GivenVariable {
    kind: VariableKind,
    value: Option<Bytes>,
}

// === impl GivenVariable ===

impl GivenVariable {
    fn read(body: Value) -> Result<Self, Problem> {
        let Value::Object(mut fields) = body else {
            return Err(refused("the body is not an object with `kind` and `value`"));
        };
        let kind = Self::kind(fields.shift_remove("kind"))?;
        let value = fields.shift_remove("value").map(|value| Self::value(&value)).transpose()?;
        Self::no_more(&fields)?;
        Ok(Self { kind, value })
    }

    fn kind(given: Option<Value>) -> Result<VariableKind, Problem> {
        match given.as_ref().and_then(Value::as_str) {
            Some("config") => Ok(VariableKind::Config),
            Some("secret") => Ok(VariableKind::Secret),
            _ => Err(refused("`kind` must be `config` or `secret`")),
        }
    }

    fn value(given: &Value) -> Result<Bytes, Problem> {
        let value = Bytes::from(given.to_string());
        if value.len() <= MAX_VARIABLE_BYTES {
            return Ok(value);
        }
        let detail =
            format!("the value has {} bytes of JSON, at most {MAX_VARIABLE_BYTES} are kept", value.len());
        Err(refused(detail).with_hint("keep large content in storage and its address in the variable"))
    }

    /// The name of an unknown field is told, its value is not: it may be a secret in the wrong place.
    fn no_more(rest: &Map<String, Value>) -> Result<(), Problem> {
        let Some(unknown) = rest.keys().next() else { return Ok(()) };
        let name: String = unknown.chars().take(50).collect();
        let near = ["kind", "value"].into_iter().find(|known| strsim::damerau_levenshtein(known, &name) <= 2);
        let problem = refused(format!("unknown field `{name}`"));
        Err(match near {
            Some(known) => problem.with_hint(format!("did you mean `{known}`?")),
            None => problem.with_hint("a variable has `kind` and `value`"),
        })
    }
}

/// Which variable a request is about.
pub(crate) struct Target {
    app: App,
    caller: Caller,
    workspace: Workspace,
    name: String,
}

// === impl Target ===

impl FromRequestParts<App> for Target {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let workspace = Workspace::from_request_parts(parts, app).await?;
        let path = Path::<String>::from_request_parts(parts, app).await;
        let Path(name) = path.map_err(|error| bad(error.to_string()))?;
        if !is_variable_name(&name) {
            let allowed = format!(
                "a variable's name has letters, digits, `-`, `_` and `.`, at most {MAX_VARIABLE_NAME_BYTES}"
            );
            return Err(refused(allowed).with_hint("choose another name"));
        }
        Ok(Self { app: app.clone(), caller, workspace, name })
    }
}

impl Target {
    /// With the value, unless it is a secret's.
    async fn current(&self) -> Result<Option<(Variable, Option<Bytes>)>, Problem> {
        let (store, names) = (self.app.store(), [self.name.as_str()]);
        let Some(variable) = store.variables_named(self.workspace.id, &names).await?.pop() else {
            return Ok(None);
        };
        if variable.kind == VariableKind::Secret {
            return Ok(Some((variable, None)));
        }
        // It may have changed in between, even its kind.
        let found = store.variable_values(self.workspace.id, &names).await?.pop();
        Ok(found.map(|found| {
            let value = (found.variable.kind == VariableKind::Config).then_some(found.value);
            (found.variable, value)
        }))
    }

    fn missing(&self) -> Problem {
        Problem::new(&codes::VARIABLE_NOT_FOUND, format!("there is no variable `{}`", self.name))
    }

    fn other_kind(&self, current: VariableKind) -> Problem {
        let detail = format!("variable `{}` is of kind {} and stays so", self.name, current.word());
        let hint = format!("`tenon variable delete {}`, then set it anew; or choose another name", self.name);
        Problem::new(&codes::VARIABLE_KIND, detail).with_hint(hint)
    }

    async fn put(&self, headers: &HeaderMap, given: GivenVariable) -> Result<Response, Problem> {
        let value = given.value.ok_or_else(|| refused("`value` is missing"))?;
        let digest = (given.kind == VariableKind::Config).then(|| hash(&value));
        let put = PutVariable {
            workspace: self.workspace.id,
            name: self.name.clone(),
            kind: given.kind,
            value,
            expected: expected(headers)?,
            at: self.app.capture().ports().clock.now(),
            actor: self.caller.actor.to_string(),
        };
        let (variable, is_unchanged) = match self.app.store().put_variable(put).await? {
            SavedVariable::Written(variable) => (variable, false),
            SavedVariable::Unchanged(variable) => (variable, true),
            SavedVariable::OtherKind(current) => return Err(self.other_kind(current.kind)),
            SavedVariable::TooMany => {
                let detail =
                    format!("the workspace has {MAX_VARIABLES} variables, which is the most it may have");
                return Err(Problem::new(&codes::TOO_MANY_VARIABLES, detail));
            }
        };
        let status =
            if variable.version == 1 && !is_unchanged { StatusCode::CREATED } else { StatusCode::OK };
        let mut answer = shown(&variable, None);
        answer["unchanged"] = is_unchanged.into();
        if let Some(digest) = digest {
            answer["digest"] = digest.into();
        }
        Ok((status, etag(variable.version), Json(answer)).into_response())
    }

    /// What a put would change. A secret without a value asks whether it has one.
    async fn plan(&self, given: &GivenVariable) -> Result<Response, Problem> {
        let current = self.current().await?;
        if let Some((variable, _)) = current.as_ref().filter(|(variable, _)| variable.kind != given.kind) {
            return Err(self.other_kind(variable.kind));
        }
        let change = match (given.kind, &given.value, &current) {
            (VariableKind::Secret, Some(_), _) => {
                let problem =
                    refused("a plan takes no value of a secret, because its answer would tell about it");
                return Err(problem.with_hint("leave `value` out"));
            }
            (VariableKind::Secret, None, None) => "missing",
            (VariableKind::Secret, None, Some(_)) => "none",
            (VariableKind::Config, None, _) => return Err(refused("`value` is missing")),
            (VariableKind::Config, Some(_), None) => "create",
            (VariableKind::Config, Some(new), Some((_, old))) if old.as_ref() == Some(new) => "none",
            (VariableKind::Config, Some(_), Some(_)) => "update",
        };
        let current = current.map(|(variable, value)| {
            let mut document = json!({ "kind": variable.kind });
            if let Some(value) = &value {
                document["value"] = parsed(value);
            }
            json!({ "revision": variable.version, "digest": value.as_deref().map(hash), "document": document })
        });
        Ok(Json(json!({ "change": change, "current": current, "diagnostics": [] })).into_response())
    }
}
