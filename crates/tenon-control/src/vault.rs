//! `/vault`: which keys there are, and changing them while everything runs. No key ever goes through here: a new
//! master key is made or read by the server, in the file that the caller names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};
use tenon_capture::rfc3339;
use tenon_gateway::{App, Caller, Problem, Workspace, codes, json_body};
use tenon_store::Timestamp;
use tenon_vault::{By, DataKeyInfo, DataKeys, KeyRole, MasterKey, MasterKeys};

use crate::Control;
use crate::page::bad;

/// A path is no longer than this.
const MAX_BODY_BYTES: usize = 16 << 10;

/// Who keeps keys.
#[derive(Clone)]
pub struct VaultControl {
    /// The wrapped data keys.
    pub data_keys: Arc<dyn DataKeys>,
    /// The files of master keys.
    pub master_keys: Arc<dyn MasterKeys>,
}

/// What to change.
#[derive(Deserialize)]
#[serde(tag = "key", rename_all = "lowercase", rename_all_fields = "camelCase", deny_unknown_fields)]
enum Rotation {
    /// `{"key": "master", "newKeyFile": "/…"}`
    Master { new_key_file: PathBuf },
    /// `{"key": "data"}`: of the workspace.
    Data {},
}

pub(crate) async fn show(
    Extension(control): Extension<Control>,
    _: Caller,
    workspace: Workspace,
) -> Result<Json<Value>, Problem> {
    let vault = &control.vault.data_keys;
    let master = vault.master_key().await?;
    let keys = vault.data_keys(workspace.id).await?;
    let mut shown = json!({
        "masterKey": shown_master(&master),
        "workspace": workspace.name,
        "dataKeys": keys.iter().map(shown_key).collect::<Vec<_>>(),
    });
    if let Some(warning) = next_start(&control.vault, &master).await? {
        shown["warning"] = warning.into();
    }
    Ok(Json(shown))
}

pub(crate) async fn rotate(
    State(app): State<App>,
    Extension(control): Extension<Control>,
    caller: Caller,
    workspace: Workspace,
    request: Request,
) -> Result<Json<Value>, Problem> {
    let (head, body) = request.into_parts();
    let text = json_body(&head.headers, body, MAX_BODY_BYTES, app.limits()).await?;
    let rotation: Rotation = serde_json::from_slice(text.bytes()).map_err(|error| {
        let hint = "send {\"key\": \"master\", \"newKeyFile\": \"/path\"} or {\"key\": \"data\"}";
        bad(error.to_string()).with_hint(hint)
    })?;
    let by = By { actor: caller.actor.to_string(), at: app.capture().ports().clock.now() };
    match rotation {
        Rotation::Master { new_key_file } => rotate_master(&control.vault, new_key_file, by).await,
        Rotation::Data {} => {
            let number = control.vault.data_keys.add_data_key(workspace.id, by).await?;
            Ok(Json(json!({ "key": "data", "workspace": workspace.name, "dataKey": number })))
        }
    }
}

async fn rotate_master(vault: &VaultControl, file: PathBuf, by: By) -> Result<Json<Value>, Problem> {
    let previous = vault.data_keys.master_key().await?;
    let (files, path) = (Arc::clone(&vault.master_keys), file.clone());
    let found = tokio::task::spawn_blocking(move || files.find_or_make(&path)).await;
    let found = found.map_err(|error| Problem::internal("master key", &error))?;
    let new = found.map_err(|refused| {
        Problem::new(&codes::MASTER_KEY_REFUSED, refused.reason).with_hint(refused.hint)
    })?;
    let shown = file.display().to_string();
    let count = vault.data_keys.change_master_key(new.vault, Some(shown), by).await?;
    let master = vault.data_keys.master_key().await?;
    Ok(Json(json!({
        "key": "master",
        "masterKey": shown_master(&master),
        "previous": previous.id,
        "made": new.is_new,
        "dataKeys": count,
        "nextStart": vault.master_keys.next_start(&file),
    })))
}

/// A finding for `doctor`: which keys are in use, and what is left under old ones.
pub(crate) async fn doctor(vault: &VaultControl, workspace: &Workspace) -> Result<Value, Problem> {
    let master = vault.data_keys.master_key().await?;
    let keys = vault.data_keys.data_keys(workspace.id).await?;
    let newest = keys.last().map_or(0, |key| key.number);
    let needed = keys.iter().filter(|key| key.role == KeyRole::Payloads);
    let payloads: Vec<String> = needed.map(|key| key.number.to_string()).collect();
    let left: u64 = keys.iter().filter(|key| key.number != newest).map(|key| key.variables).sum();
    let older = match payloads.as_slice() {
        [] => String::new(),
        keys => format!(", {} still needed for older payloads", keys.join(", ")),
    };
    let detail = format!("master key {}; data key {newest} seals new values{older}", master.id);
    if let Some(warning) = next_start(vault, &master).await? {
        return Ok(crate::doctor::check("keys", false, detail, &warning));
    }
    let hint = "a value that cannot be read was left behind: the server's log names it; set it again";
    Ok(crate::doctor::check("keys", left == 0, detail, hint))
}

/// What is wrong if the server could not start again as it was started.
async fn next_start(vault: &VaultControl, master: &MasterKey) -> Result<Option<String>, Problem> {
    let files = Arc::clone(&vault.master_keys);
    let found = tokio::task::spawn_blocking(move || files.id_at_next_start()).await;
    let found = match found.map_err(|error| Problem::internal("master key", &error))? {
        Ok(id) if id == master.id => return Ok(None),
        Ok(id) => format!("the next start would find master key {id}, the data needs {}", master.id),
        Err(reason) => format!("the next start would find no master key: {reason}"),
    };
    let way = master.file.as_ref().map(|file| vault.master_keys.next_start(Path::new(file)));
    Ok(Some(way.map_or(found.clone(), |way| format!("{found}; {way}"))))
}

fn shown_master(master: &MasterKey) -> Value {
    json!({ "id": master.id, "since": moment(master.since), "file": master.file })
}

fn shown_key(key: &DataKeyInfo) -> Value {
    let role = match key.role {
        KeyRole::Newest => "newest",
        KeyRole::Payloads => "payloads",
        KeyRole::Idle => "idle",
    };
    json!({ "number": key.number, "madeAt": moment(key.made_at), "role": role, "variables": key.variables })
}

fn moment(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| rfc3339(at).into())
}
