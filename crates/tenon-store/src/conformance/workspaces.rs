//! What workspaces say for themselves.

use std::sync::Arc;
use std::time::Duration;

use super::Harness;
use super::fixture::{Fixture, moment};
use crate::{AuditRecord, Error, PutWorkspaceSettings, Store, WorkspaceId, WorkspaceSettings};

const SET: WorkspaceSettings = WorkspaceSettings {
    keep_jobs: Some(Duration::from_micros(604_800_000_001)),
    keep_payloads: Some(Duration::ZERO),
    concurrency: Some(100),
};

async fn put(
    store: &Arc<dyn Store>,
    workspace: WorkspaceId,
    [expected, settings]: [WorkspaceSettings; 2],
) -> Result<(), Error> {
    let audit = AuditRecord {
        workspace,
        actor: "owner".to_owned(),
        action: "workspace.set".to_owned(),
        subject: "default".to_owned(),
        at: moment(1),
    };
    store.put_workspace_settings(PutWorkspaceSettings { settings, expected, audit }).await
}

/// Those of one workspace, at once and after a restart; written only over what was expected, with an audit record.
pub async fn settings_are_kept(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let other = Fixture::in_workspace(fixture.store.clone(), "other").await.workspace;
    let Fixture { store, workspace, .. } = fixture;
    let none = WorkspaceSettings::default();
    let held = |store: &Arc<dyn Store>, of| store.workspace_settings(of).expect("it is there");
    assert_eq!(held(&store, workspace), none);
    put(&store, workspace, [none, SET]).await.expect("nothing was said before");
    assert_eq!((held(&store, workspace), held(&store, other)), (SET, none));
    let late = put(&store, workspace, [none, none]).await;
    assert!(matches!(late, Err(Error::Conflict(_))), "{late:?}");
    let nowhere = WorkspaceId(other.0 + 1);
    let lost = put(&store, nowhere, [none, SET]).await;
    assert!(matches!(lost, Err(Error::NotFound(_))), "{lost:?}");
    assert!(store.workspace_settings(nowhere).is_err());
    let records = store.audit_records(workspace, None, 10).await.expect("reads work").items;
    let set = records.iter().filter(|record| record.action == "workspace.set").count();
    assert_eq!(set, 1, "what was refused is not written down: {records:?}");
    store.close().await;

    let store = harness.open().await;
    assert_eq!((held(&store, workspace), held(&store, other)), (SET, none));
    let less = WorkspaceSettings { concurrency: None, ..SET };
    put(&store, workspace, [SET, less]).await.expect("it is as expected");
    assert_eq!(held(&store, workspace), less);
}
