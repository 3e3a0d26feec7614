//! The specification's examples in plain English: nothing is missing, and it is the same each time.

use serde_json::Value;
use tenon_workflow::{Document, explain};

use crate::examples::documents;

/// Fields that hold conditions, wherever they are, free data aside.
const CONDITIONS: [&str; 6] = ["if", "when", "while", "until", "exceptWhen", "filter"];

/// What must be found in the outline: the names of all tasks, and all conditions.
#[derive(Default)]
struct Wanted {
    tasks: Vec<String>,
    conditions: Vec<String>,
}

impl Wanted {
    fn collect(&mut self, value: &Value) {
        match value {
            Value::Object(members) => {
                for (key, value) in members {
                    if let Some(text) = value.as_str().filter(|_| CONDITIONS.contains(&key.as_str())) {
                        let bare = text.trim().strip_prefix("${").and_then(|text| text.strip_suffix('}'));
                        self.conditions.push(bare.unwrap_or(text).trim().to_owned());
                    }
                    if ["do", "try", "branches", "before", "after"].contains(&key.as_str()) {
                        self.tasks(value);
                    }
                    self.collect(value);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.collect(item)),
            _ => {}
        }
    }

    fn tasks(&mut self, list: &Value) {
        let items = list.as_array().into_iter().flatten().filter_map(Value::as_object);
        self.tasks.extend(items.flat_map(|item| item.keys().cloned()));
    }
}

#[test]
fn every_task_and_condition_is_in_the_outline() {
    let (mut tasks, mut conditions) = (0, 0);
    for (name, source) in documents("examples") {
        let document = Document::parse(&source).expect("it is YAML");
        let outline = explain(&document);
        let (text, markdown) = (outline.text(), outline.markdown());
        let mut wanted = Wanted::default();
        wanted.collect(&document.value());
        let functions = &document.value()["use"]["functions"];
        wanted.tasks.extend(functions.as_object().into_iter().flat_map(|map| map.keys().cloned()));
        let lines = outline.lines();
        let told: Vec<&str> =
            lines.iter().filter(|line| line.number.is_some()).map(|line| line.text.as_str()).collect();
        assert_eq!(told.len(), wanted.tasks.len(), "{name}\n{text}");
        for task in &wanted.tasks {
            let said = told.iter().find_map(|line| line.strip_prefix(&format!("{task}: ")));
            assert!(said.is_some_and(|said| said.trim().len() >= 4), "{name}: {task}\n{text}");
            assert!(markdown.contains(&format!("**{task}**: ")), "{name}: {task}\n{markdown}");
        }
        for condition in &wanted.conditions {
            assert!(text.contains(condition), "{name}: {condition}\n{text}");
            assert!(markdown.contains(condition), "{name}: {condition}\n{markdown}");
        }
        tasks += wanted.tasks.len();
        conditions += wanted.conditions.len();
    }
    assert!(tasks >= 99 && conditions >= 15, "{tasks} tasks and {conditions} conditions");
}

#[test]
fn an_outline_is_the_same_each_time_and_from_each_spelling() {
    for (name, source) in documents("examples") {
        let document = Document::parse(&source).expect("it is YAML");
        let first = explain(&document);
        let again = Document::parse(&document.to_yaml()).expect("it is YAML");
        let json = Document::parse(&document.to_json()).expect("it is JSON");
        assert_eq!(first.text(), explain(&again).text().as_str(), "{name}");
        assert_eq!(first.markdown(), explain(&document).markdown(), "{name}");
        let without_lines = |text: String| text.split(" (line ").next().map(str::to_owned);
        assert_eq!(without_lines(first.text()), without_lines(explain(&json).text()), "{name}");
    }
}

#[test]
fn every_pointer_names_its_task() {
    for (name, source) in documents("examples") {
        let document = Document::parse(&source).expect("it is YAML");
        let value = document.value();
        for line in explain(&document).lines() {
            let Some(pointer) = &line.pointer else { continue };
            assert!(value.pointer(pointer).is_some_and(Value::is_object), "{name}: {pointer}");
            let task = pointer.rsplit('/').next().unwrap_or_default();
            assert!(line.text.contains(task), "{name}: {pointer}: {}", line.text);
        }
    }
}
