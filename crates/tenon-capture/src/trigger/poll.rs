//! `kind: poll`: events that are asked for, again and again, from where the last answer ended.
//!
//! The call is a workflow of one task, compiled by the language's own compiler, so that every rule of calls holds;
//! `$cursor` is the variable of a loop with one round around it.

mod call;

use std::time::Duration;

use serde_json::{Map, Value};
use tenon_expr::{Expr, Template, runtime_expression};
use tenon_workflow::{Program, parse_duration};

use super::RateLimit;
use super::codes::{COMBINATION, DURATION, EXPRESSION, MISSING_FIELD, NOT_ALLOWED, PATH, WRONG_TYPE};
use super::read::Reader;
pub use call::PollCall;

/// The type of a poller's events when its trigger does not choose one.
pub const POLL_TYPE: &str = "io.tenon.poll";
/// Before the path of a webhook: what pollers that it wakes are looked up by. No path looks like it.
pub const WAKE_KEY: &str = "@wake:";

/// A poller does not ask more often.
pub const SHORTEST_EVERY: Duration = Duration::from_secs(1);
/// A poller asks at least so often.
pub const LONGEST_EVERY: Duration = Duration::from_hours(366 * 24);
/// Items of one answer, unless the trigger says another number.
pub const DEFAULT_ITEMS: usize = 10_000;
/// The most that a trigger can say.
pub const MOST_ITEMS: usize = 100_000;
/// How long the key of an item is remembered after it was last seen: a server may be down for some days between the
/// commit of items and that of the cursor.
const DEFAULT_DEDUP: Duration = Duration::from_hours(7 * 24);
const MAX_WOKEN_BY: usize = 20;

const FIELDS: &[&str] = &[
    "kind",
    "every",
    "call",
    "with",
    "use",
    "items",
    "cursor",
    "cursorOrder",
    "more",
    "dedupKey",
    "dedupFor",
    "maxItems",
    "rateLimit",
    "wokenBy",
    "emits",
    "metadata",
];

/// The variable that all expressions of a poller may read.
const CURSOR: &[&str] = &["cursor"];

/// A checked poller.
#[derive(Debug)]
pub struct Poll {
    /// How often it asks.
    pub every: Duration,
    /// What it asks.
    pub call: PollCall,
    /// Gives the list of items; `.` is the answer. Without it the answer is the list.
    pub items: Option<Expr>,
    /// Gives the next cursor; `.` is the answer, `$cursor` the one that was asked with. Null: it stays.
    pub cursor: Option<Expr>,
    /// Whether cursors can be compared.
    pub cursor_order: CursorOrder,
    /// Whether to ask again at once; `.` is the answer.
    pub more: Option<Expr>,
    /// Gives an item's key; `.` is the item.
    pub dedup_key: Option<Expr>,
    /// How long a key is remembered after it was last seen.
    pub dedup_for: Duration,
    /// The most items of one answer.
    pub max_items: usize,
    /// How many calls it may make, in rounds of many answers most of all.
    pub rate_limit: Option<RateLimit>,
    /// Paths of webhooks that wake it.
    pub woken_by: Vec<String>,
    /// The event that an item becomes.
    pub emits: PollEmits,
}

/// How cursors are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CursorOrder {
    /// They go up; the higher one is kept.
    Ascending,
    /// They are opaque; the newer one is kept.
    None,
}

/// The event that an item becomes; `.` is the item.
#[derive(Debug)]
pub struct PollEmits {
    /// Gives `type`, text.
    pub r#type: Template,
    /// Gives `source`, text; default: the trigger's address.
    pub source: Option<Template>,
    /// Gives `subject`; null: none.
    pub subject: Option<Template>,
    /// Gives `time`, an RFC 3339 moment; null or absent: that of capture.
    pub time: Option<Template>,
    /// Gives `data`; default: the item.
    pub data: Option<Template>,
}

// === impl Poll ===

impl Poll {
    /// The program of its call; its input is the cursor.
    pub fn program(&self) -> &std::sync::Arc<Program> {
        &self.call.program
    }

    pub(super) fn keys(&self) -> Vec<String> {
        let wakes = self.woken_by.iter().map(|path| format!("{WAKE_KEY}{path}"));
        std::iter::once(super::POLL_KEY.to_owned()).chain(wakes).collect()
    }
}

// === impl Reader ===

impl Reader {
    pub(super) fn poll(&mut self, mut fields: Map<String, Value>) -> Option<Poll> {
        self.unknown("", &fields, FIELDS);
        let every = self.every(fields.shift_remove("every"));
        let call = self.poll_call(&mut fields);
        let items = self.poll_expression("items", fields.shift_remove("items"));
        let cursor = self.poll_expression("cursor", fields.shift_remove("cursor"));
        let cursor_order = self.cursor_order(fields.shift_remove("cursorOrder"), cursor.is_some());
        let more = self.poll_expression("more", fields.shift_remove("more"));
        if more.is_some() && cursor.is_none() {
            let message = "`more` needs a `cursor`: without one the same page would come again";
            self.find(COMBINATION, "/more", message, Some("add a `cursor`, or remove `more`"));
        }
        let dedup_key = self.poll_expression("dedupKey", fields.shift_remove("dedupKey"));
        let dedup_for = match fields.shift_remove("dedupFor") {
            None => DEFAULT_DEDUP,
            given => self.dedup_for(given, dedup_key.is_some()),
        };
        let max_items = self.max_items(fields.shift_remove("maxItems"));
        let rate_limit = self.rate_limit(fields.shift_remove("rateLimit"));
        let woken_by = self.woken_by(fields.shift_remove("wokenBy"));
        let emits = self.poll_emits(fields.shift_remove("emits"));
        Some(Poll {
            every: every?,
            call: call?,
            items,
            cursor,
            cursor_order,
            more,
            dedup_key,
            dedup_for,
            max_items,
            rate_limit,
            woken_by,
            emits: emits?,
        })
    }

    fn every(&mut self, value: Option<Value>) -> Option<Duration> {
        let Some(value) = value else {
            self.find(MISSING_FIELD, "/every", "`every` is missing", Some("add e.g. `every: PT1M`"));
            return None;
        };
        match parse_duration(&value) {
            Ok(every) if (SHORTEST_EVERY..=LONGEST_EVERY).contains(&every) => return Some(every),
            Ok(_) => {
                let hint = Some("write e.g. `every: PT1M`");
                self.find(DURATION, "/every", "`every` must be between one second and 366 days", hint);
            }
            Err(error) => self.find(DURATION, "/every", &error.to_string(), None),
        }
        None
    }

    /// A member that is an expression over the answer or an item.
    fn poll_expression(&mut self, name: &str, value: Option<Value>) -> Option<Expr> {
        let value = value?;
        let pointer = format!("/{name}");
        let Some(source) = value.as_str().and_then(runtime_expression) else {
            let hint = format!("write e.g. `{name}: ${{ .{name} }}`");
            self.find(WRONG_TYPE, &pointer, &format!("`{name}` must be an expression"), Some(&hint));
            return None;
        };
        match Expr::compile(source, CURSOR) {
            Ok(expression) => Some(expression),
            Err(error) => {
                self.find(EXPRESSION, &pointer, &error.message, error.hint.as_deref());
                None
            }
        }
    }

    fn cursor_order(&mut self, value: Option<Value>, has_cursor: bool) -> CursorOrder {
        let Some(value) = value else { return CursorOrder::Ascending };
        if !has_cursor {
            let message = "`cursorOrder` has no effect without `cursor`";
            self.find(COMBINATION, "/cursorOrder", message, Some("add a `cursor`, or remove `cursorOrder`"));
        }
        let is_known = self.choice("/cursorOrder", &value, &["ascending", "none"], &[]).is_some();
        if is_known && value == "none" { CursorOrder::None } else { CursorOrder::Ascending }
    }

    fn max_items(&mut self, value: Option<Value>) -> usize {
        let Some(value) = value else { return DEFAULT_ITEMS };
        let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
        if let Some(number) = number.filter(|number| (1..=MOST_ITEMS).contains(number)) {
            return number;
        }
        let message = format!("`maxItems` is a whole number from 1 to {MOST_ITEMS}");
        let hint = "ask for smaller pages with the call's own arguments, and use `more`";
        self.find(NOT_ALLOWED, "/maxItems", &message, Some(hint));
        DEFAULT_ITEMS
    }

    fn woken_by(&mut self, value: Option<Value>) -> Vec<String> {
        let items = match value {
            None => return Vec::new(),
            Some(Value::Array(items)) if items.len() <= MAX_WOKEN_BY => items,
            Some(_) => {
                let message = format!("`wokenBy` is a list of at most {MAX_WOKEN_BY} paths of webhooks");
                self.find(WRONG_TYPE, "/wokenBy", &message, Some("write e.g. `[shop/orders]`"));
                return Vec::new();
            }
        };
        let mut paths = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            match item {
                Value::String(path) if is_path(&path) => paths.push(path),
                _ => {
                    let hint = "name the `path` of a webhook trigger, without slashes around it";
                    self.find(PATH, &format!("/wokenBy/{index}"), "not the path of a webhook", Some(hint));
                }
            }
        }
        paths.sort_unstable();
        paths.dedup();
        paths
    }

    fn poll_emits(&mut self, value: Option<Value>) -> Option<PollEmits> {
        let mut fields = match value {
            None => Map::new(),
            Some(Value::Object(fields)) => fields,
            Some(_) => {
                let hint = "write e.g. `emits: { type: com.acme.contact.changed }`";
                self.find(WRONG_TYPE, "/emits", "`emits` is an object", Some(hint));
                return None;
            }
        };
        self.unknown("/emits", &fields, &["type", "source", "subject", "time", "data"]);
        let before = self.findings();
        let r#type = fields.shift_remove("type").unwrap_or_else(|| POLL_TYPE.into());
        let r#type = self.item_text("/emits/type", &r#type);
        let mut text = |name: &str| {
            let value = fields.shift_remove(name)?;
            self.item_text(&format!("/emits/{name}"), &value)
        };
        let (source, subject, time) = (text("source"), text("subject"), text("time"));
        let data = fields.shift_remove("data").and_then(|data| self.item_template("/emits/data", &data));
        if self.findings() > before {
            return None;
        }
        Some(PollEmits { r#type: r#type?, source, subject, time, data })
    }

    fn item_text(&mut self, pointer: &str, value: &Value) -> Option<Template> {
        if value.as_str().is_none_or(str::is_empty) {
            self.find(WRONG_TYPE, pointer, "this must be text that is not empty, or `${ … }`", None);
            return None;
        }
        self.item_template(pointer, value)
    }

    fn item_template(&mut self, pointer: &str, value: &Value) -> Option<Template> {
        match Template::compile(value, CURSOR) {
            Ok(template) => Some(template),
            Err(error) => {
                let pointer = format!("{pointer}{}", error.pointer);
                self.find(EXPRESSION, &pointer, &error.error.message, error.error.hint.as_deref());
                None
            }
        }
    }
}

fn is_path(path: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-._~{}".contains(letter);
    let is_segment = |segment: &str| !segment.is_empty() && segment.chars().all(is_letter);
    path.len() <= 512 && path.split('/').all(is_segment)
}
