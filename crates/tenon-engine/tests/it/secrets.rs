//! Secrets and configuration in the arguments of effects: by name in the core, with their values only for
//! whoever performs the effect.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tenon_engine::trace;
use tenon_engine::{
    Deferred, EffectAction, Execution, Failure, FailureKind, Finished, HttpRequest, Outcome, Resolved,
};
use tenon_workflow::AuthenticationScheme;

use crate::world::{World, begun, check, job, program, run};

fn call(with: &str) -> String {
    format!("use: {{secrets: [crm, db, unset]}}\ndo: [{{a: {{call: http, with: {{method: post, {with}}}}}}}]")
}

fn shown(yaml: &str, input: Value) -> HttpRequest {
    match begun(yaml, &input).take_effects().remove(0).action {
        EffectAction::Http(request) => *request,
        other => panic!("{other:?}"),
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other}"),
    }
}

/// `sesame` must never be seen in the core.
fn resolved() -> Resolved {
    Resolved {
        secrets: object(json!({
            "crm": "sesame",
            "db": {"username": "u", "password": "sesame", "headers": {"X-Key": "sesame"}, "port": 8080},
        })),
        variables: object(json!({"base": "https://crm.example", "limits": {"page": 50}})),
        authorization: None,
    }
}

fn deferred(request: &HttpRequest) -> Arc<Deferred> {
    request.deferred.clone().expect("it reads what the core does not know")
}

#[track_caller]
fn real(yaml: &str, input: Value) -> HttpRequest {
    deferred(&shown(yaml, input)).http(&resolved()).expect("all is there")
}

#[track_caller]
fn fails(yaml: &str, input: Value) -> Failure {
    let failure = deferred(&shown(yaml, input)).http(&resolved()).expect_err("something is wrong");
    assert!(!failure.detail.contains("sesame"), "{}", failure.detail);
    failure
}

const PLAIN: &str = "endpoint: 'https://crm.example', ";

#[test]
fn secrets_are_shown_by_name_and_sent_with_their_values() {
    let yaml = call(&format!(
        "{PLAIN} headers: {{X-Key: '${{ \"key \" + $secrets.crm }}'}}, query: {{q: '${{ .q }}'}}, body: {{u: '${{ $secrets.db.username }}', n: '${{ $context.n }}', i: '${{ $input.q }}'}}"
    ));
    let seen = shown(&yaml, json!({"q": "x"}));
    assert_eq!(seen.headers, [("X-Key".to_owned(), "key <secret:crm>".to_owned())]);
    // An expression that fails on a name is shown itself.
    assert_eq!(seen.body, Some(json!({"u": "${ $secrets.db.username }", "n": null, "i": "x"})));
    let sent = real(&yaml, json!({"q": "x"}));
    assert_eq!(sent.headers, [("X-Key".to_owned(), "key sesame".to_owned())]);
    assert_eq!(sent.query, [("q".to_owned(), "x".to_owned())]);
    assert_eq!(sent.body, Some(json!({"u": "u", "n": null, "i": "x"})));
    assert_eq!((sent.method.as_str(), sent.url.as_str()), ("POST", "https://crm.example"));
    assert!(sent.deferred.is_none());
}

#[test]
fn every_argument_can_come_from_a_secret() {
    for (with, seen, sent) in [
        ("endpoint: '${ \"https://\" + $secrets.crm }'", "https://<secret:crm>", "https://sesame"),
        (
            "endpoint: '${ \"https://h:\" + ($secrets.db.port | tostring) }'",
            "${ \"https://h:\" + ($secrets.db.port | tostring) }",
            "https://h:8080",
        ),
    ] {
        let yaml = call(with);
        assert_eq!(shown(&yaml, json!({})).url, seen);
        assert_eq!(real(&yaml, json!({})).url, sent);
    }
    let yaml = call(&format!("{PLAIN} headers: '${{ $secrets.db.headers }}'"));
    assert_eq!(shown(&yaml, json!({})).headers, [("*".to_owned(), "${ $secrets.db.headers }".to_owned())]);
    assert_eq!(real(&yaml, json!({})).headers, [("X-Key".to_owned(), "sesame".to_owned())]);
    let yaml = call(&format!("{PLAIN} body: '${{ $secrets[.name] }}'"));
    assert_eq!(shown(&yaml, json!({"name": "crm"})).body, Some(json!("<secret:crm>")));
    assert_eq!(real(&yaml, json!({"name": "crm"})).body, Some(json!("sesame")));
    assert_eq!(real(&yaml, json!({"name": "other"})).body, Some(Value::Null));
    let yaml = call(&format!("{PLAIN} body: '${{ $secrets }}'"));
    let names = json!({"crm": "<secret:crm>", "db": "<secret:db>", "unset": "<secret:unset>"});
    assert_eq!(shown(&yaml, json!({})).body, Some(names));
}

#[test]
fn configuration_is_the_same() {
    let yaml = "do: [{a: {call: http, with: {method: get, endpoint: {$variable: base}, body: {page: {$variable: limits}}}}}]";
    let seen = shown(yaml, json!({}));
    assert_eq!(
        (seen.url.as_str(), &seen.body),
        ("<variable:base>", &Some(json!({"page": "<variable:limits>"})))
    );
    assert_eq!(deferred(&seen).names(), (&[][..], &["base".to_owned(), "limits".to_owned()][..]));
    let sent = real(yaml, json!({}));
    assert_eq!(
        (sent.url.as_str(), &sent.body),
        ("https://crm.example", &Some(json!({"page": {"page": 50}})))
    );
}

#[test]
fn only_what_a_call_reads_is_asked_for() {
    let names =
        |with: &str| deferred(&shown(&call(&format!("{PLAIN} {with}")), json!({}))).names().0.to_vec();
    assert_eq!(names("body: '${ $secrets.crm }'"), ["crm"]);
    assert_eq!(names("body: ['${ $secrets.db }', '${ $secrets.crm + $secrets.db }']"), ["crm", "db"]);
    assert_eq!(names("body: '${ $secrets | keys }'"), ["crm", "db", "unset"]);
    assert_eq!(names("body: '${ $authorization }'"), [""; 0]);
    assert!(shown(&call(&format!("{PLAIN} body: 1")), json!({})).deferred.is_none());
}

#[test]
fn a_name_without_a_value_is_an_error_of_the_call() {
    let failure = fails(&call(&format!("{PLAIN} body: '${{ $secrets.unset }}'")), json!({}));
    assert_eq!((failure.error, failure.status), (FailureKind::Authorization, 403));
    assert!(failure.detail.starts_with("the secret `unset` is not set in this workspace"), "{failure:?}");
    let yaml = "do: [{a: {call: http, with: {method: get, endpoint: {$variable: nothing}}}}]";
    let failure = fails(yaml, json!({}));
    assert_eq!((failure.error, failure.status), (FailureKind::Configuration, 400));
    assert!(failure.detail.starts_with("the variable `nothing` is not set in this workspace"), "{failure:?}");
}

#[test]
fn errors_over_secrets_repeat_nothing_of_them() {
    for (with, detail) in [
        (
            "body: '${ $secrets.crm.x }'",
            "the expression `$secrets.crm.x` in `body` fails with the values of the secrets or variables that it reads",
        ),
        (
            "body: '${ error($secrets.crm) }'",
            "the expression `error($secrets.crm)` in `body` fails with the values of the secrets or variables that it reads",
        ),
        ("headers: '${ $secrets.crm }'", "`headers` must be an object, but is a string"),
        ("headers: '${ {($secrets.crm): {}} }'", "a member of `headers` must be text, but is an object"),
    ] {
        let failure = fails(&call(&format!("{PLAIN} {with}")), json!({}));
        assert_eq!((failure.error, failure.detail.as_str()), (FailureKind::Expression, detail));
    }
    let yaml = call("endpoint: '${ $secrets.db }'");
    let failure = fails(&yaml, json!({}));
    assert_eq!(failure.error, FailureKind::Expression);
    assert!(format!("{:?}", resolved()).contains("crm") && !format!("{:?}", resolved()).contains("sesame"));
}

// --- what the arguments read besides ---

#[test]
fn what_is_read_besides_is_captured() {
    let yaml = "use: {secrets: [crm]}
do:
- before: {set: {v: 1, w: 2}}
- loop:
    for: {each: row, at: i, in: '${ [10, 20] }'}
    do:
    - a:
        call: http
        with:
          method: post
          endpoint: https://x/{v}
          body:
            s: ${ $secrets.crm }
            all: ${ [$row, $i, $steps.before.v, $context, $task.name, $task.reference, $workflow.id, $runtime.name, $event, now] }
            steps: ${ $steps }
            both: ${ [$row, $secrets.crm] }";
    let seen = shown(yaml, json!({}));
    let sent = real(yaml, json!({}));
    assert_eq!(sent.url, "https://x/1");
    let (seen, mut sent) = (seen.body.expect("a body"), sent.body.expect("a body"));
    assert_eq!(sent["both"], json!([10, "sesame"]));
    assert_eq!(sent["all"][2], json!(1));
    sent["s"] = json!("<secret:crm>");
    sent["both"][1] = json!("<secret:crm>");
    assert_eq!(sent, seen);
}

// --- authentication ---

fn with_policy(policy: &str) -> String {
    call(&format!("endpoint: {{uri: 'https://crm.example', authentication: {{{policy}}}}}"))
}

type Policy = Result<Option<(AuthenticationScheme, Value)>, Failure>;

fn policy(policy: &str) -> Policy {
    deferred(&shown(&with_policy(policy), json!({"password": "p"}))).authentication(&resolved())
}

#[test]
fn policies_are_evaluated_where_a_call_is_performed() {
    let basic = policy("basic: {username: '${ .password }', password: '${ $secrets.crm }'}");
    let members = json!({"username": "p", "password": "sesame"});
    assert_eq!(basic, Ok(Some((AuthenticationScheme::Basic, members))));
    let secret = policy("digest: {use: db}").expect("it is an object").expect("it authenticates");
    assert_eq!((secret.0, &secret.1["password"]), (AuthenticationScheme::Digest, &json!("sesame")));
    let token = policy("bearer: {use: crm}");
    assert_eq!(token, Ok(Some((AuthenticationScheme::Bearer, json!({"token": "sesame"})))));
    let oauth = policy(
        "oauth2: {authority: 'https://a', grant: client_credentials, client: {id: i, secret: '${ $secrets.crm }'}}",
    );
    let (_, members) = oauth.expect("it evaluates").expect("it authenticates");
    assert_eq!(members["client"], json!({"id": "i", "secret": "sesame"}));
    let none = shown(&call(&format!("{PLAIN} body: '${{ $secrets.crm }}'")), json!({}));
    assert_eq!(deferred(&none).authentication(&resolved()), Ok(None));
}

#[test]
fn a_call_that_authenticates_says_so_and_no_more() {
    let request = shown(&with_policy("basic: {username: u, password: '${ $secrets.crm }'}"), json!({}));
    assert_eq!(request.authentication, Some("basic"));
    assert_eq!(deferred(&request).names().0, ["crm"]);
    let text = serde_json::to_string(&request).expect("JSON");
    assert!(!text.contains("crm\"") && !text.contains("password"), "{text}");
    let literal = shown(&with_policy("bearer: {token: '${ .t }'}"), json!({"t": "sesame"}));
    assert!(!serde_json::to_string(&literal).expect("JSON").contains("sesame"));
    assert!(literal.deferred.is_some());
}

#[test]
fn policies_that_cannot_be_used_are_errors() {
    let failure = |written: &str| policy(written).expect_err("something is wrong");
    assert_eq!(failure("basic: {use: unset}").error, FailureKind::Authorization);
    let wrong = failure("basic: {use: crm}");
    assert_eq!(wrong.error, FailureKind::Configuration);
    assert_eq!(wrong.detail, "the secret for `basic` must be an object with the members of `basic`");
    assert_eq!(
        failure("basic: {username: u, password: '${ $secrets.crm.x }'}").error,
        FailureKind::Expression
    );
    assert_eq!(failure("basic: {username: u, password: '${ .x | error }'}").error, FailureKind::Expression);
}

#[test]
fn authorization_is_known_once_the_call_is_authenticated() {
    let yaml = call(
        "endpoint: {uri: 'https://crm.example', authentication: {bearer: {use: crm}}}, headers: {X-A: '${ $authorization.scheme + \" \" + $authorization.parameter }'}, body: '${ $authorization }'",
    );
    let seen = shown(&yaml, json!({}));
    assert_eq!(seen.headers, [("X-A".to_owned(), "<scheme> <authorization>".to_owned())]);
    let authorization = Some(json!({"scheme": "Bearer", "parameter": "sesame"}));
    let sent = deferred(&seen).http(&Resolved { authorization, ..resolved() }).expect("all is there");
    assert_eq!(sent.headers, [("X-A".to_owned(), "Bearer sesame".to_owned())]);
    assert_eq!(sent.body, Some(json!({"scheme": "Bearer", "parameter": "sesame"})));
    // A call that does not authenticate has none.
    let without = call(&format!("{PLAIN} body: ['${{ $authorization }}', '${{ $secrets.crm }}']"));
    assert_eq!(shown(&without, json!({})).body, Some(json!([null, "<secret:crm>"])));
    assert_eq!(real(&without, json!({})).body, Some(json!([null, "sesame"])));
    check(
        "do: [{a: {call: http, with: {method: post, endpoint: 'https://x', body: '${ $authorization }'}}}]",
        json!({}),
        json!({"method": "POST", "url": "https://x", "body": null}),
    );
}

// --- the other effects ---

#[test]
fn grpc_and_child_jobs_are_completed_too() {
    let document = "document: {dsl: '1.0.3', namespace: test, name: test, version: '1.0.0'}
use: {secrets: [crm, db]}
do: [{a: {call: grpc, with: {proto: {endpoint: 'https://x/p'}, service: {name: s, host: h, port: '${ $secrets.db.port }'}, method: m, arguments: {k: '${ $secrets.crm }'}}}}]";
    let document = tenon_workflow::Document::parse(document).expect("YAML");
    let files = tenon_workflow::Files::from([("https://x/p".to_owned(), Ok("proto".into()))]);
    let program = Arc::new(tenon_workflow::compile_with(&document, &files).expect("it compiles"));
    let mut execution = Execution::new(job(&program, &json!({})));
    execution.resume();
    let EffectAction::Grpc(seen) = execution.take_effects().remove(0).action else { panic!("no gRPC call") };
    assert_eq!((seen.port, &seen.arguments), (None, &json!({"k": "<secret:crm>"})));
    let sent = seen.deferred.expect("it reads secrets").grpc(&resolved()).expect("all is there");
    assert_eq!((sent.port, &sent.arguments), (Some(8080), &json!({"k": "sesame"})));
    let child = "do: [{a: {run: {workflow: {namespace: n, name: w, version: latest, input: {page: {$variable: limits}, x: '${ .x }'}}}}}]";
    let EffectAction::StartChild(seen) = begun(child, &json!({"x": 1})).take_effects().remove(0).action
    else {
        panic!("no child")
    };
    assert_eq!(seen.input, json!({"page": "<variable:limits>", "x": 1}));
    let deferred = seen.deferred.expect("it reads configuration");
    assert_eq!(deferred.child_input(&resolved()), Ok(json!({"page": {"page": 50}, "x": 1})));
    let mistaken = deferred.http(&resolved()).expect_err("it is no HTTP call");
    assert_eq!(mistaken.error, FailureKind::Runtime);
}

// --- what is kept ---

#[test]
fn nothing_that_is_kept_has_a_secret_in_it() {
    let yaml = call(&format!(
        "{PLAIN} headers: {{X-Key: '${{ $secrets.crm }}', Authorization: '${{ \"Basic \" + $secrets.crm }}'}}, output: response"
    ));
    // As whoever performs it would: with the values, which come back in no request.
    let callee = |request: &HttpRequest, _: u32| {
        let sent = deferred(request).http(&resolved()).expect("all is there");
        assert_eq!(sent.headers[0].1, "sesame");
        request.outcome(200, Vec::new(), b"")
    };
    let ended = run(&yaml, &json!({}), &callee);
    let Finished::Completed(output) = &ended.finished else { panic!("{:?}", ended.finished) };
    assert_eq!(output["request"]["headers"], json!({"X-Key": "<secret:crm>", "Authorization": "<redacted>"}));
    let steps = trace::steps(job(&program(&yaml), &json!({})), &ended.journal).0;
    let all = format!("{} {:?}", serde_json::to_string(&steps).expect("JSON"), ended.journal);
    assert!(!all.contains("sesame"));
    assert!(all.contains("<secret:crm>"));
}

#[test]
fn a_replay_finds_the_same_arguments_whatever_the_secret_is() {
    let yaml = call(&format!("{PLAIN} body: '${{ $secrets.crm }}'"));
    let answer = |request: &HttpRequest, _: u32| request.outcome(200, Vec::new(), b"");
    let ended = World::new(&answer).run(&yaml, &json!({}));
    let entry = &ended.journal[0];
    // The arguments of the same call with the name as a literal text.
    let literal = call(&format!("{PLAIN} body: '<secret:crm>'"));
    let effect = begun(&literal, &json!({})).take_effects().remove(0);
    assert_eq!(entry.arguments, effect.arguments);
}

#[test]
fn answers_that_refuse_are_communication_errors_with_their_status() {
    for status in [401, 403, 500] {
        let callee = move |request: &HttpRequest, _: u32| request.outcome(status, Vec::new(), b"no");
        let yaml = "do: [{a: {call: http, with: {method: get, endpoint: 'https://x'}}}]";
        crate::world::check_fault(yaml, json!({}), &callee, ("communication", status, "/do/0/a"));
    }
}

#[test]
fn failures_of_every_kind_become_the_errors_of_the_language() {
    for (kind, status, name) in [
        (FailureKind::Configuration, 400, "configuration"),
        (FailureKind::Validation, 400, "validation"),
        (FailureKind::Expression, 400, "expression"),
        (FailureKind::Authentication, 401, "authentication"),
        (FailureKind::Authorization, 403, "authorization"),
        (FailureKind::Timeout, 408, "timeout"),
        (FailureKind::Communication, 502, "communication"),
        (FailureKind::Runtime, 500, "runtime"),
    ] {
        let callee = move |_: &HttpRequest, _: u32| {
            Outcome::Failed(Failure { error: kind, status, detail: "why".to_owned(), used: Vec::new() })
        };
        let yaml = format!(
            "do: [{{t: {{try: [{{a: {{call: http, with: {{method: get, endpoint: 'https://x'}}}}}}], catch: {{errors: {{with: {{type: 'https://open-workflow-specification.org/spec/1.0.0/errors/{name}', status: {status}}}}}, do: [{{s: {{set: '${{ $error.detail }}'}}}}]}}}}}}]"
        );
        crate::world::check_with(&yaml, json!({}), &callee, json!("why"));
    }
}
