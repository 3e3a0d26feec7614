//! `call`: HTTP, OpenAPI, gRPC, and functions of the document.

use crate::document::{Content, NodeId};

use super::narrator::Narrator;
use super::part::Part;
use super::words::{Words, text};

// === impl Narrator ===

impl<'d> Narrator<'d> {
    pub(super) fn call(&mut self, part: &mut Part<'d>) -> Words {
        let Some(called) = part.take("call") else { return Words::default() };
        let name = self.document.text(called).unwrap_or_default();
        let with = match name {
            "http" | "openapi" | "grpc" | "asyncapi" | "a2a" | "mcp" => part.take_part("with"),
            _ => None,
        };
        let Some(mut with) = with else { return self.call_function(name, part) };
        let words = match name {
            "http" => self.call_http(&mut with),
            "openapi" => self.call_openapi(&mut with),
            "grpc" => self.call_grpc(&mut with),
            "asyncapi" => self.call_asyncapi(&mut with),
            "a2a" => self.call_a2a(&mut with),
            _ => self.call_mcp(&mut with),
        };
        self.rest(&with);
        words
    }

    fn call_http(&mut self, with: &mut Part<'d>) -> Words {
        let method = with.take("method");
        let address = self.endpoint_of(with, "endpoint");
        let literal = method.and_then(|method| self.document.text(method)).filter(|text| !text.contains('$'));
        let words = match (literal, method) {
            (Some(literal), _) => text(literal.to_uppercase()).text(" ").words(address),
            (None, Some(method)) => {
                text("call ").words(address).text(" with the method ").words(self.plain(method))
            }
            (None, None) => text("call ").words(address),
        };
        self.member(with, "query", "query");
        self.member(with, "headers", "headers");
        self.member(with, "body", "body");
        self.outcome(with);
        words
    }

    /// `output` and `redirect`.
    fn outcome(&mut self, with: &mut Part<'d>) {
        if let Some(output) = with.take("output") {
            let words = match self.document.text(output) {
                Some("raw") => text("gives the body's bytes, in base64"),
                Some("content") => text("gives the decoded body"),
                Some("response") => text("gives the whole response: request, status, headers and content"),
                _ => text("gives ").words(self.value(output)),
            };
            self.bullet(words);
        }
        if let Some(redirect) = with.take("redirect") {
            let is_result = self.is_true(redirect);
            self.bullet(text(if is_result {
                "an answer that redirects (3xx) is a result and is not followed"
            } else {
                "redirects are followed"
            }));
        }
    }

    fn call_openapi(&mut self, with: &mut Part<'d>) -> Words {
        let mut words = text("call the operation ");
        if let Some(operation) = with.take("operationId") {
            words = words.words(self.plain(operation));
        }
        if let Some(document) = with.take_part("document") {
            words = words.text(" of ").words(self.resource(document));
        }
        self.authentication_of(with);
        self.member(with, "parameters", "parameters");
        self.outcome(with);
        words
    }

    fn call_grpc(&mut self, with: &mut Part<'d>) -> Words {
        let mut words = text("call ");
        if let Some(method) = with.take("method") {
            words = words.words(self.plain(method));
        }
        if let Some(mut service) = with.take_part("service") {
            words = words.text(" of the gRPC service ");
            if let Some(name) = service.take("name") {
                words = words.words(self.plain(name));
            }
            if let Some(host) = service.take("host") {
                words = words.text(" at ").words(self.plain(host));
            }
            if let Some(port) = service.take("port") {
                words = words.text(", port ").words(self.plain(port));
            }
            self.authentication_of(&mut service);
            self.rest(&service);
        }
        if let Some(proto) = with.take_part("proto") {
            let words = text("as defined in ").words(self.resource(proto));
            self.bullet(words);
        }
        self.member(with, "arguments", "arguments");
        words
    }

    fn call_function(&mut self, name: &'d str, part: &mut Part<'d>) -> Words {
        let mut words = text("call the function ").name(name);
        if let Some(number) = self.function_number(name) {
            words = words.text(format!(" ({number})"));
        }
        if let Some(with) = part.take("with") {
            if self.fits_one_line(with) {
                return words.text(" with ").words(self.value(with));
            }
            self.item(text("with"), with);
        }
        words
    }

    // --- addresses ---

    /// The address under this key; how to authenticate there is told below the task.
    pub(super) fn endpoint_of(&mut self, part: &mut Part<'d>, key: &'static str) -> Words {
        part.take(key).map_or_else(Words::default, |endpoint| self.endpoint(endpoint))
    }

    pub(super) fn endpoint(&mut self, id: NodeId) -> Words {
        let is_address = matches!(self.document.content(id), Content::Text(_));
        let mut part = self.part(id);
        match part.take("uri").filter(|_| !is_address) {
            Some(uri) => {
                let words = self.plain(uri);
                self.authentication_of(&mut part);
                self.rest(&part);
                words
            }
            None => self.plain(id),
        }
    }

    /// An external resource: where it is, and what it is called.
    pub(super) fn resource(&mut self, mut resource: Part<'d>) -> Words {
        let mut words = self.endpoint_of(&mut resource, "endpoint");
        if let Some(name) = resource.take("name") {
            words = words.text(" (").words(self.plain(name)).text(")");
        }
        let rest = self.rest_of(&resource);
        words.words(rest)
    }
}
