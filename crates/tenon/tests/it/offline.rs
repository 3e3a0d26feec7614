//! What needs no server: help, usage errors, lint, explain, completions, configuration, and no server at all.

use insta::assert_snapshot;

use crate::sandbox::Sandbox;

#[test]
fn help() {
    assert_snapshot!(Sandbox::new().run(&["--help"]));
}

#[test]
fn help_of_a_command() {
    assert_snapshot!(Sandbox::new().run(&["job", "list", "--help"]));
}

#[test]
fn help_of_up_has_every_setting() {
    assert_snapshot!(Sandbox::new().run(&["up", "--help"]));
}

#[test]
fn version() {
    let ran = Sandbox::new().run(&["--version"]);
    assert_eq!(ran.stdout, format!("tenon {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!((ran.exit, ran.stderr.as_str()), (Some(0), ""));
}

#[test]
fn no_command() {
    let ran = Sandbox::new().run(&[]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.contains("error: a command is missing\nhint:"), "{ran}");
}

#[test]
fn unknown_command() {
    assert_snapshot!(Sandbox::new().run(&["aply"]));
}

#[test]
fn unknown_flag() {
    assert_snapshot!(Sandbox::new().run(&["job", "list", "--stat", "faulted"]));
}

#[test]
fn missing_argument() {
    assert_snapshot!(Sandbox::new().run(&["job", "trace"]));
}

#[test]
fn bad_values() {
    assert_snapshot!("bad_name", Sandbox::new().run(&["workflow", "show", "orders"]));
    assert_snapshot!("bad_state", Sandbox::new().run(&["job", "list", "--state", "broken"]));
    assert_snapshot!("bad_time", Sandbox::new().run(&["job", "list", "--since", "yesterday"]));
    assert_snapshot!("bad_json", Sandbox::new().run(&["event", "send", "--type", "t", "--data", "{a}"]));
    assert_snapshot!("bad_server", Sandbox::new().run(&["job", "list", "--server", "localhost:7070"]));
}

#[test]
fn unreachable_server() {
    // A port that was free a moment ago, and that nothing listens on.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let server = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let mut ran = Sandbox::new().run(&["job", "list", "--server", &server]);
    ran.stderr = ran.stderr.replace(&server, "http://SERVER");
    assert_snapshot!(ran);
}

#[test]
fn lint_of_a_bad_file() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "bad.yaml",
        "document: { dsl: '1.0.3', namespace: shop, name: orders, version: '1.0.0' }\n\
         do:\n  - total:\n      sett: { total: 1 }\n  - next:\n      set: { a: '${ .a | nope }' }\n      then: nowhere\n",
    );
    assert_snapshot!(sandbox.run(&["workflow", "lint", "bad.yaml"]));
    assert_snapshot!(
        "lint_of_a_bad_file_json",
        sandbox.run(&["workflow", "lint", "bad.yaml", "--output", "json"])
    );
}

#[test]
fn lint_of_text_that_is_no_yaml() {
    let sandbox = Sandbox::new();
    sandbox.write("broken.yaml", "document: {\n");
    let ran = sandbox.run(&["workflow", "lint", "broken.yaml"]);
    assert_eq!(ran.exit, Some(1));
    assert!(ran.stdout.starts_with("broken.yaml:"), "{ran}");
}

#[test]
fn lint_of_a_good_file() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "good.yaml",
        "document: { dsl: '1.0.3', namespace: shop, name: orders, version: '1.0.0' }\n\
         do:\n  - total:\n      set: { total: 1 }\n",
    );
    assert_snapshot!(sandbox.run(&["workflow", "lint", "good.yaml"]));
}

#[test]
fn lint_mends_what_can_be_mended() {
    let sandbox = Sandbox::new();
    let path = sandbox.write(
        "orders.yaml",
        "document: { dsl: '1.0.3', namespace: shop, name: orders, version: '1.0.0' }\n\
         use:\n  timeouts:\n    short: { after: PT1S } # for tests\n\
         do:\n  # The sum.\n  - total:\n      set: { total: 1 }\n      then: continue\n",
    );
    assert_snapshot!(sandbox.run(&["workflow", "lint", "orders.yaml"]), @r#"
    exit: 0
    -- stdout
    orders.yaml:4:5: warning: nothing uses `short` at /use/timeouts/short (TN1503)
      hint: remove it, or refer to it by its name
    orders.yaml:9:13: info: `then: continue` is what happens anyway at /do/0/total/then (TN1516)
      hint: remove it
    -- stderr
    1 file: 0 errors, 1 warning, 1 remark
    "#);
    assert_snapshot!(sandbox.run(&["workflow", "lint", "orders.yaml", "--fix"]), @r#"
    exit: 0
    -- stdout
    orders.yaml:4: fixed: nothing uses `short` (TN1503)
    -use:
    -  timeouts:
    -    short: { after: PT1S } # for tests
    orders.yaml:9: fixed: `then: continue` is what happens anyway (TN1516)
    -      then: continue
    -- stderr
    1 file: 0 errors, 0 warnings; 2 changes made
    "#);
    assert_snapshot!(std::fs::read_to_string(path).expect("the file is there"), @r#"
    document: { dsl: '1.0.3', namespace: shop, name: orders, version: '1.0.0' }
    do:
      # The sum.
      - total:
          set: { total: 1 }
    "#);
    let again = sandbox.run(&["workflow", "lint", "orders.yaml", "--fix", "--output", "json"]);
    assert_snapshot!(again, @r#"
    exit: 0
    -- stdout
    {
      "items": [],
      "changes": []
    }
    -- stderr
    1 file: 0 errors, 0 warnings
    "#);
}

#[test]
fn lint_of_a_missing_file() {
    assert_snapshot!(Sandbox::new().run(&["workflow", "lint", "nowhere.yaml"]));
}

#[test]
fn explain() {
    assert_snapshot!(Sandbox::new().run(&["explain", "tn2021"]));
    assert_snapshot!("explain_json", Sandbox::new().run(&["explain", "TN2021", "--output", "json"]));
    assert_snapshot!("explain_unknown", Sandbox::new().run(&["explain", "TN9999"]));
}

#[test]
fn explain_lists_codes_of_every_part() {
    let ran = Sandbox::new().run(&["explain"]);
    for code in ["TN0001 ", "TN1010 ", "TN2001 "] {
        assert!(ran.stdout.lines().any(|line| line.starts_with(code)), "{code} is not listed");
    }
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let ran = Sandbox::new().run(&["completions", shell]);
        assert_eq!((ran.exit, ran.stderr.as_str()), (Some(0), ""));
        for word in ["workflow", "trigger", "rerun", "print-config"] {
            assert!(ran.stdout.contains(word), "{shell} does not know {word}");
        }
    }
}

#[test]
fn configuration_is_shown_with_its_origin() {
    let sandbox = Sandbox::new();
    sandbox.write("tenon.toml", "[limits]\nevent = \"2MiB\"\n");
    let variables = [("TENON_SHUTDOWN_DRAIN", "3s"), ("TENON_MASTER_KEY", "very-secret")];
    let args = [
        "up",
        "--print-config",
        "--config",
        "tenon.toml",
        "--data",
        "d",
        "--master-key-file",
        "m",
        "--behind-proxy",
    ];
    let ran = sandbox.run_with(&args, &variables);
    assert!(!ran.to_string().contains("very-secret"));
    assert_snapshot!(ran);
}

#[test]
fn bad_configuration() {
    let sandbox = Sandbox::new();
    sandbox.write("typo.toml", "[limits]\nevnt = \"2MiB\"\n");
    sandbox.write("broken.toml", "listen = \n");
    assert_snapshot!("unknown_setting", sandbox.run(&["up", "--config", "typo.toml"]));
    assert_snapshot!("broken_toml", sandbox.run(&["up", "--config", "broken.toml"]));
    assert_snapshot!("missing_config", sandbox.run(&["up", "--config", "nowhere.toml"]));
    assert_snapshot!("bad_flag", sandbox.run(&["up", "--listen", "everywhere"]));
    assert_snapshot!("bad_variable", sandbox.run_with(&["up"], &[("TENON_LIMITS_BODY", "big")]));
}

#[test]
fn a_key_is_not_sent_to_a_server_that_only_the_project_names() {
    let server = crate::fake_server::FakeServer::start();
    let sandbox = Sandbox::new();
    sandbox.write("tenon.yaml", &format!("server: {}\n", server.url()));
    let mut ran = sandbox.run_with(&["job", "list"], &[("TENON_KEY", crate::fake_server::FakeServer::KEY)]);
    assert!(server.asked().iter().all(|asked| asked.header("authorization").is_none()));
    ran.stderr = ran.stderr.replace(&server.url(), "http://SERVER");
    assert_snapshot!(ran);
}

#[test]
fn the_owner_key_of_the_local_server_is_found() {
    let server = crate::fake_server::FakeServer::start();
    server.on("GET", "/api/v1/workspaces", serde_json::json!({ "items": [], "next": null }));
    let sandbox = Sandbox::new();
    let data = sandbox.path().join(".local/share/tenon");
    std::fs::create_dir_all(&data).expect("made");
    std::fs::write(data.join("server.url"), server.url()).expect("written");
    std::fs::write(data.join("owner.key"), crate::fake_server::FakeServer::KEY).expect("written");
    let ran = sandbox.run(&["whoami"]);
    assert_eq!(ran.exit, Some(0), "{ran}");
    assert!(
        ran.stdout.contains("owner.key")
            && ran.stdout.contains("server.url")
            && !ran.stdout.contains("tn_test_key"),
        "{ran}"
    );
}
