//! Every direct dependency has one line in `docs/dependencies.md` that says why.

use super::{Crate, Finding};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const PAGE: &str = "docs/dependencies.md";

pub(super) fn check(crates: &[Crate], page: &str) -> Vec<Finding> {
    let reasons = reasons(page);
    let needed: BTreeSet<&str> = crates
        .iter()
        .flat_map(|package| &package.needs)
        .filter(|need| !need.is_ours)
        .map(|need| need.name.as_str())
        .collect();
    let reasonless = needed.iter().filter(|name| reasons.get(*name).is_none_or(|reason| reason.is_empty()));
    let missing =
        reasonless.map(|name| Finding::new(PAGE, format!("`{name}` is used but has no line that says why")));
    let unused = reasons.keys().filter(|name| !needed.contains(*name));
    let stale = unused.map(|name| Finding::new(PAGE, format!("`{name}` has a line but is not used")));
    missing.chain(stale).collect()
}

/// The rows of the page's table, name → reason.
fn reasons(page: &str) -> BTreeMap<&str, &str> {
    let rows =
        page.lines().filter_map(|line| line.trim().strip_prefix('|')?.strip_suffix('|')?.split_once('|'));
    rows.map(|(name, why)| (name.trim().trim_matches('`'), why.trim()))
        .filter(|(name, _)| *name != "crate" && !name.starts_with('-'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::Need;

    #[track_caller]
    fn findings(page: &str) -> String {
        let need = |name: &str, is_ours| Need { name: name.into(), is_ours, is_dev: false };
        let needs = vec![need("serde", false), need("tenon-expr", true)];
        let package = Crate { name: "tenon".into(), needs, ..Crate::default() };
        check(&[package], page).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn a_line_with_a_reason_is_enough() {
        assert_eq!(findings("# x\n\n| crate | why |\n| --- | --- |\n| `serde` | data |\n"), "");
    }

    #[test]
    fn no_line_or_no_reason_is_found() {
        assert!(findings("").contains("`serde` is used"));
        assert!(findings("| `serde` | |").contains("`serde` is used"));
    }

    #[test]
    fn a_line_for_nothing_is_found() {
        assert!(findings("| `serde` | data |\n| `old` | gone |").contains("`old` has a line"));
    }
}
