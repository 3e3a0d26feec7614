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

#[test]
fn what_is_read_of_a_variable() {
    let reads = |source: &str| -> Vec<(String, Option<String>)> {
        let expr = tenon_expr::Expr::compile(source, VARIABLES).expect("it compiles");
        expr.reads().map(|(name, member)| (name.to_owned(), member.map(str::to_owned))).collect()
    };
    let read = |name: &str, member: Option<&str>| (name.to_owned(), member.map(str::to_owned));
    assert_eq!(reads("$steps.x.y + $steps[\"a b\"]"), [read("steps", Some("x")), read("steps", Some("a b"))]);
    assert_eq!(reads("$steps | .x"), [read("steps", None)]);
    assert_eq!(reads("$steps[.name]"), [read("steps", None)]);
    assert_eq!(reads(". as {x: $steps} | $steps.y"), []);
    let template = json!({"b": "${ .x }", "a": ["${ $context }", 1]});
    let template = Template::compile(&template, VARIABLES).expect("it compiles");
    let sources: Vec<&str> = template.expressions().into_iter().map(tenon_expr::Expr::source).collect();
    assert_eq!(sources, [".x", "$context"]);
    let uri = UriTemplate::compile("${ $steps.x }", VARIABLES).expect("it compiles");
    assert_eq!(uri.expression().map(tenon_expr::Expr::source), Some("$steps.x"));
    assert!(UriTemplate::compile("https://x/{id}", VARIABLES).expect("it compiles").expression().is_none());
}

#[test]
fn expressions_that_fail_can_be_mended() {
    let template = json!({"a": "${ .id }", "b": "${ .text.x }", "c": ["${ error }"]});
    let template = Template::compile(&template, VARIABLES).expect("it compiles");
    let input = json!({"id": 5, "text": "t"});
    let with = |mend: &tenon_expr::Mend<'_>| {
        template.evaluate_or(&input, &scope(), &Limits::default(), mend).map_err(|error| error.to_string())
    };
    let all = with(&|expr, _| Ok(json!(expr.source())));
    assert_eq!(all, Ok(json!({"a": 5, "b": ".text.x", "c": ["error"]})));
    let some = with(&|expr, error| if expr.source() == "error" { Err(error) } else { Ok(Value::Null) });
    assert!(some.is_err());
}
