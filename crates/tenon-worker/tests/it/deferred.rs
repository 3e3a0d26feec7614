//! Calls that read secrets and configuration, or authenticate: the callee gets the values, nobody else does.

use bytes::Bytes;
use serde_json::{Value, json};
use tenon_store::{Expected, JobId, PinnedFile, PutResource, PutVariable, SavedVariable, VariableKind};

use crate::grpc_callee;
use crate::stage::{Callee, Stage, open};

const SECRET: &str = "s3cr3t/p ssw\"rd";

pub(crate) async fn set(stage: &Stage, name: &str, kind: VariableKind, value: Value) {
    let put = PutVariable {
        workspace: stage.workspace,
        name: name.to_owned(),
        kind,
        value: Bytes::from(value.to_string()),
        expected: Expected::Any,
        at: stage.capture.ports().clock.now(),
        actor: "test".to_owned(),
    };
    let saved = stage.store.put_variable(put).await.expect("set");
    assert!(matches!(saved, SavedVariable::Written(_)));
}

/// A workflow with one call; `uses` goes under `use`.
async fn calls(stage: &Stage, uses: &str, with: &str) -> JobId {
    let document = format!(
        "}}\nschedule: {{on: {{one: {{with: {{type: go}}}}}}}}\nuse: {{{uses}}}\ndo:\n- send: {{call: http, with: {{{with}}}}}\n"
    );
    stage.deploy("w", &document).await;
    stage.go(json!({})).await
}

/// Nothing that is kept or shown of a job has a form of the text in it.
async fn is_nowhere(stage: &Stage, job: JobId, text: &str) {
    let trace = stage.history.trace(stage.workspace, job).await.expect("read");
    let mut kept = vec![serde_json::to_string(&trace.steps).expect("JSON")];
    let journal = stage.store.journal(stage.workspace, job).await.expect("read");
    kept.extend(journal.into_iter().map(|entry| String::from_utf8_lossy(&entry.outcome).into_owned()));
    kept.push(String::from_utf8_lossy(&stage.record(job).await.result.unwrap_or_default()).into_owned());
    let escaped = Value::from(text).to_string();
    for kept in &kept {
        for form in [text, &escaped[1..escaped.len() - 1], "czNjcjN0", "s3cr3t"] {
            assert!(!kept.contains(form), "`{form}` is in {kept}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_reaches_the_callee_and_comes_back_as_its_name() {
    let (callee, address) = Callee::serve().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    set(&stage, "key", VariableKind::Secret, json!(SECRET)).await;
    set(&stage, "region", VariableKind::Config, json!("north")).await;
    set(&stage, "region", VariableKind::Config, json!("south")).await;
    let with = format!(
        "method: post, endpoint: 'http://{address}/mirror', query: {{key: '${{ $secrets.key }}', region: {{$variable: region}}}}, body: {{key: '${{ $secrets.key }}'}}"
    );
    let job = calls(&stage, "secrets: [key]", &with).await;
    let answer = stage.output(job).await;
    assert_eq!(answer["body"], r#"{"key":"<secret:key>"}"#);
    assert_eq!(answer["uri"], "/mirror?key=<secret:key>&region=south");
    let call = callee.calls().remove(0);
    assert_eq!(call.body, json!({"key": SECRET}).to_string());
    assert_eq!(call.query, "key=s3cr3t%2Fp%20ssw%22rd&region=south");
    is_nowhere(&stage, job, SECRET).await;
    stage.verify(job).await;
    let trace = stage.history.trace(stage.workspace, job).await.expect("read");
    let step = serde_json::to_value(&trace.steps[0]).expect("JSON");
    assert_eq!(step["arguments"]["body"], json!({"key": "<secret:key>"}));
    assert_eq!(
        step["attempts"][0]["used"],
        json!([{"name": "key", "version": 1}, {"name": "region", "version": 2}])
    );
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_and_raw_answers_are_cleaned_too() {
    let (_callee, address) = Callee::serve().await;
    for (path, output) in [("refuse", "content"), ("mirror", "raw"), ("mirror", "response")] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let stage = Stage::on(open(&directory)).await;
        set(&stage, "key", VariableKind::Secret, json!({"value": SECRET})).await;
        let with = format!(
            "method: post, endpoint: 'http://{address}/{path}', output: {output}, headers: {{x-key: '${{ $secrets.key.value }}'}}, body: '${{ $secrets.key.value }}'"
        );
        let job = calls(&stage, "secrets: [key]", &with).await;
        stage.end(job).await;
        is_nowhere(&stage, job, SECRET).await;
        stage.verify(job).await;
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_call_makes_of_a_secret_is_masked_and_nothing_else() {
    let (callee, address) = Callee::serve().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    set(&stage, "key", VariableKind::Secret, json!("user-7:s3cr3t-text")).await;
    set(&stage, "region", VariableKind::Config, json!("northern")).await;
    let with = format!(
        "method: post, endpoint: 'http://{address}/mirror', body: {{a: '${{ $secrets.key | split(\":\")[1] | ascii_upcase }}', b: '${{ \"is \\($secrets.key | explode | reverse | implode).\" }}', c: {{$variable: region}}, d: southern}}"
    );
    let job = calls(&stage, "secrets: [key]", &with).await;
    let masked = json!({"a": "<secret:key>", "b": "is <secret:key>.", "c": "northern", "d": "southern"});
    assert_eq!(stage.output(job).await["body"], masked.to_string());
    let sent = json!({"a": "S3CR3T-TEXT", "b": "is txet-t3rc3s:7-resu.", "c": "northern", "d": "southern"});
    assert_eq!(callee.calls()[0].body, sent.to_string());
    stage.verify(job).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_by_another_call_of_the_workflow_is_masked_too() {
    let (_callee, address) = Callee::serve().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    set(&stage, "key", VariableKind::Secret, json!(SECRET)).await;
    // As if the callee had kept it from an earlier call.
    let with = format!("method: post, endpoint: 'http://{address}/mirror', body: '${{ .[0].kept }}'");
    let document = format!(
        "}}\nschedule: {{on: {{one: {{with: {{type: go}}}}}}}}\nuse: {{secrets: [key, unset]}}\ndo:\n- send: {{call: http, with: {{{with}}}}}\n"
    );
    stage.deploy("w", &document).await;
    let job = stage.go(json!({"kept": SECRET})).await;
    assert_eq!(stage.output(job).await["body"], "<secret:key>");
    let trace = stage.history.trace(stage.workspace, job).await.expect("read");
    let step = serde_json::to_value(&trace.steps[0]).expect("JSON");
    assert_eq!(step["attempts"][0].get("used"), None, "it read none: {step}");
    stage.verify(job).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_without_a_value_is_an_error_that_says_how_to_set_it() {
    let (callee, address) = Callee::serve().await;
    for (uses, body, said, kind) in [
        ("secrets: [key]", "'${ $secrets.key }'", "tenon variable set key --secret", "/authorization"),
        ("", "{n: {$variable: region}}", "tenon variable set region", "/configuration"),
    ] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let stage = Stage::on(open(&directory)).await;
        let with = format!("method: post, endpoint: 'http://{address}/x', body: {body}");
        let job = calls(&stage, uses, &with).await;
        let error = stage.output(job).await;
        assert!(error["type"].as_str().is_some_and(|found| found.ends_with(kind)), "{error}");
        assert!(error["detail"].as_str().is_some_and(|detail| detail.contains(said)), "{error}");
        assert_eq!(callee.calls().len(), 0, "nothing is sent");
        stage.verify(job).await;
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_value_works_at_the_next_call() {
    let (callee, address) = Callee::serve().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    set(&stage, "key", VariableKind::Secret, json!("first-value")).await;
    let document = format!(
        "}}\nschedule: {{on: {{one: {{with: {{type: go}}}}}}}}\nuse: {{secrets: [key]}}\ndo:\n- send: {{call: http, with: {{method: post, endpoint: 'http://{address}/x', body: '${{ $secrets.key }}'}}}}\n- hear: {{listen: {{to: {{one: {{with: {{type: order}}}}}}}}}}\n- again: {{call: http, with: {{method: post, endpoint: 'http://{address}/x', body: '${{ $secrets.key }}'}}}}\n"
    );
    stage.put("w", &document, (&["go"], &["order"])).await;
    let job = stage.go(json!({})).await;
    stage.has_entries(job, 1, tenon_store::JobState::Waiting).await;
    set(&stage, "key", VariableKind::Secret, json!("second-value")).await;
    stage.event("order", json!({})).await;
    assert_eq!(stage.output(job).await["body"], "<secret:key>");
    let bodies: Vec<_> = callee.calls().into_iter().map(|call| call.body).collect();
    assert_eq!(bodies, ["first-value", "second-value"]);
    stage.verify(job).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_authenticates_and_its_credentials_stay_inside() {
    let (callee, address) = Callee::serve().await;
    for (what, uses, value, sent) in [
        (
            "basic of a secret",
            "basic: {use: key}",
            json!({"username": "operator", "password": SECRET}),
            "Basic b3BlcmF0b3I6czNjcjN0L3Agc3N3InJk",
        ),
        ("bearer", "bearer: {token: '${ $secrets.key }'}", json!("s3cr3t-token"), "Bearer s3cr3t-token"),
    ] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let stage = Stage::on(open(&directory)).await;
        set(&stage, "key", VariableKind::Secret, value).await;
        let with = format!(
            "method: post, endpoint: {{uri: 'http://{address}/mirror', authentication: {{{uses}}}}}, headers: {{x-copy: '${{ $authorization.scheme + \" \" + $authorization.parameter }}'}}, body: {{a: 1}}"
        );
        let job = calls(&stage, "secrets: [key]", &with).await;
        let answer = stage.output(job).await;
        let call = callee.calls().pop().expect("a call came");
        assert_eq!(call.authorization, sent, "{what}");
        let shown = answer["headers"]["authorization"].as_str().expect("it was sent");
        assert!(
            ["<token>", "<secret:key>"].iter().any(|instead| shown.ends_with(instead)),
            "{what}: {answer}"
        );
        assert_eq!(answer["headers"]["x-copy"], answer["headers"]["authorization"], "{what}");
        is_nowhere(&stage, job, SECRET).await;
        stage.verify(job).await;
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_fetched_stays_inside() {
    let (callee, address) = Callee::serve().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    set(&stage, "key", VariableKind::Secret, json!(SECRET)).await;
    let policy = format!(
        "oauth2: {{authority: 'http://{address}', grant: client_credentials, client: {{id: tenon, secret: '${{ $secrets.key }}'}}}}"
    );
    let with = format!(
        "method: post, endpoint: {{uri: 'http://{address}/mirror', authentication: {{{policy}}}}}, body: {{a: 1}}"
    );
    let job = calls(&stage, "secrets: [key]", &with).await;
    let answer = stage.output(job).await;
    assert_eq!(answer["headers"]["authorization"], "Bearer <token>", "{answer}");
    let calls = callee.calls();
    let paths: Vec<_> = calls.iter().map(|call| call.path.as_str()).collect();
    assert_eq!(paths, ["/oauth2/token", "/mirror"]);
    assert!(calls[0].body.contains("s3cr3t"), "{}", calls[0].body);
    assert_eq!(calls[1].authorization, format!("Bearer {}", crate::stage::TOKEN));
    is_nowhere(&stage, job, SECRET).await;
    is_nowhere(&stage, job, crate::stage::TOKEN).await;
    stage.verify(job).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_gets_the_values_that_its_input_reads() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    set(&stage, "region", VariableKind::Config, json!("north")).await;
    stage.put("child", "}\ndo: [{done: {set: '${ . }'}}]\n", (&[], &[])).await;
    let document = "}\nschedule: {on: {one: {with: {type: go}}}}\ndo:\n- call: {run: {workflow: {namespace: test, name: child, version: latest, input: {region: {$variable: region}}}}}\n";
    stage.deploy("w", document).await;
    let job = stage.go(json!({})).await;
    assert_eq!(stage.output(job).await, json!({"region": "north"}));
    stage.verify(job).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grpc_call_authenticates_and_its_secrets_stay_inside() {
    let (heard, address) = grpc_callee::serve().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    set(&stage, "key", VariableKind::Secret, json!(SECRET)).await;
    let document = format!(
        "}}\nschedule: {{on: {{one: {{with: {{type: go}}}}}}}}\nuse: {{secrets: [key]}}\ndo:\n- say: {{call: grpc, with: {{proto: {{endpoint: 'https://x/echo.proto'}}, service: {{name: Echo, host: 127.0.0.1, port: {}, authentication: {{bearer: {{token: '${{ $secrets.key }}'}}}}}}, method: Say, arguments: {{text: '${{ $secrets.key }}'}}}}}}\n",
        address.port()
    );
    let definition = PinnedFile {
        uri: "https://x/echo.proto".to_owned(),
        content: Ok(grpc_callee::DEFINITION.to_owned()),
    };
    let put = stage.resource("w", "1.0.0", &document, (&["go"], &[]));
    stage.save(PutResource { files: vec![definition], ..put }).await;
    let job = stage.go(json!({})).await;
    assert_eq!(stage.output(job).await, json!({"text": "<secret:key>"}));
    assert_eq!(heard.lock().expect("no holder panics").clone(), [format!("Bearer {SECRET}")]);
    is_nowhere(&stage, job, SECRET).await;
    stage.verify(job).await;
    stage.stop().await;
}
