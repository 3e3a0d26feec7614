//! Documents as they are published: each operation makes a request or says why not.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value};
use tenon_openapi::{Api, Operation};

/// Per document: operations, and those that only say why they cannot be called, by the reason.
const EXPECTED: &str = "
api.github.com: 845
asana.com: 167; 1 multipart
jira: 499
notion.com: 13
openai.com: 28; 5 multipart
slack.com: 174
spotify.com: 88
stripe.com: 452; 1 multipart
xkcd.com: 2
";

/// The least that can be given.
fn minimal(operation: &Operation) -> Map<String, Value> {
    let required = operation.parameters().iter().filter(|parameter| parameter.required());
    let mut given: Map<String, Value> =
        required.map(|parameter| (parameter.name().to_owned(), Value::from("x"))).collect();
    for member in operation.required_members() {
        given.insert(member.clone(), Value::from("x"));
    }
    if operation.requires_body() {
        given.insert("body".to_owned(), Value::from("x"));
    }
    given
}

#[track_caller]
fn check_request(name: &str, operation: &Operation) -> Result<(), String> {
    let call = operation
        .request(&minimal(operation), "https://docs.example/openapi.json")
        .map_err(|error| error.to_string())?;
    assert!(call.url.starts_with("http"), "{name}: {call:?}");
    assert!(!call.url.contains(['{', '}']), "{name}: {call:?}");
    assert_eq!(call.body.is_some(), operation.requires_body() || !operation.required_members().is_empty());
    Ok(())
}

#[test]
fn every_operation_makes_a_request_or_says_why_not() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/openapi");
    let entries =
        fs::read_dir(&folder).expect("real documents belong beside the checkout, in ../shared/openapi");
    let mut found = BTreeMap::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let api = Api::parse(&fs::read_to_string(&path).unwrap()).unwrap();
        let reasons: Vec<String> =
            api.operations().filter_map(|operation| check_request(&name, operation).err()).collect();
        let multipart = reasons.iter().filter(|reason| reason.contains("multipart")).count();
        let operations = api.operations().len();
        let line = if multipart > 0 {
            format!("{operations}; {multipart} multipart")
        } else {
            operations.to_string()
        };
        let others: Vec<&String> = reasons.iter().filter(|reason| !reason.contains("multipart")).collect();
        assert!(others.is_empty(), "{name}: {others:#?}");
        found.insert(name, line);
    }
    let found: Vec<String> = found.iter().map(|(name, line)| format!("{name}: {line}")).collect();
    assert_eq!(found.join("\n"), EXPECTED.trim());
}
