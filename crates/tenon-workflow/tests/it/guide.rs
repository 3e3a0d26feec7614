//! The examples of the user guide: each is a document that compiles without a finding.

use std::path::Path;

use tenon_workflow::{Document, Severity, compile, lint};

#[test]
fn every_example_of_the_guide_compiles_without_a_finding() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/workflow-language.md");
    let guide = std::fs::read_to_string(&path).expect("the guide is part of the repository");
    let blocks = guide.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let examples: Vec<&str> = blocks.filter(|block| block.starts_with("document:")).collect();
    assert!(examples.len() >= 10, "the guide has {} examples", examples.len());
    for example in examples {
        let document = Document::parse(example).unwrap_or_else(|found| panic!("{found:?}\n{example}"));
        compile(&document).unwrap_or_else(|found| panic!("{found:?}\n{example}"));
        let mut found = lint(&document);
        found.retain(|finding| finding.severity != Severity::Information);
        assert!(found.is_empty(), "{found:?}\n{example}");
    }
}
