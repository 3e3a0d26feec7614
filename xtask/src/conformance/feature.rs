//! Feature files as plain data: read by the `gherkin` crate, backgrounds and outlines spelled out.
//!
//! Knows Gherkin and nothing of workflows; what a step means is `phrase.rs`'s business.

use anyhow::{Context, Result, bail};
use gherkin::GherkinEnv;
use serde_json::{Map, Value};
use std::fs;
use std::path::{Path, PathBuf};

/// One feature file.
#[derive(Clone, Debug)]
pub(super) struct Feature {
    /// The file's name, without its folder.
    pub(super) file: String,
    pub(super) name: String,
    pub(super) tags: Vec<String>,
    pub(super) scenarios: Vec<Scenario>,
}

/// One scenario with every step it takes.
#[derive(Clone, Debug)]
pub(super) struct Scenario {
    pub(super) name: String,
    /// The same for every row of an outline's examples: `An answer … is …`.
    pub(super) title: String,
    pub(super) tags: Vec<String>,
    pub(super) steps: Vec<Step>,
}

/// One step: what is said, and the text below it.
#[derive(Clone, Debug, Default)]
pub(super) struct Step {
    /// As it was written, for reports: `Then the workflow should complete`.
    pub(super) shown: String,
    /// Without its keyword.
    pub(super) text: String,
    pub(super) line: usize,
    pub(super) document: Option<Document>,
}

/// What stands between `"""` and `"""`, or a table as data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Document {
    /// The word after the opening quotes, such as `yaml`; may be empty.
    pub(super) kind: String,
    pub(super) text: String,
}

/// Every `*.feature` of a folder, by name.
pub(super) fn read_folder(folder: &Path) -> Result<Vec<Feature>> {
    let entries = fs::read_dir(folder).with_context(|| format!("could not read {}", folder.display()))?;
    let paths: std::io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "feature"));
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Result<Feature> {
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let text = fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))?;
    parse(&file, &text).with_context(|| format!("{} is not a feature file", path.display()))
}

/// A feature file's text as data.
pub(super) fn parse(file: &str, text: &str) -> Result<Feature> {
    let parsed = gherkin::Feature::parse(text, GherkinEnv::default())?;
    let background = parsed.background.map(|background| background.steps).unwrap_or_default();
    let mut scenarios = Vec::new();
    for scenario in parsed.scenarios {
        scenarios.extend(expand(&background, scenario)?);
    }
    for rule in parsed.rules {
        let mut before = background.clone();
        before.extend(rule.background.map(|background| background.steps).unwrap_or_default());
        for scenario in rule.scenarios {
            scenarios.extend(expand(&before, scenario)?);
        }
    }
    if scenarios.is_empty() {
        bail!("it has no scenario");
    }
    Ok(Feature { file: file.to_owned(), name: parsed.name, tags: parsed.tags, scenarios })
}

/// A scenario, or one for each row of its examples.
fn expand(background: &[gherkin::Step], scenario: gherkin::Scenario) -> Result<Vec<Scenario>> {
    let steps: Result<Vec<Step>> = background.iter().chain(&scenario.steps).map(step).collect();
    let steps = steps?;
    if scenario.examples.is_empty() {
        let title = scenario.name.clone();
        return Ok(vec![Scenario { name: scenario.name, title, tags: scenario.tags, steps }]);
    }
    let mut expanded = Vec::new();
    for examples in &scenario.examples {
        let rows = examples.table.as_ref().map(|table| table.rows.as_slice()).unwrap_or_default();
        let Some((head, rows)) = rows.split_first() else { bail!("`{}` has no examples", scenario.name) };
        let blanks = vec!["…".to_owned(); head.len()];
        let title = fill(&scenario.name, head, &blanks);
        for row in rows {
            let fill = |text: &str| fill(text, head, row);
            let name = fill(&scenario.name);
            let name = if name == scenario.name { format!("{name} ({})", row.join(", ")) } else { name };
            let steps = steps.iter().map(|step| step.filled(&fill)).collect();
            let (title, tags) = (title.clone(), scenario.tags.clone());
            expanded.push(Scenario { name, title, tags, steps });
        }
    }
    Ok(expanded)
}

fn fill(text: &str, head: &[String], row: &[String]) -> String {
    let cells = head.iter().zip(row);
    cells.fold(text.to_owned(), |text, (name, cell)| text.replace(&format!("<{name}>"), cell))
}

fn step(step: &gherkin::Step) -> Result<Step> {
    let document = match (&step.docstring, &step.table) {
        (Some(docstring), None) => Some(document(docstring)),
        (None, Some(table)) => Some(listed(&table.rows)?),
        (None, None) => None,
        (Some(_), Some(_)) => bail!("`{}` has both a text and a table", step.value),
    };
    let shown = format!("{} {}", step.keyword.trim(), step.value);
    Ok(Step { shown, text: step.value.clone(), line: step.position.line, document })
}

/// A table as the list of objects that it stands for: a member for each cell that is not empty, each cell YAML.
fn listed(rows: &[Vec<String>]) -> Result<Document> {
    let (head, rows) = rows.split_first().context("the table is empty")?;
    let mut objects = Vec::new();
    for row in rows {
        let mut members = Map::new();
        for (name, cell) in head.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
            let value = serde_saphyr::from_str(cell).with_context(|| format!("`{cell}` is not YAML"))?;
            members.insert(name.clone(), value);
        }
        objects.push(Value::Object(members));
    }
    Ok(Document { kind: "json".to_owned(), text: Value::Array(objects).to_string() })
}

/// The parser leaves the word behind the opening quotes on the first line, and the text's indentation with it.
fn document(docstring: &str) -> Document {
    let (kind, text) = docstring.split_once('\n').unwrap_or((docstring, ""));
    Document { kind: kind.trim().to_owned(), text: outdented(text) }
}

/// Without the indentation that all lines share, and without the line of the closing quotes.
pub(super) fn outdented(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let margin = lines.map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    let mut lines: Vec<&str> = text.lines().map(|line| line.get(margin..).unwrap_or("")).collect();
    while lines.last().is_some_and(|line| line.trim().is_empty()) {
        lines.pop();
    }
    lines.join("\n")
}

// === impl Step ===

impl Step {
    /// A step that no file has, such as those made from an example of the guide.
    pub(super) fn said(shown: &str, line: usize, document: Option<Document>) -> Self {
        let text = shown.split_once(' ').map_or(shown, |(_, text)| text);
        Self { shown: shown.to_owned(), text: text.to_owned(), line, document }
    }

    fn filled(&self, fill: &impl Fn(&str) -> String) -> Self {
        let document = self
            .document
            .as_ref()
            .map(|document| Document { kind: document.kind.clone(), text: fill(&document.text) });
        Self { shown: fill(&self.shown), text: fill(&self.text), line: self.line, document }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "@rule-1
Feature: Colours
  Some words.

  Background:
    Given nothing

  Scenario: One
    Given a workflow with definition:
    \"\"\"yaml
    do:
      - a: ${ # }

    more: 1
    \"\"\"
    And given the workflow input is:
      \"\"\"
      plain
      \"\"\"
    And answers:
      | status | body       |
      | 503    |            |
      |        | { n: [1] } |
    Then all is well

  Scenario Outline: <n> is <what>
    When <n> is said
    Examples:
      | n | what |
      | 1 | odd  |
      | 2 | even |
";

    #[test]
    fn a_feature_is_read_with_its_documents() {
        let feature = parse("a.feature", TEXT).unwrap();
        assert_eq!((feature.name.as_str(), feature.tags.as_slice()), ("Colours", &["rule-1".to_owned()][..]));
        let names: Vec<&str> = feature.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
        assert_eq!(names, ["One", "1 is odd", "2 is even"]);
        let steps = &feature.scenarios[0].steps;
        let texts: Vec<&str> = steps.iter().map(|step| step.text.as_str()).collect();
        let expected = [
            "nothing",
            "a workflow with definition:",
            "given the workflow input is:",
            "answers:",
            "all is well",
        ];
        assert_eq!(texts, expected);
        let table = steps[3].document.clone().unwrap().text;
        assert_eq!(table, r#"[{"status":503},{"body":{"n":[1]}}]"#);
        assert_eq!((steps[1].shown.as_str(), steps[1].line), ("Given a workflow with definition:", 9));
        let document = steps[1].document.clone().unwrap();
        assert_eq!(
            (document.kind.as_str(), document.text.as_str()),
            ("yaml", "do:\n  - a: ${ # }\n\nmore: 1")
        );
        assert_eq!(steps[2].document.clone().unwrap().text, "plain");
        assert_eq!(feature.scenarios[2].steps[1].text, "2 is said");
        assert_eq!(feature.scenarios[2].title, "… is …");
    }

    #[test]
    fn a_file_without_scenarios_is_an_error() {
        assert!(parse("a.feature", "Feature: Nothing\n").is_err());
        assert!(parse("a.feature", "no feature at all").is_err());
    }
}
