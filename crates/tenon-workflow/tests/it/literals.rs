//! Literal values that can be judged at deploy.

use crate::documents::{accepted, findings, place, refused, says, workflow};

fn call(with: &str) -> String {
    format!("do:\n  - a:\n      call: http\n      with: {{{with}}}\n")
}

#[test]
fn names_and_versions() {
    for (name, fits) in [
        ("a", true),
        ("a-b", true),
        ("A9", true),
        ("-a", false),
        ("a_b", false),
        ("a b", false),
        ("a.b", false),
    ] {
        let found = findings(&workflow("do: []\n").replace("name: test\n", &format!("name: {name}\n")));
        assert_eq!(found.is_empty(), fits, "{name}");
    }
    for (version, fits) in [
        ("1.0.0", true),
        ("0.1.0-beta.1+5", true),
        ("1.0", false),
        ("v1.0.0", false),
        ("01.0.0", false),
        ("1.0.0-01", false),
        ("1.0.0-", false),
    ] {
        let found =
            findings(&workflow("do: []\n").replace("version: 1.0.0", &format!("version: '{version}'")));
        assert_eq!(found.is_empty(), fits, "{version}");
        assert!(found.iter().all(|finding| place(finding) == "5 /document/version TN1014"));
    }
    let found = findings(&workflow("do: []\n").replace("version: 1.0.0", "version: 1.10"));
    assert_eq!(found[0].hint.as_deref(), Some("put it into quotes to make it text: \"1.10\""));
}

#[test]
fn durations() {
    refused("do:\n  - a:\n      wait: 5 minutes\n", &["8 /do/0/a/wait TN1301"]);
    refused("do:\n  - a:\n      wait: {}\n", &["8 /do/0/a/wait TN1301"]);
    refused("do:\n  - a:\n      wait: {minute: 1}\n", &["8 /do/0/a/wait TN1301"]);
    refused("timeout: {after: P1Y}\ndo: []\n", &["6 /timeout/after TN1301"]);
    accepted("timeout: {after: '${ $runtime.metadata.patience }'}\ndo: []\n");
    let source =
        workflow("do: []\n").replace("  version:", "  metadata: {tenon: {dedupFor: '${ .x }'}}\n  version:");
    assert_eq!(
        findings(&source).iter().map(place).collect::<Vec<_>>(),
        ["5 /document/metadata/tenon/dedupFor TN1205"]
    );
}

#[test]
fn methods() {
    accepted(&call("method: PaTcH, endpoint: 'http://x'"));
    accepted(&call("method: '${ .m }', endpoint: 'http://x'"));
    refused(&call("method: gte, endpoint: 'http://x'"), &["9 /do/0/a/with/method TN1303"]);
    says(
        &call("method: gte, endpoint: 'http://x'"),
        "`gte` is not an HTTP method",
        Some("did you mean `GET`?"),
    );
}

#[test]
fn addresses() {
    for uri in [
        "https://x/{id}/y",
        "https://x/{pet.id}",
        "HTTP://x",
        "{base}/y",
        "${ .url }",
        "http://127.0.0.1:8080?q=1",
    ] {
        accepted(&call(&format!("method: get, endpoint: '{uri}'")));
        accepted(&call(&format!("method: get, endpoint: {{uri: '{uri}'}}")));
    }
    for uri in [
        "",
        "ftp://x",
        "/x",
        "x.com",
        "http://",
        "https:///x",
        "http://a b",
        "http://x/{",
        "http://x/}",
        "http://x/{a b}",
        "http://x/{+a}",
    ] {
        refused(&call(&format!("method: get, endpoint: '{uri}'")), &["9 /do/0/a/with/endpoint TN1302"]);
        refused(
            &call(&format!("method: get, endpoint: {{uri: '{uri}'}}")),
            &["9 /do/0/a/with/endpoint/uri TN1302"],
        );
    }
}

#[test]
fn schemas() {
    accepted("input: {schema: {document: {type: object}}}\ndo: []\n");
    accepted("input: {schema: {format: 'json:2020-12', document: {type: object}}}\ndo: []\n");
    refused(
        "input: {schema: {document: {type: objekt}}}\ndo: []\n",
        &["6 /input/schema/document/type TN1305"],
    );
    refused(
        "input: {schema: {document: {$ref: 'http://example.com/x'}}}\ndo: []\n",
        &["6 /input/schema/document TN1305"],
    );
    refused("input: {schema: {format: avro, document: {}}}\ndo: []\n", &["6 /input/schema/format TN1013"]);
}

#[test]
fn pointers_and_moments() {
    let mask = |pointer: &str| {
        workflow("do: []\n")
            .replace("  version:", &format!("  metadata: {{tenon: {{mask: ['{pointer}']}}}}\n  version:"))
    };
    for (pointer, fits) in [
        ("/data/card", true),
        ("", true),
        ("/a~1b/~0", true),
        ("data", false),
        ("/a~2", false),
        ("/a~", false),
    ] {
        let found: Vec<String> = findings(&mask(pointer)).iter().map(place).collect();
        let is_refused = found.iter().any(|found| found == "5 /document/metadata/tenon/mask/0 TN1306");
        assert_eq!(is_refused, !fits, "{pointer}: {found:?}");
    }
    let emit =
        |time: &str| format!("do:\n  - a:\n      emit: {{event: {{with: {{type: x, time: '{time}'}}}}}}\n");
    accepted(&emit("2027-01-01T00:00:00Z"));
    accepted(&emit("${ .when }"));
    refused(&emit("tomorrow"), &["8 /do/0/a/emit/event/with/time TN1308"]);
}

#[test]
fn patterns_of_filters() {
    let on =
        |pattern: &str| format!("schedule: {{on: {{one: {{with: {{source: '{pattern}'}}}}}}}}\ndo: []\n");
    accepted(&on("https://.*"));
    refused(&on(&format!("({})*", "a".repeat(1024))), &["6 /schedule/on/one/with/source TN1307"]);
    refused(&on("((a{100}){100}){100}"), &["6 /schedule/on/one/with/source TN1307"]);
    refused(
        "schedule: {on: {one: {with: {type: null}}}}\ndo: []\n",
        &["6 /schedule/on/one/with/type TN1012"],
    );
}
