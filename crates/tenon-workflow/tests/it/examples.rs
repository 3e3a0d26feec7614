//! The specification's own examples.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tenon_workflow::{Document, check, compile};

use crate::documents::{findings, lines, place};

/// The examples that this version does not run: where each is refused, and why. All others compile.
const REFUSED: &[(&str, &str, &str)] = &[
    (
        "call-asyncapi-publish",
        "8 /do/0/findPet/call TN1402",
        "needs a connector for the protocol of the channel",
    ),
    (
        "call-asyncapi-subscribe-consume-amount",
        "8 /do/0/getNotifications/call TN1402",
        "needs a connector for the protocol of the channel",
    ),
    (
        "call-asyncapi-subscribe-consume-forever-foreach",
        "8 /do/0/getNotifications/call TN1402",
        "needs a connector for the protocol of the channel",
    ),
    (
        "call-asyncapi-subscribe-consume-until",
        "8 /do/0/getNotifications/call TN1402",
        "needs a connector for the protocol of the channel",
    ),
    (
        "call-asyncapi-subscribe-consume-while",
        "8 /do/0/getNotifications/call TN1402",
        "needs a connector for the protocol of the channel",
    ),
    ("call-custom-function-cataloged", "8 /do/0/log/call TN1402", "come with the function catalog"),
    (
        "call-grpc",
        "11 /do/0/greet/with/proto/endpoint TN1406",
        "fetched when it is applied, from a literal http or https address",
    ),
    (
        "call-mcp",
        "8 /do/0/publishMessageToSlack/call TN1402",
        "needs a client for the model context protocol",
    ),
    ("run-container", "9 /do/0/runContainer/run/container TN1401", "needs a container runtime"),
    (
        "run-container-cleanup-always",
        "9 /do/0/runContainer/run/container TN1401",
        "needs a container runtime",
    ),
    (
        "run-container-cleanup-eventually",
        "9 /do/0/runContainer/run/container TN1401",
        "needs a container runtime",
    ),
    (
        "run-container-stdin-and-arguments",
        "14 /do/1/runContainer/run/container TN1401",
        "needs a container runtime",
    ),
    ("run-container-with-name", "9 /do/0/runContainer/run/container TN1401", "needs a container runtime"),
    (
        "run-container-with-pull-policy",
        "9 /do/0/runContainer/run/container TN1401",
        "needs a container runtime",
    ),
    ("run-return-all", "9 /do/0/runContainer/run/container TN1401", "needs a container runtime"),
    ("run-return-code", "9 /do/0/runContainer/run/container TN1401", "needs a container runtime"),
    ("run-return-none", "9 /do/0/runContainer/run/container TN1401", "needs a container runtime"),
    ("run-return-stderr", "9 /do/0/runContainer/run/container TN1401", "needs a container runtime"),
    (
        "run-script-with-stdin-and-arguments",
        "9 /do/0/runScript/run/script TN1401",
        "needs a host for functions",
    ),
    (
        "run-shell-stdin-and-arguments",
        "14 /do/1/runShell/run/shell TN1401",
        "would run commands on the server itself",
    ),
];

fn path(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/ows").join(name);
    assert!(
        path.exists(),
        "{} is missing: the specification's examples belong beside the checkout, in ../shared/ows",
        path.display()
    );
    path
}

/// A file of the specification.
pub(crate) fn text(name: &str) -> String {
    fs::read_to_string(path(name)).expect("the file is readable")
}

/// All documents of a folder of the specification, by their names.
pub(crate) fn documents(folder: &str) -> BTreeMap<String, String> {
    let entries = fs::read_dir(path(folder)).expect("the folder is readable");
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
    assert_eq!(documents.len(), 68, "the examples have changed");
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
fn each_compiles_or_is_refused_for_a_named_reason() {
    let mut refused: BTreeMap<&str, (&str, &str)> =
        REFUSED.iter().map(|(name, place, why)| (*name, (*place, *why))).collect();
    for (name, source) in documents("examples") {
        let document = Document::parse(&source).expect("all parse, see above");
        match (compile(&document), refused.remove(name.as_str())) {
            (Ok(program), None) => assert!(!program.tasks.is_empty(), "{name}"),
            (Err(found), Some(expected)) => {
                let [finding] = &found[..] else { panic!("{name}: not one finding\n{}", lines(&found)) };
                assert_eq!(place(finding), expected.0, "{name}");
                assert!(finding.message.contains(expected.1), "{name}: {finding}");
                assert!(finding.hint.is_some(), "{name}: {finding}");
            }
            (Ok(_), Some(_)) => panic!("{name} compiles now: take it out of the table"),
            (Err(found), None) => panic!("{name} is refused\n{}", lines(&found)),
        }
    }
    assert!(refused.is_empty(), "there are no such examples: {refused:?}");
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
