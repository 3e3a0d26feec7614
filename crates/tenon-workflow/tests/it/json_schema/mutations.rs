//! The schema and the checker side by side: for each of many broken documents they must agree. What the checker refuses
//! for its structure the schema refuses, and what the checker accepts the schema accepts.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Map, Value, json};
use tenon_workflow::{Diagnostic, Document, check, json_schema};

use super::{validator, value, walk};
use crate::documents::{findings, lines, workflow};
use crate::examples;

/// Findings that are about the structure alone, as are those of `TN101x`.
const STRUCTURAL: [&str; 6] = ["TN1020", "TN1104", "TN1301", "TN1302", "TN1303", "TN1306"];

/// What a schema cannot say: the code, a part of the message, a document with it, why.
const EXCEPTIONS: [(&str, &str, &str, &str); 5] = [
    (
        "TN1012",
        "must be a whole number, not 503.0",
        "do: [{ a: { raise: { error: { type: x, status: 503.0 } } } }]\n",
        "JSON Schema counts 503.0 among the whole numbers",
    ),
    (
        "TN1301",
        "longer than 36,500 days",
        "do: [{ a: { wait: { days: 36501 } } }]\n",
        "neither a pattern nor a maximum can add up the parts of a duration",
    ),
    (
        "TN1015",
        "this filter correlates by",
        "schedule: { on: { all: [{ with: { type: a }, correlate: { k: { from: . } } }, { with: { type: b } }] } }\ndo: []\n",
        "it compares the keys of two places",
    ),
    (
        "TN1016",
        "must be at least one second",
        "schedule: { every: PT0.5S }\ndo: []\n",
        "a pattern cannot add up the parts of a duration",
    ),
    (
        "TN1015",
        "has no effect without",
        "document: { dsl: 1.0.3, namespace: a, name: b, version: 1.0.0, metadata: { tenon: { missed: all } } }\ndo: []\n",
        "it compares two places",
    ),
];

/// What the examples lack.
pub(crate) const EVERYTHING: &str = include_str!("everything.yaml");

/// What cannot be together with a part of [`EVERYTHING`].
const INTERVAL: &str = "schedule: { every: { minutes: 10, milliseconds: 5 } }\ndo: []\n";

/// How many broken documents are made of each example; and of [`EVERYTHING`], which is as large as many.
const MUTATIONS: usize = 60;
const MUTATIONS_OF_EVERYTHING: usize = 800;

/// A random number generator; the same seed gives the same documents.
struct Random(u64);

// === impl Random ===

impl Random {
    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("it is below a usize")
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// The pointers of all values but the document itself.
pub(crate) fn places(value: &Value, pointer: &str, found: &mut Vec<String>) {
    let mut inside = |key: &str, value: &Value| {
        let inside = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
        places(value, &inside, found);
        found.push(inside);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| inside(key, value)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| inside(&index.to_string(), item));
        }
        _ => {}
    }
}

/// Breaks a document in one place; says how.
fn mutate(document: &mut Value, grafts: &[Value], random: &mut Random) -> String {
    let mut pointers = Vec::new();
    places(document, "", &mut pointers);
    let pointer = random.one(&pointers).clone();
    let way = random.below(8);
    let (parent, key) = pointer.rsplit_once('/').expect("a place has a parent");
    let key = key.replace("~1", "/").replace("~0", "~");
    let other = [
        json!(null),
        json!(true),
        json!(7),
        json!(7.5),
        json!("text"),
        json!([]),
        json!({}),
        json!(["a"]),
        json!({"a": 1}),
    ];
    let texts = [
        "", " ", "-", "a b", "PT5M", "P1M", "${ .a }", "continue", "GET", "1.0.0", "data", "/a", "http://x",
        "$x", "json",
    ];
    let numbers = [json!(-1), json!(0), json!(1), json!(99), json!(600), json!(70_000), json!(1e18 as i64)];
    let around = document.pointer_mut(parent).expect("it is a place");
    let said = match (way, around) {
        (0, Value::Object(members)) => {
            members.shift_remove(&key);
            "removed".to_owned()
        }
        (1, Value::Object(members)) => {
            let renamed =
                |(name, value)| if name == key { (format!("{name}X"), value) } else { (name, value) };
            *members = std::mem::take(members).into_iter().map(renamed).collect::<Map<_, _>>();
            "renamed".to_owned()
        }
        (2, Value::Object(members)) => {
            let name =
                random.one(&["novel", "use", "do", "set", "then", "until", "all", "type", "wait", "call"]);
            members.insert((*name).to_owned(), random.one(&other).clone());
            format!("{name} beside it")
        }
        (3, around) => replace(around, &key, random.one(grafts).clone()),
        (4, around) => replace(around, &key, json!(random.one(&texts))),
        (5, around) => replace(around, &key, random.one(&numbers).clone()),
        (_, around) => replace(around, &key, random.one(&other).clone()),
    };
    format!("{pointer} {said}")
}

fn replace(around: &mut Value, key: &str, new: Value) -> String {
    let said = format!("became {}", new.to_string().chars().take(80).collect::<String>());
    match around {
        Value::Object(members) => drop(members.insert(key.to_owned(), new)),
        Value::Array(items) => items[key.parse::<usize>().expect("an index")] = new,
        _ => unreachable!("only collections are around something"),
    }
    said
}

fn is_exception(finding: &Diagnostic) -> bool {
    EXCEPTIONS.iter().any(|(code, part, ..)| finding.code == *code && finding.message.contains(part))
}

fn is_structural(finding: &Diagnostic) -> bool {
    finding.code.starts_with("TN101") || STRUCTURAL.contains(&finding.code)
}

#[test]
fn every_exception_is_one() {
    for (code, part, parts, why) in EXCEPTIONS {
        let source = if parts.starts_with("document:") { parts.to_owned() } else { workflow(parts) };
        let found = findings(&source);
        let is_it = |finding: &Diagnostic| finding.code == code && finding.message.contains(part);
        assert!(found.iter().any(is_it), "{}", lines(&found));
        assert!(validator().is_valid(&value(&source)), "the schema can say it after all, although {why}");
    }
}

/// All examples, and everything else.
fn originals() -> Vec<(String, Value)> {
    let examples = examples::documents("examples");
    let examples = examples.iter().map(|(name, source)| (name.clone(), value(source)));
    let ours = [("everything", EVERYTHING.to_owned()), ("interval", workflow(INTERVAL))];
    examples.chain(ours.map(|(name, source)| (name.to_owned(), value(&source)))).collect()
}

#[test]
fn every_field_is_in_one_of_them() {
    let found = check(&Document::parse(EVERYTHING).expect("it is YAML"));
    assert!(found.is_empty(), "{}", lines(&found));
    let mut keys = HashSet::new();
    for (_, document) in originals() {
        let mut pointers = Vec::new();
        places(&document, "", &mut pointers);
        keys.extend(pointers.iter().filter_map(|pointer| pointer.rsplit('/').next()).map(str::to_owned));
    }
    let mut missing = BTreeSet::new();
    walk(&json_schema(), "", &mut |_, schema| {
        if let Some(Value::Object(properties)) = schema.get("properties") {
            missing.extend(properties.keys().filter(|name| !keys.contains(*name)).cloned());
        }
    });
    assert!(missing.is_empty(), "{missing:?}");
}

/// What the two say about one broken document.
enum Verdict {
    BothAccept,
    BothRefuse,
    /// The checker refuses it for what a schema cannot know.
    CheckerOnly,
    Disagree(String),
}

fn verdict(broken: &Value, validator: &jsonschema::Validator) -> Verdict {
    let document = Document::parse(&broken.to_string()).expect("it is JSON");
    let found = check(&document);
    let fits = validator.is_valid(broken);
    let structural: Vec<Diagnostic> = found.into_iter().filter(is_structural).collect();
    let is_broken = structural.iter().any(|finding| !is_exception(finding));
    match (is_broken, fits) {
        (true, true) => Verdict::Disagree(format!("the schema accepts it, but\n{}", lines(&structural))),
        (true, false) => Verdict::BothRefuse,
        (false, true) if check(&document).is_empty() => Verdict::BothAccept,
        (false, false) if check(&document).is_empty() => {
            let place = |error: jsonschema::ValidationError<'_>| format!("{} {error}", error.instance_path());
            let errors: Vec<String> = validator.iter_errors(broken).map(place).collect();
            Verdict::Disagree(format!("only the schema refuses it: {errors:#?}"))
        }
        _ => Verdict::CheckerOnly,
    }
}

#[test]
fn they_agree_about_broken_documents() {
    let validator = validator();
    let originals = originals();
    let mut grafts = Vec::new();
    for (_, document) in &originals {
        let mut pointers = Vec::new();
        places(document, "", &mut pointers);
        grafts.extend(pointers.iter().filter_map(|pointer| document.pointer(pointer)).cloned());
    }
    let mut random = Random(3);
    let (mut refused, mut accepted, mut wrong) = (0, 0, Vec::new());
    for (name, original) in &originals {
        let count = if name == "everything" { MUTATIONS_OF_EVERYTHING } else { MUTATIONS };
        for _ in 0..count {
            let mut broken = original.clone();
            let how = mutate(&mut broken, &grafts, &mut random);
            match verdict(&broken, &validator) {
                Verdict::BothAccept => accepted += 1,
                Verdict::BothRefuse => refused += 1,
                Verdict::CheckerOnly => {}
                Verdict::Disagree(why) => wrong.push(format!("{name}: {how}: {why}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {refused} + {accepted}\n{}", wrong.len(), wrong.join("\n"));
    assert!(refused >= 3_500 && accepted >= 500, "{refused} were refused and {accepted} accepted");
}
