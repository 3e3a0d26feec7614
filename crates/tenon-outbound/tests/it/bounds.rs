//! Callees that hang, break off, lie or never stop.

use std::net::SocketAddr;
use std::time::Duration;

use tenon_outbound::{Failure, FailureKind, HttpClient, Options, Request, TimeoutPhase};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::callee::{Callee, answer, client, options, raw, read_head, soon};

const LIMIT: usize = 256 * 1024;

fn get(address: SocketAddr) -> Request {
    Request::new("GET", format!("http://{address}/"))
}

fn bounded() -> HttpClient {
    HttpClient::new(Options { max_response_bytes: LIMIT, ..options() }).unwrap()
}

/// Reads until the client has closed or reset.
async fn until_closed(stream: &mut TcpStream) {
    while !matches!(stream.read(&mut [0; 1024]).await, Ok(0) | Err(_)) {}
}

#[track_caller]
fn check_communication(failure: &Failure, expected: &str) {
    assert_eq!((failure.kind(), failure.status()), (FailureKind::Communication, 502), "{failure:?}");
    let message = failure.to_string();
    assert!(message.contains(expected), "`{message}` should contain `{expected}`");
}

/// A callee that says `start` and nothing more; the call must end by its timeout and take the connection along.
async fn check_hang(start: &'static [u8]) {
    let (closed, mut is_closed) = mpsc::unbounded_channel();
    let address = raw(move |mut stream| {
        let closed = closed.clone();
        async move {
            assert!(read_head(&mut stream).await);
            stream.write_all(start).await.unwrap();
            until_closed(&mut stream).await;
            closed.send(()).unwrap();
        }
    })
    .await;
    let after = Duration::from_millis(100);
    let mut request = get(address);
    request.timeout = Some(after);
    let failure = soon(client().send(request)).await.unwrap_err();
    assert_eq!(failure, Failure::Timeout { phase: TimeoutPhase::Total, after });
    assert_eq!((failure.kind(), failure.status()), (FailureKind::Timeout, 408));
    soon(is_closed.recv()).await.unwrap();
}

#[tokio::test]
async fn hanging_before_the_head_is_a_timeout() {
    check_hang(b"").await;
}

#[tokio::test]
async fn hanging_within_the_head_is_a_timeout() {
    check_hang(b"HTTP/1.1 200 OK\r\nx-").await;
}

#[tokio::test]
async fn hanging_within_the_body_is_a_timeout() {
    check_hang(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello").await;
}

#[tokio::test]
async fn the_clients_own_total_timeout_counts_without_another() {
    let address = raw(|mut stream| async move { until_closed(&mut stream).await }).await;
    let after = Duration::from_millis(50);
    let client = HttpClient::new(Options { total_timeout: after, ..options() }).unwrap();
    let failure = soon(client.send(get(address))).await.unwrap_err();
    assert_eq!(failure, Failure::Timeout { phase: TimeoutPhase::Total, after });
}

#[tokio::test]
async fn hanging_while_connecting_is_a_communication_error_with_504() {
    // Accepts TCP and never answers the TLS handshake.
    let address = raw(|mut stream| async move { until_closed(&mut stream).await }).await;
    let after = Duration::from_millis(100);
    let client = HttpClient::new(Options { connect_timeout: after, ..options() }).unwrap();
    let failure = soon(client.send(Request::new("GET", format!("https://{address}/")))).await.unwrap_err();
    assert_eq!(failure, Failure::Timeout { phase: TimeoutPhase::Connect, after });
    assert_eq!((failure.kind(), failure.status()), (FailureKind::Communication, 504));
}

#[tokio::test]
async fn nobody_listening_is_a_communication_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let failure = client().send(get(address)).await.unwrap_err();
    check_communication(&failure, &format!("cannot connect to `{address}`"));
}

#[tokio::test]
async fn a_reset_before_the_response_is_a_communication_error() {
    let address = raw(|mut stream| async move {
        assert!(read_head(&mut stream).await);
        stream.set_zero_linger().unwrap();
    })
    .await;
    let failure = soon(client().send(get(address))).await.unwrap_err();
    check_communication(&failure, &format!("no response from `{address}`"));
}

#[tokio::test]
async fn a_reset_or_an_end_within_the_body_is_a_communication_error() {
    for head in ["content-length: 10\r\n\r\nhello", "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"] {
        for is_reset in [true, false] {
            let address = raw(move |mut stream| async move {
                assert!(read_head(&mut stream).await);
                stream.write_all(b"HTTP/1.1 200 OK\r\n").await.unwrap();
                stream.write_all(head.as_bytes()).await.unwrap();
                if is_reset {
                    stream.set_zero_linger().unwrap();
                }
            })
            .await;
            let failure = soon(client().send(get(address))).await.unwrap_err();
            // A reset may overtake what was sent before it.
            check_communication(&failure, if is_reset { "respons" } else { "broke off" });
        }
    }
}

#[tokio::test]
async fn what_is_not_http_is_a_communication_error() {
    let address = raw(|mut stream| async move {
        assert!(read_head(&mut stream).await);
        stream.write_all(b"220 mail.example ESMTP\r\n\r\n").await.unwrap();
    })
    .await;
    check_communication(&soon(client().send(get(address))).await.unwrap_err(), "no response from");
}

/// Sends `chunk` after `start` until the client closes; how many bytes it took is sent by the channel.
async fn endless(start: &'static [u8], chunk: Vec<u8>) -> (SocketAddr, mpsc::UnboundedReceiver<usize>) {
    let (taken, is_taken) = mpsc::unbounded_channel();
    let address = raw(move |mut stream| {
        let (taken, chunk) = (taken.clone(), chunk.clone());
        async move {
            assert!(read_head(&mut stream).await);
            let mut count = start.len();
            stream.write_all(start).await.unwrap();
            while stream.write_all(&chunk).await.is_ok() {
                count += chunk.len();
            }
            taken.send(count).unwrap();
        }
    })
    .await;
    (address, is_taken)
}

#[tokio::test]
async fn an_endless_body_is_cut_at_the_limit() {
    let mut chunk = b"4000\r\n".to_vec();
    chunk.extend(vec![b'x'; 0x4000]);
    chunk.extend(b"\r\n");
    let start = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let (address, mut taken) = endless(start, chunk).await;
    let failure = soon(bounded().send(get(address))).await.unwrap_err();
    assert_eq!(failure, Failure::TooLarge { limit: LIMIT });
    check_communication(&failure, "larger than");
    // The rest is what socket buffers hold.
    let taken = soon(taken.recv()).await.unwrap();
    assert!(taken < 64 * 1024 * 1024, "{taken} bytes were taken");
}

#[tokio::test]
async fn an_endless_head_is_cut() {
    let (address, mut taken) = endless(b"HTTP/1.1 200 OK\r\nx-long: ", vec![b'x'; 4096]).await;
    check_communication(&soon(bounded().send(get(address))).await.unwrap_err(), "no response from");
    let taken = soon(taken.recv()).await.unwrap();
    assert!(taken < 64 * 1024 * 1024, "{taken} bytes were taken");
}

#[tokio::test]
async fn an_announced_gigabyte_is_refused_at_once() {
    let (closed, mut is_closed) = mpsc::unbounded_channel();
    let address = raw(move |mut stream| {
        let closed = closed.clone();
        async move {
            assert!(read_head(&mut stream).await);
            // Announces and sends nothing: only a client that believes the header can end before its timeout.
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n").await.unwrap();
            until_closed(&mut stream).await;
            closed.send(()).unwrap();
        }
    })
    .await;
    let failure = soon(bounded().send(get(address))).await.unwrap_err();
    assert_eq!(failure, Failure::TooLarge { limit: LIMIT });
    soon(is_closed.recv()).await.unwrap();
}

#[tokio::test]
async fn more_than_announced_is_not_read() {
    let (address, _taken) =
        endless(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", vec![b'x'; 4096]).await;
    let response = soon(bounded().send(get(address))).await.unwrap();
    assert_eq!(response.body, "hello");
}

#[tokio::test]
async fn the_limit_itself_is_allowed() {
    let callee = Callee::start(|seen| answer(200, vec![b'x'; seen.target[1..].parse().unwrap()])).await;
    let client = bounded();
    let at = client.send(Request::new("GET", callee.url(&format!("/{LIMIT}")))).await.unwrap();
    assert_eq!(at.body.len(), LIMIT);
    let above = client.send(Request::new("GET", callee.url(&format!("/{}", LIMIT + 1)))).await.unwrap_err();
    assert_eq!(above, Failure::TooLarge { limit: LIMIT });
}

#[tokio::test]
async fn a_body_of_many_frames_is_whole() {
    let address = raw(|mut stream| async move {
        assert!(read_head(&mut stream).await);
        stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
        for number in 1000..2000 {
            stream.write_all(format!("4\r\n{number}\r\n").as_bytes()).await.unwrap();
        }
        stream.write_all(b"0\r\n\r\n").await.unwrap();
    })
    .await;
    let response = client().send(get(address)).await.unwrap();
    let expected: String = (1000..2000).map(|number| number.to_string()).collect();
    assert_eq!(response.body, expected);
}
