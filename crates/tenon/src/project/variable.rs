//! `variables/*.yaml`: a config variable with its value, or a secret by name only. The file's stem is the name.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::Error;

const FIELDS: [&str; 2] = ["kind", "value"];

/// Whether a document of no particular folder is a variable.
pub(super) fn is_variable(document: &Value) -> bool {
    matches!(document["kind"].as_str(), Some("config" | "secret"))
}

/// The variable's name, if the file is in order.
pub(super) fn name(path: &Path, document: &Value) -> Result<String, Error> {
    let refused = |reason: String, hint: String| Error::Refused { path: path.to_owned(), reason, hint };
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    if !tenon_store::is_variable_name(&name) {
        let hint = "a variable's name has 1 to 128 letters, digits, `-`, `_` and `.`".to_owned();
        return Err(refused("the file's name is not a variable's name".to_owned(), hint));
    }
    let Some(fields) = document.as_object() else {
        let hint = "start with `kind: config` and `value: …`".to_owned();
        return Err(refused("a variable is an object of fields".to_owned(), hint));
    };
    if let Some(unknown) = fields.keys().find(|field| !FIELDS.contains(&field.as_str())) {
        return Err(refused(format!("unknown field `{unknown}`"), suggestion(unknown)));
    }
    check(&name, fields).map_err(|(reason, hint)| refused(reason.to_owned(), hint))?;
    Ok(name)
}

fn check(name: &str, fields: &Map<String, Value>) -> Result<(), (&'static str, String)> {
    match (fields.get("kind").and_then(Value::as_str), fields.get("value")) {
        (Some("config"), Some(_)) | (Some("secret"), None) => Ok(()),
        (Some("config"), None) => Err(("`value` is missing", "add `value: …`".to_owned())),
        (Some("secret"), Some(_)) => Err((
            "a secret's value does not belong into a file",
            format!(
                "remove `value` here and in the repository's history, choose a new one, and set it: \
                 tenon variable set {name} --secret"
            ),
        )),
        _ => {
            Err(("`kind` must be `config` or `secret`", "write `kind: config` or `kind: secret`".to_owned()))
        }
    }
}

fn suggestion(unknown: &str) -> String {
    let near = FIELDS.into_iter().find(|known| strsim::damerau_levenshtein(known, unknown) <= 2);
    near.map_or_else(
        || "a variable has `kind` and `value`".to_owned(),
        |known| format!("did you mean `{known}`?"),
    )
}

/// What the server takes.
pub(super) fn body(document: &Value) -> String {
    let mut body = json!({ "kind": document["kind"] });
    if let Some(value) = document.get("value") {
        body["value"] = value.clone();
    }
    body.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(file: &str, document: Value, expected: Result<&str, &str>) {
        let found = name(Path::new(file), &document);
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected),
            (Err(Error::Refused { reason, hint, .. }), Err(expected)) => {
                let text = format!("{reason}; {hint}");
                assert!(text.contains(expected), "{text}");
                assert!(!text.contains("hunter2"), "{text}");
            }
            (found, _) => panic!("{file} {document}: {found:?}"),
        }
    }

    #[test]
    fn a_file_is_one_variable() {
        check("variables/price-limit.yaml", json!({ "kind": "config", "value": 1 }), Ok("price-limit"));
        check("variables/a.b.yaml", json!({ "kind": "config", "value": null }), Ok("a.b"));
        check("variables/key.yaml", json!({ "kind": "secret" }), Ok("key"));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        check("x.yaml", json!({ "kind": "config", "valeu": 1 }), Err("did you mean `value`?"));
        check("x.yaml", json!({ "kind": "config", "value": 1, "note": "" }), Err("unknown field `note`"));
        check("x.yaml", json!({ "kind": "config" }), Err("`value` is missing"));
        check("x.yaml", json!({ "kind": "webhook" }), Err("`config` or `secret`"));
        check("x.yaml", json!({ "value": 1 }), Err("`config` or `secret`"));
        check("x.yaml", json!([1]), Err("object of fields"));
        check("a b.yaml", json!({ "kind": "secret" }), Err("not a variable's name"));
    }

    #[test]
    fn a_secrets_value_is_refused_and_not_repeated() {
        check(
            "key.yaml",
            json!({ "kind": "secret", "value": "hunter2" }),
            Err("does not belong into a file; remove `value` here and in the repository's history"),
        );
    }
}
