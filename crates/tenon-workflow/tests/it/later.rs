//! What is valid but not executable yet: refused, with its place.

use crate::documents::{findings, refused, says, workflow};

fn task(fields: &str) -> String {
    format!("do:\n  - a:\n      {}\n", fields.replace('\n', "\n      "))
}

#[test]
fn tasks() {
    refused(
        &task("fork:\n  branches:\n    - b:\n        listen: {to: {any: []}}"),
        &["8 /do/0/a/fork TN1401"],
    );
    refused(&task("listen: {to: {any: []}}"), &["8 /do/0/a/listen TN1401"]);
    refused(&task("run: {shell: {command: ls}}"), &["8 /do/0/a/run TN1401"]);
    refused(&task("run: {script: {language: js, code: x}}"), &["8 /do/0/a/run TN1401"]);
    refused(&task("run: {container: {image: x}}"), &["8 /do/0/a/run TN1401"]);
    refused(&task("run: {workflow: {namespace: a, name: b, version: 1.0.0}}"), &["8 /do/0/a/run TN1401"]);
    says(&task("fork: {branches: []}"), "`fork` is not executable yet in this version of Tenon", None);
}

#[test]
fn calls() {
    let document = "document: {endpoint: http://x}";
    for (call, with) in [
        ("openapi", format!("{document}, operationId: x")),
        ("grpc", "proto: {endpoint: file://x}, service: {name: a, host: b}, method: c".to_owned()),
        ("asyncapi", format!("{document}, operation: x, message: {{}}")),
        ("a2a", "server: http://x, method: tasks/get".to_owned()),
        ("mcp", "method: tools/list, transport: {stdio: {command: x}}".to_owned()),
        ("crm.contacts.list", "any: thing".to_owned()),
        ("log:0.5.2@global", "message: x".to_owned()),
    ] {
        refused(&task(&format!("call: {call}\nwith: {{{with}}}")), &["8 /do/0/a/call TN1402"]);
    }
    says(
        &task("call: htpp\nwith: {}"),
        "calling the function `htpp` is not executable yet in this version of Tenon",
        Some("did you mean `http`?"),
    );
}

#[test]
fn parts() {
    let endpoint =
        "call: http\nwith:\n  method: get\n  endpoint: {uri: http://x, authentication: {bearer: {token: x}}}";
    refused(&task(endpoint), &["11 /do/0/a/with/endpoint/authentication TN1404"]);
    for (parts, expected) in [
        ("use: {secrets: [x]}\ndo: []\n", "6 /use/secrets TN1405"),
        ("use: {authentications: {x: {bearer: {token: y}}}}\ndo: []\n", "6 /use/authentications TN1404"),
        ("use: {catalogs: {x: {endpoint: http://x}}}\ndo: []\n", "6 /use/catalogs TN1403"),
        ("use: {functions: {x: {set: {y: 1}}}}\ndo: []\n", "6 /use/functions TN1403"),
        ("use: {extensions: [{x: {extend: all}}]}\ndo: []\n", "6 /use/extensions TN1403"),
        ("schedule: {every: PT1M}\ndo: []\n", "6 /schedule/every TN1403"),
        ("schedule: {cron: 0 0 * * *}\ndo: []\n", "6 /schedule/cron TN1403"),
        ("schedule: {after: PT1M}\ndo: []\n", "6 /schedule/after TN1403"),
        ("schedule: {on: {all: []}}\ndo: []\n", "6 /schedule/on/all TN1403"),
        ("schedule: {on: {any: [], until: .x}}\ndo: []\n", "6 /schedule/on/until TN1403"),
        (
            "schedule: {on: {one: {with: {type: x}, correlate: {k: {from: .x}}}}}\ndo: []\n",
            "6 /schedule/on/one/correlate TN1403",
        ),
        ("schedule: {on: {one: {with: {type: '${ .x }'}}}}\ndo: []\n", "6 /schedule/on/one/with/type TN1403"),
        ("input: {schema: {resource: {endpoint: http://x}}}\ndo: []\n", "6 /input/schema/resource TN1403"),
    ] {
        refused(parts, &[expected]);
    }
    let source = workflow("do: []\n")
        .replace("  version:", "  metadata: {tenon: {timeZone: Europe/Berlin}}\n  version:");
    assert_eq!(findings(&source)[0].code, "TN1403");
}

#[test]
fn what_is_inside_is_still_checked() {
    refused(
        &task("fork:\n  branches:\n    - b:\n        set: {}"),
        &["11 /do/0/a/fork/branches/0/b/set TN1016"],
    );
    refused(&task("call: openapi\nwith: {operationId: x}"), &["9 /do/0/a/with TN1011"]);
    refused(
        &task("listen: {to: {any: []}}\nforeach:\n  item: e\n  do:\n    - b:\n        set: '${ $x }'"),
        &["13 /do/0/a/foreach/do/0/b/set TN1201"],
    );
}

#[test]
fn all_parts_are_named() {
    refused(
        "schedule: {cron: 0 0 * * *}\nuse: {secrets: [x]}\ndo:\n  - a:\n      fork: {branches: []}\n  - b:\n      run: {shell: {command: x}}\n",
        &[
            "6 /schedule/cron TN1403",
            "7 /use/secrets TN1405",
            "10 /do/0/a/fork TN1401",
            "12 /do/1/b/run TN1401",
        ],
    );
}
