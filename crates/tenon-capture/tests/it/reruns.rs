//! A job once more.

use std::time::Duration;

use serde_json::{Value, json};
use tenon_capture::{BULK_RERUN_FOR, Error, RERUN_TYPE, Rerun};
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
async fn one_request_for_many_runs_a_job_again_once_as_long_as_it_can_be_gone_on_with() {
    let fixture = Fixture::new().await;
    fixture.deploy("one", json!({}), orders()).await;
    let first = fixture.service.event(fixture.order(json!(1))).await.expect("captured");
    let job = fixture.store.job(fixture.workspace, first.jobs[0]).await.expect("readable").expect("kept");
    let jobs_after = async |bulk: &str| {
        let rerun = Rerun { bulk: Some(bulk.into()), ..Rerun::of(job.clone()) };
        fixture.service.rerun(rerun).await.expect("started or known");
        fixture.jobs().await.len()
    };
    assert_eq!(jobs_after("7:same:").await, 2);
    fixture.clock.advance(Duration::from_hours(25));
    assert_eq!(jobs_after("7:same:").await, 2, "asked for again a day later");
    assert_eq!(jobs_after("7:same:failed").await, 3, "something else is asked for");
    assert_eq!(jobs_after("8:same:").await, 4, "somebody else asks");
    fixture.clock.advance(BULK_RERUN_FOR.checked_sub(Duration::from_hours(25)).expect("it is longer"));
    assert_eq!(jobs_after("7:same:").await, 4, "asked for as late as it can be");
    let long = format!("7:same:{}", "/do/0/step".repeat(200));
    assert_eq!((jobs_after(&long).await, jobs_after(&long).await), (5, 5), "however long a step's name is");
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
