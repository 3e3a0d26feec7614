//! `call: openapi` and `call: grpc`, and what becomes of files that could not be had.

use std::sync::Arc;

use serde_json::{Value, json};
use tenon_engine::{EffectAction, Execution, Finished, GrpcRequest, HttpRequest, Progress};
use tenon_workflow::{Document, Files, Program, compile_with};

use crate::world::{World, answered, check_fault, echo, job};

const API: &str = "
openapi: 3.0.0
servers: [{url: /v1}]
paths:
  /pets/{id}:
    get:
      operationId: getPet
      parameters:
        - {name: id, in: path, required: true, schema: {type: integer}}
        - {name: tag, in: query, schema: {type: array, items: {type: string}}}
        - {name: X-Trace, in: header, schema: {type: string}}
  /pets:
    post:
      operationId: addPet
      requestBody: {required: true, content: {application/json: {schema: {type: object}}}}
";

const PROTO: &str = "syntax = \"proto3\";";

fn program(tasks: &str) -> Arc<Program> {
    let source =
        format!("document: {{dsl: '1.0.3', namespace: test, name: test, version: '1.0.0'}}\n{tasks}");
    let document = Document::parse(&source).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let files = [
        ("https://pets.example/api.yaml", Ok(API)),
        ("https://pets.example/greet.proto", Ok(PROTO)),
        ("https://pets.example/gone.yaml", Err("404 Not Found".to_owned())),
    ];
    let files: Files =
        files.map(|(uri, content)| (uri.to_owned(), content.map(Arc::from))).into_iter().collect();
    Arc::new(compile_with(&document, &files).unwrap_or_else(|errors| panic!("{errors:#?}")))
}

fn openapi(with: &str) -> String {
    format!(
        "do: [{{a: {{call: openapi, with: {{document: {{endpoint: 'https://pets.example/api.yaml'}}, {with}}}}}}}]"
    )
}

/// What the first task asks for, or the error that it ends with: its last part, status and detail.
fn asked(tasks: &str, input: Value) -> Result<EffectAction, (String, u16, String)> {
    let mut execution = Execution::new(job(&program(tasks), &input));
    match execution.resume() {
        Progress::Blocked => Ok(execution.take_effects().remove(0).action),
        Progress::Finished => match execution.finished() {
            Some(Finished::Faulted(error)) => {
                assert_eq!(error.instance, "/do/0/a");
                let kind = error.r#type.rsplit('/').next().unwrap_or_default().to_owned();
                Err((kind, error.status, error.detail.clone().unwrap_or_default()))
            }
            other => panic!("{other:?}"),
        },
        Progress::Yielded => panic!("one task is no slice"),
    }
}

fn request(tasks: &str, input: Value) -> HttpRequest {
    match asked(tasks, input) {
        Ok(EffectAction::Http(request)) => *request,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refused(tasks: &str, input: Value, kind: &str, detail: &str) {
    match asked(tasks, input) {
        Err((found, 400, said)) => {
            assert_eq!(found, kind, "{said}");
            assert!(said.contains(detail), "{said}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_operation_makes_the_request() {
    let call = openapi("operationId: getPet, parameters: {id: '${ .id }', tag: [a, b], X-Trace: t}");
    let made = request(&call, json!({"id": 7}));
    assert_eq!((made.method.as_str(), made.url.as_str()), ("GET", "https://pets.example/v1/pets/7"));
    assert_eq!(made.query, [("tag".to_owned(), "a".to_owned()), ("tag".to_owned(), "b".to_owned())]);
    assert_eq!(made.headers, [("X-Trace".to_owned(), "t".to_owned())]);
    assert!(made.body.is_none() && made.deferred.is_none());
    let made =
        request(&openapi("operationId: addPet, parameters: {name: '${ .name }'}"), json!({"name": "Rex"}));
    assert_eq!((made.method.as_str(), &made.body), ("POST", &Some(json!({"name": "Rex"}))));
    assert_eq!(made.headers, [("content-type".to_owned(), "application/json".to_owned())]);
}

#[test]
fn its_answer_is_read_as_the_document_says() {
    let answer = |request: &HttpRequest, _: u32| answered(request, 200, &json!({"id": 7}));
    for (output, expected) in [
        ("content", json!({"id": 7})),
        ("raw", json!("eyJpZCI6N30=")),
        (
            "response",
            json!({
                "request": {"method": "GET", "uri": "https://pets.example/v1/pets/7", "headers": {}},
                "statusCode": 200,
                "headers": {"content-type": "application/json"},
                "content": {"id": 7},
            }),
        ),
    ] {
        let call = openapi(&format!("operationId: getPet, parameters: {{id: 7}}, output: {output}"));
        let run = World::new(&answer).run_from(job(&program(&call), &json!({})), &[]);
        assert_eq!(run.finished, Finished::Completed(expected.into()), "{output}");
    }
}

#[test]
fn what_does_not_fit_an_operation_is_an_error_of_the_task() {
    refused(&openapi("operationId: getPat"), json!({}), "configuration", "did you mean `getPet`?");
    refused(&openapi("operationId: getPet"), json!({}), "validation", "`id`");
    refused(&openapi("operationId: getPet, parameters: {id: 1, x: 2}"), json!({}), "configuration", "`x`");
    refused(&openapi("operationId: addPet"), json!({}), "validation", "`body`");
    refused(
        &openapi("operationId: '${ .n }'"),
        json!({"n": 5}),
        "expression",
        "`operationId` must be a string",
    );
}

#[test]
fn a_file_that_could_not_be_had_is_a_configuration_error() {
    let gone = openapi("operationId: getPet").replace("api.yaml", "gone.yaml");
    refused(&gone, json!({}), "configuration", "404 Not Found");
    let never = openapi("operationId: getPet").replace("api.yaml", "never.yaml");
    refused(&never, json!({}), "configuration", "apply the workflow again");
    let schema =
        "do: [{a: {set: {x: 1}, input: {schema: {resource: {endpoint: 'https://pets.example/gone.yaml'}}}}}]";
    refused(schema, json!({}), "configuration", "404 Not Found");
    for place in ["output", "export"] {
        refused(&schema.replace("input", place), json!({}), "configuration", "404 Not Found");
    }
    check_fault(
        "input: {schema: {resource: {endpoint: 'https://pets.example/gone.yaml'}}}\ndo: []",
        json!({}),
        &echo,
        ("configuration", 400, "/input"),
    );
}

// --- grpc ---

fn grpc(service: &str, rest: &str) -> String {
    format!(
        "do: [{{a: {{call: grpc, with: {{proto: {{endpoint: 'https://pets.example/greet.proto'}}, service: {{{service}}}, method: SayHello{rest}}}}}}}]"
    )
}

#[test]
fn a_grpc_call_asks_for_what_it_says() {
    let call =
        grpc("name: g.Greeter, host: '${ .host }', port: '${ .port }'", ", arguments: {name: '${ .name }'}");
    let input = json!({"host": "localhost", "port": 5011, "name": "Ann"});
    let Ok(EffectAction::Grpc(request)) = asked(&call, input.clone()) else { panic!("not a gRPC call") };
    let GrpcRequest { definition, service, host, port, method, arguments, authentication, deferred } =
        *request;
    assert_eq!((&*definition, service.as_str(), method.as_str()), (PROTO, "g.Greeter", "SayHello"));
    assert_eq!((host.as_str(), port, arguments), ("localhost", Some(5011), json!({"name": "Ann"})));
    assert!(authentication.is_none() && deferred.is_none());
    let run = World::new(&echo).run_from(job(&program(&call), &input), &[]);
    let expected = json!({"method": "SayHello", "arguments": {"name": "Ann"}});
    assert_eq!(run.finished, Finished::Completed(expected.into()));
    let bare = grpc("name: g.Greeter, host: h", "");
    let Ok(EffectAction::Grpc(request)) = asked(&bare, json!({})) else { panic!("not a gRPC call") };
    assert_eq!((request.port, request.arguments), (None, json!({})));
}

#[test]
fn what_does_not_fit_a_grpc_call_is_an_error_of_the_task() {
    let port = grpc("name: g, host: h, port: '${ .port }'", "");
    for wrong in [json!("x"), json!(70_000), json!(-1), json!(1.5)] {
        refused(&port, json!({"port": wrong}), "expression", "`port` must be a whole number from 0 to 65535");
    }
    refused(&grpc("name: '${ 5 }', host: h", ""), json!({}), "expression", "`service.name` must be a string");
    let gone = grpc("name: g, host: h", "").replace("greet.proto", "gone.yaml");
    refused(&gone, json!({}), "configuration", "404 Not Found");
}
