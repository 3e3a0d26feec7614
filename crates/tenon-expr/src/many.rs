//! Terms that give any number of values: a callback for each.

#![expect(
    clippy::too_many_arguments,
    reason = "an evaluator's state is its arguments: term, environment, place, callback"
)]

use crate::budget::HEADER;
use crate::cursor::Cursor;
use crate::eval::{Env, Machine, Out, Run, Stop, object_key};
use crate::ops;
use crate::term::{Fold, Interpolation, Kind, Piece, Term};
use crate::value::{Text, Val};
use indexmap::IndexMap;

impl<'v> Machine<'v> {
    /// Calls `out` for each value of the term.
    pub(crate) fn many<C: Cursor<'v>>(
        &self,
        term: &'v Term,
        env: &Env<'_, 'v>,
        at: C,
        out: Out<'_, 'v, C>,
    ) -> Run<'v> {
        self.budget().enter()?;
        let result = self.many_inner(term, env, at, out);
        self.budget().leave();
        result
    }

    pub(crate) fn many_inner<C: Cursor<'v>>(
        &self,
        mut term: &'v Term,
        env: &Env<'_, 'v>,
        mut at: C,
        out: Out<'_, 'v, C>,
    ) -> Run<'v> {
        loop {
            if term.single && !C::TRACKED {
                let value = self.one(term, env, at.into_value())?;
                return out(C::made(value)?);
            }
            match &term.kind {
                Kind::Identity => return out(at),
                Kind::Pipe(pair) if pair.0.single && !C::TRACKED => {
                    at = C::made(self.one(&pair.0, env, at.into_value())?)?;
                    term = &pair.1;
                }
                Kind::Pipe(pair) => {
                    return self.many(&pair.0, env, at, &mut |value| self.many(&pair.1, env, value, out));
                }
                Kind::If(parts) if parts.0.single => {
                    let condition = self.one(&parts.0, env, at.value().clone())?;
                    term = if condition.is_truthy() { &parts.1 } else { &parts.2 };
                }
                Kind::Comma(terms) => {
                    for term in terms {
                        self.many(term, env, at.clone(), out)?;
                    }
                    return Ok(());
                }
                Kind::Closure(up) => {
                    let Env::Closure { body, env, .. } = env.up(*up) else {
                        unreachable!("the compiler counted bindings");
                    };
                    return self.many(body, env, at, out);
                }
                Kind::Path(head, parts) => return self.path_many(head, parts, env, at, out),
                Kind::Call(call) => return self.call_many(call, env, at, out),
                Kind::RecurseDefault => return self.recurse_default(at, out),
                Kind::Native(native, args) => return self.native_many(native, args, env, at, out),
                _ => return self.other_many(term, env, at, out),
            }
        }
    }

    #[inline(never)]
    pub(crate) fn other_many<C: Cursor<'v>>(
        &self,
        term: &'v Term,
        env: &Env<'_, 'v>,
        at: C,
        out: Out<'_, 'v, C>,
    ) -> Run<'v> {
        match &term.kind {
            Kind::If(parts) => self.many(&parts.0, env, at.value().clone(), &mut |condition| {
                let branch = if condition.is_truthy() { &parts.1 } else { &parts.2 };
                self.many(branch, env, at.clone(), out)
            }),
            Kind::Bind(parts) => {
                let (source, pattern, body) = &**parts;
                self.many(source, env, at.value().clone(), &mut |value| {
                    self.bind(pattern, env, (env, at.value()), value, &mut |env| {
                        self.many(body, env, at.clone(), out)
                    })
                })
            }
            Kind::Alternative(pair) => {
                let mut any = false;
                self.many(&pair.0, env, at.clone(), &mut |value| {
                    if !value.value().is_truthy() {
                        return Ok(());
                    }
                    any = true;
                    out(value)
                })?;
                if any { Ok(()) } else { self.many(&pair.1, env, at, out) }
            }
            Kind::Try(body, catch) => self.try_many(body, catch.as_deref(), env, at, out),
            Kind::Label(body) => {
                let label = self.new_label();
                match self.many(body, &Env::Label(label, env), at, out) {
                    Err(Stop::Break(broken)) if broken == label => Ok(()),
                    other => other,
                }
            }
            Kind::Break(up) => match env.up(*up) {
                Env::Label(label, _) => Err(Stop::Break(*label)),
                _ => unreachable!("the compiler counted bindings"),
            },
            Kind::Reduce(fold) => self.reduce_many(fold, env, at, out),
            Kind::Foreach(fold) => self.foreach_many(fold, env, at, out),
            _ => self.made_many(term, env, at.into_value(), &mut |value| out(C::made(value)?)),
        }
    }

    /// Kinds that make new values, which have no path.
    pub(crate) fn made_many(
        &self,
        term: &'v Term,
        env: &Env<'_, 'v>,
        at: Val<'v>,
        out: Out<'_, 'v, Val<'v>>,
    ) -> Run<'v> {
        if term.single {
            return out(self.one(term, env, at)?);
        }
        match &term.kind {
            Kind::Object(members) => self.object_many(members, IndexMap::new(), env, &at, out),
            Kind::Interpolate(parts) => {
                self.interpolate_many(parts, &parts.pieces, String::new(), env, (&at, out))
            }
            Kind::Negate(inner) => self.many(inner, env, at, &mut |v| out(self.negate(v)?)),
            Kind::And(pair) => self.many(&pair.0, env, at.clone(), &mut |left| {
                if !left.is_truthy() {
                    return out(Val::Bool(false));
                }
                self.many(&pair.1, env, at.clone(), &mut |v| out(Val::Bool(v.is_truthy())))
            }),
            Kind::Or(pair) => self.many(&pair.0, env, at.clone(), &mut |left| {
                if left.is_truthy() {
                    return out(Val::Bool(true));
                }
                self.many(&pair.1, env, at.clone(), &mut |v| out(Val::Bool(v.is_truthy())))
            }),
            Kind::Math(op, pair) => self.many(&pair.0, env, at.clone(), &mut |left| {
                self.many(&pair.1, env, at.clone(), &mut |right| {
                    out(ops::math(*op, left.clone(), right, self.budget())?)
                })
            }),
            Kind::Compare(op, pair) => self.many(&pair.0, env, at.clone(), &mut |left| {
                self.many(&pair.1, env, at.clone(), &mut |right| out(self.compare(*op, &left, &right)?))
            }),
            _ => self.assign(term, env, at, out),
        }
    }

    pub(crate) fn object_many(
        &self,
        members: &'v [(Term, Term)],
        made: IndexMap<Text<'v>, Val<'v>>,
        env: &Env<'_, 'v>,
        at: &Val<'v>,
        out: Out<'_, 'v, Val<'v>>,
    ) -> Run<'v> {
        let Some(((key, value), rest)) = members.split_first() else {
            return out(Val::object(made)?);
        };
        self.budget().enter()?;
        let result = self.many(key, env, at.clone(), &mut |key| {
            let key = object_key(key)?;
            self.many(value, env, at.clone(), &mut |value| {
                self.budget().allocate_object(made.len() + 1)?;
                let mut made = made.clone();
                made.insert(key.clone(), value);
                self.object_many(rest, made, env, at, out)
            })
        });
        self.budget().leave();
        result
    }

    pub(crate) fn interpolate_many(
        &self,
        parts: &'v Interpolation,
        pieces: &'v [Piece],
        mut text: String,
        env: &Env<'_, 'v>,
        (at, out): (&Val<'v>, Out<'_, 'v, Val<'v>>),
    ) -> Run<'v> {
        let Some((piece, rest)) = pieces.split_first() else {
            return out(Val::string(text));
        };
        let term = match piece {
            Piece::Term(term) => term,
            Piece::Text(literal) => {
                self.append(&mut text, literal)?;
                return self.interpolate_many(parts, rest, text, env, (at, out));
            }
        };
        let mut go_on = |value: Val<'v>| {
            self.budget().allocate(HEADER + text.len())?;
            let mut text = text.clone();
            self.append_value(&mut text, &value)?;
            self.interpolate_many(parts, rest, text, env, (at, &mut *out))
        };
        self.many(term, env, at.clone(), &mut |value| match &parts.format {
            Some(format) => self.many(format, env, value, &mut go_on),
            None => go_on(value),
        })
    }

    pub(crate) fn try_many<C: Cursor<'v>>(
        &self,
        body: &'v Term,
        catch: Option<&'v Term>,
        env: &Env<'_, 'v>,
        at: C,
        out: Out<'_, 'v, C>,
    ) -> Run<'v> {
        // errors of `out` are not the body's: they pass by as `Downstream`
        let mut downstream = None;
        let result = self.many(body, env, at, &mut |value| {
            out(value).map_err(|stop| {
                downstream = Some(stop);
                Stop::Downstream
            })
        });
        match (result, downstream) {
            (Err(_), Some(stop)) => Err(stop),
            (Err(Stop::Raised(error)), None) => match catch {
                Some(catch) => self.many(catch, env, error, &mut |value| out(C::made(value)?)),
                None => Ok(()),
            },
            (other, _) => other,
        }
    }

    pub(crate) fn reduce_many<C: Cursor<'v>>(
        &self,
        fold: &'v Fold,
        env: &Env<'_, 'v>,
        at: C,
        out: Out<'_, 'v, C>,
    ) -> Run<'v> {
        self.many(&fold.init, env, at.clone(), &mut |init| {
            let mut state = Some(init);
            self.each_binding(fold, env, at.value().clone(), &mut |env| {
                // as jq: the last value goes on; without one, `reduce` gives none
                if let Some(before) = state.take() {
                    self.many(&fold.update, env, before, &mut |value| {
                        state = Some(value);
                        Ok(())
                    })?;
                }
                Ok(())
            })?;
            state.map_or(Ok(()), &mut *out)
        })
    }

    pub(crate) fn foreach_many<C: Cursor<'v>>(
        &self,
        fold: &'v Fold,
        env: &Env<'_, 'v>,
        at: C,
        out: Out<'_, 'v, C>,
    ) -> Run<'v> {
        self.many(&fold.init, env, at.clone(), &mut |init| {
            let mut state = Some(init);
            self.each_binding(fold, env, at.value().clone(), &mut |env| {
                let Some(before) = state.take() else {
                    return Ok(());
                };
                self.many(&fold.update, env, before, &mut |value| {
                    state = Some(value.clone());
                    match &fold.project {
                        Some(project) => self.many(project, env, value, out),
                        None => out(value),
                    }
                })
            })
        })
    }
}
