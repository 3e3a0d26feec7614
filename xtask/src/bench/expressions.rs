//! B12: expressions a second, in process and on one core.

use super::Bench;
use super::report::{Report, Row, Verdict, thousands};
use super::statistics::median;
use crate::clock;
use anyhow::{Context, Result};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::hint::black_box;
use tenon_expr::{Expr, Limits, Scope};

/// Evaluations between two looks at the clock.
const BATCH: u32 = 16;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Seconds of each round
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    #[arg(long, default_value_t = 5)]
    rounds: u32,
}

/// One expression's numbers.
#[derive(Deserialize, Serialize)]
struct Measured {
    name: String,
    expression: String,
    input_bytes: usize,
    /// Evaluations a second, round by round.
    per_second: Vec<f64>,
}

/// What a workflow would offer: `$steps`.
struct Job {
    steps: Value,
}

impl Scope for Job {
    fn variable(&self, name: &str) -> Option<Cow<'_, Value>> {
        (name == "steps").then_some(Cow::Borrowed(&self.steps))
    }

    fn member(&self, name: &str, key: &str) -> Option<Cow<'_, Value>> {
        let missing = Cow::Owned(Value::Null);
        (name == "steps").then(|| self.steps.get(key).map_or(missing, Cow::Borrowed))
    }

    fn now(&self) -> f64 {
        0.0
    }
}

/// Measures in this process and prints JSON.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut measured = Vec::new();
    for (name, expression, input) in cases() {
        measured.push(measure_one(name, expression, &input, arguments)?);
    }
    println!("{}", serde_json::to_string(&measured)?);
    Ok(())
}

/// Measures in a release build of this program.
pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let rounds = bench.options.rounds.to_string();
    let words = ["expressions", "--rounds", &rounds].map(str::to_owned);
    let measured: Vec<Measured> =
        serde_json::from_str(&bench.own(&words)?).context("the expressions' numbers")?;
    for one in &measured {
        report.row(Row {
            id: "B12",
            what: format!("expression: {}, {} bytes in, one core", one.name, one.input_bytes),
            target: String::new(),
            measured: format!("{}/s", thousands(median(one.per_second.iter().copied()))),
            verdict: Verdict::Info,
        });
    }
    report.raw("B12", measured)
}

fn cases() -> [(&'static str, &'static str, Value); 3] {
    let lines = |count: u32| -> Vec<Value> {
        let line = |number: u32| json!({ "sku": format!("sku-{}", number % 7), "quantity": number % 5 + 1, "price": number % 211 });
        (0..count).map(line).collect()
    };
    let order = json!({ "id": "A-1", "customer": { "id": "C-7", "name": "Ada" }, "lines": lines(10) });
    let large = json!({ "pages": [{ "lines": lines(2_000) }, { "lines": lines(2_000) }] });
    [
        ("plain path", ".customer.id", order.clone()),
        (
            "medium jq",
            ".lines | map(select(.price > 2) | {sku, total: (.price * .quantity)}) | group_by(.sku) | \
             map({sku: .[0].sku, total: (map(.total) | add)})",
            order,
        ),
        ("large object", "[.pages[].lines[] | .price * .quantity] | add", large),
    ]
}

fn measure_one(name: &str, expression: &str, input: &Value, arguments: &Arguments) -> Result<Measured> {
    let compiled = Expr::compile(expression, &["steps"]).with_context(|| format!("`{expression}`"))?;
    let job = Job { steps: json!({}) };
    let limits = Limits::default();
    compiled.evaluate(input, &job, &limits).with_context(|| format!("`{expression}`"))?;
    let mut per_second = Vec::new();
    for _ in 0..arguments.rounds {
        let begun = clock::now();
        let mut count = 0_u64;
        while begun.elapsed().as_secs_f64() < arguments.seconds {
            for _ in 0..BATCH {
                black_box(compiled.evaluate(black_box(input), &job, &limits)?);
            }
            count += u64::from(BATCH);
        }
        per_second.push(count as f64 / begun.elapsed().as_secs_f64());
    }
    Ok(Measured {
        name: name.to_owned(),
        expression: expression.to_owned(),
        input_bytes: input.to_string().len(),
        per_second,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_evaluates() {
        let arguments = Arguments { seconds: 0.001, rounds: 2 };
        for (name, expression, input) in cases() {
            let measured = measure_one(name, expression, &input, &arguments).unwrap();
            assert_eq!(measured.per_second.len(), 2);
            assert!(measured.per_second.iter().all(|rate| *rate > 0.0), "{name}");
        }
    }

    #[test]
    fn the_large_object_is_large() {
        assert!(cases()[2].2.to_string().len() > 100_000);
    }
}
