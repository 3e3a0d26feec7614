//! gRPC calls against a server made by hand.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::BufMut as _;
use serde_json::{Value, json};
use tenon_outbound::auth::{Authorized, Error, Policy};
use tenon_outbound::grpc::{Call, Client};
use tenon_outbound::{Failure, FailureKind, HttpClient, Options, TimeoutPhase};

use crate::callee::{Callee, answer, client, options, raw, read_head};
use crate::grpc_callee::{DEFINITION, GrpcCallee, Reply};
use crate::tls::Authority;

fn to(host: impl ToString) -> Call {
    Call {
        definition: Arc::from(DEFINITION),
        service: "shop.v1.Orders".to_owned(),
        host: host.to_string(),
        port: None,
        method: "Place".to_owned(),
        arguments: Value::Null,
        idempotency_key: None,
        attempt: 1,
        timeout: None,
    }
}

fn grpc() -> Client {
    Client::new(client())
}

async fn echo() -> GrpcCallee {
    GrpcCallee::start(|called| Reply::messages(std::slice::from_ref(&called.message))).await
}

/// Everything that a message can hold, as JSON.
fn order() -> Value {
    json!({
        "name": "Ada", "number": "9007199254740993", "paid": true, "size": "LARGE", "data": "AAH/",
        "lines": [{"itemName": "nut", "count": "2"}, {"itemName": "bolt", "count": "0"}], "prices": {"nut": 0.5},
        "made": "2026-01-02T03:04:05Z", "extra": {"a": [1.0, null, "x"]}, "rank": 0, "street": "Main",
    })
}

#[tokio::test]
async fn a_message_goes_and_comes() {
    let callee = echo().await;
    let mut call = to(callee.address);
    call.arguments = order();
    call.idempotency_key = Some("job_1./do/0/x".to_owned());
    call.attempt = 3;
    assert_eq!(grpc().call(call).await.unwrap(), order());
    let called = callee.only();
    assert_eq!(called.path, "/shop.v1.Orders/Place");
    assert_eq!(called.header("idempotency-key"), Some("job_1./do/0/x"));
    assert_eq!(called.header("tenon-attempt"), Some("3"));
    assert_eq!(called.header("content-type"), Some("application/grpc"));
    assert_eq!(called.header("te"), Some("trailers"));
    assert_eq!(called.header("authorization"), None);
    assert!(called.header("user-agent").unwrap().starts_with("tenon/"));
    assert!(called.header("grpc-timeout").is_some());
}

#[tokio::test]
async fn names_and_defaults() {
    let callee = echo().await;
    let cases = [
        (Value::Null, json!({})),
        (json!({"paid": false, "number": 0, "size": "SMALL"}), json!({})),
        (
            json!({"lines": [{"item_name": "nut"}], "number": 7, "size": 1}),
            json!({"lines": [{"itemName": "nut", "count": "0"}], "number": "7", "size": "LARGE"}),
        ),
        (json!({"rank": 0, "name": null}), json!({"rank": 0})),
    ];
    for (arguments, expected) in cases {
        let mut call = to(callee.address);
        call.arguments = arguments.clone();
        call.service = "Orders".to_owned();
        assert_eq!(grpc().call(call).await.unwrap(), answered(expected), "{arguments}");
    }
}

/// An order with these members; the others have their default values, which are there.
fn answered(members: Value) -> Value {
    let mut order = json!({
        "name": "", "number": "0", "paid": false, "size": "SMALL", "data": "", "lines": [], "prices": {},
    });
    let Value::Object(members) = members else { panic!("an order is an object") };
    order.as_object_mut().unwrap().extend(members);
    order
}

#[tokio::test]
async fn a_stream_is_a_list() {
    let callee = GrpcCallee::start(|called| {
        let count = called.message["number"].as_str().map_or(0, |text| text.parse().unwrap());
        Reply::messages(&vec![json!({"name": "x"}); count])
    })
    .await;
    for count in [0, 1, 500, 10_000] {
        let mut call = to(callee.address);
        call.method = "Watch".to_owned();
        call.arguments = json!({"number": count});
        let messages = grpc().call(call).await.unwrap();
        assert_eq!(messages, Value::Array(vec![answered(json!({"name": "x"})); count]));
    }
    let mut call = to(callee.address);
    call.method = "Watch".to_owned();
    call.arguments = json!({"number": 10_001});
    let failure = grpc().call(call).await.unwrap_err();
    assert_eq!(
        failure.to_string(),
        format!("the stream of `{}` has more than 10000 messages", callee.address)
    );
}

// === what is refused before anything is sent ===

#[track_caller]
fn refused(outcome: Result<Value, Failure>, expected: &str) {
    let failure = outcome.unwrap_err();
    assert_eq!((failure.kind(), failure.status()), (FailureKind::Configuration, 400), "{failure:?}");
    assert_eq!(failure.to_string(), expected);
}

#[tokio::test]
async fn arguments_that_do_not_fit() {
    let fields = "it has `name`, `number`, `paid`, `size`, `data`, `lines`, `prices`, `made`, `extra`, `rank`, `street`, `other`";
    let cases = [
        (json!({"name": "x", "nam": "s3cret"}), "in `nam`: unrecognized field name 'nam'"),
        (json!({"lines": [{"nam": 1}]}), "in `lines`: unrecognized field name 'nam'"),
        (json!({"rank": "s3cret"}), "in `rank`: its value is not of that kind"),
        (json!({"name": 7}), "in `name`: expected a string"),
        (json!("s3cret"), "expected a map"),
    ];
    for (arguments, expected) in cases {
        let mut call = to("127.0.0.1:1");
        call.arguments = arguments;
        let expected = format!("the arguments do not fit `shop.v1.Order`: {expected}; {fields}");
        refused(grpc().call(call).await, &expected);
    }
}

#[tokio::test]
async fn definitions_that_cannot_be_used() {
    let start = "the protocol definition cannot be used:";
    let cases = [
        (
            "syntax = \"proto3\";\nmessage A {\n  strin x = 1;\n}\nservice S { rpc M (A) returns (A); }",
            "line 3:3: name 'strin' is not defined",
        ),
        ("syntax = \"proto3\";\nmessage {", "line 2:9: expected an identifier, but found '{'"),
        (
            "syntax = \"proto3\";\nimport \"google/api/annotations.proto\";",
            "line 2:1: import 'google/api/annotations.proto' not found; only google/protobuf/… can be imported: put everything into one file",
        ),
        ("import \"definition.proto\";", "import cycle detected: definition.proto -> definition.proto"),
        ("syntax = \"proto3\";", "it has no service `shop.v1.Orders`"),
        (
            "syntax = \"proto3\"; message A {} service S {} service T {}",
            "it has no service `shop.v1.Orders`; it has `S`, `T`",
        ),
    ];
    for (definition, expected) in cases {
        let mut call = to("127.0.0.1:1");
        call.definition = Arc::from(definition);
        refused(grpc().call(call).await, &format!("{start} {expected}"));
    }
    grpc().check(&Arc::from(DEFINITION)).await.unwrap();
    assert_eq!(grpc().check(&Arc::from("message {")).await.unwrap_err().kind(), FailureKind::Configuration);
}

#[tokio::test]
async fn definitions_that_are_bombs() {
    let deep = |open: &str, close: &str| {
        format!("syntax = \"proto3\";\n{}{}", open.repeat(100_000), close.repeat(100_000))
    };
    let option = |value: String| format!("syntax = \"proto3\";\nmessage A {{ option (x) = {value}; }}");
    let bombs = [
        deep("message A{", "}"),
        option(format!("{}{}", "{a: ".repeat(100_000), "}".repeat(100_000))),
        option(format!("{{a: {}{}}}", "[".repeat(100_000), "]".repeat(100_000))),
        option(format!("{{a {}{}}}", "<a ".repeat(100_000), ">".repeat(100_000))),
        "x".repeat((4 << 20) + 1),
        // Within the bound on nesting, that must not end the process either.
        option(format!("{}{}", "{a ".repeat(62), "}".repeat(62))),
        deep("", "/*"),
    ];
    for bomb in bombs {
        let mut call = to("127.0.0.1:1");
        call.definition = Arc::from(bomb.as_str());
        assert_eq!(grpc().call(call).await.unwrap_err().kind(), FailureKind::Configuration);
    }
}

#[tokio::test]
async fn methods_that_cannot_be_called() {
    let start = "the protocol definition cannot be used:";
    for (method, expected) in [
        (
            "place",
            "its service `shop.v1.Orders` has no method `place`; it has `Place`, `Watch`, `Upload`, `Chat`",
        ),
        (
            "Upload",
            "the method `Upload` takes a stream of messages, which is not supported: a call sends one",
        ),
        ("Chat", "the method `Chat` takes a stream of messages, which is not supported: a call sends one"),
    ] {
        let mut call = to("127.0.0.1:1");
        call.method = method.to_owned();
        refused(grpc().call(call).await, &format!("{start} {expected}"));
    }
}

// === what callees do ===

#[tokio::test]
async fn statuses_become_errors_of_the_language() {
    let cases = [
        (1, FailureKind::Communication, 502, "CANCELLED"),
        (2, FailureKind::Communication, 500, "UNKNOWN"),
        (3, FailureKind::Communication, 400, "INVALID_ARGUMENT"),
        (4, FailureKind::Timeout, 408, "DEADLINE_EXCEEDED"),
        (5, FailureKind::Communication, 404, "NOT_FOUND"),
        (6, FailureKind::Communication, 409, "ALREADY_EXISTS"),
        (7, FailureKind::Authorization, 403, "PERMISSION_DENIED"),
        (8, FailureKind::Communication, 429, "RESOURCE_EXHAUSTED"),
        (9, FailureKind::Communication, 502, "FAILED_PRECONDITION"),
        (10, FailureKind::Communication, 409, "ABORTED"),
        (11, FailureKind::Communication, 502, "OUT_OF_RANGE"),
        (12, FailureKind::Communication, 501, "UNIMPLEMENTED"),
        (13, FailureKind::Communication, 500, "INTERNAL"),
        (14, FailureKind::Communication, 503, "UNAVAILABLE"),
        (15, FailureKind::Communication, 500, "DATA_LOSS"),
        (16, FailureKind::Authentication, 401, "UNAUTHENTICATED"),
    ];
    for at_once in [true, false] {
        for (number, kind, status, name) in cases {
            let reply = Reply { at_once, ..Reply::status(number, "caf%C3%A9 is closed") };
            let callee = GrpcCallee::start(move |_| reply.clone()).await;
            let failure = grpc().call(to(callee.address)).await.unwrap_err();
            assert_eq!((failure.kind(), failure.status()), (kind, status), "{name}");
            let expected =
                format!("`{}` answered {name} (grpc-status {number}): café is closed", callee.address);
            assert_eq!(failure.to_string(), expected);
        }
    }
}

#[tokio::test]
async fn a_message_is_told_whole() {
    let message: &'static str = "x".repeat(10_000).leak();
    let callee = GrpcCallee::start(move |_| Reply::status(3, message)).await;
    let failure = grpc().call(to(callee.address)).await.unwrap_err();
    assert!(failure.to_string().ends_with(message), "half of a secret in it could not be recognised");
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_a_failure() {
    let messages = Reply::messages(&[json!({"name": "x"})]);
    let replies = [
        Reply { status: Some(13), ..messages.clone() },
        Reply { status: None, ..messages.clone() },
        Reply { frames: [0, 0, 0, 0, 2, 0xff, 0xff].as_slice().into(), ..messages.clone() },
    ];
    for reply in replies {
        let callee = GrpcCallee::start(move |_| reply.clone()).await;
        for method in ["Place", "Watch"] {
            let mut call = to(callee.address);
            call.method = method.to_owned();
            let failure = grpc().call(call).await.unwrap_err();
            assert_eq!(failure.kind(), FailureKind::Communication, "{failure:?}");
        }
    }
}

#[tokio::test]
async fn what_is_too_large_is_cut() {
    let mut announced = Reply::messages(&[]);
    announced.frames.put_u8(0);
    announced.frames.put_u32(u32::MAX);
    let replies = [
        Reply::messages(&[json!({"name": "x".repeat(2_000)})]),
        Reply::messages(&vec![json!({"name": "x"}); 500]),
        announced,
    ];
    for reply in replies {
        let callee = GrpcCallee::start(move |_| reply.clone()).await;
        let client =
            Client::new(HttpClient::new(Options { max_response_bytes: 1_000, ..options() }).unwrap());
        let mut call = to(callee.address);
        call.method = "Watch".to_owned();
        assert_eq!(client.call(call).await.unwrap_err(), Failure::TooLarge { limit: 1_000 });
    }
}

#[tokio::test]
async fn servers_that_are_none() {
    let failure = grpc().call(to("127.0.0.1:1")).await.unwrap_err();
    assert_eq!((failure.kind(), failure.status()), (FailureKind::Communication, 502));
    assert!(failure.to_string().starts_with("cannot connect to `127.0.0.1:1`"), "{failure}");

    let plain = Callee::start(|_| answer(200, "hello")).await;
    let failure = grpc().call(to(plain.address)).await.unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Communication, "{failure:?}");

    let strict = Client::new(HttpClient::new(Options::default()).unwrap());
    let failure = strict.call(to(plain.address)).await.unwrap_err();
    assert!(matches!(failure, Failure::Forbidden { .. }), "{failure:?}");
}

#[tokio::test]
async fn time_is_bounded() {
    let silent = raw(|mut stream| async move {
        read_head(&mut stream).await;
        std::future::pending::<()>().await;
    })
    .await;
    let after = Duration::from_millis(50);
    let mut call = to(silent);
    call.timeout = Some(after);
    let failure = grpc().call(call).await.unwrap_err();
    assert_eq!(failure, Failure::Timeout { phase: TimeoutPhase::Total, after });
}

#[tokio::test]
async fn over_tls() {
    let authority = Authority::new();
    let tls = authority.acceptor("localhost", &["h2"]);
    let reply = |_: &_| Reply::messages(&[json!({"name": "x"})]);
    let callee = GrpcCallee::start_with(Some(tls), reply).await;
    let port = callee.address.port();
    let mut call = to("https://localhost");
    call.port = Some(port);
    let trusting = Client::new(authority.client());
    assert_eq!(trusting.call(call.clone()).await.unwrap(), answered(json!({"name": "x"})));
    let failure = grpc().call(call).await.unwrap_err();
    assert!(failure.to_string().contains("UnknownIssuer"), "{failure}");

    // A bare name that is not loopback is spoken to over TLS.
    let extra_roots_pem = vec![authority.pem.clone().into_bytes()];
    let tls = authority.acceptor("api.example", &["h2"]);
    let callee = GrpcCallee::start_with(Some(tls), reply).await;
    let resolve = vec![("api.example".to_owned(), 443, callee.address)];
    let client = HttpClient::new(Options { extra_roots_pem, resolve, ..options() }).unwrap();
    assert_eq!(Client::new(client).call(to("api.example")).await.unwrap(), answered(json!({"name": "x"})));
}

// === authentication ===

fn build(callee: &GrpcCallee) -> impl FnMut(&Authorized) -> Result<Call, Infallible> {
    let call = to(callee.address);
    move |_| Ok(call.clone())
}

#[tokio::test]
async fn credentials_are_metadata() {
    let callee = echo().await;
    for (scheme, members, expected) in [
        ("basic", json!({"username": "ada", "password": "x"}), "Basic YWRhOng="),
        ("bearer", json!("abc"), "Bearer abc"),
    ] {
        let policy = Policy::parse(scheme, &members).unwrap();
        grpc().call_authenticated(&policy, build(&callee)).await.unwrap();
        assert_eq!(callee.called().last().unwrap().header("authorization"), Some(expected));
    }
    let digest = Policy::parse("digest", &json!({"username": "ada", "password": "x"})).unwrap();
    let failure = grpc().call_authenticated(&digest, build(&callee)).await.unwrap_err();
    assert_eq!(
        failure.to_string(),
        "digest authentication cannot be used with gRPC: use basic, bearer, oauth2 or oidc"
    );
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let issued = AtomicUsize::new(0);
    let authority = Callee::start(move |_| {
        let number = issued.fetch_add(1, Ordering::SeqCst) + 1;
        answer(200, json!({"access_token": format!("token-{number}")}).to_string())
    })
    .await;
    let policy =
        json!({"authority": authority.url(""), "grant": "client_credentials", "client": {"id": "me"}});
    let policy = Policy::parse("oauth2", &policy).unwrap();
    let callee = GrpcCallee::start(|called| match called.header("authorization") {
        Some("Bearer token-2") => Reply::messages(&[json!({"name": "x"})]),
        _ => Reply::status(16, "who are you?"),
    })
    .await;
    let client = grpc();
    assert_eq!(
        client.call_authenticated(&policy, build(&callee)).await.unwrap(),
        answered(json!({"name": "x"}))
    );
    assert_eq!(callee.called().len(), 2);

    let never = GrpcCallee::start(|_| Reply::status(16, "who are you?")).await;
    let failure = client.call_authenticated(&policy, build(&never)).await.unwrap_err();
    assert!(matches!(failure, Error::Failed(Failure::Authentication(_))), "{failure:?}");
    assert_eq!(never.called().len(), 2);
}
