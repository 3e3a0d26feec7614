//! Hints of events: for those who wait for their type, and nobody else.

use futures_util::FutureExt as _;
use serde_json::json;
use tenon_capture::Incoming;

use crate::fixture::Fixture;

/// An event of a type that nobody subscribes to.
fn of_type(fixture: &Fixture, r#type: &str) -> Incoming {
    let mut incoming = fixture.order(json!({}));
    r#type.clone_into(&mut incoming.envelope.r#type);
    incoming
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_type_is_told_once_it_is_durable() {
    let fixture = Fixture::new().await;
    let arrivals = fixture.service.arrivals();
    let wait = |types: &[&str]| {
        arrivals.wait_for(fixture.workspace, types.iter().map(|name| (*name).to_owned()).collect())
    };
    let (both, any, other) = (wait(&["order", "tick"]), wait(&["*"]), wait(&["other"]));
    fixture.service.event(of_type(&fixture, "tick")).await.expect("captured");
    assert_eq!(both.came().now_or_never(), Some(()));
    assert_eq!(any.came().now_or_never(), Some(()));
    assert_eq!(other.came().now_or_never(), None);
    assert_eq!(both.came().now_or_never(), None, "each hint is for what came since the last");
    drop(any);
    fixture.service.event(of_type(&fixture, "order")).await.expect("captured");
    assert_eq!(both.came().now_or_never(), Some(()));
}
