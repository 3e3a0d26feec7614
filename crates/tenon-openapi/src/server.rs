//! Where an operation is served: the first server, its variables by their defaults, relative addresses resolved
//! against that of the document.

use serde_json::Value;
use url::{Position, Url};

use crate::source::{Dialect, Source, items, members, short, string};

/// A base address, as far as it is known without the document's own.
#[derive(Debug, Clone)]
pub(crate) enum Server {
    /// OpenAPI 3: absolute or relative.
    Address(String),
    /// Swagger 2.0: what is missing is the document's own.
    Parts { scheme: Option<String>, host: Option<String>, base_path: String },
}

// === impl Server ===

impl Server {
    /// That of an operation; the operation's own goes before the path's, and that before the document's.
    pub(crate) fn read(source: Source<'_>, path: &Value, operation: &Value) -> Result<Self, String> {
        if source.dialect == Dialect::Two {
            return Ok(Self::parts(source.root, operation));
        }
        let first =
            [operation, path, source.root].into_iter().find_map(|place| items(place, "servers").first());
        let Some(server) = first else {
            return Ok(Self::Address("/".to_owned()));
        };
        let Some(url) = string(server, "url") else {
            return Err("its first server has no `url`".to_owned());
        };
        fill(url, server).map(Self::Address)
    }

    fn parts(root: &Value, operation: &Value) -> Self {
        let own = items(operation, "schemes");
        let schemes = if own.is_empty() { items(root, "schemes") } else { own };
        let has = |wanted: &str| schemes.iter().any(|scheme| scheme == wanted).then(|| wanted.to_owned());
        Self::Parts {
            scheme: has("https").or_else(|| has("http")),
            host: string(root, "host").map(str::to_owned),
            base_path: string(root, "basePath").unwrap_or_default().to_owned(),
        }
    }

    /// Its whole address, without a slash at the end.
    pub(crate) fn address(&self, document_address: &str) -> Result<String, String> {
        let address = match self {
            Self::Address(address) if Url::parse(address).is_ok() => address.clone(),
            Self::Address(address) => {
                let joined = base(document_address)?.join(address);
                joined
                    .map_err(|error| format!("its server `{}` is no address: {error}", short(address)))?
                    .into()
            }
            Self::Parts { scheme: Some(scheme), host: Some(host), base_path } => {
                format!("{scheme}://{host}{base_path}")
            }
            Self::Parts { scheme, host, base_path } => {
                let base = base(document_address)?;
                let scheme = scheme.as_deref().unwrap_or(base.scheme());
                let host = host.as_deref().unwrap_or(&base[Position::BeforeHost..Position::AfterPort]);
                format!("{scheme}://{host}{base_path}")
            }
        };
        Ok(address.trim_end_matches('/').to_owned())
    }
}

fn base(document_address: &str) -> Result<Url, String> {
    Url::parse(document_address)
        .map_err(|_| "its server is relative to the document, which has no address".to_owned())
}

/// Variables by their default values.
fn fill(url: &str, server: &Value) -> Result<String, String> {
    let mut filled = String::with_capacity(url.len());
    let mut rest = url;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        let variable = members(server, "variables").and_then(|variables| variables.get(name));
        let default = match variable.and_then(|variable| variable.get("default")) {
            Some(Value::String(text)) => text.clone(),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
            _ => return Err(format!("the variable `{}` of its server has no default value", short(name))),
        };
        filled.push_str(before);
        filled.push_str(&default);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}
