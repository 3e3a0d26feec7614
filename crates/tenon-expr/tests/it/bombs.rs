//! Hostile and careless expressions end in an error, within time and memory, on a small stack.
//!
//! Each runs alone in a process of its own, where the kernel can be asked for the most memory ever used.

use crate::{VARIABLES, scope};
use serde_json::{Value, json};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tenon_expr::{Expr, Limits};

/// Set for a process in which a bomb goes off, to which one.
const ALONE: &str = "TENON_EXPR_BOMBS";
/// As given by issue 2, for release builds. Builds without optimisation get twenty times as long.
/// Time on the processor, so that other work on the machine does not count.
const MOST_MILLISECONDS: usize = if cfg!(debug_assertions) { 2_000 } else { 100 };
const MOST_MEMORY: usize = 64 << 20;
/// Tokio's default for its workers.
const STACK: usize = 2 << 20;

const BOMBS: &[&str] = &[
    // recursion
    "def f: f; f",
    "def f: f, f; f",
    "def f: 1 + f; f",
    "def f: f | f; f",
    "def f: [f]; f",
    "def f: {a: f}; f",
    "def f: .a |= f; f",
    "def f: path(f); f",
    "def f: try f catch .; f",
    "def f: \"\\(f)\"; f",
    "def f: first(f); f",
    "def f: reduce f as $x (0; .); f",
    "def f: if f then 1 else 2 end; f",
    "def f($x): f($x + 1); f(0)",
    "def f(g): f(g | g); f(.)",
    "def f(g): g | f(def h: g; h); f(.)",
    "def f: def g: f; g; f",
    "def f: .[0] as $x | f; f",
    "def f: label $x | f; f",
    "def f: -f; f",
    "def f: f // 1; f",
    "def f: f and f; f",
    "def f: limit(2; f); f",
    "def f: sort_by(f); [1, 2] | f",
    "def f: . as [$a] | [f]; f",
    "def f: @base64 \"\\(f)\"; f",
    "def f: .[f]; f",
    "def f: .[f:f]; [] | f",
    "def f: f = 1; f",
    "def f: recurse(f); f",
    "def f: del(f); f",
    "def f: getpath([f]); f",
    // endless generators
    "[range(1e12)]",
    "last(range(1e12))",
    "reduce range(1e12) as $x (0; .)",
    "[foreach range(1e12) as $x (0; .)]",
    "[range(0; 1; 0)]",
    "first(range(1e12) | select(. < 0))",
    "last(repeat(1))",
    "[repeat(1)]",
    "[limit(1e9; repeat(1))]",
    "[skip(1e12; repeat(1))]",
    "until(false; .)",
    "[while(true; .)]",
    "[recurse(.)]",
    "[recurse(., .)]",
    "isempty(repeat(1) | empty)",
    "any(repeat(false); .)",
    "add(repeat(1))",
    "[1, 2] | [combinations(1e9)]",
    "[range(10)] | [combinations(9)] | length",
    "[range(100)] | [.[] as $a | .[] as $b | .[] as $c | .[] as $d | 1] | length",
    "[range(1000)] | [.[] + .[] + .[]] | length",
    "[range(300)] | [\"\\(.[])\\(.[])\\(.[])\"] | length",
    "[range(300)] | [{a: .[], b: .[], c: .[]}] | length",
    "[label $x | repeat(1)]",
    "path(repeat(.a))",
    "path(recurse(.a))",
    "[path(limit(1e9; repeat(.)))]",
    // values that grow
    "\"a\" * 1e9",
    "1e9 * \"a\"",
    "\"a\" * 1e18",
    "[range(64)] | until(false; . + .)",
    "\"ab\" | until(false; . + .)",
    "\"ab\" | until(false; \"\\(.)\\(.)\")",
    "[1] | until(false; [., .])",
    "{a: 1} | until(false; {a: ., b: .})",
    "reduce range(1e6) as $i (null; [.])",
    "reduce range(1e6) as $i (null; {a: .})",
    "reduce range(1e6) as $i (null; .a = .)",
    "reduce range(1e6) as $i (1; . as $x | {a: $x} * {a: {b: $x}})",
    "reduce range(40) as $i (1; [., .]) | tojson",
    "reduce range(40) as $i (1; [., .]) | flatten",
    "reduce range(40) as $i (1; [., .]) | . == (reduce range(40) as $i (1; [., .]))",
    "reduce range(40) as $i (1; [., .]) | [..] | length",
    "reduce range(40) as $i (1; [., .]) | [paths] | length",
    "reduce range(40) as $i (1; [., .]) | .. |= .",
    "reduce range(40) as $i (1; {a: ., b: .}) | . == (. | .a |= .)",
    "reduce range(40) as $i (1; [., .])",
    ".[1e9] = 1",
    ".[1e18] = 1",
    "[.[1e7] = 1 | .[]] | length",
    "setpath([1e9]; 1)",
    "reduce range(1e6) as $i (null; setpath([\"a\", $i, \"b\"]; .))",
    "[limit(200; repeat(0))] as $p | setpath($p; 1)",
    "[range(200) | \"a\"] as $p | null | getpath($p) |= 1",
    "[limit(1e5; repeat(97))] | implode | until(false; . + .)",
    "\"<\" * 1e6 | until(false; @html)",
    "\"a\" * 1e6 | until(false; @base64)",
    "\"%\" * 1e6 | until(false; @uri)",
    "\"'\" * 1e6 | until(false; @sh)",
    "\"\\\"\" * 1e6 | until(false; tojson)",
    "[\"\\\"\" * 1e6] | until(false; [@csv])",
    "[range(1e5)] | until(false; [join(\",\" * 1000)])",
    "[limit(1e5; repeat(\"a\"))] | join(\"b\" * 1e4)",
    "{a: 1} | until(false; to_entries | {a: ., b: .})",
    "\"[\" * 1e6 | fromjson",
    "(\"[0,\" * 3e5) + \"0\" | fromjson",
    "\"[\" + (\"0,\" * 5e6) + \"0]\" | fromjson",
    "\"{\" + ([range(2e5) | \"\\\"\\(.)\\\":{}\"] | join(\",\")) + \"}\" | fromjson",
    "\"%999999999Y\" as $f | [range(1e6) | strftime($f)]",
    // slow functions
    "\"a\" * 1e7 | [splits(\"\")]",
    "\"a\" * 1e7 | explode",
    "\"a\" * 1e7 | until(false; ascii_downcase)",
    "\"a\" * 1e5 | [match(\"\"; \"g\")] | length",
    "\"a\" * 1e6 | test(\"(a*)*b\")",
    "\"a\" * 1e5 | gsub(\"a\"; \"bb\") | gsub(\"b\"; \"cc\") | gsub(\"c\"; \"dd\")",
    "\"A\" * 1e5 | [scan(\".*[^A-Z]|[A-Z]\")] | length",
    "\"a\" * 1e6 | test(\"(?i)(x+x+)+y|(a|aa)+$z\")",
    "[range(1e6) | tostring as $r | \"a\" | test($r)]",
    "\"a\" | [range(1e6) as $i | try test(\"\\\\w{200}\\($i)\") catch 1] | length",
    "test(\"(((a{1000}){1000}){1000}){1000}\")?, repeat(1) | select(false)",
    "\"a\" | test(\"(\" * 1e6)",
    "[range(1e5)] | . - .[1:] - .[1:]",
    "[range(1e5)] | until(false; sort)",
    "[range(1e5) | -.] | until(false; sort_by(.))",
    "[range(3e5)] | until(false; unique)",
    "[range(1e5)] | until(false; reverse)",
    "[range(3000)] | contains([range(3000)])",
    "[range(1e5)] | [range(1e5)] - .",
    "(\"a\" * 1e5) | until(false; indices(\"a\"))",
    "(\"a\" * 1e6) | indices(\"a\" * 1e5)",
    "[range(1e4)] | .[] |= (. as $x | [range(1e4)])",
    "[range(1e5)] | until(false; del(.[0]))",
    "[range(1e5)] | until(false; .[1:])",
    "[range(1e5)] as $a | [range(1e5)] | until(false; .[0:0] = $a)",
    "[range(1e5)] | until(false; map(. + 1))",
    "[range(3e5)] | until(false; transpose?)",
    "[range(1e5)] | [limit(1e9; repeat(.[1:]))]",
    "reduce range(1e6) as $i ({}; .[$i | tostring] = $i)",
    "reduce range(1e6) as $i ([]; . as $keep | . + [$i])",
    "reduce range(1e6) as $i (\"\"; . as $keep | . + \"abc\")",
    "[range(1e5) | tostring] | until(false; group_by(.) | add)",
    "ldexp(1; 1e9) | until(false; .)",
    "[range(1e7) | sin]",
    "[splits(\"a\")]?, repeat(1) | select(. == 2)",
    "$steps | until(false; tojson)",
    "$steps | until(false; [.])",
    "tojson | until(false; tojson)",
];

/// Expensive, but they end with a value.
const HEAVY: &[&str] = &[
    "\"%Y\" * 1e6 as $f | 0 | strftime($f) | length",
    "[range(1e5) | 0] | indices([limit(50000; repeat(0))]) | length",
    "[range(1e5)] | sort | length",
    "\"ab,\" * 1e5 | split(\",\") | length",
];

fn status(key: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    let kilobytes = line.and_then(|rest| rest.trim_matches([':', '\t', ' ']).split(' ').next());
    kilobytes.and_then(|kb| kb.parse::<usize>().ok()).expect("the kernel says so") << 10
}

/// What is evaluated on each of the large inputs; may end with a value unless it starts with `reduce`.
const ON_LARGE_INPUT: &[&str] = &[
    "reduce range(10) as $i (.; \"\\(.)\\(.)\")",
    "reduce range(10) as $i (.; tostring + tostring)",
    "reduce range(10) as $i (.; [., .]) | tojson",
    "until(false; [.[]?, .])",
    "[.., .., ..] | until(false; . + .)",
    ".. |= (. as $x | [$x, $x])",
    "[paths | tojson] | add | . * 1000",
    "[.. | tostring | ascii_downcase | test(\"(a*)*b\")]",
];

/// A 10 MB object in three shapes.
fn large_input(shape: usize) -> Value {
    let member = |i| (format!("k{i}"), json!({"a": [i, "text", null], "b": {"c": i}}));
    match shape {
        0 => json!({"text": "x\"y".repeat(3_000_000)}),
        1 => json!({"list": vec![json!("0123456789abcdef"); 500_000]}),
        _ => json!({"members": (0..100_000).map(member).collect::<serde_json::Map<_, _>>()}),
    }
}

struct Case {
    source: &'static str,
    shape: Option<usize>,
    /// Whether it must end with a value (or must not); `None` if both will do.
    value: Option<bool>,
}

fn cases() -> Vec<Case> {
    let case = |source, shape, value| Case { source, shape, value };
    let bombs = BOMBS.iter().map(|source| case(*source, None, Some(false)));
    let heavy = HEAVY.iter().map(|source| case(*source, None, Some(true)));
    let large = (0..3).flat_map(|shape| {
        ON_LARGE_INPUT.iter().map(move |source| {
            let value = source.starts_with("reduce").then_some(false);
            case(*source, Some(shape), value)
        })
    });
    bombs.chain(heavy).chain(large).collect()
}

/// Each in a process of its own, so that memory which one leaves to the allocator is not the next one's.
#[test]
fn all_end_within_time_and_memory() {
    let cases = cases();
    if let Some(index) = std::env::var_os(ALONE) {
        let index = index.to_str().and_then(|index| index.parse::<usize>().ok());
        let case = &cases[index.expect("the parent gives a number")];
        let thread = std::thread::Builder::new().stack_size(STACK);
        let report = std::thread::scope(|threads| {
            let thread = thread.spawn_scoped(threads, || set_off(case)).expect("a thread");
            thread.join().expect("no panic")
        });
        assert!(report.fits, "went off too well: {}", report.text);
        // the parent looks for this line, so that a test that did not run is noticed
        eprintln!("kept in bounds: {}", report.text);
        return;
    }
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let failure = in_own_process(case, &cases);
                    failures.lock().expect("no panic").extend(failure);
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no panic");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What went wrong, if anything did.
fn in_own_process(case: &Case, cases: &[Case]) -> Option<String> {
    let index = cases.iter().position(|other| std::ptr::eq(other, case));
    let output = std::process::Command::new(std::env::current_exe().expect("a test has a file"))
        .args(["--exact", "bombs::all_end_within_time_and_memory", "--nocapture"])
        .env(ALONE, index.expect("it is one of them").to_string())
        .output()
        .expect("the test can start itself");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let fine = output.status.success() && text.contains("kept in bounds");
    (!fine).then(|| format!("`{}`: {}: {text}", case.source, output.status))
}

/// Nanoseconds that this thread has been running.
fn processor_time() -> usize {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("this is Linux");
    let first = stat.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok());
    first.expect("the kernel says so")
}

/// How an evaluation ended, and whether it kept within the bounds.
struct Report {
    text: String,
    fits: bool,
}

fn set_off(case: &Case) -> Report {
    let source = case.source;
    let input = case.shape.map_or(Value::Null, large_input);
    let expr = Expr::compile(source, VARIABLES).expect("bombs compile");
    let limits = Limits::default();
    // what is set up once per process is not this expression's
    let first = Expr::compile("[.a, (1 | sin), (\"a\" | test(\"a\"))]", &[]).expect("it compiles");
    first.evaluate(&Value::Null, &scope(), &limits).expect("it evaluates");
    std::fs::write("/proc/self/clear_refs", "5").expect("the peak can be reset");
    let before = status("VmHWM");
    let start = processor_time();
    let result = expr.evaluate(&input, &scope(), &limits);
    let took = (processor_time() - start) / 1_000;
    let memory = status("VmHWM").saturating_sub(before);
    let verdict = match &result {
        Ok(_) => "it gave a value".to_owned(),
        Err(error) => error.to_string().chars().take(60).collect(),
    };
    let text = format!("{took:>8} µs {:>3} MiB `{source}`: {verdict}", memory >> 20);
    let in_time = took <= MOST_MILLISECONDS * 1_000;
    let ended_well = case.value.is_none_or(|value| result.is_ok() == value);
    Report { text, fits: in_time && memory <= MOST_MEMORY && ended_well }
}

/// Values that nest as deep as can be read pass through everything; deeper ones are refused, not dropped.
#[test]
fn deep_input() {
    let deep = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    let thread = std::thread::Builder::new().stack_size(STACK);
    let run = move || {
        for source in [
            ".",
            "[.]",
            "{a: .}",
            "[..] | length",
            "tojson",
            ". == [.]",
            "flatten",
            "[paths] | length",
            ".. |= .",
            "walk(.)",
            "[leaf_paths?] | length",
            "tojson | fromjson",
            "sort",
            ". - [1]",
            "contains([[1]])",
            "[recurse | numbers]",
        ] {
            for levels in [100, 127, 1000] {
                let Ok(expr) = Expr::compile(source, &[]) else { continue };
                let input = deep(levels);
                let result = expr.evaluate(&input, &scope(), &Limits::default());
                assert!(levels > 100 || result.is_ok(), "`{source}`: {result:?}");
            }
        }
    };
    thread.spawn(run).expect("a thread").join().expect("no panic");
}

/// Ordinary work on large data stays within the limits.
#[test]
fn ordinary_work_is_not_refused() {
    let lines: Vec<_> =
        (0..20_000).map(|i| json!({"sku": format!("s{i}"), "price": i % 50, "tags": ["a", "b"]})).collect();
    let input = json!({"lines": lines});
    for source in [
        "[.lines[].price] | add",
        ".lines | map(select(.price > 10)) | length",
        "[.lines[] | {sku, total: (.price * 2)}] | length",
        "reduce .lines[] as $l (0; . + $l.price)",
        "reduce .lines[] as $l ({}; .[$l.sku] = $l.price) | length",
        "reduce .lines[] as $l (\"\"; . + $l.sku) | length",
        "reduce .lines[] as $l ([]; . + [$l.sku]) | length",
        ".lines | group_by(.price) | map(length) | add",
        ".lines | sort_by(.price) | length",
        ".lines |= map(.price += 1) | .lines | length",
        "[.lines[] | .sku | test(\"^s[0-9]+$\")] | all",
        "[.lines[:10000][] | .sku | sub(\"s\"; \"t\")] | length",
        "tojson | length",
        "[.. | numbers] | length",
        "(.lines | map(.sku) | join(\",\") | split(\",\") | length)",
        "[.lines[] | .sku | ascii_upcase] | unique | length",
    ] {
        let expr = Expr::compile(source, &[]).expect("it compiles");
        let result = expr.evaluate(&input, &scope(), &Limits::default());
        assert!(result.is_ok(), "`{source}`: {result:?}");
    }
}
