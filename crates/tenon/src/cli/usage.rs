//! Turns what clap says into this command line's shape: one line, then hints; help goes to standard output.

use clap::error::ErrorKind;

use crate::failure::Failure;
use crate::output::Output;

/// Prints help or the version, or gives the usage error to report.
pub(crate) fn report(error: &clap::Error, output: &mut Output) -> Result<(), Failure> {
    let text = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => output.text(&text),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            output.note(&text);
            Err(Failure::usage("a command is missing").hint("the list above says which there are"))
        }
        _ => Err(usage(&text)),
    }
}

/// clap's text is `error: …`, more lines of it, then paragraphs of tips and usage.
fn usage(text: &str) -> Failure {
    let mut paragraphs = text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    let first = paragraphs.next().unwrap_or("the command was not understood");
    let mut failure = Failure::usage(first.strip_prefix("error: ").unwrap_or(first));
    for paragraph in paragraphs {
        let (kind, rest) = paragraph.split_once(':').unwrap_or(("", paragraph));
        failure = match kind {
            "Usage" => failure.hint(format!("usage: {}", rest.trim())),
            "tip" => tips(paragraph).into_iter().fold(failure, Failure::hint),
            _ => failure.hint(paragraph.trim_end_matches('.')),
        };
    }
    failure
}

fn tips(paragraph: &str) -> Vec<String> {
    paragraph.lines().map(|line| line.trim().trim_start_matches("tip:").trim().to_owned()).collect()
}
