//! Tools are `cargo xtask` commands: no shell scripts but the one that CI starts.

use super::Finding;
use std::path::Path;

const ALLOWED: [&str; 1] = [".ci/run"];
const ENDINGS: [&str; 7] = ["sh", "bash", "zsh", "fish", "ps1", "bat", "cmd"];
const NAMES: [&str; 3] = ["Makefile", "makefile", "justfile"];

/// `start` is the file's content, or as much of it as holds its first line.
pub(super) fn check(path: &str, start: &[u8]) -> Option<Finding> {
    if ALLOWED.contains(&path) || !is_script(path, start) {
        return None;
    }
    Some(Finding::new(path, "a script; make it a command of xtask"))
}

fn is_script(path: &str, start: &[u8]) -> bool {
    let path = Path::new(path);
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let first = start.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let shell = first.starts_with(b"#!") && first.ends_with(b"sh");
    ENDINGS.contains(&ending) || NAMES.contains(&name) || shell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_found_by_name_and_by_first_line() {
        for (path, text) in [
            ("a/b.sh", ""),
            ("Makefile", ""),
            ("deploy/run", "#!/bin/sh\nls"),
            ("x", "#!/usr/bin/env bash\n"),
        ] {
            assert!(check(path, text.as_bytes()).is_some(), "{path}");
        }
    }

    #[test]
    fn the_one_of_ci_and_other_files_pass() {
        assert_eq!(check(".ci/run", b"#!/usr/bin/env bash\n"), None);
        assert_eq!(check("README.md", b"# x"), None);
        assert_eq!(check("runtimes/a.py", b"#!/usr/bin/env python3\n"), None);
    }
}
