//! Tests of `tenon-expr`, by feature.

mod bombs;
mod compile;
mod language;
mod paths;
mod templates;
mod trees;

use std::borrow::Cow;
use tenon_expr::{EvalError, Expr, Limits, Scope, Value};

/// Variables from one JSON object, at a fixed time.
struct Fixed(Value);

impl Scope for Fixed {
    fn variable(&self, name: &str) -> Option<Cow<'_, Value>> {
        self.0.get(name).map(Cow::Borrowed)
    }

    fn now(&self) -> f64 {
        1_700_000_000.5
    }
}

const VARIABLES: &[&str] = &["steps", "context", "gone"];

fn scope() -> Fixed {
    Fixed(serde_json::json!({
        "steps": {"lookUp": {"id": 7, "tags": ["a", "b"]}, "x-y": null},
        "context": {"total": 12},
    }))
}

fn evaluate(source: &str, input: &Value) -> Result<Value, EvalError> {
    let expr = Expr::compile(source, VARIABLES)
        .unwrap_or_else(|error| panic!("`{source}` does not compile: {error:?}"));
    expr.evaluate(input, &scope(), &Limits::default())
}
