//! Layers point down: a crate depends on lower layers and on crates named before it in its own row.
//!
//! The table is that of the architecture page. A crate that is not in it is refused, so that adding one is a
//! decision about where it belongs.

use super::{Crate, Finding, Need};

/// Row by row, each row in order. Adapters (layer 2) never depend on each other.
const LAYERS: [&[&str]; 5] = [
    &["tenon-expr", "tenon-openapi", "tenon-workflow", "tenon-engine", "tenon-catalog"],
    &["tenon-store", "tenon-vault", "tenon-host"],
    &[
        "tenon-store-sqlite",
        "tenon-store-postgres",
        "tenon-host-process",
        "tenon-outbound",
        "tenon-vault-local",
    ],
    &["tenon-capture", "tenon-gateway", "tenon-trigger", "tenon-worker", "tenon-control", "tenon-sdkgen"],
    &["tenon", "xtask"],
];
const ADAPTERS: usize = 2;
/// Stand beside the layers: for tests of other crates only, and know none of our crates.
const FOR_TESTS: [&str; 1] = ["tenon-crash-vfs"];

/// Libraries that a layer must not use (tests may): layer and the names.
const BANNED: [(usize, &[&str]); 3] = [
    (0, &["tokio", "async-trait", "futures-util", "rand", "getrandom", "rusqlite", "hyper", "axum"]),
    (1, &["rusqlite", "tokio-postgres", "sqlx", "hyper", "axum"]),
    (3, &["rusqlite", "tokio-postgres", "sqlx"]),
];

/// Whether the crates of layer 0 may be seen in `path`.
pub(super) fn is_domain(path: &str) -> bool {
    let folder = path.strip_prefix("crates/").and_then(|rest| rest.split('/').next());
    folder.is_some_and(|folder| LAYERS[0].contains(&folder))
}

pub(super) fn check(crates: &[Crate]) -> Vec<Finding> {
    crates.iter().flat_map(check_crate).collect()
}

fn check_crate(package: &Crate) -> Vec<Finding> {
    if FOR_TESTS.contains(&package.name.as_str()) {
        let ours = package.needs.iter().filter(|need| need.is_ours);
        let message = |need: &Need| format!("is for tests and must not know `{}`", need.name);
        return ours.map(|need| Finding::new(&package.name, message(need))).collect();
    }
    let Some(user) = position(&package.name) else {
        let message =
            "not in the table of layers; decide where it belongs (ARCHITECTURE.md, xtask/src/tidy/layers.rs)";
        return vec![Finding::new(&package.name, message)];
    };
    let mut findings = Vec::new();
    for need in &package.needs {
        if FOR_TESTS.contains(&need.name.as_str()) {
            let message = format!("`{}` is for tests: only a dev-dependency", need.name);
            findings.extend((!need.is_dev).then(|| Finding::new(&package.name, message)));
        } else if need.is_ours {
            findings.extend(points_up(&need.name, user).map(|message| Finding::new(&package.name, message)));
        } else if !need.is_dev && is_banned(user.0, &need.name) {
            let message = format!("layer {} must not use `{}`", user.0, need.name);
            findings.push(Finding::new(&package.name, message));
        }
    }
    findings
}

/// What is wrong with a crate at `user` depending on `name`, if anything.
fn points_up(name: &str, user: (usize, usize)) -> Option<String> {
    let Some(used) = position(name) else {
        return Some(format!("depends on `{name}`, which is not in the table of layers"));
    };
    if used.0 > user.0 {
        return Some(format!("depends on `{name}` in layer {}, above its own layer {}", used.0, user.0));
    }
    if used.0 == ADAPTERS && user.0 == ADAPTERS {
        return Some(format!("depends on `{name}`: an adapter must not know another"));
    }
    (used.0 == user.0 && used.1 >= user.1)
        .then(|| format!("depends on `{name}`, which is not named before it in layer {}", user.0))
}

/// Layer, and place within it.
fn position(name: &str) -> Option<(usize, usize)> {
    LAYERS
        .iter()
        .enumerate()
        .find_map(|(layer, row)| Some((layer, row.iter().position(|other| *other == name)?)))
}

fn is_banned(layer: usize, library: &str) -> bool {
    BANNED.iter().any(|(banned, libraries)| *banned == layer && libraries.contains(&library))
}

#[cfg(test)]
mod tests {
    use super::*;
    #[track_caller]
    fn findings(name: &str, need: &str) -> String {
        findings_of(name, Need { name: need.into(), is_ours: need.starts_with("tenon"), is_dev: false })
    }

    #[track_caller]
    fn findings_of(name: &str, need: Need) -> String {
        let package = Crate { name: name.into(), needs: vec![need], ..Crate::default() };
        check(&[package]).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn down_and_before_is_fine() {
        assert_eq!(findings("tenon-engine", "tenon-workflow"), "");
        assert_eq!(findings("tenon-worker", "tenon-outbound"), "");
        assert_eq!(findings("tenon", "tenon-gateway"), "");
    }

    #[test]
    fn up_is_refused() {
        assert!(findings("tenon-store", "tenon-store-sqlite").contains("above its own layer 1"));
        assert!(findings("tenon-engine", "tenon-store").contains("above"));
    }

    #[test]
    fn later_in_the_row_is_refused() {
        assert!(findings("tenon-expr", "tenon-workflow").contains("not named before it"));
    }

    #[test]
    fn adapters_do_not_know_each_other() {
        assert!(findings("tenon-vault-local", "tenon-store-sqlite").contains("an adapter must not know"));
    }

    #[test]
    fn what_is_for_tests_stays_with_tests() {
        let dev = Need { name: "tenon-crash-vfs".into(), is_ours: true, is_dev: true };
        assert_eq!(findings_of("tenon-store-sqlite", dev), "");
        assert!(findings("tenon-store-sqlite", "tenon-crash-vfs").contains("only a dev-dependency"));
        assert!(findings("tenon-crash-vfs", "tenon-store").contains("must not know"));
    }

    #[test]
    fn strangers_are_refused() {
        assert!(findings("tenon-stranger", "tenon-expr").contains("not in the table"));
        assert!(findings("tenon", "tenon-stranger").contains("not in the table"));
    }

    #[test]
    fn some_libraries_are_refused_in_some_layers() {
        assert!(findings("tenon-engine", "tokio").contains("must not use `tokio`"));
        assert!(findings("tenon-gateway", "rusqlite").contains("must not use"));
        assert_eq!(findings("tenon-worker", "tokio"), "");
    }

    #[test]
    fn the_domain_is_known_by_its_folders() {
        assert!(is_domain("crates/tenon-expr/src/lib.rs"));
        assert!(!is_domain("crates/tenon-store/src/lib.rs") && !is_domain("xtask/src/main.rs"));
    }
}
