//! Who may call: an authority that issues tokens, and APIs behind basic, digest and bearer authentication.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderValue, Response};
use percent_encoding::percent_decode_str;
use ring::{digest, hmac};
use serde_json::{Value, json};

use super::callee::{Body, State, json as answered, text};
use super::echo::Seen;
use super::search::hexadecimal;

pub(crate) const CLIENT_SECRET: &str = "client+secret/&=51";
const NONCE: &str = "a-nonce-of-the-callee";

/// Remembers what a call was authenticated with: all of it must be found nowhere.
pub(crate) fn note(seen: &Seen, state: &State) {
    let mut shown = state.shown();
    for scheme in ["Basic", "Bearer"] {
        shown.extend(seen.credentials(scheme).filter(|shown| shown.len() > 8));
    }
    shown.extend(parameters(seen).remove("response"));
    let mut form = form(seen);
    shown.extend(["client_assertion", "refresh_token"].iter().filter_map(|name| form.remove(*name)));
}

/// `None`: it is nothing of an authority's.
pub(crate) fn answer(seen: &Seen, state: &State) -> Option<Response<Body>> {
    let mut parts = seen.path().trim_start_matches('/').split('/');
    let (first, second) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    match (first, second) {
        ("token", "refused") => {
            let complaint = json!({"error": CLIENT_SECRET, "error_description": seen.complaint()});
            Some(answered(400, &complaint))
        }
        ("token", "broken") => Some(text(500, &seen.complaint())),
        ("token", kind) => Some(token(kind, seen, state)),
        ("oidc", _) => {
            let home = format!("http://{}", seen.header("host"));
            let endpoint = format!("{home}/token/post");
            Some(answered(200, &json!({"issuer": format!("{home}/oidc"), "token_endpoint": endpoint})))
        }
        ("api", "basic") => {
            let expected = STANDARD.encode("basic-user-31:basic:pass w\u{f6}rd\"31");
            Some(admit(seen, seen.credentials("Basic") == Some(expected), "Basic realm=\"hunt\""))
        }
        ("api", "digest") => {
            let challenge =
                format!("Digest realm=\"hunt\", qop=\"auth\", algorithm=SHA-256, nonce=\"{NONCE}\"");
            Some(admit(seen, is_digest(seen), &challenge))
        }
        ("api", "token") => {
            let is_issued = seen.credentials("Bearer").is_some_and(|token| token.starts_with("access-"));
            Some(admit(seen, is_issued, "Bearer"))
        }
        // Refuses the first token of each workflow.
        ("api", "once") => {
            let before = state.seen().iter().filter(|other| other.path() == seen.path()).count();
            Some(admit(seen, before > 1, "Bearer"))
        }
        ("api", "bearer") => {
            let is_known = seen.credentials("Bearer").as_deref() == Some("tok_LIVE-51Hxyz.ABC~def");
            Some(admit(seen, is_known, "Bearer"))
        }
        _ => None,
    }
}

fn admit(seen: &Seen, is_known: bool, challenge: &str) -> Response<Body> {
    if is_known {
        return answered(200, &seen.echo());
    }
    let mut response = text(401, &seen.complaint());
    let challenge = HeaderValue::from_str(challenge).expect("ASCII");
    response.headers_mut().insert("www-authenticate", challenge);
    response
}

// === tokens ===

fn token(kind: &str, seen: &Seen, state: &State) -> Response<Body> {
    let form = form(seen);
    let given = |name: &str| form.get(name).map_or("", String::as_str);
    let is_known = match kind {
        "basic" => {
            let secret = "client%2Bsecret%2F%26%3D51";
            seen.credentials("Basic") == Some(STANDARD.encode(format!("hunt-client:{secret}")))
        }
        "post" | "json" => given("client_secret") == CLIENT_SECRET,
        "jwt" => is_signed(given("client_assertion")),
        "password" => given("username") == "basic-user-31" && given("password") == "basic:pass w\u{f6}rd\"31",
        "refresh" => {
            given("refresh_token") == "refresh.token-61" || given("refresh_token").starts_with("rotated-")
        }
        _ => false,
    };
    if !is_known {
        return answered(401, &json!({"error": "invalid_client", "error_description": seen.complaint()}));
    }
    let number = state.seen().len();
    let (access, refresh) = (format!("access-{kind}-{number}-Qx7"), format!("rotated-{kind}-{number}-Qx7"));
    state.shown().extend([access.clone(), refresh.clone()]);
    answered(
        200,
        &json!({"access_token": access, "refresh_token": refresh, "token_type": "Bearer", "expires_in": 3600}),
    )
}

/// Of a form, or of JSON.
fn form(seen: &Seen) -> HashMap<String, String> {
    if let Ok(Value::Object(members)) = serde_json::from_slice(&seen.body) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        return members.iter().map(|(name, value)| (name.clone(), text(value))).collect();
    }
    let body = seen.text();
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    pairs.map(|(name, value)| (decode(name), decode(value))).collect()
}

fn is_signed(assertion: &str) -> bool {
    let Some((signed, signature)) = assertion.rsplit_once('.') else { return false };
    let key = hmac::Key::new(hmac::HMAC_SHA256, CLIENT_SECRET.as_bytes());
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
    hmac::verify(&key, signed.as_bytes(), &signature).is_ok()
}

// === digest ===

/// What `Authorization: Digest` says.
fn parameters(seen: &Seen) -> HashMap<String, String> {
    let header = seen.credentials("Digest").unwrap_or_default();
    let pairs = header.split(", ").filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned())).collect()
}

fn is_digest(seen: &Seen) -> bool {
    let given = parameters(seen);
    let of = |name: &str| given.get(name).map_or("", String::as_str);
    let secret = hash(&format!("digest-user-41:hunt:{}", "digest-pass/41"));
    let request = hash(&format!("{}:{}", seen.method, seen.target));
    let expected = hash(&format!("{secret}:{NONCE}:{}:{}:auth:{request}", of("nc"), of("cnonce")));
    of("response") == expected
}

fn hash(text: &str) -> String {
    let hashed = digest::digest(&digest::SHA256, text.as_bytes());
    hexadecimal(hashed.as_ref())
}
