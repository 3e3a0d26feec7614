//! Which redirects are followed, how, and what is not taken along.

use bytes::Bytes;
use tenon_outbound::{AddressRules, Failure, FailureKind, HttpClient, Options, Redirects, Refusal, Request};

use crate::callee::{Callee, answer, client, options, redirect_to};

fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[tokio::test]
async fn methods_are_rewritten_as_by_fetch() {
    let callee = Callee::start(|seen| match seen.target[1..].parse() {
        Ok(status) => redirect_to(status, "end?x=1#part"),
        Err(_) => answer(200, "end"),
    })
    .await;
    let client = client();
    let cases = [
        (301, "POST", "GET"),
        (301, "PUT", "PUT"),
        (302, "POST", "GET"),
        (302, "DELETE", "DELETE"),
        (303, "POST", "GET"),
        (303, "PUT", "GET"),
        (303, "HEAD", "HEAD"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
        (308, "PATCH", "PATCH"),
    ];
    for (status, method, expected) in cases {
        let mut request = Request::new(method, callee.url(&format!("/{status}")));
        request.headers = vec![header("content-type", "text/plain"), header("authorization", "Bearer 1")];
        request.idempotency_key = Some("key".to_owned());
        request.body = Some(Bytes::from_static(b"body"));
        let response = client.send(request).await.unwrap();
        assert_eq!(response.url, callee.url("/end?x=1"));

        let seen = callee.seen().pop().unwrap();
        let what = format!("{status} {method}");
        assert_eq!((seen.method.as_str(), seen.target.as_str()), (expected, "/end?x=1"), "{what}");
        let kept = method == expected;
        assert_eq!(seen.body, if kept { "body" } else { "" }, "{what}");
        assert_eq!(seen.header("content-type").is_some(), kept, "{what}");
        assert_eq!(seen.header("content-length"), kept.then_some("4"), "{what}");
        // The origin is the same.
        assert_eq!(seen.header("authorization"), Some("Bearer 1"), "{what}");
        assert_eq!(seen.header("idempotency-key"), Some("key"), "{what}");
    }
}

#[tokio::test]
async fn a_loop_ends_at_the_limit() {
    let callee = Callee::start(|_| redirect_to(302, "/")).await;
    let failure = client().send(Request::new("GET", callee.url("/"))).await.unwrap_err();
    assert_eq!(failure, Failure::TooManyRedirects { limit: 5, host: callee.address.to_string() });
    assert_eq!((failure.kind(), failure.status()), (FailureKind::Communication, 502));
    assert_eq!(callee.seen().len(), 6);
    assert_eq!(callee.connections(), 1);
}

#[tokio::test]
async fn as_many_as_allowed_are_followed() {
    let callee = Callee::start(|seen| match seen.target[1..].parse::<u32>().unwrap() {
        5 => answer(200, "end"),
        number => redirect_to(302, &format!("/{}", number + 1)),
    })
    .await;
    let response = client().send(Request::new("GET", callee.url("/0"))).await.unwrap();
    assert_eq!(response.body, "end");
}

#[tokio::test]
async fn return_gives_the_redirect_back() {
    let callee = Callee::start(|_| redirect_to(302, "/elsewhere")).await;
    let mut request = Request::new("GET", callee.url("/"));
    request.redirects = Redirects::Return;
    let response = client().send(request).await.unwrap();
    assert_eq!(response.status, 302);
    assert!(response.headers.contains(&header("location", "/elsewhere")));
    assert_eq!(callee.seen().len(), 1);
}

#[tokio::test]
async fn what_leads_nowhere_is_given_back() {
    let callee = Callee::start(|seen| match seen.target[1..].parse().unwrap() {
        302 => answer(302, "no location"),
        status => redirect_to(status, "/302"),
    })
    .await;
    for status in [300, 302, 304, 305] {
        let response = client().send(Request::new("GET", callee.url(&format!("/{status}")))).await.unwrap();
        assert_eq!(response.status, status);
    }
}

#[tokio::test]
async fn credentials_stay_with_their_origin() {
    let first = Callee::start_at("127.0.0.1:0", None, |seen| match seen.target.as_str() {
        "/start" => redirect_to(307, &seen.header("x-to").unwrap().replace("/end", "/back")),
        _ => answer(200, "end"),
    })
    .await;
    let back = first.url("/end");
    let second = Callee::start(move |_| redirect_to(307, &back)).await;

    let mut request = Request::new("POST", first.url("/start"));
    request.headers = vec![
        header("Authorization", "Bearer 1"),
        header("Proxy-Authorization", "Basic 2"),
        header("Cookie", "c=3"),
        header("X-Api-Key", "4"),
        header("X-Auth-Token", "5"),
        header("Host", "virtual.example"),
        header("X-To", &second.url("/end")),
        header("Accept", "text/plain"),
    ];
    request.idempotency_key = Some("key".to_owned());
    request.attempt = 2;
    request.body = Some(Bytes::from_static(b"body"));
    let response = client().send(request).await.unwrap();
    assert_eq!(response.body, "end");

    let [start, end] = first.seen().try_into().unwrap();
    let middle = second.only();
    assert_eq!(start.header("host"), Some("virtual.example"));
    let ours =
        ["authorization", "proxy-authorization", "cookie", "x-api-key", "x-auth-token", "idempotency-key"];
    for name in ours {
        assert!(start.header(name).is_some(), "{name} should have been sent at first");
        assert_eq!(middle.header(name), None, "{name} was sent to another origin");
        assert_eq!(end.header(name), None, "{name} was sent where another origin led to");
    }
    assert_eq!(middle.header("host"), Some(second.address.to_string().as_str()));
    assert_eq!(middle.header("accept"), Some("text/plain"));
    assert_eq!(middle.header("tenon-attempt"), Some("2"));
    assert_eq!((middle.method.as_str(), &middle.body[..]), ("POST", &b"body"[..]));
}

#[tokio::test]
async fn headers_that_hold_secrets_stay_with_their_origin() {
    let second = Callee::start(|_| answer(200, "end")).await;
    let to = second.url("/");
    let first = Callee::start(move |seen| match seen.target.as_str() {
        "/here" => redirect_to(307, "/start"),
        _ => redirect_to(307, &to),
    })
    .await;
    let mut request = Request::new("GET", first.url("/here"));
    request.headers = vec![header("X-Custom", "1"), header("X-Other", "2")];
    request.secret_headers = vec!["X-Custom".to_owned()];
    client().send(request).await.unwrap();
    for seen in first.seen() {
        assert_eq!((seen.header("x-custom"), seen.header("x-other")), (Some("1"), Some("2")));
    }
    let elsewhere = second.only();
    assert_eq!((elsewhere.header("x-custom"), elsewhere.header("x-other")), (None, Some("2")));
}

#[tokio::test]
async fn a_body_that_holds_secrets_stays_with_its_origin() {
    let second = Callee::start(|seen| answer(200, seen.body.clone())).await;
    for (status, has_secret, is_sent) in
        [(307, true, false), (308, true, false), (302, true, true), (307, false, true)]
    {
        let to = second.url("/");
        let first = Callee::start(move |_| redirect_to(status, &to)).await;
        let mut request = Request::new("POST", first.url("/"));
        request.body = Some(Bytes::from_static(b"s3cret"));
        request.has_secret_body = has_secret;
        let answered = client().send(request).await;
        assert_eq!(answered.is_ok(), is_sent, "{status} {has_secret}: {answered:?}");
        match answered {
            // A GET: without the body.
            Ok(response) => assert_eq!(response.body.is_empty(), has_secret, "{status}"),
            Err(failure) => {
                assert_eq!((failure.kind(), failure.status()), (FailureKind::Communication, 502));
                assert!(failure.to_string().ends_with("must not get the secrets in the body"), "{failure}");
            }
        }
    }
}

#[tokio::test]
async fn a_documents_own_idempotency_key_stays_with_its_origin() {
    let second = Callee::start(|_| answer(200, "end")).await;
    let to = second.url("/");
    let first = Callee::start(move |_| redirect_to(308, &to)).await;
    let mut request = Request::new("POST", first.url("/"));
    request.headers = vec![header("Idempotency-Key", "theirs")];
    request.idempotency_key = Some("ours".to_owned());
    client().send(request).await.unwrap();
    assert_eq!(first.only().header("idempotency-key"), Some("theirs"));
    assert_eq!(second.only().header("idempotency-key"), None);
}

#[tokio::test]
async fn redirects_to_where_no_call_may_go_are_refused() {
    let only = "127.0.0.1/32".parse().unwrap();
    let addresses = AddressRules { allow: vec![only], ..AddressRules::default() };
    let client = HttpClient::new(Options { addresses, ..options() }).unwrap();
    let cases = [
        ("http://169.254.169.254/latest/meta-data/", Refusal::LinkLocal),
        ("//127.0.0.2/", Refusal::Private),
        ("http://[::ffff:10.0.0.1]/", Refusal::Private),
        ("http://[fd00:ec2::254]/", Refusal::Metadata),
    ];
    for (location, expected) in cases {
        let callee = Callee::start(move |_| redirect_to(302, location)).await;
        let failure = client.send(Request::new("GET", callee.url("/"))).await.unwrap_err();
        assert!(
            matches!(&failure, Failure::Forbidden { refusal, .. } if *refusal == expected),
            "{location}: {failure:?}"
        );
        assert_eq!((failure.kind(), failure.status()), (FailureKind::Configuration, 400));
        assert_eq!(callee.seen().len(), 1);
    }
}

#[tokio::test]
async fn redirects_out_of_http_are_communication_errors() {
    let cases = ["file:///etc/passwd", "http://user:secret@127.0.0.1/", "gopher://127.0.0.1/", "http://:80/"];
    for location in cases {
        let callee = Callee::start(move |_| redirect_to(302, location)).await;
        let failure = client().send(Request::new("GET", callee.url("/"))).await.unwrap_err();
        assert!(matches!(failure, Failure::Communication { status: 502, .. }), "{location}: {failure:?}");
        assert!(!failure.to_string().contains("secret"), "{failure}");
    }
}
