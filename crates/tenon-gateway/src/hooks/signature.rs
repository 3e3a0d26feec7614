//! Whether a delivery was signed by somebody who has the secret, when, and what tells a replay from it.
//!
//! Pure: headers, body, keys and the time in; the answer out. Digests are compared in constant time, and who cannot
//! sign learns nothing about timestamps.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hyper::HeaderMap;
use ring::digest;
use ring::hmac;
use tenon_capture::parse_rfc3339;
use tenon_capture::trigger::{Algorithm, Encoding, Hmac, Part, Scheme, Signature};
use tenon_store::Timestamp;

/// Signatures in one header that are looked at; senders add one for each of their secrets.
const MAX_SIGNATURES: usize = 16;
/// An id of a delivery is remembered at least this long: senders try again for hours.
const ID_MEMORY: Duration = Duration::from_hours(24);

/// What keys of deliveries without an id start with.
pub(super) const SIGNED: &str = "signed:";

/// What a signature may cover.
pub(super) struct Signed<'a> {
    pub(super) headers: &'a HeaderMap,
    pub(super) method: &'a str,
    /// As it was sent.
    pub(super) path: &'a str,
    /// What the parameters of the webhook's path matched, as it was sent: other paths lead here, too.
    pub(super) parameters: &'a [&'a str],
    /// As it was sent, unpacked.
    pub(super) body: &'a [u8],
}

/// A delivery that was signed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Delivery {
    /// The same for every repeat: `id:…`, or [`SIGNED`] and a digest of all that was signed.
    pub(super) key: String,
    /// How long a repeat would be taken for a new delivery.
    pub(super) remember: Duration,
}

/// Why it is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A header is missing, comes twice or cannot be read; the detail says which.
    Malformed(String),
    /// No key gives this signature.
    Wrong,
    /// It was signed too far from now; seconds, negative for the future.
    Stale(i64),
    /// A key that was configured is none.
    UnusableKey,
}

/// What the headers claim.
struct Claim {
    algorithm: hmac::Algorithm,
    /// Any of them may be right.
    signatures: Vec<Vec<u8>>,
    /// What is signed, but for the body: what is before it, and behind.
    before: Vec<u8>,
    behind: Vec<u8>,
    /// Microseconds since 1970.
    at: Option<i64>,
    id: Option<String>,
}

/// The delivery, if one of the secrets signed it.
pub(super) fn verify(
    signature: &Signature,
    secrets: &[String],
    request: &Signed<'_>,
    now: Timestamp,
) -> Result<Delivery, Refusal> {
    let claim = claim(&signature.scheme, request)?;
    let (mut is_signed, mut has_unusable) = (false, false);
    for secret in secrets {
        match key_bytes(&signature.scheme, secret) {
            Some(bytes) => {
                is_signed |= claim.is_signed_by(&hmac::Key::new(claim.algorithm, &bytes), request.body);
            }
            None => has_unusable = true,
        }
    }
    if !is_signed {
        return Err(if has_unusable { Refusal::UnusableKey } else { Refusal::Wrong });
    }
    let tolerance = signature.tolerance;
    if let Some(at) = claim.at {
        let age = now.0.saturating_sub(at);
        if u128::from(age.unsigned_abs()) > tolerance.as_micros() {
            return Err(Refusal::Stale(age / 1_000_000));
        }
    }
    let remember = match (&claim.id, claim.at) {
        (Some(_), _) => ID_MEMORY.max(tolerance * 2),
        (None, Some(_)) => tolerance * 2,
        (None, None) => tolerance,
    };
    let key = match &claim.id {
        Some(id) => format!("id:{id}"),
        None => claim.digest(request.body),
    };
    Ok(Delivery { key, remember })
}

/// Whether two texts are the same, in a time that does not depend on where they differ.
pub(super) fn is_same(expected: &[u8], given: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, expected);
    hmac::verify(&key, expected, hmac::sign(&key, given).as_ref()).is_ok()
}

// === impl Claim ===

impl Claim {
    fn is_signed_by(&self, key: &hmac::Key, body: &[u8]) -> bool {
        let mut context = hmac::Context::with_key(key);
        for piece in [&self.before, body, &self.behind] {
            context.update(piece);
        }
        let tag = context.sign();
        // All are compared, so that time does not tell which one was right.
        self.signatures.iter().fold(false, |found, given| found | is_same(tag.as_ref(), given))
    }

    /// Stands for what was signed, whichever secret signed it.
    fn digest(&self, body: &[u8]) -> String {
        let mut context = digest::Context::new(&digest::SHA256);
        for piece in [&self.before, body, &self.behind] {
            context.update(piece);
        }
        format!("{SIGNED}{}", URL_SAFE_NO_PAD.encode(context.finish()))
    }
}

fn key_bytes(scheme: &Scheme, secret: &str) -> Option<Vec<u8>> {
    let bytes = match scheme {
        Scheme::StandardWebhooks => STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).ok()?,
        _ => secret.as_bytes().to_vec(),
    };
    // Anybody can sign with nothing.
    (!bytes.is_empty()).then_some(bytes)
}

fn claim(scheme: &Scheme, request: &Signed<'_>) -> Result<Claim, Refusal> {
    match scheme {
        Scheme::StandardWebhooks => standard_webhooks(request),
        Scheme::GitHub => github(request),
        Scheme::Stripe => stripe(request),
        Scheme::Slack => slack(request),
        Scheme::Hmac(hmac) => generic(hmac, request),
    }
}

fn standard_webhooks(request: &Signed<'_>) -> Result<Claim, Refusal> {
    let id = header(request.headers, "webhook-id")?;
    let at = header(request.headers, "webhook-timestamp")?;
    let list = header(request.headers, "webhook-signature")?;
    ends_before("header `webhook-id`", id, ".")?;
    // Signatures of other versions (`v1a` is asymmetric) are not ours to check.
    let ours = list.split(' ').filter_map(|item| item.strip_prefix("v1,"));
    let signatures = ours.take(MAX_SIGNATURES).filter_map(|text| STANDARD.decode(text).ok()).collect();
    Ok(Claim {
        algorithm: hmac::HMAC_SHA256,
        signatures,
        before: format!("{id}.{at}.").into_bytes(),
        behind: Vec::new(),
        at: Some(seconds("webhook-timestamp", at)?),
        id: Some(id.to_owned()),
    })
}

fn github(request: &Signed<'_>) -> Result<Claim, Refusal> {
    let text = header(request.headers, "x-hub-signature-256")?;
    let signature = text.strip_prefix("sha256=").and_then(hex);
    let signature = signature.ok_or_else(|| malformed("x-hub-signature-256", "is not `sha256=<hex>`"))?;
    Ok(Claim {
        algorithm: hmac::HMAC_SHA256,
        signatures: vec![signature],
        before: Vec::new(),
        behind: Vec::new(),
        at: None,
        id: None,
    })
}

fn stripe(request: &Signed<'_>) -> Result<Claim, Refusal> {
    let text = header(request.headers, "stripe-signature")?;
    let of = |wanted: &'static str| {
        let pairs = text.split(',').filter_map(|item| item.trim().split_once('='));
        pairs.filter(move |(name, _)| *name == wanted).map(|(_, value)| value)
    };
    let at = of("t").next().ok_or_else(|| malformed("stripe-signature", "has no `t=`"))?;
    Ok(Claim {
        algorithm: hmac::HMAC_SHA256,
        signatures: of("v1").take(MAX_SIGNATURES).filter_map(hex).collect(),
        before: format!("{at}.").into_bytes(),
        behind: Vec::new(),
        at: Some(seconds("stripe-signature", at)?),
        id: None,
    })
}

fn slack(request: &Signed<'_>) -> Result<Claim, Refusal> {
    let at = header(request.headers, "x-slack-request-timestamp")?;
    let text = header(request.headers, "x-slack-signature")?;
    let signature = text.strip_prefix("v0=").and_then(hex);
    let signature = signature.ok_or_else(|| malformed("x-slack-signature", "is not `v0=<hex>`"))?;
    Ok(Claim {
        algorithm: hmac::HMAC_SHA256,
        signatures: vec![signature],
        before: format!("v0:{at}:").into_bytes(),
        behind: Vec::new(),
        at: Some(seconds("x-slack-request-timestamp", at)?),
        id: None,
    })
}

fn generic<'r>(own: &Hmac, request: &Signed<'r>) -> Result<Claim, Refusal> {
    let text = header(request.headers, &own.header)?;
    let encoded = text.strip_prefix(own.prefix.as_str());
    let encoded = encoded.ok_or_else(|| malformed(&own.header, "does not start with its prefix"))?;
    let signature = match own.encoding {
        Encoding::Hex => hex(encoded),
        Encoding::Base64 => STANDARD.decode(encoded).ok(),
    };
    let signature = signature.ok_or_else(|| malformed(&own.header, "is not encoded as its trigger says"))?;
    let of = |name: &Option<String>| name.as_ref().map(|name| header(request.headers, name)).transpose();
    let (at, id) = (of(&own.timestamp)?, of(&own.id)?);
    let (mut before, mut behind) = (Vec::new(), Vec::new());
    let mut is_behind = false;
    for (place, part) in own.signed.iter().enumerate() {
        // What is behind the body is read from the end.
        let next = |steps| if is_behind { place.checked_sub(steps) } else { Some(place + steps) };
        let border = text_at(own, next(1));
        let is_before_moment = next(2).and_then(|place| own.signed.get(place)) == Some(&Part::Timestamp);
        let bounded = |name: &Option<String>, text: Option<&'r str>, border: &str| {
            let (name, text) = (name.as_deref().unwrap_or_default(), text.unwrap_or_default());
            ends_before(&format!("header `{name}`"), text, border).map(|()| text)
        };
        let text = match part {
            Part::Body => {
                is_behind = true;
                continue;
            }
            Part::Text(text) => text.as_str(),
            // It must be a moment near now, so that it is hardly ever one when it is cut elsewhere.
            Part::Timestamp => bounded(&own.timestamp, at, text_at(own, Some(place + 1)))?,
            Part::Id => bounded(&own.id, id, border)?,
            Part::Method => request.method,
            Part::Path => {
                // All else of the path is as the webhook says, wherever it is cut.
                let moves = if is_before_moment { &[][..] } else { request.parameters };
                moves.iter().try_for_each(|parameter| ends_before("path", parameter, border))?;
                request.path
            }
        };
        if is_behind { &mut behind } else { &mut before }.extend_from_slice(text.as_bytes());
    }
    let moment = match (&own.timestamp, at) {
        (Some(name), Some(text)) => Some(moment(name, text)?),
        _ => None,
    };
    let algorithm = match own.algorithm {
        Algorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Algorithm::Sha256 => hmac::HMAC_SHA256,
        Algorithm::Sha512 => hmac::HMAC_SHA512,
    };
    let id = id.filter(|_| !touches(own)).map(str::to_owned);
    Ok(Claim { algorithm, signatures: vec![signature], before, behind, at: moment, id })
}

/// What is signed is texts in a row: one that contains what separates it from the next could be cut elsewhere, and
/// the same signature would fit another request. So could one that ends with a part of it (`a:` before `::`).
fn ends_before(what: &str, text: &str, separator: &str) -> Result<(), Refusal> {
    let (before, behind) = (format!("{text}{separator}"), format!("{separator}{text}"));
    let is_bounded = before.find(separator) == Some(text.len()) && behind.rfind(separator) == Some(0);
    if !separator.is_empty() && !is_bounded {
        let detail = format!("the {what} contains what separates it from the rest of what is signed");
        return Err(Refusal::Malformed(detail));
    }
    Ok(())
}

/// The fixed text at a place of what is signed, if there is one.
fn text_at(own: &Hmac, place: Option<usize>) -> &str {
    match place.and_then(|place| own.signed.get(place)) {
        Some(Part::Text(text)) => text,
        _ => "",
    }
}

/// Whether nothing says where the id ends: then it tells no delivery from another, only all that was signed does. A
/// timestamp beside it does say so, because what is cut elsewhere is hardly ever one.
fn touches(own: &Hmac) -> bool {
    let is_open = |part: &Part| matches!(part, Part::Body | Part::Path | Part::Method | Part::Id);
    own.signed.windows(2).any(|pair| pair.contains(&Part::Id) && pair.iter().all(is_open))
}

/// The header's text; it must come once.
fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => match value.to_str() {
            Ok(text) if !text.is_empty() => Ok(text),
            _ => Err(malformed(name, "is not text")),
        },
        (None, _) => Err(malformed(name, "is missing")),
        (Some(_), Some(_)) => Err(malformed(name, "comes twice")),
    }
}

fn malformed(name: &str, what: &str) -> Refusal {
    Refusal::Malformed(format!("the header `{name}` {what}"))
}

fn digits(text: &str) -> Option<i64> {
    let is_number = (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

fn seconds(name: &str, text: &str) -> Result<i64, Refusal> {
    let number = digits(text).and_then(|seconds| seconds.checked_mul(1_000_000));
    number.ok_or_else(|| malformed(name, "has no timestamp in seconds"))
}

/// Unix seconds, milliseconds (from 12 digits on: that is after the year 5000 in seconds), or RFC 3339.
fn moment(name: &str, text: &str) -> Result<i64, Refusal> {
    let number = match digits(text) {
        Some(number) => number.checked_mul(if text.len() >= 12 { 1_000 } else { 1_000_000 }),
        None => parse_rfc3339(text).ok().map(|moment| moment.0),
    };
    number.ok_or_else(|| malformed(name, "has no timestamp"))
}

fn hex(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() || !text.len().is_multiple_of(2) || text.len() > 128 {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    text.as_bytes().chunks_exact(2).map(|pair| Some((digit(pair[0])? << 4) | digit(pair[1])?)).collect()
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
