//! Terms that give exactly one value: evaluated directly, without callbacks.

use crate::budget::{HEADER, LIST_ITEM};
use crate::eval::{Env, Machine, Run, Stop, local, object_key};
use crate::native::{Native, Run as NativeRun};
use crate::ops;
use crate::order::{compare, equal};
use crate::term::{Fold, Interpolation, Kind, Optional, Part, Pattern, Piece, Term};
use crate::value::{Type, Val};
use indexmap::IndexMap;
use jaq_core::ops::Cmp;

impl<'v> Machine<'v> {
    /// The value of a term that is `single`.
    pub(crate) fn one(&self, term: &'v Term, env: &Env<'_, 'v>, at: Val<'v>) -> Run<'v, Val<'v>> {
        self.budget().enter()?;
        let result = self.one_inner(term, env, at);
        self.budget().leave();
        result
    }

    pub(crate) fn one_inner(
        &self,
        mut term: &'v Term,
        env: &Env<'_, 'v>,
        mut at: Val<'v>,
    ) -> Run<'v, Val<'v>> {
        loop {
            match &term.kind {
                Kind::Identity => return Ok(at),
                Kind::Pipe(pair) => {
                    at = self.one(&pair.0, env, at)?;
                    term = &pair.1;
                }
                Kind::If(parts) => {
                    let condition = self.one(&parts.0, env, at.clone())?;
                    term = if condition.is_truthy() { &parts.1 } else { &parts.2 };
                }
                Kind::Literal(value) => return Ok(Val::from(value)),
                Kind::Local(up) => return Ok(local(env, *up)),
                Kind::Global(index) => return self.global(*index),
                Kind::Array(items) => return self.array(items.as_deref(), env, at),
                Kind::Path(head, parts) => return self.path_one(head, parts, env, at),
                Kind::Math(..) | Kind::Compare(..) => return self.binary_one(term, env, at),
                Kind::Object(members) => return self.object_one(members, env, at),
                Kind::Interpolate(parts) => return self.interpolate_one(parts, env, at),
                Kind::Native(native, args) => return self.native_one(native, args, env, at),
                _ => return self.other_one(term, env, at),
            }
        }
    }

    /// The rarer kinds, apart to keep the stack frame above small.
    #[inline(never)]
    pub(crate) fn other_one(&self, term: &'v Term, env: &Env<'_, 'v>, at: Val<'v>) -> Run<'v, Val<'v>> {
        match &term.kind {
            Kind::Negate(inner) => {
                let value = self.one(inner, env, at)?;
                self.negate(value)
            }
            Kind::And(pair) => {
                let both = self.one(&pair.0, env, at.clone())?.is_truthy()
                    && self.one(&pair.1, env, at)?.is_truthy();
                Ok(Val::Bool(both))
            }
            Kind::Or(pair) => {
                let either = self.one(&pair.0, env, at.clone())?.is_truthy()
                    || self.one(&pair.1, env, at)?.is_truthy();
                Ok(Val::Bool(either))
            }
            Kind::Alternative(pair) => {
                let value = self.one(&pair.0, env, at.clone())?;
                if value.is_truthy() {
                    return Ok(value);
                }
                self.one(&pair.1, env, at)
            }
            Kind::Bind(parts) => {
                let (source, pattern, body) = &**parts;
                let value = self.one(source, env, at.clone())?;
                if let Pattern::Variable = pattern {
                    return self.one(body, &Env::Variable(value, env), at);
                }
                let mut result = Val::Null;
                self.bind(pattern, env, (env, &at), value, &mut |env| {
                    result = self.one(body, env, at.clone())?;
                    Ok(())
                })?;
                Ok(result)
            }
            Kind::Try(body, Some(catch)) => match self.one(body, env, at) {
                Err(Stop::Raised(error)) => self.one(catch, env, error),
                other => other,
            },
            Kind::Reduce(fold) => self.reduce_one(fold, env, at),
            Kind::Call(call) => {
                let mut result = Val::Null;
                let definition = self.definition(call.definition);
                self.with_args(call, env, &at, &mut |env| {
                    result = self.one(&definition.body, env, at.clone())?;
                    Ok(())
                })?;
                Ok(result)
            }
            Kind::Update(..) | Kind::Assign(..) | Kind::UpdateMath(..) | Kind::UpdateAlternative(..) => {
                let mut result = Val::Null;
                self.assign(term, env, at, &mut |value| {
                    result = value;
                    Ok(())
                })?;
                Ok(result)
            }
            _ => unreachable!("this kind of term is never single"),
        }
    }

    pub(crate) fn array(&self, items: Option<&'v Term>, env: &Env<'_, 'v>, at: Val<'v>) -> Run<'v, Val<'v>> {
        self.budget().allocate(HEADER)?;
        let mut list = Vec::new();
        if let Some(items) = items {
            self.collect(items, env, at, &mut list)?;
        }
        Ok(Val::list(list)?)
    }

    pub(crate) fn collect(
        &self,
        term: &'v Term,
        env: &Env<'_, 'v>,
        at: Val<'v>,
        into: &mut Vec<Val<'v>>,
    ) -> Run<'v> {
        self.many(term, env, at, &mut |value| {
            self.budget().allocate(LIST_ITEM)?;
            into.push(value);
            Ok(())
        })
    }

    pub(crate) fn binary_one(&self, term: &'v Term, env: &Env<'_, 'v>, at: Val<'v>) -> Run<'v, Val<'v>> {
        match &term.kind {
            Kind::Math(op, pair) => {
                let left = self.one(&pair.0, env, at.clone())?;
                // `at` moves on, so that `left` may be the only one to hold a value, and grow in place
                let right = self.one(&pair.1, env, at)?;
                Ok(ops::math(*op, left, right, self.budget())?)
            }
            Kind::Compare(op, pair) => {
                let left = self.one(&pair.0, env, at.clone())?;
                let right = self.one(&pair.1, env, at)?;
                self.compare(*op, &left, &right)
            }
            _ => unreachable!("called for binary operators only"),
        }
    }

    pub(crate) fn compare(&self, op: Cmp, left: &Val<'v>, right: &Val<'v>) -> Run<'v, Val<'v>> {
        let budget = self.budget();
        Ok(Val::Bool(match op {
            Cmp::Eq => equal(left, right, budget)?,
            Cmp::Ne => !equal(left, right, budget)?,
            Cmp::Lt => compare(left, right, budget)?.is_lt(),
            Cmp::Le => compare(left, right, budget)?.is_le(),
            Cmp::Gt => compare(left, right, budget)?.is_gt(),
            Cmp::Ge => compare(left, right, budget)?.is_ge(),
        }))
    }

    pub(crate) fn negate(&self, value: Val<'v>) -> Run<'v, Val<'v>> {
        if value.kind() != Type::Number {
            let message = format!("cannot negate {}", value.kind().described());
            return Err(Stop::Raised(Val::text(&message, self.budget())?));
        }
        if let Val::Int(int) = value
            && let Some(negated) = int.checked_neg()
        {
            return Ok(Val::Int(negated));
        }
        Ok(Val::Float(-value.as_f64().unwrap_or(f64::NAN)))
    }

    pub(crate) fn object_one(
        &self,
        members: &'v [(Term, Term)],
        env: &Env<'_, 'v>,
        at: Val<'v>,
    ) -> Run<'v, Val<'v>> {
        self.budget().allocate_object(members.len())?;
        let mut object = IndexMap::with_capacity(members.len());
        for (key, value) in members {
            let key = self.one(key, env, at.clone()).and_then(object_key)?;
            object.insert(key, self.one(value, env, at.clone())?);
        }
        Ok(Val::object(object)?)
    }

    pub(crate) fn interpolate_one(
        &self,
        parts: &'v Interpolation,
        env: &Env<'_, 'v>,
        at: Val<'v>,
    ) -> Run<'v, Val<'v>> {
        let mut text = String::new();
        for piece in &parts.pieces {
            match piece {
                Piece::Text(literal) => self.append(&mut text, literal)?,
                Piece::Term(term) => {
                    let mut value = self.one(term, env, at.clone())?;
                    if let Some(format) = &parts.format {
                        value = self.one(format, env, value)?;
                    }
                    self.append_value(&mut text, &value)?;
                }
            }
        }
        Ok(Val::string(text))
    }

    pub(crate) fn append(&self, text: &mut String, piece: &str) -> Run<'v> {
        self.budget().allocate(piece.len().saturating_mul(3))?;
        text.push_str(piece);
        Ok(())
    }

    pub(crate) fn append_value(&self, text: &mut String, value: &Val<'v>) -> Run<'v> {
        match value {
            Val::Str(string) => self.append(text, string.as_str()),
            other => Ok(crate::json::write_into(text, other, self.budget())?),
        }
    }

    pub(crate) fn native_one(
        &self,
        native: &'static Native,
        args: &'v [Term],
        env: &Env<'_, 'v>,
        at: Val<'v>,
    ) -> Run<'v, Val<'v>> {
        let leaf = match native.run {
            NativeRun::Leaf(leaf) => leaf,
            NativeRun::Special(special) => {
                let mut result = Val::Null;
                self.special(special, args, env, at, &mut |value| {
                    result = value;
                    Ok(())
                })?;
                return Ok(result);
            }
        };
        let mut values = [Val::Null, Val::Null, Val::Null];
        for (value, arg) in values.iter_mut().zip(args) {
            *value = self.one(arg, env, at.clone())?;
        }
        Ok(leaf(&self.tools, at, &values[..args.len()])?)
    }

    pub(crate) fn reduce_one(&self, fold: &'v Fold, env: &Env<'_, 'v>, at: Val<'v>) -> Run<'v, Val<'v>> {
        let mut state = self.one(&fold.init, env, at.clone())?;
        self.each_binding(fold, env, at, &mut |env| {
            let before = std::mem::replace(&mut state, Val::Null);
            state = self.one(&fold.update, env, before)?;
            Ok(())
        })?;
        Ok(state)
    }

    /// Calls back with the pattern of a fold bound to each of its source's values.
    pub(crate) fn each_binding(
        &self,
        fold: &'v Fold,
        env: &Env<'_, 'v>,
        at: Val<'v>,
        with: &mut dyn FnMut(&Env<'_, 'v>) -> Run<'v>,
    ) -> Run<'v> {
        if let Pattern::Variable = fold.pattern {
            return self.many(&fold.source, env, at, &mut |value| {
                self.budget().step()?;
                with(&Env::Variable(value, env))
            });
        }
        self.many(&fold.source, env, at, &mut |value| {
            // keys in the pattern see the value that is taken apart
            let keys_at = value.clone();
            self.bind(&fold.pattern, env, (env, &keys_at), value, with)
        })
    }

    pub(crate) fn path_one(
        &self,
        head: &'v Term,
        parts: &'v [(Part, Optional)],
        env: &Env<'_, 'v>,
        at: Val<'v>,
    ) -> Run<'v, Val<'v>> {
        let mut value = match &head.kind {
            Kind::Identity => at.clone(),
            _ => self.one(head, env, at.clone())?,
        };
        for (part, _) in parts {
            self.budget().step()?;
            value = match part {
                Part::Index(index) => {
                    let index = match &index.kind {
                        Kind::Literal(literal) => Val::from(literal),
                        _ => self.one(index, env, at.clone())?,
                    };
                    ops::index(&value, &index, self.budget())?
                }
                Part::Slice(from, to) => {
                    let bound = |term: &'v Option<Term>| match term {
                        Some(term) => self.one(term, env, at.clone()).map(Some),
                        None => Ok(None),
                    };
                    let (from, to) = (bound(from)?, bound(to)?);
                    ops::slice(&value, from.as_ref(), to.as_ref(), self.budget())?
                }
                Part::Each => unreachable!("`[]` is never single"),
            };
        }
        Ok(value)
    }
}
