//! What is the same for every kind of resource: enable, disable, delete, and showing one with its document.

use http::Method;
use serde_json::{Value, json};

use super::Context;
use crate::client::{Request, path};
use crate::failure::Failure;
use crate::output::{Format, fields, plain};
use crate::time;

/// A resource by its address below `/api/v1` and how people call it.
pub(super) struct Target<'a> {
    pub(super) address: &'a [&'a str],
    /// `workflow shop/orders`
    pub(super) title: String,
}

/// What to do with it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Action {
    Enable,
    Disable,
    Delete,
}

impl Target<'_> {
    pub(super) fn path(&self) -> String {
        path(&[&["api", "v1"], self.address].concat())
    }

    pub(super) async fn act(&self, action: Action, context: Context<'_>) -> Result<(), Failure> {
        let (request, word) = match action {
            Action::Enable => (Request::post(format!("{}/enable", self.path())), "enabled"),
            Action::Disable => (Request::post(format!("{}/disable", self.path())), "disabled"),
            Action::Delete => (Request::new(Method::DELETE, self.path()), "deleted"),
        };
        let answer = context.client.send(request).await?;
        if context.output.format() == Format::Table {
            context.output.note(&format!("{} {word}", self.title));
            return Ok(());
        }
        let body = if answer.body.is_null() { json!({ "done": word }) } else { answer.body };
        context.output.value(&body, |_| String::new())
    }
}

/// Members as lines, then the document as it was sent.
pub(super) fn with_document(rows: &[(&str, String)], resource: &Value) -> String {
    format!("{}\n\n{}", fields(rows), plain(&resource["document"]).trim_end())
}

/// `enabled` or `disabled`.
pub(super) fn enabled(resource: &Value) -> String {
    if resource["enabled"] == Value::Bool(false) { "disabled".to_owned() } else { "enabled".to_owned() }
}

/// When something with a schedule starts by itself, if it will.
pub(super) fn next(resource: &Value) -> Option<(&'static str, String)> {
    let times = resource["next"].as_array()?;
    let times: Vec<String> = times.iter().map(time::shown).collect();
    Some(("next", if times.is_empty() { "-".to_owned() } else { times.join(", ") }))
}
