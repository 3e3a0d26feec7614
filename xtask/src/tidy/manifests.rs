//! Each crate's manifest: names that say something, and the workspace's lints.

use super::{Crate, Finding};

/// Names for "everything that had no place".
pub(super) const FORBIDDEN_NAMES: [&str; 5] = ["common", "utils", "types", "helpers", "core"];

pub(super) fn check(package: &Crate) -> Vec<Finding> {
    let mut findings = Vec::new();
    let name = package.name.strip_prefix("tenon-").unwrap_or(&package.name);
    if FORBIDDEN_NAMES.contains(&name) {
        findings
            .push(Finding::new(&package.name, format!("`{name}` says nothing; name it after what it holds")));
    }
    if !has_workspace_lints(&package.manifest) {
        findings.push(Finding::new(&package.name, "Cargo.toml lacks `[lints] workspace = true`"));
    }
    findings
}

fn has_workspace_lints(manifest: &str) -> bool {
    let lints = manifest.lines().map(str::trim).skip_while(|line| *line != "[lints]").skip(1);
    let mut section = lints.take_while(|line| !line.starts_with('['));
    section.any(|line| line.replace(' ', "") == "workspace=true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn findings(name: &str, manifest: &str) -> usize {
        check(&Crate { name: name.into(), manifest: manifest.into(), ..Crate::default() }).len()
    }

    #[test]
    fn a_good_manifest_passes() {
        assert_eq!(findings("tenon-expr", "[package]\nname = \"x\"\n\n[lints]\nworkspace = true\n"), 0);
    }

    #[test]
    fn missing_lints_are_found() {
        assert_eq!(findings("tenon-expr", "[package]\n"), 1);
        assert_eq!(findings("tenon-expr", "[lints]\n[package]\nworkspace = true\n"), 1);
        assert_eq!(findings("tenon-expr", "[lints]\nworkspace = false\n"), 1);
    }

    #[test]
    fn empty_names_are_found() {
        assert_eq!(findings("tenon-utils", "[lints]\nworkspace = true"), 1);
        assert_eq!(findings("core", "[lints]\nworkspace = true"), 1);
    }
}
