//! The fast path gives what the evaluator gives, and both give what jaq gives.

use crate::{Fixed, VARIABLES, scope};
use jaq_core::data::JustLut;
use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Vars, unwrap_valr};
use jaq_json::Val;
use proptest::prelude::*;
use serde_json::{Value, json};
use tenon_expr::{Expr, Limits};

/// What jaq itself gives: all results as JSON text, `Err` if one is an error.
fn jaq(source: &str, input: &Value) -> Result<Vec<Value>, String> {
    let arena = Arena::default();
    let defs = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    let funs = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    let file = File { code: source, path: () };
    let modules = Loader::new(defs).load(&arena, file).map_err(|e| format!("{e:?}"))?;
    let filter = Compiler::default().with_funs(funs).compile(modules).map_err(|e| format!("{e:?}"))?;
    let input = jaq_json::read::parse_single(input.to_string().as_bytes()).expect("JSON is JSON");
    let context = Ctx::<JustLut<Val>>::new(&filter.lut, Vars::new([]));
    let results = filter.id.run((context, input)).map(unwrap_valr);
    results
        .map(|result| match result {
            Ok(value) => Ok(serde_json::from_str(&value.to_string()).unwrap_or(Value::Null)),
            Err(error) => Err(error.to_string()),
        })
        .collect()
}

#[track_caller]
fn same(source: &str, input: &Value) {
    let expr = Expr::compile(source, VARIABLES).expect("a generated path compiles");
    let limits = Limits::default();
    let fast = expr.evaluate(input, &scope(), &limits);
    let slow = expr.evaluate_slowly(input, &scope(), &limits);
    assert_eq!(fast, slow, "`{source}` on {input}");
    let theirs = jaq(source, input);
    match (&fast, &theirs) {
        (Ok(ours), Ok(theirs)) => {
            let [theirs] = &theirs[..] else {
                panic!("`{source}` gives jaq {theirs:?}");
            };
            assert!(alike(ours, theirs), "`{source}` on {input}: {ours}, jaq {theirs}");
        }
        (Err(_), Err(_)) => {}
        // jq refuses to index an object with a number, and so do we; jaq gives null
        (Err(error), Ok(_)) if error.to_string().contains("an object with a number") => {}
        _ => panic!("`{source}` on {input}: {fast:?}, jaq {theirs:?}"),
    }
}

/// Equal, with 2 and 2.0 the same number.
fn alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            let same = |(k, a): (&String, &Value)| b.get(k).is_some_and(|b| alike(a, b));
            a.len() == b.len() && a.iter().all(same)
        }
        _ => a == b,
    }
}

fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3i64..4).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-2.0..2.0).prop_map(Value::from),
        "[ab]{0,2}".prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-c]", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn path() -> impl Strategy<Value = String> {
    let segment = prop_oneof![
        "[a-c]".prop_map(|key| format!(".{key}")),
        "[a-c]".prop_map(|key| format!(".\"{key}\"")),
        "[a-c]".prop_map(|key| format!("[\"{key}\"]")),
        (-4i64..5).prop_map(|index| format!("[{index}]")),
    ];
    prop::collection::vec(segment, 0..5).prop_map(|segments| {
        let mut path = String::from(".");
        for segment in segments {
            match segment.strip_prefix('.') {
                Some(rest) if path == "." => path.push_str(rest),
                _ => path.push_str(&segment),
            }
        }
        path
    })
}

fn operator() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["<", "<=", ">", ">=", "==", "!="])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn plain_paths(path in path(), value in value()) {
        prop_assert!(Expr::compile(&path, &[]).expect("it compiles").is_path());
        same(&path, &value);
    }

    #[test]
    fn comparisons(left in path(), op in operator(), literal in value(), value in value()) {
        let scalar = !matches!(literal, Value::Array(_) | Value::Object(_));
        let right = if scalar { literal.to_string() } else { left.clone() };
        let source = format!("{left} {op} {right}");
        prop_assert_eq!(
            Expr::compile(&source, &[]).expect("it compiles").is_path(),
            !source.contains(" -")
        );
        same(&source, &value);
    }

    #[test]
    fn evaluator(
        source in prop::sample::select(ORACLE.to_vec()),
        value in value(),
        other in value(),
    ) {
        let input = json!({"a": value, "b": other});
        let ours = Expr::compile(&format!("[{source}]"), &[]).expect("it compiles");
        let ours = ours.evaluate(&input, &Fixed(Value::Null), &Limits::default());
        let theirs = jaq(source, &input).map(Value::from);
        match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) => prop_assert!(
                alike(ours, theirs), "`{}` on {}: {}, jaq {}", source, input, ours, theirs
            ),
            (Err(_), Err(_)) => {}
            _ => prop_assert!(false, "`{}` on {}: {:?}, jaq {:?}", source, input, ours, theirs),
        }
    }
}

/// Where we mean to do exactly as jaq does.
const ORACLE: &[&str] = &[
    ".a == .b, .a < .b, .a <= .b",
    "[.a, .b] | sort, min, max, unique, reverse",
    "[.a, .b, .a] | group_by(.), unique_by(type)",
    "[..], [.. | type]",
    "[paths]",
    ".a, .b | type, tojson",
    "[.a, .b] | flatten",
    "try (.a + .b) catch \"failed\"",
    "try (.a - .b) catch \"failed\"",
    "[.a[]?], [.b[]?]",
    "[.a | .. | scalars]",
    "to_entries, with_entries(select(.key == \"a\"))",
    "[.[] | arrays, objects | length]",
    "[.[] | strings | ascii_upcase, length, explode]",
    ".a // .b",
    "if .a then .b else 1 end",
    "[.a, .b] | map(. == null), any, all",
    "[limit(2; .a, .b, .a)], [first(.a, .b)]",
    "reduce (.a, .b) as $x ([]; . + [$x])",
    "[foreach (.a, .b) as $x ([]; . + [$x]; length)]",
    "path(..)",
    ".a as $x | [$x, .b] | . as [$p, $q] | {$p, $q}",
    "(.a, .b) |= [.]",
    "\"\\(.a) and \\(.b)\"",
    "[.a, .b] | .[1:], .[:-1], .[-1:]",
    "try error(.a) catch .",
    "[.[] | .. | numbers | floor, -.]",
    "def f(x): x | x; f([.])",
    "[.a, .b] | index(null), contains([null])",
    "walk(if type == \"array\" then length else . end)",
];
