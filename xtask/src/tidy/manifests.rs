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
    if !has_workspace_lints(&package.manifest) && !has_reasoned_lints(&package.manifest) {
        let message =
            "Cargo.toml lacks `[lints] workspace = true` (or a comment above its own that says why)";
        findings.push(Finding::new(&package.name, message));
    }
    findings
}

fn has_workspace_lints(manifest: &str) -> bool {
    let lints = manifest.lines().map(str::trim).skip_while(|line| *line != "[lints]").skip(1);
    let mut section = lints.take_while(|line| !line.starts_with('['));
    section.any(|line| line.replace(' ', "") == "workspace=true")
}

/// A crate that must have unsafe code cannot take the workspace's lints, which forbid it; it lists its own,
/// below a comment that says why.
fn has_reasoned_lints(manifest: &str) -> bool {
    let lines: Vec<&str> = manifest.lines().collect();
    let own = lines.iter().position(|line| line.trim() == "[lints.rust]");
    own.is_some_and(|at| at > 0 && lines[at - 1].starts_with('#'))
        && manifest.contains("unsafe_code = \"deny\"")
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
    fn own_lints_need_a_reason() {
        let own = "[lints.rust]\nunsafe_code = \"deny\"\n";
        assert_eq!(findings("tenon-expr", &format!("# a table of C functions\n{own}")), 0);
        assert_eq!(findings("tenon-expr", &format!("\n{own}")), 1);
    }

    #[test]
    fn empty_names_are_found() {
        assert_eq!(findings("tenon-utils", "[lints]\nworkspace = true"), 1);
        assert_eq!(findings("core", "[lints]\nworkspace = true"), 1);
    }
}
