//! `call: http`

use super::{CHECKED, Lowering};
use crate::document::NodeId;
use crate::program::{Action, HttpCall, HttpOutput};

impl Lowering<'_> {
    pub(super) fn call_http(&mut self, task: NodeId) -> Action {
        let with = self.document.get(task, "with").expect(CHECKED);
        let endpoint = self.document.get(with, "endpoint").expect(CHECKED);
        let uri = self.document.get(endpoint, "uri").unwrap_or(endpoint);
        let redirect = self.document.get(with, "redirect").map(|id| self.document.value_of(id));
        Action::CallHttp(Box::new(HttpCall {
            method: self.template(with, "method").expect(CHECKED),
            endpoint: self.uri_of(uri),
            headers: self.template(with, "headers"),
            query: self.template(with, "query"),
            body: self.template(with, "body"),
            output: match self.text(with, "output").as_deref() {
                Some("raw") => HttpOutput::Raw,
                Some("response") => HttpOutput::Response,
                _ => HttpOutput::Content,
            },
            redirect: redirect == Some(serde_json::Value::Bool(true)),
        }))
    }
}
