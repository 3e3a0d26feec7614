//! Nothing of a document is left out: whatever is taken away or changed, the outline is another one.

use serde_json::{Value, json};
use tenon_workflow::{Document, explain};

use crate::examples::documents;
use crate::json_schema::mutations::{EVERYTHING, places};

/// Parts of pointers whose values are not in the outline, and why.
const LEFT_OUT: [(&str, &str); 9] = [
    ("/document/dsl", "every document that is accepted has the same"),
    ("/evaluate", "there is only one language and one mode"),
    ("/metadata/free", "free metadata is for others"),
    ("/metadata/other", "free metadata is for others"),
    ("/schema/document/properties/id/", "the members of a JSON Schema are told in short"),
    ("/schema/document/properties/searchQuery/", "the members of a JSON Schema are told in short"),
    ("/schema/document/properties/petId/", "the members of a JSON Schema are told in short"),
    ("/schema/format", "`json` is the only format"),
    ("/lifetime/cleanup", "`after` is for `eventually` only"),
];

/// Members that may be missing without another meaning.
const IMPLIED: [(&str, &str); 3] = [
    ("/retry/backoff", "the delay is constant, as without"),
    ("/schema/document", "anything is accepted, as without"),
    ("/to", "`any: []` is any event, as is nothing"),
];

/// Texts whose change is not seen.
const CONCEALED: [(&str, &str); 6] = [
    ("/password", "a credential is not shown"),
    ("/token", "a credential is not shown"),
    ("/secret", "a credential is not shown"),
    ("/assertion", "a credential is not shown"),
    ("/SLACK_MCP_XOXP_TOKEN", "a credential is not shown"),
    ("/runScript/run/script/code", "a long text is shown by its beginning"),
];

fn outline(document: &Value) -> String {
    // On one line, so that lines in it do not change.
    explain(&Document::parse(&document.to_string()).expect("it is JSON")).text()
}

fn originals() -> impl Iterator<Item = (String, Value)> {
    let everything = [("everything".to_owned(), EVERYTHING.to_owned())];
    let sources = documents("examples").into_iter().chain(everything);
    sources.map(|(name, source)| (name, Document::parse(&source).expect("it is YAML").value()))
}

/// Makes each change of each document that this function makes; whatever is not seen must be in one of the lists, and
/// each part in the second list must be needed.
#[track_caller]
fn check(expected: &[(&str, &str)], change: impl Fn(&mut Value, &str) -> bool) {
    let mut unseen = Vec::new();
    let mut count = 0;
    for (name, original) in originals() {
        let told = outline(&original);
        let mut pointers = Vec::new();
        places(&original, "", &mut pointers);
        for pointer in pointers {
            let mut changed = original.clone();
            if change(&mut changed, &pointer) {
                count += 1;
                if outline(&changed) == told {
                    unseen.push(format!("{name} {pointer}"));
                }
            }
        }
    }
    let is_known =
        |pointer: &&String| LEFT_OUT.iter().chain(expected).any(|(part, _)| pointer.contains(part));
    let unknown: Vec<&String> = unseen.iter().filter(|pointer| !is_known(pointer)).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
    for (part, why) in expected {
        assert!(unseen.iter().any(|pointer| pointer.contains(part)), "{part} is not needed: {why}");
    }
    assert!(count > 800, "only {count} changes");
}

#[test]
fn what_is_taken_away_is_missed() {
    check(&IMPLIED, |document, pointer| {
        let (parent, key) = pointer.rsplit_once('/').expect("a place has a parent");
        let key = key.replace("~1", "/").replace("~0", "~");
        let members = document.pointer_mut(parent).and_then(Value::as_object_mut);
        let removed = members.and_then(|members| members.shift_remove(&key));
        removed.is_some_and(|removed| removed != json!([]) || key == "any")
    });
}

#[test]
fn what_is_changed_is_seen() {
    check(&CONCEALED, |document, pointer| {
        let value = document.pointer_mut(pointer).expect("it is a place");
        let changed = match value {
            Value::String(text) if text.starts_with("${") => Value::from("${ .another }"),
            Value::String(text) => Value::from(format!("{text}Z")),
            Value::Number(number) => Value::from(number.as_i64().unwrap_or_default() + 1),
            Value::Bool(is) => Value::from(!*is),
            _ => return false,
        };
        *value = changed;
        true
    });
}
