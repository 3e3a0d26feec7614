//! The examples of the user guide as scenarios: each is deployed and run, and what it gives is checked.
//!
//! An example is a fenced block `yaml` that begins with `document:`. What follows it, up to the next example,
//! belongs to it: blocks `input`, `output`, `error`, `event`, and comments `<!-- steps … -->` that hold steps
//! which readers need not see, such as what a callee answers.

use super::feature::{Document, Feature, Scenario, Step, outdented};
use anyhow::{Result, bail, ensure};

const EXECUTED: &str = "When the workflow is executed";

/// A piece of the guide that matters here.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    /// A fenced block: its last word and its content.
    Block(&'a str, String),
    /// The lines of a comment `<!-- steps`.
    Steps(String),
}

/// A piece with where it was found.
#[derive(Debug)]
struct Found<'a> {
    line: usize,
    /// The nearest one above it.
    heading: &'a str,
    piece: Piece<'a>,
}

/// The examples of a guide; an error where one is executed by nothing.
pub(super) fn examples(file: &str, text: &str) -> Result<Feature> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    for Found { line, heading, piece } in pieces(text)? {
        match piece {
            Piece::Block("yaml", document) if document.starts_with("document:") => {
                let steps = vec![step("Given a workflow with definition:", line, Some(document))];
                let (name, title) = (heading.to_owned(), heading.to_owned());
                scenarios.push(Scenario { name, title, tags: Vec::new(), steps });
            }
            piece => {
                if let Some(example) = scenarios.last_mut() {
                    example.add(line, piece)?;
                }
            }
        }
    }
    for example in &scenarios {
        let checks = example.steps.iter().any(|step| step.shown.starts_with("Then"));
        let line = example.steps[0].line;
        ensure!(checks, "{file}, line {line}: the example has neither `output` nor `error` nor steps");
    }
    let name = "The guide's examples".to_owned();
    Ok(Feature { file: file.to_owned(), name, tags: Vec::new(), scenarios })
}

/// Every fenced block and comment of steps.
fn pieces(text: &str) -> Result<Vec<Found<'_>>> {
    let (mut found, mut heading) = (Vec::new(), "");
    let mut lines = text.lines().enumerate();
    while let Some((index, opening)) = lines.next() {
        let fence = opening.strip_prefix("```");
        let closing = if fence.is_some() { "```" } else { "-->" };
        if fence.is_none() && opening.trim_end() != "<!-- steps" {
            if opening.starts_with('#') {
                heading = opening.trim_start_matches('#').trim();
            }
            continue;
        }
        let mut content = Vec::new();
        loop {
            match lines.next() {
                Some((_, line)) if line.trim_end() == closing => break,
                Some((_, line)) => content.push(line),
                None => bail!("line {}: the block has no end", index + 1),
            }
        }
        let content = content.join("\n");
        let piece = match fence {
            Some(info) => Piece::Block(info.split_whitespace().last().unwrap_or_default(), content),
            None => Piece::Steps(content),
        };
        found.push(Found { line: index + 1, heading, piece });
    }
    Ok(found)
}

fn step(shown: &str, line: usize, text: Option<String>) -> Step {
    let document = text.map(|text| Document { kind: "yaml".to_owned(), text });
    Step::said(shown, line, document)
}

/// Steps as they stand in a comment: a line each, some with a text between quotes below.
fn steps(line: usize, text: &str) -> Result<Vec<Step>> {
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, said)) = lines.next() {
        let said = said.trim();
        if said.is_empty() {
            continue;
        }
        let Some(kind) = said.strip_prefix("\"\"\"") else {
            steps.push(Step::said(said, line + index + 1, None));
            continue;
        };
        let body: Vec<&str> =
            lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim() != "\"\"\"").collect();
        let document = Document { kind: kind.to_owned(), text: outdented(&body.join("\n")) };
        let Some(step) = steps.last_mut() else { bail!("line {line}: a text without a step") };
        step.document = Some(document);
    }
    Ok(steps)
}

// === impl Scenario ===

impl Scenario {
    /// What a piece below an example says of it.
    fn add(&mut self, line: usize, piece: Piece<'_>) -> Result<()> {
        let (shown, text) = match piece {
            Piece::Steps(text) => {
                self.steps.extend(steps(line, &text)?);
                return Ok(());
            }
            Piece::Block("input", text) => ("Given the workflow input is:", text),
            Piece::Block("event", text) => ("When these events are published:", text),
            Piece::Block("output", text) => ("Then the workflow should complete with output:", text),
            Piece::Block("error", text) => ("Then the workflow should fault with error:", text),
            Piece::Block(..) => return Ok(()),
        };
        let is_started = self.steps.iter().any(|step| step.shown.starts_with("When"));
        let is_for_events = shown.starts_with("When") && self.is_scheduled();
        if !shown.starts_with("Given") && !is_started && !is_for_events {
            self.steps.push(step(EXECUTED, line, None));
        }
        self.steps.push(step(shown, line, Some(text)));
        Ok(())
    }

    /// Whether its workflow is started by events rather than by being executed.
    fn is_scheduled(&self) -> bool {
        let document = self.steps.first().and_then(|step| step.document.as_ref());
        document.is_some_and(|document| document.text.lines().any(|line| line.starts_with("schedule:")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUIDE: &str = "# Guide

## Hello

```yaml
document: { dsl: 1.0.3 }
do: []
```

With

```yaml input
name: Ada
```

<!-- steps
Given calls to 'GET https://crm.example/' are answered with:
\"\"\"yaml
- status: 200
\"\"\"
-->

```json output
{}
```

## By an event

```yaml
document: { dsl: 1.0.3 }
schedule: {}
```

```yaml event
type: x
```

```yaml output
1
```
";

    #[test]
    fn an_example_is_a_scenario() {
        let feature = examples("guide.md", GUIDE).unwrap();
        let said = |scenario: usize| -> Vec<String> {
            feature.scenarios[scenario].steps.iter().map(|step| step.shown.clone()).collect()
        };
        let expected = [
            "Given a workflow with definition:",
            "Given the workflow input is:",
            "Given calls to 'GET https://crm.example/' are answered with:",
            "When the workflow is executed",
            "Then the workflow should complete with output:",
        ];
        assert_eq!(said(0), expected);
        assert_eq!(feature.scenarios[0].name, "Hello");
        assert_eq!(feature.scenarios[0].steps[2].document.clone().unwrap().text, "- status: 200");
        let expected = [
            "Given a workflow with definition:",
            "When these events are published:",
            "Then the workflow should complete with output:",
        ];
        assert_eq!(said(1), expected);
    }

    #[test]
    fn an_example_that_nothing_runs_is_an_error() {
        let error = examples("guide.md", "## A\n\n```yaml\ndocument: {}\n```\n").unwrap_err().to_string();
        assert!(error.contains("line 3"), "{error}");
        assert!(examples("guide.md", "```yaml\ndocument: {}\n").is_err());
    }
}
