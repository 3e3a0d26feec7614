//! The JSON Schema for editors: what it accepts, what it refuses, and that it says what everything is.

pub(crate) mod mutations;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tenon_workflow::{Document, json_schema};

use crate::documents::workflow;
use crate::examples;

fn validator() -> jsonschema::Validator {
    jsonschema::validator_for(&json_schema()).expect("the schema is one")
}

fn value(source: &str) -> Value {
    Document::parse(source).expect("it is YAML").value()
}

#[track_caller]
fn errors(parts: &str) -> Vec<String> {
    let document = value(&workflow(parts));
    let place = |error: jsonschema::ValidationError<'_>| error.instance_path().to_string();
    validator().iter_errors(&document).map(place).collect()
}

#[track_caller]
fn accepted(parts: &str) {
    let found = errors(parts);
    assert!(found.is_empty(), "{found:?}");
}

#[track_caller]
fn refused(parts: &str) {
    assert!(!errors(parts).is_empty(), "it is accepted");
}

#[test]
fn it_is_a_schema_of_2020_12() {
    let schema = json_schema();
    assert!(jsonschema::meta::is_valid(&schema));
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema, json_schema(), "it is the same each time");
}

#[test]
fn it_accepts_every_example() {
    let validator = validator();
    let mut count = 0;
    for (name, source) in examples::documents("examples") {
        let document = value(&source);
        let found: Vec<String> = validator.iter_errors(&document).map(|error| format!("{error:?}")).collect();
        assert!(found.is_empty(), "{name}: {found:#?}");
        count += 1;
    }
    assert_eq!(count, 68);
}

#[test]
fn it_accepts_the_documents_of_this_project() {
    let validator = validator();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let projects = fs::read_dir(folder).expect("there are examples");
    let folders = projects.map(|project| project.expect("readable").path().join("workflows"));
    let files = folders.filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    let mut count = 0;
    for path in files.map(|file| file.expect("readable").path()) {
        let document = value(&fs::read_to_string(&path).expect("readable"));
        let found: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(found.is_empty(), "{}: {found:#?}", path.display());
        count += 1;
    }
    assert!(count > 0, "there are no workflows in the examples");
}

#[test]
fn it_refuses_the_invalid_ones() {
    let validator = validator();
    for (name, source) in examples::documents("invalid") {
        // Given twice, `do` never gets as far as a schema.
        let document = value(&source.replace("do:\ndo:", "do:"));
        assert!(!validator.is_valid(&document), "{name} is accepted");
    }
}

#[test]
fn unknown_fields_are_possible_below_metadata_only() {
    accepted("do: [{ a: { set: { x: 1 }, metadata: { anything: { goes: [1, null] } } } }]\n");
    refused("do: [{ a: { set: { x: 1 }, metadat: {} } }]\n");
    refused("do: [{ a: { wait: PT1S, metadata: { tenon: { untill: . } } } }]\n");
    refused("do: []\nnonsense: 1\n");
}

#[test]
fn tasks_are_told_apart() {
    assert_eq!(errors("do: [{ a: { call: http, with: { method: get, endpoint: 'http://x' } } }]\n"), [""; 0]);
    refused("do: [{ a: { call: http, with: { method: get } } }]\n");
    refused("do: [{ a: { call: http } }]\n");
    accepted("do: [{ a: { call: mine, with: { method: get } } }]\n");
    accepted("do: [{ a: { for: { in: .x }, do: [] } }]\n");
    refused("do: [{ a: { set: { x: 1 }, wait: PT1S } }]\n");
    refused("do: [{ a: {} }]\n");
    refused("do: [{ a: { set: { x: 1 } }, b: { set: { x: 1 } } }]\n");
    refused("do: [{}]\n");
}

#[test]
fn waiting_until_a_moment() {
    accepted("do: [{ a: { wait: {}, metadata: { tenon: { until: .due } } } }]\n");
    accepted("do: [{ a: { wait: PT1S, metadata: { tenon: { until: .due } } } }]\n");
    refused("do: [{ a: { wait: {}, metadata: { tenon: {} } } }]\n");
    refused("do: [{ a: { wait: {} } }]\n");
    refused("do: [{ a: { set: { x: 1 }, metadata: { tenon: { until: .due } } } }]\n");
}

#[test]
fn variables_stand_for_arguments_of_effects() {
    let call = |with: &str| format!("do: [{{ a: {{ call: http, with: {{ method: get, {with} }} }} }}]\n");
    accepted(&call("endpoint: { $variable: x }"));
    accepted(&call("endpoint: 'http://x', headers: { a: { $variable: x } }, query: { $variable: x }"));
    refused(&call("endpoint: { $variable: x, and: y }"));
    refused(&call("endpoint: 'http://x', headers: { a: { b: x } }"));
    refused("do: [{ a: { wait: { $variable: x } } }]\n");
}

#[test]
fn durations_are_those_that_the_checker_reads() {
    let wait = |duration: &str| format!("do: [{{ a: {{ wait: {duration} }} }}]\n");
    for good in [
        "PT1S",
        "P1D",
        "P2W",
        "P1DT12H",
        "PT1.5S",
        "'PT0,5H'",
        "PT1H2M3S",
        "'${ .x }'",
        "{ days: 1, seconds: 0 }",
    ] {
        accepted(&wait(good));
        crate::documents::accepted(&wait(good));
    }
    for bad in [
        "P",
        "PT",
        "P1DT",
        "P1Y",
        "P1M",
        "1S",
        "PT1S1M",
        "PT.5S",
        "PT5.S",
        "pt1s",
        "''",
        "{}",
        "{ years: 1 }",
        "{ days: -1 }",
    ] {
        refused(&wait(bad));
        assert!(
            !crate::documents::findings(&workflow(&wait(bad))).is_empty(),
            "{bad} is accepted by the checker"
        );
    }
}

// === what it says ===

/// Every schema in it, with its place.
fn walk<'v>(value: &'v Value, pointer: &str, see: &mut impl FnMut(&str, &'v Value)) {
    see(pointer, value);
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(key, value)| walk(value, &format!("{pointer}/{key}"), see));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| walk(item, &format!("{pointer}/{index}"), see));
        }
        _ => {}
    }
}

#[test]
fn every_field_has_a_description_and_every_object_a_title() {
    let schema = json_schema();
    let (mut fields, mut objects) = (0, 0);
    walk(&schema, "", &mut |pointer, value| {
        let Some(properties) = value.get("properties").and_then(Value::as_object) else { return };
        if value["additionalProperties"] != json!(false) {
            return;
        }
        let is_definition = pointer.is_empty() || pointer.matches('/').count() == 2;
        objects += usize::from(is_definition);
        assert!(
            !is_definition || value["title"].as_str().is_some_and(|title| !title.is_empty()),
            "{pointer}"
        );
        for (name, field) in properties.iter().filter(|(name, _)| *name != "$variable") {
            let about = field["description"].as_str().unwrap_or_default();
            assert!(about.len() > 3, "{pointer}/{name} has no description");
            fields += 1;
        }
    });
    assert!(fields > 300 && objects > 60, "{fields} fields of {objects} objects");
}

#[test]
fn what_is_not_executed_yet_says_so() {
    let schema = json_schema();
    let container = &schema["$defs"]["run"]["properties"]["container"]["description"];
    assert_eq!(
        container,
        "A container. Not executed by this version of Tenon: `run: container` needs a container runtime beside the \
         server, which this version of Tenon does not drive"
    );
}

#[test]
fn language_servers_can_read_it() {
    let schema = json_schema();
    let mut references = 0;
    walk(&schema, "", &mut |pointer, value| {
        let Some(members) = value.as_object() else { return };
        assert!(!members.contains_key("unevaluatedProperties") && !members.contains_key("$id"), "{pointer}");
        if let Some(Value::String(reference)) = members.get("$ref") {
            let target = reference.strip_prefix('#').expect("references stay inside");
            assert!(schema.pointer(target).is_some(), "{pointer}: {reference} is not there");
            references += 1;
        }
    });
    assert!(references > 200, "{references} references");
    let names: Vec<&String> = schema["$defs"].as_object().expect("definitions").keys().collect();
    let odd = |name: &&&String| !name.chars().all(|letter| letter.is_ascii_alphanumeric());
    assert!(!names.iter().any(|name| odd(&name)), "{names:?}");
}

#[test]
fn a_definition_looks_like_this() {
    let schema = json_schema();
    let definition =
        serde_json::to_string_pretty(&schema["$defs"]["containersLifetime"]).expect("it is JSON");
    assert_ne!(definition, "null");
    insta::assert_snapshot!(definition, @r##"
    {
      "title": "container's lifetime",
      "type": "object",
      "properties": {
        "cleanup": {
          "description": "When to remove it",
          "enum": [
            "always",
            "never",
            "eventually"
          ]
        },
        "after": {
          "description": "With `eventually`: after what time",
          "anyOf": [
            {
              "$ref": "#/$defs/duration"
            },
            {
              "$ref": "#/$defs/expression"
            }
          ]
        }
      },
      "required": [
        "cleanup"
      ],
      "additionalProperties": false,
      "allOf": [
        {
          "if": {
            "properties": {
              "cleanup": {
                "const": "eventually"
              }
            },
            "required": [
              "cleanup"
            ]
          },
          "then": {
            "required": [
              "after"
            ]
          },
          "else": {
            "not": {
              "required": [
                "after"
              ]
            }
          }
        }
      ]
    }
    "##);
}
