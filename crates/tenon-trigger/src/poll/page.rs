//! One answer, read: which events it brings, and where the next call begins. Pure; needs no clock and no store.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;

use serde_json::Value;
use tenon_capture::trigger::poll::{CursorOrder, Poll};
use tenon_capture::{Data, Event, bounded_key, key_text};
use tenon_expr::{EvalError, Expr, Limits, Scope, Template};

use super::order::compare;
use super::state::check_size;

/// What expressions over a whole answer may use.
const ANSWER_LIMITS: Limits = Limits { steps: 10_000_000, bytes: 256 << 20, depth: 256 };
/// What expressions over one item may use.
const ITEM_LIMITS: Limits = Limits { steps: 100_000, bytes: 16 << 20, depth: 256 };
/// How much of an expression's own words goes into a failure, bytes: they may quote the answer.
const QUOTED_BYTES: usize = 300;
/// What the events of one answer may come to.
const PAGE_BYTES: usize = 64 << 20;

/// What was asked, and who asked.
pub(super) struct Asked<'a> {
    pub(super) poll: &'a Poll,
    /// The trigger's name.
    pub(super) name: &'a str,
    pub(super) cursor: &'a Value,
    /// See [`PollState::polls`](super::state::PollState).
    pub(super) polls: u64,
    /// Seconds since the epoch.
    pub(super) now: f64,
}

/// What an answer brings.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) items: Vec<Item>,
    /// Where the next call begins.
    pub(super) cursor: Value,
    /// The cursor of the answer, if it is behind the one that it was asked with.
    pub(super) went_back: Option<Value>,
    /// Whether the next call should come at once.
    pub(super) has_more: bool,
}

/// One item.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) event: Event,
    pub(super) key: Key,
    /// Bytes of its event and key.
    pub(super) size: usize,
}

/// By what an item is known when it comes again.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// By what the trigger says, as long as it says.
    Own(String),
    /// By what it is, until the answer was captured to its end. For the case that an answer is captured in parts and
    /// asked for again after a crash.
    Content(String),
}

/// Why an answer brings nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub(super) struct Trouble {
    pub(super) detail: String,
    pub(super) hint: &'static str,
}

struct CursorScope<'a>(&'a Value, f64);

impl Scope for CursorScope<'_> {
    fn variable(&self, name: &str) -> Option<Cow<'_, Value>> {
        (name == "cursor").then_some(Cow::Borrowed(self.0))
    }

    fn now(&self) -> f64 {
        self.1
    }
}

// === impl Page ===

impl Page {
    /// Reads an answer.
    pub(super) fn read(asked: &Asked<'_>, answer: &Value) -> Result<Self, Trouble> {
        let poll = asked.poll;
        let listed = asked.list(answer)?;
        let items: &[Value] = match listed.as_ref() {
            Value::Array(items) if items.len() > poll.max_items => {
                let detail = format!(
                    "the answer has {} items, more than the {} of `maxItems`",
                    items.len(),
                    poll.max_items
                );
                return Err(Trouble {
                    detail,
                    hint: "ask for smaller pages with the call's arguments and use `more`, or raise `maxItems`",
                });
            }
            Value::Array(items) => items,
            other => {
                let place = if poll.items.is_some() { "`items` gives" } else { "the answer is" };
                return Err(Trouble {
                    detail: format!("{place} {}, not a list", kind(other)),
                    hint: "`items` must give a list: say where it is in the answer, e.g. `items: ${ .results }`",
                });
            }
        };
        let mut seen = HashMap::new();
        let items = items.iter().enumerate().map(|(index, item)| asked.item(index, item, &mut seen));
        let items = all_of(items)?;
        let (cursor, went_back) = asked.next_cursor(answer)?;
        let has_more = match &poll.more {
            None => false,
            Some(more) => {
                let more = more.evaluate(answer, &asked.scope(), &ANSWER_LIMITS);
                let more = more.map_err(|error| failed("more", &error))?;
                !matches!(more, Value::Null | Value::Bool(false))
            }
        };
        Ok(Self { items, cursor, went_back, has_more })
    }
}

/// The items, as long as they are not too much for memory.
fn all_of(items: impl Iterator<Item = Result<Item, Trouble>>) -> Result<Vec<Item>, Trouble> {
    let (mut all, mut size) = (Vec::new(), 0);
    for item in items {
        let item = item?;
        size += item.size;
        if size > PAGE_BYTES {
            return Err(Trouble {
                detail: format!("the events of one answer have more than {} MiB", PAGE_BYTES >> 20),
                hint: "ask for smaller pages with the call's arguments and use `more`, or emit less of each item",
            });
        }
        all.push(item);
    }
    Ok(all)
}

// === impl Asked ===

impl Asked<'_> {
    fn scope(&self) -> CursorScope<'_> {
        CursorScope(self.cursor, self.now)
    }

    fn list<'v>(&self, answer: &'v Value) -> Result<Cow<'v, Value>, Trouble> {
        let Some(items) = &self.poll.items else { return Ok(Cow::Borrowed(answer)) };
        let items = items.evaluate(answer, &self.scope(), &ANSWER_LIMITS);
        items.map(Cow::Owned).map_err(|error| failed("items", &error))
    }

    /// The next cursor, and the answer's own where that is behind.
    fn next_cursor(&self, answer: &Value) -> Result<(Value, Option<Value>), Trouble> {
        let old = || self.cursor.clone();
        let Some(cursor) = &self.poll.cursor else { return Ok((old(), None)) };
        let cursor = cursor.evaluate(answer, &self.scope(), &ANSWER_LIMITS);
        let cursor = cursor.map_err(|error| failed("cursor", &error))?;
        check_size(&cursor).map_err(|error| Trouble {
            detail: error.to_string(),
            hint: "a cursor says where to go on, e.g. a moment, a number or a token",
        })?;
        if cursor.is_null() {
            return Ok((old(), None));
        }
        let is_back = self.poll.cursor_order == CursorOrder::Ascending
            && compare(&cursor, self.cursor) == Ordering::Less;
        Ok(if is_back { (old(), Some(cursor)) } else { (cursor, None) })
    }

    fn item(&self, index: usize, item: &Value, seen: &mut HashMap<String, u32>) -> Result<Item, Trouble> {
        let emits = &self.poll.emits;
        let text = |member: &str, template: Option<&Template>| match template {
            None => Ok(None),
            Some(template) => self.text((index, member), template, item),
        };
        let r#type = text("type", Some(&emits.r#type))?;
        let r#type =
            r#type.ok_or_else(|| unusable(&format!("`emits.type` of item {index} (from 0) is null")))?;
        let data = match &emits.data {
            None => item.clone(),
            Some(data) => self.evaluate((index, "data"), data, item)?,
        };
        let size = data.to_string().len();
        let source = text("source", emits.source.as_ref())?;
        let event = Event {
            source: source.unwrap_or_else(|| format!("/triggers/{}", self.name)),
            r#type,
            subject: text("subject", emits.subject.as_ref())?,
            time: text("time", emits.time.as_ref())?,
            datacontenttype: Some("application/json".to_owned()),
            data: Data::Value(data),
            ..Event::default()
        };
        let checked = event.check();
        checked.map_err(|error| unusable(&format!("item {index} (from 0) makes no event: {error}")))?;
        let key = self.key(index, item, seen)?;
        let size = size + texts(&event) + key.text().len();
        Ok(Item { event, key, size })
    }

    /// Null is no text at all; numbers and booleans become text, as with webhooks.
    fn text(
        &self,
        (index, member): (usize, &str),
        template: &Template,
        item: &Value,
    ) -> Result<Option<String>, Trouble> {
        match self.evaluate((index, member), template, item)? {
            Value::Null => Ok(None),
            Value::String(text) if !text.is_empty() => Ok(Some(text)),
            value @ (Value::Number(_) | Value::Bool(_)) => Ok(Some(value.to_string())),
            other => {
                let kind = kind(&other);
                Err(unusable(&format!("`emits.{member}` of item {index} (from 0) is {kind}, not text")))
            }
        }
    }

    fn evaluate(
        &self,
        (index, member): (usize, &str),
        template: &Template,
        item: &Value,
    ) -> Result<Value, Trouble> {
        template.evaluate(item, &self.scope(), &ITEM_LIMITS).map_err(|error| {
            let reason = quoted(&error);
            unusable(&format!("`emits.{member}` of item {index} (from 0) cannot be computed: {reason}"))
        })
    }

    fn key(&self, index: usize, item: &Value, seen: &mut HashMap<String, u32>) -> Result<Key, Trouble> {
        if let Some(expression) = &self.poll.dedup_key {
            let key = self.own_key(expression, item).map_err(|error| {
                unusable(&format!("`dedupKey` of item {index} (from 0) cannot be computed: {error}"))
            })?;
            if let Some(key) = key {
                return Ok(Key::Own(key));
            }
        }
        let mut sorted = item.clone();
        sorted.sort_all_objects();
        let content = bounded_key(Cow::Owned(sorted.to_string())).into_owned();
        let number = seen.entry(content.clone()).and_modify(|number| *number += 1).or_insert(0);
        let key = format!("{}/{number}/{content}", self.polls);
        Ok(Key::Content(bounded_key(Cow::Owned(key)).into_owned()))
    }

    fn own_key(&self, expression: &Expr, item: &Value) -> Result<Option<String>, String> {
        let value = expression.evaluate(item, &self.scope(), &ITEM_LIMITS);
        value.map(key_text).map_err(|error| quoted(&error))
    }
}

/// Bytes of an event without its data.
fn texts(event: &Event) -> usize {
    let optional = [&event.subject, &event.time].into_iter().flatten().map(String::len).sum::<usize>();
    event.source.len() + event.r#type.len() + optional
}

// === impl Key ===

impl Key {
    fn text(&self) -> &str {
        match self {
            Self::Own(text) | Self::Content(text) => text,
        }
    }
}

fn failed(member: &str, error: &EvalError) -> Trouble {
    let detail = format!("`{member}` cannot be computed: {}", quoted(error));
    Trouble { detail, hint: "`.` is the answer of the call, `$cursor` what it was asked with" }
}

/// An item is never passed over: the poller stays where it is until somebody mends the trigger or the item.
fn unusable(detail: &str) -> Trouble {
    Trouble {
        detail: detail.to_owned(),
        hint: "mend the trigger, or leave such items out in `items`, e.g. `${ [.results[] | select(.id)] }`",
    }
}

fn quoted(error: &EvalError) -> String {
    let mut text = error.to_string();
    text.truncate(text.floor_char_boundary(QUOTED_BYTES));
    text
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
