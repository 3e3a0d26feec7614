//! What a command prints and how: data to standard output as table, JSON or YAML; everything else to standard error.
//! The only file that touches the process's streams. Colours only on a terminal and without `NO_COLOR`.

mod paint;
mod table;
mod tree;

use std::io::{self, IsTerminal, Write};

use serde_json::Value;

use crate::environment::Environment;
use crate::failure::{Exit, Failure};

pub(crate) use paint::{Paint, Shade, state};
pub(crate) use table::{fields, table};
pub(crate) use tree::{Detail, TraceView, error_line, trace, workflow};

/// How data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    #[value(alias = "text")]
    Table,
    /// For programs
    Json,
    /// For both
    Yaml,
    /// For pages; only what is prose has it
    #[value(hide = true)]
    Markdown,
}

/// The two streams of a process and how to write to them.
pub(crate) struct Output {
    format: Format,
    data: Box<dyn Write + Send>,
    notes: Box<dyn Write + Send>,
    /// Colours of data.
    pub(crate) paint: Paint,
    notes_paint: Paint,
    /// Columns of the terminal that data goes to; `None`: not a terminal.
    pub(crate) width: Option<usize>,
}

impl Output {
    /// Standard output and standard error of this process.
    pub(crate) fn standard(environment: &Environment) -> Self {
        let colours = environment.get("NO_COLOR").is_none() && environment.get("TERM") != Some("dumb");
        let terminal = io::stdout().is_terminal();
        let width = rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col));
        Self {
            format: Format::Table,
            data: Box::new(io::stdout()),
            notes: Box::new(io::stderr()),
            paint: Paint::new(colours && terminal),
            notes_paint: Paint::new(colours && io::stderr().is_terminal()),
            width: width.filter(|width| terminal && *width >= 20),
        }
    }

    pub(crate) fn set_format(&mut self, format: Format) {
        self.format = format;
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Prints `value` as JSON or YAML, or what `table` makes of it.
    pub(crate) fn value(
        &mut self,
        value: &Value,
        table: impl FnOnce(&Self) -> String,
    ) -> Result<(), Failure> {
        let text = match self.format {
            Format::Table | Format::Markdown => table(self),
            Format::Json => format!("{value:#}"),
            Format::Yaml => yaml(value),
        };
        self.text(&text)
    }

    /// Data, as it is, with a line break at its end. Nothing for nothing.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        if text.is_empty() {
            return Ok(());
        }
        let end = if text.ends_with('\n') { "" } else { "\n" };
        write!(self.data, "{text}{end}").and_then(|()| self.data.flush()).map_err(|error| {
            if error.kind() == io::ErrorKind::BrokenPipe {
                return Failure::reader_gone();
            }
            Failure::new(Exit::Failed, format!("cannot write to standard output: {error}"))
        })
    }

    /// A remark or progress, to standard error.
    pub(crate) fn note(&mut self, text: &str) {
        self.write_note(text);
    }

    pub(crate) fn warning(&mut self, text: &str) {
        let label = self.notes_paint.apply(Shade::Yellow, "warning:");
        self.write_note(&format!("{label} {text}"));
    }

    pub(crate) fn error(&mut self, text: &str) {
        let label = self.notes_paint.apply(Shade::Red, "error:");
        self.write_note(&format!("{label} {text}"));
    }

    pub(crate) fn hint(&mut self, text: &str) {
        let label = self.notes_paint.apply(Shade::Cyan, "hint:");
        self.write_note(&format!("{label} {text}"));
    }

    /// A closed standard error must not stop a command; there is nowhere left to say so.
    fn write_note(&mut self, line: &str) {
        let _ = writeln!(self.notes, "{}", line.trim_end());
    }
}

/// A value as a YAML document.
pub(crate) fn yaml(value: &Value) -> String {
    serde_saphyr::to_string(value).expect("a JSON value has only text keys, so YAML can hold it")
}

/// The text of a string, JSON of anything else; `-` for absence.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Cuts `text` to `width` columns, with `…` where something is missing. Line breaks become spaces.
pub(crate) fn cut(text: &str, width: usize) -> String {
    use unicode_width::UnicodeWidthChar as _;
    let mut kept = String::new();
    let mut columns = 0;
    for letter in text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }) {
        let letter_width = letter.width().unwrap_or(0);
        if columns + letter_width > width {
            // The last letter makes room for the mark.
            kept.pop();
            kept.push('…');
            return kept;
        }
        columns += letter_width;
        kept.push(letter);
    }
    kept
}
