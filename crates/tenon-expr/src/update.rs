//! `=`, `|=`, `+=` and the like: changing a value where a path leads.
//!
//! Terms that are plainly paths are updated on the way down, in place where nobody else holds the value. The
//! rest (`first(f)`, `reduce`, …) first gives its paths, which are then updated one by one, as in jq.

#![expect(
    clippy::too_many_arguments,
    reason = "an evaluator's state is its arguments: term, environment, place, callback"
)]

use crate::eval::{Env, Machine, Run, Stop};
use crate::native::{Run as NativeRun, Special};
use crate::ops;
use crate::term::{Kind, Optional, Part, Term};
use crate::value::{List, Object, Type, Val};
use std::rc::Rc;

/// What setting a member of an object costs.
const MEMBER_STEPS: usize = 4;

/// Gives the new value for an old one; `None` deletes it.
type Change<'c, 'v> = &'c mut dyn FnMut(Val<'v>) -> Run<'v, Option<Val<'v>>>;

/// A part of a path whose index is known.
#[derive(Clone)]
enum Step<'v> {
    Index(Val<'v>),
    Slice(Option<Val<'v>>, Option<Val<'v>>),
    Each,
}

type Steps<'v> = [(Step<'v>, Optional)];

impl<'v> Machine<'v> {
    /// Any of the assignment operators.
    #[inline(never)]
    pub(crate) fn assign(
        &self,
        term: &'v Term,
        env: &Env<'_, 'v>,
        at: Val<'v>,
        out: &mut dyn FnMut(Val<'v>) -> Run<'v>,
    ) -> Run<'v> {
        let (path, right) = match &term.kind {
            Kind::Update(pair) => {
                let mut change = |old: Val<'v>| self.first(&pair.1, env, old);
                let new = self.update(&pair.0, env, at, &mut change)?;
                return out(new.unwrap_or(Val::Null));
            }
            Kind::Assign(pair) | Kind::UpdateMath(_, pair) | Kind::UpdateAlternative(pair) => {
                (&pair.0, &pair.1)
            }
            _ => unreachable!("called for assignments only"),
        };
        let mut set = |at: Val<'v>, right: Val<'v>| {
            let new = self.update(path, env, at, &mut |old| match &term.kind {
                Kind::UpdateMath(op, _) => Ok(Some(ops::math(*op, old, right.clone(), self.budget())?)),
                Kind::UpdateAlternative(_) if old.is_truthy() => Ok(Some(old)),
                _ => Ok(Some(right.clone())),
            })?;
            out(new.unwrap_or(Val::Null))
        };
        if right.single {
            let right = self.one(right, env, at.clone())?;
            return set(at, right);
        }
        self.many(right, env, at.clone(), &mut |right| set(at.clone(), right))
    }

    /// The first value of a term, if it gives any.
    pub(crate) fn first(&self, term: &'v Term, env: &Env<'_, 'v>, at: Val<'v>) -> Run<'v, Option<Val<'v>>> {
        if term.single {
            return self.one(term, env, at).map(Some);
        }
        let mut first = None;
        match self.many(term, env, at, &mut |value| {
            first = Some(value);
            Err(Stop::Downstream)
        }) {
            Err(Stop::Downstream) | Ok(()) => Ok(first),
            Err(stop) => Err(stop),
        }
    }

    /// `at` with all places that `path` leads to changed.
    pub(crate) fn update(
        &self,
        path: &'v Term,
        env: &Env<'_, 'v>,
        at: Val<'v>,
        change: Change<'_, 'v>,
    ) -> Run<'v, Option<Val<'v>>> {
        self.budget().enter()?;
        let result = self.update_inner(path, env, at, change);
        self.budget().leave();
        result
    }

    fn update_inner(
        &self,
        path: &'v Term,
        env: &Env<'_, 'v>,
        at: Val<'v>,
        change: Change<'_, 'v>,
    ) -> Run<'v, Option<Val<'v>>> {
        match &path.kind {
            Kind::Identity => change(at),
            Kind::RecurseDefault => self.update_all(at, change),
            Kind::Pipe(pair) => {
                self.update(&pair.0, env, at, &mut |at| self.update(&pair.1, env, at, change))
            }
            Kind::Comma(paths) => {
                let mut value = at;
                for path in paths {
                    match self.update(path, env, value, change)? {
                        Some(new) => value = new,
                        None => return Ok(None),
                    }
                }
                Ok(Some(value))
            }
            Kind::If(parts) => {
                let condition = self.first(&parts.0, env, at.clone())?;
                match condition {
                    Some(value) if value.is_truthy() => self.update(&parts.1, env, at, change),
                    Some(_) => self.update(&parts.2, env, at, change),
                    None => Ok(Some(at)),
                }
            }
            Kind::Alternative(pair) => {
                let mut any = false;
                self.many(&pair.0, env, at.clone(), &mut |value| {
                    any |= value.is_truthy();
                    Ok(())
                })?;
                self.update(if any { &pair.0 } else { &pair.1 }, env, at, change)
            }
            Kind::Closure(up) => match env.up(*up) {
                Env::Closure { body, env, .. } => self.update(body, env, at, change),
                _ => unreachable!("the compiler counted bindings"),
            },
            Kind::Bind(_) | Kind::Call(_) => self.update_bound(path, env, at, change),
            Kind::Path(head, parts) => self.update_path(head, parts, env, at, change),
            Kind::Native(native, _) if matches!(native.run, NativeRun::Special(Special::Empty)) => {
                Ok(Some(at))
            }
            _ => self.update_found(path, env, at, change),
        }
    }

    /// Paths below bindings: one after the other for each binding.
    fn update_bound(
        &self,
        path: &'v Term,
        env: &Env<'_, 'v>,
        at: Val<'v>,
        change: Change<'_, 'v>,
    ) -> Run<'v, Option<Val<'v>>> {
        let mut value = Some(at.clone());
        let mut update = |body: &'v Term, env: &Env<'_, 'v>| {
            if let Some(old) = value.take() {
                value = self.update(body, env, old, change)?;
            }
            Ok(())
        };
        match &path.kind {
            Kind::Bind(parts) => self.many(&parts.0, env, at.clone(), &mut |bound| {
                self.bind(&parts.1, env, (env, &at), bound, &mut |env| update(&parts.2, env))
            })?,
            Kind::Call(call) => {
                let body = &self.definition(call.definition).body;
                self.with_args(call, env, &at, &mut |env| update(body, env))?;
            }
            _ => unreachable!("called for bindings only"),
        }
        Ok(value)
    }

    /// `..`, leaves first.
    fn update_all(&self, at: Val<'v>, change: Change<'_, 'v>) -> Run<'v, Option<Val<'v>>> {
        self.budget().enter()?;
        let below = match at.kind() {
            Type::Array | Type::Object => self.update_each(at, &mut |child| self.update_all(child, change)),
            _ => Ok(at),
        };
        self.budget().leave();
        change(below?)
    }

    fn update_found(
        &self,
        path: &'v Term,
        env: &Env<'_, 'v>,
        at: Val<'v>,
        change: Change<'_, 'v>,
    ) -> Run<'v, Option<Val<'v>>> {
        let paths = self.paths(path, env, at.clone())?;
        let mut value = Some(at);
        let mut deleted = Vec::new();
        for keys in paths {
            let Some(old) = value.take() else {
                return Ok(None);
            };
            let mut delete = false;
            value = self.update_at(&keys, old, &mut |old| {
                let new = change(old)?;
                delete = new.is_none();
                Ok(Some(new.unwrap_or(Val::Null)))
            })?;
            if delete {
                deleted.push(keys);
            }
        }
        match value {
            Some(value) => self.delete_paths(deleted, value),
            None => Ok(None),
        }
    }

    /// All paths that a term gives.
    pub(crate) fn paths(&self, term: &'v Term, env: &Env<'_, 'v>, at: Val<'v>) -> Run<'v, Vec<Vec<Val<'v>>>> {
        let mut paths = Vec::new();
        self.tracked(term, env, at, &mut |found| {
            self.budget().allocate(crate::budget::LIST_ITEM)?;
            paths.push(found.keys(self.budget())?);
            Ok(())
        })?;
        Ok(paths)
    }

    /// Deletes all paths from `at`, later ones first, so that none is moved by another.
    pub(crate) fn delete_paths(&self, paths: Vec<Vec<Val<'v>>>, at: Val<'v>) -> Run<'v, Option<Val<'v>>> {
        let mut keyed = Vec::with_capacity(paths.len());
        for path in paths {
            keyed.push((Val::list(path.clone())?, path));
        }
        let budget = self.budget();
        let sorted = crate::sort::sort(keyed, |a, b| crate::order::compare(&b.0, &a.0, budget))?;
        let mut value = at;
        for (_, path) in sorted {
            match self.update_at(&path, value, &mut |_| Ok(None))? {
                Some(new) => value = new,
                None => return Ok(Some(Val::Null)),
            }
        }
        Ok(Some(value))
    }

    /// Changes what is at `keys`.
    pub(crate) fn update_at(
        &self,
        keys: &[Val<'v>],
        at: Val<'v>,
        change: Change<'_, 'v>,
    ) -> Run<'v, Option<Val<'v>>> {
        let Some((key, rest)) = keys.split_first() else {
            return change(at);
        };
        self.budget().enter()?;
        let result =
            self.update_index(at, key, Optional::No, &mut |child| self.update_at(rest, child, change));
        self.budget().leave();
        result.map(Some)
    }

    /// Indexes are evaluated first, so that while changing nobody else holds the value.
    fn update_path(
        &self,
        head: &'v Term,
        parts: &'v [(Part, Optional)],
        env: &Env<'_, 'v>,
        at: Val<'v>,
        change: Change<'_, 'v>,
    ) -> Run<'v, Option<Val<'v>>> {
        let mut paths = Vec::new();
        self.explode(parts, env, &at, &mut Vec::new(), &mut |path| {
            self.budget().allocate_list(2 * path.len() + 2)?;
            paths.push(path.to_vec());
            Ok(())
        })?;
        self.update(head, env, at, &mut |at| {
            let mut value = at;
            for path in &paths {
                match self.update_steps(path, value, change)? {
                    Some(new) => value = new,
                    None => return Ok(None),
                }
            }
            Ok(Some(value))
        })
    }

    /// Calls back with each combination of the parts' indexes.
    fn explode(
        &self,
        parts: &'v [(Part, Optional)],
        env: &Env<'_, 'v>,
        root: &Val<'v>,
        path: &mut Vec<(Step<'v>, Optional)>,
        with: &mut dyn FnMut(&Steps<'v>) -> Run<'v>,
    ) -> Run<'v> {
        let Some(((part, optional), rest)) = parts.split_first() else {
            return with(path);
        };
        let mut go_on = |step: Step<'v>| {
            path.push((step, *optional));
            let result = self.explode(rest, env, root, path, with);
            path.pop();
            result
        };
        match part {
            Part::Each => go_on(Step::Each),
            Part::Index(index) => self.many(index, env, root.clone(), &mut |index| go_on(Step::Index(index))),
            Part::Slice(from, to) => self.bound(from.as_ref(), env, root, &mut |from| {
                self.bound(to.as_ref(), env, root, &mut |to| go_on(Step::Slice(from.clone(), to)))
            }),
        }
    }

    fn update_steps(
        &self,
        path: &Steps<'v>,
        at: Val<'v>,
        change: Change<'_, 'v>,
    ) -> Run<'v, Option<Val<'v>>> {
        let Some(((step, optional), rest)) = path.split_first() else {
            return change(at);
        };
        let mut below = |child: Val<'v>| self.update_steps(rest, child, change);
        match step {
            Step::Index(index) => self.update_index(at, index, *optional, &mut below).map(Some),
            Step::Slice(from, to) => {
                let bounds = (from.as_ref(), to.as_ref());
                self.update_slice(at, bounds, &mut below).map(Some)
            }
            Step::Each => match at.kind() {
                Type::Array | Type::Object => self.update_each(at, &mut below).map(Some),
                _ if *optional == Optional::Yes => Ok(Some(at)),
                kind => {
                    let message = format!("cannot iterate over {}", kind.described());
                    Err(Stop::Raised(Val::text(&message, self.budget())?))
                }
            },
        }
    }

    fn update_each(&self, at: Val<'v>, change: Change<'_, 'v>) -> Run<'v, Val<'v>> {
        let budget = self.budget();
        if at.kind() == Type::Object {
            budget.allocate_object(at.len())?;
            let mut members = indexmap::IndexMap::with_capacity(at.len());
            let pairs = at.members();
            drop(at);
            for (key, old) in pairs {
                budget.step()?;
                if let Some(new) = change(old)? {
                    members.insert(key, new);
                }
            }
            return Ok(Val::Object(Rc::new(Object::new(members)?)));
        }
        let old = at.into_list(budget)?;
        budget.allocate_list(old.items().len())?;
        let mut items = Vec::with_capacity(old.items().len());
        for item in old.into_items() {
            budget.step()?;
            if let Some(new) = change(item)? {
                items.push(new);
            }
        }
        Ok(Val::List(Rc::new(List::new(items)?)))
    }

    fn update_index(
        &self,
        at: Val<'v>,
        index: &Val<'v>,
        optional: Optional,
        change: Change<'_, 'v>,
    ) -> Run<'v, Val<'v>> {
        match (at.kind(), index) {
            (Type::Object | Type::Null, Val::Str(key)) => {
                let mut object = at.into_object(self.budget())?;
                let old = object.take(key.as_str()).unwrap_or(Val::Null);
                match change(old)? {
                    Some(new) => {
                        self.budget().allocate(crate::budget::OBJECT_MEMBER)?;
                        // Hashing, comparing and now and then growing cost more than a step.
                        self.budget().steps(MEMBER_STEPS)?;
                        object.insert(key.clone(), new)?;
                    }
                    None => object.remove(key.as_str()),
                }
                Ok(Val::Object(Rc::new(object)))
            }
            (Type::Array | Type::Null, index) if index.kind() == Type::Number => {
                self.update_item(at, index, change)
            }
            (Type::Array | Type::Null, index) if index.kind() == Type::Object => {
                let (from, to) = (index.get("start"), index.get("end"));
                self.update_slice(at, (from.as_ref(), to.as_ref()), change)
            }
            _ if optional == Optional::Yes => Ok(at),
            (kind, index) => {
                let message = ops::index_message(kind, index);
                Err(Stop::Raised(Val::text(&message, self.budget())?))
            }
        }
    }

    /// An item of an array, which is padded with `null` up to it.
    fn update_item(&self, at: Val<'v>, index: &Val<'v>, change: Change<'_, 'v>) -> Run<'v, Val<'v>> {
        let budget = self.budget();
        let mut list = at.into_list(budget)?;
        let length = list.items().len();
        let position = ops::position(index).and_then(|i| ops::absolute(i, length));
        let Some(position) = position else {
            let message = "an array has no index before its first item";
            return Err(Stop::Raised(Val::text(message, budget)?));
        };
        let mut old = Val::Null;
        list.change(0, |items| {
            if let Some(item) = items.get_mut(position) {
                old = std::mem::replace(item, Val::Null);
            }
        })?;
        let Some(new) = change(old)? else {
            list.change(0, |items| {
                if position < items.len() {
                    items.remove(position);
                }
            })?;
            budget.steps(length / 8)?;
            return Ok(Val::List(Rc::new(list)));
        };
        if position >= length {
            let added = position - length + 1;
            budget.allocate(added.saturating_mul(crate::budget::LIST_ITEM))?;
        }
        list.change(new.depth(), |items| {
            if position >= items.len() {
                items.resize(position + 1, Val::Null);
            }
            items[position] = new;
        })?;
        Ok(Val::List(Rc::new(list)))
    }

    fn update_slice(
        &self,
        at: Val<'v>,
        (from, to): (Option<&Val<'v>>, Option<&Val<'v>>),
        change: Change<'_, 'v>,
    ) -> Run<'v, Val<'v>> {
        let budget = self.budget();
        if !matches!(at.kind(), Type::Array | Type::Null) {
            let message = format!("cannot update a slice of {}", at.kind().described());
            return Err(Stop::Raised(Val::text(&message, budget)?));
        }
        let list = at.into_list(budget)?;
        let range = ops::slice_range(from, to, list.items().len())?;
        budget.allocate_list(range.len())?;
        let part = Val::list(list.items()[range.clone()].to_vec())?;
        let new = match change(part)? {
            Some(new) => {
                let Some(items) = new.items(budget)? else {
                    let message = "a slice of an array can only be set to an array";
                    return Err(Stop::Raised(Val::text(message, budget)?));
                };
                items
            }
            None => Vec::new(),
        };
        budget.allocate_list(list.items().len() + new.len())?;
        let mut items = list.into_items();
        items.splice(range, new);
        Ok(Val::list(items)?)
    }

    /// `getpath` keeps its place in the input; what is missing is `null`.
    pub(crate) fn get_path<C: crate::cursor::Cursor<'v>>(&self, keys: Vec<Val<'v>>, at: C) -> Run<'v, C> {
        let mut at = at;
        for key in keys {
            let value = ops::index(at.value(), &key, self.budget())?;
            at = at.child(value, || key.clone(), self.budget())?;
        }
        Ok(at)
    }
}
