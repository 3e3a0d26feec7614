//! Limits can be seen with what they are used for; workspaces can be made.

use serde_json::{Value, json};

use crate::server::Server;

const ONE_AN_HOUR: &str = "{dsl: '1.0.3', namespace: acme, name: slow, version: '1.0.0', metadata: {tenon: {rateLimit: {limit: 1, per: PT1H}, concurrency: 3}}}";

fn find<'a>(limits: &'a Value, kind: &str) -> Option<&'a Value> {
    limits["items"].as_array().expect("a list").iter().find(|item| item["kind"] == kind)
}

fn row<'a>(limits: &'a Value, kind: &str) -> &'a Value {
    find(limits, kind).unwrap_or_else(|| panic!("no {kind} in {limits}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_limit_is_seen_with_its_use_and_what_waits() {
    let server = Server::start().await;
    let document = format!("document: {ONE_AN_HOUR}\ndo:\n- done: {{set: {{ok: true}}}}\n");
    server.send("PUT /api/v1/workflows/acme/slow", &document, &[]).await.expect(201);
    for _ in 0..3 {
        server.post("/run/default/acme/slow", "{}").await.expect(202);
    }
    let mut limits = server.get("/api/v1/limits").await.expect(200);
    let is_settled = |limits: &Value| {
        let waiting = find(limits, "workflowRate").map(|rate| &rate["waiting"]);
        (&row(limits, "serverConcurrency")["used"], waiting) == (&json!(0), Some(&json!(2)))
    };
    // polls: the worker has heard of the workflow, the one job that may start has ended, and two wait
    while !is_settled(&limits) {
        limits = server.get("/api/v1/limits").await.expect(200);
    }
    let rate = row(&limits, "workflowRate");
    assert_eq!(
        [&rate["name"], &rate["limit"], &rate["perSeconds"], &rate["left"], &rate["waiting"]],
        [&json!("acme/slow"), &json!(1), &json!(3600.0), &json!(0), &json!(2)]
    );
    assert!(rate["next"].as_str().is_some_and(|next| next.ends_with('Z')), "{rate}");
    assert_eq!(row(&limits, "workflowConcurrency")["limit"], 3);
    let backlog = row(&limits, "backlogJobs");
    assert_eq!((&backlog["used"], &backlog["refusing"]), (&json!(2), &json!(false)));
    // They wait for their rate, and for nothing else.
    for kind in [
        "serverConcurrency",
        "serverOpenings",
        "workspaceConcurrency",
        "workspaceShare",
        "workflowConcurrency",
    ] {
        assert_eq!(row(&limits, kind)["waiting"], 0, "{kind}");
    }
    let share = row(&limits, "workspaceShare");
    assert_eq!((&share["limit"], &share["setting"]), (&json!(911), &json!("worker.effects")));
    for kind in ["backlogBytes", "backlogAge", "bodyMemory", "payloadMemory"] {
        row(&limits, kind);
    }
    let doctor = server.get("/api/v1/doctor").await.expect(200);
    let detail = |name: &str| {
        let checks = doctor["checks"].as_array().expect("a list");
        checks.iter().find(|check| check["name"] == name).expect("it is told")["detail"].clone()
    };
    assert_eq!(detail("limits"), "2 jobs of default wait for their turn");
    assert_eq!(detail("clock"), "has not been set back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_is_made_once_and_sees_only_its_own() {
    let server = Server::start().await;
    assert_eq!(
        server.send("PUT /api/v1/workspaces/shop-test", "", &[]).await.expect(201)["name"],
        "shop-test"
    );
    server.send("PUT /api/v1/workspaces/shop-test", "", &[]).await.expect(200);
    let listed = server.get("/api/v1/workspaces").await.expect(200);
    let names = listed["items"].as_array().expect("a list").iter().map(|item| &item["name"]);
    assert_eq!(names.collect::<Vec<_>>(), ["default", "shop-test"]);
    let other = [("tenon-workspace", "shop-test")];
    let audit = server.send("GET /api/v1/audit", "", &other).await.expect(200);
    assert_eq!(audit["items"][0]["action"], "workspace.create");
    assert_eq!(audit["items"].as_array().map(Vec::len), Some(1), "{audit}");
    server.send("GET /api/v1/limits", "", &other).await.expect(200);
    for name in ["Shop", "-a", "a-", "a_b", &"a".repeat(64)] {
        let problem = server.send(&format!("PUT /api/v1/workspaces/{name}"), "", &[]).await.expect(400);
        assert!(problem["hint"].as_str().is_some_and(|hint| hint.contains("lower case")), "{problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rates_of_triggers_are_seen_with_their_use() {
    let server = Server::start().await;
    let webhook = "kind: webhook\npath: a\nauth: none\nrateLimit: { limit: 1, per: PT1H, burst: 2 }\n";
    let poller = "kind: poll\nevery: P1D\ncall: http\nwith: { method: get, endpoint: 'http://127.0.0.1:9/' }\n\
                  items: ${ . }\nrateLimit: { limit: 5, per: PT10S }\n";
    for (name, document) in [("limited", webhook), ("asks", poller), ("off", webhook)] {
        let document = document.replace("path: a", &format!("path: {name}"));
        server.send(&format!("PUT /api/v1/triggers/{name}"), &document, &[]).await.expect(201);
    }
    server.post("/api/v1/triggers/off/disable", "").await;
    let rates = async || {
        let limits = server.get("/api/v1/limits").await.expect(200);
        let items = limits["items"].as_array().expect("a list").clone();
        items.into_iter().filter(|item| item["kind"] == "triggerRate").collect::<Vec<Value>>()
    };
    for status in [202, 202, 429] {
        let [asks, limited] = &rates().await[..] else { panic!("only what is enabled has a rate") };
        assert_eq!(
            [&asks["name"], &asks["unit"], &asks["limit"]],
            [&json!("asks"), &json!("calls"), &json!(5)]
        );
        assert_eq!(limited["refused"], 0);
        server.post("/hooks/default/limited", "{}").await.expect(status);
    }
    let limited = rates().await.remove(1);
    let shown =
        ["limit", "perSeconds", "burst", "left", "used", "waiting", "refused"].map(|name| &limited[name]);
    assert_eq!(json!(shown), json!([1, 3600.0, 2, 0, 2, 0, 1]));
}
