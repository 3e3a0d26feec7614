//! The table of shapes itself, and the specification's JSON Schema beside it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tenon_workflow::Document;
use tenon_workflow::shape::{CALLS, Shape, TASK_BASE, TASK_KINDS, WORKFLOW};

fn schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/ows/schema/workflow.yaml");
    let source = fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("{}: {error}; the specification belongs beside the checkout, in ../shared/ows", path.display())
    });
    Document::parse(&source).expect("the schema is YAML").value()
}

fn names<'a>(fields: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    fields.map(str::to_owned).collect()
}

fn keys(value: &Value) -> BTreeSet<String> {
    names(value.as_object().expect("an object of properties").keys().map(String::as_str))
}

fn table(shape: &Shape) -> BTreeSet<String> {
    match shape {
        Shape::Object(object) => names(object.all_fields().map(|field| field.name)),
        Shape::Either(alternatives) => alternatives.iter().flat_map(|shape| table(shape)).collect(),
        _ => BTreeSet::new(),
    }
}

#[test]
fn has_every_part_of_a_document() {
    let schema = schema();
    assert_eq!(names(WORKFLOW.all_fields().map(|field| field.name)), keys(&schema["properties"]));
    for part in ["document", "use", "schedule", "evaluate"] {
        let field = WORKFLOW.field(part).expect(part);
        assert_eq!(table(field.shape), keys(&schema["properties"][part]["properties"]), "{part}");
    }
}

#[test]
fn has_every_task_and_call() {
    let schema = schema();
    assert_eq!(
        names(TASK_BASE.iter().map(|field| field.name)),
        keys(&schema["$defs"]["taskBase"]["properties"])
    );
    for (kind, object) in TASK_KINDS.iter().filter(|(kind, _)| *kind != "call") {
        let expected = &schema["$defs"][format!("{kind}Task")]["allOf"][1]["properties"];
        assert_eq!(names(object.fields.iter().map(|field| field.name)), keys(expected), "{kind}");
        let body = &expected[kind]["properties"];
        if body.is_object() && *kind != "run" {
            assert_eq!(table(object.field(kind).expect(kind).shape), keys(body), "{kind}");
        }
    }
    let calls = schema["$defs"]["callTask"]["oneOf"].as_array().expect("a list of calls");
    for call in calls {
        let properties = &call["allOf"][1]["properties"];
        let Some(name) = properties["call"]["const"].as_str() else { continue };
        let (_, object) = CALLS.iter().find(|(call, _)| *call == name).expect(name);
        let with = object.field("with").expect("calls have arguments");
        assert_eq!(table(with.shape), keys(&properties["with"]["properties"]), "{name}");
    }
    assert_eq!(calls.len(), CALLS.len() + 1);
}

#[test]
fn has_every_shared_definition() {
    let definitions = &schema()["$defs"];
    let task = |kind: &str| TASK_KINDS.iter().find(|(name, _)| *name == kind).expect(kind).1;
    let below = |shape: &'static Shape, name: &str| match shape {
        Shape::Object(object) => object.field(name).expect(name).shape,
        _ => panic!("not an object"),
    };
    let catch = task("try").field("catch").expect("catch").shape;
    assert_eq!(table(below(catch, "retry")), keys(&definitions["retryPolicy"]["properties"]));
    assert_eq!(table(below(below(catch, "errors"), "with")), keys(&definitions["errorFilter"]["properties"]));
    let error = below(task("raise").field("raise").expect("raise").shape, "error");
    assert_eq!(table(error), keys(&definitions["error"]["properties"]));
    let emitted = below(below(task("emit").field("emit").expect("emit").shape, "event"), "with");
    assert_eq!(table(emitted), keys(&definitions["eventProperties"]["properties"]));
    let iterator = task("listen").field("foreach").expect("foreach").shape;
    assert_eq!(table(iterator), keys(&definitions["subscriptionIterator"]["properties"]));
}
