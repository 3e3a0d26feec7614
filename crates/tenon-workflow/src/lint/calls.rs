//! `call: http`: what is asked for, and what it is asked with.

use core::net::IpAddr;

use serde_json::Value;
use tenon_expr::runtime_expression;
use tenon_expr::tree::Tree;

use super::Linter;
use super::definitions::visit;
use crate::codes;
use crate::diagnostic::quote;
use crate::document::{Content, NodeId};
use crate::outline::Task;

/// Names that only a network of one's own answers to.
const LOCAL: [&str; 6] = [".local", ".internal", ".localhost", ".svc", ".lan", ".test"];

impl Linter<'_> {
    pub(super) fn calls(&mut self) {
        let outline = self.outline;
        for task in &outline.tasks {
            if outline.called(task) == Some("http") {
                self.http(task);
            }
            if outline.called(task).is_some() {
                self.redirect(task);
            }
        }
        self.plain_addresses();
    }

    fn http(&mut self, task: &Task<'_>) {
        let outline = self.outline;
        let method = outline.text_at(task, &["with", "method"]).unwrap_or_default();
        let is = |methods: &[&str]| methods.iter().any(|known| method.eq_ignore_ascii_case(known));
        if let Some(body) = outline.at(task, &["with", "body"])
            && is(&["get", "head"])
        {
            let message =
                format!("a {} with a body: most servers ignore or refuse it", method.to_ascii_uppercase());
            self.report(body, codes::LINT_BODY_OF_GET, message, "use `query`, or another method");
        }
        let Some(headers) = outline.at(task, &["with", "headers"]) else { return };
        let entries = self.document.entries(headers);
        let mut seen: Vec<String> = Vec::with_capacity(entries.len());
        for entry in entries.iter().take(200) {
            let name = entry.key.to_ascii_lowercase();
            if seen.contains(&name) {
                let message =
                    format!("the header `{}` is given twice: case does not count", quote(&entry.key));
                self.report(entry.value, codes::LINT_HEADER_TWICE, message, "remove one of the two");
            }
            if name == "idempotency-key" && is(&["post", "patch"]) && self.is_constant(entry.value) {
                let message =
                    "every job sends the same Idempotency-Key, so the other side does only the first"
                        .to_owned();
                let hint = "leave the header out: Tenon sends one that is each job's own";
                self.report(entry.value, codes::LINT_KEY_LITERAL, message, hint);
            }
            seen.push(name);
        }
    }

    fn is_constant(&self, id: NodeId) -> bool {
        match self.site_at(id) {
            Some(site) => {
                matches!(&self.sites[site].tree, Tree::Literal(Value::String(_) | Value::Number(_)))
            }
            None => match self.document.content(id) {
                Content::Text(text) => !text.trim().is_empty() && runtime_expression(text).is_none(),
                Content::Number { .. } => true,
                _ => false,
            },
        }
    }

    /// `redirect: true` is often taken for "follow redirects", which is the default.
    fn redirect(&mut self, task: &Task<'_>) {
        let outline = self.outline;
        let Some(redirect) = outline.at(task, &["with", "redirect"]) else { return };
        let is_true = matches!(self.document.content(redirect), Content::Bool(true));
        if is_true && outline.text_at(task, &["with", "output"]) != Some("response") {
            let message = "a redirect is not followed but is the result, and without `output: response` its address is lost".to_owned();
            let hint = "remove it to follow redirects, or add `output: response`";
            self.report(redirect, codes::LINT_REDIRECT_RESULT, message, hint);
        }
    }

    fn plain_addresses(&mut self) {
        let document = self.document;
        let mut found = Vec::new();
        visit(document, &mut |keys, id| {
            let Some("endpoint" | "uri" | "authority") = keys.last().copied() else { return };
            if let Some(text) = document.text(id)
                && is_plain_and_remote(text)
            {
                found.push(id);
            }
        });
        for id in found {
            let message = "this address is called in plain text: everybody on the way can read and change it"
                .to_owned();
            self.report(id, codes::LINT_PLAIN_HTTP, message, "use https://");
        }
    }
}

/// `http://` to a host that is neither this machine nor, by its name or number, of one's own network.
fn is_plain_and_remote(text: &str) -> bool {
    let Some(rest) = text.get(..7).filter(|start| start.eq_ignore_ascii_case("http://")).map(|_| &text[7..])
    else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((inner, _)) => inner,
        None => host.rsplit_once(':').map_or(host, |(host, _)| host),
    };
    if host.contains(['{', '$']) || host.is_empty() {
        return false;
    }
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(own)) => !(own.is_loopback() || own.is_private() || own.is_link_local()),
        Ok(IpAddr::V6(own)) => !(own.is_loopback() || own.is_unique_local() || own.is_unicast_link_local()),
        Err(_) => {
            let host = host.to_ascii_lowercase();
            host.contains('.') && !LOCAL.iter().any(|local| host.ends_with(local)) && !host.contains(".svc.")
        }
    }
}
