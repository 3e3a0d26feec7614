//! Which workspace a request is about: by its path, or by a header on the management API.

use axum::extract::{FromRef, FromRequestParts};
use hyper::http::request::Parts;
use tenon_store::WorkspaceId;

use crate::codes;
use crate::{App, Problem};

/// The header that names the workspace on `/api/v1`.
pub const WORKSPACE_HEADER: &str = "tenon-workspace";
/// The workspace that the first start creates.
pub const DEFAULT_WORKSPACE: &str = "default";

/// The workspace of a request. As an extractor it reads [`WORKSPACE_HEADER`]; put it after
/// [`crate::Caller`], so that strangers learn nothing about which workspaces exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Its id.
    pub id: WorkspaceId,
    /// Its name.
    pub name: String,
}

// === impl Workspace ===

impl Workspace {
    /// The workspace of this name.
    pub async fn find(app: &App, name: &str) -> Result<Self, Problem> {
        let Some(id) = app.workspace(name).await? else {
            let shown: String = name.chars().take(100).collect();
            return Err(Problem::new(
                &codes::WORKSPACE_NOT_FOUND,
                format!("there is no workspace `{shown}`"),
            ));
        };
        Ok(Self { id, name: name.to_owned() })
    }
}

impl<S: Sync> FromRequestParts<S> for Workspace
where
    App: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let app = App::from_ref(state);
        let name = match parts.headers.get(WORKSPACE_HEADER) {
            None => DEFAULT_WORKSPACE,
            Some(value) => value.to_str().map_err(|_| {
                Problem::new(&codes::BAD_REQUEST, "the `Tenon-Workspace` header is not a name")
            })?,
        };
        Self::find(&app, name).await
    }
}
