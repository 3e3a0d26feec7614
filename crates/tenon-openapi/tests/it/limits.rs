//! Documents that are too large, too deep, or copy themselves.

use std::fmt::Write as _;

use tenon_openapi::{Api, Error};

fn error(document: &str) -> Error {
    Api::parse(document).unwrap_err()
}

#[test]
fn too_large() {
    let document = format!("openapi: 3.0.0 # {}", "x".repeat(16 << 20));
    assert!(matches!(error(&document), Error::TooLarge { .. }));
}

#[test]
fn too_deep() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let json =
            format!("{{\"openapi\": \"3.0.0\", \"x\": {}1{}}}", open.repeat(100_000), close.repeat(100_000));
        assert!(matches!(error(&json), Error::Syntax { format: "JSON", .. }));
    }
    let yaml = format!("openapi: 3.0.0\nx: {}", "- ".repeat(100_000));
    assert!(matches!(error(&yaml), Error::Syntax { format: "YAML", .. }));
}

#[test]
fn aliases_that_multiply() {
    let mut yaml = "openapi: 3.0.0\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let previous = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(yaml, "a{level}: &a{level} [{previous}]").unwrap();
    }
    assert!(matches!(error(&yaml), Error::Syntax { format: "YAML", .. }));
}

#[test]
fn too_many_operations() {
    let mut yaml = "openapi: 3.0.0\npaths:\n".to_owned();
    for number in 0..=20_000 {
        writeln!(yaml, "  /{number}: {{get: {{}}}}").unwrap();
    }
    assert!(matches!(error(&yaml), Error::TooMany { what: "operations", .. }));
}

#[test]
fn path_items_that_share_many_parameters() {
    let parameters: Vec<String> = (0..400).map(|number| format!("{{name: p{number}, in: query}}")).collect();
    let mut yaml =
        format!("openapi: 3.0.0\nx: {{get: {{parameters: [{}]}}}}\npaths:\n", parameters.join(", "));
    for number in 0..2_000 {
        writeln!(yaml, "  /{number}: {{$ref: '#/x'}}").unwrap();
    }
    assert!(matches!(error(&yaml), Error::TooMany { what: "parameters", .. }));
}
