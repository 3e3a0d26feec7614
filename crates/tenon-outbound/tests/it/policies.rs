//! Which policies are accepted, and what is said of those that are not: never a value.

use serde_json::{Value, json};
use tenon_outbound::FailureKind;
use tenon_outbound::auth::Policy;

const SECRET: &str = "s3cr3t-value";

#[track_caller]
fn check(scheme: &str, members: Value, expected: &str) {
    let outcome = match Policy::parse(scheme, &members) {
        Ok(policy) => format!("{policy:?}"),
        Err(failure) => {
            assert_eq!((failure.kind(), failure.status()), (FailureKind::Configuration, 400));
            failure.to_string()
        }
    };
    assert_eq!(outcome, expected, "{members}");
    assert!(!outcome.contains(SECRET), "{outcome}");
}

#[test]
fn simple_schemes() {
    check("basic", json!({"username": "ada", "password": SECRET}), "Basic");
    check("basic", json!({"username": "admin", "password": 1234}), "Basic");
    check("basic", json!({"password": SECRET}), "authentication `basic`: `username` is missing");
    check("basic", json!({"username": "ada"}), "authentication `basic`: `password` is missing");
    check(
        "basic",
        json!({"username": "ada", "password": [SECRET]}),
        "authentication `basic`: `password` must be a text",
    );
    check(
        "basic",
        json!({"username": "ada", "password": format!("{SECRET}\r\nx: y")}),
        "authentication `basic`: `password` contains a line break or another control character",
    );
    check(
        "basic",
        json!({"username": format!("{SECRET}:"), "password": ""}),
        "authentication `basic`: `username` contains a colon, which basic authentication cannot send",
    );
    check("basic", json!(SECRET), "authentication `basic`: an object with the policy's members is needed");
    check(
        "basic",
        json!({"username": "ada", "pasword": SECRET}),
        "authentication `basic`: `pasword` is not known; possible: username, password",
    );
    check("bearer", json!({"token": SECRET}), "Bearer");
    check("bearer", json!(SECRET), "Bearer");
    check("bearer", json!({"token": ""}), "authentication `bearer`: `token` is empty");
    check("bearer", json!({}), "authentication `bearer`: `token` is missing");
    check("digest", json!({"username": "ada:", "password": SECRET}), "Digest");
    check("digest", json!({"username": "ada"}), "authentication `digest`: `password` is missing");
    check("ntlm", json!({}), "authentication: the scheme is not one of basic, bearer, digest, oauth2, oidc");
}

/// A policy that is right but for these members; `null` removes one.
fn oauth2(changes: Value) -> Value {
    let mut policy = json!({
        "authority": "https://id.example/realms/x", "grant": "client_credentials",
        "client": {"id": "me", "secret": SECRET},
    });
    for (name, value) in changes.as_object().unwrap() {
        policy[name] = value.clone();
    }
    policy
}

#[track_caller]
fn check_oauth2(changes: Value, expected: &str) {
    let expected = if expected == "OAuth2" {
        expected.to_owned()
    } else {
        format!("authentication `oauth2`: {expected}")
    };
    check("oauth2", oauth2(changes), &expected);
}

#[test]
fn tokens() {
    check_oauth2(json!({}), "OAuth2");
    check_oauth2(json!({"authority": null}), "`authority` is missing");
    check_oauth2(json!({"authority": SECRET}), "`authority` is no absolute http or https URL");
    check_oauth2(
        json!({"authority": format!("https://me:{SECRET}@h")}),
        "`authority` must be an http or https URL without user name and password",
    );
    check_oauth2(json!({"endpoints": {"token": "/token", "revocation": "/r"}}), "OAuth2");
    check_oauth2(
        json!({"endpoints": {"tokens": "/token"}}),
        "`endpoints.tokens` is not known; possible: token, revocation, introspection",
    );
    check_oauth2(json!({"grant": null}), "`grant` is missing");
    check_oauth2(
        json!({"grant": SECRET}),
        "`grant` is not one of client_credentials, password, refresh_token, urn:ietf:params:oauth:grant-type:token-exchange",
    );
    check_oauth2(
        json!({"grant": "authorization_code"}),
        "`grant` needs a person at a browser, which a workflow has not: use client_credentials, password or refresh_token",
    );
    check_oauth2(json!({"grant": "password", "username": "ada"}), "`password` is missing");
    check_oauth2(json!({"grant": "refresh_token"}), "`subject` is missing: its `token` is the refresh token");
    let exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
    check_oauth2(json!({"grant": exchange}), "`subject` is missing: token exchange needs it");
    check_oauth2(json!({"grant": exchange, "subject": {"token": SECRET}}), "`subject.type` is missing");
    check_oauth2(json!({"client": null}), "`client.id` is missing (or set `client.authentication` to none)");
    check_oauth2(
        json!({"client": {"secret": SECRET}}),
        "`client.id` is missing (or set `client.authentication` to none)",
    );
    check_oauth2(json!({"client": {"authentication": "none"}}), "OAuth2");
    check_oauth2(
        json!({"client": {"id": "me", "authentication": SECRET}}),
        "`client.authentication` is not one of client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, none",
    );
    check_oauth2(
        json!({"client": {"id": "me", "authentication": "private_key_jwt"}}),
        "`client.assertion` is missing: private_key_jwt needs a signed JWT",
    );
    check_oauth2(
        json!({"client": {"id": "me", "authentication": "client_secret_jwt"}}),
        "`client.secret` is missing: client_secret_jwt signs with it",
    );
    check_oauth2(
        json!({"request": {"encoding": "text/plain"}}),
        "`request.encoding` is not one of application/x-www-form-urlencoded, application/json",
    );
    check_oauth2(json!({"scopes": "api"}), "`scopes` must be a list of texts");
    check_oauth2(json!({"audiences": [1]}), "`audiences` must be a list of texts");
    let oidc = oauth2(json!({"endpoints": {}}));
    let known =
        "authority, grant, client, request, issuers, scopes, audiences, username, password, subject, actor";
    check("oidc", oidc, &format!("authentication `oidc`: `endpoints` is not known; possible: {known}"));
    check("oidc", oauth2(json!({})), "OAuth2");
}
