//! Who calls a webhook: a key, a password, a token, or whoever can sign. Secrets are asked for at the moment of use.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use hyper::http::request::Parts;
use serde_json::Value;
use tenon_capture::bounded_key;
use tenon_capture::trigger::{Auth, Part, Scheme, Signature};
use tenon_store::{DedupMark, Timestamp, WorkspaceId};

use super::lookup::Hook;
use super::request::{parameters, raw_parameters};
use super::signature::{Delivery, Refusal, SIGNED, Signed, is_same, verify};
use crate::auth::Peer;
use crate::codes;
use crate::{App, Problem};

const BASIC: HeaderValue = HeaderValue::from_static("Basic realm=\"tenon\", charset=\"UTF-8\"");
const SIGNATURE: HeaderValue = HeaderValue::from_static("Signature");

/// The values of secrets that there are now.
pub(super) struct Secrets {
    values: Vec<String>,
    /// Some are not there, or are no text.
    is_incomplete: bool,
}

/// What can be known before the body has arrived.
pub(super) async fn check(
    app: &App,
    workspace: WorkspaceId,
    hook: &Hook,
    parts: &Parts,
) -> Result<(), Problem> {
    match &hook.webhook.auth {
        Auth::None | Auth::Signature(_) => Ok(()),
        Auth::Key => app.keys().verify(&parts.headers, parts.extensions.get::<Peer>().copied()).map(|_| ()),
        Auth::Basic { user, secrets } => {
            let wrong = |detail: &'static str| {
                Problem::new(&codes::CREDENTIALS, detail).with_header(WWW_AUTHENTICATE, BASIC)
            };
            let given = bytes(parts, AUTHORIZATION.as_str()).and_then(basic);
            let (name, password) =
                given.ok_or_else(|| wrong("this needs `Authorization: Basic`, with user and password"))?;
            let secrets = Secrets::now(app, workspace, hook, secrets).await?;
            let is_user = is_same(user.as_bytes(), &name);
            if secrets.is_any(&password) & is_user {
                return Ok(());
            }
            Err(secrets.refuse(wrong("the user or the password is wrong")))
        }
        Auth::Bearer { header, secrets } => {
            let given = match header {
                Some(name) => bytes(parts, name),
                None => bytes(parts, AUTHORIZATION.as_str()).and_then(bearer),
            };
            let name = header.as_deref().unwrap_or("authorization");
            let missing = || {
                let detail = format!("this needs a token in the header `{name}`");
                Problem::new(&codes::CREDENTIALS, detail)
            };
            let token = given.ok_or_else(missing)?;
            let secrets = Secrets::now(app, workspace, hook, secrets).await?;
            if secrets.is_any(token) {
                return Ok(());
            }
            Err(secrets.refuse(Problem::new(&codes::CREDENTIALS, "the token is wrong")))
        }
    }
}

/// What only the body can tell. `None`: nothing is signed here.
pub(super) async fn check_signature(
    app: &App,
    workspace: WorkspaceId,
    hook: &Hook,
    (parts, body): (&Parts, &[u8]),
) -> Result<Option<Delivery>, Problem> {
    let Auth::Signature(signature) = &hook.webhook.auth else { return Ok(None) };
    let secrets = Secrets::now(app, workspace, hook, &signature.secrets).await?;
    let request = Signed {
        headers: &parts.headers,
        method: parts.method.as_str(),
        path: parts.uri.path(),
        parameters: &raw_parameters(&hook.webhook, parts),
        body,
    };
    let now = app.capture().ports().clock.now();
    match verify(signature, &secrets.values, &request, now) {
        Ok(delivery) => Ok(Some(delivery)),
        Err(Refusal::Wrong) => {
            let wrong = Problem::new(&codes::SIGNATURE, "the signature is not one of this body");
            Err(secrets.refuse(wrong.with_header(WWW_AUTHENTICATE, SIGNATURE)))
        }
        Err(Refusal::Malformed(detail)) => {
            Err(Problem::new(&codes::SIGNATURE, detail).with_header(WWW_AUTHENTICATE, SIGNATURE))
        }
        Err(Refusal::Stale(age)) => Err(stale(signature, age)),
        Err(Refusal::UnusableKey) => {
            tracing::error!(trigger = hook.name, names = ?signature.secrets, "a webhook's secret is no key of its scheme");
            Err(Problem::new(&codes::SECRET, "a secret of this webhook is no key of its scheme"))
        }
    }
}

/// The mark that a replay of this delivery would find. A sender may sign the same for several values of a path's
/// parameters (one list of orders for each shop, all empty), so these belong to it.
pub(super) fn mark(
    hook: &Hook,
    delivery: Option<Delivery>,
    (parts, now): (&Parts, Timestamp),
) -> Option<DedupMark> {
    let Auth::Signature(signature) = &hook.webhook.auth else { return None };
    let Delivery { mut key, remember } = delivery.filter(|_| signature.suppresses_replays)?;
    if !hook.webhook.path.is_literal() && !covers_path(signature, &key) {
        // Neither ids, which are headers, nor digests have a line break: what follows it cannot be part of them.
        key.push('\n');
        key.push_str(&Value::from(parameters(&hook.webhook, parts)).to_string());
    }
    Some(DedupMark {
        scope: format!("signature:{}", hook.resource.0),
        key: bounded_key(key.into()).into_owned(),
        expires: now.after(remember),
    })
}

/// Whether the path was signed and the key stands for all that was. Then parameters must not tell one delivery from
/// another: bytes that were signed as its body could be sent as theirs.
fn covers_path(signature: &Signature, key: &str) -> bool {
    matches!(&signature.scheme, Scheme::Hmac(hmac) if hmac.signed.contains(&Part::Path))
        && key.starts_with(SIGNED)
}

fn stale(signature: &Signature, age: i64) -> Problem {
    let when = if age < 0 { "in the future" } else { "ago" };
    let (age, most) = (age.unsigned_abs(), signature.tolerance.as_secs());
    let detail = format!("it was signed {age} s {when}, and at most {most} s are accepted");
    Problem::new(&codes::STALE, detail).with_header(WWW_AUTHENTICATE, SIGNATURE)
}

// === impl Secrets ===

impl Secrets {
    /// At least one, else the operator has something to do.
    pub(super) async fn now(
        app: &App,
        workspace: WorkspaceId,
        hook: &Hook,
        names: &[String],
    ) -> Result<Self, Problem> {
        let found = app.variables().resolve(workspace, names, &[]).await?;
        let texts = found.secrets.iter().filter_map(|variable| variable.value.as_str());
        let values: Vec<String> = texts.filter(|text| !text.is_empty()).map(str::to_owned).collect();
        let is_incomplete = values.len() < names.len();
        if values.is_empty() {
            tracing::error!(trigger = hook.name, ?names, "a webhook's secret is not set, or is no text");
            return Err(missing());
        }
        Ok(Self { values, is_incomplete })
    }

    /// Whether it is one of them. All are compared.
    pub(super) fn is_any(&self, given: &[u8]) -> bool {
        self.values.iter().fold(false, |found, value| found | is_same(value.as_bytes(), given))
    }

    /// Where a secret is missing nobody can say that the sender was wrong: let it try again.
    pub(super) fn refuse(&self, problem: Problem) -> Problem {
        if self.is_incomplete { missing() } else { problem }
    }
}

fn missing() -> Problem {
    Problem::new(&codes::SECRET, "a secret of this webhook is not set")
}

/// A header that is not empty. Not its text: a token may have bytes beyond ASCII.
fn bytes<'a>(parts: &'a Parts, name: &str) -> Option<&'a [u8]> {
    parts.headers.get(name).map(HeaderValue::as_bytes).filter(|bytes| !bytes.is_empty())
}

/// What comes after the scheme, if that is this one.
fn after<'a>(scheme: &str, header: &'a [u8]) -> Option<&'a [u8]> {
    let space = header.iter().position(|byte| *byte == b' ')?;
    let rest = header[space..].trim_ascii();
    (header[..space].eq_ignore_ascii_case(scheme.as_bytes()) && !rest.is_empty()).then_some(rest)
}

fn bearer(header: &[u8]) -> Option<&[u8]> {
    after("bearer", header)
}

fn basic(header: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let pair = STANDARD.decode(after("basic", header)?).ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    Some((pair[..colon].to_vec(), pair[colon + 1..].to_vec()))
}
