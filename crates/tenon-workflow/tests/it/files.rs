//! Files that documents refer to: which there are, and what becomes of them.

use std::sync::Arc;

use tenon_workflow::{Action, FileKind, FileReference, Files, Program, compile_with, references};

use crate::documents::document;

const PARTS: &str = "\
input: {schema: {resource: {endpoint: https://x/order.json}}}
use:
  functions:
    f: {call: openapi, with: {document: {endpoint: {uri: https://x/api.yaml}}, operationId: find}}
do:
  - a: {call: f}
  - b: {call: openapi, with: {document: {endpoint: https://x/api.yaml}, operationId: find}}
  - c: {call: grpc, with: {proto: {endpoint: http://x/greet.proto}, service: {name: g, host: h}, method: m}}
  - d: {set: {x: 1}, export: {schema: {resource: {endpoint: https://x/context.json}}}}
";

fn compiled(files: &[(&str, Result<&str, &str>)]) -> Program {
    let files: Files = files
        .iter()
        .map(|(uri, content)| ((*uri).to_owned(), content.map(Arc::from).map_err(str::to_owned)))
        .collect();
    compile_with(&document(PARTS), &files).expect("it compiles, whatever became of its files")
}

fn task<'p>(program: &'p Program, name: &str) -> &'p tenon_workflow::Task {
    program.tasks.iter().find(|task| task.name == name).expect("there is such a task")
}

#[test]
fn references_are_listed() {
    let found: Vec<(String, String, FileKind)> = references(&document(PARTS))
        .into_iter()
        .map(|FileReference { uri, pointer, kind }| (uri, pointer, kind))
        .collect();
    let expected = [
        ("https://x/order.json", "/input/schema/resource/endpoint", FileKind::Schema),
        ("https://x/api.yaml", "/use/functions/f/with/document/endpoint/uri", FileKind::OpenApi),
        ("https://x/api.yaml", "/do/1/b/with/document/endpoint", FileKind::OpenApi),
        ("http://x/greet.proto", "/do/2/c/with/proto/endpoint", FileKind::Proto),
        ("https://x/context.json", "/do/3/d/export/schema/resource/endpoint", FileKind::Schema),
    ];
    let expected: Vec<(String, String, FileKind)> =
        expected.map(|(uri, pointer, kind)| (uri.to_owned(), pointer.to_owned(), kind)).to_vec();
    assert_eq!(found, expected);
    assert_eq!(references(&document("do: []\n")), []);
}

#[test]
fn contents_are_used() {
    let api = "openapi: 3.0.0\nservers: [{url: https://y}]\npaths: {/pets: {get: {operationId: find}}}\n";
    let program = compiled(&[
        ("https://x/order.json", Ok("{\"type\": \"object\", \"required\": [\"id\"]}")),
        ("https://x/api.yaml", Ok(api)),
        ("http://x/greet.proto", Ok("syntax = \"proto3\";")),
        ("https://x/context.json", Ok("type: string\n")),
    ]);
    let schema = program.input.schema.as_ref().expect("a schema");
    assert_eq!(schema.reason(), None);
    assert!(schema.check(&serde_json::json!({})).is_err());
    assert!(schema.check(&serde_json::json!({"id": 1})).is_ok());
    let Action::CallOpenApi(call) = &task(&program, "b").action else { panic!("not an OpenAPI call") };
    assert!(call.api.as_ref().expect("it was read").operation("find").is_some());
    let Action::CallGrpc(call) = &task(&program, "c").action else { panic!("not a gRPC call") };
    assert_eq!(call.definition.as_deref(), Ok("syntax = \"proto3\";"));
    let export = task(&program, "d").export.as_ref().expect("an export");
    assert_eq!(export.schema.as_ref().and_then(|schema| schema.reason()), None);
}

#[test]
fn what_is_wrong_with_them_is_kept() {
    let reasons = |content: Result<&str, &str>| {
        let uris = ["https://x/order.json", "https://x/api.yaml", "http://x/greet.proto"];
        let program = compiled(&uris.map(|uri| (uri, content)));
        let schema = program.input.schema.as_ref().expect("a schema").reason().map(str::to_owned);
        let Action::CallOpenApi(call) = &task(&program, "b").action else { panic!("not an OpenAPI call") };
        [schema.unwrap_or_default(), call.api.as_ref().err().cloned().unwrap_or_default()]
    };
    for reason in reasons(Err("404 Not Found")) {
        assert!(
            reason.contains("could not be fetched when the workflow was applied (404 Not Found)"),
            "{reason}"
        );
        assert!(reason.ends_with("apply the workflow again once it can"), "{reason}");
    }
    for reason in reasons(Ok("{[")) {
        assert!(reason.contains("cannot be used") && reason.contains("https://x/"), "{reason}");
    }
    let program = compiled(&[("https://x/order.json", Ok("{\"$ref\": \"https://x/other.json\"}"))]);
    let reason = program.input.schema.as_ref().and_then(|schema| schema.reason()).expect("it has one");
    assert!(reason.contains("cannot refer to other addresses"), "{reason}");
    let program = compiled(&[]);
    let schema = program.input.schema.as_ref().expect("a schema");
    assert!(schema.reason().expect("nothing was fetched").contains("was not fetched"));
    assert!(schema.check(&serde_json::json!({"id": 1})).is_err(), "no value passes it");
}
