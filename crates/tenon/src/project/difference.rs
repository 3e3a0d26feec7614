//! What differs between two documents, member by member, each with its JSON Pointer. Pure.

use serde_json::{Map, Value};

/// One difference.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Difference {
    pub(crate) operation: Operation,
    /// JSON Pointer; of what was removed, in the old document, else in the new one.
    pub(crate) pointer: String,
    /// `None` where it was added.
    pub(crate) from: Option<Value>,
    /// `None` where it was removed.
    pub(crate) to: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Added,
    Removed,
    Changed,
}

impl Operation {
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Added => "+",
            Self::Removed => "-",
            Self::Changed => "~",
        }
    }
}

/// From `old` to `new`, in the order of the documents. The order of an object's members does not count.
pub(crate) fn between(old: &Value, new: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare("", old, new, &mut found);
    found
}

fn compare(pointer: &str, old: &Value, new: &Value, found: &mut Vec<Difference>) {
    match (old, new) {
        _ if old == new => {}
        (Value::Object(old), Value::Object(new)) => objects(pointer, old, new, found),
        (Value::Array(old), Value::Array(new)) => arrays(pointer, old, new, found),
        _ => found.push(Difference {
            operation: Operation::Changed,
            pointer: pointer.to_owned(),
            from: Some(old.clone()),
            to: Some(new.clone()),
        }),
    }
}

fn objects(pointer: &str, old: &Map<String, Value>, new: &Map<String, Value>, found: &mut Vec<Difference>) {
    for (name, value) in old {
        let place = member(pointer, name);
        match new.get(name) {
            Some(other) => compare(&place, value, other, found),
            None => found.push(removed(place, value)),
        }
    }
    for (name, value) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
        found.push(added(member(pointer, name), value));
    }
}

/// Items that are the same at both ends are left out, so that one inserted task is one difference. In between, items
/// with the same single name (tasks) are the same item; without names, position counts.
fn arrays(pointer: &str, old: &[Value], new: &[Value], found: &mut Vec<Difference>) {
    let head = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(old, new)| old == new).count();
    let old_rest = &old_rest[..old_rest.len() - tail];
    let new_rest = &new_rest[..new_rest.len() - tail];
    let place = |index: usize| format!("{pointer}/{}", head + index);
    if old_rest.iter().chain(new_rest).any(|item| name(item).is_none()) {
        for index in 0..old_rest.len().max(new_rest.len()) {
            match (old_rest.get(index), new_rest.get(index)) {
                (Some(old), Some(new)) => compare(&place(index), old, new, found),
                (Some(old), None) => found.push(removed(place(index), old)),
                (None, Some(new)) => found.push(added(place(index), new)),
                (None, None) => {}
            }
        }
        return;
    }
    let position = |items: &[Value], item: &Value| items.iter().position(|other| name(other) == name(item));
    for (index, item) in old_rest.iter().enumerate().filter(|(_, item)| position(new_rest, item).is_none()) {
        found.push(removed(place(index), item));
    }
    // Where a moved item came from is told by its old place; a later item that follows an unmoved one did not move.
    let mut last = None;
    for (index, item) in new_rest.iter().enumerate() {
        match position(old_rest, item) {
            None => found.push(added(place(index), item)),
            Some(before) if last.is_some_and(|last| before < last) => {
                found.push(removed(place(before), &old_rest[before]));
                found.push(added(place(index), item));
            }
            Some(before) => {
                last = Some(before);
                compare(&place(index), &old_rest[before], item, found);
            }
        }
    }
}

/// The name of `{name: …}`, as tasks are written.
fn name(item: &Value) -> Option<&str> {
    let members = item.as_object().filter(|members| members.len() == 1)?;
    members.keys().next().map(String::as_str)
}

fn member(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn added(pointer: String, value: &Value) -> Difference {
    Difference { operation: Operation::Added, pointer, from: None, to: Some(value.clone()) }
}

fn removed(pointer: String, value: &Value) -> Difference {
    Difference { operation: Operation::Removed, pointer, from: Some(value.clone()), to: None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(old: Value, new: Value, expected: &[&str]) {
        let found = between(&old, &new);
        let lines: Vec<String> =
            found.iter().map(|found| format!("{} {}", found.operation.sign(), found.pointer)).collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn the_same_has_no_difference_whatever_the_order() {
        check(json!({ "a": 1, "b": [1, 2] }), json!({ "b": [1, 2], "a": 1 }), &[]);
    }

    #[test]
    fn members_are_named_by_pointer() {
        check(
            json!({ "a": { "x": 1, "gone": 2 }, "m/n": 1 }),
            json!({ "a": { "x": 2, "new": 3 }, "m/n": 2 }),
            &["~ /a/x", "- /a/gone", "+ /a/new", "~ /m~1n"],
        );
    }

    #[test]
    fn an_inserted_task_is_one_difference() {
        let task = |name: &str| json!({ name: { "set": {} } });
        check(json!([task("a"), task("c")]), json!([task("a"), task("b"), task("c")]), &["+ /1"]);
        check(json!([task("a"), task("b")]), json!([task("b")]), &["- /0"]);
    }

    #[test]
    fn a_task_keeps_its_identity_by_name() {
        let task = |name: &str, value: u8| json!({ name: { "set": value } });
        check(
            json!([task("a", 1), task("b", 1), task("c", 1)]),
            json!([task("new", 0), task("a", 1), task("b", 2), task("c", 3)]),
            &["+ /0", "~ /2/b/set", "~ /3/c/set"],
        );
    }

    #[test]
    fn a_moved_task_is_removed_and_added() {
        let task = |name: &str| json!({ name: 1 });
        check(json!([task("a"), task("b")]), json!([task("b"), task("a")]), &["- /0", "+ /1"]);
    }

    #[test]
    fn lists_without_names_are_compared_by_position() {
        check(json!(["GET", "PUT"]), json!(["GET", "POST", "PUT"]), &["+ /1"]);
        check(json!([1, 2, 3]), json!([1, 9]), &["~ /1", "- /2"]);
    }
}
