//! An operation, and the request that it makes of parameters.
//!
//! The rules, in this order:
//! 1. A name that the operation describes goes where it is described; into every place, if several have it.
//!    `null` means not given.
//! 2. `body` (in Swagger 2.0 also the body parameter's own name) is the whole body, if the operation has one and
//!    its schema has no member of that name.
//! 3. Any other name becomes a top-level member of the body, if the operation has one of JSON or a form; else it
//!    is refused. A body is given whole or by members, not both.
//!
//! A member of the body that has the name of a described parameter can only be given with the whole body.

use serde_json::{Map, Value};

use crate::body::Body;
use crate::parameter::{Parameter, Writing, add_keys, read_all};
use crate::server::Server;
use crate::source::{Source, short};
use crate::style::{Written, encode};
use crate::{Error, Location};

/// The name of the whole body.
const BODY: &str = "body";

/// Something that an API can do.
#[derive(Debug)]
pub struct Operation {
    name: String,
    method: &'static str,
    path: String,
    plan: Result<Plan, String>,
}

/// How it is called.
#[derive(Debug)]
struct Plan {
    parameters: Vec<Parameter>,
    body: Option<Body>,
    server: Server,
}

/// A request to make.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Upper case.
    pub method: String,
    /// Absolute. Has a query of its own where a value's delimiters must not be percent-encoded.
    pub url: String,
    /// Name and value. The content type is not among them, unless it was given as a parameter.
    pub headers: Vec<(String, String)>,
    /// Name and value, to be percent-encoded and appended to the URL's query.
    pub query: Vec<(String, String)>,
    /// A text is sent as it is, anything else as JSON.
    pub body: Option<Value>,
    /// The body's, if there is one.
    pub content_type: Option<String>,
}

/// Parameters, sorted by where they go.
struct Sorted<'a> {
    described: Vec<(&'a Parameter, &'a Value)>,
    whole: Option<&'a Value>,
    members: Map<String, Value>,
}

// === impl Operation ===

impl Operation {
    pub(crate) fn read(
        source: Source<'_>,
        (method, path): (&'static str, &str),
        item: &Value,
        operation: &Value,
    ) -> Self {
        let id = operation.get("operationId").and_then(Value::as_str);
        let name = id.map_or_else(|| format!("{method} {path}"), str::to_owned);
        let plan = Plan::read(source, path, item, operation);
        Self { name, method, path: path.to_owned(), plan }
    }

    /// One that says why it cannot be called.
    pub(crate) fn impossible(name: String, reason: String) -> Self {
        Self { name, method: "", path: String::new(), plan: Err(reason) }
    }

    /// From now on its name is method and path.
    pub(crate) fn forget_id(&mut self) {
        self.name = format!("{} {}", self.method, self.path);
    }

    /// Its `operationId`; without one, method and path (`GET /pets/{id}`).
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Upper case.
    pub fn method(&self) -> &str {
        self.method
    }

    /// As in the document.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What it can be given besides its body. Nothing, if it cannot be called.
    pub fn parameters(&self) -> &[Parameter] {
        self.plan.as_ref().map_or(&[], |plan| plan.parameters.as_slice())
    }

    /// Whether it must have a body. A body of which only some members must be given is none that must.
    pub fn requires_body(&self) -> bool {
        self.body().is_some_and(|body| body.required)
    }

    /// Members of its body that must be given.
    pub fn required_members(&self) -> &[String] {
        self.body().map_or(&[], |body| body.required_members.as_slice())
    }

    fn body(&self) -> Option<&Body> {
        self.plan.as_ref().ok()?.body.as_ref()
    }

    /// The request for these parameters. Addresses that are relative are relative to the document's own.
    pub fn request(&self, parameters: &Map<String, Value>, document_address: &str) -> Result<Call, Error> {
        let plan = self.plan.as_ref().map_err(|reason| self.error(reason))?;
        let sorted = self.sort(plan, parameters)?;
        self.check_required(plan, &sorted)?;
        let address = plan.server.address(document_address).map_err(|reason| self.error(&reason))?;
        let mut call = Call {
            method: self.method.to_owned(),
            url: format!("{address}{}", self.filled_path(&sorted.described)?),
            headers: Vec::new(),
            query: Vec::new(),
            body: None,
            content_type: None,
        };
        add_query(&mut call, &sorted.described)?;
        add_headers(&mut call, &sorted.described)?;
        if let Some(body) = &plan.body {
            self.add_body(&mut call, body, sorted)?;
        }
        Ok(call)
    }

    fn error(&self, reason: &str) -> Error {
        Error::Operation { operation: short(&self.name), reason: reason.to_owned() }
    }

    fn sort<'a>(&self, plan: &'a Plan, parameters: &'a Map<String, Value>) -> Result<Sorted<'a>, Error> {
        let mut sorted = Sorted { described: Vec::new(), whole: None, members: Map::new() };
        let mut unknown = Vec::new();
        for (name, value) in parameters {
            let mut described = plan.parameters.iter().filter(|parameter| parameter.name == *name).peekable();
            if described.peek().is_some() {
                if !value.is_null() {
                    sorted.described.extend(described.map(|parameter| (parameter, value)));
                }
                continue;
            }
            match &plan.body {
                Some(body) if is_whole(body, name) => sorted.whole = Some(value),
                Some(body) if body.takes_members => {
                    sorted.members.insert(name.clone(), value.clone());
                }
                _ => unknown.push(short(name)),
            }
        }
        if sorted.whole.is_some() && !sorted.members.is_empty() {
            unknown.extend(sorted.members.keys().map(|name| short(name)));
        }
        if unknown.is_empty() {
            return Ok(sorted);
        }
        Err(Error::Unknown { operation: short(&self.name), names: unknown, known: known(plan, &sorted) })
    }

    fn check_required(&self, plan: &Plan, sorted: &Sorted<'_>) -> Result<(), Error> {
        let is_given =
            |wanted: &Parameter| sorted.described.iter().any(|(given, _)| std::ptr::eq(*given, wanted));
        let required = plan.parameters.iter().filter(|parameter| parameter.required && !is_given(parameter));
        let mut names: Vec<String> = required.map(|parameter| short(&parameter.name)).collect();
        if let Some(body) = &plan.body
            && sorted.whole.is_none()
        {
            let is_missing = |name: &&String| sorted.members.get(*name).is_none_or(Value::is_null);
            names.extend(body.required_members.iter().filter(is_missing).map(|name| short(name)));
            if body.required && sorted.members.is_empty() {
                names.push(BODY.to_owned());
            }
        }
        if names.is_empty() {
            return Ok(());
        }
        names.dedup();
        Err(Error::Missing { operation: short(&self.name), names })
    }

    fn filled_path(&self, described: &[(&Parameter, &Value)]) -> Result<String, Error> {
        let mut filled = String::with_capacity(self.path.len() + 16);
        let mut rest = self.path.as_str();
        while let Some((before, name, after)) = next_name(rest) {
            let given = described
                .iter()
                .find(|(parameter, _)| parameter.location == Location::Path && parameter.name == name);
            let (parameter, value) = given.expect("each name in the path is a required parameter");
            let text = match parameter.writing {
                Writing::Styled(style) => style.path(name, value),
                Writing::Json => Ok(encode(&value.to_string())),
                Writing::Text => crate::style::scalar(value).map(|text| encode(&text)),
            };
            let text = text.map_err(|reason| parameter_error(parameter, reason))?;
            if text.is_empty() {
                return Err(parameter_error(parameter, "is empty, which would address something else"));
            }
            filled.push_str(before);
            filled.push_str(&text);
            rest = after;
        }
        filled.push_str(rest);
        // A URL parser would take these for directions.
        if filled.split('/').any(|segment| matches!(segment, "." | "..")) {
            let in_path = described.iter().find(|(parameter, _)| parameter.location == Location::Path);
            let reason = "makes a part of the path `.` or `..`, which would address something else";
            return Err(match in_path {
                Some((parameter, _)) => parameter_error(parameter, reason),
                None => self.error("its path has a part that is `.` or `..`"),
            });
        }
        Ok(filled)
    }

    fn add_body(&self, call: &mut Call, body: &Body, sorted: Sorted<'_>) -> Result<(), Error> {
        let value = match sorted.whole {
            Some(whole) => whole.clone(),
            None if sorted.members.is_empty() => return Ok(()),
            None => Value::Object(sorted.members),
        };
        let made = body.make(value).map_err(|reason| Error::Body { operation: short(&self.name), reason })?;
        call.body = Some(made.value);
        let is_given = call.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        call.content_type = (!is_given).then_some(made.content_type);
        Ok(())
    }
}

// === impl Plan ===

impl Plan {
    fn read(source: Source<'_>, path: &str, item: &Value, operation: &Value) -> Result<Self, String> {
        let (mut parameters, inside) = read_all(source, item, operation)?;
        let mut rest = path;
        while let Some((_, name, after)) = next_name(rest) {
            let is_known =
                |parameter: &Parameter| parameter.location == Location::Path && parameter.name == name;
            if !parameters.iter().any(is_known) {
                parameters.push(Parameter::forgotten(name));
            }
            rest = after;
        }
        // Described for the path, but not in it.
        parameters.retain(|parameter| {
            parameter.location != Location::Path || path.contains(&format!("{{{}}}", parameter.name))
        });
        add_keys(source, operation, &mut parameters);
        let body = Body::read(source, operation, &inside)?;
        Ok(Self { parameters, body, server: Server::read(source, item, operation)? })
    }
}

/// What could be given, for a message.
fn known(plan: &Plan, sorted: &Sorted<'_>) -> String {
    const SHOWN: usize = 20;
    let mut names: Vec<String> =
        plan.parameters.iter().take(SHOWN).map(|parameter| format!("`{}`", short(&parameter.name))).collect();
    if plan.parameters.len() > SHOWN {
        names.push("…".to_owned());
    }
    match (&plan.body, sorted.whole) {
        (Some(_), Some(_)) => names.push("`body`, which was given as a whole".to_owned()),
        (Some(_), None) => names.push("`body`".to_owned()),
        (None, _) => {}
    }
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn is_whole(body: &Body, name: &str) -> bool {
    body.name.as_deref() == Some(name) || (name == BODY && !body.has_member_body)
}

/// What is before the next `{name}`, the name, and what is after it.
fn next_name(path: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = path.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

fn parameter_error(parameter: &Parameter, reason: impl Into<String>) -> Error {
    Error::Parameter { name: short(&parameter.name), reason: reason.into() }
}

fn add_query(call: &mut Call, described: &[(&Parameter, &Value)]) -> Result<(), Error> {
    for (parameter, value) in described.iter().filter(|(parameter, _)| parameter.location == Location::Query)
    {
        let pairs = match parameter.writing {
            Writing::Styled(style) => style.pairs(&parameter.name, value),
            Writing::Json => Ok(vec![plain(parameter, value.to_string())]),
            Writing::Text => crate::style::scalar(value).map(|text| vec![plain(parameter, text)]),
        };
        for pair in pairs.map_err(|reason| parameter_error(parameter, reason))? {
            match pair.value {
                Written::Plain(text) => call.query.push((pair.name, text)),
                Written::Encoded(text) => {
                    let sign = if call.url.contains('?') { '&' } else { '?' };
                    call.url.push(sign);
                    call.url.push_str(&encode(&pair.name));
                    call.url.push('=');
                    call.url.push_str(&text);
                }
            }
        }
    }
    Ok(())
}

fn plain(parameter: &Parameter, text: String) -> crate::style::Pair {
    crate::style::Pair { name: parameter.name.clone(), value: Written::Plain(text) }
}

fn add_headers(call: &mut Call, described: &[(&Parameter, &Value)]) -> Result<(), Error> {
    let mut cookies: Vec<String> = Vec::new();
    for (parameter, value) in described {
        let wrong = |reason| parameter_error(parameter, reason);
        match (parameter.location, parameter.writing) {
            (Location::Path | Location::Query, _) => {}
            (Location::Header, writing) => {
                let text = match writing {
                    Writing::Styled(style) => style.header(value),
                    Writing::Json => Ok(value.to_string()),
                    Writing::Text => crate::style::scalar(value),
                };
                call.headers.push((parameter.name.clone(), text.map_err(wrong)?));
            }
            (Location::Cookie, Writing::Styled(style)) => {
                let pairs = style.pairs(&parameter.name, value).map_err(wrong)?;
                cookies.extend(pairs.iter().map(|pair| match &pair.value {
                    Written::Plain(text) => format!("{}={}", encode(&pair.name), encode(text)),
                    Written::Encoded(text) => format!("{}={text}", encode(&pair.name)),
                }));
            }
            (Location::Cookie, _) => {
                cookies.push(format!("{}={}", encode(&parameter.name), encode(&value.to_string())));
            }
        }
    }
    if !cookies.is_empty() {
        call.headers.push(("cookie".to_owned(), cookies.join("; ")));
    }
    Ok(())
}
