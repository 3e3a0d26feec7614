//! Credentials in documents, in data, and in addresses.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use tenon_expr::runtime_expression;
use tenon_expr::tree::Tree;

use super::Linter;
use super::definitions::visit;
use super::variables::names_in;
use crate::codes;
use crate::diagnostic::quote;
use crate::document::{Content, NodeId};

/// Headers that carry credentials.
const HEADERS: [&str; 8] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "x-api-key",
    "api-key",
    "apikey",
    "x-auth-token",
    "x-access-token",
];
/// What query parameters and environment variables with credentials are called, less `-` and `_`.
const NAMES: [&str; 12] = [
    "password",
    "passwd",
    "pwd",
    "secret",
    "token",
    "accesstoken",
    "authtoken",
    "apikey",
    "clientsecret",
    "appkey",
    "signature",
    "privatekey",
];
/// Members of an authentication policy that are secret, and objects around them that mean something else.
const POLICY: [&str; 4] = ["password", "token", "secret", "assertion"];
const SCHEMES: [&str; 5] = ["basic", "bearer", "digest", "oauth2", "oidc"];
/// How well-known tokens begin, and how long they are at least.
const TOKENS: [(&str, usize); 14] = [
    ("ghp_", 36),
    ("gho_", 36),
    ("ghs_", 36),
    ("github_pat_", 40),
    ("glpat-", 20),
    ("xoxb-", 20),
    ("xoxp-", 20),
    ("xoxa-", 20),
    ("sk_live_", 20),
    ("rk_live_", 20),
    ("AKIA", 20),
    ("AIza", 35),
    ("SG.", 50),
    ("npm_", 36),
];

/// What is wrong with a place.
type Told = (&'static str, String, &'static str);

const USE_SECRET: &str =
    "keep it in a variable of kind secret, list it under `use.secrets`, and read `$secrets`";

impl<'a> Linter<'a> {
    pub(super) fn credentials(&mut self) {
        let document = self.document;
        let mut told: HashMap<NodeId, Told> = HashMap::new();
        let mut order = Vec::new();
        visit(document, &mut |keys, id| {
            if let Some(found) = self.credential(keys, id)
                && !told.contains_key(&id)
            {
                told.insert(id, found);
                order.push(id);
            }
        });
        for id in order {
            let Some((code, message, hint)) = told.remove(&id) else { continue };
            self.report(id, code, message, hint);
        }
    }

    fn credential(&self, keys: &[&'a str], id: NodeId) -> Option<Told> {
        if let [.., "use", "secrets"] = keys {
            return None;
        }
        let [around @ .., key] = keys else { return None };
        let in_policy = POLICY.contains(key)
            && around.iter().rev().take(2).any(|key| SCHEMES.contains(key))
            && around.last() != Some(&"endpoints");
        if in_policy {
            return self.in_policy(id, key);
        }
        let text = self.document.text(id)?;
        if let [.., "with" | "http", "headers"] = around
            && HEADERS.iter().any(|header| key.eq_ignore_ascii_case(header))
        {
            return self.in_header(id, key);
        }
        let in_query = matches!(around, [.., "with", "query"]);
        if in_query || *key == "endpoint" || *key == "uri" {
            return self.in_address(id, (key, text), in_query);
        }
        if around.last() == Some(&"environment") && is_credential_name(key) && is_plain(text) {
            return Some(literal(&format!("`{}`", quote(key))));
        }
        token_in(text).map(|token| literal(&format!("`{token}…`")))
    }

    fn in_policy(&self, id: NodeId, key: &str) -> Option<Told> {
        match self.document.content(id) {
            Content::Text(text) if is_plain(text) => Some(literal(&format!("this `{key}`"))),
            Content::Text(_) if self.reads(id, "secrets") => None,
            Content::Text(_) => Some(from_data(&format!("this `{key}`"))),
            Content::Map(_) => {
                let message = format!("this `{key}` is a configuration variable, which people can read");
                Some((codes::LINT_CREDENTIAL_FROM_DATA, message, USE_SECRET))
            }
            _ => None,
        }
    }

    fn in_header(&self, id: NodeId, key: &str) -> Option<Told> {
        let what = format!("the header `{}`", quote(key));
        let text = self.document.text(id)?;
        let tree = self.site_at(id).map(|site| &self.sites[site].tree);
        let is_literal = match tree {
            Some(tree) => matches!(tree, Tree::Literal(Value::String(_))),
            None => is_plain(text),
        };
        if is_literal {
            return Some(literal(&what));
        }
        let is_safe = tree.is_none() || self.reads(id, "secrets") || self.reads(id, "authorization");
        (!is_safe).then(|| from_data(&what))
    }

    fn in_address(&self, id: NodeId, (key, text): (&str, &str), in_query: bool) -> Option<Told> {
        if self.reads(id, "secrets") {
            let message = "a secret in an address is written to the logs of everybody on the way".to_owned();
            let hint = "send it in a header, or use `authentication`";
            return Some((codes::LINT_SECRET_IN_ADDRESS, message, hint));
        }
        if in_query {
            return (is_credential_name(key) && is_plain(text))
                .then(|| literal(&format!("`{}`", quote(key))));
        }
        let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let has_password = authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
        if has_password && is_plain(text) {
            return Some(literal("the password in this address"));
        }
        let query = text.split_once('?').map_or("", |(_, query)| query);
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let mut named = pairs
            .filter(|(name, value)| is_credential_name(name) && is_plain(value) && !value.starts_with('{'));
        named
            .next()
            .map(|(name, _)| literal(&format!("`{}` in this address", quote(name))))
            .or_else(|| token_in(text).map(|token| literal(&format!("`{token}…`"))))
    }

    /// Whether the expression here reads this variable.
    fn reads(&self, id: NodeId, variable: &str) -> bool {
        self.site_at(id).is_some_and(|site| {
            let mut names = HashSet::new();
            names_in(&self.sites[site].tree, &mut names);
            names.contains(variable)
        })
    }
}

fn literal(what: &str) -> Told {
    let message = format!("{what} is a credential that everybody who sees the document can read");
    (codes::LINT_CREDENTIAL_LITERAL, message, USE_SECRET)
}

fn from_data(what: &str) -> Told {
    let message = format!("{what} comes from the data, so it is in the event, the trace and the logs");
    (codes::LINT_CREDENTIAL_FROM_DATA, message, USE_SECRET)
}

fn is_plain(text: &str) -> bool {
    !text.trim().is_empty() && runtime_expression(text).is_none()
}

fn is_credential_name(name: &str) -> bool {
    let bare: String =
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    NAMES.iter().any(|known| bare == *known || (known.len() > 5 && bare.ends_with(known)))
}

/// The beginning of a well-known kind of token in a text.
fn token_in(text: &str) -> Option<&'static str> {
    if text.contains("-----BEGIN") && text.contains("PRIVATE KEY-----") {
        return Some("-----BEGIN PRIVATE KEY");
    }
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.');
    for (start, least) in TOKENS {
        let mut from = 0;
        while let Some(at) = text[from..].find(start).map(|at| from + at) {
            let is_begin = !text[..at].ends_with(is_part);
            let length = text[at..].chars().take_while(|letter| is_part(*letter)).count();
            if is_begin && length >= least {
                return Some(start);
            }
            from = at + start.len();
        }
    }
    None
}
