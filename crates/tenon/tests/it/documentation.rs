//! Documentation that is generated must be what is checked in. `TENON_WRITE_DOCS=1 cargo test -p tenon` renews it.

use std::path::Path;

use crate::sandbox::Sandbox;

#[track_caller]
fn check(what: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(format!("{what}.md"));
    let ran = Sandbox::new().run(&["generate", what]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (Some(0), ""));
    if std::env::vars().any(|(name, _)| name == "TENON_WRITE_DOCS") {
        std::fs::write(&path, &ran.stdout).expect("written");
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        checked_in == ran.stdout,
        "docs/{what}.md is old; renew it: tenon generate {what} > docs/{what}.md"
    );
}

#[test]
fn configuration_is_up_to_date() {
    check("configuration");
}

#[test]
fn errors_are_up_to_date() {
    check("errors");
}

#[test]
fn every_command_has_a_man_page() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run(&["generate", "man", "man"]);
    assert_eq!(ran.exit, Some(0), "{ran}");
    for page in ["tenon.1", "tenon-up.1", "tenon-job-trace.1", "tenon-workflow-run.1"] {
        assert!(sandbox.path().join("work/man").join(page).is_file(), "{page} is missing");
    }
}
