//! Tests wait for a condition, never for luck: no sleeps, and none is left out.
//!
//! A loop that looks at a condition of another process may pause between looks; it says so with a comment
//! `// polls: what it waits for` on the line of the pause or the one before.

use super::{Finding, Source};

const SLEEPS: [&str; 4] = ["thread::sleep(", "time::sleep(", "time::sleep_until(", " sleep("];
const EXCUSE: &str = "// polls: ";

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let first = source.first_test_line();
    let mut findings = Vec::new();
    let texts: Vec<&str> = source.text.lines().collect();
    for (number, line) in source.lines().filter(|(number, _)| *number >= first) {
        if line.trim_start().starts_with("#[ignore") {
            findings.push(Finding::new(source.at(number), "an ignored test is no test: mend or remove it"));
        }
        let excused = texts[number.saturating_sub(2)..number].iter().any(|text| text.contains(EXCUSE));
        if SLEEPS.iter().any(|sleep| line.contains(sleep)) && !excused {
            let message = format!("a test that sleeps; wait on a condition (`{EXCUSE}…` where it is polled)");
            findings.push(Finding::new(source.at(number), message));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn findings(path: &str, text: &str) -> usize {
        check(&Source::new(path, text)).len()
    }

    const TEST: &str = "crates/a/tests/it/main.rs";

    #[test]
    fn sleeps_in_tests_are_found() {
        assert_eq!(findings(TEST, "fn a() { std::thread::sleep(x); }"), 1);
        assert_eq!(findings(TEST, "async fn a() {\n    tokio::time::sleep(x).await;\n}"), 1);
        assert_eq!(findings("crates/a/src/b.rs", "#[cfg(test)]\nmod tests {\n thread::sleep(x);\n}"), 1);
    }

    #[test]
    fn sleeps_elsewhere_or_with_a_reason_pass() {
        assert_eq!(findings("crates/a/src/b.rs", "fn a() { std::thread::sleep(x); }"), 0);
        assert_eq!(findings(TEST, "// polls: the server is ready\nstd::thread::sleep(x);"), 0);
        assert_eq!(findings(TEST, "let a = \"thread::sleep(1)\"; // thread::sleep(1)"), 0);
    }

    #[test]
    fn tests_that_are_left_out_are_found() {
        assert_eq!(findings(TEST, "#[test]\n#[ignore]\nfn a() {}"), 1);
        assert_eq!(findings(TEST, "#[test]\n#[ignore = \"slow\"]\nfn a() {}"), 1);
        assert_eq!(findings("crates/a/src/b.rs", "#[cfg(test)]\nmod tests {\n    #[ignore]\n}"), 1);
    }
}
