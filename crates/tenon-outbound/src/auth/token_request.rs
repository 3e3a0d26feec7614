//! One request for a token, and what its answer says.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD as BASE64_URL};
use bytes::Bytes;
use ring::hmac;
use serde_json::{Map, Value, json};
use url::{Position, Url};

use super::oauth2::{ClientProof, Encoding, Grant, OAuth2};
use super::unique;
use crate::{Failure, HttpClient, Redirects, Request, Response};

/// The largest answer of an endpoint that is read.
pub(super) const MAX_ANSWER_BYTES: usize = 1 << 20;
/// The longest token.
const MAX_TOKEN_BYTES: usize = 64 * 1024;
/// How long a token is good that does not say it.
const UNSAID_LIFETIME: Duration = Duration::from_mins(5);
/// No token is trusted longer.
const LONGEST_LIFETIME: Duration = Duration::from_hours(24);
/// A token is not used in the last tenth of its life, nor longer than this before its end.
const MARGIN: Duration = Duration::from_secs(30);
/// How long a signed assertion is good.
const ASSERTION_SECONDS: u64 = 300;
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A token, fresh.
pub(super) struct Issued {
    pub(super) token: String,
    /// How long it may be used.
    pub(super) lifetime: Duration,
    /// What to use for the next one instead of what was used for this one.
    pub(super) refresh: Option<String>,
}

/// Asks the endpoint for a token. `refresh` replaces the refresh token of the policy.
pub(super) async fn issue(
    http: &HttpClient,
    policy: &OAuth2,
    endpoint: &Url,
    refresh: Option<&str>,
) -> Result<Issued, Failure> {
    let request = request(policy, endpoint, refresh)?;
    let host = &endpoint[Position::BeforeHost..Position::AfterPort];
    let response =
        http.send_within(request, MAX_ANSWER_BYTES).await.map_err(|failure| unreached(host, failure))?;
    read(policy, host, &response)
}

/// An endpoint that cannot be reached: no token. One that may not be called is a matter of configuration.
pub(super) fn unreached(host: &str, failure: Failure) -> Failure {
    match failure {
        Failure::Forbidden { .. } | Failure::InvalidRequest(_) => failure,
        other => no_token(host, &other.to_string()),
    }
}

pub(super) fn no_token(host: &str, reason: &str) -> Failure {
    Failure::Authentication(format!("no token from `{host}`: {reason}"))
}

// === the request ===

fn request(policy: &OAuth2, endpoint: &Url, refresh: Option<&str>) -> Result<Request, Failure> {
    let mut fields = fields(policy, refresh);
    let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
    let id = policy.client_id.clone();
    match &policy.client {
        ClientProof::Basic { secret } => {
            let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let pair = format!("{}:{}", encode(id.as_deref().unwrap_or_default()), encode(secret));
            headers.push(("authorization".to_owned(), format!("Basic {}", BASE64.encode(pair))));
        }
        ClientProof::Post { secret } => {
            fields.extend(id.map(|id| ("client_id", id)));
            fields.extend(secret.clone().map(|secret| ("client_secret", secret)));
        }
        ClientProof::SecretJwt { secret } => {
            let id = id.unwrap_or_default();
            fields.push(("client_assertion", assertion(&id, secret, endpoint)));
            fields.push(("client_assertion_type", ASSERTION_TYPE.to_owned()));
            fields.push(("client_id", id));
        }
        ClientProof::Assertion(assertion) => {
            fields.push(("client_assertion", assertion.clone()));
            fields.push(("client_assertion_type", ASSERTION_TYPE.to_owned()));
            fields.extend(id.map(|id| ("client_id", id)));
        }
        ClientProof::None => fields.extend(id.map(|id| ("client_id", id))),
    }
    let (body, content_type) = match policy.encoding {
        Encoding::Form => (form(&fields), "application/x-www-form-urlencoded"),
        Encoding::Json => (object(fields), "application/json"),
    };
    headers.push(("content-type".to_owned(), content_type.to_owned()));
    Ok(Request {
        headers,
        body: Some(Bytes::from(body)),
        // A redirect would take the credentials to who knows where.
        redirects: Redirects::Return,
        ..Request::new("POST", endpoint.as_str())
    })
}

fn fields(policy: &OAuth2, refresh: Option<&str>) -> Vec<(&'static str, String)> {
    let mut fields = match &policy.grant {
        Grant::ClientCredentials => vec![("grant_type", "client_credentials".to_owned())],
        Grant::Password { username, password } => vec![
            ("grant_type", "password".to_owned()),
            ("username", username.clone()),
            ("password", password.clone()),
        ],
        Grant::RefreshToken(token) => vec![
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", refresh.unwrap_or(token).to_owned()),
        ],
        Grant::TokenExchange { subject, actor } => {
            let mut fields = vec![
                ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange".to_owned()),
                ("subject_token", subject.token.clone()),
                ("subject_token_type", subject.kind.clone()),
            ];
            if let Some(actor) = actor {
                fields.push(("actor_token", actor.token.clone()));
                fields.push(("actor_token_type", actor.kind.clone()));
            }
            fields
        }
    };
    if !policy.scopes.is_empty() {
        fields.push(("scope", policy.scopes.join(" ")));
    }
    fields.extend(policy.audiences.iter().map(|audience| ("audience", audience.clone())));
    fields
}

fn form(fields: &[(&str, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// A field that occurs several times becomes a list.
fn object(fields: Vec<(&'static str, String)>) -> String {
    let mut object = Map::new();
    for (name, value) in fields {
        let value = Value::from(value);
        match object.get_mut(name) {
            None => {
                object.insert(name.to_owned(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = json!([first.take(), value]),
        }
    }
    Value::Object(object).to_string()
}

/// RFC 7523: a JWT of ours, signed with the client's secret.
fn assertion(id: &str, secret: &str, endpoint: &Url) -> String {
    let now = seconds_since_1970();
    let claims = json!({
        "iss": id, "sub": id, "aud": endpoint.as_str(), "jti": unique(), "iat": now, "exp": now + ASSERTION_SECONDS,
    });
    let encode = |value: &Value| BASE64_URL.encode(value.to_string());
    let signed = format!("{}.{}", encode(&json!({"alg": "HS256", "typ": "JWT"})), encode(&claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!("{signed}.{}", BASE64_URL.encode(hmac::sign(&key, signed.as_bytes())))
}

#[expect(clippy::disallowed_methods, reason = "a JWT says when it was signed; nothing of it comes back")]
fn seconds_since_1970() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| since.as_secs())
}

// === the answer ===

fn read(policy: &OAuth2, host: &str, response: &Response) -> Result<Issued, Failure> {
    let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    if response.status != 200 {
        let code = answer["error"].as_str().filter(|code| is_error_code(code));
        let code = code.map_or_else(String::new, |code| format!(" ({code})"));
        return Err(no_token(host, &format!("it answered {}{code}", response.status)));
    }
    // An id token says who somebody is, but many APIs of OpenID Connect take it where no other is given.
    let token = answer["access_token"].as_str().or_else(|| answer["id_token"].as_str());
    let Some(token) = token.filter(|token| is_sendable(token)) else {
        return Err(no_token(host, "its answer has no `access_token` that can be sent"));
    };
    let kind = answer["token_type"].as_str().unwrap_or("Bearer");
    if ["dpop", "pop", "mac"].iter().any(|bound| kind.eq_ignore_ascii_case(bound)) {
        return Err(no_token(host, "its token is bound to a key (`token_type`), which is not supported"));
    }
    check_issuer(policy, host, &answer, token)?;
    Ok(Issued {
        token: token.to_owned(),
        lifetime: lifetime(&answer["expires_in"]),
        refresh: answer["refresh_token"].as_str().filter(|token| is_sendable(token)).map(str::to_owned),
    })
}

/// Codes of RFC 6749 and alike; anything else could repeat what was sent.
fn is_error_code(code: &str) -> bool {
    (1..=64).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

fn is_sendable(token: &str) -> bool {
    (1..=MAX_TOKEN_BYTES).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Some servers say the number as a text.
fn lifetime(expires_in: &Value) -> Duration {
    let seconds = expires_in.as_f64().or_else(|| expires_in.as_str()?.parse().ok());
    let said = seconds.filter(|seconds| *seconds >= 0.0).map_or(UNSAID_LIFETIME, |seconds| {
        Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_LIFETIME).min(LONGEST_LIFETIME)
    });
    said.saturating_sub(MARGIN.min(said / 10))
}

/// `issuers` of the policy. The token came from the endpoint itself, so that its signature needs no check.
fn check_issuer(policy: &OAuth2, host: &str, answer: &Value, token: &str) -> Result<(), Failure> {
    if policy.issuers.is_empty() {
        return Ok(());
    }
    let issuer = issuer(token).or_else(|| issuer(answer["id_token"].as_str()?));
    match issuer {
        Some(issuer) if policy.issuers.contains(&issuer) => Ok(()),
        Some(_) => Err(no_token(host, "the token's issuer is not among `issuers`")),
        None => Err(no_token(host, "the token does not say its issuer, so that `issuers` cannot be checked")),
    }
}

fn issuer(token: &str) -> Option<String> {
    let claims = BASE64_URL.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    claims["iss"].as_str().map(str::to_owned)
}
