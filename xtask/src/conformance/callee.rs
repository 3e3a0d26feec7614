//! The other side of calls: what scenarios say it answers, and what it was asked.
//!
//! Data behind a lock; who speaks HTTP is `stand_in.rs`.

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};
use std::sync::Mutex;
use std::time::Duration;

/// One request as it came, ready to be looked at by expressions.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: String,
    /// `https://host/path`, without the query.
    pub(super) address: String,
    pub(super) query: String,
    pub(super) headers: Map<String, Value>,
    pub(super) body: Bytes,
    /// Milliseconds since the stand-in began.
    pub(super) at: u64,
}

/// What is answered to one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
    /// How long the answer takes.
    pub(super) after: Duration,
    /// The connection is closed instead.
    pub(super) closes: bool,
}

/// Addresses that scenarios have spoken about, with their calls.
#[derive(Default)]
pub(super) struct Callees {
    routes: Mutex<Vec<Route>>,
}

struct Route {
    /// Whose scenario it is.
    owner: String,
    method: String,
    /// `*` stands for one segment of the path.
    address: String,
    answers: Vec<Answer>,
    calls: Vec<Call>,
}

/// How long "never" is: longer than any scenario waits.
const NEVER: Duration = Duration::from_hours(1);

// === impl Callees ===

impl Callees {
    /// From now on these answers are given, one after another; the last one again and again.
    pub(super) fn answer_with(&self, owner: &str, target: &str, answers: Vec<Answer>) -> Result<()> {
        ensure!(!answers.is_empty(), "no answer is given");
        let (method, address) = split(target)?;
        let mut routes = self.lock();
        if let Some(route) =
            routes.iter_mut().find(|route| route.method == method && route.address == address)
        {
            ensure!(
                route.owner == owner,
                "`{target}` is used by {} at the same time; take another host",
                route.owner
            );
            route.answers = answers;
            return Ok(());
        }
        let calls = Vec::new();
        routes.push(Route { owner: owner.to_owned(), method, address, answers, calls });
        Ok(())
    }

    /// Forgets what this owner has said.
    pub(super) fn forget(&self, owner: &str) {
        self.lock().retain(|route| route.owner != owner);
    }

    /// The answer to a request that a scenario has spoken about.
    pub(super) fn take(&self, call: &Call) -> Option<Answer> {
        let mut routes = self.lock();
        let route = routes.iter_mut().find(|route| route.fits(call))?;
        let answer = route.answers.get(route.calls.len()).or(route.answers.last()).cloned();
        route.calls.push(call.clone());
        answer
    }

    /// The requests to an address so far.
    pub(super) fn calls(&self, target: &str) -> Result<Vec<Value>> {
        let (method, address) = split(target)?;
        let routes = self.lock();
        let route = routes.iter().find(|route| route.method == method && route.address == address);
        let route = route.with_context(|| format!("nothing was said about what answers `{target}`"))?;
        Ok(route.calls.iter().map(Call::shown).collect())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Route>> {
        self.routes.lock().expect("no thread panics while it holds the routes")
    }
}

/// `POST https://host/path` in its two parts.
fn split(target: &str) -> Result<(String, String)> {
    let parts = target.split_once(' ').filter(|(method, address)| {
        method.chars().all(|letter| letter.is_ascii_uppercase()) && address.contains("://")
    });
    let Some((method, address)) = parts else {
        bail!("`{target}` is not a method and an address, such as `GET https://crm.example/orders`");
    };
    Ok((method.to_owned(), address.to_owned()))
}

// === impl Route ===

impl Route {
    fn fits(&self, call: &Call) -> bool {
        let (mut pattern, mut parts) = (self.address.split('/'), call.address.split('/'));
        self.method == call.method
            && loop {
                match (pattern.next(), parts.next()) {
                    (None, None) => break true,
                    (Some("*"), Some(_)) => {}
                    (Some(one), Some(other)) if one == other => {}
                    _ => break false,
                }
            }
    }
}

// === impl Call ===

impl Call {
    /// `{method, uri, address, query, headers, body, at}`; header names in small letters, JSON bodies as data.
    pub(super) fn shown(&self) -> Value {
        let body = match serde_json::from_slice(&self.body) {
            Ok(body) => body,
            Err(_) if self.body.is_empty() => Value::Null,
            Err(_) => Value::String(String::from_utf8_lossy(&self.body).into_owned()),
        };
        let mark = if self.query.is_empty() { "" } else { "?" };
        json!({
            "method": self.method,
            "uri": format!("{}{mark}{}", self.address, self.query),
            "address": self.address,
            "query": self.parameters(),
            "headers": self.headers,
            "body": body,
            "at": self.at,
        })
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(Value::as_str)
    }

    /// Parameters of the query; one that is given several times is a list.
    fn parameters(&self) -> Map<String, Value> {
        let mut parameters = Map::new();
        for (name, value) in form_urlencoded::parse(self.query.as_bytes()) {
            let value = Value::from(value.into_owned());
            match parameters.get_mut(name.as_ref()) {
                None => drop(parameters.insert(name.into_owned(), value)),
                Some(Value::Array(values)) => values.push(value),
                Some(first) => *first = Value::Array(vec![first.take(), value]),
            }
        }
        parameters
    }
}

// === impl Answer ===

impl Answer {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { status, headers, body: body.to_string().into(), ..Self::default() }
    }

    /// A file with its type.
    pub(super) fn file(content_type: &str, text: &str) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { status: 200, headers, body: text.to_owned().into(), ..Self::default() }
    }

    /// The answers that a scenario lists: each with `status`, `headers`, one of `body` (JSON), `text` and
    /// `base64`, and `after` (a duration, or `never`); or `closes: true`.
    pub(super) fn list(listed: &Value) -> Result<Vec<Self>> {
        let items = listed.as_array().context("answers are a list")?;
        items.iter().map(Self::read).collect()
    }

    fn read(item: &Value) -> Result<Self> {
        let fields = item.as_object().context("an answer is an object")?;
        let mut answer = Self { status: 200, ..Self::default() };
        for (name, value) in fields {
            answer.set(name, value).with_context(|| format!("`{name}` of an answer"))?;
        }
        Ok(answer)
    }

    fn set(&mut self, name: &str, value: &Value) -> Result<()> {
        let text = || value.as_str().context("is text");
        match name {
            "status" => self.status = value.as_u64().context("is a number")?.try_into()?,
            "headers" => {
                for (name, value) in value.as_object().context("are names with values")? {
                    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    self.headers.push((name.to_lowercase(), value));
                }
            }
            "body" => {
                self.body = value.to_string().into();
                if !self.headers.iter().any(|(name, _)| name == "content-type") {
                    self.headers.push(("content-type".to_owned(), "application/json".to_owned()));
                }
            }
            "text" => self.body = text()?.to_owned().into(),
            "base64" => self.body = STANDARD.decode(text()?)?.into(),
            "after" if value == "never" => self.after = NEVER,
            "after" => self.after = duration(text()?)?,
            "closes" => self.closes = value.as_bool().context("is true or false")?,
            _ => bail!("is not status, headers, body, text, base64, after or closes"),
        }
        Ok(())
    }
}

/// An ISO 8601 duration such as `PT0.5S`.
pub(super) fn duration(text: &str) -> Result<Duration> {
    let span: jiff::SignedDuration = text.parse().with_context(|| format!("`{text}` is not a duration"))?;
    Ok(span.try_into()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: &str, address: &str) -> Call {
        Call {
            method: method.to_owned(),
            address: address.to_owned(),
            query: "a=1&b=x+y&a=2".to_owned(),
            headers: Map::from_iter([("x-id".to_owned(), json!("7"))]),
            body: Bytes::from_static(b"{\"n\":1}"),
            at: 5,
        }
    }

    fn answers(text: &str) -> Vec<Answer> {
        Answer::list(&serde_json::from_str(text).unwrap()).unwrap()
    }

    #[test]
    fn answers_are_given_in_order_and_the_last_one_again() {
        let callees = Callees::default();
        let target = "POST https://crm.example/orders/*";
        callees.answer_with("a", target, answers(r#"[{"status":500},{"body":{"ok":true}}]"#)).unwrap();
        let asked = call("POST", "https://crm.example/orders/7");
        let given: Vec<u16> = (0..3).map(|_| callees.take(&asked).unwrap().status).collect();
        assert_eq!(given, [500, 200, 200]);
        assert_eq!(callees.take(&call("GET", "https://crm.example/orders/7")), None);
        assert_eq!(callees.take(&call("POST", "https://crm.example/orders")), None);
        let calls = callees.calls(target).unwrap();
        assert_eq!(calls.len(), 3);
        assert_eq!(calls[0]["query"], json!({"a": ["1", "2"], "b": "x y"}));
        assert_eq!((&calls[0]["body"], &calls[0]["headers"]["x-id"]), (&json!({"n": 1}), &json!("7")));
        assert!(callees.calls("GET https://crm.example/nothing").is_err());
        callees.forget("a");
        assert_eq!(callees.take(&asked), None);
    }

    #[test]
    fn two_owners_cannot_share_an_address() {
        let callees = Callees::default();
        callees.answer_with("a", "GET https://x.example/", answers("[{}]")).unwrap();
        assert!(callees.answer_with("b", "GET https://x.example/", answers("[{}]")).is_err());
        assert!(callees.answer_with("a", "get it", answers("[{}]")).is_err());
    }

    #[test]
    fn answers_are_read_and_strange_ones_refused() {
        let read = answers(r#"[{"text":"hi","headers":{"X-A":1},"after":"PT0.5S"},{"closes":true}]"#);
        assert_eq!(read[0].headers, [("x-a".to_owned(), "1".to_owned())]);
        assert_eq!((read[0].after, read[1].closes), (Duration::from_millis(500), true));
        for wrong in [r#"[{"state":1}]"#, r#"[{"after":"soon"}]"#, "[1]", "{}"] {
            assert!(Answer::list(&serde_json::from_str(wrong).unwrap()).is_err(), "{wrong}");
        }
    }
}
