//! The specification's own examples.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tenon_workflow::{Document, check, compile};

use crate::documents::{findings, lines, place};

/// What each example compiles to, or why it is refused: a line, a pointer, a code.
const EXAMPLES: &str = "
accumulate-room-readings: 8 /do/0/consumeReading/listen TN1401, 31 /do/1/logReading/do/0/callOrderService/call TN1402, 37 /do/2/generateReport/call TN1402
authentication-bearer: 13 /do/0/getPet/with/endpoint/authentication TN1404
authentication-bearer-uri-format: 13 /do/0/getPet/with/endpoint/authentication TN1404
authentication-oauth2: 13 /do/0/getPet/with/endpoint/authentication TN1404
authentication-oauth2-secret: 7 /use/secrets TN1405, 16 /do/0/getPet/with/endpoint/authentication TN1404
authentication-oidc: 13 /do/0/getPet/with/endpoint/authentication TN1404
authentication-oidc-secret: 7 /use/secrets TN1405, 16 /do/0/getPet/with/endpoint/authentication TN1404
authentication-reusable: 7 /use/authentications TN1404, 18 /do/0/getPet/with/endpoint/authentication TN1404
call-asyncapi-publish: 8 /do/0/findPet/call TN1402
call-asyncapi-subscribe-consume-amount: 8 /do/0/getNotifications/call TN1402
call-asyncapi-subscribe-consume-forever-foreach: 8 /do/0/getNotifications/call TN1402
call-asyncapi-subscribe-consume-until: 8 /do/0/getNotifications/call TN1402
call-asyncapi-subscribe-consume-while: 8 /do/0/getNotifications/call TN1402
call-custom-function-cataloged: 8 /do/0/log/call TN1402
call-custom-function-inline: 7 /use/functions TN1403, 23 /do/0/getPet/call TN1402
call-grpc: 8 /do/0/greet/call TN1402
call-http-endpoint-interpolation: 1 tasks
call-http-endpoint-interpolation-shorthand: 1 tasks
call-http-query-headers-expressions: 2 tasks
call-http-query-parameters: 1 tasks
call-http-redirect: 1 tasks
call-mcp: 8 /do/0/publishMessageToSlack/call TN1402
call-openapi: 8 /do/0/findPet/call TN1402
call-openapi-redirect: 8 /do/0/findPet/call TN1402
conditional-task: 2 tasks
do-multiple: 2 tasks
do-single: 1 tasks
emit: 1 tasks
for: 15 /do/0/checkup/do/0/waitForCheckup/listen TN1401
for-inline-array: 2 tasks
fork: 8 /do/0/raiseAlarm/fork TN1401
listen-to-all: 8 /do/0/callDoctor/listen TN1401
listen-to-all read-envelope: 8 /do/0/callDoctor/listen TN1401
listen-to-any: 8 /do/0/callDoctor/listen TN1401
listen-to-any-filter: 8 /do/0/callDoctor/listen TN1401
listen-to-any-forever-foreach: 8 /do/0/listenToGossips/listen TN1401
listen-to-any-until-condition: 8 /do/0/callDoctor/listen TN1401
listen-to-any-until-consumed: 8 /do/0/callDoctor/listen TN1401
listen-to-one: 8 /do/0/waitForStartup/listen TN1401
mock-service-extension: 7 /use/extensions TN1403
raise-inline: 1 tasks
raise-reusable: 1 tasks
run-container: 8 /do/0/runContainer/run TN1401
run-container-cleanup-always: 8 /do/0/runContainer/run TN1401
run-container-cleanup-eventually: 8 /do/0/runContainer/run TN1401
run-container-stdin-and-arguments: 13 /do/1/runContainer/run TN1401
run-container-with-name: 8 /do/0/runContainer/run TN1401
run-container-with-pull-policy: 8 /do/0/runContainer/run TN1401
run-return-all: 8 /do/0/runContainer/run TN1401
run-return-code: 8 /do/0/runContainer/run TN1401
run-return-none: 8 /do/0/runContainer/run TN1401
run-return-stderr: 8 /do/0/runContainer/run TN1401
run-script-with-stdin-and-arguments: 8 /do/0/runScript/run TN1401
run-shell-stdin-and-arguments: 13 /do/1/runShell/run TN1401
run-subflow: 8 /do/0/registerCustomer/run TN1401
schedule-cron: 7 /schedule/cron TN1403
schedule-event-driven: 1 tasks
set: 1 tasks
set-expression: 1 tasks
star-wars-homeworld: 2 tasks
switch-then-string: 4 tasks
try-catch: 2 tasks
try-catch-retry-inline: 2 tasks
try-catch-retry-reusable: 2 tasks
try-catch-then: 5 tasks
try-catch-then-directive: 4 tasks
wait-duration-inline: 1 tasks
wait-duration-iso8601: 1 tasks
";

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/ows").join(name);
    assert!(
        folder.is_dir(),
        "{} is missing: the specification's examples belong beside the checkout, in ../shared/ows",
        folder.display()
    );
    folder
}

fn documents(name: &str) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder(name)).expect("the folder is readable");
    let paths = entries.map(|entry| entry.expect("the folder is readable").path());
    let yaml = paths.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    yaml.map(|path| {
        let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        (name, fs::read_to_string(&path).expect("the file is readable"))
    })
    .collect()
}

#[test]
fn all_are_valid_and_round_trip() {
    let documents = documents("examples");
    assert!(documents.len() >= 67, "only {} examples", documents.len());
    for (name, source) in &documents {
        let document = Document::parse(source).unwrap_or_else(|found| panic!("{name}\n{}", lines(&found)));
        let found = check(&document);
        assert!(found.is_empty(), "{name}\n{}", lines(&found));
        for written in [document.to_yaml(), document.to_json()] {
            let again = Document::parse(&written).unwrap_or_else(|found| panic!("{name}\n{}", lines(&found)));
            assert_eq!(again.value().to_string(), document.value().to_string(), "{name}");
        }
    }
}

#[test]
fn each_compiles_or_is_refused_in_the_right_place() {
    let mut outcomes = String::new();
    for (name, source) in documents("examples") {
        let document = Document::parse(&source).expect("all parse, see above");
        let outcome = match compile(&document) {
            Ok(program) => format!("{} tasks", program.tasks.len()),
            Err(found) => {
                assert!(
                    found.iter().all(|finding| finding.code.starts_with("TN14")),
                    "{name}\n{}",
                    lines(&found)
                );
                found.iter().map(place).collect::<Vec<_>>().join(", ")
            }
        };
        outcomes.extend([name.as_str(), ": ", &outcome, "\n"]);
    }
    assert_eq!(outcomes.trim_end(), EXAMPLES.trim());
}

#[test]
fn invalid_ones_are_refused() {
    let mut outcomes = String::new();
    for (name, source) in documents("invalid") {
        let found = findings(&source);
        assert!(found.iter().any(|finding| !finding.code.starts_with("TN14")), "{name} is accepted");
        let places: Vec<String> = found.iter().map(place).collect();
        outcomes.extend([name.as_str(), ": ", &places.join(", "), "\n"]);
    }
    insta::assert_snapshot!(outcomes, @r#"
    extra-property-in-call: 12 /do/0/getPet/foo TN1010
    listen-any-until-any-until: 7 /do TN1004
    two-tasks-in-one-item: 12 /do/0/setMessage TN1018
    "#);
}
