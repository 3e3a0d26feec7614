//! Tenon's management API as xtask needs it: JSON in and out, with the owner's key.

use crate::http::{Connection, Received, Request};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;

/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_mins(1);

/// One keep-alive connection to the API of a running Tenon.
pub(crate) struct Api {
    connection: Connection,
    authorization: String,
    workspace: String,
}

impl Api {
    pub(crate) fn new(address: SocketAddr, key: &str) -> Self {
        let connection = Connection::new(address, TIMEOUT);
        Self { connection, authorization: format!("Bearer {key}"), workspace: "default".to_owned() }
    }

    /// The same for another workspace.
    pub(crate) fn in_workspace(mut self, workspace: &str) -> Self {
        workspace.clone_into(&mut self.workspace);
        self
    }

    /// The JSON behind a path.
    pub(crate) fn get(&mut self, path: &str) -> Result<Value> {
        let answer = self.call("GET", path, b"")?;
        serde_json::from_slice(&answer.body).with_context(|| format!("GET {path} did not answer with JSON"))
    }

    /// A path's text, such as `/metrics`.
    pub(crate) fn text(&mut self, path: &str) -> Result<String> {
        let answer = self.call("GET", path, b"")?;
        String::from_utf8(answer.body).with_context(|| format!("GET {path} did not answer with UTF-8"))
    }

    /// Puts a YAML document.
    pub(crate) fn put(&mut self, path: &str, document: &str) -> Result<()> {
        self.call("PUT", path, document.as_bytes()).map(|_| ())
    }

    /// Posts nothing and gives the JSON answer.
    pub(crate) fn post(&mut self, path: &str) -> Result<Value> {
        let answer = self.call("POST", path, b"")?;
        serde_json::from_slice(&answer.body).with_context(|| format!("POST {path} did not answer with JSON"))
    }

    /// Every item of a list, page by page. `path` has a query string already or none.
    pub(crate) fn list(&mut self, path: &str) -> Result<Vec<Value>> {
        let mut items = Vec::new();
        let mut cursor = None::<String>;
        loop {
            let join = if path.contains('?') { '&' } else { '?' };
            let mut page = format!("{path}{join}limit=500");
            if let Some(cursor) = &cursor {
                page.push_str("&cursor=");
                page.push_str(cursor);
            }
            let mut page = self.get(&page)?;
            let Some(Value::Array(batch)) = page.get_mut("items").map(Value::take) else {
                bail!("GET {path} did not answer with a list");
            };
            items.extend(batch);
            match page.get("next").and_then(Value::as_str) {
                Some(next) => cursor = Some(next.to_owned()),
                None => return Ok(items),
            }
        }
    }

    fn call(&mut self, method: &str, path: &str, body: &[u8]) -> Result<Received> {
        let headers = [
            ("Authorization", self.authorization.as_str()),
            ("Tenon-Workspace", self.workspace.as_str()),
            ("Content-Type", "application/yaml"),
            ("Accept", "application/json"),
        ];
        let request = Request { method, target: path, headers: &headers, body };
        // A kept connection may have been closed by the server meanwhile; everything here can be repeated.
        let answer = match self.connection.send(&request) {
            Ok(answer) => answer,
            Err(_) => self.connection.send(&request).with_context(|| format!("{method} {path}"))?,
        };
        let status = answer.status()?;
        if !(200..300).contains(&status) {
            bail!("{method} {path} answered {status}: {}", String::from_utf8_lossy(&answer.body));
        }
        Ok(answer)
    }
}

/// The sum of a metric over all its labels, from Prometheus text; `None` when it is not there.
pub(crate) fn metric(text: &str, name: &str) -> Option<f64> {
    let mut sum = None;
    for line in text.lines() {
        let Some(rest) = line.strip_prefix(name) else { continue };
        let rest = match rest.strip_prefix('{') {
            Some(labels) => labels.rsplit_once('}').map_or("", |(_, value)| value),
            None => rest,
        };
        // Another metric whose name begins the same has no space here.
        if let Some(value) =
            rest.strip_prefix(' ').and_then(|value| value.split(' ').next()?.parse::<f64>().ok())
        {
            sum = Some(sum.unwrap_or(0.0) + value);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_summed_over_its_labels() {
        let text = "# HELP a_total x\na_total{state=\"completed\"} 3\na_total{state=\"fau}lted\"} 2\na_total_more 9\nb 1.5\n";
        assert_eq!(metric(text, "a_total"), Some(5.0));
        assert_eq!(metric(text, "b"), Some(1.5));
        assert_eq!(metric(text, "c"), None);
    }
}
