//! `document.metadata.tenon`, title and version.

use tenon_workflow::{Document, lint};

use super::{rule, setting};

const SET: &str = "do:\n  - a: {set: {x: 1}}\n";
const ON: &str = "schedule: {on: {any: []}}\ndo:\n  - a: {set: {x: 1}}\n";

#[test]
fn without_effect() {
    setting("TN1580", ("dedupFor: PT1H", ON), true);
    setting("TN1580", ("dedupFor: PT1H", SET), false);
    setting("TN1580", ("dedupFor: PT1H, dedupKey: .data.x", ON), false);
    setting("TN1581", ("dedupKey: .data.x", SET), true);
    setting("TN1581", ("dedupKey: .data.x", ON), false);
    setting("TN1583", ("onFailure: park", SET), true);
    setting("TN1583", ("onFailure: park, orderingKey: .x", SET), false);
    setting("TN1584", ("concurrency: 1, orderingKey: .x", SET), true);
    setting("TN1584", ("concurrency: 1", SET), false);
    setting("TN1584", ("concurrency: 2, orderingKey: .x", SET), false);
}

#[test]
fn the_same_for_all() {
    setting("TN1582", ("orderingKey: '\"all\"'", SET), true);
    setting("TN1582", ("dedupKey: '${ 1 }'", ON), true);
    setting("TN1582", ("orderingKey: .x", SET), false);
    setting("TN1582", ("orderingKey: '\"a\\(.x)\"'", SET), false);
}

#[test]
fn title_and_version() {
    let many: String = crate::documents::many(6, |number| format!("  - t{number}: {{set: {{x: 1}}}}\n"));
    rule("TN1592", &[&format!("do:\n{many}")], &[SET]);
    let version = |dsl: &str| {
        let source = crate::documents::workflow(SET).replace("1.0.3", dsl);
        let document = Document::parse(&source).expect("it is YAML");
        lint(&document).iter().any(|finding| finding.code == "TN1593")
    };
    assert!(version("1.0.0") && version("1.0.2") && !version("1.0.3") && !version("1.0.4"));
}
