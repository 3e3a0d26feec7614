//! `JSON|@FILE|-`: how data is given on the command line.

use std::io::Read as _;

use serde_json::Value;

use crate::failure::{Exit, Failure};

/// Reads a JSON value from the text itself, from `@FILE`, or from standard input (`-`).
pub(crate) fn read(text: &str) -> Result<Value, Failure> {
    let (source, content) = if text == "-" {
        let mut content = String::new();
        std::io::stdin()
            .read_to_string(&mut content)
            .map_err(|error| Failure::new(Exit::Usage, format!("cannot read standard input: {error}")))?;
        ("standard input".to_owned(), content)
    } else if let Some(path) = text.strip_prefix('@') {
        let content = std::fs::read_to_string(path)
            .map_err(|error| Failure::new(Exit::Usage, format!("cannot read {path}: {error}")))?;
        (path.to_owned(), content)
    } else {
        ("the value".to_owned(), text.to_owned())
    };
    serde_json::from_str(&content).map_err(|error| {
        Failure::usage(format!("{source} is not JSON: {error}"))
            .hint("give JSON in single quotes, @FILE, or - for standard input; a string needs its own quotes: '\"text\"'")
    })
}
