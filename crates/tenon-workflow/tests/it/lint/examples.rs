//! What the linter says about the specification's own examples. Each line was read and is meant.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use tenon_workflow::{Document, Severity, lint};

use crate::documents::lines;

fn report(folder: &Path, least: usize, wanted: Severity) -> String {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("the folder is readable").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.sort();
    assert!(paths.len() >= least, "{} has {} documents", folder.display(), paths.len());
    let mut report = String::new();
    for path in paths {
        let source = fs::read_to_string(&path).expect("the file is readable");
        let document = Document::parse(&source).unwrap_or_else(|found| panic!("{}", lines(&found)));
        for finding in lint(&document) {
            assert_ne!(finding.severity, Severity::Error, "{}\n{finding}", path.display());
            let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
            if finding.severity == wanted {
                writeln!(report, "{name}: {} {}", finding.code, finding.message).expect("a String takes all");
            }
        }
    }
    report
}

fn specification() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/ows/examples")
}

#[test]
fn of_the_specification() {
    insta::assert_snapshot!(report(&specification(), 67, Severity::Warning), @r#"
    accumulate-room-readings: TN1527 this expression cannot use what it gets: it reads the member `data` of a list
    accumulate-room-readings: TN1540 nothing in `logReading` reads `$reading`
    accumulate-room-readings: TN1563 this address is called in plain text: everybody on the way can read and change it
    accumulate-room-readings: TN1563 this address is called in plain text: everybody on the way can read and change it
    authentication-bearer-uri-format: TN1561 this `token` comes from the data, so it is in the event, the trace and the logs
    authentication-bearer: TN1561 this `token` comes from the data, so it is in the event, the trace and the logs
    authentication-oauth2: TN1560 this `secret` is a credential that everybody who sees the document can read
    authentication-oidc: TN1560 this `secret` is a credential that everybody who sees the document can read
    authentication-reusable: TN1561 this `token` comes from the data, so it is in the event, the trace and the logs
    call-asyncapi-publish: TN1561 this `token` comes from the data, so it is in the event, the trace and the logs
    call-asyncapi-subscribe-consume-amount: TN1522 `$context.userId` is always null: no task has an `export`
    call-asyncapi-subscribe-consume-amount: TN1522 `$context.contact` is always null: no task has an `export`
    call-asyncapi-subscribe-consume-forever-foreach: TN1522 `$context.userId` is always null: no task has an `export`
    call-asyncapi-subscribe-consume-forever-foreach: TN1522 `$context.contact` is always null: no task has an `export`
    call-asyncapi-subscribe-consume-until: TN1522 `$context.userId` is always null: no task has an `export`
    call-asyncapi-subscribe-consume-until: TN1522 `$context.contact` is always null: no task has an `export`
    call-asyncapi-subscribe-consume-until: TN1522 `$context.consumedMessages` is always null: no task has an `export`
    call-asyncapi-subscribe-consume-while: TN1522 `$context.userId` is always null: no task has an `export`
    call-asyncapi-subscribe-consume-while: TN1522 `$context.contact` is always null: no task has an `export`
    call-asyncapi-subscribe-consume-while: TN1522 `$context.consumedMessages` is always null: no task has an `export`
    call-http-redirect: TN1567 a redirect is not followed but is the result, and without `output: response` its address is lost
    call-mcp: TN1560 `xoxp-…` is a credential that everybody who sees the document can read
    call-openapi-redirect: TN1567 a redirect is not followed but is the result, and without `output: response` its address is lost
    conditional-task: TN1507 `.customer` is passed on as text, it is not an expression
    conditional-task: TN1507 `.bet` is passed on as text, it is not an expression
    for: TN1527 this expression cannot use what it gets: it reads the member `pets` of a list
    fork: TN1546 `callNurse`, `callDoctor` each change something, and what the losers have done by then is not undone
    run-subflow: TN1507 `.user` is passed on as text, it is not an expression
    schedule-event-driven: TN1526 each event is already read as its data, so this is the member `data` of the data
    schedule-event-driven: TN1526 each event is already read as its data, so this is the member `data` of the data
    schedule-event-driven: TN1526 each event is already read as its data, so this is the member `data` of the data
    schedule-event-driven: TN1526 each event is already read as its data, so this is the member `data` of the data
    schedule-event-driven: TN1526 each event is already read as its data, so this is the member `data` of the data
    try-catch-then-directive: TN1552 `https://serverlessworkflow.io/dsl/errors/types/communication` is no standard error, so no filter for one fits it
    try-catch-then: TN1507 `$error` is passed on as text, it is not an expression
    "#);
}

/// Remarks are about what is missing, so many documents get some; how many of each code.
#[test]
fn remarks_about_the_specification() {
    let report = report(&specification(), 67, Severity::Information);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for line in report.lines() {
        let (_, finding) = line.split_once(": ").expect("a line names its document");
        *counts.entry(&finding[..6]).or_default() += 1;
    }
    insta::assert_snapshot!(format!("{counts:?}"), @r#"
    {"TN1515": 1, "TN1565": 32, "TN1566": 9, "TN1592": 1}
    "#);
}

#[test]
fn of_tenon() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/orders/workflows");
    insta::assert_snapshot!(report(&folder, 1, Severity::Warning), @"");
}
