//! What the linter claims about expressions is held against the evaluator: what "always fails" fails, what "always
//! holds" holds, whatever the data is.

use std::borrow::Cow;

use proptest::prelude::*;
use serde_json::{Value, json};
use tenon_expr::{EvalError, Expr, Limits, Scope};
use tenon_workflow::{Document, lint};

use crate::documents::HEAD;

struct Nothing;

impl Scope for Nothing {
    fn variable(&self, _: &str) -> Option<Cow<'_, Value>> {
        None
    }

    fn now(&self) -> f64 {
        1_700_000_000.0
    }
}

fn inputs() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(7.5),
        json!(""),
        json!("abc"),
        json!("12"),
        json!([]),
        json!([1, "a", null]),
        json!([[1, 2], [3]]),
        json!({}),
        json!({"a": 1, "b": "x", "c": [1, 2]}),
        json!({"a": {"a": "2", "b": null}, "b": [], "c": false}),
    ]
}

const LEAVES: &[&str] = &[
    ".",
    ".a",
    ".b",
    ".a.b",
    ".c[0]",
    ".c[]",
    "1",
    "0",
    "\"x\"",
    "\"1\"",
    "null",
    "true",
    "false",
    "[]",
    "[.a]",
    "{}",
    "{a: 1}",
    "{a: .b, b: 2}",
    "[.[]?]",
    "empty",
    "\"t\\(.a)\"",
    "..",
    "{a: 1}.b",
    "@json",
];
const UNARY: &[&str] = &[
    "length",
    "keys",
    "not",
    "tostring",
    "tonumber",
    "type",
    "add",
    "any",
    "all",
    "first",
    "reverse",
    "sort",
    "unique",
    "to_entries",
    "from_entries",
    "ascii_downcase",
    "floor",
    "abs",
    "explode",
    "implode",
    "trim",
    "tojson",
    "fromjson",
    "flatten",
    "min",
    "max",
    "values",
    "map(.)",
    "map(.a)",
    "select(.a)",
    "with_entries(.)",
    "sort_by(.a)",
    "toarray",
    "group_by(.a)",
    "has(\"a\")",
    "has(0)",
    "join(\",\")",
    "split(\",\")",
    "test(\"a\")",
    "startswith(\"a\")",
    "endswith(\"a\")",
    "utf8bytelength",
    "ltrim",
    "sqrt",
    "round",
    "ceil",
    "transpose",
    "isnumber",
    "isstring",
    "any(. == 1)",
    "all(.a)",
    "map_values(.)",
    "min_by(.a)",
    "unique_by(.a)",
    "@base64",
    "@csv",
    "@text",
    "@html",
    "@uri",
    "@sh",
    "isempty(.[])",
    "first(.[])",
    "last(.[])",
    "limit(1; .[])",
    "todate",
    "fromdate",
    "keys_unsorted",
    "scan(\"a\")",
    "match(\"a\")",
    "capture(\"(?<x>a)\")",
    "rtrim",
    "ascii_upcase",
    "@tsv",
    "error",
    ".[0]",
    ".[1:]",
    ".a",
    ".a?",
    ".[]",
    ".[]?",
];
const BINARY: &[&str] =
    &["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "and", "or", "//", "|", ","];

fn expressions() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(LEAVES).prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (inner.clone(), prop::sample::select(UNARY)).prop_map(|(a, f)| format!("({a} | {f})")),
            (inner.clone(), prop::sample::select(BINARY), inner.clone())
                .prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("if {a} then {b} else {c} end")),
            inner.clone().prop_map(|a| format!("({a})?")),
            inner.clone().prop_map(|a| format!("[{a}]")),
            inner.clone().prop_map(|a| format!("-({a})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{{a: {a}, \"b\": {b}}}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("(try {a} catch {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} as $x | {b} + $x)")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("(reduce ({a}) as $x (0; {b}))")),
        ]
    })
}

fn codes(place: &str, expression: &str) -> Vec<(&'static str, String)> {
    let text = Value::String(format!("${{ {expression} }}"));
    let source = format!("{HEAD}do: [a: {{{}}}]\n", place.replace("HERE", &text.to_string()));
    let document = Document::parse(&source).unwrap_or_else(|found| panic!("{found:?}\n{source}"));
    lint(&document).into_iter().map(|finding| (finding.code, finding.message)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn claims_hold(expression in expressions()) {
        let Ok(compiled) = Expr::compile(&expression, &[]) else { return Ok(()) };
        let as_value = codes("set: HERE", &expression);
        let as_condition = codes("if: HERE, set: {x: 1}", &expression);
        let says = |all: &[(&str, String)], code: &str| all.iter().any(|(found, _)| *found == code);
        let constant = as_condition.iter().find(|(code, _)| *code == "TN1514");
        for input in inputs() {
            let result = compiled.evaluate(&input, &Nothing, &Limits::default());
            if says(&as_value, "TN1530") || says(&as_value, "TN1534") {
                prop_assert!(result.is_err(), "{expression} on {input} gives {result:?}, but {as_value:?}");
            }
            if let Err(EvalError::Several) = &result {
                let told = ["TN1534", "TN1535", "TN1530", "TN1531"].iter().any(|code| says(&as_value, code));
                prop_assert!(told, "{expression} on {input}: {result:?}, and nothing is said");
            }
            if let (Ok(value), Some((_, message))) = (&result, constant) {
                let holds = !matches!(value, Value::Null | Value::Bool(false));
                prop_assert_eq!(holds, !message.contains("never"), "{} on {}: {}", expression, input, message);
            }
        }
    }
}
