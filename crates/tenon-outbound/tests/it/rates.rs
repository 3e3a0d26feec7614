//! How fast hosts are called: calls wait for their turn and do not fail.

use std::time::Duration;

use futures_util::future::join_all;
use tenon_outbound::{Failure, HostRate, HttpClient, Options, Request, TimeoutPhase};
use tokio::time::Instant;

use crate::callee::{Callee, answer, options};

fn limited(rates: &[&str]) -> HttpClient {
    let rates = rates.iter().map(|rate| rate.parse().unwrap()).collect();
    HttpClient::new(Options { rates, ..options() }).unwrap()
}

#[tokio::test]
async fn calls_of_a_host_wait_for_their_turn() {
    let callee = Callee::start(|_| answer(200, "")).await;
    let client = limited(&["127.0.0.1=20/s"]);
    let begun = Instant::now();
    let calls = (0..8).map(|_| client.send(Request::new("GET", callee.url("/"))));
    for answered in join_all(calls).await {
        assert_eq!(answered.unwrap().status, 200);
    }
    // Two at once, then one every 50 ms.
    assert!(begun.elapsed() >= Duration::from_millis(300), "{:?}", begun.elapsed());
    let [used] = client.rates().try_into().unwrap();
    assert_eq!((used.waiting, used.sent), (0, 8));
    assert!(used.delayed >= 5 && used.waited >= Duration::from_millis(500), "{used:?}");
}

#[tokio::test]
async fn a_wait_ends_with_the_call_and_takes_no_turn() {
    let callee = Callee::start(|_| answer(200, "")).await;
    let client = limited(&["127.0.0.1=1/h", "localhost=1000/s"]);
    client.send(Request::new("GET", callee.url("/"))).await.unwrap();
    let mut late = Request::new("GET", callee.url("/"));
    late.timeout = Some(Duration::from_millis(30));
    let failure = client.send(late).await.unwrap_err();
    assert!(matches!(failure, Failure::Timeout { phase: TimeoutPhase::Total, .. }), "{failure:?}");
    let used = client.rates();
    let of = |host: &str| used.iter().find(|used| used.rate.host == host).unwrap();
    assert_eq!((of("127.0.0.1").waiting, of("127.0.0.1").sent), (0, 1));
    assert_eq!(of("localhost").sent, 0, "another host has its own");
}

#[test]
fn rates_are_written_plainly() {
    for text in ["api.example.com=10/s", "*.example.com=100/m", "[::1]=5/h"] {
        assert_eq!(text.parse::<HostRate>().unwrap().to_string(), text);
    }
    assert_eq!(" API.example.com = 7 / s ".parse::<HostRate>().unwrap().to_string(), "api.example.com=7/s");
    for text in
        ["", "a", "a=1", "a=0/s", "a=-1/s", "a=1/d", "=1/s", "a.*=1/s", "a:80=1/s", "http://a=1/s", "*.=1/s"]
    {
        let error = text.parse::<HostRate>().unwrap_err().to_string();
        assert!(error.starts_with(&format!("`{text}` is no rate of a host")), "{error}");
    }
}
