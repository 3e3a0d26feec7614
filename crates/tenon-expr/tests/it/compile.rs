//! What is refused at deploy, and how it is said.

use serde_json::{Value, json};
use tenon_expr::{Expr, Limits};

#[track_caller]
fn refused(source: &str, offset: usize, message: &str, hint: &str) {
    let error = Expr::compile(source, &["steps", "context"]).expect_err("it must not compile");
    assert!(error.message.contains(message), "{error:?}");
    assert!(error.hint.as_deref().unwrap_or_default().contains(hint), "{error:?}");
    assert_eq!(error.offset, offset, "{error:?}");
}

#[test]
fn unknown_names() {
    refused("$stepz.a", 0, "undefined variable `$stepz`", "did you mean `$steps`?");
    refused(".a + $secrets.k", 5, "undefined variable `$secrets`", "");
    refused("1 | mapp(.)", 4, "undefined function `mapp/1`", "did you mean `map`?");
    refused("map", 0, "undefined function `map/0`", "takes 1 arguments");
    refused("break $x", 6, "undefined label", "");
    refused("$__loc__", 0, "undefined variable", "");
}

#[test]
fn what_does_not_exist_here() {
    for name in [
        "env",
        "input",
        "inputs",
        "debug",
        "stderr",
        "halt",
        "input_filename",
        "localtime",
        "halt_error(1)",
        "debug(1)",
        "halt(0)",
        "strflocaltime(\"\")",
        "input_line_number",
    ] {
        let error = Expr::compile(name, &[]).expect_err("it must not exist");
        assert!(error.message.contains("undefined function"), "{name}: {error:?}");
        assert!(error.hint.is_some(), "{name}: {error:?}");
    }
    refused("$ENV.PATH", 0, "undefined variable `$ENV`", "environment");
    refused("import \"a\" as a; 1", 0, "`import` is not available", "");
    refused("include \"a\"; 1", 0, "`include` is not available", "");
}

#[test]
fn syntax() {
    refused("", 0, "empty", "`.`");
    refused(".a |", 4, "the expression ends", "");
    refused("{a: 1", 5, "closing brace", "");
    refused("'a'", 0, "", "double quotes");
    refused(".a b", 3, "expected an operator or the end", "");
    refused("reduce . as $x (0)", 0, "`reduce` takes", "");
}

#[test]
fn too_large_to_parse() {
    for source in [
        format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000)),
        "(\")\"|".repeat(20_000),
        "\"\\(".repeat(30_000),
        "-".repeat(60_000) + "1",
        vec!["1"; 30_000].join("+"),
        vec!["1"; 30_000].join("|"),
        vec!["1"; 30_000].join(","),
        "try ".repeat(10_000) + "1",
        "if 1 then ".repeat(5_000) + "1" + &" end".repeat(5_000),
        "1 as $x | ".repeat(5_000) + "1",
        "def f: ".repeat(5_000) + "1" + &";".repeat(5_000) + "f",
        "def f: 1; ".repeat(5_000) + "f",
        "reduce ".repeat(5_000) + "1",
        ". as [".repeat(9_000),
        "{a:".repeat(9_000),
        "label $a | ".repeat(5_000) + "1",
        format!(".{}", "a".repeat(70_000)),
    ] {
        let error = Expr::compile(&source, &[]).expect_err("it must be refused");
        assert!(error.message.len() < 300, "{error:?}");
    }
}

/// A mapping with hundreds of fields is fine.
#[test]
fn large_but_flat() {
    let members: Vec<_> = (0..500).map(|i| format!("f{i}: (.a + {i})")).collect();
    let source = format!("{{{}}}", members.join(", "));
    let expr = Expr::compile(&source, &[]).expect("it is flat");
    let value = expr.evaluate(&json!({"a": 1}), &crate::scope(), &Limits::default());
    assert_eq!(value.expect("it evaluates")["f499"], 500);
}

#[test]
fn variables_that_are_used() {
    let expr = Expr::compile("$steps.a + $context.b + $steps.c", &["context", "steps", "event"]);
    let expr = expr.expect("it compiles");
    assert_eq!(expr.variables(), ["context", "steps"]);
    let shadowed = Expr::compile("1 as $steps | $steps.a?", &["steps"]).expect("it compiles");
    assert!(shadowed.variables().is_empty());
}

#[test]
fn plain_or_not() {
    let plain = |source: &str| Expr::compile(source, &["steps"]).expect("it compiles").is_path();
    for source in [
        ".",
        ".a.b[0]",
        ".[\"x-y\"]",
        "$steps.x.id",
        "$steps",
        ".\"a\"",
        "true",
        "\"x\"",
        "1",
        "null",
        ".a > 1",
        ".a == $steps.x",
    ] {
        assert!(plain(source), "{source}");
    }
    for source in [".[]", ".a?", ".a + 1", "[.a]", ".a | .b", ".[.a]"] {
        assert!(!plain(source), "{source}");
    }
}

#[test]
fn send_and_sync() {
    fn check<T: Send + Sync + Clone + 'static>() {}
    check::<Expr>();
    check::<tenon_expr::Template>();
    check::<tenon_expr::UriTemplate>();
}

#[test]
fn results_do_not_depend_on_earlier_ones() {
    let expr = Expr::compile("[limit(3; repeat(. + 1))]", &[]).expect("it compiles");
    for _ in 0..3 {
        let value = expr.evaluate(&json!(1), &crate::scope(), &Limits::default());
        assert_eq!(value, Ok(json!([1, 2, 3])));
    }
    assert_eq!(crate::evaluate("$steps.lookUp.id", &Value::Null), Ok(json!(7)));
}
