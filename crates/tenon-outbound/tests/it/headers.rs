//! What a request carries and what a response gives back.

use bytes::Bytes;
use http_body_util::Full;
use tenon_outbound::{Error, Failure, FailureKind, HttpClient, Options, Request};

use crate::callee::{Callee, answer, client, options};

fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[tokio::test]
async fn carries_key_attempt_agent_and_body() {
    let callee = Callee::start(|_| answer(201, "made")).await;
    let mut request = Request::new("post", callee.url("/things?a=1"));
    request.headers =
        vec![header("content-type", "text/plain"), header("X-Twice", "1"), header("x-twice", "2")];
    request.query = vec![header("q", "a b&c=ü+"), header("empty", "")];
    request.body = Some(Bytes::from_static(b"hello"));
    request.idempotency_key = Some("job1.do/0/pay".to_owned());
    request.attempt = 3;
    let response = client().send(request).await.unwrap();
    assert_eq!((response.status, &response.body[..]), (201, &b"made"[..]));
    let target = "/things?a=1&q=a%20b%26c%3D%C3%BC%2B&empty=";
    assert_eq!(response.url, callee.url(target));

    let seen = callee.only();
    assert_eq!(seen.method, "POST");
    assert_eq!(seen.target, target);
    assert_eq!(seen.body, "hello");
    assert_eq!(seen.header("idempotency-key"), Some("job1.do/0/pay"));
    assert_eq!(seen.header("tenon-attempt"), Some("3"));
    assert_eq!(seen.header("content-length"), Some("5"));
    assert_eq!(seen.header("host"), Some(callee.address.to_string().as_str()));
    assert!(seen.header("user-agent").unwrap().starts_with("tenon/"));
    assert!(seen.header("accept-encoding").is_none());
    let twice: Vec<_> = seen.headers.get_all("x-twice").iter().collect();
    assert_eq!(twice, ["1", "2"]);
}

#[tokio::test]
async fn the_documents_idempotency_key_and_agent_win_but_not_its_attempt() {
    let callee = Callee::start(|_| answer(200, "")).await;
    let mut request = Request::new("PUT", callee.url("/"));
    request.headers = vec![
        header("IDEMPOTENCY-Key", "theirs"),
        header("user-agent", "theirs/1"),
        header("Tenon-Attempt", "99"),
    ];
    request.idempotency_key = Some("ours".to_owned());
    client().send(request).await.unwrap();

    let seen = callee.only();
    let all = |name: &str| {
        seen.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(all("idempotency-key"), ["theirs"]);
    assert_eq!(all("user-agent"), ["theirs/1"]);
    assert_eq!(all("tenon-attempt"), ["1"]);
    assert_eq!(all("content-length"), ["0"]);
}

#[tokio::test]
async fn gives_back_any_status_and_repeated_headers_in_order() {
    let callee = Callee::start(|_| {
        http::Response::builder()
            .status(404)
            .header("Set-Cookie", "b=1")
            .header("x-latin", http::HeaderValue::from_bytes(b"caf\xe9").unwrap())
            .header("Set-Cookie", "a=2")
            .body(Full::from("gone"))
            .unwrap()
    })
    .await;
    let response = client().send(Request::new("GET", callee.url("/#part"))).await.unwrap();
    assert_eq!((response.status, &response.body[..]), (404, &b"gone"[..]));
    assert_eq!(response.url, callee.url("/"));
    let all = |name: &str| {
        response
            .headers
            .iter()
            .filter(|(of, _)| of == name)
            .map(|(_, value)| value.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(all("set-cookie"), ["b=1", "a=2"]);
    assert_eq!(all("x-latin"), ["café"]);
    assert_eq!(all("content-length"), ["4"]);
}

#[tokio::test]
async fn an_answer_to_head_has_a_length_and_no_body() {
    let callee = Callee::start(|_| answer(200, vec![b'x'; 4096])).await;
    let client = HttpClient::new(Options { max_response_bytes: 16, ..options() }).unwrap();
    let response = client.send(Request::new("head", callee.url("/"))).await.unwrap();
    assert!(response.body.is_empty());
    assert!(response.headers.contains(&header("content-length", "4096")));
}

#[tokio::test]
async fn refuses_what_must_not_be_sent() {
    let callee = Callee::start(|_| answer(200, "")).await;
    let client = client();
    let url = callee.url("/");
    let of_url = |url: &str| Request::new("GET", url);
    let of_method = |method: &str| Request::new(method, url.as_str());
    let of_header = |name: &str, value: &str| {
        let mut request = Request::new("GET", url.as_str());
        request.headers = vec![header(name, value)];
        request
    };
    let mut key = Request::new("GET", url.as_str());
    key.idempotency_key = Some("a\r\nx: y".to_owned());

    let cases = [
        (of_header("x-a", "1\r\nx-b: 2"), "the header `x-a` contains"),
        (of_header("x-a", "1\n"), "the header `x-a` contains"),
        (of_header("x-a\r\nx-b", "1"), "is not a header name"),
        (of_header("", "1"), "is not a header name"),
        (of_header("Transfer-Encoding", "chunked"), "belongs to the connection"),
        (of_header("connection", "close"), "belongs to the connection"),
        (of_header("content-length", "7"), "differs from the body"),
        (key, "the idempotency key contains"),
        (of_method("GE T"), "is not an HTTP method"),
        (of_method("GET / HTTP/1.1\r\nx: y"), "is not an HTTP method"),
        (of_method(""), "is not an HTTP method"),
        (of_method("connect"), "CONNECT is not supported"),
        (of_url("/relative"), "not absolute"),
        (of_url("file:///etc/passwd"), "scheme is `file`"),
        (of_url("ftp://127.0.0.1/"), "scheme is `ftp`"),
        (of_url("http://user:secret@127.0.0.1/"), "user name or password"),
        (of_url("http://127.0.0.1/a\r\nx: y"), "control character"),
        (of_url("http:///"), "malformed"),
        (of_url("http://127.0.0.1:99999/"), "malformed"),
    ];
    for (request, expected) in cases {
        let Err(failure) = client.send(request).await else {
            panic!("sent although `{expected}`");
        };
        assert!(matches!(failure, Failure::InvalidRequest(_)), "{failure:?}");
        assert_eq!((failure.kind(), failure.status()), (FailureKind::Configuration, 400));
        let message = failure.to_string();
        assert!(message.contains(expected), "`{message}` should contain `{expected}`");
        assert!(!message.contains("secret"), "{message}");
    }
    assert_eq!(callee.connections(), 0);
}

#[test]
fn options_that_cannot_work_are_refused() {
    let agent = HttpClient::new(Options { user_agent: "a\nb".to_owned(), ..options() });
    assert!(matches!(agent, Err(Error::UserAgent)));
    let roots = HttpClient::new(Options { extra_roots_pem: vec![b"no pem".to_vec()], ..options() });
    assert!(matches!(roots, Err(Error::ExtraRoot { number: 1, .. })));
}
