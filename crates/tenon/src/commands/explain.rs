//! `tenon explain`

use serde_json::{Value, json};

use crate::cli::ExplainArgs;
use crate::codes::{self, Code};
use crate::failure::{Exit, Failure};
use crate::output::{Output, table};

/// Columns of a paragraph.
const WIDTH: usize = 100;

pub(super) fn run(args: &ExplainArgs, output: &mut Output) -> Result<(), Failure> {
    let codes = codes::all();
    let Some(wanted) = &args.code else {
        let value = Value::Array(codes.iter().map(value).collect());
        let rows = codes.iter().map(|code| vec![code.code.to_owned(), code.title.to_owned()]);
        return output.value(&value, |_| table(&["CODE", "WHAT"], rows.collect()));
    };
    let code = codes.iter().find(|code| code.code.eq_ignore_ascii_case(wanted)).ok_or_else(|| {
        Failure::new(Exit::NotFound, format!("there is no code {wanted}"))
            .hint("`tenon explain` lists all codes; a newer server may have more")
    })?;
    output.value(&value(code), |_| format!("{}: {}\n\n{}", code.code, code.title, wrapped(code.explanation)))
}

fn value(code: &Code) -> Value {
    json!({ "code": code.code, "title": code.title, "explanation": code.explanation })
}

/// Breaks a paragraph into lines between words.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("begins with one");
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(word.to_owned());
        } else {
            let space = if line.is_empty() { "" } else { " " };
            line.push_str(space);
            line.push_str(word);
        }
    }
    lines.join("\n")
}
