//! A workspace that is behind takes nothing new from outside, says when to come again, and others are not slowed.

use std::collections::HashMap;
use std::time::Duration;

use tenon_capture::{BacklogBound, Refused};
use tenon_store::WorkspaceId;

use crate::fixture::{Fixture, bearer};

const OPEN: &str = "kind: webhook\npath: open\nauth: { kind: none }\n";

fn refused(workspace: WorkspaceId) -> HashMap<WorkspaceId, Refused> {
    let bound = BacklogBound::Jobs { used: 8, limit: 5 };
    HashMap::from([(workspace, Refused { bound, retry_after: Duration::from_secs(7) })])
}

#[tokio::test]
async fn all_ways_in_are_closed_while_the_backlog_is_too_large() {
    let fixture = Fixture::new().await;
    fixture.trigger("open", OPEN).await;
    let backlogs = &fixture.app.metrics().backlogs;
    backlogs.refuse(refused(fixture.workspace));
    for path in ["/hooks/default/open", "/events/default", "/run/default/a/b"] {
        let (authorization, key) = bearer();
        let headers = [(authorization, key.as_str()), ("content-type", "application/json")];
        let answer = fixture.send(&format!("POST {path}"), &headers, "{}").await;
        assert_eq!(answer.header("retry-after"), Some("7"), "{path}");
        let problem = answer.expect_problem(429, "TN0039");
        assert_eq!(
            problem["detail"], "8 jobs wait for their turn, more than 5 (`limits.backlog_jobs`)",
            "{path}"
        );
    }
    fixture.assert_nothing_captured().await;
    assert_eq!(backlogs.refusals.get(), 3);
    backlogs.refuse(refused(WorkspaceId(fixture.workspace.0 + 1)));
    fixture.post("/hooks/default/open", "{}").await.expect(202);
    backlogs.refuse(HashMap::new());
    fixture.post("/hooks/default/open", "{}").await.expect(202);
}
