//! What is known about a value without running anything: its possible types, its members, the value itself.

use std::rc::Rc;

use serde_json::Value;

/// Most members that are remembered of an object; one with more is taken for one that may have any.
const MAX_MEMBERS: usize = 200;
/// Longest text of a value that is remembered.
const MAX_TEXT: usize = 1_000;

/// A set of types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kinds(u8);

/// What is known about a value.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) kinds: Kinds,
    /// If it is an object, it has these members and no others.
    pub(super) members: Option<Rc<Vec<(String, Known)>>>,
    /// Exactly this one.
    pub(super) value: Option<Value>,
}

/// In the order of the bits.
const NAMES: [&str; 7] = ["null", "false", "true", "a number", "text", "a list", "an object"];

// === impl Kinds ===

impl Kinds {
    pub(super) const NONE: Self = Self(0);
    pub(super) const NULL: Self = Self(1);
    pub(super) const FALSE: Self = Self(2);
    pub(super) const TRUE: Self = Self(4);
    pub(super) const BOOL: Self = Self(6);
    pub(super) const NUMBER: Self = Self(8);
    pub(super) const TEXT: Self = Self(16);
    pub(super) const LIST: Self = Self(32);
    pub(super) const OBJECT: Self = Self(64);
    pub(super) const ANY: Self = Self(127);

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(super) fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// Whether it has no type but these, and any at all.
    pub(super) fn is_only(self, others: Self) -> bool {
        !self.is_none() && self.without(others).is_none()
    }

    /// Whether something of it is among these.
    pub(super) fn has(self, others: Self) -> bool {
        !self.and(others).is_none()
    }

    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::NULL,
            Value::Bool(false) => Self::FALSE,
            Value::Bool(true) => Self::TRUE,
            Value::Number(_) => Self::NUMBER,
            Value::String(_) => Self::TEXT,
            Value::Array(_) => Self::LIST,
            Value::Object(_) => Self::OBJECT,
        }
    }
}

impl std::fmt::Display for Kinds {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.and(Self::BOOL) == Self::BOOL {
            let rest = self.without(Self::BOOL);
            return if rest.is_none() {
                formatter.write_str("a boolean")
            } else {
                write!(formatter, "{rest} or a boolean")
            };
        }
        let names: Vec<&str> = NAMES
            .iter()
            .enumerate()
            .filter(|(bit, _)| self.0 & (1 << bit) != 0)
            .map(|(_, name)| *name)
            .collect();
        formatter.write_str(&names.join(" or "))
    }
}

// === impl Known ===

impl Known {
    pub(super) fn any() -> Self {
        Self::only(Kinds::ANY)
    }

    /// What gives no value at all.
    pub(super) fn nothing() -> Self {
        Self::only(Kinds::NONE)
    }

    pub(super) fn only(kinds: Kinds) -> Self {
        Self { kinds, members: None, value: None }
    }

    pub(super) fn value(value: &Value) -> Self {
        let members = match value {
            Value::Object(members) if members.len() <= MAX_MEMBERS => {
                let members = members.iter().map(|(name, value)| (name.clone(), Self::value(value)));
                Some(Rc::new(members.collect()))
            }
            _ => None,
        };
        let is_small = match value {
            Value::String(text) => text.len() <= MAX_TEXT,
            Value::Array(_) | Value::Object(_) => false,
            _ => true,
        };
        Self { kinds: Kinds::of(value), members, value: is_small.then(|| value.clone()) }
    }

    /// An object with these members and no others; of several with one name the last counts.
    pub(super) fn object(members: Vec<(String, Self)>) -> Self {
        let members = (members.len() <= MAX_MEMBERS).then(|| Rc::new(members));
        Self { kinds: Kinds::OBJECT, members, value: None }
    }

    /// The member of this name, if this is an object whose members are known.
    pub(super) fn member(&self, name: &str) -> Option<&Self> {
        self.members.as_ref()?.iter().rev().find(|(member, _)| member == name).map(|(_, known)| known)
    }

    pub(super) fn without(mut self, kinds: Kinds) -> Self {
        self.kinds = self.kinds.without(kinds);
        self
    }

    /// One or the other.
    pub(super) fn join(self, other: Self) -> Self {
        if self.kinds.is_none() {
            return other;
        }
        if other.kinds.is_none() {
            return self;
        }
        let members = match (self.kinds.has(Kinds::OBJECT), other.kinds.has(Kinds::OBJECT)) {
            (true, false) => self.members,
            (false, true) => other.members,
            (true, true) => joined(self.members, other.members),
            (false, false) => None,
        };
        let value = self.value.filter(|value| Some(value) == other.value.as_ref());
        Self { kinds: self.kinds.or(other.kinds), members, value }
    }

    /// The members of both, those of the second over those of the first.
    pub(super) fn merged(&self, other: &Self) -> Self {
        let (Some(own), Some(others)) = (&self.members, &other.members) else {
            return Self::only(Kinds::OBJECT);
        };
        Self::object(own.iter().chain(others.iter()).cloned().collect())
    }

    /// `Some` if it is known whether a condition of this value holds: jq takes all but `null` and `false` for true.
    pub(super) fn truth(&self) -> Option<bool> {
        if self.kinds.is_none() {
            return None;
        }
        let falsy = Kinds::NULL.or(Kinds::FALSE);
        match (self.kinds.has(falsy), self.kinds.is_only(falsy)) {
            (false, _) => Some(true),
            (true, true) => Some(false),
            (true, false) => None,
        }
    }
}

type Members = Option<Rc<Vec<(String, Known)>>>;

fn joined(one: Members, other: Members) -> Members {
    let (one, other) = (one?, other?);
    let mut members: Vec<(String, Known)> = Vec::new();
    let find = |members: &[(String, Known)], name: &str| {
        let found = members.iter().rev().find(|(member, _)| member == name);
        found.map_or_else(|| Known::only(Kinds::NULL), |(_, known)| known.clone())
    };
    for (name, _) in one.iter().chain(other.iter()) {
        if !members.iter().any(|(known, _)| known == name) {
            members.push((name.clone(), find(&one, name).join(find(&other, name))));
        }
    }
    (members.len() <= MAX_MEMBERS).then(|| Rc::new(members))
}
