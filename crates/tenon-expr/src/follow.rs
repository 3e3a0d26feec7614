//! Following paths: `.a[0][]`, slices, and `..`.

#![expect(
    clippy::too_many_arguments,
    reason = "an evaluator's state is its arguments: term, environment, place, callback"
)]

use crate::Value;
use crate::cursor::{Cursor, Tracked};
use crate::eval::{Env, Machine, Out, Run, Stop};
use crate::ops::{self, Fault};
use crate::term::{Kind, Optional, Part, Term};
use crate::value::{Text, Type, Val};
use indexmap::IndexMap;

impl<'v> Machine<'v> {
    pub(crate) fn path_many<C: Cursor<'v>>(
        &self,
        head: &'v Term,
        parts: &'v [(Part, Optional)],
        env: &Env<'_, 'v>,
        at: C,
        out: Out<'_, 'v, C>,
    ) -> Run<'v> {
        let root = at.value().clone();
        if let Kind::Identity = head.kind {
            return self.parts(parts, env, &root, at, out);
        }
        self.many(head, env, at, &mut |value| self.parts(parts, env, &root, value, out))
    }

    /// Follows the parts of a path; indexes are evaluated against `root`.
    pub(crate) fn parts<C: Cursor<'v>>(
        &self,
        parts: &'v [(Part, Optional)],
        env: &Env<'_, 'v>,
        root: &Val<'v>,
        at: C,
        out: Out<'_, 'v, C>,
    ) -> Run<'v> {
        let Some(((part, optional), rest)) = parts.split_first() else {
            return out(at);
        };
        let mut go_on = |next: C| self.parts(rest, env, root, next, out);
        match part {
            Part::Each => match at.value().kind() {
                Type::Array | Type::Object => self.each(&at, &mut go_on),
                _ if *optional == Optional::Yes => Ok(()),
                kind => {
                    let message = format!("cannot iterate over {}", kind.described());
                    Err(Stop::Raised(Val::text(&message, self.budget())?))
                }
            },
            Part::Index(index) => self.many(index, env, root.clone(), &mut |index| {
                let found = ops::index(at.value(), &index, self.budget());
                self.step_to(&at, found, *optional, index, &mut go_on)
            }),
            Part::Slice(from, to) => self.bound(from.as_ref(), env, root, &mut |from| {
                self.bound(to.as_ref(), env, root, &mut |to| {
                    let found = ops::slice(at.value(), from.as_ref(), to.as_ref(), self.budget());
                    let key =
                        if C::TRACKED { self.slice_key(from.as_ref(), to.as_ref())? } else { Val::Null };
                    self.step_to(&at, found, *optional, key, &mut go_on)
                })
            }),
        }
    }

    pub(crate) fn step_to<C: Cursor<'v>>(
        &self,
        at: &C,
        found: ops::Outcome<'v>,
        optional: Optional,
        key: Val<'v>,
        out: Out<'_, 'v, C>,
    ) -> Run<'v> {
        match found {
            Ok(value) => out(at.child(value, || key, self.budget())?),
            Err(Fault::Raised(_)) if optional == Optional::Yes => Ok(()),
            Err(fault) => Err(fault.into()),
        }
    }

    pub(crate) fn bound(
        &self,
        term: Option<&'v Term>,
        env: &Env<'_, 'v>,
        root: &Val<'v>,
        out: &mut dyn FnMut(Option<Val<'v>>) -> Run<'v>,
    ) -> Run<'v> {
        match term {
            Some(term) => self.many(term, env, root.clone(), &mut |value| out(Some(value))),
            None => out(None),
        }
    }

    /// `{"start": from, "end": to}`, as paths have it for slices.
    pub(crate) fn slice_key(&self, from: Option<&Val<'v>>, to: Option<&Val<'v>>) -> Run<'v, Val<'v>> {
        let budget = self.budget();
        budget.allocate_object(2)?;
        let mut key = IndexMap::new();
        for (name, value) in [("start", from), ("end", to)] {
            let Val::Str(name) = Val::text(name, budget)? else {
                continue;
            };
            key.insert(name, value.cloned().unwrap_or(Val::Null));
        }
        Ok(Val::object(key)?)
    }

    /// Calls `out` for each element or member's value; nothing for what has none.
    pub(crate) fn each<C: Cursor<'v>>(&self, at: &C, out: Out<'_, 'v, C>) -> Run<'v> {
        let budget = self.budget();
        if let Val::Json(Value::Object(members)) = at.value() {
            for (key, value) in members {
                budget.step()?;
                let key = || Val::Str(Text::Ref(key));
                out(at.child(Val::from(value), key, budget)?)?;
            }
            return Ok(());
        }
        if let Val::Object(object) = at.value() {
            for (key, value) in object.members() {
                budget.step()?;
                let key = || Val::Str(key.clone());
                out(at.child(value.clone(), key, budget)?)?;
            }
            return Ok(());
        }
        for index in 0..at.value().len() {
            budget.step()?;
            let Some(value) = at.value().at(index) else {
                break;
            };
            out(at.child(value, || Val::index(index), budget)?)?;
        }
        Ok(())
    }

    /// `..`
    pub(crate) fn recurse_default<C: Cursor<'v>>(&self, at: C, out: Out<'_, 'v, C>) -> Run<'v> {
        self.budget().enter()?;
        let result =
            out(at.clone()).and_then(|()| self.each(&at, &mut |child| self.recurse_default(child, out)));
        self.budget().leave();
        result
    }

    /// All paths that `term` gives, with what is there.
    pub(crate) fn tracked(
        &self,
        term: &'v Term,
        env: &Env<'_, 'v>,
        at: Val<'v>,
        out: Out<'_, 'v, Tracked<'v>>,
    ) -> Run<'v> {
        self.many(term, env, Tracked::root(at), out)
    }
}
