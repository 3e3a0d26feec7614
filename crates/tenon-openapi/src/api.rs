//! A document, read: its operations by id.

use std::collections::HashMap;

use serde_json::Value;

use crate::source::Source;
use crate::{Error, Operation, text};

/// Most operations of one document. The largest public ones have some thousands.
const MAX_OPERATIONS: usize = 20_000;
/// Most parameters of one document, counted for each operation that has them.
const MAX_PARAMETERS: usize = 200_000;
/// How many names a hint offers.
const HINTS: usize = 3;

const METHODS: [(&str, &str); 8] = [
    ("get", "GET"),
    ("put", "PUT"),
    ("post", "POST"),
    ("delete", "DELETE"),
    ("options", "OPTIONS"),
    ("head", "HEAD"),
    ("patch", "PATCH"),
    ("trace", "TRACE"),
];

/// A document, read.
#[derive(Debug)]
pub struct Api {
    operations: Vec<Operation>,
    by_name: HashMap<String, Named>,
}

#[derive(Debug)]
enum Named {
    One(usize),
    /// What is said when it is called.
    Twice(Box<Operation>),
}

// === impl Api ===

impl Api {
    /// Reads JSON or YAML. What is wrong with a single operation is said when that is called.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let root = text::parse(text)?;
        let source = Source::new(&root)?;
        let mut api = Self { operations: Vec::new(), by_name: HashMap::new() };
        let mut parameters = 0;
        for (path, item) in root.get("paths").and_then(Value::as_object).into_iter().flatten() {
            // An extension (`x-…`), or a reference to nowhere.
            if !path.starts_with('/') {
                continue;
            }
            let Ok(item) = source.follow(item) else { continue };
            for (key, method) in METHODS {
                let Some(operation) = item.get(key).filter(|operation| operation.is_object()) else {
                    continue;
                };
                let operation = Operation::read(source, (method, path), item, operation);
                parameters += operation.parameters().len();
                if api.operations.len() >= MAX_OPERATIONS {
                    return Err(Error::TooMany { what: "operations", limit: MAX_OPERATIONS });
                }
                if parameters > MAX_PARAMETERS {
                    return Err(Error::TooMany { what: "parameters", limit: MAX_PARAMETERS });
                }
                api.add(operation);
            }
        }
        Ok(api)
    }

    fn add(&mut self, mut operation: Operation) {
        let index = self.operations.len();
        match self.by_name.get(operation.name()) {
            None => {
                self.by_name.insert(operation.name().to_owned(), Named::One(index));
            }
            // A mistake of the document; which of the two was meant must not be guessed.
            Some(Named::One(first)) => {
                let name = operation.name().to_owned();
                let first = &mut self.operations[*first];
                first.forget_id();
                operation.forget_id();
                let reason = format!(
                    "the document gives this id twice: call `{}` or `{}`",
                    first.name(),
                    operation.name()
                );
                self.by_name
                    .insert(name.clone(), Named::Twice(Box::new(Operation::impossible(name, reason))));
            }
            Some(Named::Twice(_)) => operation.forget_id(),
        }
        self.operations.push(operation);
    }

    /// By `operationId`, or by method and path (`GET /pets/{id}`), since not every operation has an id.
    pub fn operation(&self, id: &str) -> Option<&Operation> {
        match self.by_name.get(id) {
            Some(Named::One(index)) => return Some(&self.operations[*index]),
            Some(Named::Twice(impossible)) => return Some(impossible),
            None => {}
        }
        let (method, path) = id.split_once(' ')?;
        self.operations
            .iter()
            .find(|operation| operation.method().eq_ignore_ascii_case(method) && operation.path() == path)
    }

    /// All of them, in document order.
    pub fn operations(&self) -> impl ExactSizeIterator<Item = &Operation> {
        self.operations.iter()
    }

    /// The ids most like one that does not exist, best first.
    pub fn nearest(&self, id: &str) -> Vec<&str> {
        let wanted = id.to_lowercase();
        let mut scored: Vec<(f64, &str)> = self
            .operations
            .iter()
            .map(|operation| {
                (strsim::jaro_winkler(&wanted, &operation.name().to_lowercase()), operation.name())
            })
            .filter(|(score, _)| *score > 0.8)
            .collect();
        scored.sort_by(|(left, _), (right, _)| right.total_cmp(left));
        scored.into_iter().take(HINTS).map(|(_, name)| name).collect()
    }
}
