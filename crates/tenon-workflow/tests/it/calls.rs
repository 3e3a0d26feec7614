//! The kinds of `call`, how they authenticate, and functions.

use serde_json::{Value, json};
use tenon_workflow::{
    Action, AuthenticationScheme, AuthenticationSource, FunctionCall, GrpcCall, HttpCall, HttpOutput,
    OpenApiCall, Program, Task,
};

use crate::documents::{accepted, many, program, refused, says};

fn call(fields: &str) -> String {
    format!("use: {{secrets: [s]}}\ndo:\n  - a:\n      {}\n", fields.replace('\n', "\n      "))
}

fn first(program: &Program) -> &Task {
    program.task(program.block(program.body).tasks[0])
}

#[track_caller]
fn http(program: &Program) -> &HttpCall {
    match &first(program).action {
        Action::CallHttp(call) => call,
        other => panic!("not an HTTP call: {other:?}"),
    }
}

#[track_caller]
fn function(task: &Task) -> &FunctionCall {
    match &task.action {
        Action::CallFunction(call) => call,
        other => panic!("not a call of a function: {other:?}"),
    }
}

fn given(template: &tenon_expr::Template, input: Value) -> Value {
    struct Nothing;
    impl tenon_expr::Scope for Nothing {
        fn variable(&self, _: &str) -> Option<std::borrow::Cow<'_, Value>> {
            None
        }
        fn now(&self) -> f64 {
            0.0
        }
    }
    template.evaluate(&input, &Nothing, &tenon_expr::Limits::default()).expect("it evaluates")
}

#[test]
fn openapi() {
    let program = program(&call(
        "call: openapi\nwith:\n  document: {endpoint: {uri: https://x/api.json}}\n  operationId: find\n  parameters: {id: '${ .id }'}\n  authentication: {basic: {username: u, password: p}}\n  output: response\n  redirect: true",
    ));
    let Action::CallOpenApi(call) = &first(&program).action else { panic!("not an OpenAPI call") };
    let OpenApiCall { document, operation_id, parameters, authentication, output, redirect, api } = &**call;
    assert_eq!(document, "https://x/api.json");
    assert_eq!(given(operation_id, Value::Null), json!("find"));
    assert_eq!(given(parameters.as_ref().expect("parameters"), json!({"id": 5})), json!({"id": 5}));
    assert_eq!(authentication.as_ref().expect("a policy").scheme, AuthenticationScheme::Basic);
    assert_eq!((*output, *redirect), (HttpOutput::Response, true));
    let reason = api.as_ref().expect_err("nothing was fetched");
    assert!(reason.contains("https://x/api.json") && reason.contains("apply the workflow again"), "{reason}");
}

#[test]
fn grpc() {
    let program = program(&call(
        "call: grpc\nwith:\n  proto: {endpoint: https://x/greet.proto}\n  service: {name: a.Greeter, host: localhost, port: 5011, authentication: {bearer: {token: t}}}\n  method: SayHello\n  arguments: {name: '${ .name }'}",
    ));
    let Action::CallGrpc(call) = &first(&program).action else { panic!("not a gRPC call") };
    let GrpcCall { proto, definition, service, host, port, method, arguments, authentication } = &**call;
    assert_eq!(proto, "https://x/greet.proto");
    assert!(definition.is_err());
    assert_eq!(given(service, Value::Null), json!("a.Greeter"));
    assert_eq!(given(host, Value::Null), json!("localhost"));
    assert_eq!(given(port.as_ref().expect("a port"), Value::Null), json!(5011));
    assert_eq!(given(method, Value::Null), json!("SayHello"));
    assert_eq!(given(arguments.as_ref().expect("arguments"), json!({"name": "n"})), json!({"name": "n"}));
    assert_eq!(authentication.as_ref().expect("a policy").scheme, AuthenticationScheme::Bearer);
}

// --- authentication ---

/// The policy of the first task, with its members evaluated.
#[track_caller]
fn policy(parts: &str, input: Value) -> (&'static str, Result<Value, String>) {
    let program = program(parts);
    let policy = http(&program).authentication.as_ref().expect("it authenticates");
    let members = match &policy.source {
        AuthenticationSource::Secret(name) => Err(name.clone()),
        AuthenticationSource::Given(template) => Ok(given(template, input)),
    };
    (policy.scheme.name(), members)
}

fn with_policy(policy: &str) -> String {
    call(&format!(
        "call: http\nwith:\n  method: get\n  endpoint: {{uri: http://x, authentication: {{{policy}}}}}"
    ))
}

#[test]
fn policies() {
    let input = || json!({"password": "p", "tenant": "a b"});
    for (written, scheme, members) in [
        (
            "basic: {username: u, password: '${ .password }'}",
            "basic",
            json!({"username": "u", "password": "p"}),
        ),
        ("bearer: {token: '${ .password }'}", "bearer", json!({"token": "p"})),
        ("digest: {username: u, password: x}", "digest", json!({"username": "u", "password": "x"})),
        (
            "oauth2: {authority: 'https://x/{tenant}/y', grant: client_credentials, client: {id: i, secret: '${ .password }'}, scopes: [api, '${ .password }'], endpoints: {token: '/{tenant}/t'}}",
            "oauth2",
            json!({
                "authority": "https://x/a%20b/y",
                "grant": "client_credentials",
                "client": {"id": "i", "secret": "p"},
                "scopes": ["api", "p"],
                "endpoints": {"token": "/a%20b/t"},
            }),
        ),
        (
            "oidc: {authority: '${ \"https://\" + .password }', grant: password, username: u, password: x}",
            "oidc",
            json!({"authority": "https://p", "grant": "password", "username": "u", "password": "x"}),
        ),
    ] {
        assert_eq!(policy(&with_policy(written), input()), (scheme, Ok(members)), "{written}");
    }
    for scheme in ["basic", "bearer", "digest", "oauth2", "oidc"] {
        let found = policy(&with_policy(&format!("{scheme}: {{use: s}}")), Value::Null);
        assert_eq!(found, (scheme, Err("s".to_owned())));
    }
}

#[test]
fn policies_by_name_are_checked_where_they_are_used() {
    let parts = |token: &str| {
        format!(
            "use:\n  authentications: {{p: {{bearer: {{token: '{token}'}}}}}}\ndo:\n  - a:\n      for: {{in: .x, each: row}}\n      do:\n        - b:\n            call: http\n            with: {{method: get, endpoint: {{uri: http://x, authentication: {{use: p}}}}}}\n"
        )
    };
    accepted(&parts("${ $row.token }"));
    refused(&parts("${ $line.token }"), &["7 /use/authentications/p/bearer/token TN1201"]);
    let named =
        call("call: http\nwith:\n  method: get\n  endpoint: {uri: http://x, authentication: {use: pp}}")
            .replace("use: {", "use: {authentications: {p: {basic: {use: s}}}, ");
    says(&named, "`use.authentications` does not define `pp`", Some("did you mean `p`?"));
    assert_eq!(policy(&named.replace("pp}", "p}"), Value::Null), ("basic", Err("s".to_owned())));
}

#[test]
fn policies_that_are_wrong() {
    for (written, place) in [
        ("basic: {use: other}", "/basic/use TN1103"),
        ("basic: {username: u}", "/basic TN1015"),
        ("basic: {use: s, username: u, password: p}", "/basic TN1015"),
        ("basic: {username: u, password: 7}", "/basic/password TN1012"),
        ("oauth2: {authority: 'https://x'}", "/oauth2 TN1015"),
        ("oauth2: {authority: 'https://x', grant: guess}", "/oauth2/grant TN1013"),
        ("oauth2: {authority: 'ftp://x', grant: password}", "/oauth2/authority TN1302"),
        ("oidc: {authority: 'https://x/{', grant: password}", "/oidc/authority TN1302"),
        ("oidc: {authority: 'https://x', grant: password, endpoints: {}}", "/oidc/endpoints TN1010"),
        ("bearer: {token: '${ .x == }'}", "/bearer/token TN1201"),
        ("use: x, bearer: {token: x}", " TN1015"),
    ] {
        let found = crate::documents::findings(&crate::documents::workflow(&with_policy(written)));
        let places: Vec<String> = found.iter().map(crate::documents::place).collect();
        let expected = format!("12 /do/0/a/with/endpoint/authentication{place}");
        assert!(places.contains(&expected), "{written}: {places:?}");
    }
}

// --- functions ---

#[test]
fn functions_are_lowered_once() {
    let program = program(
        "use:\n  functions:\n    f: {set: {x: '${ .a }'}, then: exit}\ndo:\n  - a: {call: f, with: {a: '${ .b }'}}\n  - b: {call: f}\n",
    );
    let tasks = &program.block(program.body).tasks;
    let (a, b) = (function(program.task(tasks[0])), function(program.task(tasks[1])));
    assert_eq!((a.name.as_str(), a.body), ("f", b.body));
    assert_eq!(given(a.with.as_ref().expect("arguments"), json!({"b": 1})), json!({"a": 1}));
    assert!(b.with.is_none());
    let body = program.block(a.body);
    assert_eq!(body.tasks.len(), 1);
    let task = program.task(body.tasks[0]);
    assert_eq!((task.name.as_str(), task.pointer.as_str(), task.position), ("f", "/use/functions/f", 0));
    assert_eq!(program.tasks.len(), 3);
}

#[test]
fn unknown_functions() {
    says(&call("call: htpp\nwith: {}"), "there is no function `htpp` to call", Some("did you mean `http`?"));
    says(
        "use: {functions: {getPet: {set: {x: 1}}}}\ndo:\n  - a: {call: getPets}\n",
        "there is no function `getPets` to call",
        Some("did you mean `getPet`?"),
    );
    refused(&call("call: nothing"), &["9 /do/0/a/call TN1103"]);
    refused("use: {functions: {http: {set: {x: 1}}}}\ndo: []\n", &["6 /use/functions/http TN1013"]);
}

#[test]
fn functions_see_nothing_of_the_call() {
    let parts = |read: &str| {
        format!(
            "use: {{functions: {{f: {{set: {{x: '{read}'}}}}}}}}\ndo:\n  - a:\n      for: {{in: .x}}\n      do:\n        - b: {{call: f}}\n"
        )
    };
    accepted(&parts("${ $context.x + .y }"));
    refused(&parts("${ $item }"), &["6 /use/functions/f/set/x TN1201"]);
    refused(
        "use: {functions: {f: {set: {x: 1}, then: a}}}\ndo:\n  - a: {call: f}\n",
        &["6 /use/functions/f/then TN1102"],
    );
}

#[test]
fn functions_cannot_call_themselves() {
    refused(
        "use:\n  functions:\n    f: {call: f}\ndo:\n  - a: {call: f}\n",
        &["8 /use/functions/f/call TN1105"],
    );
    let ring = "use:\n  functions:\n    f: {call: g}\n    g: {do: [{x: {call: h}}]}\n    h: {try: [{y: {call: f}}], catch: {}}\ndo: []\n";
    refused(ring, &["10 /use/functions/h/try/0/y/call TN1105"]);
    says(
        ring,
        "the function `f` ends up calling itself here",
        Some("repeat tasks with `for`, or with a `then` that goes back"),
    );
    let row = |length: usize| {
        let functions = many(length, |number| format!("    f{number}: {{call: f{}}}\n", number + 1));
        format!("use:\n  functions:\n{functions}    f{length}: {{set: {{x: 1}}}}\ndo:\n  - a: {{call: f0}}\n")
    };
    accepted(&row(100));
    accepted(
        "use:\n  functions:\n    f: {do: [{x: {call: g}}, {y: {call: g}}]}\n    g: {set: {x: 1}}\ndo: []\n",
    );
}
