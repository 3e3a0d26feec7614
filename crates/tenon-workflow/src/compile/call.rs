//! The kinds of `call`

use std::sync::Arc;

use super::{CHECKED, Lowering};
use crate::document::NodeId;
use crate::program::{Action, FunctionCall, GrpcCall, HttpCall, HttpOutput, OpenApiCall};

impl Lowering<'_> {
    pub(super) fn call(&mut self, task: NodeId) -> Action {
        let called = self.text(task, "call").expect(CHECKED);
        let with = self.document.get(task, "with");
        match (called.as_str(), with) {
            ("http", Some(with)) => self.call_http(with),
            ("openapi", Some(with)) => self.call_openapi(with),
            ("grpc", Some(with)) => self.call_grpc(with),
            _ => Action::CallFunction(FunctionCall {
                with: with.map(|with| self.template_of(with)),
                body: self.function(&called),
                name: called,
            }),
        }
    }

    fn call_http(&mut self, with: NodeId) -> Action {
        let endpoint = self.document.get(with, "endpoint").expect(CHECKED);
        let uri = self.document.get(endpoint, "uri").unwrap_or(endpoint);
        Action::CallHttp(Box::new(HttpCall {
            method: self.template(with, "method").expect(CHECKED),
            endpoint: self.uri_of(uri),
            headers: self.template(with, "headers"),
            query: self.template(with, "query"),
            body: self.template(with, "body"),
            authentication: self.authentication(endpoint),
            output: self.http_output(with),
            redirect: self.flag(with, "redirect"),
        }))
    }

    fn call_openapi(&mut self, with: NodeId) -> Action {
        let document = self.file_at(with, "document");
        let api = self.content_of(&document).and_then(|text| {
            let api = tenon_openapi::Api::parse(&text);
            api.map(Arc::new)
                .map_err(|error| format!("the OpenAPI document {document} cannot be used: {error}"))
        });
        Action::CallOpenApi(Box::new(OpenApiCall {
            document,
            api,
            operation_id: self.template(with, "operationId").expect(CHECKED),
            parameters: self.template(with, "parameters"),
            authentication: self.authentication(with),
            output: self.http_output(with),
            redirect: self.flag(with, "redirect"),
        }))
    }

    fn call_grpc(&mut self, with: NodeId) -> Action {
        let proto = self.file_at(with, "proto");
        let service = self.document.get(with, "service").expect(CHECKED);
        Action::CallGrpc(Box::new(GrpcCall {
            definition: self.content_of(&proto),
            proto,
            service: self.template(service, "name").expect(CHECKED),
            host: self.template(service, "host").expect(CHECKED),
            port: self.template(service, "port"),
            method: self.template(with, "method").expect(CHECKED),
            arguments: self.template(with, "arguments"),
            authentication: self.authentication(service),
        }))
    }

    fn http_output(&self, with: NodeId) -> HttpOutput {
        match self.text(with, "output").as_deref() {
            Some("raw") => HttpOutput::Raw,
            Some("response") => HttpOutput::Response,
            _ => HttpOutput::Content,
        }
    }
}
