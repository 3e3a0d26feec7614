//! Bounded jq expressions.
//!
//! A workflow's `${ … }` is jq. This crate compiles it once per version and evaluates it on the caller's
//! thread, always within [`Limits`]: a hostile or careless expression ends in an [`EvalError`], never in a
//! stuck thread, an overflowing stack, or a gigabyte.
//!
//! Grammar, standard definitions and leaf functions (dates, mathematics, encodings) come from the `jaq`
//! crates. The evaluator is our own: jaq's keeps its contexts and iterators in unaccounted, recursively
//! dropped heap structures, which no limit can be put on from outside.
//!
//! What must not be here: a clock (`now` comes from [`Scope`]), randomness, environment, files, async.
//!
//! ```
//! use tenon_expr::{Expr, Limits, Scope, Value};
//! use std::borrow::Cow;
//!
//! struct Job { steps: Value }
//! impl Scope for Job {
//!     fn variable(&self, name: &str) -> Option<Cow<'_, Value>> {
//!         (name == "steps").then_some(Cow::Borrowed(&self.steps))
//!     }
//!     fn now(&self) -> f64 { 0.0 }
//! }
//!
//! let job = Job { steps: serde_json::json!({"lookUp": {"vip": true}}) };
//! let expr = Expr::compile(".total > 1000 and $steps.lookUp.vip", &["steps"])?;
//! let input = serde_json::json!({"total": 1500});
//! assert_eq!(expr.evaluate(&input, &job, &Limits::default())?, Value::Bool(true));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bind;
mod budget;
mod cursor;
mod error;
mod eval;
mod expr;
mod follow;
mod json;
mod leaf;
mod leaf_jaq;
mod leaf_text;
mod lower;
mod many;
mod native;
mod one;
mod ops;
mod order;
mod path;
mod regex;
mod scope;
mod sort;
mod special;
mod standard;
mod suggest;
mod syntax;
mod template;
mod term;
pub mod tree;
mod update;
mod uri;
mod value;

pub use error::{CompileError, EvalError, TemplateError};
pub use expr::Expr;
pub use scope::{Limits, MAX_VALUE_DEPTH, Scope, is_deeper};
pub use serde_json::Value;
pub use template::{Mend, Template, runtime_expression};
pub use uri::UriTemplate;
