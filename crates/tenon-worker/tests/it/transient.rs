//! Programs that run in memory, as pollers use them: what comes back, and that nothing secret does.

use std::sync::Arc;

use serde_json::{Value, json};
use tenon_capture::trigger::Trigger;
use tenon_capture::{CallError, Calls, StoredVariables};
use tenon_outbound::{AddressRules, HttpClient, PrivateAddresses};
use tenon_store::VariableKind;
use tenon_worker::{Parts, Transient};
use tenon_workflow::{Document, Program};

use crate::deferred::set;
use crate::stage::{Callee, Stage, open};

fn transient(stage: &Stage) -> Transient {
    let addresses = AddressRules { private: PrivateAddresses::Allow, ..AddressRules::default() };
    let http =
        HttpClient::new(tenon_outbound::Options { addresses, ..Default::default() }).expect("a client");
    let variables = Arc::new(StoredVariables::new(Arc::clone(&stage.store)));
    Transient::new(Parts { capture: stage.capture.clone(), http, variables })
}

/// The program of a poller with these arguments of `call: http`.
fn poller(with: &str) -> Arc<Program> {
    let source = format!(
        "kind: poll\nevery: PT1M\ncall: http\nwith: {{ {with} }}\nuse: {{ secrets: [{}] }}\n",
        if with.contains("$secrets") { "key" } else { "" }
    );
    match Trigger::parse(&source) {
        Ok(Trigger::Poll(poll)) => Arc::clone(poll.program()),
        other => panic!("not a poller: {other:?}"),
    }
}

fn program(body: &Value) -> Arc<Program> {
    let document = json!({
        "document": {"dsl": "1.0.3", "namespace": "test", "name": "p", "version": "1.0.0"}, "do": body,
    });
    let document = Document::parse(&document.to_string()).expect("JSON");
    Arc::new(tenon_workflow::compile(&document).unwrap_or_else(|findings| panic!("{findings:?}")))
}

async fn call(stage: &Stage, program: Arc<Program>, input: Value) -> Result<Value, CallError> {
    transient(stage).call(stage.workspace, program, input).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pollers_call_reads_its_cursor_and_gives_the_answer() {
    let (callee, address) = Callee::serve().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    let with =
        format!("method: get, endpoint: 'http://{address}/items', query: {{ since: '${{ $cursor.at }}' }}");
    let answer = call(&stage, poller(&with), json!({"at": "2026-01-01"})).await.expect("answered");
    assert_eq!(answer["path"], "/items");
    let calls = callee.calls();
    assert_eq!((calls[0].query.as_str(), calls[0].attempt.as_str()), ("since=2026-01-01", "1"));
    assert!(calls[0].key.starts_with("job_"), "{calls:?}");
    assert!(stage.jobs().await.is_empty(), "no job was made");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_go_out_and_do_not_come_back() {
    const SECRET: &str = "s3cr3t-of-the-crm";
    let (callee, address) = Callee::serve().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    set(&stage, "key", VariableKind::Secret, json!(SECRET)).await;
    let with = |path: &str| {
        format!(
            "method: get, endpoint: 'http://{address}{path}', query: {{ key: '${{ $secrets.key }}', since: '${{ $cursor }}' }}"
        )
    };
    let answer = call(&stage, poller(&with("/mirror")), json!(7)).await.expect("answered");
    assert!(callee.calls()[0].query.contains(SECRET), "the callee gets it");
    assert!(!answer.to_string().contains("s3cr3t"), "{answer}");
    let error = call(&stage, poller(&with("/refuse")), json!(7)).await.expect_err("refused").0;
    assert!(!error.to_string().contains("s3cr3t"), "{error}");
    assert_eq!((&error["status"], &error["title"]), (&json!(500), &json!("Communication Error")));
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_wait_in_memory_and_what_needs_a_job_is_refused() {
    let (callee, address) = Callee::serve().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    let retry = json!([{"try": {
        "try": [{"ask": {"call": "http", "with": {"method": "get", "endpoint": format!("http://{address}/fail/2")}}}],
        "catch": {"retry": {"delay": {"milliseconds": 5}, "limit": {"attempt": {"count": 5}}}},
    }}]);
    let answer = call(&stage, program(&retry), Value::Null).await.expect("answered");
    assert_eq!((&answer["path"], callee.calls().len()), (&json!("/fail/2"), 3));
    let emit = json!([{"tell": {"emit": {"event": {"with": {"source": "/x", "type": "x"}}}}}]);
    let error = call(&stage, program(&emit), Value::Null).await.expect_err("refused").0;
    assert!(error["detail"].as_str().is_some_and(|detail| detail.contains("only calls")), "{error}");
    stage.stop().await;
}
