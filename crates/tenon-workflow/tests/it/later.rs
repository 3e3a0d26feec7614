//! What is valid but not executable in this version: refused, with its place, the reason and what to do instead.

use crate::documents::{refused, says};

fn task(fields: &str) -> String {
    format!("do:\n  - a:\n      {}\n", fields.replace('\n', "\n      "))
}

#[test]
fn processes() {
    refused(&task("run: {shell: {command: ls}}"), &["8 /do/0/a/run/shell TN1401"]);
    refused(&task("run: {script: {language: js, code: x}}"), &["8 /do/0/a/run/script TN1401"]);
    refused(&task("run: {container: {image: x}}"), &["8 /do/0/a/run/container TN1401"]);
    says(
        &task("run: {shell: {command: ls}}"),
        "`run: shell` would run commands on the server itself, which this version of Tenon never does",
        Some("let a service of yours run the command, and reach it by `call: http`"),
    );
}

#[test]
fn protocols() {
    for (call, with) in [
        ("asyncapi", "document: {endpoint: http://x}, operation: x, message: {}"),
        ("a2a", "server: http://x, method: tasks/get"),
        ("mcp", "method: tools/list, transport: {stdio: {command: x}}"),
    ] {
        refused(&task(&format!("call: {call}\nwith: {{{with}}}")), &["8 /do/0/a/call TN1402"]);
    }
}

#[test]
fn functions_of_catalogs() {
    for call in ["crm.contacts.list", "log:0.5.2@global", "https://example.com/log/function.yaml", "crm/list"]
    {
        refused(&task(&format!("call: '{call}'\nwith: {{any: thing}}")), &["8 /do/0/a/call TN1402"]);
    }
    says(
        &task("call: log:0.5.2@global"),
        "functions by address or from a catalog come with the function catalog, which this version of Tenon does \
         not have",
        Some("define the function under `use.functions` and call it by its name"),
    );
}

#[test]
fn parts() {
    for (parts, expected) in [
        ("use: {catalogs: {x: {endpoint: http://x}}}\ndo: []\n", "6 /use/catalogs TN1403"),
        ("schedule: {on: {one: {with: {type: '${ .x }'}}}}\ndo: []\n", "6 /schedule/on/one/with/type TN1205"),
    ] {
        refused(parts, &[expected]);
    }
}

#[test]
fn files_that_cannot_be_fetched() {
    let schema =
        |endpoint: &str| format!("input: {{schema: {{resource: {{endpoint: {endpoint}}}}}}}\ndo: []\n");
    for endpoint in ["file://app/x.json", "'${ .x }'", "'https://x/{id}'", "s3://bucket/x"] {
        refused(&schema(endpoint), &["6 /input/schema/resource/endpoint TN1406"]);
    }
    refused(&schema("x.json"), &["6 /input/schema/resource/endpoint TN1302"]);
    refused(
        &schema("{uri: http://x, authentication: {bearer: {token: x}}}"),
        &["6 /input/schema/resource/endpoint/authentication TN1406"],
    );
    says(
        &schema("file://app/x.json"),
        "a file that the workflow refers to is fetched when it is applied, from a literal http or https address",
        Some("put the file where the server can fetch it, e.g. `https://example.com/greet.proto`"),
    );
}

#[test]
fn what_is_inside_is_still_checked() {
    refused(&task("run: {container: {name: x}}"), &["8 /do/0/a/run/container TN1011"]);
    refused(&task("call: asyncapi\nwith: {operation: x, message: {}}"), &["9 /do/0/a/with TN1011"]);
    refused(&task("call: crm.list\nwith: {x: '${ $nothing }'}"), &["9 /do/0/a/with/x TN1201"]);
}

#[test]
fn all_parts_are_named() {
    refused(
        "use: {catalogs: {}}\ndo:\n  - a:\n      run: {script: {language: js, code: x}}\n  - b:\n      run: {shell: {command: x}}\n",
        &["6 /use/catalogs TN1403", "9 /do/0/a/run/script TN1401", "11 /do/1/b/run/shell TN1401"],
    );
}
