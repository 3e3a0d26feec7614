//! The domain (layer 0) has no clock, no async, no environment, no files, no sockets.

use super::{Finding, Source, has_word, layers};

const FORBIDDEN: [&str; 12] = [
    "tokio",
    "async",
    "await",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant",
    "thread_rng",
    "getrandom",
];
/// What must not stand in a `use std::{…}` either.
const FORBIDDEN_MODULES: [&str; 5] = ["env", "fs", "net", "process", "thread"];

pub(super) fn check(source: &Source) -> Vec<Finding> {
    if !layers::is_domain(&source.path) || !source.path.contains("/src/") {
        return Vec::new();
    }
    let last = source.first_test_line();
    let mut findings = Vec::new();
    for (number, line) in source.lines().take_while(|(number, _)| *number < last) {
        let words = FORBIDDEN.iter().filter(|word| has_word(line, word));
        findings.extend(words.map(|word| Finding::new(source.at(number), message(word))));
    }
    let code = source.lines().take_while(|(number, _)| *number < last).map(|(_, line)| line);
    let code: String = code.collect::<Vec<_>>().join("\n");
    for module in grouped_modules(&code) {
        findings.push(Finding::new(&source.path, message(&format!("std::{module}"))));
    }
    findings
}

fn message(word: &str) -> String {
    format!("`{word}` in the domain: the core decides, shells act")
}

/// Forbidden modules that come in a group, such as `use std::{fmt, fs}`.
fn grouped_modules(code: &str) -> Vec<&'static str> {
    let groups = code.split("use std::{").skip(1).filter_map(|rest| rest.split(';').next());
    let names = groups.flat_map(|group| group.split(['{', '}', ',']));
    let first = |name: &str| name.trim().split("::").next().unwrap_or_default().to_owned();
    let firsts: Vec<String> = names.map(first).collect();
    FORBIDDEN_MODULES.into_iter().filter(|module| firsts.iter().any(|name| name == module)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn findings(path: &str, text: &str) -> usize {
        check(&Source::new(path, text)).len()
    }

    const DOMAIN: &str = "crates/tenon-engine/src/job.rs";

    #[test]
    fn each_forbidden_word_is_found() {
        for word in FORBIDDEN {
            assert_eq!(findings(DOMAIN, &format!("fn f() {{ {word}::x() }}")), 1, "{word}");
        }
    }

    #[test]
    fn groups_are_looked_into() {
        assert_eq!(findings(DOMAIN, "use std::{\n    fmt,\n    fs::{self, File},\n};"), 1);
        assert_eq!(findings(DOMAIN, "use std::{fmt, collections::{BTreeMap}};"), 0);
    }

    #[test]
    fn comments_strings_tests_and_other_layers_are_left_alone() {
        assert_eq!(findings(DOMAIN, "// tokio\nconst A: &str = \"std::fs\";"), 0);
        assert_eq!(findings(DOMAIN, "#[cfg(test)]\nmod tests { use std::time::Instant; }"), 0);
        assert_eq!(findings("crates/tenon-worker/src/lib.rs", "use tokio::spawn;"), 0);
        assert_eq!(findings("crates/tenon-engine/tests/it/main.rs", "use std::fs;"), 0);
    }
}
