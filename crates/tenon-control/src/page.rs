//! Lists: `limit` and `cursor` in, `{"items": […], "next": …}` out; and query strings in general.

use std::collections::HashMap;

use axum::Json;
use axum::extract::Query;
use serde_json::{Value, json};
use tenon_capture::parse_rfc3339;
use tenon_gateway::{Problem, codes};
use tenon_store::Timestamp;

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 500;

/// A request's query parameters; every one must be known.
pub(crate) struct Parameters(HashMap<String, String>);

// === impl Parameters ===

impl Parameters {
    /// Refuses names that are not in the list.
    pub(crate) fn new(Query(given): Query<HashMap<String, String>>, known: &[&str]) -> Result<Self, Problem> {
        match given.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(Self(given)),
            Some(unknown) => {
                let name: String = unknown.chars().take(50).collect();
                let problem = Problem::new(&codes::BAD_REQUEST, format!("unknown parameter `{name}`"));
                Err(problem.with_hint(format!("possible: {}", known.join(", "))))
            }
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn limit(&self) -> Result<u32, Problem> {
        let Some(limit) = self.get("limit") else { return Ok(DEFAULT_LIMIT) };
        match limit.parse() {
            Ok(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
            _ => Err(bad(format!("`limit` must be a whole number from 1 to {MAX_LIMIT}"))),
        }
    }

    pub(crate) fn cursor(&self) -> Result<Option<u64>, Problem> {
        let Some(cursor) = self.get("cursor") else { return Ok(None) };
        cursor.parse().map(Some).map_err(|_| bad("`cursor` must be what `next` of the page before said"))
    }

    pub(crate) fn moment(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        let Some(moment) = self.get(name) else { return Ok(None) };
        parse_rfc3339(moment).map(Some).map_err(|error| bad(format!("`{name}`: {error}")))
    }

    pub(crate) fn is_true(&self, name: &str) -> Result<bool, Problem> {
        match self.get(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(bad(format!("`{name}` must be true or false"))),
        }
    }
}

/// A malformed parameter.
pub(crate) fn bad(detail: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::new(&codes::BAD_REQUEST, detail)
}

/// A page of a list.
pub(crate) fn page(items: Vec<Value>, next: Option<String>) -> Json<Value> {
    Json(json!({ "items": items, "next": next }))
}

/// What the beginning of an id names, where at most two candidates were looked for.
pub(crate) fn the_one<T>(text: &str, mut found: Vec<T>, missing: Problem) -> Result<T, Problem> {
    match (found.pop(), found.is_empty()) {
        (None, _) => Err(missing),
        (Some(one), true) => Ok(one),
        (Some(_), false) => {
            let detail = format!("`{text}` is the beginning of several ids");
            Err(Problem::new(&codes::CONFLICT, detail).with_hint("give more of the id"))
        }
    }
}
