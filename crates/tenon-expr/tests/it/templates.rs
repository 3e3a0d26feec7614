//! `${ … }` inside values, and `{name}` inside URIs.

use crate::{VARIABLES, scope};
use serde_json::{Value, json};
use tenon_expr::{EvalError, Limits, Template, UriTemplate, runtime_expression};

#[track_caller]
fn check(template: Value, expected: Value) {
    let template = Template::compile(&template, VARIABLES).expect("it compiles");
    let input = json!({"id": 5, "text": "${ .id }", "o": {"b": 1, "a": 2}});
    let value = template.evaluate(&input, &scope(), &Limits::default()).expect("it evaluates");
    assert_eq!(value.to_string(), expected.to_string());
}

#[test]
fn values() {
    check(json!("${ .id }"), json!(5));
    check(json!("  ${.id}\n"), json!(5));
    check(json!("id ${ .id }"), json!("id ${ .id }"));
    check(
        json!({"z": ["${ .id + 1 }", 1, {"y": "${ .o }"}], "a": null}),
        json!({"z": [6, 1, {"y": {"b": 1, "a": 2}}], "a": null}),
    );
    check(json!({"${ .id }": 1}), json!({"${ .id }": 1}));
    // text found in data is never evaluated
    check(json!(["${ .text }", "${ \"${ .id }\" }"]), json!(["${ .id }", "${ .id }"]));
}

#[test]
fn literals_and_variables() {
    let literal = Template::compile(&json!({"a": [1, "x"]}), &[]).expect("it compiles");
    assert!(literal.is_literal());
    let used =
        Template::compile(&json!({"a": ["${ $steps.x }", "${ $context }", "${ $steps.y }"]}), VARIABLES);
    let used = used.expect("it compiles");
    assert!(!used.is_literal());
    assert_eq!(used.variables(), ["context", "steps"]);
}

#[test]
fn errors_have_a_pointer() {
    let error = Template::compile(&json!({"a/b": [0, "${ .x | nope }"]}), &[]).expect_err("no `nope`");
    assert_eq!(error.pointer, "/a~1b/1");
    assert_eq!(error.error.offset, 8);
    let error = Template::compile(&json!("${ $nope }"), &[]).expect_err("no `$nope`");
    assert_eq!(error.pointer, "");
}

/// The byte limit is for the whole value, not for each expression in it.
#[test]
fn one_byte_budget() {
    let parts: Vec<_> = (0..20).map(|_| "${ . }").collect();
    let template = Template::compile(&json!(parts), &[]).expect("it compiles");
    let input = Value::String("x".repeat(4 << 20));
    let error = template.evaluate(&input, &scope(), &Limits::default());
    assert!(matches!(error, Err(EvalError::Bytes { .. })), "80 MiB in all");
}

#[test]
fn runtime_expressions() {
    assert_eq!(runtime_expression("${ .a }"), Some(".a"));
    assert_eq!(runtime_expression(" ${.a} "), Some(".a"));
    assert_eq!(runtime_expression("${ {a: 1} }"), Some("{a: 1}"));
    assert_eq!(runtime_expression("x ${ .a }"), None);
    assert_eq!(runtime_expression("${ .a } x"), None);
    assert_eq!(runtime_expression("$ { .a }"), None);
}

#[track_caller]
fn uri(text: &str, input: Value) -> Result<String, EvalError> {
    let template = UriTemplate::compile(text, VARIABLES).expect("it compiles");
    assert_eq!(template.source(), text);
    template.evaluate(&input, &scope(), &Limits::default())
}

#[test]
fn uris() {
    assert_eq!(uri("https://h/x?y=1#z", Value::Null), Ok("https://h/x?y=1#z".into()));
    assert_eq!(
        uri("https://h/{id}/{name}", json!({"id": 5, "name": "a/ä b?"})),
        Ok("https://h/5/a%2F%C3%A4%20b%3F".into())
    );
    assert_eq!(uri("${ \"https://h/\" + .id }", json!({"id": "x"})), Ok("https://h/x".into()));
    assert_eq!(uri("https://h/{id}", json!({})), Err(EvalError::MissingName { name: "id".into() }));
    let message = uri("https://h/{id}", json!({"id": null})).expect_err("null").to_string();
    assert!(
        message.contains("`{id}` in the URI must be a string, number or boolean, but it is null"),
        "{message}"
    );
    assert!(uri("${ 1 }", Value::Null).is_err());
    assert!(UriTemplate::compile("https://h/{id", &[]).is_err());
    assert!(UriTemplate::compile("https://h/}", &[]).is_err());
    assert!(UriTemplate::compile("https://h/{.id}", &[]).is_err());
    assert_eq!(UriTemplate::compile("${ $nope }", &[]).expect_err("no `$nope`").offset, 3);
}
