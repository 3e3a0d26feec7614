//! Connections are reused, and nothing is sent twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tenon_outbound::{Failure, FailureKind, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::callee::{Callee, answer, client, raw, read_head, soon};

#[tokio::test]
async fn one_connection_serves_many_calls() {
    let callee = Callee::start(|seen| answer(200, seen.target.clone())).await;
    let client = client();
    for number in 0..50 {
        let response =
            client.clone().send(Request::new("GET", callee.url(&format!("/{number}")))).await.unwrap();
        assert_eq!(response.body, format!("/{number}"));
    }
    assert_eq!(callee.connections(), 1);
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_replaced() {
    let (closed, mut is_closed) = mpsc::unbounded_channel();
    let address = raw(move |mut stream| {
        let closed = closed.clone();
        async move {
            assert!(read_head(&mut stream).await);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
            stream.shutdown().await.unwrap();
            // Nothing more may come; the end says that the client has noticed.
            assert!(matches!(stream.read(&mut [0; 1]).await, Ok(0)));
            closed.send(()).unwrap();
        }
    })
    .await;
    let client = client();
    for _ in 0..3 {
        let response = client.send(Request::new("POST", format!("http://{address}/"))).await.unwrap();
        assert_eq!(response.body, "ok");
        soon(is_closed.recv()).await.unwrap();
    }
}

#[tokio::test]
async fn a_request_that_was_received_is_not_sent_again() {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    // Answers the first request of a connection, and takes the second one to its grave.
    let address = raw(move |mut stream| {
        let counted = Arc::clone(&counted);
        async move {
            if read_head(&mut stream).await {
                counted.fetch_add(1, Ordering::SeqCst);
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
            }
            if read_head(&mut stream).await {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
    .await;
    let client = client();
    let request = || Request::new("GET", format!("http://{address}/"));
    client.send(request()).await.unwrap();
    let failure = client.send(request()).await.unwrap_err();
    assert!(matches!(failure, Failure::Communication { status: 502, .. }), "{failure:?}");
    assert_eq!(failure.kind(), FailureKind::Communication);
    assert_eq!(requests.load(Ordering::SeqCst), 2);
}
