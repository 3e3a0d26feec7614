//! What a signature of a webhook is made of: the schemes, and the generic one that describes itself.

use std::time::Duration;

use serde_json::{Map, Value};

use super::codes::{AUTH, MISSING_FIELD};
use super::read::Reader;

const SCHEMES: &[&str] = &["standard-webhooks", "github", "stripe", "slack", "hmac"];
/// How far a signed timestamp may be from now unless the document says otherwise.
const TOLERANCE: Duration = Duration::from_mins(5);
const MAX_TOLERANCE: Duration = Duration::from_hours(24);
const COMMON: &[&str] = &["kind", "scheme", "secret", "secrets", "tolerance", "replays"];
const HMAC: &[&str] = &["header", "algorithm", "encoding", "prefix", "timestamp", "id", "signed"];

/// `auth: { kind: signature }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Where the signature is and what it covers.
    pub scheme: Scheme,
    /// Variables, each with a key that may have signed.
    pub secrets: Vec<String>,
    /// How far a signed timestamp may be from now, into the past and into the future.
    pub tolerance: Duration,
    /// Whether what was signed is remembered, so that the same delivery starts nothing twice.
    pub suppresses_replays: bool,
}

/// How somebody signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scheme {
    /// `webhook-id`, `webhook-timestamp`, `webhook-signature` (standardwebhooks.com).
    StandardWebhooks,
    /// `X-Hub-Signature-256`.
    GitHub,
    /// `Stripe-Signature`.
    Stripe,
    /// `X-Slack-Request-Timestamp`, `X-Slack-Signature`.
    Slack,
    /// As described.
    Hmac(Hmac),
}

/// A signature that describes itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hmac {
    /// The header that has it, in lower case.
    pub header: String,
    /// The hash.
    pub algorithm: Algorithm,
    /// How its bytes are written.
    pub encoding: Encoding,
    /// What stands before it in the header.
    pub prefix: String,
    /// The header with the moment of signing: Unix seconds or milliseconds, or RFC 3339.
    pub timestamp: Option<String>,
    /// The header with the delivery's id.
    pub id: Option<String>,
    /// What is signed, in this order.
    pub signed: Vec<Part>,
}

/// The hash of an HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// SHA-1: for senders that know nothing better.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// How bytes are written as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Hexadecimal, of either case.
    Hex,
    /// Base64.
    Base64,
}

/// A piece of what is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// This text.
    Text(String),
    /// `{body}`
    Body,
    /// `{timestamp}`: the header's text.
    Timestamp,
    /// `{id}`: the header's text.
    Id,
    /// `{method}`
    Method,
    /// `{path}`: of the whole address, as it was sent.
    Path,
}

// === impl Signature ===

impl Signature {
    /// The header that has the signature, in lower case.
    pub fn header(&self) -> &str {
        match &self.scheme {
            Scheme::StandardWebhooks => "webhook-signature",
            Scheme::GitHub => "x-hub-signature-256",
            Scheme::Stripe => "stripe-signature",
            Scheme::Slack => "x-slack-signature",
            Scheme::Hmac(hmac) => &hmac.header,
        }
    }
}

// === impl Reader ===

impl Reader {
    pub(super) fn signature(&mut self, mut fields: Map<String, Value>) -> Option<Signature> {
        let Some(scheme) = fields.shift_remove("scheme") else {
            let all = "one of `standard-webhooks`, `github`, `stripe`, `slack`, `hmac`";
            self.find(MISSING_FIELD, "/auth/scheme", "`scheme` is missing", Some(all));
            return None;
        };
        self.choice("/auth/scheme", &scheme, SCHEMES, &[])?;
        let is_hmac = scheme == "hmac";
        let known: Vec<&str> = if is_hmac { [COMMON, HMAC].concat() } else { COMMON.to_vec() };
        self.unknown("/auth", &fields, &known);
        let secrets = self.secrets("/auth", &mut fields);
        let tolerance = fields.shift_remove("tolerance");
        let tolerance = self.bounded_duration("/auth/tolerance", tolerance, TOLERANCE, MAX_TOLERANCE);
        let replays = fields.shift_remove("replays").unwrap_or_else(|| "suppress".into());
        self.choice("/auth/replays", &replays, &["suppress", "allow"], &[])?;
        let scheme = match scheme.as_str() {
            Some("github") => Some(Scheme::GitHub),
            Some("stripe") => Some(Scheme::Stripe),
            Some("slack") => Some(Scheme::Slack),
            Some("hmac") => self.hmac(&mut fields).map(Scheme::Hmac),
            _ => Some(Scheme::StandardWebhooks),
        };
        Some(Signature {
            scheme: scheme?,
            secrets: secrets?,
            tolerance: tolerance?,
            suppresses_replays: replays == "suppress",
        })
    }

    fn hmac(&mut self, fields: &mut Map<String, Value>) -> Option<Hmac> {
        let Some(header) = fields.shift_remove("header") else {
            let hint = "name the header with the signature: `header: x-signature`";
            self.find(MISSING_FIELD, "/auth/header", "`header` is missing", Some(hint));
            return None;
        };
        let header = self.header_name("/auth/header", header);
        let algorithm = fields.shift_remove("algorithm").unwrap_or_else(|| "sha256".into());
        self.choice("/auth/algorithm", &algorithm, &["sha256", "sha1", "sha512"], &[])?;
        let encoding = fields.shift_remove("encoding").unwrap_or_else(|| "hex".into());
        self.choice("/auth/encoding", &encoding, &["hex", "base64"], &[])?;
        let prefix = fields.shift_remove("prefix").unwrap_or_else(|| "".into());
        let prefix = self.text("/auth/prefix", prefix)?;
        let mut named = |reader: &mut Self, name: &str| match fields.shift_remove(name) {
            None => Some(None),
            Some(value) => reader.header_name(&format!("/auth/{name}"), value).map(Some),
        };
        let timestamp = named(self, "timestamp")?;
        let id = named(self, "id")?;
        let signed = if let Some(signed) = fields.shift_remove("signed") {
            self.text("/auth/signed", signed)?
        } else {
            let pieces = [(id.is_some(), "{id}."), (timestamp.is_some(), "{timestamp}.")];
            let before = pieces.iter().filter(|(has, _)| *has).map(|(_, piece)| *piece);
            before.chain(["{body}"]).collect()
        };
        let signed = self.signed(&signed, timestamp.is_some(), id.is_some())?;
        let algorithm = match algorithm.as_str() {
            Some("sha1") => Algorithm::Sha1,
            Some("sha512") => Algorithm::Sha512,
            _ => Algorithm::Sha256,
        };
        let encoding = if encoding == "base64" { Encoding::Base64 } else { Encoding::Hex };
        Some(Hmac { header: header?, algorithm, encoding, prefix, timestamp, id, signed })
    }

    /// The pieces of a template such as `{timestamp}.{body}`. What is not signed proves nothing.
    fn signed(&mut self, template: &str, has_timestamp: bool, has_id: bool) -> Option<Vec<Part>> {
        let mut parts = Vec::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let (name, behind) = after.split_once('}').unwrap_or((after, ""));
            let part = match name {
                "body" => Part::Body,
                "timestamp" => Part::Timestamp,
                "id" => Part::Id,
                "method" => Part::Method,
                "path" => Part::Path,
                _ => {
                    let hint = "possible: `{body}`, `{timestamp}`, `{id}`, `{method}`, `{path}`";
                    self.find(AUTH, "/auth/signed", "an unknown piece in `signed`", Some(hint));
                    return None;
                }
            };
            parts.push(part);
            rest = behind;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        let count = |part: &Part| parts.iter().filter(|own| *own == part).count();
        let wrong = if count(&Part::Body) != 1 {
            Some("`signed` must have `{body}` once: a body that is not signed can be changed")
        } else if (count(&Part::Timestamp) > 0) != has_timestamp {
            Some("`{timestamp}` in `signed` and the header's name in `timestamp` need each other")
        } else if (count(&Part::Id) > 0) != has_id {
            Some("`{id}` in `signed` and the header's name in `id` need each other")
        } else {
            None
        };
        if let Some(message) = wrong {
            let hint = "write e.g. `timestamp: x-timestamp` and `signed: '{timestamp}.{body}'`";
            self.find(AUTH, "/auth/signed", message, Some(hint));
            return None;
        }
        Some(parts)
    }
}
