//! A compiled expression.

use crate::budget::Budget;
use crate::eval::{Globals, Machine};
use crate::path::Plain;
use crate::term::Program;
use crate::value::Val;
use crate::{CompileError, EvalError, Limits, Scope, Value, lower, syntax};
use std::sync::Arc;

/// A compiled jq expression. Cheap to clone, `Send` and `Sync`.
#[derive(Clone, Debug)]
pub struct Expr(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: String,
    variables: Vec<String>,
    program: Program,
    plain: Option<Plain>,
}

impl Expr {
    /// Compiles `source`, which comes without `${ }`. `variables` are the names it may use, without `$`.
    pub fn compile(source: &str, variables: &[&str]) -> Result<Self, CompileError> {
        let program = lower::program(source, syntax::parse(source)?, variables)?;
        let mut names: Vec<_> = program.globals.iter().map(|g| g.name.clone()).collect();
        names.sort_unstable();
        names.dedup();
        Ok(Self(Arc::new(Inner {
            source: source.to_owned(),
            variables: names,
            plain: Plain::of(&program),
            program,
        })))
    }

    /// The text it was compiled from.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// The variables it really refers to, without `$`, sorted, each once.
    pub fn variables(&self) -> &[String] {
        &self.0.variables
    }

    /// What it reads of which variable: `("steps", Some("x"))` for `$steps.x`, `("steps", None)` for the whole.
    pub fn reads(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.program.globals.iter().map(|global| (global.name.as_str(), global.member.as_deref()))
    }

    /// True if it is a plain path or literal, or a comparison of two such, which the evaluator is not needed
    /// for and nothing but the result is copied.
    pub fn is_path(&self) -> bool {
        self.0.plain.is_some()
    }

    /// The one result for `input`. None or several is an error.
    pub fn evaluate(&self, input: &Value, scope: &dyn Scope, limits: &Limits) -> Result<Value, EvalError> {
        self.evaluate_counting(input, scope, limits).map(|(value, _)| value)
    }

    /// As [`Expr::evaluate`], with the bytes it used.
    pub(crate) fn evaluate_counting(
        &self,
        input: &Value,
        scope: &dyn Scope,
        limits: &Limits,
    ) -> Result<(Value, usize), EvalError> {
        let budget = Budget::new(limits);
        let value = match &self.0.plain {
            Some(plain) => plain.evaluate(input, &self.0.program.globals, scope, &budget)?,
            None => self.run(input, scope, &budget)?,
        };
        Ok((value, budget.used_bytes()))
    }

    fn run(&self, input: &Value, scope: &dyn Scope, budget: &Budget) -> Result<Value, EvalError> {
        let globals = Globals::new(&self.0.program, scope);
        let machine = Machine::new(&self.0.program, &globals, budget);
        machine.run(Val::from(input))?.into_json(budget)
    }

    /// Through the evaluator even if it is a plain path, for tests that compare the two.
    #[doc(hidden)]
    pub fn evaluate_slowly(
        &self,
        input: &Value,
        scope: &dyn Scope,
        limits: &Limits,
    ) -> Result<Value, EvalError> {
        self.run(input, scope, &Budget::new(limits))
    }
}
