//! `auth` of a webhook: who may call it, and what proves it.
//!
//! Documents name secrets, never their values; whoever checks a request asks for the values of that moment.

use std::time::Duration;

use serde_json::{Map, Value};
use tenon_store::is_variable_name;

use super::codes::{AUTH, MISSING_FIELD, WRONG_TYPE};
use super::read::Reader;
use super::signature::Signature;

/// Secrets that may be valid at once.
const MAX_SECRETS: usize = 4;
const KINDS: &[&str] = &["none", "key", "basic", "bearer", "signature"];

/// Who may call a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// Everybody.
    None,
    /// Who has an API key.
    Key,
    /// Who has this user's password (RFC 7617).
    Basic {
        /// The name that is sent.
        user: String,
        /// Variables, each with a password.
        secrets: Vec<String>,
    },
    /// Who has a token.
    Bearer {
        /// The header that is the token; `None`: `Authorization: Bearer <token>`.
        header: Option<String>,
        /// Variables, each with a token.
        secrets: Vec<String>,
    },
    /// Who can sign the body.
    Signature(Box<Signature>),
}

// === impl Auth ===

impl Auth {
    /// The secrets that it reads, by name.
    pub fn secrets(&self) -> &[String] {
        match self {
            Self::None | Self::Key => &[],
            Self::Basic { secrets, .. } | Self::Bearer { secrets, .. } => secrets,
            Self::Signature(signature) => &signature.secrets,
        }
    }

    /// The header of its own that carries a credential or signature, in lower case.
    pub fn header(&self) -> Option<&str> {
        match self {
            Self::Bearer { header, .. } => header.as_deref(),
            Self::Signature(signature) => Some(signature.header()),
            Self::None | Self::Key | Self::Basic { .. } => None,
        }
    }
}

// === impl Reader ===

impl Reader {
    pub(super) fn auth(&mut self, value: Option<Value>) -> Option<Auth> {
        let (pointer, kind, fields) = match value {
            None => {
                let hint =
                    "say who may call it: `auth: { kind: key }`, or `auth: { kind: none }` for everybody";
                self.find(MISSING_FIELD, "/auth", "`auth` is missing", Some(hint));
                return None;
            }
            Some(Value::Object(mut fields)) => ("/auth/kind", fields.shift_remove("kind"), fields),
            Some(kind) => ("/auth", Some(kind), Map::new()),
        };
        let Some(kind) = kind else {
            let all = "one of `none`, `key`, `basic`, `bearer`, `signature`";
            self.find(MISSING_FIELD, "/auth/kind", "`kind` is missing", Some(all));
            return None;
        };
        self.choice(pointer, &kind, KINDS, &[])?;
        match kind.as_str() {
            Some("basic") => self.basic(fields),
            Some("bearer") => self.bearer(fields),
            Some("signature") => self.signature(fields).map(|read| Auth::Signature(Box::new(read))),
            other => {
                self.unknown("/auth", &fields, &["kind"]);
                Some(if other == Some("key") { Auth::Key } else { Auth::None })
            }
        }
    }

    fn basic(&mut self, mut fields: Map<String, Value>) -> Option<Auth> {
        self.unknown("/auth", &fields, &["kind", "user", "secret", "secrets"]);
        let user = match fields.shift_remove("user") {
            Some(Value::String(user)) if !user.is_empty() && !user.contains(':') => Some(user),
            Some(_) => {
                self.find(AUTH, "/auth/user", "`user` must be text that is not empty, without `:`", None);
                None
            }
            None => {
                let hint = "write e.g. `auth: { kind: basic, user: shop, secret: shop-password }`";
                self.find(MISSING_FIELD, "/auth/user", "`user` is missing", Some(hint));
                None
            }
        };
        let secrets = self.secrets("/auth", &mut fields);
        Some(Auth::Basic { user: user?, secrets: secrets? })
    }

    fn bearer(&mut self, mut fields: Map<String, Value>) -> Option<Auth> {
        self.unknown("/auth", &fields, &["kind", "header", "secret", "secrets"]);
        let header = match fields.shift_remove("header") {
            None => Some(None),
            Some(header) => self.header_name("/auth/header", header).map(Some),
        };
        let secrets = self.secrets("/auth", &mut fields);
        Some(Auth::Bearer { header: header?, secrets: secrets? })
    }

    /// `secret: name` or `secrets: [a, b]`, exactly one of them.
    pub(super) fn secrets(&mut self, pointer: &str, fields: &mut Map<String, Value>) -> Option<Vec<String>> {
        let given = (fields.shift_remove("secret"), fields.shift_remove("secrets"));
        let (place, names) = match given {
            (Some(one), None) => ("secret", vec![one]),
            (None, Some(Value::Array(names))) => ("secrets", names),
            (None, Some(_)) => {
                let place = format!("{pointer}/secrets");
                self.find(
                    WRONG_TYPE,
                    &place,
                    "`secrets` is a list of names",
                    Some("or write `secret: name`"),
                );
                return None;
            }
            (None, None) => {
                let hint = "name the secret variable that has it: `secret: shop-signing`, set with `tenon variable set`";
                self.find(MISSING_FIELD, &format!("{pointer}/secret"), "`secret` is missing", Some(hint));
                return None;
            }
            (Some(_), Some(_)) => {
                let message = "`secret` and `secrets` cannot both be given";
                self.find(AUTH, &format!("{pointer}/secrets"), message, Some("put all names into `secrets`"));
                return None;
            }
        };
        let place = format!("{pointer}/{place}");
        if names.is_empty() || names.len() > MAX_SECRETS {
            let message = format!("1 to {MAX_SECRETS} secrets can be valid at once");
            self.find(AUTH, &place, &message, None);
            return None;
        }
        let mut found = Vec::with_capacity(names.len());
        for name in names {
            match name {
                Value::String(name) if is_variable_name(&name) => found.push(name),
                _ => {
                    let hint = "this is the name of a variable, never the secret itself: letters, digits, `-`, `_` and `.`";
                    self.find(AUTH, &place, "not the name of a variable", Some(hint));
                    return None;
                }
            }
        }
        Some(found)
    }

    /// The name of a header, in lower case.
    pub(super) fn header_name(&mut self, pointer: &str, value: Value) -> Option<String> {
        let name = self.text(pointer, value)?.to_ascii_lowercase();
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if (1..=100).contains(&name.len()) && name.bytes().all(is_letter) {
            return Some(name);
        }
        self.find(AUTH, pointer, "not the name of a header", Some("write e.g. `x-signature`"));
        None
    }

    /// A duration longer than nothing and not longer than `most`.
    pub(super) fn bounded_duration(
        &mut self,
        pointer: &str,
        value: Option<Value>,
        default: Duration,
        most: Duration,
    ) -> Option<Duration> {
        let Some(value) = value else { return Some(default) };
        let message = match tenon_workflow::parse_duration(&value) {
            Ok(duration) if !duration.is_zero() && duration <= most => return Some(duration),
            Ok(_) => format!("the duration must be longer than nothing and at most {} s", most.as_secs()),
            Err(error) => error.to_string(),
        };
        self.find(super::codes::DURATION, pointer, &message, Some("write e.g. `PT5M`"));
        None
    }
}
