//! Which parts of a request a trigger's expressions read, so that the others are never built.
//!
//! Only plain paths are understood (`.body.id`, `.headers["x-delivery"]`); anything else may read everything.

use serde_json::Value;
use tenon_expr::runtime_expression;

/// A set of the members of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs(u8);

/// The members, in the order in which expressions see them.
const MEMBERS: [(&str, Needs); 7] = [
    ("method", Needs::METHOD),
    ("path", Needs::PATH),
    ("params", Needs::PARAMS),
    ("query", Needs::QUERY),
    ("headers", Needs::HEADERS),
    ("body", Needs::BODY),
    ("raw", Needs::RAW),
];

// === impl Needs ===

impl Needs {
    /// `.method`.
    pub const METHOD: Self = Self(1);
    /// `.path`.
    pub const PATH: Self = Self(2);
    /// `.query`.
    pub const QUERY: Self = Self(4);
    /// `.headers`.
    pub const HEADERS: Self = Self(8);
    /// `.body`.
    pub const BODY: Self = Self(16);
    /// `.raw`.
    pub const RAW: Self = Self(32);
    /// `.params`.
    pub const PARAMS: Self = Self(64);
    const ALL: Self = Self(127);

    /// Whether all of `other` is in it.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether nothing is read.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What an expression reads, and what was read before.
    pub(super) fn with_expression(self, source: &str) -> Self {
        let read = match members(source) {
            Some((name, _)) => MEMBERS.iter().find(|(member, _)| *member == name).map(|(_, needs)| *needs),
            None => Some(Self::ALL),
        };
        // A plain path to a member that does not exist is null and reads nothing.
        Self(self.0 | read.unwrap_or_default().0)
    }

    /// What all expressions in a value read.
    pub(super) fn with_template(self, value: &Value) -> Self {
        match value {
            Value::String(text) => match runtime_expression(text) {
                Some(source) => self.with_expression(source),
                None => self,
            },
            Value::Array(items) => items.iter().fold(self, Self::with_template),
            Value::Object(members) => members.values().fold(self, Self::with_template),
            _ => self,
        }
    }
}

/// The first two members of a plain path; `None` if the source is anything but a plain path.
pub(super) fn members(source: &str) -> Option<(&str, Option<&str>)> {
    let rest = source.trim().strip_prefix('.')?;
    let (first, mut rest) = identifier(rest)?;
    let mut second = None;
    while !rest.is_empty() {
        let (name, behind) = match rest.strip_prefix('.') {
            Some(after) => identifier(after)?,
            None => bracket(rest)?,
        };
        second = second.or(Some(name));
        rest = behind;
    }
    Some((first, second))
}

fn identifier(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts_well.then_some((name, rest))
}

/// `["name"]` or `[0]`: what is inside, and what is behind.
fn bracket(text: &str) -> Option<(&str, &str)> {
    let (inside, rest) = text.strip_prefix('[')?.split_once(']')?;
    if !inside.is_empty() && inside.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some((inside, rest));
    }
    let name = inside.strip_prefix('"')?.strip_suffix('"')?;
    (!name.contains(['"', '\\'])).then_some((name, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, expected: Needs) {
        assert_eq!(Needs::default().with_expression(source), expected, "{source}");
    }

    #[test]
    fn plain_paths_need_their_first_member_only() {
        check(".body.id", Needs::BODY);
        check(" .headers[\"x-delivery\"] ", Needs::HEADERS);
        check(".query.tags[0]", Needs::QUERY);
        check(".raw", Needs::RAW);
        check(".nothing.headers", Needs::default());
    }

    #[test]
    fn everything_else_needs_everything() {
        for source in
            [".", "keys", "{body}", ".body | .id", ".body.id // .raw", "..", ".[\"body\"]", ".body[]"]
        {
            check(source, Needs::ALL);
        }
        check(".headers[.body.name]", Needs::ALL);
        check(".headers[\"a\\(.raw)\"]", Needs::ALL);
    }

    #[test]
    fn templates_add_up() {
        let value = serde_json::json!({"a": "${ .body.id }", "b": ["${ .method }", "literal .raw"], "c": 1});
        assert_eq!(Needs::default().with_template(&value), Needs(Needs::BODY.0 | Needs::METHOD.0));
    }
}
