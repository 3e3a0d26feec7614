//! Functions that run their arguments: generators, early exits, and what needs keys or paths.

#![expect(
    clippy::too_many_arguments,
    reason = "an evaluator's state is its arguments: term, environment, place, callback"
)]

use crate::budget::LIST_ITEM;
use crate::cursor::{Cursor, Tracked};
use crate::eval::{Env, Machine, Out, Run, Stop};
use crate::native::{Native, Run as NativeRun, Special};
use crate::ops;
use crate::order::compare;
use crate::term::Term;
use crate::value::{Type, Val};
use jaq_core::ops::Math;
use std::cmp::Ordering;

impl<'v> Machine<'v> {
    pub(crate) fn native_many<C: Cursor<'v>>(
        &self,
        native: &'static Native,
        args: &'v [Term],
        env: &Env<'_, 'v>,
        at: C,
        out: Out<'_, 'v, C>,
    ) -> Run<'v> {
        let leaf = match native.run {
            NativeRun::Leaf(leaf) => leaf,
            NativeRun::Special(special) => return self.special(special, args, env, at, out),
        };
        let at = at.into_value();
        let mut values = Vec::new();
        self.each_args(args, env, &at, &mut values, &mut |values| {
            out(C::made(leaf(&self.tools, at.clone(), values)?)?)
        })
    }

    /// Calls back with each combination of the arguments' values.
    fn each_args(
        &self,
        args: &'v [Term],
        env: &Env<'_, 'v>,
        at: &Val<'v>,
        values: &mut Vec<Val<'v>>,
        with: &mut dyn FnMut(&[Val<'v>]) -> Run<'v>,
    ) -> Run<'v> {
        let Some((arg, rest)) = args.split_first() else {
            return with(values);
        };
        self.many(arg, env, at.clone(), &mut |value| {
            values.push(value);
            let result = self.each_args(rest, env, at, values, with);
            values.pop();
            result
        })
    }

    #[inline(never)]
    pub(crate) fn special<C: Cursor<'v>>(
        &self,
        special: Special,
        args: &'v [Term],
        env: &Env<'_, 'v>,
        at: C,
        out: Out<'_, 'v, C>,
    ) -> Run<'v> {
        match special {
            Special::Empty => Ok(()),
            Special::Error => Err(Stop::Raised(at.into_value())),
            Special::ErrorOf => {
                self.many(&args[0], env, at.into_value(), &mut |message| Err(Stop::Raised(message)))
            }
            Special::First => {
                let mut first = None;
                self.until_enough(&args[0], env, at, &mut |value| {
                    first = Some(value);
                    Ok(true)
                })?;
                first.map_or(Ok(()), out)
            }
            Special::Last => {
                let mut last = None;
                self.many(&args[0], env, at, &mut |value| {
                    last = Some(value);
                    Ok(())
                })?;
                last.map_or(Ok(()), out)
            }
            Special::Limit => self.many(&args[0], env, at.value().clone(), &mut |count| {
                self.limit(self.count(&count)?, &args[1], env, at.clone(), out)
            }),
            Special::Skip => self.many(&args[0], env, at.value().clone(), &mut |count| {
                let mut left = self.count(&count)?;
                self.many(&args[1], env, at.clone(), &mut |value| {
                    if left > 0 {
                        left -= 1;
                        return Ok(());
                    }
                    out(value)
                })
            }),
            Special::GetPath => {
                self.many(&args[0], env, at.value().clone(), &mut |keys| match keys.items(self.budget())? {
                    Some(keys) => out(self.get_path(keys, at.clone())?),
                    None => self.raise("a path must be an array of keys"),
                })
            }
            Special::Recurse | Special::Repeat => {
                self.walk(&args[0], env, at, &mut |at| out(at).map(|()| true))
            }
            Special::While => self.walk(&args[1], env, at, &mut |at| {
                let go_on = self.truth(&args[0], env, at.value().clone())?;
                if go_on {
                    out(at)?;
                }
                Ok(go_on)
            }),
            Special::Until => self.walk(&args[1], env, at, &mut |at| {
                let done = self.truth(&args[0], env, at.value().clone())?;
                if done {
                    out(at)?;
                }
                Ok(!done)
            }),
            _ => self.special_made(special, args, env, at.into_value(), &mut |value| out(C::made(value)?)),
        }
    }

    /// Those whose results are not part of the input.
    fn special_made(
        &self,
        special: Special,
        args: &'v [Term],
        env: &Env<'_, 'v>,
        at: Val<'v>,
        out: Out<'_, 'v, Val<'v>>,
    ) -> Run<'v> {
        match special {
            Special::Range => self.range(args, env, &at, out),
            Special::Path => {
                self.tracked(&args[0], env, at, &mut |found| out(Val::list(found.keys(self.budget())?)?))
            }
            Special::PathValue => self.tracked(&args[0], env, at, &mut |found: Tracked<'v>| {
                let keys = Val::list(found.keys(self.budget())?)?;
                self.budget().allocate_list(2)?;
                out(Val::list(vec![keys, found.into_value()])?)
            }),
            Special::Del => {
                let paths = self.paths(&args[0], env, at.clone())?;
                out(self.delete_paths(paths, at)?.unwrap_or(Val::Null))
            }
            Special::Add => {
                let mut sum = Val::Null;
                self.many(&args[0], env, at, &mut |value| {
                    let before = std::mem::replace(&mut sum, Val::Null);
                    sum = ops::math(Math::Add, before, value, self.budget())?;
                    Ok(())
                })?;
                out(sum)
            }
            Special::IsEmpty => {
                let mut empty = true;
                self.until_enough(&args[0], env, at, &mut |_| {
                    empty = false;
                    Ok(true)
                })?;
                out(Val::Bool(empty))
            }
            Special::Any => out(Val::Bool(self.quantify(args, env, at, true)?)),
            Special::All => out(Val::Bool(!self.quantify(args, env, at, false)?)),
            Special::SortBy | Special::GroupBy | Special::MinBy | Special::MaxBy => {
                let keyed = self.keyed(&args[0], env, &at)?;
                out(self.by_key(special, keyed)?)
            }
            _ => unreachable!("handled by `special`"),
        }
    }

    pub(crate) fn raise<T>(&self, message: &str) -> Run<'v, T> {
        Err(Stop::Raised(Val::text(message, self.budget())?))
    }

    fn truth(&self, term: &'v Term, env: &Env<'_, 'v>, at: Val<'v>) -> Run<'v, bool> {
        Ok(self.first(term, env, at)?.is_some_and(|v| v.is_truthy()))
    }

    fn count(&self, count: &Val<'v>) -> Run<'v, u64> {
        match ops::position(count) {
            Some(count) => Ok(u64::try_from(count).unwrap_or(0)),
            None => self.raise("a count must be a number"),
        }
    }

    /// Runs `term` until `enough` says so.
    fn until_enough<C: Cursor<'v>>(
        &self,
        term: &'v Term,
        env: &Env<'_, 'v>,
        at: C,
        enough: &mut dyn FnMut(C) -> Run<'v, bool>,
    ) -> Run<'v> {
        let label = self.new_label();
        let result = self.many(term, env, at, &mut |value| {
            if enough(value)? {
                return Err(Stop::Break(label));
            }
            Ok(())
        });
        match result {
            Err(Stop::Break(broken)) if broken == label => Ok(()),
            other => other,
        }
    }

    fn limit<C: Cursor<'v>>(
        &self,
        count: u64,
        term: &'v Term,
        env: &Env<'_, 'v>,
        at: C,
        out: Out<'_, 'v, C>,
    ) -> Run<'v> {
        if count == 0 {
            return Ok(());
        }
        let mut left = count;
        self.until_enough(term, env, at, &mut |value| {
            left -= 1;
            out(value)?;
            Ok(left == 0)
        })
    }

    /// True if a value makes the condition equal `wanted`.
    fn quantify(&self, args: &'v [Term], env: &Env<'_, 'v>, at: Val<'v>, wanted: bool) -> Run<'v, bool> {
        let mut found = false;
        let condition = args.last();
        let mut test = |value: Val<'v>| {
            let truth = match condition {
                Some(condition) => {
                    let mut truth = false;
                    self.many(condition, env, value, &mut |v| {
                        truth |= v.is_truthy() == wanted;
                        Ok(())
                    })?;
                    truth
                }
                None => value.is_truthy() == wanted,
            };
            found |= truth;
            Ok(truth)
        };
        if let [source, _] = args {
            self.until_enough(source, env, at, &mut test)?;
            return Ok(found);
        }
        if !matches!(at.kind(), Type::Array | Type::Object) {
            return self.raise(&format!("cannot iterate over {}", at.kind().described()));
        }
        let label = self.new_label();
        let ended = self.each(&at, &mut |value| {
            if test(value)? {
                return Err(Stop::Break(label));
            }
            Ok(())
        });
        match ended {
            Err(Stop::Break(broken)) if broken == label => Ok(true),
            other => other.map(|()| found),
        }
    }

    /// Visits `at`, then what `next` gives for it, and so on, in depth-first order. `visit` says whether to
    /// go on from there. Its stack is on the heap, so that long chains do not nest.
    fn walk<C: Cursor<'v>>(
        &self,
        next: &'v Term,
        env: &Env<'_, 'v>,
        at: C,
        visit: &mut dyn FnMut(C) -> Run<'v, bool>,
    ) -> Run<'v> {
        let mut stack = vec![at];
        let mut found = Vec::new();
        while let Some(at) = stack.pop() {
            self.budget().step()?;
            if !visit(at.clone())? {
                continue;
            }
            self.many(next, env, at, &mut |value| {
                self.budget().allocate(LIST_ITEM)?;
                found.push(value);
                Ok(())
            })?;
            stack.extend(found.drain(..).rev());
        }
        Ok(())
    }

    fn range(&self, args: &'v [Term], env: &Env<'_, 'v>, at: &Val<'v>, out: Out<'_, 'v, Val<'v>>) -> Run<'v> {
        let mut values = Vec::new();
        self.each_args(args, env, at, &mut values, &mut |values| {
            let (from, to, by) = match values {
                [to] => (Val::Int(0), to, Val::Int(1)),
                [from, to] => (from.clone(), to, Val::Int(1)),
                [from, to, by] => (from.clone(), to, by.clone()),
                _ => unreachable!("`range` takes one to three arguments"),
            };
            if [&from, to, &by].iter().any(|v| v.kind() != Type::Number) {
                return self.raise("`range` needs numbers");
            }
            let goes_on = match compare(&by, &Val::Int(0), self.budget())? {
                Ordering::Greater => Ordering::is_lt,
                Ordering::Less => Ordering::is_gt,
                Ordering::Equal => Ordering::is_ne,
            };
            let mut at = from;
            while goes_on(compare(&at, to, self.budget())?) {
                out(at.clone())?;
                at = ops::math(Math::Add, at, by.clone(), self.budget())?;
            }
            Ok(())
        })
    }

    /// The items of an array, each with the list of values that `key` gives for it.
    fn keyed(&self, key: &'v Term, env: &Env<'_, 'v>, at: &Val<'v>) -> Run<'v, Vec<(Val<'v>, Val<'v>)>> {
        let Some(items) = at.items(self.budget())? else {
            return self.raise(&format!("an array is needed, not {}", at.kind().described()));
        };
        let mut keyed = Vec::with_capacity(items.len());
        for item in items {
            self.budget().allocate(2 * LIST_ITEM)?;
            let mut keys = Vec::with_capacity(1);
            self.collect(key, env, item.clone(), &mut keys)?;
            keyed.push((Val::list(keys)?, item));
        }
        Ok(keyed)
    }

    fn by_key(&self, special: Special, keyed: Vec<(Val<'v>, Val<'v>)>) -> Run<'v, Val<'v>> {
        let budget = self.budget();
        if let Special::MinBy | Special::MaxBy = special {
            let mut best: Option<(Val<'v>, Val<'v>)> = None;
            for (key, item) in keyed {
                let better = match &best {
                    None => true,
                    Some((best, _)) if special == Special::MinBy => compare(&key, best, budget)?.is_lt(),
                    Some((best, _)) => compare(&key, best, budget)?.is_ge(),
                };
                if better {
                    best = Some((key, item));
                }
            }
            return Ok(best.map_or(Val::Null, |(_, item)| item));
        }
        budget.allocate_list(keyed.len() * 4)?;
        let sorted = crate::sort::sort(keyed, |a, b| compare(&a.0, &b.0, budget))?;
        if special == Special::SortBy {
            return Ok(Val::list(sorted.into_iter().map(|(_, item)| item).collect())?);
        }
        let mut groups = Vec::new();
        let mut group = Vec::new();
        let mut last: Option<Val<'v>> = None;
        for (key, item) in sorted {
            let same = match &last {
                Some(last) => compare(last, &key, budget)?.is_eq(),
                None => true,
            };
            budget.allocate(LIST_ITEM)?;
            if !same {
                budget.allocate(2 * LIST_ITEM)?;
                groups.push(Val::list(std::mem::take(&mut group))?);
            }
            group.push(item);
            last = Some(key);
        }
        if !group.is_empty() {
            groups.push(Val::list(group)?);
        }
        Ok(Val::list(groups)?)
    }
}
