//! Port: calls outside any job, for pollers. Nothing of them is recorded; what comes of them is, with the cursor.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use tenon_store::WorkspaceId;
use tenon_workflow::Program;

/// Makes calls.
#[async_trait]
pub trait Calls: Send + Sync + 'static {
    /// Runs a program of calls and pure tasks in memory, with everything that calls of a workflow have: secrets,
    /// variables, authentication, retries, address rules, timeouts. Gives its output. Dropping the future ends it.
    async fn call(
        &self,
        workspace: WorkspaceId,
        program: Arc<Program>,
        input: Value,
    ) -> Result<Value, CallError>;
}

/// Why a call has no output: the error object (`type`, `status`, `title`, `detail`, `instance`), free of secrets.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct CallError(pub Value);
