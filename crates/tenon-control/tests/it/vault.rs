//! Keys: shown, changed while everything runs, and what the next start needs.

use serde_json::{Value, json};
use tenon_vault::Vault as _;
use tenon_vault_local::{Create, LocalVault};

use crate::server::Server;

const ROTATE: &str = "/api/v1/vault/rotate";

async fn rotate_master(server: &Server, file: &str) -> crate::server::Answer {
    server.post(ROTATE, &json!({ "key": "master", "newKeyFile": file }).to_string()).await
}

fn check<'a>(doctor: &'a Value, name: &str) -> &'a Value {
    let checks = doctor["checks"].as_array().expect("checks");
    checks.iter().find(|check| check["name"] == name).expect("the check is there")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_master_key_changes_while_the_server_runs() {
    let server = Server::start().await;
    server.deploy("w", "do: [{a: {set: {n: 1}}}]").await.expect(201);
    let before = server.get("/api/v1/vault").await.expect(200);
    assert_eq!(before["warning"], Value::Null, "{before}");
    assert_eq!(check(&server.get("/api/v1/doctor").await.expect(200), "keys")["state"], "ok");

    let file = server.path().join("keys/new.key");
    let shown = file.display().to_string();
    let answer = rotate_master(&server, &shown).await.expect(200);
    let made = LocalVault::open(&file, Create::Never).expect("the key is in the file");
    assert_eq!(answer["masterKey"]["id"], made.id());
    assert_eq!(answer["previous"], before["masterKey"]["id"]);
    assert_eq!((&answer["made"], &answer["dataKeys"]), (&json!(true), &json!(1)));
    let next = answer["nextStart"].as_str().expect("what to do");
    assert!(next.contains(&shown) && next.contains("unset TENON_MASTER_KEY"), "{next}");
    let content = std::fs::read_to_string(&file).expect("it is readable");
    assert!(!answer.to_string().contains(content.trim()), "the key itself is only in the file");

    server.post("/run/default/acme/w", "{}").await.expect(202);
    let after = server.get("/api/v1/vault").await.expect(200);
    assert_eq!((&after["masterKey"]["id"], &after["masterKey"]["file"]), (&json!(made.id()), &json!(shown)));
    let warning = after["warning"].as_str().expect("the environment still has the old key");
    assert!(warning.contains(&made.id()) && warning.contains(&shown), "{warning}");
    let doctor = server.get("/api/v1/doctor").await.expect(200);
    let check = check(&doctor, "keys");
    assert_eq!((&check["state"], &check["hint"]), (&json!("warning"), &json!(warning)));
    let again = rotate_master(&server, &shown).await.expect(409);
    assert_eq!(again["code"], "TN0021");
    let audit = server.get("/api/v1/audit?limit=1").await.expect(200);
    assert_eq!(audit["items"][0]["action"], "vault.rotate-master");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_place_for_a_key_changes_nothing() {
    let server = Server::start().await;
    let before = server.get("/api/v1/vault").await.expect(200);
    let inside = server.path().join("data/new.key").display().to_string();
    let text = server.path().join("text");
    std::fs::write(&text, "hello").expect("written");
    for file in [inside.as_str(), "relative.key", &text.display().to_string(), "/proc/nobody/new.key"] {
        let refused = rotate_master(&server, file).await.expect(422);
        assert_eq!(refused["code"], "TN0044", "{file}");
        assert!(refused["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{refused}");
    }
    for body in
        ["{}", "{\"key\":\"other\"}", "{\"key\":\"master\"}", "{\"key\":\"data\",\"newKeyFile\":\"/x\"}"]
    {
        assert_eq!(server.post(ROTATE, body).await.expect(400)["code"], "TN0022", "{body}");
    }
    assert_eq!(server.get("/api/v1/vault").await.expect(200), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_data_key_is_shown_with_what_the_old_ones_are_for() {
    let server = Server::start().await;
    server.deploy("w", "do: [{a: {set: {n: 1}}}]").await.expect(201);
    let job = server.post("/run/default/acme/w", "{\"n\": 1}").await.expect(202);
    let put = "PUT /api/v1/variables/key";
    server.send(put, &json!({ "kind": "secret", "value": "s" }).to_string(), &[]).await.expect(201);
    let answer = server.post(ROTATE, "{\"key\":\"data\"}").await.expect(200);
    assert_eq!((&answer["dataKey"], &answer["workspace"]), (&json!(2), &json!("default")));
    let vault = server.get("/api/v1/vault").await.expect(200);
    let keys: Vec<_> = vault["dataKeys"]
        .as_array()
        .expect("keys")
        .iter()
        .map(|key| (key["number"].clone(), key["role"].clone(), key["variables"].clone()))
        .collect();
    assert_eq!(keys, [(json!(1), json!("payloads"), json!(0)), (json!(2), json!("newest"), json!(1))]);
    let job = job["job"].as_str().expect("an id");
    let shown = server.get(&format!("/api/v1/jobs/{job}")).await.expect(200);
    assert_eq!(shown["input"], json!({ "n": 1 }), "what the old key sealed is readable");
    let doctor = server.get("/api/v1/doctor").await.expect(200);
    let detail = check(&doctor, "keys")["detail"].as_str().expect("text");
    assert!(detail.contains("data key 2 seals") && detail.contains("1 still needed"), "{detail}");
    server.send("GET /api/v1/vault", "", &[("authorization", "Bearer tn_wrong")]).await.expect(401);
}
