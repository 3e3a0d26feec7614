//! What else a webhook says about its callers: browsers, how often, handshakes, and what is shown of requests.

use std::time::Duration;

use serde_json::{Map, Value};

use super::RateLimit;
use super::codes::{CORS, MASK, MISSING_FIELD, RATE, WRONG_TYPE};
use super::read::Reader;

/// Pages of which origins may call it (CORS).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cors {
    /// `https://shop.example`, or `*` for all.
    pub origins: Vec<String>,
    /// Headers that pages may send, in lower case.
    pub headers: Vec<String>,
    /// How long a browser may remember the answer.
    pub max_age: Duration,
}

/// A handshake that proves who owns the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// Slack: a POST of `{"type": "url_verification", "challenge": …}`, signed like every other request.
    Slack,
    /// Meta: a GET with `hub.mode`, `hub.verify_token` and `hub.challenge`.
    Meta {
        /// Variables, each with a verify token.
        secrets: Vec<String>,
    },
}

/// Most of one list.
const MAX_ITEMS: usize = 64;
const MOST: u64 = 1_000_000;

// === impl Cors ===

impl Cors {
    /// What `Access-Control-Allow-Origin` says to this origin, if anything.
    pub fn allows<'a>(&'a self, origin: &'a str) -> Option<&'a str> {
        if self.origins.iter().any(|own| own == "*") {
            return Some("*");
        }
        self.origins.iter().any(|own| own.eq_ignore_ascii_case(origin)).then_some(origin)
    }
}

// === impl Reader ===

/// What is not given is `None`; so is what is wrong, with a finding, which refuses the whole document.
impl Reader {
    pub(super) fn challenge(&mut self, value: Option<Value>) -> Option<Challenge> {
        let (pointer, kind, mut fields) = match value {
            None => return None,
            Some(Value::Object(mut fields)) => ("/challenge/kind", fields.shift_remove("kind"), fields),
            Some(kind) => ("/challenge", Some(kind), Map::new()),
        };
        let Some(kind) = kind else {
            self.find(MISSING_FIELD, "/challenge/kind", "`kind` is missing", Some("`slack` or `meta`"));
            return None;
        };
        self.choice(pointer, &kind, &["slack", "meta"], &[])?;
        if kind == "slack" {
            self.unknown("/challenge", &fields, &["kind"]);
            return Some(Challenge::Slack);
        }
        self.unknown("/challenge", &fields, &["kind", "secret", "secrets"]);
        let secrets = self.secrets("/challenge", &mut fields)?;
        Some(Challenge::Meta { secrets })
    }

    pub(super) fn cors(&mut self, value: Option<Value>) -> Option<Cors> {
        let value = value?;
        let Value::Object(mut fields) = value else {
            let hint = "write e.g. `cors: { origins: [https://shop.example] }`";
            self.find(WRONG_TYPE, "/cors", "`cors` is an object", Some(hint));
            return None;
        };
        self.unknown("/cors", &fields, &["origins", "headers", "maxAge"]);
        let origins = self.texts("/cors/origins", fields.shift_remove("origins"), None)?;
        for (index, origin) in origins.iter().enumerate() {
            if !is_origin(origin) {
                let hint = "write `*`, or scheme and host without a path, e.g. `https://shop.example`";
                self.find(CORS, &format!("/cors/origins/{index}"), "not an origin", Some(hint));
                return None;
            }
        }
        let headers = fields.shift_remove("headers");
        let names = self.texts("/cors/headers", headers, Some(&["content-type"]))?;
        let mut headers = Vec::with_capacity(names.len());
        for (index, name) in names.into_iter().enumerate() {
            headers.push(self.header_name(&format!("/cors/headers/{index}"), name.into())?);
        }
        let max_age = fields.shift_remove("maxAge");
        let (default, most) = (Duration::from_mins(10), Duration::from_hours(24));
        let max_age = self.bounded_duration("/cors/maxAge", max_age, default, most)?;
        Some(Cors { origins, headers, max_age })
    }

    pub(super) fn rate_limit(&mut self, value: Option<Value>) -> Option<RateLimit> {
        let value = value?;
        let Value::Object(mut fields) = value else {
            let hint = "write e.g. `rateLimit: { limit: 100, per: PT1S }`";
            self.find(WRONG_TYPE, "/rateLimit", "`rateLimit` is an object", Some(hint));
            return None;
        };
        self.unknown("/rateLimit", &fields, &["limit", "per", "burst"]);
        let Some(limit) = fields.shift_remove("limit") else {
            let hint = "say how many requests: `limit: 100`";
            self.find(MISSING_FIELD, "/rateLimit/limit", "`limit` is missing", Some(hint));
            return None;
        };
        let limit = self.whole_number("/rateLimit/limit", &limit)?;
        let burst = match fields.shift_remove("burst") {
            None => limit,
            Some(burst) => self.whole_number("/rateLimit/burst", &burst)?,
        };
        let per = fields.shift_remove("per");
        let (default, most) = (Duration::from_secs(1), Duration::from_hours(24));
        let per = self.bounded_duration("/rateLimit/per", per, default, most)?;
        Some(RateLimit { limit, per, burst })
    }

    /// JSON Pointers into the request as expressions see it.
    pub(super) fn mask(&mut self, value: Option<Value>) -> Option<Vec<String>> {
        let pointers = self.texts("/mask", value, Some(&[]))?;
        for (index, pointer) in pointers.iter().enumerate() {
            let first = pointer.strip_prefix('/').and_then(|rest| rest.split('/').next());
            if !matches!(first, Some("body" | "query" | "headers" | "params")) {
                let hint = "JSON Pointers into the request, e.g. `/body/card/number` or `/query/token`";
                self.find(MASK, &format!("/mask/{index}"), "nothing of the request", Some(hint));
                return None;
            }
        }
        // Names of headers are in lower case wherever they are seen.
        let as_seen = |pointer: String| match pointer.split('/').nth(1) {
            Some("headers") => pointer.to_ascii_lowercase(),
            _ => pointer,
        };
        Some(pointers.into_iter().map(as_seen).collect())
    }

    pub(super) fn captures(&mut self, value: Option<Value>) -> Option<bool> {
        match value {
            None => Some(true),
            Some(Value::Bool(captures)) => Some(captures),
            Some(_) => {
                self.find(WRONG_TYPE, "/captures", "`captures` is true or false", None);
                None
            }
        }
    }

    fn whole_number(&mut self, pointer: &str, value: &Value) -> Option<u32> {
        let count = value.as_u64().filter(|count| (1..=MOST).contains(count));
        if count.is_none() {
            let message = format!("this must be a whole number from 1 to {MOST}");
            self.find(RATE, pointer, &message, None);
        }
        count.map(|count| count as u32)
    }

    fn texts(
        &mut self,
        pointer: &str,
        value: Option<Value>,
        default: Option<&[&str]>,
    ) -> Option<Vec<String>> {
        match (value, default) {
            (None, Some(default)) => Some(default.iter().map(|text| (*text).to_owned()).collect()),
            (Some(Value::Array(items)), _) if (1..=MAX_ITEMS).contains(&items.len()) => {
                items.into_iter().map(|item| self.text(pointer, item)).collect()
            }
            _ => {
                self.find(WRONG_TYPE, pointer, &format!("this is a list of 1 to {MAX_ITEMS} texts"), None);
                None
            }
        }
    }
}

fn is_origin(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte);
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    text == "*" || host.is_some_and(|host| !host.is_empty() && host.bytes().all(is_letter))
}
