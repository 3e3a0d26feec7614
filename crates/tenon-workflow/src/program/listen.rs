//! `listen`: which events, until when, and what is done with each.

use tenon_expr::{Expr, Template, Value};

use super::{BlockId, EventFilter, Export, Output, ReadAs};

/// `listen`. Its raw output is the array of the events it consumed, each read as `read` says and, with `foreach`,
/// as the iteration made it.
#[derive(Debug)]
pub struct Listen {
    /// Which events.
    pub to: Strategy,
    /// When to stop; only with [`Strategy::Any`]. Without it the first event ends it.
    pub until: Option<Until>,
    /// How events are read.
    pub read: ReadAs,
    /// What is done with each event, one after the other.
    pub foreach: Option<Foreach>,
}

/// Which events end a wait.
#[derive(Debug)]
pub enum Strategy {
    /// One event for each of these; an event serves the first filter that still has none.
    All(Vec<ListenFilter>),
    /// An event that passes any of these; of none: every event.
    Any(Vec<ListenFilter>),
    /// An event that passes this.
    One(ListenFilter),
}

/// When an `any` stops.
#[derive(Debug)]
pub enum Until {
    /// Checked after each event (and its iteration); `.` is the array of what was consumed so far.
    Condition(Expr),
    /// When these were consumed, which are no part of the output.
    Consumed(Strategy),
}

/// A filter with its correlations.
#[derive(Debug)]
pub struct ListenFilter {
    /// What the event must be. Computed parts are evaluated when the event is looked at.
    pub filter: EventFilter,
    /// What it must have in common with the others.
    pub correlate: Vec<Correlation>,
}

/// One key of `correlate`. All filters of a `listen` share keys by name.
#[derive(Debug)]
pub struct Correlation {
    /// Its name.
    pub name: String,
    /// Takes the value from the event's envelope; `null` or an error does not match.
    pub from: Expr,
    /// Gives the wanted value, `.` is the task's input (in `schedule.on`, where there is no task, the envelope);
    /// without it, that of the first event consumed with this key.
    pub expect: Option<Template>,
}

/// `foreach`.
#[derive(Debug)]
pub struct Foreach {
    /// Variable of the event as read, without `$` (default `item`).
    pub item: String,
    /// Variable of the index, without `$` (default `index`).
    pub at: String,
    /// Tasks for each event; `.` at their start is the event as read.
    pub body: Option<BlockId>,
    /// Makes the item's output, from the body's.
    pub output: Output,
    /// Makes the new `$context`, from the item's output.
    pub export: Option<Export>,
}

// === impl Strategy ===

impl Strategy {
    /// Its filters, in declaration order.
    pub fn filters(&self) -> &[ListenFilter] {
        match self {
            Self::All(filters) | Self::Any(filters) => filters,
            Self::One(filter) => std::slice::from_ref(filter),
        }
    }
}

// === impl ReadAs ===

impl ReadAs {
    /// As [`read`](Self::read), of an envelope that stays.
    pub fn copy(self, envelope: &Value) -> Value {
        match self {
            Self::Envelope => envelope.clone(),
            Self::Data | Self::Raw => {
                let data = envelope.get("data").or_else(|| envelope.get("data_base64"));
                data.cloned().unwrap_or(Value::Null)
            }
        }
    }

    /// An event, given by its whole envelope, as it is read.
    pub fn read(self, mut envelope: Value) -> Value {
        let Value::Object(attributes) = &mut envelope else { return Value::Null };
        match self {
            Self::Envelope => envelope,
            Self::Data | Self::Raw => {
                let data = attributes.shift_remove("data").or_else(|| attributes.shift_remove("data_base64"));
                data.unwrap_or(Value::Null)
            }
        }
    }
}
