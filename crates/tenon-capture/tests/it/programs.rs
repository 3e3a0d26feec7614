//! Programs are loaded by tasks and compiled by captures at once: neither may wait for the other's thread.

use std::future::Future as _;
use std::pin::pin;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use serde_json::json;
use tenon_capture::Programs;
use tenon_store::Kind;

use crate::fixture::{Fixture, orders};

/// Longer than anything here takes; reached only when threads wait for one another.
const PATIENCE: Duration = Duration::from_secs(30);
const CAPTURES: usize = 20;
/// How often a load may be over before it can be left in the middle.
const TRIES: usize = 100;

/// A load that has begun and is not gone on with, as when its task waits for one of the two threads; captures
/// that need the same revision on both of them.
async fn capture_while_a_program_loads() {
    let fixture = Fixture::new().await;
    fixture.deploy("w", json!({}), orders()).await;
    let resource = fixture.store.resource(fixture.workspace, Kind::Workflow, "acme/w").await;
    let revision = resource.expect("readable").expect("deployed").revision.id;
    let programs = &fixture.service.ports().programs;
    let mut load = pin!(programs.get(fixture.workspace, revision));
    let begun = load.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    let mut captures = tokio::task::JoinSet::new();
    for n in 0..CAPTURES {
        let (service, order) = (fixture.service.clone(), fixture.order(json!({ "n": n })));
        captures.spawn(async move { service.event(order).await.expect("captured").jobs.len() });
    }
    while let Some(jobs) = captures.join_next().await {
        assert_eq!(jobs.expect("no capture panics"), 1);
    }
    let loaded = match begun {
        Poll::Ready(loaded) => loaded,
        Poll::Pending => load.await,
    };
    assert_eq!(loaded.expect("loaded").revision, revision);
}

/// On threads of its own: a runtime whose threads are all stuck does not even see that time runs out.
#[test]
fn captures_do_not_wait_for_a_load_that_needs_their_thread() {
    let (done, is_done) = mpsc::channel();
    std::thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).enable_all().build().expect("a runtime");
        runtime.block_on(capture_while_a_program_loads());
        done.send(()).expect("the test waits");
    });
    is_done.recv_timeout(PATIENCE).expect("captures and a load of one program do not stop one another");
}

#[tokio::test]
async fn a_program_that_is_being_loaded_is_compiled_by_who_has_its_document() {
    let fixture = Fixture::new().await;
    fixture.deploy("w", json!({}), orders()).await;
    let resource = fixture.store.resource(fixture.workspace, Kind::Workflow, "acme/w").await;
    let resource = resource.expect("readable").expect("deployed");
    for _ in 0..TRIES {
        let programs = Programs::new(fixture.store.clone(), 10);
        let mut load = pin!(programs.get(fixture.workspace, resource.revision.id));
        if load.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            continue;
        }
        let (compiled, is_compiled) = mpsc::channel();
        let (other, document) = (programs.clone(), resource.clone());
        std::thread::spawn(move || compiled.send(other.get_or_compile(&document).map(drop)));
        is_compiled.recv_timeout(PATIENCE).expect("it waits for nobody").expect("it compiles");
        load.await.expect("loaded");
        return;
    }
    panic!("a load never had to wait for the store");
}

#[tokio::test]
async fn a_revision_of_another_workspace_is_unknown_also_when_it_is_kept() {
    let fixture = Fixture::new().await;
    fixture.deploy("w", json!({}), orders()).await;
    let resource = fixture.store.resource(fixture.workspace, Kind::Workflow, "acme/w").await;
    let revision = resource.expect("readable").expect("deployed").revision.id;
    let other = fixture.store.create_workspace("other").await.expect("a workspace");
    let programs = &fixture.service.ports().programs;
    for _ in 0..2 {
        assert!(programs.get(other, revision).await.is_err());
        programs.get(fixture.workspace, revision).await.expect("its own");
    }
}
