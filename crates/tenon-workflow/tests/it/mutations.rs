//! The examples with one thing wrong in each: every member removed, renamed, retyped, given twice. What a mutation breaks is decided by the specification's own JSON
//! Schema, so that one that leaves a document valid is not among them; a key that is given twice always breaks it.
//! Each must be refused with a place, a code and a hint.

use serde_json::{Map, Value, json};
use tenon_workflow::{CODES, Diagnostic, Document};

use crate::documents::findings;
use crate::examples;

/// One way to break a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The member is gone.
    Remove,
    /// The member has a name that does not exist.
    Rename,
    /// The value is of another type.
    Retype,
    /// The member is there twice.
    Duplicate,
}

const WAYS: [Way; 4] = [Way::Remove, Way::Rename, Way::Retype, Way::Duplicate];

fn validator() -> jsonschema::Validator {
    let source = examples::text("schema/workflow.yaml");
    let schema = Document::parse(&source).expect("the schema is YAML").value();
    jsonschema::validator_for(&schema).expect("the schema is one")
}

/// The pointers of all members of objects.
fn members(value: &Value, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let inside = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                members(value, &inside, found);
                found.push(inside);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                members(item, &format!("{pointer}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// The document with a member changed, as JSON.
fn mutated(document: &Value, pointer: &str, way: Way) -> (Value, String) {
    let mut changed = document.clone();
    let (parent, key) = pointer.rsplit_once('/').expect("a member has a parent");
    let key = key.replace("~1", "/").replace("~0", "~");
    let map = changed.pointer_mut(parent).and_then(Value::as_object_mut).expect("it is a member");
    match way {
        Way::Remove => drop(map.shift_remove(&key)),
        Way::Rename => {
            *map = std::mem::take(map)
                .into_iter()
                .map(|(name, value)| if name == key { (format!("{name}X"), value) } else { (name, value) })
                .collect();
        }
        Way::Retype => {
            let value = map.get_mut(&key).expect("it is a member");
            let is_collection = value.is_object() || value.is_array();
            *value = if is_collection { json!(7.5) } else { json!({"no": "such"}) };
        }
        Way::Duplicate => {
            let value = map.get(&key).cloned().expect("it is a member");
            map.insert("\u{1}".to_owned(), value);
        }
    }
    let text = serde_json::to_string_pretty(&changed).expect("it is JSON");
    // A key that stands for the second one of the same name.
    let key = serde_json::to_string(&key).expect("it is JSON");
    (changed, text.replace("\"\\u0001\"", &key))
}

/// What is missing from the answer to a broken document; nothing if it is as it has to be.
fn lacking(found: &[Diagnostic], source: &str) -> Option<String> {
    let lines = source.lines().count();
    if found.is_empty() {
        return Some("it is accepted".to_owned());
    }
    found.iter().find_map(|finding| {
        let known = CODES.iter().any(|(code, ..)| *code == finding.code);
        let placed = (1..=lines).contains(&finding.line) && finding.column > 0;
        let pointed = finding.pointer.is_empty() || finding.pointer.starts_with('/');
        let hinted = finding.hint.as_ref().is_some_and(|hint| hint.len() > 5);
        (!(known && placed && pointed && hinted)).then(|| format!("{finding:?}"))
    })
}

#[test]
fn every_one_is_refused_with_place_code_and_hint() {
    let validator = validator();
    let (mut tried, mut wrong) = ([0_usize; WAYS.len()], Vec::new());
    for (name, source) in examples::documents("examples") {
        let document = Document::parse(&source).expect("it is YAML").value();
        assert!(validator.is_valid(&document), "{name} is no document of the specification");
        let mut pointers = Vec::new();
        members(&document, "", &mut pointers);
        for pointer in pointers {
            for (index, way) in WAYS.into_iter().enumerate() {
                let (changed, text) = mutated(&document, &pointer, way);
                let found = findings(&text);
                if way != Way::Duplicate && validator.is_valid(&changed) {
                    continue;
                }
                tried[index] += 1;
                if let Some(lacking) = lacking(&found, &text) {
                    wrong.push(format!("{name}: {way:?} {pointer}: {lacking}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {tried:?}\n{}", wrong.len(), wrong.join("\n"));
    for (way, tried) in WAYS.iter().zip(tried) {
        assert!(tried >= 500, "only {tried} mutations of the kind {way:?}");
    }
}

#[test]
fn a_mutation_is_one() {
    let document = json!({"a": {"b": [{"c": "d"}], "e": 1}});
    let mut pointers = Vec::new();
    members(&document, "", &mut pointers);
    assert_eq!(pointers, ["/a/b/0/c", "/a/b", "/a/e", "/a"]);
    let changed = |pointer: &str, way: Way| mutated(&document, pointer, way).0;
    assert_eq!(changed("/a/e", Way::Remove), json!({"a": {"b": [{"c": "d"}]}}));
    assert_eq!(changed("/a/b/0/c", Way::Rename), json!({"a": {"b": [{"cX": "d"}], "e": 1}}));
    assert_eq!(changed("/a/b", Way::Retype), json!({"a": {"b": 7.5, "e": 1}}));
    let (_, text) = mutated(&document, "/a/e", Way::Duplicate);
    assert_eq!(text.matches("\"e\": 1").count(), 2);
    let twice = findings(&text);
    assert_eq!(twice.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["TN1004"]);
    let _: Map<String, Value> = serde_json::from_str(&text).expect("it is JSON still");
}
