//! What the linter says about the specification's own examples. Each line was read and is meant.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use tenon_workflow::{Document, Severity, lint};

use crate::documents::lines;

fn report(folder: &Path, least: usize) -> String {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("the folder is readable").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.sort();
    assert!(paths.len() >= least, "{} has {} documents", folder.display(), paths.len());
    let mut report = String::new();
    for path in paths {
        let source = fs::read_to_string(&path).expect("the file is readable");
        let document = Document::parse(&source).unwrap_or_else(|found| panic!("{}", lines(&found)));
        for finding in lint(&document) {
            assert_ne!(finding.severity, Severity::Error, "{}\n{finding}", path.display());
            let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
            writeln!(report, "{name}: {} {} {}", finding.severity.name(), finding.code, finding.message)
                .unwrap();
        }
    }
    report
}

#[test]
fn of_the_specification() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/ows/examples");
    insta::assert_snapshot!(report(&folder, 67), @"");
}

#[test]
fn of_tenon() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/orders/workflows");
    insta::assert_snapshot!(report(&folder, 1), @"");
}
