//! A job once more.

use serde_json::{Value, json};
use tenon_capture::{Error, RERUN_TYPE, Rerun};
use tenon_store::{Origin, RevisionId};

use crate::fixture::{Fixture, orders};

#[tokio::test]
async fn a_rerun_has_the_same_event_and_perhaps_another_input() {
    let fixture = Fixture::new().await;
    fixture.deploy("one", json!({"orderingKey": "${ .data.k }", "dedupKey": "${ .data.k }"}), orders()).await;
    let first = fixture.service.event(fixture.order(json!({"k": "a"}))).await.expect("captured");
    let job = fixture.store.job(fixture.workspace, first.jobs[0]).await.expect("readable").expect("kept");
    let rerun = |input: Option<Value>| Rerun {
        job: job.clone(),
        revision: job.revision,
        input: input.map(|input| input.to_string().into()),
        beginning: None,
        bulk: None,
    };
    let same = fixture.service.rerun(rerun(None)).await.expect("started");
    let edited = fixture.service.rerun(rerun(Some(json!([{"k": "b"}])))).await.expect("started");
    let read = async |id| fixture.store.job(fixture.workspace, id).await.expect("readable").expect("kept");
    let (same, edited) = (read(same.jobs[0]).await, read(edited.jobs[0]).await);
    assert_eq!((same.rerun_of, edited.rerun_of), (Some(job.id), Some(job.id)));
    assert_eq!(
        (same.lane.as_deref(), edited.lane.as_deref()),
        (Some("a"), Some("a")),
        "in line like the first"
    );
    assert_eq!((same.input, edited.input.as_deref()), (None, Some(&b"[{\"k\":\"b\"}]"[..])));
    assert_eq!(same.origin, Origin::Event);
    let copy = fixture.store.event(fixture.workspace, same.event).await.expect("readable").expect("kept");
    let original = fixture.store.event(fixture.workspace, job.event).await.expect("readable").expect("kept");
    assert_eq!((copy.r#type.as_str(), copy.envelope), (RERUN_TYPE, original.envelope));
    // An edited input stays when the edited job is run again.
    let third = Rerun { revision: edited.revision, job: edited, input: None, beginning: None, bulk: None };
    let third = fixture.service.rerun(third).await.expect("started");
    assert!(read(third.jobs[0]).await.input.is_some());
}

#[tokio::test]
async fn a_rerun_of_another_workflows_revision_is_refused() {
    let fixture = Fixture::new().await;
    fixture.deploy("one", json!({}), orders()).await;
    let first = fixture.service.event(fixture.order(json!(1))).await.expect("captured");
    let job = fixture.store.job(fixture.workspace, first.jobs[0]).await.expect("readable").expect("kept");
    fixture.deploy("two", json!({}), json!({"type": "other"})).await;
    let two = fixture.store.resource(fixture.workspace, tenon_store::Kind::Workflow, "acme/two").await;
    let other = two.expect("readable").expect("deployed").revision.id;
    for revision in [other, RevisionId(9999)] {
        let rerun = Rerun { job: job.clone(), revision, input: None, beginning: None, bulk: None };
        let error = fixture.service.rerun(rerun).await.expect_err("refused");
        assert!(matches!(error, Error::UnknownRevision), "{error}");
    }
    assert_eq!(fixture.jobs().await.len(), 1);
}
