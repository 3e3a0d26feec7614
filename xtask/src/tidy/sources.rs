//! Every Rust file: opens with what it is, is not too long, and has a name that says something.

use super::manifests::FORBIDDEN_NAMES;
use super::{Finding, Source, has_word};

/// Longer than this wants a reason.
const LONG: usize = 500;
/// Longer than this is refused.
const TOO_LONG: usize = 1_000;

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !source.text.starts_with("//!") {
        findings
            .push(Finding::new(&source.path, "opens without `//!`: what this is, why, what it must not do"));
    }
    let length = source.text.lines().count();
    if length > TOO_LONG {
        findings
            .push(Finding::new(&source.path, format!("{length} lines; more than {TOO_LONG} are refused")));
    }
    for part in source.path.split('/').map(|part| part.trim_end_matches(".rs")) {
        if FORBIDDEN_NAMES.contains(&part) {
            findings.push(Finding::new(
                &source.path,
                format!("`{part}` says nothing; name it after what it holds"),
            ));
        }
    }
    for (number, line) in source.lines() {
        let inline = FORBIDDEN_NAMES.iter().find(|name| has_word(line, "mod") && declares(line, name));
        let message = inline.map(|name| format!("a module called `{name}`"));
        findings.extend(message.map(|message| Finding::new(source.at(number), message)));
    }
    findings
}

/// A length that is allowed but wants a reason.
pub(super) fn warning(source: &Source) -> Option<Finding> {
    let length = source.text.lines().count();
    let long = (LONG + 1..=TOO_LONG).contains(&length);
    long.then(|| Finding::new(&source.path, format!("{length} lines; above {LONG} wants a reason")))
}

fn declares(line: &str, name: &str) -> bool {
    let mut words = line.split_whitespace().skip_while(|word| *word != "mod").skip(1);
    words.next().is_some_and(|word| word.trim_end_matches([';', '{']) == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn findings(path: &str, text: &str) -> usize {
        check(&Source::new(path, text)).len()
    }

    #[test]
    fn a_good_file_passes() {
        assert_eq!(findings("crates/a/src/b.rs", "//! What.\n\nuse core::fmt;\nmod lane;\n"), 0);
    }

    #[test]
    fn a_file_must_say_what_it_is() {
        assert_eq!(findings("crates/a/src/b.rs", "use std::fmt;\n"), 1);
        assert_eq!(findings("crates/a/src/b.rs", ""), 1);
    }

    #[test]
    fn length_warns_then_refuses() {
        let text = |lines: usize| format!("//! x\n{}", "\n".repeat(lines - 1));
        let source = |lines| Source::new("crates/a/src/b.rs", &text(lines));
        assert_eq!((check(&source(500)).len(), warning(&source(500)).is_some()), (0, false));
        assert_eq!((check(&source(501)).len(), warning(&source(501)).is_some()), (0, true));
        assert_eq!((check(&source(1001)).len(), warning(&source(1001)).is_some()), (1, false));
    }

    #[test]
    fn empty_names_are_found_in_paths_and_in_code() {
        for name in FORBIDDEN_NAMES {
            assert_eq!(findings(&format!("crates/a/src/{name}.rs"), "//! x\n"), 1);
            assert_eq!(findings(&format!("crates/a/tests/{name}/mod.rs"), "//! x\n"), 1);
            assert_eq!(findings("crates/a/src/b.rs", &format!("//! x\npub(crate) mod {name};\n")), 1);
            assert_eq!(findings("crates/a/src/b.rs", &format!("//! x\nmod {name} {{\n}}\n")), 1);
        }
    }
}
